"""What an event says of whoever signed it for somebody else."""

from typing import Annotated

import msgspec

from ledger.common.bounds import Words

VACANT, SIGNED_ALREADY, AWAY = WHY = ("vacant", "signed_already", "away")
"""Why somebody stands in: nobody holds the posts; who does signed what this is apart from; or is on
leave or not on shift."""


class StoodIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For whom somebody signed, and why. Shapes: `whom` are the members who hold the posts, or the
    posts, such as post:warehouse_head, where nobody does."""

    whom: list[str] = msgspec.field(name="for")
    why: Annotated[str, Words(*WHY)]
