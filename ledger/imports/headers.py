"""From the header of a file to the kind of file that it is, and how its cells become fields."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ledger.imports.amounts import MARKS
from ledger.imports.cells import converter
from ledger.imports.faults import BadCell, RowFault
from ledger.imports.leaving_out import Leaves, leaving_out
from ledger.imports.packed import WORKBOOK
from ledger.imports.profile import DELIMITERS, Field, File, Layout, Profile, tolerant
from ledger.imports.references import ids_of, needed_of
from ledger.imports.remembering import Remembered, Spellings
from ledger.imports.showing import column_shown, hidden_fields
from ledger.imports.sources import Broken, Source
from ledger.imports.tables import open_table

LOOKED_AT = 30
"""Rows at the beginning of a file in which its header is looked for."""

ADDED = ("ledger:file", "ledger:row", "ledger:faults")
"""The columns that lists of faulty rows have beside their own: they are passed over, so that a list
can be imported as it is, once its rows are mended."""

COUNTED_BY = ("number", "sku")
"""The parts of a recipe that a row of totals has nothing for."""


class Column(NamedTuple):
    """How one field is filled: its slot in the values, and the place of its cell in a row."""

    slot: int
    place: int
    name: str
    personal: bool
    convert: Callable[[str], object]
    is_id: bool


class Header(NamedTuple):
    """A header and the kind of file it matches. One with faults reads no row.

    Shapes: `leaves` says which rows are left out, if any; `totals` are the places of cells that say
    of a row that it is a total; `spellings` are those of ids; `constants` are the slots and values
    of what no column fills.
    """

    file: File
    width: int
    columns: tuple[Column, ...]
    faults: list[RowFault]
    leaves: Leaves | None = None
    totals: tuple[int, ...] = ()
    spellings: Spellings = Spellings()
    constants: tuple[tuple[int, object], ...] = ()


HeaderOf = Callable[[Layout], list[str]]
Wrong = tuple[str, str, int]


def find_header(source: Source, profile: Profile, *, latest_us: int) -> Header:
    """The header of a source. Errors: Unreadable."""
    beginnings = {layout: _beginning(source, layout, profile)
                  for layout in {file.layout for file in profile.files}}
    if not any(any(cells) for rows in beginnings.values() for cells in rows
               if not isinstance(cells, Broken)):
        return _headless(source, profile, beginnings)

    def header_of(layout: Layout) -> list[str]:
        return _cells(beginnings[layout], layout.header_row)

    found = match_header(header_of, source, profile, latest_us=latest_us)
    if not found.faults:
        return found
    file = found.file
    broken = _row(beginnings[file.layout], file.layout.header_row)
    if isinstance(broken, Broken):
        fault = RowFault.of(source.name, file.layout.header_row, broken.code, **broken.details)
        return found._replace(faults=[fault])
    return _otherwise(found, source, profile) or found


def _headless(
    source: Source, profile: Profile, beginnings: dict[Layout, list[list[str] | Broken]]
) -> Header:
    file = profile.files[0]
    broken = next((row for rows in beginnings.values() for row in rows
                   if isinstance(row, Broken)), Broken("empty_file", {}))
    return Header(file, 0, (), [RowFault.of(source.name, 1, broken.code, **broken.details)])


def _beginning(source: Source, layout: Layout, profile: Profile) -> list[list[str] | Broken]:
    with open_table(source, layout, MARKS[profile.decimal]) as table:
        return list(islice(table.records, max(LOOKED_AT, layout.header_row)))


def _row(rows: Sequence[list[str] | Broken], number: int) -> list[str] | Broken:
    return rows[number - 1] if number <= len(rows) else []


def _cells(rows: Sequence[list[str] | Broken], number: int) -> list[str]:
    found = _row(rows, number)
    return [] if isinstance(found, Broken) else found


def match_header(
    header_of: HeaderOf, source: Source, profile: Profile, *, latest_us: int
) -> Header:
    """Find the kind of file that a header belongs to, and how its cells become fields."""
    # The kind with the fewest faults is the one that was meant: its faults are worth reading.
    file = min(profile.files, key=lambda known: len(
        _header_faults(names_of(header_of(known.layout), known), known)))
    cells = header_of(file.layout)
    names = names_of(cells, file)
    faults = [
        RowFault.of(source.name, file.layout.header_row, code, column=column_shown(column, profile),
                    number=number, kind=file.kind, encoding=source.encoding.upper())
        for code, column, number in _header_faults(names, file)]
    if faults:
        return Header(file, len(cells), (), faults)
    places = {name: index for index, name in enumerate(names)}
    spellings, ids, needed = Spellings(), ids_of(profile, file), needed_of(profile, file)
    hidden = hidden_fields(profile, file)
    personal = {column: any(field.field in hidden for field in fields)
                for column, fields in file.columns.items()}
    columns = []
    for slot, (column, field) in enumerate(_slots(file)):
        if column not in places:
            continue
        is_id = field.field in ids
        wanted = replace(field, required=field.required or field.field in needed)
        convert = converter(wanted, profile, latest_us, is_id=is_id,
                            of_workbook=source.kind == WORKBOOK)
        if is_id and not personal[column]:
            convert = spellings.noting(column, convert)
        columns.append(Column(slot, places[column], column, personal[column],
                              Remembered(convert).__getitem__, is_id))
    return Header(file, len(cells), tuple(columns), [], leaving_out(file, places),
                  _totals(profile, file, places), spellings,
                  tuple(_constants(profile, file, latest_us)))


def _slots(file: File) -> Iterator[tuple[str, Field]]:
    """Each field with its column, in the order of their slots."""
    return ((column, field) for column, fields in file.columns.items() for field in fields)


def _constants(profile: Profile, file: File, latest_us: int) -> Iterator[tuple[int, object]]:
    """The slots and values of what no column fills; one that is in the future has none."""
    for slot, field in enumerate(file.fields().values()):
        if field in file.constants:
            with suppress(BadCell):
                yield slot, converter(field, profile, latest_us)(field.value)


def _totals(profile: Profile, file: File, places: dict[str, int]) -> tuple[int, ...]:
    """The places of what a row of the main file is known by."""
    if file is not profile.main:
        return ()
    sources = [profile.recipe.get(part) for part in COUNTED_BY]
    named = [name for given in sources if given
             for name in ([given] if isinstance(given, str) else given["names"])]
    columns = {file.column_of(name) for name in named if name in file.fields()}
    return tuple(places[column] for column in columns if column in places)


# -- names of columns ------------------------------------------------------------------------------


def names_of(cells: Sequence[str], file: File) -> list[str]:
    """The names that a profile has for the columns of a header; one that comes again is `NAME#2`
    where the profile says so."""
    names = [cell.lstrip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    known = file.columns.keys() | file.ignored
    if file.tolerant:
        usual = {tolerant(name): name for name in known}
        names = [usual.get(tolerant(name), name) for name in names]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1 and (numbered := f"{name}#{seen[name]}") in known:
            names[place] = numbered
    return names


def _header_faults(names: list[str], file: File) -> list[Wrong]:
    """(code, column, its number) for all that keeps a header from being that of a kind of file; a
    column that is missing has the number 0."""
    known = file.columns.keys() | file.ignored | set(ADDED)
    first = {name: number for number, name in reversed(list(enumerate(names, 1)))}
    faults = [("missing_column", column, 0) for column, fields in file.columns.items()
              if column not in first and not any(field.optional for field in fields)]
    faults += [("unknown_column", name, first[name]) for name in dict.fromkeys(names)
               if name not in known]
    faults += [("doubled_column", name, names.index(name, first[name]) + 1)
               for name in dict.fromkeys(names) if names.count(name) > 1]
    return faults


# -- how else a file could be read -----------------------------------------------------------------


def _otherwise(found: Header, source: Source, profile: Profile) -> Header | None:
    """The header with the fault that says which lines of the profile would read it, and what would
    be wrong even then; None where none would read it better."""
    file = found.file
    best: tuple[int, list[str], list[Wrong]] = len(found.faults), [], []
    for keys, cells in _candidates(source, file, profile):
        for more, tolerated in (([], file.tolerant), (["headers: tolerant"], True)):
            faults = _header_faults(names_of(cells, _tolerating(file, tolerated)), file)
            missing = sum(code == "missing_column" for code, _, _ in faults)
            if missing < len(file.columns) and len(faults) < best[0]:
                best = len(faults), [*keys, *more], faults
    _, keys, faults = best
    if not keys:
        return None
    row = file.layout.header_row
    otherwise = RowFault.of(source.name, row, "other_layout", kind=file.kind,
                            keys=", ".join(f"`{key}`" for key in keys))
    return found._replace(faults=[otherwise, *(
        RowFault.of(source.name, row, code, column=column_shown(column, profile), number=number,
                    kind=file.kind, encoding=source.encoding.upper())
        for code, column, number in faults)])


def _tolerating(file: File, tolerated: bool) -> File:
    return replace(file, tolerant=tolerated)


def _candidates(
    source: Source, file: File, profile: Profile
) -> Iterator[tuple[list[str], list[str]]]:
    """The lines of a profile that would find another header, and its cells."""
    delimiters = [file.layout.delimiter] if source.kind == WORKBOOK else list(DELIMITERS)
    for delimiter in delimiters:
        keys = [] if delimiter == file.layout.delimiter else [f"delimiter: {delimiter}"]
        rows = _beginning(source, file.layout._replace(delimiter=delimiter), profile)
        for number, cells in enumerate(rows, 1):
            if isinstance(cells, list) and any(cells):
                own = number == file.layout.header_row
                yield (keys if own else [*keys, f"header_row: {number}"]), cells
