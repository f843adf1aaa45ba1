"""Why a score is what it is: terms that add up to it, each with the events that it stands on."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.common.decimals import plain
from ledger.core import event_types
from ledger.policies.values import Version
from ledger.scores.account import Account
from ledger.scores.formula import (
    HUNDRED,
    ItemScore,
    figure_of,
    is_graded,
    part_of,
    sheet_of,
    strays,
)
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, account_of
from projections.asking.answering import Past, Reading, answering, report
from projections.asking.past import NothingRecorded
from projections.asking.questions import Question, SubjectNeeded
from projections.asking.written import Sealed, Written
from projections.scores.accounts import Months, take
from projections.scores.answers import ScoreTermRow
from projections.scores.book import ScoreBook
from projections.store.models import ReadModels


class Term(NamedTuple):
    """A part of a score: factor x value. `positions` are the events that it stands on.

    `what` says what it is, and `of` more of it, such as who graded or which rule.
    """

    what: str
    factor: str
    value: str
    positions: list[int]
    of: dict[str, Any]


class Carried(NamedTuple):
    """Points that came `from` another month, or were left `to` it. `points` are what they cost."""

    post: str
    way: str
    month: str
    charge: str
    points: str
    position: int


class Traced(NamedTuple):
    """An account, the positions at which each part of it was recorded, and what was carried."""

    account: Account
    positions: dict[tuple[str, ...], list[int]]
    carried: list[Carried]

    def at(self, *key: str) -> list[int]:
        """Where something was recorded."""
        return self.positions.get(key, [])


def explain_score(
    models: ReadModels, ledger: str, member: str, question: Question
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As of what, and how a member's month came to its score.

    Shapes: {member, month, policy_version, policy_from, posts: [{the figure as the report has it,
    as_computed, left_out (the reason, where the sealed month has no figure of it), terms}]};
    factor x value over the terms adds up to `as_computed`, which is the post's part: the score,
    where one post has the whole month, else the parts of all posts add up to it.
    Errors: R-PRJ-05, R-PRJ-07, R-PRJ-13, R-PRJ-14.
    """
    with answering(models, ledger, Months, question, past=Past.ROWS) as reading:
        return reading.as_of, _explained(ScoreBook(reading), member, question)


def _explained(book: ScoreBook, member: str, question: Question) -> dict[str, Any]:
    month = book.asked(question)
    version = book.version(month)
    traced = _traced(book, account_of(member, month))
    found = book.month(month, member)
    final = {one.post: one for one in found.figures}
    held = sorted(filter(is_graded, {*book.posts_in(month, member).get(member, ()), *final}))
    if not held:
        book.reading.must_know(member, account_of(member, month))
        raise NothingRecorded(ledger=book.ledger, subject=account_of(member, month))
    left_out = {one.post: one.reason for one in found.seal.left_out if one.member == member}
    posts = []
    for post in held:
        also = strays(traced.account, held) if post == held[0] else []
        figure = final.get(post) or figure_of(traced.account, member, post, version, also=also)
        share = Decimal(figure.share)
        points = part_of(traced.account, post, version, also=also, share=share).points
        posts.append({
            **found.shown(figure), "as_computed": None if points is None else plain(points),
            "left_out": left_out.get(post) if found.sealed else None,
            "terms": [term._asdict() for one in (post, *also)
                      for term in terms_of(traced, one, version, of_month=share, held=one == post)
                      ]})
    return {
        "member": member, "month": month, "policy_version": version.number,
        "policy_from": version.effective_from, "posts": posts}


def _traced(book: ScoreBook, stream: str) -> Traced:
    account = Account.blank(stream)
    positions: dict[tuple[str, ...], list[int]] = {}
    carried: list[Carried] = []
    for entry in book.store.streams(book.ledger, [stream]):
        if not book.cut.takes(entry):
            continue
        event = event_types.decode(entry)
        take(account, entry, event)
        for key, replaces in _keys(event):
            before = [] if replaces else positions.get(key, [])
            positions[key] = [*before, entry.position]
        carried += _carried(event, entry.position)
    return Traced(account, positions, carried)


def _keys(event: Any) -> Iterator[tuple[tuple[str, ...], bool]]:
    """What an event says something of, and whether it replaces what was said of that before."""
    if isinstance(event, Account.Graded):
        for item in event.grades:
            yield ("grade", event.post, event.sheet, item, event.grader), True
    elif isinstance(event, Account.BonusSet):
        yield ("bonus", event.post, event.task), True
    elif isinstance(event, Account.Charged):
        yield ("charge", event.charge.charge), False
    elif isinstance(event, Account.ChargeReduced | Account.ChargeReversed):
        yield ("charge", event.charge), False


