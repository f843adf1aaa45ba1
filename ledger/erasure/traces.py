"""Where in the log something is sealed for whom, and who goes together with whom.

A person is an id: one buyer may have several. An order seals for a person of its own until an
account is known; a case, as long as its order is not; a deduction, before anybody is named. Those
are the same human being, and are erased together. A case or a deduction in which two buyers, or two
members, meet makes nobody the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from ledger.common.decoding import decoded
from ledger.common.values import to_us
from ledger.core import event_types
from ledger.log.envelope import Entry, Outline
from ledger.log.persons import LedgerKeys
from ledger.log.store import Head, Reader, gapless

ROWS = 5_000
"""How many rows are read at a time."""

ORDER, CASE, DEDUCTION, MEMBER = "order", "case", "deduction", "member"
OF_MEMBER = ("attendance", "month")
"""Streams with a member's id as the next part of their names."""


class Kin(Protocol):
    """What the keys know of persons."""

    def sharing(self, person: str) -> set[str]:
        """All persons who were looked up under the same name as one, itself included."""
        ...

    def own(self, streams: Collection[str]) -> Mapping[str, str]:
        """The persons whom these streams have of their own, as far as there are any."""
        ...


class KinInKeys:
    """The same, of a ledger's keys."""

    def __init__(self, keys: LedgerKeys) -> None:
        self._keys = keys

    def sharing(self, person: str) -> set[str]:
        """See `Kin`."""
        return self._keys.sharing(person)

    def own(self, streams: Collection[str]) -> dict[str, str]:
        """See `Kin`."""
        return self._keys.names(list(streams))


class Trace:
    """Where something is sealed for a person: the streams with the last position in each, and when
    the last of it occurred. Units: microseconds since 1970."""

    __slots__ = ("last_at", "streams")

    def __init__(self) -> None:
        self.streams: dict[str, int] = {}
        self.last_at = 0

    @property
    def last(self) -> int:
        """The last position."""
        return max(self.streams.values(), default=0)


class Group(NamedTuple):
    """Persons who go together, the members and the streams that they are found in, and the orders
    that they are the buyers of although nothing in them is sealed for them."""

    persons: frozenset[str]
    members: frozenset[str]
    streams: frozenset[str]
    bare: frozenset[str]


class _Whose(msgspec.Struct):
    p: str


