"""Processes trade while they are killed, clocks are set, disks fill and databases break.

After Jepsen. What was acknowledged is recorded once; what was answered as not recorded is not; the
log is gapless, its times rise from commit to commit, closed answers stay as they were, also in a
copy; verify finds nothing, and read models are what a rebuild makes. A failure names its seed;
JEPSEN_SEED runs the same faults again, and JEPSEN_SECONDS says for how long.
"""

import os
import random
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from ledger.common.errors import LedgerError
from ledger.common.values import from_us, rfc3339
from ledger.core.accounts import touch_of
from ledger.log.backup import backup_log, restore_log
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.log.verify import verify
from ledger.settings import Opened, Settings, open_ledger, sqlite_path
from ledger.stock.places import RESERVED, stock_of
from projections.asking.clocks import AsOf
from projections.asking.questions import Answer, Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support import jepsen
from tests.support.builders import CONTEXT, HOUSE, context, opened, received
from tests.support.children import SPAWN, Child
from tests.support.jepsen import (
    EVENTS,
    FAILED,
    PIECES,
    RECORDED,
    REFUSED,
    SKUS,
    UNKNOWN,
    Attempt,
    Clocks,
)
from tests.support.postgres_server import Server
from tests.support.soundness import must_be_sound
from tests.support.thorough import THOROUGH
from tests.support.waiting import eventually, in_thread

SECONDS = float(os.environ.get("JEPSEN_SECONDS") or (300 if THOROUGH else 20))
PROCESSES = 2
SECOND_US = 1_000_000
RECOVERY_S = 1.0
"""How long all trade undisturbed at the end."""
ASKED = ("orders", "inventory")
SPACE = 32 * 1024
"""How many bytes more fit on the full disk."""


class Heard(NamedTuple):
    """A closed answer: what was asked, and what was answered then."""

    report: str
    at_us: int
    rows: list[dict[str, Any]]


class World:
    """One run: the database, the processes, the clock, and what was heard meanwhile."""

    def __init__(self, settings: Settings, folder: Path, seed: int) -> None:
        self.settings = settings
        self.folder = folder
        self.chance = random.Random(seed)
        self.clocks = Clocks(SPAWN)
        self.children: dict[str, Child] = {}
        self.started = 0
        self.opened = open_ledger(settings, clock=self.clocks.clock())
        self.models = ReadModels(self.opened.store, PROJECTIONS)
        self.heard: list[Heard] = []
        self.faults: Counter[str] = Counter()
        self.copies: list[Path] = []

    def __enter__(self) -> "World":
        self.opened.ledger.handle(opened(), CONTEXT)
        for sku in SKUS:
            self.opened.ledger.handle(received(sku, PIECES), CONTEXT)
        for _ in range(PROCESSES):
            self.start()
        for child in self.children.values():
            assert child.hear() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children.values():
            child.process.kill()
        self.models.close()
        self.opened.close()

    def start(self) -> None:
        """Start one more process."""
        name = f"p{self.started}"
        self.started += 1
        self.children[name] = Child(
            jepsen.trade, self.settings, self.clocks, self.folder, name, "shared")

    def victim(self) -> Child:
        """One of the processes."""
        return self.children[self.chance.choice(sorted(self.children))]

    # -- what goes wrong --------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill a process, and start another in its place."""
        name = self.chance.choice(sorted(self.children))
        child = self.children.pop(name)
        child.process.kill()
        assert child.end() == -signal.SIGKILL, f"{name} had ended by itself"
        self.start()

    def step_back(self) -> None:
        """The clock is set back by 4 s, for a while."""
        self._set_clock(-4)

    def leap(self) -> None:
        """The clock leaps ahead, which is suspect, and is put right."""
        self._set_clock(200)

    def _set_clock(self, seconds: int) -> None:
        self.clocks.offset.value = seconds * SECOND_US
        time.sleep(self.chance.uniform(0.1, 0.4))
        self.clocks.offset.value = 0

    def stand(self) -> None:
        """The clock stands for a while."""
        self.clocks.frozen.value = self.clocks.wall()
        time.sleep(self.chance.uniform(0.1, 0.4))
        self.clocks.frozen.value = 0

    def fill_disk(self) -> None:
        """For one process the disk is full but for a few pages."""
        path = sqlite_path(self.settings.database_url)
        assert path is not None
        size = max(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
        pid = self.victim().process.pid
        assert pid is not None
        endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + SPACE, resource.RLIM_INFINITY))
        time.sleep(self.chance.uniform(0.2, 0.6))
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, endless)

    def copy(self) -> None:
        """Take a backup while all trade."""
        path = self.folder / f"{len(self.copies)}.gz"
        backup_log(self.opened.store, "main", path)
        self.copies.append(path)

    # -- beside it --------------------------------------------------------------------------------

    def listen(self, ended: threading.Event) -> None:
        """Ask as of now until the end, and keep what is closed."""
        while not ended.is_set():
            for report in ASKED:
                at_us = self.clocks.wall()
                with suppress(LedgerError):  # the database is down: no answer
                    answer = asked(self.models, report, at_us)
                    if not answer.as_of["open"]:
                        self.heard.append(Heard(report, at_us, answer.rows))
            time.sleep(0.2)

    def run(self, faults: Sequence[Callable[[], None]]) -> None:
        """Let all trade beside a listener while one thing after the other goes wrong."""
        ended = threading.Event()
        listener = in_thread(lambda: self.listen(ended))
        self._disturb(faults)
        eventually(self._is_up, timeout_s=60)
        self.accept_clock(leapt=True)
        time.sleep(RECOVERY_S)
        self._end()
        ended.set()
        listener.join()

    def _is_up(self) -> bool:
        """Whether the database answers."""
        with suppress(LedgerError):
            return self.opened.store.head("main").position > 0
        return False

    def _disturb(self, faults: Sequence[Callable[[], None]]) -> None:
        until = time.monotonic() + SECONDS
        waiting: list[Callable[[], None]] = []
        while time.monotonic() < until:
            if not waiting:
                waiting = [*faults]
                self.chance.shuffle(waiting)
            fault = waiting.pop()
            with suppress(LedgerError, psycopg.OperationalError):
                fault()
                self.faults[fault.__name__] += 1
            time.sleep(self.chance.uniform(0.1, 0.6))
            self.accept_clock(fault == self.leap)

    def accept_clock(self, leapt: bool) -> None:
        """An admin accepts the clock once it is right again: a process that started in a leap takes
        the right time for a leap, and may have recorded ahead."""
        with suppress(LedgerError):
            head = self.opened.store.head("main")
            if leapt or head.recorded_at > self.clocks.wall() + 4 * SECOND_US:
                self.opened.ledger.accept_clock("it leapt", CONTEXT)
                self.faults["accepted"] += 1

    def _end(self) -> None:
        """Let the processes end what they are at."""
        for child in self.children.values():
            child.say("end")
        for name, child in self.children.items():
            while child.hear(120) != "done":
                pass
            assert child.end() == 0, name


