"""Handlers of monthly scores: grading, bonus work, closing a month."""

from decimal import Decimal

from ledger.common.days import first_day, last_day, month_of
from ledger.common.decimals import ZERO, plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.authority import must_be_member, signed_on
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
    GraderMissing,
    ItemComputed,
    ItemUnknown,
    LeftOutUnknown,
    MonthNotBegun,
    MonthNotGraded,
    MonthNotOver,
    NobodyToScore,
    NotInPost,
    NotTheGrader,
    OwnBonus,
)
from ledger.scores.formula import figures_of, is_graded, sheet_of, strays
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, Figure, account_of

NAMED = 20
"""How many missing sheets an error names."""


# -- grades ---------------------------------------------------------------------------------------


def grade_member(command: GradeMember, work: Work) -> list[Aggregate]:
    """Errors: R-MON-01, R-MON-05 to R-MON-07, R-MON-14, R-MON-18, R-MON-19."""
    day = work.days.day_of(command.occurred_at)
    card = _card_of(work, command, day)
    _must_be_gradable(card, sorted(command.grades))
    _must_grade(work, command, card, signed_on(work, command.occurred_at))
    _must_have_held(work, command)
    account: Account = work.load(Account, command.subject)
    account.grade(
        {"member": command.member, "post": command.post, "sheet": command.sheet,
         "grader": work.actor, "note": command.noted(work, account)},
        command.grades, occurred_at=command.occurred_at)
    return [account]


def _must_be_gradable(card: Scorecard, names: list[str]) -> None:
    """Errors: ItemUnknown (R-MON-07), ItemComputed (R-MON-19)."""
    items = {item.item: item for item in card.items}
    if unknown := [name for name in names if name not in items]:
        raise ItemUnknown(post=card.post, items=", ".join(unknown),
                          known=", ".join(one.item for one in card.items if not one.computed_from))
    if computed := [name for name in names if items[name].computed_from]:
        rules = dict.fromkeys(rule for name in computed for rule in items[name].computed_from)
        raise ItemComputed(post=card.post, items=", ".join(computed), rules=", ".join(rules))


def _card_of(work: Work, command: GradeMember | SetBonus, day: str) -> Scorecard:
    """The scorecard of a post in an open month. Errors: R-MON-01, MonthNotBegun (R-MON-14)."""
    closings: Closings = work.load(Closings, CLOSINGS)
    closings.must_be_open(command.month)
    if day < first_day(command.month):
        raise MonthNotBegun(month=command.month, day=day)
    return policy_on(work, last_day(command.month)).scorecard(command.post)


def _must_have_held(work: Work, command: GradeMember | SetBonus) -> None:
    """The member held the post in the month; said to those who grade them. Errors: NotInPost
    (R-MON-05)."""
    if command.post not in held_in(work, command.month).get(command.member, ()):
        raise NotInPost(member=command.member, post=command.post, month=command.month)


def _must_grade(work: Work, command: GradeMember, card: Scorecard, day: str) -> None:
    """Errors: NotTheGrader (R-MON-06), GraderMissing (R-MON-18)."""
    wanted = COMMITTEE if command.sheet == COMMITTEE_SHEET else card.second_grader
    if wanted == MEMBER:
        fits, who = work.actor == command.member, "the member"
    elif wanted == HEAD:
        known: Member = work.load(Member, command.member)
        last = min(day, last_day(command.month))  # who supervised the month, not who does later
        who = known.supervisor_on(last) or ""
        if not who:
            raise GraderMissing(sheet=command.sheet, member=command.member, post=command.post,
                                day=last)
        fits, who = work.actor == who, "whoever supervised them"  # who that is, only they learn
    else:
        holds = load_posts(work, [wanted])[wanted].held_by(work.actor, day)
        fits, who = holds and work.actor != command.member, f"another member in the post {wanted}"
    if fits and wanted != MEMBER:
        must_be_member(work, day)
    if not fits:
        raise NotTheGrader(actor=work.actor, sheet=command.sheet, member=command.member,
                           post=command.post, who=who)


