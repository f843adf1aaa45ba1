"""Moments as a file prints them."""

from typing import Annotated, Any

import msgspec

from ledger.common.bounds import At, Text


class Moment(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """When something happened: the time, its text as a file prints it, whether it is inferred."""

    at: At
    printed: Annotated[str, Text(blank=True)] = ""
    inferred: bool = False

    def envelope(self) -> dict[str, Any]:
        """The envelope's part of an event that happened then."""
        return {"occurred_at": self.at, "printed": self.printed}

    def marks(self) -> list[str]:
        """What of the event is inferred."""
        return ["occurred_at"] if self.inferred else []
