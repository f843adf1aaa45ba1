"""What handlers see of the ledger: aggregates as the commands before left them, and persons."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ledger.common.personal import Person, Sealer
from ledger.common.values import to_us
from ledger.core import event_types
from ledger.core.accounts import AHEAD_US, Account, Touch, settled, touch_of, touches_of
from ledger.core.aggregate import Aggregate, Unfolded, in_turn, made
from ledger.core.commands import Command, Handlers, Wanted
from ledger.core.postings import held_in
from ledger.log.accounts import Span
from ledger.log.milestones import gave_up_at
from ledger.log.persons import LedgerKeys, PersonLost, new_person
from ledger.log.store import Reader, StorageFailed
from ledger.log.wrapping import KeyDamaged
from ledger.log.zones import days_of
from ledger.writing.cache import Cache, Key, Known, names
from ledger.writing.reading import folded, read_accounts

READ_BACK = 1_000
"""Events that are read at a time on the way back, which mostly ends soon."""


class Work:
    """One batch of commands: what they load, change and know of persons.

    `known` holds the aggregates and accounts as the commands so far left them, `news` those among
    them that the cache does not hold so, `touched` those of the command that is being decided, and
    `actor` who sent it; `left_out` says whether it names something of somebody who was erased.
    `base` is the position of the log's last event before the batch, and `added` counts
    the events of the commands so far. `new` are the persons that the accepted commands made, by
    lookup; `unmade` is why no person can be made, `unresolved` why none could be looked up, if so.
    `cache` must be true as of the reader's head.
    """

    fold = staticmethod(folded)

    def __init__(
        self, ledger: bytes, reader: Reader, keys: LedgerKeys, now: int, *,
        handlers: Handlers, cache: Cache | None = None,
    ) -> None:
        self.ledger = ledger
        self.reader = reader
        self.keys = keys
        self.days = days_of(reader, ledger)
        self.now = now
        self.handlers = handlers
        self.sealer: Sealer = keys
        self.actor = "system"
        self.known: dict[Key, Known] = {}
        self.touched: dict[Key, Known] = {}
        self.news: dict[Key, Known] = {}
        self.left_out = False
        self.added = 0
        self.base: int | None = None
        self.persons: dict[str, Person | None] = {}
        self.new: dict[str, Person] = {}
        self._by_id: dict[str, Person] = {}
        self.unresolved: StorageFailed | None = None
        self.unmade: StorageFailed | None = None
        self._drafts: dict[str, Person] = {}
        self._facts: list[Any] = []
        self._decided: list[Any] = []
        self._placed: list[tuple[int, Any]] = []
        self._touches: list[Touch] = []
        self._posting: list[Touch] = []
        self._only: list[Any] = []
        self.cache = Cache() if cache is None else cache
        self._unreadable: dict[Key, Exception] = {}

    def resolve(self, lookups: list[str]) -> None:
        """Look persons up, with one query; one by one, as they are needed, if a key among them is
        damaged: that concerns nobody else."""
        try:
            found = self.keys.find(lookups)
        except StorageFailed as error:
            self.unresolved = error
        except KeyDamaged:
            pass
        else:
            self.persons.update((lookup, found.get(lookup)) for lookup in lookups)

    def look_up_again(self) -> None:
        """Look those up again who were looked up, since somebody was erased meanwhile."""
        lookups, self.persons, self.unresolved = list(self.persons), {}, None
        if lookups:
            self.resolve(lookups)

    def make_persons(self) -> StorageFailed | None:
        """Make the keys of new persons durable: nothing that they seal is in the log before that.
        Returns why they could not be written, if so. Errors: LogConflict (R-LOG-03)."""
        try:
            if self.new:
                self.keys.make(self.new, self.now)
        except StorageFailed as error:
            return error
        return None

    def again_without_new_persons(self, why: StorageFailed) -> "Work":
        """The same batch before anything was decided, in which nobody new can be made."""
        work = Work(self.ledger, self.reader, self.keys, self.now, handlers=self.handlers,
                    cache=self.cache)
        work.persons, work.unresolved, work.unmade = self.persons, self.unresolved, why
        return work

    def fetch(self, wanted: Wanted) -> None:
        """Load what is not in the cache, with one query: of no name of another kind there is any.
        """
        wanted = [key for key in dict.fromkeys(wanted) if key not in self.known]
        if not wanted:
            return
        missing: dict[str, type[Aggregate]] = {}
        accounts: dict[str, Account] = {}
        for key in wanted:
            cls, stream = key
            if stream in missing or stream in accounts:
                continue
            cached = self.cache.get(cls, stream)
            if cached is not None:
                self.known[key] = cached
            elif not names(cls, stream):
                self.known[key] = cls.blank(stream)
            elif issubclass(cls, Account):
                accounts[stream] = cls.blank(stream)
            else:
                missing[stream] = cls
        loaded: dict[Key, Known] = {
            (cls, name): Unfolded(cls, name) for name, cls in missing.items()}
        for entry in self.reader.streams(self.ledger, list(missing)) if missing else ():
            key = missing[entry.stream], entry.stream
            if type(found := loaded[key]) is Unfolded:
                found = loaded[key] = found.folded()
            try:
                self.fold(found, entry)
            except Exception as error:  # it stops who needs this stream, not the whole batch
                self._unreadable.setdefault(key, error)
        self._unreadable.update(read_accounts(self.reader, self.keys, accounts))
        loaded.update(((type(account), name), account) for name, account in accounts.items())
        self.known.update(loaded)
        self.news.update((key, found) for key, found in loaded.items()
                         if key not in self._unreadable)

    def touches(self, accounts: Collection[str], since: int) -> Iterator[Touch]:
        """What touched accounts, the latest first, as far back as anything was recorded that may
        have happened after a time. Units: `since` in microseconds since 1970."""
        wanted = set(accounts)
        yield from (touch for touch in reversed(self._touches)
                    if wanted & touch.by_account().keys())
        until: int | None = None
        while until != 0:
            page = self.reader.accounts(self.ledger, sorted(wanted), until=until, limit=READ_BACK,
                                        descending=True)
            for entry in page:
                if entry.recorded_at + AHEAD_US <= since:
                    return
                yield touch_of(entry)
            until = page[-1].position - 1 if len(page) == READ_BACK else 0

    @property
    def position(self) -> int:
        """That of the last event before those of the command that is being decided."""
        if self.base is None:
            self.base = self.reader.head(self.ledger).position
        return self.base + self.added

    def load(self, cls: type[Any], stream: str) -> Any:
        """A copy of an aggregate that this command may change."""
        key = cls, stream
        found = self.touched.get(key)
        if found is None:
            found = self._as_known(key).clone()
            if isinstance(found, Aggregate):
                found.sealed_by(self.sealer)
            self.touched[key] = found
        return found

    def see(self, cls: type[Any], stream: str) -> Any:
        """An aggregate to look at: the copy of this command if it has one, else what all know."""
        key = cls, stream
        return self.touched.get(key) or self._as_known(key)

    def is_new(self, cls: type[Any], stream: str) -> bool:
        """Whether nothing is recorded of an aggregate."""
        return not self._held((cls, stream)).version

    def _as_known(self, key: Key) -> Any:
        found = self._held(key)
        if type(found) is Unfolded:
            found = self.known[key] = self.news[key] = found.folded()
        return found

    def _held(self, key: Key) -> Known:
        if key not in self.known:
            self.fetch([key])
        if key in self._unreadable:
            raise self._unreadable[key]
        return self.known[key]

    def tell(
        self, event_class: type[Any], stream: str, fields: Mapping[str, Any],
        accounts: Iterable[Account],
    ) -> None:
        """Record the first fact of a stream, and keep accounts as it leaves them."""
        assert not self._only, f"{stream}: a command tells one fact"
        fact = made(event_class, (stream, 1), self.sealer, **fields)
        self._only = [fact]
        self.touched[fact.AGGREGATE, stream] = Unfolded(fact.AGGREGATE, stream, fact)
        self.touched.update(((type(one), one.id), one) for one in accounts)

    def holds(self, position: int) -> bool:
        """Whether the log holds an event at a position, or will when this batch is committed."""
        return position <= self.reader.head(self.ledger).position + self.added

    def taken(self, once: str) -> tuple[int, str] | None:
        """The position and the stream of what can happen only once, also in this batch; None if it
        did not yet."""
        for position, fact in self._placed:
            if fact.__dict__.get("once") == once:
                return position, fact.originator_id
        found = self.reader.once(self.ledger, [once]).get(once)
        if found is None:
            return None
        (entry,) = self.reader.read(self.ledger, after=found - 1, until=found, limit=1)
        return found, entry.stream

    def person(self, lookup: str, *beside: Aggregate) -> Person:
        """The person under a lookup; a new one is made once the command is accepted.

        Nobody new is made beside what is sealed for a person who is lost or erased: they may be
        the same. Errors: PersonLost (R-KEY-06), StorageFailed (R-LOG-04).
        """
        known = self._found(lookup)
        if known is None:
            for aggregate in beside:
                if (there := self._on_record(aggregate)) is not None and there.is_erased:
                    return there
            if self.unmade is not None:
                raise StorageFailed(**self.unmade.details) from self.unmade
            known = self._drafts[lookup] = new_person()
        return known

    def _found(self, lookup: str) -> Person | None:
        if lookup not in self.persons:
            if self.unresolved is not None:
                raise StorageFailed(**self.unresolved.details) from self.unresolved
            self.persons[lookup] = self.keys.find([lookup]).get(lookup)
        return self._resolved(lookup)

    def _resolved(self, lookup: str) -> Person | None:
        return self.persons.get(lookup) or self.new.get(lookup) or self._drafts.get(lookup)

    def person_of(self, known: Aggregate, lookup: str, *beside: Aggregate) -> Person:
        """The person whom an aggregate is sealed for; the one under a lookup if there is none yet,
        or the log says that the keys were given up since. Who was erased has no key, and nothing
        is sealed for them.

        Errors: PersonLost (R-KEY-06), StorageFailed (R-LOG-04).
        """
        person = self._resolved(lookup)  # saves asking for the key once more
        if person is None or person.id != known.whose():
            person = self._on_record(known) or self.person(lookup, *beside)
        return person

    def _on_record(self, known: Aggregate) -> Person | None:
        person = known.whose()
        if person is None:
            return None
        try:
            return self.person_by_id(person)
        except PersonLost:
            if self.is_erased(person):
                self.left_out = True
                return Person(person, b"")
            if not self.is_given_up(known, person):
                raise
            return None

    def is_given_up(self, known: Aggregate, person: str) -> bool:
        """Whether keys were given up since an aggregate had anything sealed for a person.

        It reads the log, so ask only where the key is not there.
        """
        at = gave_up_at(self.reader, self.ledger)
        return at > 0 and not any(
            entry.position > at and person.encode() in entry.payload
            for entry in self.reader.streams(self.ledger, [known.id]))

    def is_erased(self, person: str | None) -> bool:
        """Whether a person was erased; None is nobody. A batch ends with whoever it erases."""
        return person is not None and person not in self._by_id and self.keys.is_erased(person)

    def sharing(self, person: str) -> set[str]:
        """All persons with the lookup of one, itself included."""
        return self.keys.sharing(person)

    def own(self, streams: Collection[str]) -> dict[str, str]:
        """The persons who are looked up by the names of these streams."""
        new = {name: found.id for name in streams if (found := self._resolved(name)) is not None}
        return {**self.keys.names([name for name in streams if name not in new]), **new}

    def knows(self, person: str) -> bool:
        """Whether there is a key of a person, also one of this batch, open or damaged."""
        return person in self._by_id or any(
            draft.id == person for draft in self._drafts.values()) or self.keys.knows(person)

    def story(self, stream: str) -> list[tuple[int, Any]]:
        """All facts of a stream, each with its position, in order; also those of this batch."""
        return [*((entry.position, event_types.decode(entry))
                  for entry in self.reader.streams(self.ledger, [stream])),
                *(placed for placed in self._placed if placed[1].originator_id == stream)]

    def facts_of(self, streams: Collection[str]) -> list[Any]:
        """All facts of some streams, also those of this batch."""
        names = set(streams)
        return [*map(event_types.decode, self.reader.streams(self.ledger, sorted(names))),
                *(fact for fact in self._facts if fact.originator_id in names)]

    def streams_of(
        self, kind: str, naming: str | None = None, during: Span | None = None
    ) -> Iterator[list[str]]:
        """The names of all streams of a kind, in parts, also of those that this batch began; with
        `naming`, of those of which an event has it among its subjects, with `during`, of those of
        which an event occurred then."""
        after = ""
        while names := self.reader.streams_of(self.ledger, kind, naming=naming, during=during,
                                              after=after, limit=READ_BACK):
            yield names
            after = names[-1]
        yield sorted({
            fact.originator_id for fact in self._facts if fact.originator_id.startswith(f"{kind}:")
            and (naming is None or naming in {*fact.about(), *map(held_in, fact.accounts())})
            and (during is None or during[0] <= to_us(fact.occurred_at) <= during[1])})

    def facts_since(self, position: int, most: int) -> list[Any] | None:
        """All facts after a position, also those of this batch; None if they are more than so many.
        """
        until = self.reader.head(self.ledger).position
        if until + self.added - position > most:
            return None
        entries = self.reader.read(self.ledger, after=position, until=until, limit=most)
        return [*map(event_types.decode, entries), *self._facts]

    def person_by_id(self, person: str) -> Person:
        """A person who is known already, also one whom this batch made. Errors: PersonLost
        (R-KEY-06)."""
        for draft in self._drafts.values():
            if draft.id == person:
                return draft
        if person not in self._by_id:
            self._by_id[person] = self.keys.by_id(person)
        return self._by_id[person]

    def decide(self, command: Command, actor: str) -> list[Any]:
        """Run the handler of a command. Returns its facts; `touched` is what they lead to."""
        self.touched, self.actor, self._drafts, self.left_out = {}, actor, {}, False
        self._posting, self._only = [], []
        command.must_be_current(self)
        changed = self.handlers[type(command)](command, self)
        if self._only:
            assert not changed, f"{command.NAME} told a fact, and changed something besides"
            self._posting = list(touches_of(self._only, self.position, self.now))
            self._decided = self._only
            return self._only
        facts = in_turn(fact for aggregate in changed for fact in aggregate.collect_events())
        self._settle(facts)
        for (cls, stream), found in self.touched.items():
            assert not isinstance(found, Aggregate) or not found.pending_events, \
                f"{command.NAME} changed {stream} and kept it"
            assert found.version == self.known[cls, stream].version or names(cls, stream), \
                f"{command.NAME} took {stream} for a {cls.KIND}"
        if not facts:
            self._drafts = {}
        self._decided = facts
        return facts

    def _settle(self, facts: list[Any]) -> None:
        """Let accounts be what the facts make of them: what a handler posted, and no event posts,
        is forgotten."""
        drafts = {key: found for key, found in self.touched.items() if isinstance(found, Account)}
        self._posting = list(touches_of(facts, self.position, self.now))
        if drafts or self._posting:
            known: Any = {name: self.known[cls, name] for cls, name in drafts}
            # Whatever is posted to was loaded before.
            found = settled(self._posting, known, {key[1]: one for key, one in drafts.items()})
            self.touched.update((key, found.get(key[1], known[key[1]])) for key in drafts)

    def keep(self, events: int) -> None:
        """Let the next command see what the last one touched, and so many events recorded."""
        self._placed.extend(enumerate(self._decided, self.position + 1))
        self.added += events
        self._facts.extend(self._decided)
        self._touches.extend(self._posting)
        self._decided, self._posting = [], []
        if self._drafts:
            self.new.update(self._drafts)
            self._by_id.update((person.id, person) for person in self._drafts.values())
        self.known.update(self.touched)
        self.news.update(self.touched)
