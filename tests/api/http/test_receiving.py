"""What arrives by halves costs no thread, ends in time, and is read in one way only."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from api.http import receiving
from api.http.handing_out import HandingOut
from api.http.receiving import LARGEST_HEAD, LONGEST_LINE, Server
from tests.support.receiving import CONNECTIONS, HOST, MOST, THREADS, Running, everything
from tests.support.waiting import eventually

HALVES = {
    "head": b"GET / HTTP/1.1\r\nHost: x\r\nX-Never",
    "body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    "chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n300\r\nab",
}


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    found.stop()


def get(path: bytes = b"/", *headers: bytes) -> bytes:
    """A request that ends its connection."""
    return b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"".join(
        header + b"\r\n" for header in headers) + b"\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    """A request with a body."""
    return b"POST / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"".join(
        header + b"\r\n" for header in headers) + b"\r\n" + body


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


def problem(answer: bytes) -> Any:
    """The problem in an answer; it has the members of all problems."""
    assert b"Content-Type: application/problem+json" in answer
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert set(found) == {"type", "title", "status", "detail", "instance", "code", "rule", "errors",
                          "errors_left_out", "request_id"}
    return found


# -- by halves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", HALVES)
def test_half__costs_no_thread(running: Running, half: str) -> None:
    with ExitStack() as held:
        for _ in range(THREADS * 10):
            held.enter_context(closing(running.connect())).sendall(HALVES[half])
        eventually(lambda: len(running.server.active_channels) >= THREADS * 10, 10)
        assert status(running.ask(get())) == 200
        assert running.called == 1


@pytest.mark.parametrize("half", HALVES)
def test_half__is_ended_however_it_drips(
    running: Running, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "HEAD_S", 0.5)
    monkeypatch.setattr(receiving, "BODY_S", 0.5)
    with closing(running.connect()) as raw:
        raw.sendall(HALVES[half])
        raw.settimeout(0.05)
        answer = b""
        while not answer:
            raw.sendall(b"x")
            try:
                answer = raw.recv(65536)
            except TimeoutError:
                continue
    assert (status(answer), problem(answer)["code"]) == (408, "request_timeout")
    assert running.called == 0


def test_body__may_take_longer_the_more_there_is_of_it() -> None:
    request = receiving.Request(None)
    now = request.begun
    assert not request.overdue(now + receiving.HEAD_S - 1)
    assert request.overdue(now + receiving.HEAD_S + 1)
    request.headers_finished, request.body_bytes_received = True, 40 * receiving.LEAST_RATE
    assert not request.overdue(now + receiving.BODY_S + 39)
    assert request.overdue(now + receiving.BODY_S + 41)


def test_idle_connection__is_closed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "IDLE_S", 0.2)
    with closing(running.connect()) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert everything(raw).endswith(b"nothing")


def test_running_request__is_not_ended_for_being_idle(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "IDLE_S", 0.0)
    running.let_go.clear()
    with closing(running.connect()) as raw:
        raw.sendall(get())
        assert running.held.wait(10)
        looks = []
        monkeypatch.setattr(Server, "maintenance", lambda self, now, known=Server.maintenance: (
            known(self, now), looks.append(now)))
        eventually(lambda: len(looks) >= 1, 10)
        running.let_go.set()
        assert status(everything(raw)) == 200


def test_full__whoever_made_it_wait_longest_gives_way(running: Running) -> None:
    with ExitStack() as held:
        halves = [held.enter_context(closing(running.connect())) for _ in range(CONNECTIONS)]
        for raw in halves:
            raw.sendall(HALVES["body"])
        eventually(lambda: len(running.server.active_channels) == CONNECTIONS, 10)
        eventually(lambda: all(one.request for one in [
            *running.server.active_channels.values()]), 10)
        assert status(running.ask(get())) == 200
        ended = []
        for raw in halves:
            raw.settimeout(0.01)
            try:
                ended.append(raw.recv(1) == b"")
            except TimeoutError:
                ended.append(False)
            except ConnectionResetError:
                ended.append(True)
        assert sum(ended) == 1


# -- what is not taken ----------------------------------------------------------------------------

GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
WAITING = (b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
           + HOST + b"\r\n")


def untaken(running: Running, count: int, held: ExitStack) -> list[socket.socket]:
    """Connections that ask so often, and take nothing."""
    found = [held.enter_context(closing(running.connect())) for _ in range(THREADS * 3)]
    for raw in found:
        raw.sendall(GET * count)
    return found


def test_answers__that_are_not_taken_cost_no_thread(running: Running) -> None:
    """However many requests were sent at once; whoever takes them at last has them all."""
    running.says = b"x" * 600_000
    with ExitStack() as held:
        connections = untaken(running, 20, held)
        channels = running.server.active_channels
        eventually(lambda: sum(one.is_held for one in [*channels.values()]) == THREADS * 3, 20)
        assert running.called < THREADS * 3 * 10
        assert status(running.ask(get())) == 200
        assert max(one.total_outbufs_len for one in channels.values()) < 2_000_000
        connections[0].shutdown(socket.SHUT_WR)
        assert everything(connections[0]).count(b"HTTP/1.1 200 OK") == 20


def test_answers__that_are_not_taken_end_their_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "IDLE_S", 0.2)
    running.says = b"x" * 20_000_000
    with ExitStack() as held:
        untaken(running, 1, held)
        eventually(lambda: running.called == THREADS * 3, 20)
        eventually(lambda: not running.server.active_channels, 20)


def test_full__of_answers_that_are_not_taken_whoever_comes_is_served(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: set[int] = set()
    real = receiving.Channel._flush_some
    monkeypatch.setattr(
        receiving.Channel, "_flush_some",
        lambda self, do_close=True: self.addr[1] not in others and real(self, do_close))
    with ExitStack() as held:
        for number in range(2 * CONNECTIONS + 3):
            raw = held.enter_context(closing(running.connect()))
            others.add(raw.getsockname()[1])
            raw.sendall(GET)
            eventually(lambda: running.called == number + 1)  # noqa: B023
            assert len(running.server.active_channels) <= CONNECTIONS
        assert status(running.ask(get())) == 200


def test_answer__that_is_being_made_keeps_nobody_busy(running: Running) -> None:
    steps, real = [0], running.server.step

    def counted(seconds: float) -> None:
        steps[0] += 1
        real(seconds)

    def slowly(environ: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("Content-Length", "4")])
        yield b"ab"
        running.held.set()
        running.let_go.wait(10)
        yield b"cd"

    running.server.application = slowly
    running.let_go.clear()
    with closing(running.connect()) as raw:
        raw.sendall(get())
        assert running.held.wait(10)
        running.server.step = counted
        running.ask(b"GET\r\n\r\n")  # what happens elsewhere has it looked at
        steps[0] = 0
        assert not running.thread.join(0.5)
        running.let_go.set()
        assert everything(raw).endswith(b"abcd")
        assert steps[0] < 200


def test_request__that_came_early_has_its_time_when_it_is_read(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEAD_S", "BODY_S"):
        monkeypatch.setattr(receiving, name, 1.5)
    running.let_go.clear()
    with closing(running.connect()) as raw:
        raw.sendall(GET + WAITING)
        assert running.held.wait(10)
        assert not running.thread.join(2.5)
        running.let_go.set()
        found = b""
        while b" 100 Continue" not in found:
            found += raw.recv(1000)
        assert not running.thread.join(1.2)
        raw.sendall(b"abc")
        assert everything(raw).endswith(b"abc")


def test_connection__is_closed_by_the_thread_that_receives(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would wait for a file that another connection has by now. Nobody is told to go on
    any more."""
    by, real = [], receiving.Channel.handle_close
    monkeypatch.setattr(receiving.Channel, "handle_close", lambda self: (
        by.append(threading.current_thread()), real(self)))
    running.let_go.clear()
    raw = running.connect()
    raw.sendall(GET + WAITING)
    assert running.held.wait(10)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    running.let_go.set()
    eventually(lambda: not running.server.active_channels)
    assert set(by) == {running.thread}


