"""Reads over one connection: the statements that SQLite and PostgreSQL have in common.

SQLAlchemy provides the connection; the few statements of the hot path are texts that the driver
itself runs.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from ledger.common.values import MAX_INTEGER
from ledger.log.accounts import Balance, Kinds, Span, between
from ledger.log.envelope import Entry, Outline, spelled_subjects
from ledger.log.schema import COLUMNS
from ledger.log.store import NOBODY, NOTHING, Head, Known, Tile, Which

HEAD = "SELECT position, recorded_at, frontier, keys_id FROM heads WHERE ledger = ?"

NAMES_S = 1.0
"""How long a name is taken for that of the same ledger: a restored database may have others."""

LAST = 2**62
"""Up to which position anything is read."""

IN_CHUNK = 500
AFTER = " AND +position > ? AND version <= ?"
"""The plus keeps SQLite from using the primary key: these reads have an index of their own."""

_POSITION_AT = """
WITH RECURSIVE search (low, high) AS (
  SELECT CAST(0 AS BIGINT), position FROM heads WHERE ledger = ?
  UNION ALL
  SELECT CASE WHEN e.recorded_at <= ? THEN e.position ELSE low END,
         CASE WHEN e.recorded_at <= ? THEN high ELSE e.position - 1 END
  FROM search JOIN events e ON e.ledger = ? AND e.position = (low + high + 1) / 2
  WHERE low < high)
SELECT low FROM search WHERE low = high
"""


_UNIQUE = {"command_id": "command_id, command_seq", "once": "once"}
"""What stands once in a ledger, by the column that says most of it."""

_ODD_TILES = """
SELECT level, number FROM tiles WHERE ledger = ?
AND (level = 0 AND number >= 0 AND number = CAST(number AS BIGINT)) IS NOT TRUE LIMIT ?
"""
"""Also NULL, a text or a fraction, which a database without its checks may hold."""

_ODD_POSITIONS = " UNION ALL ".join(
    f"SELECT position FROM events WHERE ledger = ? AND position {where}"
    for where in ("<= 0", f"> {LAST}", "IS NULL")) + " LIMIT ?"
"""Of SQLite also texts and bytes, which are greater than all numbers."""

_STANDING = ("SELECT (SELECT count(*) FROM ledgers WHERE id = ? OR name = ?),"
             " (SELECT count(*) FROM heads WHERE ledger = ?)")

_OUTLINE = ", ".join(Outline._fields)

_NAMING = f"""
SELECT {COLUMNS} FROM events WHERE ledger = ? AND position IN (
  SELECT DISTINCT position FROM accounts WHERE ledger = ? AND subject IN ({{marks}})
  AND position > ? AND position <= ? ORDER BY position {{order}} LIMIT ?)
ORDER BY position {{order}}
"""

_TOUCHING = f"""
WITH known (subject, upto) AS (VALUES {{known}})
SELECT {_OUTLINE} FROM events WHERE ledger = ? AND position IN (
  SELECT DISTINCT a.position FROM known CROSS JOIN accounts a
  WHERE a.ledger = ? AND a.subject = known.subject AND a.position > known.upto
  AND a.position <= ? ORDER BY a.position LIMIT ?)
ORDER BY position
"""
"""CROSS JOIN: SQLite then takes one step down the index for each account, and no other way."""
_KNOWN = "(CAST(? AS TEXT), CAST(? AS BIGINT))"

_BALANCES = f"SELECT {', '.join(Balance._fields)} FROM balances WHERE ledger = ?"

_WITHIN = "{whole} AND a.position >= 1 AND a.position <= ?"

_ODD_ACCOUNTS = """
SELECT a.subject, a.position FROM accounts a WHERE a.ledger = ?
AND ({within}) IS NOT TRUE
AND (({kinds}) AND {whole} AND (
  SELECT e.position = a.position AND {named} FROM events e
  WHERE e.ledger = a.ledger AND e.position >= a.position ORDER BY e.position LIMIT 1)
) IS NOT TRUE LIMIT ?
"""
"""The event is looked for as the guard of PostgreSQL does it (`schema.py`)."""

_BETWEEN = ("FROM events WHERE ledger = ? AND position > ? AND position <= ?"
            " ORDER BY position LIMIT ?")


def _between(
    ledger: bytes, after: int, until: int | None, limit: int
) -> tuple[bytes, int, int, int]:
    return ledger, after, LAST if until is None else until, max(limit, 0)


def _chunks(values: Sequence[Any]) -> Iterator[tuple[list[Any], str]]:
    """Values, each once, in parts that fit into a query, with a `?` mark for each of a part."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), IN_CHUNK):
        chunk = unique[start : start + IN_CHUNK]
        yield chunk, ", ".join("?" * len(chunk))


