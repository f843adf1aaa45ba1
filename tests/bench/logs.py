"""Long logs, made once by the bulk path and kept: to make them is not what is measured."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.settings import Settings, open_ledger
from tests.bench.harness import FOLDER
from tests.bench.members import Staff
from tests.bench.orders import CONTEXT, histories, plenty
from tests.support import source

_MADE_BY = (
    "tests/bench/logs.py", "tests/bench/orders.py", "ledger/core", "ledger/log", "ledger/stock",
    "ledger/orders", "ledger/fulfilment", "ledger/handlers")
"""The code that decides what bytes a log of orders has: files and packages."""

_SCORES_MADE_BY = (
    "tests/bench/logs.py", "tests/bench/members.py", "ledger/core", "ledger/log", "ledger/people",
    "ledger/policies", "ledger/scores", "ledger/deductions", "ledger/handlers")
"""The code that decides what bytes a log of scores has: files and packages."""

BATCH, STEPS = 100, 1_000


def log_of(events: int) -> Path:
    """The SQLite file of a log of whole orders with at least so many events behind those that
    stock 2,000 SKUs, sealed, hashed and in the tree like any other."""
    return _kept(f"log-{events}", _MADE_BY, lambda ledger: _sell(ledger, events))


def scores_of(staff: Staff) -> Path:
    """The SQLite file of a log of members who are charged, graded and scored."""
    return _kept(f"scores-{staff.members}x{staff.months}", _SCORES_MADE_BY,
                 lambda ledger: _score(ledger, staff))


def _kept(name: str, made_by: Iterable[str], make: Callable[[Ledger], None]) -> Path:
    files = [path for one in made_by
             for path in (source.python_files(one) or [source.ROOT / one])]
    code = sha256(b"".join(path.read_bytes() for path in files))
    folder = FOLDER / f"{name}-{code.hexdigest()[:12]}"
    if not folder.exists():
        for older in FOLDER.glob(f"{name}-*"):
            shutil.rmtree(older)
        _make(folder, make)
    return folder / "ledger.db"


def settings_of(file: Path) -> Settings:
    """The settings that open such a log."""
    return Settings(database_url=f"sqlite:///{file}", keys_url=f"sqlite:///{file.parent}/keys.db",
                    master_key_file=file.parent / "master.key")


def record(ledger: Ledger, commands: Iterable[Command]) -> None:
    """Record commands in bulk. Errors: the first refusal."""
    for result in ledger.handle_many([(command, CONTEXT) for command in commands]):
        if isinstance(result, LedgerError):
            raise result


def _sell(ledger: Ledger, events: int) -> None:
    record(ledger, plenty())
    enough = ledger.head().position + events
    told = histories()
    while ledger.head().position < enough:
        record(ledger, islice(told, BATCH))


def _score(ledger: Ledger, staff: Staff) -> None:
    for steps in (staff.opening(), staff.steps()):
        while batch := list(islice(steps, STEPS)):
            for result in ledger.handle_many([
                    (command, replace(CONTEXT, actor=actor)) for actor, command in batch]):
                if isinstance(result, LedgerError):
                    raise result


def _make(folder: Path, make: Callable[[Ledger], None]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="work-", dir=FOLDER))
    opened = open_ledger(settings_of(unfinished / "ledger.db"))
    make(opened.ledger)
    opened.close()
    try:
        unfinished.rename(folder)
    except OSError:  # another process has made the same meanwhile
        shutil.rmtree(unfinished)
