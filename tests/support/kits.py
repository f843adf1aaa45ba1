"""A kit that was sold, sent and delivered in one line, for tests."""

from typing import Any

from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
)
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.order import Order
from ledger.orders.values import Amounts, PickedFrom
from ledger.returns.commands import AuthoriseCase, ReceiveGoods
from ledger.returns.values import CaseLine
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import HOUSE, NOON, line, opened, pay, received, sell, stream
from tests.support.cases import ask, on
from tests.support.shipping import LATER
from tests.support.stories import Story, given

KIT = (Part("P1", 1), Part("P2", 2))
PRICE = Amounts(total_minor=14970)
"""What a kit is made of: one cup and two saucers, as it were."""


def step(command: type[Any], number: object = "1", **fields: Any) -> Any:
    """A command of the warehouse on an order."""
    return command(order=stream(number), occurred_at=LATER, **fields)


def sent(quantity: int = 1, *more: Any, sku: str = "KIT", number: object = "1") -> list[Any]:
    """The commands that sell so many pieces and hand them to a courier, in parcel P."""
    pieces = [Count("1", quantity)]
    return [
        sell(number, line(sku, quantity=quantity), amounts=PRICE), pay(number, 14970),
        step(ApproveOrder, number), step(SubmitOrder, number, warehouse=HOUSE),
        step(PickOrder, number, lines=[PickedFrom("1", quantity)]),
        step(CheckOrder, number, passed=True),
        step(PackOrder, number, parcel="P", lines=pieces),
        step(DispatchParcel, number, parcel="P", courier="顺丰"), *more]


def stocked(*more: Any, parts: tuple[Part, ...] = KIT, quantity: int = 1) -> Story:
    """A shop with cups and saucers, whose KIT is made of these parts; if it is made of none, so
    many of it are there."""
    kits = BundleSku(sku="KIT", occurred_at=NOON, parts=list(parts)) if parts else received(
        "KIT", quantity)
    return given(opened(), received("P1", 10), received("P2", 20), kits, *more)


def with_buyer(*more: Any, quantity: int = 1, parts: tuple[Part, ...] = KIT) -> Story:
    """Somebody has bought so many kits, and has them."""
    return stocked(*sent(quantity, step(DeliverParcel, parcel="P")), *more, parts=parts,
                   quantity=quantity)


def parts_back(story: Story, name: str = "1") -> dict[str, tuple[int, int]]:
    """The parts of a line of the order that come back (returning, returned)."""
    order = story.known[stream()]
    assert isinstance(order, Order)
    return {sku: (one.returning, one.returned)
            for sku, one in order.parts_back.get(name, {}).items()}


def wants(number: object, *lines: CaseLine) -> Any:
    """A buyer wants to send something back, and no money for it."""
    return ask(number, *lines, refund_minor=None)


def part(sku: str, quantity: int = 1, name: str = "1") -> CaseLine:
    """So many pieces of a part of the kit."""
    return CaseLine(line=name, order_line="1", sku=sku, quantity=quantity)


def arrives(number: object, quantity: int = 1, name: str = "1") -> Any:
    """Awaited pieces arrive."""
    return on(ReceiveGoods, number, warehouse=HOUSE, lines=[Count(name, quantity)])


def back(number: object, *lines: CaseLine) -> list[Any]:
    """The commands that bring lines of a case into inspection."""
    return [wants(number, *lines), on(AuthoriseCase, number), on(
        ReceiveGoods, number, warehouse=HOUSE,
        lines=[Count(one.line, one.quantity) for one in lines])]
