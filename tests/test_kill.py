"""kill -9 at a random byte of what was acknowledged: nothing acknowledged is lost, nothing is torn.

A failing run prints its seed; LEDGER_TEST_SEED runs it again.
"""

import os

from ledger.settings import Settings
from tests import children
from tests.children import Child

ROUNDS = 25
EVENTS_PER_ORDER = 4


def killed(settings: Settings, run: int, at: int) -> set[str]:
    """Let a child append until `at` bytes are acknowledged, kill it. Returns the numbers."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = Child(children.append_until_killed, settings, _Descriptor(writing), run)
    os.close(writing)
    raise NotImplementedError
