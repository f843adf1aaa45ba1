"""Proves that a stored log is what was recorded: every row is read and hashed again.

It checks the payload's hash, the leaf, the order of positions, versions and recording times, that
no command and no `once` value stands twice, the tree against the head and the stored tiles, and the
index of accounts against the subjects. An earlier position and root that someone kept elsewhere
prove that nothing before it was changed or cut off. It speaks of the log up to the head that it
reads first: others may go on writing. Whatever a cell holds is reported and ends nothing.
"""

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from ledger.common.errors import Invalid, Misconfigured
from ledger.log import merkle
from ledger.log.accounts import Kinds, accounts_in, misnamed
from ledger.log.beside import (
    MAX_PROBLEMS,
    Accounts,
    Leaves,
    check_beyond,
    check_pages,
    check_repeats,
    check_standing,
    check_tiles,
    head_of,
    known_of,
)
from ledger.log.bounds import must_be_storable
from ledger.log.damage import PAGE, UNHASHABLE, attempt, rows_of, unfit
from ledger.log.envelope import Entry, canonical_subjects, leaf_hash, payload_hash
from ledger.log.milestones import DAY_CLOSED, Opened, OwnEvents, anchored, said
from ledger.log.store import (
    SUFFIX,
    Head,
    Reader,
    Store,
    ValueNotStored,
    Which,
    shown,
)

MAX_POSITION = 2**62
WHOLE = 2**12
"""Up to how many events the whole tree is computed again when a writer opens a ledger."""


_WRONG = ("the payload is not the one that was recorded",
          "the envelope is not the one that was recorded",
          "the subjects are not sorted, each once, and plainly spelled")
"""What is wrong where a hash or the subjects are not what they should be, in this order."""

_LINE = re.compile(r"([0-9]{1,16}):([0-9A-Fa-f]{64})")


class BadExpectation(Invalid):
    """{text!r} is not POSITION:ROOT, such as 58000:9f86d081… with 64 hexadecimal digits, nor @FILE,
    a file with such lines."""

    code = "bad_expectation"
    rule = "R-VFY-01"


class HeadUnsound(Misconfigured):
    """The head of ledger {ledger!r} is not that of its last event: its {column} was changed.
    Nothing is recorded. Run `ledger verify`, and restore a backup into a new database."""

    code = "head_unsound"
    rule = "R-VFY-02"


class Expectation(NamedTuple):
    """A position and the tree's root there, noted earlier and kept elsewhere."""

    position: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        """From POSITION:ROOT with the root in hexadecimal. Errors: BadExpectation (R-VFY-01)."""
        if (parts := _LINE.fullmatch(text)) is None:
            raise BadExpectation(text=text)
        return cls(int(parts[1]), bytes.fromhex(parts[2]))


class Problem(NamedTuple):
    """What is wrong, and at which position it shows first."""

    position: int
    what: str


class Report(NamedTuple):
    """What a verification found. `root` is that of the rows as they are stored, `anchors` what the
    events that closed days say of the access ledger, `opened` how the ledger was opened, if that
    can be read."""

    ok: bool
    events: int
    position: int
    root: bytes
    problems: list[Problem]
    anchors: list[Expectation]
    opened: Opened | None = None
    fitting: int = 0
    """How many of the expected roots are those of the log."""


