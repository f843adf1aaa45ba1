"""Bodies in chunks: what they cost to read is due to their bytes, however they are cut.

The receiver of waitress copies all that has come at each chunk, and once more at each piece of a
line that does not end: two clients with chunks of one byte would keep everybody else waiting.
"""

import re
from typing import Any

from waitress.rfc7230 import CHUNK_EXT_RE
from waitress.utilities import BadRequest

LONGEST_LINE, LONGEST_TRAILER = 1024, 32 << 10
"""The most bytes of the line before a chunk, and of what follows the last one."""

_size = re.compile(rb"[0-9A-Fa-f]{1,15}").fullmatch


class Chunks:
    """A body in chunks while it is received, as waitress wants it."""

    def __init__(self, buf: Any) -> None:
        self._buf = buf
        self._rest = b""
        self._missing = 0
        self._is_last = False
        self.completed = False
        self.error: BadRequest | None = None

    def __len__(self) -> int:
        return int(self._buf.__len__())

    def getfile(self) -> Any:
        """The body, as a file."""
        return self._buf.getfile()

    def getbuf(self) -> Any:
        """The body, as a buffer."""
        return self._buf

    def received(self, data: bytes) -> int:
        """Take bytes; returns how many. What follows the body, or a fault, belongs to no body."""
        before, sent, found, at = len(self._rest), self._rest + data, list[bytes](), 0
        while at < len(sent) and not (self.completed or self.error):
            following = self._step(sent, at, found)
            if following is None:
                break
            at = following
        self._rest = sent[at:] if not (self.completed or self.error) else b""
        self._buf.append(b"".join(found))
        return len(data) if self.error or not self.completed else at - before

    def _step(self, sent: bytes, at: int, found: list[bytes]) -> int | None:
        """Where what follows begins, after a part of a chunk, a line or the end; None if more has
        to come."""
        if self._missing > 2:
            piece = sent[at : at + self._missing - 2]
            found.append(piece)
            self._missing -= len(piece)
            return at + len(piece)
        if self._missing:
            return self._end_of_chunk(sent, at)
        return self._trailer(sent, at) if self._is_last else self._line(sent, at)

    def _end_of_chunk(self, sent: bytes, at: int) -> int | None:
        end = sent[at : at + 2]
        if not b"\r\n".startswith(end):
            return self._fault("Chunk not properly terminated")
        if len(end) < 2:
            return None
        self._missing = 0
        return at + 2

    def _line(self, sent: bytes, at: int) -> int | None:
        end = sent.find(b"\r\n", at, at + LONGEST_LINE + 2)
        if end < 0:
            return self._fault("Chunk size too long") if len(sent) - at > LONGEST_LINE else None
        size, semicolon, extension = sent[at:end].partition(b";")
        if not _size(size):
            return self._fault("Invalid chunk size")
        if semicolon and not CHUNK_EXT_RE.match(semicolon + extension):
            return self._fault("Invalid chunk extension")
        if count := int(size, 16):
            self._missing = count + 2  # with the end of its line
        else:
            self._is_last = True
        return end + 2

    def _trailer(self, sent: bytes, at: int) -> int | None:
        """What is said in it is nothing that is asked for."""
        if sent.startswith(b"\r\n", at):
            self.completed = True
            return at + 2
        end = sent.find(b"\r\n\r\n", at, at + LONGEST_TRAILER + 4)
        if end < 0:
            return self._fault("Trailer too long") if len(sent) - at > LONGEST_TRAILER else None
        self.completed = True
        return end + 4

    def _fault(self, why: str) -> int | None:
        self.error = BadRequest(why)
        return None
