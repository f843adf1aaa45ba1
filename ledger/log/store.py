"""What a store of the log is: the contract of the three backends, and its errors."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

from ledger.common.errors import Conflict, Invalid, LedgerError, Misconfigured, Unavailable
from ledger.common.values import MAX_INTEGER
from ledger.log import merkle
from ledger.log.accounts import AccountReader, BalanceKeeper, Kinds, StreamFinder
from ledger.log.envelope import Entry, Outline


class LogConflict(Conflict):
    """Another writer recorded the same {what} first. Try again."""

    code = "log_conflict"
    rule = "R-LOG-03"


class StorageFailed(Unavailable):
    """The database failed, and nothing was recorded: {why}"""

    code = "storage_failed"
    rule = "R-LOG-04"


class NewerDatabase(Misconfigured):
    """This database has schema {found}, which this version does not know. Install the version that
    made it, or a newer one."""

    code = "newer_database"
    rule = "R-LOG-05"


class OlderDatabase(Misconfigured):
    """This database has schema {found}, but this version needs {needed}. Make a backup, then run
    `ledger upgrade`."""

    code = "older_database"
    rule = "R-LOG-06"


class FirstEdition(Misconfigured):
    """This database holds a log of the first edition (schema {found}). Its bytes are read and
    proved only by the version that made it, and it cannot be upgraded. Keep it with that version,
    and import the files that it was made of into a new, empty database."""

    code = "first_edition"
    rule = "R-LOG-20"


class ConnectionLost(StorageFailed):
    """The database failed, and it is not known whether this was recorded, now or when it was sent
    before: {why}. Send it again under the same idempotency key; if it had none, look first whether
    it is there."""

    code = "connection_lost"
    rule = "R-LOG-13"


class ValueNotStored(LedgerError):
    """The database cannot store this value: {why}"""

    code = "value_not_stored"
    rule = "R-LOG-14"


class Forked(Misconfigured):
    """This store was opened before the process forked. Open one in each process (in a server
    that forks, do not load the program before)."""

    code = "forked"
    rule = "R-LOG-15"


class AdminNeeded(Misconfigured):
    """The role {role} may not change the schema of this database: {why}. Let
    LEDGER_ADMIN_DATABASE_URL name the database's owner."""

    code = "admin_needed"
    rule = "R-LOG-16"


class OtherDatabase(Misconfigured):
    """LEDGER_ADMIN_DATABASE_URL leads to another database or schema than LEDGER_DATABASE_URL, which
    therefore does not see the tables that were made."""

    code = "other_database"
    rule = "R-LOG-17"


class AffectedSqlite(Misconfigured):
    """SQLite {found} can corrupt a database in WAL mode. Version 3.51.3 or newer, 3.50.7 or 3.44.6
    is needed: install the `pysqlite3` wheel."""

    code = "affected_sqlite"
    rule = "R-LOG-07"


class EventMissing(LedgerError):
    """The event at position {position} of ledger {ledger} is missing, although the log goes on.
    `ledger verify` says what else is wrong; restore a backup that is sound."""

    code = "event_missing"
    rule = "R-LOG-19"


class LedgerUnknown(Misconfigured):
    """This database holds no ledger {ledger}. Check LEDGER_DATABASE_URL and the ledger's name."""

    code = "ledger_unknown"
    rule = "R-LDG-02"


class LedgerTaken(Conflict):
    """This database holds another ledger called {name!r}. Give this one another name (`ledger
    restore --name NAME`), or use an empty database."""

    code = "ledger_taken"
    rule = "R-LDG-03"


class LedgerHere(LedgerTaken):
    """This database holds this ledger already: it is called {name!r}, and a database holds a ledger
    once, whatever its name. To go back to the backup, restore it into an empty database, and let
    LEDGER_DATABASE_URL name that one."""

    code = "ledger_here"
    rule = "R-LDG-10"


SUFFIX = ".access"
"""What follows a ledger's name in the name of the ledger of its keys and readings."""

LONGEST_NAME = 60


class BadLedgerName(Invalid):
    """{name!r} is not the name of a ledger. That is made of Latin letters, digits and dashes,
    {most} at the most; only the program writes to the ledger of its keys and readings,
    NAME.access."""

    code = "bad_ledger_name"
    rule = "R-LDG-09"


