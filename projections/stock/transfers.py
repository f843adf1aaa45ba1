"""Transfers that are open: pieces that left one warehouse, and of which nobody has said yet what
became of them.

The transfer's own mutators fold its events, on what a row keeps of it.
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
    Table,
    Text,
)

from ledger.common.values import from_us, rfc3339, to_us
from ledger.log.envelope import Entry, Outline
from ledger.stock.transfers import Transfer
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of
from projections.stock.answers import TransferRow
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

transfers = Table(
    "transfers", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("pieces", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="transfers_pk"),
    sqlite_with_rowid=False,
)
"""`pieces` are those under way, `state` is `Kept` as JSON."""

Index("transfers_open", transfers.c.ledger, transfers.c.subject,
      sqlite_where=transfers.c.pieces != 0, postgresql_where=transfers.c.pieces != 0)


class Kept(msgspec.Struct, omit_defaults=True):
    """What a row keeps of a transfer. Units: `sent_at` in microseconds UTC; pieces by SKU."""

    source: str
    target: str
    sent_at: int
    underway: dict[str, int] = {}


_kept = msgspec.json.Decoder(Kept)


class Tracked(msgspec.Struct):
    """A transfer while events are folded into it."""

    transfer: Transfer
    position: int

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event."""
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        event.apply(self.transfer)
        self.position = entry.position

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        one = self.transfer
        kept = Kept(one.source, one.target, to_us(one.sent_at), one.underway)
        return ledger, one.id, sum(one.underway.values()), text_of(kept), self.position


class Transfers(StreamRows[Tracked]):
    """Folds what is under way between warehouses: one row a transfer."""

    name: ClassVar[str] = "transfers"
    tables: ClassVar[tuple[Table, ...]] = (transfers,)
    taken: ClassVar[frozenset[str]] = topics_of(Transfer)

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked | None:
        """As of a moment of the business, what happened to a transfer before it was sent counts for
        nothing."""
        return Tracked(Transfer.blank(entry.stream), 0) if isinstance(
            event, Transfer.Sent) else None

    def of_row(self, row: Row[Any]) -> Tracked:
        """The transfer that a row keeps."""
        kept, transfer = _kept.decode(row.state), Transfer.blank(row.subject)
        transfer.source, transfer.target = kept.source, kept.target
        transfer.sent_at, transfer.underway = from_us(kept.sent_at), kept.underway
        return Tracked(transfer, row.position)


@report(Transfers, Past.STREAM, name="open-transfers", knows=recorded(Transfer.KIND),
        row=TransferRow)
def open_transfers(reading: Reading) -> Iterator[dict[str, Any]]:
    """The transfers of which pieces are still under way, by subject.

    Shapes: transfer, from, to (warehouses), sent_at, pieces (all that are under way), lines: sku,
    quantity; position of its last event.
    """
    for row in rows_of(reading, transfers, transfers.c.pieces != 0, kind=Transfer.KIND):
        kept = _kept.decode(row.state)
        yield {
            "transfer": row.subject, "from": kept.source, "to": kept.target,
            "sent_at": rfc3339(from_us(kept.sent_at)), "pieces": row.pieces,
            "lines": [{"sku": sku, "quantity": pieces}
                      for sku, pieces in sorted(kept.underway.items())],
            "position": row.position}


REPORTS: dict[str, Report] = {"open-transfers": open_transfers}
