"""Bodies of commands, read by msgspec straight into the command, which checks itself when made.

It takes only what is plainly sound: the fields of `api.http.fields` say of all else what is wrong
with it, or that nothing is. So a body that is not taken here costs a second look and nothing more,
and each message, pointer and code has one place.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
import orjson
from marshmallow import ValidationError

from api.http.fields import time_of
from ledger.common.checking import split
from ledger.common.errors import LedgerError
from ledger.core.commands import Command

Count = Callable[[Any], int]

UNKNOWN = 1 << 60
"""More names than any body has, since one of them is unknown."""

_name = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*(:?)').findall
"""In JSON, every text, and after it the colon that makes it a name."""


class Sent(NamedTuple):
    """A command as a body says it; `now` is whether the server filled in when it happened."""

    command: Command
    now: bool


class Reader:
    """Reads the bodies of a command; fields in `without` stand elsewhere. With `ignores_time` what
    a body says of the time is checked, and it happens now."""

    def __init__(
        self, command: type[Command], *, without: Collection[str], ignores_time: bool = False,
    ) -> None:
        self.command, self.ignores_time = command, ignores_time
        self.count = _of_struct(command, without)
        self.times = [(field.encode_name, optional)
                      for field in msgspec.structs.fields(command)
                      for kind, _, optional in [split(field.type)]
                      if kind is datetime and field.encode_name not in without]

    def read(self, sent: bytes, more: Mapping[str, Any]) -> Sent | None:
        """The command that a body makes with `more`, the values that stand elsewhere; None where
        that has to be looked at closely."""
        try:
            found = orjson.loads(sent)
            if type(found) is not dict or not self._read_times(values := {**found, **more}):
                return None
            if now := self.ignores_time or "occurred_at" not in found:
                values["occurred_at"] = datetime.now(UTC)
            command = msgspec.convert(values, self.command)
        except (ValueError, ValidationError, LedgerError):
            return None
        return Sent(command, now) if _are(self.count(found), sent) else None

    def _read_times(self, values: dict[str, Any]) -> bool:
        for name, optional in self.times:
            if name in values:
                value = values[name]
                if value is not None:
                    values[name] = time_of(value)
                elif not optional:
                    return False
        return True


def _are(names: int, sent: bytes) -> bool:
    """Whether a JSON text has so many names: if objects that were made of it have fewer, one stands
    there twice. Most have no other colon than those after names."""
    return sent.count(b":") == names or _name(sent).count(b":") == names


def _counter(annotated: Any) -> Count | None:
    """What counts the names in a sound value of a kind; None where it has none."""
    kind, _, _ = split(annotated)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _of_struct(kind, ())
    if get_origin(kind) not in (list, dict):
        return None
    inner = _counter(get_args(kind)[-1])
    if get_origin(kind) is list:
        return None if inner is None else lambda value: sum(map(inner, value))
    if inner is None:
        return len
    return lambda value: len(value) + sum(map(inner, value.values()))


def _of_struct(struct: type[msgspec.Struct], without: Collection[str]) -> Count:
    """Some structs pass over fields that they do not know, since an event may have them: a body
    may not."""
    known = frozenset(field.encode_name for field in msgspec.structs.fields(struct)) - {*without}
    inner = [(field.encode_name, count) for field in msgspec.structs.fields(struct)
             if (count := _counter(field.type)) is not None]

    def counted(value: dict[str, Any]) -> int:
        if not value.keys() <= known:
            return UNKNOWN
        found = len(value)
        for name, count in inner:
            if (within := value.get(name)) is not None:
                found += count(within)
        return found

    return counted
