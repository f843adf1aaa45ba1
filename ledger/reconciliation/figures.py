"""What the orders of a month cost, and what came in of it: by the same fold as the reports.

An order is of the month that it was placed in, a payment or refund of that of its own time, and a
correction of that of what it puts right.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from ledger.common.bounds import AnyInteger, Currency, Note, Words
from ledger.common.values import subject, to_us
from ledger.core.commands import Work
from ledger.log.accounts import Span
from ledger.log.envelope import Outline
from ledger.orders.folding import Fact, Taking, fold, total_of
from ledger.orders.order import Order
from ledger.orders.state import OrderState

UNPAID, OTHER = "unpaid", "other"
CAUSES = (UNPAID, "part_paid", "overpaid", "cancelled", "total_not_stated", "paid_in_other_period",
          "refunded", "refunded_of_other_period", "platform_fee", "coupon_of_platform",
          "under_investigation", OTHER)
"""Why what came in differs from what the orders cost."""

CHUNK = 500
"""Orders that are folded at a time."""


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month in one currency: the orders that were placed in it and what those cost that state it,
    and what was paid and refunded in it. Units: minor units."""

    currency: str
    orders: int
    total_minor: int
    paid_minor: int
    refunded_minor: int

    @property
    def difference_minor(self) -> int:
        """What the orders cost, less what came in."""
        return self.total_minor - (self.paid_minor - self.refunded_minor)

    def __bool__(self) -> bool:
        return any((self.orders, self.total_minor, self.paid_minor, self.refunded_minor))


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                 forbid_unknown_fields=True):
    """A part of the difference between what the orders of a month cost and what came in of it, and
    its cause. Units: minor units; below 0 where more came in."""

    currency: Currency
    amount_minor: AnyInteger
    cause: Annotated[str, Words(*CAUSES)]
    note: Note | None = None


def stream_of(month: str, channel: str | None = None, shop: str | None = None) -> str:
    """The stream of a month: of a shop, or of all."""
    if channel is None or shop is None:
        return subject("reconciliation", month)
    return subject("reconciliation", month, channel, shop)


def digest_of(stream: str, figures: Iterable[Money]) -> str:
    """SHA-256, in hex, of a month's stream and figures as JSON without spaces: [stream, figures],
    these as events hold them, sorted by currency, without those in which nothing happened."""
    ordered = sorted(filter(None, figures), key=lambda one: one.currency)
    return hashlib.sha256(msgspec.json.encode([stream, ordered])).hexdigest()


def money_of(
    orders: Iterable[OrderState], takings: Iterable[tuple[str, Taking]], span: Span
) -> list[Money]:
    """What orders cost that were placed in a time, and what came in then, sorted by currency.
    Shapes: each of `takings` with its currency."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order in orders:
        if span[0] <= order.placed_at <= span[1]:
            sums[order.currency][0] += 1
            sums[order.currency][1] += total_of(order)
    for currency, taking in takings:
        if span[0] <= taking.at <= span[1]:
            sums[currency][2] += taking.paid_minor
            sums[currency][3] += taking.refunded_minor
    found = (Money(currency, *sums[currency]) for currency in sorted(sums))
    return [one for one in found if one]


def figures_of(work: Work, month: str, place: tuple[str, str] | None = None) -> list[Money]:
    """The figures of a month, of a channel and shop or of all, as the log has them now.

    All events of these orders are looked through for those of the month, and the orders that have
    one are read whole, in parts: the writer waits for it, longer the longer the log is.
    """
    kind = Order.KIND if place is None else subject(Order.KIND, *place)
    span = work.days.span_of(month)
    names = sorted({name for part in work.streams_of(kind, during=span) for name in part})
    sums: dict[str, list[int]] = {}
    for start in range(0, len(names), CHUNK):
        orders: dict[str, OrderState] = {}
        takings: list[Taking] = []
        fold(orders, map(_fact, work.facts_of(names[start : start + CHUNK])), takings)
        paid = ((orders[one.subject].currency, one) for one in takings)
        for one in money_of(orders.values(), paid, span):
            before = sums.get(one.currency, [0, 0, 0, 0])
            sums[one.currency] = list(map(sum, zip(before, msgspec.structs.astuple(one)[1:],
                                                   strict=True)))
    found = (Money(currency, *sums[currency]) for currency in sorted(sums))
    return [one for one in found if one]


def _fact(event: Any) -> Fact:
    """An event with the outline that the fold asks; what only the log knows of it is left out."""
    return Outline(
        ledger=b"", position=0, stream=event.originator_id, version=event.originator_version,
        type=event.TOPIC, recorded_at=0, occurred_at=to_us(event.occurred_at), subjects="",
        source=None, payload=b"", leaf_hash=b""), event


def missing_of(figures: Sequence[Money], differences: Iterable[Difference]) -> dict[str, int]:
    """What the differences leave without a cause, by currency; only where it is not 0."""
    left: dict[str, int] = defaultdict(int)
    for one in figures:
        left[one.currency] += one.difference_minor
    for given in differences:
        left[given.currency] -= given.amount_minor
    return {currency: left[currency] for currency in sorted(left) if left[currency]}
