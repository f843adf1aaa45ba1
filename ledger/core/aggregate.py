"""The base of all aggregates: rules in plain methods, facts in `@event` mutators.

It builds on the `eventsourcing` library's `BaseAggregate`. What differs: an aggregate exists before
its first event (at version 0), an event's time is the business time and is passed in, the fields of
an event are exactly its stored payload, and a triggered mutator is a plain function (a tenth of the
cost). The library's own replay, event by event, leads to an equal object.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from operator import attrgetter
from typing import Any, ClassVar, Self

import msgspec
from eventsourcing.domain import (
    BaseAggregate,
    CanMutateAggregate,
    CommandMethodDecorator,
    OriginatorIDError,
    OriginatorVersionError,
)
from eventsourcing.domain import event as _library_event

from ledger.common.errors import Conflict, Refused
from ledger.common.personal import Personal, Plain, Sealer
from ledger.common.values import EPOCH
from ledger.core import event_types
from ledger.core.postings import Correction, Observation, Posting

__all__ = ["Aggregate", "event"]


Mutator = Callable[..., None]


class StaleVersion(Conflict):
    """{stream} is at version {actual}, not {expected}. Read it again, then decide."""

    code = "stale_version"
    rule = "R-LOG-02"


def event(event_class: type[Any]) -> Callable[[Mutator], Mutator]:
    """Mark a method as the mutator of an event: calling it records the event.

    The mutator takes only the fields that it assigns from; a call passes all fields of the event,
    and `occurred_at`.
    """
    return _library_event(event_class)  # type: ignore[no-any-return]


class OutOfOrder(Refused):
    """{stream}: {occurred_at} is before {before}, when something happened that this builds on."""

    code = "out_of_order"
    rule = "R-GEN-03"


class Aggregate(BaseAggregate[str]):
    """Something with a history of its own. Subclasses define in `begin` how it starts."""

    KIND: ClassVar[str] = ""
    BEGUN: ClassVar[dict[str, Any]]

    _sealer: Sealer | None = None

    latest_at: datetime = EPOCH
    """When the latest of its facts occurred."""

    sealed_for: str | None = None
    """The person whom the last of its personal values was sealed for."""

    class Event(
        msgspec.Struct, CanMutateAggregate[str], kw_only=True, omit_defaults=True, dict=True
    ):
        """A fact. Its struct fields are the payload; `__dict__` holds what the envelope needs."""

        TOPIC: ClassVar[str] = ""
        AGGREGATE: ClassVar[type["Aggregate"]]
        RECORD: ClassVar[Mutator]
        PERSONAL: ClassVar[tuple[str, ...]] = ()

        corrects: Correction | None = None
        postings: tuple[Posting, ...] = ()
        observations: tuple[Observation, ...] = ()

        @property
        def timestamp(self) -> datetime:  # type: ignore[override]
            """The library's name for the time of an event."""
            return self.__dict__["occurred_at"]  # type: ignore[no-any-return]

        def mutate(self, aggregate: Any) -> Any:
            """Apply this event to an aggregate; `None` stands for the blank one."""
            if aggregate is None:
                aggregate = self.AGGREGATE.blank(self.originator_id)
            if self.originator_id != aggregate._id:
                raise OriginatorIDError(self.originator_id, aggregate._id)
            if self.originator_version != aggregate._version + 1:
                raise OriginatorVersionError(self.originator_version, aggregate._version + 1)
            self.apply(aggregate)
            aggregate._version = self.originator_version
            aggregate.note_person(self)
            aggregate.note_time(self.timestamp)
            return aggregate

        def _as_dict(self) -> dict[str, Any]:
            return {**msgspec.structs.asdict(self), "occurred_at": self.__dict__["occurred_at"]}

        def about(self) -> list[str]:
            """The subjects of this event besides its own stream and its accounts."""
            return []

        def accounts(self) -> set[str]:
            """The accounts that it posts to or observes; they are among its subjects."""
            found = {one.account for one in self.postings}
            if self.observations:
                found.update(one.account for one in self.observations)
            return found

    @classmethod
    def blank(cls, stream: str) -> Self:
        """The aggregate before its first event, at version 0. What `begin` assigns is made once for
        a class and shared: mutators replace containers."""
        self = cls.__new__(cls)
        if "BEGUN" not in cls.__dict__:
            self.begin()
            cls.BEGUN = dict(self.__dict__)
        else:
            self.__dict__.update(cls.BEGUN)
        self._id = stream
        self._version = 0
        self._pending_events = []
        return self

    def begin(self) -> None:
        """Assign the state before the first event."""

    @property
    def newest(self) -> Any:
        """The event that it recorded last, which is not in the log yet."""
        return self._pending_events[-1]

    def sealed_by(self, sealer: Sealer) -> Self:
        """Set what seals personal fields; without it, recording one is an error."""
        self._sealer = sealer
        return self

    def declared(self) -> dict[str, tuple[Personal, int, str]] | None:
        """The personal values that count now, by the field of a command that declares them, each
        with the version and the field that it is sealed for; None if they are not kept."""
        return None

    def fold(self, fact: "Aggregate.Event", version: int) -> None:
        """Take a fact as a read model does, whose history may have gaps. The version is set before:
        what is sealed in a fact is bound to it."""
        self._version = version - 1
        fact.apply(self)
        self._version = version

    def skip_to(self, version: int) -> None:
        """Let its next event be that of a version: those between are left out."""
        self._version = version - 1

    def clone(self) -> Self:
        """A copy that can be thrown away. A shallow one will do: mutators replace containers."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._pending_events = []
        return copy

    def become(self, later: Self) -> None:
        """Catch up with a later copy of the same aggregate."""
        self.__dict__.update(later.__dict__)
        self._pending_events = []

    def whose(self) -> str | None:
        """The person whom its values belong to, as the log says; None if it holds none."""
        return self.sealed_for

    def note_person(self, fact: "Aggregate.Event") -> None:
        """Keep whom its values were sealed for last; all of one event are one person's."""
        for name in fact.PERSONAL:
            value: Personal | None = getattr(fact, name)
            if value is not None:
                self.sealed_for = value.p
                return

    def note_time(self, occurred_at: datetime) -> None:
        """Keep when the latest of its facts occurred."""
        if occurred_at > self.latest_at:
            self.latest_at = occurred_at

    def must_follow(self, occurred_at: datetime) -> None:
        """What is decided now builds on all facts so far. Errors: OutOfOrder (R-GEN-03)."""
        if occurred_at < self.latest_at:
            raise OutOfOrder(stream=self.id, occurred_at=occurred_at.isoformat(),
                             before=self.latest_at.isoformat())

    def must_be_known(self) -> None:
        """What is decided of it can only be decided of what there is; by default of anything.
        Errors: those by which its kind says that there is no such thing."""

    def must_be_at(self, version: int | None) -> None:
        """The version that a decision was based on; None: any. Errors: StaleVersion (R-LOG-02)."""
        if version not in (None, self.version):
            raise StaleVersion(stream=self.id, actual=self.version, expected=version)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _state(self) == _state(other)

    __hash__ = None  # type: ignore[assignment]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, attribute in list(vars(cls).items()):
            if isinstance(attribute, CommandMethodDecorator):
                given = attribute.given_event_cls
                assert given is not None, f"{cls.__name__}.{name}: give @event a class"
                event_class = getattr(cls, given.__name__)
                _prepare(cls, event_class, attribute.decorated_func)
                event_class.RECORD = _trigger(event_class)
                setattr(cls, name, event_class.RECORD)
            elif name != "Event" and _is_inherited(cls, name, attribute):
                delattr(cls, name)


