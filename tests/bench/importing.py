"""Importing: real order files in, checked, decided, recorded and projected."""

import csv
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from ledger.application import Ledger
from ledger.imports import profiles
from ledger.imports.importer import REJECT_FAILED_ROWS, run_import
from ledger.settings import open_ledger
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.bench.floors import SQLITE, Tables, as_shipped, bytes_of, connect, scan
from tests.bench.harness import Goal, Result, Scale, paired, workplace
from tests.bench.logs import settings_of
from tests.bench.orders import CONTEXT
from tests.bench.rebuilding import read_database
from tests.support.real import DATA, TMALL

RETAIL, RETAIL_PROFILE = DATA / "uci-online-retail_2010-12_2011-09.by-day.tar.gz", "online-retail"

HEADER = ("订单编号", "总金额", "买家实际支付金额", "收货地址 ", "订单创建时间", "订单付款时间 ",
          "退款金额")
TRANSACTION = 1_500
"""Rows that the floor commits at once; about what 500 orders of such a file record."""


class Told(NamedTuple):
    """Files to import, the profile that reads them, and where they are from."""

    files: list[Path]
    profile: str
    origin: str


def import_retail(scale: Scale) -> Result:
    """Events a second of a wholesaler's sales, day by day; without them, of invented orders."""
    there = RETAIL.exists() and RETAIL_PROFILE in profiles.available()
    return _import("import", _retail if there else _made, scale)


def import_orders(scale: Scale) -> Result:
    """Events a second of a shop's order report; without it, of invented orders."""
    return _import("import_orders", _report if TMALL.exists() else _made, scale)


def _import(name: str, find: Callable[[Path, int], Told], scale: Scale) -> Result:
    """The floor is `executemany` of the same bytes and of as many rows as the read models have."""
    with workplace() as folder:
        told = find(folder, scale.rows)
        tries = iter(range(1_000))
        warm = _imported(told, folder / "warm")
        log, tables = folder / "warm" / "ledger.db", Tables(read_database(folder / "warm"))
        bodies = [body for rows in scan(log, 10_000) for body in bytes_of(rows)]

        def floor() -> float:
            target = folder / f"floor-{next(tries)}"
            target.mkdir()
            with as_shipped():
                begun = time.perf_counter()
                _write_raw(target, bodies, tables)
                return len(bodies) / (time.perf_counter() - begun)

        def ours() -> float:
            return len(bodies) / _imported(told, folder / f"ours-{next(tries)}").seconds

        fastest, found = paired(scale.rounds, floor, ours=ours)
    return Result(
        name=name, unit="/s", ours=found["ours"].rate, floor=fastest,
        ratio=found["ours"].ratio, goal=Goal("≥", 0.2),
        beside={"projecting": warm.projecting / warm.seconds, "file": told.origin},
        how={"engine": SQLITE, "profile": told.profile, "rows": warm.rows, "events": len(bodies),
             "read_rows": tables.count(), "synchronous": "FULL", "rounds": scale.rounds,
             "floor": f"executemany, {TRANSACTION} rows a transaction"})


class _Took(NamedTuple):
    """How long an import took, its last part, the projections, and how many rows it read."""

    seconds: float
    projecting: float
    rows: int


def _imported(told: Told, folder: Path) -> _Took:
    """Import files into a ledger of its own."""
    folder.mkdir()
    opened = open_ledger(settings_of(folder / "ledger.db"))
    try:
        with closing(ReadModels(opened.store, PROJECTIONS)) as models:
            begun = time.perf_counter()
            rows = _run(opened.ledger, told, folder)
            recorded = time.perf_counter()
            models.catch_up("main")
            done = time.perf_counter()
        return _Took(done - begun, done - recorded, rows)
    finally:
        opened.close()


def _run(ledger: Ledger, told: Told, folder: Path) -> int:
    with run_import(ledger, told.files, profiles.find(told.profile), context=CONTEXT,
                    staging_dir=folder, policy=REJECT_FAILED_ROWS) as summary:
        assert summary.accepted, summary.message
        return summary.rows


def _write_raw(folder: Path, bodies: list[bytes], tables: Tables) -> None:
    with closing(connect(folder / "events.db")) as connection:
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        for start in range(0, len(bodies), TRANSACTION):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO rows (body) VALUES (?)",
                                   [(body,) for body in bodies[start : start + TRANSACTION]])
            connection.execute("COMMIT")
    shares = -(-len(bodies) // 20_000)
    with closing(tables.make(folder / "read.db")) as connection:
        for share in range(shares):
            tables.write(connection, share, shares)


def _retail(folder: Path, rows: int) -> Told:
    """The first days of the real sales, until these are enough rows."""
    files: list[Path] = []
    with tarfile.open(RETAIL) as days:
        for day in sorted(days.getnames()):
            if rows <= 0:
                break
            found = days.extractfile(day)
            assert found is not None
            text = found.read()
            files.append(folder / Path(day).name)
            files[-1].write_bytes(text)
            rows -= text.count(b"\n") - 1
    return Told(files, RETAIL_PROFILE, "retail")


def _report(folder: Path, rows: int) -> Told:
    """The first rows of the real report."""
    file = folder / "orders.csv"
    with (TMALL.open(encoding="utf-8", newline="") as lines,
          file.open("w", encoding="utf-8", newline="") as written):
        written.writelines(islice(lines, rows + 1))
    return Told([file], "tmall-report", "report")


def _made(folder: Path, rows: int) -> Told:
    file = folder / "orders.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(HEADER)
        writer.writerows(islice(_invented(), rows))
    return Told([file], "tmall-report", "made")


def _invented() -> Iterator[tuple[str, ...]]:
    """Rows like those of a shop's order report: a seventh never paid, a fifth refunded."""
    random = Random(20200201)
    at = datetime(2020, 2, 1)  # noqa: DTZ001 - a file's time has the zone of its profile
    for number in range(1, 1_000_000):
        at += timedelta(seconds=random.randint(5, 170))
        total = random.randint(900, 40_000)
        paid = random.random() < 0.86
        refund = random.choice((total, total // 2)) if paid and random.random() < 0.2 else 0
        net = total - refund if paid else 0
        yield (str(number), f"{total / 100:.2f}", f"{net / 100:.2f}", "浙江省", str(at),
               str(at + timedelta(seconds=random.randint(3, 900))) if paid else "",
               f"{refund / 100:.2f}")
