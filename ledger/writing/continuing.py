"""What changes about a log is said by an event of the log itself, before whatever follows it.

The writer looks before each batch whether program, format, keys and database are those that the log
named last. Who restores a backup, or gives up keys that are lost, says so in such an event, too.
These two are acts of a person outside of the writer, on a machine whose clock nobody may have
looked at yet: they are stamped a microsecond after the last event. So they take nothing from the
guard of the clock, which judges what is recorded next, and belong to the day that this closes.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from ledger import __version__
from ledger.common.bounds import ActorId, Reason
from ledger.common.checking import checker_of
from ledger.common.context import Context
from ledger.common.errors import Invalid, Misconfigured
from ledger.common.values import Checks
from ledger.log.append import append
from ledger.log.backup import restore_log
from ledger.log.clock import Clock
from ledger.log.envelope import Entry
from ledger.log.milestones import (
    FORMAT,
    Continued,
    KeysLost,
    Opened,
    Restored,
    last_own,
    said,
)
from ledger.log.persons import Keys, LedgerKeys
from ledger.log.store import SUFFIX, Head, Known, LedgerUnknown, Reader, Store, Writing
from ledger.log.verify import HeadUnsound, must_end_at
from ledger.writing.entries import own_entry
from ledger.writing.genesis import OtherFormat, keys_of

_version = re.compile(r"(\d{1,9}(?:\.\d{1,9})*)\.?(?:(dev|a|b|rc)(\d{0,9}))?").match
_STAGES = ("dev", "a", "b", "rc", None)


class OlderProgram(Misconfigured):
    """Ledger {ledger!r} was last written to by version {found}. This is version {program}: it is
    older, so it can read the ledger and records nothing in it. Install version {found} or a newer
    one."""

    code = "older_program"
    rule = "R-LDG-08"


class KeysNotLost(Invalid):
    """The keys database holds the keys that ledger {ledger!r} and the ledger of its keys and
    readings name: there is nothing to give up, and nothing was recorded."""

    code = "keys_not_lost"
    rule = "R-KEY-07"


class Attribution(msgspec.Struct, frozen=True):
    """Who does something to a whole ledger, and why."""

    actor: ActorId
    reason: Reason

    def __post_init__(self) -> None:
        checks = Checks()
        bounds = checker_of(Attribution)
        if bounds is not None and not bounds.test(self):
            bounds.note(checks, "", self)
        checks.done()


def release_order(version: str) -> tuple[list[int], int, int]:
    """What versions are compared by: the numbers of the release, then those of a pre-release.

    1.2 is 1.2.0. A pre-release comes before its release: dev, a, b, rc, each by its number. What
    follows that (`.post1`, `+here`) is not looked at. What is no version is older than any.
    """
    found = _version(version)
    if found is None:
        return [], 0, 0
    numbers = [int(number) for number in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers, _STAGES.index(found[2]), int(found[3] or 0)


def program_of(program: str, was: Opened | Continued) -> str:
    """Which program a log names where this one writes to it, which is not older: the greater text
    of two of one age. So two such builds that take turns are on record once, not at each turn."""
    equal = release_order(program) == release_order(was.program)
    return max(program, was.program) if equal else program


def must_be_new_enough(program: str, was: Opened | Continued, named: str) -> None:
    """Whether a program may write to a ledger that says this of itself.

    Errors: OlderProgram (R-LDG-08), OtherFormat (R-LDG-04).
    """
    if release_order(program) < release_order(was.program):
        raise OlderProgram(ledger=named, found=was.program, program=program)
    if was.format != FORMAT:
        raise OtherFormat(ledger=named, found=was.format, format=FORMAT)


def must_take_commands(store: Store, keys: Keys, name: str) -> None:
    """Check that a ledger of the database, whose writer has not begun, would take commands.

    Errors: those of `keys_of` and of `Continuing.check`.
    """
    Continuing(store, keys_of(store, keys, name), name).check(whole=True)


class Continuing:
    """Knows what a writer's ledger has to say of its log before it goes on."""

    def __init__(self, store: Store, keys: LedgerKeys, name: str) -> None:
        self.store = store
        self.keys = keys
        self.name = name
        self.program = __version__
        self._keys_id = keys.id.hex()

    def due(self, last: Entry, head: Head, now: int, reader: Reader) -> Entry | None:
        """What says how the log goes on after a head, if something is not as `last` said it.

        Units: `now` in microseconds since 1970. Errors: OlderProgram (R-LDG-08), OtherFormat
        (R-LDG-04), WrongKeys (R-KEY-05).
        """
        self._must_be_new_enough_for_owner(reader)
        was, host = said(last), self.store.host()
        program = program_of(self.program, was)
        if (was.program, was.format, was.keys_id, was.host) == (
                program, FORMAT, self._keys_id, host):
            return None
        self._must_lead_on(was)
        fact = Continued(program=program, format=FORMAT, keys_id=self._keys_id, host=host)
        return own_entry(fact, self.keys.ledger, head, now, version=last.version + 1)

    def check(self, *, whole: bool = False) -> None:
        """Check that what the log and its head say lets this writer record anything at all; with
        `whole`, as a writer does that has just begun. Nothing is held, and nothing recorded.

        Errors: LedgerUnknown (R-LDG-02), BadOpening (R-LDG-01), BadContinuation (R-LDG-07),
        OlderProgram (R-LDG-08), OtherFormat (R-LDG-04), WrongKeys (R-KEY-05), HeadUnsound
        (R-VFY-02).
        """
        ledger = self.keys.ledger
        known = self.store.known(ledger)
        if known is None or not self.store.standing(known)["heads"]:
            raise LedgerUnknown(ledger=self.name)
        self._must_be_new_enough_for_owner(self.store)
        self._must_lead_on(said(last_own(self.store, ledger, self.name)))
        while True:
            head = self.store.head(ledger)
            self.keys.must_fit(head.keys_id)
            try:
                return must_end_at(self.store, ledger, head, whole=whole)
            except HeadUnsound:
                if self.store.head(ledger) == head:
                    raise  # else somebody went on while this looked

    def _must_be_new_enough_for_owner(self, reader: Reader) -> None:
        """The ledger of keys and readings may rest while the one that it belongs to goes on: what
        that one says of its version counts for both, as its clock does."""
        owner = self.name.removesuffix(SUFFIX)
        if owner != self.name and (known := reader.known(owner)) is not None:
            must_be_new_enough(self.program, said(last_own(reader, known.id, owner)), owner)

    def _must_lead_on(self, was: Opened | Continued) -> None:
        must_be_new_enough(self.program, was, self.name)
        self.keys.must_fit(bytes.fromhex(was.keys_id))


