"""Fulfilment: where the pieces of every order are, and what keeps an order from being sent.

The fold lets the order's own mutators work on what a row keeps of it: what a rule decides on and
what a report tells cannot part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
)

from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Outline
from ledger.orders.order import Order
from ledger.orders.review import OrderReview
from ledger.orders.shipping import OrderGoods
from ledger.orders.values import OPEN, STATES, Parcel
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of
from projections.orders.state import (
    APPROVED,
    CANCELLED,
    CLOSED,
    COMPLETED,
    HELD,
    IMPORTED,
    SUBMITTED,
    is_imported,
    review_status,
)
from projections.store.folding import Fact
from projections.store.rows import Change, Key, Rows, metadata

fulfilment = Table(
    "fulfilment", metadata,
    Column("ledger", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("warehouse", Text, nullable=False),
    Column("exceptions", Text),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="fulfilment_pk"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` as JSON; `exceptions` the open ones as JSON, or NULL where there are none."""

PLACED = Order.Placed.TOPIC
TAKEN = frozenset(
    topic for fact in (*vars(OrderGoods).values(), *vars(OrderReview).values(),
                       Order.Placed, Order.Corrected, Order.Completed, Order.Closed,
                       Order.Cancelled)
    if (topic := getattr(fact, "TOPIC", "")))
"""The events that move pieces, change the review or end the order. The others count for nothing."""

OPENED, NOTED, SETTLED = EXCEPTIONAL = (
    Order.ExceptionOpened.TOPIC, Order.ExceptionNoted.TOPIC, Order.ExceptionClosed.TOPIC)
"""The events of exceptions."""

ENDED = {"completed": COMPLETED, "closed": CLOSED, "cancelled": CANCELLED}
READY = {"packed": ("packed",), "picked": ("packed", "picked"),
         "reserved": ("packed", "picked", "reserved")}
"""An order of which nothing was sent is so far if all its pieces are in one of these states."""


class Kept(msgspec.Struct, omit_defaults=True):
    """What a row keeps of an order. `lines`: the SKU of each and its pieces by state."""

    lines: dict[str, tuple[str | None, Mapping[str, int]]] = {}
    parcels: dict[str, Parcel] = {}
    imported: bool = False
    approved: bool = False
    submitted: bool = False
    held: str = ""
    ended: str = ""
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None


class OpenException(msgspec.Struct, frozen=True):
    """An exception that is open: `note` is the last one, `opened_at` microseconds UTC."""

    kind: str
    note: str
    owner: str | None
    opened_at: int
    opened_position: int


_SHARED = ("parcels", "approved", "submitted", "held", "ended", "dispatched_at", "delivered_at")
"""What `Kept` and an order call by the same name."""

_kept = msgspec.json.Decoder(Kept)
_exceptions = msgspec.json.Decoder(dict[str, OpenException])


class Tracked:
    """An order while events are folded into it, and what it does not know of itself."""

    def __init__(self, order: Order, *, imported: bool) -> None:
        self.order = order
        self.imported = imported
        self.skus: dict[str, str | None] = {}
        self.exceptions: dict[str, OpenException] = {}
        self.position = 0

    def take(self, entry: Outline, event: Any) -> None:
        """Apply an event.

        As of a moment of the business, an event may tell of lines or parcels that are not known
        yet: then it counts for nothing. With a whole log that never is, since the order itself
        took the event.
        """
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        after = self.order.clone()
        try:
            event.apply(after)
        except KeyError:
            return
        if after.lines is not self.order.lines:
            self.skus = {name: line.sku for name, line in (after.lines or {}).items()}
        if entry.type in EXCEPTIONAL:
            self._except(entry, event)
        self.order = after
        self.position = entry.position

    def _except(self, entry: Outline, event: Any) -> None:
        known = self.exceptions.pop(event.exception, None)
        if entry.type == OPENED:
            known = OpenException(
                event.kind, event.note, event.owner, entry.occurred_at, entry.position)
        elif entry.type == NOTED and known is not None:
            known = msgspec.structs.replace(
                known, note=event.note, owner=event.owner or known.owner)
        if known is not None and entry.type != SETTLED:
            self.exceptions[event.exception] = known


def tracked(row: Row[Any]) -> Tracked:
    """The order that a row keeps."""
    kept = _kept.decode(row.state)
    order = Order.blank(row.subject)
    order.warehouse = row.warehouse
    order.goods = {line: states for line, (_, states) in kept.lines.items()}
    for name in _SHARED:
        setattr(order, name, getattr(kept, name))
    found = Tracked(order, imported=kept.imported)
    found.skus = {line: sku for line, (sku, _) in kept.lines.items()}
    found.exceptions = _open(row)
    order.exceptions = {name: one.kind for name, one in found.exceptions.items()}
    found.position = row.position
    return found


def row_of(ledger: str, found: Tracked) -> tuple[Any, ...]:
    """An order as a row of the table."""
    order = found.order
    kept = Kept(
        lines={line: (found.skus[line], states) for line, states in order.goods.items()},
        imported=found.imported, **{name: getattr(order, name) for name in _SHARED})
    exceptions = _text(found.exceptions) if found.exceptions else None
    return ledger, order.id, order.warehouse, exceptions, _text(kept), found.position


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _open(row: Row[Any]) -> dict[str, OpenException]:
    return {} if row.exceptions is None else _exceptions.decode(row.exceptions)


class Batch(msgspec.Struct):
    """The orders of a batch, and the subjects of those that earlier batches wrote."""

    ledger: str
    orders: dict[str, Tracked]
    loaded: frozenset[str]


