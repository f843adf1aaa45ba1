"""Passwords: what is kept of one, and whether one is right.

Argon2id with the least that OWASP asks for: 19 MiB, two passes, one lane. It takes some 20 ms of
one core; a few are worked on at a time, so that many who sign in at once do not fill the memory.
What goes into it is keyed with the secret of the ledger: whoever has the log, and not its keys,
cannot guess the password.
"""

import threading
import unicodedata
from collections.abc import Callable

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
"""How many characters a password may have."""

AT_A_TIME = 2
"""How many passwords are worked on at a time in one process."""

Keyed = Callable[[str, bytes], bytes]
"""A MAC under the secret of a ledger, for a purpose: `Ledger.mac`."""

PURPOSE = "password"

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_slots = threading.BoundedSemaphore(AT_A_TIME)

NOBODY = ("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
          "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
"""What no password leads to: to try one against it takes as long as against a real one."""


def hashed(password: str, keyed: Keyed) -> str:
    """What is kept of a password: slow to compute, with a salt of its own."""
    with _slots:
        return _hasher.hash(keyed(PURPOSE, _typed(password)))


def is_right(password: str, kept: str, keyed: Keyed) -> bool:
    """Whether a password is the one of which this was kept."""
    with _slots:
        try:
            return _hasher.verify(kept, keyed(PURPOSE, _typed(password)))
        except (VerificationError, InvalidHashError):
            return False


def _typed(password: str) -> bytes:
    """A password as every keyboard sends it: NFKC."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
