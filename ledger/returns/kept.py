"""What a read model keeps of a case: enough for its next event, and for the reports on it."""

from typing import Self

import msgspec

from ledger.orders.goods import Goods, States
from ledger.returns.case import Case
from ledger.returns.values import CaseLine, PartLine, Sums


class Kept(msgspec.Struct, omit_defaults=True):
    """A case."""

    state: str
    kind: str
    currency: str
    order: str | None = None
    warehouse: str = ""
    lines: dict[str, CaseLine] = {}
    matched: dict[str, str] = {}
    by_line: dict[str, States] = msgspec.field(default={}, name="goods")
    sums: Sums = Sums()
    apart: dict[str, PartLine] = {}

    @classmethod
    def of(cls, case: Case) -> Self:
        """What is kept of a case."""
        return cls(case.state, case.kind, case.currency, case.order, case.warehouse,
                   case.lines, case.matched, case.goods.by_line, case.sums, case.apart)

    @property
    def goods(self) -> Goods:
        """Its pieces."""
        return Goods(self.by_line)

    def restored(self, stream: str) -> Case:
        """The case again, for its next event."""
        case = Case.blank(stream)
        case.state, case.kind, case.order = self.state, self.kind, self.order
        case.currency = self.currency
        case.warehouse, case.sums = self.warehouse, self.sums
        case.lines, case.matched, case.goods = self.lines, self.matched, self.goods
        case.apart = self.apart
        return case
