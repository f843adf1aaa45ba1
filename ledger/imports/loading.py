"""From files to the staging file: every row of an import, and every fault."""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from ledger.imports.assembling import Assembler
from ledger.imports.dating import stated_at
from ledger.imports.faults import RowFault
from ledger.imports.profile import File, Profile
from ledger.imports.references import key_field
from ledger.imports.rows import RowKeys, RowReader
from ledger.imports.sources import Source, name_of, named_apart
from ledger.imports.staging import Staging
from ledger.log.envelope import frame_bytes

Progress = Callable[[str, int, int], None]
"""Called with the stage (`read`, `check` or `record`), how much is done, and of how much: bytes
while reading, else rows."""

ROWS_A_CALL = 5000
"""Rows between two calls of a progress."""

KeyOf = Callable[[list[object]], bytes | None]


class Loaded(NamedTuple):
    """A file that was read: its kind (empty where it cannot be used), its data rows, and a digest
    of what is not personal in them. `stated_us` is when it was made, where that is known."""

    source: Source
    kind: str
    rows: int
    digest: bytes = b""
    stated_us: int | None = None


class Loader:
    """Stages the rows of files. Afterwards `lost` counts rows that could not even be staged.

    `unjoined` means that a row was too damaged to be joined, so that what seems to be missing
    elsewhere may be its fault; `unusable` that a file could not be read at all, so that nothing
    can be recorded.
    """

    def __init__(
        self, assembler: Assembler, staging: Staging, latest_us: int, as_of_us: int | None = None
    ) -> None:
        self.profile: Profile = assembler.profile
        self.assembler = assembler
        self.staging = staging
        self.keys = RowKeys(os.urandom(32))
        self.latest_us, self.as_of_us = latest_us, as_of_us
        self.files: list[Loaded] = []
        self.lost = 0
        self.unjoined = False
        self.unusable = False

    def load(self, sources: Sequence[Source], progress: Progress | None) -> None:
        """Stage every file."""
        sources = [*named_apart(sources)]
        done, total = 0, sum(source.size for source in sources)

        def report(more: int) -> None:
            if progress is not None:
                progress("read", done + more, total)

        for source in sources:
            self.files.append(self._load(source, report))
            done += source.size
            report(0)
        read = {loaded.kind for loaded in self.files}
        if not self.unusable:
            self._unusable([RowFault.of("", 0, "missing_file", kind=file.kind)
                            for file in self.profile.files if file.kind not in read])
        self.staging.group()

    def _load(self, source: Source, report: Callable[[int], None]) -> Loaded:
        reader = RowReader(source, self.profile, self.keys, latest_us=self.latest_us)
        if reader.faults:
            self._unusable(reader.faults)
            rows = reader.count()
            self.lost += rows
            return Loaded(source, "", rows)
        before = self.staging.count
        digest = self._stage(reader, report)
        self._unusable(reader.faults)  # its end could not be read
        for warning in reader.warnings():
            self.staging.warning(warning)
        return Loaded(source, reader.file.kind, self.staging.count - before, digest,
                      stated_at(self.profile, name_of(source.file), self.as_of_us, self.latest_us))

    def _unusable(self, faults: list[RowFault]) -> None:
        for fault in faults:
            self.unusable = True
            self.staging.fault(fault)

    def _stage(self, reader: RowReader, report: Callable[[int], None]) -> bytes:
        """Stage the rows of a file. Returns the digest of their digests."""
        kind = [self.profile.main, *self.profile.parts()].index(reader.file)
        key_of = self._join_key(reader.file) if kind else self._order_key()
        blank = self._blank_key(reader)
        continues, above = self.profile.continues and not kind, None
        file, add, digest = len(self.files), self.staging.add, sha256()
        for row in reader.rows():
            digest.update(frame_bytes(row.open_digest))
            if row.torn:
                self.unjoined = True
            key = key_of(row.values) if row.values else None
            if key is None and row.values and not row.faults:
                if continues and above is not None:
                    key = above
                else:
                    row = row._replace(faults=[blank(row.number)])
            above = key
            add(kind, file, key, row)
            if row.number % ROWS_A_CALL == 0:
                report(reader.bytes_read())
        return digest.digest()

    def _blank_key(self, reader: RowReader) -> Callable[[int], RowFault]:
        """The fault of a row that names no order, or no row of the main file."""
        file, profile = reader.file, self.profile
        if file is profile.main:
            named, code = key_field(profile), "no_key"
        else:
            assert file.join is not None
            named, code = file.join[0], "no_join"
        column = file.column_of(named)
        return lambda number: RowFault.of(
            reader.source.name, number, code, column=column, kind=profile.main.kind)

    def _order_key(self) -> KeyOf:
        """What finds the key of a main row: that of its order, whose rows mostly stand together."""
        hashed, key_of = lru_cache(1)(self.staging.hashed), self.assembler.key
        slots = self.assembler.slots[self.profile.main.kind]
        joins = [slots[file.join[1]] for file in self.profile.parts() if file.join]

        def key(values: list[object]) -> bytes | None:
            found = key_of(values)
            if found is None or any(values[slot] is None for slot in joins):
                self.unjoined = True
            return None if found is None else hashed(*found)

        return key

    def _join_key(self, part: File) -> KeyOf:
        """What finds the key of another row: that of the main row it is joined to."""
        assert part.join is not None
        hashed, slot = self.staging.hashed, self.assembler.slots[part.kind][part.join[0]]

        def key(values: list[object]) -> bytes | None:
            value = values[slot]
            return None if value is None else hashed(str(value))

        return key
