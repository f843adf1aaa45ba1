"""Explanations: every level of an account with the postings that it adds up from.

A term is a position, a JSON pointer into that event's payload, a factor and the quantity there: the
figure is the sum of factor x value over its terms.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.common.values import from_us, rfc3339, to_us
from ledger.core.accounts import touch_of
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.stock.places import ALREADY_COUNTED, COUNTED, SHELF
from projections.asking.clocks import AsOf, Cut, header
from projections.asking.past import nothing_about
from projections.explaining import limits
from projections.explaining.limits import few
from projections.stock.answers import MOVEMENT_KNOWN_LATER


class Term(NamedTuple):
    """What a posting contributes to a level. Units: `occurred_at`, when it counts, in microseconds
    since 1970; it is shown as a time."""

    position: int
    type: str
    document: str
    occurred_at: int
    pointer: str
    factor: int
    value: int


def explain_stock(
    store: Store, ledger: str, account: str, as_of: AsOf
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As of what, and the levels of an account, by place, and what lies in each bin of its shelf.

    Shapes: {subject, figures: {place: {value, terms}}, bins: {bin: {value, terms}}, counts};
    `demand` and `waiting` are what orders wait for; `counts` as `_counts` lists them. Units: those
    of the SKU. Errors: NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05), TooLongToExplain
    (R-PRJ-24).
    """
    cut = as_of.resolve(store, ledger)
    entries = few(store.accounts(ledger, [account], until=cut.position, limit=limits.MOST + 1),
                  "events")
    figures: dict[str, list[Term]] = {}
    bins: dict[str, list[Term]] = {}
    terms = (found for entry in entries for found in _terms(entry, account)
             if cut.occurred_us is None or found[2].occurred_at <= cut.occurred_us)
    for place, name, term in terms:
        figures.setdefault(place, []).append(term)
        if place in COUNTED[SHELF]:
            bins.setdefault(name, []).append(term)
    answered = header(store, ledger, cut)
    if not figures:
        raise nothing_about(account, answered)
    return answered, {"subject": account, "figures": _shown(figures), "bins": _shown(bins),
                      "counts": list(_counts(entries, account, cut))}


def _terms(entry: Entry, account: str) -> Iterator[tuple[str, str, Term]]:
    touch = touch_of(entry)
    for index, one in enumerate(touch.postings):
        if one.account == account:
            at = to_us(one.at or touch.at)
            for factor, place, name in ((-1, one.source, one.bin), (1, one.target, one.to_bin)):
                yield place, name, Term(entry.position, entry.type, entry.stream, at,
                                        f"/postings/{index}/quantity", factor, one.quantity)


def _shown(terms: dict[str, list[Term]]) -> dict[str, Any]:
    return {name: {"value": sum(one.factor * one.value for one in found),
                   "terms": [{**one._asdict(), "occurred_at": rfc3339(from_us(one.occurred_at))}
                             for one in found]}
            for name, found in sorted(terms.items())}


class Counted(NamedTuple):
    """Which pieces were counted, and when, in microseconds since 1970. Without a bin it is all of
    the place."""

    at: int
    place: str
    bin: str

    def saw(self, back: "Counted") -> bool:
        """Whether it is the count at which pieces of a place and bin were posted back."""
        return self.at == back.at and self.bin in ("", back.bin) \
            and back.place in COUNTED.get(self.place, (self.place,))


def _counts(entries: list[Entry], account: str, cut: Cut) -> Iterator[dict[str, Any]]:
    """The counts of an account that stand, by time.

    Shapes: position, document, counted_at, place, bin ("": all of the place), counted, rests_on:
    movement_known_later where what was recorded since happened before the count, so that the books
    with which it was compared were others than they are known to have been. Rule: R-MON-28.
    """
    seen: dict[Counted, tuple[Entry, int]] = {}
    back: list[tuple[Counted, int, int]] = []
    for entry in entries:
        for one in touch_of(entry).observations:
            key = Counted(to_us(one.at), one.place, one.bin)
            if one.account != account or (cut.occurred_us is not None
                                          and key.at > cut.occurred_us):
                continue
            seen.pop(key, None)
            if not one.withdrawn:
                seen[key] = entry, one.counted
        back += _posted_back(entry, account)
    for key, (entry, counted) in sorted(seen.items(), key=lambda one: one[0]):
        change = sum(quantity for where, position, quantity in back
                     if position > entry.position and key.saw(where))
        yield {"position": entry.position, "document": entry.stream,
               "counted_at": rfc3339(from_us(key.at)), "place": key.place, "bin": key.bin,
               "counted": counted, "rests_on": [MOVEMENT_KNOWN_LATER] if change else []}


def _posted_back(entry: Entry, account: str) -> Iterator[tuple[Counted, int, int]]:
    """What an event posts back at counts: where and when, its position, and how many pieces."""
    touch = touch_of(entry)
    for one in touch.postings:
        if (one.account, one.cause) == (account, ALREADY_COUNTED):
            at = to_us(one.at or touch.at)
            yield Counted(at, one.source, one.bin), entry.position, -one.quantity
            yield Counted(at, one.target, one.to_bin), entry.position, one.quantity