# -- limits ---------------------------------------------------------------------------------------


def chunks(body: bytes, size: int = 100) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + size]), body[at : at + size])
                    for at in range(0, len(body), size)) + b"0\r\n\r\n"


def test_body__within_the_limit_is_taken_both_ways(running: Running) -> None:
    body = b"x" * 700
    assert running.ask(post(body, b"Content-Length: 700")).endswith(body)
    assert running.ask(post(chunks(body), b"Transfer-Encoding: chunked")).endswith(body)


@pytest.mark.parametrize("sent", [
    post(b"", b"Content-Length: 1001"), post(b"x" * 10_000, b"Content-Length: 10000"),
    post(b"x" * 3_000_000, b"Content-Length: 3000000"),
    post(b"", b"Content-Length: 1001", b"Expect: 100-continue"),
    post(chunks(b"x" * 1100), b"Transfer-Encoding: chunked"),
    post(b"fffffff\r\n" + b"x" * 2000, b"Transfer-Encoding: chunked")])
def test_body__over_the_limit_is_413(running: Running, sent: bytes) -> None:
    answer = running.ask(sent)
    assert (status(answer), problem(answer)["code"]) == (413, "request_entity_too_large")
    assert running.called == 0


def test_line__that_is_too_long_is_414(running: Running) -> None:
    answer = running.ask(get(b"/" + b"x" * LONGEST_LINE))
    assert (status(answer), problem(answer)["code"]) == (414, "uri_too_long")


