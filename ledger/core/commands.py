"""The base of all commands, and what their handlers are given."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol

import msgspec

from ledger.common.bounds import At, Ordinal
from ledger.common.checking import checker_of
from ledger.common.days import Days
from ledger.common.personal import Person
from ledger.common.values import NAME_BYTES, Checks, bytes_of, fits_name, subject_part
from ledger.core.accounts import Account, Touch
from ledger.core.aggregate import Aggregate
from ledger.log.accounts import Span

Wanted = list[tuple[type[Aggregate] | type[Account], str]]
"""Aggregates and accounts, each by its class and its name."""


class Work(Protocol):
    """What a handler is given: aggregates, accounts, persons, who sent the command, the time of
    recording, and the shop's days. Units: `now` in microseconds since 1970."""

    actor: str
    now: int

    @property
    def days(self) -> Days:
        """The days of the ledger, which are those of its zone."""
        ...

    @property
    def position(self) -> int:
        """That of the last event before those of the command."""
        ...

    def load(self, cls: type[Any], stream: str) -> Any:
        """The aggregate of a stream, or an account, as the commands before left it; blank if
        nothing is recorded of it. What an account takes is kept if an event posts it."""
        ...

    def see(self, cls: type[Any], stream: str) -> Any:
        """The same to look at only: it is the one that all see, and must not be changed."""
        ...

    def is_new(self, cls: type[Any], stream: str) -> bool:
        """Whether the log, and the commands before this one, hold nothing of an aggregate."""
        ...

    def tell(
        self, event_class: type[Any], stream: str, fields: Mapping[str, Any],
        accounts: Iterable[Account],
    ) -> None:
        """Record the first fact of a stream, and its accounts as that fact leaves them: copies,
        since those that are seen are everybody's. Call it once and last, return nothing then, and
        look no more at that stream: it is all that the command records."""
        ...

    def fetch(self, wanted: Wanted) -> None:
        """Read several aggregates and accounts with two queries, so that each `load` finds its own.
        """
        ...

    def touches(self, accounts: Collection[str], since: int) -> Iterator[Touch]:
        """What touched accounts, the latest first, back to where nothing was recorded any more that
        may have happened after a time. Units: `since` in microseconds since 1970."""
        ...

    def holds(self, position: int) -> bool:
        """Whether the log holds an event at a position."""
        ...

    def taken(self, once: str) -> tuple[int, str] | None:
        """The position and the stream of what can happen only once; None if it did not yet."""
        ...

    def person(self, lookup: str, *beside: Aggregate) -> Person:
        """The person under a lookup, which the command named in `persons` where it can. Nobody new
        is made beside what is sealed for a person who is lost or erased. Errors: PersonLost."""
        ...

    def person_of(self, known: Aggregate, lookup: str, *beside: Aggregate) -> Person:
        """The person whom an aggregate is sealed for; the one under a lookup if there is none yet,
        or the log says that the keys were given up since. Errors: PersonLost."""
        ...

    def is_given_up(self, known: Aggregate, person: str) -> bool:
        """Whether keys were given up since an aggregate had anything sealed for a person."""
        ...

    def is_erased(self, person: str | None) -> bool:
        """Whether a person was erased; None is nobody."""
        ...

    def person_by_id(self, person: str) -> Person:
        """A person who is known already. Errors: PersonLost."""
        ...

    def sharing(self, person: str) -> set[str]:
        """All persons who were looked up under the same name as one, itself included."""
        ...

    def own(self, streams: Collection[str]) -> Mapping[str, str]:
        """The persons whom these streams have of their own, as far as there are any."""
        ...

    def knows(self, person: str) -> bool:
        """Whether there is a key of a person, open or damaged."""
        ...

    def story(self, stream: str) -> list[tuple[int, Any]]:
        """All facts of a stream, each with its position, in order."""
        ...

    def facts_of(self, streams: Collection[str]) -> list[Any]:
        """All facts of some streams."""
        ...

    def streams_of(
        self, kind: str, naming: str | None = None, during: Span | None = None
    ) -> Iterator[list[str]]:
        """The names of all streams of a kind, such as `warehouse`, in parts, some perhaps twice;
        with `naming`, of those of which an event has it among its subjects, with `during`, of those
        of which an event occurred then, which takes a look at all of them."""
        ...

    def facts_since(self, position: int, most: int) -> list[Any] | None:
        """All facts after a position; None if they are more than so many."""
        ...


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
              forbid_unknown_fields=True):
    """A request to record something. It is checked when made: each field against the bounds
    that it is annotated with, then what `check` adds.

    `NAME` and the names of the fields are frozen like an event type's: they are in the hash of the
    request. `REFUSALS_KEPT` says whether a refusal of it goes on record; false where a file
    declares what has happened, since an import tells itself what it could not take.
    `PERSONAL` are the fields that are sealed for a person, in the events under the same names.
    `INCIDENTAL` are those of them that are recorded with another fact only, and are none alone.
    `BETWEEN` says what `check` notes between fields in the words of JSON Schema, as far as they go.
    """

    NAME: ClassVar[str] = ""
    PERSONAL: ClassVar[tuple[str, ...]] = ()
    INCIDENTAL: ClassVar[tuple[str, ...]] = ()
    REFUSALS_KEPT: ClassVar[bool] = True
    BETWEEN: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        checks = Checks()
        bounds = checker_of(type(self))
        if bounds is not None and not bounds.test(self):
            bounds.note(checks, "", self)
        self.check(checks)
        checks.done()
        if type(self).subject is not Command.subject and not fits_name(self.subject):
            self._note_long_name(checks)
            checks.done()

    def _note_long_name(self, checks: Checks) -> None:
        """Note the field that makes the name of the subject too long for any command to take."""
        stream = self.subject
        spelled = {field.encode_name: len(part) for field in msgspec.structs.fields(self)
                   if isinstance(value := getattr(self, field.name), str)
                   and (part := subject_part(value)) and part in stream}
        longest = max(spelled, key=spelled.__getitem__, default="")
        checks.fault(f"/{longest}", "name_too_long",
                     f"makes a name of {bytes_of(stream)} bytes with what stands before and after "
                     f"it, {NAME_BYTES} are allowed; use a shorter one")

    def check(self, checks: Checks) -> None:
        """Note what is wrong between fields: what a bound on one of them cannot say."""

    @property
    def subject(self) -> str:
        """The stream that it is about: the one that it makes, or decides on. Every command that
        can be sent says it; a client gets the version of this stream as the ETag of its answer."""
        raise NotImplementedError

    def streams(self) -> Wanted:
        """The aggregates and accounts that it will need, so that a batch loads them together."""
        return []

    def written_for(self) -> tuple[type[Aggregate], str] | None:
        """The aggregate whose person its personal values are sealed for; None: that of its own
        subject."""
        return None

    def persons(self) -> list[str]:
        """Whose data it carries, by the subjects that persons are looked up with."""
        return []

    def said(self, name: str) -> str | None:
        """A personal field as it is sealed: several texts are one, with a blank between them."""
        value: str | list[str] | None = getattr(self, name)
        return (" ".join(value) or None) if isinstance(value, list) else value

    def passed_over(self, before: Any) -> Collection[str]:
        """The personal fields that leave nothing where its subject is in this state, whatever they
        say. It is asked of a statement of a file that comes again."""
        return ()

    def is_older_news(self, subject: Any) -> bool:
        """Whether it says what was so before what is known of its subject, in this state. It is
        asked of a statement of a file that recorded nothing."""
        return False

    def must_be_current(self, work: Work) -> None:
        """What the client saw when it decided is there, and has not changed since. Errors:
        StaleVersion (R-LOG-02), before it those by which a kind says that there is no such thing.
        It is asked of every command, before its handler."""


class OnStream(Command, frozen=True, kw_only=True):
    """A command on one stream, which its client may have seen at a version.

    `AGGREGATE` is what the stream is; a subclass adds the field that names it, and the subject.
    """

    AGGREGATE: ClassVar[type[Aggregate] | type[Account]]
    occurred_at: At
    expected_version: Ordinal | None = None

    def streams(self) -> Wanted:
        return [(self.AGGREGATE, self.subject)]

    def must_be_current(self, work: Work) -> None:
        if self.expected_version is not None:
            found = work.load(self.AGGREGATE, self.subject)
            found.must_be_known()
            found.must_be_at(self.expected_version)


Handler = Callable[[Any, Work], list[Aggregate]]
"""Decides a command: loads aggregates, calls their rules, returns what it changed; or tells the one
fact that comes of it (`Work.tell`), and returns nothing."""

Handlers = Mapping[type[Command], Handler]
"""Which handler decides which command."""
