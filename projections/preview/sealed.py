"""What entries say of months that are sealed: their figures stay as they were sealed."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.scores.closings import SEALED
from ledger.scores.values import Figure
from projections.asking.answering import Past, answering
from projections.asking.questions import PRESENT
from projections.preview.asked import Touched
from projections.scores.accounts import Months
from projections.scores.book import ScoreBook
from projections.store.models import ReadModels

Computed = dict[tuple[str, str], Figure]


class Sealed(msgspec.Struct):
    """The sealed months that are touched, by month: the figures that they were sealed with, and
    those that come out of what is known."""

    final: dict[str, Computed] = {}
    computed: dict[str, Computed] = {}
    restatements: dict[str, int] = {}


def sealed(models: ReadModels, ledger: str, touched: Touched) -> Sealed:
    """The sealed months among those that are touched, as read models have them."""
    found = Sealed()
    with answering(models, ledger, Months, PRESENT, past=Past.ROWS) as reading:
        book = ScoreBook(reading)
        members = [None] if touched.members is None else touched.members
        for month in touched.months:
            seal = book.closings.seal_of(month)
            if seal.state != SEALED:
                continue
            found.restatements[month] = seal.number
            found.final[month] = _by_key(book.sealed_figures(month))
            found.computed[month] = _by_key(
                [one for member in members for one in book.computed(month, member)])
    return found


def _by_key(figures: list[Figure]) -> Computed:
    return {(one.member, one.post): one for one in figures}


def in_sealed(touched: Touched, before: Sealed, after: Sealed) -> Iterator[dict[str, Any]]:
    """What is said of sealed months.

    Shapes: report, of {month} and change "falls in it" for a month that holds one of the days; then
    of {month, member, post}, change "would differ", with the columns of a figure that come out
    otherwise than before; `sealed` is the score that was sealed, which stays.
    """
    days = {day[:7] for day in touched.days}
    for month in sorted(after.restatements):
        if month in days:
            yield {"report": "closings",
                   "of": {"month": month, "restatement": after.restatements[month]},
                   "change": "falls in it", "before": None, "after": None}
        old, new = before.computed.get(month, {}), after.computed.get(month, {})
        for key in sorted({*old, *new}):
            a, b = (None if key not in side else msgspec.structs.asdict(side[key])
                    for side in (old, new))
            if a == b:
                continue
            if a is not None and b is not None:
                changed = [name for name in a if a[name] != b[name]]
                a, b = ({name: side[name] for name in changed} for side in (a, b))
            final = after.final[month].get(key)
            yield {"report": "scores",
                   "of": {"month": month, "member": key[0], "post": key[1],
                          "sealed": None if final is None else final.score},
                   "change": "would differ", "before": a, "after": b}
