"""Prices of SKUs, and what of an order is sold below the floor of its day: it waits for the
signature of somebody else than who sold it so."""

from datetime import datetime

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.orders.commands import SellBelowFloor
from ledger.orders.order import Order
from ledger.orders.placing import written_of
from ledger.orders.price_floor import BELOW_FLOOR, Floors
from ledger.people.signatures import SYSTEM, NotThePost, must_sign
from ledger.policies.signing import ASK_BELOW_FLOOR, SELL_BELOW_FLOOR
from ledger.stock.prices import PRICES, Prices, PriceSku, prices_at
from ledger.stock.skus import Price, Sku


def price_sku(command: PriceSku, work: Work) -> list[Aggregate]:
    """A repeat changes nothing. Errors: FloorAbovePrice (R-STK-24), PriceOfAlias (R-STK-25)."""
    sku: Sku = work.load(Sku, command.subject)
    sku.price(command.sku, Price(command.occurred_at, command.amount_minor, command.currency,
                                 command.floor_minor), work.actor, command.reason)
    prices: Prices = work.load(Prices, PRICES)
    if sku.pending_events:
        prices.have_begun(command.sku, occurred_at=command.occurred_at)
    return [sku, prices]


def sell_below_floor(command: SellBelowFloor, work: Work) -> list[Aggregate]:
    """Somebody signs what is sold below its floor, apart from who sold it so. Errors: R-ORD-03,
    R-ORD-74, R-SIG-01, R-SIG-02, R-PPL-13."""
    order, at = command.load(work), command.occurred_at
    floors = floors_of(work, order)
    below = order.must_sell_below(floors)
    signed = must_sign(work, SELL_BELOW_FLOOR, at, signed={ASK_BELOW_FLOOR: order.sellers},
                       amount_minor=sum(one.lacking_minor for one in below))
    order.sell_below(below, signed.by, signed.stood_in, occurred_at=at,
                     reason=written_of(order, work, command.reason))
    order.settle_floor(floors, None, occurred_at=at)
    return [order]


# -- what the handlers of orders ask ---------------------------------------------------------------


def floors_of(work: Work, order: Order) -> Floors:
    """The floors of what is in an order, as they were when it was placed. A price in another
    currency than the order's is compared with nothing."""
    if order.placed_at is None or not order.lines:
        return {}
    skus = {line.sku: None for line in order.lines.values() if line.sku and not line.fee}
    return {sku: price.floor_minor
            for sku, price in prices_at(work, skus.keys(), order.placed_at).items()
            if price.floor_minor is not None and price.currency == order.currency}


def priced(work: Work, order: Order, *, occurred_at: datetime) -> None:
    """Hold an order that somebody places, or prices otherwise, against its floors: whoever does so
    asks for a signature of another person. Errors: BelowFloorRefused (R-ORD-83), R-PPL-13."""
    floors, by = floors_of(work, order), None
    if order.is_news_below(below := order.unsigned_below(floors)) and work.actor != SYSTEM:
        try:
            by = must_sign(work, ASK_BELOW_FLOOR, occurred_at,
                           amount_minor=sum(one.lacking_minor for one in below)).by
        except NotThePost as refused:
            raise order.not_asked_below(
                below[0], work.actor, refused.details["why"]) from refused
    order.settle_floor(floors, by, occurred_at=occurred_at)


def priced_otherwise(work: Work, order: Order, before: Order, *, occurred_at: datetime) -> None:
    """The same where nobody asks for a price, but a file says it, or pieces or the order end."""
    floors = floors_of(work, order)
    if (floors or BELOW_FLOOR in order.exceptions) and _parts_of_price(
            order) != _parts_of_price(before):
        order.settle_floor(floors, None, occurred_at=occurred_at)


def _parts_of_price(order: Order) -> tuple[object, ...]:
    return order.lines, order.amounts, order.ended, order.dropped()


def must_be_signed(work: Work, order: Order) -> None:
    """Nothing of it is sold below its floor without a signature. Errors: R-ORD-73."""
    order.must_be_signed_below(floors_of(work, order))


HANDLERS: dict[type[Command], Handler] = {
    PriceSku: price_sku,
    SellBelowFloor: sell_below_floor,
}
