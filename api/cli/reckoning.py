"""`ledger policies due`, `pay` and `calendar`: what a policy comes to, before or after it holds."""

from decimal import Decimal

import click

from api.cli.options import command, format_options, ledger_option
from api.cli.output import print_record, print_rows
from api.messages import tr

policy_option = click.option(
    "--policy", "policies", multiple=True, metavar="POLICY",
    help="A version number, a policy file or a shipped one by its name, instead of the version in "
    "force; of several, each says what those before it do not.")


@command("due")
@click.argument("name", metavar="DEADLINE")
@click.option("--start", required=True, metavar="TIME", help="When it started.")
@click.option("--roster", metavar="ROSTER",
              help="The roster whose shifts count, instead of the printed ones.")
@policy_option
@ledger_option
@format_options
def due_command(
    name: str, *, start: str, roster: str | None, policies: tuple[str, ...], ledger_name: str,
    form: str,
) -> None:
    """Until when what started at a time has to be done, and from when it may be called late."""
    from api.cli import publishing

    print_record(publishing.reckoned(name, start, ledger_name, policies=policies, roster=roster),
                 form=form)


@command("pay")
@click.argument("scheme", metavar="SCHEME")
@click.argument("post", metavar="POST")
@click.option("--score", type=click.FloatRange(-1000, 1000), default=100, show_default=True,
              help="The score of the month.")
@click.option("--attained", type=click.FloatRange(0, 100), default=1, show_default=True,
              help="The share of the plan that was attained, such as 0.8.")
@click.option("--orders", type=click.IntRange(0, 10**15), default=0, show_default=True,
              metavar="MINOR", help="What the orders of the commission came to, in minor units.")
@click.option("--late", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="How often late, gone early or on leave.")
@click.option("--absent", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="Days absent without leave.")
@click.option("--low-months", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="Months in a row, this one included, with too low a score or a missed target.")
@policy_option
@ledger_option
@format_options
def pay_command(
    scheme: str, post: str, *, score: float, attained: float, orders: int, late: int, absent: int,
    low_months: int, policies: tuple[str, ...], ledger_name: str, form: str,
) -> None:
    """What a scheme pays a post for a month with these figures, term by term: the arithmetic of the
    policy, and nobody's wage."""
    from api.cli import publishing
    from ledger.scores.pay import Month

    month = Month(Decimal(str(score)), Decimal(str(attained)), orders, late, absent,
                  low_months)
    print_rows(publishing.paid(scheme, post, month, ledger_name, policies=policies), form=form)


@command("calendar")
@click.argument("year", type=click.IntRange(1900, 9000), metavar="YEAR")
def calendar_command(year: int) -> None:
    """Write the working days of a year and the one before it as a policy file, as they were
    announced. A year that was not is refused, and not guessed."""
    from ledger.policies import announced

    click.echo(announced.written(year), nl=False)
    click.echo(tr("These are the days that {library} has. Compare them with the announcement, and "
                  "publish them: `ledger policies publish FILE --from DAY`.",
                  library=announced.library()), err=True)
