"""What the graders of a month have before them: items, grades so far, and breaches."""

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.common.days import month_after
from ledger.common.decimals import plain
from ledger.policies.values import ScorecardItem, Version, weights_of
from ledger.scores.account import Account
from ledger.scores.formula import is_graded, sheet_of
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET
from projections.asking.answering import Past, Reading, report
from projections.asking.notes import OfAll
from projections.scores.accounts import Months
from projections.scores.answers import GradingRow
from projections.scores.book import NoMonthClosed, ScoreBook


@report(Months, Past.ROWS, name="grading", row=GradingRow)
def grading(reading: Reading) -> Iterator[dict[str, Any]]:
    """The sheets of a month, by default the one after the last closed, item by item.

    Shapes: member, post, item, zh, en, weight, computed, committee, committee_graders, second,
    second_graders, second_grader (who should), shows, breaches: [{rule, charge, breached_on,
    points, share_open}]. Units: `weight` in percent, grades in percent of it; None: not graded yet.
    `share_open` are the points of a supervisor who is not known yet, None where nothing waits: they
    are in nobody's month until somebody is charged. A computed item has points in both sheets.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-13, R-PRJ-14.
    """
    book, question = ScoreBook(reading), reading.question
    month = question.must_be_of_month() or due(book)
    version = book.version(month)
    accounts = {who: account
                for (_, who), account in book.accounts([month], question.subject).items()}
    shares = book.shares_open(month, accounts.values())
    if pending := book.undecided(month).said():
        reading.note(OfAll(pending))
    for member, held in sorted(book.posts_in(month).items()):
        for post in sorted(filter(is_graded, held)):
            if question.subject in (None, member) and question.post in (None, post):
                account = accounts.get(member) or Account.blank("month:")
                yield from items_of(account, member, post, version, shares=shares)


def due(book: ScoreBook) -> str:
    """The month that is graded next. Errors: NoMonthClosed (R-PRJ-14)."""
    last = book.closings.last_closed()
    if last is None:
        raise NoMonthClosed
    return month_after(last)


def items_of(
    account: Account, member: str, post: str, version: Version, *,
    shares: Mapping[str, str] = {},
) -> Iterator[dict[str, Any]]:
    """The items of a post's scorecard, as the report has them; `shares` are those of supervisors
    that wait, by charge."""
    card = version.scorecard(post)
    weights = weights_of(card)
    sheets = {sheet: {one.item: one for one in sheet_of(account, post, sheet, version).items}
              for sheet in (COMMITTEE_SHEET, SECOND_SHEET)}
    for item in card.items:
        row: dict[str, Any] = {
            "member": member, "post": post, "item": item.item, "zh": item.zh, "en": item.en,
            "weight": plain(weights[item.item]), "parts": item.parts,
            "computed": bool(item.computed_from)}
        for sheet, items in sheets.items():
            sheet_item = items.get(item.item)
            grade = None if sheet_item is None else (
                sheet_item.points if item.computed_from else sheet_item.grade)
            row |= {sheet: None if grade is None else plain(grade),
                    f"{sheet}_graders": list(sheet_item.graders) if sheet_item else []}
        yield {**row, "second_grader": card.second_grader, "shows": item.shows,
               "breaches": [{**one, "share_open": shares.get(one["charge"])}
                            for one in _breaches(account, post, item, version)]}


def _breaches(
    account: Account, post: str, item: ScorecardItem, version: Version
) -> Iterator[dict[str, Any]]:
    """What was recorded against rules that speak to an item: also those that cost nothing."""
    for charge in account.charges.values():
        rule = version.rule(charge.rule)
        speaks = charge.rule in (*item.shows, *item.computed_from) or (
            rule is not None and item.item in rule.evidence_for)
        if charge.post == post and speaks:
            yield {"rule": charge.rule, "charge": charge.charge,
                   "breached_on": charge.breached_on, "points": charge.points}
