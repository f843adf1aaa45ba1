"""Handlers of policies and monthly scores: publishing, grading, bonus work, closing a month."""

from decimal import Decimal

from ledger.common.days import day_of, first_day, last_day, month_of
from ledger.common.decimals import plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.authority import must_be_member
from ledger.people.holders import ever_held, held_in, load_posts
from ledger.people.member import Member
from ledger.policies.book import policy_on
from ledger.policies.posts import COMMITTEE
from ledger.policies.values import HEAD, MEMBER, Scorecard, Version
from ledger.scores.account import Account
from ledger.scores.books import Books
from ledger.scores.closings import CLOSINGS, Closings, digest_of
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth, SetBonus
from ledger.scores.errors import (
    BonusTooHigh,
    FiguresChanged,
    ItemUnknown,
    LeftOutUnknown,
    MonthNotGraded,
    MonthNotOver,
    NobodyToScore,
    NotInPost,
    NotTheGrader,
)
from ledger.scores.formula import figures_of, is_graded, sheet_of, strays
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, Figure, account_of

NAMED = 20
"""How many missing sheets an error names."""


# -- policies -------------------------------------------------------------------------------------


# -- grades ---------------------------------------------------------------------------------------


def grade_member(command: GradeMember, work: Work) -> list[Aggregate]:
    """Errors: R-MON-01, R-MON-02, R-MON-05 to R-MON-07."""
    day = day_of(command.occurred_at)
    card = _card_of(work, command, day)
    gradable = [item.item for item in card.items if not item.computed_from]
    if unknown := sorted(set(command.grades) - set(gradable)):
        raise ItemUnknown(post=card.post, items=", ".join(unknown), known=", ".join(gradable))
    _must_grade(work, command, card, day)
    account: Account = work.load(Account, command.subject)
    account.grade(
        {"member": command.member, "post": command.post, "sheet": command.sheet,
         "grader": work.actor, "note": command.note},
        command.grades, occurred_at=command.occurred_at)
    return [account]


def _card_of(work: Work, command: GradeMember | SetBonus, day: str) -> Scorecard:
    """The scorecard of an open month for a post that the member held in it."""
    closings: Closings = work.load(Closings, CLOSINGS)
    closings.must_be_open(command.month)
    if day < first_day(command.month):
        raise MonthNotOver(month=command.month, day=day)
    version = policy_on(work, last_day(command.month))
    if command.post not in held_in(work, command.month).get(command.member, ()):
        raise NotInPost(member=command.member, post=command.post, when=command.month)
    return version.scorecard(command.post)


def _must_grade(work: Work, command: GradeMember, card: Scorecard, day: str) -> None:
    """Errors: NotTheGrader (R-MON-06)."""
    wanted = COMMITTEE if command.sheet == COMMITTEE_SHEET else card.second_grader
    if wanted == MEMBER:
        fits, who = work.actor == command.member, "the member"
    elif wanted == HEAD:
        known: Member = work.load(Member, command.member)
        head = known.supervisor_on(min(day, last_day(command.month)))
        fits, who = work.actor == head, head or "a supervisor, who is not set,"
    else:
        holds = load_posts(work, [wanted])[wanted].held_by(work.actor, day)
        fits, who = holds and work.actor != command.member, f"another member in the post {wanted}"
    if fits and wanted != MEMBER:
        must_be_member(work, day)
    if not fits:
        raise NotTheGrader(actor=work.actor, sheet=command.sheet, member=command.member,
                           post=command.post, who=who)


def set_bonus(command: SetBonus, work: Work) -> list[Aggregate]:
    """Granted by somebody else, up to the most. Errors: R-MON-01, R-MON-05, R-MON-06, R-MON-08."""
    day = day_of(command.occurred_at)
    _card_of(work, command, day)
    if must_be_member(work, day) == command.member:
        raise NotTheGrader(actor=work.actor, sheet="bonus", member=command.member,
                           post=command.post, who="somebody else")
    scoring = policy_on(work, last_day(command.month)).scoring
    most = scoring.bonus_most if command.post in scoring.bonus_posts else "0"
    account: Account = work.load(Account, command.subject)
    account.set_bonus(
        {"member": command.member, "post": command.post, "task": command.task,
         "points": command.points, "note": command.note}, occurred_at=command.occurred_at)
    if account.bonus(command.post) > Decimal(most):
        raise BonusTooHigh(member=command.member, month=command.month, post=command.post,
                           points=plain(account.bonus(command.post)), most=most)
    return [account]


# -- closing --------------------------------------------------------------------------------------
# The closing itself is recorded behind what it does to the accounts: as of any position, a month is
# sealed only when every figure of it is there.


