"""Measures how fast the ledger is, each figure beside a floor of its own in the same minutes
(docs/performance.md), and keeps what was found in var/bench/results.json. Each takes a minute or
two; the first run makes the logs that it measures on, up to 3 GB."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime

import wsgi  # noqa: F401 - what is measured runs as it is served, with the collector set
from tests.bench.append import append_postgres, append_sqlite, beside_peers
from tests.bench.explaining import explain
from tests.bench.harness import FOLDER, QUICK, Result, Scale, environment
from tests.bench.hot import hot_sku
from tests.bench.http import http_orders, http_past, http_reads
from tests.bench.importing import import_orders, import_retail
from tests.bench.page import page
from tests.bench.past import as_of, backdated
from tests.bench.rebuilding import rebuild, rebuild_memory
from tests.bench.starting import cli_start
from tests.bench.verification import verify

BENCHMARKS: dict[str, Callable[[Scale], Result]] = {
    "append_sqlite": append_sqlite,
    "append_postgres": append_postgres,
    "hot_sku": hot_sku,
    "import": import_retail,
    "import_orders": import_orders,
    "rebuild": rebuild,
    "rebuild_memory": rebuild_memory,
    "as_of": as_of,
    "backdated": backdated,
    "explain": explain,
    "http_orders": http_orders,
    "http_reads": http_reads,
    "http_past": http_past,
    "page": page,
    "verify": verify,
    "cli_start": cli_start,
    "peers": beside_peers,
}
RESULTS = FOLDER / "results.json"


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, by default all."""
    each = (f"{name}: {' '.join((made.__doc__ or '').partition('.')[0].split())}"
            for name, made in BENCHMARKS.items())
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="which, by default all:\n" + "\n".join(each))
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true",
                       help="toy sizes, whose figures mean nothing: does it run at all?")
    sizes.add_argument("--rounds", type=int, choices=range(1, 100), metavar="N",
                       help="rounds of each (default 5)")
    parser.add_argument("--events", type=int, help="size of the log that is rebuilt and verified "
                                                   f"(default {Scale.events})")
    told = parser.parse_args(arguments)
    if told.events is not None and (told.quick or told.events < 1_000):
        parser.error("--events is at least 1000, and not for --quick")
    if unknown := [name for name in told.names if name not in BENCHMARKS]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    scale = QUICK if told.quick else Scale(rounds=told.rounds or Scale.rounds,
                                           events=told.events or Scale.events)
    for name in told.names or BENCHMARKS:
        result = BENCHMARKS[name](scale)
        if told.quick:
            print(result, flush=True)
            continue
        print(result, "reached" if result.is_reached else "MISSED", flush=True)
        keep(result)
    return 0


def keep(result: Result) -> None:
    """Write a result beside those of the benchmarks that did not run this time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    known[result.name] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **result.told(),
                          "environment": environment()}
    RESULTS.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