class _Walk:
    """One pass over the rows in order."""

    def __init__(self, expected: list[Expectation], kinds: Kinds) -> None:
        self.kinds = kinds
        self.problems: list[Problem] = []
        self.frontier: list[bytes] = []
        self.position = 0
        self.events = 0
        self.recorded_at = -2**63
        self.versions: dict[str, int] = {}
        self.tile: list[bytes] = []
        self.tiles: list[bytes] = []
        self.anchors: list[Expectation] = []
        self.own_events = OwnEvents()
        self.opened: Opened | None = None
        self.fitting = 0
        self.expected: dict[int, set[bytes]] = {}
        for one in expected:
            self.expected.setdefault(one.position, set()).add(one.root)

    def note(self, position: int, what: str) -> None:
        """Keep a problem, up to a number that a person can still read."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(position, what))

    def step(self, entry: Entry) -> list[str]:
        """Check one row against itself and the rows before it. The accounts that it names."""
        fits = type(entry.position) is int
        position = entry.position if fits else self.position + 1
        if not fits:
            self.note(position, "the position is not a whole number")
        elif position != self.position + 1:
            self._gap(position)
        subjects = canonical_subjects(entry.subjects)
        accounts = self._named(entry, subjects)
        try:
            if (why := self.own_events.fault_in(entry, self.position, self.frontier)) is not None:
                self.note(position if self.events else 1, why)
            elif not self.events:
                opened = said(entry)
                self.opened = opened if isinstance(opened, Opened) else None
            if self._hashes(entry, position, canonical=subjects is not None):
                self._deeds(entry, position, accounts)
            self._order(entry, position)
            if entry.type == DAY_CLOSED:
                self.anchors.append(Expectation(*anchored(entry)))
        except UNHASHABLE:
            column = unfit(entry) or "subjects"
            self.note(position, f"the column {column} holds what nobody can have recorded")
        leaf = entry.leaf_hash if isinstance(entry.leaf_hash, bytes) else b""
        merkle.push(self.frontier, self.events, leaf)
        self.events += 1
        self.position = position
        self._tile(leaf)
        if position in self.expected:
            self._expect(position, self.expected.pop(position))
        return accounts

    def _named(self, entry: Entry, subjects: list[str] | None) -> list[str]:
        if subjects is not None:
            return [one for one in subjects if one.startswith(self.kinds)]
        try:
            return accounts_in(entry.subjects, self.kinds)
        except UNHASHABLE:
            return []  # that they are not what they should be is said where they are checked

    def _gap(self, position: int) -> None:
        first, last = self.position + 1, position - 1
        if position <= self.position:
            self.note(position, "the position is out of order")
        elif first == last:
            self.note(position, f"position {first} is missing")
        else:
            self.note(position, f"positions {first} to {last} are missing")

    def unreadable(self, position: int) -> None:
        """Note a row that the database itself cannot read out."""
        self.note(position, "the database cannot read this row")
        self.position = position

    def _hashes(self, entry: Entry, position: int, *, canonical: bool) -> bool:
        fits = (payload_hash(entry.salt, entry.payload) == entry.payload_hash,
                leaf_hash(entry) == entry.leaf_hash,
                canonical)
        if all(fits):
            return True
        for fit, what in zip(fits, _WRONG, strict=True):
            if not fit:
                self.note(position, what)
        return False

    def _deeds(self, entry: Entry, position: int, accounts: list[str]) -> None:
        """What an event holds whose hashes fit."""
        try:
            must_be_storable(entry)
        except ValueNotStored as error:
            self.note(position, error.details["why"])
        for account in misnamed(accounts, entry.payload) if self.kinds else ():
            self.note(position, f"its subjects and its payload differ in {account!r}: an event "
                      "names just the accounts that it posts to or observes")

    def _order(self, entry: Entry, position: int) -> None:
        if entry.recorded_at < self.recorded_at:
            self.note(position, "it was recorded before the event that precedes it")
        self.recorded_at = entry.recorded_at
        last = self.versions.get(entry.stream)
        if entry.version != (last + 1 if last is not None else max(min(entry.version, 1), 0)):
            self.note(position, f"version {entry.version} of {entry.stream} follows {last}")
        self.versions[entry.stream] = entry.version

    def _expect(self, position: int, roots: set[bytes]) -> None:
        here = merkle.root(self.frontier)
        self.fitting += here in roots
        for _ in roots - {here}:
            self.note(position, "the root here is not the expected one: something at or before "
                      "this position was changed since it was noted")

    def _tile(self, leaf: bytes) -> None:
        self.tile.append(leaf)
        if len(self.tile) == merkle.TILE_LEAVES:
            self.tiles.append(sha256(b"".join(self.tile)).digest())
            self.tile.clear()

    def finish(self, head: Head | None) -> None:
        """Check the end against the head row, if it is fit, and what was expected."""
        if head is None:
            pass
        elif not self.events and not head.position:
            self.note(1, "there is no event at position 1, by which every ledger is opened")
        elif head.position != self.position:
            self.note(min(head.position, self.position) + 1,
                      f"the log ends at {self.position}, but its head says {head.position}")
        elif merkle.unpack(head.frontier) != self.frontier:
            self.note(self.position, "the head's tree is not the tree of the events")
        elif head.recorded_at != self.recorded_at:
            self.note(self.position, f"the head says that the last event was recorded at "
                      f"{head.recorded_at!r}, but it was recorded at {self.recorded_at}")
        elif (own := self.own_events.last) and (head.keys_id or b"").hex() != said(own).keys_id:
            self.note(self.position, "the head names other keys than the log itself")
        empty = self.expected.pop(0, set())
        self.fitting += merkle.EMPTY_ROOT in empty
        if empty - {merkle.EMPTY_ROOT}:
            self.note(0, "the expected root of an empty log is another one")
        for position in sorted(self.expected):
            if position <= self.position:
                self.note(position, "a root was noted here earlier, and no event is here now")
            else:
                self.note(self.position + 1, f"the log ends at {self.position}, but position "
                          f"{position} was noted earlier: events were cut off")


def verify(
    store: Store,
    ledger: Which,
    *,
    expected: list[Expectation] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Re-hash every stored event of a ledger and check it against everything that speaks of it.

    Shapes: `progress` is called with events done and the head's position. Memory: one number per
    stream and 32 bytes per 256 events. The head is read first, so what is recorded while this runs
    is left to the next run, unless the head stays where it was. Errors: StorageFailed (R-LOG-04)
    if the database cannot be reached, LedgerUnknown (R-LDG-02); what is wrong with a row is a
    problem in the report.
    """
    walk = _Walk(expected or [], store.kinds)
    known = known_of(store, ledger, walk.note)
    if known is None:
        return Report(False, 0, 0, merkle.EMPTY_ROOT, walk.problems, [])
    head = head_of(store, ledger, walk.note)
    until = MAX_POSITION if head is None else head.position
    accounts = Accounts(store, ledger, walk.note)
    for entry in rows_of(store, ledger, until, walk.unreadable):
        accounts.add(walk.step(entry), walk.position)
        if progress is not None and walk.events % PAGE == 0:
            progress(walk.events, until)
    walk.finish(head)
    accounts.compare()
    accounts.finish(0 if walk.problems else walk.position)
    check_standing(store, known, walk.opened, walk.note)
    check_repeats(store, ledger, until, walk.note)
    if head is not None:
        check_beyond(store, ledger, head.position, walk.note)
    if not walk.problems:  # a missing row would make every tile after it look wrong
        check_tiles(store, ledger, Leaves(walk.position, walk.tiles), walk.note)
    problems = sorted(walk.problems, key=lambda problem: problem.position)
    return Report(not problems, walk.events, walk.position, merkle.root(walk.frontier), problems,
                  walk.anchors, walk.opened, walk.fitting)


