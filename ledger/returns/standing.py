"""How a case stands: what each of its legs has to know of it.

A case has two independent legs, goods and refund. They stand on this, and `case.py` joins them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.core.aggregate import Aggregate
from ledger.orders.goods import NO_GOODS, Goods
from ledger.returns.errors import (
    CaseEnded,
    CaseLineUnknown,
    CaseNotReady,
    CaseUnknown,
    NotThatManyBack,
)
from ledger.returns.values import DISPOSITIONS, NOT_BACK, CaseLine, PartLine, Sums
from ledger.stock.pieces import Count, LineParts

AWAITED, RECEIVED = "awaited", "awaiting_inspection"
CAME = (RECEIVED, *(found for found in DISPOSITIONS if found not in NOT_BACK))
"""States of pieces that came back."""

TAKEN_APART = "taken_apart"
"""The state of pieces whose parts stand in lines of their own, each for itself."""

GIVEN_UP = "given_up"
"""The state of pieces that are awaited no more and never came."""

ENDED = ("rejected", "withdrawn", "closed")
CASE_STATES = ("requested", "unidentified", "declared", "authorised", *ENDED)
"""All states of a case."""


class CaseStanding(Aggregate):
    """What both legs of a case share. `apart` are the lines that inspections made, by name;
    `approvers` are those who approved a refund of it."""

    KIND = "case"

    def begin(self) -> None:
        """It is not open yet."""
        self.state = self.kind = self.currency = self.warehouse = ""
        self.order: str | None = None
        self.lines: dict[str, CaseLine] = {}
        self.matched: dict[str, str] = {}
        self.goods: Goods = NO_GOODS
        self.parts: dict[str, tuple[LineParts, ...]] = {}
        self.apart: dict[str, PartLine] = {}
        self.sums = Sums()
        self.approvers: frozenset[str] = frozenset()

    def pieces(self, state: str) -> list[Count]:
        """All pieces of a state, by line."""
        return self.goods.in_states(state)

    def came(self) -> list[Count]:
        """All pieces that came back, by line."""
        return self.goods.in_states(*CAME)

    def order_line(self, line: str, matched: Mapping[str, str] | None = None) -> str:
        """The line of the order that a line of the case is about; as it is `matched`, or would be.
        """
        of = self.apart[line].of if line in self.apart else line
        known = self.matched if matched is None else matched
        return known.get(of) or self.lines[of].order_line or of

    def sku(self, line: str) -> str:
        """The SKU of a line; "" where none is known."""
        return self.apart[line].sku if line in self.apart else self.lines[line].sku or ""

    def made_of(self, line: str) -> tuple[LineParts, ...]:
        """What a piece of a line is made of."""
        return self.parts.get(line) or (LineParts(line, self.sku(line), 1),)

    def must_be_known(self) -> None:
        """Errors: CaseUnknown (R-RET-01)."""
        if not self.state:
            raise CaseUnknown(case=self.id)

    def must_be(self, *states: str) -> None:
        """Errors: CaseUnknown (R-RET-01), CaseEnded (R-RET-03), CaseNotReady (R-RET-04)."""
        self.must_be_known()
        if self.state in ENDED and self.state not in states:
            raise CaseEnded(case=self.id, state=self.state)
        if self.state not in states:
            raise CaseNotReady(case=self.id, state=self.state, needed=" or ".join(states))

    def must_have(self, counts: Iterable[Any], state: str) -> None:
        """Every line has so many pieces of a state. Errors: R-RET-05, R-RET-12."""
        if (lacking := self.goods.lacking(counts, (state,))) is None:
            return
        if lacking.there is None:
            raise CaseLineUnknown(case=self.id, line=lacking.line)
        raise NotThatManyBack(case=self.id, line=lacking.line, wanted=lacking.wanted,
                              there=lacking.there, state=state)
