"""The past: a projection folded again, up to a cut, into tables that are thrown away."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from ledger.common.errors import NotFound
from ledger.log.envelope import Outline
from ledger.log.store import Store
from projections.asking.clocks import Cut
from projections.store.databases import Generation, in_a_file
from projections.store.folding import Folder, Projection

BATCH = 20_000


class NothingRecorded(NotFound):
    """Ledger {ledger!r} holds no event about {subject}."""

    code = "nothing_recorded"
    rule = "R-PRJ-07"


@contextmanager
def past(store: Store, ledger: str, cut: Cut, projection: Projection) -> Iterator[Connection]:
    """A projection's tables as of a cut, in a temporary database; memory stays bounded."""
    with in_a_file() as generation:
        fold_batches(generation, ledger, (list(filter(cut.takes, entries))
                                   for entries in _batches(store, ledger, cut)), projection)
        with generation.reading() as connection:
            yield connection


def _batches(store: Store, ledger: str, cut: Cut) -> Iterator[list[Outline]]:
    after = 0
    while entries := store.outlines(ledger, after=after, until=cut.position, limit=BATCH):
        yield entries
        after = entries[-1].position


def fold_batches(
    generation: Generation, ledger: str, batches: Iterable[Sequence[Outline]],
    projection: Projection,
) -> None:
    """Fold batches. Errors: whatever makes an event unreadable or a fold fail."""
    folder = Folder(generation, ledger)
    for entries in batches:
        if entries:
            folder.fold(folder.progress([projection]), entries)