def test_head__that_is_too_long_is_431(running: Running) -> None:
    many = [b"X-%d: %b" % (n, b"y" * 1000) for n in range(LARGEST_HEAD // 1000 + 1)]
    for sent in (get(b"/", *many), b"GET / HTTP/1.1\r\nX: " + b"y" * LARGEST_HEAD):
        answer = running.ask(sent)
        assert (status(answer), problem(answer)["code"]) == (431, "head_too_large")
    assert running.called == 0


# -- read in one way ------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5",
    b"POST / HTTP/1.1\r\nHost: x\nContent-Length: 5",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: y",
    b"GET / HTTP/1.1",
    b"GET / HTTP/9.9\r\nHost: x",
    b"GET /",
    b"GET / HTTP/1.1\r\nHost: x\r\n no name",
    b"get / HTTP/1.1\r\nHost: x",
    b"GET  / HTTP/1.1\r\nHost: x",
    b"\0\0\0",
])
def test_head__that_can_be_read_in_two_ways_is_400(running: Running, head: bytes) -> None:
    answer = running.ask(head + b"\r\n\r\n0\r\n\r\n" + get())
    assert (status(answer), problem(answer)["code"]) == (400, "bad_request")
    assert answer.count(b"HTTP/1.1 ") + answer.count(b"HTTP/1.0 ") == 1
    assert running.called == 0


def test_transfer_coding__that_is_unknown_is_501(running: Running) -> None:
    answer = running.ask(post(b"", b"Transfer-Encoding: gzip, chunked"))
    assert (status(answer), problem(answer)["code"]) == (501, "transfer_coding_unknown")


def test_body__that_is_longer_than_it_says_is_not_part_of_it(running: Running) -> None:
    answer = running.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef\r\n\r\n")
    first, _, second = answer.partition(b"abc")
    assert status(first) == 200
    assert status(second) == 400
    assert running.called == 1


def test_pipelined_requests__are_answered_in_their_order(running: Running) -> None:
    sent = b"".join(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n%02d" % n
                    for n in range(20))
    answer = running.ask(sent + get())
    found = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert found == [*(b"%02d" % n for n in range(20)), b"nothing"]


def test_request__that_waits_to_go_on_is_told_to(running: Running) -> None:
    with closing(running.connect()) as raw:
        raw.sendall(post(b"", b"Content-Length: 3", b"Expect: 100-continue"))
        assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"abc")
        assert everything(raw).endswith(b"abc")
    assert status(running.ask(get(b"/", b"Expect: 100-continue"))) == 200


def test_path__bears_any_text(running: Running) -> None:
    answer = running.ask(get("/甲/乙".encode()))
    assert f"X-Path: {'/甲/乙'.encode().hex()}".encode() in answer


# -- what an answer costs -------------------------------------------------------------------------


def polls(server: Server, until: Callable[[], bool]) -> int:
    """How often a server looks at its connections until something is so."""
    for number in range(100):
        if until():
            return number
        server.step(1.0)
    raise AssertionError("it never happened")


@pytest.fixture
def still() -> Iterator[Server]:
    """A server whose steps a test takes, without a thread that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Server(lambda environ, start: [], f"127.0.0.1:{port}", dispatcher=HandingOut(0, 1),
                   connections=9, largest=lambda path: MOST)
    yield found
    found.finish(0.0, 0.0)


def test_body__that_comes_just_after_its_head_takes_no_look_of_its_own(
    still: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = post(b"abc", b"Content-Length: 3")
    with closing(socket.create_connection(still.addr, 10)) as raw:
        polls(still, lambda: bool(still.active_channels))
        (channel,) = still.active_channels.values()
        monkeypatch.setattr(channel.adj, "recv_bytes", len(sent) - 3)  # as two packets come
        raw.sendall(sent)
        assert polls(still, lambda: bool(channel.requests)) == 1


def test_receiving_thread__is_woken_once_by_many_answers(still: Server) -> None:
    for _ in range(2):
        for _ in range(3):
            still.pull_trigger()
        assert still.trigger.recv(100) == b"x"
        still.step(0.0)


# -- the end --------------------------------------------------------------------------------------


def test_finish__answers_what_was_accepted_and_closes_the_rest(running: Running) -> None:
    running.let_go.clear()
    with closing(running.connect()) as busy, closing(running.connect()) as half:
        half.sendall(HALVES["body"])
        busy.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert running.held.wait(10)
        running.server.stops = True
        running.let_go.set()
        answer = everything(busy)
        assert (status(answer), b"Connection: close" in answer) == (200, False)
        running.thread.join(20)
        assert not running.thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            running.connect()


# -- behind a proxy -------------------------------------------------------------------------------


def test_headers__of_a_proxy_are_handed_on_and_change_nothing_else(running: Running) -> None:
    """By them cookies become `Secure`, and wrong passwords are counted for each network."""
    running.ask(get(b"/", b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.7"))
    found = running.environ
    assert found["HTTP_X_FORWARDED_PROTO"] == "https"
    assert found["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"]) == ("127.0.0.1", "http")
