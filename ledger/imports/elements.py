"""The XML of a workbook, element by element and within bounds, however it is made."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any
from xml.parsers import expat

PIECE = 1 << 14
"""Bytes of XML that are parsed at a time."""

LONGEST_TAG, NESTED = 1 << 17, 64
"""Bytes of a tag with its attributes, and how deep elements lie in each other."""


class WorkbookDamaged(Exception):
    """A part of the workbook cannot be read; the words say why."""


class Parser:
    """Calls `begin`, `end` and `text` for the elements of XML, by their names without the prefix of
    the outermost one. Elements with another prefix are extensions."""

    def feed(self, content: IO[bytes]) -> Iterator[None]:
        """Parse a part, piece by piece."""
        parse = self.parsing()
        while piece := content.read(PIECE):
            parse(piece)
            yield
        parse(b"")
        yield

    def parsing(self) -> Callable[[bytes], None]:
        """What parses one piece after the other; nothing ends the part."""
        parser, fed = expat.ParserCreate(), 0
        parser.buffer_text = True
        parser.StartElementHandler = partial(self._outermost, parser)
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = _refuse

        def parse(piece: bytes) -> None:
            nonlocal fed
            for begins in range(0, len(piece), PIECE):
                parser.Parse(piece[begins : begins + PIECE], False)
                fed += len(piece[begins : begins + PIECE])
                if fed - parser.CurrentByteIndex > LONGEST_TAG:
                    raise WorkbookDamaged("a tag in its XML is far too long")
            if not piece:
                parser.Parse(b"", True)

        return parse

    def _outermost(self, parser: Any, name: str, found: dict[str, str]) -> None:
        prefix, depth = name[:name.find(":") + 1], 0
        begun, ended = self.begin, self.end  # looked up once: a sheet has millions of them

        def local(name: str) -> str:
            return name.removeprefix(prefix) if name.startswith(prefix) else f":{name}"

        def begin(name: str, found: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > NESTED:
                raise WorkbookDamaged("elements of its XML lie far too deep in each other")
            begun(local(name) if prefix else name, found)

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            ended(local(name) if prefix else name)

        parser.StartElementHandler, parser.EndElementHandler = begin, end
        begin(name, found)

    def begin(self, name: str, found: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text stands in an element."""


def _refuse(*_: Any) -> None:
    raise WorkbookDamaged("its XML declares a document type")
