"""One platform's reference by several writers at once: it is one payment, or one refund."""

from collections import Counter
from typing import Any

import pytest

from ledger.common.errors import LedgerError
from ledger.orders.commands import PayOrder, RefundOrder, SupplementOrder
from ledger.orders.values import Amounts
from ledger.settings import Settings, open_ledger
from tests.conftest import durable
from tests.support.builders import line, pay, place, stream
from tests.support.envelopes import CONTEXT
from tests.support.payments import LATER
from tests.support.soundness import must_be_sound
from tests.support.waiting import in_thread

OF_50 = {"lines": [line(unit_price=5000)], "amounts": Amounts(total_minor=5000)}


def _told(command: type[Any], number: str, amount_minor: int = 1000) -> Any:
    """So much, for an order, under the one reference."""
    return command(order=stream(number), occurred_at=LATER, amount_minor=amount_minor,
                   reference="P1")


@durable
@pytest.mark.parametrize(("command", "before"), [(PayOrder, 0), (SupplementOrder, 1),
                                                 (RefundOrder, 4000)])
@pytest.mark.parametrize("numbers", [("1", "1"), ("1", "2")])
def test_money__under_one_reference_is_recorded_once_by_two_at_once(
    settings: Settings, command: type[Any], before: int, numbers: tuple[str, str],
) -> None:
    """R-ORD-56: two threads on each of two ledgers, as of two web servers; for one order or for
    two, under keys of their own."""
    both = [open_ledger(settings) for _ in range(2)]
    for number in dict.fromkeys(numbers):
        both[0].ledger.handle(place(number, **OF_50), CONTEXT)
        if before:
            both[0].ledger.handle(pay(number, before), CONTEXT)

    def tell(opened: Any, number: str) -> str:
        try:
            opened.ledger.handle(_told(command, number), CONTEXT)
        except LedgerError as error:
            return error.code
        return number

    callers = [in_thread(lambda one=one, number=number: tell(one, number))
               for one in both for number in numbers]
    for caller in callers:
        caller.join()
    heard = Counter(caller.result for caller in callers)
    rows = must_be_sound(both[0].store)
    kept = [row.stream for row in rows if b'"P1"' in row.payload]
    assert len(kept) == 1
    winner = kept[0].rpartition(":")[2]
    assert heard == {winner: 4} if numbers[0] == numbers[1] else {winner: 2, "reference_used": 2}
    for opened in both:
        opened.close()
