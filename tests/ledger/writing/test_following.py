"""The log leads, the keys follow: nobody whom the log says to be erased keeps a key."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.personal import Personal
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.backup import backup_log
from ledger.log.key_rows import Upto
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.persons import HELD_S, Keys, LedgerKeys
from ledger.log.sqlite import SqliteStore
from ledger.log.store import StorageFailed, Store
from ledger.settings import Opened, Settings
from ledger.writing import cache, following, writer
from ledger.writing.continuing import Attribution, restore
from ledger.writing.following import BadErasure, Following, follow
from ledger.writing.genesis import keys_of
from tests.conftest import durable, on_sqlite
from tests.support.envelopes import CONTEXT, NOON
from tests.support.erased import erase
from tests.support.jars import SealJar, adding, opening
from tests.support.logs import open_log


def owner_of(store: Store, number: int) -> tuple[Personal, str]:
    """The sealed owner of a jar, with the name of its stream."""
    jar = opening(number).jar
    (first, *_) = store.streams("main", [jar])
    return Personal(**msgspec.json.decode(first.payload)["owner"]), jar


def name_of(keys: LedgerKeys, store: Store, number: int) -> str | None:
    value, jar = owner_of(store, number)
    return keys.reveal(value, jar, 1, "/owner")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """A ledger with a jar of each of two people."""
    found = open_log(settings)
    found.ledger.handle(opening(1, owner="张三"), CONTEXT)
    found.ledger.handle(opening(2, owner="李四"), CONTEXT)
    yield found
    found.close()


@durable
def test_writer__destroys_whom_another_process_erased(opened: Opened) -> None:
    """R-KEY-09: also in its own memory, and what was looked up before is looked up again."""
    keys, store = opened.ledger.keys, opened.store
    person = owner_of(store, 1)[0].p
    at = erase(store, person)
    opened.ledger.handle(opening(3, owner="张三"), CONTEXT)
    new = owner_of(store, 3)[0].p
    assert new != person
    assert keys.is_erased(person)
    assert [name_of(keys, store, number) for number in (1, 2, 3)] == [None, "李四", "张三"]
    assert keys.followed() == Upto(at.position, at.leaf_hash)
    assert opened.ledger.handle(adding(2), CONTEXT).positions


@durable
def test_opening__destroys_whom_the_log_says_to_be_erased(
    opened: Opened, settings: Settings
) -> None:
    """A process that was killed between the event and the keys, and months ago."""
    store = opened.store
    one, two = (owner_of(store, number)[0].p for number in (1, 2))
    erase(store, one)
    erase(store, "person:of-nobody", months=3)
    at = erase(store, two, months=9)
    again = open_log(settings)
    assert [again.ledger.keys.is_erased(name) for name in (one, two, "person:of-nobody")] == [
        True, True, True]
    assert again.ledger.keys.followed() == Upto(at.position, at.leaf_hash)
    again.close()


@durable
def test_following__begins_anew_where_the_log_is_another(opened: Opened) -> None:
    store, keys = opened.store, opened.ledger.keys
    one, two = (owner_of(store, number)[0].p for number in (1, 2))
    erase(store, one)
    erase(store, two)
    keys.destroy({}, Upto(6, bytes(32)))
    assert follow(store, keys)
    assert keys.is_erased(one)
    keys.destroy({}, Upto(1000, bytes(32)))
    assert follow(store, keys)
    assert keys.followed() == Upto(5, store.read("main", after=4)[0].leaf_hash)
    assert not follow(store, keys)


@durable
def test_restored_keys__bring_nobody_back(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    store, person = opened.store, owner_of(opened.store, 1)[0].p
    backup_keys(opened.keys, tmp_path / "keys.gz")
    erase(store, person)
    follow(store, opened.ledger.keys)
    with opened.keys.engine.connect() as connection:  # an old file of the keys database
        for table in ("persons", "erased", "followed"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    restore_keys(opened.keys, tmp_path / "keys.gz")
    again = open_log(settings)
    assert again.ledger.keys.is_erased(person)
    assert name_of(again.ledger.keys, store, 2) == "李四"
    again.close()


@on_sqlite
def test_restored_log__is_followed_again(opened: Opened, tmp_path: Path) -> None:
    """A backup of the log from before an erasure, and another one since."""
    backup_log(opened.store, "main", tmp_path / "log.gz")
    erase(opened.store, owner_of(opened.store, 1)[0].p)
    keys = opened.ledger.keys
    follow(opened.store, keys)
    other = SqliteStore(tmp_path / "other.db", kinds=ACCOUNT_KINDS)
    other.prepare()
    restore(other, tmp_path / "log.gz", Attribution("member:7f3a", "a test"))
    again = keys_of(other, opened.keys, "main")
    assert again.followed() == Upto(4, other.read("main", after=3)[0].leaf_hash)
    two = owner_of(other, 2)[0].p
    erase(other, two)
    assert keys_of(other, opened.keys, "main").is_erased(two)
    other.close()


@durable
def test_keys__cannot_be_reached_when_somebody_was_erased(opened: Opened) -> None:
    """What needs no key goes on; nothing that was held before is used; the next batch follows."""
    store, keys = opened.store, opened.ledger.keys
    person = owner_of(store, 1)[0].p
    erase(store, person)
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE persons RENAME TO gone")
    assert opened.ledger.handle(adding(1), CONTEXT).positions
    with pytest.raises(Exception, match="persons"):
        opened.ledger.handle(opening(3, owner="张三"), CONTEXT)
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO persons")
    assert opened.ledger.handle(opening(3, owner="张三"), CONTEXT).positions
    assert keys.is_erased(person)
    assert owner_of(store, 3)[0].p != person


@durable
def test_following__takes_what_the_writer_recorded_itself(opened: Opened) -> None:
    store, keys = opened.store, opened.ledger.keys
    own = Following(keys)
    own.catch_up(store, store.head("main"), ())
    one = erase(store, owner_of(store, 1)[0].p)
    own.committed(store.head("main"), [one])
    assert name_of(keys, store, 1) is None
    assert not own.catch_up(store, store.head("main"), ())
    assert not own.catch_up(store, store.head("main"), None)


@durable
@pytest.mark.parametrize("missed", [0, 3], ids=["at first", "much was missed"])
def test_following__lets_go_of_whom_another_process_has_followed(
    opened: Opened, settings: Settings, missed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys have followed, by another process: this one still holds what it has opened."""
    monkeypatch.setattr(cache, "CAUGHT_UP_EVENTS", 2)
    here = open_log(settings)
    store, keys = here.store, here.ledger.keys
    if missed:
        here.ledger.handle(adding(2), CONTEXT)
    person = owner_of(store, 1)[0].p
    assert name_of(keys, store, 1) == "张三"
    assert keys.find(["owner:张三"])["owner:张三"].id == person
    for number in range(missed):
        opened.ledger.handle(opening(10 + number, owner="王五"), CONTEXT)
    erase(store, person)
    follow(opened.store, opened.ledger.keys)
    here.ledger.handle(opening(3, owner="张三"), CONTEXT)
    assert owner_of(store, 3)[0].p != person
    assert keys.is_erased(person)
    assert name_of(keys, store, 1) is None
    here.close()


