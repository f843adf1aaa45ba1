"""What goes into the ledger with a command, and what comes back."""

import re
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ledger.common.characters import find_odd, note_odd
from ledger.common.errors import Invalid
from ledger.common.values import Checks, quoted

_ACTOR = re.compile(r"system|[a-z]+:[A-Za-z0-9][A-Za-z0-9._-]{0,90}")
_WORD = re.compile(r"[a-z][a-z_]{0,40}")
_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}")


class BadActor(Invalid):
    """{actor!r} is not a valid actor. Use `system` or a pseudonymous id such as member:7f3a, of
    letters, digits, dots and dashes; never a person's name."""

    code = "bad_actor"
    rule = "R-CTX-01"


class BadContext(Invalid):
    """{name} is {value!r}, which is not a short plain word."""

    code = "bad_context"
    rule = "R-CTX-02"


def is_actor(text: str) -> bool:
    """Whether a text is `system` or a pseudonymous id."""
    return _ACTOR.fullmatch(text) is not None


def check_actor(checks: Checks, where: str, value: object) -> None:
    """Note what is not a pseudonymous id."""
    if isinstance(value, str) and find_odd(value):
        note_odd(checks, where, value)
    elif not (isinstance(value, str) and is_actor(value)):
        checks.fault(where, "not_actor", f"is {quoted(value)}, not a pseudonymous id such as "
                                         "member:7f3a")


def check_member(checks: Checks, where: str, value: object) -> None:
    """Note a value that is not a member."""
    if isinstance(value, str) and find_odd(value):
        note_odd(checks, where, value)
    elif not (isinstance(value, str) and value.startswith("member:") and is_actor(value)):
        checks.fault(where, "not_member", f"is {quoted(value)}, not a member such as "
                                          "member:7f3a: a pseudonym, never a name")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a command, through what, and where it comes from: the metadata of its events.

    actor is a pseudonymous id (`member:7f3a`, `cli:k2j5…`) or `system`, never a name. client is the
    API key or the program. subjects are added to those of the events. source is an object such as
    {"import": …, "rows": […], "profile": …, "zone": …}; the time that an event's source prints is
    added to it. A repeat of a command_id is answered with the first receipt. `by_client` says that
    the command id comes from a key of the client's own: once accepted, it is used up for ever, also
    if nothing changed, and a repeat must be the same request, but for the fields that the server
    `filled` in. What was refused may be tried again under it. `statement` is what the ids of a
    statement of a file are made of, of which the command id is the first.
    """

    actor: str
    role: str
    client: str
    command_id: UUID | None = None
    correlation: UUID | None = None
    causation: int | None = None
    subjects: tuple[str, ...] = ()
    source: dict[str, Any] | None = None
    by_client: bool = False
    filled: frozenset[str] = frozenset()
    statement: bytes | None = None

    def __post_init__(self) -> None:
        if not is_actor(self.actor):
            raise BadActor(actor=self.actor)
        for name, form in (("role", _WORD), ("client", _CLIENT)):
            if not form.fullmatch(value := getattr(self, name)):
                raise BadContext(name=name, value=value)


class Receipt(NamedTuple):
    """What a command recorded.

    Shapes: positions are those of its events (empty where it changed nothing), versions maps each
    stream that it touched to its version after it, and each account to the position that touched it
    last. `position` is the log's head after the commit, `leaf` the leaf hash there; empty where it
    would have to be read. `left_out`: what is personal in the command was left out, since whose it
    is was erased. `waits_for`: what has to be done before more comes of it, by others perhaps.
    """

    command_id: UUID
    positions: tuple[int, ...]
    versions: dict[str, int]
    position: int
    replayed: bool = False
    leaf: bytes = b""
    left_out: bool = False
    waits_for: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """It, as JSON says it to whoever sent the command. `left_out` and `waits_for` are there
        only if something is."""
        found = {"command_id": str(self.command_id), "positions": self.positions,
                 "versions": self.versions, "position": self.position}
        found |= {"left_out": True} if self.left_out else {}
        return {**found, "waits_for": self.waits_for} if self.waits_for else found
