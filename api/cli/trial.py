"""`ledger log`, `show`, `blame`, `diff`, `bisect`, `replay`: what can be asked of a history."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from api.cli.options import (
    actor_option,
    as_of_options,
    command,
    format_options,
    ledger_option,
)
from api.messages import tr

if TYPE_CHECKING:
    from projections.asking.clocks import AsOf
    from projections.asking.columns import Columns
    from projections.asking.questions import Answer
    from projections.store.models import ReadModels
    from projections.trial.supposing import Hypothesis, Means

subject_argument = click.argument("subject", metavar="SUBJECT")
without_option = click.option(
    "--without", multiple=True, type=int, metavar="N",
    help="As if the event at this position had not been recorded. More than once for several.")
with_option = click.option(
    "--with", "file", type=click.File(encoding="utf-8"), metavar="FILE",
    help="As if the commands in FILE (- for stdin) had been sent at the end, such as "
         '{"command": "order.pay", …}: the rules decide them, and nothing is recorded.')
policy_option = click.option(
    "--policy", type=click.IntRange(min=1), metavar="N",
    help="As if version N of the policies had been in force on every day.")


def _as_of(position: int | None, recorded_as_of: str | None, occurred_as_of: str | None) -> "AsOf":
    from projections.asking.clocks import AsOf

    return AsOf.parse(position, recorded_as_of, occurred_as_of)


@contextmanager
def _models(ledger: str) -> Iterator["ReadModels"]:
    from api.cli.reports import caught_up

    with caught_up(ledger) as models:
        yield models


@contextmanager
def _supposing(
    ledger: str, without: Sequence[int], file: TextIO | None, policy: int | None, *,
    actor: str | None,
) -> "Iterator[tuple[ReadModels, Hypothesis, Means | None]]":
    """The read models, what is supposed, and what decides the commands among it. Errors:
    BadSupposition (R-SUP-01), NothingSupposed (R-SUP-02)."""
    from contextlib import closing

    from api.cli.options import context_of, opened
    from projections.catalogue import PROJECTIONS
    from projections.store.models import ReadModels
    from projections.trial.supposing import Hypothesis, Means, NothingSupposed, commands_of

    if file is None:
        with _models(ledger) as models:
            yield models, Hypothesis(without, (), policy), None
        return
    given = Hypothesis(without, commands_of(file.read().removeprefix("\ufeff")), policy)
    if not given:
        raise NothingSupposed
    with opened(ledger, writes=True) as found, \
            closing(ReadModels(found.store, PROJECTIONS)) as models:
        means = Means(found.ledger.suppose, context_of(found, actor, "operations"),
                      found.ledger.clock.wall())
        yield models, given, means


def _show(
    answer: "Answer", form: str, kind: "type[Columns]",
    as_row: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """An answer of rows of some kind, each as a table has it."""
    from api.cli.output import as_json, print_rows
    from api.messages import as_of_line, spoken
    from api.sheets import heads
    from projections.asking.columns import columns_of

    if form == "json":
        click.echo(as_json({"as_of": answer.as_of, "items": answer.rows}))
        return
    click.echo(as_of_line(answer.as_of))
    print_rows([as_row(row) for row in answer.rows], form=form, heads=heads(columns_of(kind)))
    for note in answer.as_of["notes"]:
        click.echo(f"  {spoken(note)}")


def _said(value: Any) -> str:
    """A value of a fact on a line."""
    from api.cli.output import as_json

    return "–" if value is None else value if isinstance(value, str) else as_json(value)


def _change(field: str, before: Any, after: Any) -> str:
    """A change on a line. What begins to be known is said without a before."""
    if before is None:
        return f"{field} {_said(after)}"
    return f"{field} {_said(before)} → {_said(after)}"


def _changes(row: dict[str, Any]) -> dict[str, Any]:
    """An event with its changes, for a table."""
    changed = [_change(one["field"], one["before"], one["after"])
               for one in row["changes"] if one["before"] is not None or one["after"] != 0]
    more = len(changed) - MOST
    if more > 0:
        changed = [*changed[:MOST], tr("and {count} more", count=more)]
    return {"position": row["position"], "occurred_at": row["occurred_at"],
            "recorded_at": row["recorded_at"] if row["late"] else None, "type": row["type"],
            "actor": row["actor"], "corrects": row["corrects"],
            "corrected_by": row["corrected_by"] or None, "changes": "; ".join(changed)}


def _due(row: dict[str, Any]) -> dict[str, Any]:
    """What a fact is due to, for a table: two times only where it was known late."""
    shown = {**row, "value": _said(row["value"])}
    late = shown.pop("late")
    return {**shown, "recorded_at": shown["recorded_at"] if late else None}


MOST = 8
"""The most changes of one event in a table; JSON has all."""


@command("log")
@subject_argument
@click.option("--after", metavar="N", type=int, default=0,
              help="Only what was recorded after this position: what is new since you last looked.")
@as_of_options
@ledger_option
@format_options
def log_command(
    subject: str, *, after: int, ledger_name: str, form: str, **clocks: Any
) -> None:
    """Every event about SUBJECT, such as order:taobao:云杉书店:123 or stock:main:SH-001: who, when,
    and what it changed. Where one was recorded on a later day than it happened, both times
    stand."""
    from projections.trial import asking
    from projections.trial.answers import StepRow

    with _models(ledger_name) as models:
        _show(asking.history(models, ledger_name, subject, _as_of(**clocks), after=after), form,
              StepRow, _changes)


@command("replay")
@subject_argument
@without_option
@with_option
@policy_option
@as_of_options
@ledger_option
@actor_option
@format_options
def replay_command(
    subject: str, *, without: Sequence[int], file: TextIO | None, policy: int | None,
    ledger_name: str, actor: str | None, form: str, **clocks: Any,
) -> None:
    """The history of SUBJECT step by step, as it would be: without some of its events, with further
    commands, under another version of the policies. Nothing is recorded."""
    from projections.trial import asking
    from projections.trial.answers import StepRow

    with _supposing(ledger_name, without, file, policy, actor=actor) as (models, given, means):
        _show(asking.history(models, ledger_name, subject, _as_of(**clocks), given=given,
                             means=means), form, StepRow, _changes)


@command("blame")
@subject_argument
@click.argument("field", required=False, metavar="[FACT]")
@as_of_options
@ledger_option
@format_options
def blame_command(
    subject: str, field: str | None, *, ledger_name: str, form: str, **clocks: Any
) -> None:
    """Which event each fact of SUBJECT is due to, and who recorded it. FACT is one of them, such as
    paid_minor, or the path of several, such as lines/1."""
    from projections.trial import asking
    from projections.trial.answers import DueRow

    with _models(ledger_name) as models:
        _show(asking.due(models, ledger_name, subject, _as_of(**clocks), field=field), form,
              DueRow, _due)


@command("bisect")
@subject_argument
@click.argument("condition", metavar="CONDITION")
@as_of_options
@ledger_option
@format_options
def bisect_command(
    subject: str, condition: str, *, ledger_name: str, form: str, **clocks: Any
) -> None:
    """When CONDITION, such as 'paid_minor>=5000' or 'available<0', first held of SUBJECT, and each
    event at which that changed. It is a fact, one of = != < <= > >=, and a value; a fact alone
    holds while it is known, also as 0."""
    from projections.trial import asking
    from projections.trial.answers import TurnRow
    from projections.trial.verbs import Condition

    with _models(ledger_name) as models:
        _show(asking.turns(models, ledger_name, subject, _as_of(**clocks),
                           condition=Condition.parse(condition)), form, TurnRow, _due)


@command("diff")
@click.argument("subject", required=False, metavar="[SUBJECT]")
@click.option("--positions", metavar="A..B", help="After the first A events, and after the first "
              "B; what is left out is none, or all.")
@click.option("--recorded", metavar="A..B", help="What was known at A, and at B: times or days.")
@click.option("--occurred", metavar="C..D", help="Only what had happened by C, and by D; one time "
              "alone holds for both.")
@without_option
@with_option
@policy_option
@ledger_option
@actor_option
@format_options
def diff_command(
    subject: str | None, *, without: Sequence[int], file: TextIO | None, policy: int | None,
    ledger_name: str, actor: str | None, form: str, **spans: str | None,
) -> None:
    """In what SUBJECT differs between two moments, and which event made each difference; without
    one, which subjects of the whole ledger differ. With --without, --with or --policy alone: in
    what it would differ now."""
    from projections.trial import asking
    from projections.trial.answers import DifferenceRow
    from projections.trial.moments import two_of

    asked = spans["positions"], spans["recorded"], spans["occurred"]
    with _supposing(ledger_name, without, file, policy, actor=actor) as (models, given, means):
        before, after = two_of(*asked, same=bool(given))
        if subject is None:
            if given:
                raise click.UsageError(tr("What is supposed is asked about one SUBJECT."))
            _show_whole(models, ledger_name, before, after, form=form)
            return
        answer = asking.differences(models, ledger_name, subject, before=before, after=after,
                                    given=given, means=means)
        _show(answer, form, DifferenceRow, lambda row: {
            "field": row["field"], "before": _said(row["before"]), "after": _said(row["after"]),
            "because": row["because"]})


def _show_whole(
    models: "ReadModels", ledger: str, before: "AsOf", after: "AsOf", *, form: str
) -> None:
    """Which subjects of a ledger differ, row by row; in a table a line for each fact."""
    from api.cli.reports import LongAnswer, show
    from api.cli.spool import Spool
    from projections.asking.columns import columns_of
    from projections.asking.written import hides
    from projections.trial.answers import DifferingFact, SubjectDifferences
    from projections.trial.whole import Whole

    found = Whole.of(models, ledger, before, after)
    kind = SubjectDifferences if form == "json" else DifferingFact
    with Spool(found.all() if form == "json" else _facts(found.all())) as rows:
        sealed = next(([row] for row in rows if hides(row)), [])
        show(LongAnswer(found.header(sealed), rows, columns_of(kind)), form)


def _facts(rows: "Iterator[dict[str, Any]]") -> "Iterator[dict[str, Any]]":
    """A line for each fact that differs, and one for a subject in which none does."""
    for row in rows:
        for one in row["differences"]:
            yield {"subject": row["subject"], "field": one["field"], "because": one["because"],
                   "before": _said(one["before"]), "after": _said(one["after"])}
        if not row["differences"]:
            yield {"subject": row["subject"], "field": None, "because": row["events"],
                   "before": None, "after": None}


@command("show")
@click.argument("position", type=click.IntRange(min=1), metavar="POSITION")
@ledger_option
@format_options
def show_command(position: int, *, ledger_name: str, form: str) -> None:
    """The event at POSITION: what it says and changed, what it came of and what came of it, and
    its leaf in the tree over the log. Together with it are the events of the same command, and
    caused are those of later commands that it led to."""
    from api.cli.output import as_json, print_record
    from api.sheets import heads
    from projections.asking.columns import columns_of
    from projections.trial import asking
    from projections.trial.answers import EventShown

    with _models(ledger_name) as models:
        as_of, item = asking.event(models, ledger_name, position)
    if form == "json":
        click.echo(as_json({"as_of": as_of, "item": item}))
        return
    print_record({name: _shown_of(name, value) for name, value in item.items()}, form=form,
                 heads=heads(columns_of(EventShown)))


def _shown_of(name: str, value: Any) -> Any:
    """What a line says of a member of an event: of what it changed only that, path by path."""
    from api.cli.output import as_json
    from projections.trial.facts import parts_of
    from projections.trial.verbs import changes

    if name == "changes":
        before, after = (parts_of({one: pair[side] for one, pair in value.items()})
                         for side in ("before", "after"))
        return "; ".join(_change(*one) for one in changes(before, after)) or None
    return as_json(value) if isinstance(value, dict) else None if value == [] else value


COMMANDS = (log_command, show_command, blame_command, diff_command, bisect_command,
            replay_command)
