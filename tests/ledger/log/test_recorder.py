"""The `eventsourcing` library's own recorder cases, on each store, and what they leave out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
)
from eventsourcing.tests import persistence as cases

from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.envelope import leaf_hash
from ledger.log.recorder import LogRecorder
from ledger.log.sqlite import SqliteStore
from ledger.log.store import Store
from tests.conftest import on_sqlite
from tests.support.builders import context
from tests.support.envelopes import made
from tests.support.waiting import eventually, in_thread


class _Fresh:
    """Makes recorders of fresh ledgers on the store of the test."""

    store: Store

    def new_originator_id(self) -> str:
        return str(uuid4())

    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.store, made(self.store, uuid4().hex))


class _Aggregates(LogRecorder):
    """The library wants no positions from a recorder of aggregates alone."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


def run(case: type[Any], name: str, store: Store) -> None:
    """One of the library's tests; a `TestCase` cannot take the store as a fixture."""
    test = case(name)
    test.store = store
    getattr(test, name)()


class AggregateCase(_Fresh, cases.AggregateRecorderTestCase):
    """Versions of one stream."""

    __test__ = False

    def create_recorder(self) -> LogRecorder:
        return _Aggregates(self.store, made(self.store, uuid4().hex))


class ApplicationCase(_Fresh, cases.ApplicationRecorderTestCase[LogRecorder]):
    """Positions over all streams."""

    __test__ = False


class NonInterleavingCase(_Fresh, cases.NonInterleavingNotificationIDsBaseCase):
    """Two writers at once."""

    __test__ = False


TIMINGS = {"test_performance", "test_concurrent_throughput"}
"""They print rates and prove nothing."""

CASES = [
    (case, name)
    for case in (AggregateCase, ApplicationCase, NonInterleavingCase)
    for name in dir(case)
    if name.startswith("test") and name not in TIMINGS
] + [(ApplicationCase, "optional_test_insert_subscribe")]


@pytest.mark.parametrize(("case", "name"), CASES, ids=[f"{c.__name__}-{n}" for c, n in CASES])
def test_shipped_case__accepted(store: Store, case: type[Any], name: str) -> None:
    run(case, name, store)


def test_shipped_cases__accepted_are_all_but_the_timings() -> None:
    """An update of the library that brings a case brings it here."""
    assert sorted(name for _, name in CASES) == sorted([
        "test_insert_and_select", "test_insert_select", "test_concurrent_no_conflicts", "test",
        "optional_test_insert_subscribe"])


def stored(number: int, version: int = 1) -> StoredEvent:
    """One event of the library."""
    return StoredEvent(f"s{number}", version, f"topic{number % 2}", b"\x00\xff not JSON")


def test_insert_events__accepted_with_a_context(store: Store) -> None:
    who = context(actor="member:7f3a", role="service", client="key:01", command_id=UUID(int=7),
                  correlation=UUID(int=8), causation=3, subjects=("sku:A",), source={"row": 1})
    recorder = LogRecorder(store, made(store))
    assert recorder.insert_events([stored(1), stored(2)], context=who) == [1, 2]
    first, second = store.read("main")
    assert first[11:18] == ("member:7f3a", "service", "key:01", UUID(int=8).bytes, 3,
                            '["s1","sku:A"]', '{"row":1}')
    assert (first.command_id, first.command_seq) == (UUID(int=7).bytes, 1)
    assert (second.command_id, second.command_seq) == (UUID(int=7).bytes, 2)
    assert (first.type, first.payload) == ("topic1", b"\x00\xff not JSON")
    assert all(leaf_hash(entry) == entry.leaf_hash for entry in (first, second))


def test_insert_events__conflict_when_the_command_is_recorded(store: Store) -> None:
    recorder = LogRecorder(store, made(store))
    recorder.insert_events([stored(1)], context=context(command_id=UUID(int=7)))
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(2)], context=context(command_id=UUID(int=7)))
    assert recorder.max_notification_id() == 1


@on_sqlite
def test_insert_events__rejected_when_the_store_fails(store: SqliteStore) -> None:
    reader = SqliteStore(store.path, read_only=True, kinds=ACCOUNT_KINDS)
    with pytest.raises(OperationalError, match="readonly"):
        LogRecorder(reader, made(store)).insert_events([stored(1)])
    reader.close()


def test_select_notifications__accepted_when_few_match(store: Store) -> None:
    recorder = LogRecorder(store, made(store))
    recorder.insert_events([stored(2 * n) for n in range(1200)] + [stored(1), stored(3)])
    found = recorder.select_notifications(None, 1, topics=["topic1"])
    assert [n.id for n in found] == [1201]
    assert recorder.select_notifications(None, 9, stop=1201, topics=["topic1"]) == found
    assert len(recorder.select_notifications(None, 1300)) == 1202
    assert recorder.select_notifications(5, 0) == []


def test_subscribe__accepted_for_what_others_record(store: Store) -> None:
    """Another recorder stands for another process: only a look finds its events."""
    mine, other = LogRecorder(store, made(store)), LogRecorder(store, made(store))
    with mine.subscribe(topics=["topic1"]) as subscription:
        waiting = in_thread(lambda: next(subscription))
        other.insert_events([stored(2), stored(1)])
        waiting.join()
        assert waiting.result.id == 2
        with pytest.raises(ProgrammingError):
            subscription.__enter__()


def test_subscribe__ignored_when_stopped_while_it_waits(store: Store) -> None:
    recorder = LogRecorder(store, made(store))
    seen: list[int] = []
    subscription = recorder.subscribe()
    waiting = in_thread(lambda: seen.extend(n.id for n in subscription))
    recorder.insert_events([stored(1)])
    eventually(lambda: seen == [1])
    subscription.stop()
    waiting.join()
    assert recorder.listeners == set()
