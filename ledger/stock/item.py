"""Stock: how many pieces of one SKU lie in each place of one warehouse, and who waits for some.

A decision never takes a place below zero. A declared fact is always recorded, never clamped, and
says which places it left below zero.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.common.values import rfc3339
from ledger.core.aggregate import Aggregate, event
from ledger.stock.errors import (
    CountedBeforeDeclared,
    CountedSince,
    NewerCount,
    OutOfStock,
    PlaceEmpty,
    TooManyPieces,
)
from ledger.stock.pieces import sku_of
from ledger.stock.places import (
    AVAILABLE,
    INSIDE,
    STOCKTAKE_GAIN_LOSS,
    WITH_COURIER,
    Below,
    InBin,
    Move,
)

PHYSICAL = frozenset((*INSIDE, WITH_COURIER))
"""Places of one warehouse that cannot hold less than nothing. Between warehouses, one item is below
zero by what the other holds: that no more arrives than was sent is a rule of the transfer."""

MOST_MOVED = 10**18
"""Units that may ever have moved of one SKU in one warehouse, there and back. So whatever anybody
adds up of its movements, every database keeps it exact."""


class StockItem(Aggregate):
    """One SKU in one warehouse; its stream is `stock:<warehouse>:<sku>`.

    It knows neither bins nor whose the reserved pieces are: orders know that of their lines. It
    knows which orders wait, first in, first served.
    """

    KIND = "stock"

    def begin(self) -> None:
        """Every place is empty."""
        self.levels: dict[str, int] = {}
        self._moved_in_all = 0
        self.waiting: dict[str, int] = {}
        self.counted_at: datetime | None = None

    # -- facts ------------------------------------------------------------------------------------

    class Moved(Aggregate.Event):
        """Pieces moved between places.

        `document` is the subject that they moved for; `below_zero` are the places that this left
        there, each a discrepancy; `declared` marks a fact, which nobody decided.
        """

        TOPIC = "stock.moved.v1"
        sku: str
        moves: list[Move]
        document: str | None = None
        reason: str | None = None
        declared: bool = False
        below_zero: list[Below] = []
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKU and the document."""
            sku = sku_of(self.sku)
            return [sku] if self.document is None else [sku, self.document]

    class Counted(Aggregate.Event):
        """All available pieces were counted.

        `variance` is what was counted less the book; an event next to this one moves it.
        """

        TOPIC = "stock.counted.v1"
        sku: str
        counted: int
        book: int
        variance: int
        bins: list[InBin] = []
        document: str | None = None

        def about(self) -> list[str]:
            """The SKU and the document."""
            sku = sku_of(self.sku)
            return [sku] if self.document is None else [sku, self.document]

    class BackOrdered(Aggregate.Event):
        """An order waits for pieces that are not there."""

        TOPIC = "stock.back_ordered.v1"
        sku: str
        order: str
        quantity: int

        def about(self) -> list[str]:
            """The SKU and the order."""
            return [sku_of(self.sku), self.order]

    class BackOrderEnded(Aggregate.Event):
        """An order waits for fewer pieces: they were reserved for it, or are no longer wanted."""

        TOPIC = "stock.back_order_ended.v1"
        sku: str
        order: str
        quantity: int
        reason: str

        def about(self) -> list[str]:
            """The SKU and the order."""
            return [sku_of(self.sku), self.order]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Moved)
    def _moved(self, moves):
        levels = self.levels.copy()
        for move in moves:
            levels[move.source] = levels.get(move.source, 0) - move.quantity
            levels[move.target] = levels.get(move.target, 0) + move.quantity
            self._moved_in_all += move.quantity
        self.levels = levels

    @event(Counted)
    def _counted(self, occurred_at):
        if self.counted_at is None or occurred_at > self.counted_at:
            self.counted_at = occurred_at

    @event(BackOrdered)
    def _back_ordered(self, order, quantity):
        self.waiting = {**self.waiting, order: self.waiting.get(order, 0) + quantity}

    @event(BackOrderEnded)
    def _back_order_ended(self, order, quantity):
        left = self.waiting.get(order, 0) - quantity
        waiting = {name: count for name, count in self.waiting.items() if name != order}
        self.waiting = {**self.waiting, order: left} if left > 0 else waiting

    # -- rules ------------------------------------------------------------------------------------

    def decide(
        self, sku: str, moves: list[Move], *, occurred_at: datetime, document: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Move pieces that are there.

        Errors: OutOfStock (R-STK-01), PlaceEmpty (R-STK-02), TooManyPieces (R-STK-15).
        """
        levels = self._after(moves)
        for place in sorted(PHYSICAL & levels.keys()):
            had = self.levels.get(place, 0)
            if levels[place] >= 0 or levels[place] >= had:
                continue
            wanted = had - levels[place]
            if place == AVAILABLE:
                raise OutOfStock(stock=self.id, wanted=wanted, available=had)
            raise PlaceEmpty(stock=self.id, wanted=wanted, place=place, level=had)
        self._must_be_countable(moves)
        self._moved(sku=sku, moves=moves, document=document, reason=reason,
                    occurred_at=occurred_at)

    def declare(
        self, sku: str, moves: list[Move], *, occurred_at: datetime, document: str | None = None,
        reason: str | None = None, late: str | None = "", inferred: Sequence[str] = (),
        printed: str = "",
    ) -> None:
        """Record what did move, whatever the books say. `late`: see `already_counted`.

        Errors: CountedSince (R-STK-05), CountedBeforeDeclared (R-STK-13), TooManyPieces (R-STK-15).
        """
        if self.already_counted(moves, occurred_at, late):
            moves = [*moves, _cancelling(moves)]
        self._must_be_countable(moves)
        levels = self._after(moves)
        below_zero = [Below(place, levels[place]) for place in sorted(PHYSICAL & levels.keys())
                 if levels[place] < min(0, self.levels.get(place, 0))]
        self._moved(sku=sku, moves=moves, document=document, reason=reason, declared=True,
                    below_zero=below_zero, inferred=list(inferred), occurred_at=occurred_at,
                    printed=printed)

    def decide_or_declare(
        self, sku: str, moves: list[Move], *, occurred_at: datetime, document: str | None = None,
        reason: str | None = None, late: str = "",
    ) -> None:
        """Move pieces that are there; but what the last count already saw gone is a fact.

        Errors: OutOfStock (R-STK-01), PlaceEmpty (R-STK-02), CountedSince (R-STK-05), R-STK-15.
        """
        if self.already_counted(moves, occurred_at, late):
            self.declare(sku, moves, occurred_at=occurred_at, document=document, reason=reason,
                         late=late)
        else:
            self.decide(sku, moves, occurred_at=occurred_at, document=document, reason=reason)

    def already_counted(self, moves: list[Move], occurred_at: datetime, late: str | None) -> bool:
        """Whether the last count already saw these movements.

        Of those from before it that touch what was counted, `late` has to say so: it is
        `already_counted` or `movement`, empty where nobody has said it yet, and None where the
        command has no room for it. Errors: CountedSince (R-STK-05), CountedBeforeDeclared
        (R-STK-13).
        """
        if self.counted_at is None or occurred_at >= self.counted_at or not _change(moves):
            return False
        if not late:
            error = CountedBeforeDeclared if late is None else CountedSince
            raise error(stock=self.id, counted_at=rfc3339(self.counted_at),
                        occurred_at=rfc3339(occurred_at))
        return late == "already_counted"

    def count(
        self, sku: str, bins: Mapping[str, int], *, occurred_at: datetime,
        document: str | None = None,
    ) -> None:
        """So many available pieces lie in each bin (the empty one: it is not known which), and the
        difference from the books moves. The first count of a SKU opens its stock.

        Errors: NewerCount (R-STK-10), TooManyPieces (R-STK-15).
        """
        if self.counted_at is not None and occurred_at < self.counted_at:
            raise NewerCount(stock=self.id, counted_at=rfc3339(self.counted_at),
                             occurred_at=rfc3339(occurred_at))
        counted, book = sum(bins.values()), self.levels.get(AVAILABLE, 0)
        cause = "count" if self.version else "opening"
        if counted != book:
            gain = counted > book
            move = Move(quantity=abs(counted - book), cause=cause,
                        source=STOCKTAKE_GAIN_LOSS if gain else AVAILABLE,
                        target=AVAILABLE if gain else STOCKTAKE_GAIN_LOSS)
            self.declare(sku, _by_bin(move, bins) if cause == "opening" else [move],
                         occurred_at=occurred_at, document=document)
        self._counted(sku=sku, counted=counted, book=book, variance=counted - book,
                      bins=[InBin(name, quantity) for name, quantity in bins.items()],
                      document=document, occurred_at=occurred_at)

    def wait(self, sku: str, order: str, quantity: int, *, occurred_at: datetime) -> None:
        """Let an order wait for pieces, after those that wait already."""
        self._back_ordered(sku=sku, order=order, quantity=quantity, occurred_at=occurred_at)

    def end_wait(
        self, sku: str, order: str, quantity: int, reason: str, *, occurred_at: datetime
    ) -> None:
        """An order waits for fewer pieces."""
        quantity = min(quantity, self.waiting.get(order, 0))
        if quantity > 0:
            self._back_order_ended(sku=sku, order=order, quantity=quantity, reason=reason,
                                   occurred_at=occurred_at)

    def _must_be_countable(self, moves: list[Move]) -> None:
        pieces = self._moved_in_all + sum(move.quantity for move in moves)
        if pieces > MOST_MOVED:
            raise TooManyPieces(stock=self.id, pieces=pieces, most=MOST_MOVED)

    def _after(self, moves: list[Move]) -> dict[str, int]:
        """The levels that moves would lead to, of the places that they touch."""
        levels: dict[str, int] = {}
        for move in moves:
            for place, change in ((move.source, -move.quantity), (move.target, move.quantity)):
                levels[place] = levels.get(place, self.levels.get(place, 0)) + change
        return levels


def _change(moves: list[Move]) -> int:
    """By how many pieces moves change what is available, which is what a count counts."""
    return sum(move.quantity * ((move.target == AVAILABLE) - (move.source == AVAILABLE))
               for move in moves)


def _cancelling(moves: list[Move]) -> Move:
    """The move that cancels what moves change of the available pieces, since the count has seen it.

    The moves stay on record, and what was counted stays as it was counted.
    """
    gain = _change(moves)
    return Move(quantity=abs(gain), cause="already_counted",
                source=AVAILABLE if gain > 0 else STOCKTAKE_GAIN_LOSS,
                target=STOCKTAKE_GAIN_LOSS if gain > 0 else AVAILABLE)


def _by_bin(opening: Move, bins: Mapping[str, int]) -> list[Move]:
    """The opening of a stock, bin by bin."""
    return [Move(quantity=quantity, cause=opening.cause, source=opening.source,
                 target=opening.target, to_bin=name)
            for name, quantity in bins.items() if quantity]
