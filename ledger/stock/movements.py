"""Movements: what no other document tells of stock, such as a receipt, a write-off, a move between
bins. Decisions are refused where too few pieces lie; facts are always recorded."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from ledger.common.bounds import (
    At,
    Document,
    Id,
    IdOrNone,
    Items,
    NameOrNone,
    Quantity,
    Reason,
    Words,
)
from ledger.common.errors import Conflict
from ledger.common.values import Checks, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Wanted
from ledger.core.postings import Correction, Posting
from ledger.stock.account import StockAccount
from ledger.stock.pieces import Late, sku_of
from ledger.stock.places import CAUSES, COUNTED, SHELF, Place, stock_of
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

MAX_MOVES = 5_000


class MovementRecorded(Conflict):
    """{movement} is in the ledger already. Give this one a number of its own."""

    code = "movement_recorded"
    rule = "R-STK-19"


class Movement(Aggregate):
    """A movement of goods in one warehouse; its stream is `movement:<warehouse>:<number>`. A large
    one is recorded in several events."""

    KIND = "movement"

    def begin(self) -> None:
        """Nothing moved."""
        self.warehouse = ""

    class Moved(Aggregate.Event):
        """Pieces moved, as it posts. `document` is the paper that says so, `not_counted` that a
        count after it has not seen it."""

        TOPIC = "stock.moved.v1"
        warehouse: str
        document: str | None = None
        reason: str | None = None
        not_counted: bool = False

        def about(self) -> list[str]:
            """The document."""
            return [] if self.document is None else [self.document]

    class Corrected(Aggregate.Event):
        """An earlier event of this movement is taken back; what is right, if anything, is posted
        with it."""

        TOPIC = "movement.corrected.v1"
        warehouse: str
        reason: str
        not_counted: bool = False

    @event(Moved)
    def _moved(self, warehouse):
        self.warehouse = warehouse

    @event(Corrected)
    def _corrected(self):
        pass

    def must_be_new(self) -> None:
        """Errors: MovementRecorded (R-STK-19)."""
        if self.version:
            raise MovementRecorded(movement=self.id)

    def move(self, command: "MoveStock") -> Any:
        """An event of the movement, which posts nothing yet."""
        self._moved(warehouse=command.warehouse, document=command.document, reason=command.reason,
                    not_counted=command.late == "not_counted", occurred_at=command.occurred_at)
        return self.newest

    def correct(
        self, corrects: Correction, reason: str, *, not_counted: bool, occurred_at: datetime
    ) -> Any:
        """An event that takes another one back, and posts nothing yet."""
        self._corrected(corrects=corrects, warehouse=self.warehouse, reason=reason,
                        not_counted=not_counted, occurred_at=occurred_at)
        return self.newest


def movement_of(warehouse: str, number: str) -> str:
    """The stream of a movement."""
    return subject("movement", warehouse, number)


# -- commands -------------------------------------------------------------------------------------


class StockMove(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU from one place to another. Units: whole units of the SKU.

    `bin` is where on the shelf they lay, `to_bin` where they lie now: empty where it is not known.
    """

    sku: Id
    quantity: Quantity
    source: Place = msgspec.field(name="from")
    target: Place = msgspec.field(name="to")
    cause: Annotated[str, Words(*CAUSES)]
    bin: NameOrNone = ""
    to_bin: NameOrNone = ""
    line: IdOrNone = ""

    def check(self, checks: Checks, at: str) -> None:
        """Note a cause that does not move between its places."""
        cause = CAUSES.get(self.cause)
        if cause is None:
            return
        if self.source not in cause.sources or self.target not in cause.targets:
            checks.fault(at, "wrong_places", f"{self.cause} does not move from {self.source} "
                                             f"to {self.target}")
        elif self.source == self.target and self.bin == self.to_bin:
            checks.fault(at, "same_place", "moves to where it already lies")
        if self.bin and self.source not in COUNTED[SHELF]:
            checks.fault(f"{at}/bin", "no_bin",
                         f"is the bin that pieces leave, and {self.source} has none; where they "
                         "come to lie is to_bin")

    def posting(self, account: str, at: datetime | None = None) -> Posting:
        """It, posted to an account; `at` is when it happened, if not when the event did."""
        return Posting(account=account, quantity=self.quantity, source=self.source,
                       target=self.target, cause=self.cause, line=self.line, bin=self.bin,
                       to_bin=self.to_bin, at=at)


Moves = Annotated[list[StockMove], Items(least=1, most=MAX_MOVES)]


def check_moves(moves: list[StockMove], reason: str | None, checks: Checks) -> None:
    """Note what is wrong with moves, and a reason that they need and do not have."""
    for index, move in enumerate(moves):
        move.check(checks, f"/moves/{index}")
    reasoned = sorted({move.cause for move in moves
                       if move.cause in CAUSES and CAUSES[move.cause].reasoned})
    if reasoned and reason is None:
        checks.fault("/reason", "missing", f"is needed for {', '.join(reasoned)}")


class MoveStock(Command, frozen=True, kw_only=True):
    """Move stock of a warehouse: all of it or nothing. Without a number it gets one.

    What happened before a count that is recorded already was seen by it, and changes no present
    level; `late` says otherwise: `not_counted`.
    """

    NAME: ClassVar[str] = "stock.move"
    warehouse: Id
    moves: Moves
    occurred_at: At
    number: IdOrNone = ""
    document: Document | None = None
    reason: Reason | None = None
    late: Late = ""

    def check(self, checks: Checks) -> None:
        check_moves(self.moves, self.reason, checks)

    @property
    def subject(self) -> str:
        """The movement's stream; the warehouse's, where it has no number yet."""
        return movement_of(self.warehouse, self.number) if self.number else warehouse_of(
            self.warehouse)

    def streams(self) -> Wanted:
        known: Wanted = [(Movement, self.subject)] if self.number else []
        return [*known, *streams_of(self.warehouse, (move.sku for move in self.moves))]


def streams_of(warehouse: str, skus: Iterable[str]) -> Wanted:
    """A warehouse, SKUs, and the accounts of these there."""
    wanted: Wanted = [(Warehouse, warehouse_of(warehouse))]
    for sku in dict.fromkeys(skus):
        wanted += [(Sku, sku_of(sku)), (StockAccount, stock_of(warehouse, sku))]
    return wanted
