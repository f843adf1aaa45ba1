"""Whatever happens to the log and to the keys, in any order: whoever was erased has no key once a
ledger was opened, and nobody else's key was dropped.
"""

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from ledger.log.key_tables import persons
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.rotating import rotate
from ledger.log.verify_keys import verify_keys
from ledger.log.wrapping import WrongMasterKey
from ledger.settings import sqlite_path
from tests.support.envelopes import CONTEXT
from tests.support.erased import erase
from tests.support.jars import opening
from tests.support.logs import open_log, settings_in
from tests.support.thorough import tried

PEOPLE = st.sampled_from(["张三", "李四"])


class KeysMachine(RuleBasedStateMachine):
    """A ledger of jars and its keys. `keyed` are those whose key is here, as long as nobody follows
    an erasure; `saved` is a copy of the keys' file, and `backup` one by `ledger backup --keys`,
    each with what was keyed then."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.settings = settings_in(self.folder)
        self.opened = open_log(self.settings)
        self.jars = 0
        self.keyed: set[str] = set()
        self.gone: set[str] = set()
        self.saved: tuple[Path, set[str]] | None = None
        self.backup: tuple[Path, set[str]] | None = None
        self.followed = True

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()
            shutil.rmtree(self.folder)

    @property
    def file(self) -> Path:
        found = sqlite_path(self.settings.keys_url)
        assert found is not None
        return found

    @rule(name=PEOPLE)
    def record(self, name: str) -> None:
        """Somebody opens a jar; the writer follows before it decides."""
        self.jars += 1
        self.opened.ledger.handle(opening(self.jars, owner=name), CONTEXT)
        (entry,) = self.opened.store.streams("main", [opening(self.jars).jar])
        person = msgspec.json.decode(entry.payload)["owner"]["p"]
        assert person not in self.gone
        self.keyed.add(person)
        self.followed = True

    @rule(name=PEOPLE, reopen=st.booleans())
    def erase(self, name: str, reopen: bool) -> None:
        """Another process erases somebody, and dies before it destroys the keys."""
        found = self.opened.ledger.keys.find([f"owner:{name}"])
        if found:
            (person,) = found.values()
            shared = self.opened.ledger.keys.sharing(person.id)
            erase(self.opened.store, *sorted(shared))
            self.gone |= shared
            self.followed = False
        if reopen:
            self.reopen()

    def reopen(self) -> None:
        self.opened.close()
        self.opened = open_log(self.settings)
        self.followed = True

    @rule()
    def copy_file(self) -> None:
        self.opened.close()
        path = self.folder / "saved.db"
        shutil.copyfile(self.file, path)
        self.saved = path, set(self.keyed)
        self.opened = open_log(self.settings)
        self.followed = True

    @precondition(lambda self: self.saved)
    @rule()
    def put_file_back(self) -> None:
        """An old file of the keys: of a master key of before, it is refused."""
        assert self.saved is not None
        self.opened.close()
        now = self.folder / "now.db"
        shutil.copyfile(self.file, now)
        path, keyed = self.saved
        shutil.copyfile(path, self.file)
        try:
            self.opened = open_log(self.settings)
            self.keyed = set(keyed)
        except WrongMasterKey:
            shutil.copyfile(now, self.file)
            self.opened = open_log(self.settings)
        self.followed = True

    @rule()
    def back_up(self) -> None:
        path = self.folder / "keys.gz"
        path.unlink(missing_ok=True)
        backup_keys(self.opened.keys, path, self.opened.store)
        self.backup = path, self.here()

    @precondition(lambda self: self.backup)
    @rule()
    def restore(self) -> None:
        assert self.backup is not None
        path, keyed = self.backup
        try:
            restore_keys(self.opened.keys, path)
        except WrongMasterKey:
            return
        self.keyed |= keyed

    @rule()
    def rotate(self) -> None:
        assert rotate(self.opened.keys)[1] == 0

    def here(self) -> set[str]:
        with self.opened.keys.engine.connect() as connection:
            return set(connection.execute(select(persons.c.person).where(
                persons.c.ledger == self.opened.ledger.id)).scalars())

    @invariant()
    def nobody_else_is_dropped_and_nobody_is_brought_back(self) -> None:
        if not hasattr(self, "opened"):
            return
        here = self.here()
        assert self.keyed - self.gone <= here
        assert here <= self.keyed
        if self.followed:
            assert not here & self.gone
            report = verify_keys(self.opened.store, self.opened.ledger.keys)
            sealed_for = self.sealed_for()
            assert report.erased == len(self.gone & sealed_for)
            assert report.persons + report.erased + report.lost + report.never_backed_up == len(
                sealed_for)

    def sealed_for(self) -> set[str]:
        return {msgspec.json.decode(entry.payload)["owner"]["p"]
                for entry in self.opened.store.read("main", after=1)
                if b'"owner":{' in entry.payload}


KeysMachine.TestCase.settings = hypothesis_settings(
    max_examples=tried(60), stateful_step_count=20, deadline=None,
    suppress_health_check=[HealthCheck.too_slow])
TestKeys = KeysMachine.TestCase
