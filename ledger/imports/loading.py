"""Reading all files of an import into the staging file, with every fault noted."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ledger.imports.assembly import Assembler
from ledger.imports.profiles import Profile
from ledger.imports.readers import (
    Broken,
    Header,
    RowReader,
    Source,
    file_fault,
    identify,
    match_header,
    open_text,
    records,
)
from ledger.imports.staging import Staging

Progress = Callable[[str, int, int], None]
"""Told what is going on: `read` (bytes), `check` and `record` (rows), how much, of how much."""

TELL_EVERY = 5000
"""Rows between two calls of a progress."""

_encode = msgspec.json.Encoder().encode


class Loaded(NamedTuple):
    """A file that was read: its kind (empty where its header has faults) and its data rows."""

    source: Source
    kind: str
    rows: int


class Loader:
    """Stages the rows of files. Afterwards `lost` counts rows that could not even be staged.

    `unjoined` says that a main row could not be read so far that its joined rows are found;
    `unusable` that a file could not be read at all, so that nothing can be recorded.
    """

    def __init__(self, assembler: Assembler, staging: Staging, row_key: bytes, latest_us: int
                 ) -> None:
        self.profile: Profile = assembler.profile
        self.assembler = assembler
        self.staging = staging
        self.row_key = row_key
        self.latest_us = latest_us
        self.files: list[Loaded] = []
        self.lost = 0
        self.unjoined = False
        self.unusable = False
        self._done = 0
        self._total = 0
        self._progress: Progress | None = None

    def load(self, sources: Sequence[Source], progress: Progress | None) -> None:
        """Read every file; what is wrong becomes faults in the staging file."""
        self._progress = progress
        self._total = sum(source.size for source in sources)
        for source in sources:
            self.files.append(self._load(source))
            self._done += source.size
            self._tell(0)
        read = {loaded.kind for loaded in self.files}
        if not self.unusable:
            for file in self.profile.files:
                if file.kind not in read:
                    self._unusable("", 0, "missing_file", kind=file.kind)
        self.staging.group()

    def _tell(self, more: int) -> None:
        if self._progress is not None:
            self._progress("read", self._done + more, self._total)

    def _unusable(self, name: str, row: int, code: str, **details: Any) -> None:
        self.unusable = True
        self.staging.fault(file_fault(name, row, code, **details))

    def _load(self, source: Source) -> Loaded:
        if source.fault is not None:
            self.unusable = True
            self.staging.fault(source.fault)
            return Loaded(source, "", self._count(source) if source.sha256 else 0)
        text, told = open_text(source)
        with text:
            rows = records(text)
            first = next(rows, Broken("empty_file", {}))
            if isinstance(first, Broken) or not any(first):
                broken = first if isinstance(first, Broken) else Broken("empty_file", {})
                self._unusable(source.name, 1, broken.code, **broken.details)
                return Loaded(source, "", self._count(source))
            header = match_header(first, source, self.profile, self.latest_us)
            if header.faults:
                self.unusable = True
                for fault in header.faults:
                    self.staging.fault(fault)
                return Loaded(source, "", self._count(source))
            staged = self.staging.count
            self._stage(source, header, enumerate(rows, 2), told)
            return Loaded(source, header.file.kind, self.staging.count - staged)

    def _count(self, source: Source) -> int:
        """Count the data rows of a file that cannot be used; all of them are lost."""
        text, _ = open_text(source)
        with text:
            rows = sum(1 for cells in records(text) if isinstance(cells, Broken) or any(cells))
        self.lost += max(rows - 1, 0)
        return max(rows - 1, 0)

    def _stage(self, source: Source, header: Header, rows: "enumerate[list[str] | Broken]",
               told: Callable[[], int]) -> None:
        reader = RowReader(header, source)
        volatile = reader.volatile()
        kind = [self.profile.main, *self.profile.parts()].index(header.file)
        file, add = len(self.files), self.staging.add
        key_of = self._key_of(kind)
        for number, cells in rows:
            if isinstance(cells, Broken):
                self._fault(source, number, cells)
                add(kind, (file, number), (None, None), [], bad=True)
                self.unjoined = True
                continue
            if not any(cells):
                continue
            values, faults = reader.read(number, cells)
            digest = self._digest(cells, volatile)
            if digest is None:
                faults += reader.characters(number, cells)
            key = key_of(values) if values else None
            for fault in faults:
                self.staging.fault(fault)
            add(kind, (file, number), (key, digest), values, bad=bool(faults))
            if number % TELL_EVERY == 0:
                self._tell(told())

    def _fault(self, source: Source, number: int, broken: Broken) -> None:
        self.staging.fault(file_fault(source.name, number, broken.code, **broken.details))

    def _digest(self, cells: list[str], volatile: frozenset[int]) -> bytes | None:
        """The keyed digest of a row's cells; None where they hold what is no character."""
        try:
            packed = _encode(cells)
        except UnicodeEncodeError:
            return None
        if b"\\u0000" in packed and any("\0" in cell for cell in cells):
            return None
        if volatile:
            packed = _encode([cell for at, cell in enumerate(cells) if at not in volatile])
        return blake2b(packed, key=self.row_key, digest_size=16).digest()

    def _key_of(self, kind: int) -> Callable[[list[object]], bytes | None]:
        """What finds the key of a row: of its order, or of the row that it is joined to."""
        hashed, slots = self.staging.hashed, self.assembler.slots
        if kind == 0:
            key_of = self.assembler.key
            main = slots[self.profile.main.kind]
            joins = [main[file.join[1]] for file in self.profile.parts() if file.join]

            def of_order(values: list[object]) -> bytes | None:
                known = key_of(values)
                if known is None or any(values[slot] is None for slot in joins):
                    self.unjoined = True
                return None if known is None else hashed(*known)

            return of_order
        part = self.profile.parts()[kind - 1]
        assert part.join is not None
        own = slots[part.kind][part.join[0]]

        def of_part(values: list[object]) -> bytes | None:
            value = values[own]
            return None if value is None else hashed(str(value))

        return of_part


def sources_of(paths: Sequence[Path], profile: Profile) -> list[Source]:
    """The files, hashed and with their encodings."""
    return [identify(path, profile.encodings) for path in paths]
