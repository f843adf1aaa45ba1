"""`ledger`: the command line as a program of its own, which needs nothing of Flask."""

import click

from api.cli.commands import COMMANDS
from api.cli.options import Group
from api.entry import begin
from ledger import __version__


@click.group("ledger", cls=Group, commands=COMMANDS, options_metavar="",
             subcommand_metavar="COMMAND …")
@click.version_option(__version__, prog_name="order-ledger")
def program() -> None:
    """An order and fulfilment ledger: every event is kept, and the log proves that none was
    changed. `ledger COMMAND --help` explains a command."""


def main() -> None:
    """Run the command that is asked for."""
    begin()
    program(prog_name="ledger")