def must_be_name(name: str) -> None:
    """Whether a ledger may be called so, here and from now on. Errors: BadLedgerName (R-LDG-09)."""
    if not (name.isascii() and name.replace("-", "").isalnum() and len(name) <= LONGEST_NAME):
        raise BadLedgerName(name=name, most=LONGEST_NAME)


def must_be_owner(name: str) -> None:
    """Whether a name is not that of a ledger of keys and readings, in which commands have no
    place. Errors: BadLedgerName (R-LDG-09)."""
    if name.endswith(SUFFIX):
        raise BadLedgerName(name=name, most=LONGEST_NAME)


class Known(NamedTuple):
    """A ledger as the database knows it: 16 random bytes, by which it is known everywhere, and a
    name, which may change when it moves. `of` is the ledger whose keys and readings it holds."""

    id: bytes
    name: str
    of: bytes | None = None


Which = str | bytes
"""Which ledger: its name or its id. A name is looked up and remembered for a second."""

NOBODY = b""
"""What stands for the id of a ledger that is not known: nothing is recorded under it."""


class Head(NamedTuple):
    """Where a ledger ends: the last event's position and time of recording, the tree's frontier."""

    position: int
    recorded_at: int
    frontier: bytes
    keys_id: bytes | None = None

    @property
    def root(self) -> bytes:
        """The root of the tree up to here."""
        return merkle.root(merkle.unpack(self.frontier))


class Tile(NamedTuple):
    """256 neighbouring hashes of one level of the tree, once they are complete."""

    level: int
    number: int
    hashes: bytes


NOTHING = Head(0, 0, b"")


def must_fit(entries: Sequence[Entry], head: Head, ledger: bytes) -> None:
    """Check that entries lead to the head that is to be written. Errors: ValueError."""
    if head.position != entries[-1].position or any(e.ledger != ledger for e in entries):
        raise ValueError(f"these entries do not lead ledger {ledger.hex()} to {head.position}")


def shown(ledger: Which) -> str:
    """A ledger as a message names it."""
    return ledger.hex() if isinstance(ledger, bytes) else ledger


Row = TypeVar("Row", Entry, Outline)


def gapless(
    entries: list[Row], ledger: Which, *, after: int, until: int | None = None
) -> list[Row]:
    """Entries that were read after a position, if none is missing. Errors: EventMissing (R-LOG-19).

    With `until`, a position that the log has: none means that the next one is missing.
    """
    if entries and entries[-1].position == after + len(entries):
        return entries
    if entries or (until is not None and after < until):
        held = {entry.position for entry in entries}
        position = next(at for at in range(after + 1, after + len(entries) + 2) if at not in held)
        raise EventMissing(position=position, ledger=shown(ledger))
    return entries


