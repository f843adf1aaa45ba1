"""Every cell of a database, changed as its owner could change it: guards, types and indexes gone.

It works on all tables of a SQLAlchemy `MetaData`, on SQLite and PostgreSQL alike, and puts back
what was there before the next change.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, MetaData, Table

from tests.support.thorough import THOROUGH

ROW = "nth"
"""The column by which a row is known here, whatever becomes of its own."""


class Raw(bytes):
    """Bytes that SQLite is to take for a text, whether they are one or not."""


class Change(NamedTuple):
    """What is done: its kind, the table, the column if it is about one, the row, and how."""

    kind: str
    table: str
    column: str | None
    row: int
    what: object

    def __str__(self) -> str:
        shown = repr(self.what)
        return (f"{self.kind} {self.table}.{self.column} row {self.row}: "
                f"{shown if len(shown) < 60 else shown[:60] + '…'}")


class Owned:
    """A database in the hands of its owner, who took off whatever guards it."""

    def __init__(self, engine: Engine, metadata: MetaData) -> None:
        self.engine = engine
        self.sqlite = engine.dialect.name == "sqlite"
        self.tables: dict[str, Table] = {table.name: table for table in metadata.sorted_tables}
        with self.connected() as connection:
            for name in self.tables:
                self._lay_open(connection, name)

    def connected(self) -> Connection:
        """A connection of the owner."""
        return self.engine.connect()

    def run(self, statement: str, *values: object) -> list[Any]:
        """Run SQL with `?` marks; the rows that it gives."""
        with self.connected() as connection:
            return self._run(connection, statement, *values)

    def _run(self, connection: Connection, statement: str, *values: object) -> list[Any]:
        sql = statement if self.sqlite else statement.replace("?", "%s")
        result = connection.exec_driver_sql(sql, tuple(values))
        return [tuple(row) for row in result] if result.returns_rows else []

    def _columns(self, name: str) -> list[str]:
        return [f'"{column.name}"' for column in self.tables[name].columns]

    def _lay_open(self, connection: Connection, name: str) -> None:
        """Keep a copy of a table, and put a table in its place that takes anything."""
        order = ", ".join(self._columns(name))
        self._run(connection, f"CREATE TABLE saved_{name} AS SELECT *,"
                  f" row_number() OVER (ORDER BY {order}) AS {ROW} FROM {name}")
        self.restore(name, connection)

    def restore(self, name: str, connection: Connection | None = None) -> None:
        """Put back what a table held."""
        if connection is None:
            with self.connected() as own:
                self.restore(name, own)
            return
        self._run(connection, f"DROP TABLE IF EXISTS {name}")
        names = ", ".join([*self._columns(name), ROW])
        if self.sqlite:  # columns without a type: each cell keeps what it is given
            self._run(connection, f"CREATE TABLE {name} ({names})")
            self._run(connection, f"INSERT INTO {name} SELECT {names} FROM saved_{name}")
        else:
            self._run(connection, f"CREATE TABLE {name} AS SELECT {names} FROM saved_{name}")

    # -- what can be changed ----------------------------------------------------------------------

    def changes(self, chosen: Callable[[str, list[tuple[Any, ...]]], Sequence[int]]
                ) -> Iterator[Change]:
        """All changes of cells and rows. `chosen` gives the rows of a table that are changed, by
        their numbers, from all of its rows: their own columns, then the number."""
        for name, table in self.tables.items():
            names = [column.name for column in table.columns]
            rows = {row[-1]: row for row in self.run(
                f"SELECT {', '.join([*self._columns(name), ROW])} FROM {name} ORDER BY {ROW}")}
            wanted = list(chosen(name, list(rows.values())))
            for row in wanted:
                for at, column in enumerate(names):
                    yield from (Change(kind, name, column, row, what) for kind, what in
                                self._values(rows[row][at], table.columns[column].type.python_type))
                yield Change("removed", name, None, row, None)
                yield Change("doubled", name, None, row, None)
            for row, other in pairwise(wanted):
                for at, column in enumerate(names):
                    if rows[row][at] != rows[other][at]:
                        yield Change("swapped", name, column, row, other)
            if not self.sqlite:
                yield from (Change("column", name, column, 0, target)
                            for at, column in enumerate(names)
                            if any(row[at] is not None for row in rows.values())
                            for target in self._types(name, column))

    def _values(self, value: Any, kind: type) -> Iterator[tuple[str, object]]:
        seen = [(type(value), value)]
        for sort, other in values(value):
            if not self.sqlite and not _taken(other, kind):
                continue
            if (type(other), other) not in seen:
                seen.append((type(other), other))
                yield sort, other

    def _types(self, name: str, column: str) -> list[str]:
        kind = self.tables[name].columns[column].type.python_type
        quoted = f'"{column}"'
        return {int: [f"text USING {quoted}::text", f"double precision USING {quoted}::float8",
                      f"numeric USING {quoted}::numeric"],
                str: [f"bytea USING convert_to({quoted}, 'UTF8')", "bigint USING 7"],
                bytes: [f"text USING encode({quoted}, 'hex')", "bigint USING 7"]}[kind]

    # -- changing ---------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Do it."""
        name, row = change.table, change.row
        column = f'"{change.column}"'
        names = ", ".join([*self._columns(name), ROW])
        if change.kind == "removed":
            self.run(f"DELETE FROM {name} WHERE {ROW} = ?", row)
        elif change.kind == "doubled":
            self.run(f"INSERT INTO {name} SELECT {names} FROM saved_{name} WHERE {ROW} = ?", row)
        elif change.kind == "swapped":
            for one, other in ((row, change.what), (change.what, row)):
                self.run(f"UPDATE {name} SET {column} = (SELECT {column} FROM saved_{name}"
                         f" WHERE {ROW} = ?) WHERE {ROW} = ?", other, one)
        elif change.kind == "column":
            self.run(f"ALTER TABLE {name} ALTER COLUMN {column} TYPE {change.what}")
        else:
            mark = "CAST(? AS TEXT)" if isinstance(change.what, Raw) else "?"
            what = bytes(change.what) if isinstance(change.what, Raw) else change.what
            self.run(f"UPDATE {name} SET {column} = {mark} WHERE {ROW} = ?", what, row)


