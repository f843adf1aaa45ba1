"""The projection of orders: their rows, and the sums of the reconciliation that move with them.

Both stand in one projection because a sum can only move by what an order contributed before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Table

from ledger.log.envelope import Entry
from projections import order_state, reconciliation
from projections.order_state import OrderState
from projections.orders import orders
from projections.projection import Fact
from projections.reconciliation import Contribution, Held, Place, order_sums
from projections.rows import Change, Rows


class Book(msgspec.Struct):
    """The orders of a batch, with what the loaded ones contributed and the sums so far."""

    ledger: str
    orders: dict[str, OrderState]
    loaded: frozenset[str]
    minus: dict[Place, list[Contribution]]
    sums: dict[Place, Held]


class OrderBook:
    """Folds orders. Its rows are those of the reports `orders` and `reconciliation`."""

    name: ClassVar[str] = "orders"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table, ...]] = (orders, order_sums)

    def load(self, rows: Rows, ledger: str, entries: Sequence[Entry]) -> Book:
        """The orders that earlier batches wrote, and the sums of all shops that are touched."""
        streams, earlier = order_state.streams_of(entries)
        shops = sorted({stream.split(":")[2] for stream in streams})
        found = list(map(order_state.state_of, rows.among(orders, ledger, "subject", earlier)))
        minus: dict[Place, list[Contribution]] = defaultdict(list)
        for order in found:
            minus[order.key].append(reconciliation.contribution(order))
        return Book(ledger, {order.subject: order for order in found},
                    frozenset(order.subject for order in found), minus,
                    dict(map(reconciliation.held,
                             rows.among(order_sums, ledger, "shop", shops))))

    def fold(self, state: Book, facts: Iterable[Fact]) -> None:
        """Take facts into the orders."""
        order_state.fold(state.orders, facts)

    def changes(self, state: Book) -> Iterator[Change]:
        """The rows of the orders, then those of the sums that they moved."""
        inserts: list[tuple[Any, ...]] = []
        upserts: list[tuple[Any, ...]] = []
        for subject in sorted(state.orders):
            row = order_state.row_of(state.orders[subject])
            (upserts if subject in state.loaded else inserts).append(row)
        yield Change(orders, inserts, upserts)
        yield Change(order_sums, [], self._sums(state))

    def _sums(self, state: Book) -> list[tuple[Any, ...]]:
        plus: dict[Place, list[Contribution]] = defaultdict(list)
        last: dict[Place, int] = defaultdict(int)
        for order in state.orders.values():
            key = order.key
            plus[key].append(reconciliation.contribution(order))
            last[key] = max(last[key], order.position)
        return [
            reconciliation.row_of(state.ledger, key, reconciliation.moved(
                state.sums.get(key), state.minus.get(key, ()), plus[key], last[key]))
            for key in sorted(plus)
        ]
