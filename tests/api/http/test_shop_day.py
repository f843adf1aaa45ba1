"""A shop's day over a real socket: lines are cut, everything is repeated, and each is there once."""

import json
import random
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.bodies import WHEN, order
from tests.support.serving import Served

CONNECTIONS, ORDERS = 16, 300
CUT = 0.2
"""The share of requests of which the line is cut."""

SKU = "龙井 茶·春"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.start()
    yield found
    found.stop()


def cut(served: Served, path: str, body: Any, headers: dict[str, str], *, at: float) -> None:
    """Send a part of a request, or all of it, and go away without the answer."""
    sent = json.dumps(body).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in {
        **headers, "Host": "x", "Content-Type": "application/json",
        "Content-Length": str(len(sent))}.items())
    whole = f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + sent
    with socket.create_connection(("127.0.0.1", served.port), 30) as raw:
        raw.sendall(whole[:int(len(whole) * at)])


class Till:
    """One connection that sells, pays, and repeats what it does not know the outcome of."""

    def __init__(self, served: Served, key: str, number: int) -> None:
        self.served, self.key, self.random = served, key, random.Random(number)
        self.connection = served.connect()
        self.acknowledged: dict[str, str] = {}

    def do(self, path: str, body: Any, name: str) -> None:
        """Send a command until it is acknowledged, and now and then once more."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": name}
        while self.random.random() < CUT:
            cut(self.served, path, body, headers, at=self.random.choice([0.3, 0.9, 1.0]))
        statuses = []
        while not statuses or statuses[-1] == 409 or self.random.random() < CUT:
            status, answer = self.served.request(
                "POST", path, body, key=self.key, connection=self.connection, Idempotency_Key=name)
            statuses.append(status)
            assert status in (200, 201, 409), answer
            if status == 409:
                assert answer["code"] == "still_running"
                continue
            known = self.acknowledged.setdefault(name, answer["command_id"])
            assert known == answer["command_id"]
        assert statuses.count(201) <= 1


def test_day__each_acknowledged_command_is_in_the_log_once(served: Served) -> None:
    key = served.issue()
    numbers = iter(range(ORDERS))
    tills = [Till(served, key, number) for number in range(CONNECTIONS)]
    faults: list[BaseException] = []

    def work(till: Till) -> None:
        try:
            for number in numbers:
                till.do("/v1/orders", order(number), f"order-{number}")
                till.do(f"/v1/orders/{quote(f'order:taobao:云杉书店:{number}')}/payments",
                        {"amount_minor": 4990, "occurred_at": WHEN}, f"pay-{number}")
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not faults, faults[:1]
    acknowledged = [one for till in tills for one in till.acknowledged.values()]
    assert len(acknowledged) == len(set(acknowledged)) == 2 * ORDERS
    served.stop()
    with closing(sqlite3.connect(served.folder / "ledger.db")) as log:
        found = log.execute("SELECT stream, type, lower(hex(command_id)) FROM events").fetchall()
    served.start()
    placed = Counter(stream for stream, kind, _ in found if kind == "order.placed.v1")
    paid = Counter(stream for stream, kind, _ in found if kind.startswith("order.paid")
                   or "payment" in kind)
    orders = {f"order:taobao:云杉书店:{number}": 1 for number in range(ORDERS)}
    assert (placed, paid) == (orders, orders)
    assert {one.replace("-", "") for one in acknowledged} <= {command for *_, command in found}


def test_pages__of_a_chinese_sku_follow_one_another_by_next_and_by_link(served: Served) -> None:
    key = served.issue()
    for number, (path, body) in enumerate([("/v1/warehouses", {"name": "一号仓"}), *(
            ("/v1/stock-movements", {"warehouse": "一号仓", "moves": [
                {"sku": SKU, "quantity": 1, "from": "supplier", "to": "available",
                 "cause": "receipt"}]}) for _ in range(7))]):
        status, told = served.request("POST", path, {**body, "occurred_at": WHEN}, key=key,
                                      Idempotency_Key=f"s{number}")
        assert status == 201, told
    first = f"/v1/stock-cards/{quote(f'sku:{SKU}', safe='')}?limit=2"
    for by_link in (False, True):
        path, items = first, []
        while path:
            connection = served.connect()
            connection.request("GET", path, None, {
                "Authorization": f"Bearer {key}", "Ledger-Min-Position": str(told["position"])})
            answer = connection.getresponse()
            page = json.loads(answer.read())
            connection.close()
            assert answer.status == 200, page
            items += page["items"]
            link = answer.headers["Link"]
            assert (link is None) == (page["next"] is None)
            path = page["next"]
            if by_link and link:
                path = link.partition("<")[2].partition(">")[0]
        assert [one["on_hand"] for one in items] == [1, 2, 3, 4, 5, 6, 7]
