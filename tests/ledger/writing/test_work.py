"""Persons: made when a command that seals something for them is accepted, and not before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.common.errors import InvalidValues
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.persons import Keys
from ledger.log.store import StorageFailed, Store
from ledger.writing.genesis import begun
from tests.support.batches import outcomes
from tests.support.envelopes import CONTEXT, context, named
from tests.support.jars import adding, filling, name_of, noting, opening
from tests.support.soundness import changes, must_be_sound

OWNER = "欧阳若雪"


def persons(keys: Keys) -> int:
    """How many persons have a key."""
    with keys.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM persons").scalar() or 0)


NOBODY: dict[str, tuple[Command, Context]] = {
    "refused by a rule": (opening(2, owner=OWNER, coins=101), CONTEXT),
    "refused since it is known": (opening(1, owner=OWNER), named()),
    "refused for what is unknown": (noting("jar:9", note="一"), CONTEXT),
    "dated in the future": (
        opening(2, owner=OWNER, occurred_at=datetime.now(UTC) + timedelta(days=1)), CONTEXT),
    "too large an event": (
        opening(2, owner=OWNER), context(subjects=(f"case:{'x' * 1000}",))),
    "nothing changed": (filling(1, owner=OWNER), named(2)),
}


@pytest.mark.parametrize("kind", NOBODY)
def test_person__ignored_where_nothing_of_theirs_is_recorded(
    ledger: Ledger, store: Store, keys: Keys, kind: str
) -> None:
    """Whoever tries names leaves none of them among the keys."""
    ledger.handle(filling(1), CONTEXT)
    command, who = NOBODY[kind]
    ledger.handle_many([(command, who)])
    assert (persons(keys), len(changes(store))) == (0, 4)
    with pytest.raises(InvalidValues):
        ledger.handle(opening(2, owner="a\0b"), CONTEXT)
    refused, fine = ledger.handle_many([
        (opening(1, owner=OWNER), CONTEXT), (opening(2, owner="张三"), CONTEXT)])
    assert (type(refused) is Receipt, type(fine) is Receipt) == (False, True)
    assert persons(keys) == 1


def test_person__ignored_by_a_preview(ledger: Ledger, keys: Keys) -> None:
    assert ledger.preview([(opening(owner=OWNER), CONTEXT)]) == [1]
    assert persons(keys) == 0


def test_person__made_once_for_a_batch(ledger: Ledger, store: Store, keys: Keys) -> None:
    results = outcomes(ledger, opening(1, owner=OWNER), opening(1, owner="李四"),
                       opening(2, owner=OWNER), opening(3, owner="张三"))
    assert [type(result) is Receipt for result in results] == [True, False, True, True]
    assert persons(keys) == 2
    assert owners(ledger, store) == [OWNER, OWNER, "张三"]


def owners(ledger: Ledger, store: Store) -> list[str | None]:
    """Whose jars there are, as a ledger that is opened later reads them."""
    found = []
    must_be_sound(store)
    for row in changes(store):
        fact = event_types.decode(row)
        if fact.owner is not None:
            found.append(ledger.keys.reveal(fact.owner, row.stream, row.version, "/owner"))
    return found


def test_person__rejected_alone_when_no_key_can_be_written(
    ledger: Ledger, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys can be read but not written: who needs no new key is served."""

    def full(*_: Any) -> None:
        raise StorageFailed(why="the disk is full")

    ledger.handle(opening(0, owner=OWNER), CONTEXT)
    with monkeypatch.context() as broken:
        broken.setattr(ledger.keys, "make", full)
        results = outcomes(ledger, opening(1), opening(2, owner="李四"),
                           opening(3, owner=OWNER), adding(1))
    assert [type(result) for result in results] == [Receipt, StorageFailed, Receipt, Receipt]
    assert persons(keys) == 1
    assert ledger.handle(opening(2, owner="李四"), CONTEXT).versions[name_of(2)] == 1


def test_person__is_that_of_a_faster_process(
    ledger: Ledger, store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process met the same buyer after this one had looked: both have one key."""
    other = Ledger(store, begun(store, keys), handlers=ledger._handlers)
    find = ledger.keys.find

    def late(lookups: list[str]) -> Any:
        found = find(lookups)
        monkeypatch.undo()
        other.handle(opening(1, owner=OWNER), CONTEXT)
        return found

    monkeypatch.setattr(ledger.keys, "find", late)
    ledger.handle(opening(2, owner=OWNER), CONTEXT)
    assert persons(keys) == 1
    assert owners(ledger, store) == owners(other, store) == [OWNER, OWNER]
    other.close()
