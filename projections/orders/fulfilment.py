"""Fulfilment: where the pieces of every order are, and what keeps an order from being sent.

The order's own mutators fold its events, on what a row keeps of it: so a report cannot say
anything else than the rules decide on. What most events are, `usual.py` takes in their place.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
)

from ledger.common.values import from_us, rfc3339, to_us
from ledger.log.envelope import Entry, Outline
from ledger.orders.changing import OrderChanges
from ledger.orders.kept import Kept
from ledger.orders.order import Order
from ledger.orders.packing import OrderPacking
from ledger.orders.payment import OrderPayment
from ledger.orders.returning import OrderReturns
from ledger.orders.review import OrderReview
from ledger.orders.shipping import OrderShipping
from ledger.orders.state import Marks, is_imported, review_status
from ledger.orders.steps import OrderSteps
from ledger.orders.values import STATES
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of, within
from projections.asking.written import ERASED, Sealed, Written
from projections.orders.answers import ExceptionRow, FulfilmentRow
from projections.orders.statuses import fulfilment_status
from projections.orders.usual import USUAL
from projections.orders.work import work_on
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

fulfilment = Table(
    "fulfilment", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("warehouse", Text, nullable=False),
    Column("exceptions", Text),
    Column("state", Text, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("owner", Text),
    Column("to_review", Text),
    Column("to_pick", Text),
    Column("to_send", Text),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="fulfilment_pk"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` as JSON; `exceptions` the open ones as JSON, or NULL where there are none. Of
each queue there is the status that the order has in it, or NULL where it is not in it; an index of
those that are in it is as long as the queue, however many orders there are."""

for _queue in ("to_review", "to_pick", "to_send"):
    Index(f"fulfilment_{_queue}", fulfilment.c.ledger, fulfilment.c.placed_at, fulfilment.c.subject,
          sqlite_where=fulfilment.c[_queue].is_not(None),
          postgresql_where=fulfilment.c[_queue].is_not(None))

OPENED, NOTED, SETTLED = EXCEPTIONAL = (
    Order.ExceptionOpened.TOPIC, Order.ExceptionNoted.TOPIC, Order.ExceptionClosed.TOPIC)
"""The events of exceptions."""

class OpenException(msgspec.Struct, frozen=True):
    """An exception that is open: `note` is the last one, `opened_at` microseconds UTC."""

    kind: str
    note: Sealed | None
    owner: str | None
    opened_at: int
    opened_position: int


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

    def take(self, entry: Entry | Outline, event: Any, *, wholly: bool = False) -> None:
        """Take an event, unless it moves pieces of lines or parcels that are not known. `wholly`:
        for somebody who looks at more of the order than a row keeps.

        As of a moment of the business that can be; with the whole log it cannot, since the order
        itself took the event.
        """
        order = self.order
        lines = order.lines
        usual = None if wholly else USUAL.get(entry.type)
        if (usual is None or not usual(order, entry.occurred_at, event)) and not self._mutate(
                entry, event):
            return
        if order.lines is not lines:
            self.skus = {name: line.sku for name, line in (order.lines or {}).items()}
        if entry.type in EXCEPTIONAL:
            self._except(entry, event)
        self.position = entry.position

    def _mutate(self, entry: Entry | Outline, event: Any) -> bool:
        """Let the order's own mutator take an event; False if it is of what is not known."""
        order = self.order
        if (moved := MOVED.get(entry.type)) is not None:
            counts = moved(order, event)
            if counts is None or not order.goods.knows(counts):
                return False
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        order.fold(event, entry.version)
        return True

    def _except(self, entry: Entry | Outline, event: Any) -> None:
        known = self.exceptions.pop(event.exception, None)
        if entry.type == OPENED:
            known = OpenException(
                event.kind, Sealed.of(entry, event.note, "note"), event.owner, entry.occurred_at,
                entry.position)
        elif entry.type == NOTED and known is not None:
            known = msgspec.structs.replace(
                known, note=Sealed.of(entry, event.note, "note"), owner=event.owner or known.owner)
        if known is not None and entry.type != SETTLED:
            self.exceptions[event.exception] = known

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        order = self.order
        exceptions = msgspec.json.encode(self.exceptions).decode() if self.exceptions else None
        kept = Kept.of(order, skus=self.skus, imported=self.imported)
        assert order.placed_at is not None
        work = work_on(order, imported=self.imported)
        return (ledger, order.id, order.warehouse, exceptions, text_of(kept),
                to_us(order.placed_at), order.owner, *work, self.position)


