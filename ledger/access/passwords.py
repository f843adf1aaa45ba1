"""Passwords: what is kept of one, and whether one is right.

Argon2id with the least that OWASP asks for: 19 MiB, two passes, one lane. It takes some 20 ms of
one core here; a few at a time, so that many who sign in at once do not fill the memory.
"""

import threading
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
"""How many characters a password may have."""

AT_A_TIME = 2
"""How many passwords are worked on at a time in one process."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_slots = threading.BoundedSemaphore(AT_A_TIME)

NOBODY = ("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
          "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
"""What no password leads to: to try it takes as long as to try one that somebody has."""


def hashed(password: str) -> str:
    """What is kept of a password: slow to compute, with a salt of its own."""
    with _slots:
        return _hasher.hash(_typed(password))


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one of which this was kept."""
    with _slots:
        try:
            return _hasher.verify(kept, _typed(password))
        except (VerificationError, InvalidHashError):
            return False


def _typed(password: str) -> bytes:
    """A password as every keyboard sends it: NFKC."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
