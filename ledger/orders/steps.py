"""Steps of an order's goods that were recorded wrongly: what did not occur is taken back, as long
as every piece still is where the step put it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

import msgspec

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.core.postings import Correction
from ledger.orders.goods import Goods, shifted
from ledger.orders.packing import OrderPacking
from ledger.orders.shipping import OrderShipping
from ledger.orders.values import ARRIVED, OPEN, SENT, Parcel
from ledger.stock.pieces import Count, quantities


class Shift(msgspec.Struct, frozen=True, kw_only=True, rename={"source": "from", "target": "to"}):
    """So many pieces of a line, from one state to another."""

    line: str
    quantity: int
    source: str
    target: str


class ParcelBack(msgspec.Struct, frozen=True, omit_defaults=True):
    """A parcel that is in an earlier state again; without one, that is not packed."""

    parcel: str
    state: str | None = None
    lines: list[Count] = []
    courier: str | None = None
    waybill: str | None = None


class OrderSteps(OrderPacking, OrderShipping):
    """The part of an order that takes its steps back."""

    class StepCorrected(Aggregate.Event):
        """A step did not occur. `unsent`, `undelivered`: nor did anything else of the order go out,
        or arrive. `check_failed`: the last check that stands failed; `checked` are the picked
        pieces that a passed one has seen. `freed` is the claim to a waybill that is free again,
        `retaken` one that is not any more."""

        TOPIC = "order.step_corrected.v1"
        moved: list[Shift] = []
        parcels: list[ParcelBack] = []
        unsent: bool = False
        undelivered: bool = False
        check_failed: bool = False
        checked: list[Count] = []
        freed: str | None = None
        retaken: str | None = None
        reason: Personal | None = None

    @event(StepCorrected)
    def _step_corrected(
        self, moved, parcels, unsent, undelivered, check_failed, checked, freed, retaken
    ):
        self.goods = _moved_on(self.goods, moved)
        known = {**self.parcels}
        for back in parcels:
            known.pop(back.parcel, None)
            if back.state is not None:
                known[back.parcel] = Parcel(back.state, back.lines, back.courier, back.waybill)
        self.parcels = known
        self.check_failed, self.checked = check_failed, quantities(checked)
        self.dispatched_at = None if unsent else self.dispatched_at
        self.delivered_at = None if undelivered else self.delivered_at
        self.freed = tuple(one for one in (*self.freed, freed) if one and one != retaken)

    CORRECTABLE = (
        OrderPacking.Picked, OrderPacking.Unpicked, OrderPacking.Checked, OrderPacking.Packed,
        OrderPacking.ParcelVoided, OrderShipping.Dispatched, OrderShipping.ParcelRefused,
        OrderShipping.Delivered, OrderShipping.ParcelLost, StepCorrected)
    """The steps that can be taken back. A reservation is released, a case goes on by itself."""

    ON_THE_WAY = (OrderShipping.ParcelRefused, OrderShipping.Delivered, OrderShipping.ParcelLost,
                  StepCorrected)
    """Those among them that can be after an end, too: what was sent goes on."""

    def stands(self, before: Self, after: Self) -> bool:
        """Whether every piece and parcel still is where an event put it, which led from one state
        of the order to another, and is what it was."""
        if self.warehouse != after.warehouse:
            return False
        backwards = [(Count(one.line, one.quantity), one.source) for one in _shifts(after, before)]
        if any(self.made_of(count.line) != after.made_of(count.line) for count, _ in backwards):
            return False
        return not any(state == "delivered" and count.line in self.parts_back
                       for count, state in backwards) \
            and all(self.goods.lacking([count], (state,)) is None for count, state in backwards) \
            and all(self.parcels.get(name) == after.parcels.get(name)
                    for name in _changed(before, after))

    def correct_step(
        self, corrects: Correction, wrong: Any, before: Self, after: Self, *,
        claim: str | None, reason: Plain | None, occurred_at: datetime,
    ) -> None:
        """Take an event back that led from one state of the order to another; `stands` holds.
        `claim` is that of a dispatch to its waybill. Errors: R-ORD-03, R-ORD-06."""
        freed, retaken = claim, None
        if isinstance(wrong, OrderSteps.StepCorrected):
            freed, retaken = wrong.retaken, wrong.freed
        moved = _shifts(after, before)
        goods = _moved_on(self.goods, moved)
        if goods.has(*OPEN):  # what was sent may have got elsewhere, also after an end
            self.must_not_have_ended()
        self._step_corrected(
            corrects=corrects, moved=moved, freed=freed, retaken=retaken,
            check_failed=(before.check_failed if after.check_failed == self.check_failed
                          else self.check_failed),
            checked=self._checked_without(wrong, before, after, goods),
            unsent=not goods.has(*SENT, *ARRIVED, "lost"), undelivered=not goods.has(*ARRIVED),
            parcels=[ParcelBack(name, *(msgspec.structs.astuple(known) if (
                known := before.parcels.get(name)) else ())) for name in _changed(before, after)],
            reason=reason, occurred_at=occurred_at)

    def _checked_without(
        self, wrong: Any, before: Self, after: Self, goods: Goods
    ) -> list[Count]:
        """The picked pieces that a passed check has seen, without an event, and with these goods.
        Another check since then goes on for itself."""
        seen = dict(self.checked)
        if not isinstance(wrong, OrderPacking.Checked):
            for line in {*before.checked, *after.checked}:
                seen[line] = seen.get(line, 0) + before.checked.get(line, 0) - (
                    after.checked.get(line, 0))
        elif after.checked == self.checked:
            seen = dict(before.checked)
        picked = {count.line: count.quantity for count in goods.in_states("picked")}
        return [Count(line, min(pieces, picked[line]))
                for line, pieces in seen.items() if pieces > 0 and line in picked]


def _shifts(before: OrderSteps, after: OrderSteps) -> list[Shift]:
    """How the pieces of lines went from one state of an order to another."""
    return [Shift(line=line, quantity=pieces, source=source, target=target)
            for line, states in after.goods.items()
            for source, target, pieces in shifted(before.goods.get(line, {}), states)]


def _moved_on(goods: Goods, shifts: Sequence[Shift]) -> Goods:
    """Goods after their pieces went from state to state."""
    for one in shifts:
        goods = goods.moved([Count(one.line, one.quantity)], (one.source,), one.target)
    return goods


def _changed(before: OrderSteps, after: OrderSteps) -> list[str]:
    """The parcels that differ between two states of an order."""
    return [name for name in sorted({*before.parcels, *after.parcels})
            if before.parcels.get(name) != after.parcels.get(name)]
