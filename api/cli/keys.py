"""`ledger keys`: keys of programs and people for the HTTP API."""

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


@click.group("keys", cls=Group)
def keys_group() -> None:
    """Keys of programs and people for the HTTP API."""


role_option = click.option("--role", required=True, type=Names(roles), help="What it may.")
overlap_option = click.option("--overlap-hours", type=click.IntRange(0, 24 * 90), default=24,
                              show_default=True, help="How long the old key goes on.")


@command("issue")
@click.option("--owner", required=True, metavar="ID", help="Whose it is: a pseudonymous id.")
@role_option
@click.option("--expires", metavar="TIME", help="Until when it opens anything.")
@ledger_option
@new_ledger_options
@actor_option
@format_options
def issue_command(
    ledger_name: str, *, new: bool, zone: str | None, actor: str | None, form: str, **options: Any
) -> None:
    """Give out a key. Its token is shown this once and is stored nowhere."""
    from api.cli import issuing

    with begun(ledger_name, new=new, zone=zone, access=True) as found:
        context = context_of(found, actor, "admin")
        print_record(issuing.issue(found, ledger_name, context, **options), form=form)


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
    from api.cli import issuing

    with closing(issuing.opened(ledger_name)) as found:
        print_record(issuing.rotate(found, ledger_name, context_of(found, actor, "admin"), key,
                                 overlap_hours=overlap_hours), form=form)


@command("revoke")
@click.argument("key")
@click.option("--reason", required=True, help="Why.")
@ledger_option
@actor_option
@format_options
def revoke_command(
    key: str, *, reason: str, ledger_name: str, actor: str | None, form: str
) -> None:
    """Let KEY open nothing any more, within a second."""
    from api.cli import issuing

    with closing(issuing.opened(ledger_name)) as found:
        issuing.revoke(found, context_of(found, actor, "admin"), key, reason)
    if form == "json":
        print_record({"key": key, "state": "revoked"}, form=form)


@command("list")
@ledger_option
@format_options
def list_command(ledger_name: str, form: str) -> None:
    """All keys, and the sessions that are open, with owner, role, expiry and last use; never their
    tokens."""
    from api.cli import issuing

    with closing(issuing.opened(ledger_name)) as found:
        print_rows(issuing.listed(found, ledger_name), form=form)


@command("rotate-master")
@click.option("--leave-damaged", is_flag=True,
              help="Go on although keys of persons are damaged: no backup mends them any more.")
@format_options
def rotate_master_command(*, leave_damaged: bool, form: str) -> None:
    """Wrap all keys of persons with a new master key, in the file of the old one, which is
    destroyed. Then no earlier backup of the keys can be read any more: make a new one."""
    from api.cli import continuing

    wrapped, damaged = continuing.rotate_master(leave_damaged=leave_damaged)
    print_record({"keys": wrapped, "damaged": damaged}, form=form)


for _one in (issue_command, rotate_command, revoke_command, list_command, rotate_master_command):
    keys_group.add_command(_one)
