"""What makes two requests the same one, and the ids that commands have because of it.

A request is what its client named, wherever it stood: in the address, the body or a header.
Spelled otherwise it is the same request. How it is put into bytes is laid down in
docs/log-format.md, and so frozen: a command's name and its fields' names with it.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ledger.common.values import taken, to_us
from ledger.core.commands import Command
from ledger.log.envelope import frame_bytes, frame_text

Mac = Callable[[str, bytes], bytes]
"""HMAC-SHA-256 under the ledger's secret: `LedgerKeys.mac`."""

COMMAND = b"order-ledger/command/v2"
"""What the hash begins with that makes a command's id."""

IMPORT = b"order-ledger/import/v2"
"""What the hash begins with that makes the id of a command on an import."""

STATEMENT = b"order-ledger/statement/v2"
"""What the hash begins with that makes a statement's id."""

_encode = msgspec.json.Encoder(order="sorted").encode


class _Field(NamedTuple):
    """A field of a struct: its name here, its name in a request, and what it is if left out."""

    name: str
    encoded: str
    default: Any


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(field.name, field.encode_name, field.default_factory()
               if field.default_factory is not msgspec.NODEFAULT else field.default)
        for field in msgspec.structs.fields(struct))


def _plain(value: Any) -> Any:
    """A value as it is hashed: no field that is as if left out, each time in one spelling."""
    if isinstance(value, str):
        return taken(value)
    if isinstance(value, msgspec.Struct):
        return {field.encoded: _plain(inner) for field in _fields(type(value))
                if (inner := _trimmed(getattr(value, field.name))) != field.default}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return to_us(value) if isinstance(value, datetime) else value


def _trimmed(value: Any) -> Any:
    return taken(value) if isinstance(value, str) else value


def request_hash(mac: Mac, command: Command, filled: Collection[str] = ()) -> bytes:
    """The hash of a request: 32 bytes.

    `filled` are the fields that the server filled in, and not the client. Of a personal field it
    covers that it was named, not its value, which would be evidence of it for ever.
    """
    named = _plain(command)
    for name in filled:
        named.pop(name, None)
    pointers = [f"/{name}" for name in sorted(command.PERSONAL)
                if named.pop(name, None) is not None]
    return mac("request", b"".join((
        frame_text(command.NAME), frame_bytes(_encode(named)), frame_bytes(_encode(pointers)))))


def command_id(ledger: bytes, actor: str, key: str) -> UUID:
    """The id of a command that an actor sends to a ledger, by its id, under a key of the client's
    own. No secret is in it: a request is known again when the keys are lost, too."""
    return _uuid(sha256(b"".join((
        COMMAND, frame_bytes(ledger), frame_text(actor), frame_text(key)))).digest())


def statement_id(statement: bytes, number: int) -> UUID:
    """The id of the nth statement, from 0, that says the same but for personal values. As in a
    command's id, no secret is in it."""
    return _uuid(sha256(
        STATEMENT + statement + frame_bytes(number.to_bytes(8, "big"))).digest())


def statement_of(ledger: bytes, *parts: str | bytes) -> bytes:
    """What the ids of a statement are made of: the ledger's id, and what is not personal in it."""
    return b"".join([frame_bytes(ledger), *[
        frame_text(part) if isinstance(part, str) else frame_bytes(part) for part in parts]])


def import_command_id(ledger: bytes, *parts: str) -> UUID:
    """The id of a command on an import itself: that it begins, or what came of it."""
    return _uuid(sha256(IMPORT + statement_of(ledger, *parts)).digest())


def _uuid(digest: bytes) -> UUID:
    """The UUID (version 8) that is made of a digest's first 16 bytes."""
    raw = bytearray(digest[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))
