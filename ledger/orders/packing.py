"""The goods of an order in the warehouse: reserved, picked, checked, packed into parcels.

Every event moves pieces from states to a state, so that they always add up to what was ordered.
"""

from collections.abc import Mapping
from datetime import datetime

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import (
    LastCheckFailed,
    NotChecked,
    NothingPicked,
    ParcelAlreadyPacked,
)
from ledger.orders.standing import OrderStanding
from ledger.orders.values import Parcel, PickedFrom
from ledger.stock.pieces import Count, LineParts, parts_by_line, quantities


class OrderPacking(OrderStanding):
    """The part of an order that moves its pieces in the warehouse."""

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

    class Unpicked(Aggregate.Event):
        """Picked pieces lie on the shelf again, reserved as before."""

        TOPIC = "order.unpicked.v1"
        lines: list[PickedFrom]
        reason: Personal | None = None

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

    class ParcelVoided(Aggregate.Event):
        """A packed parcel was opened again: its pieces are picked, and no courier gets it."""

        TOPIC = "order.parcel_voided.v1"
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

    @event(Unpicked)
    def _unpicked(self, lines):
        self._move(lines, ("picked",), "reserved")
        self._recheck({line: -pieces for line, pieces in quantities(lines).items()})

    @event(Checked)
    def _checked(self, passed, faulty):
        self.check_failed = not passed
        self._move(faulty, ("picked",), "unreserved")
        self.checked = quantities(self.goods.in_states("picked")) if passed else {}

    @event(Packed)
    def _packed(self, parcel, lines):
        self._move(lines, ("picked",), "packed")
        self._recheck({line: -pieces for line, pieces in quantities(lines).items()})
        self.parcels = {**self.parcels, parcel: Parcel("packed", lines)}

    @event(ParcelVoided)
    def _parcel_voided(self, parcel):
        known = self.parcels[parcel]
        self._move(known.lines, ("packed",), "picked")
        self._recheck(quantities(known.lines))
        self.parcels = {**self.parcels, parcel: known.now("voided")}

    def _recheck(self, changes: Mapping[str, int]) -> None:
        """More or fewer pieces were seen by a check: no more than are picked."""
        self.checked = {
            line: pieces for line, states in self.goods.items()
            if (pieces := min(states.get("picked", 0),
                              self.checked.get(line, 0) + changes.get(line, 0))) > 0}
        if not self.goods.has("picked"):
            self.check_failed = False

    # -- rules ------------------------------------------------------------------------------------

    def reserve(
        self, warehouse: str, lines: list[Count], short: list[Count], parts: list[LineParts], *,
        occurred_at: datetime,
    ) -> None:
        """Pieces are reserved, others are waited for, all in one warehouse.

        Errors: R-ORD-06, R-ORD-20, R-ORD-22, R-ORD-29, R-ORD-32, R-ORD-45.
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

    def unpick(
        self, lines: list[PickedFrom], reason: Plain, *, occurred_at: datetime
    ) -> None:
        """Picked pieces go back to their bins. Errors: R-ORD-03, R-ORD-06, R-ORD-22, R-ORD-29."""
        self.must_not_have_ended()
        self.must_have(lines, ("picked",))
        self._unpicked(lines=lines, reason=reason, occurred_at=occurred_at)

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
        """What a passed check has seen. Errors: R-ORD-03, R-ORD-06, R-ORD-20 to R-ORD-22, R-ORD-27,
        R-ORD-29, R-ORD-31, NotChecked (R-ORD-37)."""
        self.must_be_submitted()
        if (known := self.parcels.get(parcel)) and known.state != "voided":
            raise ParcelAlreadyPacked(order=self.id, parcel=parcel, state=known.state)
        self.must_have(lines, ("picked",))
        for line, wanted in quantities(lines).items():
            if wanted > (seen := self.checked.get(line, 0)):
                if self.check_failed:
                    raise LastCheckFailed(order=self.id)
                raise NotChecked(order=self.id, line=line, wanted=wanted, seen=seen)
        self._packed(parcel=parcel, lines=lines, occurred_at=occurred_at)

    def void_parcel(self, parcel: str, reason: Plain, *, occurred_at: datetime) -> None:
        """A packed parcel is opened before any courier has it, once. Errors: R-ORD-03, R-ORD-06,
        R-ORD-23, R-ORD-30."""
        self.must_be_known()
        if self.parcel(parcel, "voided", "packed", "voided").state != "voided":
            self.must_not_have_ended()
            self._parcel_voided(parcel=parcel, reason=reason, occurred_at=occurred_at)

    def take_back(self, lines: list[Count], document: str, *, occurred_at: datetime) -> None:
        """Let go of reserved pieces that are not there; they are waited for again."""
        self._reservation_taken_back(lines=lines, document=document, occurred_at=occurred_at)
