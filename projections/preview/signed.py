"""What entries say of months that finance has signed: the signature stays, and its figures would
be others."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, select

from ledger.common.days import day_of, month_of, span_of
from ledger.common.values import from_us, subject
from ledger.log.envelope import Entry
from ledger.orders.order import Order
from ledger.reconciliation.figures import Money
from projections.asking.answering import Past, answering
from projections.asking.periods import Period
from projections.asking.questions import PRESENT
from projections.orders import signatures
from projections.orders.book import OrderBook
from projections.orders.rows import orders
from projections.orders.takings import Asked, by_currency
from projections.store.models import ReadModels

Standing = dict[tuple[str, str], dict[str, Any]]
"""By the stream of a signed month and a currency: its figures, and whether the signature holds."""


class SignedMonths:
    """The signed months that entries may move. What belongs to an order lies in the month that it
    was placed in, in that of the event itself or, where that corrects something, in that of the
    last payment or refund; that month's signature, of all or of the shop, is looked at again."""

    def __init__(self, models: ReadModels, ledger: str, entries: Iterable[Entry]) -> None:
        self.models, self.ledger = models, ledger
        touched = [entry for entry in entries if entry.stream.startswith(f"{Order.KIND}:")]
        self.streams: dict[str, tuple[str, tuple[str, str] | None]] = {}
        if touched:
            with answering(models, ledger, OrderBook, PRESENT, past=Past.ROWS) as reading:
                wanted = _wanted(touched, _times(reading.connection, reading.id, touched))
                signed = _signed(reading.connection, reading.id, list(wanted))
            self.streams = {stream: wanted[stream] for stream in sorted(signed)}

    def standing(self) -> Standing:
        """How they stand, as read models have them."""
        found: Standing = {}
        if not self.streams:
            return found
        with answering(self.models, self.ledger, OrderBook, PRESENT, past=Past.ROWS) as reading:
            for stream, (month, place) in self.streams.items():
                asked = Asked(reading.id, Period(*span_of(month)),
                              None if place is None else [place])
                money = signatures.money_in(by_currency(reading.connection, asked))
                stands = signatures.standing(reading.connection, reading.id, stream, money)
                for one in money:
                    found[stream, one.currency] = _shown(one, stands["signed"])
        return found

    def differing(self, before: Standing, after: Standing) -> Iterator[dict[str, Any]]:
        """What is said of them. Rule: R-PRV-07.

        Shapes: report, of {reconciliation, month, currency}, change "would differ", before, after:
        the figures that come out otherwise, in minor units, and how the signature stands.
        """
        for key in sorted({*before, *after}):
            a, b = before.get(key), after.get(key)
            if a == b:
                continue
            if a is not None and b is not None:
                changed = [name for name in a if a[name] != b[name]]
                a, b = ({name: side[name] for name in changed} for side in (a, b))
            stream, currency = key
            yield {"report": "reconciliation", "of": {
                "reconciliation": stream, "month": self.streams[stream][0], "currency": currency},
                "change": "would differ", "before": a, "after": b}


def _times(connection: Connection, ledger: bytes, entries: Iterable[Entry]) -> dict[str, set[int]]:
    """By order, the times of what is known of it that entries may move, besides their own."""
    streams = sorted({entry.stream for entry in entries})
    found = {stream: set[int]() for stream in streams}
    query = select(orders.c.subject, orders.c.placed_at, orders.c.last_paid_at,
                   orders.c.last_refunded_at).where(
        orders.c.ledger == ledger, orders.c.subject.in_(streams))
    for order, *times in connection.execute(query):
        found[order] = set(filter(None, times))
    for entry in entries:
        found[entry.stream].add(entry.occurred_at)
    return found


def _wanted(
    entries: Iterable[Entry], times: dict[str, set[int]]
) -> dict[str, tuple[str, tuple[str, str] | None]]:
    """The streams under which these months may be signed: each month, and its place."""
    found: dict[str, tuple[str, tuple[str, str] | None]] = {}
    for order in {entry.stream for entry in entries}:
        _, channel, shop, _ = order.split(":")
        for month in {month_of(day_of(from_us(at))) for at in times[order]}:
            whole = subject(signatures.KIND, month)
            found[whole] = (month, None)
            found[f"{whole}:{channel}:{shop}"] = (month, (channel, shop))
    return found


def _signed(connection: Connection, ledger: bytes, streams: list[str]) -> set[str]:
    one = signatures.signatures.c
    return set(connection.execute(select(one.subject).where(
        one.ledger == ledger, one.subject.in_(streams)).distinct()).scalars())


def _shown(money: Money, signed: str) -> dict[str, Any]:
    return {"orders": money.orders, "total_minor": money.total_minor,
            "paid_minor": money.paid_minor, "refunded_minor": money.refunded_minor,
            "difference_minor": money.difference_minor, "signed": signed}
