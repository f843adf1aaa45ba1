"""Long logs, made once by the bulk path and kept: to make them is not what is measured."""

import shutil
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from pathlib import Path

from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import LedgerError
from ledger.settings import Settings, open_ledger
from tests import source
from tests.bench.harness import FOLDER
from tests.bench.orders import CONTEXT, histories, plenty

_MADE_BY = (
    "tests/bench/logs.py", "tests/bench/orders.py", "ledger/aggregate.py", "ledger/fulfilment.py",
    "ledger/fulfilment_commands.py", "ledger/order_commands.py", "ledger/order_goods.py",
    "ledger/order_history.py", "ledger/orders.py", "ledger/stock.py", "ledger/stock_values.py",
    "ledger/log/envelope.py", "ledger/log/schema.py", "ledger/log/sqlite.py")
"""The code that decides what bytes such a log has."""

BATCH = 100


def log_of(events: int) -> Path:
    """The SQLite file of a log of whole orders with at least so many events behind those that
    stock 2,000 SKUs, sealed, hashed and in the tree like any other."""
    code = sha256(b"".join((source.ROOT / name).read_bytes() for name in _MADE_BY))
    folder = FOLDER / f"log-{events}-{code.hexdigest()[:12]}"
    if not folder.exists():
        for older in FOLDER.glob(f"log-{events}-*"):
            shutil.rmtree(older)
        _make(folder, events)
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


def _make(folder: Path, events: int) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="work-", dir=FOLDER))
    opened = open_ledger(settings_of(unfinished / "ledger.db"))
    record(opened.ledger, plenty())
    enough = opened.ledger.head().position + events
    told = histories()
    while opened.ledger.head().position < enough:
        record(opened.ledger, islice(told, BATCH))
    opened.close()
    try:
        unfinished.rename(folder)
    except OSError:  # another process has made the same meanwhile
        shutil.rmtree(unfinished)
