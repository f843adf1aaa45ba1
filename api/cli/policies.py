"""`ledger policies`: check policy files, publish them, and tell two versions apart."""

import click

from api.cli.options import (
    Group,
    actor_option,
    begun,
    command,
    context_of,
    format_options,
    ledger_option,
    new_ledger_options,
    preview_option,
)
from api.cli.output import print_record, print_rows
from api.cli.reckoning import calendar_command, due_command, pay_command
from api.messages import tr


@click.group("policies", cls=Group)
def policies_group() -> None:
    """Score rules, scorecards, pay, deadlines: published versions, each from a day on."""


@command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def check_command(files: tuple[str, ...]) -> None:
    """Say all that is wrong in policy files, or in shipped ones by their names. Files that are
    checked together may speak of each other."""
    from api.cli import publishing

    publishing.check(files)
    click.echo(tr("Nothing is wrong in {count} file(s).", count=len(set(files))))


@command("publish")
@click.argument("file", metavar="FILE")
@click.option("--from", "effective_from", required=True, metavar="DAY",
              help="The first day on which it holds.")
@preview_option
@ledger_option
@new_ledger_options
@actor_option
@format_options
def publish_command(
    file: str, effective_from: str, *, preview: bool, ledger_name: str, new: bool, zone: str | None,
    actor: str | None, form: str,
) -> None:
    """Let the sections of a policy file, or of a shipped one by its name, hold from a day on. Each
    replaces what held of that section whole: what the file does not name of it falls away. Sections
    that the file does not have hold as before."""
    from api.cli import publishing

    command = publishing.publication(file, effective_from)
    if preview:
        from api.cli import previewing

        previewing.show([(command, frozenset())], ledger_name, (actor, "admin", None), form=form)
        return
    with begun(ledger_name, new=new, zone=zone) as found:
        receipt = found.ledger.handle(command, context_of(found, actor, "admin"))
        version, away = publishing.published(found.store, ledger_name, receipt.positions[0])
        if form == "json":
            print_record({"version": version, "from": effective_from,
                          "position": receipt.positions[0], "falls_away": away}, form=form)
            return
        click.echo(tr("Version {version} holds from {day} on; recorded at position {position}.",
                      version=version, day=effective_from, position=receipt.positions[0]))
        for section, names in away.items():
            click.echo(tr("Section {section} is replaced whole. What it said of these falls away: "
                          "{names}.", section=section, names=", ".join(names)))
        if command.policy.sections.retention is not None:
            click.echo(tr(
                "Its retention waits until somebody else confirms it, and from {day} on no other "
                "is in force until then: echo '{said}' | ledger do policy.confirm_retention",
                day=effective_from, said=f'{{"version": {version}}}'))


@command("list")
@ledger_option
@format_options
def list_command(ledger_name: str, form: str) -> None:
    """All published versions, and from which day each holds."""
    from api.cli import publishing

    print_rows(publishing.versions(ledger_name), form=form)


@command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@ledger_option
@format_options
def diff_command(before: str, after: str, ledger_name: str, form: str) -> None:
    """What B says otherwise than A: version numbers, policy files, or names of shipped ones. Of a
    file that is compared with a version, what would change if it were published."""
    from api.cli import publishing

    print_rows(publishing.compared(before, after, ledger_name), form=form)


for _one in (check_command, publish_command, list_command, diff_command, due_command, pay_command,
             calendar_command):
    policies_group.add_command(_one)
