"""Random bytes and ids.

The bytes are drawn from the operating system in blocks: a call for each salt would release the
interpreter's lock, and getting it back costs more than everything else that is done for an event.

A machine that is cloned while it runs hands out the rest of its block twice. What is drawn here may
bear that: the salt of a payload hides it as long as it is not known, also twice, and an id of a
command comes with its time, into one of two logs that are two from then on. A nonce may not: used
twice under one key it gives both values away. So nonces, the salts that are drawn with them, keys
and the ids of persons and ledgers come from the operating system, each by itself.
"""

import os
import time
from uuid import UUID

_SIZE = 16
_DRAWN = 256

_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)  # a child must not hand out the same bytes


def random_16() -> bytes:
    """16 random bytes that are handed out once. Thread-safe: a list's `pop` is atomic."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            block = os.urandom(_SIZE * _DRAWN)
            _spare.extend(block[at : at + _SIZE]
                          for at in range(0, len(block), _SIZE))


def uuid7() -> UUID:
    """A new id that begins with the time (RFC 9562): an index of such ids grows at its end, where
    random ids would each touch another page of it."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(random_16(), "big") & 0x0FFF_3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 7 << 76 | 1 << 63 | tail)
