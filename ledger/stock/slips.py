"""Slips: papers on which a shop notes what it wrote off or found, as a file declares them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from ledger.common.bounds import (
    Currency,
    Id,
    Items,
    LongText,
    Name,
    Quantity,
    Reason,
    Words,
)
from ledger.common.errors import Refused
from ledger.common.moments import Moment
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Wanted
from ledger.core.postings import Correction
from ledger.stock.pieces import sku_of

MAX_LINES = 2000
WRITE_OFF, FOUND = KINDS = ("write_off", "found")
"""What a slip may record."""


class SlipDeclaredDifferently(Refused):
    """{slip} is in the ledger with other lines. A slip does not change: give a new one a number
    of its own."""

    code = "slip_declared_differently"
    rule = "R-SLP-01"


class SlipLine(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One line of a slip. Units: quantity in pieces, above 0. A fee is not goods."""

    line: Id
    sku: Id
    title: LongText | None = None
    quantity: Quantity
    fee: bool = False


class Slip(Aggregate):
    """A paper of one shop; its stream is `slip:<channel>:<shop>:<number>`."""

    KIND = "slip"

    def begin(self) -> None:
        """It is not in the ledger."""
        self.currency = self.kind = ""
        self.lines: list[SlipLine] | None = None

    class Recorded(Aggregate.Event):
        """Pieces were written off, or found. The currency is that of the shop."""

        TOPIC = "slip.recorded.v1"
        channel: str
        shop: str
        number: str
        currency: str
        kind: Annotated[str, Words(*KINDS)]
        lines: list[SlipLine]
        reason: str | None = None
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs of its lines."""
            return list(dict.fromkeys(sku_of(line.sku) for line in self.lines))

    @event(Recorded)
    def _recorded(self, currency, kind, lines):
        self.currency, self.kind, self.lines = currency, kind, lines

    class Corrected(Aggregate.Event):
        """What the slip posted is taken back, or posted again."""

        TOPIC = "slip.corrected.v1"
        reason: str

    @event(Corrected)
    def _corrected(self):
        pass

    def correct(self, corrects: Correction, reason: str, *, occurred_at: datetime) -> Any:
        """An event that takes another one back, and posts nothing yet."""
        self._corrected(corrects=corrects, reason=reason, occurred_at=occurred_at)
        return self.newest

    def record(self, command: "RecordSlip") -> bool:
        """Record it, once; whether it is new. Errors: SlipDeclaredDifferently (R-SLP-01)."""
        if self.lines is not None:
            if any(getattr(self, name) != getattr(command, name)
                   for name in ("currency", "kind", "lines")):
                raise SlipDeclaredDifferently(slip=self.id)
            return False
        self._recorded(channel=command.channel, shop=command.shop, number=command.number,
                       currency=command.currency, kind=command.kind, lines=command.lines,
                       reason=command.reason, inferred=command.at.marks(),
                       **command.at.envelope())
        return True


class RecordSlip(Command, frozen=True, kw_only=True):
    """Declare a slip; with a warehouse, its pieces move there."""

    NAME: ClassVar[str] = "slip.record"
    REFUSALS_KEPT: ClassVar[bool] = False
    channel: Id
    shop: Name
    number: Id
    currency: Currency
    kind: Annotated[str, Words(*KINDS)]
    lines: Annotated[list[SlipLine], Items(least=1, most=MAX_LINES)]
    at: Moment
    warehouse: Id | None = None
    reason: Reason | None = None

    @property
    def subject(self) -> str:
        """The slip's stream."""
        return subject("slip", self.channel, self.shop, self.number)

    @property
    def occurred_at(self) -> datetime:
        """When it was written."""
        return self.at.at

    def streams(self) -> Wanted:
        return [(Slip, self.subject)]