def _taken(value: object, kind: type) -> bool:
    """Whether a column of PostgreSQL takes a value."""
    if value is None:
        return True
    return type(value) is kind and not (isinstance(value, str) and "\0" in value)


def values(value: Any) -> Iterator[tuple[str, object]]:
    """What may stand in the place of a value, with the kind of change that it is."""
    yield "null", None
    yield from (("zero", other) for other in (0, -1, -2**63, "", b""))
    yield from (("type", other) for other in (7, 0.5, 1e300, "x", b"\xff\xfe", Raw(b"\xff")))
    yield from (("long", other) for other in (2**63 - 1, "[" * 20_000, bytes(2**21)))
    if isinstance(value, int):
        yield from (("bit", value ^ (1 << bit)) for bit in (0, 1, 31, 62))
        yield from (("type", other) for other in (str(value), str(value).encode(), float(value)))
        yield "zero", -value
    elif isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        yield from (("bit", _text(one) if isinstance(value, str) else one)
                    for one in _flipped(raw))
        yield "type", raw if isinstance(value, str) else Raw(raw)
        yield from (("long", value + more) for more in (  # type: ignore[operator]
            (" ", "\0", "x" * 70_000) if isinstance(value, str) else (b"\0", value)))
        yield "zero", value[: len(value) // 2]
        yield "zero", "\0" * len(value) if isinstance(value, str) else bytes(len(value))
        if isinstance(value, str):
            yield from (("type", other) for other in (
                "{}", "[7]", '["\\ud800"]', '["b","a"]', value.replace(",", ", ")))


def _flipped(raw: bytes) -> Iterator[bytes]:
    for at in sorted({0, len(raw) // 2, len(raw) - 1} if raw else set()):
        for bit in (0, 5, 7):
            yield raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]


def _text(raw: bytes) -> str | Raw:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Raw(raw)


def tenth(changes: list[Change]) -> list[Change]:
    """A tenth of all changes, the same in each run, with some of each kind; all in a thorough run.
    """
    if THOROUGH:
        return changes
    drawn = random.Random(1)
    by_kind: dict[tuple[str, str], list[Change]] = {}
    for one in changes:
        by_kind.setdefault((one.kind, one.table), []).append(one)
    return [one for some in by_kind.values()
            for one in drawn.sample(some, max(len(some) // 10, min(len(some), 2)))]
