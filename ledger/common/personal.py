"""Personal values: what a field that belongs to a person looks like, open and sealed.

Which fields are personal is laid down in docs/personal-data.md and frozen: a buyer's account name,
recipient, phone, address below the province, refund account, images, and what is written of their
orders and cases; of staff, name, contact and what is written of them.
"""

from typing import NamedTuple, Protocol

import msgspec


class Personal(msgspec.Struct, frozen=True, gc=False):
    """A sealed value as it is stored.

    Shapes: p is the person's pseudonymous id; n (nonce), c (AES-256-GCM ciphertext of salt and
    value) and h (SHA-256 of salt and value) are unpadded base64url.
    """

    p: str
    n: str
    c: str
    h: str


class Person(NamedTuple):
    """Whose data it is, with the key that opens it. The key never leaves the process; it is empty
    where the person was erased, and then nothing is sealed for them."""

    id: str
    key: bytes

    @property
    def is_erased(self) -> bool:
        """Whether nothing is taken of this person any more."""
        return not self.key


class Plain(NamedTuple):
    """An open value on its way into an event."""

    person: Person
    value: str


class Sealer(Protocol):
    """Seals a value for one place in the log: stream, version and field are bound to it."""

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        """The sealed form of an open value. `field` is a JSON pointer into the payload."""
        ...

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        """The value, or None where the person's key is gone."""
        ...
