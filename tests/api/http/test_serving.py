"""Served for real: what was acknowledged is there once, however the server ends."""

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from api.http.routes import LARGEST_BODY
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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
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


def test_stop__finishes_and_says_nothing_of_a_fault(served: Served) -> None:
    key = served.issue()
    idle = served.connect()
    assert served.request("GET", "/v1/orders", key=key, connection=idle)[0] == 200
    with socket.create_connection(("127.0.0.1", served.port), 10) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost:")
        served.stop(signal.SIGINT)
    idle.close()
    assert served.process is not None
    assert served.process.returncode == 0
    log = (served.folder / "server.log").read_text("utf-8")
    assert "Stop it with Ctrl-C." in log
    assert "Traceback" not in log


HALVES = (
    b"GET /v1/orders HTTP/1.1\r\nHost: x\r\nX-Never",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{",
    b"POST /v1/imports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nx")


def test_half_sent_requests__keep_nobody_from_being_served(served: Served) -> None:
    """More than there are threads, by far; some go on to drip."""
    key = served.issue()
    with ExitStack() as held:
        halves = [held.enter_context(socket.create_connection(("127.0.0.1", served.port), 10))
                  for _ in range(480)]
        for number, half in enumerate(halves):
            half.sendall(HALVES[number % 3])
        for number in range(20):
            for half in halves[number::20]:
                half.sendall(b"x")
            assert served.request("GET", "/v1/orders", key=key)[0] == 200
            status, _ = served.request("POST", "/v1/orders", order(number), key=key,
                                       Idempotency_Key=str(number))
            assert status == 201


def test_body_in_chunks__is_taken_or_413(served: Served) -> None:
    key = served.issue()
    for size, expected in ((10, 201), (LARGEST_BODY + 1, 413)):
        sent = json.dumps(order(size)).encode()
        sent += b" " * max(0, size - len(sent))
        connection = served.connect()
        connection.request("POST", "/v1/orders", iter([sent]), {
            "Authorization": f"Bearer {key}", "Content-Type": "application/json",
            "Idempotency-Key": f"chunked-{size}"}, encode_chunked=True)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        assert answer.status == expected, told
        assert expected == 201 or told["code"] == "request_entity_too_large"


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
