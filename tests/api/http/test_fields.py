"""The schemas of requests take and refuse what the commands that they are made of do."""

from collections.abc import Iterator
from typing import Any, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from api import deductions, orders, people, persons, policies, returns, scores, stock
from api.http.fields import Bounded, faults_in, schema_of
from api.http.writing import ROUTES
from ledger.common.bounds import MANY
from ledger.common.errors import InvalidValues
from ledger.core.commands import Command
from ledger.orders.placing import PlaceOrder
from tests.support.samples import Leaf, body, edges, inside, leaves, pointer, replaced
from tests.support.thorough import THOROUGH, tried

GROUPS = [module.group for module in (
    deductions, orders, people, persons, policies, returns, scores, stock)]
COMMANDS = sorted({route.command for route in ROUTES}, key=lambda cls: cls.NAME)

BOUNDS = {"not_text", "empty", "too_long", "nul", "surrogate", "invisible", "full_width",
          "not_integer", "out_of_range", "unknown", "too_few", "too_many", "too_fine",
          "not_decimal",
          "not_day", "not_month", "not_time", "not_member", "not_person", "not_actor",
          "not_sha256", "not_subject", "not_currency", "naive_time"}
"""Codes of faults of single fields; others are those of rules between fields."""

PRICES = ("unit_price", "amount_minor")
"""May be below 0 in a line that is a fee, and in no other: a rule between fields."""


def refused_by_schema(command: type[Command], told: Any) -> list[str]:
    """The pointers of what the schema does not take."""
    try:
        schema_of(command)().load(told)
    except ValidationError as error:
        return [fault.where for fault in faults_in(error.messages)]
    return []


def refused_by_command(command: type[Command], told: Any, leaf: Leaf) -> bool:
    """Whether the command does not take the value of a leaf."""
    try:
        msgspec.convert(told, command)
    except InvalidValues as error:
        codes = {"too_few", "too_many"} if get_origin(leaf.kind) is list else BOUNDS
        return any(fault.where == pointer(leaf.path) and fault.code in codes
                   for fault in error.faults)
    except msgspec.ValidationError:
        return True
    return False


def agree(command: type[Command], leaf: Leaf, value: Any) -> None:
    """Schema and command say the same of a value."""
    told = replaced(body(command), leaf.path, value)
    by_schema = [where for where in refused_by_schema(command, told)
                 if where.startswith(pointer(leaf.path))]
    if leaf.path[-1] in PRICES and "lines" in leaf.path and not by_schema:
        told["lines"][0]["fee"] = True
    assert bool(by_schema) == refused_by_command(command, told, leaf), (leaf, value, by_schema)


def bounded(command: type[Command]) -> Iterator[Leaf]:
    """The leaves that have bounds that can be tried."""
    found = (leaf for leaf in leaves(command) if leaf.bounds and "occurred_at" not in leaf.path)
    seen: set[tuple[Any, ...]] = set()  # a policy bounds some fields in many places, all alike
    for leaf in found:
        kind = (leaf.path[-1], repr(leaf.bounds))
        if "policy" not in leaf.path or kind not in seen:
            seen.add(kind)
            yield leaf


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_schema__takes_the_sample(command: type[Command]) -> None:
    assert refused_by_schema(command, body(command)) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_schema__takes_and_refuses_at_the_edges_what_the_command_does(
    command: type[Command]
) -> None:
    whole = body(command)
    for number, leaf in enumerate(bounded(command)):
        if "policy" in leaf.path and number % 5 and not THOROUGH:
            continue  # each value has a whole policy read, twice
        for value in edges(leaf, inside(whole, leaf.path)):
            if not (isinstance(value, list) and len(value) >= MANY and "policy" in leaf.path):
                agree(command, leaf, value)  # 5,000 rules and the like would take minutes


@settings(max_examples=tried(400))
@given(st.data())
def test_schema__takes_and_refuses_anything_as_the_command_does(data: st.DataObject) -> None:
    command = data.draw(st.sampled_from(COMMANDS))
    leaf = data.draw(st.sampled_from(list(bounded(command))))
    agree(command, leaf, data.draw(st.one_of(
        st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False), st.lists(st.none()))))


def test_list__rejected_for_its_size_before_its_items_are_looked_at(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[Any] = []
    monkeypatch.setattr(Bounded, "_deserialize",
                        lambda self, value, *_, **__: looked_at.append(value) or value)
    whole = {**body(PlaceOrder), "gifts": ["a", -777] * MANY}
    assert refused_by_schema(PlaceOrder, whole) == ["/gifts"]
    assert -777 not in looked_at
