"""The command line: `ledger demo`, `import`, `report`, `verify` and what an operator needs.

Exit codes: 0 done, 1 refused or failed with a message, 2 wrong usage. Results go to stdout,
progress and messages of failure to stderr.

A command imports what it works with when it runs: no command pays for the others, and help for none
of them.
"""

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from api.cli import trial
from api.cli.explaining import explain_command
from api.cli.finding import find_command
from api.cli.importing import imports_group
from api.cli.keys import keys_group
from api.cli.logins import people_group
from api.cli.operating import (
    accept_clock_command,
    close_log_command,
    upgrade_command,
)
from api.cli.options import (
    Names,
    actor_option,
    append_option,
    begun,
    command,
    context_of,
    form_option,
    format_options,
    ledger_option,
    new_ledger_options,
    noting,
    opened,
    preview_option,
    question_options,
    roles,
)
from api.cli.output import as_json, print_record, print_rows, progress
from api.cli.persons import person_group
from api.cli.policies import policies_group
from api.cli.profiles import profiles_group
from api.cli.slips import slip_command
from api.messages import tr
from ledger.imports.choices import POLICIES, REJECT_EVERYTHING, STOCK
from projections.asking.names import OPTIONS, REPORTS, takers

if TYPE_CHECKING:
    from uuid import UUID


@command("demo")
def demo_command() -> None:
    """Record the shipped sample into an empty database and tell its story."""
    from api.demo import story

    story.run()


# -- files in -------------------------------------------------------------------------------------


@command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…",
                type=click.Path(path_type=Path))
@click.option("--profile", metavar="NAME|FILE",
              help="How to read the files: the name of a shipped profile, or a YAML file of your "
                   "own. Default: the one whose columns they have, shipped or beside them.")
@click.option("--template", metavar="NAME|FILE",
              help="Read nothing: make FILE, a .csv or .xlsx with the header of a profile.")
@click.option("--shop", metavar="NAME", help="The shop, if the files do not name one.")
@click.option("--policy", type=click.Choice(POLICIES),
              default=REJECT_EVERYTHING, show_default=True,
              help="What to do when rows have faults.")
@click.option("--stock", type=click.Choice(STOCK),
              help="Whether the goods move stock. Default: declared, if the profile names a "
                   "warehouse.")
@click.option("--trust-numbers", is_flag=True,
              help="Take numbers of 17 and more digits that end in three zeros: no spreadsheet "
                   "rounded them.")
@click.option("--as-of", metavar="TIME",
              help="When the files were made, where their names do not say it: a time with its "
                   "zone, or a day, to its end. An older file changes nothing that a newer one "
                   "said.")
@click.option("--dry-run", is_flag=True, help="Check everything and record nothing.")
@ledger_option
@new_ledger_options
@actor_option
@click.option("--json", "form", flag_value="json", default="table",
              help="Faults as JSON lines, and the counts as the last line.")
def import_command(
    files: tuple[Path, ...], *, profile: str | None, template: str | None, form: str,
    **options: Any,
) -> None:
    """Read a platform's export: every row is checked, then orders are recorded."""
    from api.cli import imports

    if template is not None:
        imports.make_template(template, files)
        return
    with imports.imported(files, profile, **options) as summary:
        imports.print_faults(summary, form)
        if form == "json":
            click.echo(as_json(summary.counts()))
        else:
            click.echo(imports.sentence(summary))
            print_record(summary.counts(), form=form)
        sys.exit(0 if summary.ok else 1)


# -- commands in ----------------------------------------------------------------------------------


def _command_names() -> list[str]:
    from ledger.handlers.table import SENT

    return list(SENT)


@command("do")
@click.argument("name", required=False, type=Names(_command_names), metavar="NAME")
@click.argument("file", required=False, default="-", type=click.File(encoding="utf-8"))
@click.option("--role", type=Names(roles), default="operations", show_default=True, metavar="WORD",
              help="The role in which it is done.")
@click.option("--command-id", type=click.UUID, metavar="UUID",
              help="A key of your own: sent again under it, a command is recorded once.")
