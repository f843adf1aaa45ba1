"""What the HTTP edge stands on: open ledgers, their keys and read models, once per process.

A thread of its own keeps the read models up to date: neither writes nor reads wait for them.
"""

import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from api.http.hourly import Hourly
from api.http.key_ring import BEARER, SESSION, Caller, KeyRing
from api.http.limits import Limits, quotas_of
from api.http.logs import about, with_fields
from api.http.metrics import commits
from api.http.past import KeptAnswers
from api.http.replayers import Replayers
from api.http.starting import staging_folder
from ledger.access.keys import NoteUse
from ledger.application import Ledger
from ledger.common.context import Context
from ledger.common.errors import LedgerError, Misconfigured
from ledger.imports.staging import remove_stale
from ledger.log.missing_keys import must_be_there
from ledger.log.persons import Keys, LedgerKeys
from ledger.log.store import NOBODY, SUFFIX
from ledger.log.zones import days_of
from ledger.settings import Settings, clock_of, sqlite_path
from ledger.writing.continuing import must_take_commands
from ledger.writing.errors import LedgerClosed
from ledger.writing.genesis import keys_of
from projections.asking.later import LOOKED
from projections.catalogue import PROJECTIONS
from projections.rights import Rights, rights_of
from projections.store.buckets import buckets_of
from projections.store.models import ReadModels

SEEN_S = 1.0
"""How stale what the posts of somebody give may be."""

PAUSE_S, GATHER_S = 0.25, 0.1
"""How long writes are gathered before the read models catch up, if nobody waits for them."""

log = logging.getLogger("ledger.edge")

_token = re.compile("(ol|os|oi)_([0-9a-f]{32})_.+", re.DOTALL).fullmatch
"""A token: what it is, the id of the ledger that it belongs to, then what is secret."""


