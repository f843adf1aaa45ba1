"""Read models follow the log, are rebuilt from it, stop at what they cannot fold, and say so."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Table

from ledger.application import Ledger
from ledger.log.backup import backup_log, restore_log
from ledger.log.envelope import Entry, Outline
from ledger.log.sqlite import SqliteStore
from ledger.log.store import EventMissing, StorageFailed, Store
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections.asking.clocks import Cut
from projections.asking.past import past_of
from projections.audit.timeline import Timeline
from projections.catalogue import PROJECTIONS
from projections.orders.book import OrderBook
from projections.store.folding import Fact
from projections.store.models import ReadModels, ReadModelsUnready, UnknownProjection
from projections.store.rows import Change, Rows
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support.builders import NOON, entry, place, record, write
from tests.support.postgres_server import Server
from tests.support.projecting import histories, put, tell, try_all
from tests.support.replacing import replaced
from tests.support.thorough import tried


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def digests(models: ReadModels, ledger: str = "main") -> list[str]:
    """The digest of every projection."""
    return [models.digest(ledger, name) for name in models.names()]


def at_head(models: ReadModels, ledger: str = "main") -> bool:
    """Whether every projection is at the head, without an error."""
    return all(s.lag == 0 and s.error is None for s in models.status(ledger))


class Fragile(Timeline):
    """A projection that cannot fold an event of a type until it is mended."""

    name = "fragile"
    tables: Sequence[Table] = ()  # type: ignore[assignment]

    def __init__(self, breaks: Callable[[Outline], bool]) -> None:
        self.breaks = breaks
        self.folded: list[int] = []

    def load(self, rows: Any, ledger: str, entries: Any, *, days: Any) -> Any:
        return []

    def fold(self, state: Any, facts: Any) -> None:
        for one, _ in facts:
            if self.breaks(one):
                raise RuntimeError(f"a secret of {one.stream}")
            state.append(one.position)

    def changes(self, state: Any) -> Iterator[Change]:
        self.folded += state
        return iter(())


# -- following ----------------------------------------------------------------------------------


def test_catch_up__follows_the_log(ledger: Ledger, models: ReadModels) -> None:
    assert models.catch_up("main")[0].position == 1
    put(ledger, place(1), record(2))
    assert not at_head(models)
    models.catch_up("main")
    assert at_head(models)
    put(ledger, record(1))
    models.catch_up("main")
    assert at_head(models)
    assert models.compare_with_rebuild("main") == []


def test_catch_up__does_nothing_twice(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    before = digests(models)
    models.catch_up("main")
    assert digests(models) == before


def test_catch_up__tells_how_far_it_is(ledger: Ledger, store: Store) -> None:
    put(ledger, *(record(n) for n in range(3)))
    models, told = ReadModels(store, PROJECTIONS, batch=5), []
    models.catch_up("main", lambda done, total: told.append((done, total)))
    assert sorted(set(told)) == [(0, 13), (5, 13), (10, 13), (13, 13)]
    models.close()


def test_ledgers__do_not_mix(store: Store, ledger: Ledger, models: ReadModels) -> None:
    other = Ledger(store, begun(store, ledger.keys._keys, "other"), name="other")
    put(ledger, record(1))
    put(other, record(1), record(2))
    for name in ("main", "other"):
        models.catch_up(name)
        assert models.compare_with_rebuild(name) == []
    before = digests(models, "other")
    put(ledger, record(2), record(3))
    models.catch_up("main")
    models.rebuild("main")
    assert digests(models, "other") == before
    assert at_head(models, "main")
    other.close()


@hypothesis_settings(max_examples=tried(30), deadline=None)
@given(history=histories, batches=st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_rows__are_the_same_however_the_log_is_cut(history: Any, batches: list[int]) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS)
    for number, item in enumerate(history):
        try_all(opened.ledger, [item])
        models.batch = batches[number % len(batches)]
        if number % 3 == 0:
            models.catch_up("main")
    models.catch_up("main")
    live = digests(models)
    assert models.compare_with_rebuild("main") == []
    for models.batch in (3, 1000):
        models.rebuild("main")
        assert digests(models) == live
    models.close()
    opened.close()


# -- several projectors -------------------------------------------------------------------------


def test_projectors__two_in_threads_are_harmless(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(record(n) for n in range(40)))
    models.batch = 7
    _together(*[lambda: models.catch_up("main")] * 4)
    assert at_head(models)
    assert models.compare_with_rebuild("main") == []


@durable
def test_projectors__two_processes_are_harmless(ledger: Ledger, settings: Settings) -> None:
    put(ledger, *(record(n) for n in range(40)))
    stores = [settings.open_store() for _ in range(3)]
    several = [ReadModels(s, PROJECTIONS, batch=7) for s in stores]
    _together(*(partial(models.catch_up, "main") for models in several))
    for models in several:
        assert at_head(models)
    assert several[0].compare_with_rebuild("main") == []
    for models, opened in zip(several, stores, strict=True):
        models.close()
        opened.close()


def _together(*works: Callable[[], Any]) -> None:
    failed: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# -- rebuilding ---------------------------------------------------------------------------------


def test_rebuild__gives_the_same_rows_in_the_next_database(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *(record(n) for n in range(5)))
    models.catch_up("main")
    before, live = models.place.live(), digests(models)
    models.rebuild("main", ["orders"])
    assert models.place.live() == (before or 0) + 1
    assert digests(models) == live
    assert models.compare_with_rebuild("main") == []


def test_rebuild__rejects_an_unknown_projection(models: ReadModels) -> None:
    with pytest.raises(UnknownProjection) as refused:
        models.rebuild("main", ["scores"])
    assert refused.value.rule == "R-PRJ-02"


@durable
def test_rebuild__leaves_readers_on_the_old_database_alone(
    ledger: Ledger, models: ReadModels
) -> None:
    """In memory there is one connection: there a rebuild waits for readers."""
    put(ledger, record(1))
    models.catch_up("main")
    with models.reading("main", "orders") as (connection, known):
        put(ledger, record(2), record(3))
        _together(lambda: models.rebuild("main"))
        assert _orders(connection) == 1
        assert known.position == 5
    with models.reading("main", "orders") as (connection, known):
        assert _orders(connection) == 3
        assert known.position == 13


def test_rebuild__and_readers_at_the_same_time(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(record(n) for n in range(3)))
    models.catch_up("main")
    seen: set[int] = set()

    def read() -> None:
        for _ in range(30):
            with models.reading("main", "orders") as (connection, _):
                seen.add(_orders(connection))

    def rebuild() -> None:
        models.rebuild("main")

    _together(read, read, rebuild, rebuild)
    assert seen == {3}


@on_postgres
def test_standby__shows_what_the_primary_has_folded(
    ledger: Ledger, models: ReadModels, settings: Settings
) -> None:
    """It takes no writes, and folds nothing; where there is nothing yet it says why."""
    put(ledger, record(1))
    url = f"{settings.database_url}&options=-c%20default_transaction_read_only%3Don"
    standby = replace(settings, database_url=url).open_store(prepare=False)
    there = ReadModels(standby, PROJECTIONS)
    with pytest.raises(StorageFailed, match="read-only transaction"):
        there.catch_up("main")
    models.catch_up("main")
    folded = models.status("main")
    put(ledger, record(2))
    found = there.catch_up("main")
    assert [one.position for one in found] == [one.position for one in folded]
    assert {one.lag for one in found} == {4}
    assert {one.error for one in found} == {None}
    models.catch_up("main")
    assert there.catch_up("main") == models.status("main")
    there.close()
    standby.close()


@on_postgres
def test_rebuild__locks_by_a_transaction(models: ReadModels, postgres: Server) -> None:
    """A lock of a session would stay locked in one that a pooler then gives to somebody else."""
    held = ("SELECT state FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype ="
            " 'advisory' AND datname = %s")
    name = models.store.url.split("?")[0].rpartition("/")[2]
    with models.place.exclusively():
        assert postgres.admin.execute(held, (name,)).fetchall() == [("idle in transaction",)]
    assert postgres.admin.execute(held, (name,)).fetchall() == []


@on_sqlite
def test_rebuild__ends_between_a_reader_s_looks_at_the_pointer_and_at_the_file(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    old = [models.place.live()]
    models.rebuild("main")
    models.place._seen = None
    named = models.place._named
    monkeypatch.setattr(models.place, "_named", lambda: old.pop() if old else named())
    with models.reading("main", "orders") as (connection, _):
        assert _orders(connection) == 1
    assert old == []


def _orders(connection: Any) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM orders").scalar())


@durable
def test_rebuild__is_seen_by_other_processes_and_old_ones_are_removed(
    ledger: Ledger, models: ReadModels, settings: Settings
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    store = settings.open_store()
    other = ReadModels(store, PROJECTIONS)
    assert at_head(other)
    for _ in range(3):
        models.rebuild("main")
        put(ledger, tell(models.place.live()))
        other.catch_up("main")
        assert at_head(other)
    assert other.compare_with_rebuild("main") == []
    assert models.place._numbers() == [4]
    other.close()
    store.close()


@durable
def test_catch_up__follows_a_rebuild_by_another_process_in_its_middle(
    ledger: Ledger, models: ReadModels, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    put(ledger, record(2))
    store = settings.open_store()
    other = ReadModels(store, PROJECTIONS)
    waiting = [lambda: other.rebuild("main"), lambda: other.rebuild("main", ["orders"])]
    advance = models._advance

    def late(generation: Any, *arguments: Any, **more: Any) -> None:
        if waiting:
            waiting.pop()()
            generation.close()  # it has to open its database anew, and that is gone
        advance(generation, *arguments, **more)

    monkeypatch.setattr(models, "_advance", late)
    models.catch_up("main")
    assert (models.place.live(), waiting) == (3, [])
    assert at_head(models)
    assert models.compare_with_rebuild("main") == []
    other.close()
    store.close()


@on_sqlite
def test_rebuild__lies_beside_the_log(
    ledger: Ledger, models: ReadModels, tmp_path: Path
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    models.rebuild("main")
    models.close()
    found = {path.name for path in tmp_path.iterdir() if ".read" in path.name}
    assert found == {"ledger.read", "ledger.read.lock", "ledger.read.2.db"}
    assert (tmp_path / "ledger.read").read_text() == "2\n"


@on_sqlite
def test_rebuild__that_fails_leaves_the_old_database(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    before = digests(models)
    monkeypatch.setattr(SqliteStore, "outlines", _broken)
    with pytest.raises(OSError, match="no disk"):
        models.rebuild("main")
    monkeypatch.undo()
    assert digests(models) == before
    assert models.place._numbers() == [1]


def _broken(*_: Any, **__: Any) -> list[Entry]:
    raise OSError("no disk")


@on_sqlite
@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 500])
def test_rebuild__mends_a_damaged_database(
    ledger: Ledger, models: ReadModels, tmp_path: Path, damage: bytes
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    before = digests(models)
    models.close()
    (tmp_path / "ledger.read.1.db").write_bytes(damage)
    models.rebuild("main")
    assert digests(models) == before


@on_sqlite
def test_catch_up__mends_a_lost_database(
    ledger: Ledger, models: ReadModels, tmp_path: Path
) -> None:
    put(ledger, record(1))
    models.catch_up("main")
    models.close()
    (tmp_path / "ledger.read.1.db").unlink()
    models.catch_up("main")
    assert at_head(models)
    assert models.place.live() == 2


# -- another log, another version ---------------------------------------------------------------


def test_catch_up__rebuilds_what_another_version_folded(ledger: Ledger, models: ReadModels) -> None:
    class Next(OrderBook):
        version = OrderBook.version + 1

    put(ledger, record(1))
    models.catch_up("main")
    before, timeline = models.place.live(), models.digest("main", "timeline")
    models.projections = (Next(), Timeline())
    with pytest.raises(ReadModelsUnready) as refused, models.reading("main", "orders"):
        pass
    assert refused.value.rule == "R-PRJ-01"
    models.catch_up("main")
    assert [s.version for s in models.status("main")] == [Next.version, Timeline.version]
    assert models.place.live() == (before or 0) + 1
    assert models.digest("main", "timeline") == timeline
    assert at_head(models)


@on_sqlite
@pytest.mark.parametrize("number", [1, 6])
def test_catch_up__rebuilds_what_another_log_left(
    ledger: Ledger, models: ReadModels, settings: Settings, tmp_path: Path, *, number: int
) -> None:
    """A backup was restored and has grown since: shorter, then longer than what was folded."""
    backup_log(ledger.store, "main", tmp_path / "log.gz")
    put(ledger, record(1), record(2))
    models.catch_up("main")
    (tmp_path / "other").mkdir()
    elsewhere = replace(settings, database_url=f"sqlite:///{tmp_path}/other/ledger.db")
    restored = elsewhere.open_store()
    restore_log(restored, tmp_path / "log.gz")
    restored.close()
    opened = open_ledger(elsewhere)
    put(opened.ledger, *(record(n, shop="别店") for n in range(number)))
    for path in tmp_path.glob("ledger.read*"):
        path.rename(tmp_path / "other" / path.name)
    other = ReadModels(opened.store, PROJECTIONS)
    assert [p.key for p in other.compare_with_rebuild("main")] == [""] * len(PROJECTIONS)
    with pytest.raises(ReadModelsUnready), other.reading("main", "orders"):
        pass
    other.catch_up("main")
    assert at_head(other)
    assert other.compare_with_rebuild("main") == []
    with other.reading("main", "orders") as (connection, _):
        assert _orders(connection) == number
    other.close()
    opened.close()


def test_reading__rejected_before_the_first_catch_up(ledger: Ledger, models: ReadModels) -> None:
    with pytest.raises(ReadModelsUnready), models.reading("main", "orders"):
        pass


@on_sqlite
@pytest.mark.parametrize("number", [0, 6])
def test_reading__forgets_what_fitted_when_a_backup_is_restored(
    ledger: Ledger, models: ReadModels, settings: Settings, tmp_path: Path, *, number: int
) -> None:
    """The log then ends before what was folded, or has grown beyond it with other events."""
    store = ledger.store
    backup_log(store, "main", tmp_path / "log.gz")
    put(ledger, record(1), record(2))
    models.catch_up("main")
    head = store.head("main")
    with models.reading("main", "orders", head) as (connection, _):
        assert _orders(connection) == 2
    replaced(store, tmp_path / "log.gz", settings)
    opened = open_ledger(settings)
    put(opened.ledger, *(record(n, shop="别店") for n in range(number)))
    opened.close()
    now = store.head("main")
    assert (now.position > head.position) is (number > 0)
    with pytest.raises(ReadModelsUnready), models.reading("main", "orders", now):
        pass
    models.catch_up("main")
    with models.reading("main", "orders", now) as (connection, _):
        assert _orders(connection) == number


def test_reading__looks_at_the_log_once_for_a_head(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, outlines = [], ledger.store.outlines

    def looking(*given: Any, **more: Any) -> list[Outline]:
        looks.append(more)
        return outlines(*given, **more)

    for number in (1, 2):
        put(ledger, record(number))
        models.catch_up("main")
        head = ledger.store.head("main")
        with monkeypatch.context() as patched:
            patched.setattr(models.store, "outlines", looking)
            for _ in range(3):
                with models.reading("main", "orders", head) as (connection, _):
                    assert _orders(connection) == number
        assert len(looks) == number
    with monkeypatch.context() as patched:
        patched.setattr(models.store, "outlines", looking)
        with models.reading("main", "orders"):  # by whoever did not read the head
            assert len(looks) == 3


# -- errors in a fold ---------------------------------------------------------------------------


def test_fold__that_fails_stops_its_projection_there_and_no_other(
    ledger: Ledger, store: Store
) -> None:
    put(ledger, *(record(n) for n in range(10)))
    fragile = Fragile(lambda one: one.position == 23)
    models = ReadModels(store, (*PROJECTIONS, fragile), batch=16)
    for _ in range(3):
        status = {s.projection: s for s in models.catch_up("main")}
        assert (status["orders"].position, status["orders"].error) == (41, None)
        stopped = status["fragile"]
        assert (stopped.position, stopped.error_position) == (22, 23)
        assert stopped.error is not None
        assert stopped.error.startswith("RuntimeError")
        assert "secret" not in stopped.error
    put(ledger, record(11))
    assert [s.lag for s in models.catch_up("main")] == [*[0] * len(PROJECTIONS), 23]
    fragile.breaks = lambda one: False
    models.catch_up("main")
    assert at_head(models)
    assert fragile.folded == list(range(1, 46))
    models.close()


def test_fold__that_fails_twice_stops_twice(ledger: Ledger, store: Store) -> None:
    put(ledger, *(record(n) for n in range(5)))
    broken = {3, 11}
    fragile = Fragile(lambda one: one.position in broken)
    models = ReadModels(store, (fragile,))
    assert models.catch_up("main")[0].error_position == 3
    broken.remove(3)
    assert models.catch_up("main")[0].error_position == 11
    broken.remove(11)
    models.catch_up("main")
    assert fragile.folded == list(range(1, 22))
    models.close()


@pytest.mark.parametrize("missing", [1, 10, 21])
def test_fold__stops_at_a_position_that_is_missing(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    """Whoever deletes an event does not get read models without it: neither live, nor rebuilt, nor
    as of the past."""
    put(ledger, *(record(n) for n in range(5)))
    whole = {name: getattr(store, name) for name in ("read", "outlines")}
    for name, found in whole.items():
        monkeypatch.setattr(store, name, lambda *names, found=found, **more: [
            row for row in found(*names, **more) if row.position != missing])
    models = ReadModels(store, PROJECTIONS, batch=7)
    for _ in range(2):
        for status in models.catch_up("main"):
            assert (status.position, status.error_position) == (missing - 1, missing)
            assert status.error is not None
            assert f"position {missing} of ledger {ledger.id.hex()} is missing" in status.error
    with pytest.raises(EventMissing), past_of(store, "main", Cut(21), OrderBook()):
        pass
    monkeypatch.undo()
    models.catch_up("main")
    assert at_head(models)
    models.close()


def test_fold__stops_at_a_type_that_nobody_knows(store: Store, models: ReadModels) -> None:
    write(store, entry(1, type="future.thing.v1"))
    for status in models.catch_up("main"):
        assert (status.position, status.error_position) == (0, 1)
        assert status.error is not None
        assert "future.thing.v1" in status.error


def test_fold__stops_at_a_member_that_nobody_knows(store: Store, models: ReadModels) -> None:
    line = {"sku": "A", "quantity": 1, "place": "cold_room"}
    write(store, entry(1, type="transfer.received.v1", stream="transfer:1",
                       payload=msgspec.json.encode({"lines": [line]})))
    for status in models.catch_up("main"):
        assert (status.position, status.error_position) == (0, 1)
        assert status.error is not None
        assert "UnknownMember: Position 1" in status.error
        assert "'cold_room'" in status.error


def test_fold__of_stock_stops_at_a_place_that_nobody_knows(
    store: Store, models: ReadModels
) -> None:
    posting = {"account": "stock:main:A", "quantity": 1, "from": "supplier", "to": "cold_room",
               "cause": "receipt"}
    write(store, entry(1, type="stock.moved.v1", stream="movement:main:1",
                       subjects='["movement:main:1","stock:main:A"]',
                       payload=msgspec.json.encode({"warehouse": "main", "postings": [posting]})))
    stopped = {status.projection: status.error for status in models.catch_up("main")
               if status.error_position == 1}
    assert list(stopped) == ["stock"]
    assert "type 'stock.moved.v1' whose /postings/0/to is 'cold_room'" in str(stopped["stock"])


def test_fold__stops_at_a_payload_that_is_not_what_its_type_says(
    store: Store, models: ReadModels
) -> None:
    write(store, entry(1, type="order.paid.v1", payload=b'{"amount_minor": "x"}'))
    assert [s.error_position for s in models.catch_up("main")] == [1] * len(PROJECTIONS)


def test_fold__stops_at_a_number_that_no_column_takes(ledger: Ledger, store: Store) -> None:
    class Large(OrderBook):
        def fold(self, state: Any, facts: Any) -> None:
            super().fold(state, facts)
            for order in state.orders.values():
                if order.subject.endswith(":3"):
                    order.paid_minor = 2**70

    put(ledger, *(tell(n) for n in range(6)))
    models = ReadModels(store, (Large(), Timeline()))
    orders, timeline = models.catch_up("main")
    assert (orders.position, orders.error_position) == (4, 5)
    assert (timeline.position, timeline.error) == (7, None)
    models.close()


# -- comparing with a rebuild -------------------------------------------------------------------


def _spoil(models: ReadModels, statement: str) -> None:
    generation = models.database.generation()
    assert generation is not None
    with generation.writing() as connection:
        assert Rows(connection).execute(statement, ()) == 1


@pytest.mark.parametrize(("statement", "position", "missing"), [
    ("UPDATE orders SET paid_minor = 1 WHERE subject = 'order:taobao:云杉书店:2'", 13, None),
    ("DELETE FROM orders WHERE subject = 'order:taobao:云杉书店:1'", 9, "live"),
    ("INSERT INTO subjects SELECT ledger, 'sku:z', 7 FROM subjects WHERE position = 2", 7,
     "rebuilt"),
])
def test_compare_with_rebuild__names_the_first_event_where_they_part(
    ledger: Ledger, models: ReadModels, *, statement: str, position: int, missing: str | None
) -> None:
    put(ledger, *(record(n) for n in range(4)))
    models.catch_up("main")
    _spoil(models, statement)
    (parting,) = models.compare_with_rebuild("main")
    assert parting.position == position
    for side in ("live", "rebuilt"):
        assert (getattr(parting, side) is None) == (side == missing)
    models.rebuild("main")
    assert models.compare_with_rebuild("main") == []


def test_compare_with_rebuild__says_nothing_of_read_models_that_were_never_built(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, record(1))
    assert models.compare_with_rebuild("main") == []


def test_projections__have_a_position_in_every_row_and_lead_keys_with_the_ledger() -> None:
    for projection in PROJECTIONS:
        for table in projection.tables:
            assert "position" in table.c
            assert next(iter(table.primary_key)).name == "ledger"
            assert len(table.primary_key) > 1


def test_outlines__are_what_read_finds(ledger: Ledger, store: Store) -> None:
    put(ledger, *(record(n) for n in range(3)))
    for part in ({}, {"after": 3, "until": 7}, {"after": 2, "limit": 4}, {"after": 99}):
        assert store.outlines("main", **part) == [
            Outline.of(one) for one in store.read("main", **part)]


def test_fact__is_an_outline_and_its_event(ledger: Ledger, store: Store) -> None:
    put(ledger, place(1, occurred_at=NOON - timedelta(days=1)))
    seen: list[Fact] = []

    class Watching(Fragile):
        def fold(self, state: Any, facts: Any) -> None:
            seen.extend(facts)

    models = ReadModels(store, (Watching(lambda one: False),))
    models.catch_up("main")
    (_, (one, event)) = seen
    assert one == Outline.of(store.read("main")[1])
    assert event.number == "1"
    models.close()