@click.option("--fields", is_flag=True, help="Show what NAME takes, and send nothing.")
@preview_option
@ledger_option
@new_ledger_options
@actor_option
@format_options
def do_command(
    name: str | None, file: TextIO, *, role: str, command_id: "UUID | None", fields: bool,
    preview: bool, ledger_name: str, new: bool, zone: str | None, actor: str | None, form: str,
) -> None:
    """Send commands, such as stock.move: a JSON object, or one per line, in FILE or on stdin. The
    first refusal stops it. Without a NAME: list all commands and their fields."""
    from api.cli import submit

    if name is None or fields:
        if form == "json":
            print_rows(submit.listed(name), form=form)
        else:
            click.echo(submit.explained(name))
        return
    if not (text := file.read().removeprefix("\ufeff")).strip():  # a mark that Windows puts there
        raise click.UsageError(tr("No command was given: {file} is empty.", file=file.name))
    commands = list(submit.read(name, text))
    if preview:
        from api.cli import previewing

        previewing.show(commands, ledger_name, (actor, role, command_id), form=form)
        return
    with ExitStack() as stack:
        with submit.not_looked_up(command_id):
            found = stack.enter_context(begun(ledger_name, new=new, zone=zone))
            context = context_of(found, actor, role)
        for number, (one, filled) in enumerate(commands, 1):
            submit.show(found.ledger.handle(one, submit.identified(
                found.ledger.id, context, command_id, number, filled=filled)), form)


# -- questions ------------------------------------------------------------------------------------


@command("report", epilog="\n\n".join((f"NAME: {', '.join(REPORTS)}.", *(
    f"{option}: {', '.join(takers(field))}." for field, option in OPTIONS.items()))))
@click.argument("name", type=Names(lambda: REPORTS), metavar="NAME")
@click.argument("subject", required=False)
@question_options
@ledger_option
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write it to a file. xlsx needs one.")
@click.option("--columns", metavar="NAMES", help="Only these columns, in this order: names of the "
              "data with commas between them, such as subject,paid_minor.")
@click.option("--wide", is_flag=True, help="On a terminal: all columns, not the usual ones alone.")
@click.option("--limit", metavar="ROWS", type=click.IntRange(1), help="So many rows at the most.")
@form_option(["table", "json", "csv", "xlsx"])
def report_command(name: str, ledger_name: str, form: str, output: Path | None,
                   **asked: Any) -> None:
    """Show a report as of now or of any moment. A timeline needs a SUBJECT, such as
    order:taobao:云杉书店:123, a stock-card one such as sku:SH-001, and score-terms one such as
    member:7f3a. Which reports take a SUBJECT or an option stands below; others refuse it."""
    from api.cli import reports

    layout = reports.Layout.given(**{one: asked.pop(one) for one in ("columns", "wide", "limit")})
    question = reports.question(name, **asked)
    if form == "xlsx":
        reports.save(name, ledger_name, question, output, layout=layout)
    else:
        with reports.ask(name, ledger_name, question) as answer:
            reports.show(answer, form, output, layout)


@command("rebuild")
@click.argument("projections", nargs=-1, metavar="[PROJECTION…]")
@ledger_option
@format_options
def rebuild_command(projections: tuple[str, ...], ledger_name: str, form: str) -> None:
    """Compute read models from the log again and put them in place of the old ones."""
    from api.cli import reports

    with reports.read_models(ledger_name) as (_, models):
        with progress(tr("rebuild")) as step:
            statuses = models.rebuild(ledger_name, projections, step)
        print_rows([status._asdict() for status in statuses], form=form)
        for status in statuses:
            reports.raise_stopped(status)


# -- serving --------------------------------------------------------------------------------------


@command("serve")
def serve_command() -> None:
    """Serve the API and the console at LEDGER_BIND, by default 127.0.0.1:8000, until Ctrl-C or
    SIGTERM. Where nobody was invited yet, and only this machine can reach it, it prints a link that
    signs in once."""
    from api.cli import first_link
    from api.http.serving import serve_ledger

    serve_ledger(first_link.link)


# -- operating ------------------------------------------------------------------------------------


@command("verify")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False,
                                                        exists=True))
@ledger_option
@click.option("--expect", "expected", multiple=True, metavar="POSITION:ROOT",
              help="A position and root kept from earlier; proves that nothing up to there has "
                   "changed. @FILE: all lines of a file.")
@append_option
@click.option("--keys", "keys_only", is_flag=True,
              help="Open every sealed field instead, and say of each person without a key why that "
                   "is so.")
