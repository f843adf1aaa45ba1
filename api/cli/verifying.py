"""How `ledger verify` shows what it found."""

from typing import Any

import click

from api.cli.output import as_json, print_record
from api.messages import counted, tr
from ledger.log.noted import Torn


def show_torn(path: str, torn: list[Torn]) -> None:
    """Say which lines of a file that was kept were not looked at, and why none is missed."""
    for one in torn:
        click.echo(tr("Line {line} of {path} was interrupted ({text}) and proves nothing by itself;"
                      " a later line of the file covers what it did.",
                      line=one.line, path=path, text=one.text), err=True)


def show_keys(found: dict[str, Any], form: str) -> None:
    """Show what became of the keys: what is wrong first, then the counts."""
    if form == "json":
        click.echo(as_json(found))
        return
    _show_problems(found)
    print_record({name: value for name, value in found.items()
                  if name not in ("ok", "problems", "access")}, form=form)
    if (access := found["access"]) is not None:
        _show_problems(access)
        word = (tr("The ledger of keys and readings lacks keys.") if access["problems"] else
                tr("The ledger of keys and readings has its keys.") if found["problems"] else
                tr("The ledger of keys and readings has its keys, too."))
        click.echo(f"{word} {counted(access['events'])}")


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
    if report["expected"]:
        click.echo(_kept(report["expected"], report["fitting"]))
    if report["unread"] is not None:
        click.echo(report["unread"], err=True)
    if report["problems"] or (report["access"] or {}).get("problems"):
        click.echo(tr("Keep a copy of the database as it is, before anything else; "
                      "docs/operator.md says what to look at next."))


def _kept(expected: int, fitting: int) -> str:
    if fitting < expected:
        return tr("Of {expected} kept line(s) {fitting} fit.", expected=expected, fitting=fitting)
    return tr("1 kept line fits.") if expected == 1 else tr(
        "{expected} kept lines fit.", expected=expected)


def _show_problems(report: dict[str, Any]) -> None:
    for problem in report["problems"]:
        click.echo(f"{problem['position']}: {problem['what']}")


def _show_verified(report: dict[str, Any], sound: str, unsound: str) -> None:
    _show_problems(report)
    word = unsound if report["problems"] else sound
    click.echo(tr("{word} {events}, {position}:{root}", word=word, position=report["position"],
                  root=report["root"], events=counted(report["events"])))
