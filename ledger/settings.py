"""Settings, from the environment only, and what is opened from them: store, keys, ledger."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ledger.application import Ledger
from ledger.common.errors import Misconfigured
from ledger.core.commands import Handlers
from ledger.core.postings import ACCOUNT_KINDS
from ledger.handlers.table import HANDLERS
from ledger.log import sqlite
from ledger.log.clock import AHEAD_DAYS, Clock
from ledger.log.master_key import MasterKeyRequired, missing_key, read_master_key
from ledger.log.memory import MemoryStore
from ledger.log.missing_keys import must_be_there
from ledger.log.persons import Keys
from ledger.log.rotating import heal
from ledger.log.side_file import DAYS, SideFile, side_file_at
from ledger.log.sqlite import SqliteStore
from ledger.log.store import SUFFIX, StorageFailed, Store, must_be_name
from ledger.writing.genesis import begun, keys_of, must_be_in

NAMES = ("LEDGER_DATABASE_URL", "LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE",
         "LEDGER_ADMIN_DATABASE_URL", "LEDGER_CLOCK_AHEAD_DAYS", "LEDGER_IMPORTS_FILE",
         "LEDGER_FAULTY_ROWS_DAYS", "LEDGER_BIND", "LEDGER_REQUEST_LIMIT", "LEDGER_PAST_LIMIT",
         "LEDGER_BAD_KEY_LIMIT", "LEDGER_PASSWORD_LIMIT", "LEDGER_SIGNING_IN_LIMIT",
         "LEDGER_TEST_THOROUGH", "LEDGER_TEST_DATA")
"""Every variable of the program, its server and its tests."""

DEFAULT_DATABASE = "sqlite:///var/ledger.db"
IMPORTS = "var/imports.db"
URLS = ("LEDGER_DATABASE_URL", "LEDGER_KEYS_URL", "LEDGER_ADMIN_DATABASE_URL")


class BadDatabaseUrl(Misconfigured):
    """{name} is {url!r}. It must be sqlite:///PATH, postgresql://… or memory:."""

    code: ClassVar[str] = "bad_database_url"
    rule: ClassVar[str] = "R-SET-01"


class CannotOpen(Misconfigured):
    """{name} names {url}, which cannot be opened: {why}. Check the path, the server and the
    permissions."""

    code: ClassVar[str] = "cannot_open"
    rule: ClassVar[str] = "R-SET-02"


class MissingLedger(Misconfigured):
    """There is no ledger {ledger!r} in {url}. Check LEDGER_DATABASE_URL and the ledger's name; a
    ledger begins with what is first recorded in it."""

    code: ClassVar[str] = "missing_ledger"
    rule: ClassVar[str] = "R-SET-03"


class MisnamedLedger(MissingLedger):
    """There is no ledger {ledger!r} in {url}; near it there is: {near}. Check LEDGER_DATABASE_URL
    and the ledger's name; a ledger begins with what is first recorded in it."""

    code: ClassVar[str] = "misnamed_ledger"
    rule: ClassVar[str] = "R-SET-05"


class NotInCopy(MissingLedger):
    """There is no ledger {ledger!r} in the file {path}. The ledgers in it: {known}. Name one of
    them with --ledger, or another file."""

    code: ClassVar[str] = "not_in_copy"
    rule: ClassVar[str] = "R-SET-09"


class OtherLedgers(Misconfigured):
    """There is no ledger {ledger!r} in {url}, which holds: {known}. If another one is to begin,
    ask for it with --new-ledger."""

    code: ClassVar[str] = "other_ledgers"
    rule: ClassVar[str] = "R-SET-10"


class BadDays(Misconfigured):
    """{name} is {text!r}. It must be a whole number of days, from 1 to 36500."""

    code: ClassVar[str] = "bad_days"
    rule: ClassVar[str] = "R-SET-04"


class StrayAt(Misconfigured):
    """{name} holds more than one @, so that a part of its password would be taken for the server's
    name. Write an @ inside a password as %40."""

    code: ClassVar[str] = "stray_at"
    rule: ClassVar[str] = "R-SET-06"