class Fulfilment:
    """Folds the pieces, parcels, review and exceptions of orders: one row each."""

    name: ClassVar[str] = "fulfilment"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (fulfilment,)

    def load(self, rows: Rows, ledger: str, entries: Sequence[Outline]) -> Batch:
        """The orders that earlier batches wrote."""
        first = {entry.stream: entry.type for entry in reversed(entries) if entry.type in TAKEN}
        earlier = sorted(stream for stream, type_ in first.items() if type_ != PLACED)
        found = {row.subject: tracked(row)
                 for row in rows.among(fulfilment, ledger, "subject", earlier)}
        return Batch(ledger, found, frozenset(found))

    def fold(self, state: Batch, facts: Iterable[Fact]) -> None:
        """Take facts into the orders. What is told of an order before it is placed is nothing."""
        for entry, event in facts:
            if entry.type == PLACED:
                order = Order.blank(entry.stream)
                state.orders[entry.stream] = Tracked(order, imported=is_imported(entry))
            if entry.type in TAKEN and (found := state.orders.get(entry.stream)) is not None:
                found.take(entry, event)

    def changes(self, state: Batch) -> Iterator[Change]:
        """The rows of the orders."""
        rows = {name: row_of(state.ledger, state.orders[name]) for name in sorted(state.orders)}
        yield Change(fulfilment, [row for name, row in rows.items() if name not in state.loaded],
                     [row for name, row in rows.items() if name in state.loaded])


# -- reports --------------------------------------------------------------------------------------


@report(Fulfilment, Past.STREAM, knows=recorded())
def pieces_of_orders(reading: Reading) -> Iterator[dict[str, Any]]:
    """Where the pieces of orders are. Shapes: objects as `shown` makes them, by subject."""
    return map(shown, rows_of(reading, fulfilment, kind=Order.KIND))


@report(Fulfilment, Past.STREAM, knows=recorded())
def open_exceptions(reading: Reading) -> Iterator[dict[str, Any]]:
    """The open exceptions of orders, by subject, then in the order of their opening.

    Shapes: subject, then an exception as `shown` tells it.
    """
    for row in rows_of(
            reading, fulfilment, fulfilment.c.exceptions.is_not(None), kind=Order.KIND):
        for told in _told(row):
            yield {"subject": row.subject, **told}


def shown(row: Row[Any]) -> dict[str, Any]:
    """An order's fulfilment as reports tell it.

    Shapes: `pieces` by state, over all lines; `lines` with the pieces of each by state, `ordered`
    is their sum; `parcels` with the pieces of each line in them; `exceptions` with exception, kind,
    note (the last one), owner, opened_at, opened_position. `held` is the reason, or None.
    """
    kept = _kept.decode(row.state)
    pieces = {state: sum(states.get(state, 0) for _, states in kept.lines.values())
              for state in STATES}
    return {
        "subject": row.subject,
        "warehouse": row.warehouse or None,
        "review_status": review_status(_marks(kept)),
        "held": kept.held or None,
        "fulfilment_status": fulfilment_status(kept, pieces),
        "pieces": pieces,
        "lines": [{"line": line, "sku": sku, "ordered": sum(states.values()),
                   **{state: states.get(state, 0) for state in STATES}}
                  for line, (sku, states) in kept.lines.items()],
        "parcels": [{"parcel": name, **msgspec.to_builtins(parcel)}
                    for name, parcel in kept.parcels.items()],
        "exceptions": list(_told(row)),
        "position": row.position,
    }


def _told(row: Row[Any]) -> Iterator[dict[str, Any]]:
    for name, one in sorted(_open(row).items(), key=lambda item: item[1].opened_position):
        yield {"exception": name, **msgspec.structs.asdict(one),
               "opened_at": rfc3339(from_us(one.opened_at))}


def _marks(kept: Kept) -> int:
    return (ENDED.get(kept.ended, 0) | (HELD if kept.held else 0)
            | (SUBMITTED if kept.submitted else 0) | (APPROVED if kept.approved else 0)
            | (IMPORTED if kept.imported else 0))


def fulfilment_status(kept: Kept, pieces: Mapping[str, int]) -> str:
    """How far an order is; pieces that were cancelled do not count, where others are.

    Nothing sent yet: unfulfilled; back_ordered (it waits for pieces); part_reserved; reserved,
    picked, packed (all pieces are at least so far). Then part_dispatched (others are still to be
    sent); dispatched (all are, none has arrived); part_delivered; delivered (none is on its way any
    more); returning (some are expected back); part_returned; returned; lost (all are). All pieces
    cancelled: cancelled. Of an order whose lines nobody told: what its times say.
    """
    to_send = sum(pieces[state] for state in OPEN)
    sent = sum(pieces.values()) - to_send - pieces["cancelled"]
    if not any(pieces.values()):
        return ("delivered" if kept.delivered_at else
                "dispatched" if kept.dispatched_at else "unfulfilled")
    if to_send:
        return "part_dispatched" if sent else _prepared(pieces, to_send)
    return _sent(pieces, sent) if sent else "cancelled"


def _prepared(pieces: Mapping[str, int], to_send: int) -> str:
    if pieces["short"]:
        return "back_ordered"
    for status, states in READY.items():
        if sum(pieces[state] for state in states) == to_send:
            return status
    return "unfulfilled" if pieces["unreserved"] == to_send else "part_reserved"


def _sent(pieces: Mapping[str, int], sent: int) -> str:
    if pieces["returning"]:
        return "returning"
    if pieces["in_transit"]:
        return "dispatched" if pieces["in_transit"] == sent else "part_delivered"
    if pieces["returned"]:
        return "part_returned" if pieces["delivered"] else "returned"
    return "delivered" if pieces["delivered"] else "lost"


REPORTS: dict[str, Report] = {
    "fulfilment": pieces_of_orders,
    "exceptions": open_exceptions,
}
