"""Served for real: what was acknowledged is there once, however the server ends."""

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.bodies import order
from tests.support.serving import Served
from tests.support.waiting import eventually

CONNECTIONS = 32

ENOUGH = 50
"""Orders that are acknowledged before the server is ended."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.start()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop()


def orders_until_it_ends(served: Served, key: str, how: signal.Signals, begin: int) -> set[str]:
    """Orders from many connections while the server is ended; those that were acknowledged."""
    acknowledged: set[str] = set()
    lock = threading.Lock()

    def buy(first: int) -> None:
        connection = served.connect()
        for number in range(first, first + 10_000):
            try:
                status, _ = served.request(
                    "POST", "/v1/orders", order(number), key=key, connection=connection,
                    Idempotency_Key=str(number))
            except (OSError, http.client.HTTPException):
                return
            if status == 201:
                with lock:
                    acknowledged.add(str(number))

    buyers = [threading.Thread(target=buy, args=(begin + 10_000 * n,)) for n in range(CONNECTIONS)]
    for buyer in buyers:
        buyer.start()
    eventually(lambda: len(acknowledged) > ENOUGH, 60)
    served.stop(how)
    for buyer in buyers:
        buyer.join(60)
    return acknowledged


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_order__acknowledged_is_there_once_when_the_server_ended(
    served: Served, how: signal.Signals
) -> None:
    key = served.issue()
    acknowledged = orders_until_it_ends(served, key, how, 1_000_000)
    assert len(acknowledged) > ENOUGH
    served.start()
    again = sorted(acknowledged)[:5]
    for number in again:
        status, _ = served.request("POST", "/v1/orders", order(number), key=key,
                                   Idempotency_Key=number)
        assert status == 200
    served.stop()
    told = json.loads(served.flask("report", "orders", "--json"))["items"]
    numbers = [one["number"] for one in told]
    assert len(numbers) == len(set(numbers))
    assert acknowledged <= set(numbers)
    assert json.loads(served.flask("verify", "--json"))["ok"]


def test_garbage__is_answered_and_harms_nobody(served: Served) -> None:
    key = served.issue()
    for told in (b"\0" * 5000, b"GET / HTTP/9.9\r\n\r\n" * 20, b"POST /v1/orders HTTP/1.1\r\n"
                 b"Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nx",
                 b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + b"\xff\xfe garbage\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", served.port), 10) as raw:
            raw.sendall(told)
            raw.settimeout(2)
            try:
                while raw.recv(65536):
                    pass
            except (TimeoutError, ConnectionResetError):
                pass
    assert served.request("GET", "/v1/orders", key=key)[0] == 200
    assert served.request("GET", "/v1/log/head", key=key)[1]["item"]["position"] == 1


def test_log__holds_no_personal_value(served: Served) -> None:
    key = served.issue()
    body = order(1, account="reader_88", recipient="张三丰", phone="13800138000",
                 address="武当山下")
    assert served.request("POST", "/v1/orders", body, key=key, Idempotency_Key="1")[0] == 201
    served.request("GET", f"/v1/orders?shop={quote('张三丰')}", key=key)
    served.stop()
    log = (served.folder / "server.log").read_text("utf-8")
    assert '"request"' in log
    for value in ("reader_88", "张三丰", "13800138000", "武当山", key):
        assert value not in log
