"""The goods of an order: how many pieces of each line are reserved, packed, on the way, returned.

Every event moves pieces from states to a state, so that they always add up to what was ordered.
"""

from datetime import datetime

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import (
    LastCheckFailed,
    NothingPicked,
    ParcelAlreadyPacked,
    ParcelOutOfTurn,
    ParcelUnknown,
)
from ledger.orders.standing import OrderStanding
from ledger.orders.values import BACK, ON_ITS_WAY, OPEN, Parcel, PickedFrom
from ledger.stock.pieces import Count, LineParts, parts_by_line


class OrderGoods(OrderStanding):
    """The part of an order that moves its pieces, in the warehouse and on their way."""

    def begin(self) -> None:
        """Nothing is packed."""
        super().begin()
        self.check_failed = False
        self.freed: tuple[str, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Reserved(Aggregate.Event):
        """Pieces were reserved in a warehouse; `short` are those that were not there.

        `parts` says what a piece of a line is made of where that is not just its own SKU.
        """

        TOPIC = "order.reserved.v1"
        warehouse: str
        lines: list[Count]
        short: list[Count] = []
        parts: list[LineParts] = []

    class ReservationReleased(Aggregate.Event):
        """Pieces are no longer reserved, or waited for; or now in the warehouse `moved_to`."""

        TOPIC = "order.reservation_released.v1"
        lines: list[Count]
        short: list[Count] = []
        reason: Personal | None = None
        moved_to: str | None = None

    class ReservationTakenBack(Aggregate.Event):
        """A document says that fewer pieces are there than are reserved, so these are waited for
        again: a count, a damage, a correction."""

        TOPIC = "order.reservation_taken_back.v1"
        lines: list[Count]
        document: str

        def about(self) -> list[str]:
            """The document."""
            return [self.document]

    class Picked(Aggregate.Event):
        """The dispatcher took pieces from their bins."""

        TOPIC = "order.picked.v1"
        lines: list[PickedFrom]

    class Checked(Aggregate.Event):
        """What was picked was compared with the slip. Faulty pieces are not sent."""

        TOPIC = "order.checked.v1"
        passed: bool
        faulty: list[Count] = []
        note: Personal | None = None

    class Packed(Aggregate.Event):
        """Pieces were packed into a parcel."""

        TOPIC = "order.packed.v1"
        parcel: str
        lines: list[Count]

    class Dispatched(Aggregate.Event):
        """A parcel was handed to a courier; without one, as a platform declares it, all pieces.

        `warehouse` and `parts` are given where they were not recorded before.
        """

        TOPIC = "order.dispatched.v1"
        courier: str | None = None
        waybill: str | None = None
        parcel: str | None = None
        lines: list[Count] = []
        warehouse: str | None = None
        parts: list[LineParts] = []
        inferred: list[str] = []

    class TransitReported(Aggregate.Event):
        """The courier reported where a parcel is."""

        TOPIC = "order.transit_reported.v1"
        parcel: str
        note: Personal | None = None

    class ParcelRefused(Aggregate.Event):
        """The buyer refused a parcel or cannot be reached: it is on its way back to the sender."""

        TOPIC = "order.parcel_refused.v1"
        parcel: str
        reason: Personal | None = None

    class Delivered(Aggregate.Event):
        """A parcel reached the buyer; without one, as a platform declares it, all that was sent."""

        TOPIC = "order.delivered.v1"
        parcel: str | None = None
        inferred: list[str] = []

    class ParcelLost(Aggregate.Event):
        """The courier lost a parcel."""

        TOPIC = "order.parcel_lost.v1"
        parcel: str
        reason: Personal | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Reserved)
    def _reserved(self, warehouse, lines, short, parts):
        self.warehouse = warehouse
        self.parts = {**self.parts, **parts_by_line(parts)}
        self._move(lines, ("short", "unreserved"), "reserved")
        self._move(short, ("unreserved",), "short")

    @event(ReservationReleased)
    def _reservation_released(self, lines, short):
        self._move(lines, ("reserved",), "unreserved")
        self._move(short, ("short",), "unreserved")

    @event(ReservationTakenBack)
    def _reservation_taken_back(self, lines):
        self._move(lines, ("reserved",), "short")

    @event(Picked)
    def _picked(self, lines):
        self._move(lines, ("reserved",), "picked")
        self.check_failed = False

    @event(Checked)
    def _checked(self, passed, faulty):
        self.check_failed = not passed
        self._move(faulty, ("picked",), "unreserved")

    @event(Packed)
    def _packed(self, parcel, lines):
        self._move(lines, ("picked",), "packed")
        self.parcels = {**self.parcels, parcel: Parcel(state="packed", lines=lines)}

    @event(Dispatched)
    def _dispatched(self, parcel, lines, courier, waybill, warehouse, parts, occurred_at):
        if self.freed:
            self.freed = tuple(one for one in self.freed if one != once_of(courier, waybill))
        self.dispatched_at = self.dispatched_at or occurred_at
        if warehouse is not None:
            self.warehouse = warehouse
            self.parts = {**self.parts, **parts_by_line(parts)}
        if parcel is None:
            self.goods = self.goods.all_moved(OPEN, "in_transit")
        else:
            self._move(lines, ("packed",), "in_transit")
            self.parcels = {**self.parcels, parcel: Parcel(state="dispatched", lines=lines)}

    @event(TransitReported)
    def _transit_reported(self, parcel):
        self.parcels = {**self.parcels, parcel: Parcel(
            state="in_transit", lines=self.parcels[parcel].lines)}

    @event(ParcelRefused)
    def _parcel_refused(self, parcel):
        self._arrived(parcel, BACK)

    @event(Delivered)
    def _delivered(self, parcel, occurred_at):
        self.delivered_at = self.delivered_at or occurred_at
        self._arrived(parcel, "delivered")

    @event(ParcelLost)
    def _parcel_lost(self, parcel):
        self._arrived(parcel, "lost")

    def _arrived(self, parcel: str | None, state: str) -> None:
        if parcel is None:
            self.goods = self.goods.all_moved(("in_transit",), state)
            return
        known = self.parcels[parcel]
        self._move(known.lines, (BACK if known.state == BACK else "in_transit",), state)
        self.parcels = {**self.parcels, parcel: Parcel(state=state, lines=known.lines)}

    # -- rules ------------------------------------------------------------------------------------

    def parcel(self, name: str, wanted: str, *states: str) -> Parcel:
        """A parcel in one of these states, so that it can become what is wanted. Errors:
        ParcelUnknown (R-ORD-23), ParcelOutOfTurn (R-ORD-30)."""
        if (parcel := self.parcels.get(name)) is None:
            raise ParcelUnknown(order=self.id, parcel=name)
        if parcel.state not in states:
            raise ParcelOutOfTurn(order=self.id, parcel=name, wanted=wanted, state=parcel.state)
        return parcel

    def reserve(
        self, warehouse: str, lines: list[Count], short: list[Count], parts: list[LineParts], *,
        occurred_at: datetime,
    ) -> None:
        """Pieces are reserved, others are waited for, all in one warehouse.

        Errors: R-ORD-06, R-ORD-20, R-ORD-22, R-ORD-29, R-ORD-32.
        """
        self.must_be_open()
        self.must_not_be_elsewhere(warehouse)
        self.must_have([*lines, *short], ("unreserved", "short"))
        if lines or short:
            self._reserved(warehouse=warehouse, lines=lines, short=short, parts=parts,
                           occurred_at=occurred_at)

    def release(self, reason: Plain | None, moved_to: str | None, *, occurred_at: datetime) -> None:
        """Nothing is reserved or waited for any more. Errors: R-ORD-03."""
        self.must_be_known()
        reserved, short = self.goods.in_states("reserved"), self.goods.in_states("short")
        if reserved or short:
            self._reservation_released(lines=reserved, short=short, reason=reason,
                                       moved_to=moved_to, occurred_at=occurred_at)

    def pick(self, lines: list[PickedFrom], *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03, R-ORD-06, R-ORD-20 to R-ORD-22, R-ORD-29."""
        self.must_be_submitted()
        self.must_have(lines, ("reserved",))
        self._picked(lines=lines, occurred_at=occurred_at)

    def check(
        self, passed: bool, faulty: list[Count], note: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Errors: R-ORD-03, R-ORD-06, R-ORD-20 to R-ORD-22, R-ORD-28, R-ORD-29."""
        self.must_be_submitted()
        self.must_have(faulty, ("picked",))
        if not self.goods.has("picked"):
            raise NothingPicked(order=self.id)
        self._checked(passed=passed, faulty=faulty, note=note, occurred_at=occurred_at)

    def pack(self, parcel: str, lines: list[Count], *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03, R-ORD-06, R-ORD-20 to R-ORD-22, R-ORD-27, R-ORD-29, R-ORD-31."""
        self.must_be_submitted()
        if known := self.parcels.get(parcel):
            raise ParcelAlreadyPacked(order=self.id, parcel=parcel, state=known.state)
        if self.check_failed:
            raise LastCheckFailed(order=self.id)
        self.must_have(lines, ("picked",))
        self._packed(parcel=parcel, lines=lines, occurred_at=occurred_at)

    def dispatch(
        self, parcel: str, courier: str | None, waybill: str | None, *, occurred_at: datetime
    ) -> None:
        """Errors: R-ORD-03, R-ORD-06, R-ORD-20, R-ORD-21, R-ORD-23, R-ORD-30."""
        self.must_be_submitted()
        lines = self.parcel(parcel, "dispatched", "packed").lines
        once = once_of(courier, waybill)
        if once in self.freed:  # it is this order's already, by a dispatch that did not occur
            once = None
        self._dispatched(courier=courier, waybill=waybill, parcel=parcel, lines=lines,
                         occurred_at=occurred_at, once=once)

    def report_transit(self, parcel: str, note: Plain, *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03, R-ORD-23, R-ORD-30."""
        self.must_be_known()
        self.parcel(parcel, "reported in transit", *ON_ITS_WAY)
        self._transit_reported(parcel=parcel, note=note, occurred_at=occurred_at)

    def refuse_parcel(self, parcel: str, reason: Plain | None, *, occurred_at: datetime) -> None:
        """A parcel comes back unopened, once. Errors: R-ORD-03, R-ORD-23, R-ORD-30."""
        self.must_be_known()
        if self.parcel(parcel, "refused", *ON_ITS_WAY, BACK).state != BACK:
            self._parcel_refused(parcel=parcel, reason=reason, occurred_at=occurred_at)

    def take_back(self, lines: list[Count], document: str, *, occurred_at: datetime) -> None:
        """Let go of reserved pieces that are not there; they are waited for again."""
        self._reservation_taken_back(lines=lines, document=document, occurred_at=occurred_at)

    def deliver(self, parcel: str, *, occurred_at: datetime) -> None:
        """A parcel arrived, once. Errors: R-ORD-03, R-ORD-23, R-ORD-30."""
        self.must_be_known()
        if self.parcel(parcel, "delivered", *ON_ITS_WAY, BACK, "delivered").state != "delivered":
            self._delivered(parcel=parcel, occurred_at=occurred_at)

    def lose(self, parcel: str, reason: Plain, *, occurred_at: datetime) -> None:
        """A parcel is lost, once. Errors: R-ORD-03, R-ORD-23, R-ORD-30."""
        self.must_be_known()
        if self.parcel(parcel, "reported lost", *ON_ITS_WAY, BACK, "lost").state != "lost":
            self._parcel_lost(parcel=parcel, reason=reason, occurred_at=occurred_at)


def once_of(courier: str | None, waybill: str | None) -> str | None:
    """What can happen only once: that this waybill is used."""
    return None if waybill is None else f"waybill:{courier}:{waybill}"