def asked(models: ReadModels, report: str, at_us: int) -> Answer:
    """What a report answers as the ledger knew it at a time."""
    return run(models, "main", report, Question(
        as_of=AsOf.parse(recorded_as_of=rfc3339(from_us(at_us)))))


# -- what must hold -------------------------------------------------------------------------------


def must_tell_the_truth(found: list[Attempt], entries: list[Entry]) -> None:
    """Acknowledged: recorded once, there. Refused or failed: not recorded, neither by this attempt
    nor by one before it. Unknown: all or none."""
    recorded: dict[str, list[Entry]] = {}
    for entry in entries:
        recorded.setdefault(str(UUID(bytes=entry.command_id)), []).append(entry)
    for id_, tries in jepsen.by_id(found).items():
        held = recorded.get(id_, [])
        acknowledged = [one for one in tries if one.outcome == RECORDED]
        if held:
            assert len(held) == EVENTS[tries[0].kind], (tries, held)
        for one in acknowledged:
            assert one.positions == tuple(entry.position for entry in held), (one, held)
        assert sum(not one.replayed for one in acknowledged) <= 1, tries
        bodies = {one.body for one in acknowledged}
        assert len(bodies) <= 1, tries
        if all(one.outcome != UNKNOWN for one in tries):
            # Each attempt knows what it did: one recorded it and said so, or none did. One that
            # was replayed may have recorded it itself, when its first COMMIT was not answered.
            assert not held or any(not one.replayed or one.seen < held[0].position
                                   for one in acknowledged), tries
        if len({one.by for one in tries}) == 1 and tries[-1].outcome in (REFUSED, FAILED):
            assert not held or tries[-1].code == "command_reused", tries
        for one in tries:
            if one.code == "command_reused":
                assert held, tries
                assert one.body not in bodies, tries


def must_rise(found: list[Attempt], entries: list[Entry]) -> None:
    """Times rise from commit to commit, as far as receipts say where a commit ended."""
    at = {entry.position: entry.recorded_at for entry in entries}
    assert [*at.values()] == sorted(at.values())
    ends = {one.head for one in found if one.outcome == RECORDED and not one.replayed}
    for end in ends:
        assert end + 1 not in at or at[end] < at[end + 1], end
    commands: dict[bytes, set[int]] = {}
    for entry in entries:
        commands.setdefault(entry.command_id, set()).add(entry.recorded_at)
    assert all(len(stamps) == 1 for stamps in commands.values())


def must_not_oversell(entries: list[Entry]) -> None:
    """No more is sold than there was; on a busy machine less may have been asked for."""
    came: Counter[str] = Counter()
    reserved: Counter[str] = Counter()
    for posting in (one for entry in entries for one in touch_of(entry).postings):
        came[posting.account] += posting.quantity * (posting.cause == "receipt")
        reserved[posting.account] += posting.quantity * (posting.target == RESERVED)
    assert set(came) == {stock_of(HOUSE, sku) for sku in SKUS}
    assert all(reserved[name] <= pieces for name, pieces in came.items()), (came, reserved)


