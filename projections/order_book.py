"""The projection of orders: their rows, and the sums of the reconciliation that move with them.

Both stand in one projection because a sum can only move by what an order contributed before.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec
from sqlalchemy import Table

from ledger.log.envelope import Outline
from projections import order_state, reconciliation
from projections.order_state import OrderState
from projections.orders import orders
from projections.projection import Fact
from projections.reconciliation import Held, OrderRow, Place, order_sums
from projections.rows import Change, Rows


class Book(msgspec.Struct):
    """The orders of a batch, the rows that they were loaded from, and the sums so far."""

    ledger: str
    orders: dict[str, OrderState]
    loaded: dict[str, OrderRow]
    sums: dict[Place, Held]


class OrderBook:
    """Folds orders. Its rows are those of the reports `orders` and `reconciliation`."""

    name: ClassVar[str] = "orders"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table, ...]] = (orders, order_sums)

    def load(self, rows: Rows, ledger: str, entries: Sequence[Outline]) -> Book:
        """The orders that earlier batches wrote, and the sums of all shops that are touched."""
        streams, earlier = order_state.streams_of(entries)
        shops = sorted({stream.split(":")[2] for stream in streams})
        loaded: dict[str, OrderRow] = {
            row.subject: tuple(row) for row in rows.among(orders, ledger, "subject", earlier)}
        sums = dict(map(reconciliation.held, rows.among(order_sums, ledger, "shop", shops)))
        return Book(ledger, {subject: order_state.state_of(row) for subject, row in loaded.items()},
                    loaded, sums)

    def fold(self, state: Book, facts: Iterable[Fact]) -> None:
        """Take facts into the orders."""
        order_state.fold(state.orders, facts)

    def changes(self, state: Book) -> Iterator[Change]:
        """The rows of the orders, then those of the sums that they moved."""
        rows = {subject: order_state.row_of(state.orders[subject])
                for subject in sorted(state.orders)}
        yield Change(orders, [row for subject, row in rows.items() if subject not in state.loaded],
                     [row for subject, row in rows.items() if subject in state.loaded])
        gone, come = map(reconciliation.by_place, (state.loaded.values(), rows.values()))
        yield Change(order_sums, [], [
            reconciliation.row_of(state.ledger, place, reconciliation.moved(
                state.sums.get(place), gone.get(place, ()), come[place]))
            for place in sorted(come)])
