"""Rows that come once and are looked at more often: a table has to know its widest cells before its
first line. What does not fit into a little memory waits in a file that nobody else sees."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile

from api.cli.output import Row, Rows

IN_MEMORY = 8 * 2**20
"""Bytes of rows that are kept without a file."""


class Spool:
    """Rows that were taken from somewhere; close it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it is closed with the spool
        self._count = 0
        for row in rows:
            pickle.dump(row, self._file)
            self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        at = 0
        for _ in range(self._count):
            self._file.seek(at)  # somebody else may go through them meanwhile
            row = pickle.load(self._file)
            at = self._file.tell()
            yield row

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class Shown:
    """Rows as something else shows them."""

    def __init__(self, rows: Rows, shown: Callable[[Row], Row]) -> None:
        self._rows, self._shown = rows, shown

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return map(self._shown, self._rows)


class First:
    """The first of some rows."""

    def __init__(self, rows: Rows, most: int) -> None:
        self._rows, self._most = rows, most

    def __len__(self) -> int:
        return min(self._most, len(self._rows))

    def __iter__(self) -> Iterator[Row]:
        return islice(self._rows, self._most)
