"""Counts: how many pieces lay on a shelf, in a bin or in another place, and when.

A count is an observation, not an assignment. What it differs by from the books of that time is its
variance, which is posted; what happened later stays as it is.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from ledger.common.bounds import At, Document, Id, IdOrNone, Items, Level, NameOrNone
from ledger.common.errors import Conflict
from ledger.common.values import Checks, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Wanted
from ledger.core.postings import Correction
from ledger.stock.movements import MAX_MOVES, streams_of
from ledger.stock.places import SHELF, Area
from ledger.stock.warehouses import warehouse_of


class CountRecorded(Conflict):
    """{count} is in the ledger already. Give this one a number of its own."""

    code = "count_recorded"
    rule = "R-STK-20"


class Counted(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What was counted of a SKU in a place, in a bin of the shelf or (none) on all of it.

    `book` is what the ledger said of that time, `variance` what was counted less the book.
    """

    sku: str
    counted: int
    book: int
    variance: int
    place: str = SHELF
    bin: str = ""


class StockCount(Aggregate):
    """A count in one warehouse; its stream is `count:<warehouse>:<number>`. A large one is recorded
    in several events."""

    KIND = "count"

    def begin(self) -> None:
        """Nothing was counted."""
        self.warehouse = ""

    class Counted(Aggregate.Event):
        """Pieces were counted, as it observes; what differs from the books is posted."""

        TOPIC = "stock.counted.v1"
        warehouse: str
        lines: list[Counted]
        document: str | None = None

        def about(self) -> list[str]:
            """The document."""
            return [] if self.document is None else [self.document]

    class Corrected(Aggregate.Event):
        """An earlier event of this count is taken back; what was counted in truth, if anything, is
        in `lines`."""

        TOPIC = "count.corrected.v1"
        warehouse: str
        reason: str
        lines: list[Counted] = []

    @event(Counted)
    def _counted(self, warehouse):
        self.warehouse = warehouse

    @event(Corrected)
    def _corrected(self):
        pass

    def must_be_new(self) -> None:
        """Errors: CountRecorded (R-STK-20)."""
        if self.version:
            raise CountRecorded(count=self.id)

    def count(self, command: "CountStock") -> Any:
        """An event of the count, which observes nothing yet."""
        self._counted(warehouse=command.warehouse, lines=[], document=command.document,
                      occurred_at=command.occurred_at)
        return self.newest

    def correct(self, corrects: Correction, reason: str, *, occurred_at: datetime) -> Any:
        """An event that takes another one back, and observes nothing yet."""
        self._corrected(corrects=corrects, warehouse=self.warehouse, reason=reason, lines=[],
                        occurred_at=occurred_at)
        return self.newest


def count_of(warehouse: str, number: str) -> str:
    """The stream of a count."""
    return subject("count", warehouse, number)


# -- commands -------------------------------------------------------------------------------------


class CountLine(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU lie in a place: what is reserved and not picked lies on the shelf.

    With a bin it is what lies in that bin of the shelf. Without one it is what lies in no bin that
    other lines name; alone, it is the whole place.
    """

    sku: Id
    quantity: Level
    place: Area = SHELF
    bin: NameOrNone = ""


Counts = Annotated[list[CountLine], Items(least=1, most=MAX_MOVES)]


def check_counts(counts: list[CountLine], checks: Checks) -> None:
    """Note what is counted twice, and bins where there are none."""
    seen: dict[tuple[str, str, str], int] = {}
    for index, one in enumerate(counts):
        key = one.sku, one.place, one.bin
        if (other := seen.setdefault(key, index)) != index:
            checks.fault(f"/counts/{index}", "twice", f"counts the same as /counts/{other}")
        if one.bin and one.place != SHELF:
            checks.fault(f"/counts/{index}/bin", "no_bins", "only the shelf has bins")


class CountStock(Command, frozen=True, kw_only=True):
    """Count pieces of some SKUs. Without a number it gets one.

    The first count of a SKU opens its stock. Several bins of one SKU are counted each for itself.
    """

    NAME: ClassVar[str] = "stock.count"
    warehouse: Id
    counts: Counts
    occurred_at: At
    number: IdOrNone = ""
    document: Document | None = None

    def check(self, checks: Checks) -> None:
        check_counts(self.counts, checks)

    @property
    def subject(self) -> str:
        """The count's stream; the warehouse's, where it has no number yet."""
        return count_of(self.warehouse, self.number) if self.number else warehouse_of(
            self.warehouse)

    def streams(self) -> Wanted:
        known: Wanted = [(StockCount, self.subject)] if self.number else []
        return [*known, *streams_of(self.warehouse, (count.sku for count in self.counts))]
