"""How results reach a terminal or a program: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, zip_longest
from shutil import get_terminal_size
from typing import Any, Protocol

import click

from api.messages import tr
from ledger.common.values import exact

ProgressCall = Callable[[int, int], None]

Row = dict[str, Any]


class Rows(Protocol):
    """Rows of which there are so many, to be gone through as often as wanted: such as a list."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Row]: ...

def as_json(value: Any) -> str:
    """One line of JSON, Chinese as it is."""
    return json.dumps(exact(value), ensure_ascii=False, separators=(", ", ": "))


Heads = Mapping[str, str]
"""What columns are called above a table, by their names."""


def print_rows(rows: Rows, *, form: str, title: str = "", heads: Heads | None = None) -> None:
    """A list of objects as JSON or as a table; a column that is empty throughout is left out."""
    if form == "json":
        click.echo(json.dumps(exact(list(rows)), ensure_ascii=False, indent=1))
        return
    if title:
        click.echo(title)
    if not rows:
        click.echo(tr("(nothing)"))
        return
    _print_table(rows, heads or {})


class Figure(str):
    """A number as people read it: it stands at the right of its column."""

    __slots__ = ()


def on_terminal() -> bool:
    """Whether somebody reads what is printed, rather than a program."""
    return sys.stdout.isatty()


class _Column:
    """A column of a table: what of its rows says how it looks."""

    def __init__(self, name: str, head: str, wide: Callable[[str], int]) -> None:
        self.name, self.head = name, head
        self.filled = False
        self.number = True
        self.wide = wide
        self.width = wide(head)

    def note(self, value: Any) -> None:
        """Look at a cell."""
        self.filled = self.filled or value not in (None, [], "")
        self.number = self.number and isinstance(value, int | Figure | None)
        self.width = max(self.width, self.wide(_cell(value)))

    def padded(self, text: str) -> str:
        """A cell of it as wide as all are."""
        blank = " " * (self.width - self.wide(text))
        return blank + text if self.number else text + blank


def _print_table(rows: Rows, heads: Heads) -> None:
    """Look at all rows for how wide columns are, then print them one by one."""
    from rich.cells import cell_len

    columns = [_Column(name, heads.get(name, name), cell_len) for name in next(iter(rows))]
    for row in rows:
        for column in columns:
            column.note(row[column.name])
    columns = [column for column in columns if column.filled]
    if on_terminal():
        _print_folded(columns, rows)
        return
    for cells in chain(([column.head for column in columns],),
                       ([_cell(row[column.name]) for column in columns] for row in rows)):
        click.echo("  ".join(map(_Column.padded, columns, cells)).rstrip(" "))


def _print_folded(columns: Sequence[_Column], rows: Rows) -> None:
    """On a terminal cells are folded where a line is wider than that."""
    from api.cli.folding import GAP, fitting, folded

    for column, width in zip(columns, fitting(
            [column.width for column in columns], get_terminal_size().columns), strict=True):
        column.width = width
    for at, cells in enumerate(chain(([column.head for column in columns],), (
            [_cell(row[column.name]) for column in columns] for row in rows))):
        parts = [folded(cell, column.width) for cell, column in zip(cells, columns, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            text = (" " * GAP).join(map(_Column.padded, columns, line)).rstrip(" ")
            click.echo(text if at else click.style(text, bold=True))


def print_record(record: dict[str, Any], *, form: str, heads: Heads | None = None) -> None:
    """One object as JSON or as lines of name and value."""
    if form == "json":
        click.echo(as_json(record))
        return
    named = {name: (heads or {}).get(name, name) for name in record}
    wide: Callable[[str], int] = len
    if heads is not None:
        from rich.cells import cell_len as wide
    width = max(map(wide, named.values()), default=0)
    for name, value in record.items():
        lines = _lines(_cell(value), width + 2)
        click.echo(f"{named[name]}{' ' * (width - wide(named[name]))}  {lines}")


def _lines(text: str, indent: int) -> str:
    """A value beside its name, folded where that is a terminal."""
    if not on_terminal():
        return text
    from api.cli.folding import LEAST, folded

    room = max(get_terminal_size().columns - indent, LEAST)
    return f"\n{' ' * indent}".join(folded(text, room))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return (" | " if value and isinstance(value[0], dict) else ", ").join(map(_cell, value))
    if isinstance(value, dict):
        filled = {name: one for name, one in value.items() if one not in (None, 0, "", [])}
        return ", ".join(f"{name} {_cell(one)}" for name, one in filled.items()) or "-"
    return str(value)


def in_full(record: dict[str, Any]) -> str:
    """An object as one cell, also with what of it is 0."""
    return ", ".join(f"{name} {_cell(value)}" for name, value in record.items()
                     if value not in (None, "", [])) or "-"


@contextmanager
def progress(label: str) -> Iterator[ProgressCall]:
    """A bar on stderr where that is a terminal; nothing at all where it is not."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
