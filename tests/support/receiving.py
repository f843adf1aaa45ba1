"""A server of requests in a thread, behind which stands an application for tests."""

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Any

from api.http.handing_out import HandingOut
from api.http.receiving import Server

THREADS, CONNECTIONS, MOST = 2, 60, 1_000
HOST = b"Host: x\r\n"


class Running:
    """A server in a thread, with an application that answers with what it was sent."""

    def __init__(self, steps_s: float = 0.02) -> None:
        self._steps_s = steps_s
        self.held, self.let_go = threading.Event(), threading.Event()
        self.let_go.set()
        self.called = 0
        self.says = b""
        self.environ: dict[str, Any] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.server = Server(self._answer, f"127.0.0.1:{self.port}", connections=CONNECTIONS,
                             dispatcher=HandingOut(THREADS, THREADS), largest=lambda path: MOST)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.server.stops:
            self.server.step(self._steps_s)
        self.server.finish(0.0, 10.0)

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.called += 1
        self.environ = environ
        self.held.set()
        self.let_go.wait(10)
        body = environ["wsgi.input"].read()
        start("200 OK", [("Content-Type", "text/plain"),
                         ("X-Path", environ["PATH_INFO"].encode("latin-1").hex())])
        return [self.says or body or b"nothing"]

    def connect(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def ask(self, *sent: bytes) -> bytes:
        """All that is answered until the connection ends."""
        with closing(self.connect()) as raw:
            for piece in sent:
                raw.sendall(piece)
            return everything(raw)

    def stop(self) -> None:
        """End it."""
        self.let_go.set()
        if not self.server.stops:
            self.server.stops = True
            with suppress(OSError):  # if it is awake, it may have ended by now
                self.server.trigger.pull_trigger()
        self.thread.join(20)


def everything(raw: socket.socket) -> bytes:
    """What comes until the other side ends."""
    found = b""
    while piece := raw.recv(65536):
        found += piece
    return found
