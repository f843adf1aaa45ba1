"""`flask policies`: check policy files, publish them, and tell two versions apart."""

from contextlib import closing
from datetime import UTC, datetime

import click

from api.cli.options import (
    actor_option,
    command,
    context_of,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import print_rows
from api.messages import tr
from ledger.log.store import Store
from ledger.policies.checks import findings
from ledger.policies.commands import PublishPolicy
from ledger.policies.errors import PolicyUnsound
from ledger.policies.reader import faults_at, read
from ledger.policies.values import Sections
from ledger.settings import Settings
from projections.policies import book_of, differences, listed


@click.group("policies", cls=click.Group)
def policies_group() -> None:
    """Score rules, scorecards, pay, deadlines: published versions, each from a day on."""


@command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def check_command(files: tuple[str, ...]) -> None:
    """Say all that is wrong in policy files, or in shipped ones by their names. Files that are
    checked together may speak of each other."""
    policies = {name: read(name) for name in files}
    wrong = []
    for name, policy in policies.items():
        others = Sections()
        for other, one in policies.items():
            others = one.sections.over(others) if other != name else others
        wrong += faults_at([fault for fault in findings(policy.sections, others)
                            if getattr(policy.sections, fault.where.split("/")[1]) is not None],
                           name)
    if wrong:
        raise PolicyUnsound(wrong)
    click.echo(tr("Nothing is wrong in {count} file(s).", count=len(policies)))


@command("publish")
@click.argument("file", metavar="FILE")
@click.option("--from", "effective_from", required=True, metavar="DAY",
              help="The first day on which it holds.")
@ledger_option
@actor_option
def publish_command(
    file: str, effective_from: str, ledger_name: str, actor: str | None
) -> None:
    """Let the sections of a policy file, or of a shipped one by its name, hold from a day on. What
    it does not speak of holds as before."""
    policy = read(file)
    with opened(ledger_name) as found:
        receipt = found.ledger.handle(
            PublishPolicy(policy=policy, effective_from=effective_from,
                          occurred_at=datetime.now(UTC)),
            context_of(found, actor, "admin"))
        version = book_of(found.store, ledger_name).latest.number
        click.echo(tr("Version {version} holds from {day} on; recorded at position {position}.",
                      version=version, day=effective_from, position=receipt.positions[0]))


@command("list")
@ledger_option
@format_options
def list_command(ledger_name: str, form: str) -> None:
    """All published versions, and from which day each holds."""
    with _store() as store:
        print_rows(listed(store, ledger_name), form=form)


@command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@ledger_option
@format_options
def diff_command(before: str, after: str, ledger_name: str, form: str) -> None:
    """What B says otherwise than A: version numbers, policy files, or names of shipped ones. Of a
    file that is compared with a version, what would change if it were published."""
    a, b = (_sections(name, ledger_name) for name in (before, after))
    if before.isdigit() and not after.isdigit():
        b = b.over(a)
    print_rows(differences(a, b), form=form)


def _sections(name: str, ledger: str) -> Sections:
    if not name.isdigit():
        return read(name).sections
    with _store() as store:
        return book_of(store, ledger).must_know(int(name)).said


def _store() -> closing[Store]:
    return closing(Settings.from_environment().open_store())


for _one in (check_command, publish_command, list_command, diff_command):
    policies_group.add_command(_one)
