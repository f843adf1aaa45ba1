"""What a policy says: score rules, scorecards, bands, pay, deadlines, thresholds, calendars.

The structures are those of a policy file, section by section, and of the published event. Points,
weights, shares and coefficients are decimals in texts. `source` is the title of the document that a
number comes from, `reading` is what we chose where its print is ambiguous, and `conflict` says
where two documents disagree.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, NamedTuple

import msgspec

from ledger.common.bounds import AnyInteger, Id, Items, LongText, Name, Text
from ledger.common.decimals import FINEST
from ledger.policies.pay import PayScheme
from ledger.policies.posts import HEADS, POSTS
from ledger.policies.sourced import DecimalText, Names, Sourced
from ledger.policies.times import Calendar, Deadline, Hours

OFFENDER, SUPERVISOR, ALL_OF_POST = PARTIES = ("offender", "supervisor", "all_of_post")
"""Who can be liable: whoever did it, their direct supervisor that day, all in the post that day."""

PER = ("occurrence", "order", "review", "product", "parcel", "slip", "day", "month")
"""What a rule can count once per."""

MONTH = "month"
"""Where most charges count: in the month's total. The others lower an item of the scorecard."""

OBJECTIVE, CONFIRMED_PRODUCT = EXEMPTIONS = ("objective", "product_department_confirmed")
"""What can excuse a charge, where a rule allows an excuse."""

ABSENT, LEAVE = "absent", "leave"
ATTENDANCE = ("late", "left_early", ABSENT, LEAVE, "meeting_late", "meeting_left_early",
              "meeting_excused")
"""Kinds of attendance that rules can count; `leave` is a day of approved leave."""

MEMBER, HEAD = "member", "supervisor"
"""Second graders besides the holder of a post: the member, or the member's direct supervisor."""

MAX_NOTES = 200

class PostName(Sourced, frozen=True, kw_only=True):
    """A post, its names, the role of the keys of those who hold it, and the posts that it heads."""

    post: Id
    zh: LongText
    en: LongText
    role: Name = "member"
    heads: Names = []


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """From the nth charge of a month on, each counts `factor` times."""

    from_nth: AnyInteger
    factor: DecimalText


class Rule(Sourced, frozen=True, kw_only=True):
    """What costs how many points.

    Shapes: `charges` maps a liable party to [least, most] points, or to [] where no points are
    printed: then a breach is recorded and counts 0. `counts_in` is `month` or an item of the
    scorecard. `computed_from` are the kinds of attendance that are charged as they are recorded;
    deductions of such a rule are not proposed. `evidence_for` are the items whose graders see the
    recorded breaches.
    """

    code: Id
    posts: Names
    zh: LongText
    en: LongText
    charges: Annotated[dict[Id, Annotated[list[DecimalText], Items()]], Items()]
    per: Name
    counts_in: Name = MONTH
    exempt: Name | None = None
    excludes: Name | None = None
    escalation: Escalation | None = None
    on_loss: bool = False
    computed_from: Names = []
    evidence_for: Names = []
    detect: LongText | None = None
    consequence: LongText | None = None
    origin: Name = "printed"

    @property
    def priced(self) -> bool:
        """Whether any points are printed."""
        return any(self.charges.values())


class ScorecardItem(Sourced, frozen=True, kw_only=True):
    """What is graded. Units: `weight` and `parts` in percent.

    `computed_from` are the rules that take points from it; such an item is not graded. `shows` is
    what the ledger shows to the graders.
    """

    item: Id
    weight: DecimalText
    zh: LongText
    en: LongText
    parts: Annotated[dict[Id, DecimalText], Items()] = {}
    computed_from: Names = []
    shows: Names = []


class Scorecard(Sourced, frozen=True, kw_only=True):
    """The items of a post; their weights add up to 100, or are scaled to 100 (`normalise`).

    `second_grader` is `member`, `supervisor`, or a post whose holder grades.
    """

    post: Id
    items: Annotated[list[ScorecardItem], Items()]
    second_grader: Name = MEMBER
    normalise: bool = False


class Scoring(Sourced, frozen=True, kw_only=True):
    """How a month's score is made. Units: shares of 1, points, calendar days, months.

    `warnings` maps a post to the number of closed months below the pass mark that call for a
    warning.
    """

    committee: DecimalText = "0.75"
    second: DecimalText = "0.25"
    max_bonus: DecimalText = "20"
    bonus_posts: Names = []
    pass_mark: DecimalText = "65"
    appeal_days: AnyInteger = 7
    warnings: Annotated[dict[Id, AnyInteger], Items()] = {}


class Band(Sourced, frozen=True, kw_only=True):
    """The coefficient of scores of `at_least` or more that are below `below`. None: no bound."""

    coefficient: DecimalText
    at_least: DecimalText | None = None
    below: DecimalText | None = None


LOW_STOCK = "low_stock"
FINANCE_REVIEW = "finance_review"
THRESHOLDS = {LOW_STOCK: "pieces", FINANCE_REVIEW: "fen"}
"""The thresholds that something reads, each with its unit. Another one is refused."""

MOST_THRESHOLD = "1000000000000"


