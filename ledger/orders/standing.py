"""How an order stands: what each of its parts has to know of it.

An order is made of parts that do not know one another: its payment, its review, its shipping and
what comes back of it.
They stand on this, and `order.py` joins them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from ledger.common.personal import Personal
from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate
from ledger.orders.errors import (
    GoodsElsewhere,
    NotThatMany,
    OrderEnded,
    OrderHeld,
    OrderLineUnknown,
    OrderNotReady,
    OrderUnknown,
    ParcelOutOfTurn,
    ParcelUnknown,
    SentFromUnknown,
)
from ledger.orders.goods import NO_GOODS, Goods
from ledger.orders.money import Balance
from ledger.orders.values import (
    BACK,
    COMPLETED,
    OPEN,
    SENT,
    Amounts,
    Line,
    Parcel,
    PartsBack,
)
from ledger.stock.pieces import Count, LineParts, quantities


class OrderStanding(Aggregate):
    """What all parts of an order share: its lines, goods and parcels, whether it is open, and its
    times. `parts` is what a piece of a line is made of, where that was recorded; `changed` says
    whether anything of it was since its approval, and `lines_before` are those before somebody
    changed them; `stated` is when the newest file was made that spoke of a fact; `given_up` are
    the pieces by line that its end left unsent, `checked` the picked ones that a passed check has
    seen. `amounts` are what it costs, `amounts_before` what it cost before somebody changed its
    lines; `balance` is what is owed and paid of it. `last_version` says which event of the stream
    stated a fact last."""

    KIND = "order"

    def begin(self) -> None:
        """Nothing is known."""
        self.lines: dict[str, Line] | None = None
        self.lines_before: tuple[Line, ...] = ()
        self.goods: Goods = NO_GOODS
        self.parts: dict[str, tuple[LineParts, ...]] = {}
        self.parcels: dict[str, Parcel] = {}
        self.parts_back: dict[str, dict[str, PartsBack]] = {}
        self.currency, self.amounts = "", Amounts()
        self.amounts_before: Amounts | None = None
        self.balance = Balance()
        self.last_version = {"amounts": 1, "paid": 0, "refunded": 0, "lines": 1}
        self.warehouse = ""
        self.submitted = self.changed = False
        self.held_for: tuple[Personal | None, int] | None = None
        self.ended = ""
        self.given_up: dict[str, int] = {}
        self.check_failed = False
        self.checked: dict[str, int] = {}
        self.stated: dict[str, datetime] = {}
        self.placed_at: datetime | None = None
        self.dispatched_at: datetime | None = None
        self.delivered_at: datetime | None = None

    def _know_lines(self, lines: list[Line]) -> None:
        """Take lines whose pieces are all where the order as a whole is known to be."""
        self.lines = {line.line: line for line in lines}
        state = self._state_of_all()
        self.goods = Goods.of(lines, state)
        self.given_up = quantities(self.goods.in_states("cancelled"))

    def _state_of_all(self) -> str:
        return "delivered" if self.delivered_at else "in_transit" if self.dispatched_at else (
            self._left_by_the_end() if self.ended else "unreserved")

    def _left_by_the_end(self) -> str:
        """Where the end of the order left what was not sent: what no warehouse had to send of a
        completed one, the buyer has."""
        return "delivered" if self.ended == COMPLETED and not self.warehouse else "cancelled"

    def has_moved(self) -> bool:
        """Whether goods of it moved in a warehouse, or some are not where the order as a whole is
        known to be."""
        state = self._state_of_all()
        return bool(self.warehouse or self.parts_back) or any(
            states.keys() - {state} for states in self.goods.values())

    def _correct_lines(self, lines: list[Line]) -> None:
        """Take lines in the place of those known. Where only their words differ, their pieces stay
        in the states that they are in."""
        goods = self.goods
        self.lines_before = ()
        self._know_lines(lines)
        if {line: sum(states.values()) for line, states in goods.items()} == {
                line: sum(states.values()) for line, states in self.goods.items()}:
            self.goods = goods

    def made_of(self, line: str) -> tuple[tuple[str, int], ...]:
        """The SKUs of a piece of a line, as far as recorded, and how many of each. Shapes: () of a
        line that is not there."""
        if line in self.parts:
            return tuple((part.sku, part.each) for part in self.parts[line])
        known = (self.lines or {}).get(line)
        return () if known is None else ((known.sku or "", 1),)

    def _cost(self, amounts: Amounts) -> None:
        """Take what it costs now."""
        self.amounts = amounts
        self.balance = self.balance.costing(amounts.total())
        self._note_version("amounts")

    def _note_version(self, fact: str) -> None:
        """Keep which event states a fact last: the one that a correction of it names."""
        self.last_version = {**self.last_version, fact: self._version + 1}

    def dropped(self) -> dict[str, int]:
        """The pieces by line that somebody cancelled, and not the end of the order."""
        cancelled = quantities(self.goods.in_states("cancelled"))
        return {line: left for line, pieces in cancelled.items()
                if (left := pieces - self.given_up.get(line, 0)) > 0}

    def _move(self, counts: Collection[Any], sources: Iterable[str], target: str) -> None:
        self.goods = self.goods.moved(counts, sources, target)

    def _all_parcels(self, states: Collection[str], state: str) -> None:
        """All parcels of some states have come to another."""
        if self.has_parcel(*states):
            self.parcels = {name: parcel.now(state) if parcel.state in states else parcel
                            for name, parcel in self.parcels.items()}

    def _left_in(self, parcel: Parcel) -> list[Count]:
        """The pieces of a parcel that are still in it. Of those that come back, some may have been
        received: pieces of a line are alike, so these are of the parcels that were refused first.
        """
        if parcel.state != BACK:
            return parcel.lines
        left = {line: states.get(BACK, 0) for line, states in self.goods.items()}
        for other in reversed(self.parcels.values()):
            if other is parcel:
                break
            if other.state == BACK:
                for count in other.lines:
                    left[count.line] = max(0, left[count.line] - count.quantity)
        return [Count(count.line, pieces) for count in parcel.lines
                if (pieces := min(count.quantity, left[count.line]))]

    def has_parcel(self, *states: str) -> bool:
        """Whether a parcel is in one of some states."""
        return any(parcel.state in states for parcel in self.parcels.values())

    def must_be_known(self) -> None:
        """Errors: OrderUnknown (R-ORD-03)."""
        if self.placed_at is None:
            raise OrderUnknown(order=self.id)

    def must_not_have_ended(self) -> None:
        """Errors: OrderUnknown (R-ORD-03), OrderEnded (R-ORD-06)."""
        self.must_be_known()
        if self.ended:
            raise OrderEnded(order=self.id, state=self.ended)

    def must_be_open(self) -> None:
        """Errors: R-ORD-03, R-ORD-06, OrderHeld (R-ORD-20)."""
        self.must_not_have_ended()
        if self.held_for is not None:
            raise OrderHeld(order=self.id)

    def must_be_submitted(self) -> None:
        """The warehouse may work on it. Errors: R-ORD-03, R-ORD-06, R-ORD-20, R-ORD-21."""
        self.must_be_open()
        if not self.submitted:
            raise OrderNotReady(order=self.id, step=Phrase("submitted to the warehouse"),
                                command="order.submit")

    def must_not_be_elsewhere(self, warehouse: str) -> None:
        """No piece is held for it in another warehouse, or on its way from who knows where; one
        that was lost may be found. Errors:
        GoodsElsewhere (R-ORD-32), SentFromUnknown (R-ORD-45)."""
        held = [state for state in (*OPEN[1:], *SENT, "lost") if self.goods.has(state)]
        if held and not self.warehouse:
            raise SentFromUnknown(order=self.id, warehouse=warehouse, state=" or ".join(held))
        if held and self.warehouse != warehouse:
            raise GoodsElsewhere(order=self.id, warehouse=warehouse, elsewhere=self.warehouse,
                                 state=" or ".join(held))

    def must_have(self, counts: Iterable[Any], states: Collection[str]) -> None:
        """Every line has so many pieces in these states.

        Errors: NotThatMany (R-ORD-22), OrderLineUnknown (R-ORD-29).
        """
        if (lacking := self.goods.lacking(counts, states)) is None:
            return
        if lacking.there is None:
            raise OrderLineUnknown(order=self.id, line=lacking.line)
        raise NotThatMany(order=self.id, line=lacking.line, wanted=lacking.wanted,
                          there=lacking.there, state=" or ".join(states))

    def parcel(self, name: str, wanted: str, *states: str) -> Parcel:
        """A parcel in one of these states, so that it can become what is wanted. Errors:
        ParcelUnknown (R-ORD-23), ParcelOutOfTurn (R-ORD-30)."""
        if (parcel := self.parcels.get(name)) is None:
            raise ParcelUnknown(order=self.id, parcel=name)
        if parcel.state not in states:
            raise ParcelOutOfTurn(order=self.id, parcel=name, wanted=wanted, state=parcel.state)
        return parcel
