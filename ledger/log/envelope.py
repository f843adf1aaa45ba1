"""The envelope of an event and the bytes of it that are hashed. Frozen: docs/log-format.md.

An `Entry` is one row of the log, its fields in the order of the columns. `leaf_hash` frames the
fields from `ledger` to `source` and the payload's hash, so an event can be shown to exist without
its content.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from operator import lt
from struct import Struct
from typing import NamedTuple

import msgspec

from ledger.common.decoding import decoded

LEAF_PREFIX = b"order-ledger/leaf/v2"
PAYLOAD_PREFIX = b"order-ledger/payload/v2"
ABSENT = b"\xff\xff\xff\xff"
SALT_BYTES = 16

_length = Struct(">I").pack
_integer = Struct(">Iq").pack
_spell = msgspec.json.Encoder().encode
_listed = msgspec.json.Decoder(list[str]).decode


class Entry(NamedTuple):
    """One event as the log keeps it.

    `ledger` is the id of the ledger. Units: times are microseconds since 1970-01-01 UTC. Shapes:
    `subjects` is a JSON list of texts as `spelled_subjects` writes it, `source` a JSON object; both
    are hashed as the text they are.
    """

    ledger: bytes
    position: int
    stream: str
    version: int
    type: str
    recorded_at: int
    occurred_at: int
    command_id: bytes
    command_seq: int
    request_hash: bytes | None
    once: str | None
    actor: str
    role: str
    client: str
    correlation: bytes
    causation: int | None
    subjects: str
    source: str | None
    payload: bytes
    salt: bytes
    payload_hash: bytes
    leaf_hash: bytes


class Outline(NamedTuple):
    """The part of an entry that a fold needs: half its columns, read in half the time."""

    ledger: bytes
    position: int
    stream: str
    version: int
    type: str
    recorded_at: int
    occurred_at: int
    subjects: str
    source: str | None
    payload: bytes
    leaf_hash: bytes

    @classmethod
    def of(cls, entry: Entry) -> "Outline":
        """The outline of an entry."""
        return cls._make(getattr(entry, name) for name in cls._fields)


def frame_text(text: str) -> bytes:
    """A text as u32 big-endian length of its UTF-8 bytes, then the bytes."""
    raw = text.encode()
    return _length(len(raw)) + raw


_framed = lru_cache(1_000)(frame_text)
"""Of texts that nearly all events share: their types, and who recorded them."""


def frame_bytes(raw: bytes) -> bytes:
    """Bytes as u32 big-endian length, then the bytes."""
    return _length(len(raw)) + raw


def listed_subjects(text: str) -> list[str]:
    """The subjects that a stored value lists. Errors: msgspec.DecodeError."""
    return decoded(_listed, text)


def spelled_subjects(subjects: Iterable[str]) -> str:
    """Subjects as the log stores and hashes them: a JSON list without blanks, each once, sorted by
    their UTF-8 bytes, nothing escaped but what JSON says must be."""
    return _spell(sorted(set(subjects))).decode()  # code points sort as their UTF-8 bytes do


def canonical_subjects(text: object) -> list[str] | None:
    """The subjects that a stored value lists, if it is their one spelling; None if it is not."""
    if not isinstance(text, str):
        return None
    try:
        subjects = listed_subjects(text)
        spelled = _spell(subjects).decode()
    except ValueError:  # also msgspec's own, and that of half a surrogate pair
        return None
    rising = all(map(lt, subjects, subjects[1:]))  # sorted, and each once
    return subjects if rising and spelled == text else None


def payload_hash(salt: bytes, payload: bytes) -> bytes:
    """SHA-256(prefix ‖ salt, framed ‖ payload, framed), of the payload's exact bytes.

    Both are framed, so that no byte can pass from one to the other under the same hash.
    """
    return sha256(b"".join((PAYLOAD_PREFIX, _length(len(salt)), salt, _length(len(payload)),
                            payload))).digest()


def entry_bytes(entry: Entry) -> bytes:
    """The framed bytes of an entry; their SHA-256 after a byte 0x00 is its leaf in the tree."""
    (ledger, position, stream, version, kind, recorded_at, occurred_at, command_id, command_seq,
     request_hash, once, actor, role, client, correlation, causation, subjects, source, _, _,
     payload_hash, _) = entry
    return b"".join(  # frames that are always there are inlined: calls would double the time
        (
            LEAF_PREFIX,
            _length(len(ledger)), ledger,
            _integer(8, position),
            _length(len(raw := stream.encode())), raw,
            _integer(8, version),
            _framed(kind),
            _integer(8, recorded_at),
            _integer(8, occurred_at),
            _length(len(command_id)), command_id,
            _integer(8, command_seq),
            ABSENT if request_hash is None else frame_bytes(request_hash),
            ABSENT if once is None else frame_text(once),
            _framed(actor),
            _framed(role),
            _framed(client),
            _length(len(correlation)), correlation,
            ABSENT if causation is None else _integer(8, causation),
            _length(len(raw := subjects.encode())), raw,
            ABSENT if source is None else frame_text(source),
            payload_hash,
        )
    )


def leaf_hash(entry: Entry) -> bytes:
    """SHA-256(0x00 ‖ entry), the leaf of RFC 9162 at index position − 1."""
    return sha256(b"\x00" + entry_bytes(entry)).digest()
