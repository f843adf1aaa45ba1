"""What is remembered of the cells of a column while its file is read, in bounded memory."""

from collections.abc import Callable

REMEMBERED = 4_096
"""Cells of a column whose values are kept while its file is read."""

LONGEST_REMEMBERED = 64
"""Characters of a cell that is kept: longer ones hardly come again, and memory stays bounded."""


class Remembered(dict[str, object]):
    """The values of a column's cells by their text: in most columns few texts come over and over.

    A value is shared by all cells that say the same, so nobody may change one.
    """

    def __init__(self, convert: Callable[[str], object]) -> None:
        self._convert = convert

    def __missing__(self, cell: str) -> object:
        """The value of a cell that is not kept. Errors: BadCell, each time."""
        value = self._convert(cell)
        if len(cell) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[cell] = value
        return value


MOST_SPELLINGS = 50_000
"""Ids of a file that are kept to find those that differ from one in upper and lower case only."""


class Spellings:
    """Finds ids of a column that are the same but for upper and lower case, such as `85123A` and
    `85123a`: the ledger takes them for two. What comes after `MOST_SPELLINGS` ids is compared with
    those only.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        self._found: list[tuple[str, str, str]] = []

    def noting(self, column: str, convert: Callable[[str], object]) -> Callable[[str], object]:
        """The same conversion, which notes what it gives."""
        def converted(text: str) -> object:
            value = convert(text)
            if isinstance(value, str) and value.lower() != value.upper():
                self._note(column, value)
            return value

        return converted

    def _note(self, column: str, value: str) -> None:
        key = column, value.casefold()
        others = self._known.get(key, ())
        if value in others or (not others and len(self._known) >= MOST_SPELLINGS):
            return
        self._known[key] = (*others, value)
        if others:
            self._found.append((column, value, others[0]))

    def taken(self) -> list[tuple[str, str, str]]:
        """(column, id, its first spelling) of those found since the last time."""
        if not self._found:
            return []
        found, self._found = self._found, []
        return found
