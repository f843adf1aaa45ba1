"""`ledger people`: who may sign in to the console."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from api.cli.options import (
    Group,
    Names,
    actor_option,
    begun,
    command,
    context_of,
    format_options,
    ledger_option,
    new_ledger_options,
    roles,
)
from api.cli.output import print_record, print_rows


@click.group("people", cls=Group)
def people_group() -> None:
    """Who may sign in to the console."""


reason_option = click.option("--reason", required=True, help="Why.")


@command("invite")
@click.argument("owner")
@click.option("--role", "as_roles", required=True, multiple=True, type=Names(roles),
              help="What they may; can be given several times. A member may whatever their posts "
                   "give.")
@click.option("--hours", type=click.IntRange(1, 24 * 14), default=24, show_default=True,
              help="For how long the link opens a session.")
@click.option("--address", metavar="URL", help="Where browsers find the console, such as "
              "https://ledger.example.com. Default: where the server listens.")
@ledger_option
@new_ledger_options
@actor_option
@format_options
def invite_command(
    owner: str, *, as_roles: tuple[str, ...], hours: int, address: str | None, ledger_name: str,
    new: bool, zone: str | None, actor: str | None, form: str,
) -> None:
    """Give out a link with which OWNER, a pseudonymous id, signs in once and may set a password. It
    is shown this once; a newer link makes it void."""
    from api.cli import inviting

    with begun(ledger_name, new=new, zone=zone, access=True) as found:
        context = context_of(found, actor, "admin")
        print_record(inviting.invite(
            found, ledger_name, context, owner=owner, roles=list(dict.fromkeys(as_roles)),
            hours=hours, address=address), form=form)


@command("logins")
@ledger_option
@format_options
def logins_command(ledger_name: str, form: str) -> None:
    """All logins with their roles, how they stand, and how many sessions are open."""
    from api.cli import inviting, issuing

    with closing(issuing.opened(ledger_name)) as found:
        print_rows(inviting.listed(found, ledger_name), form=form)


def _changed(
    change: Callable[..., None], owner: str, options: dict[str, Any], state: str
) -> None:
    """Change how a login stands, and say so where a program listens."""
    from api.cli import issuing

    with closing(issuing.opened(options["ledger_name"])) as found:
        change(found, context_of(found, options["actor"], "admin"), owner, options["reason"])
    if options["form"] == "json":
        print_record({"owner": owner, "state": state}, form=options["form"])


@command("lock")
@click.argument("owner")
@reason_option
@ledger_option
@actor_option
@format_options
def lock_command(owner: str, **options: Any) -> None:
    """Let OWNER sign in no more until they are unlocked, and end their sessions."""
    from api.cli import inviting

    _changed(inviting.lock, owner, options, "locked")


@command("unlock")
@click.argument("owner")
@reason_option
@ledger_option
@actor_option
@format_options
def unlock_command(owner: str, **options: Any) -> None:
    """Let OWNER sign in again, also after too many wrong passwords."""
    from api.cli import inviting

    _changed(inviting.unlock, owner, options, "good")


@command("end")
@click.argument("owner")
@reason_option
@ledger_option
@actor_option
@format_options
def end_command(owner: str, **options: Any) -> None:
    """End the login of OWNER with its sessions, its link and its password."""
    from api.cli import inviting

    _changed(inviting.end, owner, options, "ended")


for _one in (invite_command, logins_command, lock_command, unlock_command, end_command):
    people_group.add_command(_one)
