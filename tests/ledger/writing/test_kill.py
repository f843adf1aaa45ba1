"""kill -9 at a random byte of what was acknowledged: nothing acknowledged is lost, nothing is torn.

A failure tells its seed; KILL_SEED in the environment runs with it again.
"""

import os
import random
import signal
from collections import Counter

from ledger.log.verify import verify
from ledger.settings import Settings
from tests.conftest import durable
from tests.support import children
from tests.support.builders import stream
from tests.support.children import Child
from tests.support.soundness import must_be_sound

ROUNDS = 25
MAX_BYTES = 1_500
EVENTS_PER_ORDER = 4


def killed(settings: Settings, run: int, at: int) -> list[str]:
    """Kill a child when so many bytes are acknowledged. Returns the numbers of its orders."""
    child = Child(children.append_until_killed, settings, run)
    assert child.hear() == "ready"
    source, told = child.pipe.fileno(), b""
    while len(told) < at:
        more = os.read(source, at - len(told))
        assert more, "the child ended by itself"
        told += more
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)
    while more := os.read(source, 65536):
        told += more
    assert child.end() == -signal.SIGKILL
    return told.decode().rpartition("\n")[0].split("\n") if b"\n" in told else []


@durable
def test_kill__ignored_by_what_was_acknowledged(settings: Settings) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**9))
    chance = random.Random(seed)
    acknowledged: list[str] = []
    settings.open_store().close()
    for run in range(ROUNDS):
        at = chance.randrange(1, MAX_BYTES)
        where = f"seed {seed}, round {run}, byte {at}"
        acknowledged += killed(settings, run, at)
        store = settings.open_store()
        rows = must_be_sound(store)
        events = Counter(row.stream for row in rows)
        lost = [number for number in acknowledged if stream(number) not in events]
        assert not lost, f"{where}: lost {lost}"
        torn = {name: count for name, count in events.items() if count != EVENTS_PER_ORDER}
        assert not torn, f"{where}: torn {torn}"
        assert len({row.command_id for row in rows}) == len(events), where
        report = verify(store, "main")
        assert report.ok, f"{where}: {report.problems}"
        store.close()
    assert len(acknowledged) == len(set(acknowledged)) > ROUNDS