@format_options
def verify_command(
    file: Path | None, ledger_name: str, expected: tuple[str, ...], *, append_to: Path | None,
    keys_only: bool, form: str,
) -> None:
    """Hash every stored event again and check the log and the read models against it. With FILE, a
    copy of an SQLite ledger, only the log in it: no settings, keys or read models are needed. A
    line is appended only if everything is sound."""
    from api.cli import doctor, verifying
    from ledger.log.noted import expectations

    if keys_only:
        if file or expected or append_to:
            raise click.UsageError(tr("--keys looks at the keys only, with the settings."))
        found = doctor.verify_keys_of(ledger_name)
        verifying.show_keys(found, form)
        sys.exit(0 if found["ok"] else 1)
    roots = []
    for text in expected:
        found_in, torn = expectations(text)
        roots += found_in
        verifying.show_torn(text[1:], torn)
    with noting(append_to, *([] if file is None else [file])) as note:
        report = doctor.verify_all(ledger_name, roots, file)
        verifying.show(report, form)
        if report["ok"]:
            note(f"{report['position']}:{report['root']}")
    sys.exit(0 if report["ok"] else 1)


@command("doctor")
@ledger_option
@format_options
def doctor_command(ledger_name: str, form: str) -> None:
    """Look at settings, database, guards, clock, keys and read models, and say what is wrong."""
    from api.cli import doctor

    findings = doctor.examine(ledger_name)
    print_rows(findings, form=form)
    sys.exit(1 if any(finding["ok"] is False for finding in findings) else 0)


@command("backup")
@ledger_option
@click.option("--keys", "keys_only", is_flag=True,
              help="Write the wrapped keys instead of the log. Keep the two files apart.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@append_option
@format_options
def backup_command(
    ledger_name: str, keys_only: bool, file: Path, *, append_to: Path | None, form: str
) -> None:
    """Write the log with that of its keys and readings, or with --keys the wrapped keys of persons,
    into a new FILE."""
    from api.cli.doctor import expectation
    from api.cli.files import must_be_elsewhere
    from ledger.log import backup as backups
    from ledger.log import keys_backup
    from ledger.settings import Settings

    if keys_only and append_to is not None:
        raise click.UsageError(tr("--append-to is for the log: keys have no root."))
    must_be_elsewhere(file)
    if keys_only:
        with opened(ledger_name) as found:
            saved = keys_backup.backup_keys(found.keys, file, found.store)
            print_record({"file": str(file), **saved._asdict()}, form=form)
        return
    # The log can be saved when its keys are lost, too.
    with closing(Settings.from_environment().find_store(ledger_name)) as store, \
            noting(append_to) as note:
        with progress(tr("backup")) as step:
            heads = backups.backup_log(store, ledger_name, file, step)
        print_rows([{"ledger": name, "events": head.position, "expect": expectation(head)}
                    for name, head in heads.items()], form=form)
        note(expectation(heads[ledger_name]))


@command("restore")
@click.option("--keys", "keys_only", is_flag=True, help="FILE is a backup of keys.")
@click.option("--name", metavar="NAME", help="What to call the ledger here. Default: as before.")
@actor_option
@click.option("--reason", help="Why it is restored: this is recorded. Only keys need none.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@format_options
def restore_command(
    keys_only: bool, name: str | None, *, actor: str | None, reason: str | None, file: Path,
    form: str,
) -> None:
    """Read a backup into a database that does not hold it, and record that it was restored (or add
    its keys to the keys database)."""
    from api.cli import continuing

    if keys_only:
        print_record({"file": str(file), **continuing.restore_keys(file)._asdict()}, form=form)
    elif reason is None:
        continuing.must_be_of_log(file)
        raise click.MissingParameter(param_hint="--reason", param_type="option")
    else:
        print_rows(continuing.restore(file, name, actor=actor, reason=reason), form=form)


@command("give-up-keys")
@ledger_option
@click.option("--actor", required=True, metavar="ID", help="Who does it: a pseudonymous id.")
@click.option("--reason", required=True, help="How the keys were lost.")
@format_options
def give_up_keys_command(ledger_name: str, *, actor: str, reason: str, form: str) -> None:
    """Go on with new keys after the old ones were lost for good, and record it. What those sealed
    can be read again only if they are found and restored."""
    from api.cli import continuing

    print_rows(continuing.give_up_keys(ledger_name, actor=actor, reason=reason), form=form)


COMMANDS: list[click.Command] = [
    demo_command, import_command, imports_group, profiles_group, do_command, report_command,
    find_command, explain_command,
    *trial.COMMANDS, slip_command, rebuild_command, verify_command,
    policies_group, person_group, keys_group, people_group, serve_command,
    doctor_command, upgrade_command, accept_clock_command, close_log_command,
    backup_command, restore_command, give_up_keys_command,
]
