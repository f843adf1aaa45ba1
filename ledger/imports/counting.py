"""From the rows of a stocktake's sheet to the commands that record what was counted.

All rows of a SKU in a warehouse make one count: its bins add up.
"""

from typing import Any

from ledger.common.errors import InvalidValues
from ledger.common.values import from_us
from ledger.core.commands import Command
from ledger.imports.assembling import BadStatement, problem, problems_of
from ledger.imports.profile import Profile
from ledger.imports.recipes import Parts, Row
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.places import stock_of


class CountAssembler:
    """Makes counts as a profile says under `count:`."""

    named = "sku"

    def __init__(self, profile: Profile, shop: str | None) -> None:
        self.profile = profile
        self.shop = shop or profile.shop
        self.warehouse = profile.warehouse or None
        self.slots = {profile.main.kind: {
            name: slot for slot, name in enumerate(profile.main.fields())}}
        self._at = {fact: self.slots[profile.main.kind][name]
                    for fact, name in profile.recipe.items() if fact != "file"}

    def key(self, values: Row) -> tuple[str, ...] | None:
        """The warehouse, SKU and time of a row; None if they could not be read."""
        sku, at = values[self._at["sku"]], self._of(values, "at")
        if sku is None or (at is None and "at" in self._at):
            return None
        return self._warehouse(values), sku, "" if at is None else str(at[0])

    def _warehouse(self, values: Row) -> str:
        named = values[self._at["warehouse"]] if "warehouse" in self._at else None
        return named or self.profile.warehouse

    def apart(self, values: Row) -> str:
        """Nothing: all rows with one key are one count."""
        return ""

    def statement(
        self, main: Row, parts: Parts, stated_us: int | None = None
    ) -> tuple[Command, str]:
        """The count of a SKU, and its subject. Errors: BadStatement."""
        counted_us = main[self._at["at"]][0] if "at" in self._at else stated_us
        if counted_us is None:
            raise BadStatement([problem("at", "no_time_of_count")], "count")
        rows, warehouse = parts[self.profile.main.kind], self._warehouse(main)
        sku = main[self._at["sku"]]
        try:
            return CountStock(
                warehouse=warehouse, occurred_at=from_us(counted_us),
                document=self._of(main, "document"),
                counts=[CountLine(sku=sku, quantity=row[self._at["quantity"]],
                                  bin=self._of(row, "bin") or "") for row in rows],
            ), stock_of(warehouse, sku)
        except InvalidValues as error:
            raise BadStatement(problems_of(error), "count") from None

    def without_pieces(self, parts: Parts) -> None:
        """None: that nothing was there is a count like any other."""

    def _of(self, row: Row, name: str) -> Any:
        return row[self._at[name]] if name in self._at else None
