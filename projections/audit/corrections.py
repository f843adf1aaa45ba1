"""Which event another one corrects: it did not happen, or is not to count as it was recorded.

An event names what it corrects by its position, its version, a number or a charge. What takes its
own way, such as a return that the buyer no longer wants, corrects nothing: what was before it was
so. The test of this module decides it for every type of event.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger.core import event_types
from ledger.deductions.deduction import Deduction
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.order import Order
from ledger.people.attendance import Attendance
from ledger.reconciliation.signing import Reconciliation
from ledger.scores.account import Account
from ledger.scores.closings import Closings
from projections.asking.entries import entries_at

IsIt = Callable[[Any, Entry, Any], bool]
"""Whether an event corrects an earlier one: it, the earlier entry, and the event of that."""


class Naming(NamedTuple):
    """How an event names what it corrects: the last event before it that is of one of some types
    (all of its stream, if none is named) and that it speaks of."""

    types: frozenset[str]
    is_it: IsIt


def _naming(*classes: Any, is_it: IsIt) -> Naming:
    return Naming(frozenset(cls.TOPIC for cls in classes), is_it)


_charged = _naming(Deduction.Confirmed, Deduction.SupervisorCharged,
                   is_it=lambda event, _entry, one: event.member in one.about())
_counted = _naming(Account.Charged,
                   is_it=lambda event, _entry, one: event.charge == one.charge.charge)

NAMED: Mapping[str, Naming] = {
    Order.Corrected.TOPIC: _naming(
        is_it=lambda event, entry, _: event.corrected_version == entry.version),
    Attendance.Corrected.TOPIC: _naming(
        Attendance.Recorded, is_it=lambda event, _, one: event.number == one.number),
    Deduction.Overturned.TOPIC: _charged,
    Deduction.Reduced.TOPIC: _charged,
    Account.ChargeReversed.TOPIC: _counted,
    Account.ChargeReduced.TOPIC: _counted,
    Account.Sealed.TOPIC: _naming(
        Account.Sealed, is_it=lambda event, *_: event.restatement > 0),
    Closings.MonthRestated.TOPIC: _naming(
        Closings.MonthSealed, Closings.MonthRestated,
        is_it=lambda event, _, one: event.month == one.month),
    Reconciliation.Signed.TOPIC: _naming(
        is_it=lambda event, entry, _: event.supersedes == entry.version),
}
"""By type, how an event names what it corrects otherwise than by its position."""

KINDS = frozenset(cls.KIND for cls in (
    Order, Attendance, Deduction, Account, Closings, Reconciliation))
"""The kinds of streams in which such events stand."""

_MARK = b'"corrects"'


def corrected(entry: Entry, before: Sequence[Entry]) -> int | None:
    """The position of the event that an event corrects, found among the events of its stream that
    come before it; None where it corrects none of them."""
    naming = NAMED.get(entry.type)
    if naming is None:
        named = _MARK in entry.payload and getattr(event_types.decode(entry), "corrects", None)
        return named.position if named else None
    event = event_types.decode(entry)
    return next((one.position for one in reversed(before)
                 if (not naming.types or one.type in naming.types)
                 and naming.is_it(event, one, event_types.decode(one))), None)


def corrections_in(entries: Iterable[Entry]) -> dict[int, int]:
    """By the position of each event that corrects another, the position of that one. Of streams
    whose events are not all there, what is named otherwise than by its position may be missing."""
    found: dict[int, int] = {}
    streams: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: one.position):
        before = streams.setdefault(entry.stream, [])
        if (wrong := corrected(entry, before)) is not None:
            found[entry.position] = wrong
        before.append(entry)
    return found


class Corrections(NamedTuple):
    """What some events correct, and what corrects them."""

    corrects: Mapping[int, int]
    by: Mapping[int, list[int]]

    def of(self, position: int) -> dict[str, Any]:
        """Both sides of an event. Shapes: corrects, a position or None; corrected_by, positions."""
        return {"corrects": self.corrects.get(position), "corrected_by": self.by.get(position, [])}

    @classmethod
    def about(
        cls, store: Store, ledger: str, entries: Sequence[Entry], *,
        takes: Callable[[Entry], bool],
    ) -> "Corrections":
        """What some events correct, and what corrects them among the events that a history takes.
        It costs what the streams of those do in which events are named otherwise than by position.
        """
        known = {one.position: one for one in entries}
        streams = sorted({one.stream for one in entries if _kind(one) in KINDS})
        known |= {one.position: one for one in store.streams(ledger, streams)} if streams else {}
        rest = [f"corrects:{one.position}" for one in entries if _kind(one) not in KINDS]
        at = set(store.once(ledger, rest).values()) - known.keys() if rest else ()
        known |= {one.position: one for one in entries_at(store, ledger, sorted(at))}
        corrects = corrections_in(filter(takes, known.values()))
        by: dict[int, list[int]] = {}
        for position, wrong in corrects.items():
            by.setdefault(wrong, []).append(position)
        return cls(corrects, by)


def _kind(entry: Entry) -> str:
    return entry.stream.partition(":")[0]
