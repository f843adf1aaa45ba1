"""Proves that what is sealed in a log can be opened, or says for each person why it cannot.

Each person in the log has a key, or was erased on record, or is lost, or was never in a backup of
the keys: they were first sealed for after the backup that was restored. The log is read once, up to
the head that is read first; nothing is shown of what the fields hold.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.common.decoding import any_json
from ledger.common.personal import Personal
from ledger.log import sealing
from ledger.log.beside import MAX_PROBLEMS
from ledger.log.damage import PAGE, attempt, rows_of
from ledger.log.envelope import Entry, frame_bytes
from ledger.log.erasures import ERASED, erased_by
from ledger.log.persons import LedgerKeys
from ledger.log.store import Store
from ledger.log.verify import MAX_POSITION, Problem

HELD = 200_000
"""How many keys are held at once."""

_SEALED = frozenset(("p", "n", "c", "h"))


class Field(NamedTuple):
    """A sealed field, and where it stands."""

    stream: str
    version: int
    position: int
    pointer: str
    value: Personal


class KeysReport(NamedTuple):
    """What became of the persons of a log: how many have a key, were erased, are lost, or were in
    no backup; and the first of those that is not well, with the position where it is sealed for
    first. `fields` were opened."""

    ok: bool
    events: int
    fields: int
    persons: int
    erased: int
    lost: int
    never_backed_up: int
    problems: list[Problem]


def sealed_in(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every sealed value in a payload, with its JSON pointer."""
    if isinstance(value, dict):
        if value.keys() == _SEALED:
            yield pointer, value
            return
        inner: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list):
        inner = iter(enumerate(value))
    else:
        return
    for name, one in inner:
        if isinstance(one, dict | list):
            name = str(name).replace("~", "~0").replace("/", "~1")
            yield from sealed_in(one, f"{pointer}/{name}")


class _Walk:
    """One pass over a log."""

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys
        self.framed = frame_bytes(keys.ledger)
        self.problems: list[Problem] = []
        self.events = self.fields = 0
        self.first: dict[str, int] = {}
        self.gone: dict[str, int] = {}
        self.held: dict[str, AESGCM | None] = {}
        self.keyed: set[str] = set()

    def note(self, position: int, what: str) -> None:
        """Keep a problem, up to a number that a person can still read."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(position, what))

    def unreadable(self, position: int) -> None:
        """Note a row that the database itself cannot read out."""
        self.note(position, "the database cannot read this row")

    def page(self, entries: list[Entry]) -> None:
        """Open what some events hold."""
        fields = [field for entry in entries for field in self._fields(entry)]
        self._load({field.value.p for field in fields})
        for field in fields:
            self._open(field)
        self.events += len(entries)

    def _fields(self, entry: Entry) -> Iterator[Field]:
        try:
            if entry.type == ERASED:
                for person in erased_by(entry):
                    self.gone.setdefault(person, entry.position)
            if b'"p":' not in entry.payload:
                return
            found = list(sealed_in(any_json(entry.payload)))
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
            self.note(entry.position, "the payload cannot be read")
            return
        for pointer, raw in found:
            try:
                value = msgspec.convert(raw, Personal)
            except msgspec.ValidationError:
                self.note(entry.position, f"{pointer}: this is no sealed value")
                continue
            yield Field(entry.stream, entry.version, entry.position, pointer, value)

    def _load(self, people: set[str]) -> None:
        """Have the keys of some persons; None stands for one that does not open."""
        if len(self.held) > HELD:
            self.held.clear()
        for person, key in self.keys.keys_of(
                [one for one in people if one not in self.held]).items():
            self.held[person] = None if key is None else AESGCM(key)
            self.keyed.add(person)

    def _open(self, field: Field) -> None:
        person = field.value.p
        if field.position > self.gone.get(person, field.position):
            self.note(field.position, f"{field.pointer} is sealed for {person}, who was erased "
                      f"at {self.gone[person]}")
        if (new := person not in self.first):
            self.first[person] = field.position
        if person not in self.held:
            return
        if (cipher := self.held[person]) is None:
            if new:
                self.note(field.position, f"the key of {person} is damaged")
            return
        try:
            sealing.opened(field.value, cipher, sealing.place(
                self.framed, field.stream, field.version, field.pointer, person=person))
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            known = str(error) in (sealing.ELSEWHERE, sealing.DISAGREE)
            why = str(error) if known else "it is no sealed value"
            self.note(field.position, f"{field.pointer}: {why}")
        else:
            self.fields += 1


def verify_keys(
    store: Store, keys: LedgerKeys, progress: Callable[[int, int], None] | None = None,
) -> KeysReport:
    """Open every sealed field of a ledger, and say of each person without a key why that is so.

    Memory: two entries per person. Errors: StorageFailed (R-LOG-04) if a database cannot be
    reached, WrongMasterKey (R-KEY-03).
    """
    walk = _Walk(keys)
    head = attempt(store, partial(store.head, keys.ledger))
    until = head.position if head is not None else MAX_POSITION
    page: list[Entry] = []
    for entry in rows_of(store, keys.ledger, until, walk.unreadable):
        page.append(entry)
        if len(page) == PAGE:
            walk.page(page)
            page.clear()
            if progress is not None:
                progress(walk.events, until)
    walk.page(page)
    counts = _judge(store, walk, until)
    problems = sorted(walk.problems, key=lambda problem: problem.position)
    return KeysReport(not problems, walk.events, walk.fields, len(walk.keyed & walk.first.keys()),
                      counts["erased"], counts["lost"], counts["never_backed_up"], problems)


def _judge(store: Store, walk: _Walk, until: int) -> dict[str, int]:
    """Count who has no key, by the reason, and name the first of each that is wrong."""
    buried = walk.keys.buried()
    for person, position in buried.items():
        if position <= until and person not in walk.gone:
            walk.note(position, f"{person} counts as erased by this event, which does not say so")
        if walk.gone.get(person, position) != position:
            walk.note(walk.gone[person], f"the keys say that {person} was erased at {position}, "
                      "and it was here")
    for person in walk.keys.keys_of(list(walk.gone)):
        walk.note(walk.gone[person], f"the key of {person}, who was erased here, is still there")
    for person, position in walk.gone.items():
        if person not in buried:
            walk.note(position, f"the keys do not know that {person} was erased here")
    whole = _whole(store, walk.keys)
    counts, first = {"erased": 0, "lost": 0, "never_backed_up": 0}, dict[str, tuple[int, str]]()
    for person, position in walk.first.items():
        if person in walk.keyed:
            continue
        word = ("erased" if person in buried or person in walk.gone
                else "never_backed_up" if whole is not None and position > whole else "lost")
        counts[word] += 1
        first.setdefault(word, (position, person))
    for word, (position, person) in first.items():
        if word != "erased":
            walk.note(position, _SAID[word].format(count=counts[word], person=person))
    return counts


_SAID: Mapping[str, str] = {
    "lost": "lost, with neither key nor erasure: {count}, the first of them {person}",
    "never_backed_up": "came after the backup of the keys that was restored, and have no key: "
                       "{count}, the first of them {person}",
}


def _whole(store: Store, keys: LedgerKeys) -> int | None:
    """Up to which position the restored backup of keys was whole, if it was of this log."""
    upto = keys.restored()
    if upto is None:
        return None
    rows = attempt(store, partial(store.read, keys.ledger, after=upto.position - 1,
                                  until=upto.position, limit=1))
    return upto.position if rows and rows[0].leaf_hash == upto.leaf else None
