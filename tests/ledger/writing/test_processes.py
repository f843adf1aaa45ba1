"""Several writers on one log: each decides on true facts, whatever the others do."""

import random
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.log import sqlite
from ledger.log.backup import backup_log, restore_log
from ledger.log.key_tables import persons
from ledger.log.milestones import Continued, Opened
from ledger.log.store import EventMissing, StorageFailed, Store
from ledger.log.verify import verify
from ledger.settings import Settings, open_ledger
from ledger.writing import cache
from ledger.writing.genesis import begun
from tests.conftest import durable, on_sqlite
from tests.support import children
from tests.support.children import Child
from tests.support.envelopes import CONTEXT, named
from tests.support.jars import HANDLERS, Jar, adding, filling, name_of, opening
from tests.support.replacing import renamed
from tests.support.soundness import changes, must_be_sound
from tests.support.waiting import in_thread

JARS = 40


@durable
def test_race__accepted_once_per_jar_by_two_processes(settings: Settings) -> None:
    opened = open_ledger(settings, handlers=HANDLERS)
    racing = [Child(children.race, settings, seed, JARS) for seed in range(2)]
    for child in racing:
        assert child.hear() == "ready"
    for child in racing:
        child.say("go")
    total: Counter[str] = sum((child.hear() for child in racing), Counter())
    assert [child.end() for child in racing] == [0, 0]
    callers = 2 * 3
    assert total == {"OpenJar": JARS, "AddCoins": JARS,
                    "jar_already_open": (callers - 1) * JARS,
                    "jar_full": (callers - 1) * JARS}
    rows = changes(opened.store)
    assert Counter((row.stream, row.version) for row in rows) == {
        (name_of(number), version): 1 for number in range(JARS) for version in (1, 2)}
    with opened.keys.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM persons").scalar() == JARS
    opened.close()


@durable
def test_race__accepted_once_per_jar_by_two_ledger_objects(settings: Settings) -> None:
    """Stores, writers and caches of their own in one process, as of two web servers."""
    both = [open_ledger(settings, handlers=HANDLERS) for _ in range(2)]

    def work(opened: Any, seed: int) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        numbers = list(range(JARS))
        random.Random(seed).shuffle(numbers)
        for number in numbers:
            try:
                opened.ledger.handle(opening(number), CONTEXT)
                outcomes["opened"] += 1
            except LedgerError as error:
                outcomes[error.code] += 1
        return outcomes

    threads = [in_thread(lambda one=one, seed=seed: work(one, seed))
               for seed, one in enumerate([*both, *both])]
    for thread in threads:
        thread.join()
    total = sum((thread.result for thread in threads), Counter())
    assert total == {"opened": JARS, "jar_already_open": 3 * JARS}
    assert len(must_be_sound(both[0].store)) == JARS
    for opened in both:
        opened.close()


@durable
def test_repeat__accepted_from_another_process(settings: Settings) -> None:
    opened = open_ledger(settings, handlers=HANDLERS)
    first = opened.ledger.handle(filling(), named(1))
    child = Child(children.repeat, settings)
    assert child.hear() == first._replace(replayed=True)
    assert child.end() == 0
    assert len(must_be_sound(opened.store)) == 4
    opened.close()


def two(store: Store, keys: Any) -> tuple[Ledger, Ledger]:
    """Two ledger objects on one store."""
    one, other = (Ledger(store, begun(store, keys), handlers=HANDLERS)
                  for _ in range(2))
    return one, other


