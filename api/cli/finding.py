"""`ledger find`: what somebody types, found among the names of things."""

import click

from api.cli.options import Names, command, format_options, ledger_option
from api.messages import tr


def _kinds() -> tuple[str, ...]:
    from projections.names import KINDS

    return KINDS


@command("find")
@click.argument("text", metavar="TEXT")
@click.option("--kind", type=Names(_kinds), metavar="WORD",
              help="Only by this: order, case, waybill, sku, warehouse, transfer, movement, "
                   "import, member or deduction.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True,
              help="How many at the most.")
@ledger_option
@format_options
def find_command(text: str, *, kind: str | None, limit: int, ledger_name: str, form: str) -> None:
    """Find what is called TEXT, or whose name ends or begins so: orders and cases by their numbers,
    orders by their waybills, SKUs, warehouses, transfers, movements, imports, members, deductions.
    What bears that very name comes first, then the newest."""
    from api.cli.reports import LongAnswer, caught_up, show
    from projections.asking.columns import columns_of
    from projections.names import KINDS, SHORTEST, NameRow, find

    if len(text.strip()) < SHORTEST:
        raise click.UsageError(tr("{text!r} is too short to be looked for.", text=text))
    with caught_up(ledger_name) as models:
        found = find(models, ledger_name, text, kinds=KINDS if kind is None else [kind],
                     limit=limit)
    as_of = {**found.as_of, "more": found.more}
    if found.more:
        as_of["notes"] = [*as_of["notes"], tr("there are more; --limit shows up to 100")]
    show(LongAnswer(as_of, found.rows, columns_of(NameRow)), form)
