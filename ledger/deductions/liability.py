"""Who is liable for a breach, in which post, and for how many points."""

from decimal import Decimal
from typing import NamedTuple

from ledger.common.days import day_of, month_of
from ledger.core.commands import Work
from ledger.deductions.errors import (
    NobodyLiable,
    OffenderNeeded,
    OffenderNotAsked,
    OffenderNotInPost,
    PointsOutOfRange,
    RuleUnknown,
)
from ledger.deductions.values import Breach, Share
from ledger.people.holders import holders_of, posts_of
from ledger.people.member import Member
from ledger.policies.book import policy_on
from ledger.policies.values import ALL_OF_POST, OFFENDER, SUPERVISOR, Rule, Version
from ledger.scores.formula import is_graded

EVERYBODY = "all"


UNASSIGNED = "unassigned"


MOST_ON_LOSS = "100"
"""What a reviewer may go up to where a loss lifts the printed points."""


def facts_of(rule: Rule, breach: Breach, occurrence: int) -> str:
    """What can be proposed only once. Rules that exclude each other share it."""
    who = EVERYBODY if ALL_OF_POST in rule.charges else breach.offender or UNASSIGNED
    day = day_of(breach.breached_at)
    same = {"day": (who, day), "month": (who, month_of(day)),
            "occurrence": (breach.about, who, day)}.get(rule.per, (breach.about,))
    again = () if occurrence == 1 else (str(occurrence),)
    return ":".join(("deduction", min(rule.code, rule.excludes or rule.code), *same, *again))


class Liable(NamedTuple):
    """Who is liable, as whom, and in which post."""

    member: str
    part: str
    post: str


def share_of(one: Liable, points: str, breach: Breach) -> Share:
    """What a liable member is charged."""
    return Share(member=one.member, part=one.part, post=one.post, points=points,
                 month=month_of(day_of(breach.breached_at)))


def post_charged(work: Work, rule: Rule, member: str, day: str) -> str:
    """The post of a rule that the offender held. Errors: R-DED-08, R-DED-19."""
    if ALL_OF_POST in rule.charges:
        raise OffenderNotAsked(rule=rule.code)
    held = posts_of(work, member, day)
    post = next((post for post in rule.posts if post in held), None)
    if post is None:
        raise OffenderNotInPost(member=member, rule=rule.code, day=day,
                                posts=", ".join(rule.posts))
    return post


def liable_for(work: Work, rule: Rule, breach: Breach) -> list[Liable]:
    """Who is liable. Errors: R-DED-08 to R-DED-10."""
    day = day_of(breach.breached_at)
    if ALL_OF_POST in rule.charges:
        found = [Liable(member, ALL_OF_POST, post)
                 for member, post in holders_of(work, rule.posts, day).items()]
        if not found:
            raise NobodyLiable(rule=rule.code, day=day, why="nobody held the post")
        return found
    if breach.offender is None:
        raise OffenderNeeded(deduction=breach.about)
    post = post_charged(work, rule, breach.offender, day)
    found = [Liable(breach.offender, OFFENDER, post)]
    if SUPERVISOR in rule.charges:
        found.append(liable_supervisor(work, rule, breach.offender, day=day, post=post))
    return found


def may_be_liable(work: Work, rule: Rule, breach: Breach) -> list[str]:
    """Whom a confirmation would charge, as far as it is known: none of them decides."""
    try:
        return [one.member for one in liable_for(work, rule, breach)]
    except (NobodyLiable, OffenderNeeded, OffenderNotInPost):
        return [breach.offender] if breach.offender else []


def liable_supervisor(work: Work, rule: Rule, offender: str, *, day: str, post: str) -> Liable:
    """The head of the offender's post that day: his direct supervisor; without one, who holds a
    post that heads it. Of several posts of the head, the one that heads it is charged."""
    heading = [one for one in policy_on(work, day).heads_of(post) if is_graded(one)]
    head = work.load(Member, offender).supervisor_on(day) or next(
        (who for who in holders_of(work, heading, day) if who != offender), None)
    if head is None:
        raise NobodyLiable(rule=rule.code, day=day, why=f"{offender} has no supervisor that day")
    held = [one for one in posts_of(work, head, day) if is_graded(one)]
    if not held:
        raise NobodyLiable(rule=rule.code, day=day, why=f"the supervisor {head} held no post")
    return Liable(head, SUPERVISOR, next((one for one in heading if one in held), held[0]))


def priced(rule: Rule, told_points: dict[str, str], *, loss: bool) -> dict[str, str]:
    """The points of each party. Errors: PointsOutOfRange (R-DED-06)."""
    if unknown := sorted(set(told_points) - set(rule.charges)):
        raise PointsOutOfRange(rule=rule.code, party=unknown[0], least="0", most="0",
                               points=told_points[unknown[0]])
    return {party: _points(rule, party, told_points.get(party), loss=loss)
            for party in rule.charges}


def _points(rule: Rule, party: str, told_points: str | None, *, loss: bool) -> str:
    """The points of a party. Errors: PointsOutOfRange (R-DED-06)."""
    least, most = rule.charges[party] or ("0", "0")
    if rule.on_loss and loss:
        most = MOST_ON_LOSS
    points = least if told_points is None and least == most else told_points
    if points is None or not Decimal(least) <= Decimal(points) <= Decimal(most):
        raise PointsOutOfRange(rule=rule.code, party=party, least=least, most=most,
                               points="none" if points is None else points)
    return points


def rule_on(version: Version, code: str, day: str) -> Rule:
    """A rule of the policy in force. Errors: RuleUnknown (R-DED-01)."""
    found = version.rule(code)
    if found is None:
        raise RuleUnknown(rule=code, day=day, version=version.number)
    return found
