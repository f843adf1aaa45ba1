"""Personal values on a repeat: compared as long as somebody can read them, then no more."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.commands import CorrectOrder, HoldOrder, RefundOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.values import Amounts
from ledger.people.commands import JoinMember
from ledger.settings import Settings, open_ledger
from ledger.writing.errors import CommandReused
from ledger.writing.genesis import begun
from ledger.writing.requests import statement_id, statement_of
from tests.support.builders import (
    CONTEXT,
    NOON,
    context,
    named,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.thorough import tried


@pytest.fixture
def shop(store: Store, keys: Keys) -> Iterator[Ledger]:
    """A ledger of the shop's commands."""
    found = Ledger(store, begun(store, keys))
    yield found
    found.close()


class Case(NamedTuple):
    """A command with a personal value, the same with another value, and what it builds on."""

    first: Command
    other: Command
    before: list[Command] = []


def refund(account: str) -> RefundOrder:
    return RefundOrder(order=stream(), occurred_at=NOON + timedelta(days=1), amount_minor=5,
                       reference="R5",
                       account=account)


def hold(reason: str) -> HoldOrder:
    return HoldOrder(order=stream(), occurred_at=NOON, reason=reason)


def join(name: str) -> JoinMember:
    return JoinMember(member="member:7f3a", occurred_at=NOON, joined_on="2026-09-01", name=name)


CASES = {
    "order": Case(place(phone="13800000001"), place(phone="13800000002")),
    "refund": Case(refund("6222-1"), refund("6222-2"), [place(phone="1"), pay()]),
    "remark": Case(remark(text="一"), remark(text="二"), [place()]),
    "hold": Case(hold("改地址"), hold("缺货"), [place(phone="1")]),
    "member": Case(join("欧阳若雪"), join("张三")),
}


def erase_all(keys: Keys) -> None:
    """Delete the keys of all persons, as an erasure does."""
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
        if connection.dialect.name != "sqlite":
            connection.commit()


@pytest.mark.parametrize("name", CASES)
def test_repeat__compares_personal_values_until_they_are_erased(
    shop: Ledger, store: Store, keys: Keys, name: str
) -> None:
    """With the key gone nobody can find out what the value was, not even by trying them all."""
    first, other, before = CASES[name]
    for command in before:
        shop.handle(command, CONTEXT)
    receipt = shop.handle(first, named(7))
    with pytest.raises(CommandReused):
        shop.handle(other, named(7))
    assert shop.handle(first, named(7)).replayed
    erase_all(keys)
    after = Ledger(store, begun(store, keys))
    for command in (first, other):
        again = after.handle(command, named(7))
        assert (again.replayed, again.positions) == (True, receipt.positions)
    after.close()


def test_repeat__ignored_with_another_value_where_the_first_changed_nothing(
    shop: Ledger, store: Store
) -> None:
    """Nothing was sealed, so nobody knows which value it was."""
    for command in (place(phone="1"), hold("改地址")):
        shop.handle(command, CONTEXT)
    for again in (False, True):
        receipt = shop.handle(hold("改地址"), named(8))
        assert (receipt.replayed, receipt.positions) == (again, ())
    before = store.head(shop.id)
    assert shop.handle(hold("缺货"), named(8)).replayed
    assert store.head(shop.id) == before
    with pytest.raises(CommandReused):
        shop.handle(remark(text="缺货"), named(8))