@on_sqlite
def test_following__lets_go_of_whom_another_process_destroyed(
    opened: Opened, settings: Settings
) -> None:
    """Also where it does not know what was recorded since, and the keys need nothing any more."""
    store, keys = opened.store, opened.ledger.keys
    own = Following(keys)
    own.catch_up(store, store.head("main"), ())
    person = owner_of(store, 1)[0].p
    assert name_of(keys, store, 1) == "张三"
    erase(store, person)
    open_log(settings).close()
    assert name_of(keys, store, 1) == "张三"
    assert own.catch_up(store, store.head("main"), None)
    assert name_of(keys, store, 1) is None


@on_sqlite
def test_reading__refused_where_the_keys_cannot_follow(opened: Opened) -> None:
    """Nothing is held meanwhile, and the next reading tries again."""
    ledger, store = opened.ledger, opened.store
    assert name_of(ledger.keys_to_read(), store, 1) == "张三"
    erase(store, owner_of(store, 1)[0].p)
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE followed RENAME TO gone")
    for _ in range(2):
        with pytest.raises(StorageFailed, match="followed"):
            ledger.keys_to_read()
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO followed")
    assert name_of(ledger.keys_to_read(), store, 1) is None
    assert name_of(ledger.keys_to_read(), store, 2) == "李四"


