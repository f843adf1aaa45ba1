"""Commands from the command line: JSON in, a receipt out, refusals as messages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from ledger.common.context import Context, Receipt
from ledger.common.errors import Invalid
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS

COMMANDS: dict[str, type[Command]] = {
    cls.NAME: cls for cls in sorted(HANDLERS, key=lambda cls: cls.NAME)
    if cls.REFUSALS_KEPT and not cls.NAME.startswith(("log.", "key.", "reads."))}
"""What a person may send. What a file declares goes through `ledger import`."""


class BadCommand(Invalid):
    """Line {line} is not a valid {name}: {why}."""

    code = "bad_command"
    rule = "R-CMD-01"


def read(name: str, text: str) -> Iterator[tuple[Command, bytes]]:
    """The commands of a text: one JSON object, or one per line; each with what was written, in one
    spelling, so that it is the same when it is sent again. `occurred_at` defaults to now.

    Errors: BadCommand (R-CMD-01); InvalidValues (R-VAL-01).
    """
    cls = COMMANDS[name]
    try:
        texts = [(1, msgspec.json.decode(text))]
    except msgspec.DecodeError:
        texts = list(_lines(name, text))
    for line, fields in texts:
        written = msgspec.json.encode(fields, order="sorted")
        if isinstance(fields, dict) and "occurred_at" in cls.__struct_fields__:
            fields.setdefault("occurred_at", datetime.now(UTC))
        try:
            yield msgspec.convert(fields, cls), written
        except msgspec.ValidationError as error:
            raise BadCommand(line=line, name=name, why=_lower(str(error))) from None


def _lines(name: str, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, msgspec.json.decode(line)
            except msgspec.DecodeError as error:
                raise BadCommand(line=number, name=name, why=_lower(str(error))) from None


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]  # "JSON is malformed" stays


def identified(context: Context, command_id: UUID | None, number: int, written: bytes) -> Context:
    """The context of a command that may be sent again: its id, if one was given, and what must then
    be the same. Further commands of a text have ids that are made of the first one's."""
    if command_id is None:
        return context
    own = command_id if number == 1 else uuid5(command_id, str(number))
    return msgspec.structs.replace(context, command_id=own, request=written,
                                    by_client=True)


def shown(receipt: Receipt) -> dict[str, Any]:
    """A receipt as JSON shows it."""
    return {"command_id": str(receipt.command_id), "positions": list(receipt.positions),
            "versions": receipt.versions, "position": receipt.position}


def listed() -> list[dict[str, Any]]:
    """All commands. Shapes: name, its fields (those in brackets may be left out), what it does."""
    return [{"name": name, "fields": ", ".join(_fields(cls)),
             "what": " ".join((cls.__doc__ or "").split())} for name, cls in COMMANDS.items()]


def _fields(cls: type[Command]) -> Iterator[str]:
    free = {field.encode_name: not field.required for field in msgspec.structs.fields(cls)}
    free = {**free, "occurred_at": True}
    yield from (name for name, left_out in free.items() if not left_out)
    yield from (f"[{name}]" for name, left_out in free.items() if left_out)
