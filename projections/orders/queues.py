"""Queues of orders: what is to be reviewed, to be picked, to be sent; the newest first.

An order stands in a queue by a column of its row, which the fold of its events sets: `work.py` says
by what rule. Each queue has an index that holds nothing but the orders in it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Select, func, select

from ledger.common.values import from_us, rfc3339, subject, subject_part
from ledger.orders.kept import Kept
from ledger.orders.order import Order
from ledger.orders.values import OPEN
from projections.asking.answering import Past, Reading, Report, report
from projections.asking.by_subject import one_by_one
from projections.asking.filters import MINUTE_US, counted_to
from projections.orders.answers import QueueRow
from projections.orders.due import Dues
from projections.orders.fulfilment import Fulfilment, OpenException, fulfilment, keeps
from projections.orders.work import ON_HOLD, PICK, REVIEW, SEND, UNPAID

_kept = msgspec.json.Decoder(Kept)
_exceptions = msgspec.json.Decoder(dict[str, OpenException])


class Queue(NamedTuple):
    """A queue: its statuses, those of them that are listed only where they are asked for, and the
    states of the pieces that are to be done."""

    name: str
    statuses: tuple[str, ...]
    left_out: tuple[str, ...]
    states: tuple[str, ...]

    @property
    def column(self) -> Any:
        """The column that holds the status of an order in it."""
        return fulfilment.c[self.name.replace("-", "_")]


QUEUES = (
    Queue("to-review", REVIEW, (UNPAID,), OPEN),
    Queue("to-pick", PICK, (ON_HOLD,), ("reserved",)),
    Queue("to-send", SEND, (), ("picked", "packed")),
)


@report(Fulfilment, Past.REPLAY, name="to-review", row=QueueRow, in_pages=True)
def _to_review(reading: Reading) -> Iterator[dict[str, Any]]:
    """Orders that nobody has approved, and of which something is to be sent. Shapes: see
    `_listed`."""
    return _listed(reading, QUEUES[0])


@report(Fulfilment, Past.REPLAY, name="to-pick", row=QueueRow, in_pages=True)
def _to_pick(reading: Reading) -> Iterator[dict[str, Any]]:
    """Orders at their warehouse with pieces that are reserved there. Shapes: see `_listed`."""
    return _listed(reading, QUEUES[1])


@report(Fulfilment, Past.REPLAY, name="to-send", row=QueueRow, in_pages=True)
def _to_send(reading: Reading) -> Iterator[dict[str, Any]]:
    """Orders with pieces that were picked, and are not handed over. Shapes: see `_listed`."""
    return _listed(reading, QUEUES[2])


def _listed(reading: Reading, queue: Queue) -> Iterator[dict[str, Any]]:
    """The orders of a queue, the newest first.

    Shapes: subject, status, owner, placed_at, age_minutes, warehouse, pieces_to_do,
    skus (of the lines that they are of), exception_kinds (those of the open ones, sorted),
    payment_status, due_at and late (by the deadline `dispatch` of the policy in force when it was
    paid; None where there is none), position. An age is counted to now, of the past to the moment
    that is asked about. Errors: BadAge (R-PRJ-25), UnknownStatus (R-PRJ-26).
    """
    asked, at = reading.question, counted_to(reading.question, reading.as_of)
    query = _query(reading, queue, at)
    shop = None if asked.shop is None else subject_part(asked.shop)
    dues = Dues(reading.models.store, reading.ledger, reading.cut)
    for row in one_by_one(reading, query):
        found = _row(row, queue, at, dues)
        if (asked.sku is None or asked.sku in found["skus"]) and (
                shop is None or row.subject.split(":")[2] == shop):
            yield found


def _query(reading: Reading, queue: Queue, at: int) -> Select[Any]:
    asked, columns = reading.question, fulfilment.c
    status = asked.must_be_a_status(queue.name, queue.statuses)
    minutes = asked.must_be_an_age()
    query = select(fulfilment, queue.column.label("status")).where(
        columns.ledger == reading.id, queue.column.is_not(None))
    if status is not None:
        query = query.where(queue.column == status)
    elif queue.left_out:
        query = query.where(queue.column.not_in(queue.left_out))
    if asked.owner is not None:
        query = query.where(columns.owner == asked.owner)
    if minutes is not None:
        query = query.where(columns.placed_at <= at - minutes * MINUTE_US)
    if asked.channel is not None:
        begins = f"{subject(Order.KIND, asked.channel)}:"
        query = query.where(func.substr(columns.subject, 1, len(begins)) == begins)
    if asked.sku is not None:  # whether it is still to be done, the rows themselves say
        query = query.where(keeps(asked.sku))
    return reading.in_order(query, {one: columns[one] for one in ("placed_at", "subject")})


def _row(row: Row[Any], queue: Queue, at: int, dues: Dues) -> dict[str, Any]:
    kept = _kept.decode(row.state)
    limit, late = dues.of(kept.paid_at, at)
    pieces = {line: sum(states.get(state, 0) for state in queue.states)
              for line, (_, states) in kept.lines.items()}
    skus = {sku for line, (sku, _) in kept.lines.items() if pieces[line] and sku is not None}
    known = {} if row.exceptions is None else _exceptions.decode(row.exceptions)
    return {
        "subject": row.subject, "status": row.status, "owner": row.owner,
        "placed_at": rfc3339(from_us(row.placed_at)),
        "age_minutes": (at - row.placed_at) // MINUTE_US,
        "warehouse": row.warehouse or None, "pieces_to_do": sum(pieces.values()),
        "skus": sorted(skus),
        "exception_kinds": sorted({one.kind for one in known.values()}),
        "payment_status": kept.balance.status(was_paid=kept.paid_at is not None),
        "due_at": None if limit is None else rfc3339(limit), "late": late, "position": row.position}


REPORTS: dict[str, Report] = {
    "to-review": _to_review,
    "to-pick": _to_pick,
    "to-send": _to_send,
}
