"""Personal values on a repeat: compared as long as somebody can read them, then no more."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest

from ledger.application import Ledger
from ledger.core.commands import Command
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.commands import HoldOrder, RefundOrder
from ledger.people.commands import JoinMember
from ledger.writing.errors import CommandReused
from ledger.writing.genesis import begun
from tests.support.builders import CONTEXT, NOON, named, pay, place, remark, stream


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
