"""Handlers of deductions: who is liable, for how much, and what that does to months."""

from decimal import Decimal
from typing import NamedTuple

from ledger.common.days import day_after, day_of, month_of
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.deductions import commands as told
from ledger.deductions.deduction import Deduction
from ledger.deductions.errors import (
    AboutOther,
    CountedOnce,
    NobodyLiable,
    NoSuchEvidence,
    NotRenewable,
    OffenderNeeded,
    OffenderNotAsked,
    OffenderNotInPost,
    PointsOutOfRange,
    RuleComputed,
    RuleUnknown,
    WaiverNotAllowed,
)
from ledger.deductions.values import CONFIRMED, DISMISSED, PROPOSED, STATES, Breach, Share
from ledger.people.authority import must_be_member, signed_on
from ledger.people.holders import holders_of, policy_on, posts_of
from ledger.people.member import Member
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import ALL_OF_POST, OFFENDER, SUPERVISOR, Rule, Version
from ledger.scores.books import Books
from ledger.scores.formula import is_graded
from ledger.scores.values import Charge

MOST_ON_LOSS = "100"
"""What a reviewer may go up to where a loss lifts the printed points."""

EVERYBODY = "all"
UNASSIGNED = "unassigned"


ABOUT = {"order": "order:", "product": "sku:", "slip": "slip:"}
"""What a rule that counts once per such a thing is about."""


def facts_of(rule: Rule, breach: Breach, occurrence: int) -> str:
    """What can be proposed only once. Rules that exclude each other share it."""
    who = EVERYBODY if ALL_OF_POST in rule.charges else breach.offender or UNASSIGNED
    day = day_of(breach.breached_at)
    same = {"day": (who, day), "month": (who, month_of(day)),
            "occurrence": (breach.about, who, day)}.get(rule.per, (breach.about,))
    again = () if occurrence == 1 else (str(occurrence),)
    return ":".join(("deduction", min(rule.code, rule.excludes or rule.code), *same, *again))


