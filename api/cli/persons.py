"""`ledger person`: whose data it is, what is held on them, and that two people erase it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from api.cli.options import (
    Group,
    Names,
    actor_option,
    command,
    context_of,
    form_option,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import as_json, print_record, print_rows
from api.messages import tr

if TYPE_CHECKING:
    from ledger.core.commands import Command
    from ledger.erasure.traces import Group as Persons
    from ledger.settings import Opened


@click.group("person", cls=Group)
def person_group() -> None:
    """Whose data it is, what is held on them, and that two people erase it."""


def _grounds() -> tuple[str, ...]:
    from ledger.erasure.record import GROUNDS

    return GROUNDS


person_argument = click.argument("person")
receipt_options = (ledger_option, actor_option, format_options)


def _sending(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((person_argument, *receipt_options)):
        function = option(function)
    return function


def _must_be_person(person: str) -> None:
    """Errors: InvalidValues (R-VAL-01), which says how a person is found."""
    from ledger.common.values import Checks
    from ledger.erasure.commands import check_person

    checks = Checks()
    check_person(checks, "/person", person)
    checks.done()


@command("find")
@click.argument("about", required=False, metavar="order:…|case:…|member:…")
@click.option("--account", metavar="CHANNEL:ACCOUNT", help="The account of a buyer on a channel.")
@ledger_option
@format_options
def find_command(
    about: str | None, account: str | None, ledger_name: str, form: str
) -> None:
    """The persons for whom something in an order, a case or a member's stream is sealed; or the one
    with an account."""
    from ledger.erasure.finding import person_of_account, persons_of

    channel, _, name = (account or "").partition(":")
    if (about is None) == (account is None) or (account is not None and not (channel and name)):
        raise click.UsageError(tr("Name an order, a case or a member, or --account "
                                  "CHANNEL:ACCOUNT."))
    with opened(ledger_name) as found:
        keys = found.ledger.keys
        persons = ([person_of_account(keys, channel, name)] if about is None
                   else persons_of(found.store, keys, about))
        print_rows([{"person": person} for person in persons], form=form)


def _send(found: "Opened", one: "Command", actor: str | None, form: str) -> None:
    from api.cli import submit

    submit.show(found.ledger.handle(one, context_of(found, actor, "admin")), form)


@command("request-erasure")
@click.option("--ground", required=True, type=Names(_grounds), help="Why.")
@_sending
def request_command(
    person: str, *, ground: str, ledger_name: str, actor: str | None, form: str
) -> None:
    """Ask to erase PERSON. Nothing is erased before somebody else confirms it."""
    from ledger.erasure.finding import request_of

    with opened(ledger_name, writes=True) as found:
        _send(found, request_of(found.store, found.ledger.keys, person, ground=ground,
                                occurred_at=datetime.now(UTC)), actor, form)


@command("withdraw-erasure")
@_sending
def withdraw_command(person: str, *, ledger_name: str, actor: str | None, form: str) -> None:
    """No longer ask to erase PERSON."""
    from ledger.erasure.commands import WithdrawErasure

    with opened(ledger_name, writes=True) as found:
        _send(found, WithdrawErasure(person=person, occurred_at=datetime.now(UTC)), actor, form)


@command("confirm-erasure")
@_sending
def confirm_command(person: str, *, ledger_name: str, actor: str | None, form: str) -> None:
    """Erase PERSON, and all who go together with them, for ever. Somebody else asked for it."""
    from ledger.erasure.finding import confirmation_of

    with opened(ledger_name, writes=True) as found:
        _send(found, confirmation_of(found.store, found.ledger.keys, person,
                                     occurred_at=datetime.now(UTC)), actor, form)


@command("hold")
@click.option("--reason", required=True, help="Why; it is sealed for the person.")
@_sending
def hold_command(
    person: str, *, reason: str, ledger_name: str, actor: str | None, form: str
) -> None:
    """Let nobody erase PERSON for now, such as during a dispute."""
    from ledger.erasure.commands import HoldPerson

    with opened(ledger_name, writes=True) as found:
        _send(found, HoldPerson(person=person, reason=reason, occurred_at=datetime.now(UTC)),
              actor, form)


@command("lift-hold")
@_sending
def lift_hold_command(person: str, *, ledger_name: str, actor: str | None, form: str) -> None:
    """Let PERSON be erased again."""
    from ledger.erasure.commands import LiftPersonHold

    with opened(ledger_name, writes=True) as found:
        _send(found, LiftPersonHold(person=person, occurred_at=datetime.now(UTC)), actor, form)


@command("status")
@person_argument
@ledger_option
@format_options
def status_command(person: str, ledger_name: str, form: str) -> None:
    """Whether somebody asks to erase PERSON, whether they are held, or erased; and what that waits
    for."""
    from ledger.erasure.finding import status_of

    _must_be_person(person)
    with opened(ledger_name) as found:
        print_record(status_of(found.store, found.ledger.keys, person), form=form)


def _note(
    found: "Opened", ledger: str, actor: str | None, *, person: str, group: "Persons", position: int
) -> None:
    """Note in the ledger of keys and readings that somebody reads what is held on a person, before
    anything is shown. Errors: BadLedgerName (R-LDG-09), those of `ledger.handle`."""
    from contextlib import closing

    from api.cli import issuing
    from api.http.noting import notes_of

    context = context_of(found, actor, "admin")
    with closing(issuing.opened(ledger)) as access:
        for note in notes_of("ledger person export", person, filters=(), persons=group.persons,
                             position=position):
            access.ledger.handle(note, context)


@command("export")
@person_argument
@ledger_option
@actor_option
@form_option(["json"])
def export_command(person: str, *, ledger_name: str, actor: str | None, form: str) -> None:
    """All that is held on PERSON: a JSON object with each event about them, with what is sealed for
    them opened. Who exports it is noted in the ledger of keys and readings."""
    from ledger.erasure.finding import together_with
    from ledger.log.zones import days_of
    from projections.audit.persons import held_on

    _must_be_person(person)
    with opened(ledger_name, writes=True) as found:
        keys = found.ledger.keys
        group, traces = together_with(found.store, keys, person)
        _note(found, ledger_name, actor, person=person, group=group, position=traces.seen)
        click.echo(as_json({
            "person": person, "together": sorted(group.persons), "position": traces.seen,
            "events": list(held_on(found.store, keys, group, traces.seen,
                                   days=days_of(found.store, ledger_name)))}))


@command("retain")
@click.option("--dry-run", is_flag=True, help="List who would be erased, and erase nobody.")
@ledger_option
@actor_option
@format_options
def retain_command(*, dry_run: bool, ledger_name: str, actor: str | None, form: str) -> None:
    """Erase the persons whom the policy keeps no longer: those with nothing open and no hold, so
    many days after the last that is known of them. Run it once a day."""
    from ledger.erasure.retaining import due, slices

    now = datetime.now(UTC)
    with opened(ledger_name, writes=True) as found:
        context = context_of(found, actor, "admin")
        ready = list(due(found.ledger, context, now))
        receipts = [] if dry_run else [
            found.ledger.handle(one, context) for one in slices(ready, now)]
        if form == "json":
            click.echo(as_json({
                "persons": sorted(person for one in ready for person in one.group.persons),
                "erased": not dry_run,
                "positions": [at for one in receipts for at in one.positions]}))
        elif dry_run:
            print_rows([{"person": person, "stands_in": sorted(one.group.streams)}
                        for one in ready for person in sorted(one.group.persons)], form=form)
        else:
            click.echo(tr("{count} person(s) were erased.",
                          count=sum(len(one.group.persons) for one in ready)))


for _one in (find_command, request_command, withdraw_command, confirm_command, hold_command,
             lift_hold_command, status_command, export_command,
             retain_command):
    person_group.add_command(_one)
