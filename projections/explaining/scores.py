"""Why a member's month is what it is: grades by the weights of a scorecard, less what charges
cost, and the band of the sum. `ledger.scores.formula` works out the same from the accounts.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from ledger.common.decimals import FINEST, TENTH
from ledger.log.envelope import Entry
from ledger.people.posts import post_of
from ledger.policies.values import ScorecardItem, Version, weights_of
from ledger.scores.closings import SEALED as FINAL
from ledger.scores.formula import coefficient_of, is_graded, strays
from ledger.scores.shares import shares_of
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, account_of
from projections.asking.answering import Reading
from projections.explaining.accounts import MonthEvents
from projections.explaining.formulas import (
    BAND,
    BANDS,
    GREATEST,
    PRODUCT,
    RATIO,
    ROUNDING,
    ROUNDING_DOWN,
    SEALED,
    Event,
    Figures,
    Step,
    add,
    less,
    number,
    step,
)
from projections.explaining.policies import PolicyEvents, Sources, said
from projections.scores.book import ScoreBook
from projections.scores.grading import due

HUNDRED = number(100, "percent")

NAMES = ("committee", "second", "bonus", "deductions", "score", "coefficient", "share", "days",
         "part")


class Scores:
    """What members' months are made of, as a reading's cut has it."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._book = reading, ScoreBook(reading)
        self._policies = PolicyEvents(self._entries("policy:book"))
        self._months: dict[tuple[str, str], _Month] = {}

    def _entries(self, stream: str) -> list[Entry]:
        book = self._book
        return list(filter(book.cut.takes, book.store.streams(book.ledger, [stream])))

    def _month(self, month: str, member: str) -> "_Month":
        known = self._months.get((month, member))
        if known is None:
            book, version = self._book, self._book.version(month)
            stream = account_of(member, month)
            days = book.posts_in(month, member).get(member, {})
            seal = book.closings.seal_of(month)
            left_out = {one.post for one in seal.left_out
                        if one.member == member and seal.state == FINAL}
            known = self._months[month, member] = _Month(
                MonthEvents(stream, self._entries(stream)), version, self._policies.of(version),
                days=days, left_out=left_out, of_posts={
                    post: [Event(entry) for entry in self._entries(post_of(post))
                           if member in entry.subjects] for post in days})
        return known

    def of_month(self, row: dict[str, Any]) -> Figures:
        """A member's figures in a post, by their names in the reports `scores` and
        `score-history`."""
        month = row["month"] if "month" in row else self._book.asked(
            self._reading.question)
        known, post = self._month(month, row["member"]), row["post"]
        return {name: partial(known.figure, post, name, sealed=row["sealed"]) for name in NAMES}

    def of_item(self, row: dict[str, Any]) -> Figures:
        """An item's weight and grades, by their names in the report `grading`."""
        month = self._reading.question.must_be_of_month() or due(self._book)
        known, post, item = self._month(month, row["member"]), row["post"], row["item"]
        return {"weight": partial(known.weight, post, item),
                **{sheet: partial(known.grade, post, sheet, item)
                   for sheet in (COMMITTEE_SHEET, SECOND_SHEET)}}


