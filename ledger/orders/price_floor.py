"""The price floor (限价): what is sold below it is signed by somebody else than who sold it so,
before it goes to a warehouse."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from ledger.common.errors import Refused
from ledger.common.personal import Personal, Plain
from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate, event
from ledger.orders.finance import OrderFinance
from ledger.orders.money import net_of
from ledger.orders.values import CANCELLED, CLOSED, Amounts, Line
from ledger.stock.pieces import sku_of

BELOW_FLOOR = "price_below_floor"
"""The exception of an order that sells something below its floor, and its kind."""

Floors = Mapping[str, int]
"""The floor of a piece, by SKU, in minor units of the order's currency."""


class SoldBelow(msgspec.Struct, frozen=True):
    """Pieces of a line that the buyer gets below their floor: `net_minor` for all of them, after
    the line's share of the discount. Units: minor units; the floor is that of one piece."""

    line: str
    sku: str
    pieces: int
    net_minor: int
    floor_minor: int

    @property
    def lacking_minor(self) -> int:
        """What lacks to the floor, for all pieces."""
        return self.floor_minor * self.pieces - self.net_minor

    def is_within(self, signed: "SoldBelow | None") -> bool:
        """Whether it is no more pieces, and each no cheaper, than somebody signed."""
        return signed is not None and signed.sku == self.sku and self.pieces <= signed.pieces \
            and self.net_minor * signed.pieces >= signed.net_minor * self.pieces


class BelowFloorUnsigned(Refused):
    """{order} sells {pieces} pieces of {sku} (line {line}) for {net_minor} {currency} (minor
    units), and its floor is {floor_minor} each. Let somebody sign it who did not set this price
    (order.sell_below_floor), or raise the price."""

    code = "below_floor_unsigned"
    rule = "R-ORD-73"


class BelowFloorRefused(Refused):
    """{order} would sell {pieces} pieces of {sku} (line {line}) for {net_minor} {currency} (minor
    units), below its floor of {floor_minor} each, and {actor} cannot ask for such a price
    (order.ask_below_floor): {why}. Raise the price to the floor, or let one of those place or price
    the order so."""

    code = "below_floor_refused"
    rule = "R-ORD-83"


class NothingBelowFloor(Refused):
    """{order} sells nothing below a floor that was in force when it was placed, or has ended
    ({state}): there is nothing to sign."""

    code = "nothing_below_floor"
    rule = "R-ORD-74"


def sold_below(
    lines: Collection[Line], amounts: Amounts, cancelled: Mapping[str, int], floors: Floors
) -> list[SoldBelow]:
    """What is sold below its floor, line by line. A line at no price at all is a gift where another
    one is sold; alone, it is a sale. Rule: R-ORD-73."""
    if not floors:
        return []
    net = net_of(lines, amounts, cancelled)
    sold = [line for line in lines if not line.fee and line.unit_price] or [
        line for line in lines if not line.fee]
    found = [SoldBelow(line.line, line.sku, line.quantity - cancelled.get(line.line, 0),
                       net[line.line], floors[line.sku])
             for line in sold if line.sku is not None and line.sku in floors]
    return [one for one in found if one.lacking_minor > 0]


