"""Replay: the events of some orders folded again, as far as one likes and without some of them.

It answers what would be, had an event not been recorded. It never writes to the log.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from ledger.common.errors import NotFound
from ledger.log.envelope import Entry, Outline
from ledger.log.store import Store
from projections.asking.clocks import NOW, AsOf, Cut, header
from projections.asking.past import NothingRecorded, fold_batches
from projections.orders import reconciliation
from projections.orders import rows as orders
from projections.orders.book import OrderBook
from projections.store.databases import in_memory


class NotReplayed(NotFound):
    """Position {positions} is not among the replayed events, so it cannot be left out."""

    code = "not_replayed"
    rule = "R-PRJ-08"


class Replayed(NamedTuple):
    """The outcome of a replay.

    Shapes: `as_of` as `clocks.header` makes it, with the positions left out in `without`; `orders`
    and `reconciliation` as the reports of these names; `positions` are those that were folded.
    """

    as_of: dict[str, Any]
    orders: list[dict[str, Any]]
    reconciliation: list[dict[str, Any]]
    positions: list[int]


class Difference(NamedTuple):
    """A field of a subject in which two replays differ; None where one of them has no such subject.
    """

    subject: str
    field: str
    before: Any
    after: Any


class Step(NamedTuple):
    """One event of a replay and what it changed of its order."""

    entry: Entry
    changes: list[Difference]


def replay(
    store: Store, ledger: str, streams: Sequence[str], *, until: AsOf = NOW,
    without: Collection[int] = (),
) -> Replayed:
    """Fold the events of some streams up to a moment, leaving some of them out.

    Errors: NothingRecorded (R-PRJ-07), NotReplayed (R-PRJ-08), PositionBeyondHead (R-PRJ-05).
    """
    cut = until.resolve(store, ledger)
    entries = _chosen(store, ledger, streams, cut=cut, without=without)
    own = store.id_of(ledger)
    generation = in_memory()
    try:
        fold_batches(generation, own, [list(map(Outline.of, entries))], OrderBook())
        with generation.reading() as connection:
            return Replayed(
                {**header(store, ledger, cut), "without": sorted(without)},
                list(orders.every(connection, own)),
                reconciliation.report(connection, own),
                [entry.position for entry in entries])
    finally:
        generation.close()


def _chosen(
    store: Store, ledger: str, streams: Sequence[str], *, cut: Cut, without: Collection[int]
) -> list[Entry]:
    found = store.streams(ledger, streams)
    missing = set(streams) - {entry.stream for entry in found}
    if missing and not cut.closed:  # what begins later must not change a closed answer
        raise NothingRecorded(ledger=ledger, subject=", ".join(sorted(missing)))
    entries = list(filter(cut.takes, found))
    if unknown := set(without) - {entry.position for entry in entries}:
        raise NotReplayed(positions=", ".join(map(str, sorted(unknown))))
    return [entry for entry in entries if entry.position not in without]


def steps(
    store: Store, ledger: str, streams: Sequence[str], *, until: AsOf = NOW,
    without: Collection[int] = (),
) -> Iterator[Step]:
    """A replay event by event, with what each one changed. Errors: as `replay`."""
    cut = until.resolve(store, ledger)
    entries = _chosen(store, ledger, streams, cut=cut, without=without)
    own = store.id_of(ledger)
    generation = in_memory()
    try:
        before: list[dict[str, Any]] = []
        for entry in entries:
            fold_batches(generation, own, [[Outline.of(entry)]], OrderBook())
            with generation.reading() as connection:
                after = list(orders.every(connection, own))
            yield Step(entry, differences(before, after))
            before = after
    finally:
        generation.close()


def compare(before: Replayed, after: Replayed) -> list[Difference]:
    """The fields of orders in which two replays differ, sorted by subject."""
    return differences(before.orders, after.orders)


def differences(
    before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]
) -> list[Difference]:
    """The fields in which rows with the same subject differ."""
    a, b = ({row["subject"]: row for row in rows} for rows in (before, after))
    found = []
    for subject in sorted({*a, *b}):
        left, right = a.get(subject, {}), b.get(subject, {})
        found += [Difference(subject, name, left.get(name), right.get(name))
                  for name in (left or right) if left.get(name) != right.get(name)]
    return found