def verify_with_access(
    store: Store, ledger: str, *, expected: list[Expectation] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Report, Report | None]:
    """Verify a ledger and, against what it says of it, the ledger of its keys and readings; None
    where the database holds none under its name. What the database says of its own pages is about
    all ledgers in it, and stands in the first report. Errors: those of `verify`."""
    report = verify(store, ledger, expected=expected, progress=progress)
    pages: list[Problem] = []
    check_pages(store, lambda position, what: pages.append(Problem(position, what)))
    report = report._replace(ok=report.ok and not pages, problems=pages + report.problems)
    name, opened = ledger + SUFFIX, report.opened
    known = attempt(store, partial(store.known, name))
    if opened is not None and opened.access is not None and (known is None or unfit(known) or (
            known.id.hex(), known.of and known.of.hex()) != (opened.access, opened.id)):
        problem = Problem(1, "the ledger of keys and readings that it names, "
                          f"{opened.access}, is not here as {name}")
        report = report._replace(ok=False, problems=[problem, *report.problems])
    return report, None if known is None else verify(store, name, expected=report.anchors)


def must_end_at(reader: Reader, ledger: Which, head: Head, *, whole: bool) -> None:
    """Check a head, which the caller holds, against the last event, before anything is built on it.

    With `whole`, its tree is computed again; in a log of more than `WHOLE` events, only what the
    last incomplete tile makes up: the rest is for `verify`. Errors: HeadUnsound (R-VFY-02).
    """
    column = _column_astray(reader, ledger, head, whole=whole)
    if column is not None:
        raise HeadUnsound(ledger=shown(ledger), column=column)


def _column_astray(reader: Reader, ledger: Which, head: Head, *, whole: bool) -> str | None:
    if (column := unfit(head)) is not None:
        return column
    size = head.position
    if size < 0:
        return "position"
    rows = reader.read(ledger, after=size - 1, limit=2)
    if [row.position for row in rows] != ([size] if size else []):
        return "position"
    if head.recorded_at != (rows[0].recorded_at if rows else 0):
        return "recorded_at"
    if len(head.frontier) != size.bit_count() * merkle.HASH_BYTES:
        return "frontier"
    if not whole:
        return None
    start = 0 if size <= WHOLE else size - size % merkle.TILE_LEAVES
    rest = reader.outlines(ledger, after=start, until=size, limit=WHOLE)
    if [row.position for row in rest] != list(range(start + 1, size + 1)):
        return "position"
    frontier = merkle.grown(b"", 0, (row.leaf_hash for row in rest))
    return None if head.frontier.endswith(frontier) else "frontier"