class Threshold(Sourced, frozen=True, kw_only=True):
    """A bound that is data, such as how few pieces are too few: one of `THRESHOLDS`."""

    threshold: Id
    value: DecimalText
    unit: Name
    zh: LongText
    en: LongText


MOST_DAYS = 36_500


class Retention(Sourced, frozen=True, kw_only=True):
    """How long persons are kept. Units: calendar days after the last that is known of them.

    It erases nobody before somebody else than who published it has confirmed it.
    """

    buyers: AnyInteger | None = None
    members: AnyInteger | None = None


class Signing(Sourced, frozen=True, kw_only=True):
    """Who may sign an act, and whose signatures may not be the same person's. Units: minor units.

    `posts` sign it; if none is named, anybody whom the command lets. `otherwise` are the posts that
    stand in while nobody of `posts` who may sign is on shift. Where `apart_from` is left out, what
    the ledger asks of the act stays. Up to `above_minor`, included, nothing is asked.
    """

    act: Name
    posts: Names = []
    apart_from: Names | None = None
    otherwise: Names = []
    above_minor: AnyInteger | None = None


class Sections(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
               forbid_unknown_fields=True):
    """What a policy says. A section that is None is absent: what was published before holds."""

    posts: Annotated[list[PostName], Items()] | None = None
    rules: Annotated[list[Rule], Items()] | None = None
    scorecards: Annotated[list[Scorecard], Items()] | None = None
    scoring: Scoring | None = None
    coefficients: Annotated[list[Band], Items()] | None = None
    pay: Annotated[list[PayScheme], Items()] | None = None
    deadlines: Annotated[list[Deadline], Items()] | None = None
    thresholds: Annotated[list[Threshold], Items()] | None = None
    hours: Annotated[list[Hours], Items()] | None = None
    calendars: Annotated[list[Calendar], Items()] | None = None
    retention: Retention | None = None
    signing: Annotated[list[Signing], Items()] | None = None

    def over(self, before: "Sections") -> "Sections":
        """These sections, and where one is absent, that of before."""
        return Sections(**{name: getattr(before, name) if (own := getattr(self, name)) is None
                           else own for name in self.__struct_fields__})


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
             forbid_unknown_fields=True):
    """A policy file: its title and source, what it says, and notes for people."""

    title: Annotated[str, Text(longest=200)]
    source: LongText | None = None
    notes: Annotated[list[LongText], Items(most=MAX_NOTES)] = []
    sections: Sections


class Version(NamedTuple):
    """A published version: the day from which it holds, and all sections that hold with it."""

    number: int
    effective_from: str
    sections: Sections

    def rule(self, code: str) -> Rule | None:
        """A rule by its code."""
        return next((rule for rule in self.sections.rules or () if rule.code == code), None)

    def scorecard(self, post: str) -> Scorecard:
        """The scorecard of a post; a post without a printed one is graded as a whole."""
        return next((card for card in self.sections.scorecards or () if card.post == post),
                    Scorecard(post=post, items=[WHOLE], reading=WHOLE.reading))

    @property
    def scoring(self) -> Scoring:
        """How scores are made."""
        return self.sections.scoring or Scoring()

    def threshold(self, name: str) -> int | None:
        """The value of a threshold; None if the version has none of that name."""
        return next((int(Decimal(one.value)) for one in self.sections.thresholds or ()
                     if one.threshold == name), None)

    def posts(self) -> dict[str, str]:
        """The posts, each with the role of its holders' keys."""
        if self.sections.posts is None:
            return {post: role for post, (_, _, role) in POSTS.items()}
        return {one.post: one.role for one in self.sections.posts}

    def heads_of(self, post: str) -> list[str]:
        """The posts that head a post."""
        if self.sections.posts is None:
            return [head for head, headed in HEADS.items() if post in headed]
        return [one.post for one in self.sections.posts if post in one.heads]


WHOLE = ScorecardItem(item="work/1", weight="100", zh="本职工作", en="the post's work",
             reading="no scorecard is printed for this post: one item of 100")

UNWRITTEN = Version(0, "0000-00-00", Sections())
"""What holds before anything is published."""


def weights_of(card: Scorecard) -> dict[str, Decimal]:
    """The weights that count, in percent: as printed, or scaled so that they add up to 100.

    A scaled weight has four decimal places. What rounding down leaves over goes, step by step, to
    the items that lost most by it, the first of equals first: so the sum is exactly 100.
    """
    printed = {item.item: Decimal(item.weight) for item in card.items}
    total = sum(printed.values(), Decimal(0))
    if not card.normalise or total in (0, 100):
        return printed
    scaled = {name: weight * 100 / total for name, weight in printed.items()}
    found = {name: weight // FINEST * FINEST for name, weight in scaled.items()}
    left = int((Decimal(100) - sum(found.values(), Decimal(0))) / FINEST)
    for name in _by_loss(scaled, found)[:left]:
        found[name] += FINEST
    return found


def _by_loss(scaled: dict[str, Decimal], found: dict[str, Decimal]) -> list[str]:
    return sorted(scaled, key=lambda name: found[name] - scaled[name])


def items_named(cards: Iterable[Scorecard]) -> set[str]:
    """The names of all items of some scorecards."""
    return {item.item for card in cards for item in card.items}
