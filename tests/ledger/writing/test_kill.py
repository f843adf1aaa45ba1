"""kill -9 at a random byte of what was acknowledged: nothing acknowledged is lost, nothing is torn.

A failure names its seed; KILL_SEED in the environment runs with it again.
"""

import os
import random
import signal
from collections import Counter

from ledger.log.verify import verify
from ledger.settings import Settings
from tests.conftest import durable
from tests.support import children
from tests.support.children import Child
from tests.support.jars import name_of
from tests.support.soundness import must_be_sound
from tests.support.thorough import tried

ROUNDS = tried(25)
MAX_BYTES = 1_500
EVENTS_PER_JAR = 4


def killed(settings: Settings, run: int, at: int) -> list[str]:
    """Kill a child when so many bytes are acknowledged. Returns the numbers of its jars."""
    child = Child(children.append_until_killed, settings, run)
    assert child.hear() == "ready"
    source, said = child.pipe.fileno(), b""
    while len(said) < at:
        more = os.read(source, at - len(said))
        assert more, "the child ended by itself"
        said += more
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)
    while more := os.read(source, 65536):
        said += more
    assert child.end() == -signal.SIGKILL
    return said.decode().rpartition("\n")[0].split("\n") if b"\n" in said else []


@durable
def test_kill__ignored_by_what_was_acknowledged(settings: Settings) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**9))
    randomness = random.Random(seed)
    acknowledged: list[str] = []
    settings.open_store().close()
    for run in range(ROUNDS):
        at = randomness.randrange(1, MAX_BYTES)
        where = f"seed {seed}, round {run}, byte {at}"
        acknowledged += killed(settings, run, at)
        store = settings.open_store()
        rows = must_be_sound(store)
        events = Counter(row.stream for row in rows)
        lost = [number for number in acknowledged if name_of(number) not in events]
        assert not lost, f"{where}: lost {lost}"
        torn = {name: count for name, count in events.items() if count != EVENTS_PER_JAR}
        assert not torn, f"{where}: torn {torn}"
        assert len({row.command_id for row in rows}) == len(events), where
        report = verify(store, "main")
        assert report.ok, f"{where}: {report.problems}"
        store.close()
    assert len(acknowledged) == len(set(acknowledged)) > ROUNDS
