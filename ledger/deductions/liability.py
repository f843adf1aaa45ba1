"""Who is liable for a breach, in which post, and for how many points."""

from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

from ledger.common.days import Days, month_of
from ledger.core.commands import Work
from ledger.deductions.deduction import Deduction
from ledger.deductions.errors import (
    NobodyLiable,
    OffenderNeeded,
    OffenderNotExpected,
    OffenderNotInPost,
    PartyNotCharged,
    PointsNeeded,
    PointsOutOfRange,
    RuleUnknown,
    SupervisorMissing,
    SupervisorNotInPost,
)
from ledger.deductions.values import Breach, Share
from ledger.people.holders import holders_of, posts_of
from ledger.people.member import Member
from ledger.policies.book import policy_on
from ledger.policies.values import ALL_OF_POST, OFFENDER, SUPERVISOR, Rule, Version
from ledger.scores.formula import is_graded

EVERYBODY, UNASSIGNED = "all", "unassigned"
"""Who did it, in the value of the facts: all of a post, or somebody who is not named yet."""

MOST_ON_LOSS = "100"
"""How far the points may go up where the shop lost money by it, whatever range is printed."""


def facts_of(rule: Rule, breach: Breach, occurrence: int, *, days: Days) -> str:
    """A text that is equal for the same facts, which can be proposed only once (R-LOG-11).

    What makes facts the same, the rule's `per` says. Of a day or a month: who did it, and when,
    whatever it is about. Of an occurrence: what it is about, who did it, and the day, with a number
    where there were several. Of all else, such as an order: what it is about, whoever did it.

    Two rules that exclude each other share the text, under the first of their codes:
    《电商部管理细则》 prints 3 points for a bad rating and 5 for one in words, and a rating costs
    one of them.
    """
    who = EVERYBODY if ALL_OF_POST in rule.charges else breach.offender or UNASSIGNED
    day = days.day_of(breach.breached_at)
    same = {"day": (who, day), "month": (who, month_of(day)),
            "occurrence": (breach.about, who, day)}.get(rule.per, (breach.about,))
    again = () if occurrence == 1 else (str(occurrence),)
    return ":".join(("deduction", min(rule.code, rule.excludes or rule.code), *same, *again))


class Liable(NamedTuple):
    """Who is liable, as which party, and in which post."""

    member: str
    party: str
    post: str


def share_of(one: Liable, points: str, breach: Breach, *, days: Days) -> Share:
    """What a liable member is charged."""
    return Share(member=one.member, party=one.party, post=one.post, points=points,
                 month=days.month_of(breach.breached_at))


def post_charged(work: Work, rule: Rule, member: str, day: str) -> str:
    """The post of a rule that the offender held. Errors: R-DED-08, R-DED-19."""
    if ALL_OF_POST in rule.charges:
        raise OffenderNotExpected(rule=rule.code)
    held = posts_of(work, member, day)
    post = next((post for post in rule.posts if post in held), None)
    if post is None:
        raise OffenderNotInPost(member=member, rule=rule.code, day=day,
                                posts=", ".join(rule.posts))
    return post


def liable_for(work: Work, rule: Rule, deduction: Deduction) -> list[Liable]:
    """Who is liable for the breach, as far as it is known: the offender without a supervisor, where
    none can be charged. Errors: R-DED-08 to R-DED-10."""
    breach = deduction.breach
    day = work.days.day_of(breach.breached_at)
    if ALL_OF_POST in rule.charges:
        found = [Liable(member, ALL_OF_POST, post)
                 for member, post in holders_of(work, rule.posts, day).items()]
        if not found:
            raise NobodyLiable(rule=rule.code, day=day, posts=", ".join(rule.posts))
        return found
    if breach.offender is None:
        raise OffenderNeeded(deduction=deduction.id)
    post = post_charged(work, rule, breach.offender, day)
    found = [Liable(breach.offender, OFFENDER, post)]
    if SUPERVISOR in rule.charges:
        # Without one their share waits: the offender's does not depend on it.
        with suppress(SupervisorMissing, SupervisorNotInPost):
            found.append(liable_supervisor(work, rule, breach.offender, day=day, post=post))
    return found


def may_be_liable(work: Work, rule: Rule, deduction: Deduction) -> list[str]:
    """Whom a confirmation would charge, as far as that is known: none of them decides."""
    try:
        return [one.member for one in liable_for(work, rule, deduction)]
    except (NobodyLiable, OffenderNeeded, OffenderNotInPost):
        return [deduction.breach.offender] if deduction.breach.offender else []


def liable_supervisor(work: Work, rule: Rule, offender: str, *, day: str, post: str) -> Liable:
    """The head of the offender's post that day: the direct supervisor; without one, whoever holds
    a post that heads it. Of several posts of the head, the one that heads it is charged.

    Errors: SupervisorMissing (R-DED-28), SupervisorNotInPost (R-DED-29).
    """
    heading = [one for one in policy_on(work, day).heads_of(post) if is_graded(one)]
    head = work.load(Member, offender).supervisor_on(day) or next(
        (who for who in holders_of(work, heading, day) if who != offender), None)
    if head is None:
        raise SupervisorMissing(rule=rule.code, offender=offender, day=day)
    held = [one for one in posts_of(work, head, day) if is_graded(one)]
    if not held:
        raise SupervisorNotInPost(rule=rule.code, supervisor=head, offender=offender, day=day)
    return Liable(head, SUPERVISOR, next((one for one in heading if one in held), held[0]))


def priced(rule: Rule, chosen: dict[str, str], *, loss: bool) -> dict[str, str]:
    """The points of each party: `chosen`, or the printed ones where these are not a range.

    Errors: PointsOutOfRange (R-DED-06), PartyNotCharged (R-DED-26), PointsNeeded (R-DED-27).
    """
    if unknown := sorted(set(chosen) - set(rule.charges)):
        raise PartyNotCharged(rule=rule.code, party=", ".join(unknown),
                              parties=", ".join(rule.charges))
    return {party: _points(rule, party, chosen.get(party), loss=loss) for party in rule.charges}


def _points(rule: Rule, party: str, chosen: str | None, *, loss: bool) -> str:
    least, most = rule.charges[party] or ("0", "0")
    if rule.on_loss and loss:
        most = MOST_ON_LOSS
    if chosen is None:
        if least != most:
            raise PointsNeeded(rule=rule.code, party=party, least=least, most=most)
        return least
    if not Decimal(least) <= Decimal(chosen) <= Decimal(most):
        raise PointsOutOfRange(rule=rule.code, party=party, least=least, most=most, points=chosen)
    return chosen


def rule_on(version: Version, code: str, day: str) -> Rule:
    """A rule of the policy in force. Errors: RuleUnknown (R-DED-01)."""
    found = version.rule(code)
    if found is None:
        raise RuleUnknown(rule=code, day=day, version=version.number)
    return found
