"""Why levels of stock, what flowed in a period and running balances are what they are: sums over
the postings of documents.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import unquote

from ledger.common.values import to_us
from ledger.core.accounts import touch_of
from ledger.core.postings import Posting
from ledger.stock.places import (
    ALREADY_COUNTED,
    AVAILABLE,
    BETWEEN_WAREHOUSES,
    CORRECTION,
    COUNTED,
    INSIDE,
    ON_HAND,
    OTHER_WAREHOUSE,
    PHYSICAL,
    SHELF,
    WAITING,
    stock_of,
)
from projections.asking.answering import Reading
from projections.asking.periods import Period, period_of
from projections.explaining import limits
from projections.explaining.formulas import LEAST, LOWEST, Event, Figures, Step, add, number, step
from projections.explaining.limits import few

ON_SHELF = COUNTED[SHELF]
BEFORE = {"opening": {"received": 1, "issued": -1},
          "between_opening": {"sent": 1, "arrived": -1, "lost": -1}}
"""What the balances before a period add up from."""


class Posted(NamedTuple):
    """A posting to an account: `at` is when it counts, in microseconds since 1970."""

    at: int
    event: Event
    pointer: str
    posting: Posting

    def term(self, factor: int) -> Step:
        """Its pieces as a term."""
        return self.event.read(self.pointer, self.event.entry.stream).times(factor)

    def into(self, places: Iterable[str]) -> int:
        """By what its pieces count in places: 1 they come, -1 they go, 0 they do neither."""
        return (self.posting.target in places) - (self.posting.source in places)

    def by_bin(self, name: str) -> int:
        """By what they count in a bin of the shelf."""
        one = self.posting
        return (one.target in ON_SHELF and one.to_bin == name) - (
            one.source in ON_SHELF and one.bin == name)


class Stock:
    """The postings to the accounts of a question's rows."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[str, list[Posted]] = {}

    def _of(self, row: Mapping[str, Any]) -> list[Posted]:
        """The postings of a row's account that the cut takes. Errors: TooLongToExplain (R-PRJ-24).
        """
        account = stock_of(row["warehouse"], row["sku"])
        if account not in self._known:
            reading, cut = self._reading, self._reading.cut
            entries = few(reading.models.store.accounts(
                reading.ledger, [account], until=cut.position, limit=limits.MOST + 1), "events")
            self._known[account] = [
                one for entry in entries for one in _posted(Event(entry), account)
                if cut.occurred_us is None or one.at <= cut.occurred_us]
        return self._known[account]

    # -- levels -----------------------------------------------------------------------------------

    def of_level(self, row: dict[str, Any]) -> Figures:
        """The levels of a SKU in a warehouse, by their names in the report `inventory`."""
        found = self._of(row)
        places = {place: partial(_level, found, (place,), place)
                  for place in (*INSIDE, BETWEEN_WAREHOUSES, WAITING)}
        return {
            **places,
            "on_hand": lambda: add([_level(found, (place,), place) for place in ON_HAND]),
            "discrepancy": lambda: add([
                step(LEAST, [number(0), _level(found, (place,), place)], place).times(-1)
                for place in sorted(PHYSICAL)])}

    def of_bin(self, row: dict[str, Any]) -> Figures:
        """What lies in a place or bin, by its name in the report `bins`."""
        found, place, name = self._of(row), row["place"], row["bin"]
        if place != SHELF:
            return {"quantity": partial(_level, found, (place,), place)}
        return {"quantity": partial(_in_bin, found, name)}

    def of_notice(self, row: dict[str, Any]) -> Figures:
        """The level that a notice is about, and the lowest that it was while the notice was open,
        by their names in `low-stock` and `discrepancies`."""
        found, place, name = self._of(row), row.get("place", AVAILABLE), row.get("bin", "")

        def by(one: Posted) -> int:
            return one.by_bin(name) if name else one.into((place,))

        return {"available" if "available" in row else "level": partial(
                    _in_bin, found, name) if name else partial(_level, found, (place,), place),
                "lowest": partial(_lowest, found, by, row)}

    # -- what flowed ------------------------------------------------------------------------------

    def of_period(self, row: dict[str, Any]) -> Figures:
        """What flowed in a period, by its names in the report `stock-ledger`."""
        found, period = self._of(row), period_of(
            self._reading.question, self._reading.days)
        before = Period(None, -1 if period.first is None else period.first - 1)
        flows = {name: partial(_flowed, found, {name: 1}, period)
                 for name in ("received", "issued", "sent", "arrived", "lost")}
        opening = {name: partial(_flowed, found, of, before)
                   for name, of in BEFORE.items()} if period.first is not None else {
            name: partial(add, ()) for name in BEFORE}
        return {
            **flows, **opening,
            "closing": lambda: add([
                opening["opening"]().called("opening"), flows["received"]().called("received"),
                flows["issued"]().called("issued").times(-1)]),
            "between_closing": lambda: add([
                opening["between_opening"]().called("between_opening"),
                flows["sent"]().called("sent"), flows["arrived"]().called("arrived").times(-1),
                flows["lost"]().called("lost").times(-1)])}

    def of_card(self, row: dict[str, Any]) -> Figures:
        """What a document posted, and the balances after it, by their names in `stock-card`."""
        here = to_us(datetime.fromisoformat(row["occurred_at"])), row["position"]
        sku = unquote((self._reading.question.subject or "").rpartition(":")[2])
        upto = [one for one in self._of({**row, "sku": sku}) if _together(one) <= here]
        own = [one for one in upto if _together(one) == here]
        return {
            "received": partial(_flowed, own, {"received": 1}, Period(None, None)),
            "issued": partial(_flowed, own, {"issued": 1}, Period(None, None)),
            "on_hand": partial(_level, upto, ON_HAND, "on_hand"),
            "available": partial(_level, upto, (AVAILABLE,), AVAILABLE)}


