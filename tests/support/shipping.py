"""An order on its way through the warehouse in one line a step, for tests."""

from datetime import timedelta
from typing import Any

from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
)
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.stock.pieces import Count
from tests.support.builders import HOUSE, NOON, line, opened, received, sell, stream
from tests.support.stories import Story, given

LATER = NOON + timedelta(hours=3)
"""When the warehouse works on an order."""


def on(command: type[Any], number: object = "1", **fields: Any) -> Any:
    """A command on an order."""
    return command(order=stream(number), occurred_at=LATER, **fields)


def ready(*more: Any) -> Story:
    """An order of 2 books and a pen, reserved, approved and submitted."""
    return given(
        opened(), received("SH-001", 10, to_bin="A1"), received("PEN", 5),
        sell(1, line(quantity=2), line("PEN", name="2")),
        on(ApproveOrder), on(SubmitOrder, warehouse=HOUSE), *more)


PICK = on(PickOrder, lines=[PickedFrom("1", 2, "A1"), PickedFrom("2", 1)])
CHECK = on(CheckOrder, passed=True)
PACK = on(PackOrder, parcel="P1", lines=[Count("1", 2), Count("2", 1)])
SEND = on(DispatchParcel, parcel="P1", courier="顺丰", waybill="SF1")
ARRIVE = on(DeliverParcel, parcel="P1")
