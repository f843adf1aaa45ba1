"""The commands that move and count stock, and their handlers. Places and causes are data."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.stock.item import StockItem
from ledger.stock.pieces import check_late, sku_of
from ledger.stock.places import CAUSES, PLACES, Move, stock_of
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

MAX_MOVES = 5_000


class StockMove(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU from one place to another. Units: pieces. See `Move`."""

    sku: str
    quantity: int
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    cause: str
    bin: str = ""
    to_bin: str = ""
    line: str = ""

    def check(self, checks: Checks, at: str) -> None:
        """Note what is wrong with it."""
        checks.text(f"{at}/sku", self.sku, longest=100)
        checks.integer(f"{at}/quantity", self.quantity, least=1, most=10**9)
        for name in ("bin", "to_bin", "line"):
            checks.text(f"{at}/{name}", getattr(self, name), longest=100, empty=True)
        for name, place in (("from", self.source), ("to", self.target)):
            if place not in PLACES:
                checks.fault(f"{at}/{name}", "unknown", f"is {place!r}, which is no place")
        if (cause := CAUSES.get(self.cause)) is None:
            checks.fault(f"{at}/cause", "unknown",
                         f"is {self.cause!r}, not one of {', '.join(CAUSES)}")
        elif self.source not in cause.sources or self.target not in cause.targets:
            checks.fault(at, "wrong_places", f"{self.cause} does not move from {self.source} "
                                             f"to {self.target}")
        if self.source == self.target and (self.cause != "bin_move" or self.bin == self.to_bin):
            checks.fault(at, "same_place", "moves to where it lies")

    def move(self) -> Move:
        """It, inside an event."""
        return Move(quantity=self.quantity, source=self.source, target=self.target,
                    cause=self.cause, line=self.line, bin=self.bin, to_bin=self.to_bin)


class MoveStock(Command, frozen=True, kw_only=True):
    """Move stock of a warehouse: all of it or nothing.

    `late` answers what a movement from before the last count was: `movement` or `already_counted`.
    """

    NAME: ClassVar[str] = "stock.move"
    warehouse: str
    moves: list[StockMove]
    occurred_at: datetime
    document: str | None = None
    reason: str | None = None
    late: str = ""

    def check(self, checks: Checks) -> None:
        _check_common(self, checks)
        if not 0 < len(self.moves) <= MAX_MOVES:
            checks.fault("/moves", "too_many", f"are {len(self.moves)}, 1 to {MAX_MOVES} can be")
        for index, move in enumerate(self.moves):
            move.check(checks, f"/moves/{index}")
        reasoned = sorted({move.cause for move in self.moves
                           if move.cause in CAUSES and CAUSES[move.cause].reasoned})
        if self.reason is not None:
            checks.text("/reason", self.reason, longest=500)
        elif reasoned:
            checks.fault("/reason", "missing", f"is needed for {', '.join(reasoned)}")
        check_late(self.late, checks)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _streams(self.warehouse, [move.sku for move in self.moves])


class CountLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU lie in a bin (empty: nobody told)."""

    sku: str
    quantity: int
    bin: str = ""


class CountStock(Command, frozen=True, kw_only=True):
    """Tell all available pieces of some SKUs: what lies there is what was counted.

    The first count of a SKU opens its stock. Several bins of one SKU add up.
    """

    NAME: ClassVar[str] = "stock.count"
    warehouse: str
    counts: list[CountLine]
    occurred_at: datetime
    document: str | None = None

    def check(self, checks: Checks) -> None:
        _check_common(self, checks)
        if not 0 < len(self.counts) <= MAX_MOVES:
            checks.fault("/counts", "too_many", f"are {len(self.counts)}, 1 to {MAX_MOVES} can be")
        seen: dict[tuple[str, str], int] = {}
        for index, count in enumerate(self.counts):
            at = f"/counts/{index}"
            checks.text(f"{at}/sku", count.sku, longest=100)
            checks.integer(f"{at}/quantity", count.quantity, least=0, most=10**9)
            checks.text(f"{at}/bin", count.bin, longest=100, empty=True)
            if (other := seen.setdefault((count.sku, count.bin), index)) != index:
                checks.fault(at, "twice", f"counts the same as /counts/{other}")

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _streams(self.warehouse, [count.sku for count in self.counts])


def _check_common(command: MoveStock | CountStock, checks: Checks) -> None:
    checks.text("/warehouse", command.warehouse, longest=100)
    checks.moment("/occurred_at", command.occurred_at)
    if command.document is not None:
        checks.text("/document", command.document, longest=500)


def _streams(warehouse: str, skus: Sequence[str]) -> list[tuple[type[Aggregate], str]]:
    wanted: list[tuple[type[Aggregate], str]] = [(Warehouse, warehouse_of(warehouse))]
    for sku in dict.fromkeys(skus):
        wanted += [(Sku, sku_of(sku)), (StockItem, stock_of(warehouse, sku))]
    return wanted