@on_sqlite
def test_erasure__rejected_where_it_cannot_be_read(opened: Opened, settings: Settings) -> None:
    """R-KEY-10"""
    erase(opened.store, payload=b'{"persons": 1}')
    with pytest.raises(BadErasure):
        open_log(settings)
    with pytest.raises(BadErasure):
        opened.ledger.handle(adding(1), CONTEXT)


@durable
def test_commit__asks_the_keys_nothing_where_nobody_was_erased(opened: Opened) -> None:
    """Nor does a buyer who is known cost a statement, however long the writer goes on."""
    ledger = opened.ledger
    now = [0.0]
    ledger.keys.monotonic = lambda: now[0]
    ledger.handle(opening(3, owner="张三"), CONTEXT)
    asked: list[str] = []
    event.listen(opened.keys.engine, "before_cursor_execute",
                 lambda *given: asked.append(given[2]))
    for number in range(4, 8):
        now[0] += HELD_S - 1
        ledger.handle(opening(number, owner="张三"), CONTEXT)
        ledger.handle(adding(number), CONTEXT)
    assert asked == []


@durable
def test_reader__holds_an_opened_key_for_a_minute_at_most(
    opened: Opened, settings: Settings
) -> None:
    store, keys = opened.store, settings.open_keys()
    reader = keys_of(store, keys, "main")
    now = [0.0]
    reader.monotonic = lambda: now[0]
    person = owner_of(store, 1)[0].p
    assert name_of(reader, store, 1) == "张三"
    assert set(reader.find(["owner:张三", "owner:李四"])) == {"owner:张三", "owner:李四"}
    erase(store, person)
    follow(store, opened.ledger.keys)
    now[0] = HELD_S
    assert name_of(reader, store, 1) == "张三"
    now[0] = HELD_S + 1
    assert name_of(reader, store, 1) is None
    assert set(reader.find(["owner:张三", "owner:李四"])) == {"owner:李四"}
    assert reader.is_erased(person)
    keys.close()


def test_ledger__is_followed_in_memory(ledger: Ledger, store: Store, keys: Keys) -> None:
    ledger.handle(opening(1, owner="张三"), CONTEXT)
    erase(store, owner_of(store, 1)[0].p)
    assert name_of(keys_of(store, keys, "main"), store, 1) is None


@durable
def test_batch__ends_where_somebody_is_erased(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after it in the same batch finds the key destroyed; so does who is answered."""
    store, person = opened.store, owner_of(opened.store, 1)[0].p
    for module in (following, writer):
        monkeypatch.setattr(module, "ERASED", "jar.sealed.v1")
    monkeypatch.setattr(following, "erased_by",
                        lambda entry: [msgspec.json.decode(entry.payload)["reason"]])
    for result in opened.ledger.handle_many([
            (opening(10, owner="张三"), CONTEXT),
            (SealJar(jar=opening(1).jar, reason=person, occurred_at=NOON), CONTEXT),
            (opening(11, owner="张三"), CONTEXT)]):
        assert isinstance(result, Receipt)
    keys = opened.ledger.keys
    assert keys.is_erased(person)
    assert [owner_of(store, number)[0].p == person for number in (10, 11)] == [True, False]
    assert [name_of(keys, store, number) for number in (1, 10, 11)] == [None, None, "张三"]