def _posted(event: Event, account: str) -> Iterator[Posted]:
    touch = touch_of(event.entry)
    for index, one in enumerate(touch.postings):
        if one.account == account:
            yield Posted(to_us(one.at or touch.at), event, f"/postings/{index}/quantity", one)


def _level(found: Iterable[Posted], places: Iterable[str], what: str) -> Step:
    return add([one.term(by) for one in found if (by := one.into(places))], what)


def _in_bin(found: Iterable[Posted], name: str) -> Step:
    return add([one.term(by) for one in found if (by := one.by_bin(name))], name or SHELF)


def _lowest(
    found: Iterable[Posted], by: Callable[[Posted], int], row: Mapping[str, Any]
) -> Step:
    """The lowest that a level was from the event on that opened a notice, event by event."""
    opened, closed = row["opened_position"], row["closed_position"]
    moved = [(one.event.entry.position, one.term(factor)) for one in found if (factor := by(one))]
    then = [one for one in moved if one[0] > opened and (closed is None or one[0] <= closed)]
    return step(LOWEST, [
        add([term for position, term in moved if position <= opened]),
        *(add([term for _, term in group]) for _, group in groupby(then, lambda one: one[0]))])


def _flowed(found: Iterable[Posted], of: Mapping[str, int], period: Period) -> Step:
    """What flowed in a period: a sum of flows, each by what it counts. What one document posted at
    one time is looked at together."""
    terms = []
    for _, group in groupby(
            sorted((one for one in found if period.holds(one.at)), key=_together), _together):
        posted = list(group)
        counted = sum(one.posting.quantity * one.into(ON_HAND) for one in posted
                      if one.posting.cause == ALREADY_COUNTED)
        terms += [one.term(factor * by) for one in posted
                  for name, by in _flows(one, fewer=counted < 0) if (factor := of.get(name, 0))]
    return add(terms)


def _together(one: Posted) -> tuple[int, int]:
    return one.at, one.event.entry.position


def _flows(one: Posted, *, fewer: bool) -> Iterator[tuple[str, int]]:
    """The flows that a posting counts in, each with 1 or -1. What a correction takes back counts
    against what it was; what is posted back in all, which a count had found to be more or `fewer`
    than the books said, against what came, or what went."""
    source, target, sign = one.posting.source, one.posting.target, 1
    if one.posting.cause == CORRECTION:
        source, target, sign = target, source, -1
    enters = (target in ON_HAND) - (source in ON_HAND)
    if one.posting.cause == ALREADY_COUNTED:
        if enters:
            yield ("received", sign * enters) if fewer else ("issued", -sign * enters)
    elif enters:
        yield ("received" if enters > 0 else "issued", sign)
    if target == BETWEEN_WAREHOUSES:
        yield "sent", sign
    elif source == BETWEEN_WAREHOUSES:
        yield ("arrived" if target == OTHER_WAREHOUSE else "lost", sign)
