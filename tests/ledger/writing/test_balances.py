"""Balances: an account that is read from one is what all that touched it made of it, and whatever
is wrong with one costs time only."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.core.accounts import Account
from ledger.core.postings import ACCOUNT_KINDS
from ledger.fulfilment.commands import ReserveOrder
from ledger.log.accounts import Balance
from ledger.log.backup import backup_log, restore_log
from ledger.log.beyond import Beyond, head_at
from ledger.log.memory import MemoryStore
from ledger.log.persons import Keys
from ledger.log.store import OlderDatabase, StorageFailed, Store
from ledger.settings import Settings
from ledger.stock.account import StockAccount
from ledger.stock.corrections import CorrectStock
from ledger.stock.skus import AliasSku
from ledger.writing import balances
from ledger.writing.balances import balance_of
from ledger.writing.genesis import begun
from ledger.writing.reading import odd_balances, read_accounts
from tests.conftest import durable
from tests.support.builders import HOUSE, NOON, end, line, opened, place, received, sell, stream
from tests.support.envelopes import CONTEXT
from tests.support.moving import AT, COMMANDS
from tests.support.tamper import intrude
from tests.support.thorough import tried

ACCOUNT, OTHER = f"stock:{HOUSE}:SH-001", f"stock:{HOUSE}:PEN"

per_store = hypothesis_settings(max_examples=tried(20), deadline=None,
                                suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ledger(store: Store, keys: Keys) -> Iterator[Ledger]:
    """The ledger `main` on the store, with the accounts of stock."""
    opened = Ledger(store, begun(store, keys))
    yield opened
    opened.close()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> int:
    """After how few events an account is kept in these tests."""
    monkeypatch.setattr(balances, "TOUCHES", 3)
    return balances.TOUCHES


def read(reader: Any, ledger: Ledger, *names: str) -> dict[str, Account]:
    """Accounts as a writer loads them that holds none."""
    found: dict[str, Account] = {name: StockAccount.blank(name) for name in names}
    assert read_accounts(reader, ledger.keys, found) == {}
    return found


class Unbalanced:
    """What a store holds but for its balances."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def balances(self, *_: Any) -> list[Balance]:
        return []


def all_of(ledger: Ledger) -> list[Balance]:
    """All balances of a ledger."""
    return ledger.store.balances_after(ledger.keys.ledger, "", 1_000)


def replace(ledger: Ledger, *kept: Balance) -> None:
    """Put balances in the place of those that there are."""
    with ledger.store.writing(ledger.keys.ledger) as writing:
        writing.keep_balances(kept)


def told(ledger: Ledger, events: int) -> None:
    """A SKU that so many receipts touched."""
    ledger.handle(opened(), CONTEXT)
    for _ in range(events):
        ledger.handle(received(), CONTEXT)


# -- what is kept -------------------------------------------------------------------------------

SOLD = st.builds(lambda number, sku, quantity: sell(number, line(sku, quantity=quantity)),
                 st.integers(1, 6), st.sampled_from("AB"), st.integers(1, 5))


def reserved(number: int) -> ReserveOrder:
    """What is there of an order's goods is reserved, and it waits for the rest."""
    return ReserveOrder(order=stream(number), warehouse=HOUSE, occurred_at=NOON)


CORRECTED = st.builds(
    lambda document, position, **fields: CorrectStock(
        document=f"{document}:{position}", position=position, **fields),
    st.sampled_from(["count", "movement"]), st.integers(4, 20), kind=st.just("did_not_occur"),
    reason=st.just("试"), occurred_at=AT)
PLACED = st.builds(
    lambda number, sku, quantity: place(number, lines=[line(sku, quantity=quantity)]),
    st.integers(4, 9), st.sampled_from("AB"), st.integers(1, 40))
ANY = st.one_of(COMMANDS, COMMANDS, SOLD, CORRECTED, PLACED, st.builds(reserved, st.integers(4, 9)),
                st.builds(end, st.integers(1, 9), st.just("cancelled")))


