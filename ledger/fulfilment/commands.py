"""The commands that move the goods of orders; orders and stock are saved together."""

from typing import Annotated, ClassVar

from ledger.common.between import Said, among, fork, given
from ledger.common.bounds import Id, Items, Name, Note, Ordinal, Reason, Stream
from ledger.common.values import Checks
from ledger.core.commands import OnStream, Wanted
from ledger.fulfilment.reserving import lines_wanted
from ledger.orders.commands import OnOrder, OnPrices
from ledger.orders.order import Order
from ledger.orders.placing import PlaceOrder
from ledger.orders.values import MAX_LINES, PickedFrom
from ledger.stock.account import StockAccount
from ledger.stock.pieces import Count, sku_of
from ledger.stock.places import stock_of
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

Counts = Annotated[list[Count], Items(most=MAX_LINES)]
SomeCounts = Annotated[list[Count], Items(least=1, most=MAX_LINES)]
SomePicked = Annotated[list[PickedFrom], Items(least=1, most=MAX_LINES)]


class SellOrder(PlaceOrder, frozen=True, kw_only=True):
    """Take a new order and reserve all its goods in a warehouse, or refuse it."""

    NAME: ClassVar[str] = "order.sell"
    BETWEEN: ClassVar[Said] = given(
        "lines", type="array",
        items=fork(among("fee", True), otherwise=given("sku", type="string")),
        contains={"properties": {"fee": {"enum": [False]}}})
    warehouse: Id

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if not lines_wanted(self.lines or ()):
            checks.fault("/lines", "empty", "has no goods to reserve")
        for index, line in enumerate(self.lines or ()):
            if line.sku is None and not line.fee:
                checks.fault(f"/lines/{index}/sku", "missing", "is needed to reserve it")

    def streams(self) -> Wanted:
        wanted: Wanted = [*super().streams(), (Warehouse, warehouse_of(self.warehouse))]
        for line in self.lines or ():
            if line.sku is not None and not line.fee:
                wanted.append((Sku, sku_of(line.sku)))
                wanted.append((StockAccount, stock_of(self.warehouse, line.sku)))
        return wanted


class ReserveOrder(OnOrder, frozen=True, kw_only=True):
    """Reserve an order's goods in a warehouse; what is not there is back-ordered."""

    NAME: ClassVar[str] = "order.reserve"
    warehouse: Id


class MoveReservation(ReserveOrder, frozen=True, kw_only=True):
    """Reserve an order's goods in another warehouse instead, all of them or none."""

    NAME: ClassVar[str] = "order.move_reservation"


class ReleaseReservation(OnOrder, frozen=True, kw_only=True):
    """Let go of all that is reserved for an order, or waited for."""

    NAME: ClassVar[str] = "order.release_reservation"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class ReleaseBackOrders(OnStream, frozen=True, kw_only=True):
    """Reserve what came in of a SKU for the orders that wait for it, first in, first served."""

    NAME: ClassVar[str] = "stock.release_back_orders"
    AGGREGATE = StockAccount
    warehouse: Id
    sku: Id

    @property
    def subject(self) -> str:
        """The account of the SKU in the warehouse."""
        return stock_of(self.warehouse, self.sku)


class PickOrder(OnOrder, frozen=True, kw_only=True):
    """Take pieces from their bins."""

    NAME: ClassVar[str] = "order.pick"
    lines: SomePicked


class UnpickOrder(OnOrder, frozen=True, kw_only=True):
    """Put picked pieces back into their bins; they stay reserved."""

    NAME: ClassVar[str] = "order.unpick"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    lines: SomePicked
    reason: Reason


class CheckOrder(OnOrder, frozen=True, kw_only=True):
    """Check what was picked against the slip. Faulty pieces go to quarantine."""

    NAME: ClassVar[str] = "order.check"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    passed: bool
    faulty: Counts = []
    note: Note | None = None


class PackOrder(OnPrices, frozen=True, kw_only=True):
    """Pack picked pieces, which a passed check has seen, into a parcel."""

    NAME: ClassVar[str] = "order.pack"
    parcel: Id
    lines: SomeCounts


class DispatchParcel(OnPrices, frozen=True, kw_only=True):
    """Hand a parcel to a courier. What lies in the parcel of another order, under its waybill, is
    `merged_with` that."""

    NAME: ClassVar[str] = "order.dispatch"
    parcel: Id
    courier: Name
    waybill: Id | None = None
    merged_with: Stream | None = None

    def streams(self) -> Wanted:
        return [*super().streams(), *(
            [] if self.merged_with is None else [(Order, self.merged_with)])]


class _OnParcel(OnOrder, frozen=True, kw_only=True):
    """A command on a parcel."""

    parcel: Id


class _OnTheWay(OnOrder, frozen=True, kw_only=True):
    """A command on a parcel that was sent; without its name, on what is in no parcel, as a file
    declared it to be sent."""

    parcel: Id | None = None


class VoidParcel(_OnParcel, frozen=True, kw_only=True):
    """Open a packed parcel again, before a courier has it."""

    NAME: ClassVar[str] = "order.void_parcel"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class ReportTransit(_OnParcel, frozen=True, kw_only=True):
    """Note what the courier reports of a parcel."""

    NAME: ClassVar[str] = "order.report_transit"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    note: Note


class RefuseParcel(_OnTheWay, frozen=True, kw_only=True):
    """The buyer refused a parcel, or cannot be reached: the courier brings it back."""

    NAME: ClassVar[str] = "order.refuse_parcel"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class CorrectStep(OnOrder, frozen=True, kw_only=True):
    """Take the event at a position back: that pieces were picked, checked, packed, sent, refused,
    delivered or lost did not occur. Then record what did."""

    NAME: ClassVar[str] = "order.correct_step"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    position: Ordinal
    reason: Reason


class DeliverParcel(_OnTheWay, frozen=True, kw_only=True):
    """The buyer has a parcel."""

    NAME: ClassVar[str] = "order.deliver"


class LoseParcel(_OnTheWay, frozen=True, kw_only=True):
    """The courier lost a parcel."""

    NAME: ClassVar[str] = "order.lose_parcel"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason
