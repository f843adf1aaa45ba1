"""What an operator does to a log as a whole: its schema, its clock, its days."""

import click

from api.cli.options import (
    actor_option,
    command,
    context_of,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import as_json
from api.messages import tr


@command("upgrade")
@format_options
def upgrade_command(form: str) -> None:
    """Bring the database's schema to what this version needs."""
    from ledger.settings import Settings

    store = Settings.from_environment().open_store(prepare=False)
    try:
        before, needed = store.schema()
        store.upgrade()
    finally:
        store.close()
    if form == "json":
        click.echo(as_json({"schema": needed, "before": before}))
    else:
        click.echo(tr("The schema is {needed} (it was {before}).", needed=needed, before=before))


@command("accept-clock")
@ledger_option
@actor_option
@click.option("--reason", required=True, help="Why the clock is right.")
@format_options
def accept_clock_command(ledger_name: str, *, actor: str | None, reason: str, form: str) -> None:
    """Accept the computer's clock although the guard suspects it. This is recorded, also in the
    ledger of keys and readings, and also where only a server that runs suspects it."""
    from ledger.log.store import SUFFIX

    with opened(ledger_name, writes=True) as found:
        receipt = found.ledger.accept_clock(reason, context_of(found, actor, "admin"))
    with opened(ledger_name + SUFFIX) as keys:
        if keys.ledger.head().position:
            keys.ledger.accept_clock(reason, context_of(keys, actor, "admin"))
    _recorded(receipt.positions[0], form)


@command("close-log")
@ledger_option
@actor_option
@format_options
def close_log_command(ledger_name: str, *, actor: str | None, form: str) -> None:
    """Close the last day so far, and anchor the ledger of keys and readings in the log. Where
    nothing was recorded in either since, nothing is."""
    with opened(ledger_name, writes=True) as found:
        receipt = found.ledger.close_log(context_of(found, actor, "admin"))
    if receipt is not None:
        _recorded(receipt.positions[0], form)
    elif form == "json":
        click.echo(as_json({"position": None}))
    else:
        click.echo(tr("Nothing has been recorded since the log was last closed."))


def _recorded(position: int, form: str) -> None:
    click.echo(as_json({"position": position}) if form == "json" else
               tr("Recorded at position {position}.", position=position))
