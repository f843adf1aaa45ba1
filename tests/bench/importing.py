"""Importing: a real order file in, checked, decided, recorded and projected."""

import csv
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from ledger.application import Ledger
from ledger.importing import profiles
from ledger.importing.importer import run_import
from ledger.settings import Settings, open_ledger
from projections.catalogue import PROJECTIONS
from projections.engine import ReadModels
from tests.bench.floors import SQLITE, Tables, as_shipped, bytes_of, connect, scan
from tests.bench.harness import Goal, Result, Scale, paired, workplace
from tests.bench.orders import CONTEXT
from tests.bench.rebuilding import read_database
from tests.real import TMALL

HEADER = ("订单编号", "总金额", "买家实际支付金额", "收货地址 ", "订单创建时间", "订单付款时间 ",
          "退款金额")
TRANSACTION = 1_500
"""Rows that the floor commits at once; about what 500 orders of such a file record."""


def import_file(scale: Scale) -> Result:
    """Events a second; the floor is `executemany` of the same bytes and of as many rows."""
    with workplace() as folder:
        file, real = _orders(folder, scale.rows)
        tries = iter(range(1_000))
        warm = _imported(file, folder / "warm")
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
            return len(bodies) / _imported(file, folder / f"ours-{next(tries)}").seconds

        fastest, found = paired(scale.rounds, floor, ours=ours)
    return Result(
        name="import", unit="/s", ours=found["ours"].rate, floor=fastest,
        ratio=found["ours"].ratio, goal=Goal("≥", 0.2),
        beside={"projecting": warm.projecting / warm.seconds},
        how={"engine": SQLITE, "file": "real" if real else "made", "rows": scale.rows,
             "events": len(bodies), "read_rows": tables.count(), "synchronous": "FULL",
             "floor": f"executemany, {TRANSACTION} rows a transaction", "rounds": scale.rounds})


class _Took(NamedTuple):
    """How long an import took, and its last part, the projections."""

    seconds: float
    projecting: float


def _imported(file: Path, folder: Path) -> _Took:
    """Import a file into a ledger of its own."""
    folder.mkdir()
    log = folder / "ledger.db"
    opened = open_ledger(Settings(database_url=f"sqlite:///{log}",
                                  keys_url=f"sqlite:///{folder}/keys.db",
                                  master_key_file=folder / "master.key"))
    try:
        with closing(ReadModels(opened.store, PROJECTIONS)) as models:
            begun = time.perf_counter()
            _run(opened.ledger, file, folder)
            recorded = time.perf_counter()
            models.catch_up("main")
            done = time.perf_counter()
        return _Took(done - begun, done - recorded)
    finally:
        opened.close()


def _run(ledger: Ledger, file: Path, folder: Path) -> None:
    with run_import(ledger, [file], profiles.find("tmall-report"), context=CONTEXT,
                    staging_dir=folder) as summary:
        assert summary.ok, summary.message


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


def _orders(folder: Path, rows: int) -> tuple[Path, bool]:
    """A file with the first rows of the real one, or of an invented one where that is not here."""
    real = TMALL
    file = folder / "orders.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        if real.exists():
            with real.open(encoding="utf-8", newline="") as lines:
                written.writelines(islice(lines, rows + 1))
        else:
            writer = csv.writer(written)
            writer.writerow(HEADER)
            writer.writerows(islice(_invented(), rows))
    return file, real.exists()


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
