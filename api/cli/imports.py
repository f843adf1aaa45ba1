"""Importing files from the command line: opens the ledger, runs, and prints what was wrong."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import click

from api.cli.options import begun
from api.cli.output import as_json
from api.cli.progress import ProgressBar
from api.faulty_rows import said
from api.http.starting import staging_folder
from api.messages import tr
from ledger.application import Ledger, default_actor
from ledger.common.context import Context
from ledger.imports import guessing, profiles
from ledger.imports.faults import RowFault
from ledger.imports.importer import REJECT_EVERYTHING, Summary, run_import
from ledger.imports.profile import Profile
from ledger.imports.templates import write_templates
from ledger.log.side_file import SideFile
from ledger.log.store import must_be_owner
from ledger.settings import MissingLedger, Opened, Settings, open_ledger
from projections.asking.clocks import parsed

EMPTY = Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
"""What a file is checked against where there is no ledger yet."""


@contextmanager
def imported(
    files: Sequence[Path], profile: str | None, *, ledger_name: str, new: bool, zone: str | None,
    actor: str | None, shop: str | None, policy: str, stock: str | None, trust_numbers: bool,
    as_of: str | None, dry_run: bool,
) -> Iterator[Summary]:
    """The summary of an import, with its faults at hand until the end of the block. A ledger that
    is not there begins only if there is something to record; until then an empty one stands for it.

    Errors: BadLedgerName (R-LDG-09), OtherLedgers (R-SET-10), BadTime (R-PRJ-03).
    """
    must_be_owner(ledger_name)
    settings = Settings.from_environment()
    found = _guessed(files) if profile is None else profiles.find(profile)
    when = None if as_of is None else parsed("as_of", as_of)

    def by(opened: Opened) -> tuple[Ledger, Context, SideFile]:
        who = actor or default_actor(opened.ledger)
        return (opened.ledger, Context(actor=who, role="integration", client="cli"),
                open_ones.enter_context(closing(settings.side_file(opened.keys))))

    with ExitStack() as open_ones:
        def begin() -> tuple[Ledger, Context, SideFile]:
            return by(open_ones.enter_context(begun(ledger_name, new=new, zone=zone)))

        missing = False
        try:
            here = open_ledger(settings, name=ledger_name, make=False, another=new, zone=zone)
        except MissingLedger:
            here, missing = open_ledger(EMPTY, name=ledger_name, zone=zone), True
        ledger, context, side_file = by(open_ones.enter_context(closing(here)))
        as_of_us = None if when is None else when.of(ledger.days).at_us
        bar = open_ones.enter_context(ProgressBar())
        yield open_ones.enter_context(run_import(
            ledger, files, found, context=context, shop=shop, policy=policy, stock=stock,
            trust_numbers=trust_numbers, as_of_us=as_of_us, dry_run=dry_run,
            staging_dir=staging_folder(settings), progress=bar,
            begin=begin if missing else None, side_file=None if missing else side_file))


def _guessed(files: Sequence[Path]) -> Profile:
    """The profile that files are of by their headers, which is said. Errors: R-IMP-35, R-IMP-38."""
    found = guessing.guessed(files, [*guessing.shipped(), *guessing.beside(files)])
    click.echo(tr("Read by the profile {name}, which has these columns.", name=found.name),
               err=True)
    return found


def make_template(profile: str, files: Sequence[Path]) -> None:
    """Make an empty file with the header of a profile. Errors: NoTemplate (R-IMP-36)."""
    if len(files) != 1:
        raise click.UsageError(tr("Name one FILE, which is made."))
    for path in write_templates(profiles.find(profile), files[0]):
        click.echo(tr("Written to {file}.", file=path), err=True)


def print_faults(summary: Summary, form: str) -> None:
    """Every fault and warning: a JSON object a line on stdout, or a sentence a line on stderr."""
    for fault in summary.faults:
        print_fault(fault, form)
    for warning in summary.warnings:
        print_fault(warning, form, warning=True)


def print_fault(fault: RowFault, form: str, *, warning: bool = False) -> None:
    """One fault or warning."""
    if form == "json":
        click.echo(as_json({**fault._asdict(), **({"warning": True} if warning else {})}))
    else:
        row = tr("row {row}", row=fault.row) if fault.row else tr("the file")
        where = f"{fault.file}, {row}" if fault.file else tr("the files")
        warned = tr("warning: ") if warning else ""
        column = f", {fault.column}" if fault.column else ""
        value = f" = {fault.value!r}" if fault.value else ""
        line = tr("{label}: {value}", label=f"{warned}{where}{column}{value}", value=said(fault))
        click.echo(f"{line} [{fault.rule}, {fault.code}]", err=True)


def sentence(summary: Summary) -> str:
    """What happened, in a sentence."""
    if not summary.ok and summary.policy == REJECT_EVERYTHING and not summary.accepted:
        return tr("No row was recorded: {faults} fault(s) were found, and the policy is to reject "
                  "everything then. All {rows} row(s) count as rejected.",
                  faults=summary.fault_count, rows=summary.rows)
    counts = {"rows": summary.rows, "accepted": summary.accepted,
              "duplicates": summary.duplicates, "rejected": summary.rejected}
    older = "" if not summary.older else " " + tr(
        "{older} of those without news count as older than what is known, and older news changes "
        "nothing. If they are newer, say when the file was made (`--as-of`).",
        older=summary.older)
    left_out = older if not summary.erased else older + " " + tr(
        "{erased} of them are about somebody who was erased: what is personal in these was left "
        "out.", erased=summary.erased)
    if summary.dry_run:
        return tr("Of {rows} row(s), {accepted} would be recorded, {duplicates} bring nothing new, "
                  "{rejected} would be rejected.", **counts) + left_out
    return tr("Of {rows} row(s): {accepted} recorded, {duplicates} brought nothing new, "
              "{rejected} rejected.", **counts) + left_out