def restore(
    store: Store, path: Path, by: Attribution, *, name: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Head]:
    """Read a backup into a database, and record in each of its ledgers that this was done.

    Shapes: the heads by name, the ledger's own first. Errors: those of `restore_log`; OlderProgram
    (R-LDG-08), OtherFormat (R-LDG-04).
    """
    def then(known: Known, writing: Writing, head: Head, last: Entry) -> Head:
        was = said(last)
        must_be_new_enough(__version__, was, known.name)
        back = Restored(head.position, head.root.hex(), by.actor, by.reason)
        fact = Continued(program=program_of(__version__, was), format=FORMAT,
                         keys_id=was.keys_id, host=store.host(), restored=back)
        return _recorded(fact, writing, head, last, by=by)

    return restore_log(store, path, progress, name=name, then=then)


def give_up_keys(store: Store, keys: Keys, name: str, by: Attribution) -> dict[str, Head]:
    """Let a ledger and its access ledger go on with what this keys database holds, or with new
    secrets, where they name others: those are lost.

    Shapes: the heads of those that went on so, by name. What was sealed before cannot be read
    unless its keys are restored. If it breaks off between the two, it is done again. Errors:
    KeysNotLost (R-KEY-07), LedgerUnknown (R-LDG-02), OlderProgram (R-LDG-08), OtherFormat
    (R-LDG-04), WrongMasterKey (R-KEY-03).
    """
    owner = name.removesuffix(SUFFIX)
    heads = {}
    for one in (owner, owner + SUFFIX):
        if (known := store.known(one)) is None:
            raise LedgerUnknown(ledger=one)
        with store.writing(known.id) as writing:
            head, last = writing.head(known.id), last_own(writing, known.id, one)
            was = said(last)
            must_be_new_enough(__version__, was, one)
            own = keys.of(known, keys_id=None)
            if own.id.hex() != was.keys_id:
                fact = Continued(program=program_of(__version__, was), format=FORMAT,
                                 keys_id=own.id.hex(), host=store.host(),
                                 keys_lost=KeysLost(by.actor, by.reason))
                heads[one] = _recorded(fact, writing, head, last, by=by)
    if not heads:
        raise KeysNotLost(ledger=owner)
    return heads


def _recorded(
    fact: Continued, writing: Writing, head: Head, last: Entry, *, by: Attribution
) -> Head:
    context = Context(actor=by.actor, role="admin", client="cli")
    entry = own_entry(fact, writing.ledger, head, head.recorded_at + 1, version=last.version + 1,
                      occurred_at=Clock().wall(), context=context)
    return append(writing, head._replace(keys_id=bytes.fromhex(fact.keys_id)), [entry])
