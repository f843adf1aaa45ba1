"""After-sales cases: where the goods that came back are, and how far the refund is.

The case's own mutators fold its events, on what a row keeps of it.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Row, Table, Text

from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Entry, Outline
from ledger.returns.case import AWAITED, RECEIVED, TAKEN_APART, Case
from ledger.returns.inspection import CaseInspection
from ledger.returns.kept import Kept
from ledger.returns.refund import CaseRefund
from ledger.returns.standing import CASE_STATES, GIVEN_UP
from ledger.returns.values import DISPOSITIONS, KINDS
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of, within
from projections.asking.columns import (
    FOR_MONEY,
    Columns,
    Currency,
    Money,
    Subject,
    Time,
    code,
    says,
)
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

cases = Table(
    "cases", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="cases_pk"),
    Index("cases_opened", "ledger", "opened_at", "subject"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` as JSON."""

STATES = (AWAITED, RECEIVED, *DISPOSITIONS, GIVEN_UP, TAKEN_APART)
"""All states of a piece."""

BEGINS = (Case.Requested, Case.ParcelReceived, Case.Declared)

_kept = msgspec.json.Decoder(Kept)


class Tracked(msgspec.Struct):
    """A case while events are folded into it, and what it does not know of itself."""

    case: Case
    opened_at: int
    position: int

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event, unless it moves pieces of lines that are not known: as of a moment of the
        business, goods can arrive before the lines that they belong to."""
        if self.case.goods.knows(_moved(event)):
            event.apply(self.case)
            self.position = entry.position

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        kept = Kept.of(self.case)
        return ledger, self.case.id, self.opened_at, text_of(kept), self.position


def _moved(event: Any) -> Sequence[Any]:
    """The pieces that an event moves from one state to another."""
    if isinstance(event, Case.GoodsReceived):
        return event.lines
    if isinstance(event, Case.Inspected):
        new = {part.line for part in event.into}
        return [*event.apart, *(one for one in event.lines if one.line not in new)]
    return event.given_up if isinstance(event, Case.Closed) else ()


class Returns(StreamRows[Tracked]):
    """Folds the goods and the refund of after-sales cases: one row each."""

    name: ClassVar[str] = "returns"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table, ...]] = (cases,)
    taken: ClassVar[frozenset[str]] = topics_of(Case, CaseInspection, CaseRefund)

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked | None:
        """As of a moment of the business, what happened to a case before its beginning counts for
        nothing."""
        if not isinstance(event, BEGINS):
            return None
        return Tracked(Case.blank(entry.stream), entry.occurred_at, 0)

    def of_row(self, row: Row[Any]) -> Tracked:
        """The case that a row keeps."""
        kept = _kept.decode(row.state)
        return Tracked(kept.restored(row.subject), row.opened_at, row.position)


# -- reports --------------------------------------------------------------------------------------


class CasePieces(Columns):
    """The pieces of a case, or of a line of it, by state."""

    awaited: int
    awaiting_inspection: int
    restocked: int
    quarantined: int
    damaged: Annotated[int, says("Pieces that came back damaged.")]
    written_off: int
    missing: int
    not_ours: int
    given_up: int
    taken_apart: int


assert CasePieces.__struct_fields__ == STATES


class CaseLineRow(CasePieces):
    """A line of a case with its pieces by state."""

    line: str
    sku: str | None
    order_line: str | None
    of: Annotated[str | None, says("The line of which pieces were taken apart, for their parts.")]
    quantity: int
    fee: bool


class CaseRow(Columns, kw_only=True):
    """An after-sales case: where its goods are, how far its refund."""

    subject: Subject
    state: Annotated[str, code(*CASE_STATES)]
    kind: Annotated[str, code(*KINDS, ""), says("Its kind; empty of a parcel that nobody knows.")]
    order: Subject | None
    warehouse: str | None
    opened_at: Time
    currency: Annotated[Currency | Literal[""], says("Empty while nobody knows its order.")]
    asked_minor: Annotated[Money | UnsetType | None, says(
        f"What was asked for; null where no sum was named. {FOR_MONEY}")] = UNSET
    approved_minor: Annotated[Money | UnsetType, says(
        f"What was approved to be refunded. {FOR_MONEY}")] = UNSET
    paid_minor: Annotated[Money | UnsetType, says(f"What was refunded. {FOR_MONEY}")] = UNSET
    pieces: Annotated[CasePieces, says("Its pieces by state, over all lines.")]
    lines: Annotated[list[CaseLineRow], says("Its lines.")]
    position: int


@report(Returns, Past.STREAM, name="returns", knows=recorded(), row=CaseRow, in_pages=True)
def returns(reading: Reading) -> Iterator[dict[str, Any]]:
    """The after-sales cases, of a period those that were opened in it. Shapes: objects as `shown`
    makes them. Errors: those of `period_of`."""
    where = within(cases.c.opened_at, reading.period())
    return map(shown, rows_of(reading, cases, *where, kind=Case.KIND, sorted_by=("opened_at",)))


def shown(row: Row[Any]) -> dict[str, Any]:
    """A case as reports show it.

    Shapes: `pieces` by state, over all lines; `lines` with the pieces of each by state. `of` is the
    line of which pieces were taken apart, for the lines of their parts. Units: sums in minor units
    of the currency; asked is None where no sum was named.
    """
    kept = _kept.decode(row.state)
    goods = kept.goods
    return {
        "subject": row.subject,
        "state": kept.state,
        "kind": kept.kind,
        "order": kept.order,
        "warehouse": kept.warehouse or None,
        "opened_at": rfc3339(from_us(row.opened_at)),
        "currency": kept.currency,
        **kept.sums._asdict(),
        "pieces": goods.sums(STATES),
        "lines": [{
            "line": name, "sku": line.sku, "order_line": _order_line(kept, name),
            "of": None, "quantity": line.quantity, "fee": line.fee,
            **goods.shown(name, STATES),
        } for name, line in kept.lines.items()] + [{
            "line": name, "sku": part.sku, "order_line": _order_line(kept, part.of),
            "of": part.of, "quantity": part.quantity, "fee": False,
            **goods.shown(name, STATES),
        } for name, part in kept.apart.items()],
        "position": row.position,
    }


def _order_line(kept: Kept, line: str) -> str | None:
    """The line of the order, where its name is known to be another one."""
    return kept.matched.get(line, kept.lines[line].order_line)


REPORTS: dict[str, Report] = {"returns": returns}
