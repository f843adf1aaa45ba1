"""The commands that move and count stock, and their handlers. Places and causes are data."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from ledger.common.bounds import (
    At,
    Document,
    Id,
    IdOrNone,
    Items,
    Level,
    NameOrNone,
    Quantity,
    Reason,
    Words,
)
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.stock.item import StockItem
from ledger.stock.pieces import Late, sku_of
from ledger.stock.places import CAUSES, Move, Place, stock_of
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

MAX_MOVES = 5_000


class StockMove(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU from one place to another. Units: pieces. See `Move`."""

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
        if self.source == self.target and (self.cause != "bin_move" or self.bin == self.to_bin):
            checks.fault(at, "same_place", "moves to where it already lies")

    def move(self) -> Move:
        """It, inside an event."""
        return Move(quantity=self.quantity, source=self.source, target=self.target,
                    cause=self.cause, line=self.line, bin=self.bin, to_bin=self.to_bin)


class MoveStock(Command, frozen=True, kw_only=True):
    """Move stock of a warehouse: all of it or nothing.

    `late` answers what a movement from before the last count was: `movement` or `already_counted`.
    """

    NAME: ClassVar[str] = "stock.move"
    warehouse: Id
    moves: Annotated[list[StockMove], Items(least=1, most=MAX_MOVES)]
    occurred_at: At
    document: Document | None = None
    reason: Reason | None = None
    late: Late = ""

    def check(self, checks: Checks) -> None:
        for index, move in enumerate(self.moves):
            move.check(checks, f"/moves/{index}")
        reasoned = sorted({move.cause for move in self.moves
                           if move.cause in CAUSES and CAUSES[move.cause].reasoned})
        if reasoned and self.reason is None:
            checks.fault("/reason", "missing", f"is needed for {', '.join(reasoned)}")

    @property
    def subject(self) -> str:
        """The warehouse's stream."""
        return warehouse_of(self.warehouse)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _streams(self.warehouse, [move.sku for move in self.moves])


class CountLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU lie in a bin; empty if it is not known which."""

    sku: Id
    quantity: Level
    bin: NameOrNone = ""


class CountStock(Command, frozen=True, kw_only=True):
    """Count all available pieces of some SKUs: what lies there is what was counted.

    The first count of a SKU opens its stock. Several bins of one SKU add up.
    """

    NAME: ClassVar[str] = "stock.count"
    warehouse: Id
    counts: Annotated[list[CountLine], Items(least=1, most=MAX_MOVES)]
    occurred_at: At
    document: Document | None = None

    def check(self, checks: Checks) -> None:
        seen: dict[tuple[str, str], int] = {}
        for index, count in enumerate(self.counts):
            if (other := seen.setdefault((count.sku, count.bin), index)) != index:
                checks.fault(f"/counts/{index}", "twice", f"counts the same as /counts/{other}")

    @property
    def subject(self) -> str:
        """The warehouse's stream."""
        return warehouse_of(self.warehouse)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _streams(self.warehouse, [count.sku for count in self.counts])


def _streams(warehouse: str, skus: Sequence[str]) -> list[tuple[type[Aggregate], str]]:
    wanted: list[tuple[type[Aggregate], str]] = [(Warehouse, warehouse_of(warehouse))]
    for sku in dict.fromkeys(skus):
        wanted += [(Sku, sku_of(sku)), (StockItem, stock_of(warehouse, sku))]
    return wanted
