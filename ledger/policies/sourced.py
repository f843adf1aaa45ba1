"""What every part of a policy can say: where it is printed, and how it is read."""

from typing import Annotated

import msgspec

from ledger.common.bounds import Id, Items, LongText, Text

DecimalText = Annotated[str, Text(longest=100)]
"""A decimal in a text; which ones are sound, and between which bounds, say the findings."""

Names = Annotated[list[Id], Items()]


class Sourced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
              forbid_unknown_fields=True):
    """Where something is printed, and how we read it."""

    source: LongText | None = None
    reading: LongText | None = None
    conflict: LongText | None = None
