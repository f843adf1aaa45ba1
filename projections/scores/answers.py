"""What the reports on monthly scores hold: a class a row, see `projections.asking.columns`."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from ledger.policies.values import PARTIES
from ledger.scores.closings import MONTH_STATES, STEPS
from ledger.scores.values import COMPUTED, LEFT_OUT
from projections.asking.columns import (
    Columns,
    Day,
    Decimal,
    Hash,
    Late,
    Month,
    Subject,
    Time,
    Written,
    code,
    says,
)
from projections.asking.headers import Header
from projections.scores.later import WORDS as KNOWN_LATER

RestsOn = Annotated[list[Annotated[str, code(*KNOWN_LATER)]], says(
    "What came after the seal and would change the figure.")]


class ScoresHeader(Header):
    """As of what scores are."""

    month: Annotated[Month, says("The month that is answered for.")]
    state: Annotated[str, code(*MONTH_STATES), says("Whether the month is final.")]
    digest: Annotated[Hash | UnsetType, says(
        "The hash of the month's figures. It is there where all members were asked for.")] = UNSET


class ScoreRow(Columns):
    """A member's month in one post."""

    member: Subject
    post: str
    committee: Decimal | None
    second: Decimal | None
    bonus: Decimal
    deductions: Annotated[Decimal, says("The points that deductions take.")]
    score: Decimal | None
    coefficient: Decimal | None
    policy_version: int
    sealed: bool
    restatement: int
    share: Decimal
    days: Annotated[Decimal | None, says(
        "The days on which the post was held; null where one post has them all.", "days_held")]
    part: Decimal | None
    rests_on: RestsOn


class ScoreHistoryRow(Columns):
    """A member's closed month in one post."""

    month: Month
    member: Subject
    post: str
    committee: Decimal | None
    second: Decimal | None
    bonus: Decimal
    deductions: Annotated[Decimal, says("The points that deductions take.")]
    score: Decimal | None
    coefficient: Decimal | None
    policy_version: int
    sealed: bool
    restatement: int
    share: Decimal
    days: Annotated[Decimal | None, says(
        "The days on which the post was held; null where one post has them all.", "days_held")]
    part: Decimal | None
    rests_on: RestsOn


class Breach(Columns):
    """What was recorded against a rule that speaks to an item."""

    rule: str
    charge: str
    breached_on: Day
    points: Annotated[Decimal, says("The points that it costs.")]
    share_open: Decimal | None


class GradingRow(Columns):
    """An item of a member's scorecard."""

    member: Subject
    post: str
    item: str
    zh: str
    en: str
    weight: Decimal
    parts: Annotated[dict[str, Decimal], says("What it is made of, each with its percentage.")]
    computed: bool
    committee: Annotated[Decimal | None, says(
        "The committee's grade, in percent of the weight; of a computed item points.")]
    committee_graders: list[Subject]
    second: Decimal | None
    second_graders: list[Subject]
    second_grader: str
    shows: list[str]
    breaches: list[Breach]


class LeftOutMember(Columns):
    """A member who gets no figure in a month."""

    member: Subject
    post: str
    reason: Annotated[str, code(*LEFT_OUT), says("Why.")]


class FigureChange(Columns):
    """A figure before and after a restatement."""

    member: Subject
    post: str
    before: Decimal | None
    after: Decimal | None


class ClosingRow(Columns):
    """A step of the closing of a month."""

    month: Month
    what: Annotated[str, code(*STEPS), says("What was done.")]
    restatement: int
    by: str
    occurred_at: Time
    recorded_at: Time
    late: Late
    position: Annotated[int, says("The position of the event.")]
    reason: str | None
    count: int | None
    digest: Annotated[Hash | None, says("The hash of the figures.")]
    left_out: Annotated[list[LeftOutMember], says("Who got no figure.")]
    changes: Annotated[list[FigureChange], says("The figures that changed.")]
    rests_on: Annotated[list[Annotated[str, code(*KNOWN_LATER)]], says(
        "What came after the seal, of the step that made the figures final which stand.")]


class WarningRow(Columns):
    """Who was below the pass mark in closed months without a break."""

    member: Subject
    post: str
    months: list[Month]
    calls_for: int | None
    warning: bool


class TermDetails(Columns):
    """What else is to be said of a term; each member is there where it says something."""

    note: Annotated[Written | UnsetType | None, says("What was noted of bonus work.")] = UNSET
    weight: Annotated[Decimal | UnsetType, says("The weight of the item in percent.")] = UNSET
    share: Annotated[Decimal | UnsetType, says(
        "The post's share of the month, where others have a part of it.")] = UNSET
    lost: Annotated[Decimal | UnsetType, says("The points that a computed item lost.")] = UNSET
    charges: Annotated[list[str] | UnsetType, says("The charges by which it lost them.")] = UNSET
    graders: Annotated[list[Subject] | UnsetType, says("Who graded it.")] = UNSET
    party: Annotated[str, code(*PARTIES, COMPUTED), says(
        "As which party the member is charged.")] | UnsetType = UNSET
    breached_on: Annotated[Day | UnsetType, says("The day of the breach.")] = UNSET
    policy_version: Annotated[int | UnsetType, says("The policy that priced it.")] = UNSET
    month: Annotated[Month | UnsetType, says("The other month of what is carried.")] = UNSET
    charge: Annotated[str | UnsetType, says("The charge that is carried.")] = UNSET
    post: Annotated[str | UnsetType, says("The post of which it is carried.")] = UNSET


class ScoreTermRow(Columns):
    """A term of a score: factor × value."""

    post: str
    what: Annotated[str, says("What it is.")]
    factor: Decimal
    value: Decimal
    amount: Decimal
    positions: list[int]
    of: Annotated[TermDetails, says("What else is to be said of it.", "details")]


class ExplainedTerm(Columns):
    """A term of a score: factor × value."""

    what: Annotated[str, says("What it is.")]
    factor: Decimal
    value: Decimal
    positions: list[int]
    of: Annotated[TermDetails, says("What else is to be said of it.")]


class ExplainedPost(ScoreRow):
    """A post of a member's month, and how its figure came about."""

    as_computed: Decimal | None
    left_out: Annotated[str, code(*LEFT_OUT)] | None
    terms: Annotated[list[ExplainedTerm], says(
        "The terms that add up to `as_computed`: the sum of factor × value.")]


class ExplainedScore(Columns):
    """How a member's month came to its score."""

    member: Subject
    month: Month
    policy_version: int
    policy_from: Day
    posts: Annotated[list[ExplainedPost], says("The posts that the member held.")]
