"""Commands of one batch: each gives what it would give alone, after the ones before it."""

import re
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import InvalidValues, LedgerError, Refused
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.writing.genesis import begun
from tests.support import source
from tests.support.builders import CONTEXT, pay, remark, stream
from tests.support.jars import HANDLERS as JARS
from tests.support.jars import ShakeJars
from tests.support.pairs import (
    IDS,
    NAMED,
    TEMPLATES,
    context_of,
    logged,
    set_up,
    shown,
    with_ids,
)
from tests.support.samples import fitting
from tests.support.soundness import must_be_sound
from tests.support.team import CHEN, propose
from tests.support.thorough import tried

NUMBERS = count()

some_ids = st.fixed_dictionaries({}, optional={
    name: st.sampled_from([*IDS.values()]) for name in sorted(NAMED)})
some_command = st.tuples(st.sampled_from(TEMPLATES), st.just({}) | some_ids)


def opened(store: Store, keys: Keys, name: str) -> Ledger:
    """A new ledger of a store, with a shop in it."""
    ledger = Ledger(store, begun(store, keys, name), name=name)
    set_up(ledger)
    return ledger


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tried(60))
@given(st.lists(some_command, min_size=2, max_size=3))
def test_pairs__give_what_they_give_one_after_the_other(
    store: Store, keys: Keys, drawn: list[Any]
) -> None:
    """Refusals go on record after their batch, so they stand elsewhere; all else is the same."""
    items = [(with_ids(command, ids), context_of(actor)) for (actor, command), ids in drawn]
    number = next(NUMBERS)
    together, apart = (opened(store, keys, f"{how}-{number}") for how in ("together", "apart"))
    found = together.handle_many(items)
    alone: list[Receipt | LedgerError] = []
    for item in items:
        alone += apart.handle_many([item])
    together.close()
    apart.close()
    assert shown(found) == shown(alone)
    assert logged(store, together.name)[1:] == logged(store, apart.name)[1:]
    must_be_sound(store, together.name)


def ids_of(command: type[Command]) -> list[str]:
    """The fields of a command that take the name of a stream."""
    return [field.name for field in msgspec.structs.fields(command) if field.name in NAMED]


TAKE_IDS = sorted(((command, field) for command in HANDLERS for field in ids_of(command)),
                  key=lambda pair: (pair[0].NAME, pair[1]))


def test_pairs__know_every_field_that_takes_a_name() -> None:
    annotated = {found for path in source.python_files("ledger")
                 for found in re.findall(r"^    (\w+): .*\bStream\b", source.text(path), re.M)}
    # Whatever holds something of a person may be named, and what holds nothing finds nobody.
    # A document of stock is of several kinds, and a name of any other is not even taken.
    assert annotated == {*NAMED, "found_in", "document"}
    assert len(TAKE_IDS) > 40


def test_pairs__refused_when_the_name_is_another_kinds(store: Store, keys: Keys) -> None:
    """Every command that takes a name, with a name of every other kind: it is refused as unknown,
    and whoever is right about that name, in the same batch, does not notice."""
    ledger = opened(store, keys, "main")
    before = len(store.read("main"))
    for command, field in TAKE_IDS:
        kind = {"renews": "deduction", "merged_with": "order"}.get(field, field)
        others = [name for name in IDS.values() if not name.startswith(f"{kind}:")]
        body = {**fitting(command), "expected_version": None}
        fields = {one.encode_name for one in msgspec.structs.fields(command)}
        items: list[Any] = []
        for name in others:
            made = {key: value for key, value in {**body, field: name}.items() if key in fields}
            items.append((msgspec.convert(made, command), context_of(CHEN)))
        found = ledger.preview([*items, (pay(amount_minor=1, reference="P2"), CONTEXT)])
        assert found.pop() == 2, (command.NAME, field)  # it is too much, which is said
        for name, result in zip(others, found, strict=True):
            assert isinstance(result, Refused), (command.NAME, field, name, result)
    assert len(store.read("main")) == before
    ledger.close()


@pytest.mark.parametrize("name", sorted(IDS))
def test_pairs__accepted_beside_a_wrong_name(store: Store, keys: Keys, name: str) -> None:
    """What was seen: the id of an order, sent as that of a case, undid other people's payments."""
    ledger = opened(store, keys, "main")
    (_, authorise), = [pair for pair in TEMPLATES if pair[1].NAME == "case.authorise"]
    wrong = with_ids(authorise, {"case": IDS[name]})
    for _ in range(2):  # again, since a wrong name must not stay in the cache either
        _, right, second = ledger.handle_many([
            (wrong, CONTEXT), (pay(amount_minor=1, reference="P2"), CONTEXT), (remark(), CONTEXT)])
        assert isinstance(right, Receipt)
        assert isinstance(second, Receipt)
    ledger.close()


def test_pairs__see_the_events_of_the_ones_before(store: Store, keys: Keys) -> None:
    """Evidence may be what the same batch records, as it may be what was recorded just before."""
    ledger = opened(store, keys, "main")
    head = ledger.head().position
    items = [(pay(amount_minor=1, reference="P2"), context_of(CHEN)),
             (propose("7", code="R3", evidence=[head + 1], day="2026-09-01"), context_of(CHEN)),
             (propose("8", code="R1", evidence=[head + 4], day="2026-09-01"), context_of(CHEN))]
    paid, shown_by_it, beyond = ledger.handle_many(items)
    assert isinstance(paid, Receipt)
    assert isinstance(shown_by_it, Receipt)
    assert isinstance(beyond, LedgerError)
    assert beyond.code == "no_such_evidence"
    later = propose("9", code="R1", evidence=[ledger.head().position + 1], day="2026-09-01")
    again = (pay(amount_minor=1, reference="P3"), context_of(CHEN))
    assert ledger.preview([again, (later, context_of(CHEN))]) == [1, 1]
    ledger.close()


def test_pairs__ignore_what_a_refused_command_would_have_taken(store: Store, keys: Keys) -> None:
    """A command that cannot be written down takes no `once` from the next one."""
    ledger = Ledger(store, begun(store, keys), handlers=JARS)
    refused, taken, again = ledger.handle_many([
        (ShakeJars(once=("a",), fault="nul"), CONTEXT), (ShakeJars(once=("a",)), CONTEXT),
        (ShakeJars(once=("a",)), CONTEXT)])
    assert isinstance(refused, InvalidValues)
    assert isinstance(taken, Receipt)
    assert isinstance(again, LedgerError)
    assert (again.code, again.details["position"]) == ("once_taken", 2)
    ledger.close()


def test_handle__rejected_when_a_handler_takes_a_name_for_another_kinds(
    store: Store, keys: Keys
) -> None:
    """A handler that did not look would record an event in somebody else's stream."""
    ledger = Ledger(store, begun(store, keys), handlers=JARS)
    with pytest.raises(AssertionError, match="took order:.* for a jar"):
        ledger.handle(ShakeJars(jars=(stream(),)), CONTEXT)
    assert ledger.head().position == 1
    ledger.close()
