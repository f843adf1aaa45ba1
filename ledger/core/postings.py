"""What any event may carry besides its own fields: a correction, postings and observations.

They are part of the base of all events, since a field of the base cannot be added later. An event
without them has none of the three in its payload.
"""

from datetime import datetime
from typing import Literal

import msgspec

ACCOUNT_KINDS = ("stock:",)
"""How the subjects begin that are accounts, to which documents post. Another kind needs a migration
that indexes what was recorded."""


class Correction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an event corrects: the event at a position did not occur, or holds incorrect data.

    Each event is corrected at most once; the correction may be corrected in its turn.
    """

    position: int
    kind: Literal["did_not_occur", "incorrect_data"]

    @property
    def once(self) -> str:
        """What can happen only once in a ledger: that this event is corrected."""
        return f"corrects:{self.position}"


class Posting(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
              rename={"source": "from", "target": "to"}):
    """A quantity that an event moves from one place of an account to another.

    `account` is a whole subject such as `stock:hz:A1`. `at` is when it happened in the business, by
    default when the event did. `since` is the position from which the claim of an order counts, by
    default that of the event. `below` is the level at which a declared fact left `from`, where
    that is less than nothing. Units: whole units of what the account holds; `quantity` at least 1.
    """

    account: str
    quantity: int
    source: str
    target: str
    cause: str
    line: str = ""
    bin: str = ""
    to_bin: str = ""
    at: datetime | None = None
    since: int | None = None
    below: int | None = None


class Observation(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How many were counted in a place of an account, and when. Without a bin it is the whole
    place. `withdrawn`: a correction takes this back, which the corrected event had observed. Units:
    whole units, at least 0.
    """

    account: str
    place: str
    counted: int
    at: datetime
    bin: str = ""
    withdrawn: bool = False


def held_in(account: str) -> str:
    """The subject of what an account holds: that of `stock:hz:A1` is `sku:A1`."""
    return f"sku:{account.rpartition(':')[2]}"


def mention_of(name: str) -> str:
    """The subject of an event that tells of something, and neither posts to it nor observes it: of
    an account that is what it holds."""
    return held_in(name) if name.startswith(ACCOUNT_KINDS) else name