class KeysInTheLog(Misconfigured):
    """LEDGER_KEYS_URL and LEDGER_DATABASE_URL name the same database. Keep the keys in one of their
    own: whoever has the log must not have them, too."""

    code: ClassVar[str] = "keys_in_the_log"
    rule: ClassVar[str] = "R-SET-07"


def _plain(why: object) -> str:
    """What a driver says, as a part of a sentence: on one line, and without an end of its own."""
    return " ".join(str(why).split()).rstrip(".?")


@contextmanager
def _opening(name: str, url: str) -> Iterator[None]:
    """Errors: CannotOpen (R-SET-02) for whatever the system or the driver raises while opening."""
    try:
        yield
    except DBAPIError as error:
        raise CannotOpen(name=name, url=masked(url), why=_plain(error.orig)) from error
    except OSError as error:
        raise CannotOpen(name=name, url=masked(url), why=error.strerror or error) from error
    except StorageFailed as error:
        raise CannotOpen(name=name, url=masked(url), why=error.details["why"]) from error


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where everything is kept. With PostgreSQL there is no master key file unless one is set."""

    database_url: str
    keys_url: str
    master_key_file: Path | None
    admin_url: str | None = None
    clock_ahead_days: int = AHEAD_DAYS
    imports_file: Path | None = None
    faulty_rows_days: int = DAYS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read LEDGER_DATABASE_URL, LEDGER_KEYS_URL, LEDGER_MASTER_KEY_FILE,
        LEDGER_ADMIN_DATABASE_URL, LEDGER_IMPORTS_FILE and the two in days. Errors: R-SET-01,
        R-SET-04, StrayAt (R-SET-06), KeysInTheLog (R-SET-07).

        The keys, the master key and the side file of an SQLite ledger `x.db` default to
        `x.keys.db`, `x.master.key` and `x.imports.db` next to it: one keys database for all files
        of a folder would give unrelated ledgers the same secret.
        """
        for name in URLS:
            text = environment.get(name, "")
            if text.startswith("postgresql") and text.partition("?")[0].count("@") > 1:
                raise StrayAt(name=name)
        url = environment.get("LEDGER_DATABASE_URL") or DEFAULT_DATABASE
        keys = environment.get("LEDGER_KEYS_URL")
        master = environment.get("LEDGER_MASTER_KEY_FILE")
        imports = environment.get("LEDGER_IMPORTS_FILE")
        if path := sqlite_path(url):
            keys = keys or f"sqlite:///{path.with_suffix('.keys.db')}"
            master = master or str(path.with_suffix(".master.key"))
            imports = imports or str(path.with_suffix(".imports.db"))
        elif not url.startswith(("postgresql", "memory:")):
            raise BadDatabaseUrl(name="LEDGER_DATABASE_URL", url=masked(url))
        if keys and keys != "memory:" and (keys == url or (path and sqlite_path(keys) == path)):
            raise KeysInTheLog
        return cls(
            database_url=url,
            keys_url=keys or ("memory:" if url == "memory:" else "sqlite:///var/keys.db"),
            master_key_file=Path(master) if master else None,
            admin_url=environment.get("LEDGER_ADMIN_DATABASE_URL"),
            clock_ahead_days=_days(environment, "LEDGER_CLOCK_AHEAD_DAYS", AHEAD_DAYS),
            imports_file=None if url == "memory:" else Path(imports or IMPORTS),
            faulty_rows_days=_days(environment, "LEDGER_FAULTY_ROWS_DAYS", DAYS),
        )

    def open_store(self, *, prepare: bool = True) -> Store:
        """The store of the log; with `prepare`, its schema is made or checked.

        Errors: R-LOG-05, R-LOG-06, R-LOG-07, R-LOG-20, R-SET-02.
        """
        if self.database_url == "memory:":
            return MemoryStore(kinds=ACCOUNT_KINDS)
        path = sqlite_path(self.database_url)
        with _opening("LEDGER_DATABASE_URL", self.database_url):
            store = SqliteStore(path, kinds=ACCOUNT_KINDS) if path else self._postgres_store()
            if prepare:
                try:
                    store.prepare()
                except BaseException:
                    store.close()
                    raise
        return store

    def find_store(self, ledger: str, *, another: bool = True) -> Store:
        """The store of a ledger that is there already: nothing is made.

        Errors: MissingLedger (R-SET-03), or without `another` OtherLedgers (R-SET-10) where there
        are others; those of `open_store`.
        """
        path = sqlite_path(self.database_url)
        if path and not (path.exists() and path.stat().st_size):
            raise _missing(ledger, self.database_url, _near(path))
        store = self.open_store(prepare=False)
        try:
            with _opening("LEDGER_DATABASE_URL", self.database_url):
                empty = store.schema()[0] is None
                if not empty:
                    store.prepare()
                known = set() if empty else {
                    name.removesuffix(SUFFIX) for name in store.ledgers()}
            if ledger.removesuffix(SUFFIX) not in known:
                if known and not another:
                    raise _others(ledger, self.database_url, known)
                raise _missing(ledger, self.database_url,
                               sorted(known) or (_near(path) if path else []))
        except BaseException:
            store.close()
            raise
        return store

    def _postgres_store(self) -> Store:
        from ledger.log.postgres import PostgresStore  # its driver is slow to import

        return PostgresStore(self.database_url, admin_url=self.admin_url, kinds=ACCOUNT_KINDS)

    def open_keys(self, *, make: bool = True) -> Keys:
        """The keys, with the master key; with `make`, it is made on first use next to an SQLite
        ledger.

        Errors: R-KEY-01 to R-KEY-04, R-KEY-14, R-SET-02.
        """
        if self.keys_url == "memory:":
            return Keys(sqlite.memory_engine(), os.urandom(32), named="memory", key_file=None)
        if self.master_key_file is None:
            raise MasterKeyRequired
        with _opening("LEDGER_KEYS_URL", self.keys_url):
            engine = self._keys_engine()
            try:
                return self._unlocked(engine, self.master_key_file, make=make)
            except BaseException:
                engine.dispose()
                raise

    def _unlocked(self, engine: Engine, key_file: Path, *, make: bool) -> Keys:
        empty = not Keys.holds_any(engine)
        make = empty and make and bool(sqlite_path(self.database_url))
        with _opening("LEDGER_MASTER_KEY_FILE", str(key_file)):
            master = read_master_key(key_file, make=make)
        if master is None:
            raise missing_key(key_file, masked(self.keys_url), empty=empty)
        found = Keys(engine, master, named=masked(self.keys_url), key_file=key_file)
        heal(found)
        return found

    def side_file(self, keys: Keys) -> SideFile:
        """Where faulty rows of imports are kept, in memory if no file is named."""
        return side_file_at(self.imports_file, keys, days=self.faulty_rows_days)

    def _keys_engine(self) -> Engine:
        path = sqlite_path(self.keys_url)
        if path:
            return sqlite.make_engine(path, cache_kib=2048, secure_delete=True)
        if not self.keys_url.startswith("postgresql"):
            raise BadDatabaseUrl(name="LEDGER_KEYS_URL", url=masked(self.keys_url))
        from ledger.log import postgres

        return postgres.make_engine(self.keys_url)


