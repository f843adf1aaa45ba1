"""`ledger explain`: the formula of every figure, down to the numbers that stand in events."""

from itertools import groupby
from typing import Any

import click

from api.cli.options import command, format_options, ledger_option, question_options


@command("explain")
@click.argument("name", metavar="NAME")
@click.argument("subject", required=False)
@click.option("--figure", metavar="NAME", help="Only this figure: a column of the report, such as "
              "available or score.")
@click.option("--depth", metavar="N", type=click.IntRange(min=1),
              help="Only so many levels of a formula: 1 is the figure itself.")
@question_options
@ledger_option
@format_options
def explain_command(
    name: str, *, figure: str | None, depth: int | None, ledger_name: str, form: str, **asked: Any
) -> None:
    """The figures of the report NAME, each with the formula that it comes of, down to numbers that
    stand in events: position, pointer, factor. In place of a report NAME may be what figures are
    about: order:taobao:云杉书店:123, stock:hangzhou:SH-001, month:7f3a:2026-09. SUBJECT and options
    are those of the report."""
    from api.cli.output import as_json
    from api.cli.reports import caught_up, question
    from api.messages import as_of_line, spoken
    from projections.explaining.figures import explain, must_be_explained, report_about, to_depth

    if ":" in name:
        name, about = report_about(name)
        asked |= about
    must_be_explained(name)
    with caught_up(ledger_name) as models:
        answer = explain(models, ledger_name, name, question(name, **asked), figure=figure)
    rows = to_depth(answer.rows, depth)
    if form == "json":
        click.echo(as_json({"as_of": answer.as_of, "items": rows}))
        return
    click.echo(as_of_line(answer.as_of))
    _show(rows)
    for note in answer.as_of["notes"]:
        click.echo(f"  {spoken(note)}")


def _show(rows: list[dict[str, Any]]) -> None:
    """Each figure under a line that says which it is."""
    from api.cli.output import print_rows
    from api.sheets import heads
    from projections.asking.columns import columns_of
    from projections.explaining.answers import ExplainedRow

    labels = heads(columns_of(ExplainedRow))
    if not rows:
        print_rows(rows, form="table")
    for (row, figure), steps in groupby(rows, key=lambda one: (one["row"], one["figure"])):
        print_rows([{column: step[column] for column in SHOWN} for step in steps], form="table",
                   title=f"{row}: {figure}", heads=labels)


SHOWN = ("step", "formula", "what", "factor", "value", "position", "type", "pointer")
"""What a table shows of a step; what it is about stands above it."""
