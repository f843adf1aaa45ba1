"""Starting: the processor's time that a command takes before and while it does something small."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ledger.settings import open_ledger
from tests.bench.floors import SQLITE
from tests.bench.harness import Goal, Result, Scale, paired, workplace
from tests.bench.logs import settings_of
from tests.support import source
from tests.support.builders import CONTEXT, place

ORDERS = 100
MOST_MS = 400
HELP = ("report", "--help")
REPORT = ("report", "orders", "--json")


def cli_start(scale: Scale) -> Result:
    """Milliseconds of `ledger report --help`, user and system; the floor is Python that does
    nothing. Beside it the same through `flask`, and a report of a ledger of 100 orders."""
    with workplace() as folder:
        settings = settings_of(folder / "ledger.db")
        opened = open_ledger(settings)
        for number in range(ORDERS):
            opened.ledger.handle(place(number), CONTEXT)
        opened.close()
        environment = {**os.environ, "LEDGER_DATABASE_URL": settings.database_url,
                       "LEDGER_KEYS_URL": settings.keys_url, "LC_ALL": "C.UTF-8"}

        def spent(*command: str) -> float:
            return _spent(folder, environment, *command)

        spent("-m", "api.cli", *REPORT)  # the read models catch up, and bytecode is written
        spent("-m", "flask", *HELP)
        floor, found = paired(
            scale.rounds, lambda: spent("-c", "pass"), ours=lambda: spent("-m", "api.cli", *HELP),
            flask=lambda: spent("-m", "flask", *HELP),
            report=lambda: spent("-m", "api.cli", *REPORT))
    return Result(
        name="cli_start", unit="ms", ours=found["ours"].rate, floor=floor,
        ratio=found["ours"].ratio, goal=Goal("≤", 15), most=MOST_MS,
        beside={"flask": found["flask"].rate, "report": found["report"].rate},
        how={"engine": SQLITE, "rounds": scale.rounds, "orders": ORDERS,
             "ours": f"ledger {' '.join(HELP)}", "flask": f"flask {' '.join(HELP)}",
             "report": f"ledger {' '.join(REPORT)}", "floor": "python -c pass"})


def _spent(folder: Path, environment: Mapping[str, str], *command: str) -> float:
    """Milliseconds of the processor that a child of its own takes, user and system."""
    settings = {"PYTHONPATH": str(source.ROOT), "FLASK_APP": str(source.ROOT / "wsgi.py")}
    child = subprocess.Popen([sys.executable, *command], cwd=folder,
                             env={**environment, **settings}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, command
    return (usage.ru_utime + usage.ru_stime) * 1000
