"""`ledger slip`: what whoever picks, packs and sends an order has to read; that is noted."""

from contextlib import closing

import click

from api.cli.options import (
    Names,
    actor_option,
    command,
    context_of,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import as_json

ROLES = ("warehouse", "warehouse_head", "service")


def _purposes() -> tuple[str, ...]:
    from ledger.access.readings import PURPOSES

    return PURPOSES


@command("slip")
@click.argument("order", metavar="ORDER")
@click.option("--purpose", required=True, type=Names(_purposes), metavar="WORD",
              help="What for: pick, check, pack, label, service, complaint, dispute or audit. It "
                   "is noted.")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True,
              help="The role in which it is read.")
@ledger_option
@actor_option
@format_options
def slip_command(
    order: str, *, purpose: str, role: str, ledger_name: str, actor: str | None, form: str
) -> None:
    """The slip of ORDER, to read or to print: where it goes, what is in it, in which bins that
    lies, and what has changed since it was approved. Who reads it, what for, and which fields were
    opened for it, is noted in the ledger of keys and readings before anything is shown."""
    from api import slips
    from api.cli import issuing
    from api.cli.reports import raise_stopped
    from projections.catalogue import PROJECTIONS
    from projections.slips import slip_of
    from projections.stock.inventory import Stock
    from projections.store.models import ReadModels

    with opened(ledger_name, writes=True) as found:
        with closing(ReadModels(found.store, PROJECTIONS)) as models:
            for status in models.catch_up(ledger_name):
                if status.projection == Stock.name:
                    raise_stopped(status)
            slip = slip_of(models, ledger_name, order)
        slip = slip.opened(found.ledger.keys_to_read())
        with slips.must_be_noted(), closing(issuing.opened(ledger_name)) as readings:
            slips.note(readings.ledger, slip, purpose, context_of(found, actor, role))
        if form == "json":
            click.echo(as_json({"as_of": slip.as_of, "item": slip.item}))
        else:
            for line in slips.lines_of(slip, purpose, found.ledger.days):
                click.echo(line)