class OrderFloor(OrderFinance):
    """The part of an order that knows what it sells below a floor, and who signed that. `below` is
    what waited for a signature last, `sellers` are those who ever set such a price; `signed_below`
    is what somebody signed, by line."""

    def begin(self) -> None:
        """Nothing is sold below a floor."""
        super().begin()
        self.below: tuple[SoldBelow, ...] = ()
        self.sellers: tuple[str, ...] = ()
        self.signed_below: dict[str, SoldBelow] = {}

    # -- facts ------------------------------------------------------------------------------------

    class BelowFloorPriced(Aggregate.Event):
        """Lines cost less than their floor, and nobody has signed that; `set_by` set the price,
        where somebody of the shop did."""

        TOPIC = "order.below_floor_priced.v1"
        lines: list[SoldBelow]
        set_by: str | None = None

        def about(self) -> list[str]:
            """The SKUs of these lines."""
            return list(dict.fromkeys(sku_of(one.sku) for one in self.lines))

    class BelowFloorSigned(Aggregate.Event):
        """Somebody signed that these lines are sold below their floor."""

        TOPIC = "order.below_floor_signed.v1"
        lines: list[SoldBelow]
        signed_by: str
        stood_in: StoodIn | None = None
        reason: Personal | None = None

        def about(self) -> list[str]:
            """The SKUs of these lines."""
            return list(dict.fromkeys(sku_of(one.sku) for one in self.lines))

    # -- mutators ---------------------------------------------------------------------------------

    @event(BelowFloorPriced)
    def _below_floor_priced(self, lines, set_by):
        self.below = tuple(lines)
        if set_by is not None and set_by not in self.sellers:
            self.sellers = (*self.sellers, set_by)

    @event(BelowFloorSigned)
    def _below_floor_signed(self, lines):
        self.signed_below = {one.line: one for one in lines}

    # -- rules ------------------------------------------------------------------------------------

    def sells_below(self, floors: Floors) -> list[SoldBelow]:
        """What it sells below a floor; what was closed or cancelled sells nothing."""
        if not floors or self.lines is None or self.ended in (CLOSED, CANCELLED):
            return []
        return sold_below(self.lines.values(), self.amounts, self.dropped(), floors)

    def unsigned_below(self, floors: Floors) -> list[SoldBelow]:
        """Of that, what nobody has signed."""
        return [one for one in self.sells_below(floors)
                if not one.is_within(self.signed_below.get(one.line))]

    def is_news_below(self, unsigned: list[SoldBelow]) -> bool:
        """Whether it is not on record that just this waits for a signature."""
        return bool(unsigned) and (
            BELOW_FLOOR not in self.exceptions or tuple(unsigned) != self.below)

    def must_be_signed_below(self, floors: Floors) -> None:
        """Errors: BelowFloorUnsigned (R-ORD-73)."""
        for one in self.unsigned_below(floors):
            raise BelowFloorUnsigned(**self._of_below(one))

    def not_asked_below(self, one: SoldBelow, actor: str, why: str) -> BelowFloorRefused:
        """What is refused to somebody who may not ask for the price of a line."""
        return BelowFloorRefused(**self._of_below(one), actor=actor, why=why)

    def _of_below(self, one: SoldBelow) -> dict[str, Any]:
        """What a refusal says of a line that is sold below its floor."""
        return {"order": self.id, "currency": self.currency, **msgspec.structs.asdict(one)}

    def must_sell_below(self, floors: Floors) -> list[SoldBelow]:
        """What there is to sign. Errors: R-ORD-03, NothingBelowFloor (R-ORD-74)."""
        self.must_be_known()
        if not (found := self.sells_below(floors)):
            raise NothingBelowFloor(order=self.id, state=self.ended or "open")
        return found

    def sell_below(
        self, lines: list[SoldBelow], by: str, stood_in: StoodIn | None = None, *,
        reason: Plain, occurred_at: datetime,
    ) -> None:
        """Somebody signs what it sells below a floor; what is signed already is not again."""
        if {one.line: one for one in lines} != self.signed_below:
            self._below_floor_signed(lines=lines, signed_by=by, stood_in=stood_in, reason=reason,
                                   occurred_at=occurred_at)

    def settle_floor(self, floors: Floors, set_by: str | None, *, occurred_at: datetime) -> None:
        """Open the exception where something waits for a signature, and close it where nothing does
        any more. Rules: R-ORD-73, R-ORD-75."""
        unsigned = self.unsigned_below(floors)
        if self.is_news_below(unsigned):
            self._below_floor_priced(lines=unsigned, set_by=set_by, occurred_at=occurred_at)
        if unsigned:
            self.open_exception(BELOW_FLOOR, BELOW_FLOOR, occurred_at=occurred_at)
        elif self.exceptions.get(BELOW_FLOOR) == BELOW_FLOOR:
            self.close_exception(BELOW_FLOOR, None, occurred_at=occurred_at)