Moved = Callable[[Order, Any], Iterable[Any] | None]


def _lines(_order: Order, event: Any) -> Iterable[Any]:
    return event.lines  # type: ignore[no-any-return]


def _lines_and_short(_order: Order, event: Any) -> Iterable[Any]:
    return (*event.lines, *event.short)


def _lines_and_parts(_order: Order, event: Any) -> Iterable[Any]:
    return (*event.lines, *event.parts)


def _faulty(_order: Order, event: Any) -> Iterable[Any]:
    return event.faulty  # type: ignore[no-any-return]


def _sent(_order: Order, event: Any) -> Iterable[Any]:
    """Without a parcel it is all pieces that are to be sent, besides those that it names, or only
    these."""
    return event.lines  # type: ignore[no-any-return]


def _arrived(order: Order, event: Any) -> Iterable[Any] | None:
    """Without a parcel it is pieces that were sent, as the order knows them."""
    if event.parcel is None:
        return ()
    parcel = order.parcels.get(event.parcel)
    return None if parcel is None else parcel.lines


def _under_way(order: Order, event: Any) -> Iterable[Any] | None:
    return () if event.parcel in order.parcels else None


def _unsent(_order: Order, event: Any) -> Iterable[Any] | None:
    return event.unsent  # type: ignore[no-any-return]


def _stepped_back(order: Order, event: Any) -> Iterable[Any] | None:
    """The pieces of a step that did not occur."""
    return event.moved  # type: ignore[no-any-return]


MOVED: dict[str, Moved] = {
    Order.Reserved.TOPIC: _lines_and_short,
    Order.ReservationReleased.TOPIC: _lines_and_short,
    Order.ReservationTakenBack.TOPIC: _lines,
    Order.PiecesCancelled.TOPIC: _lines,
    Order.Picked.TOPIC: _lines,
    Order.Unpicked.TOPIC: _lines,
    Order.Checked.TOPIC: _faulty,
    Order.Packed.TOPIC: _lines,
    Order.ParcelVoided.TOPIC: _arrived,
    Order.Dispatched.TOPIC: _sent,
    Order.TransitReported.TOPIC: _under_way,
    Order.ParcelRefused.TOPIC: _arrived,
    Order.Delivered.TOPIC: _arrived,
    Order.StepCorrected.TOPIC: _stepped_back,
    Order.ParcelLost.TOPIC: _arrived,
    Order.Completed.TOPIC: _unsent,
    Order.ReturnExpected.TOPIC: _lines_and_parts,
    Order.ReturnReceived.TOPIC: _lines_and_parts,
    Order.ReturnEnded.TOPIC: _lines_and_parts,
}
"""The pieces that each event moves from one state to another; None for an unknown parcel."""


def _open(row: Row[Any]) -> dict[str, OpenException]:
    return {} if row.exceptions is None else _exceptions.decode(row.exceptions)


class Fulfilment(StreamRows[Tracked]):
    """Folds the pieces, parcels, review, exceptions and payment of orders: one row each."""

    name: ClassVar[str] = "fulfilment"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table, ...]] = (fulfilment,)
    taken: ClassVar[frozenset[str]] = topics_of(
        OrderPacking, OrderShipping, OrderSteps, OrderReturns, OrderReview, OrderChanges,
        OrderPayment) | {
        Order.Placed.TOPIC, Order.OwnerAssigned.TOPIC, Order.Completed.TOPIC, Order.Closed.TOPIC,
        Order.Cancelled.TOPIC}
    """What moves pieces, changes the review, the payment or the owner, or ends the order."""

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked | None:
        """As of a moment of the business, what happened to an order before it was placed counts for
        nothing."""
        if not isinstance(event, Order.Placed):
            return None
        return Tracked(Order.blank(entry.stream), imported=is_imported(entry))

    def of_row(self, row: Row[Any]) -> Tracked:
        """The order that a row keeps."""
        kept, exceptions = _kept.decode(row.state), _open(row)
        found = Tracked(kept.restored(row.subject, warehouse=row.warehouse, exceptions={
            name: one.kind for name, one in exceptions.items()}), imported=kept.imported)
        found.order.placed_at, found.order.owner = from_us(row.placed_at), row.owner
        found.skus = {line: sku for line, (sku, _) in kept.lines.items()}
        found.exceptions, found.position = exceptions, row.position
        return found