class Unfolded:
    """Stands for an aggregate of no event, or of its first one, and makes it once somebody asks:
    most new orders are in the log before anybody does, and folding is a good part of their cost."""

    __slots__ = ("cls", "fact", "id")

    def __init__(self, cls: type[Aggregate], stream: str, fact: Any = None) -> None:
        self.cls, self.id, self.fact = cls, stream, fact

    @property
    def version(self) -> int:
        """0, or 1 with its first event."""
        return 0 if self.fact is None else 1

    def folded(self) -> Any:
        """The aggregate itself."""
        blank = self.cls.blank(self.id)
        return blank if self.fact is None else self.fact.mutate(blank)


def _is_inherited(cls: type[Aggregate], name: str, attribute: object) -> bool:
    """Whether the library has put a subclass of a base's event here: no fact is ever of that class,
    since the base's own is the one that is recorded and read."""
    return isinstance(attribute, type) and issubclass(attribute, Aggregate.Event) and any(
        name in vars(base) for base in cls.__mro__[1:])


def _state(aggregate: object) -> dict[str, Any]:
    return {name: value for name, value in vars(aggregate).items() if name != "_sealer"}


def _prepare(
    cls: type[Aggregate], event_class: type[Aggregate.Event], mutator: Callable[..., Any]
) -> None:
    """Let the event call its mutator directly, with just the fields that it takes.

    One getter is made for each event class: the library would look the fields up by name for every
    event, and replay spends most of its time here.
    """
    names = mutator.__code__.co_varnames[1 : mutator.__code__.co_argcount]
    if len(names) == 1:
        one = attrgetter(names[0])

        def apply(self: Any, aggregate: Any) -> None:
            mutator(aggregate, one(self))
    elif names:
        several = attrgetter(*names)

        def apply(self: Any, aggregate: Any) -> None:
            mutator(aggregate, *several(self))
    else:

        def apply(self: Any, aggregate: Any) -> None:
            mutator(aggregate)

    event_class.apply = apply  # type: ignore[method-assign]
    event_class.AGGREGATE = cls
    event_class.PERSONAL = tuple(
        field.name
        for field in msgspec.structs.fields(event_class)
        if field.type is Personal or Personal in getattr(field.type, "__args__", ())
    )
    event_types.register(event_class.TOPIC, event_class)


