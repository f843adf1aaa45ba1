"""Monthly scores as reports: a month's table, a member's months, warnings, and the closings."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from ledger.common.phrases import Phrase
from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.scores.closings import CLOSINGS, Closings, digest_of
from ledger.scores.values import Figure
from projections.asking.answering import Past, Reading, report
from projections.asking.notes import OfAll
from projections.asking.questions import Question
from projections.scores.accounts import Months
from projections.scores.answers import (
    ClosingRow,
    ScoreHistoryRow,
    ScoreRow,
    ScoresHeader,
    WarningRow,
)
from projections.scores.book import Month, ScoreBook
from projections.scores.later import of_month


@report(Months, Past.ROWS, name="scores", row=ScoreRow, header=ScoresHeader)
def scores(reading: Reading) -> Iterator[dict[str, Any]]:
    """The figures of a month, by default the last closed one.

    Shapes: member, post, committee, second, bonus, deductions, score, coefficient, policy_version,
    sealed, restatement, share, days, part, rests_on; decimals in texts, None where a sheet is not
    graded yet. A member with several posts has a row of each, with the same score: the sum of their
    parts, each by its share of the days (`days`; None where one post has them all). `rests_on` are
    words for what came after the seal and would change the figure, see
    `projections.scores.later.rests_on`. The subject asked for is a member. `as_of` also has month,
    state (open, sealed, reopened) and, of a whole month, the digest of its figures. Errors:
    R-PRJ-01, R-PRJ-05, R-PRJ-13, R-PRJ-14.
    """
    book, question = ScoreBook(reading), reading.question
    found = book.month(book.asked(question), question.subject)
    digest = {} if question.subject is not None else {"digest": digest_of(found.figures)}
    reading.as_of.update(month=found.month, state=found.seal.state, **digest)
    reading.note(OfAll(_standing(found.month, found.seal.state, **digest)))
    if pending := book.undecided(found.month).said():
        reading.note(OfAll(pending))
    return map(found.shown, _asked(found, question))


def _standing(month: str, state: str, digest: str | None = None) -> Phrase:
    """How a month stands; of a whole one, with the digest of its figures."""
    if digest is None:
        return Phrase("{month}: {state}", month=month, state=state)
    return Phrase("{month}: {state}, digest {digest}", month=month, state=state, digest=digest)


def _asked(found: Month, question: Question) -> Iterator[Figure]:
    for one in found.figures:
        if question.subject in (None, one.member) and question.post in (None, one.post):
            yield one


@report(Months, Past.ROWS, name="score-history", row=ScoreHistoryRow)
def history(reading: Reading) -> Iterator[dict[str, Any]]:
    """The closed months, up to the one asked for, each as it stands; of all or of one member.

    Shapes: month, and the fields of `scores`. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-13.
    """
    book, question = ScoreBook(reading), reading.question
    last = question.must_be_of_month()
    months = (book.month(month, question.subject) for month in sorted(book.closings.months)
              if last is None or month <= last)
    return ({"month": found.month, **found.shown(one)}
            for found in months for one in _asked(found, question))


@report(Months, Past.ROWS, name="closings", row=ClosingRow)
def closings(reading: Reading) -> Iterator[dict[str, Any]]:
    """What was done to close months: sealed, reopened, restated, step by step.

    Shapes: month, what, restatement, by, occurred_at, recorded_at, late, position, reason,
    count (of figures), digest, left_out, changes; None where a step has none. rests_on: of the
    step that made the figures final which stand, the words that `scores` has for them, and
    post_known_later where there would be a figure that is none. Errors: R-PRJ-05, R-PRJ-13.
    """
    month = reading.question.must_be_of_month()
    book = ScoreBook(reading)
    listed = [row for row in _steps(book) if month in (None, row["month"])]
    stands = {row["month"]: row["position"] for row in listed if row["count"] is not None}
    return ({**row, "rests_on": of_month(book.month(row["month"]).rests_on)
             if stands.get(row["month"]) == row["position"] else []} for row in listed)


def _steps(book: ScoreBook) -> Iterator[dict[str, Any]]:
    state = Closings.blank(CLOSINGS)
    for entry in filter(book.cut.takes, book.store.streams(book.ledger, [CLOSINGS])):
        event = event_types.decode(entry)
        event.apply(state)
        happened, recorded = from_us(entry.occurred_at), from_us(entry.recorded_at)
        yield {
            "month": event.month, "what": entry.type.split(".")[1].removeprefix("month_"),
            "restatement": state.seal_of(event.month).number, "by": entry.actor,
            "occurred_at": rfc3339(happened), "recorded_at": rfc3339(recorded),
            "late": book.reading.days.is_late(happened, recorded), "position": entry.position,
            "reason": getattr(event, "reason", None) or getattr(event, "note", None),
            "count": getattr(event, "count", None), "digest": getattr(event, "digest", None),
            "left_out": msgspec.to_builtins(getattr(event, "left_out", [])),
            "changes": msgspec.to_builtins(getattr(event, "changes", [])),
        }


@report(Months, Past.ROWS, name="score-warnings", row=WarningRow)
def warnings(reading: Reading) -> Iterator[dict[str, Any]]:
    """Who was below the pass mark in closed months, up to the one asked for, without a break.

    Shapes: member, post, months (a list), calls_for (after how many months a warning is called
    for; None where the policy names none), warning. A month counts once for a member, by its one
    score, in whatever posts; `post` is the one that had most of the last of them. The ledger warns;
    it never dismisses. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-13, R-PRJ-14. Rule: R-MON-29.
    """
    book, question = ScoreBook(reading), reading.question
    month = book.asked(question)
    scoring = book.version(month).scoring
    for member, (post, months) in sorted(_running(book, month, Decimal(scoring.pass_mark)).items()):
        if question.subject in (None, member) and question.post in (None, post):
            calls = scoring.warnings.get(post)
            yield {"member": member, "post": post, "months": months, "calls_for": calls,
                   "warning": calls is not None and len(months) >= calls}


def _running(book: ScoreBook, last: str, mark: Decimal) -> dict[str, tuple[str, list[str]]]:
    """By member, the post that had most of the last month, and the closed months below a mark that
    reach up to it, read backwards as far as they go."""
    running: dict[str, tuple[str, list[str]]] = {}
    going: dict[str, Figure] | None = None
    for month in sorted((one for one in book.closings.months if one <= last), reverse=True):
        below: dict[str, Figure] = {}
        for one in book.sealed_figures(month):
            if one.score is not None and Decimal(one.score) < mark and (
                    one.member not in below
                    or Decimal(one.share) > Decimal(below[one.member].share)):
                below[one.member] = one
        going = below if going is None else {
            member: one for member, one in going.items() if member in below}
        if not going:
            break
        for member, one in going.items():
            _, months = running.get(member, ("", []))
            running[member] = (one.post, [month, *months])
    return running
