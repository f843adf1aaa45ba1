"""What entries say of months that finance has signed: the signature stays, and its figures would
be others."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ledger.common.days import Days
from ledger.common.decoding import any_json
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

MOVES: dict[str, str | None] = {
    Order.Placed.TOPIC: None, Order.Paid.TOPIC: None, Order.RefundRecorded.TOPIC: None,
    Order.PriceChanged.TOPIC: "placed_at", Order.LinesChanged.TOPIC: "placed_at",
    Order.PiecesCancelled.TOPIC: "placed_at", Order.Corrected.TOPIC: ""}
"""The events that move what is signed, and the time of their order to which they belong; None:
their own."""

CORRECTS = {"amounts": "placed_at", "paid": "last_paid_at", "refunded": "last_refunded_at",
            "lines": ""}
"""The time of an order to which the correction of a fact belongs; none where it moves no money."""

Standing = dict[tuple[str, str], dict[str, Any]]
"""By the stream of a signed month and a currency: its figures, and whether the signature holds."""


class SignedMonths:
    """The signed months that entries may move, of all and of the shops of their orders. What an
    order costs belongs to the month that it was placed in, a payment or refund to its own, and a
    correction to that of what it puts right."""

    def __init__(self, models: ReadModels, ledger: str, entries: Iterable[Entry]) -> None:
        self.models, self.ledger = models, ledger
        touched = [entry for entry in entries if entry.type in MOVES]
        self.streams: dict[str, tuple[str, tuple[str, str] | None]] = {}
        if touched:
            with answering(models, ledger, OrderBook, PRESENT, past=Past.ROWS) as reading:
                wanted = _wanted(touched, _times(reading.connection, reading.id, touched),
                                 reading.days)
                signed = _signed(reading.connection, reading.id, list(wanted))
            self.streams = {stream: wanted[stream] for stream in sorted(signed)}

    def standing(self) -> Standing:
        """How they stand, as read models have them."""
        found: Standing = {}
        if not self.streams:
            return found
        with answering(self.models, self.ledger, OrderBook, PRESENT, past=Past.ROWS) as reading:
            for stream, (month, place) in self.streams.items():
                asked = Asked(reading.id, Period(*reading.days.span_of(month)),
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


def _times(connection: Connection, ledger: bytes, entries: Sequence[Entry]) -> dict[str, set[int]]:
    """By order, the times to which what entries change of its money belongs."""
    found = {entry.stream: set[int]() for entry in entries}
    query = select(orders.c.subject, orders.c.placed_at, orders.c.last_paid_at,
                   orders.c.last_refunded_at).where(
        orders.c.ledger == ledger, orders.c.subject.in_(sorted(found)))
    known = {row.subject: row for row in connection.execute(query)}
    for entry in entries:
        if (of := MOVES[entry.type]) is None:
            found[entry.stream].add(entry.occurred_at)
            continue
        if entry.type == Order.Corrected.TOPIC:
            of = CORRECTS[any_json(entry.payload)["fact"]]
        # What these entries themselves place, pay or refund has its time above.
        if of and (row := known.get(entry.stream)) is not None and (at := getattr(row, of)):
            found[entry.stream].add(at)
    return found


def _wanted(
    entries: Iterable[Entry], times: dict[str, set[int]], days: Days
) -> dict[str, tuple[str, tuple[str, str] | None]]:
    """The streams under which these months may be signed: each month, and its place."""
    found: dict[str, tuple[str, tuple[str, str] | None]] = {}
    for order in {entry.stream for entry in entries}:
        _, channel, shop, _ = order.split(":")
        for month in {days.month_of(from_us(at)) for at in times[order]}:
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
            "net_minor": money.paid_minor - money.refunded_minor,
            "difference_minor": money.difference_minor, "signed": signed}
