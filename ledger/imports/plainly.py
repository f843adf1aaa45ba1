"""What a workbook says as plainly as spreadsheets say nearly all of it: rows and shared strings.

A parser that calls back for each element of XML takes several times as long as these need: they
are found by patterns that know only what leaves no doubt, and whatever else a part of the workbook
says is for the parser, in its place between them.
"""

import re
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from typing import IO, Any, NamedTuple

from ledger.imports.elements import Parser

PIECE = 1 << 16
"""Bytes of XML that are looked at a time."""

LONGEST = 1 << 20
"""Bytes before the first row or string, and of one with its tags, beyond which all that follows is
for the parser."""

LONGEST_ATTRIBUTES = 500
"""Characters of a row's attributes: spreadsheets write some 60, and different ones are kept."""

Cell = tuple[str, str, str, str, str]
"""The letters of its column, its style and kind (`""` where it names none), and its text: that of a
string that stands in it, or that of any other value."""


class Row(NamedTuple):
    """A row: its number, and its cells in their order."""

    number: int
    cells: list[Cell]


class Kind(NamedTuple):
    """What is looked for: the tag that it begins with and the one that it ends with, in bytes, how
    all that stands before the first one ends, and what reads one without its end, if it is plain.
    """

    begins: bytes
    ends: bytes
    head: Callable[[bytes], bool]
    read: Callable[[str], Any]


class Piece(NamedTuple):
    """What was found, and what follows it, for the parser."""

    found: list[Any]
    rest: bytes


_TEXT = r"[^<&\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*+"
_ATTRIBUTES = r'(?: (?!r=)[A-Za-z][\w:.]*+="[^"<&\x00-\x1f\ufffe\uffff]*+")*+'
_STRING = rf'<t(?: xml:space="preserve")?>({_TEXT})</t>'
_CELL = (r'<c r="([A-Z]{1,3})[0-9]{1,7}"(?: s="([0-9]{1,6})")?(?: t="([A-Za-z]{1,9})")?'
         rf"(?:/>|>(?:<is>{_STRING}</is>|(?:<f>{_TEXT}</f>)?(?:<v>({_TEXT})</v>)?)</c>)")
_UNNAMED = re.sub("[(](?=[^?])", "(?:", _CELL)
_cells = re.compile(_CELL).findall
_row = re.compile(rf'[ \t\n]*+<row r="([0-9]{{1,7}})"({_ATTRIBUTES})>[ \t\n]*+'
                  rf"((?:{_UNNAMED})*+)", re.ASCII).fullmatch
_string = re.compile(rf"[ \t\n]*+<si>{_STRING}").fullmatch
_declared = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml version=.1[.]0.(?: encoding=.utf-8.)?"
    rb"(?: standalone=.(?:yes|no).)?\s*\?>)?", re.IGNORECASE).match
_names = re.compile(r" ([A-Za-z][\w:.]*)=", re.ASCII).findall


def _after(tag: bytes) -> Callable[[bytes], bool]:
    """Whether bytes are XML in UTF-8 without a comment or the like, up to the end of a tag."""
    is_tag = re.compile(tag + rb"\s*").fullmatch

    def is_head(head: bytes) -> bool:
        declared = _declared(head)
        rest = head[declared.end() if declared else 0:]
        return b"<!" not in rest and b"<?" not in rest \
            and is_tag(rest, max(rest.rfind(b"<"), 0)) is not None

    return is_head


def _row_of(text: str) -> Row | None:
    found = _row(text)
    if found is None or "]]>" in text or len(found[2]) > LONGEST_ATTRIBUTES \
            or not _are_distinct(found[2]):
        return None
    return Row(int(found[1]), _cells(text, found.start(3)))


def _string_of(text: str) -> str | None:
    found = _string(text)
    return None if found is None or "]]>" in text else found[1]


@lru_cache(1024)
def _are_distinct(attributes: str) -> bool:
    """Whether no attribute is given twice, which XML does not allow."""
    names = _names(attributes)
    return len(set(names)) == len(names)


ROWS = Kind(b"<row", b"</row>", _after(b"<sheetData>"), _row_of)
"""Found: `Row`."""

STRINGS = Kind(b"<si", b"</si>", _after(rb"<sst(?: [^<>]*)?>"), _string_of)
"""Found: texts."""


class PlainParser(Parser):
    """A parser that is spared what is plain."""

    KIND: Kind

    def feed(self, content: IO[bytes]) -> Iterator[None]:
        """Read a part, piece by piece."""
        parse = self.parsing()
        for found, rest in pieces(content, self.KIND):
            for one in found:
                self.take(one)
            if rest:
                parse(rest)
            yield
        parse(b"")
        yield

    def take(self, found: Any) -> None:
        """What was plain."""


def pieces(content: IO[bytes], kind: Kind) -> Iterator[Piece]:
    """A part of a workbook: what is plain in it, and between that what is for the parser. Where
    something has no end, or may have one that is none, all the rest is for the parser."""
    left = b""
    while kind.begins not in left and len(left) < LONGEST and (more := content.read(PIECE)):
        left += more
    begins = left.find(kind.begins)
    if begins >= 0 and kind.head(left[:begins]):
        yield Piece([], left[:begins])
        left = yield from _found(left[begins:], content, kind)
    while left:
        yield Piece([], left)
        left = content.read(PIECE)


def _found(left: bytes, content: IO[bytes], kind: Kind) -> Generator[Piece, None, bytes]:
    """What is whole, as far as it is plain; returns what follows."""
    while True:
        whole, end, rest = left.rpartition(kind.ends)
        if end:
            texts = _texts(whole, kind)
            if texts is None:
                return left
            left = rest
            yield from _plain_of(texts, kind)
        more = content.read(PIECE) if len(left) < LONGEST else b""
        if not more:
            return left
        left += more


def _plain_of(texts: list[str], kind: Kind) -> Iterator[Piece]:
    found: list[Any] = []
    for text in texts:
        if (plain := kind.read(text)) is not None:
            found.append(plain)
        else:
            yield Piece(found, text.encode() + kind.ends)
            found = []
    yield Piece(found, b"")


def _texts(whole: bytes, kind: Kind) -> list[str] | None:
    """What stands before each end; None where an end may stand in a comment or the like, or where
    something is not in UTF-8."""
    if b"<!" in whole or b"<?" in whole:
        return None
    try:
        return whole.decode().split(kind.ends.decode())
    except UnicodeDecodeError:
        return None
