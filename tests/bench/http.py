"""Over HTTP: orders and look-ups through gunicorn, against Flask with nothing behind it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from api.http.serving import THREADS
from tests.bench.floors import SQLITE
from tests.bench.harness import Goal, Result, Scale, paired, workplace
from tests.support import source
from tests.support.serving import BIN, Served

SKUS = 200
CONNECTIONS = 16


class Floor(Served):
    """gunicorn and Flask with the floor's app."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environment["FLOOR_FILE"] = str(folder / "floor.db")
        self.command = (BIN / "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--worker-class",
                        "gthread", "--threads", str(THREADS), "--keep-alive", "30",
                        "--no-control-socket", "tests.bench.floor_app:app")
        self.ready = "/level"


class OwnFloor(Floor):
    """Our server with the floor's app."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.command = (sys.executable, "-m", "tests.bench.floor_app")


@contextmanager
def _serving() -> Iterator[tuple[Served, Served, str]]:
    """Ours with some stock, the floor, and a key."""
    with workplace() as folder:
        (folder / "floor").mkdir()
        ours, floor = Served(folder), Floor(folder / "floor")
        try:
            ours.start()
            floor.start()
            key = ours.issue()
            moves = [{"sku": f"SKU-{n:03d}", "quantity": 10**8, "from": "supplier",
                      "to": "available", "cause": "receipt"} for n in range(SKUS)]
            for number, (path, body) in enumerate({
                    "/v1/warehouses": {"name": "main"},
                    "/v1/stock-movements": {"warehouse": "main", "moves": moves}}.items()):
                status, told = ours.request(
                    "POST", path, body, key=key, Idempotency_Key=f"s{number}")
                assert status == 201, told
            yield ours, floor, key
        finally:
            for one in (ours, floor):
                if one.process is not None:
                    one.stop()


def _load(served: Served, what: str, key: str, seconds: float, begin: int) -> float:
    """Answers a second to a client in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.http", str(served.port), what, key, str(seconds),
         str(begin)], cwd=source.ROOT, capture_output=True, text=True, check=True)
    return float(told.stdout)


def _measure(name: str, ours_does: str, floor_does: str, scale: Scale, floor_is: str) -> Result:
    with _serving() as (ours, floor, key):
        begins = iter(range(10**6, 10**9, 10**6))

        def rate(served: Served, what: str) -> float:
            return _load(served, what, key, scale.seconds, next(begins))

        rate(ours, ours_does)
        slowest, found = paired(scale.rounds, lambda: rate(floor, floor_does),
                                ours=lambda: rate(ours, ours_does))
    return Result(name=name, unit="/s", ours=found["ours"].rate, floor=slowest,
                  ratio=found["ours"].ratio, goal=Goal("≥", 0.5),
                  how={"engine": SQLITE, "connections": CONNECTIONS, "rounds": scale.rounds,
                       "server": "gunicorn gthread, 1 process", "floor": floor_is,
                       "client": "Python, a process of its own on the same two cores"})


def http_orders(scale: Scale) -> Result:
    """Orders of 2 lines a second, reserved and durable; the floor parses and writes a row."""
    return _measure("http_orders", "order", "row", scale, "one JSON parse, one durable row")


def http_reads(scale: Scale) -> Result:
    """Look-ups of a SKU's level a second; the floor answers a constant."""
    return _measure("http_reads", "level", "constant", scale, "a constant")


# -- the client -----------------------------------------------------------------------------------


def _order(number: int) -> bytes:
    lines = [{"line": str(at), "sku": f"SKU-{(number * step) % SKUS:03d}", "quantity": 1,
              "unit_price": 990, "amount_minor": 990} for at, step in ((1, 7), (2, 13))]
    return json.dumps({"channel": "taobao", "shop": "云杉书店", "number": str(number),
                       "currency": "CNY", "warehouse": "main", "lines": lines,
                       "amounts": {"total_minor": 1980}}).encode()


def _client(port: int, what: str, key: str, seconds: float, begin: int) -> float:
    served = Served(Path())
    served.port = port
    counts = [0] * CONNECTIONS
    until = time.perf_counter() + seconds

    def work(at: int) -> None:
        connection = served.connect()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        number = begin + at * 10_000
        while time.perf_counter() < until:
            number += 1
            if what in ("order", "row"):
                headers["Idempotency-Key"] = str(number)
                path = "/v1/sales" if what == "order" else "/orders"
                connection.request("POST", path, _order(number), headers)
            else:
                sku = quote(f"sku:SKU-{number % SKUS:03d}")
                path = f"/v1/inventory/{sku}" if what == "level" else "/level"
                connection.request("GET", path, None, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201), answer.status
            counts[at] += 1

    threads = [threading.Thread(target=work, args=(at,)) for at in range(CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    told = sys.argv[1:]
    print(_client(int(told[0]), told[1], told[2], float(told[3]), int(told[4])))