def propose_deduction(command: told.ProposeDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-01, R-DED-08, R-DED-16 to R-DED-19, R-DED-21 to R-DED-23; R-LOG-11 for the
    same facts again."""
    day = day_of(command.breached_at)
    version = policy_on(work, day)
    rule = _rule(version, command.rule, day)
    if rule.computed_from:
        raise RuleComputed(rule=rule.code, kinds=", ".join(rule.computed_from))
    _must_count(rule, command)
    _must_show(work, command.evidence)
    if command.offender is not None:
        _post_of(work, rule, command.offender, day)
    breach = Breach(rule.code, version.number, command.about, command.breached_at,
                    command.offender, command.loss)
    once = facts_of(rule, breach, command.occurrence)
    if command.renews is not None:
        _must_renew(work, command, breach)
        once = f"deduction:after:{command.renews}"
    deduction: Deduction = work.load(Deduction, command.deduction)
    deduction.propose({
        "number": command.number, "rule": rule.code, "policy": version.number,
        "about_subject": command.about, "breached_at": command.breached_at,
        "proposed_by": work.actor, "offender": command.offender, "evidence": command.evidence,
        "attachments": command.attachments, "occurrence": command.occurrence,
        "loss": command.loss, "renews": command.renews, "note": command.note,
    }, once=once, occurred_at=command.occurred_at)
    return [deduction]


def _must_count(rule: Rule, command: told.ProposeDeduction) -> None:
    """Errors: CountedOnce (R-DED-22), AboutOther (R-DED-23)."""
    if command.occurrence > 1 and rule.per != "occurrence":
        raise CountedOnce(rule=rule.code, per=rule.per, occurrence=command.occurrence)
    kind = ABOUT.get(rule.per, "")
    if not command.about.startswith(kind):
        raise AboutOther(rule=rule.code, per=rule.per, example=f"{kind}…", about=command.about)


def _must_renew(work: Work, command: told.ProposeDeduction, breach: Breach) -> None:
    """Only what was dismissed is shown anew, and the same facts. Errors: R-DED-21."""
    renewed = str(command.renews)
    before: Deduction = work.load(Deduction, renewed)
    known = before.must_be(*STATES)
    if before.state != DISMISSED:
        raise NotRenewable(renewed=renewed, why=f"it is {before.state}, not {DISMISSED}")
    if (known.rule, known.about, day_of(known.breached_at), before.occurrence) != (
            breach.rule, breach.about, day_of(breach.breached_at), command.occurrence):
        raise NotRenewable(renewed=renewed, why="its rule, what it is about, or its day differ")
    if breach.offender not in _ever_named(work, before):
        raise NotRenewable(renewed=renewed, why=f"it did not name {breach.offender}")


def _ever_named(work: Work, deduction: Deduction) -> set[str | None]:
    """Who was said to have done it, also by those that it renews."""
    found = set(deduction.named)
    while deduction.renews is not None:
        deduction = work.load(Deduction, deduction.renews)
        found.update(deduction.named)
    return found


def _rule(version: Version, code: str, day: str) -> Rule:
    found = version.rule(code)
    if found is None:
        raise RuleUnknown(rule=code, day=day, version=version.number)
    return found


def _must_show(work: Work, evidence: list[int]) -> None:
    if evidence and not work.holds(max(evidence)):
        raise NoSuchEvidence(position=max(evidence))


def _post_of(work: Work, rule: Rule, member: str, day: str) -> str:
    """The post of a rule that the offender held. Errors: R-DED-08, R-DED-19."""
    if ALL_OF_POST in rule.charges:
        raise OffenderNotAsked(rule=rule.code)
    held = posts_of(work, member, day)
    post = next((post for post in rule.posts if post in held), None)
    if post is None:
        raise OffenderNotInPost(member=member, rule=rule.code, day=day,
                                posts=", ".join(rule.posts))
    return post


def name_offender(command: told.NameOffender, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-05, R-DED-08, R-DED-19, R-PPL-13; R-LOG-02; R-LOG-11 for
    facts charged already."""
    deduction = command.load(work)
    before = deduction.must_be(PROPOSED)
    by = must_be_member(work, day_of(command.occurred_at))
    rule = _rule_of(work, before)
    _post_of(work, rule, command.offender, day_of(before.breached_at))
    known = {facts_of(rule, before._replace(offender=name), deduction.occurrence)
             for name in _ever_named(work, deduction)}
    once = facts_of(rule, before._replace(offender=command.offender), deduction.occurrence)
    deduction.name_offender(
        command.offender, by, liable=_maybe_liable(work, rule, before),
        once=None if once in known else once, occurred_at=command.occurred_at)
    return [deduction]


def _rule_of(work: Work, breach: Breach) -> Rule:
    """The rule as it was in force when it was broken."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return _rule(book.numbered(breach.policy), breach.rule, day_of(breach.breached_at))


def confirm_deduction(command: told.ConfirmDeduction, work: Work) -> list[Aggregate]:
    """Charge every liable member. The days of an appeal run from the recording.

    Errors: R-DED-02 to R-DED-06, R-DED-08 to R-DED-10, R-PPL-13; R-LOG-02.
    """
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED)
    by = must_be_member(work, day_of(command.occurred_at))
    deduction.must_be_decided_by_another(by)
    rule = _rule_of(work, breach)
    liable = _liable(work, rule, breach)
    points = _priced(rule, command.points, loss=breach.loss)
    shares = [share_of(one, points[one.part], breach) for one in liable
              if one.member not in deduction.excused]
    if not shares:
        raise NobodyLiable(rule=rule.code, day=day_of(breach.breached_at),
                           why="everybody is excused")
    signed = signed_on(work, command.occurred_at)
    until = day_after(signed, policy_on(work, signed).scoring.appeal_days)
    deduction.confirm(shares, by, until, note=command.note, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    for share in shares:
        books.charge(share.member, Charge(
            charge=deduction.id, rule=rule.code, part=share.part, post=share.post,
            points=share.points, breached_on=day_of(breach.breached_at),
            breached_at=breach.breached_at, policy=breach.policy, counts_in=rule.counts_in,
            escalation=rule.escalation))
    return [deduction, *books.changed.values()]


class Liable(NamedTuple):
    """Who is liable, as whom, and in which post."""

    member: str
    part: str
    post: str


def share_of(one: Liable, points: str, breach: Breach) -> Share:
    """What a liable member is charged."""
    return Share(member=one.member, part=one.part, post=one.post, points=points,
                 month=month_of(day_of(breach.breached_at)))


def _liable(work: Work, rule: Rule, breach: Breach) -> list[Liable]:
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
    post = _post_of(work, rule, breach.offender, day)
    found = [Liable(breach.offender, OFFENDER, post)]
    if SUPERVISOR in rule.charges:
        found.append(_supervisor(work, rule, breach.offender, day=day, post=post))
    return found


def _maybe_liable(work: Work, rule: Rule, breach: Breach) -> list[str]:
    """Whom a confirmation would charge, as far as it is known: none of them decides."""
    try:
        return [one.member for one in _liable(work, rule, breach)]
    except (NobodyLiable, OffenderNeeded, OffenderNotInPost):
        return [breach.offender] if breach.offender else []


def _supervisor(work: Work, rule: Rule, offender: str, *, day: str, post: str) -> Liable:
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


def _priced(rule: Rule, told_points: dict[str, str], *, loss: bool) -> dict[str, str]:
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


def waive_deduction(command: told.WaiveDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02 to R-DED-05, R-DED-07, R-DED-11, R-DED-15, R-PPL-13; R-LOG-02."""
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED, CONFIRMED)
    by = must_be_member(work, day_of(command.occurred_at))
    rule = _rule_of(work, breach)
    if rule.exempt is None:
        raise WaiverNotAllowed(rule=breach.rule)
    before = dict(deduction.shares)
    deduction.waive(command.members, command.cause, by,
                    liable=_maybe_liable(work, rule, breach), occurred_at=command.occurred_at)
    return [deduction, *_reversed(work, deduction, before, command)]