@given(commands=st.lists(st.lists(ANY, min_size=1, max_size=6), max_size=8),
       cut=st.integers(1, 40))
@per_store
def test_balance__is_what_all_that_touched_an_account_made_of_it(
    store: Store, keys: Keys, often: int, commands: list[list[Any]], cut: int
) -> None:
    """Movements, counts, transfers, corrections and orders in any batches; also for a reader who
    sees only a part of the log."""
    name = uuid4().hex
    ledger = Ledger(store, begun(store, keys, name))
    begin = [opened(), opened("north"), AliasSku(sku="a", target="A", occurred_at=NOON),
             *(received(sku, 20, warehouse=house) for sku in "AB" for house in (HOUSE, "north"))]
    for batch in (begin, *commands):
        ledger.handle_many([(command, CONTEXT) for command in batch])
    names = [f"stock:{house}:{sku}" for house in (HOUSE, "north") for sku in "AB"]
    whole = read(Unbalanced(store), ledger, *names)
    found = read(store, ledger, *names)
    assert found == whole
    assert [list(vars(one)["waiting"]) for one in found.values()] == [
        list(vars(one)["waiting"]) for one in whole.values()]
    assert {name for name, one in whole.items() if one.unkept >= often} \
        <= {one.subject for one in all_of(ledger)}
    assert list(odd_balances(store, name, [StockAccount])) == []
    until = min(cut, store.head(name).position)
    before = Beyond(store, ledger.keys.ledger, head_at(store, ledger.keys.ledger, until))
    assert read(before, ledger, *names) == read(Unbalanced(before), ledger, *names)
    ledger.close()


