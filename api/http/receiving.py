"""How requests are received: whole and in time, before a thread sees anything of them.

waitress reads all connections in one thread and hands over what has arrived with its body, so what
is sent by halves costs no thread. Here stands what it lacks: time-outs of heads and bodies however
slowly they drip, room for whoever comes when it is full, errors as problems, and nothing that a
proxy could read otherwise than this server does.
"""

import re
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from api.http.chunks import Chunks
from api.http.edge_errors import EDGE
from api.http.problems import TITLES, TYPE
from api.http.watching import Watch

HEAD_S = 10.0
"""Within this a head must have come."""

BODY_S, LEAST_RATE = 30.0, 16 << 10
"""Within this a request must have come, and for as many bytes of its body there is a second more:
a slow line is served, and whoever drips is not."""

IDLE_S = 30.0
"""How long a connection is kept without a request, or while nothing of an answer is taken."""

DRAINS_S = 2.0
"""How long the rest of a refused request is thrown away, so that its answer arrives."""

LONGEST_LINE, LARGEST_HEAD = 8190, 32 << 10
"""The most bytes of a request's first line and of its whole head."""

IN_MEMORY = 64 << 10
"""The rest of a larger body waits in a file."""

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

PACKET = 64 << 10
"""Up to here an answer leaves in one piece."""

MOST_UNTAKEN = 1 << 20
"""While a client has more bytes of its answers yet to take than these, no further request of its
connection is worked on."""

AT_ONCE = 50
"""How many new connections are taken before it is looked at the others."""

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")

Largest = Callable[[str], int]
"""The most bytes of a body, by the path."""


class UriTooLong(Error):
    """The first line is too long."""

    code, reason = 414, "URI Too Long"


class TooSlow(Error):
    """A head or a body did not come in time."""

    code, reason = 408, "Request Timeout"


CODES = {408: "request_timeout", 413: "request_entity_too_large", 414: "uri_too_long",
         431: "head_too_large", 500: "our_fault", 501: "transfer_coding_unknown"}
"""The code of an error of waitress, by its status; all others are `bad_request`."""


