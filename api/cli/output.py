"""How results reach a terminal or a program: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import click

from api.messages import tr
from ledger.common.values import exact

ProgressCall = Callable[[int, int], None]

WIDE = 2_000
"""Columns of a table that no terminal shows: its lines are never broken."""


def as_json(value: Any) -> str:
    """One line of JSON, Chinese as it is."""
    return json.dumps(exact(value), ensure_ascii=False, separators=(", ", ": "))


def print_rows(rows: Sequence[dict[str, Any]], *, form: str, title: str = "") -> None:
    """A list of objects as JSON or as a table; a column that is empty throughout is left out."""
    if form == "json":
        click.echo(json.dumps(exact(rows), ensure_ascii=False, indent=1))
        return
    if title:
        click.echo(title)
    if not rows:
        click.echo(tr("(nothing)"))
        return
    _print_table(rows)


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = [name for name in rows[0] if any(row[name] not in (None, [], "") for row in rows)]
    terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        number = all(isinstance(row[name], int | None) for row in rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold",
                         no_wrap=not terminal)
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) for name in names))
    if terminal:
        Console(highlight=False).print(table)
        return
    console = Console(file=StringIO(), width=WIDE, highlight=False)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip(" "))  # the last column is not padded


def print_record(record: dict[str, Any], *, form: str) -> None:
    """One object as JSON or as lines of name and value."""
    if form == "json":
        click.echo(as_json(record))
        return
    width = max(map(len, record), default=0)
    for name, value in record.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return (" | " if value and isinstance(value[0], dict) else ", ").join(map(_cell, value))
    if isinstance(value, dict):
        filled = {name: one for name, one in value.items() if one not in (None, 0, "", [])}
        return ", ".join(f"{name} {_cell(one)}" for name, one in filled.items()) or "-"
    return str(value)


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
