"""The engine knows no noun."""

import subprocess
import sys

from tests.support import source

ENGINE = ("common", "log", "core", "writing")

ALONE = """
import sys
from ledger.core.postings import ACCOUNT_KINDS
from ledger.core import aggregate, clock, commands, event_types
from ledger.log import backup, postgres, recorder, sqlite, verify
from ledger.log.clock import Clock
from ledger.log.memory import MemoryStore
from ledger.log.persons import Keys
from ledger.writing import entries, errors, refusals, tasks, work
from ledger.writing.genesis import begun
from ledger.writing.writer import Writer
from tests.support.envelopes import CONTEXT
from tests.support.jars import HANDLERS, adding, opening

keys = Keys(sqlite.memory_engine(), bytes(32), named="memory", key_file=None)
store = MemoryStore(kinds=ACCOUNT_KINDS)
writer = Writer(store, begun(store, keys), Clock(), "main", handlers=HANDLERS,
                took=lambda _: None)
done = writer.run([(opening(owner="somebody"), CONTEXT), (adding(), CONTEXT)])
writer.close()
assert [task.result.positions for task in done] == [(2,), (3,)]
print(*sorted(name for name in sys.modules if name.partition(".")[0] == "ledger"))
"""
"""A whole ledger of jars, in a process of its own that imports nothing else."""


def test_engine__works_where_no_noun_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=source.ROOT, text=True, timeout=60,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[1] for name in done.stdout.split() if "." in name}
    assert set(ENGINE) <= loaded
    assert loaded - set(ENGINE) == {"handlers"}, "jars take the clock's handler along"
    assert "ledger.handlers.table" not in done.stdout.split()
