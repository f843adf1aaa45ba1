"""What an operator asks of an installation: is the log sound, is everything in its place?"""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.messages import explain, tr
from api.output import progress
from ledger.errors import LedgerError
from ledger.log import merkle, sqlite
from ledger.log.store import Head, Store
from ledger.log.verify import Expectation, Problem, verify
from ledger.settings import Opened, Settings, masked, open_ledger, sqlite_path

Finding = dict[str, Any]


def expectation(head: Head) -> str:
    """POSITION:ROOT of a head, as `flask verify --expect` takes it."""
    return f"{head.position}:{merkle.root(merkle.unpack(head.frontier)).hex()}"


def verify_all(ledger: str, expected: list[Expectation]) -> dict[str, Any]:
    """Verify the log, and the read models against a rebuild where the log is sound.

    Shapes: {"ok", "events", "position", "root", "problems": [{"position", "what"}]}. It needs no
    keys, so that an auditor can run it who has none.
    """
    store = Settings.from_environment().open_store()
    try:
        with progress(tr("verify")) as step:
            report = verify(store, ledger, expected=expected, progress=step)
        problems = list(report.problems)
        if report.ok:
            problems += _read_model_problems(store, ledger)
        return {"ok": not problems, "events": report.events, "position": report.position,
                "root": report.root.hex(), "problems": [p._asdict() for p in problems]}
    finally:
        store.close()
