"""Handlers of deductions: who is liable, for how much, and what that does to months."""


from ledger.common.days import day_after
from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.deductions.commands import (
    AcknowledgeDeduction,
    AppealDeduction,
    ChargeSupervisor,
    ConfirmDeduction,
    Decision,
    DismissDeduction,
    GiveUpShare,
    NameOffender,
    OverturnDeduction,
    ProposeDeduction,
    ReduceDeduction,
    UpholdDeduction,
    WaiveDeduction,
)
from ledger.deductions.deduction import Deduction
from ledger.deductions.errors import (
    AboutOther,
    CountedOnce,
    EverybodyExcused,
    NoSuchEvidence,
    NotRenewable,
    RuleComputed,
    WaiverNotAllowed,
)
from ledger.deductions.liability import (
    facts_of,
    liable_for,
    liable_supervisor,
    may_be_liable,
    post_charged,
    priced,
    rule_on,
    share_of,
)
from ledger.deductions.values import CONFIRMED, DISMISSED, PROPOSED, STATES, Breach, Share
from ledger.people.authority import must_be_member, person_of_member, signed_on
from ledger.people.signatures import SYSTEM
from ledger.policies.book import BOOK, PolicyBook, policy_on
from ledger.policies.values import SUPERVISOR, Rule
from ledger.scores.books import Books
from ledger.scores.values import Charge

ABOUT = {"order": "order:", "product": "sku:", "slip": "slip:"}
"""How the subject begins that a rule which counts once per such a thing is about."""


