"""The base of all accounts: what documents post to, and what is observed of it.

An account has no stream and no events of its own. It is the fold of all that names it, in the order
of positions.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

import msgspec

from ledger.common.values import from_us
from ledger.core.aggregate import StaleVersion
from ledger.core.postings import Correction, Observation, Posting
from ledger.log.envelope import Entry, Outline

AHEAD_US = 5 * 60 * 1_000_000
"""How far what is recorded may lie ahead of the log's clock: the clocks of other systems differ."""


class Touch(NamedTuple):
    """What one event does to an account.

    `document` is the event's stream, `at` when it happened, and `recorded_at` is in microseconds
    since 1970. `corrects` is the position of the event that it corrects, if any; `not_counted` says
    that no count before it has seen what it posts.
    """

    position: int
    document: str
    at: datetime
    recorded_at: int
    postings: tuple[Posting, ...] = ()
    observations: tuple[Observation, ...] = ()
    corrects: int | None = None
    not_counted: bool = False

    def by_account(self, among: Container[str] | None = None) -> dict[str, "Touch"]:
        """What of it is about each account, or about each of some."""
        found: dict[str, tuple[list[Posting], list[Observation]]] = {}
        for posting in self.postings:
            if among is None or posting.account in among:
                found.setdefault(posting.account, ([], []))[0].append(posting)
        for observation in self.observations:
            if among is None or observation.account in among:
                found.setdefault(observation.account, ([], []))[1].append(observation)
        return {account: Touch(self.position, self.document, self.at, self.recorded_at,
                               tuple(postings), tuple(observations), self.corrects,
                               self.not_counted)
                for account, (postings, observations) in found.items()}


class Account:
    """Something that documents post to; its name is a subject. Subclasses define how it begins, and
    what an event does to it. `position` is that of the last event that touched it, 0 before that,
    and `unkept` how many touched it since its last balance.
    """

    KIND: ClassVar[str] = ""

    FORMAT: ClassVar[int] = 0
    """The version of the fold and of how its state is written, which is another one as soon as
    either changes; 0: no balance is kept."""

    id: str
    position: int
    unkept: int

    drafts: tuple[Touch, ...] = ()
    """What it took while a command is being decided, which no event does yet."""

    @classmethod
    def blank(cls, name: str) -> Self:
        """The account that no event has touched."""
        self = cls.__new__(cls)
        self.id, self.position, self.unkept = name, 0, 0
        self.begin()
        return self

    def begin(self) -> None:
        """Assign the state before the first event."""

    def take(self, *touches: Touch) -> None:
        """Let events have done to it what they do, in order. It replaces containers, once for all
        of them, and changes none."""
        raise NotImplementedError

    def state(self) -> bytes:
        """What the events so far made of it, as JSON: all but its name and position."""
        raise NotImplementedError

    def restore(self, state: bytes) -> None:
        """Be what `state` wrote. Errors: ValueError, if it did not."""
        raise NotImplementedError

    def draft(self, touch: Touch) -> None:
        """Take what an event is going to do, if the command is accepted."""
        self.take(touch)
        self.drafts = (*self.drafts, touch)

    def clone(self) -> Self:
        """A copy that can be thrown away. A shallow one will do, since `take` replaces."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    @property
    def version(self) -> int:
        """What a client knows it by: the last position that touched it."""
        return self.position

    def must_be_known(self) -> None:
        """Anything is decided of any account: each is there, and empty at first."""

    def must_be_at(self, position: int | None) -> None:
        """The position that a decision was based on; None: any. Errors: StaleVersion (R-LOG-02)."""
        if position not in (None, self.position):
            raise StaleVersion(stream=self.id, actual=self.position, expected=position)

    def __eq__(self, other: object) -> bool:
        """Whether the events made the same of it, whatever balance some of them were read from."""
        return type(self) is type(other) and vars(self) == {
            **vars(other), "unkept": self.unkept}

    __hash__ = None  # type: ignore[assignment]


class _Base(msgspec.Struct):
    """What any event may hold, as far as accounts are concerned."""

    corrects: Correction | None = None
    postings: tuple[Posting, ...] = ()
    observations: tuple[Observation, ...] = ()
    not_counted: bool = False


_base = msgspec.json.Decoder(_Base).decode


def touch_of(entry: Entry | Outline) -> Touch:
    """What an entry does to accounts. Errors: ValueError, if its payload says nothing readable."""
    base = _base(entry.payload)
    return Touch(
        entry.position, entry.stream, from_us(entry.occurred_at), entry.recorded_at, base.postings,
        base.observations, None if base.corrects is None else base.corrects.position,
        base.not_counted)


def touches_of(facts: Iterable[Any], position: int, recorded_at: int) -> Iterator[Touch]:
    """What facts that follow a position will do to accounts, those that do anything."""
    for at, fact in enumerate(facts, position + 1):
        if fact.postings or fact.observations:
            yield Touch(at, fact.originator_id, fact.occurred_at, recorded_at, fact.postings,
                        fact.observations,
                        None if fact.corrects is None else fact.corrects.position,
                        getattr(fact, "not_counted", False))


def settled(
    touches: Iterable[Touch], known: Mapping[str, Account], drafts: Mapping[str, Account]
) -> dict[str, Account]:
    """The accounts after some events, of those known before: what is kept of a command is this. The
    copy that a handler saw while it decided will do where it took the very same."""
    taken: dict[str, list[Touch]] = {}
    for touch in touches:
        for name, own in touch.by_account().items():
            taken.setdefault(name, []).append(own)
    found: dict[str, Account] = {}
    for name, all_of_it in taken.items():
        draft = drafts.get(name)
        if draft is not None and draft.drafts == tuple(all_of_it):
            del draft.drafts
            found[name] = draft
            continue
        found[name] = known[name].clone()
        found[name].take(*all_of_it)
    return found
