"""The goods of an order on their way: handed to a courier, delivered, refused, lost, found.

Every event moves pieces from states to a state, so that they always add up to what was ordered.
"""

from datetime import datetime

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import NothingUnderWay, NotMerged
from ledger.orders.standing import OrderStanding
from ledger.orders.values import BACK, ON_ITS_WAY, OPEN, Parcel
from ledger.stock.pieces import Count, LineParts, parts_by_line, quantities


class OrderShipping(OrderStanding):
    """The part of an order that moves its pieces on their way. `freed` are its claims to waybills
    that it does not use after all."""

    def begin(self) -> None:
        """Nothing was sent."""
        super().begin()
        self.freed: tuple[str, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Dispatched(Aggregate.Event):
        """A parcel was handed to a courier; without one, as a platform declares it, all pieces that
        are still to be sent, and as `lines` those that the end of the order gave up. Where it is
        only `part` of them, these are `lines`.

        `warehouse` and `parts` are given where they were not recorded before. `merged_with` is the
        order in whose parcel, of the same waybill, this one lies.
        """

        TOPIC = "order.dispatched.v1"
        courier: str | None = None
        waybill: str | None = None
        parcel: str | None = None
        lines: list[Count] = []
        warehouse: str | None = None
        parts: list[LineParts] = []
        merged_with: str | None = None
        part: bool = False
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The order that it was merged with."""
            return [] if self.merged_with is None else [self.merged_with]

    class TransitReported(Aggregate.Event):
        """The courier reported where a parcel is."""

        TOPIC = "order.transit_reported.v1"
        parcel: str
        note: Personal | None = None

    class ParcelRefused(Aggregate.Event):
        """The buyer refused a parcel or cannot be reached: it is on its way back to the sender;
        without a name, what is in no parcel."""

        TOPIC = "order.parcel_refused.v1"
        parcel: str | None = None
        reason: Personal | None = None

    class Delivered(Aggregate.Event):
        """A parcel reached the buyer; without one, as a platform declares it, all that was sent;
        or if it is `loose`, what is in no parcel."""

        TOPIC = "order.delivered.v1"
        parcel: str | None = None
        loose: bool = False
        inferred: list[str] = []

    class ParcelLost(Aggregate.Event):
        """The courier lost a parcel; without a name, what is in no parcel."""

        TOPIC = "order.parcel_lost.v1"
        parcel: str | None = None
        reason: Personal | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Dispatched)
    def _dispatched(self, parcel, lines, courier, waybill, warehouse, parts, part, occurred_at):
        self.dispatched_at = self.dispatched_at or occurred_at
        if warehouse is not None:
            self.warehouse = warehouse
            self.parts = {**self.parts, **parts_by_line(parts)}
        if part:
            self._move(lines, (*reversed(OPEN), "cancelled"), "in_transit")
            self.given_up = {line: left for line, pieces in self.given_up.items()
                             if (left := pieces - quantities(lines).get(line, 0)) > 0}
        elif parcel is None:
            self.goods = self.goods.all_moved(OPEN, "in_transit")
            self._move(lines, ("cancelled",), "in_transit")
            self.given_up = self.checked = {}
            self.check_failed = False
            self._all_parcels(("packed",), "dispatched")
        else:
            self._move(lines, ("packed",), "in_transit")
            self.parcels = {**self.parcels, parcel: Parcel("dispatched", lines, courier, waybill)}

    @event(TransitReported)
    def _transit_reported(self, parcel):
        self.parcels = {**self.parcels, parcel: self.parcels[parcel].now("in_transit")}

    @event(ParcelRefused)
    def _parcel_refused(self, parcel):
        self._arrived(parcel, BACK)

    @event(Delivered)
    def _delivered(self, parcel, loose, occurred_at):
        self.delivered_at = self.delivered_at or occurred_at
        if parcel is None and not loose:
            self.goods = self.goods.all_moved(("in_transit",), "delivered")
            self._all_parcels(ON_ITS_WAY, "delivered")
        else:
            self._arrived(parcel, "delivered")

    @event(ParcelLost)
    def _parcel_lost(self, parcel):
        self._arrived(parcel, "lost")

    def loose(self, state: str = "in_transit") -> list[Count]:
        """The pieces of a state that are in no parcel, as files declare them."""
        held = ON_ITS_WAY if state == "in_transit" else (state,)
        inside = quantities(count for parcel in self.parcels.values() if parcel.state in held
                            for count in self._left_in(parcel))
        return [Count(count.line, pieces) for count in self.goods.in_states(state)
                if (pieces := count.quantity - inside.get(count.line, 0)) > 0]

    def _under_way(self) -> tuple[str, list[Count]]:
        """The state and the pieces that are in no parcel: with a courier, else coming back, else
        lost."""
        return next(((state, found) for state in ("in_transit", BACK, "lost")
                     if (found := self.loose(state))), ("in_transit", []))

    def _arrived(self, parcel: str | None, state: str) -> None:
        if parcel is None:
            source, lines = self._under_way()
            self._move(lines, (source,), state)
            return
        known = self.parcels[parcel]
        source = "in_transit" if known.state in ON_ITS_WAY else known.state
        self._move(self._left_in(known), (source,), state)
        self.parcels = {**self.parcels, parcel: known.now(state)}

    # -- rules ------------------------------------------------------------------------------------

    def must_be_packed(self, parcel: str) -> list[Count]:
        """A parcel is there to be handed over; what is in it. Errors: R-ORD-03, R-ORD-06, R-ORD-20,
        R-ORD-21, R-ORD-23, R-ORD-30."""
        self.must_be_submitted()
        return self.parcel(parcel, "dispatched", "packed").lines

    def dispatch(
        self, parcel: str, courier: str | None, waybill: str | None, *, occurred_at: datetime,
        claim: str | None = None, merged_with: OrderStanding | None = None,
    ) -> None:
        """`claim` is what of the waybill can happen only once. Errors: R-ORD-03, R-ORD-06,
        R-ORD-20, R-ORD-21, R-ORD-23, R-ORD-30, NotMerged (R-ORD-38)."""
        lines = self.must_be_packed(parcel)
        if merged_with is not None:
            self._must_be_merged(merged_with, courier, waybill)
        self._dispatched(courier=courier, waybill=waybill, parcel=parcel, lines=lines,
                         merged_with=None if merged_with is None else merged_with.id,
                         occurred_at=occurred_at, once=claim)

    def _must_be_merged(
        self, other: OrderStanding, courier: str | None, waybill: str | None
    ) -> None:
        """A parcel of another order went from the same warehouse under this waybill."""
        if other.id == self.id or waybill is None or other.warehouse != self.warehouse or not any(
                (one.courier, one.waybill) == (courier, waybill) for one in other.parcels.values()):
            raise NotMerged(order=self.id, other=other.id, courier=courier, waybill=waybill or "")

    def report_transit(self, parcel: str, note: Plain, *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03, R-ORD-23, R-ORD-30."""
        self.must_be_known()
        self.parcel(parcel, "reported in transit", *ON_ITS_WAY)
        self._transit_reported(parcel=parcel, note=note, occurred_at=occurred_at)

    def refuse_parcel(
        self, parcel: str | None, reason: Plain | None, *, occurred_at: datetime
    ) -> None:
        """A parcel comes back unopened, once; also one that was lost and found. Errors: R-ORD-03,
        R-ORD-23, R-ORD-30, R-ORD-47."""
        self.must_be_known()
        if self._state_of(parcel, "refused", *ON_ITS_WAY, "lost", BACK) != BACK:
            self._parcel_refused(parcel=parcel, reason=reason, occurred_at=occurred_at)

    def deliver(self, parcel: str | None, *, occurred_at: datetime) -> None:
        """A parcel arrived, once; also one that was lost and found. Errors: R-ORD-03, R-ORD-23,
        R-ORD-30, R-ORD-47."""
        self.must_be_known()
        if self._state_of(parcel, "delivered", *ON_ITS_WAY, BACK, "lost",
                          "delivered") != "delivered":
            self._delivered(parcel=parcel, loose=parcel is None, occurred_at=occurred_at)

    def lose(self, parcel: str | None, reason: Plain, *, occurred_at: datetime) -> None:
        """A parcel is lost, once. Errors: R-ORD-03, R-ORD-23, R-ORD-30, R-ORD-47.
        """
        self.must_be_known()
        if self._state_of(parcel, "reported lost", *ON_ITS_WAY, BACK, "lost") != "lost":
            self._parcel_lost(parcel=parcel, reason=reason, occurred_at=occurred_at)


    def _state_of(self, parcel: str | None, wanted: str, *states: str) -> str:
        """The state of a parcel, which is one of some; of none, that of what is in no parcel.
        Errors: ParcelUnknown (R-ORD-23), ParcelOutOfTurn (R-ORD-30), NothingUnderWay (R-ORD-47)."""
        if parcel is not None:
            return self.parcel(parcel, wanted, *states).state
        state, lines = self._under_way()
        if not lines:
            raise NothingUnderWay(order=self.id)
        return state
