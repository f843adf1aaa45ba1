"""What an import records in."""

from collections.abc import Sequence
from typing import Protocol

from ledger.common.context import Context, Receipt
from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.imports.erased import Known
from ledger.imports.older import Aware
from ledger.log.clock import Clock
from ledger.log.store import Head, Store

Item = tuple[Command, Context]


class Target(Known, Aware, Protocol):
    """What an import needs of the ledger that it records in: see `ledger.application.Ledger`."""

    name: str
    id: bytes
    store: Store
    clock: Clock

    @property
    def days(self) -> Days:
        """Its days, which are those of its zone."""
        ...

    def head(self) -> Head:
        """Where the log ends."""
        ...

    def preview(self, items: Sequence[Item]) -> list[int | LedgerError]:
        """How many events each command would record now, or its refusal."""
        ...

    def handle_many(self, items: Sequence[Item]) -> list[Receipt | LedgerError]:
        """Decide commands in order, each failing alone."""
        ...
