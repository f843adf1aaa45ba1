"""How a ledger begins: once, whole, with an id of its own, and together with its access ledger."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ledger import __version__
from ledger.application import Ledger
from ledger.common.days import UnknownZone
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.backup import backup_log, restore_log
from ledger.log.envelope import leaf_hash
from ledger.log.key_tables import ledger_secrets
from ledger.log.memory import MemoryStore
from ledger.log.milestones import FORMAT, STREAM, BadOpening, Opened, Origin
from ledger.log.persons import Keys
from ledger.log.store import (
    BadLedgerName,
    LedgerTaken,
    LedgerUnknown,
    StorageFailed,
    Store,
)
from ledger.log.verify import verify
from ledger.log.zones import OtherZone
from ledger.settings import MissingLedger, Settings, open_ledger
from ledger.writing import genesis
from ledger.writing.genesis import OtherFormat, ZoneFixed, begun, keys_of
from tests.conftest import durable
from tests.support.days import IN_SHANGHAI
from tests.support.envelopes import CONTEXT, known, made, write
from tests.support.envelopes import first as opening_entry
from tests.support.jars import HANDLERS, opening
from tests.support.waiting import in_thread


def opened_as(store: Store, name: str) -> Opened:
    (entry, *_) = store.read(name)
    assert (entry.position, entry.version, entry.stream) == (1, 1, STREAM)
    assert (entry.type, entry.actor, entry.role) == (Opened.TOPIC, "system", "system")
    return msgspec.json.decode(entry.payload, type=Opened)


def secrets_of(keys: Keys) -> int:
    with keys.engine.connect() as connection:
        return len(connection.execute(ledger_secrets.select()).fetchall())


def test_begun__opens_a_ledger_and_its_access_ledger(store: Store, keys: Keys) -> None:
    origin = Origin("00" * 16, 7, "ab" * 32)
    own = begun(store, keys, "shop", continues=[origin])
    shop, access = store.known("shop"), store.known("shop.access")
    assert shop is not None
    assert access is not None
    assert (own.ledger, shop.of, access.of) == (shop.id, None, shop.id)
    assert opened_as(store, "shop") == Opened(
        id=shop.id.hex(), format=FORMAT, keys_id=own.id.hex(), program=__version__,
        host=store.host(), zone=IN_SHANGHAI.zone, access=access.id.hex(), continues=[origin])
    assert opened_as(store, "shop.access") == Opened(
        id=access.id.hex(), format=FORMAT, keys_id=keys_of(store, keys, "shop.access").id.hex(),
        program=__version__, host=store.host(), zone=IN_SHANGHAI.zone, of=shop.id.hex())
    assert store.head("shop").keys_id == own.id
    assert store.ledgers() == ["shop", "shop.access"]
    for name in store.ledgers():
        assert verify(store, name).ok


@pytest.mark.parametrize("names", [["main", "main"], ["main.access", "main"],
                                   ["main", "main.access"]])
def test_begun__ignored_when_it_has_begun(store: Store, keys: Keys, names: list[str]) -> None:
    ids = {begun(store, keys, name).ledger for name in names}
    assert ids == {store.id_of(name) for name in names}
    assert [store.head(name).position for name in store.ledgers()] == [1, 1]
    assert secrets_of(keys) == 2


def test_begin__in_another_zone_is_rejected_where_the_ledger_is_there(
    store: Store, keys: Keys
) -> None:
    """R-LDG-12: its days are those that it began with. An unknown one leaves nothing behind."""
    with pytest.raises(UnknownZone):
        begun(store, keys, zone="Mars/Olympus")
    assert store.ledgers() == []
    begun(store, keys, zone="Europe/Berlin")
    begun(store, keys)
    begun(store, keys, zone="Europe/Berlin")
    with pytest.raises(ZoneFixed, match="Europe/Berlin .* never those of UTC"):
        begun(store, keys, zone="UTC")
    assert opened_as(store, "main").zone == opened_as(store, "main.access").zone == "Europe/Berlin"


def test_begun__accepted_once_when_many_begin_at_once(settings: Settings) -> None:
    """Who comes too late reads what the first one made, and leaves no keys behind."""
    stores = ([settings.open_store()] * 6 if settings.database_url == "memory:"
              else [settings.open_store() for _ in range(6)])
    keys = settings.open_keys()
    threads = [in_thread(lambda s=one: begun(s, keys)) for one in stores]
    for thread in threads:
        thread.join()
    assert len({(thread.result.ledger, thread.result.id) for thread in threads}) == 1
    assert stores[0].ledgers() == ["main", "main.access"]
    assert [stores[0].head(name).position for name in stores[0].ledgers()] == [1, 1]
    assert secrets_of(keys) == 2
    for store in stores:
        store.close()
    keys.close()


def test_begun__makes_both_or_neither(
    store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = genesis.append, []

    def fails_at_the_second(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise StorageFailed(why="a test says so")
        return whole(*arguments)

    monkeypatch.setattr(genesis, "append", fails_at_the_second)
    with pytest.raises(StorageFailed):
        begun(store, keys)
    assert store.ledgers() == []
    assert store.read("main") == store.read("main.access") == []
    begun(store, keys)
    assert store.ledgers() == ["main", "main.access"]


def test_begun__rejected_when_there_is_an_access_ledger_of_another(
    store: Store, keys: Keys
) -> None:
    """R-LDG-03"""
    made(store, "main.access")
    with pytest.raises(LedgerTaken):
        begun(store, keys)
    assert secrets_of(keys) == 0


def test_ids__are_taken_once(store: Store) -> None:
    """R-LDG-03, whatever the ledger is called."""
    made(store)
    for taken in (known(), known()._replace(name="other"), known("other")._replace(name="main")):
        with pytest.raises(LedgerTaken), store.beginning(known("third"), taken):
            pass
    assert store.ledgers() == ["main"]


def test_unknown__is_neither_written_nor_begun_by_reading(store: Store, keys: Keys) -> None:
    """R-LDG-02"""
    with pytest.raises(LedgerUnknown), store.writing("main"):
        pass
    with pytest.raises(LedgerUnknown):
        keys_of(store, keys, "main")
    assert store.head("main").position == 0
    assert store.known("main") is None
    assert store.ledgers() == []


def test_unknown__is_looked_up_again(store: Store, keys: Keys) -> None:
    assert store.head("main").position == 0
    begun(store, keys)
    assert store.head("main").position == 1


@pytest.mark.parametrize("change", ["none", "type", "id"])
def test_opening__rejected_when_it_is_not_the_ledgers(
    store: Store, keys: Keys, change: str
) -> None:
    """R-LDG-01"""
    own = made(store)
    if change == "type":
        write(store, opening_entry(type="test.happened.v1"))
    if change == "id":
        write(store, opening_entry(payload=opening_entry(bytes(16)).payload))
    with pytest.raises(BadOpening):
        keys_of(store, keys, "main")
    assert store.id_of("main") == own


def test_opening__rejected_in_another_zone_or_format(
    store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LDG-04 and R-LDG-05: its days and its bytes would mean something else."""
    with monkeypatch.context() as patch:
        patch.setattr(genesis, "Days", lambda _zone: SimpleNamespace(zone="Mars/Olympus"))
        with pytest.raises(OtherZone):
            begun(store, keys, "elsewhere")
    with monkeypatch.context() as patch:
        patch.setattr(genesis, "FORMAT", FORMAT + 1)
        begun(store, keys, "later")
    with pytest.raises(OtherZone, match="Mars/Olympus"):
        keys_of(store, keys, "elsewhere")
    with pytest.raises(OtherFormat):
        keys_of(store, keys, "later")