def _reversed(
    work: Work, deduction: Deduction, before: dict[str, Share], command: told.Decision
) -> list[Aggregate]:
    """The accounts of those who are not charged any more."""
    books = Books(work, command.occurred_at)
    for member, share in before.items():
        if member not in deduction.shares:
            books.reverse(member, share.month, deduction.id, reason=command.why)
    return list(books.changed.values())


def dismiss_deduction(command: told.DismissDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02 to R-DED-05, R-PPL-13; R-LOG-02."""
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED)
    by = must_be_member(work, day_of(command.occurred_at))
    liable = _maybe_liable(work, _rule_of(work, breach), breach)
    deduction.dismiss(command.reason, by, liable=liable, occurred_at=command.occurred_at)
    return [deduction]


def acknowledge_deduction(command: told.AcknowledgeDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-11."""
    deduction = command.load(work)
    deduction.acknowledge(work.actor, occurred_at=command.occurred_at)
    return [deduction]


def appeal_deduction(command: told.AppealDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-11 to R-DED-13, R-DED-17."""
    deduction = command.load(work)
    _must_show(work, command.evidence)
    deduction.appeal({
        "member": work.actor, "reason": command.reason, "evidence": command.evidence,
        "attachments": command.attachments,
    }, day_of(command.occurred_at), occurred_at=command.occurred_at)
    return [deduction]


def uphold_deduction(command: told.UpholdDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
    deduction = command.load(work)
    by = must_be_member(work, day_of(command.occurred_at))
    deduction.uphold(command.member, command.reason, by, occurred_at=command.occurred_at)
    return [deduction]


def reduce_deduction(command: told.ReduceDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15, R-DED-20."""
    deduction = command.load(work)
    by = must_be_member(work, day_of(command.occurred_at))
    deduction.reduce(command.member, command.points, command.reason, by=by,
                     occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    books.reduce(command.member, deduction.shares[command.member].month, deduction.id,
                 points=command.points, reason=command.reason)
    return [deduction, *books.changed.values()]


def overturn_deduction(command: told.OverturnDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
    deduction = command.load(work)
    by = must_be_member(work, day_of(command.occurred_at))
    before = dict(deduction.shares)
    deduction.overturn(command.member, command.reason, by, occurred_at=command.occurred_at)
    return [deduction, *_reversed(work, deduction, before, command)]


HANDLERS: dict[type[Command], Handler] = {
    told.ProposeDeduction: propose_deduction,
    told.NameOffender: name_offender,
    told.ConfirmDeduction: confirm_deduction,
    told.WaiveDeduction: waive_deduction,
    told.DismissDeduction: dismiss_deduction,
    told.AcknowledgeDeduction: acknowledge_deduction,
    told.AppealDeduction: appeal_deduction,
    told.UpholdDeduction: uphold_deduction,
    told.ReduceDeduction: reduce_deduction,
    told.OverturnDeduction: overturn_deduction,
}
