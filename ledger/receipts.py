"""What goes beside a command into the ledger and what comes back."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who wishes it, through what, and where it comes from: the one way of metadata into a row.

    actor is a pseudonymous id (`member:7f3a`, `cli:k2j5…`) or `system`, never a name. client is the
    API key or the program. subjects are told beside those of the events. source is an object such
    as {"import": …, "rows": […], "profile": …, "zone": …}; an event's printed time joins it.
    command_id makes a repeat answer the first receipt; request is what must then be the same (by
    default the command itself).
    """

    actor: str
    role: str
    client: str
    command_id: UUID | None = None
    correlation: UUID | None = None
    causation: int | None = None
    subjects: tuple[str, ...] = ()
    source: dict[str, Any] | None = None
    request: bytes | None = None


class Receipt(NamedTuple):
    """What a command recorded.

    Shapes: positions are those of its events (empty where it changed nothing), versions maps each
    stream that it touched to its version after it. `position` is the log's head after the commit.
    """

    command_id: UUID
    positions: tuple[int, ...]
    versions: dict[str, int]
    position: int
    replayed: bool = False