def seal_month(command: SealMonth, work: Work) -> list[Aggregate]:
    """A reopened month whose figures did not change is sealed as it was.

    Errors: R-MON-01 to R-MON-04, R-MON-09, R-MON-11 to R-MON-13, R-GEN-03.
    """
    closings = _to_close(command, work)
    closings.must_be_open(command.month)
    closings.must_be_next(command.month)
    month = _Month(work, command)
    closings.seal(command.month, month.figures, command.left_out, command.note,
                  occurred_at=command.occurred_at)
    return [*month.finished(closings.seal_of(command.month).number), *month.carried_on(), closings]


def reopen_month(command: ReopenMonth, work: Work) -> list[Aggregate]:
    """What it left to months that are open still counts in it again. Errors: R-MON-02, R-MON-04."""
    closings = _to_close(command, work)
    closings.reopen(command.month, command.reason, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    members = ever_held(work, command.month)
    work.fetch([(Account, account_of(member, command.month)) for member in members])
    for member in members:
        books.bring_back(member, command.month, reason=command.reason)
    return [*books.changed.values(), closings]


def restate_month(command: RestateMonth, work: Work) -> list[Aggregate]:
    """Errors: R-MON-02 to R-MON-04, R-MON-09 to R-MON-11, R-GEN-03."""
    closings = _to_close(command, work)
    closings.must_be_reopened(command.month)
    month = _Month(work, command)
    number = closings.restate(
        command.month, month.before, month.figures, left_out=command.left_out,
        reason=command.reason, occurred_at=command.occurred_at)
    return [*month.finished(number), *month.carried_on(), closings]


def _to_close(
    command: SealMonth | ReopenMonth | RestateMonth, work: Work
) -> Closings:
    """The closed months, for a member who signs behind the month's end."""
    day = day_of(command.occurred_at)
    must_be_member(work, day)
    if month_of(day) <= command.month:
        raise MonthNotOver(month=command.month, day=day)
    closings: Closings = work.load(Closings, CLOSINGS)
    return closings


class _Month:
    """The accounts of a month that is closed, and its figures before and after.

    Errors: R-MON-03, R-MON-09, FiguresChanged (R-MON-11), NobodyToScore (R-MON-13).
    """

    def __init__(self, work: Work, command: SealMonth | RestateMonth) -> None:
        self.occurred_at = command.occurred_at
        self.command = command
        self.books = Books(work, command.occurred_at)
        version = policy_on(work, last_day(command.month))
        self.posts = posts = held_in(work, command.month)
        closings: Closings = work.load(Closings, CLOSINGS)
        streams = {member: account_of(member, command.month)
                   for member in ever_held(work, command.month)}
        work.fetch([(Account, stream) for stream in streams.values()])
        self.accounts: dict[str, Account] = {
            member: work.load(Account, stream) for member, stream in streams.items()}
        self.before = [one for account in self.accounts.values() for one in account.figures]
        found = {(one.member, one.post): one
                 for one in figures_of(self.accounts, posts, version)}
        for one in command.left_out:
            if found.pop((one.member, one.post), None) is None:
                raise LeftOutUnknown(member=one.member, post=one.post, month=command.month)
        self.figures = list(found.values())
        if not self.figures and not command.left_out and closings.last_closed() is None:
            raise NobodyToScore(month=command.month)
        self._must_be_graded(command.month, version)
        if command.digest not in (None, digest := digest_of(self.figures)):
            raise FiguresChanged(month=command.month, digest=digest)

    def _must_be_graded(self, month: str, version: Version) -> None:
        missing = [
            f"{one.member} {one.post} ({sheet}: {', '.join(found)})"
            for one in self.figures if one.score is None
            for sheet in (COMMITTEE_SHEET, SECOND_SHEET)
            if (found := sheet_of(self.accounts[one.member], one.post, sheet, version).missing)]
        if missing:
            more = [f"and {len(missing) - NAMED} more"] if len(missing) > NAMED else []
            raise MonthNotGraded(month=month, count=len(missing),
                                 missing="; ".join([*missing[:NAMED], *more]))

    def finished(self, number: int) -> list[Account]:
        """The accounts, each with its final figures. Errors: OutOfOrder (R-GEN-03)."""
        figures: dict[str, list[Figure]] = {member: [] for member in self.accounts}
        for one in self.figures:
            figures[one.member].append(one)
        for member, account in self.accounts.items():
            account.must_follow(self.occurred_at)
            account.seal(member, figures[member], number, occurred_at=self.occurred_at)
        return list(self.accounts.values())

    def carried_on(self) -> list[Aggregate]:
        """What other months left to who is left out counts in the month after."""
        for one in self.command.left_out:
            account, held = self.accounts[one.member], sorted(
                filter(is_graded, self.posts.get(one.member, ())))
            also = strays(account, held) if one.post == held[0] else []
            self.books.carry_on(one.member, self.command.month, [one.post, *also])
        return list(self.books.changed.values())


HANDLERS: dict[type[Command], Handler] = {
    GradeMember: grade_member,
    SetBonus: set_bonus,
    SealMonth: seal_month,
    ReopenMonth: reopen_month,
    RestateMonth: restate_month,
}
