"""What comes back of an order: pieces that the buyer sends back, and those of refused parcels that
the courier brings back. A case awaits them."""

from collections.abc import Iterable
from datetime import datetime

from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import NotThatMany
from ledger.orders.standing import OrderStanding
from ledger.orders.values import BACK
from ledger.stock.pieces import Count, quantities


class OrderReturns(OrderStanding):
    """The part of an order that knows what comes back. `claims` are the pieces on their way back to
    the sender that a case awaits, by case and line."""

    def begin(self) -> None:
        """Nothing comes back."""
        super().begin()
        self.claims: dict[tuple[str, str], int] = {}

    # -- facts ------------------------------------------------------------------------------------

    class ReturnExpected(Aggregate.Event):
        """Delivered pieces are to come back, under a case; `refused`: they are on their way."""

        TOPIC = "order.return_expected.v1"
        case: str
        lines: list[Count]
        refused: bool = False

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    class ReturnReceived(Aggregate.Event):
        """Pieces that were expected back have arrived; `refused`: the courier brought them, and the
        buyer never had them."""

        TOPIC = "order.return_received.v1"
        case: str
        lines: list[Count]
        refused: bool = False

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    class ReturnEnded(Aggregate.Event):
        """Pieces that were expected back stay with the buyer; `refused`: with the courier."""

        TOPIC = "order.return_ended.v1"
        case: str
        lines: list[Count]
        refused: bool = False

        def about(self) -> list[str]:
            """The case."""
            return [self.case]

    # -- mutators ---------------------------------------------------------------------------------

    @event(ReturnExpected)
    def _return_expected(self, case, lines, refused):
        if refused:
            self._claim(case, lines, 1)
        else:
            self._move(lines, ("delivered",), "returning")

    @event(ReturnReceived)
    def _return_received(self, case, lines, refused):
        self._move(lines, (BACK,) if refused else ("returning",), "returned")
        if refused:
            self._claim(case, lines, -1)
            self._end_parcels()

    @event(ReturnEnded)
    def _return_ended(self, case, lines, refused):
        if refused:
            self._claim(case, lines, -1)
        else:
            self._move(lines, ("returning",), "delivered")

    def _claim(self, case: str, lines: Iterable[Count], sign: int) -> None:
        """A case awaits pieces that are on their way back to the sender, or does no more."""
        claims = {**self.claims}
        for count in lines:
            known = claims.get((case, count.line), 0) + sign * count.quantity
            claims[case, count.line] = max(0, known)
        self.claims = {key: pieces for key, pieces in claims.items() if pieces}

    def _end_parcels(self) -> None:
        """A refused parcel has ended once none of its pieces is on its way back any more. Pieces of
        a line are alike: those that came are of the parcels that were refused first."""
        left = {line: states.get(BACK, 0) for line, states in self.goods.items()}
        parcels = {}
        for name, parcel in reversed(self.parcels.items()):
            if parcel.state == BACK:
                if not any(left[count.line] for count in parcel.lines):
                    parcel = parcel.now("returned")
                for count in parcel.lines:
                    left[count.line] = max(0, left[count.line] - count.quantity)
            parcels[name] = parcel
        self.parcels = dict(reversed(parcels.items()))

    # -- rules ------------------------------------------------------------------------------------

    def expect_return(
        self, case: str, lines: list[Count], *, refused: bool = False, occurred_at: datetime
    ) -> None:
        """No more comes back than was delivered, or is on its way back. Errors: R-ORD-03, R-ORD-22,
        R-ORD-29."""
        self.must_be_known()
        self.must_be_returnable(lines, refused=refused)
        self._return_expected(case=case, lines=lines, refused=refused, occurred_at=occurred_at)

    def must_be_returnable(self, lines: list[Count], *, refused: bool) -> None:
        """Pieces were delivered, or are on their way back and no other case awaits them. Errors:
        NotThatMany (R-ORD-22), OrderLineUnknown (R-ORD-29)."""
        if not refused:
            self.must_have(lines, ("delivered",))
            return
        self.must_have(lines, (BACK,))
        for line, wanted in quantities(lines).items():
            awaited = sum(pieces for (_, name), pieces in self.claims.items() if name == line)
            if wanted > (there := self.goods[line].get(BACK, 0) - awaited):
                raise NotThatMany(order=self.id, line=line, wanted=wanted, there=max(0, there),
                                  state=f"{BACK}, and of no other case")

    def receive_return(
        self, case: str, lines: list[Count], *, refused: bool = False, occurred_at: datetime
    ) -> None:
        """Errors: R-ORD-03, R-ORD-22, R-ORD-29."""
        self.must_be_known()
        self.must_have(lines, (BACK,) if refused else ("returning",))
        self._return_received(case=case, lines=lines, refused=refused, occurred_at=occurred_at)

    def end_return(
        self, case: str, lines: list[Count], *, refused: bool = False, occurred_at: datetime
    ) -> None:
        """Errors: R-ORD-03, R-ORD-22, R-ORD-29."""
        self.must_be_known()
        if not refused:
            self.must_have(lines, ("returning",))
        self._return_ended(case=case, lines=lines, refused=refused, occurred_at=occurred_at)