class Reader(AccountReader, StreamFinder, Protocol):
    """Reads of one ledger, all in log order."""

    def id_of(self, ledger: Which) -> bytes:
        """The id of a ledger; `NOBODY` where no ledger has this name."""
        ...

    def known(self, ledger: Which) -> Known | None:
        """The id and the name of a ledger; None if it is not here."""
        ...

    def head(self, ledger: Which) -> Head:
        """The head; `NOTHING` for a ledger with no event, or that is not here."""
        ...

    def read(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        """Entries with after < position <= until, the first `limit` of them."""
        ...

    def outlines(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        """What `read` finds, as outlines: for folds over long stretches of the log."""
        ...

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        """The entries of these streams after a position, of each up to a version."""
        ...

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        """The entries that these commands recorded."""
        ...

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        """Which of these `once` values are taken, with the position that took them."""
        ...

    def repeated(self, ledger: Which, *, until: int, limit: int) -> list[tuple[str, int]]:
        """Of entries up to a position, the first `limit` whose command and number, or whose `once`,
        another one has, too: "command_id" or "once", and the last position that has it. There are
        none as long as nobody took the database's own indexes off."""
        ...

    def position_at(self, ledger: Which, recorded_at: int) -> int:
        """The last position recorded at or before a time; 0 if there is none."""
        ...

    def tiles(self, ledger: Which, level: int, first: int, count: int) -> list[Tile]:
        """Stored tiles of a level, from a number on."""
        ...

    def odd_tiles(self, ledger: Which, limit: int) -> list[tuple[int, int]]:
        """Level and number of the first `limit` stored tiles that no tree has: of another level
        than 0, or with a number that does not count from 0."""
        ...

    def odd_positions(self, ledger: Which, limit: int) -> list[int]:
        """Positions of the first `limit` events that stand where no log has any: before 1, beyond
        every number, or at none. Empty, as long as the database keeps its own checks."""
        ...

    def standing(self, known: Known) -> dict[str, int]:
        """How many rows a ledger has: in `ledgers` by its id or its name, in `heads` by its id."""
        ...


class Writing(Reader, BalanceKeeper, Protocol):
    """A transaction that holds the head row: what it reads stays true until it commits."""

    ledger: bytes
    """The id of the ledger whose head it holds."""

    def leaves(self, after: int, until: int) -> list[bytes]:
        """The leaf hashes at after < position <= until."""
        ...

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        """Add entries at the next positions, with the accounts that they name, move the head,
        store complete tiles.

        Errors: ValueError if they are not of this ledger or do not end where the head says.
        """
        ...


class Store(Reader, Protocol):
    """One database with any number of ledgers."""

    url: str

    kinds: Kinds
    """Which subjects are accounts. It is said once for all databases: what was recorded is not
    looked through again for another kind."""

    def writing(self, ledger: Which) -> AbstractContextManager[Writing]:
        """Lock the head of a ledger; commit at the end of the block, roll back on an error.

        One thread at a time; a second one waits. Errors: LedgerUnknown (R-LDG-02), LogConflict
        (R-LOG-03), StorageFailed (R-LOG-04), ConnectionLost (R-LOG-13), ValueNotStored (R-LOG-14),
        Forked (R-LOG-15).
        """
        ...

    def beginning(self, *ledgers: Known) -> AbstractContextManager[Sequence[Writing]]:
        """Make ledgers and hold their heads, in one transaction as `writing`.

        Shapes: one `Writing` a ledger, in their order. Errors: LedgerTaken (R-LDG-03) if a name is
        another's, LedgerHere (R-LDG-10) if one is here already, both also if another process makes
        it at the same time; those of `writing`.
        """
        ...

    def ledgers(self) -> list[str]:
        """The names of all ledgers, sorted."""
        ...

    def schema(self) -> tuple[str | None, str]:
        """The database's schema revision and the one that this version needs."""
        ...

    def prepare(self) -> None:
        """Make the tables of an empty database, check those of another.

        Errors: R-LOG-05, R-LOG-06, R-LOG-20.
        """
        ...

    def upgrade(self) -> None:
        """Bring the schema to what this version needs. Errors: R-LOG-05, R-LOG-20."""
        ...

    def missing_guards(self) -> list[str]:
        """The triggers that protect the log and that the database lacks, or has otherwise than
        this version makes them: on another table, switched off, or doing something else."""
        ...

    def damage(self, *, quickly: bool = False) -> list[str] | None:
        """What the database itself finds wrong with its pages and indexes, as of one moment, beside
        writers; None where it cannot be asked from here. `quickly`: without comparing the indexes
        with their tables. Errors: StorageFailed (R-LOG-04)."""
        ...

    def durability(self) -> dict[str, str]:
        """The settings that decide whether a commit is on disk when it returns, as the database
        gives them to whoever connects. Of PostgreSQL with standbys attached, also how many
        ("standbys"), and "synchronous_standby_names": for which of them a commit waits."""
        ...

    def refuses_writes(self) -> str | None:
        """Why the database takes no writes from here; None where it does. Nothing is written."""
        ...

    def host(self) -> str:
        """Which database this is: another one after a restore into another place or a fail-over.

        Of SQLite the file, by file system, inode and time of birth: a file that is moved within
        its file system stays what it is, a copy is another one, and only one that is written over
        the bytes of the old file cannot be found out. Of PostgreSQL the cluster's system identifier
        and timeline. It is looked up once, and again after the writer's connection broke.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
