"""The command line: `flask demo`, `import`, `report`, `verify` and what an operator needs.

Exit codes: 0 done, 1 refused or failed with a message, 2 wrong usage. Results go to stdout,
progress and messages of failure to stderr.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from api import demo, imports, keys, reports, submit
from api import doctor as checks
from api.messages import explain, language, tr
from api.output import as_json, print_record, print_rows, progress
from ledger.access import ROLES
from ledger.errors import InvalidValues, LedgerError
from ledger.importing.importer import REJECT_EVERYTHING, REJECT_FAILED_ROWS, STOCK
from ledger.log import backup as backups
from ledger.log.verify import Expectation
from ledger.policy_errors import PolicyUnsound
from ledger.receipts import Context
from ledger.settings import Opened, Settings, default_actor, open_ledger
from projections.reports import REPORTS

Command = Callable[..., Any]


class _Told(click.Command):
    """A command that helps in the user's language."""

    def get_help(self, ctx: click.Context) -> str:
        """Its help; the catalogue's keys have their white space folded."""
        if language() != "zh":
            return super().get_help(ctx)
        told = copy(self)
        told.params = [copy(param) for param in self.params]
        for part in (told, *told.params):
            if words := getattr(part, "help", None):
                template = " ".join(words.split())
                setattr(part, "help", tr(template))  # noqa: B010
        return click.Command.get_help(told, ctx)


# -- what the commands share ----------------------------------------------------------------------


def command(name: str) -> Callable[[Command], click.Command]:
    """A command whose errors are messages and exit code 1; its help is its docstring."""

    def decorate(function: Command) -> click.Command:
        @wraps(function)
        def guarded(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            except (InvalidValues, PolicyUnsound) as error:
                for fault in error.faults:
                    click.echo(f"{fault.where}: {fault.message} [{fault.code}]", err=True)
                sys.exit(1)
            except LedgerError as error:
                click.echo(explain(error), err=True)
                sys.exit(1)

        return click.command(name, cls=_Told)(guarded)

    return decorate


ledger_option = click.option("--ledger", "ledger_name", default="main", show_default=True,
                             metavar="NAME", help="Which ledger of the database.")
actor_option = click.option("--actor", metavar="ID", help="Who does it: a pseudonymous id. "
                            "Default: a pseudonym of the login.")


def format_options(function: Command) -> Command:
    """`--format table|json`, and `--json` short for it."""
    function = click.option("--json", "form", flag_value="json",
                            help="Short for --format json.")(function)
    return click.option("--format", "form", type=click.Choice(["table", "json"]),
                        default="table", show_default=True)(function)


def as_of_options(function: Command) -> Command:
    """The two clocks of a question."""
    function = click.option("--occurred-as-of", metavar="TIME",
                            help="Only what had happened by then.")(function)
    function = click.option("--recorded-as-of", metavar="TIME",
                            help="Only what the ledger knew by then.")(function)
    return click.option("--position", metavar="N", type=int,
                        help="Only the first N events.")(function)


@contextmanager
def opened(name: str) -> Iterator[Opened]:
    """The ledger of the settings, closed at the end."""
    found = open_ledger(name=name)
    try:
        yield found
    finally:
        found.close()


def context_of(found: Opened, actor: str | None, role: str) -> Context:
    """Who works here and now, through the command line."""
    if actor is None:
        actor = default_actor(found.ledger)
    return Context(actor=actor, role=role, client="cli")


@command("demo")
def demo_command() -> None:
    """Record the shipped sample into an empty database and tell its story."""
    demo.run()


# -- files in -------------------------------------------------------------------------------------


@command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…",
                type=click.Path(path_type=Path))
@click.option("--profile", required=True, metavar="NAME|FILE",
              help="How to read it: a shipped profile's name, or a YAML file of your own.")
@click.option("--shop", metavar="NAME", help="The shop, where the files name none.")
@click.option("--policy", type=click.Choice([REJECT_EVERYTHING, REJECT_FAILED_ROWS]),
              default=REJECT_EVERYTHING, show_default=True,
              help="What to do when rows have faults.")
@click.option("--stock", type=click.Choice(STOCK),
              help="Whether the goods move in stock. Default: declared, where the profile names a "
                   "warehouse.")
@click.option("--dry-run", is_flag=True, help="Check everything and record nothing.")
@ledger_option
@actor_option
@click.option("--json", "form", flag_value="json", default="table",
              help="Faults as JSON lines, and the counts as the last line.")
