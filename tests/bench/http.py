"""Over HTTP: orders and look-ups against Flask with nothing behind it, behind gunicorn."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
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
def _serving() -> Iterator[tuple[Served, Served, Served, str]]:
    """Ours with some stock, the floor, the floor behind our server, and a key."""
    with workplace() as folder:
        (folder / "floor").mkdir()
        (folder / "own").mkdir()
        ours, floor, own = Served(folder), Floor(folder / "floor"), OwnFloor(folder / "own")
        try:
            for one in (ours, floor, own):
                one.start()
            key = ours.issue()
            moves = [{"sku": f"SKU-{n:03d}", "quantity": 10**8, "from": "supplier",
                      "to": "available", "cause": "receipt"} for n in range(SKUS)]
            for number, (path, body) in enumerate({
                    "/v1/warehouses": {"name": "main"},
                    "/v1/stock-movements": {"warehouse": "main", "moves": moves}}.items()):
                status, told = ours.request(
                    "POST", path, body, key=key, Idempotency_Key=f"s{number}")
                assert status == 201, told
            yield ours, floor, own, key
        finally:
            for one in (ours, floor, own):
                if one.process is not None:
                    one.stop()


class Seen(NamedTuple):
    """What a client saw: answers a second, and how many milliseconds half and 99 % of them took."""

    rate: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:.0f}/s, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


class Client(NamedTuple):
    """A client: what it asks for, over how many connections, and with which key."""

    what: str
    key: str
    connections: int = CONNECTIONS

    def ask(self, served: Served, seconds: float, begin: int) -> Seen:
        """Ask for so long, in a process of its own."""
        return self.result(self.start(served, seconds, begin))

    def start(self, served: Served, seconds: float, begin: int) -> subprocess.Popen[str]:
        """Begin to ask."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench.http", str(served.port), self.what, self.key,
             str(self.connections), str(seconds), str(begin)], cwd=source.ROOT, text=True,
            stdout=subprocess.PIPE)

    def result(self, asking: subprocess.Popen[str]) -> Seen:
        """What it saw."""
        printed, _ = asking.communicate()
        assert asking.returncode == 0
        return Seen(*json.loads(printed))


BEGINS = iter(range(10**6, 10**9, 10**6))
"""Where the numbers of orders of a round begin."""


