"""The base of aggregates: what is decided, what is read back and what the library replays agree."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from eventsourcing.domain import OriginatorIDError, OriginatorVersionError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.personal import Person, Plain
from ledger.core import event_types
from ledger.core.aggregate import OutOfOrder, StaleVersion
from ledger.core.clock import ClockLog
from ledger.core.commands import Command
from ledger.log.envelope import Entry
from ledger.log.store import Store
from tests.support.envelopes import CONTEXT, NOON
from tests.support.jars import Jar, adding, filling, name_of, noting, opening, sealing, taking
from tests.support.replays import check_clone, check_payloads, check_replay, run
from tests.support.thorough import tried

fast = hypothesis_settings(max_examples=tried(100), deadline=None,
                           suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = itertools.count()
COINS = st.sampled_from([0, 1, 50, 100])
TIME = st.integers(0, 60 * 24 * 30).map(lambda minutes: NOON + timedelta(minutes=minutes))
NAME = st.sampled_from(["张三", "李四"])


def on_jar(number: int) -> st.SearchStrategy[Command]:
    """Any command on one jar, sensible or not."""
    name = st.just(number)
    return st.one_of(
        st.builds(opening, name, occurred_at=TIME, owner=NAME, coins=COINS),
        st.builds(filling, name, occurred_at=TIME, owner=NAME),
        st.builds(adding, name, COINS, occurred_at=TIME),
        st.builds(taking, name, COINS, occurred_at=TIME),
        st.builds(noting, name, NAME),
        st.builds(sealing, name, NAME))


@given(data=st.data())
@fast
def test_replay__accepted_as_equal_to_what_was_decided(
    ledger: Ledger, store: Store, data: st.DataObject
) -> None:
    number = next(NUMBERS)
    commands = data.draw(st.lists(on_jar(number), min_size=1, max_size=12))
    run(ledger, [opening(number), *commands])
    check_replay(ledger, store, Jar, name_of(number))


@given(data=st.data())
@fast
def test_clone__ignored_by_the_aggregate_it_was_made_of(
    ledger: Ledger, data: st.DataObject
) -> None:
    """A command that is thrown away leaves no trace."""
    number = next(NUMBERS)
    some = st.lists(on_jar(number), max_size=6)
    run(ledger, [opening(number), *data.draw(some)])
    check_clone(ledger, Jar, name_of(number), data.draw(some), data.draw(some))


@given(data=st.data())
@fast
def test_payload__accepted_as_json_of_texts_and_whole_numbers(
    ledger: Ledger, store: Store, data: st.DataObject
) -> None:
    number = next(NUMBERS)
    run(ledger, data.draw(st.lists(on_jar(number), max_size=8)))
    check_payloads(store, name_of(number))


def test_event__accepted_with_fields_that_a_later_version_added(
    ledger: Ledger, store: Store
) -> None:
    ledger.handle(opening(), CONTEXT)
    (entry,) = store.read("main", after=1)
    later = entry._replace(payload=entry.payload[:-1] + b',"invented_later":{"a":[1]}}')
    assert event_types.decode(later).mutate(None) == event_types.decode(entry).mutate(None)


@pytest.mark.parametrize(("changes", "error"), [
    ({"stream": name_of(2)}, OriginatorIDError), ({"version": 3}, OriginatorVersionError),
    ({"version": 1}, OriginatorVersionError),
])
def test_event__rejected_where_it_does_not_follow(
    ledger: Ledger, store: Store, changes: dict[str, Any], error: type[Exception]
) -> None:
    ledger.handle(opening(), CONTEXT)
    ledger.handle(adding(), CONTEXT)
    opened, added = store.read("main", after=1)
    jar = event_types.decode(opened).mutate(None)
    wrong: Entry = added._replace(**changes)
    with pytest.raises(error):
        event_types.decode(wrong).mutate(jar)
    assert jar == event_types.decode(opened).mutate(None)


def test_event__rejected_when_nobody_knows_its_type(ledger: Ledger, store: Store) -> None:
    """R-LOG-01. No name in a row ever imports a module."""
    ledger.handle(opening(), CONTEXT)
    (entry,) = store.read("main", after=1)
    for name in ("jar.opened.v9", "os:system", "tests.support.jars:Jar.Opened", ""):
        with pytest.raises(event_types.UnknownEventType):
            event_types.decode(entry._replace(type=name))


def test_blank__accepted_at_version_0() -> None:
    jar = Jar.blank(name_of())
    assert (jar.id, jar.version, jar.pending_events) == (name_of(), 0, [])
    assert jar == Jar.blank(name_of()) != Jar.blank(name_of(2))
    assert jar != ClockLog.blank(name_of())


def test_mutator__rejected_when_nothing_can_seal_its_values() -> None:
    with pytest.raises(AssertionError, match="nothing here seals"):
        Jar.blank(name_of())._noted(
            note=Plain(Person("person:1", b"key"), "x"), occurred_at=NOON)


def test_must_follow__rejected_before_the_latest_fact() -> None:
    jar = Jar.blank(name_of())
    jar.must_follow(NOON - timedelta(days=9000))
    jar._opened(shelf="A", opened_at=NOON, coins=0, owner=None, occurred_at=NOON)
    jar._coins_added(coins=1, occurred_at=NOON - timedelta(days=1))
    jar.must_follow(NOON)
    with pytest.raises(OutOfOrder, match="is before"):
        jar.must_follow(NOON - timedelta(microseconds=1))


def test_must_be_at__rejected_at_another_version() -> None:
    jar = Jar.blank(name_of())
    for version in (None, 0):
        jar.must_be_at(version)
    with pytest.raises(StaleVersion, match="at version 0, not 1"):
        jar.must_be_at(1)
