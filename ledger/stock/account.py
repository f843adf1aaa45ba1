"""Stock: how many pieces of one SKU are in each place of one warehouse, who waits for some, and
what was counted when.

Documents post to it: what a decision posts takes no place and no bin below zero; a declared fact is
always taken, never clamped, and says which places it left below zero. What happened before a count
and is recorded after it was seen by whoever counted: it is posted at its own time and posted back
at the count, unless a person says that it was not counted.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import msgspec

from ledger.common.values import EPOCH
from ledger.core.accounts import Account, Touch
from ledger.core.postings import Observation, Posting
from ledger.stock.errors import BinEmpty, BinNeeded, OutOfStock, PlaceEmpty, TooManyPieces
from ledger.stock.lying import WHOLE, Lying, gained, legs, lying_changes
from ledger.stock.places import (
    ALREADY_COUNTED,
    AREA,
    AVAILABLE,
    COUNTED,
    PHYSICAL,
    RESERVED,
    SHELF,
    WAITING,
)

MOST_MOVED = 10**18
"""Units that may ever have moved of one SKU in one warehouse, there and back. So whatever anybody
adds up of its movements, every database keeps it exact."""

_ON_SHELF = frozenset(COUNTED[SHELF])

class Waiting(NamedTuple):
    """For how many pieces an order waits, and since which position."""

    since: int
    quantity: int


class _State(msgspec.Struct):
    """What a balance holds of an account."""

    levels: dict[str, int]
    bins: dict[str, int]
    waiting: dict[str, Waiting]
    observed: list[tuple[Lying, tuple[tuple[datetime, int], ...]]]
    latest_at: datetime
    moved_in_all: int


class StockAccount(Account):
    """One SKU in one warehouse: `stock:<warehouse>:<sku>`.

    `levels` are the pieces by place, `bins` those of the shelf, `waiting` the orders that wait,
    first in, first served. `observed` are the times at which an area and bin was counted, in order,
    and `latest_at` is the latest time that anything was posted at.
    """

    KIND = "stock"
    FORMAT = 1

    def begin(self) -> None:
        self.levels: dict[str, int] = {}
        self.bins: dict[str, int] = {}
        self.waiting: dict[str, Waiting] = {}
        self.observed: dict[Lying, tuple[tuple[datetime, int], ...]] = {}
        self.latest_at = EPOCH
        self.moved_in_all = 0

    # -- the fold ---------------------------------------------------------------------------------

    def take(self, *touches: Touch) -> None:
        self.levels, self.bins = levels, bins = self.levels.copy(), self.bins.copy()
        self.waiting, self.observed = self.waiting.copy(), self.observed.copy()
        waits = False
        for touch in touches:
            for posting in touch.postings:
                quantity, source, target = posting.quantity, posting.source, posting.target
                _change(levels, source, -quantity)
                _change(levels, target, quantity)
                if source in _ON_SHELF:
                    _change(bins, posting.bin, -quantity)
                if target in _ON_SHELF:
                    _change(bins, posting.to_bin, quantity)
                if source == WAITING or target == WAITING:
                    self._wait(touch, posting)
                    waits = True
                self.moved_in_all += quantity
                if (at := posting.at or touch.at) > self.latest_at:
                    self.latest_at = at
            if touch.observations:
                self._observe(touch)
            self.position = touch.position
        self.unkept += len(touches)
        if waits:
            self.waiting = dict(sorted(
                self.waiting.items(), key=lambda item: (item[1].since, item[0])))

    def after_reserving(self, pieces: int, at: datetime, position: int) -> Self:
        """What it is once so many pieces, whose bins nobody names, were reserved. On the shelf they
        lie as before, so no bin and no count is concerned: see `take`."""
        after = self.clone()
        after.levels = levels = self.levels.copy()
        _change(levels, AVAILABLE, -pieces)
        _change(levels, RESERVED, pieces)
        after.moved_in_all += pieces
        after.position = position
        after.unkept += 1
        if at > after.latest_at:
            after.latest_at = at
        return after

    def state(self) -> bytes:
        return msgspec.json.encode(_State(
            self.levels, self.bins, self.waiting, list(self.observed.items()), self.latest_at,
            self.moved_in_all))

    def restore(self, state: bytes) -> None:
        found = msgspec.json.decode(state, type=_State)
        self.levels, self.bins, self.waiting = found.levels, found.bins, found.waiting
        self.observed = dict(found.observed)
        self.latest_at, self.moved_in_all = found.latest_at, found.moved_in_all

    def _wait(self, touch: Touch, posting: Posting) -> None:
        """Let an order wait for more pieces or fewer; in which turn is for `take` to say."""
        since = touch.position if posting.since is None else posting.since
        quantity = posting.quantity if posting.target == WAITING else -posting.quantity
        if (known := self.waiting.pop(touch.document, None)) is not None:
            since, quantity = min(since, known.since), quantity + known.quantity
        if quantity:
            self.waiting[touch.document] = Waiting(since, quantity)

    def _observe(self, touch: Touch) -> None:
        """Keep what was counted; what a correction takes back is kept no more."""
        for one in touch.observations:
            known = list(self.observed.pop((one.place, one.bin), ()))
            if one.withdrawn:
                known = [seen for seen in known if seen != (one.at, touch.corrects)]
            else:
                insort(known, (one.at, touch.position))
            if known:
                self.observed[one.place, one.bin] = tuple(known)

    # -- rules ------------------------------------------------------------------------------------

    def level(self, place: str) -> int:
        """The pieces in a place."""
        return self.levels.get(place, 0)

    def decide(
        self, postings: Sequence[Posting], at: datetime, *, unseen: int = 0
    ) -> list[Posting]:
        """What a decision of some time posts, if the pieces are there; see `_posted`.

        Errors: OutOfStock (R-STK-01), PlaceEmpty (R-STK-02), BinEmpty (R-STK-16), BinNeeded
        (R-STK-17), TooManyPieces (R-STK-15).
        """
        found = self._posted(postings, at, unseen)
        wanted = self._changes(found)
        for place, change in wanted.items():
            had = self.level(place)
            if place in PHYSICAL and change < 0 and had + change < 0:
                if place == AVAILABLE:
                    raise OutOfStock(stock=self.id, wanted=-change, available=had)
                raise PlaceEmpty(stock=self.id, wanted=-change, place=place, level=had)
        for (area, name), change in lying_changes(found).items():
            if area == SHELF and change < 0 and (had := self.bins.get(name, 0)) + change < 0:
                if name:
                    raise BinEmpty(stock=self.id, wanted=-change, bin=name, level=had)
                raise BinNeeded(stock=self.id, wanted=-change, bins=self._listed_bins())
        return found

    def must_have_held(
        self, postings: Sequence[Posting], at: datetime, later: Iterable[Touch]
    ) -> None:
        """What a count has seen gone was there at its time. `later` are the touches that may have
        posted after it. Errors: OutOfStock (R-STK-01), PlaceEmpty (R-STK-02), BinEmpty (R-STK-16).
        """
        then, bins = dict(self.levels), dict(self.bins)
        after = [one for touch in later for one in touch.postings if (one.at or touch.at) > at]
        for place, change in self._changes(after).items():
            then[place] = then.get(place, 0) - change
        for (area, name), change in lying_changes(after).items():
            if area == SHELF:
                bins[name] = bins.get(name, 0) - change
        for place, change in self._changes(postings).items():
            had = then.get(place, 0)
            if place in PHYSICAL and change < 0 and had + change < 0:
                error = OutOfStock if place == AVAILABLE else PlaceEmpty
                raise error(stock=self.id, wanted=-change, available=had, place=place, level=had)
        for (area, name), change in lying_changes(postings).items():
            if area == SHELF and name and change < 0 and bins.get(name, 0) + change < 0:
                raise BinEmpty(stock=self.id, wanted=-change, bin=name, level=bins.get(name, 0))

    def declare(
        self, postings: Sequence[Posting], at: datetime, *, unseen: int = 0,
        exactly: bool = False,
    ) -> list[Posting]:
        """What a fact of some time posts, whatever the books say; see `_posted`. `exactly`: an
        empty bin is none, and not any.

        Errors: TooManyPieces (R-STK-15).
        """
        found = self._posted(postings, at, unseen, exactly=exactly)
        changes = self._changes(found)
        return _with_below(found, changes, {
            place: self.level(place) + change for place, change in changes.items()})

    def marked(self, postings: Sequence[Posting]) -> list[Posting]:
        """All postings of an event that this account took in several turns; those of its own say
        which places they leave below zero in the end."""
        found = [msgspec.structs.replace(one, below=None) if one.account == self.id else one
                 for one in postings]
        own = [one for one in found if one.account == self.id]
        marked = iter(_with_below(own, self._changes(own), self.levels))
        return [next(marked) if one.account == self.id else one for one in found]

    def _posted(
        self, postings: Sequence[Posting], at: datetime, unseen: int, *, exactly: bool = False
    ) -> list[Posting]:
        """Postings with the bins that they can only have come out of, and what posts them back
        where a count has seen them already: none of those up to the position `unseen` has.

        Errors: TooManyPieces (R-STK-15).
        """
        found = list(postings if exactly else self._out_of_bins(postings))
        if self.observed:
            found += self._posted_back(found, at, unseen)
        self._must_hold(found)
        return found

    def _must_hold(self, postings: Iterable[Posting]) -> None:
        """Errors: TooManyPieces (R-STK-15)."""
        moved = self.moved_in_all + sum(one.quantity for one in postings)
        if moved > MOST_MOVED:
            raise TooManyPieces(stock=self.id, pieces=moved, most=MOST_MOVED)

    @staticmethod
    def _changes(postings: Iterable[Posting]) -> dict[str, int]:
        """By how much postings change the level of each place."""
        found: dict[str, int] = {}
        for one in postings:
            found[one.source] = found.get(one.source, 0) - one.quantity
            found[one.target] = found.get(one.target, 0) + one.quantity
        return found

    # -- bins -------------------------------------------------------------------------------------

    def _out_of_bins(self, postings: Iterable[Posting]) -> Iterator[Posting]:
        """Postings, each of whose pieces that leave the shelf come out of a bin; see `_out_of`."""
        bins = self.bins
        for one in postings:
            leaving = AREA.get(one.source) == SHELF
            if not leaving or AREA.get(one.target) == SHELF or one.bin:
                parts = [(one.bin, one.quantity)] if leaving else []
                yield one
            else:
                parts = _out_of(bins, one.quantity)
                yield from [one] if parts == [("", one.quantity)] else (
                    msgspec.structs.replace(one, bin=name, quantity=pieces)
                    for name, pieces in parts)
            for name, pieces in parts:
                bins = {**bins, name: bins.get(name, 0) - pieces}

    def _listed_bins(self) -> str:
        held = [f"{name} ({pieces})" for name, pieces in sorted(self.bins.items())
                if name and pieces > 0]
        return ", ".join(held[:5]) + (" …" if len(held) > 5 else "")

    # -- counts -----------------------------------------------------------------------------------

    def _posted_back(
        self, postings: Iterable[Posting], at: datetime, unseen: int = 0, *,
        strictly: bool = False,
    ) -> list[Posting]:
        """What cancels postings at the first count after each that saw its pieces, or `strictly`
        after it: the count was right, so the level from then on stays, and the level before it is
        told as it was."""
        back: dict[tuple[Lying, datetime], int] = {}
        for one in postings:
            for lying, change, crossing in legs(one):
                seen = self._seen(lying, one.at or at, unseen, crossing=crossing,
                                  strictly=strictly)
                if seen is not None:
                    back[lying, seen] = back.get((lying, seen), 0) + change
        return [gained(self.id, lying, -change, cause=ALREADY_COUNTED, at=seen)
                for (lying, seen), change in back.items() if change]

    def _seen(
        self, lying: Lying, at: datetime, unseen: int, *, crossing: bool, strictly: bool
    ) -> datetime | None:
        """When that was counted for the first time which came to lie, or lay no more, at a time.
        Who counts a whole shelf does not see what only went from bin to bin."""
        area, name = lying
        keys = {lying} if name else set()
        if crossing:
            keys.add((area, WHOLE))
        found = []
        for key in keys:
            known = self.observed.get(key, ())
            first = bisect_left(known, (at, MOST_MOVED if strictly else 0))
            found += [time for time, position in known[first:] if position > unseen][:1]
        return min(found, default=None)

    def count(
        self, counted: Mapping[Lying, int], at: datetime, later: Iterable[Touch], cause: str, *,
        unseen: Mapping[Lying, int] | None = None,
    ) -> tuple[list[Observation], list[Posting], dict[Lying, int]]:
        """What a count at a time observes, what it posts, and the book of each area and bin then.

        `later` are the touches that may have posted after it. The book is the present less what was
        posted after the count; what was posted at the same instant counts as before. A count that
        is older than another posts its variance, and back at that one. `unseen` are pieces that lay
        there, and that it has not seen. Errors: R-STK-15.
        """
        after: dict[Lying, int] = dict(unseen or {})
        if at < self.latest_at:
            for touch in later:
                for lying, change in lying_changes(
                        one for one in touch.postings if (one.at or touch.at) > at).items():
                    after[lying] = after.get(lying, 0) + change
        then = dict(self.bins)
        for (area, name), change in after.items():
            if area == SHELF:
                then[name] = then.get(name, 0) - change
        postings: list[Posting] = []
        book: dict[Lying, int] = {}
        # Bins come before the whole, which then stands for what lies in all of them.
        for area, name in sorted(counted, key=lambda lying: lying[1] == WHOLE):
            if area != SHELF:
                known = self.level(area) - after.get((area, name), 0)
            else:
                known = sum(then.values()) if name == WHOLE else then.get(name, 0)
            book[area, name] = known
            for one in self._variance((area, name), counted[area, name] - known, then, cause):
                postings.append(one)
                for (_, key), change in lying_changes([one]).items() if area == SHELF else ():
                    then[key] = then.get(key, 0) + change
        observations = [Observation(account=self.id, place=area, bin=name, counted=number, at=at)
                        for (area, name), number in counted.items()]
        if self.observed:
            postings += self._posted_back(postings, at, strictly=True)
        self._must_hold(postings)
        changes = self._changes(postings)
        return observations, _with_below(postings, changes, {
            place: self.level(place) + change for place, change in changes.items()}), book

    def _variance(
        self, lying: Lying, variance: int, then: Mapping[str, int], cause: str
    ) -> Iterator[Posting]:
        """What posts a variance: to the bin that was counted. Of a whole shelf it is of pieces
        whose bin nobody knows; but where too few of these were there and all others in one bin, of
        that.
        """
        area, name = lying
        if not variance:
            return
        if area == SHELF and name == WHOLE and variance < 0:
            for where, pieces in _out_of(then, -variance):
                yield gained(self.id, (area, where), -pieces, cause=cause)
        else:
            yield gained(self.id, lying, variance, cause=cause)


def _change(levels: dict[str, int], name: str, change: int) -> None:
    """Add to a level; a level of nothing is not kept."""
    if level := levels.get(name, 0) + change:
        levels[name] = level
    else:
        levels.pop(name, None)


def _out_of(bins: Mapping[str, int], quantity: int) -> list[tuple[str, int]]:
    """Out of which bins pieces come where no bin is named: those without a known bin go first. If
    they do not suffice and all others lie in one bin, they come out of that; else nobody knows."""
    loose = min(quantity, max(0, bins.get("", 0)))
    named = [name for name, pieces in bins.items() if name and pieces > 0]
    if loose == quantity or len(named) != 1 or bins[named[0]] < quantity - loose:
        return [("", quantity)]
    return [(name, pieces) for name, pieces in (("", loose), (named[0], quantity - loose))
            if pieces]


def _with_below(
    postings: list[Posting], changes: Mapping[str, int], after: Mapping[str, int]
) -> list[Posting]:
    """Postings that say which places they leave below zero, the last one out of each."""
    below = {place: level for place, change in changes.items()
             if place in PHYSICAL and change < 0 and (level := after.get(place, 0)) < 0}
    for index in reversed(range(len(postings))) if below else ():
        if postings[index].source in below:
            level = below.pop(postings[index].source)
            postings[index] = msgspec.structs.replace(postings[index], below=level)
    return postings