@pytest.mark.parametrize("between", [1, 3, 30])
def test_cache__accepted_after_what_another_recorded(
    store: Store, keys: Any, between: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another one changed is read again: all of it, when it is too much to look through."""
    monkeypatch.setattr(cache, "CAUGHT_UP_EVENTS", 10)
    one, other = two(store, keys)
    one.handle(opening(), CONTEXT)
    one.handle(opening("mine"), CONTEXT)
    other.handle(adding(coins=1), CONTEXT)
    for number in range(between - 1):
        other.handle(opening(number + 5), CONTEXT)
    assert one.handle(adding(coins=1), CONTEXT).versions == {name_of(): 3}
    assert (one._writer._cache.get(Jar, name_of("mine")) is not None) == (between < 10)
    assert one.handle(adding("mine"), CONTEXT).versions == {name_of("mine"): 2}
    must_be_sound(store)
    one.close()
    other.close()


def test_cache__ignored_when_the_log_went_back(store: Store, keys: Any) -> None:
    """Someone put an older database in its place under a running process."""
    one, other = two(store, keys)
    one.handle(opening(), CONTEXT)
    one.handle(adding(), CONTEXT)
    cache = one._writer._cache
    assert cache.head is not None
    cache.head = cache.head._replace(position=9)
    cache._kept[Jar.KIND][name_of()] = Jar.blank(name_of())
    with pytest.raises(LedgerError, match="is full"):
        one.handle(adding(), CONTEXT)
    assert cache.head == store.head("main")
    assert one.handle(opening(2), CONTEXT).positions == (5,)
    must_be_sound(store)
    one.close()
    other.close()


@pytest.mark.parametrize("grown", [0, 1, 3])
def test_cache__ignored_when_a_backup_was_restored_and_has_grown_since(
    store: Store, keys: Any, tmp_path: Path, grown: int
) -> None:
    """A backup of position 2 is put below a process that knew 4, and others went on from there."""
    one, _ = two(store, keys)
    one.handle(opening(), CONTEXT)
    one.handle(opening("mine"), CONTEXT)
    backup_log(store, "main", tmp_path / "log.backup")
    one.handle(adding(), CONTEXT)
    one.handle(adding("mine"), CONTEXT)
    restored = Settings(database_url="memory:", keys_url="memory:",
                        master_key_file=None).open_store()
    restore_log(restored, tmp_path / "log.backup")
    another, _ = two(restored, keys)
    for number in range(2 + grown):
        another.handle(opening(number + 5), CONTEXT)
    one._writer.store = restored
    assert one.handle(adding(), CONTEXT).versions == {name_of(): 2}
    assert one.handle(adding("mine"), CONTEXT).versions == {name_of("mine"): 2}
    assert len(must_be_sound(restored)) == 6 + grown
    one.close()
    another.close()
    restored.close()


def test_cache__rejected_when_an_event_is_missing(
    store: Store, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-19, in a process that catches up with what another one recorded."""
    one, other = two(store, keys)
    one.handle(opening(), CONTEXT)
    other.handle(adding(coins=1), CONTEXT)
    other.handle(opening(2), CONTEXT)
    with store.writing("main") as writing, pytest.raises(EventMissing, match="position 3"):
        read = writing.read
        monkeypatch.setattr(writing, "read", lambda *names, **more: [
            row for row in read(*names, **more) if row.position != 3])
        one._writer._cache.catch_up(writing, "main", writing.head("main"))
    one.close()
    other.close()


def test_conflict__ignored_when_it_is_gone_the_second_time(
    store: Store, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that is wrong in a way nobody thought of costs a second look, not an answer."""
    one, other = two(store, keys)
    one.handle(opening(), CONTEXT)
    other.handle(adding(coins=1), CONTEXT)
    monkeypatch.setattr(one._writer._cache, "head", store.head("main"))
    assert one.handle(adding(coins=1), CONTEXT).versions == {name_of(): 3}
    must_be_sound(store)
    one.close()
    other.close()


# -- the file of an SQLite log is replaced under a process -----------------------------------------


def copied(path: Path) -> Path:
    """A copy of an SQLite file that is in use, closed."""
    fresh = path.with_name("fresh.db")
    with closing(sqlite.driver().connect(path)) as old, closing(
            sqlite.driver().connect(fresh)) as new:
        old.backup(new)
    return fresh


@on_sqlite
def test_file__replaced_under_a_process_is_the_one_that_it_goes_on_in(
    settings: Settings, tmp_path: Path
) -> None:
    """Also the one of keys: what is acknowledged is in the files that lie there."""
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle(opening(1, owner="某人"), CONTEXT)
    for name in ("ledger.db", "ledger.keys.db"):
        renamed(copied(tmp_path / name), tmp_path / name)
    assert opened.store.head("main").position == 2
    receipt = opened.ledger.handle(opening(2, owner="别人"), CONTEXT)
    assert receipt.positions == (4,)  # after the event that says where it goes on
    again = open_ledger(settings, handlers=HANDLERS)
    must_be_sound(again.store)
    types = [entry.type for entry in again.store.read("main")]
    assert types == [Opened.TOPIC, "jar.opened.v1", Continued.TOPIC, "jar.opened.v1"]
    assert opened.store.read("main") == again.store.read("main")
    with again.keys.engine.connect() as connection:
        assert len(connection.execute(persons.select()).fetchall()) == 2
    opened.close()
    again.close()


@on_sqlite
def test_file__replaced_while_a_batch_is_decided_has_that_batch(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit goes into a file that nobody finds any more, so it is done again."""
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle(opening(1), CONTEXT)
    fresh = [copied(tmp_path / "ledger.db")]
    decide = opened.ledger._writer._decide_all

    def replacing(*arguments: Any) -> int:
        if fresh:
            renamed(fresh.pop(), tmp_path / "ledger.db")
        return decide(*arguments)

    monkeypatch.setattr(opened.ledger._writer, "_decide_all", replacing)
    receipt = opened.ledger.handle(opening(2), CONTEXT)
    opened.close()
    store = settings.open_store()
    assert store.head("main").position == receipt.position == 4
    assert verify(store, "main").ok
    store.close()


@on_sqlite
def test_file__moved_away_is_refused_and_never_made_again(
    settings: Settings, tmp_path: Path
) -> None:
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle(opening(1), CONTEXT)
    (tmp_path / "ledger.db").rename(tmp_path / "away.db")
    for use in (lambda: opened.ledger.handle(opening(2), CONTEXT),
                lambda: opened.store.head("main")):
        with pytest.raises(StorageFailed):
            use()
    assert not (tmp_path / "ledger.db").exists()
    (tmp_path / "away.db").rename(tmp_path / "ledger.db")
    assert opened.ledger.handle(opening(3), CONTEXT).position == 3
    opened.close()
