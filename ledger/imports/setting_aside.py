"""The rows of an import in which something is wrong, as they were, read again for the side file.

Rows that are rejected together with another one, such as the other lines of its order, come along:
who mends a row can then import all of what was left out, and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from uuid import UUID

from ledger.common.errors import LedgerError
from ledger.imports.amounts import MARKS
from ledger.imports.faults import RowFault
from ledger.imports.faulty_rows import MOST_ROWS, Columns, FaultyRow, keep
from ledger.imports.headers import names_of
from ledger.imports.loading import Loaded, Loader
from ledger.imports.packed import WORKBOOK, Unreadable
from ledger.imports.profile import File, Profile
from ledger.imports.showing import hidden_fields
from ledger.imports.sources import Broken
from ledger.imports.staging import Staging
from ledger.imports.tables import open_table
from ledger.imports.target import Target
from ledger.log.side_file import SideFile


class Aside:
    """Keeps the faulty rows and the warnings of one run, which goes on where that cannot be done: a
    warning says so. Nothing is kept without a side file, and of a run that only tries."""

    def __init__(
        self, side_file: SideFile | None, loader: Loader, staging: Staging, *, dry_run: bool
    ) -> None:
        self.side_file = None if dry_run else side_file
        self.loader, self.staging = loader, staging

    def begin(self, ledger: Target, import_id: str, run: UUID) -> None:
        """Let the import be found by its run. Without a position there is no ledger yet."""
        if self.side_file is not None and ledger.head().position:
            with suppress(LedgerError):
                self.side_file.begin(ledger.id, run.bytes, import_id, now=ledger.clock.wall())

    def keep(self, ledger: Target, import_id: str) -> None:
        """Keep the rows and the warnings, if there are any."""
        staging = self.staging
        if self.side_file is None or not (staging.fault_count or staging.warning_count):
            return
        files, profile = self.loader.files, self.loader.profile
        try:
            keep(self.side_file, (ledger.id, import_id), columns_of(files, profile),
                 faulty_rows(files, profile, self.staging), now=ledger.clock.wall(),
                 warnings=staging.warnings())
        except LedgerError as error:
            self.staging.warning(RowFault.of("", 0, "rows_not_kept", why=error))


CellsAt = Callable[[int], list[str]]


def columns_of(files: Sequence[Loaded], profile: Profile) -> dict[str, Columns]:
    """The headers of files by their names. Whatever the profile does not read as something that is
    not personal may be so."""
    found = {}
    for loaded in files:
        if (file := _kind(loaded, profile)) is None:
            continue
        with ExitStack() as stack:
            names = names_of(_reading(stack, loaded, file, profile)(file.layout.header_row), file)
        open_ones = {column for column, fields in file.columns.items()
                     if not {field.field for field in fields} & hidden_fields(profile, file)}
        found[loaded.source.name] = Columns(
            names, [place for place, name in enumerate(names) if name not in open_ones])
    return found


def faulty_rows(
    files: Sequence[Loaded], profile: Profile, staging: Staging
) -> Iterator[FaultyRow]:
    """All that is wrong, by file and row, with what stands there."""
    yield from _merged("", [], staging.faults_of(""), lambda row: [])
    rejected = {file: [row for _, row in rows]
                for file, rows in groupby(islice(staging.rejected(), MOST_ROWS), itemgetter(0))}
    for number, loaded in enumerate(files):
        name, file = loaded.source.name, _kind(loaded, profile)
        with ExitStack() as stack:
            cells_at: CellsAt = (lambda row: []) if file is None else _reading(
                stack, loaded, file, profile)
            yield from _merged(
                name, rejected.get(number, ()), staging.faults_of(name), cells_at)


def _kind(loaded: Loaded, profile: Profile) -> File | None:
    return next((file for file in profile.files if file.kind == loaded.kind), None)


def _reading(stack: ExitStack, loaded: Loaded, file: File, profile: Profile) -> CellsAt:
    """What gives the cells of rows of a file, which are asked for in order. A workbook leaves out
    the blank ones at the end of a row."""
    try:
        table = stack.enter_context(
            open_table(loaded.source, file.layout, MARKS[profile.decimal]))
    except (Unreadable, OSError):  # it was there before
        return lambda row: []
    at, found, blank = 0, list[str](), list[str]()

    def cells_at(row: int) -> list[str]:
        nonlocal at, found, blank
        try:
            while at < row:
                cells = next(table.records, [])
                at, found = at + 1, [] if isinstance(cells, Broken) else cells
                if at == file.layout.header_row and loaded.source.kind == WORKBOOK:
                    blank = [""] * len(found)
        except (Unreadable, OSError):
            return []
        return found + blank[len(found):]

    return cells_at


def _merged(
    file: str, rejected: Iterable[int], faults: Iterable[RowFault], cells_at: CellsAt
) -> Iterator[FaultyRow]:
    """The rows of a file that were rejected or have a fault, in order."""
    others = iter(rejected)
    other = next(others, None)
    for row, of_row in groupby(faults, attrgetter("row")):
        while other is not None and other < row:
            yield FaultyRow(file, other, cells_at(other), [])
            other = next(others, None)
        if other == row:
            other = next(others, None)
        yield FaultyRow(file, row, cells_at(row) if row else [], list(of_row))
    while other is not None:
        yield FaultyRow(file, other, cells_at(other), [])
        other = next(others, None)
