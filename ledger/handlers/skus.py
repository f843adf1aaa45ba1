"""What SKUs are: registered, named otherwise, bundled, low below a threshold.

What a SKU stands for changes only where nothing of it is left to be counted, served or sent: else
its pieces would lie under a name that means others. It is looked for here, under the writer, since
a read model may lag behind it.
"""

from collections.abc import Iterator
from urllib.parse import unquote

from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.orders.order import Order
from ledger.orders.values import OPEN
from ledger.stock.account import StockAccount
from ledger.stock.errors import AliasOfAlias, SkuHasStock, SkuIsOrdered, UnitFixed
from ledger.stock.pieces import PIECE, sku_of
from ledger.stock.places import stock_of
from ledger.stock.posting import load_all
from ledger.stock.skus import (
    AliasSku,
    BundleSku,
    RegisterSku,
    SetThreshold,
    Sku,
    held_by,
    parts_of,
)
from ledger.stock.warehouses import Warehouse

LAST_US = 2**63 - 1
"""The last time that there is, in microseconds since 1970."""


def register_sku(command: RegisterSku, work: Work) -> list[Aggregate]:
    """A repeat changes nothing. What moved before its SKU was registered was counted in pieces.
    Errors: UnitFixed (R-STK-14)."""
    sku: Sku = work.load(Sku, command.subject)
    if sku.target and not sku.registered:
        # What comes in under another name is counted as the SKU that it names.
        target: Sku = work.load(Sku, sku_of(sku.target))
        if command.unit != target.unit:
            raise UnitFixed(sku=command.sku, known=target.unit, unit=command.unit)
    if command.unit != PIECE and not sku.registered and any(
            account.position for account in _accounts(work, command.sku)):
        raise UnitFixed(sku=command.sku, known=PIECE, unit=command.unit)
    sku.register(command.sku, command.title, command.unit, occurred_at=command.occurred_at)
    return [sku]


def alias_sku(command: AliasSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), AliasOfAlias (R-STK-07), R-STK-09, R-STK-12,
    SkuHasStock (R-STK-21), SkuIsOrdered (R-STK-22)."""
    sku: Sku = work.load(Sku, command.subject)
    target: Sku = work.load(Sku, sku_of(command.target))
    if target.target:
        raise AliasOfAlias(sku=command.sku, target=command.target,
                           why=Phrase("that is another name of {sku} itself", sku=target.target))
    stood = sku.stands_for_others
    sku.alias(command.sku, command.target, target.unit, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    if sku.pending_events:
        _must_be_free(work, command.sku, stood=stood)
    return [sku]


def bundle_sku(command: BundleSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), SkuIsAlias (R-STK-11), R-STK-09, R-STK-12,
    SkuHasStock (R-STK-21), SkuIsOrdered (R-STK-22)."""
    sku: Sku = work.load(Sku, command.subject)
    stood = sku.stands_for_others
    sku.bundle(command.sku, command.parts, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    if sku.pending_events:
        _must_be_free(work, command.sku, stood=stood)
    return [sku]


def set_threshold(command: SetThreshold, work: Work) -> list[Aggregate]:
    """A repeat changes nothing. Errors: ThresholdOfNoStock (R-STK-23)."""
    sku: Sku = work.load(Sku, command.subject)
    sku.set_threshold(command.sku, command.threshold, occurred_at=command.occurred_at)
    return [sku]


# -- what keeps a SKU from standing for others -----------------------------------------------------


def _must_be_free(work: Work, sku: str, *, stood: bool) -> None:
    """Nothing is left of a SKU that would mean something else from now on.

    What `stood` for others before has no stock of its own, and lines whose pieces are reserved or
    waited for say what these are made of: of it, only pieces that nobody has reserved count.
    Errors: SkuHasStock (R-STK-21), SkuIsOrdered (R-STK-22).
    """
    if not stood:
        _must_have_no_stock(work, sku)
    states = ("unreserved",) if stood else OPEN
    for order in orders_naming(work, sku):
        for line in () if order.ended else (order.lines or {}).values():
            had = order.goods.shown(line.line, states)
            if line.sku == sku and (pieces := sum(had.values())):
                raise SkuIsOrdered(sku=sku, line=line.line, order=order.id, pieces=pieces,
                                   state=", ".join(state for state in states if had[state]))


def _must_have_no_stock(work: Work, sku: str) -> None:
    """Errors: SkuHasStock (R-STK-21)."""
    for account in _accounts(work, sku):
        if held := held_by(account):
            raise SkuHasStock(sku=sku, stock=account.id, levels=", ".join(
                f"{place} {pieces}" for place, pieces in sorted(held.items())))


def _accounts(work: Work, sku: str) -> Iterator[StockAccount]:
    """The accounts of a SKU in all warehouses."""
    for names in work.streams_of(Warehouse.KIND):
        houses = [unquote(name.partition(":")[2]) for name in names]
        yield from load_all(work, [stock_of(house, sku) for house in houses])


def orders_naming(work: Work, sku: str, since: int | None = None) -> Iterator[Order]:
    """The orders of which an event names a SKU, be it one that occurred since a time, folded again
    one by one: they may be very many, so none is kept. Units: microseconds since 1970."""
    during = None if since is None else (since, LAST_US)
    for names in work.streams_of(Order.KIND, naming=sku_of(sku), during=during):
        orders: dict[str, Order] = {}
        for fact in work.facts_of(names):
            order = orders.setdefault(fact.originator_id, Order.blank(fact.originator_id))
            fact.mutate(order)
        yield from orders.values()


HANDLERS: dict[type[Command], Handler] = {
    RegisterSku: register_sku,
    AliasSku: alias_sku,
    BundleSku: bundle_sku,
    SetThreshold: set_threshold,
}
