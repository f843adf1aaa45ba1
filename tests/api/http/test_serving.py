"""Served for real: what was acknowledged is there once, however the server ends."""

import http.client
import json
import random
import signal
import socket
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api.http.routes import LARGEST_BODY
from ledger.common.values import subject
from tests.support import source
from tests.support.bodies import WHEN, order
from tests.support.serving import Served
from tests.support.waiting import eventually

SAMPLE = source.ROOT / "samples/taobao/ExportOrderList202608312359.csv"
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


# -- a shop's day ---------------------------------------------------------------------------------

TILLS, ORDERS = 16, 300
CUT = 0.2
"""The share of requests of which the line is cut."""

SKU = "龙井 茶·春"


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
    tills = [Till(served, key, number) for number in range(TILLS)]
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
                 "cause": "receipt"}]}) for _ in range(104))]):
        status, told = served.request("POST", path, {**body, "occurred_at": WHEN}, key=key,
                                      Idempotency_Key=f"s{number}")
        assert status == 201, told
    first = f"/v1/stock-cards/{quote(f'sku:{SKU}', safe='')}"
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
        assert [one["on_hand"] for one in items] == list(range(1, 105))


NAMED = ("龙井 茶·春", "50%", "a+b", "a/b", "a?b", "a#b", "a&b=c", "x y")
"""Names with what an address has another meaning for."""


def made_of(number: int, name: str) -> list[tuple[str, dict[str, Any], str]]:
    """What is written under a name: where, the body, and the list that has it. Members are called
    by ids, which have no such characters."""
    of_order = subject("order", "taobao", name, name)
    return [
        ("/v1/warehouses", {"name": name}, "warehouses"),
        ("/v1/skus", {"sku": name}, "skus"),
        ("/v1/stock-movements", {"warehouse": name, "number": name, "moves": [
            {"sku": name, "quantity": 3, "from": "supplier", "to": "available",
             "cause": "receipt"}]}, ""),
        ("/v1/stock-counts", {"warehouse": name, "number": name, "counts": [
            {"sku": name, "quantity": 3}]}, ""),
        ("/v1/transfers", {"number": name, "from": name, "to": "other", "lines": [
            {"sku": name, "quantity": 1}]}, "sent-transfers"),
        ("/v1/orders", {**order(name), "shop": name}, "orders"),
        ("/v1/returns", {"channel": "taobao", "shop": name, "number": name, "currency": "CNY",
                         "order": of_order, "kind": "refund_only", "lines": [],
                         "refund_minor": 1}, "returns"),
        ("/v1/members", {"member": f"member:{number}.a-b_C", "joined_on": "2026-01-01"},
         "members")]


COLUMNS = {"warehouses": "warehouse", "skus": "subject", "sent-transfers": "transfer",
           "orders": "subject", "returns": "subject", "members": "member", "imports": "import"}
"""The lists, and the column that says what a row is of."""


def listed(served: Served, key: str, path: str, by_link: bool) -> list[str]:
    """What a list has, page by page, by what the answer or its header says."""
    found, following = [], f"/v1/{path}?limit=3"
    while following:
        connection = served.connect()
        connection.request("GET", following, None, {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        page = json.loads(answer.read())
        connection.close()
        assert answer.status == 200, page
        found += [one[COLUMNS[path]] for one in page["items"]]
        link = (answer.headers["Link"] or "").partition("<")[2].partition(">")[0]
        following = link if by_link else page["next"]
    return found


def written(
    served: Served, key: str, path: str, content: bytes, headers: dict[str, str]
) -> tuple[str, Any]:
    """Where something is that was just written, and what was answered."""
    connection = served.connect()
    connection.request("POST", path, content, {"Authorization": f"Bearer {key}", **headers})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    assert answer.status in (201, 202), (path, told)
    return answer.headers["Location"], told


def test_names__with_any_character_are_written_listed_and_read_back(served: Served) -> None:
    """Of each kind of thing whose name people choose: by its Location, at once and with no
    `Ledger-Min-Position`, and in pages that follow one another."""
    key, names = served.issue(), defaultdict[str, list[str]](list)
    written(served, key, "/v1/warehouses", json.dumps({"name": "other"}).encode(), {
        "Content-Type": "application/json", "Idempotency-Key": "other"})
    names["warehouses"].append("warehouse:other")
    for number, name in enumerate(NAMED):
        for path, body, kind in made_of(number, name):
            if kind == "returns":
                status, found = served.request(
                    "POST", f"/v1/orders/{quote(body['order'], safe='')}/payments",
                    {"amount_minor": 4990}, key=key, Idempotency_Key=f"p{number}")
                assert status == 201, found
            location, told = written(
                served, key, path, json.dumps({**body, "occurred_at": WHEN}).encode(),
                {"Content-Type": "application/json", "Idempotency-Key": f"{path}{number}"})
            status, found = served.request("GET", location, key=key)
            assert status == 200, (location, found)
            row = found["item"] if "item" in found else found["items"][0]
            assert told["subject"] in row.values(), (location, row)
            if kind:
                names[kind].append(told["subject"])
        for about in (subject("sku", name), subject("stock", name, name)):
            card = f"/v1/stock-cards/{quote(about, safe='')}"
            status, found = served.request("GET", card, key=key)
            assert status == 200, (card, found)
            assert [one["on_hand"] for one in found["items"]] == [3, 3, 3]  # the count saw it all
    for path, subjects in names.items():
        for by_link in (False, True):
            assert sorted(listed(served, key, path, by_link)) == sorted(subjects), path


def test_imports__of_files_and_shops_with_any_name_are_listed_and_read_back(
    served: Served
) -> None:
    key, jobs = served.issue(), {}
    header, line, *_ = SAMPLE.read_bytes().decode("gbk").splitlines()
    for number, name in enumerate(NAMED):
        row = line.replace("1002013921475789347", f"100201392147578{number:04}")
        fields = [('name="profile"', b"taobao-orders"), ('name="shop"', name.encode()),
                  (f'name="file"; filename="{name}.csv"', f"{header}\r\n{row}\r\n".encode("gbk"))]
        content = b"".join(
            b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (given.encode(), value)
            for given, value in fields) + b"--b--\r\n"
        location, _ = written(served, key, "/v1/imports", content, {
            "Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": f"i{number}"})
        eventually(lambda: served.request("GET", location, key=key)[1]["state"]  # noqa: B023
                   != "running", 30)
        status, found = served.request("GET", location, key=key)
        assert (status, found["state"]) == (200, "done"), (name, found)
        jobs[name] = location
    rows = {}
    eventually(lambda: len(listed(served, key, "imports", False)) == len(NAMED), 30)
    for by_link in (False, True):
        every = listed(served, key, "imports", by_link)
        assert len(every) == len(set(every)) == len(NAMED)
        for one in every:
            status, found = served.request("GET", f"/v1/imports/{one.partition(':')[2]}", key=key)
            assert (status, found["state"]) == (200, "done"), found
            rows[found["recorded"]["shop"]] = found["recorded"]
    assert set(rows) == set(NAMED)
    for name, location in jobs.items():
        status, found = served.request("GET", location, key=key)
        assert (status, found["state"]) == (200, "done")
        assert rows[name]["rows"] == 1
        (file,) = rows[name]["files"]
        assert file["name"] == f"{name.rpartition('/')[2]}.csv"