def import_command(files: tuple[Path, ...], profile: str, form: str, **options: Any) -> None:
    """Read a platform's export: every row is checked, then orders are recorded."""
    with imports.imported(files, profile, **options) as summary:
        imports.print_faults(summary, form)
        if form == "json":
            click.echo(as_json(summary.counts()))
        else:
            click.echo(imports.told(summary))
            print_record(summary.counts(), form=form)
        sys.exit(0 if summary.ok else 1)


# -- commands in ----------------------------------------------------------------------------------


@command("do")
@click.argument("name", required=False, type=click.Choice(list(submit.COMMANDS)), metavar="NAME")
@click.argument("file", required=False, default="-", type=click.File(encoding="utf-8"))
@click.option("--role", default="operator", show_default=True, metavar="WORD",
              help="In which role it is done.")
@ledger_option
@actor_option
@format_options
def do_command(
    name: str | None, file: TextIO, *, role: str, ledger_name: str, actor: str | None, form: str,
) -> None:
    """Send a command, such as stock.move: a JSON object, or one a line, in FILE or on stdin. The
    first that is refused ends it. Without a NAME: list all commands and their fields."""
    if name is None:
        print_rows(submit.listed(), form=form)
        return
    commands = list(submit.read(name, file.read()))
    with opened(ledger_name) as found:
        context = context_of(found, actor, role)
        for one in commands:
            receipt = found.ledger.handle(one, context)
            if form == "json":
                click.echo(as_json(submit.told(receipt)))
            elif receipt.positions:
                click.echo(tr("Recorded at position {position}.",
                              position=", ".join(map(str, receipt.positions))))
            else:
                click.echo(tr("Known already: nothing is recorded."))


# -- questions ------------------------------------------------------------------------------------


@command("report")
@click.argument("name", type=click.Choice(sorted(REPORTS)))
@click.argument("subject", required=False)
@click.option("--channel", metavar="NAME", help="Only this channel's.")
@click.option("--shop", metavar="NAME", help="Only this shop's.")
@click.option("--from", "since", metavar="DAY", help="The first day of the period.")
@click.option("--to", "until", metavar="DAY", help="The last day of the period, included.")
@as_of_options
@ledger_option
@format_options
def report_command(name: str, ledger_name: str, form: str, **asked: Any) -> None:
    """Show a report as of now or of any moment. A timeline needs a SUBJECT, such as
    order:taobao:云杉书店:123, and a stock-card one such as sku:SH-001; others can be given one."""
    reports.show(reports.ask(name, ledger_name, reports.question(**asked)), form)


@command("rebuild")
@click.argument("projections", nargs=-1, metavar="[PROJECTION…]")
@ledger_option
@format_options
def rebuild_command(projections: tuple[str, ...], ledger_name: str, form: str) -> None:
    """Compute read models from the log anew and put them in the place of the old ones."""
    with reports.read_models() as (_, models):
        with progress(tr("rebuild")) as step:
            statuses = models.rebuild(ledger_name, projections, step)
        print_rows([status._asdict() for status in statuses], form=form)
        for status in statuses:
            reports.raise_stopped(status)


# -- keys -----------------------------------------------------------------------------------------


@click.group("keys", cls=click.Group)
def keys_group() -> None:
    """Keys of programs and people for the HTTP API."""


role_option = click.option("--role", required=True, type=click.Choice(ROLES), help="What it may.")
overlap_option = click.option("--overlap-hours", type=click.IntRange(0, 24 * 90), default=24,
                              show_default=True, help="How long the old key goes on.")


@command("issue")
@click.option("--owner", required=True, metavar="ID", help="Whose it is: a pseudonymous id.")
@role_option
@click.option("--expires", metavar="TIME", help="Until when it opens anything.")
@ledger_option
@actor_option
@format_options
def issue_command(ledger_name: str, actor: str | None, form: str, **told: Any) -> None:
    """Give out a key. Its token is shown this once and is stored nowhere."""
    with closing(keys.opened(ledger_name)) as found:
        print_record(keys.issue(found, ledger_name, context_of(found, actor, "admin"), **told),
                     form=form)


@command("rotate")
@click.argument("key")
@overlap_option
@ledger_option
@actor_option
@format_options
def rotate_command(
    key: str, *, overlap_hours: int, ledger_name: str, actor: str | None, form: str
) -> None:
    """Give out another key in the place of KEY, which goes on for some hours."""
    with closing(keys.opened(ledger_name)) as found:
        print_record(keys.rotate(found, ledger_name, context_of(found, actor, "admin"), key,
                                 overlap_hours=overlap_hours), form=form)


