"""Prices of SKUs, and what of an order is sold below the floor of its day: it waits for the
signature of somebody else than who sold it so."""

from datetime import datetime
from urllib.parse import unquote

from ledger.common.values import rfc3339, to_us
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.handlers.skus import orders_naming
from ledger.orders.commands import SellBelowFloor
from ledger.orders.order import Order
from ledger.orders.placing import written_of
from ledger.orders.price_floor import BELOW_FLOOR, Floors
from ledger.people.signatures import SYSTEM, NotThePost, must_sign
from ledger.policies.signing import ASK_BELOW_FLOOR, SELL_BELOW_FLOOR
from ledger.stock.pieces import sku_of
from ledger.stock.prices import PRICES, FloorOfTooMany, Prices, PriceSku, prices_at
from ledger.stock.skus import Price, Sku

MOST_CONCERNED = 500
"""As many open orders one price may make wait for a signature, or let go on."""

AT_ONCE_US = 10 * 1_000_000
"""A price that is recorded so soon after its time finds no orders of before. Units: microseconds.
"""


def price_sku(command: PriceSku, work: Work) -> list[Aggregate]:
    """A repeat changes nothing. Orders that were placed since the price's time are held against it
    at once. Errors: FloorAbovePrice (R-STK-24), PriceOfAlias (R-STK-25), FloorOfTooMany
    (R-STK-26)."""
    sku: Sku = work.load(Sku, command.subject)
    sku.price(command.sku, Price(command.occurred_at, command.amount_minor, command.currency,
                                 command.floor_minor), work.actor, command.reason)
    prices: Prices = work.load(Prices, PRICES)
    if sku.pending_events:
        prices.have_begun(command.sku, occurred_at=command.occurred_at)
        return [sku, prices, *_placed_since(work, command)]
    return [sku, prices]


def _placed_since(work: Work, command: PriceSku) -> list[Order]:
    """The open orders that a price of before reaches: what they sell below a floor waits for a
    signature from now on, and says so, and what they do not any more waits for none. Rule:
    R-STK-26."""
    found: dict[str, Order] = {}
    if to_us(command.occurred_at) >= work.now - AT_ONCE_US:
        return []
    for name in _names_of(work, command.sku):
        for known in orders_naming(work, name, since=to_us(command.occurred_at)):
            if known.id in found or not _is_reached(work, known, command.occurred_at):
                continue
            if len(found) == MOST_CONCERNED:
                raise FloorOfTooMany(sku=command.sku, since=rfc3339(command.occurred_at),
                                     most=MOST_CONCERNED)
            found[known.id] = order = work.load(Order, known.id)
            order.settle_floor(floors_of(work, order), None,
                               occurred_at=max(command.occurred_at, order.latest_at))
    return list(found.values())


def _is_reached(work: Work, order: Order, since: datetime) -> bool:
    """Whether an open order of since then waits for a signature by now, or for none any more."""
    if order.ended or order.placed_at is None or order.placed_at < since:
        return False
    unsigned = order.unsigned_below(floors_of(work, order))
    return order.is_news_below(unsigned) or (
        not unsigned and order.exceptions.get(BELOW_FLOOR) == BELOW_FLOOR)


def _names_of(work: Work, sku: str) -> list[str]:
    """What a SKU was ever sold under: itself, and the names that stood for it or for one of these.
    """
    found = [sku]
    for name in found:
        for streams in work.streams_of(Sku.KIND, naming=sku_of(name)):
            found += [other for stream in streams
                      if (other := unquote(stream.partition(":")[2])) not in found]
    return found


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
