"""The shared strings of a workbook: as many as there are, in bounded memory.

A sheet names most of its texts by number. The first ones stay in memory; the others lie in a file
without a name, sealed under a key that nobody keeps, since what buyers write is among them.
"""

import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

IN_BLOCK = 64
"""Strings that are sealed, and read back, together."""

HELD_CHARACTERS = 4 << 20
"""Characters of the first strings, which stay in memory, and of the others that were last read."""

OF_EACH = 16
"""What a string counts beside its characters: an empty one needs room, too."""


class SharedStrings:
    """Strings by their number, taken from a source only as far as they are needed."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._next: list[str] = []
        self._held: dict[int, list[str]] = {}
        self._recent: dict[int, list[str]] = {}
        self._held_room = self._recent_room = HELD_CHARACTERS
        self._begins = array("Q", [0])
        self._file: IO[bytes] | None = None
        self._blocks = self._first_on_disk = 0
        self._cipher = AESGCM(os.urandom(32))
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[str]).decode

    def __getitem__(self, number: int) -> str:
        """A string. Errors: IndexError where there are fewer, or below 0."""
        if number < 0:
            raise IndexError(number)
        block, place = divmod(number, IN_BLOCK)
        while block > self._blocks or (block == self._blocks and place >= len(self._next)):
            self._take()
        if block == self._blocks:
            return self._next[place]
        return (self._held.get(block) or self._recent.get(block) or self._read(block))[place]

    def held(self) -> int:
        """How many strings are in memory."""
        return sum(len(block) for blocks in (self._held, self._recent) for block in blocks.values())

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _take(self) -> None:
        """Take one more string from the source. Errors: IndexError where there is none."""
        try:
            self._next.append(next(self._source))
        except StopIteration:
            raise IndexError("no such string") from None
        if len(self._next) == IN_BLOCK:
            self._keep(self._next)
            self._blocks += 1
            self._next = []

    def _keep(self, block: list[str]) -> None:
        if self._held_room > 0:
            self._held[self._blocks] = block
            self._held_room -= _room_of(block)
            self._first_on_disk = self._blocks + 1
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        sealed = self._cipher.encrypt(self._nonce(self._blocks), self._encode(block), None)
        begins = self._begins[-1]
        self._begins.append(begins + len(sealed))
        self._file.seek(begins)
        self._file.write(sealed)

    def _read(self, number: int) -> list[str]:
        assert self._file is not None
        place = number - self._first_on_disk
        begins, ends = self._begins[place : place + 2]
        self._file.seek(begins)
        sealed = self._file.read(ends - begins)
        block = self._decode(self._cipher.decrypt(self._nonce(number), sealed, None))
        if self._recent_room <= 0:
            self._recent.clear()
            self._recent_room = HELD_CHARACTERS
        self._recent[number] = block
        self._recent_room -= _room_of(block)
        return block

    def _nonce(self, block: int) -> bytes:
        return block.to_bytes(12, "big")


def _room_of(block: Sequence[str]) -> int:
    return sum(map(len, block)) + OF_EACH * len(block)