class Request(HTTPRequestParser):
    """A request while it is received."""

    error: Any = None

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.begun = time.monotonic()

    def overdue(self, now: float) -> bool:
        """Whether it should have come by now."""
        allowed = BODY_S + self.body_bytes_received / LEAST_RATE if self.headers_finished \
            else HEAD_S
        return now - self.begun > allowed

    def received(self, data: bytes) -> int:
        """Take bytes; returns how many."""
        taken: int = super().received(data)
        if self.headers_finished and self.error is None:
            most = self.adj.largest(self.path)
            if max(self.content_length, self.body_bytes_received) > most:
                self.error = RequestEntityTooLarge("")
        if self.error is not None:
            self.completed = True
        if self.completed:
            self.expect_continue = False  # nothing more is wanted
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head. What two readers could understand differently is refused (RFC 9112, 3.2
        and 6.3): two lengths, an HTTP/1.0 body in chunks, no host or two of them, a header of more
        than one line. An address may be written in UTF-8, as `curl` sends what is typed."""
        line, end, rest = header_plus.partition(b"\r\n")
        encoded = _BEYOND_ASCII.sub(lambda found: b"%%%02X" % ord(found[0]), line)
        super().parse_header(encoded + end + rest)
        if len(self.first_line) > LONGEST_LINE:
            self.error = UriTooLong("")
        elif self.version not in ("1.0", "1.1") or "TRANSFER_ENCODING" in self.headers \
                or (self.chunked and "CONTENT_LENGTH" in self.headers) or self._hosts() > 1 \
                or (self.version == "1.1" and self._hosts() == 0) \
                or b"\n " in rest or b"\n\t" in rest:
            self.error = BadRequest("")
        if self.chunked:
            self.body_rcv = Chunks(OverflowableBuffer(self.adj.inbuf_overflow))

    def _hosts(self) -> int:
        return len([host for host in self.headers.get("HOST", "").split(",") if host.strip()])


class Answer(WSGITask):
    """An answer of the application."""

    def start(self) -> None:
        """Close the connection after it, if the server is to stop."""
        super().start()
        if self.channel.server.stops:
            self.set_close_on_finish()

    def finish(self) -> None:
        """Send what there is, head and body in one piece."""
        super().finish()
        self.channel.flush()


class Refusal(ErrorTask):
    """The answer to what cannot be taken: the application never sees it."""

    def execute(self) -> None:
        """Answer with a problem."""
        self.channel.refused = True
        status = self.request.error.code
        code, title = CODES.get(status, "bad_request"), HTTPStatus(status).phrase
        body = orjson.dumps({
            "type": f"/v1/problems/{code}", "title": TITLES.get(status, title), "status": status,
            "detail": EDGE[code].words, "instance": getattr(self.request, "path", ""),
            "code": code, "rule": None, "errors": [], "errors_left_out": 0, "request_id": None})
        self.status = f"{status} {title}"
        self.response_headers.append(("Content-Type", TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """A connection."""

    parser_class, task_class, error_task_class = Request, Answer, Refusal
    request: Any = None
    refused = will_close = close_when_flushed = is_left = is_held = False
    drains_until = 0.0

    def add_channel(self, map: Any = None) -> None:
        """Begin to wait for what it sends."""
        super().add_channel(map)
        self.server.watch.look_at(self)

    def del_channel(self, map: Any = None) -> None:
        """Wait for nothing of it any more."""
        self.server.watch.forget(self._fileno)
        super().del_channel(map)

    @property
    def is_quiet(self) -> bool:
        """Whether no thread works for it, and there is nothing to send or to close. A thread that
        ends its work says what is left of it before it takes the request away."""
        return not (self.requests or self.total_outbufs_len or self.will_close
                    or self.close_when_flushed
                    or (self.request is not None and self.request.expect_continue))

    def service(self) -> None:
        """Work for it in this thread."""
        self.server.working.on = self
        super().service()

    @property
    def needs_waking(self) -> bool:
        """Whether the thread that receives has something to do for it once another has worked."""
        return bool(self.total_outbufs_len or self.will_close or self.close_when_flushed
                    or self.is_left or self.is_held)

    def readable(self) -> bool:
        """Whether something may be read."""
        return bool(self.drains_until or super().readable())

    def writable(self) -> bool:
        """Whether there is something to write, to close, or to go on with."""
        return bool(self.is_held or super().writable())

    def handle_read(self) -> None:
        """Read, or throw away what follows a refused request."""
        if self.drains_until:
            self.recv(self.adj.recv_bytes)
            return
        super().handle_read()
        request = self.request
        if request is not None and request.headers_finished and not request.body_bytes_received:
            self._read_on()

    def _read_on(self) -> None:
        """Read what has come of a body just after its head: most clients send a head and a body as
        two packets, and a look at all connections in between would cost more than this does."""
        try:
            data = self.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if data:
            self.received(data)

    def handle_write(self) -> None:
        """Write, whoever works for it meanwhile. After a refusal only writing ends: the client may
        still be sending, and would lose the answer if it could not."""
        self.flush(do_close=True)
        if self.will_close or (self.close_when_flushed and not self.total_outbufs_len
                               and not self.refused):
            self.handle_close()
        elif self.close_when_flushed and not self.total_outbufs_len:
            self.close_when_flushed = False
            self.drains_until = time.monotonic() + DRAINS_S
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.handle_close()
        elif self.is_held and self.total_outbufs_len <= MOST_UNTAKEN:
            self.is_held = False
            self.server.add_task(self)

    def flush(self, *, do_close: bool = False) -> None:
        """Send what the socket takes of what there is to send. Only the thread that receives may
        close what it cannot be sent on."""
        with self.outbuf_lock:
            if self.connected and self.total_outbufs_len:
                self._flush_exception(self._flush_some, do_close=do_close)

    def send_continue(self) -> None:
        """Say that the body may come."""
        with self.outbuf_lock:
            self.outbufs[-1].append(GO_ON)
            self.current_outbuf_count += len(GO_ON)
            self.total_outbufs_len += len(GO_ON)
            self.sent_continue = True
            self.flush()
        self.request.expect_continue = self.request.completed = False

    @property
    def since(self) -> float:
        """Since when, by `time.monotonic`, it has been waiting for its client."""
        request = self.request
        return self.last_seen() if request is None else request.begun

    def last_seen(self) -> float:
        """When something was last received or sent, by `time.monotonic`."""
        return float(time.monotonic() - (time.time() - self.last_activity))

    @property
    def waits(self) -> bool:
        """Whether nothing of it is being worked on."""
        return not self.requests and not self.total_outbufs_len

    def look(self, now: float) -> None:
        """End what takes too long. What is not taken cannot be waited for: there is no room to
        write until it is."""
        request = self.request
        waits = self.total_outbufs_len or (request is None and not self.requests)
        if self.will_close or (now > self.drains_until if self.drains_until else
                               waits and now - self.last_seen() > IDLE_S):
            self.handle_close()
        elif request is not None and (self.requests or self.total_outbufs_len):
            request.begun = now  # nothing of it was read meanwhile
        elif request is not None and request.overdue(now):
            self._refuse(request)

    def _refuse(self, request: Request) -> None:
        request.error, request.completed, self.request = TooSlow(""), True, None
        self.requests.append(request)
        self.server.add_task(self)


class Server(TcpWSGIServer):
    """The server: it receives in the thread that runs it, and answers in others."""

    channel_class = Channel
    stops = wakes = False

    def __init__(
        self, application: Callable[..., Any], bind: str, *, dispatcher: ThreadedTaskDispatcher,
        connections: int, largest: Largest,
    ) -> None:
        adj = Adjustments(
            listen=bind, ident=None,
            # More than are kept: `handle_accept` makes room afterwards.
            connection_limit=connections * 2, cleanup_interval=1, recv_bytes=PACKET,
            inbuf_overflow=IN_MEMORY, max_request_header_size=LARGEST_HEAD,
            max_request_body_size=2**62, log_socket_errors=False,
            # What a proxy says of a browser: whoever reads that knows whom to believe.
            clear_untrusted_proxy_headers=False,
            outbuf_high_watermark=2**62)  # no thread waits for a client: see `add_task`
        adj.largest, adj.send_bytes, self.connections = largest, PACKET, connections
        self.watch, self.working = Watch(), threading.local()
        super().__init__(application, dispatcher=dispatcher, adj=adj)
        self.watch.look_at(self)
        self.watch.look_at(self.trigger)

    def del_channel(self, map: Any = None) -> None:
        """Take no connection any more."""
        self.watch.forget(self._fileno)
        super().del_channel(map)

    def add_task(self, task: Channel) -> None:
        """Hand over a connection that has a request; later, if its client has too much to take."""
        if task.total_outbufs_len > MOST_UNTAKEN:
            task.is_held = True
        else:
            super().add_task(task)

    def handle_accept(self) -> None:
        """Take who has come."""
        for _ in range(AT_ONCE):
            before = len(self._map)
            super().handle_accept()
            if len(self._map) == before:
                break
            self._make_room()

    def _make_room(self) -> None:
        """If it is full, the connection that has made us wait longest gives way to the newest: one
        with nothing to take, if there is any."""
        *others, _ = self.active_channels.values()
        idle = [one for one in others if one.is_held or not one.requests]
        waiting = [one for one in idle if one.waits] or idle
        if len(others) >= self.connections and waiting:
            min(waiting, key=lambda one: one.since).handle_close()

    def maintenance(self, now: float) -> None:
        """Look at every connection, once a second."""
        for channel in list(self.active_channels.values()):
            channel.look(time.monotonic())
            self.watch.look_at(channel)

    def pull_trigger(self) -> None:
        """Wake the thread that receives, if there is something for it to do. When it wakes it asks
        all connections that threads work for, so it need not be woken again before it has begun.
        """
        channel = getattr(self.working, "on", None)
        if not self.wakes and (channel is None or channel.needs_waking):
            self.wakes = True
            super().pull_trigger()

    def step(self, seconds: float) -> None:
        """Wait so long for something to happen, and deal with it."""
        self.task_dispatcher.gather()
        self.wakes = False
        self.watch.wait(seconds)

    def finish(self, lingers: float, within: float) -> None:
        """Take no connection any more, answer what has come or comes while it `lingers`, each
        time as the last answer of its connection, and end `within` so many seconds."""
        self.stops = True
        wasyncore.dispatcher.close(self)
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < within:
            channels = list(self.active_channels.values())
            if not channels or (passed > lingers and all(one.waits for one in channels)):
                break
            self.step(0.05)
        self.task_dispatcher.shutdown(timeout=1)
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        self.trigger.close()
        self.watch.close()
