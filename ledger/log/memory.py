"""The log in memory: lists and dictionaries, for tests and for trying things out.

What a transaction adds is in the lists at once, but nobody else sees beyond the position of the
head, which moves when it commits; after an error, whatever lies beyond the head is removed again.
"""

import os
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ledger.common.values import MAX_INTEGER
from ledger.log.accounts import Balance, Kinds, Span, accounts_in, between
from ledger.log.bounds import must_be_storable
from ledger.log.envelope import Entry, Outline, listed_subjects
from ledger.log.merkle import TILE_LEAVES
from ledger.log.store import (
    NOBODY,
    NOTHING,
    Forked,
    Head,
    Known,
    LedgerHere,
    LedgerTaken,
    LedgerUnknown,
    LogConflict,
    Tile,
    Which,
    must_fit,
    shown,
)


class _Ledger:
    def __init__(self, known: Known | None = None, kinds: Kinds = ()) -> None:
        self.known = known
        self.kinds = kinds
        self.entries: list[Entry] = []
        self.recorded: list[int] = []
        self.head = NOTHING
        self.streams: dict[str, list[Entry]] = defaultdict(list)
        self.commands: dict[bytes, list[Entry]] = defaultdict(list)
        self.once: dict[str, int] = {}
        self.accounts: dict[str, list[Entry]] = defaultdict(list)
        self.tiles: dict[int, list[Tile]] = defaultdict(list)
        self.balances: dict[str, Balance] = {}

    def add(self, entry: Entry) -> None:
        """Append an entry. Errors: LogConflict (R-LOG-03), ValueNotStored (R-LOG-14)."""
        must_be_storable(entry)
        stream = self.streams.get(entry.stream)
        if entry.position != len(self.entries) + 1:
            raise LogConflict(what="position")
        if entry.version not in ((stream[-1].version + 1,) if stream else (0, 1)):
            raise LogConflict(what="version of the stream")
        known = self.commands.get(entry.command_id, ())
        if any(entry.command_seq == other.command_seq for other in known):
            raise LogConflict(what="command")
        accounts = accounts_in(entry.subjects, self.kinds)
        if entry.once is not None:
            if entry.once in self.once:
                raise LogConflict(what="once value")
            self.once[entry.once] = entry.position
        self.streams[entry.stream].append(entry)
        self.commands[entry.command_id].append(entry)
        for account in accounts:
            self.accounts[account].append(entry)
        self.recorded.append(entry.recorded_at)
        self.entries.append(entry)

    def cut(self) -> None:
        """Remove whatever lies beyond the head."""
        while len(self.entries) > self.head.position:
            entry = self.entries.pop()
            self.recorded.pop()
            for index, key in ((self.streams, entry.stream), (self.commands, entry.command_id)):
                index[key].pop()  # type: ignore[index]
                if not index[key]:  # type: ignore[index]
                    del index[key]  # type: ignore[arg-type]
            for account in accounts_in(entry.subjects, self.kinds):
                self.accounts[account].pop()
            if entry.once is not None:
                del self.once[entry.once]
        for level, tiles in self.tiles.items():
            while tiles and not _complete(level, tiles[-1], self.head.position):
                tiles.pop()


def _complete(level: int, tile: Tile, leaves: int) -> bool:
    return bool((tile.number + 1) * TILE_LEAVES ** (level + 1) <= leaves)


