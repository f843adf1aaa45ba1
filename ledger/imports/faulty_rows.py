"""Rows of an import in which something is wrong, and its warnings, as the side file keeps them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from ledger.imports.faults import RowFault
from ledger.log.side_file import SideFile, SideFileUnusable

MOST_ROWS = 10_000
"""Rows that are kept of one import, the first ones; its events count all. Whoever has more mends
the profile, not the rows."""

MOST_BYTES = 32 << 20
"""Bytes of them as they are kept: whoever asks for them has them in one answer. As many warnings
are kept, too."""


class Columns(NamedTuple):
    """The header of a file, and the places of columns that may hold something personal."""

    names: list[str]
    personal: list[int]


class FaultyRow(NamedTuple):
    """A row with what is wrong in it; without a fault of its own it goes with another one.

    Shapes: `cells` is what stands in the row, empty where it could not be read; `row` is its
    number, and 0 stands for the file, or all files, as a whole. Warnings stand by themselves, after
    all rows, in one that has nothing else.
    """

    file: str
    row: int
    cells: list[str]
    faults: list[RowFault]
    warnings: list[RowFault] = []


class Kept(NamedTuple):
    """What is kept of an import: the headers of its files by their names, and its rows."""

    columns: dict[str, Columns]
    rows: Iterator[FaultyRow]


_encode = msgspec.msgpack.Encoder().encode
_columns = msgspec.msgpack.Decoder(dict[str, Columns]).decode
_row = msgspec.msgpack.Decoder(FaultyRow).decode


def keep(
    side_file: SideFile, stream: tuple[bytes, str], columns: dict[str, Columns],
    rows: Iterable[FaultyRow], *, now: int, warnings: Iterable[RowFault] = (),
) -> None:
    """Keep the faulty rows of an import, which is named by its ledger and its id, and its warnings.

    Units: `now` in microseconds since 1970. Errors: those of `SideFile.keep`.
    """
    side_file.keep(*stream, chain(
        [_encode(columns)],
        _packed(rows, lambda most: _fault(RowFault.of("", 0, "rows_beyond", most=most))),
        _packed(map(_warning, warnings),
                lambda most: _warning(RowFault.of("", 0, "warnings_beyond", most=most)))), now=now)


def _fault(fault: RowFault) -> FaultyRow:
    return FaultyRow(fault.file, fault.row, [], [fault])


def _warning(warning: RowFault) -> FaultyRow:
    return FaultyRow(warning.file, warning.row, [], [], [warning])


def _packed(
    rows: Iterable[FaultyRow], beyond: Callable[[int], FaultyRow]
) -> Iterator[bytes]:
    """The first rows; the last of them says where there are more."""
    room = MOST_BYTES
    for number, row in enumerate(rows):
        packed = _encode(row)
        room -= len(packed)
        if number == MOST_ROWS or room < 0:
            yield _encode(beyond(number))
            return
        yield packed


def kept(side_file: SideFile, ledger: bytes, import_id: str, *, now: int) -> Kept:
    """The faulty rows of an import. Errors: those of `SideFile.open`."""
    columns, rows = _kept(side_file, ledger, import_id, now)
    return Kept(columns, (row for row in rows if not row.warnings))


def kept_warnings(
    side_file: SideFile, ledger: bytes, import_id: str, *, now: int
) -> Iterator[RowFault]:
    """The warnings of an import. Errors: those of `SideFile.open`."""
    _, rows = _kept(side_file, ledger, import_id, now)
    return (warning for row in rows for warning in row.warnings)


def _kept(
    side_file: SideFile, ledger: bytes, import_id: str, now: int
) -> tuple[dict[str, Columns], Iterator[FaultyRow]]:
    """All that is kept of an import. Errors: those of `SideFile.open`."""
    read = side_file.open(ledger, import_id, now=now)
    try:
        return _columns(next(read)), map(_row, read)
    except msgspec.MsgspecError as error:
        raise SideFileUnusable(path=side_file.named, why=error) from error
