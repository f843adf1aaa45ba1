"""The two clocks of a question: what the log held by then, and what had happened by then.

docs/time.md explains both and the rule of order.
"""

import re
import time as computer
from datetime import date, datetime
from typing import Any, NamedTuple

from ledger.common.days import Days
from ledger.common.errors import Invalid, NotFound, Unanswerable
from ledger.common.phrases import Phrase
from ledger.common.values import MAX_INTEGER, from_us, rfc3339, to_us
from ledger.core import event_types
from ledger.core.clock import STREAM as ACCEPTED
from ledger.log.envelope import Entry, Outline
from ledger.log.store import NOTHING, Head, Store
from ledger.log.zones import days_of

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)")


class BadTime(Invalid):
    """{name} is {text!r}. It must be a time with its zone, such as 2026-10-31T23:59:59+08:00, or a
    day such as 2026-10-31."""

    code = "bad_time"
    rule = "R-PRJ-03"


class PlusLost(BadTime):
    """{name} is {text!r}: a + became a space. In an address it is written %2B, as in
    2026-10-31T23:59:59%2B08:00."""

    code = "plus_lost"
    rule = "R-PRJ-23"


class BadPosition(Invalid):
    """The position is {text!r}. It must be a whole number, 0 or above."""

    code = "bad_position"
    rule = "R-PRJ-04"


class PositionBeyondHead(NotFound):
    """Ledger {ledger!r} has no position {position} yet. Its last event is at {head}."""

    code = "position_beyond_head"
    rule = "R-PRJ-05"


class TwoRecordings(Unanswerable):
    """A position and a time of recording were both given. Give only one of them."""

    code = "two_recordings"
    rule = "R-PRJ-06"


class Moment(NamedTuple):
    """A moment of either clock. `note` says how a bare day was read."""

    at_us: int
    note: str | None = None

    def of(self, _days: Days) -> "Moment":
        """Itself: it is the same for every shop."""
        return self


class EndOfDay(NamedTuple):
    """The end of a day, of whatever shop is asked; `name` says what for."""

    name: str
    day: str

    def of(self, days: Days) -> Moment:
        """That of a shop. Errors: BadTime (R-PRJ-03) of the last day of all."""
        try:
            return Moment(days.end_of(self.day), Phrase(
                "{name} {text} is taken to the end of that day in {zone}", name=self.name,
                text=self.day, zone=days.zone))
        except (ValueError, OverflowError):
            raise BadTime(name=self.name, text=self.day) from None


class AsOf(NamedTuple):
    """As of when a question is asked. All None: as of now."""

    position: int | None = None
    recorded: Moment | EndOfDay | None = None
    occurred: Moment | EndOfDay | None = None

    @classmethod
    def parse(
        cls, position: int | str | None = None, recorded_as_of: str | None = None,
        occurred_as_of: str | None = None,
    ) -> "AsOf":
        """From texts: RFC 3339 times with a zone, or days of the shop, taken to their end.

        Errors: BadTime (R-PRJ-03), BadPosition (R-PRJ-04), TwoRecordings (R-PRJ-06).
        """
        if position is not None and recorded_as_of is not None:
            raise TwoRecordings
        return cls(
            None if position is None else _position(position),
            None if recorded_as_of is None else parsed("recorded_as_of", recorded_as_of),
            None if occurred_as_of is None else parsed("occurred_as_of", occurred_as_of),
        )

    @property
    def now(self) -> bool:
        """Whether the present is asked for."""
        return self == NOW

    def pinned(self, position: int) -> "AsOf":
        """The same, but of a position that was answered: for what belongs to that answer."""
        return AsOf(position, None, self.occurred)

    def resolve(self, store: Store, ledger: str) -> "Cut":
        """What of a ledger's log answers: once for an answer, before its rows are looked for.

        Errors: PositionBeyondHead (R-PRJ-05), BadTime (R-PRJ-03); of days, those of `days_of`.

        Each commit is stamped later than the one before it. So a time of recording up to the
        head's is closed: what follows this head bears a later one.
        """
        head = store.head(ledger)
        position, recorded, occurred = at = self._at(store, ledger)
        occurred_us = None if occurred is None else occurred.at_us
        if position is not None:
            if position > head.position:
                raise PositionBeyondHead(position=position, ledger=ledger, head=head.position)
            return Cut(position, occurred_us, head, closed=True, asked=at)
        if recorded is None or recorded.at_us > head.recorded_at:
            return Cut(head.position, occurred_us, head, asked=at)
        return Cut(store.position_at(ledger, recorded.at_us), occurred_us, head, closed=True,
                   asked=at)

    def _at(self, store: Store, ledger: str) -> "At":
        """The same in moments, which it takes the days of the ledger for, if days were given."""
        position, recorded, occurred = self
        if isinstance(recorded, EndOfDay) or isinstance(occurred, EndOfDay):
            days = days_of(store, ledger)
            recorded, occurred = recorded and recorded.of(days), occurred and occurred.of(days)
        return At(position, recorded, occurred)


