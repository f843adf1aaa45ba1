"""Commands of the shop in one line, for tests; contexts and raw entries come with them."""

from datetime import timedelta
from typing import Any

from ledger.common.moments import Moment
from ledger.fulfilment.commands import SellOrder
from ledger.orders.commands import EndOrder, PayOrder, RemarkOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.placing import PlaceOrder
from ledger.orders.values import Amounts, Line
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.warehouses import OpenWarehouse
from tests.support.envelopes import CONTEXT, NOON, context, entry, head_after, named, write

__all__ = ["CHANNEL", "CONTEXT", "HOUSE", "NOON", "SHOP", "context", "costing", "end", "entry",
           "head_after", "line", "moved", "named", "opened", "pay", "place", "received", "record",
           "remark", "sell", "stream", "write"]

CHANNEL, SHOP = "taobao", "云杉书店"


def stream(number: object = "1") -> str:
    """The stream of the order with this number."""
    return f"order:{CHANNEL}:{SHOP}:{number}"


def line(sku: str = "SH-001", *, quantity: int = 1, unit_price: int = 4990,
         name: str = "1") -> Line:
    """One line of an order."""
    return Line(line=name, sku=sku, title="云杉集", quantity=quantity, unit_price=unit_price,
                amount_minor=quantity * unit_price)


def costing(lines: list[Line], total_minor: int) -> Amounts:
    """What lines cost for this total: more than their sum is postage, less is a discount."""
    more = total_minor - sum(line.amount_minor for line in lines if not line.fee)
    return Amounts(total_minor=total_minor, postage_minor=max(0, more),
                   discount_minor=max(0, -more))


def _agreeing(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of an order whose total alone is given, so that it agrees with its lines."""
    lines, amounts = fields["lines"], fields.get("amounts", Amounts())
    if lines and amounts == Amounts(total_minor=amounts.total_minor) != Amounts():
        return {**fields, "amounts": costing(lines, amounts.total_minor)}
    return fields


def place(number: object = "1", **fields: Any) -> PlaceOrder:
    """An order of one book for 49.90."""
    return PlaceOrder(**_agreeing({
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "occurred_at": NOON, "amounts": Amounts(total_minor=4990), "lines": [line()], **fields}))


def pay(number: object = "1", amount_minor: int = 4990, **fields: Any) -> PayOrder:
    """The payment of an order."""
    return PayOrder(**{"order": stream(number), "occurred_at": NOON + timedelta(minutes=5),
                       "amount_minor": amount_minor, **fields})


def remark(number: object = "1", text: str = "请尽快发货", **fields: Any) -> RemarkOrder:
    """A remark of the shop on an order."""
    return RemarkOrder(**{"order": stream(number), "occurred_at": NOON, "remark": text, **fields})


def end(number: object = "1", ended_as: str = "completed", **fields: Any) -> EndOrder:
    """The end of an order."""
    return EndOrder(**{"order": stream(number), "occurred_at": NOON + timedelta(days=9),
                       "ended_as": ended_as, **fields})


def record(number: object = "1", **fields: Any) -> RecordOrder:
    """A whole order as a file declares it: placed, paid, dispatched, completed; four events."""
    return RecordOrder(**{
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "amounts": Amounts(total_minor=4990), "lines": [line()],
        "placed": Moment(NOON), "paid": Moment(NOON + timedelta(minutes=5)), "paid_minor": 4990,
        "dispatched": Moment(NOON + timedelta(days=1)), "courier": "顺丰", "waybill": "SF1",
        "ended": Moment(NOON + timedelta(days=9)), "ended_as": "completed", **fields})


# -- stock ----------------------------------------------------------------------------------------

HOUSE = "main"
"""The warehouse of the tests."""


def opened(name: str = HOUSE, **fields: Any) -> OpenWarehouse:
    """A warehouse."""
    return OpenWarehouse(**{"name": name, "occurred_at": NOON, **fields})


def received(sku: str = "SH-001", quantity: int = 10, **fields: Any) -> MoveStock:
    """Goods that came in from a supplier; `to_bin` says where they lie now."""
    return moved(sku, quantity, "supplier", "available", "receipt", **fields)


def moved(
    sku: str, quantity: int, source: str, target: str, cause: str, *, bin: str = "",
    to_bin: str = "", **fields: Any,
) -> MoveStock:
    """One movement."""
    return MoveStock(**{
        "warehouse": HOUSE, "occurred_at": NOON, **fields,
        "moves": [StockMove(sku=sku, quantity=quantity, source=source, target=target, cause=cause,
                            bin=bin, to_bin=to_bin)]})


def sell(number: object = "1", *lines: Line, **fields: Any) -> SellOrder:
    """An order whose goods are reserved along with it."""
    lines = lines or (line(),)
    return SellOrder(**_agreeing({
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "occurred_at": NOON, "warehouse": HOUSE, "lines": list(lines),
        "terms": "on_delivery", **fields}))