def must_stand(heard: list[Heard], store: Store, upto_us: int) -> int:
    """Closed answers are what they were. Returns how many lie in what the store holds."""
    held = [one for one in heard if one.at_us <= upto_us]
    models = ReadModels(store, PROJECTIONS)
    models.catch_up("main")
    for one in held:
        assert asked(models, one.report, one.at_us).rows == one.rows, (one.report, one.at_us)
    assert models.compare_with_rebuild("main") == []
    models.close()
    return len(held)


def must_repeat(world: World, found: list[Attempt], path: Path, folder: Path) -> None:
    """A copy is restored elsewhere: what it holds is answered as before, the rest is new again."""
    elsewhere = Settings(
        database_url=f"sqlite:///{folder}/copy.db", keys_url=world.settings.keys_url,
        master_key_file=world.settings.master_key_file)
    store = elsewhere.open_store()
    head = restore_log(store, path)["main"]
    assert verify(store, "main").ok
    must_stand(world.heard, store, head.recorded_at)
    store.close()
    copy: Opened = open_ledger(elsewhere)
    acknowledged = {one.id: one for one in found if one.outcome == RECORDED}
    for one in world.chance.sample([*acknowledged.values()], min(20, len(acknowledged))):
        told = context(command_id=UUID(one.id), by_client=True)
        with suppress(LedgerError):
            receipt = copy.ledger.handle(jepsen.command_of(one.kind, one.body), told)
            if receipt.replayed:
                assert receipt.positions == one.positions
            else:
                assert receipt.positions[0] > head.position
    copy.close()


# -- the runs -------------------------------------------------------------------------------------


def hold_against_the_log(world: World, folder: Path, seed: int) -> None:
    """All that must hold after a run."""
    found = list(jepsen.attempts(world.folder))
    outcomes = Counter(one.outcome for one in found)
    where = f"seed {seed}, {dict(world.faults)}, {dict(outcomes)}"
    print(where)
    store = world.opened.store
    entries = must_be_sound(store)
    assert outcomes[RECORDED] > 20 * SECONDS / 10, where
    assert outcomes[REFUSED], where
    assert len(world.heard) > 3, where
    must_tell_the_truth(found, entries)
    must_rise(found, entries)
    must_not_oversell(entries)
    report = verify(store, "main")
    assert report.ok, (where, report.problems)
    assert must_stand(world.heard, store, store.head("main").recorded_at) == len(world.heard)
    for number, path in enumerate(world.copies[:: max(len(world.copies) // 2, 1)]):
        place = folder / f"copy{number}"
        place.mkdir()
        must_repeat(world, found, path, place)
    assert outcomes[UNKNOWN] or not world.faults["kill"], where


def seed_of_run() -> int:
    """The seed of this run."""
    return int(os.environ.get("JEPSEN_SEED") or random.randrange(10**9))


def test_jepsen__sqlite(tmp_path: Path) -> None:
    seed, folder = seed_of_run(), tmp_path / "run"
    folder.mkdir()
    settings = Settings(
        database_url=f"sqlite:///{folder}/ledger.db", keys_url=f"sqlite:///{folder}/keys.db",
        master_key_file=folder / "master.key")
    with World(settings, folder, seed) as world:
        world.run([world.kill, world.step_back, world.leap, world.stand, world.fill_disk,
                   world.copy])
        hold_against_the_log(world, tmp_path, seed)


def test_jepsen__postgres(tmp_path: Path) -> None:
    seed, folder, server = seed_of_run(), tmp_path / "run", Server(durable=True)
    folder.mkdir()
    name = server.make_database()
    master = folder / "master.key"
    master.touch(0o600)
    master.write_bytes(bytes(range(32)))
    settings = Settings(
        database_url=server.url(name), admin_url=server.url(name, "postgres"),
        keys_url=f"sqlite:///{folder}/keys.db", master_key_file=master)

    def terminate() -> None:
        """All connections are terminated."""
        backends(server, name, "SELECT pg_terminate_backend(pid)")

    def crash() -> None:
        """A process of the server dies while it commits, and the server recovers: what was
        written is there, though nobody was answered, and a new attempt finds the server down."""
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            for pid in backends(server, name, "SELECT pid", "wait_event ILIKE 'walsync'")[:1]:
                os.kill(pid, signal.SIGKILL)
                return

    with World(settings, folder, seed) as world:
        world.run([world.kill, world.step_back, world.leap, world.stand, terminate, crash,
                   terminate, world.copy])
        hold_against_the_log(world, tmp_path, seed)
    server.stop()


def backends(server: Server, database: str, what: str, which: str = "true") -> list[Any]:
    """The answer to a question about each connection of the application to a database."""
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        return [row[0] for row in connection.execute(
            f"{what} FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
            f" AND {which}", [database])]
