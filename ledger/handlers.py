"""Which handler decides which command."""

from collections.abc import Callable
from typing import Any

from ledger import clock, order_commands
from ledger.aggregate import Aggregate
from ledger.commands import Command, Work

Handler = Callable[[Any, Work], list[Aggregate]]

HANDLERS: dict[type[Command], Handler] = {
    **clock.HANDLERS,
    **order_commands.HANDLERS,
}


def find(command: type[Command]) -> Handler:
    """The handler of a command. Errors: KeyError for a class that is no command of ours."""
    return HANDLERS[command]