@dataclass(frozen=True)
class Opened:
    """A ledger with its store and keys; close it at the end."""

    ledger: Ledger
    store: Store
    keys: Keys
    begun: bool = False
    """Whether it began when it was opened."""

    def close(self) -> None:
        """Finish the writer and close all connections."""
        self.ledger.close()
        self.keys.close()
        self.store.close()


def open_ledger(
    settings: Settings | None = None, *, name: str = "main", clock: Clock | None = None,
    handlers: Handlers = HANDLERS, make: bool = True, another: bool = True, zone: str | None = None,
) -> Opened:
    """Open a ledger by the settings, by default those of the environment. Without `make`, nothing
    is made: neither a database nor keys. Without `another`, a ledger begins only in a database that
    holds none. `zone` is that in which it begins, and which it must have if it is there.

    Errors: what `open_store`, `open_keys` and `begun` raise; MissingKeys (R-KEY-13) for a ledger
    that is here; without `make`, MissingLedger (R-SET-03); without `another`, OtherLedgers
    (R-SET-10); UnknownZone (R-LDG-11), ZoneFixed (R-LDG-12).
    """
    settings = settings or Settings.from_environment()
    store = settings.open_store() if make else settings.find_store(name, another=another)
    try:
        begins = store.known(name.removesuffix(SUFFIX)) is None
        if begins and make and not another and (known := store.ledgers()):
            raise _others(name, settings.database_url, known)
        must_be_there(sqlite_path(settings.keys_url), [] if begins and make else [name])
        keys = settings.open_keys(make=make)
        own = (begun(store, keys, name, clock=clock, zone=zone) if make
               else keys_of(store, keys, name))
        must_be_in(zone, store, name)
    except BaseException:
        store.close()
        raise
    clock = clock or clock_of(settings, store, name)
    opened = Ledger(store, own, name=name, clock=clock, handlers=handlers)
    return Opened(opened, store, keys, begins)