class _Month:
    """A member's month under a policy. `days` are those on which each post was held, `of_posts` the
    events that say so, `left_out` the posts without a figure."""

    def __init__(
        self, events: MonthEvents, version: Version, sources: Sources, *,
        days: Mapping[str, Collection[str]], of_posts: Mapping[str, list[Event]],
        left_out: Collection[str],
    ) -> None:
        self._events, self._version, self._sources = events, version, sources
        self._days, self._of_posts = days, of_posts
        self._posts = sorted(filter(is_graded, days))
        self._scored = [post for post in self._posts if post not in left_out]
        self._shares = shares_of({post: days[post] for post in self._scored})

    def figure(self, post: str, name: str, *, sealed: bool) -> Step | None:
        """A figure of a post; None where nothing makes it."""
        computed = self._computed(post, name) if post in self._scored else None
        if not sealed:
            return computed
        final = self._events.sealed(post, name)
        if final is None and name == "part":
            final = self._events.sealed(post, "score")
        if final is None and name == "share":
            final = number(1, "one post has the whole month")
        if final is None:
            return None
        return step(SEALED, [final, *([] if computed is None else [computed.called("computed")])])

    def _computed(self, post: str, name: str) -> Step | None:
        if name in (COMMITTEE_SHEET, SECOND_SHEET):
            return self._sheet(post, name)
        return {"bonus": self._bonus, "deductions": self._deductions, "part": self._part,
                "share": self._share, "days": self._days_held, "score": self._score,
                "coefficient": self._coefficient}[name](post)

    # -- grades -----------------------------------------------------------------------------------

    def _items(self, post: str) -> list[ScorecardItem]:
        return list(self._version.scorecard(post).items)

    def _item(self, post: str, name: str) -> ScorecardItem:
        return next(item for item in self._items(post) if item.item == name)

    def _printed(self, post: str, item: ScorecardItem) -> Step:
        cards = self._version.sections.scorecards or []
        at = next((at for at, card in enumerate(cards) if card.post == post), len(cards))
        return said(self._sources, "scorecards", f"/{at}/items/{self._items(post).index(item)}"
                    "/weight", otherwise=item.weight, what=f"weight of {item.item}")

    def weight(self, post: str, name: str) -> Step:
        """The weight of an item, which may be scaled."""
        card, item = self._version.scorecard(post), self._item(post, name)
        printed, counts = self._printed(post, item), weights_of(card)[name]
        total = add([self._printed(post, one) for one in card.items], "all weights")
        if not card.normalise or total.value in (0, HUNDRED.value):
            return printed
        scaled = step(ROUNDING_DOWN, [step(RATIO, [
            step(PRODUCT, [printed, HUNDRED]), total]), number(FINEST)])
        return add([scaled, number(counts - scaled.value, "what rounding down left over")])

    def _lost(self, post: str, item: ScorecardItem) -> Step:
        """The points that a computed item loses."""
        lost = add(self._events.charges(post, counts_in=item.item), "lost")
        weight, printed = self.weight(post, item.item), self._printed(post, item)
        if weight.value == printed.value or not printed.value:
            return lost
        return step(ROUNDING, [step(RATIO, [step(PRODUCT, [lost, weight]), printed]),
                               number(FINEST)], "lost")

    def _points(self, post: str, item: ScorecardItem) -> Step:
        """The points of a computed item: its weight less what it lost, not below 0."""
        return step(GREATEST, [number(0), less(
            self.weight(post, item.item), self._lost(post, item))], item.item)

    def grade(self, post: str, sheet: str, name: str) -> Step | None:
        """The grade of an item, the mean of several, in percent; of a computed item its points;
        None where it is not graded yet."""
        item = self._item(post, name)
        if item.computed_from:
            return self._points(post, item)
        grades = self._events.grades(post, sheet, name)
        if len(grades) < 2:
            return grades[0] if grades else None
        return step(ROUNDING, [step(RATIO, [add(grades), number(len(grades), "grades")]),
                               number(TENTH)], name)

    def _sheet(self, post: str, sheet: str) -> Step | None:
        """The points of a sheet; None until every item is graded."""
        terms = []
        for item in self._items(post):
            grade = self.grade(post, sheet, item.item)
            if grade is None:
                return None
            terms.append(grade if item.computed_from else step(RATIO, [
                step(PRODUCT, [self.weight(post, item.item), grade]), HUNDRED], item.item))
        return add(terms, sheet)

    # -- what is added and taken ------------------------------------------------------------------

    def _bonus(self, post: str) -> Step:
        return add(self._events.bonuses(post), "bonus")

    def _deductions(self, post: str) -> Step:
        """What charges take from the month; the member's first post has those of posts that the
        member does not hold, too."""
        computed = [item.item for item in self._items(post) if item.computed_from]
        terms = [*self._events.month_charges(post, computed), *self._events.carried(post)]
        for stray in strays(self._events.account, self._posts) if post == self._posts[0] else ():
            terms += [*self._events.charges(stray), *self._events.carried(stray)]
        return add(terms, "deductions")

    def _items_cost(self, post: str) -> Step:
        return add([less(self.weight(post, item.item), self._points(post, item), item.item)
                    for item in self._items(post) if item.computed_from], "lost in items")

    # -- the month --------------------------------------------------------------------------------

    def _numbers_of(self, post: str) -> tuple[Fraction, int]:
        """The days of a post, each divided by how many were held on it, and all days."""
        at_once = Counter(day for one in self._scored for day in self._days[one])
        held = sum((Fraction(1, at_once[day]) for day in self._days[post]), Fraction(0))
        return held, len(at_once)

    def _days_ratio(self, post: str, days: Fraction, what: str) -> Step:
        evidence = [event.read("", "post") for event in self._of_posts[post]]
        return step(ROUNDING, [step(RATIO, [
            number(days.numerator, what, evidence), number(days.denominator)]), number(FINEST)])

    def _days_held(self, post: str) -> Step | None:
        if self._shares[post].days is None:
            return None
        return self._days_ratio(post, self._numbers_of(post)[0], "days held")

    def _share(self, post: str) -> Step:
        """The post's share of the month; the last one has what rounding left."""
        if self._shares[post].days is None:
            return number(1, "one post has the whole month")
        if post == self._scored[-1]:
            return add([number(1), *(self._share(one).times(-1) for one in self._scored[:-1])])
        held, days = self._numbers_of(post)
        return self._days_ratio(post, held / days, "days held of all days")

    def _part(self, post: str) -> Step | None:
        """What a post adds to the month; None until both sheets are graded."""
        committee, second = self._sheet(post, COMMITTEE_SHEET), self._sheet(post, SECOND_SHEET)
        if committee is None or second is None:
            return None
        mix, lost = self._version.scoring, self._items_cost(post)
        graded = add([
            step(PRODUCT, [said(self._sources, "scoring", "/committee", otherwise=mix.committee,
                                what="share of the committee"), committee]),
            step(PRODUCT, [said(self._sources, "scoring", "/second", otherwise=mix.second,
                                what="share of the second grader"), second]), lost], "graded")
        return add([
            step(PRODUCT, [self._share(post).called("share"), graded]), lost.times(-1),
            self._bonus(post), self._deductions(post).times(-1)], post)

    def _score(self, _post: str) -> Step | None:
        parts = [self._part(post) for post in self._scored]
        known = [part for part in parts if part is not None]
        return add(known, "score") if len(known) == len(parts) else None

    def _coefficient(self, post: str) -> Step | None:
        """The coefficient of the band in which the score lies; None without one."""
        score, bands = self._score(post), self._version.sections.coefficients or []
        if score is None or coefficient_of(score.value, bands) is None:
            return None
        return step(BANDS, [score, *map(self._band, range(len(bands)))])

    def _band(self, at: int) -> Step:
        band = (self._version.sections.coefficients or [])[at]
        bounds = {"at_least": band.at_least, "below": band.below, "coefficient": band.coefficient}
        return step(BAND, [said(self._sources, "coefficients", f"/{at}/{name}", otherwise=bound,
                                what=name) for name, bound in bounds.items() if bound is not None])