def test_balance__is_kept_once_for_as_many_events_and_saves_reading_them(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counting(account: Account, *rest: Any) -> Balance:
        made.append(account.position)
        return balance_of(account, *rest)

    monkeypatch.setattr(balances, "balance_of", counting)
    ledger.handle(opened(), CONTEXT)
    first = ledger.handle(received(), CONTEXT).positions[0]
    for _ in range(60):
        ledger.handle_many([(received(), CONTEXT)] * 10)
    assert len(made) == 2
    assert all(256 <= then - before <= 256 + 10 for before, then in pairwise([first - 1, *made]))
    pages = count_rows(monkeypatch, ledger.store)
    found = read(ledger.store, ledger, ACCOUNT)[ACCOUNT]
    assert found.unkept == ledger.head().position - made[-1]
    assert pages == [found.unkept + 1]
    assert found == read(Unbalanced(ledger.store), ledger, ACCOUNT)[ACCOUNT]


def count_rows(monkeypatch: pytest.MonkeyPatch, store: Any) -> list[int]:
    """How many events are read of accounts from now on, page by page."""
    pages: list[int] = []
    touching = store.touching

    def counting(*given: Any, **more: Any) -> Any:
        page = touching(*given, **more)
        pages.append(len(page))
        return page

    monkeypatch.setattr(store, "touching", counting)
    return pages


def test_balance__is_kept_with_the_next_event_of_an_account_that_has_none(
    ledger: Ledger, store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade: whoever loads it has counted what it read."""
    told(ledger, 5)
    assert all_of(ledger) == []
    monkeypatch.setattr(balances, "TOUCHES", 3)
    other = Ledger(store, begun(store, keys))
    assert other.preview([(received(), CONTEXT)])
    assert all_of(ledger) == []
    other.handle(received(), CONTEXT)
    assert [(one.subject, one.position) for one in all_of(ledger)] == [
        (ACCOUNT, store.head("main").position)]
    other.close()


def test_balance__holds_no_personal_data(ledger: Ledger, often: int) -> None:
    told(ledger, 1)
    for number in range(9):  # the last ones wait
        ledger.handle(place(number, lines=[line(quantity=2)], account="买书的人",
                            recipient="某先生"), CONTEXT)
        ledger.handle(reserved(number), CONTEXT)
    (kept,) = all_of(ledger)
    assert b'"waiting":{"order:' in kept.state
    assert "买书的人" not in kept.state.decode()
    assert "某先生" not in kept.state.decode()


def test_balance__is_in_no_backup(ledger: Ledger, store: Store, often: int, tmp_path: Any) -> None:
    told(ledger, 5)
    assert all_of(ledger)
    backup_log(store, "main", tmp_path / "log")
    elsewhere = MemoryStore(kinds=ACCOUNT_KINDS)
    restore_log(elsewhere, tmp_path / "log")
    assert elsewhere.balances_after("main", "", 9) == []
    assert read(elsewhere, ledger, ACCOUNT) == read(store, ledger, ACCOUNT)


# -- what does not fit --------------------------------------------------------------------------


def more(balance: Balance) -> Balance:
    """The same with a piece more."""
    return balance._replace(state=balance.state.replace(b'"moved_in_all":', b'"moved_in_all":1'))


UNFIT: dict[str, Callable[[Ledger, Balance, Balance], Balance]] = {
    "another state": lambda ledger, own, other: more(own),
    "the state of another account": lambda ledger, own, other: own._replace(state=other.state),
    "the whole of another account": lambda ledger, own, other: other._replace(subject=own.subject),
    "the mac of another account": lambda ledger, own, other: own._replace(mac=other.mac),
    "no mac": lambda ledger, own, other: own._replace(mac=bytes(32)),
    "a later position": lambda ledger, own, other: own._replace(position=own.position + 1),
    "an earlier position": lambda ledger, own, other: own._replace(position=own.position - 1),
    "a position beyond the head": lambda ledger, own, other: own._replace(position=2**62),
    "no position": lambda ledger, own, other: own._replace(position=0),
    "a position below": lambda ledger, own, other: own._replace(position=-2**63),
    "another format": lambda ledger, own, other: own._replace(format=own.format + 1),
    "no format": lambda ledger, own, other: own._replace(format=0),
    "a format of then": lambda ledger, own, other: resigned(ledger, own._replace(format=9)),
    "no JSON": lambda ledger, own, other: resigned(ledger, own._replace(state=b"{")),
    "other JSON": lambda ledger, own, other: resigned(ledger, own._replace(state=b'{"a":1}')),
    "no text": lambda ledger, own, other: resigned(ledger, own._replace(state=b"\xff")),
}
"""What a row may hold that nobody believes."""


def resigned(ledger: Ledger, balance: Balance) -> Balance:
    """A balance as the ledger's own writer signs it."""
    (event,) = ledger.store.read("main", after=balance.position - 1, limit=1)
    return balance._replace(mac=balances._mac(balance, event.leaf_hash, ledger.keys))


@pytest.mark.parametrize("what", UNFIT)
def test_balance__is_passed_over_where_it_does_not_fit(
    ledger: Ledger, store: Store, often: int, what: str
) -> None:
    """R-LOG-42: without an error, whatever a row holds."""
    told(ledger, 4)
    for _ in range(5):
        ledger.handle(received("PEN", 3), CONTEXT)
    whole = read(Unbalanced(store), ledger, ACCOUNT, OTHER)
    kept = {one.subject: one for one in all_of(ledger)}
    replace(ledger, UNFIT[what](ledger, kept[ACCOUNT], kept[OTHER]))
    assert read(store, ledger, ACCOUNT, OTHER) == whole
    fresh = Ledger(store, ledger.keys)
    fresh.handle(received(), CONTEXT)
    assert read(store, ledger, ACCOUNT) == read(Unbalanced(store), ledger, ACCOUNT)
    fresh.close()


def test_balance__is_passed_over_in_another_ledger(
    ledger: Ledger, store: Store, keys: Keys, often: int
) -> None:
    """Of another one with the same positions, and of the same one before its keys were given up."""
    other = Ledger(store, begun(store, keys, "other"))
    told(ledger, 4)
    told(other, 4)
    ledger.handle(sell(1, line(quantity=7)), CONTEXT)
    (kept,) = all_of(ledger)
    whole = read(Unbalanced(store), other, ACCOUNT)
    replace(other, more(kept))
    assert read(store, other, ACCOUNT) == whole
    found = {ACCOUNT: StockAccount.blank(ACCOUNT)}
    read_accounts(Rekeyed(store, ledger.keys.ledger), other.keys, found)
    assert found == read(Unbalanced(store), ledger, ACCOUNT)
    other.close()


class Rekeyed:
    """A ledger as somebody reads it who has other keys."""

    def __init__(self, store: Store, ledger: bytes) -> None:
        self.store = store
        self.ledger = ledger

    def balances(self, _: bytes, names: list[str]) -> list[Balance]:
        return self.store.balances(self.ledger, names)

    def touching(self, _: bytes, known: dict[str, int], **bounds: Any) -> Any:
        return self.store.touching(self.ledger, known, **bounds)


def test_balance__is_believed_of_who_has_the_keys_and_found_odd(
    ledger: Ledger, store: Store, often: int
) -> None:
    """So that what is passed over above is not passed over anyhow."""
    told(ledger, 5)
    (kept,) = all_of(ledger)
    assert list(odd_balances(store, "main", [StockAccount])) == []
    wrong = resigned(ledger, more(kept))
    replace(ledger, wrong)
    whole = read(Unbalanced(store), ledger, ACCOUNT)
    assert read(store, ledger, ACCOUNT) != whole
    assert list(odd_balances(store, "main", [StockAccount])) == [wrong]
    assert list(odd_balances(store, "main", [])) == []
    for unread in (kept._replace(state=b"{"), kept._replace(position=kept.position + 1)):
        replace(ledger, unread)
        assert list(odd_balances(store, "main", [StockAccount])) == [unread]
    replace(ledger, kept._replace(format=9))
    assert list(odd_balances(store, "main", [StockAccount])) == []


# -- with the events or not at all ---------------------------------------------------------------


def test_balance__is_not_kept_without_its_events(
    ledger: Ledger, store: Store, often: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(ledger, 5)
    before, head = all_of(ledger), store.head("main")
    keep = balances.keep_balances

    def failing(*given: Any) -> None:
        keep(*given)
        raise StorageFailed(why="the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("ledger.writing.writer.keep_balances", failing)
        for _ in range(4):
            with pytest.raises(StorageFailed):
                ledger.handle(received(), CONTEXT)
    assert (all_of(ledger), store.head("main")) == (before, head)
    ledger.handle(received(), CONTEXT)
    assert [one.position for one in all_of(ledger)] == [head.position + 1]
    assert read(store, ledger, ACCOUNT) == read(Unbalanced(store), ledger, ACCOUNT)


def test_balance__of_two_writers_is_that_of_the_log(
    ledger: Ledger, store: Store, keys: Keys, often: int
) -> None:
    other = Ledger(store, begun(store, keys))
    ledger.handle(opened(), CONTEXT)
    for turn in range(20):
        (ledger, other)[turn % 3 % 2].handle(received(), CONTEXT)
        assert read(store, other, ACCOUNT) == read(Unbalanced(store), ledger, ACCOUNT)
        assert all(one.position <= store.head("main").position for one in all_of(ledger))
    assert all_of(ledger)
    other.close()


@durable
def test_upgrade__of_a_log_without_balances(
    ledger: Ledger, store: Store, settings: Settings, often: int
) -> None:
    """As a version from before them left it: nothing is lost, and they are kept from then on."""
    told(ledger, 5)
    whole = read(store, ledger, ACCOUNT)
    intrude(settings, "DROP TABLE balances")
    intrude(settings, "UPDATE alembic_version SET version_num = '2_0001'")
    with pytest.raises(OlderDatabase):
        settings.open_store()
    upgraded = settings.open_store(prepare=False)
    missing = upgraded.missing_guards()
    upgraded.upgrade()
    again = Ledger(upgraded, ledger.keys)
    assert (upgraded.missing_guards(), all_of(again)) == (missing, [])
    assert read(upgraded, again, ACCOUNT) == whole
    again.handle(received(), CONTEXT)
    assert [one.subject for one in all_of(again)] == [ACCOUNT]
    again.close()
    upgraded.close()