def test_event__is_of_one_ledger_only(keys: Keys) -> None:
    """Two shops whose ledgers have one name: no event of one can be shown as the other's."""
    leaves = []
    for store in (MemoryStore(kinds=ACCOUNT_KINDS), MemoryStore(kinds=ACCOUNT_KINDS)):
        ledger = Ledger(store, begun(store, keys), handlers=HANDLERS)
        ledger.handle(opening(), CONTEXT)
        ledger.close()
        leaves.append(store.read("main")[1])
    one, other = leaves
    assert one.ledger != other.ledger
    moved = one._replace(ledger=other.ledger)
    assert leaf_hash(one) == one.leaf_hash
    assert leaf_hash(moved) != one.leaf_hash


@durable
def test_open__begins_nothing_unless_it_is_to_make(settings: Settings) -> None:
    with pytest.raises(MissingLedger):
        open_ledger(settings, make=False)
    open_ledger(settings, handlers=HANDLERS).close()
    opened = open_ledger(settings, handlers=HANDLERS, make=False)
    assert opened.ledger.head().position == 1
    assert opened.ledger.id == opened.store.id_of("main")
    opened.close()


in_memory = pytest.mark.parametrize("settings", [Settings(
    database_url="memory:", keys_url="memory:", master_key_file=None)], ids=["memory"])


@in_memory
@pytest.mark.parametrize("name", ["", " ", "a b", "a\0", ".access", "x.access.access", "x.access",
                                  "x.y", "店", "z" * 61, "\ud800", "-", "\u00b2"])
def test_name__rejected_wherever_it_enters(
    store: MemoryStore, keys: Keys, name: str, tmp_path: Path
) -> None:
    """R-LDG-09: where a ledger begins, and where a backup is restored; nothing is left behind."""
    begun(store, keys)
    backup_log(store, "main", tmp_path / "log.gz")
    fresh = MemoryStore(kinds=ACCOUNT_KINDS)
    with pytest.raises(BadLedgerName):
        restore_log(fresh, tmp_path / "log.gz", name=name)
    if name != "x.access":  # it is how the ledger of keys of an `x` is named
        with pytest.raises(BadLedgerName):
            begun(fresh, keys, name)
    assert fresh.ledgers() == []
    assert secrets_of(keys) == 2


@in_memory
def test_name__accepted_if_it_is_plain_or_there_from_before(
    store: MemoryStore, keys: Keys, tmp_path: Path
) -> None:
    """What is called otherwise is opened by its name, and restored under another one."""
    for name in ("z" * 60, "North-2", "7"):
        begun(store, keys, name)
    write(store, opening_entry(known("a b").id), ledger="a b")
    backup_log(store, "a b", tmp_path / "log.gz")
    with pytest.raises(BadLedgerName):
        restore_log(MemoryStore(kinds=ACCOUNT_KINDS), tmp_path / "log.gz")
    fresh = MemoryStore(kinds=ACCOUNT_KINDS)
    restore_log(fresh, tmp_path / "log.gz", name="ab")
    assert fresh.ledgers() == ["ab"]