class Edge:
    """Everything that is open in this process; it opens with the first request after a fork."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._process = self.waiting = 0
        self._rights: dict[tuple[str, str], tuple[float, str, Rights | None]] = {}
        self.kept = KeptAnswers()

    def open(self) -> "Edge":
        """Open what is not open yet. Errors: those of the settings."""
        if self._process == os.getpid():
            return self
        with self._lock:
            if self._process != os.getpid():
                self._settings = settings = self.settings or Settings.from_environment()
                remove_stale(staging_folder(settings))
                self.store = settings.open_store()
                self.keys = self._open_keys(settings)
                self.side_file = settings.side_file(self.keys)
                self._hourly = Hourly(lambda: self.side_file.forget_old(now=time.time_ns() // 1000))
                self.models = ReadModels(self.store, PROJECTIONS)
                self.limits = Limits(quotas_of(), buckets_of(self.store))
                self.replayers = Replayers(settings)
                self._ledgers: dict[str, Ledger] = {}
                self._begun: set[str] = set()
                self._rings: dict[bytes, KeyRing] = {}
                self._notes: deque[Callable[[], object]] = deque()
                self._wakes, self._moved = threading.Event(), threading.Condition()
                self._closing = False
                self._process = os.getpid()
                self._projector = threading.Thread(
                    target=self._project, name="projector", daemon=True)
                self._projector.start()
        return self

    def _open_keys(self, settings: Settings) -> Keys:
        """Errors: MissingKeys (R-KEY-13) where there are ledgers: none is made for them here."""
        try:
            must_be_there(sqlite_path(settings.keys_url), self.store.ledgers())
            return settings.open_keys()
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Finish what was accepted and close everything."""
        with self._lock:
            if self._process != os.getpid():
                return
            self._process = 0
            self._closing = True
            self._wakes.set()
        self._projector.join()
        for ledger in self._ledgers.values():
            ledger.close()
        self.replayers.close()
        self.limits.close()
        self.models.close()
        self.side_file.close()
        self.keys.close()
        self.store.close()

    def ledger(self, name: str) -> Ledger:
        """A ledger by its name; another one, if another has that name by now. Errors: those of
        `keys_of`."""
        found = self.store.id_of(name)
        with self._lock:
            kept = self._ledgers.get(name)
            if kept is not None and found not in (kept.id, NOBODY):
                self._ledgers.pop(name).close()
                self._begun.discard(name)
            if name not in self._ledgers:
                self._ledgers[name] = self._opened(name, keys_of(self.store, self.keys, name))
            return self._ledgers[name]

    def renewed(self, name: str) -> Ledger:
        """A ledger whose keys were refused: with those that its log names by now, if they are here.
        Errors: those of `keys_of`."""
        self._replace_useless()
        return self.ledger(name)

    def _opened(self, name: str, keys: LedgerKeys) -> Ledger:
        return Ledger(self.store, keys, name=name, took=commits.labels(name).observe,
                      clock=clock_of(self._settings, self.store, name))

    def writers(self) -> dict[str, LedgerError | None]:
        """Every ledger of the database with that of its keys and readings, and why it would refuse
        what is sent, if it would. One that nobody has asked for yet is not opened for it."""
        here = self.store.ledgers()
        owners = {name for name in here if not name.endswith(SUFFIX)}
        return {name: self._why_not(name)
                for name in sorted({*here, *(name + SUFFIX for name in owners)})}

    def _why_not(self, name: str) -> LedgerError | None:
        kept = self._ledgers.get(name)
        try:
            if kept is None:
                must_take_commands(self.store, self.keys, name)
            elif kept.closed:
                return LedgerClosed()
            else:
                kept.must_be_writable()
        except LedgerError as error:
            return error
        return None

    def _replace_useless(self) -> None:
        """Open a ledger again whose writer has died, or whose log names other keys by now."""
        with self._lock:
            for name, ledger in list(self._ledgers.items()):
                if ledger.closed:
                    log.critical("the writer of ledger %s died; it is replaced", name)
                    self._ledgers.pop(name).close()
                    self.ledger(name)
                elif ledger.head().keys_id not in (None, ledger.keys.id):
                    self._replace_keys(name)

    def _replace_keys(self, name: str) -> None:
        try:
            own = keys_of(self.store, self.keys, name)
        except Misconfigured:
            return  # `writers` says why, and each command that is sent
        log.warning("ledger %s goes on with other keys", name)
        self._ledgers.pop(name).close()
        self._ledgers[name] = self._opened(name, own)

    def begin(self, name: str) -> None:
        """Serve a ledger: its read models are caught up before the first answer."""
        if name not in self._begun:
            self.ledger(name)
            self.models.catch_up(name)
            self._begun.add(name)

    def served(self) -> list[str]:
        """The ledgers that this process serves."""
        return sorted(name for name in self._ledgers if not name.endswith(SUFFIX))

    def ring(self, ledger: bytes) -> KeyRing:
        """The keys of a ledger, by its id; it is kept if there are any."""
        if (known := self._rings.get(ledger)) is not None:
            return known
        found = KeyRing(self.store, ledger)
        found.refresh()
        if found.keys or found.logins:
            with self._lock:
                found = self._rings.setdefault(ledger, found)
        return found

    # -- keys -------------------------------------------------------------------------------------

    def ring_of(self, token: str, kind: str) -> KeyRing | None:
        """The keys and logins of the ledger that a token of a kind names; None if it is no such
        token."""
        parts = _token(token)
        return self.ring(bytes.fromhex(parts[2])) if parts and parts[1] == kind else None

    def caller(self, token: str, kind: str = BEARER) -> Caller | None:
        """Who holds a token such as `ol_9f2c…_…`, or that of a session; None if it opens nothing.
        """
        ring = self.ring_of(token, kind)
        found = None if ring is None else ring.caller(token, session=kind == SESSION)
        if ring is None or found is None:
            return None
        caller, key = found
        name = caller.ledger
        today = datetime.now(UTC).date().isoformat()
        if ring.first_on(today, key):
            self.later(lambda: self.ledger(name + SUFFIX).handle(
                NoteUse(key=caller.key, day=datetime.now(UTC).date(),
                        occurred_at=datetime.now(UTC)),
                Context(actor="system", role="system", client="edge")))
        return caller

    def today(self, name: str) -> str:
        """The day that it is in the shop of a ledger."""
        return days_of(self.store, name).day_of(datetime.now(UTC))

    def rights(self, caller: Caller, *, fresh: bool = False) -> Rights | None:
        """What the posts of a caller give today, as the read models know it, at most a second old
        unless it has to be `fresh`; None for who never joined."""
        day, now, key = self.today(caller.ledger), time.monotonic(), (caller.ledger, caller.actor)
        known = self._rights.get(key)
        if fresh or known is None or known[0] < now or known[1] != day:
            self.begin(caller.ledger)
            if fresh:
                self.models.catch_up(caller.ledger)
            found = rights_of(self.models, caller.ledger, caller.actor, day)
            known = self._rights[key] = now + SEEN_S, day, found
        return known[2]

    def later(self, work: Callable[[], object]) -> None:
        """Do something after the answer has been sent."""
        self._notes.append(with_fields(work))
        self._wakes.set()

    # -- read models ------------------------------------------------------------------------------

    def wrote(self) -> None:
        """Say that something was recorded, so that the read models catch up."""
        self._wakes.set()

    def reached(self, name: str) -> int:
        """The position that every read model of a ledger has reached."""
        return min((status.position for status in self.models.status(name)), default=0)

    def wait_for(self, name: str, position: int, seconds: float) -> bool:
        """Whether the read models reach a position in time; whoever waits for little folds it."""
        until = time.monotonic() + seconds
        if self.store.head(name).position - self.reached(name) <= LOOKED:
            self.models.catch_up(name)
        self.wrote()
        while (known := self.reached(name)) < position:
            left = until - time.monotonic()
            if left <= 0:
                return False
            with self._moved:
                self._moved.wait(min(left, 0.05))
        return known >= position

    def _project(self) -> None:
        while not self._closing:
            self._wakes.wait(PAUSE_S)
            self._wakes.clear()
            if not self.waiting and not self._closing:
                time.sleep(GATHER_S)
            for name in self.served():
                with about(ledger=name):
                    self._step(lambda name=name: self.models.catch_up(name))  # type: ignore[misc]
            if not self._closing:
                self._step(self._replace_useless)
                self._step(self._hourly)
            self._note()
            with self._moved:
                self._moved.notify_all()
        self._note()

    def _note(self) -> None:
        while self._notes:
            self._step(self._notes.popleft())

    def _step(self, work: Callable[[], object]) -> None:
        try:
            work()
        except LedgerError as error:  # it says itself what is wrong, at each attempt
            log.error("work after an answer failed: %s [%s, %s]", error, error.rule, error.code)
        except Exception:
            log.exception("work after an answer failed")
