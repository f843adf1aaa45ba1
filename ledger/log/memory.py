"""The log in memory: lists and dictionaries, for tests and for trying things out."""

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ledger.log.envelope import Entry
from ledger.log.store import NOTHING, Head, LogConflict, Tile


class _Ledger:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.recorded: list[int] = []
        self.head = NOTHING
        self.streams: dict[str, list[Entry]] = defaultdict(list)
        self.commands: dict[bytes, list[Entry]] = defaultdict(list)
        self.once: dict[str, int] = {}
        self.tiles: dict[int, list[Tile]] = defaultdict(list)


class MemoryStore:
    """A store that forgets everything when it is closed. Entries are immutable by their type."""

    url = "memory:"

    def __init__(self) -> None:
        self._ledgers: dict[str, _Ledger] = defaultdict(_Ledger)
        self._lock = threading.RLock()

    def head(self, ledger: str) -> Head:
        return self._ledgers[ledger].head

    def read(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        last = after + limit if until is None else min(after + limit, until)
        return self._ledgers[ledger].entries[after:last]

    def streams(self, ledger: str, names: Sequence[str], *, after: int = 0) -> list[Entry]:
        known = self._ledgers[ledger].streams
        found = [e for name in set(names) for e in known.get(name, ()) if e.position > after]
        return sorted(found, key=lambda entry: entry.position)

    def commands(self, ledger: str, ids: Sequence[bytes]) -> list[Entry]:
        known = self._ledgers[ledger].commands
        return [entry for command in ids for entry in known.get(command, ())]

    def once(self, ledger: str, values: Sequence[str]) -> dict[str, int]:
        known = self._ledgers[ledger].once
        return {value: known[value] for value in values if value in known}

    def position_at(self, ledger: str, recorded_at: int) -> int:
        return bisect_right(self._ledgers[ledger].recorded, recorded_at)

    def tiles(self, ledger: str, level: int, first: int, count: int) -> list[Tile]:
        return self._ledgers[ledger].tiles[level][first : first + count]

    @contextmanager
    def writing(self, ledger: str) -> Iterator["MemoryStore"]:
        with self._lock:
            yield self

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        if not entries:
            return
        known = self._ledgers[entries[0].ledger]
        self._check(known, entries)
        for entry in entries:
            known.streams[entry.stream].append(entry)
            known.commands[entry.command_id].append(entry)
            if entry.once is not None:
                known.once[entry.once] = entry.position
        known.entries.extend(entries)
        known.recorded.extend(entry.recorded_at for entry in entries)
        known.head = head
        for tile in tiles:
            known.tiles[tile.level].append(tile)

    def _check(self, known: _Ledger, entries: Sequence[Entry]) -> None:
        versions: dict[str, int] = {}
        commands: set[tuple[bytes, int]] = set()
        once: set[str] = set()
        for number, entry in enumerate(entries, len(known.entries) + 1):
            if entry.position != number:
                raise LogConflict(what="position")
            stream = known.streams.get(entry.stream)
            last = versions.get(entry.stream, stream[-1].version if stream else None)
            allowed = (0, 1) if last is None else (last + 1,)
            if entry.version not in allowed:
                raise LogConflict(what="version of the stream")
            versions[entry.stream] = entry.version
            command = (entry.command_id, entry.command_seq)
            taken = (e.command_seq for e in known.commands.get(entry.command_id, ()))
            if command in commands or entry.command_seq in taken:
                raise LogConflict(what="command")
            commands.add(command)
            if entry.once is not None:
                if entry.once in once or entry.once in known.once:
                    raise LogConflict(what="once value")
                once.add(entry.once)

    def ledgers(self) -> list[str]:
        return sorted(name for name, known in self._ledgers.items() if known.entries)

    def schema(self) -> tuple[str | None, str]:
        return ("memory", "memory")

    def upgrade(self) -> None:
        return None

    def missing_guards(self) -> list[str]:
        return []

    def durability(self) -> dict[str, str]:
        return {"memory": "until closed"}

    def close(self) -> None:
        self._ledgers.clear()