def _measure(name: str, ours_does: str, floor_does: str, scale: Scale, floor_is: str) -> Result:
    with _serving() as (ours, floor, own_floor, key):
        seen: dict[str, list[Seen]] = {"ours": [], "floor": [], "own_floor": []}

        def rate(served: Served, who: str) -> float:
            client = Client(ours_does if who == "ours" else floor_does, key)
            seen[who].append(client.ask(served, scale.seconds, next(BEGINS)))
            return seen[who][-1].rate

        Client(ours_does, key).ask(ours, scale.seconds, next(BEGINS))
        slowest, found = paired(scale.rounds, lambda: rate(floor, "floor"),
                                ours=lambda: rate(ours, "ours"),
                                own_floor=lambda: rate(own_floor, "own_floor"))
    middle = {who: str(sorted(rounds)[len(rounds) // 2]) for who, rounds in seen.items()}
    return Result(name=name, unit="/s", ours=found["ours"].rate, floor=slowest,
                  ratio=found["ours"].ratio, goal=Goal("≥", 0.5),
                  beside={"own_floor": found["own_floor"].rate,
                          "own_ratio": found["ours"].ratio / found["own_floor"].ratio},
                  how={"engine": SQLITE, "connections": CONNECTIONS, "rounds": scale.rounds,
                       "server": f"waitress, 1 process, {THREADS} threads",
                       "floor": f"gunicorn gthread, {THREADS} threads, Flask: {floor_is}",
                       "own_floor": "the same Flask behind our server", "seen": middle,
                       "client": "Python, a process of its own on the same two cores"})


def http_orders(scale: Scale) -> Result:
    """Orders of 2 lines a second, reserved and durable; the floor parses and writes a row."""
    return _measure("http_orders", "order", "row", scale, "one JSON parse, one durable row")


def http_reads(scale: Scale) -> Result:
    """Look-ups of a SKU's level a second; the floor answers a constant."""
    return _measure("http_reads", "level", "constant", scale, "a constant")


READERS = 8


def http_past(scale: Scale) -> Result:
    """Orders a second of one till beside 8 readers of lists as of the past; the floor is the same
    till alone."""
    with _serving() as (ours, _, _, key):
        till, past = Client("order", key, 1), Client("past", key, READERS)
        Client("order", key).ask(ours, scale.seconds, next(BEGINS))
        half = ours.request("GET", "/v1/log/head", key=key)[1]["item"]["position"] // 2
        seen: dict[str, list[Seen]] = {"alone": [], "beside": [], "readers": []}

        def alone() -> float:
            seen["alone"].append(till.ask(ours, scale.seconds, next(BEGINS)))
            return seen["alone"][-1].rate

        def beside() -> float:
            reading = past.start(ours, 2 * scale.seconds, half)
            seen["beside"].append(till.ask(ours, scale.seconds, next(BEGINS)))
            seen["readers"].append(past.result(reading))
            return seen["beside"][-1].rate

        floor, found = paired(scale.rounds, alone, ours=beside)
    return Result(name="http_past", unit="/s", ours=found["ours"].rate, floor=floor,
                  ratio=found["ours"].ratio, goal=Goal("≥", 0.66),
                  how={"engine": SQLITE, "readers": READERS, "rounds": scale.rounds,
                       "of": f"the first 500 orders as of positions up to {half}",
                       "seen": {who: str(sorted(rounds)[len(rounds) // 2])
                                for who, rounds in seen.items()}})


# -- the client -----------------------------------------------------------------------------------


def _order(number: int) -> bytes:
    lines = [{"line": str(at), "sku": f"SKU-{(number * step) % SKUS:03d}", "quantity": 1,
              "unit_price": 990, "amount_minor": 990} for at, step in ((1, 7), (2, 13))]
    return json.dumps({"channel": "taobao", "shop": "云杉书店", "number": str(number),
                       "currency": "CNY", "warehouse": "main", "lines": lines,
                       "amounts": {"total_minor": 1980}}).encode()


def _client(served: Served, client: Client, seconds: float, begin: int) -> Seen:
    what, key, connections = client
    took: list[float] = []
    until = time.perf_counter() + seconds

    def work(at: int) -> None:
        connection = served.connect()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        number = begin + at * 10_000
        while time.perf_counter() < until:
            number += 1
            asked = time.perf_counter()
            if what in ("order", "row"):
                headers["Idempotency-Key"] = str(number)
                path = "/v1/sales" if what == "order" else "/orders"
                connection.request("POST", path, _order(number), headers)
            else:
                sku = quote(f"sku:SKU-{number % SKUS:03d}")
                path = {"level": f"/v1/inventory/{sku}", "constant": "/level",
                        "past": f"/v1/orders?position={1 + number % begin}&limit=500"}[what]
                connection.request("GET", path, None, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in TAKEN[what], answer.status
            if answer.status in (429, 503):  # as whoever is asked to come again does
                time.sleep(int(answer.headers.get("Retry-After", 1)))
            else:
                took.append(time.perf_counter() - asked)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - begun
    took.sort()
    return Seen(len(took) / passed, 1000 * took[len(took) // 2], 1000 * took[len(took) * 99 // 100])


TAKEN = {"order": (201,), "row": (201,), "level": (200,), "constant": (200,),
         "past": (200, 429, 503)}
"""The answers that count. Whoever reads the past may be asked to come again."""


if __name__ == "__main__":
    given = sys.argv[1:]
    asked_of = Served(Path())
    asked_of.port = int(given[0])
    print(json.dumps(_client(asked_of, Client(given[1], given[2], int(given[3])), float(given[4]),
                             int(given[5]))))