@command("revoke")
@click.argument("key")
@click.option("--reason", required=True, help="Why.")
@ledger_option
@actor_option
def revoke_command(key: str, *, reason: str, ledger_name: str, actor: str | None) -> None:
    """Let KEY open nothing any more, within a second."""
    with closing(keys.opened(ledger_name)) as found:
        keys.revoke(found, context_of(found, actor, "admin"), key, reason)


@command("list")
@ledger_option
@format_options
def list_command(ledger_name: str, form: str) -> None:
    """All keys with owner, role, expiry and last use; never their tokens."""
    with closing(keys.opened(ledger_name)) as found:
        print_rows(keys.listed(found, ledger_name), form=form)


for _one in (issue_command, rotate_command, revoke_command, list_command):
    keys_group.add_command(_one)


# -- operating ------------------------------------------------------------------------------------


@command("verify")
@ledger_option
@click.option("--expect", "expected", multiple=True, metavar="POSITION:ROOT",
              help="A position and root noted earlier; proves that the log of then is a prefix.")
@format_options
def verify_command(ledger_name: str, expected: tuple[str, ...], form: str) -> None:
    """Hash every stored event again and check the log and the read models against it."""
    report = checks.verify_all(ledger_name, [Expectation.parse(text) for text in expected])
    if form == "json":
        click.echo(as_json(report))
    else:
        for problem in report["problems"]:
            click.echo(f"{problem['position']}: {problem['what']}")
        word = tr("The log is what was recorded.") if report["ok"] else tr("The log is not sound.")
        click.echo(f"{word} {report['events']} events, {report['position']}:{report['root']}")
    sys.exit(0 if report["ok"] else 1)


@command("doctor")
@ledger_option
@format_options
def doctor_command(ledger_name: str, form: str) -> None:
    """Look at settings, database, guards, clock, keys and read models, and say what is wrong."""
    findings = checks.examine(ledger_name)
    print_rows(findings, form=form)
    sys.exit(0 if all(finding["ok"] for finding in findings) else 1)


@command("upgrade")
def upgrade_command() -> None:
    """Bring the database's schema to what this version needs."""
    store = Settings.from_environment().open_store(prepare=False)
    try:
        before, needed = store.schema()
        store.upgrade()
        click.echo(tr("The schema is {needed} (it was {before}).", needed=needed, before=before))
    finally:
        store.close()


@command("accept-clock")
@ledger_option
@actor_option
@click.option("--reason", required=True, help="Why the clock is right.")
def accept_clock_command(ledger_name: str, actor: str | None, reason: str) -> None:
    """Take the computer's clock as right although the guard suspects it. It is recorded."""
    with opened(ledger_name) as found:
        receipt = found.ledger.accept_clock(reason, context_of(found, actor, "admin"))
        click.echo(tr("Recorded at position {position}.", position=receipt.positions[0]))


@command("backup")
@ledger_option
@click.option("--keys", "keys_only", is_flag=True,
              help="Write the wrapped keys instead of the log. Keep the two files apart.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@format_options
def backup_command(ledger_name: str, keys_only: bool, file: Path, form: str) -> None:
    """Write the log, or with --keys the wrapped keys, into a new FILE."""
    with opened(ledger_name) as found:
        if keys_only:
            print_record({"file": str(file), "keys": backups.backup_keys(found.keys, file)},
                         form=form)
            return
        with progress(tr("backup")) as step:
            head = backups.backup_log(found.store, ledger_name, file, step)
        print_record({"file": str(file), "events": head.position,
                      "expect": checks.expectation(head)}, form=form)


@command("restore")
@click.option("--keys", "keys_only", is_flag=True, help="FILE is a backup of keys.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@format_options
def restore_command(keys_only: bool, file: Path, form: str) -> None:
    """Read a backup into an empty database (or add its keys to the keys database)."""
    settings = Settings.from_environment()
    if keys_only:
        keys = settings.open_keys()
        try:
            print_record({"file": str(file), "keys": backups.restore_keys(keys, file)}, form=form)
        finally:
            keys.close()
        return
    store = settings.open_store()
    try:
        with progress(tr("restore")) as step:
            name, head = backups.restore_log(store, file, step)
        print_record({"ledger": name, "events": head.position,
                      "expect": checks.expectation(head)}, form=form)
    finally:
        store.close()


COMMANDS: list[click.Command] = [
    demo_command, import_command, do_command, report_command, rebuild_command, verify_command,
    keys_group,
    doctor_command, upgrade_command, accept_clock_command, backup_command, restore_command,
]
