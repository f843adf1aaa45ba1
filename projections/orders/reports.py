"""Reports of orders, and of what they add up to."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from sqlalchemy import or_

from ledger.common.errors import Invalid
from ledger.common.phrases import Phrase
from ledger.common.values import subject_part
from ledger.orders.order import Order
from ledger.orders.state import state_of
from ledger.reconciliation.figures import stream_of
from projections.asking.answering import Past, Reading, recorded, report
from projections.asking.by_subject import rows_of, within
from projections.asking.filters import oldest, period_asked
from projections.asking.periods import ALWAYS, Period
from projections.asking.questions import Question
from projections.orders import reconciliation as sums
from projections.orders import rows as order_rows
from projections.orders import signatures, takings
from projections.orders.answers import OrderRow, ReconciliationRow, RevenueRow, TakingRow
from projections.orders.book import OrderBook
from projections.orders.takings import Asked


class UnknownWay(Invalid):
    """Revenue is not listed by {text!r}. It is listed by one of {known}."""

    code: ClassVar[str] = "unknown_way"
    rule: ClassVar[str] = "R-PRJ-30"


@report(OrderBook, Past.STREAM, name="orders", knows=recorded(), row=OrderRow, in_pages=True)
def orders(reading: Reading) -> Iterator[dict[str, Any]]:
    """The orders of a channel and shop, or one by its subject; of a period those that were placed
    in it. Shapes: objects as `rows.shown` makes them.

    Errors: those of `period_of`; ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05),
    NothingRecorded (R-PRJ-07) for a subject that the ledger does not know.
    """
    where = [*within(order_rows.orders.c.placed_at, reading.period()), *_narrowing(reading)]
    rows = rows_of(reading, order_rows.orders, *where, kind=Order.KIND, sorted_by=("placed_at",))
    return (order_rows.shown(state_of(row)) for row in rows)


def _narrowing(reading: Reading) -> Iterator[Any]:
    """The conditions without which an order cannot pass the filters that are asked for."""
    asked, columns = reading.question, order_rows.orders.c
    if asked.owner is not None:
        yield columns.owner == asked.owner
    if asked.review_status is not None:
        yield columns.marks.bitwise_and(order_rows.REVIEWED).in_(
            order_rows.marks_of(asked.review_status))
        if asked.review_status in order_rows.UNDER_WAY:
            yield order_rows.IS_UNDER_WAY
    if (latest := oldest(asked, reading.as_of)) is not None:
        yield columns.placed_at <= latest
    yield from within(columns.paid_at, period_asked(asked, "paid", reading.days))
    yield from within(columns.dispatched_at, period_asked(asked, "dispatched", reading.days))
    if asked.delivery_status is not None:
        yield columns.delivered_at.is_not(None) if (
            asked.delivery_status == order_rows.DELIVERED) else columns.delivered_at.is_(None)
    if asked.exception is not None:
        yield columns.exceptions.is_not(None)
    if asked.number_ends is not None:  # a number that was used again has a mark behind it
        yield or_(columns.subject.endswith(subject_part(asked.number_ends), autoescape=True),
                  columns.subject.contains("~"))


def asked_orders(reading: Reading, period: Period) -> Asked:
    """The orders of the channel and shop that are asked for, or all."""
    channel, shop = reading.question.channel, reading.question.shop
    if channel is None and shop is None:
        return Asked(reading.id, period)
    return Asked(reading.id, period, sums.places(reading.connection, reading.id, channel, shop))


@report(OrderBook, Past.REPLAY, name="reconciliation", row=ReconciliationRow)
def reconciliation(reading: Reading) -> Iterable[dict[str, Any]]:
    """What orders, payments and refunds add up to: one object per currency. Of a period: the
    orders that were placed in it, and the payments, refunds and papers that were made in it; of a
    month also the difference between the two, and who signed it.

    Errors: those of `period_of`; ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05).
    Rule: R-PRJ-29, R-REC-07.
    """
    period = reading.period()
    if period is ALWAYS:
        return sums.report(reading.connection, reading.id,
                           channel=reading.question.channel, shop=reading.question.shop)
    found = takings.by_currency(reading.connection, asked_orders(reading, period))
    rows = [sums.shown(currency, figures) for currency, figures in found.items()]
    if (stream := _signable(reading.question)) is None:
        if signatures.month_asked(reading.question) is not None:
            reading.note(Phrase(
                "a month is signed of all shops, or of one by its channel and its name: give both "
                "to see its difference, its digest and who signed it"))
        return rows
    money = signatures.money_in(found)
    standing = signatures.standing(reading.connection, reading.id, stream, money)
    if standing["signed"] == signatures.CHANGED:
        reading.note(Phrase(
            "{stream} was signed at position {position}; its figures have changed since",
            stream=stream, position=standing["signed_position"]))
    signed = signatures.signature_at(
        reading.models.store, reading.ledger, standing["signed_position"])
    return signatures.with_standing(rows, money, standing, signed)


def _signable(question: Question) -> str | None:
    """The stream of the month that is asked about, if it can be signed as it is asked: of one shop
    of a channel, or of all."""
    month = signatures.month_asked(question)
    if month is None or (question.channel is None) is not (question.shop is None):
        return None
    return stream_of(month, question.channel, question.shop)


@report(OrderBook, Past.REPLAY, name="revenue", row=RevenueRow)
def revenue(reading: Reading) -> Iterator[dict[str, Any]]:
    """What came in and went out, by shop, by whoever owns the orders, or by day.

    Errors: those of `period_of`; UnknownWay (R-PRJ-30), ReadModelsUnready (R-PRJ-01),
    PositionBeyondHead (R-PRJ-05).
    """
    way = reading.question.by or takings.SHOP
    if way not in takings.WAYS:
        raise UnknownWay(text=way, known=", ".join(takings.WAYS))
    return takings.revenue(reading, asked_orders(reading, reading.period()), way)


@report(OrderBook, Past.REPLAY, name="takings", row=TakingRow, in_pages=True)
def takings_of(reading: Reading) -> Iterator[dict[str, Any]]:
    """The payments, refunds and corrections of a period, each with the position of its event: they
    add up to what `revenue` and `reconciliation` say was paid and refunded in it.

    Errors: those of `period_of`; ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05).
    Rule: R-PRJ-32.
    """
    return takings.events(reading, asked_orders(reading, reading.period()))
