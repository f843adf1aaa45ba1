"""What attendance and leave cost, day by day: points that rules count without a deduction.

What is due of a day follows from the facts of that day as they stand, so that the order in which
they are recorded makes no difference. A charge that stands stays as it was priced, as long as its
fact stands. Source: 《天猫运营岗位职责》 (attendance) and
docs/adr/0036-attendance-is-held-against-the-roster.md.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from ledger.common.days import month_of
from ledger.common.decimals import ZERO, plain
from ledger.core.commands import Work
from ledger.people.attendance import (
    BOTH,
    LATE,
    LEFT_EARLY,
    OUTCOMES,
    Attendance,
    attendance_of,
)
from ledger.people.duty import Duties, halves_of, works_on
from ledger.people.holders import posts_of
from ledger.people.member import APPROVED, HALVES, Member
from ledger.policies.book import BOOK, PolicyBook, policy_on
from ledger.policies.values import ABSENT, LEAVE, OFFENDER
from ledger.scores.account import Account
from ledger.scores.books import Books
from ledger.scores.values import COMPUTED, Charge, account_of

DAY = "day"
"""What a rule counts once a day, however many shifts the day had."""


class Fact(NamedTuple):
    """A fact that a rule may count: under which name it is charged, of which kind, and for which
    share of a day."""

    name: str
    kind: str
    share: Decimal = Decimal(1)


def settle(
    work: Work, books: Books, member: Member, days: Iterable[str], *, duties: Duties | None = None
) -> None:
    """Charge what is due of some days, and take back what is not any more.

    Errors: CalendarEnds (R-POL-14), for a day of leave of whom no roster plans.
    """
    known = Duties(work) if duties is None else duties
    for day in sorted(set(days)):
        account: Account = work.load(Account, account_of(member.id, month_of(day)))
        stands = {name: one for name, one in account.charges.items()
                  if one.party == COMPUTED and one.breached_on == day}
        due = _due(work, member, day, duties=known, stands=stands)
        for name in stands:
            if name not in due:
                books.reverse(member.id, account.month, name)
        for name, charge in due.items():
            if name not in stands:
                books.charge(member.id, charge)


def _due(
    work: Work, member: Member, day: str, *, duties: Duties, stands: dict[str, Charge]
) -> dict[str, Charge]:
    """The charges of a day, by name."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    found: dict[str, Charge] = {}
    spent: dict[str, Decimal] = {}
    for fact in (*_attended(work, member, day, duties), *_on_leave(member, day)):
        charge = stands.get(fact.name) or _priced(work, member, day, fact)
        if charge is None or (fact.kind == LEAVE and not works_on(work, duties, member.id, day)):
            continue
        rule = book.numbered(charge.policy).rule(charge.rule)
        so_far = spent.get(charge.rule, ZERO) + fact.share
        if rule is not None and rule.per == DAY and so_far > 1:
            continue
        spent[charge.rule] = so_far
        found[fact.name] = charge
    return found


def _attended(work: Work, member: Member, day: str, duties: Duties) -> Iterator[Fact]:
    """The facts of attendance of a day that stand, but for what leave takes the place of: all of
    its half of a shift, and so coming late to the morning and going early in the afternoon. Rule:
    R-PPL-29."""
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(day)))
    away = member.halves_away(day)
    for one in found.standing(day):
        name, worked = f"attendance:{one.number}", {*HALVES}
        if one.kind in OUTCOMES:
            worked = halves_of(duties.of(member.id, day), one.roster, one.shift)
        if one.kind == ABSENT:
            if left := worked - away:
                yield Fact(name, ABSENT) if left == worked else Fact(
                    f"{name}:half", ABSENT, Decimal("0.5"))
        elif one.kind not in (LATE, LEFT_EARLY, BOTH):
            yield Fact(name, one.kind)
        else:
            if one.kind != LEFT_EARLY and min(worked) not in away:
                yield Fact(name, LATE)
            if one.kind != LATE and max(worked) not in away:
                yield Fact(name if one.kind == LEFT_EARLY else f"{name}:{LEFT_EARLY}", LEFT_EARLY)


def _on_leave(member: Member, day: str) -> Iterator[Fact]:
    """The leave of a day: half a day counts half."""
    for number, leave in sorted(member.leave.items()):
        halves = leave.halves_on(day) if leave.state == APPROVED else set()
        if halves == {*HALVES}:
            yield Fact(f"leave:{number}:{day}", LEAVE)
        for half in halves if len(halves) == 1 else ():
            yield Fact(f"leave:{number}:{day}:{half}", LEAVE, Decimal("0.5"))


def _priced(work: Work, member: Member, day: str, fact: Fact) -> Charge | None:
    """What the rules in force take for a fact: of several that count it, the first one in the
    policy; None where none does."""
    version, held = policy_on(work, day), posts_of(work, member.id, day)
    for rule in version.sections.rules or ():
        post = next((post for post in rule.posts if post in held), None)
        if post is None or fact.kind not in rule.computed_from:
            continue
        points = Decimal((rule.charges.get(OFFENDER) or ["0"])[0]) * fact.share
        return Charge(
            charge=fact.name, rule=rule.code, party=COMPUTED, post=post, points=plain(points),
            breached_on=day, policy=version.number, counts_in=rule.counts_in,
            escalation=rule.escalation)
    return None
