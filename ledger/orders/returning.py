"""What comes back of an order: pieces that the buyer sends back, or parts of them, and those of
parcels that the courier brings back. A case awaits them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.common.errors import Refused
from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import NotThatMany
from ledger.orders.standing import OrderStanding
from ledger.orders.values import BACK, ON_ITS_WAY, PartCount, PartsBack
from ledger.stock.pieces import Count, Part, quantities

Claim = tuple[str, str, str]
"""A case, a line, and the SKU of a part of it; "" for whole pieces."""


class NotThatManyParts(Refused):
    """Line {line} of {order}: {wanted} pieces of its part {sku} were named, but only {there} can
    still come back of what was delivered. Name no more; the report returns says what came back."""

    code = "not_that_many_parts"
    rule = "R-RET-15"


class Back(NamedTuple):
    """What comes back of an order: whole pieces of its lines, and parts of others."""

    lines: Sequence[Count] = ()
    parts: Sequence[PartCount] = ()

    def at_most(self, known: Mapping[tuple[str, str], int]) -> "Back":
        """As much of it as there is, by line and SKU of a part."""
        lines = [Count(one.line, pieces) for one in self.lines
                 if (pieces := min(one.quantity, known.get((one.line, ""), 0)))]
        parts = [PartCount(one.line, one.sku, pieces, one.each) for one in self.parts
                 if (pieces := min(one.quantity, known.get((one.line, one.sku), 0)))]
        return Back(lines, parts)

    def less(self, other: "Back") -> "Back":
        """What is not in another one."""
        taken = other.by_part()
        return self.at_most({key: max(0, pieces - taken.get(key, 0))
                             for key, pieces in self.by_part().items()})

    def by_part(self) -> dict[tuple[str, str], int]:
        """Its pieces by line and SKU of a part."""
        found = {(line, ""): pieces for line, pieces in quantities(self.lines).items()}
        for one in self.parts:
            found[one.line, one.sku] = found.get((one.line, one.sku), 0) + one.quantity
        return found


class OrderReturns(OrderStanding):
    """The part of an order that knows what comes back. `claims` are the pieces on their way back to
    the sender that a case awaits, by case and line; `awaited` those that it awaits of the buyer."""

    def begin(self) -> None:
        """Nothing comes back."""
        super().begin()
        self.claims: dict[Claim, int] = {}
        self.awaited: dict[Claim, int] = {}

    # -- facts ------------------------------------------------------------------------------------

    class ReturnExpected(Aggregate.Event):
        """Delivered pieces, or parts of them, are to come back, under a case; `refused`: they are
        on their way."""

        TOPIC = "order.return_expected.v1"
        case: str
        lines: list[Count]
        refused: bool = False
        parts: list[PartCount] = []

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    class ReturnReceived(Aggregate.Event):
        """Pieces that were expected back have arrived; `refused`: the courier brought them, and the
        buyer never had them; `unannounced`: nobody had said that they were on their way back.

        `whole` are pieces of which the last part has come back with these.
        """

        TOPIC = "order.return_received.v1"
        case: str
        lines: list[Count]
        refused: bool = False
        parts: list[PartCount] = []
        whole: list[Count] = []
        unannounced: bool = False

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    class ReturnEnded(Aggregate.Event):
        """Pieces that were expected back stay with the buyer; `refused`: with the courier."""

        TOPIC = "order.return_ended.v1"
        case: str
        lines: list[Count]
        refused: bool = False
        parts: list[PartCount] = []

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    # -- mutators ---------------------------------------------------------------------------------

    @event(ReturnExpected)
    def _return_expected(self, case, lines, parts, refused):
        if refused:
            self.claims = _claimed(self.claims, case, Back(lines), 1)
            return
        self.awaited = _claimed(self.awaited, case, Back(lines, parts), 1)
        self._move(lines, ("delivered",), "returning")
        for one in parts:
            self._part(one, returning=one.quantity)

    @event(ReturnReceived)
    def _return_received(self, case, lines, parts, whole, refused, unannounced):
        if unannounced:
            self._move(lines, ("in_transit",), "returned")
        elif refused:
            self._move(lines, (BACK,), "returned")
            self.claims = _claimed(self.claims, case, Back(lines), -1)
            self._end_parcels()
        else:
            self.awaited = _claimed(self.awaited, case, Back(lines, parts), -1)
            self._move(lines, ("returning",), "returned")
            for one in parts:
                self._part(one, returning=-one.quantity, returned=one.quantity)
            self._made_whole(whole)

    @event(ReturnEnded)
    def _return_ended(self, case, lines, parts, refused):
        if refused:
            self.claims = _claimed(self.claims, case, Back(lines), -1)
            return
        self.awaited = _claimed(self.awaited, case, Back(lines, parts), -1)
        self._move(lines, ("returning",), "delivered")
        for one in parts:
            self._part(one, returning=-one.quantity)

    def _part(self, part: PartCount, *, returning: int = 0, returned: int = 0) -> None:
        """More pieces of a part of a line come back, or have come."""
        line = {**self.parts_back.get(part.line, {})}
        known = line.pop(part.sku, PartsBack(part.each))
        new = PartsBack(known.each, max(0, known.returning + returning),
                        max(0, known.returned + returned))
        if new.pieces:
            line[part.sku] = new
        self._know_parts(part.line, line)

    def _know_parts(self, name: str, line: dict[str, PartsBack]) -> None:
        others = {other: known for other, known in self.parts_back.items() if other != name}
        self.parts_back = {**others, name: line} if line else others

    def _made_whole(self, whole: Iterable[Count]) -> None:
        """Pieces of which every part is back are back."""
        for count in whole:
            self._move([count], ("delivered",), "returned")
            left = {sku: known._replace(returned=max(
                0, known.returned - count.quantity * known.each))
                for sku, known in self.parts_back.get(count.line, {}).items()}
            self._know_parts(count.line, {sku: known for sku, known in left.items()
                                          if known.pieces})

    def _end_parcels(self) -> None:
        """A refused parcel has ended once none of its pieces is on its way back any more."""
        self.parcels = {
            name: parcel.now("returned") if parcel.state == BACK and not self._left_in(parcel)
            else parcel for name, parcel in self.parcels.items()}

    # -- rules ------------------------------------------------------------------------------------

    def expect_return(
        self, case: str, back: Back, *, refused: bool = False, occurred_at: datetime
    ) -> None:
        """No more comes back than was delivered, or is on its way back. Errors: R-ORD-03, R-ORD-22,
        R-ORD-29, R-RET-15."""
        self.must_be_known()
        self.must_be_returnable(back, refused=refused)
        self._return_expected(case=case, lines=list(back.lines), parts=list(back.parts),
                              refused=refused, occurred_at=occurred_at)

    def must_be_returnable(self, back: Back, *, refused: bool) -> None:
        """Pieces were delivered, or are on their way back and no other case awaits them. Errors:
        NotThatMany (R-ORD-22), OrderLineUnknown (R-ORD-29), NotThatManyParts (R-RET-15)."""
        if not refused:
            self.must_have([*back.lines, *(Count(one.line, 0) for one in back.parts)],
                           ("delivered",))
            self._must_leave_parts(back)
            return
        self.must_have(back.lines, (BACK,))
        for line, wanted in quantities(back.lines).items():
            if wanted > (there := self.coming_back(line)):
                raise NotThatMany(order=self.id, line=line, wanted=wanted, there=max(0, there),
                                  state=Phrase("on the way back, and of no other case"))

    def coming_back(self, line: str) -> int:
        """The pieces of a line that are on their way back and that no case awaits."""
        awaited = sum(pieces for (_, name, _), pieces in self.claims.items() if name == line)
        return self.goods[line].get(BACK, 0) - awaited

    def _must_leave_parts(self, back: Back) -> None:
        """Delivered pieces have all the parts that come back apart from them."""
        whole = quantities(back.lines)
        for line in dict.fromkeys((*whole, *(one.line for one in back.parts))):
            gone = self.parts_back.get(line, {})
            wanted = {one.sku: one for one in back.parts if one.line == line}
            delivered = self.goods[line].get("delivered", 0)
            left = delivered - whole.get(line, 0)
            most = delivered - max((-(-known.pieces // known.each) for known in gone.values()),
                                   default=0)
            if line in whole and whole[line] > most:
                raise NotThatMany(order=self.id, line=line, wanted=whole[line], there=most,
                                  state=Phrase("delivered, with all their parts"))
            for sku, one in wanted.items():
                there = left * one.each - (gone[sku].pieces if sku in gone else 0)
                if one.quantity > there:
                    raise NotThatManyParts(order=self.id, line=line, sku=sku, there=max(0, there),
                                           wanted=one.quantity)

    def awaited_for(self, case: str) -> dict[tuple[str, str], int]:
        """What is awaited for a case, of the buyer or of the courier, by line and part: no more
        than is on its way back, since a file may have given other lines meanwhile."""
        found: dict[tuple[str, str], int] = {}
        for known, state in ((self.claims, BACK), (self.awaited, "returning")):
            for (name, line, sku), pieces in known.items():
                if name == case and line in self.goods:
                    most = pieces if sku else self.goods[line].get(state, 0)
                    found[line, sku] = min(pieces, most)
        return found

    def receive_return(
        self, case: str, back: Back, *, made_of: Mapping[str, Sequence[Part]],
        refused: bool = False, occurred_at: datetime,
    ) -> None:
        """`made_of` says of the lines with parts what a piece is made of. Errors: R-ORD-03,
        R-ORD-22, R-ORD-29."""
        self.must_be_known()
        self.must_have(back.lines, (BACK,) if refused else ("returning",))
        self._return_received(
            case=case, lines=list(back.lines), parts=list(back.parts), refused=refused,
            whole=self._with_last_part(back.parts, made_of), unannounced=False,
            occurred_at=occurred_at)

    def _with_last_part(
        self, parts: Iterable[PartCount], made_of: Mapping[str, Sequence[Part]]
    ) -> list[Count]:
        """The pieces of which the last part comes back with some parts."""
        come: dict[str, dict[str, int]] = {}
        for one in parts:
            line = come.setdefault(one.line, {sku: known.returned for sku, known
                                              in self.parts_back.get(one.line, {}).items()})
            line[one.sku] = line.get(one.sku, 0) + one.quantity
        whole = ((name, min((line.get(part.sku, 0) // part.each for part in made_of.get(name, ())),
                            default=0)) for name, line in come.items())
        return [Count(name, pieces) for name, pieces in whole if pieces]

    def receive_unannounced(
        self, case: str, lines: Sequence[Count], *, occurred_at: datetime
    ) -> None:
        """Pieces in no parcel are back that were on their way to the buyer. Errors: R-ORD-03,
        R-ORD-22, R-ORD-29."""
        self.must_be_known()
        self.must_have(lines, ("in_transit",))
        self._return_received(case=case, lines=list(lines), parts=[], whole=[], refused=True,
                              unannounced=True, occurred_at=occurred_at)

    def parcels_of(self, wanted: Mapping[str, int]) -> list[str]:
        """The parcels on their way whose pieces can have come back, so many of each line: first
        those that hold nothing else, then others, each as they were packed."""
        left = {**wanted}
        found: list[str] = []
        for exactly in (True, False):
            for name, parcel in self.parcels.items():
                inside = quantities(parcel.lines)
                fits = all(left.get(line, 0) >= pieces for line, pieces in inside.items()) \
                    if exactly else any(left.get(line, 0) for line in inside)
                if parcel.state in ON_ITS_WAY and name not in found and fits:
                    found.append(name)
                    left = {line: max(0, pieces - inside.get(line, 0))
                            for line, pieces in left.items()}
        return found

    def end_return(
        self, case: str, back: Back, *, refused: bool = False, occurred_at: datetime
    ) -> None:
        """The case awaits them no more, as far as it did. Errors: R-ORD-03."""
        self.must_be_known()
        ended = back.at_most(self.awaited_for(case))
        if ended.lines or ended.parts:
            self._return_ended(case=case, lines=list(ended.lines), parts=list(ended.parts),
                               refused=refused, occurred_at=occurred_at)


def _claimed(
    known: Mapping[Claim, int], case: str, back: Back, sign: int
) -> dict[Claim, int]:
    """A case awaits more, or less."""
    claims = {**known}
    for (line, sku), pieces in back.by_part().items():
        key = case, line, sku
        claims[key] = max(0, claims.get(key, 0) + sign * pieces)
    return {key: pieces for key, pieces in claims.items() if pieces}