NOW = AsOf()


class At(NamedTuple):
    """As of when a question is asked of a ledger, in moments."""

    position: int | None = None
    recorded: Moment | None = None
    occurred: Moment | None = None

    @property
    def now(self) -> bool:
        """Whether the present is asked for."""
        return self == At()


class Cut(NamedTuple):
    """The part of the log that answers: what is recorded up to `position`, of that what occurred
    up to `occurred_us` (None: all of it). It filters; the order stays that of the positions.

    It is resolved once for an answer, before anything else is read: the rows are found with it, and
    the header is made of it. `head` is where the log ended then. `closed`: nothing that is recorded
    later can belong to what was asked for, so the answer never changes. `asked` is as of when the
    question was.
    """

    position: int
    occurred_us: int | None = None
    head: Head = NOTHING
    closed: bool = False
    asked: At = At()

    def takes(self, entry: Entry | Outline) -> bool:
        """Whether an entry belongs to it."""
        return entry.position <= self.position and (
            self.occurred_us is None or entry.occurred_at <= self.occurred_us)


def _position(given: int | str) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_INTEGER):
        raise BadPosition(text=given)
    return int(text)


def moment(name: str, text: str, days: Days) -> Moment:
    """The moment that a text means in a shop. Errors: those of `parsed`."""
    return parsed(name, text).of(days)


def parsed(name: str, text: str) -> Moment | EndOfDay:
    """What a text means: a moment, or a day to its end. Errors: BadTime (R-PRJ-03), PlusLost
    (R-PRJ-23), with `name` for what it is."""
    try:
        if DAY.fullmatch(text):
            date.fromisoformat(text)
            return EndOfDay(name, text)
        if TIME.fullmatch(text):
            return Moment(to_us(datetime.fromisoformat(text.upper())))
    except (ValueError, OverflowError):
        pass
    lost = TIME.fullmatch("+".join(text.rsplit(" ", 1))) and not TIME.fullmatch(text)
    raise (PlusLost if lost else BadTime)(name=name, text=text)


def header(store: Store, ledger: str, cut: Cut) -> dict[str, Any]:
    """As of what an answer is whose rows were found with a cut.

    Shapes: {ledger, position, head, recorded_at, recorded_as_of, occurred_as_of, open, notes};
    position is that of the last event that was looked at and recorded_at its time (None before the
    first); open says whether the same question may be answered otherwise later; notes is a list of
    sentences. `clock: ahead` is there after an admin accepted a clock that lies behind the last
    event, until it has caught up: what is recorded meanwhile bears times that are still to come.
    """
    as_of = cut.asked
    notes = [m.note for m in (as_of.recorded, as_of.occurred) if m is not None and m.note]
    head, recorded_at = cut.head, None
    if cut.position == head.position and head.position:
        recorded_at = head.recorded_at
    elif cut.position:
        recorded_at = store.read(ledger, after=cut.position - 1, limit=1)[0].recorded_at
    if recorded_at is None:
        notes.append(Phrase("nothing was recorded by then") if not as_of.now
                     else Phrase("nothing is recorded yet"))
    ahead = {"clock": "ahead"} if _is_ahead(store, ledger, head) else {}
    return {
        "ledger": ledger,
        "position": cut.position,
        "head": max(head.position, cut.position),  # the rows may have gone on since
        "recorded_at": None if recorded_at is None else rfc3339(from_us(recorded_at)),
        "recorded_as_of": None if as_of.recorded is None else _shown(as_of.recorded),
        "occurred_as_of": None if as_of.occurred is None else _shown(as_of.occurred),
        "open": not cut.closed,
        **ahead,
        "notes": notes,
    }


def _is_ahead(store: Store, ledger: str, head: Head) -> bool:
    """Whether the log's times run ahead of the clock, since the last acceptance covers them."""
    if head.recorded_at <= computer.time_ns() // 1000:
        return False
    found = store.streams(ledger, [ACCEPTED])
    if not found:
        return False
    pinned_us = event_types.decode(found[-1]).pinned_us
    return bool(head.recorded_at <= pinned_us + head.position - found[-1].position + 1)


def _shown(at: Moment) -> str | None:
    return rfc3339(from_us(at.at_us))
