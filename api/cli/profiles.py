"""`ledger profiles`: check a profile, and draft one."""

from pathlib import Path

import click

from api.cli.options import Group, command, days_here, format_options, ledger_option
from api.cli.output import as_json
from api.messages import tr

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group("profiles", cls=Group)
def profiles_group() -> None:
    """How exports are read: check a profile of your own, and draft one."""


@command("check")
@click.argument("profile", metavar="FILE")
@click.option("--sample", "samples", multiple=True, type=FILE, metavar="FILE",
              help="A file to read with it: say what each row would become.")
@ledger_option
@format_options
def check_command(
    profile: str, *, samples: tuple[Path, ...], ledger_name: str, form: str
) -> None:
    """Say all that is wrong in a profile, or in a shipped one by its name. With a sample, say what
    its rows would become, too; nothing is recorded, and what is personal is masked.
    Where the profile names no time zone, times are of that of the ledger."""
    from api.cli.imports import print_fault
    from ledger.imports import profiles
    from ledger.imports.trying import tried

    try:
        found = profiles.find(profile)
    except profiles.InvalidProfile as error:
        for wrong in error.faults:
            click.echo(f"{wrong.where or '/'}: {wrong.message} [{error.rule}, {wrong.code}]",
                       err=True)
        if error.left_out:
            click.echo(tr("and {count} more", count=error.left_out), err=True)
        raise SystemExit(1) from None
    if not samples:
        click.echo(tr("Nothing is wrong in profile {name}.", name=found.name))
        return
    made, faults, warnings = tried(found, samples, days_here(ledger_name))
    for one in made:
        if form == "json":
            click.echo(as_json(one._asdict()))
        else:
            rows = tr("rows {rows}: {command} {about}", rows=_rows(one.rows), command=one.becomes,
                      about=one.about)
            click.echo(f"{rows} {as_json(one.says)}")
    for fault in faults:
        print_fault(fault, form)
    for warning in warnings:
        print_fault(warning, form, warning=True)
    if faults:
        raise SystemExit(1)


def _rows(rows: object) -> str:
    if isinstance(rows, dict):
        return tr(", ").join(f"{label} {_rows(some)}" for label, some in rows.items())
    return tr(", ").join(map(str, rows)) if isinstance(rows, list) else str(rows)


@command("new")
@click.argument("file", metavar="FILE", type=FILE)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Write it to a new file, instead of to stdout.")
def new_command(file: Path, *, output: Path | None) -> None:
    """Draft a profile from the header of FILE, an export in Chinese or English, and the rows below
    it. Read it before you use it, and try it with `ledger profiles check`."""
    from ledger.imports.drafting import drafted

    text = drafted(file)
    if output is None:
        click.echo(text, nl=False)
        return
    with output.open("x", encoding="utf-8") as target:
        target.write(text)
    click.echo(tr("Written to {file}.", file=output), err=True)


for _one in (check_command, new_command):
    profiles_group.add_command(_one)
