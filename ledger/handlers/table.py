"""Which handler decides which command."""

from ledger import access
from ledger.core import clock
from ledger.core.commands import Command, Handler
from ledger.fulfilment import commands as fulfilment_commands
from ledger.fulfilment import declared_stock
from ledger.handlers import (
    attendance as presence,
)
from ledger.handlers import (
    deductions as deciding,
)
from ledger.handlers import (
    returns as after_sales,
)
from ledger.handlers import (
    scores as appraisal,
)
from ledger.imports import record as imports
from ledger.orders import (
    commands as order_commands,
)
from ledger.orders import (
    declared as order_history,
)
from ledger.orders import (
    review_commands as order_review_commands,
)
from ledger.people import commands as people_commands
from ledger.people import rosters
from ledger.stock import skus, transfers, warehouses

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
