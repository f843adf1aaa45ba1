"""Rebuilding: all read models from nothing, against a scan, a decoder and bare inserts."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.sqlite import SqliteStore
from projections.catalogue import PROJECTIONS
from projections.store.models import BATCH, ReadModels
from tests.bench.floors import SQLITE, Tables, as_shipped, decode_payloads
from tests.bench.harness import FOLDER, Goal, Result, Scale, paired
from tests.bench.logs import log_of
from tests.support import source


@contextmanager
def read_models(log: Path) -> Iterator[tuple[ReadModels, Path]]:
    """The read models of a log in a folder of their own, with the folder."""
    with TemporaryDirectory(prefix="work-", dir=FOLDER) as folder:
        linked = Path(folder) / "ledger.db"
        linked.symlink_to(log)
        with closing(SqliteStore(linked, kinds=ACCOUNT_KINDS)) as store, \
                closing(ReadModels(store, PROJECTIONS)) as made:
            yield made, Path(folder)


def read_database(folder: Path) -> Path:
    """The file of the read database that counts."""
    return folder / f"ledger.read.{(folder / 'ledger.read').read_text().strip()}.db"


def timed(events: int, work: Callable[[], object]) -> float:
    """Events a second of some work over all of them."""
    begun = time.perf_counter()
    work()
    return events / (time.perf_counter() - begun)


def write_raw(log: Path, tables: Tables, file: Path, events: int) -> None:
    """Scan and decode a log, and put a share of the read models' rows beside each batch."""
    shares = -(-events // BATCH)
    with as_shipped(), closing(tables.make(file)) as connection:
        for share, _ in enumerate(decode_payloads(log, BATCH)):
            tables.write(connection, share, shares)
    for left in file.parent.glob(f"{file.name}*"):
        left.unlink()


def rebuild(scale: Scale) -> Result:
    """Events a second; beside it the ratio to the scan and decoding alone."""
    log = log_of(scale.events)
    with read_models(log) as (models, folder):
        models.rebuild("main")
        events = models.store.head("main").position
        tables = Tables(read_database(folder))
        raw = folder / "raw.db"
        floor, found = paired(
            scale.rounds,
            lambda: timed(events, lambda: write_raw(log, tables, raw, events)),
            ours=lambda: timed(events, lambda: models.rebuild("main")),
            scan=lambda: timed(events, lambda: sum(decode_payloads(log, BATCH))))
        assert not any(status.error for status in models.status("main"))
    ours, scanned = found["ours"], found["scan"]
    return Result(
        name="rebuild", unit="/s", ours=ours.rate, floor=floor, ratio=ours.ratio,
        goal=Goal("≥", 0.7),
        beside={"rebuild_of_scan": ours.ratio / scanned.ratio, "goal_of_scan": "≥0.15",
                "scan": scanned.rate, "rows": float(tables.count())},
        how={"engine": SQLITE, "events": events, "batch": BATCH, "rounds": scale.rounds,
             "projections": [projection.name for projection in PROJECTIONS],
             "floor": "scan, msgspec decode, executemany of the same rows in key order"})


def rebuild_memory(scale: Scale) -> Result:
    """Peak memory of a rebuild in a fresh process; the floor is a tenth of the events."""
    small, big = (_peak(log_of(events)) for events in scale.memory_events)
    return Result(
        name="rebuild_memory", unit="MB", ours=big, floor=small, ratio=big / small,
        goal=Goal("≤", 1.05),
        how={"engine": SQLITE, "events": scale.memory_events[1],
             "floor_events": scale.memory_events[0], "batch": BATCH})


def _peak(log: Path) -> float:
    """Peak resident memory of a process that rebuilds the read models of a log, in MB."""
    told = subprocess.run([sys.executable, "-m", "tests.bench.rebuilding", str(log)],
                          cwd=source.ROOT, capture_output=True, text=True, check=True)
    kib = re.fullmatch(r"peak (\d+) KiB", told.stdout.strip())
    assert kib is not None, told.stdout
    return int(kib[1]) / 1024


def main() -> None:
    """Rebuild the read models of the log that is named, and tell the peak of this process."""
    import wsgi  # noqa: F401 - as it is served

    with read_models(Path(sys.argv[1])) as (models, _):
        models.rebuild("main")
    print(f"peak {_own_peak()} KiB")


def _own_peak() -> int:
    """In KiB. Linux counts into a process's `ru_maxrss` what its parent held when it was begun, so
    there it is read from elsewhere."""
    import resource

    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
