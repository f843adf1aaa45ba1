"""The writer's transaction over one connection: the statements that SQLite and PostgreSQL have in
common."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from ledger.log.accounts import Balance, Kinds, index_of
from ledger.log.envelope import Entry
from ledger.log.sql_reading import HEAD, Names, SqlReader
from ledger.log.store import Head, LedgerUnknown, Tile, Which, must_fit, shown

_KEEP = (
    f"INSERT INTO balances (ledger, {', '.join(Balance._fields)}) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (ledger, subject) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in Balance._fields[1:]))


class SqlWriting(SqlReader):
    """The transaction of the writer: it holds the head row of its ledger."""

    lock = ""
    """The end of a query that locks the rows it finds."""

    def __init__(
        self, connection: Connection, names: Names, kinds: Kinds, ledger: Which
    ) -> None:
        super().__init__(connection, names, kinds)
        self.ledger = self.id_of(ledger)
        rows = self.rows(f"{HEAD}{self.lock}", (self.ledger,))
        if not rows:
            names.clear()  # another database may have taken this one's place
            raise LedgerUnknown(ledger=shown(ledger))
        self._head = Head(*rows[0])

    def head(self, ledger: Which) -> Head:
        return self._head if self.id_of(ledger) == self.ledger else super().head(ledger)

    def leaves(self, after: int, until: int) -> list[bytes]:
        rows = self.rows(
            "SELECT leaf_hash FROM events WHERE ledger = ? AND position > ? AND position <= ?"
            " ORDER BY position", (self.ledger, after, until))
        return [row[0] for row in rows]

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        if not entries:
            return
        must_fit(entries, head, self.ledger)
        self.insert(entries)
        if rows := index_of(entries, self.kinds):
            self.index(rows)
        self.run("UPDATE heads SET position = ?, recorded_at = ?, frontier = ?, keys_id = ?"
                 " WHERE ledger = ?", (*head, self.ledger))
        self._head = head
        for tile in tiles:
            self.run("INSERT INTO tiles (ledger, level, number, hashes) VALUES (?, ?, ?, ?)",
                     (self.ledger, *tile))

    def insert(self, entries: Sequence[Entry]) -> None:
        """Insert the rows of entries."""
        raise NotImplementedError

    def index(self, rows: list[tuple[str, int]]) -> None:
        """Insert rows of the index of accounts."""
        raise NotImplementedError

    def keep_balances(self, balances: Iterable[Balance]) -> None:
        for one in balances:
            self.run(_KEEP, (self.ledger, *one))
