"""Reports on the command line: opens the read models, asks, and shows as of when they answer."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from api import sheets
from api.cli.files import must_be_elsewhere
from api.cli.output import Rows, on_terminal, print_record, print_rows
from api.cli.spool import First, Shown, Spool
from api.messages import as_of_line, spoken, tr
from api.sheets import workbook
from ledger.common.days import Days
from ledger.common.errors import Invalid, Unavailable
from ledger.common.values import exact
from ledger.log.store import Store
from ledger.log.zones import days_of
from ledger.settings import Settings
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.columns import Column, columns_of
from projections.asking.names import OPTIONS, TAKES, takers
from projections.asking.questions import Question
from projections.asking.typed import type_of
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels, Status

HIDDEN_IN_TABLES = {"payload", "subjects", "source", "causation", "client", "role", "channel",
                    "shop"}
SAID_BY_SUBJECT = {"number"}
"""What JSON shows and a table leaves out: long objects, and what the subject says already."""


class ProjectionStopped(Unavailable):
    """The read model {projection} stopped before position {position}: {error}. Its rows show the
    state before that event. Fix the cause, then run `ledger rebuild`."""

    code = "projection_stopped"
    rule = "R-PRJ-11"


class OutputNeeded(Invalid):
    """An Excel workbook cannot be printed as text: name a file with --output."""

    code = "output_needed"
    rule = "R-PRJ-15"


class OptionNotTaken(Invalid):
    """The report {report} takes no {option}. These do: {takers}."""

    code = "option_not_taken"
    rule = "R-PRJ-22"


class LongAnswer(NamedTuple):
    """What a report answered: as of when, its rows, and their columns. `days` are those of the
    shop, where rows are put into words; `of` is how many there are where not all are shown."""

    as_of: dict[str, Any]
    rows: Rows
    columns: Sequence[Column]
    name: str = ""
    days: Days | None = None
    of: int | None = None


class Layout(NamedTuple):
    """How an answer is shown: which columns (None: those that are usual), all of them (`wide`), and
    how many rows at the most."""

    columns: tuple[str, ...] | None = None
    wide: bool = False
    limit: int | None = None

    @classmethod
    def given(cls, columns: str | None, *, wide: bool, limit: int | None) -> "Layout":
        """What the options say; columns have commas between them."""
        named = None if columns is None else tuple(one.strip() for one in columns.split(","))
        return cls(named, wide, limit)

    def of(self, answer: LongAnswer) -> LongAnswer:
        """The part of an answer that is shown. Errors: UsageError for a column that the report does
        not have."""
        if self.limit is not None and len(answer.rows) > self.limit:
            answer = answer._replace(rows=First(answer.rows, self.limit), of=len(answer.rows))
        if self.columns is None:
            return answer
        known = {column.name: column for column in answer.columns}
        for name in self.columns:
            if name not in known:
                raise click.UsageError(tr(
                    "{report} has no column {name}. It has {known}.", report=answer.name,
                    name=repr(name), known=", ".join(known)))
        return answer._replace(columns=[known[name] for name in self.columns])

    def rows(self, answer: LongAnswer) -> Rows:
        """Its rows, with no other columns than are asked for."""
        if self.columns is None:
            return answer.rows
        names = [column.name for column in answer.columns]
        return Shown(answer.rows, lambda row: {name: row.get(name) for name in names})


ALL = Layout()


@contextmanager
def read_models(ledger: str) -> Iterator[tuple[Store, ReadModels]]:
    """The store of a ledger and its read models. Reports need no keys.

    Errors: MissingLedger (R-SET-03).
    """
    store = Settings.from_environment().find_store(ledger)
    try:
        models = ReadModels(store, PROJECTIONS)
        try:
            yield store, models
        finally:
            models.close()
    finally:
        store.close()


def question(
    name: str, subject: str | None, *, position: int | None = None,
    recorded_as_of: str | None = None, occurred_as_of: str | None = None, **fields: str | None,
) -> Question:
    """The question that the options ask of a report: `fields` are those of a `Question`.

    Errors: R-PRJ-03, R-PRJ-04, R-PRJ-06, OptionNotTaken (R-PRJ-22).
    """
    asked: dict[str, Any] = {"subject": subject, **fields}
    for field, value in asked.items():
        if value is not None and field not in TAKES[name]:
            raise OptionNotTaken(report=name, option=OPTIONS[field],
                                 takers=", ".join(takers(field)))
    return Question(as_of=AsOf.parse(position, recorded_as_of, occurred_as_of), **asked)


@contextmanager
def ask(name: str, ledger: str, asked: Question) -> Iterator[LongAnswer]:
    """The answer of a report, which may be longer than memory. Errors: ProjectionStopped
    (R-PRJ-11); those of the report."""
    with (caught_up(ledger) as models, reports.listing(models, ledger, name, asked) as found,
          Spool(found.rows) as rows):
        yield LongAnswer(found.as_of, rows, columns_of(type_of(reports.REPORTS[name]).row),
                         name, days_of(models.store, ledger))


def save(
    name: str, ledger: str, asked: Question, output: Path | None, *, layout: Layout = ALL
) -> None:
    """Write a report as a workbook. Errors: OutputNeeded (R-PRJ-15), those of `ask`."""
    if output is None:
        raise OutputNeeded
    must_be_elsewhere(output)
    if layout != ALL:
        with ask(name, ledger, asked) as whole:
            answer = layout.of(whole)
            output.write_bytes(sheets.as_xlsx(
                {name: (answer.columns, answer.rows)}, answer.as_of, days=answer.days))
        return
    with caught_up(ledger) as models:
        output.write_bytes(workbook(models, ledger, name, asked)[0])


@contextmanager
def caught_up(ledger: str) -> Iterator[ReadModels]:
    """The read models, none of which has stopped. Errors: R-PRJ-11."""
    with read_models(ledger) as (_, models):
        models.catch_up(ledger)
        for status in models.status(ledger):
            raise_stopped(status)
        yield models


def raise_stopped(status: Status) -> None:
    """Errors: ProjectionStopped (R-PRJ-11) for a projection that an error has stopped."""
    if status.error is not None:
        raise ProjectionStopped(projection=status.projection, position=status.error_position,
                                error=status.error)


def show(
    answer: LongAnswer, form: str, output: Path | None = None, layout: Layout = ALL
) -> None:
    """Show an answer on the terminal or in a file: as JSON, with the members that it has over HTTP,
    or as a table or CSV. A table stands under a line that says as of when it holds, and whether
    that may change; of CSV, whose lines programs read, this goes to stderr. Somebody who reads a
    table on a terminal has it in words; a program has the values of the data."""
    if layout.wide and form != "table":
        raise click.UsageError(tr("--wide is for tables: {form} has all columns.", form=form))
    answer = layout.of(answer)
    only = answer._replace(rows=layout.rows(answer))
    if answer.of is not None:
        click.echo(tr("{shown} of {count} rows", shown=len(answer.rows), count=answer.of),
                   err=True)
    if output is not None:
        must_be_elsewhere(output)
        with output.open("wb") as file:  # what cannot be written is all that is said
            file.writelines(
                sheets.csv_lines(answer.rows, answer.columns) if form == "csv" else
                _json(only, partial(orjson.dumps, option=orjson.OPT_INDENT_2), b"    "))
    elif form == "json":
        for part in _json(only, _for_terminal, b"  "):
            click.echo(part, nl=False)
        click.echo()
    if form == "csv":
        _say_as_of(answer, err=True)
        if output is None:
            for line in sheets.csv_lines(answer.rows, answer.columns):
                click.echo(line, nl=False)
    elif output is None and form == "table":
        _say_as_of(answer, err=False)
        if answer.days is not None and on_terminal():
            _show_readable(answer, answer.days, layout)
        else:
            _show_table(only, layout)


def _show_readable(answer: LongAnswer, days: Days, layout: Layout) -> None:
    from api.cli import readable
    from api.console.shown import columns_shown

    columns = list(answer.columns) if layout.columns is not None else columns_shown(
        answer.name, answer.columns, all_of_them=layout.wide)
    _print(Shown(answer.rows, readable.reading(columns, days)), readable.heads(columns))


def _show_table(answer: LongAnswer, layout: Layout) -> None:
    heads = sheets.heads(answer.columns)
    rows = answer.rows if layout.columns is not None else Shown(answer.rows, lambda row: {
        name: value for name, value in row.items() if name not in HIDDEN_IN_TABLES
        and not (name in SAID_BY_SUBJECT and "subject" in row)})
    _print(rows, heads)


def _print(rows: Rows, heads: dict[str, str]) -> None:
    if len(rows) == 1:
        print_record(next(iter(rows)), form="table", heads=heads)
    else:
        print_rows(rows, form="table", heads=heads)


def _say_as_of(answer: LongAnswer, *, err: bool) -> None:
    click.echo(as_of_line(answer.as_of), err=err)
    for note in answer.as_of["notes"]:
        click.echo(f"  {spoken(note)}", err=err)


def _for_terminal(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _json(answer: LongAnswer, dumps: Callable[[Any], bytes], indent: bytes) -> Iterator[bytes]:
    """The parts of an answer with its members as they are over HTTP; it has no next page."""
    whole = dumps({"as_of": exact(answer.as_of), "items": [], "next": None})
    head, tail = whole.split(b'"items": []')
    yield head + b'"items": ['
    between = b"\n"
    for row in answer.rows:
        yield between + b"\n".join(
            indent + line for line in dumps(exact(row)).split(b"\n"))
        between = b",\n"
    yield (b"]" if between == b"\n" else b"\n" + indent[: len(indent) // 2] + b"]") + tail
