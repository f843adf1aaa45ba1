"""What a month's score is made of: charges, what is carried between months, and sealed figures."""

from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from ledger.common.bounds import Id, MemberId, Words
from ledger.common.personal import Personal
from ledger.common.values import subject
from ledger.policies.values import PARTIES, Escalation

COMMITTEE_SHEET, SECOND_SHEET = SHEETS = ("committee", "second")
"""The two sheets of a scorecard, and who grades them: the committee, and the second grader."""

COMPUTED = "computed"
"""The party of a member who is charged for attendance, where there is no deduction."""


def account_of(member: str, month: str) -> str:
    """The stream of a member's month. `member` is the member's stream, such as member:7f3a."""
    return subject("month", member.partition(":")[2], month)


class Charge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
             forbid_unknown_fields=True):
    """Points that a fact takes from a member. Units: points, a decimal in a text.

    `charge` names it within the account: the deduction's stream, or the fact of attendance that it
    was computed from. `party` says as which party the member is liable. `counts_in` is `month` or
    an item of the scorecard. `breached_on` is the day of the fact, `breached_at` its time, where
    that is known.
    """

    charge: str
    rule: str
    party: Annotated[str, Words(*PARTIES, COMPUTED)]
    post: str
    points: str
    breached_on: str
    policy: int
    breached_at: datetime | None = None
    counts_in: str = "month"
    escalation: Escalation | None = None


class Carry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a change in a sealed month costs a post, counted in another month. Units: points."""

    post: str
    to_month: str
    points: str


class Lent(NamedTuple):
    """What a charge of a sealed month passed on to another month."""

    charge: str
    carry: Carry


class Bonus(NamedTuple):
    """Points for a voluntary task; `note` is sealed for the version of its event."""

    points: str
    note: Personal | None = None
    version: int = 0


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
             forbid_unknown_fields=True):
    """A member's month in one post. Units: points of 100, decimals in texts; None: not graded yet.

    score = 0.75 committee + 0.25 second + bonus - deductions, where the policy gives the shares. It
    may fall below 0 or rise above 100.

    Where several posts share the month, `score` and `coefficient` are the member's, the same in
    each figure: the sum of the parts. `part` is what this post adds: its `share` of the grades,
    bonus and deductions whole. `days` are those on which it was held; None: one post has them all.
    """

    member: str
    post: str
    committee: str | None
    second: str | None
    bonus: str
    deductions: str
    score: str | None
    coefficient: str | None
    policy_version: int
    share: str = "1"
    days: str | None = None
    part: str | None = None


LEFT_OUT = ("nobody_above", "absent", "short_time", "graded_elsewhere", "other")
"""Why a member may get no figure: nobody is there who could grade them, they were away, they held
the post for too few days, others grade them, or another reason."""


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member who gets no figure in a month, and why: in a word, since an event that is about many
    members seals nothing for one of them."""

    member: MemberId
    post: Id
    reason: Annotated[str, Words(*LEFT_OUT)]


class FigureChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure before and after a restatement; None where there was none."""

    member: str
    post: str
    before: str | None
    after: str | None
