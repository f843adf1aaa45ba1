"""The past: a projection folded again, up to a cut, into tables that are thrown away."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from threading import BoundedSemaphore, local
from typing import Any

from sqlalchemy import Connection

from ledger.common.errors import NotFound, Unavailable
from ledger.log.envelope import Outline
from ledger.log.store import Store, gapless
from ledger.log.zones import days_of
from projections.asking.clocks import Cut
from projections.asking.giving_way import process
from projections.store.databases import in_a_file, in_memory
from projections.store.folding import Cutting, Folder, Projection, tables_of

BATCH = 20_000

IN_MEMORY = 100_000
"""Up to so many events are folded in memory, about 100 MB at the most: what is written to a file
must reach the disk before the next commit of a till on the same disk does."""


class NothingRecorded(NotFound):
    """Ledger {ledger!r} holds no event about {subject}."""

    code = "nothing_recorded"
    rule = "R-PRJ-07"

    @property
    def open(self) -> bool:
        """Whether the same question may be answered otherwise later."""
        return bool(self.details.get("open", True))


class NothingRecordedThen(NothingRecorded):
    """Ledger {ledger!r} held no event about {subject} at position {position}."""

    code = "nothing_recorded_then"
    rule = "R-PRJ-19"


class NothingOccurredThen(NothingRecorded):
    """Ledger {ledger!r} held no event about {subject} at position {position} that had occurred by
    {moment}."""

    code = "nothing_occurred_then"
    rule = "R-PRJ-20"


class NoSubject(NothingRecorded):
    """Ledger {ledger!r} holds nothing under the name {subject!r}. A name begins with what it is of,
    such as order:taobao:云杉书店:123, deduction:2609-1 or month:7f3a:2026-09; a SKU in a warehouse
    is stock:hangzhou:SH-001. `ledger find` finds names."""

    code = "no_subject"
    rule = "R-PRJ-48"


def nothing_of(ledger: str, subject: str) -> NothingRecorded:
    """That there is nothing about a subject now; what is no name of one is said to be none."""
    kind = NothingRecorded if ":" in subject else NoSubject
    return kind(ledger=ledger, subject=subject)


def nothing_about(subject: str, as_of: Mapping[str, Any]) -> NothingRecorded:
    """That there is nothing about a subject, as of what was asked: the header of the answer."""
    about = {"ledger": as_of["ledger"], "subject": subject, "open": as_of["open"]}
    if ":" not in subject:
        return NoSubject(**about)
    if (moment := as_of["occurred_as_of"]) is not None:
        return NothingOccurredThen(**about, position=as_of["position"], moment=moment)
    if as_of["recorded_as_of"] is not None or not as_of["open"]:
        return NothingRecordedThen(**about, position=as_of["position"])
    return NothingRecorded(**about)


def replays_on(processors: int) -> int:
    """How many threads of a process fold whole logs again at a time: each keeps a processor busy,
    and one is left to those who write, at whatever priority the folding runs."""
    return max(1, min(2, processors - 1))


MOST_REPLAYS = replays_on(os.cpu_count() or 1)

_replays = BoundedSemaphore(MOST_REPLAYS)
_replaying = local()


class PastBusy(Unavailable):
    """As many questions about the past of everything are being answered as may be at a time:
    {most}. Ask again in a moment, or about one order, case or SKU."""

    code = "past_busy"
    rule = "R-PRJ-34"


_charge: list[Callable[[int], None]] = []


def charge(by: Callable[[int], None]) -> None:
    """Let something learn how many events are about to be read again: it may refuse them."""
    _charge[:] = [by]


def cost(events: int) -> None:
    """Say that so many events are about to be read again. Errors: whatever refuses them."""
    for by in _charge:
        by(events)


def under_way() -> int:
    """How many turns are taken."""
    return MOST_REPLAYS - _replays._value


@contextmanager
def turn(events: int) -> Iterator[None]:
    """One of the turns to read a log of so many events again; what is read beside that belongs to
    the same turn and costs nothing more. Errors: PastBusy (R-PRJ-34), and what `cost` raises."""
    if getattr(_replaying, "now", False):
        yield
        return
    if not _replays.acquire(blocking=False):
        raise PastBusy(most=MOST_REPLAYS)
    _replaying.now = True
    process.begin_long()
    try:
        cost(events)
        yield
    finally:
        _replaying.now = False
        _replays.release()


@contextmanager
def past_of(
    store: Store, ledger: str, cut: Cut, projection: Projection, *, stream: str | None = None
) -> Iterator[Connection]:
    """A projection's tables as of a cut, in a temporary database; memory stays bounded.

    With `stream` they hold what that stream alone makes of them: a single thing's past costs as
    much as its own history, however long the log is. A projection that cuts the business time for
    itself gets every event up to the cut's position. Errors: PastBusy (R-PRJ-34) without `stream`.
    """
    takes = cut.takes
    if isinstance(projection, Cutting):
        projection.cut_at(cut.occurred_us)
        takes = cut._replace(occurred_us=None).takes
    with (turn(cut.position) if stream is None else nullcontext(),
          in_a_file(tables_of(projection)) if stream is None and cut.position > IN_MEMORY
          else closing(in_memory(tables=tables_of(projection))) as generation):
        batches = _batches(store, ledger, cut) if stream is None else [
            list(map(Outline.of, store.streams(ledger, [stream])))]
        folder = Folder(generation, store.id_of(ledger), days_of(store, ledger),
                        between=process.wait)
        fold_batches(folder, (list(filter(takes, entries)) for entries in batches), projection)
        with generation.reading() as connection:
            yield connection


def _batches(store: Store, ledger: str, cut: Cut) -> Iterator[list[Outline]]:
    after = 0
    while after < cut.position:
        entries = gapless(store.outlines(ledger, after=after, until=cut.position, limit=BATCH),
                          ledger, after=after, until=cut.position)
        yield entries
        after = entries[-1].position


def fold_batches(
    folder: Folder, batches: Iterable[Sequence[Outline]], projection: Projection
) -> None:
    """Fold batches. Errors: whatever makes an event unreadable or a fold fail."""
    for entries in batches:
        if entries:
            folder.fold(folder.progress([projection]), entries)
