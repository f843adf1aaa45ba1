"""How a personal value is sealed under its person's key, for one place in the log."""

import base64
import os
from binascii import b2a_base64
from hashlib import sha256
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.common.personal import Personal
from ledger.log.wrapping import NONCE_BYTES

_length = Struct(">I").pack
_version = Struct(">IQ").pack
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_NONCE_CHARS = NONCE_BYTES * 4 // 3
"""A nonce is of whole groups of base64, so it is written along with what follows it."""

SALT_BYTES = 16
BLOCK_BYTES = 16

END = b"\x80"
"""What follows a value: all zeros after the last of it are padding, and none before it."""

ELSEWHERE = "not sealed for this place"
DISAGREE = "value and hash disagree"

PERSONAL_PREFIX = b"order-ledger/personal/v2"
"""What the associated data begin with: see `wrapping`."""


def b64(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def place(ledger: bytes, stream: str, version: int, field: str, *, person: str) -> bytes:
    """The place of a value. `ledger` is the ledger's id, framed."""
    raw, name, whose = stream.encode(), field.encode(), person.encode()
    return b"".join((PERSONAL_PREFIX, ledger, _length(len(raw)), raw, _version(8, version),
                     _length(len(name)), name, _length(len(whose)), whose))


def sealed(value: str, person: str, cipher: AESGCM, where: bytes) -> Personal:
    """A value sealed for a place, with the hash that commits to it."""
    drawn = os.urandom(NONCE_BYTES + SALT_BYTES)
    nonce, salted = drawn[:NONCE_BYTES], drawn[NONCE_BYTES:] + value.encode()
    text = b64(nonce + cipher.encrypt(nonce, _padded(salted), where))
    return Personal(person, text[:_NONCE_CHARS], text[_NONCE_CHARS:], b64(sha256(salted).digest()))


def _padded(salted: bytes) -> bytes:
    """With an end mark and zeros up to a whole block, so that a value's length says little of it.
    """
    return salted + END + bytes(-(len(salted) + 1) % BLOCK_BYTES)


def opened(value: Personal, cipher: AESGCM, where: bytes) -> tuple[bytes, str]:
    """The salt and the value. Errors: ValueError if it does not belong to this place or to its
    hash."""
    try:
        padded = cipher.decrypt(_unb64(value.n), _unb64(value.c), where)
    except InvalidTag:
        raise ValueError(ELSEWHERE) from None
    found = padded.rstrip(b"\0").removesuffix(END)
    if _padded(found) != padded or b64(sha256(found).digest()) != value.h:
        raise ValueError(DISAGREE)
    return found[:SALT_BYTES], found[SALT_BYTES:].decode()
