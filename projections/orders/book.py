"""The projection of orders: their rows, and the sums of the reconciliation that move with them.

Both stand in one projection because a sum can only move by what an order contributed before.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Table

from ledger.common.days import Days
from ledger.log.envelope import Outline
from ledger.orders import folding
from ledger.orders import state as order_state
from ledger.orders.folding import Taking
from ledger.orders.state import OrderState
from projections.orders import reconciliation
from projections.orders.reconciliation import PAPERS, Held, OrderRow, Place, order_sums
from projections.orders.rows import orders
from projections.orders.signatures import SIGNED, row_of, signatures
from projections.orders.takings import order_papers, order_takings
from projections.store.folding import Fact
from projections.store.rows import Change, Rows


class Book(msgspec.Struct):
    """The orders of a batch, the rows that they were loaded from, the sums so far, what papers of
    the batch add to them, and those papers, what came in and who signed it by themselves."""

    ledger: bytes
    orders: dict[str, OrderState]
    loaded: dict[str, OrderRow]
    sums: dict[Place, Held]
    papers: dict[Place, Held] = {}
    takings: list[Taking] = []
    paper_rows: list[tuple[Any, ...]] = []
    signed: list[tuple[Any, ...]] = []


class OrderBook:
    """Folds orders. Its rows are those of the reports `orders`, `reconciliation` and `revenue`."""

    name: ClassVar[str] = "orders"
    version: ClassVar[int] = 10
    tables: ClassVar[tuple[Table, ...]] = (
        orders, order_sums, order_takings, order_papers, signatures)

    def load(
        self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days
    ) -> Book:
        """The orders that earlier batches wrote, and the sums of all shops that are touched."""
        streams, earlier = folding.streams_of(entries)
        papers = {entry.stream for entry in entries if entry.type in PAPERS}
        shops = sorted({stream.split(":")[2] for stream in (*streams, *papers)})
        loaded: dict[str, OrderRow] = {
            row.subject: tuple(row) for row in rows.among(orders, ledger, "subject", earlier)}
        sums = dict(map(reconciliation.held, rows.among(order_sums, ledger, "shop", shops)))
        return Book(ledger, {subject: order_state.state_of(row) for subject, row in loaded.items()},
                    loaded, sums)

    def fold(self, state: Book, facts: Iterable[Fact]) -> None:
        """Take facts into the orders, and papers into the sums."""
        facts = list(facts)
        folding.fold(state.orders, facts, state.takings)
        for entry, event in facts:
            if entry.type == SIGNED:
                state.signed.append(row_of(entry, event))
            if entry.type in PAPERS:
                place, more = reconciliation.paper_of(entry, event)
                state.papers[place] = reconciliation.added(state.papers.get(place), more)
                state.paper_rows.append((
                    state.ledger, entry.position, *place, entry.occurred_at,
                    msgspec.json.encode(more.figures).decode()))

    def changes(self, state: Book) -> Iterator[Change]:
        """The rows of the orders, then those of the sums that they moved."""
        rows = {subject: order_state.row_of(state.orders[subject])
                for subject in sorted(state.orders)}
        yield Change(orders, [row for subject, row in rows.items() if subject not in state.loaded],
                     [row for subject, row in rows.items() if subject in state.loaded])
        gone, come = map(reconciliation.by_place, (state.loaded.values(), rows.values()))
        sums = dict(state.sums)
        for place in come:
            sums[place] = reconciliation.moved(sums.get(place), gone.get(place, ()), come[place])
        for place, more in state.papers.items():
            sums[place] = reconciliation.added(sums.get(place), more)
        yield Change(order_sums, [], [reconciliation.row_of(state.ledger, place, sums[place])
                                      for place in sorted({*come, *state.papers})])
        yield Change(order_takings, [(state.ledger, *taking) for taking in state.takings], [])
        yield Change(order_papers, state.paper_rows, [])
        yield Change(signatures, sorted(state.signed), [])