def clock_of(settings: Settings, store: Store, name: str) -> Clock:
    """A ledger's clock. The ledger of keys and readings may rest while the one that it belongs to
    goes on: the time of that one's last event has come for both."""
    owner = name.removesuffix(SUFFIX)
    since = 0 if owner == name else store.head(owner).recorded_at
    return Clock(ahead_days=settings.clock_ahead_days, since=since)


def open_copy(path: Path, ledger: str) -> Store:
    """The log in a copy of an SQLite file, by itself: it is only read, and nothing near it is.

    Errors: CannotOpen (R-SET-02), also where a `-wal` file next to it holds a part of it;
    NotInCopy (R-SET-09), R-LOG-05, R-LOG-06.
    """
    if path.exists() and not path.is_file():
        raise CannotOpen(name="FILE", url=path, why="it is not a regular file")
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise CannotOpen(name="FILE", url=path, why=f"a part of it is still in {wal.name}, since "
                         "it is in use or was not closed; `ledger backup` makes a whole copy")
    with _opening("FILE", str(path)):
        store = SqliteStore(path, kinds=ACCOUNT_KINDS, immutable=True)
        try:
            if store.schema()[0] is None:
                raise NotInCopy(ledger=ledger, path=path, known="none")
            store.prepare()
            if ledger not in (known := store.ledgers()):
                raise NotInCopy(ledger=ledger, path=path,
                                known=", ".join(map(str, known)) or "none")
        except BaseException:
            store.close()
            raise
    return store


def _days(environment: Mapping[str, str], name: str, default: int) -> int:
    """A number of days. Errors: BadDays (R-SET-04)."""
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 36_500 and len(text) < 6):
        raise BadDays(name=name, text=text)
    return int(text)


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL, or None for another kind."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    path = parsed.database if parsed.get_backend_name() == "sqlite" else None
    return Path(path) if path else None


def _missing(ledger: str, url: str, near: Iterable[str]) -> MissingLedger:
    """That there is no such ledger, and what is near it, if anything is."""
    if names := ", ".join(near):
        return MisnamedLedger(ledger=ledger, url=masked(url), near=names)
    return MissingLedger(ledger=ledger, url=masked(url))


def _others(ledger: str, url: str, known: Iterable[str]) -> OtherLedgers:
    """That a ledger would be another one of its database. Errors: BadLedgerName (R-LDG-09)."""
    owner = ledger.removesuffix(SUFFIX)
    must_be_name(owner)
    names = sorted({name.removesuffix(SUFFIX) for name in known})
    return OtherLedgers(ledger=owner, url=masked(url), known=", ".join(names))


def _near(path: Path) -> list[str]:
    """The logs in the folder where one was looked for."""
    others = ("*.keys.db", "*.imports.db", "*.read.*.db")
    return sorted(found.name for found in path.parent.glob("*.db")
                  if found != path and not any(map(found.match, others)))


def masked(url: str) -> str:
    """A URL with its password hidden."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url if "@" not in url else "‹hidden›"
