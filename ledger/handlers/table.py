"""Which handler decides which command."""

from collections.abc import Mapping

from ledger.core.commands import Command, Handler
from ledger.handlers import (
    access,
    clock,
    corrections,
    declared_cases,
    deductions,
    erasure,
    fulfilment,
    imports,
    logins,
    movements,
    orders,
    people,
    policies,
    presence,
    prices,
    reconciliation,
    retention,
    returns,
    scores,
    skus,
    stock,
)


def joined(*tables: Mapping[type[Command], Handler]) -> dict[type[Command], Handler]:
    """Several tables as one. Errors: ValueError if two of them decide the same command, since the
    order of the tables would then decide which one counts."""
    found: dict[type[Command], Handler] = {}
    for table in tables:
        if twice := sorted(command.NAME for command in found.keys() & table.keys()):
            raise ValueError(f"decided twice: {', '.join(twice)}")
        found.update(table)
    return found


HANDLERS = joined(
    access.HANDLERS, clock.HANDLERS, corrections.HANDLERS, declared_cases.HANDLERS,
    deductions.HANDLERS, erasure.HANDLERS, fulfilment.HANDLERS, imports.HANDLERS,
    logins.HANDLERS, movements.HANDLERS, orders.HANDLERS, people.HANDLERS, policies.HANDLERS,
    presence.HANDLERS, prices.HANDLERS, reconciliation.HANDLERS, retention.HANDLERS,
    returns.HANDLERS, scores.HANDLERS, skus.HANDLERS, stock.HANDLERS)
"""The handler of every command of the ledger."""

SENT: dict[str, type[Command]] = {
    cls.NAME: cls for cls in sorted(HANDLERS, key=lambda cls: cls.NAME)
    if cls.REFUSALS_KEPT and not cls.NAME.startswith((
        "log.", "key.", "login.", "reading.", "person."))}
"""What a person may send, by name. What a file declares goes through `ledger import`."""