class _Decoders:
    """Reads of an event only whom its values are sealed for, and which order it is of."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, tuple[str, ...]] | None] = {}
        self._types = event_types.known_types()

    def persons(self, row: Entry | Outline) -> tuple[list[str], str | None]:
        """The persons, and the order of a case."""
        if row.type not in self._known:
            self._known[row.type] = self._made(row.type)
        found = self._known[row.type]
        if found is None:
            return [], None
        decoder, names = found
        fact = decoded(decoder.decode, row.payload)
        return ([value.p for name in names if (value := getattr(fact, name)) is not None],
                getattr(fact, "order", None))

    def _made(self, topic: str) -> tuple[Any, tuple[str, ...]] | None:
        cls = self._types.get(topic)
        names: tuple[str, ...] = getattr(cls, "PERSONAL", ())
        fields: list[Any] = [(name, _Whose | None, None) for name in names]
        if topic.startswith(f"{CASE}.") and "order" in getattr(cls, "__struct_fields__", ()):
            fields.append(("order", str | None, None))
        if not fields:
            return None
        return msgspec.json.Decoder(msgspec.defstruct("Read", fields)), names


class Traces:
    """What is sealed for whom, in as much of the log as was looked at."""

    def __init__(self) -> None:
        self.persons: dict[str, Trace] = {}
        self.streams: dict[str, set[str]] = {}
        self.orders: dict[str, str] = {}
        self.members: set[str] = set()
        self.seen = 0
        self._decoders = _Decoders()

    def add(self, rows: Iterable[Entry | Outline]) -> None:
        """Look at rows of the log."""
        for row in rows:
            persons, order = self._decoders.persons(row)
            if order is not None:
                self.orders[row.stream] = order
            if row.stream.startswith(f"{MEMBER}:"):
                self.members.add(row.stream)
            for person in persons:
                trace = self.persons.get(person)
                if trace is None:
                    trace = self.persons[person] = Trace()
                trace.streams[row.stream] = row.position
                trace.last_at = max(trace.last_at, row.occurred_at)
                self.streams.setdefault(row.stream, set()).add(person)
            self.seen = row.position

    def add_fact(self, fact: Any) -> None:
        """Look at a fact, of which no position is kept."""
        stream = fact.originator_id
        if stream.startswith(f"{MEMBER}:"):
            self.members.add(stream)
        if stream.startswith(f"{CASE}:") and getattr(fact, "order", None) is not None:
            self.orders[stream] = fact.order
        for name in type(fact).PERSONAL:
            if (value := getattr(fact, name)) is not None:
                trace = self.persons.setdefault(value.p, Trace())
                trace.streams[stream] = 0
                trace.last_at = max(trace.last_at, to_us(fact.occurred_at))
                self.streams.setdefault(stream, set()).add(value.p)

    # -- who goes together ------------------------------------------------------------------------

    def together(self, stream: str, kin: Kin) -> set[str]:
        """Those among the persons of a stream who are the same human being; none or at least two.
        """
        kind, persons = stream.partition(":")[0], self.streams.get(stream, set())
        if kind in OF_MEMBER:
            return set(persons)
        own = kin.own([stream]).get(stream)
        if kind in (ORDER, MEMBER):
            return persons if own is None else persons | {own}
        if kind not in (CASE, DEDUCTION) or own not in persons:
            return set()
        others = persons - {own}
        return set(persons) if self._is_one(stream, others, kin) else set()

    def _is_one(self, stream: str, persons: set[str], kin: Kin) -> bool:
        """Whether these persons of a case or deduction are one human being."""
        if len(persons) < 2:
            return True
        order = self.orders.get(stream)
        same = kin.sharing(next(iter(persons)))
        return persons <= same or (order is not None and persons <= self.together(order, kin))

    def near(self, person: str) -> Iterator[str]:
        """The streams that a person stands in, and the orders of those that are cases."""
        trace = self.persons.get(person)
        for stream in trace.streams if trace else ():
            yield stream
            if order := self.orders.get(stream):
                yield order

    def group(self, person: str, kin: Kin) -> Group:
        """All who go together with a person."""
        found: set[str] = set()
        todo, streams = {person}, set()
        while todo:
            one = todo.pop()
            found.add(one)
            todo |= kin.sharing(one) - found
            for stream in self.near(one):
                same = self.together(stream, kin)
                if one in same or one in self.streams.get(stream, ()):
                    streams.add(stream)
                if one in same:
                    todo |= same - found
        own = kin.own(self.members)
        members = {name for name, who in own.items() if who in found}
        members |= {member for stream in streams if (member := member_of(stream))}
        bare = {stream for stream in streams if stream.startswith(f"{ORDER}:")
                and not self.streams.get(stream, set()) & found}
        return Group(frozenset(found), frozenset(members), frozenset(streams), frozenset(bare))


def member_of(stream: str) -> str | None:
    """The member whose stream it is, if it is one of a member's."""
    kind, _, rest = stream.partition(":")
    if kind == MEMBER:
        return stream
    return f"{MEMBER}:{rest.partition(':')[0]}" if kind in OF_MEMBER else None


def scan(reader: Reader, ledger: bytes, head: Head | None = None) -> Traces:
    """Look through the log, up to a head; without one, through all of it. Errors: EventMissing
    (R-LOG-19)."""
    found, until = Traces(), (head or reader.head(ledger)).position
    while found.seen < until:
        rows = reader.outlines(ledger, after=found.seen, until=until, limit=ROWS)
        found.add(gapless(rows, ledger, after=found.seen, until=until))
    return found