class Names:
    """The ids of ledgers whose names were looked up, for all readers of a store."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[bytes, float]] = {}

    def get(self, name: str) -> bytes | None:
        """The id; None if it is not known, or not believed any more."""
        known, until = self._found.get(name, (None, 0.0))
        return known if time.monotonic() < until else None

    def keep(self, name: str, ledger: bytes) -> None:
        """Believe an id for a while."""
        self._found[name] = ledger, time.monotonic() + NAMES_S

    def clear(self) -> None:
        """Believe none any more."""
        self._found.clear()


class SqlReader:
    """Reads over one connection."""

    mark = "?"

    whole = "typeof(a.position) = 'integer'"
    named = "instr(e.subjects, json_quote(a.subject)) > 0"
    """Whether a row of the index has a position, and an event there names its account."""

    holds = "instr(subjects, ?) > 0"
    """Whether an event names a subject, in its quotes."""

    def __init__(self, connection: Connection, names: Names, kinds: Kinds) -> None:
        self.connection = connection
        self.kinds = kinds
        self._names = names

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement written with `?` marks: the driver's own tuples, since turning
        them into SQLAlchemy's takes as long as reading them."""
        result = self.run(statement, parameters)
        try:
            return list(result.cursor.fetchall())
        finally:
            result.close()

    def run(self, statement: str, parameters: Sequence[Any]) -> Any:
        """Run a statement written with `?` marks, by the driver's own mark; its result."""
        sql = statement if self.mark == "?" else statement.replace("?", self.mark)
        return self.connection.exec_driver_sql(sql, tuple(parameters))

    def id_of(self, ledger: Which) -> bytes:
        if isinstance(ledger, bytes):
            return ledger
        if (kept := self._names.get(ledger)) is not None:
            return kept
        if (found := self.known(ledger)) is None:
            return NOBODY
        self._names.keep(ledger, found.id)
        return found.id

    def names(self) -> Iterator[str]:
        """The names of all ledgers. Where the file was changed a name may be anything: what is no
        text in UTF-8 names nothing, and the others are still found."""
        for (raw,) in self.rows(
                "SELECT CAST(name AS BLOB) FROM ledgers WHERE typeof(name) = 'text'", ()):
            with suppress(UnicodeDecodeError):
                yield raw.decode()

    def known(self, ledger: Which) -> Known | None:
        column = "id" if isinstance(ledger, bytes) else "name"
        rows = self.rows(f'SELECT id, name, "of" FROM ledgers WHERE {column} = ?', (ledger,))
        return Known(*rows[0]) if rows else None

    def head(self, ledger: Which) -> Head:
        rows = self.rows(HEAD, (self.id_of(ledger),))
        return Head(*rows[0]) if rows else NOTHING

    def read(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        rows = self.rows(f"SELECT {COLUMNS} {_BETWEEN}",
                         _between(self.id_of(ledger), after, until, limit))
        return list(map(Entry._make, rows))

    def outlines(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        rows = self.rows(f"SELECT {_OUTLINE} {_BETWEEN}",
                         _between(self.id_of(ledger), after, until, limit))
        return list(map(Outline._make, rows))

    def among(
        self, ledger: Which, column: str, values: Sequence[Any], after: int,
        *, upto: int = MAX_INTEGER,
    ) -> list[Entry]:
        """The entries after a position that have one of these values, in order, of each stream up
        to a version."""
        found: list[Entry] = []
        own = self.id_of(ledger)
        for chunk, marks in _chunks(values):
            found += map(Entry._make, self.rows(
                f"SELECT {COLUMNS} FROM events WHERE ledger = ? AND {column} IN ({marks})"
                f"{AFTER}", (own, *chunk, after, upto)))
        found.sort(key=lambda entry: entry.position)
        return found

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        return self.among(ledger, "stream", names, after, upto=upto)

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        return self.among(ledger, "command_id", ids, 0)

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        found = self.among(ledger, "once", values, 0)
        return {entry.once: entry.position for entry in found if entry.once is not None}

    def repeated(
        self, ledger: Which, *, until: int, limit: int, table: str = "events"
    ) -> list[tuple[str, int]]:
        own = self.id_of(ledger)
        found: list[tuple[str, int]] = []
        for column, key in _UNIQUE.items():
            # Nothing but the key is named, so that the index on it is all that is read.
            twice = self.rows(
                f"SELECT {column} FROM {table} WHERE ledger = ? AND {column} IS NOT NULL"
                f" GROUP BY {key} HAVING count(*) > 1 LIMIT ?", (own, limit))
            for chunk, marks in _chunks([row[0] for row in twice]):
                found += [(column, row[0]) for row in self.rows(
                    f"SELECT max(position) FROM {table} WHERE ledger = ? AND position <= ?"
                    f" AND {column} IN ({marks})"
                    f" GROUP BY {key} HAVING count(*) > 1 LIMIT ?", (own, until, *chunk, limit))]
        return found[:limit]

    def position_at(self, ledger: Which, recorded_at: int) -> int:
        """By bisection over positions: recorded_at never falls, so it needs no index of its own."""
        own = self.id_of(ledger)
        rows = self.rows(_POSITION_AT, (own, recorded_at, recorded_at, own))
        return int(rows[0][0]) if rows else 0

    def tiles(self, ledger: Which, level: int, first: int, count: int) -> list[Tile]:
        rows = self.rows(
            "SELECT level, number, hashes FROM tiles WHERE ledger = ? AND level = ?"
            " AND number >= ? ORDER BY number LIMIT ?",
            (self.id_of(ledger), level, first, max(count, 0)),
        )
        return [Tile(*row) for row in rows]

    def odd_tiles(self, ledger: Which, limit: int) -> list[tuple[int, int]]:
        return list(self.rows(_ODD_TILES, (self.id_of(ledger), limit)))

    def odd_positions(self, ledger: Which, limit: int) -> list[int]:
        own = self.id_of(ledger)
        return [row[0] for row in self.rows(_ODD_POSITIONS, (own, own, own, limit))]

    def accounts(
        self, ledger: Which, subjects: Sequence[str], *, after: int = 0, until: int | None = None,
        limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        order = "DESC" if descending else "ASC"
        own, *between = _between(self.id_of(ledger), after, until, limit)
        found: dict[int, Entry] = {}
        for chunk, marks in _chunks(subjects):
            rows = self.rows(_NAMING.format(marks=marks, order=order), (own, own, *chunk, *between))
            found.update((entry.position, entry) for entry in map(Entry._make, rows))
        return [found[at] for at in sorted(found, reverse=descending)][: between[-1]]

    def touching(
        self, ledger: Which, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        own, _, last, most = _between(self.id_of(ledger), 0, until, limit)
        found: dict[int, Outline] = {}
        for chunk, _ in _chunks(list(known)):
            rows = self.rows(
                _TOUCHING.format(known=", ".join([_KNOWN] * len(chunk))),
                (*(value for name in chunk for value in (name, known[name])), own, own, last, most))
            found.update((event.position, event) for event in map(Outline._make, rows))
        return [found[at] for at in sorted(found)][:most]

    def balances(self, ledger: Which, subjects: Sequence[str]) -> list[Balance]:
        own = self.id_of(ledger)
        return [Balance(*row) for chunk, marks in _chunks(subjects) for row in self.rows(
            f"{_BALANCES} AND subject IN ({marks})", (own, *chunk))]

    def balances_after(self, ledger: Which, subject: str, limit: int) -> list[Balance]:
        rows = self.rows(f"{_BALANCES} AND subject > ? ORDER BY subject LIMIT ?",
                         (self.id_of(ledger), subject, max(limit, 0)))
        return list(map(Balance._make, rows))

    def indexed(
        self, ledger: Which, subjects: Sequence[str], first: int, last: int
    ) -> list[tuple[str, int]]:
        own = self.id_of(ledger)
        return [row for chunk, marks in _chunks(subjects) for row in self.rows(
            f"SELECT subject, position FROM accounts WHERE ledger = ? AND subject IN ({marks})"
            " AND position >= ? AND position <= ?", (own, *chunk, first, last))]

    def count_indexed(self, ledger: Which, until: int) -> int:
        ((count,),) = self.rows(
            f"SELECT count(*) FROM accounts a WHERE a.ledger = ? AND {self._within()}",
            (self.id_of(ledger), until))
        return int(count)

    def _within(self) -> str:
        return _WITHIN.format(whole=self.whole)

    def odd_accounts(
        self, ledger: Which, limit: int, *, beyond: int = 0
    ) -> list[tuple[str, int]]:
        kinds = " OR ".join(["1 = 0", *(f"substr(a.subject, 1, {len(kind)}) = ?"
                                        for kind in self.kinds)])
        asked = _ODD_ACCOUNTS.format(kinds=kinds, within=self._within(), whole=self.whole,
                                     named=self.named)
        return self.rows(asked, (self.id_of(ledger), beyond, *self.kinds, limit))

    def streams_of(
        self, ledger: Which, kind: str, *, naming: str | None = None,
        during: Span | None = None, after: str = "", limit: int = 10_000,
    ) -> list[str]:
        held: str
        values: list[Any]
        held, values = "", [self.id_of(ledger), *between(kind, after)]
        if naming is not None:
            held = f" AND {self.holds}"
            values.append(spelled_subjects([naming])[1:-1])
        if during is not None:
            held += " AND occurred_at >= ? AND occurred_at <= ?"
            values += during
        return [row[0] for row in self.rows(
            "SELECT DISTINCT stream FROM events WHERE ledger = ? AND stream > ? AND stream < ?"
            f"{held} ORDER BY stream LIMIT ?", (*values, max(limit, 0)))]

    def standing(self, known: Known) -> dict[str, int]:
        ((ledgers, heads),) = self.rows(_STANDING, (known.id, known.name, known.id))
        return {"ledgers": ledgers, "heads": heads}
