"""Whatever comes after an erasure, and however it comes, nothing of the person is in the log."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.erasure.errors import AlreadyErased
from ledger.erasure.finding import NobodyFound, confirmation_of, persons_of
from ledger.log.erasures import ERASED, erased_by
from ledger.orders.commands import (
    AssignOrder,
    EndOrder,
    HoldOrder,
    LiftHold,
    OpenException,
    RefundOrder,
)
from ledger.returns.commands import RecordReturn, RequestCase, WithdrawCase
from ledger.returns.values import CaseLine
from ledger.settings import Settings, open_ledger
from tests.support.builders import (
    CHANNEL,
    CONTEXT,
    NOON,
    SHOP,
    context,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.erasing import ask, buyer, erase
from tests.support.thorough import tried

NUMBERS = count()


@pytest.fixture(scope="module")
def shop() -> Iterator[Ledger]:
    """A ledger in memory."""
    found = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    yield found.ledger
    found.close()


def commands(number: int) -> dict[str, Command]:
    """All kinds of commands that name something personal of an order, or of a case of it."""
    order, case = stream(number), f"case:{CHANNEL}:{SHOP}:{number}"
    at: dict[str, Any] = {"order": order, "occurred_at": NOON}
    new: dict[str, Any] = {
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY"}
    line = CaseLine(line="1", sku="SH-001", quantity=1, unit_price=1, amount_minor=1)
    return {
        "place": place(number, phone="138"),
        "place with an account": place(number, account=f"a{number}", phone="138"),
        "bare": place(number),
        "elsewhere": place(f"{number}-2", account=f"b{number}", phone="137"),
        "pay": pay(number),
        "declare": record(number, phone="139", remark="李雷", reason="李雷"),
        "declare with an account": record(number, account=f"a{number}", address="砚台路"),
        "declare with another": record(number, account=f"b{number}", address="砚台路"),
        "remark": remark(number),
        "hold": HoldOrder(**at, reason="李雷"),
        "lift": LiftHold(**at, note="李雷"),
        "assign": AssignOrder(**at, owner="member:1", reason="李雷"),
        "exception": OpenException(**at, exception="1", kind="unsendable", note="李雷"),
        "refund": RefundOrder(**at, amount_minor=1, reference="R1", account="6222", reason="李雷"),
        "cancel": EndOrder(**at, ended_as="cancelled", reason="李雷"),
        "ask": RequestCase(**new, kind="refund_only", order=order, refund_minor=1, reason="李雷",
                           occurred_at=NOON),
        "withdraw": WithdrawCase(case=case, reason="李雷", occurred_at=NOON),
        "came back": RecordReturn(**new, at=Moment(NOON + timedelta(days=1)), lines=[line],
                                  account=f"a{number}", reason="李雷"),
    }


STEPS = st.lists(st.sampled_from([*commands(0), "erase", "erase"]), min_size=3, max_size=14)


def erase_all(ledger: Ledger, number: int) -> None:
    """Erase whoever stands in an order, as far as there is anybody."""
    with suppress(NobodyFound):
        for person in persons_of(ledger.store, ledger.keys, stream(number)):
            with suppress(AlreadyErased):
                erase(ledger, person)


def must_be_gone(ledger: Ledger, after: int, number: int) -> None:
    """No event holds anything for whoever was erased before it; nor does the order take anything
    of anybody new."""
    gone: set[str] = set()
    for entry in ledger.store.read(ledger.id, after=after, limit=100_000):
        if entry.type == ERASED:
            gone.update(erased_by(entry))
            continue
        assert not any(f'"p":"{person}"'.encode() in entry.payload for person in gone), entry
        if gone and entry.stream == stream(number):
            assert b'"p":' not in entry.payload, entry


@settings(deadline=None, max_examples=tried(120))
@given(STEPS, st.booleans())
def test_erasure__is_followed_by_nothing_of_the_person(
    shop: Ledger, steps: list[str], together: bool
) -> None:
    """One by one, or what stands between two erasures in one batch."""
    number, before = next(NUMBERS), shop.head().position
    known, waiting = commands(number), list[Command]()
    for step in steps:
        if step != "erase":
            waiting.append(known[step])
        if step == "erase" or not together:
            shop.handle_many([(one, CONTEXT) for one in waiting])
            waiting = []
        if step == "erase":
            erase_all(shop, number)
    shop.handle_many([(one, CONTEXT) for one in waiting])
    must_be_gone(shop, before, number)


@settings(deadline=None, max_examples=tried(60))
@given(st.lists(st.sampled_from([*commands(0)]), min_size=1, max_size=8), st.integers(0, 8))
def test_erasure__ends_what_is_taken_in_the_same_batch(
    shop: Ledger, steps: list[str], at: int
) -> None:
    number, before = next(NUMBERS), shop.head().position
    shop.handle(place(number, account=f"a{number}", phone="138"), CONTEXT)
    person = buyer(shop, number)
    ask(shop, person)
    known = commands(number)
    items = [(known[step], CONTEXT) for step in steps]
    items.insert(at, (confirmation_of(shop.store, shop.keys, person, occurred_at=NOON),
                      context(actor="member:confirms")))
    results = shop.handle_many(items)
    assert isinstance(results[min(at, len(steps))], Receipt | LedgerError)
    must_be_gone(shop, before, number)


def test_confirm__by_several_at_once_erases_once(shop: Ledger) -> None:
    number = next(NUMBERS)
    shop.handle(place(number, phone="138"), CONTEXT)
    person = buyer(shop, number)
    ask(shop, person)
    command = confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)
    results: list[object] = []

    def send(name: str) -> None:
        results.extend(shop.handle_many([(command, context(actor=f"member:{name}"))]))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in results) == [
        "AlreadyErased", "AlreadyErased", "AlreadyErased", "Receipt"]
