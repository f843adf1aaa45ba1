"""Movements of stock that wait for a second person.

The movement's own mutators fold its events, on what a row keeps of it.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    Table,
    Text,
)

from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Entry, Outline
from ledger.stock.movements import Asked, Movement
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of
from projections.stock.answers import CORRECTION, MOVEMENT, ToApproveRow
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

approvals = Table(
    "approvals", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("waits", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="approvals_pk"),
    sqlite_with_rowid=False,
)
"""`waits` is 1 while nobody has decided, `state` is `Kept` as JSON."""

Index("approvals_waiting", approvals.c.ledger, approvals.c.subject,
      sqlite_where=approvals.c.waits != 0, postgresql_where=approvals.c.waits != 0)


class Kept(msgspec.Struct, omit_defaults=True):
    """What a row keeps of a movement."""

    warehouse: str
    decided: str
    asked: Asked | None = None


_kept = msgspec.json.Decoder(Kept)


class Tracked(msgspec.Struct):
    """A movement while events are folded into it."""

    movement: Movement
    position: int

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event."""
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        event.apply(self.movement)
        self.position = entry.position

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        one = self.movement
        kept = Kept(one.warehouse, one.decided, one.asked)
        return ledger, one.id, int(one.asked is not None), text_of(kept), self.position


class Approvals(StreamRows[Tracked]):
    """Folds what waits for a second person: one row a movement that ever did."""

    name: ClassVar[str] = "approvals"
    tables: ClassVar[tuple[Table, ...]] = (approvals,)
    taken: ClassVar[frozenset[str]] = topics_of(Movement)

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked | None:
        """What needed no second person has no row. As of a moment of the business, a decision on
        what was not asked for yet counts for nothing."""
        return Tracked(Movement.blank(entry.stream), 0) if isinstance(
            event, Movement.Requested | Movement.CorrectionRequested) else None

    def of_row(self, row: Row[Any]) -> Tracked:
        """The movement that a row keeps."""
        kept, movement = _kept.decode(row.state), Movement.blank(row.subject)
        movement.warehouse, movement.decided = kept.warehouse, kept.decided
        movement.asked = kept.asked
        return Tracked(movement, row.position)


@report(Approvals, Past.STREAM, name="to-approve", knows=recorded(Movement.KIND), row=ToApproveRow)
def to_approve(reading: Reading) -> Iterator[dict[str, Any]]:
    """What waits for a second person, by movement.

    Shapes: movement, warehouse, what (movement or correction), requested_by, happened_at, causes,
    reason, paper, corrects (the position that is wrong), lines: sku, quantity, from, to, cause,
    bin, to_bin; position of the request.
    """
    for row in rows_of(reading, approvals, approvals.c.waits != 0, kind=Movement.KIND):
        kept = _kept.decode(row.state)
        asked = kept.asked
        assert asked is not None
        yield {
            "movement": row.subject, "warehouse": kept.warehouse,
            "what": MOVEMENT if asked.corrects is None else CORRECTION,
            "requested_by": asked.by, "happened_at": rfc3339(asked.at),
            "causes": sorted({one.cause for one in asked.moves}),
            "reason": asked.reason, "paper": asked.document,
            "corrects": None if asked.corrects is None else asked.corrects.position,
            "lines": [{"sku": one.sku, "quantity": one.quantity, "from": one.source,
                       "to": one.target, "cause": one.cause, "bin": one.bin, "to_bin": one.to_bin}
                      for one in asked.moves],
            "position": row.position}


REPORTS: dict[str, Report] = {"to-approve": to_approve}
