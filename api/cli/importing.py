"""`ledger imports`: what became of imports, and their rows in which something was wrong."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.options import (
    Group,
    actor_option,
    command,
    context_of,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import as_json, print_record, print_rows
from api.messages import tr

if TYPE_CHECKING:
    from ledger.settings import Opened


@click.group("imports", cls=Group)
def imports_group() -> None:
    """What became of imports, and their rows in which something was wrong."""


@command("list")
@ledger_option
@format_options
def list_command(ledger_name: str, form: str) -> None:
    """All imports, the newest first: who imported which files, and what became of their rows."""
    from api.cli.reports import raise_stopped, read_models
    from ledger.imports.record import Import
    from projections import imports, names
    from projections.asking.questions import PRESENT

    with read_models(ledger_name) as (_, models):
        for status in models.catch_up(ledger_name):
            if status.projection == names.Names.name:
                raise_stopped(status)
        wanted = names.Wanted(Import.KIND, imports.shown, by_age=True, down=True)
        rows = list(names.things(models, ledger_name, wanted, PRESENT).things.values())
    print_rows(rows if form == "json" else [_short(row) for row in rows], form=form, heads=_heads())


def _heads() -> dict[str, str]:
    """What the columns of `_short` are called above a table."""
    from api.sheets import heads
    from projections.asking.columns import columns_of
    from projections.imports import Decided, ImportRow

    return heads((*columns_of(ImportRow), *columns_of(Decided)))


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """An import as a line of a list."""
    decided = row["completed"] or dict.fromkeys(("accepted", "rejected", "duplicates"), None)
    return {
        "import": row["import"], "state": row["state"], "started_at": row["started_at"],
        "by": row["by"], "files": tr(", ").join(file["name"] for file in row["files"]),
        "rows": row["rows"], "accepted": decided["accepted"], "rejected": decided["rejected"],
        "duplicates": decided["duplicates"],
        "faults": sum(one["count"] for one in row["faults"])}


@command("show")
@click.argument("name", metavar="IMPORT")
@ledger_option
@format_options
def show_command(name: str, ledger_name: str, form: str) -> None:
    """One import: its files, what became of its rows, and which rows had which fault."""
    with opened(ledger_name) as found:
        row = _read(found, ledger_name, name)
        if form == "json":
            click.echo(as_json(row))
            return
        print_record(_short(row), form=form, heads=_heads())
        for warned, tallies in (("", row["faults"]), (tr("warning: "), row["warnings"])):
            for one in tallies:
                where = one["file"] or tr("the files")
                said = tr("{code} × {count}, rows {rows}", code=one["code"], count=one["count"],
                          rows=tr(", ").join(one["rows"]))
                click.echo(tr("{label}: {value}", label=f"{warned}{where}", value=said))


def _read(found: "Opened", ledger_name: str, name: str) -> dict[str, Any]:
    """An import. Errors: NothingRecorded (R-PRJ-05)."""
    from projections.asking.past import NothingRecorded
    from projections.imports import read, stream_of

    stream = stream_of(name)
    row = None if stream is None else read(found.store, ledger_name, stream)
    if row is None:
        raise NothingRecorded(ledger=ledger_name, subject=name)
    return row


@command("faults")
@click.argument("name", metavar="IMPORT")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the rows themselves to a file, .csv or .xlsx, to mend them.")
@click.option("--with-personal", is_flag=True,
              help="Write what is personal in them, too. Who reads it is noted.")
@ledger_option
@actor_option
@format_options
def faults_command(
    name: str, *, output: Path | None, with_personal: bool, ledger_name: str, actor: str | None,
    form: str,
) -> None:
    """What was wrong in the rows of an import, and its warnings; with -o the rows, as they were.
    What is personal in them is masked unless it is asked for. All of it is destroyed 30 days after
    its import."""
    from api import faulty_rows
    from api.cli.imports import print_fault
    from ledger.imports.faulty_rows import kept as kept_of
    from ledger.imports.faulty_rows import kept_warnings
    from ledger.settings import Settings

    if output is not None and output.suffix[1:] not in faulty_rows.FORMS:
        raise click.UsageError(tr("Name a file that ends in .csv or .xlsx."))
    if with_personal and output is None:
        raise click.UsageError(tr("Rows with what is personal go into a file: name one with -o."))
    settings = Settings.from_environment()
    with (opened(ledger_name, writes=True) as found,
          closing(settings.side_file(found.keys)) as side_file):
        row = _read(found, ledger_name, name)
        own = side_file, found.ledger.id, row["import"].partition(":")[2]
        now = found.ledger.clock.wall()
        kept = kept_of(*own, now=now) if row["faults"] else None
        if output is None:
            for fault in () if kept is None else faulty_rows.faults_of(kept):
                print_fault(fault, form)
            for warning in kept_warnings(*own, now=now) if row["warnings"] else ():
                print_fault(warning, form, warning=True)
            return
        if with_personal:
            _note(found, row, actor)
        _write(output, kept, opened=with_personal)
        click.echo(tr("Written to {file}.", file=output), err=True)


def _note(found: "Opened", row: dict[str, Any], actor: str | None) -> None:
    """Note who reads what is personal in rows, before any of it is written."""
    from api import slips
    from api.cli import issuing
    from api.http.noting import Opened as Purpose
    from api.http.noting import notes_of
    from ledger.access.readings import IMPORT

    with slips.must_be_noted(), closing(issuing.opened(found.ledger.name)) as readings:
        slips.take(readings.ledger, context_of(found, actor, "integration"), notes_of(
            "ledger imports faults", row["import"], filters=(), persons=(),
            position=row["position"], opened=Purpose(IMPORT, ("rows",))))


def _write(path: Path, kept: Any, *, opened: bool) -> None:
    from api import faulty_rows
    from api.cli.files import must_be_elsewhere
    from ledger.imports.faulty_rows import Kept

    must_be_elsewhere(path)
    kept = kept or Kept({}, iter(()))
    if path.suffix == ".xlsx":
        path.write_bytes(faulty_rows.as_xlsx(kept, opened=opened))
        return
    with path.open("wb") as file:
        file.writelines(faulty_rows.as_csv(kept, opened=opened))


@command("forget")
@ledger_option
def forget_command(ledger_name: str) -> None:
    """Destroy the rows that were kept for 30 days (LEDGER_FAULTY_ROWS_DAYS), with their keys, of
    all ledgers of the database. A server does so by itself, once an hour."""
    from ledger.settings import Settings

    settings = Settings.from_environment()
    with opened(ledger_name) as found, closing(settings.side_file(found.keys)) as side_file:
        count = side_file.forget_old(now=found.ledger.clock.wall())
    click.echo(tr("The rows of {count} import(s) were destroyed.", count=count))


for _one in (list_command, show_command, faults_command, forget_command):
    imports_group.add_command(_one)
