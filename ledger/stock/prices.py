"""Prices of SKUs: which one was in force at a time, for whatever name something was sold under.

Most shops keep no prices here. Whether any SKU has one stands in a stream of its own, so that
orders are not held against SKUs that have none: that would read a SKU for each of their lines.
"""

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from ledger.common.bounds import Currency, InAll, Reason
from ledger.common.errors import Refused
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Wanted, Work
from ledger.stock.pieces import sku_of
from ledger.stock.skus import OnSku, Price, Sku

PRICES = "prices:all"
"""The stream that says whether there are prices."""


class FloorOfTooMany(Refused):
    """More than {most} open orders that were placed since {since} sell {sku} below this floor, or
    did below the one before, and would have to be signed one by one. Let the price hold from now
    on."""

    code = "floor_of_too_many"
    rule = "R-STK-26"


class Prices(Aggregate):
    """Whether any SKU ever had a price; its stream is `prices:all`."""

    KIND = "prices"

    def begin(self) -> None:
        """No SKU has a price."""
        self.begun = False

    class Begun(Aggregate.Event):
        """A SKU got a price, the first of all: from now on orders are held against prices."""

        TOPIC = "prices.begun.v1"
        sku: str

        def about(self) -> list[str]:
            """The SKU."""
            return [sku_of(self.sku)]

    @event(Begun)
    def _begun(self):
        self.begun = True

    def have_begun(self, sku: str, *, occurred_at: datetime) -> None:
        """There are prices, once."""
        if not self.begun:
            self._begun(sku=sku, occurred_at=occurred_at)


class PriceSku(OnSku, frozen=True, kw_only=True):
    """Say what a piece of a SKU costs from a time on, and below what it is not sold without a
    signature; in minor units. Orders are held against the price of when they were placed."""

    NAME: ClassVar[str] = "sku.price"
    amount_minor: InAll
    floor_minor: InAll | None = None
    currency: Currency
    reason: Reason | None = None

    def streams(self) -> Wanted:
        return [*super().streams(), (Prices, PRICES)]


def prices_at(work: Work, skus: Collection[str], at: datetime) -> dict[str, Price]:
    """The prices of those SKUs that had one at a time. Another name has that of what it named
    then; a bundle has its own, whatever its parts cost."""
    prices: Prices = work.see(Prices, PRICES)
    if not prices.begun or not skus:
        return {}
    work.fetch([(Sku, sku_of(sku)) for sku in skus])
    found = {sku: _price_at(work, sku, at) for sku in skus}
    return {sku: price for sku, price in found.items() if price is not None}


def _price_at(work: Work, sku: str, at: datetime) -> Price | None:
    seen = set[str]()
    while sku not in seen:
        seen.add(sku)
        known: Sku = work.see(Sku, sku_of(sku))
        if not (target := known.named_at(at)):
            return known.price_at(at)
        sku = target
    return None  # names that lead back to one another, by what was said for different times
