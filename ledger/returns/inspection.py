"""The inspection of what came back: what becomes of each piece.

What was sold as one thing is judged by its parts where they differ: as many pieces are taken apart
as that needs, and each part of them is a line of the case of its own from then on.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ledger.core.aggregate import Aggregate, event
from ledger.orders.goods import Goods
from ledger.returns.errors import CaseLineUnknown, NotThatManyBack, PartUnknown
from ledger.returns.standing import RECEIVED, TAKEN_APART, CaseStanding
from ledger.returns.values import Outcome, PartLine
from ledger.stock.pieces import Count, LineParts, quantities


class Judged(NamedTuple):
    """What an inspection found: outcomes by line, the pieces that it takes apart, and the lines
    that their parts become or are added to."""

    lines: list[Outcome]
    apart: list[Count]
    into: list[PartLine]


class CaseInspection(CaseStanding):
    """The part of a case that knows what became of its goods."""

    class Inspected(Aggregate.Event):
        """What became of pieces that had arrived. `apart` are those that were taken apart for it,
        `into` the lines of their parts."""

        TOPIC = "case.inspected.v1"
        lines: list[Outcome]
        not_counted: bool = False
        apart: list[Count] = []
        into: list[PartLine] = []

    @event(Inspected)
    def _inspected(self, lines, apart, into):
        self.goods = self.goods.moved(apart, (RECEIVED,), TAKEN_APART)
        for part in into:
            self._add(part)
        for outcome in lines:
            self.goods = self.goods.moved((outcome,), (RECEIVED,), outcome.disposition)

    def _add(self, part: PartLine) -> None:
        """Pieces of a part await inspection."""
        pieces = part.quantity
        if (known := self.apart.get(part.line)) is not None:
            part = msgspec.structs.replace(part, quantity=known.quantity + pieces)
        self.apart = {**self.apart, part.line: part}
        states = self.goods.by_line.get(part.line, {})
        self.goods = Goods({**self.goods.by_line, part.line: {
            **states, RECEIVED: states.get(RECEIVED, 0) + pieces}})

    def inspect(
        self, outcomes: Sequence[Outcome], *, not_counted: bool, occurred_at: datetime
    ) -> None:
        """No more than has arrived. Errors: R-RET-01, R-RET-03 to R-RET-05, R-RET-12, PartUnknown
        (R-RET-14)."""
        self.must_be("unidentified", "declared", "requested", "authorised", "rejected")
        found = self._judged(outcomes)
        self._inspected(lines=found.lines, apart=found.apart, into=found.into,
                        not_counted=not_counted, occurred_at=occurred_at)

    def _judged(self, outcomes: Sequence[Outcome]) -> Judged:
        """Outcomes by line, where some name a part of one. Errors: R-RET-05, R-RET-12, R-RET-14."""
        lines: list[Outcome] = []
        parts: dict[str, LineParts] = {}
        for outcome in outcomes:
            name = outcome.line
            if (part := self._part_of(outcome)) is not None:
                name = self.part_line(outcome.line, part.sku)
                parts[name] = part
            lines.append(msgspec.structs.replace(outcome, line=name, sku=None))
        wanted = quantities(lines)
        self.must_have([Count(name, pieces) for name, pieces in wanted.items()
                        if name not in parts], RECEIVED)
        apart: dict[str, int] = {}
        for name, part in parts.items():
            there = self.goods.by_line.get(name, {}).get(RECEIVED, 0)
            whole = self.goods[part.line].get(RECEIVED, 0) - wanted.get(part.line, 0)
            if wanted[name] > (most := there + whole * part.each):
                raise NotThatManyBack(case=self.id, line=name, wanted=wanted[name], there=most,
                                      state=RECEIVED)
            apart[part.line] = max(apart.get(part.line, 0),
                                   -(-(wanted[name] - there) // part.each))
        taken = [Count(line, pieces) for line, pieces in apart.items() if pieces > 0]
        return Judged(lines, taken, [
            PartLine(self.part_line(one.line, part.sku), one.line, part.sku,
                     one.quantity * part.each)
            for one in taken for part in self.made_of(one.line)])

    def _part_of(self, outcome: Outcome) -> LineParts | None:
        """The part of a line that an outcome is about; None if it is about whole pieces. Errors:
        R-RET-12, R-RET-14."""
        if outcome.line not in self.goods:
            raise CaseLineUnknown(case=self.id, line=outcome.line)
        made_of = self.made_of(outcome.line)
        if outcome.sku in (None, self.sku(outcome.line)):
            return None
        part = next((part for part in made_of if part.sku == outcome.sku), None)
        if part is None:
            raise PartUnknown(case=self.id, line=outcome.line, sku=outcome.sku, parts=", ".join(
                f"{one.each} × {one.sku or 'goods'}" for one in made_of))
        return None if len(made_of) == part.each == 1 else part

    def part_line(self, line: str, sku: str) -> str:
        """The name of the line of a part: one that no other line has."""
        name = f"{line}/{sku}"
        while name in self.lines or (name in self.apart and (
                self.apart[name].of, self.apart[name].sku) != (line, sku)):
            name += "'"
        return name
