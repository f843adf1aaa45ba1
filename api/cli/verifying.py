"""How `ledger verify` shows what it found."""

from typing import Any

import click

from api.cli.output import as_json, print_record
from api.messages import counted, tr


def show_keys(found: dict[str, Any], form: str) -> None:
    """Show what became of the keys: what is wrong first, then the counts."""
    if form == "json":
        click.echo(as_json(found))
        return
    for problem in found["problems"]:
        click.echo(f"{problem['position']}: {problem['what']}")
    print_record({name: value for name, value in found.items() if name not in ("ok", "problems")},
                 form=form)


def show(report: dict[str, Any], form: str) -> None:
    """Show what was found in a log and in the ledger of its keys and readings."""
    if form == "json":
        click.echo(as_json(report))
        return
    _show_verified(report, tr("The log is what was recorded."), tr("The log is not sound."))
    if report["access"] is not None:
        sound = (tr("The ledger of keys and readings is sound.") if report["problems"]
                 else tr("The ledger of keys and readings is sound, too."))
        _show_verified(report["access"], sound,
                       tr("The ledger of keys and readings is not sound."))
    if report["unread"] is not None:
        click.echo(report["unread"], err=True)


def _show_verified(report: dict[str, Any], sound: str, unsound: str) -> None:
    for problem in report["problems"]:
        click.echo(f"{problem['position']}: {problem['what']}")
    word = unsound if report["problems"] else sound
    click.echo(f"{word} {counted(report['events'])}, {report['position']}:{report['root']}")