# -- statements of files --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imported() -> Iterator[Ledger]:
    """A ledger in memory."""
    opened = open_ledger(
        Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    yield opened.ledger
    opened.close()


NUMBERS = count()


def declared(total: int = 100, paid: int = 0, back: int = 0, as_: str = "", **more: Any
             ) -> dict[str, Any]:
    """What a row says of an order: its sums, how it ended, and what is personal."""
    return {
        "amounts": Amounts(total_minor=total), "lines": None, "dispatched": None,
        "paid": Moment(NOON + timedelta(minutes=5)) if paid else None, "paid_minor": paid or None,
        "refunded": Moment(NOON + timedelta(hours=1)) if back else None,
        "refunded_minor": back or None, "ended": Moment(NOON + timedelta(days=1)) if as_ else None,
        "ended_as": as_, **more}


def statement(ledger: Ledger, number: int, row: dict[str, Any]) -> tuple[RecordOrder, Context]:
    """A row as an import sends it: its id is made of what is not personal."""
    command = record(number, **row)
    parts = statement_of(ledger.id, msgspec.json.encode(
        {name: getattr(command, name) for name in command.__struct_fields__
         if name not in command.PERSONAL}))
    return command, context(command_id=statement_id(parts, 0), statement=parts)


def bring(ledger: Ledger, number: int, *rows: dict[str, Any]) -> list[int]:
    """How many events each row records."""
    found = ledger.handle_many([statement(ledger, number, row) for row in rows])
    assert all(isinstance(one, Receipt) for one in found), found
    return [0 if one.replayed else len(one.positions)
            for one in found if isinstance(one, Receipt)]


def correct(number: int, fact: str, amount_minor: int) -> CorrectOrder:
    """Somebody corrects a sum by hand."""
    return CorrectOrder(order=stream(number), occurred_at=NOON + timedelta(days=2), fact=fact,
                        amount_minor=amount_minor, reason="看错了")


OPENED = [declared(100, reason="甲"), declared(90, reason="甲"), declared(80, reason="乙")]
CLOSED = [declared(100, as_="closed", reason="甲"), declared(90, as_="closed", reason="乙"),
          declared(80, as_="closed", reason="甲")]
COMPLETED = [declared(100, 50, as_="completed", reason="甲"),
             declared(90, 50, as_="completed", reason="乙")]


@pytest.mark.parametrize("rows", [OPENED, CLOSED, COMPLETED])
def test_statement__ignored_when_seen_before_though_its_reason_was_left_out(
    imported: Ledger, rows: list[dict[str, Any]]
) -> None:
    """An order that has not ended, or not so, records no reason: nothing to compare it with."""
    number = next(NUMBERS)
    for row in rows:
        assert bring(imported, number, row) != [0]
    for why in ("甲", "乙", "丙", None):
        again = [{**row, "reason": why} for row in (*rows[1:], *rows)]
        assert bring(imported, number, *again) == [0] * len(again)


def test_statement__ignored_when_it_was_older_than_the_order_and_no_longer_is(
    imported: Ledger
) -> None:
    """An old export leaves out what is personal in it. Then the sum was corrected by hand."""
    number = next(NUMBERS)
    old = declared(90, 80, 20, address="旧址", remark="旧")
    assert bring(imported, number, declared(100, 100, address="新址"), old) == [2, 1]
    imported.handle(correct(number, "paid", 80), CONTEXT)
    assert bring(imported, number, old, old) == [0, 0]


def test_statement__accepted_once_for_each_personal_value(imported: Ledger) -> None:
    """An empty cell takes nothing away, so it is no other statement, whatever came since."""
    number = next(NUMBERS)
    rows = [declared(100, address="甲"), declared(100, address="乙"),
            declared(100, address="乙", remark="丙"), declared(90, address="丁")]
    assert bring(imported, number, *rows) == [1, 1, 1, 2]
    assert bring(imported, number, *reversed(rows), declared(100), *rows) == [0] * 9


PERSONAL = st.sampled_from([None, "甲", "乙"])
ROWS = st.builds(
    declared, st.sampled_from([100, 90]), st.sampled_from([0, 50, 80]), st.sampled_from([0, 20]),
    st.sampled_from(["", "closed", "completed"]), address=PERSONAL, remark=PERSONAL,
    reason=PERSONAL)
CORRECTIONS = st.tuples(st.sampled_from(["paid", "refunded"]), st.sampled_from([10, 50, 80]))


@settings(deadline=None, max_examples=tried(200))
@given(st.lists(ROWS | CORRECTIONS, min_size=2, max_size=9))
def test_statement__undoes_nothing_when_it_comes_again(
    imported: Ledger, steps: list[dict[str, Any] | tuple[str, int]]
) -> None:
    """Whatever else was brought or corrected since, and whatever reason it names by then."""
    number, seen = next(NUMBERS), []
    for step in steps:
        if isinstance(step, tuple):
            with suppress(LedgerError):
                imported.handle(correct(number, *step), CONTEXT)
        elif bring(imported, number, step) != [0]:
            seen.append(step)
    again = [{**row, "reason": why} for row in (*seen, *reversed(seen)) for why in (None, "甲")]
    assert bring(imported, number, *again) == [0] * len(again)
