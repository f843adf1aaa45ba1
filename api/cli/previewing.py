"""`--preview`: what commands would record and touch, as tables or as JSON."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import click

from api.cli.options import context_of, opened
from api.cli.output import in_full, print_record, print_rows
from api.cli.submit import identified
from api.messages import tr
from ledger.core.commands import Command
from projections.catalogue import PROJECTIONS
from projections.preview.answer import SECTIONS, preview
from projections.store.models import ReadModels

Sender = tuple[str | None, str, UUID | None]
"""The actor, the role, and the sender's own key."""


def show(
    commands: Sequence[tuple[Command, frozenset[str]]], ledger: str, sender: Sender, *, form: str
) -> None:
    """Say what commands would do together, in order, each on what the ones before leave.

    Errors: MissingLedger (R-SET-03); whatever refuses the first of them.
    """
    actor, role, command_id = sender
    with opened(ledger, writes=True) as found, \
            closing(ReadModels(found.store, PROJECTIONS)) as models:
        context = context_of(found, actor, role)
        items = [(one, identified(found.ledger.id, context, command_id, number, filled=filled))
                 for number, (one, filled) in enumerate(commands, 1)]
        answer = preview(models, found.ledger, items)
    if form == "json":
        print_record(answer, form=form)
        return
    _print(answer)


def _print(answer: dict[str, Any]) -> None:
    click.echo(tr("Nothing is recorded. As of position {position} this would record {count} "
                  "event(s):", position=answer["position"], count=answer["events"]["total"]))
    print_rows(answer["events"]["rows"], form="table")
    for name in SECTIONS:
        found = answer[name]
        if not found["total"]:
            continue
        click.echo(f"\n{name}: {found['total']}")
        print_rows([_printed(row) for row in found["rows"]], form="table")
        if found["total"] > len(found["rows"]):
            click.echo(tr("… and {count} more.", count=found["total"] - len(found["rows"])))
    for note in answer["notes"][1:]:
        click.echo(note)


def _printed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a section as a table shows it. Of what changes each value is shown, also one that is
    nothing by then: that it is, is the news."""
    of = " ".join(str(value) for value in row["of"].values() if value not in (None, ""))
    if row["before"] is None or row["after"] is None:
        return {**row, "of": of}
    return {**row, "of": of, **{side: in_full(row[side]) for side in ("before", "after")}}
