"""From the rows of a stock ledger to the commands that record what moved: receipts, adjustments,
damage and the like, and transfers between warehouses.

All rows of a number in a warehouse make one movement, and all of a transfer's number one transfer.
"""

from typing import Any

from ledger.common.errors import InvalidValues
from ledger.common.values import from_us
from ledger.core.commands import Command
from ledger.imports.assembling import BadStatement, RowsDiffer, problem, problems_of
from ledger.imports.profile import MOVEMENT, Profile
from ledger.imports.recipes import Get, Parts, Recipe, Row
from ledger.imports.references import ADJUSTMENT, TRANSFER, WAYS
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.places import COUNTED, SHELF
from ledger.stock.transfers import DeclareTransfer, Sending

OF_ALL = ("at", "arrived", "document", "reason")
"""What all rows of a number have to agree in."""


class MovementAssembler:
    """Makes movements and transfers as a profile says under `movement:`."""

    named = "number"

    def __init__(self, profile: Profile, shop: str | None) -> None:
        self.profile = profile
        self.shop = shop or profile.shop
        self.warehouse = profile.warehouse or None
        self.recipe = recipe = Recipe(profile)
        self.slots = recipe.slots
        entry = profile.recipe
        self._number = recipe.key(entry["number"])
        self._at = {fact: self.slots[recipe.main][name] for fact, name in entry.items()
                    if isinstance(name, str) and fact != "file"}
        self._of_all: dict[str, Get] = {
            name: recipe.get(entry[name]) if isinstance(entry[name], str)
            else recipe.text(entry[name]) for name in OF_ALL if name in entry}

    def key(self, values: Row) -> tuple[str, ...] | None:
        """The warehouse and the number; of a transfer, the number."""
        number = self._number(values, {})
        if number is None or self._of(values, "kind") is None:
            return None
        if self._of(values, "kind") == TRANSFER:
            return TRANSFER, number
        return MOVEMENT, self._warehouse(values), number

    def _warehouse(self, values: Row) -> str:
        """Where pieces come in or go out: a column of its own, or that of where they go or are."""
        kind = self._of(values, "kind")
        incoming = kind == ADJUSTMENT or WAYS[kind][0] not in COUNTED[SHELF]
        sides = ("to", "from") if incoming else ("from", "to")
        named = (self._of(values, side) for side in ("warehouse", *sides))
        return next((name for name in named if name), self.profile.warehouse)

    def apart(self, values: Row) -> str:
        """Nothing: all rows with one key move together."""
        return ""

    def statement(
        self, main: Row, parts: Parts, stated_us: int | None = None
    ) -> tuple[Command, str]:
        """A movement or a transfer, and its subject. Errors: BadStatement, RowsDiffer."""
        rows = parts[self.recipe.main]
        if found := self.recipe.differences(parts):
            raise RowsDiffer(found)
        facts = {name: get(main, parts) for name, get in self._of_all.items()}
        facts["number"] = self._number(main, {})
        for name in ("at", "arrived"):
            time = facts.pop(name, None)
            facts[name] = None if time is None else from_us(time[0])
        make = self._transfer if self._of(main, "kind") == TRANSFER else self._movement
        try:
            command = make(facts, [row for row in rows if self._pieces(row)])
        except InvalidValues as error:
            raise BadStatement(problems_of(error), MOVEMENT) from None
        return command, command.subject

    def _movement(self, facts: dict[str, Any], rows: list[Row]) -> Command:
        if not rows:
            raise BadStatement([problem("quantity", "nothing_moves")], MOVEMENT)
        return MoveStock(
            warehouse=self._warehouse(rows[0]), number=facts["number"], occurred_at=facts["at"],
            document=facts.get("document"), reason=facts.get("reason"),
            moves=[self._move(row) for row in rows])

    def _move(self, row: Row) -> StockMove:
        kind, pieces = self._of(row, "kind"), self._pieces(row)
        source, target = WAYS[kind]
        if kind == ADJUSTMENT and pieces < 0:
            source, target = target, source
        lay = source in COUNTED[SHELF]
        bin_, to_bin = self._of(row, "bin") or "", self._of(row, "to_bin") or ""
        return StockMove(
            sku=self._of(row, "sku"), source=source, target=target, cause=kind,
            quantity=abs(pieces) if lay else pieces, bin=bin_ if lay else "",
            to_bin=to_bin if lay else to_bin or bin_)

    def _transfer(self, facts: dict[str, Any], rows: list[Row]) -> Command:
        if not rows:
            raise BadStatement([problem("quantity", "nothing_moves")], MOVEMENT)
        source, target = (self._of(rows[0], side) for side in ("from", "to"))
        if source is None or target is None:
            side = "to" if source else "from"
            raise BadStatement([
                problem(side, "empty" if side in self._at else "no_side", side=side)], MOVEMENT)
        return DeclareTransfer(
            number=facts["number"], occurred_at=facts["at"], arrived=facts["arrived"],
            source=source, target=target,
            lines=[Sending(sku=self._of(row, "sku"), quantity=abs(self._pieces(row)),
                           bin=self._of(row, "bin") or "") for row in rows])

    def without_pieces(self, parts: Parts) -> tuple[str, str, list[int]] | None:
        """Rows that say 0 pieces."""
        kind = self.recipe.main
        places = [at for at, row in enumerate(parts[kind]) if not self._pieces(row)]
        return (kind, self.profile.recipe["quantity"], places) if places else None

    def _pieces(self, row: Row) -> int:
        pieces: int = row[self._at["quantity"]]
        return pieces

    def _of(self, row: Row, name: str) -> Any:
        return row[self._at[name]] if name in self._at else None