_turns = count()


def decided_now(fact: Any) -> Any:
    """A pending event that was begun before, and is decided only now."""
    fact.__dict__["turn"] = next(_turns)
    return fact


def in_turn(facts: Iterable[Any]) -> list[Any]:
    """Pending events of several aggregates; if any of them posts, in the order in which they were
    decided: each posts to accounts as those before it left them."""
    found = list(facts)
    if len(found) > 1 and any(fact.postings or fact.observations for fact in found):
        found.sort(key=lambda fact: fact.__dict__["turn"])
    return found


def _trigger(event_class: type[Aggregate.Event]) -> Callable[..., None]:
    """What replaces a decorated mutator in its class: it makes the event, seals and applies it."""

    def trigger(self: Aggregate, **fields: Any) -> None:
        fact = made(event_class, (self._id, self._version + 1), self._sealer, **fields)
        fact.apply(self)
        self._version += 1
        self.note_person(fact)
        self.note_time(fact.timestamp)
        self._pending_events.append(fact)

    trigger.__doc__ = f"Record {event_class.__qualname__}."
    return trigger


def made(
    event_class: type[Aggregate.Event], at: tuple[str, int], sealer: Sealer | None, *,
    occurred_at: datetime, printed: str = "", once: str | None = None, **fields: Any,
) -> Any:
    """A new event at a stream and version, its personal fields sealed."""
    stream, version = at
    for name in event_class.PERSONAL:
        value = fields.get(name)
        assert type(value) is not str, f"{stream}: {name} is to be sealed, not recorded so"
        if isinstance(value, Plain):
            assert sealer is not None, f"{stream}: nothing here seals personal fields"
            fields[name] = None if value.person.is_erased else sealer.seal(
                value, stream, version, f"/{name}")
    fact = event_class(**fields)
    attributes = fact.__dict__
    attributes["originator_id"] = stream
    attributes["originator_version"] = version
    attributes["occurred_at"] = occurred_at
    attributes["printed"] = printed
    attributes["turn"] = next(_turns)
    attributes["once"] = once if fact.corrects is None else fact.corrects.once
    return fact