# -- reports --------------------------------------------------------------------------------------


@report(Fulfilment, Past.STREAM, name="fulfilment", knows=recorded(), row=FulfilmentRow,
        in_pages=True)
def pieces_of_orders(reading: Reading) -> Iterator[dict[str, Any]]:
    """Where the pieces of orders are, of a period those that were placed in it. Shapes: objects as
    `shown` makes them. Errors: those of `period_of`."""
    asked, columns = reading.question, fulfilment.c
    where = within(columns.placed_at, reading.period())
    where += [keeps(text) for text in (asked.sku, asked.waybill, asked.courier) if text is not None]
    if asked.warehouse is not None:
        where.append(columns.warehouse == asked.warehouse)
    if asked.exception is not None:
        where.append(columns.exceptions.is_not(None))
    return map(shown, rows_of(reading, fulfilment, *where, kind=Order.KIND,
                              sorted_by=("placed_at",)))


def keeps(text: str) -> Any:
    """The condition that the row of an order keeps a text somewhere: who needs to know where looks
    at what it keeps."""
    return fulfilment.c.state.contains(msgspec.json.encode(text).decode(), autoescape=True)


@report(Fulfilment, Past.STREAM, name="exceptions", knows=recorded(), row=ExceptionRow)
def open_exceptions(reading: Reading) -> Iterator[dict[str, Any]]:
    """The open exceptions of orders, by subject, then in the order of their opening.

    Shapes: subject, then an exception as in `shown`.
    """
    for row in rows_of(
            reading, fulfilment, fulfilment.c.exceptions.is_not(None), kind=Order.KIND):
        for one in _exceptions_of(row):
            yield {"subject": row.subject, **one}


def _held(kept: Kept, subject: str) -> str | None:
    """Why an order is held; None if it is not. Nothing was taken of a buyer who was erased."""
    if kept.held_for is None:
        return None
    sealed, version = kept.held_for
    return ERASED if sealed is None else Written.of(Sealed(sealed, subject, version, "/reason"))


def shown(row: Row[Any]) -> dict[str, Any]:
    """An order's fulfilment as reports show it.

    Shapes: `pieces` by state, over all lines; `lines` with the pieces of each by state, `ordered`
    is their sum, `parts` those of delivered pieces that come back apart from them, with sku,
    returning and returned; `parcels` with the pieces of each line in them; `exceptions` with
    exception, kind, note (the last one), owner, opened_at, opened_position. `held` is why, or None.
    """
    kept = _kept.decode(row.state)
    goods = kept.goods
    pieces = goods.sums(STATES)
    return {
        "subject": row.subject,
        "placed_at": rfc3339(from_us(row.placed_at)),
        "warehouse": row.warehouse or None,
        "review_status": review_status(Marks(
            imported=kept.imported, approved=kept.approved, submitted=kept.submitted,
            held=kept.held_for is not None, completed=kept.ended == "completed",
            closed=kept.ended == "closed", cancelled=kept.ended == "cancelled")),
        "held": _held(kept, row.subject),
        "fulfilment_status": fulfilment_status(kept, pieces),
        "pieces": pieces,
        "lines": [{"line": line, "sku": sku, "ordered": sum(states.values()),
                   **goods.shown(line, STATES), "parts": _parts(kept, line)}
                  for line, (sku, states) in kept.lines.items()],
        "parcels": [{"parcel": name, **msgspec.structs.asdict(parcel),
                     "lines": msgspec.to_builtins(parcel.lines)}
                    for name, parcel in kept.parcels.items()],
        "exceptions": list(_exceptions_of(row)),
        "position": row.position,
    }


def _parts(kept: Kept, line: str) -> list[dict[str, Any]]:
    """The parts of the delivered pieces of a line that are back, or on their way back."""
    return [{"sku": sku, "returning": part.returning, "returned": part.returned}
            for sku, part in kept.parts_back.get(line, {}).items()]


def _exceptions_of(row: Row[Any]) -> Iterator[dict[str, Any]]:
    for name, one in sorted(_open(row).items(), key=lambda item: item[1].opened_position):
        yield {"exception": name, **msgspec.structs.asdict(one), "note": Written.of(one.note),
               "opened_at": rfc3339(from_us(one.opened_at))}


REPORTS: dict[str, Report] = {
    "fulfilment": pieces_of_orders,
    "exceptions": open_exceptions,
}
