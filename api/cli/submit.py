"""Commands from the command line: JSON in, a receipt out, refusals as messages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import click
import msgspec

from api.cli.output import as_json
from api.messages import tr
from ledger.common.bounds import Words
from ledger.common.context import Context, Receipt
from ledger.common.decoding import any_json, sent_json
from ledger.common.errors import Invalid
from ledger.common.values import repeated_name
from ledger.core.commands import Command
from ledger.handlers.table import SENT
from ledger.log.damage import DatabaseDamaged
from ledger.log.store import ConnectionLost, StorageFailed
from ledger.writing import requests


class BadCommand(Invalid):
    """Line {line} is not a valid {name}: {why}. `ledger do {name} --fields` says what it takes."""

    code = "bad_command"
    rule = "R-CMD-01"


def read(name: str, text: str) -> Iterator[tuple[Command, frozenset[str]]]:
    """The commands of a text: one JSON object, or one per line; each with the fields that are
    filled in here. `occurred_at` defaults to now.

    Errors: BadCommand (R-CMD-01); InvalidValues (R-VAL-01).
    """
    cls = SENT[name]
    try:
        texts = [(1, _decoded(name, text, 1))]
    except msgspec.DecodeError:
        texts = list(_lines(name, text))
    for line, fields in texts:
        filled: dict[str, Any] = {}
        if isinstance(fields, dict):
            filled = {"occurred_at": datetime.now(UTC)} if _happens_now(cls, fields) else {}
            fields.update(filled)
        try:
            yield msgspec.convert(fields, cls), frozenset(filled)
        except msgspec.ValidationError as error:
            raise BadCommand(line=line, name=name, why=_lower(str(error))) from None


def _happens_now(cls: type[Command], fields: Mapping[str, Any]) -> bool:
    return "occurred_at" in cls.__struct_fields__ and "occurred_at" not in fields


def _lines(name: str, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, _decoded(name, line, number)
            except msgspec.DecodeError as error:
                raise BadCommand(line=number, name=name, why=_lower(str(error))) from None


def _decoded(name: str, text: str, line: int) -> Any:
    """A JSON text whose objects have no name twice. Errors: BadCommand (R-CMD-01) for one that
    has."""
    any_json(text)
    if (twice := repeated_name(text)) is not None:
        raise BadCommand(line=line, name=name,
                         why=tr("the name {name!r} stands twice", name=twice))
    return sent_json(text)


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]  # "JSON is malformed" stays


def identified(
    ledger: bytes, context: Context, own: UUID | None, number: int,
    *, filled: frozenset[str],
) -> Context:
    """The context of the nth command of a text. If an id of the sender's own was given, each
    command has a key that is made of it, and may be sent again."""
    if own is None:
        return context
    key = str(own) if number == 1 else f"{own}/{number}"
    return msgspec.structs.replace(
        context, command_id=requests.command_id(ledger, context.actor, key), by_client=True,
        filled=filled)


@contextmanager
def not_looked_up(own: UUID | None) -> Iterator[None]:
    """Where a command is not looked up yet by an id of the sender's own: it may be recorded.

    Errors: ConnectionLost (R-LOG-13) instead of StorageFailed (R-LOG-04).
    """
    try:
        yield
    except StorageFailed as error:
        if own is None or isinstance(error, DatabaseDamaged):
            raise
        raise ConnectionLost(**error.details) from error


def show(receipt: Receipt, form: str) -> None:
    """Say what came of a command."""
    if form == "json":
        click.echo(as_json(receipt.shown()))
        return
    if receipt.positions:
        click.echo(tr("Recorded at position {position}.",
                      position=", ".join(map(str, receipt.positions))))
    else:
        click.echo(tr("Nothing new: nothing was changed."))
    if receipt.waits_for:
        click.echo(tr("Waits for: {what}.", what=", ".join(receipt.waits_for)))
    if receipt.left_out:
        click.echo(tr("What is personal in it was left out, since whose it is was erased."))


def listed(name: str | None = None) -> list[dict[str, Any]]:
    """All commands, or one. Shapes: name, its fields (those in brackets may be left out; behind a
    colon stands what one is made of, or the words that it can be), what it does."""
    names = SENT if name is None else [name]
    return [{"name": name, "fields": _fields(SENT[name]),
             "what": " ".join((SENT[name].__doc__ or "").split())} for name in names]


def _fields(cls: type[msgspec.Struct]) -> str:
    hints = get_type_hints(cls, include_extras=True)
    needed, free = [], []
    for field in msgspec.structs.fields(cls):
        said = field.encode_name + _made_of(hints[field.name])
        if field.required and not (issubclass(cls, Command) and field.name == "occurred_at"):
            needed.append(said)
        else:
            free.append(f"[{said}]")
    return ", ".join((*needed, *free))


def _made_of(kind: Any) -> str:
    """What is to be known of a type, beside the name of its field."""
    for words in getattr(kind, "__metadata__", ()):
        if isinstance(words, Words):
            return f": {'|'.join(filter(None, words.words))}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f": {{{_fields(kind)}}}"
    inner = next(filter(None, map(_made_of, get_args(kind))), "")
    return f": list of {inner[2:]}" if inner and get_origin(kind) is list else inner


def explained(name: str | None = None) -> str:
    """The same as a text."""
    return "\n\n".join(f"{one['name']}\n  {one['what']}\n  {one['fields']}"
                       for one in listed(name))
