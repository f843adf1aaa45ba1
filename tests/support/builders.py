"""Commands, contexts and raw entries in one line, for tests."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ledger.common.context import Context
from ledger.common.moments import Moment
from ledger.fulfilment.commands import SellOrder
from ledger.log import merkle
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.store import Head, Store, Tile
from ledger.orders.commands import EndOrder, PayOrder, RemarkOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.placing import PlaceOrder
from ledger.orders.values import Amounts, Line
from ledger.stock.commands import MoveStock, StockMove
from ledger.stock.warehouses import OpenWarehouse

CHANNEL, SHOP = "taobao", "云杉书店"
NOON = datetime(2026, 10, 1, 4, tzinfo=UTC)
"""Noon of a business day in China, long past."""

CONTEXT = Context(actor="system", role="system", client="test")


def context(**fields: Any) -> Context:
    """The context of the tests with some fields changed."""
    return Context(**{"actor": "system", "role": "system", "client": "test", **fields})


def named(number: int = 1) -> Context:
    """A context with a command id of its own, the same for the same number."""
    return context(command_id=UUID(int=number))


def stream(number: object = "1") -> str:
    """The stream of the order with this number."""
    return f"order:{CHANNEL}:{SHOP}:{number}"


def line(sku: str = "SH-001", *, quantity: int = 1, unit_price: int = 4990,
         name: str = "1") -> Line:
    """One line of an order."""
    return Line(line=name, sku=sku, title="云杉集", quantity=quantity, unit_price=unit_price,
                amount_minor=quantity * unit_price)


def place(number: object = "1", **fields: Any) -> PlaceOrder:
    """An order of one book for 49.90."""
    return PlaceOrder(**{
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "occurred_at": NOON, "amounts": Amounts(total_minor=4990), "lines": [line()], **fields})


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


def entry(position: int, **fields: Any) -> Entry:
    """A raw entry of ledger `main`: by default the opening event of a stream of its own."""
    values: dict[str, Any] = {
        "ledger": "main", "position": position, "stream": f"s:{position}", "version": 1,
        "type": "test.happened.v1", "recorded_at": 1_000_000 * position, "occurred_at": 0,
        "command_id": uuid4().bytes, "command_seq": 1, "request_hash": None, "once": None,
        "actor": "system", "role": "system", "client": "test", "correlation": bytes(16),
        "causation": None, "subjects": "[]", "source": None, "payload": b"{}",
        "salt": bytes(16), "payload_hash": b"", "leaf_hash": b"", **fields}
    made = Entry(**values)
    made = made._replace(payload_hash=payload_hash(made.salt, made.payload))
    return made._replace(leaf_hash=leaf_hash(made))


def head_after(before: Head, entries: Iterable[Entry]) -> Head:
    """The head that some more entries lead to."""
    frontier = merkle.unpack(before.frontier)
    position, recorded_at = before.position, before.recorded_at
    for item in entries:
        merkle.push(frontier, position, item.leaf_hash)
        position, recorded_at = item.position, item.recorded_at
    return Head(position, recorded_at, merkle.pack(frontier), before.keys_id)


def write(store: Store, *entries: Entry, ledger: str = "main", tiles: Sequence[Tile] = ()) -> Head:
    """Append raw entries in one transaction."""
    with store.writing(ledger) as writing:
        head = head_after(writing.head(ledger), entries)
        writing.append(entries, head, tiles)
    return head


# -- stock ----------------------------------------------------------------------------------------

HOUSE = "main"
"""The warehouse of the tests."""


def opened(name: str = HOUSE, **fields: Any) -> OpenWarehouse:
    """A warehouse."""
    return OpenWarehouse(**{"name": name, "occurred_at": NOON, **fields})


def received(sku: str = "SH-001", quantity: int = 10, **fields: Any) -> MoveStock:
    """Goods that came in from a supplier."""
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
    return SellOrder(**{
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "occurred_at": NOON, "warehouse": HOUSE, "lines": list(lines), **fields})
