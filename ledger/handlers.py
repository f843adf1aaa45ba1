"""Which handler decides which command."""

from ledger import (
    access,
    after_sales,
    appraisal,
    clock,
    deciding,
    declared_stock,
    fulfilment_commands,
    imports,
    order_commands,
    order_history,
    order_review_commands,
    people_commands,
    presence,
    rosters,
    skus,
    transfers,
    warehouses,
)
from ledger.commands import Command, Handler

HANDLERS: dict[type[Command], Handler] = {
    **clock.HANDLERS,
    **imports.HANDLERS,
    **order_commands.HANDLERS,
    **order_history.HANDLERS,
    **order_review_commands.HANDLERS,
    **skus.HANDLERS,
    **warehouses.HANDLERS,
    **fulfilment_commands.HANDLERS,
    **transfers.HANDLERS,
    **declared_stock.HANDLERS,
    **after_sales.HANDLERS,
    **appraisal.HANDLERS,
    **people_commands.HANDLERS,
    **presence.HANDLERS,
    **rosters.HANDLERS,
    **deciding.HANDLERS,
    **access.HANDLERS,
}


def find(command: type[Command]) -> Handler:
    """The handler of a command. Errors: KeyError for a class that is no command of ours."""
    return HANDLERS[command]
