"""The hash of a request: the same however it is spelled, another once anything in it is another."""

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.application import Ledger
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.writing.genesis import begun
from ledger.writing.requests import command_id, request_hash
from tests.support.builders import place
from tests.support.samples import Path, fitting, holds, inside, leaves, pointer, replaced

COMMANDS = sorted(HANDLERS, key=lambda cls: cls.NAME)
EAST = timezone(timedelta(hours=8))


def mac(purpose: str, data: bytes) -> bytes:
    """What is hashed, open to be looked at."""
    return purpose.encode() + data


def hashed(command: Command, *filled: str) -> bytes:
    return request_hash(mac, command, filled)


def spelled_out(value: Any) -> Any:
    """A value with each default written out, the fields from last to first, times in the east."""
    if isinstance(value, msgspec.Struct):
        return {field.encode_name: spelled_out(getattr(value, field.name))
                for field in reversed(msgspec.structs.fields(value))}
    if isinstance(value, list):
        return [spelled_out(inner) for inner in value]
    if isinstance(value, dict):
        return {name: spelled_out(inner) for name, inner in reversed(value.items())}
    return value.astimezone(EAST).isoformat() if isinstance(value, datetime) else value


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case "2026-09-30":
            return "2026-10-01"
        case "2026-09-30T12:00:00Z":
            return "2026-09-30T12:00:00.000001Z"
        case str():
            return f"{value}1"
        case list():
            return [*value, *value]
        case _:
            return {f"{name}1": inner for name, inner in value.items()}


def changed(command: Command, whole: dict[str, Any]) -> Iterator[tuple[Path, Command]]:
    """The command with one value changed at a time, whether or not a rule would take it."""
    kinds = {field.encode_name: field for field in msgspec.structs.fields(command)}
    for leaf in leaves(type(command)):
        if not holds(whole, leaf.path):
            continue
        field = kinds[str(leaf.path[0])]
        body = replaced(whole, leaf.path, _other(inside(whole, leaf.path)))
        found = copy.copy(command)
        value = msgspec.convert(body[field.encode_name], field.type)
        msgspec.structs.force_setattr(found, field.name, value)
        yield leaf.path, found


@pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.NAME)
def test_request__is_the_same_spelled_otherwise_and_no_other(cls: type[Command]) -> None:
    whole = fitting(cls)
    command = msgspec.convert(whole, cls)
    own = hashed(command)
    shortest = msgspec.json.encode(command)
    longest = msgspec.json.format(msgspec.json.encode(spelled_out(command)), indent=3)
    assert hashed(msgspec.json.decode(shortest, type=cls)) == own
    assert hashed(msgspec.json.decode(longest, type=cls)) == own
    seen = {own: ""}
    for path, other in changed(command, whole):
        if path[0] in cls.PERSONAL:
            assert hashed(other) == own, pointer(path)
        else:
            assert hashed(other) not in seen, (pointer(path), seen[hashed(other)])
            seen[hashed(other)] = pointer(path)


def test_request__of_another_command_is_another() -> None:
    """Two commands of the same fields: only the name says which it is."""

    class Other(type(place()), frozen=True, kw_only=True):  # type: ignore[misc]
        NAME = "order.place_elsewhere"

    same = msgspec.convert(msgspec.to_builtins(place()), Other)
    assert hashed(same) != hashed(place())


def test_request__is_the_same_in_another_spelling_of_a_value() -> None:
    """As the ledger takes it: with blanks around it, or a letter that is composed otherwise."""
    for one, other in ((" 1", "1"), ("1\u3000", "1"), ("e\u0301", "\xe9"), ("\xa0é ", "e\u0301")):
        told = [msgspec.structs.replace(place(), shop=shop) for shop in (one, other)]
        assert hashed(told[0]) == hashed(told[1]) != hashed(place())
    assert hashed(msgspec.structs.replace(place(), shop="a b")) != hashed(
        msgspec.structs.replace(place(), shop="ab"))


def test_request__covers_what_its_client_named_only() -> None:
    early, late = (place(occurred_at=datetime(2026, 9, day, tzinfo=EAST)) for day in (1, 2))
    assert hashed(early, "occurred_at") == hashed(late, "occurred_at") != hashed(early)
    one, other = (place(recipient=name) for name in ("欧阳若雪", "张三"))
    assert hashed(one) == hashed(other) != hashed(place())
    assert b"/recipient" in hashed(one)
    assert "欧阳若雪".encode() not in hashed(one)


def test_request__of_every_personal_field_is_sealed_under_its_name() -> None:
    """A command's personal fields are those that its events have, so that they can be compared."""
    sealed = {name for cls in COMMANDS for name in cls.PERSONAL}
    assert sealed == {"account", "recipient", "phone", "address", "buyer_remark", "remark", "name",
                      "contact", "note", "reason", "consent", "cause", "attachments"}
    for cls in COMMANDS:
        whole = {field.encode_name for field in msgspec.structs.fields(cls)}
        assert set(cls.PERSONAL) <= whole, cls.NAME
        # A name may be a warehouse's; docs/personal-data.md says which reasons are sealed.
        always = sealed - {"name", "note", "reason", "cause"}
        assert bool(cls.PERSONAL) >= bool(whole & always), cls.NAME


def test_command_id__is_of_a_ledger_an_actor_and_a_key(store: Store, keys: Keys) -> None:
    ids = set()
    for name in ("main", "other"):
        ledger = Ledger(store, begun(store, keys, name), name=name)
        for actor, key in (("member:1", "a"), ("member:2", "a"), ("member:1", "b"),
                           ("member:1a", ""), ("member:", "1a")):
            found = command_id(ledger.id, actor, key)
            assert found == command_id(ledger.id, actor, key)
            assert (found.version, found.variant) == (8, UUID(int=0x8 << 60).variant)
            ids.add(found)
        ledger.close()
    assert len(ids) == 10