def propose_deduction(command: ProposeDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-01, R-DED-08, R-DED-16 to R-DED-19, R-DED-21 to R-DED-23; R-LOG-11 for the
    same facts again."""
    day = work.days.day_of(command.breached_at)
    version = policy_on(work, day)
    rule = rule_on(version, command.rule, day)
    if rule.computed_from:
        raise RuleComputed(rule=rule.code, kinds=", ".join(rule.computed_from))
    _must_count(rule, command)
    _must_show(work, command.evidence)
    if command.offender is not None:
        post_charged(work, rule, command.offender, day)
    breach = Breach(rule.code, version.number, command.about, command.breached_at,
                    command.offender, command.loss)
    once = facts_of(rule, breach, command.occurrence, days=work.days)
    if command.renews is not None:
        _must_renew(work, command, breach)
        once = f"deduction:after:{command.renews}"  # the facts stay claimed by what it renews
    deduction: Deduction = work.load(Deduction, command.subject)
    deduction.propose({
        "number": command.number, "rule": rule.code, "policy": version.number,
        "about_subject": command.about, "breached_at": command.breached_at,
        "proposed_by": work.actor, "offender": command.offender, "evidence": command.evidence,
        "occurrence": command.occurrence, "loss": command.loss, "renews": command.renews,
        "attachments": _noted(deduction, work, command.said("attachments"), command.offender),
        "note": _noted(deduction, work, command.note, command.offender),
    }, once=once, occurred_at=command.occurred_at)
    return [deduction]


def _written(deduction: Deduction, work: Work, text: str, member: str | None) -> Plain:
    """What was written of a deduction, for the member whom it is about; where that is nobody yet,
    for a person of the deduction's own. Errors: PersonLost (R-KEY-06)."""
    if member is None:
        return Plain(work.person(deduction.id, deduction), text)
    return Plain(person_of_member(work, member, deduction), text)


def _noted(deduction: Deduction, work: Work, text: str | None, member: str | None) -> Plain | None:
    """The same; None where nothing was written. Errors: PersonLost (R-KEY-06)."""
    return None if text is None else _written(deduction, work, text, member)


def _must_count(rule: Rule, command: ProposeDeduction) -> None:
    """Errors: CountedOnce (R-DED-22), AboutOther (R-DED-23)."""
    if command.occurrence > 1 and rule.per != "occurrence":
        raise CountedOnce(rule=rule.code, per=rule.per, occurrence=command.occurrence)
    kind = ABOUT.get(rule.per, "")
    if not command.about.startswith(kind):
        raise AboutOther(rule=rule.code, per=rule.per, example=f"{kind}…", about=command.about)


def _must_renew(work: Work, command: ProposeDeduction, breach: Breach) -> None:
    """Only what was dismissed is proposed again, and only for the same facts. Who had no part in it
    learns neither how it ended nor about whom it was. Errors: R-DED-21."""
    renewed = str(command.renews)
    before: Deduction = work.load(Deduction, renewed)
    before.must_be(*STATES)
    try:
        _must_be_same(work, before, command, breach)
    except NotRenewable:
        if work.actor in (*before.proposers, before.decided_by, SYSTEM):
            raise
        why = f"it is not a deduction for the same facts that was {DISMISSED}"
        raise NotRenewable(renewed=renewed, why=why) from None


def _must_be_same(
    work: Work, before: Deduction, command: ProposeDeduction, breach: Breach
) -> None:
    """Errors: R-DED-21."""
    renewed, known = before.id, before.breach
    if before.state != DISMISSED:
        raise NotRenewable(renewed=renewed, why=f"it is {before.state}, not {DISMISSED}")
    pairs = {"rule": (known.rule, breach.rule), "subject": (known.about, breach.about),
             "day": (work.days.day_of(known.breached_at), work.days.day_of(breach.breached_at)),
             "occurrence": (before.occurrence, command.occurrence)}
    if differing := [name for name, (old, new) in pairs.items() if old != new]:
        raise NotRenewable(renewed=renewed, why=f"it has another {' and another '.join(differing)}")
    if breach.offender not in _ever_named(work, before):
        raise NotRenewable(renewed=renewed, why="it named an offender" if breach.offender is None
                           else f"it never named {breach.offender}")


def _ever_named(work: Work, deduction: Deduction) -> set[str | None]:
    """Whoever was said to have done it, also by the deductions that it renews."""
    found = set(deduction.named)
    while deduction.renews is not None:
        deduction = work.load(Deduction, deduction.renews)
        found.update(deduction.named)
    return found


def _must_show(work: Work, evidence: list[int]) -> None:
    if evidence and not work.holds(max(evidence)):
        raise NoSuchEvidence(position=max(evidence))


def name_offender(command: NameOffender, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-08, R-DED-19, R-DED-25, R-PPL-13; R-LOG-02; R-LOG-11 for
    facts that were already proposed."""
    deduction = command.load(work)
    before = deduction.must_be(PROPOSED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    rule = _rule_of(work, before)
    post_charged(work, rule, command.offender, work.days.day_of(before.breached_at))
    known = {facts_of(rule, before._replace(offender=name), deduction.occurrence, days=work.days)
             for name in _ever_named(work, deduction)}
    once = facts_of(rule, before._replace(offender=command.offender), deduction.occurrence,
                    days=work.days)
    deduction.name_offender(
        command.offender, by, liable=may_be_liable(work, rule, deduction),
        # This deduction keeps what it has claimed: to name somebody once more is not a repeat.
        once=None if once in known else once, occurred_at=command.occurred_at)
    return [deduction]


def _rule_of(work: Work, breach: Breach) -> Rule:
    """The rule as it was in force when it was broken: in the version that the proposal names."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return rule_on(book.numbered(breach.policy), breach.rule, work.days.day_of(breach.breached_at))


def confirm_deduction(command: ConfirmDeduction, work: Work) -> list[Aggregate]:
    """Charge every liable member. The days of an appeal run from the recording.

    Where no supervisor can be charged, their share stays open.

    Errors: R-DED-02 to R-DED-06, R-DED-08 to R-DED-10, R-DED-24, R-DED-26, R-DED-27, R-DED-30,
    R-PPL-13; R-LOG-02.
    """
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    deduction.must_be_decided_by_another(by)
    rule = _rule_of(work, breach)
    liable = liable_for(work, rule, deduction)
    points = priced(rule, command.points, loss=breach.loss)
    shares = [share_of(one, points[one.party], breach, days=work.days) for one in liable
              if one.member not in deduction.excused]
    if not shares:
        raise EverybodyExcused(deduction=deduction.id)
    waits = SUPERVISOR in rule.charges and all(one.party != SUPERVISOR for one in liable)
    deduction.confirm(shares, by, _appeal_until(work, command), occurred_at=command.occurred_at,
                      share_open=points[SUPERVISOR] if waits else None,
                      note=_noted(deduction, work, command.note, breach.offender))
    return [deduction, *_charged(work, deduction, shares, command)]


def _appeal_until(work: Work, command: Decision) -> str:
    """The last day of an appeal, which runs from the recording."""
    signed = signed_on(work, command.occurred_at)
    return day_after(signed, policy_on(work, signed).scoring.appeal_days)


def _charged(
    work: Work, deduction: Deduction, shares: list[Share], command: Decision
) -> list[Aggregate]:
    """The accounts of those who are charged."""
    books, breach = Books(work, command.occurred_at), deduction.breach
    rule = _rule_of(work, breach)
    for share in shares:
        books.charge(share.member, Charge(
            charge=deduction.id, rule=rule.code, party=share.party, post=share.post,
            points=share.points, breached_on=work.days.day_of(breach.breached_at),
            breached_at=breach.breached_at, policy=breach.policy, counts_in=rule.counts_in,
            escalation=rule.escalation))
    return list(books.changed.values())


def charge_supervisor(command: ChargeSupervisor, work: Work) -> list[Aggregate]:
    """Charge whoever supervised the offender on the day of the fact, as it is known now.

    Errors: R-DED-02 to R-DED-05, R-DED-24, R-DED-28, R-DED-29, NoShareOpen (R-DED-32), R-PPL-13.
    """
    deduction = command.load(work)
    breach = deduction.must_be(CONFIRMED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    points, rule = deduction.must_have_open_share(), _rule_of(work, breach)
    offender, day = str(breach.offender), work.days.day_of(breach.breached_at)
    liable = liable_supervisor(work, rule, offender, day=day,
                               post=deduction.shares[offender].post)
    deduction.must_be_decided_by_another(by, [liable.member])
    share = share_of(liable, points, breach, days=work.days)
    deduction.charge_supervisor(share, by, _appeal_until(work, command),
                                occurred_at=command.occurred_at)
    return [deduction, *_charged(work, deduction, [share], command)]


def give_up_share(command: GiveUpShare, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02 to R-DED-05, R-DED-24, NoShareOpen (R-DED-32), R-PPL-13."""
    deduction = command.load(work)
    breach = deduction.must_be(CONFIRMED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    deduction.must_be_decided_by_another(by)
    deduction.give_up_share(_written(deduction, work, command.reason, breach.offender), by,
                            occurred_at=command.occurred_at)
    return [deduction]


def waive_deduction(command: WaiveDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02 to R-DED-05, R-DED-07, R-DED-11, R-DED-15, R-DED-24, R-PPL-13; R-LOG-02."""
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED, CONFIRMED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    rule = _rule_of(work, breach)
    if rule.exempt is None:
        raise WaiverNotAllowed(rule=breach.rule)
    before = dict(deduction.shares)
    only = command.members[0] if len(command.members) == 1 else breach.offender
    deduction.waive(command.members, _written(deduction, work, command.cause, only), by,
                    liable=may_be_liable(work, rule, deduction), occurred_at=command.occurred_at)
    return [deduction, *_reversed(work, deduction, before, command)]


def _reversed(
    work: Work, deduction: Deduction, before: dict[str, Share], command: Decision
) -> list[Aggregate]:
    """The accounts of those who are no longer charged."""
    books = Books(work, command.occurred_at)
    for member, share in before.items():
        if member not in deduction.shares:
            books.reverse(member, share.month, deduction.id)
    return list(books.changed.values())


def dismiss_deduction(command: DismissDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02 to R-DED-05, R-DED-24, R-PPL-13; R-LOG-02."""
    deduction = command.load(work)
    breach = deduction.must_be(PROPOSED)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    liable = may_be_liable(work, _rule_of(work, breach), deduction)
    deduction.dismiss(_written(deduction, work, command.reason, breach.offender), by,
                      liable=liable, occurred_at=command.occurred_at)
    return [deduction]


def acknowledge_deduction(command: AcknowledgeDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-11."""
    deduction = command.load(work)
    deduction.acknowledge(work.actor, occurred_at=command.occurred_at)
    return [deduction]


def appeal_deduction(command: AppealDeduction, work: Work) -> list[Aggregate]:
    """In time is what is recorded in time, since the days run from a recording.

    Errors: R-DED-02, R-DED-03, R-DED-11 to R-DED-13, R-DED-17, R-DED-31.
    """
    deduction = command.load(work)
    _must_show(work, command.evidence)
    deduction.appeal({
        "member": work.actor, "evidence": command.evidence,
        "reason": _written(deduction, work, command.reason, work.actor),
        "attachments": _noted(deduction, work, command.said("attachments"), work.actor),
    }, signed_on(work, command.occurred_at), occurred_at=command.occurred_at)
    return [deduction]


def uphold_deduction(command: UpholdDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
    deduction = command.load(work)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    deduction.uphold(command.member, _written(deduction, work, command.reason, command.member), by,
                     occurred_at=command.occurred_at)
    return [deduction]


def reduce_deduction(command: ReduceDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15, R-DED-20."""
    deduction = command.load(work)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    reason = _written(deduction, work, command.reason, command.member)
    deduction.reduce(command.member, command.points, reason, by=by,
                     occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    books.reduce(command.member, deduction.shares[command.member].month, deduction.id,
                 points=command.points)
    return [deduction, *books.changed.values()]


def overturn_deduction(command: OverturnDeduction, work: Work) -> list[Aggregate]:
    """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
    deduction = command.load(work)
    by = must_be_member(work, work.days.day_of(command.occurred_at))
    before = dict(deduction.shares)
    reason = _written(deduction, work, command.reason, command.member)
    deduction.overturn(command.member, reason, by, occurred_at=command.occurred_at)
    return [deduction, *_reversed(work, deduction, before, command)]


HANDLERS: dict[type[Command], Handler] = {
    ProposeDeduction: propose_deduction,
    NameOffender: name_offender,
    ConfirmDeduction: confirm_deduction,
    ChargeSupervisor: charge_supervisor,
    GiveUpShare: give_up_share,
    WaiveDeduction: waive_deduction,
    DismissDeduction: dismiss_deduction,
    AcknowledgeDeduction: acknowledge_deduction,
    AppealDeduction: appeal_deduction,
    UpholdDeduction: uphold_deduction,
    ReduceDeduction: reduce_deduction,
    OverturnDeduction: overturn_deduction,
}
