"""The bytes of a log as docs/log-format.md has them, by itself: framing, hashes, tree, values.

For the checker, which shares nothing with the program.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Row = Mapping[str, Any]

PAYLOAD_DOMAIN = b"order-ledger/payload/v2"
LEAF_DOMAIN = b"order-ledger/leaf/v2"
SUBJECTS = 4_100
SUBJECT_BYTES = 1_000
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"}
ESCAPES["\r"] = "\\r"


class Column(NamedTuple):
    """A column of `events`: its type, its least and greatest number of bytes, if it may lack."""

    name: str
    kind: type
    least: int = 0
    most: int | None = None
    optional: bool = False


COLUMNS = (
    Column("ledger", bytes, 16, 16),
    Column("position", int),
    Column("stream", str, 0, 1_000),
    Column("version", int),
    Column("type", str),
    Column("recorded_at", int),
    Column("occurred_at", int),
    Column("command_id", bytes, 16, 16),
    Column("command_seq", int),
    Column("request_hash", bytes, 32, 32, True),
    Column("once", str, 0, 1_000, True),
    Column("actor", str),
    Column("role", str),
    Column("client", str),
    Column("correlation", bytes, 16, 16),
    Column("causation", int, optional=True),
    Column("subjects", str, 0, 4_112_301),
    Column("source", str, 0, 65_536, True),
    Column("payload", bytes, 0, 1_048_576),
    Column("salt", bytes, 16, 16),
    Column("payload_hash", bytes, 32, 32),
    Column("leaf_hash", bytes, 32, 32),
)
ENTRY = tuple(column.name for column in COLUMNS[:18])


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def utf8(text: str) -> bytes:
    """The bytes of a text as they are stored, also where they are no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def whole(value: object) -> bool:
    """Whether a value is an integer of 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63


def frame(value: object) -> bytes:
    """A value framed; ValueError where it is of no type that can be framed."""
    if value is None:
        return b"\xff\xff\xff\xff"
    if isinstance(value, str):
        value = utf8(value)
    if isinstance(value, bytes):
        return len(value).to_bytes(4, "big") + value
    if isinstance(value, int) and whole(value):
        return b"\x00\x00\x00\x08" + value.to_bytes(8, "big", signed=True)
    raise ValueError("of no type that can be hashed")


def payload_hash(salt: object, payload: object) -> bytes:
    """The hash of an event's payload."""
    return sha256(PAYLOAD_DOMAIN, frame(salt), frame(payload))


def entry(row: Row) -> bytes:
    """The bytes that an event's leaf hash is of."""
    covered = row.get("payload_hash")
    if not isinstance(covered, bytes):
        raise ValueError("without the hash of its payload")
    return LEAF_DOMAIN + b"".join(frame(row.get(name)) for name in ENTRY) + covered


def leaf_hash(row: Row) -> bytes:
    """The leaf of an event."""
    return sha256(b"\x00", entry(row))


def node(left: bytes, right: bytes) -> bytes:
    """The node over two."""
    return sha256(b"\x01", left, right)


@dataclass
class Tree:
    """The Merkle tree of RFC 9162 over the leaves so far, as the roots of its full subtrees."""

    size: int = 0
    frontier: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """One leaf more."""
        self.size += 1
        self.frontier.append(leaf)
        rest = self.size
        while rest % 2 == 0:
            right, left = self.frontier.pop(), self.frontier.pop()
            self.frontier.append(node(left, right))
            rest //= 2

    def root(self) -> bytes:
        """The root of the leaves so far."""
        if not self.frontier:
            return sha256()
        *others, right = self.frontier
        for left in reversed(others):
            right = node(left, right)
        return right


def spelled(text: str) -> str:
    """A text in JSON as the page spells it."""
    signs = (
        ESCAPES.get(sign) or (f"\\u{ord(sign):04x}" if ord(sign) < 0x20 else sign) for sign in text
    )
    return '"' + "".join(signs) + '"'


def subjects_fault(stored: str) -> str | None:
    """What is wrong with a list of subjects, if anything is."""
    try:
        texts = json.loads(stored)
    except (ValueError, RecursionError):
        return "subjects that are not JSON"
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return "subjects that are not a list of texts"
    encoded = [utf8(text) for text in texts]
    if encoded != sorted(set(encoded)):
        return "subjects that are not sorted, or twice there"
    if len(texts) > SUBJECTS or any(len(text) > SUBJECT_BYTES for text in encoded):
        return "subjects that are too many or too long"
    if utf8("[" + ",".join(map(spelled, texts)) + "]") != utf8(stored):
        return "subjects in another spelling"
    return None


def value_fault(column: Column, value: object) -> str | None:
    """What is wrong with one value by its type and its length, if anything is."""
    if value is None:
        return None if column.optional else f"{column.name} is absent"
    if not isinstance(value, column.kind) or isinstance(value, bool):
        return f"{column.name} is of another type"
    if isinstance(value, int):
        return None if whole(value) else f"{column.name} is beyond 64 bits"
    stored = utf8(value) if isinstance(value, str) else value
    if not isinstance(stored, bytes):
        return f"{column.name} is of another type"
    if isinstance(value, str):
        try:
            stored.decode("utf-8")
        except UnicodeDecodeError:
            return f"{column.name} is not UTF-8"
    if len(stored) < column.least or (column.most is not None and len(stored) > column.most):
        return f"{column.name} has {len(stored)} bytes"
    return None


def personal_place(ledger: bytes, stream: str, version: int, pointer: str, person: str) -> bytes:
    """The associated data of a personal value: where it stands and whose it is."""
    parts = (ledger, stream, version.to_bytes(8, "big"), pointer, person)
    return b"order-ledger/personal/v2" + b"".join(map(frame, parts))


def personal_value(value: Mapping[str, str], key: bytes, place: bytes) -> tuple[bytes, str]:
    """The salt and the text of a personal value; ValueError where it is not of this place."""
    nonce, sealed, digest = (
        base64.urlsafe_b64decode(value[name] + "=" * (-len(value[name]) % 4)) for name in "nch"
    )
    try:
        opened = AESGCM(key).decrypt(nonce, sealed, place)
    except InvalidTag:
        raise ValueError("not sealed for this place") from None
    salted, mark, zeros = opened.rpartition(b"\x80")
    if not mark or zeros.strip(b"\0") or len(opened) % 16 or len(zeros) > 15:
        raise ValueError("what follows the value is not laid down so")
    if sha256(salted) != digest:
        raise ValueError("the hash is of another value")
    return salted[:16], salted[16:].decode("utf-8")
