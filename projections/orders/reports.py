"""Reports of orders, and of what they add up to."""

from collections.abc import Iterable, Iterator
from typing import Any

from projections.asking.answering import Past, Reading, recorded, report
from projections.orders import reconciliation as sums
from projections.orders import rows as order_rows
from projections.orders.book import OrderBook


@report(OrderBook, Past.STREAM, knows=recorded())
def orders(reading: Reading) -> Iterator[dict[str, Any]]:
    """The orders of a channel and shop, or one by its subject, sorted by subject.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05), NothingRecorded (R-PRJ-07)
    for a subject that the ledger does not know.
    """
    connection, ledger, question = reading.connection, reading.id, reading.question
    if question.subject is not None:
        return order_rows.report(connection, ledger, subjects=[question.subject])
    prefixes = ["order:"]
    if question.channel is not None or question.shop is not None:
        found = sums.places(connection, ledger, question.channel, question.shop)
        prefixes = [f"order:{channel}:{shop}:" for channel, shop in found]
    return order_rows.report(connection, ledger, prefixes=prefixes, beyond=question.beyond)


@report(OrderBook, Past.REPLAY)
def reconciliation(reading: Reading) -> Iterable[dict[str, Any]]:
    """What orders, payments and refunds add up to: one object per currency.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05).
    """
    return sums.report(reading.connection, reading.id,
                       channel=reading.question.channel, shop=reading.question.shop)