def set_bonus(command: SetBonus, work: Work) -> list[Aggregate]:
    """Granted by somebody else, up to the most.

    Errors: R-MON-01, R-MON-05, R-MON-08, R-MON-14, OwnBonus (R-MON-17).
    """
    day = work.days.day_of(command.occurred_at)
    _card_of(work, command, day)
    _must_have_held(work, command)
    if must_be_member(work, day) == command.member:
        raise OwnBonus(member=command.member)
    scoring = policy_on(work, last_day(command.month)).scoring
    most = scoring.max_bonus if command.post in scoring.bonus_posts else "0"
    account: Account = work.load(Account, command.subject)
    account.set_bonus(
        {"member": command.member, "post": command.post, "task": command.task,
         "points": command.points}, command.noted(work, account), occurred_at=command.occurred_at)
    own = account.bonus(command.post)
    if own > Decimal(most):
        raise BonusTooHigh(member=command.member, month=command.month, post=command.post,
                           points=plain(own), most=most)
    # Whoever moves has one score, so that the most is theirs once, not once a post.
    whole = sum((account.bonus(post) for post in account.bonuses), ZERO)
    if whole > Decimal(scoring.max_bonus):
        raise BonusTooHigh(member=command.member, month=command.month, post=command.post,
                           points=plain(whole), most=scoring.max_bonus)
    return [account]


# -- closing --------------------------------------------------------------------------------------
# The closing itself is recorded after what it does to the accounts: as of any position, a month is
# sealed only when all of its figures are there.


def seal_month(command: SealMonth, work: Work) -> list[Aggregate]:
    """A reopened month whose figures did not change is sealed as it was.

    Errors: R-MON-01 to R-MON-03, R-MON-09, R-MON-11 to R-MON-13, R-MON-16, R-GEN-03.
    """
    closings = _to_close(command, work)
    closings.must_be_open(command.month)
    closings.must_be_next(command.month)
    month = _Month(work, command)
    closings.seal(command.month, month.figures, command.left_out, command.note,
                  occurred_at=command.occurred_at)
    return [*month.finished(closings.seal_of(command.month).number), *month.carried_on(), closings]


def reopen_month(command: ReopenMonth, work: Work) -> list[Aggregate]:
    """What the month passed on to months that are still open counts in it again.

    Errors: R-MON-02, R-MON-04.
    """
    closings = _to_close(command, work)
    closings.reopen(command.month, command.reason, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    members = ever_held(work, command.month)
    work.fetch([(Account, account_of(member, command.month)) for member in members])
    for member in members:
        books.bring_back(member, command.month)
    return [*books.changed.values(), closings]


def restate_month(command: RestateMonth, work: Work) -> list[Aggregate]:
    """Errors: R-MON-02, R-MON-03, R-MON-09 to R-MON-11, R-MON-15, R-GEN-03."""
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
    """The closed months, for a member who signs after the month's end.

    Errors: R-PPL-13, MonthNotOver (R-MON-02).
    """
    day = work.days.day_of(command.occurred_at)
    must_be_member(work, day)
    if month_of(day) <= command.month:
        raise MonthNotOver(month=command.month, day=day)
    closings: Closings = work.load(Closings, CLOSINGS)
    return closings


class _Month:
    """A month that is being closed: its accounts, and its figures before and after.

    Its accounts are those of all who were ever recorded as holding a post in it, since somebody who
    turned out not to have held one may have a sealed figure, which a restatement takes away. Who is
    left out has no figure, and needs no grades: what other months passed on to them goes on to the
    next open month.
    """

    def __init__(self, work: Work, command: SealMonth | RestateMonth) -> None:
        """Errors: R-MON-03, LeftOutUnknown (R-MON-09), FiguresChanged (R-MON-11), NobodyToScore
        (R-MON-13)."""
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
        out: set[tuple[str, str]] = set()
        for one in command.left_out:
            held = filter(is_graded, posts.get(one.member, ()))
            if one.post not in held or (one.member, one.post) in out:
                raise LeftOutUnknown(member=one.member, post=one.post, month=command.month)
            out.add((one.member, one.post))
        self.figures = list(figures_of(self.accounts, posts, version, left_out=out))
        if not self.figures and not command.left_out and closings.last_closed() is None:
            raise NobodyToScore(month=command.month)
        self._must_be_graded(command.month, version)
        # Whoever closes says which figures they saw: another grade may have come in between.
        if command.digest not in (None, digest := digest_of(self.figures)):
            raise FiguresChanged(month=command.month, digest=digest)

    def _must_be_graded(self, month: str, version: Version) -> None:
        """Errors: MonthNotGraded (R-MON-03)."""
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
        """Pass on to the next open month what other months passed on to members left out here."""
        for one in self.command.left_out:
            account, held = self.accounts[one.member], sorted(
                filter(is_graded, self.posts.get(one.member, ())))
            also = strays(account, held) if one.post == held[0] else []  # as in `figures_of`
            self.books.carry_on(one.member, self.command.month, [one.post, *also])
        return list(self.books.changed.values())


HANDLERS: dict[type[Command], Handler] = {
    GradeMember: grade_member,
    SetBonus: set_bonus,
    SealMonth: seal_month,
    ReopenMonth: reopen_month,
    RestateMonth: restate_month,
}
