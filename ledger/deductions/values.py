"""What deductions are made of: their states and those of appeals, what was broken, what is charged.
"""

from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from ledger.common.bounds import Words
from ledger.common.values import EPOCH, subject
from ledger.policies.values import PARTIES

PROPOSED, CONFIRMED, WAIVED, DISMISSED, OVERTURNED = STATES = (
    "proposed", "confirmed", "waived", "dismissed", "overturned")
"""`overturned`: none of its charges is left."""

APPEALED, UPHELD, REDUCED = "appealed", "upheld", "reduced"
"""The state of an appeal; or `overturned`, or `waived`: the charge was excused, so that nothing was
left to decide."""

APPEAL_STATES = (APPEALED, UPHELD, REDUCED, OVERTURNED, WAIVED)
"""All states of an appeal."""


def deduction_of(number: str) -> str:
    """The stream of a deduction."""
    return subject("deduction", number)


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one member is liable for. Units: points, before any escalation.

    `party` says as which party; `month` is the month of the fact.
    """

    member: str
    party: Annotated[str, Words(*PARTIES)]
    post: str
    points: str
    month: str


class Breach(NamedTuple):
    """What is proposed: which rule was broken, when, on what, and by whom (None: not known)."""

    rule: str
    policy: int
    about: str
    breached_at: datetime
    offender: str | None
    loss: bool


NOTHING = Breach("", 0, "", EPOCH, None, False)
