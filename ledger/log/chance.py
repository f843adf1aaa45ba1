"""Random bytes and ids.

The bytes are drawn from the operating system in blocks: a call for each salt lets go of the
interpreter's lock, and to get it back costs more than all else that is done for an event.
"""

import os
import time
from uuid import UUID

CHANCE_BYTES = 16
_DRAWN = 256

_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)


def chance() -> bytes:
    """16 random bytes that nobody gets a second time. Thread-safe: a list's `pop` is atomic."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            block = os.urandom(CHANCE_BYTES * _DRAWN)
            _spare.extend(block[at : at + CHANCE_BYTES]
                          for at in range(0, len(block), CHANCE_BYTES))


def uuid7() -> UUID:
    """A new id that begins with the time (RFC 9562), so that an index of such ids grows at its
    end; random ones would touch a page of it each."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(chance(), "big") & 0x0FFF_3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 7 << 76 | 1 << 63 | tail)
