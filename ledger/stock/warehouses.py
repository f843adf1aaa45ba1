"""Warehouses: a name must be opened before anything can lie there."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, ClassVar

from ledger.common.bounds import At, Id, Text
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Wanted, Work
from ledger.stock.errors import WarehouseUnknown


@lru_cache(1_000)
def warehouse_of(name: str) -> str:
    """The stream of a warehouse."""
    return subject("warehouse", name)


class Warehouse(Aggregate):
    """A warehouse; its stream is `warehouse:<name>`."""

    KIND = "warehouse"

    def begin(self) -> None:
        """It is not open."""
        self.name = ""

    class Opened(Aggregate.Event):
        """Stock can lie there from now on."""

        TOPIC = "warehouse.opened.v1"
        name: str
        title: str | None = None

    @event(Opened)
    def _opened(self, name):
        self.name = name

    def open(self, name: str, title: str | None, *, occurred_at: datetime) -> None:
        """Open it, once."""
        if not self.name:
            self._opened(name=name, title=title, occurred_at=occurred_at)


class OpenWarehouse(Command, frozen=True, kw_only=True):
    """Open a warehouse."""

    NAME: ClassVar[str] = "warehouse.open"
    name: Id
    occurred_at: At
    title: Annotated[str, Text(longest=200)] | None = None

    @property
    def subject(self) -> str:
        """The warehouse's stream."""
        return warehouse_of(self.name)

    def streams(self) -> Wanted:
        return [(Warehouse, self.subject)]


def must_be_open(work: Work, warehouse: str) -> None:
    """Errors: WarehouseUnknown (R-STK-04)."""
    if not work.see(Warehouse, warehouse_of(warehouse)).version:
        raise WarehouseUnknown(warehouse=warehouse)
