"""Monthly scores: now from the read model, as of the past from the members' own streams.

A question about the past reads the streams that it is about, and nothing else: its cost does not
grow with the log.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from ledger.aggregate import Aggregate
from ledger.closings import CLOSINGS, SEALED, Closings
from ledger.days import first_day, last_day
from ledger.errors import Invalid
from ledger.log import codec
from ledger.log.store import Store
from ledger.month_values import Figure, account_of
from ledger.months import Account
from ledger.policies import BOOK, PolicyBook
from ledger.policy_values import Version
from ledger.posts import Post, post_of
from ledger.scores import figures_of
from projections.clocks import Cut, header
from projections.engine import ReadModels
from projections.months import Months, accounts_of, members_of, take
from projections.questions import Answer, Question


class NoMonthClosed(Invalid):
    """No month is closed yet. Name one, such as 2026-09."""

    code: ClassVar[str] = "no_month_closed"
    rule: ClassVar[str] = "R-PRJ-14"


class Known:
    """What the log held of policies, closed months and posts at a cut."""

    def __init__(self, store: Store, ledger: str, cut: Cut) -> None:
        self.store, self.ledger, self.cut = store, ledger, cut
        found = self.fold({BOOK: PolicyBook, CLOSINGS: Closings})
        self.book: PolicyBook = found[BOOK]
        self.closings: Closings = found[CLOSINGS]

    def fold(self, streams: dict[str, type[Aggregate]]) -> dict[str, Any]:
        """Aggregates as the cut has them. An event that the cut leaves out changes nothing."""
        found: dict[str, Any] = {name: cls.blank(name) for name, cls in streams.items()}
        for entry in self.store.streams(self.ledger, sorted(streams)) if streams else ():
            if not self.cut.takes(entry):
                continue
            event = codec.decode(entry)
            if isinstance(found[entry.stream], Account):
                take(found[entry.stream], event)
            else:
                event.apply(found[entry.stream])
        return found

    def version(self, month: str) -> Version:
        """The policy that scores a month."""
        return self.book.on(last_day(month))

    def posts_in(self, month: str) -> dict[str, set[str]]:
        """The posts that each member held on any day of a month."""
        names = {post_of(post): post for post in self.version(month).posts()}
        found: dict[str, set[str]] = {}
        for stream, post in self.fold(dict.fromkeys(names, Post)).items():
            for member in post.holders_between(first_day(month), last_day(month)):
                found.setdefault(member, set()).add(names[stream])
        return found


def month_asked(question: Question, closings: Closings) -> str:
    """The month of a question; by default the last that was closed.

    Errors: BadMonth (R-PRJ-13), NoMonthClosed (R-PRJ-14).
    """
    month = question.must_be_of_month() or closings.last_closed()
    if month is None:
        raise NoMonthClosed
    return month


def accounts_at(
    models: ReadModels, known: Known, question: Question, month: str
) -> tuple[Cut, dict[str, Account]]:
    """The accounts of a month by member, and the cut that they are as of."""
    with models.reading(known.ledger, Months.name) as (connection, progress):
        if question.as_of.now:
            cut = Cut(progress.position)
            return cut, accounts_of(connection, known.ledger, month, question.subject)
        streams = members_of(connection, known.ledger, month) if question.subject is None \
            else {question.subject: account_of(question.subject, month)}
    found = known.fold(dict.fromkeys(streams.values(), Account))
    return known.cut, {member: found[stream] for member, stream in streams.items()
                       if stream in found}


def scores(models: ReadModels, ledger: str, question: Question) -> Answer:
    """The figures of a month: sealed as they were sealed, open as they stand.

    Shapes: member, post, committee, self, bonus, deductions, score, coefficient, policy_version,
    sealed, restatement; decimals in texts. The subject asked for is a member.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-13, R-PRJ-14.
    """
    store = models.store
    cut = _cut(models, ledger, question)
    known = Known(store, ledger, cut)
    month = month_asked(question, known.closings)
    seal = known.closings.months.get(month)
    sealed = seal is not None and seal.state == SEALED
    figures: Sequence[Figure] = seal.figures if sealed and seal else list(
        _live(models, known, question, month))
    rows = [shown(figure, sealed, seal.number if seal else 0) for figure in figures
            if question.subject in (None, figure.member)]
    answer = Answer(header(store, ledger, question.as_of, cut), rows)
    answer.as_of["notes"].append(
        f"{month}: " + (seal.state + f", digest {seal.digest}" if seal else "open"))
    return answer


def _cut(models: ReadModels, ledger: str, question: Question) -> Cut:
    if not question.as_of.now:
        return question.as_of.resolve(models.store, ledger)
    with models.reading(ledger, Months.name) as (_, progress):
        return Cut(progress.position)


def _live(
    models: ReadModels, known: Known, question: Question, month: str
) -> Iterator[Figure]:
    _, accounts = accounts_at(models, known, question, month)
    posts = known.posts_in(month)
    if question.subject is not None:
        posts = {name: held for name, held in posts.items() if name == question.subject}
    return figures_of(accounts, posts, known.version(month))


def shown(figure: Figure, sealed: bool, restatement: int) -> dict[str, Any]:
    """A figure as reports tell it."""
    return {
        "member": figure.member, "post": figure.post, "committee": figure.committee,
        "self": figure.second, "bonus": figure.bonus, "deductions": figure.deductions,
        "score": figure.score, "coefficient": figure.coefficient,
        "policy_version": figure.policy_version, "sealed": sealed, "restatement": restatement,
    }


# -- warnings -------------------------------------------------------------------------------------


def warnings(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Who was below the pass mark in closed months, up to the one asked for, without a break.

    Shapes: member, post, months (a list), calls_for (after how many months a warning is called
    for; None where the policy names none), warning. The ledger warns; it never dismisses.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-13, R-PRJ-14.
    """
    cut = _cut(models, ledger, question)
    known = Known(models.store, ledger, cut)
    month = month_asked(question, known.closings)
    scoring = known.version(month).scoring
    mark, running = Decimal(scoring.pass_mark), dict[tuple[str, str], list[str]]()
    for closed, seal in sorted(known.closings.months.items()):
        if closed > month:
            break
        for figure in seal.figures:
            key = figure.member, figure.post
            below = figure.score is not None and Decimal(figure.score) < mark
            running[key] = [*running.get(key, []), closed] if below else []
    rows = [{"member": member, "post": post, "months": months,
             "calls_for": (calls := scoring.warnings.get(post)),
             "warning": calls is not None and len(months) >= calls}
            for (member, post), months in sorted(running.items())
            if months and question.subject in (None, member)]
    return Answer(header(models.store, ledger, question.as_of, cut), rows)