def _carried(event: Any, position: int) -> Iterator[Carried]:
    """What an event leaves to another month, or takes from one."""
    if isinstance(event, Account.EffectCarried):
        yield Carried(event.post, "from", event.from_month, event.charge, event.points, position)
        return
    charge = getattr(event, "charge", "")
    for left in getattr(event, "carried", []):
        yield Carried(left.post, "to", left.to_month, getattr(charge, "charge", charge),
                      plain(-Decimal(left.points)), position)


def terms_of(
    traced: Traced, post: str, version: Version, *, of_month: Decimal, held: bool = True
) -> Iterator[Term]:
    """The terms of a score: items of both sheets, bonus work, charges, what was carried. Of a post
    that is not held, the charges and what was carried. `of_month` is the post's share of it."""
    if held:
        mix = version.scoring
        for sheet, share in ((COMMITTEE_SHEET, mix.committee), (SECOND_SHEET, mix.second)):
            for item in sheet_of(traced.account, post, sheet, version).items:
                yield _item(traced, (post, sheet), item, share=Decimal(share), of_month=of_month)
        for task, bonus in traced.account.bonuses.get(post, {}).items():
            yield Term(f"bonus: {task}", "1", bonus.points, traced.at("bonus", post, task),
                       {"note": bonus.note and Written.of(Sealed(
                           bonus.note, traced.account.id, bonus.version, "/note"))})
    computed = {item.item for item in version.scorecard(post).items if item.computed_from and held}
    yield from _charges(traced, post, computed)
    for one in traced.carried:
        if one.post == post:
            yield Term(f"carried {one.way} {one.month}: {one.charge}", "-1", one.points,
                       [one.position], {"month": one.month, "charge": one.charge, "post": post})


def _item(
    traced: Traced, at: tuple[str, str], item: ItemScore, *, share: Decimal, of_month: Decimal
) -> Term:
    """An item of a post's sheet. A computed one has its part of the month less all that it lost."""
    post, sheet = at
    of: dict[str, Any] = {"weight": plain(item.weight)}
    if of_month != 1:
        of["share"] = plain(of_month)
    if item.grade is None:
        charges = [one.charge for one in traced.account.charges.values()
                   if (one.post, one.counts_in) == (post, item.item)]
        points = of_month * item.weight - (item.weight - item.points)
        return Term(f"{sheet} {item.item}", plain(share), plain(points),
                    sorted(one for name in charges for one in traced.at("charge", name)),
                    {**of, "lost": plain(item.lost), "charges": charges})
    found = [traced.at("grade", post, sheet, item.item, grader) for grader in item.graders]
    return Term(f"{sheet} {item.item}", plain(share * of_month * item.weight / HUNDRED),
                plain(item.grade), sorted(position for each in found for position in each),
                {**of, "graders": list(item.graders)})


def _charges(traced: Traced, post: str, computed: Collection[str]) -> Iterator[Term]:
    """The charges that count in the month, not in an item that is computed."""
    counted = traced.account.counted()
    for charge in traced.account.charges.values():
        if charge.post != post or charge.counts_in in computed:
            continue
        points = Decimal(charge.points)
        times = counted[charge.charge] / points if points else Decimal(1)
        yield Term(f"{charge.rule} {charge.charge}", plain(-times), charge.points,
                   traced.at("charge", charge.charge),
                   {"party": charge.party, "breached_on": charge.breached_on,
                    "policy_version": charge.policy})


@report(Months, Past.ROWS, name="score-terms", row=ScoreTermRow)
def terms(reading: Reading) -> Iterator[dict[str, Any]]:
    """The terms of a member's score in a month, one row each.

    Shapes: post, what, factor, value, amount, positions, of; the amounts of a post add up to its
    score. Errors: SubjectNeeded (R-PRJ-10), those of `explain_score`.
    """
    if (member := reading.question.subject) is None:
        raise SubjectNeeded(example="member:7f3a")
    for post in _explained(ScoreBook(reading), member, reading.question)["posts"]:
        for term in post["terms"]:
            yield {"post": post["post"], "what": term["what"], "factor": term["factor"],
                   "value": term["value"],
                   "amount": plain(Decimal(term["factor"]) * Decimal(term["value"])),
                   "positions": term["positions"], "of": term["of"]}