class _View:
    """Reads up to the head."""

    def __init__(self, store: "MemoryStore") -> None:
        self.store = store

    def _of(self, ledger: Which) -> tuple[_Ledger, int]:
        kept = self.store.kept(ledger)
        return kept, kept.head.position

    def id_of(self, ledger: Which) -> bytes:
        known = self.known(ledger)
        return NOBODY if known is None else known.id

    def known(self, ledger: Which) -> Known | None:
        return self.store.kept(ledger).known

    def head(self, ledger: Which) -> Head:
        return self.store.kept(ledger).head

    def read(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        known, end = self._of(ledger)
        first = max(after, 0)
        last = min(end if until is None else until, end, first + max(limit, 0))
        return known.entries[first : max(last, 0)]

    def outlines(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        return list(map(Outline.of, self.read(ledger, after=after, until=until, limit=limit)))

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        known, end = self._of(ledger)
        found = [e for name in set(names) for e in known.streams.get(name, ())
                 if after < e.position <= end and e.version <= upto]
        return sorted(found, key=lambda entry: entry.position)

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        known, end = self._of(ledger)
        found = [e for command in set(ids) for e in known.commands.get(command, ())
                 if e.position <= end]
        return sorted(found, key=lambda entry: entry.position)

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        known, end = self._of(ledger)
        found = ((value, known.once.get(value, end + 1)) for value in values)
        return {value: position for value, position in found if position <= end}

    def repeated(self, ledger: Which, *, until: int, limit: int) -> list[tuple[str, int]]:
        return []  # `add` takes none twice, and nobody can come past it

    def position_at(self, ledger: Which, recorded_at: int) -> int:
        known, end = self._of(ledger)
        return bisect_right(known.recorded, recorded_at, hi=end)

    def tiles(self, ledger: Which, level: int, first: int, count: int) -> list[Tile]:
        known, end = self._of(ledger)
        found = known.tiles.get(level, [])[max(first, 0) : max(first, 0) + max(count, 0)]
        return [tile for tile in found if _complete(level, tile, end)]

    def odd_tiles(self, ledger: Which, limit: int) -> list[tuple[int, int]]:
        return [(level, tile.number) for level, tiles in self._of(ledger)[0].tiles.items()
                if level != 0 for tile in tiles][:limit]

    def odd_positions(self, ledger: Which, limit: int) -> list[int]:
        return []  # `add` takes none

    def accounts(
        self, ledger: Which, subjects: Sequence[str], *, after: int = 0, until: int | None = None,
        limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        known, end = self._of(ledger)
        last = end if until is None else min(until, end)
        found = {e.position: e for subject in set(subjects)
                 for e in known.accounts.get(subject, ()) if after < e.position <= last}
        return [found[at] for at in sorted(found, reverse=descending)][: max(limit, 0)]

    def touching(
        self, ledger: Which, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        kept, end = self._of(ledger)
        last = end if until is None else min(until, end)
        found = {e.position: e for subject, after in known.items()
                 for e in kept.accounts.get(subject, ()) if after < e.position <= last}
        return [Outline.of(found[at]) for at in sorted(found)[: max(limit, 0)]]

    def balances(self, ledger: Which, subjects: Sequence[str]) -> list[Balance]:
        kept = self._of(ledger)[0].balances
        return [kept[one] for one in dict.fromkeys(subjects) if one in kept]

    def balances_after(self, ledger: Which, subject: str, limit: int) -> list[Balance]:
        kept = self._of(ledger)[0].balances
        return [kept[one] for one in sorted(kept) if one > subject][: max(limit, 0)]

    def indexed(
        self, ledger: Which, subjects: Sequence[str], first: int, last: int
    ) -> list[tuple[str, int]]:
        known, end = self._of(ledger)
        return [(subject, e.position) for subject in set(subjects)
                for e in known.accounts.get(subject, ()) if first <= e.position <= min(last, end)]

    def streams_of(
        self, ledger: Which, kind: str, *, naming: str | None = None,
        during: Span | None = None, after: str = "", limit: int = 10_000,
    ) -> list[str]:
        known, end = self._of(ledger)
        first, last = between(kind, after)
        found = (name for name, entries in known.streams.items() if first < name < last and any(
            e.position <= end and (naming is None or naming in listed_subjects(e.subjects))
            and (during is None or during[0] <= e.occurred_at <= during[1])
            for e in entries))
        return sorted(found)[: max(limit, 0)]

    def count_indexed(self, ledger: Which, until: int) -> int:
        known, end = self._of(ledger)
        return sum(e.position <= min(until, end)
                   for entries in known.accounts.values() for e in entries)

    def odd_accounts(
        self, ledger: Which, limit: int, *, beyond: int = 0
    ) -> list[tuple[str, int]]:
        return []  # `add` makes none

    def standing(self, known: Known) -> dict[str, int]:
        rows = int(self.store.kept(known.id).known == known)
        return {"ledgers": rows, "heads": rows}


class _Writing(_View):
    """The transaction that holds a ledger: it also reads what it has added itself."""

    def __init__(self, store: "MemoryStore", kept: _Ledger) -> None:
        super().__init__(store)
        assert kept.known is not None
        self.kept = kept
        self.ledger = kept.known.id
        self.added = kept.head
        self.balanced: dict[str, Balance] = {}

    def _is_own(self, ledger: Which) -> bool:
        known = self.kept.known
        return known is not None and ledger in (known.id, known.name)

    def _of(self, ledger: Which) -> tuple[_Ledger, int]:
        return (self.kept, self.added.position) if self._is_own(ledger) else super()._of(ledger)

    def head(self, ledger: Which) -> Head:
        return self.added if self._is_own(ledger) else super().head(ledger)

    def leaves(self, after: int, until: int) -> list[bytes]:
        return [entry.leaf_hash for entry in self.read(self.ledger, after=after, until=until)]

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        if not entries:
            return
        must_fit(entries, head, self.ledger)
        for entry in entries:
            self.kept.add(entry)
        for tile in tiles:
            self.kept.tiles[tile.level].append(tile)
        self.added = head

    def keep_balances(self, balances: Iterable[Balance]) -> None:
        self.balanced.update((one.subject, one) for one in balances)


class MemoryStore(_View):
    """A store that forgets everything when it is closed. Entries are immutable by their type."""

    url = "memory:"

    def __init__(self, *, kinds: Kinds) -> None:
        super().__init__(self)
        self.kinds = kinds
        self._ledgers: dict[bytes, _Ledger] = {}
        self._names: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def kept(self, ledger: Which) -> _Ledger:
        """What is kept of a ledger: nothing of one that is not known. Errors: Forked (R-LOG-15)."""
        if os.getpid() != self._process:
            raise Forked
        found = ledger if isinstance(ledger, bytes) else self._names.get(ledger, NOBODY)
        return self._ledgers.get(found) or _Ledger()

    @contextmanager
    def writing(self, ledger: Which) -> Iterator[_Writing]:
        with self._lock:
            if (kept := self.kept(ledger)).known is None:
                raise LedgerUnknown(ledger=shown(ledger))
            with self._held([kept]) as (writing,):
                yield writing

    @contextmanager
    def beginning(self, *ledgers: Known) -> Iterator[list[_Writing]]:
        with self._lock:
            for one in ledgers:
                if (here := self.kept(one.id).known) is not None:
                    raise LedgerHere(name=here.name)
                if one.name in self._names:
                    raise LedgerTaken(name=one.name)
            fresh = [_Ledger(one, self.kinds) for one in ledgers]
            with self._held(fresh) as writings:
                yield writings
            for one, kept in zip(ledgers, fresh, strict=True):
                self._ledgers[one.id] = kept
                self._names[one.name] = one.id

    @contextmanager
    def _held(self, ledgers: list[_Ledger]) -> Iterator[list[_Writing]]:
        writings = [_Writing(self, kept) for kept in ledgers]
        try:
            yield writings
        except BaseException:
            for kept in ledgers:
                kept.cut()
            raise
        for writing in writings:
            writing.kept.head = writing.added
            writing.kept.balances.update(writing.balanced)

    def ledgers(self) -> list[str]:
        return sorted(self._names)

    def schema(self) -> tuple[str | None, str]:
        return ("memory", "memory")

    def prepare(self) -> None:
        return None

    def upgrade(self) -> None:
        return None

    def missing_guards(self) -> list[str]:
        return []

    def damage(self, *, quickly: bool = False) -> list[str] | None:
        return None

    def durability(self) -> dict[str, str]:
        return {"memory": "until closed"}

    def refuses_writes(self) -> str | None:
        return None

    def host(self) -> str:
        return "memory"

    def close(self) -> None:
        self._ledgers.clear()
        self._names.clear()
