"""Rows of an import in which something is wrong, as the side file keeps them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ledger.imports.faults import RowFault
from ledger.log.side_file import SideFile, SideFileUnusable

MOST_ROWS = 10_000
"""Rows that are kept of one import, the first ones; its events count all. Whoever has more mends
the profile, not the rows."""

MOST_BYTES = 32 << 20
"""Bytes of them as they are kept: whoever asks for them has them in one answer."""


class Columns(NamedTuple):
    """The header of a file, and the places of columns that may hold something personal."""

    names: list[str]
    personal: list[int]


class FaultyRow(NamedTuple):
    """A row with what is wrong in it; without a fault of its own it goes with another one.

    Shapes: `cells` is what stands in the row, empty where it could not be read; `row` is its
    number, and 0 stands for the file, or all files, as a whole.
    """

    file: str
    row: int
    cells: list[str]
    faults: list[RowFault]


class Kept(NamedTuple):
    """What is kept of an import: the headers of its files by their names, and its rows."""

    columns: dict[str, Columns]
    rows: Iterator[FaultyRow]


_encode = msgspec.msgpack.Encoder().encode
_columns = msgspec.msgpack.Decoder(dict[str, Columns]).decode
_row = msgspec.msgpack.Decoder(FaultyRow).decode


def keep(
    side_file: SideFile, stream: tuple[bytes, str], columns: dict[str, Columns],
    rows: Iterable[FaultyRow], *, now: int,
) -> None:
    """Keep the faulty rows of an import, which is named by its ledger and its id.

    Units: `now` in microseconds since 1970. Errors: those of `SideFile.keep`.
    """
    side_file.keep(*stream, _packed(columns, rows), now=now)


def _packed(columns: dict[str, Columns], rows: Iterable[FaultyRow]) -> Iterator[bytes]:
    """The headers, then the first rows; the last of them says where there are more."""
    room = MOST_BYTES
    yield _encode(columns)
    for number, row in enumerate(rows):
        packed = _encode(row)
        room -= len(packed)
        if number == MOST_ROWS or room < 0:
            yield _encode(FaultyRow("", 0, [], [RowFault.of("", 0, "rows_beyond", most=number)]))
            return
        yield packed


def kept(side_file: SideFile, ledger: bytes, import_id: str, *, now: int) -> Kept:
    """The faulty rows of an import. Errors: those of `SideFile.open`."""
    read = side_file.open(ledger, import_id, now=now)
    try:
        return Kept(_columns(next(read)), map(_row, read))
    except msgspec.MsgspecError as error:
        raise SideFileUnusable(path=side_file.named, why=error) from error
