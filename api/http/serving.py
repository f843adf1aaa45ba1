"""How `ledger serve` serves: one process, which owns the ledger's writer, and many threads."""

import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from api.http.binding import CannotListen
from api.http.handing_out import HandingOut
from api.http.receiving import Largest, Server
from ledger.common import waits

if TYPE_CHECKING:
    from ledger.settings import Settings

THREADS = 32
"""How many requests are worked on at a time: most of them wait for a commit."""

CONNECTIONS = 1_000
"""How many connections there may be at a time; each costs a file."""

LINGERS_S, GRACEFUL_S = 1.0, 30.0
"""How long requests are still taken on open connections, and how long the accepted ones may take,
once the server is to stop."""


FEW = 1
"""How many of them begin at a time where the log lies in this process, and waits for nobody else
to read: see `handing_out`."""


def serve(
    app: Callable[..., Any], bind: str, *, largest: Largest, ready: str = "", few: int = THREADS,
) -> None:
    """Serve until Ctrl-C or SIGTERM, finish what was accepted, and return. A second signal ends at
    once. `ready` is said when it listens. So `few` requests begin at a time.

    Errors: CannotListen (R-SET-12).
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it tells of every short wait
    try:
        handing_out = HandingOut(THREADS, few)
        server = Server(app, bind, dispatcher=handing_out, connections=_connections(),
                        largest=largest)
    except OSError as error:
        raise CannotListen(text=bind, why=error.strerror or error) from None

    waits.process.begin, waits.process.end = handing_out.begin_wait, handing_out.end_wait

    def stop(number: int, frame: object) -> None:
        server.stops = True
        signal.signal(number, signal.SIG_DFL)
        server.trigger.pull_trigger()  # even if it is being woken already

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if ready:
        print(ready, flush=True)
    notify_systemd("READY=1")
    while not server.stops:
        server.step(1.0)
    notify_systemd("STOPPING=1")
    server.finish(LINGERS_S, GRACEFUL_S)


def _connections() -> int:
    """As many as there are files for, with some left for databases and bodies."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * CONNECTIONS
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(CONNECTIONS, soft // 3)


def notify_systemd(state: str) -> None:
    """Tell systemd, if it started this, how the service stands: see `man sd_notify`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as there:
        there.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)


def serve_ledger(
    first_link: "Callable[[Settings], dict[str, Any] | None]" = lambda settings: None,
) -> None:
    """Serve the API and its console at LEDGER_BIND. `first_link` gives a link to whoever starts
    the server, as it is printed, if there is to be one. Errors: BadBind (R-SET-11), CannotListen
    (R-SET-12), MissingKeys (R-KEY-13) where there are ledgers and no keys database, R-LOG-05 to
    R-LOG-07 where the schema is another one. That the log cannot be opened now is said, and no
    error."""
    from werkzeug.utils import import_string

    from api.http.binding import bind_of, must_be_free
    from api.http.limits import quotas_of
    from api.http.routes import largest_body
    from api.http.starting import command_for, fault_of, first_key, must_have_keys
    from api.messages import explain, tr
    from ledger.settings import Settings, masked

    bind = bind_of()
    quotas_of()
    must_have_keys()
    settings = Settings.from_environment()
    if (fault := fault_of(settings)) is not None:
        print(tr("The server starts, and answers 503 until this is mended: {fault}",
                 fault=explain(fault)), file=sys.stderr, flush=True)
    must_be_free(bind)
    app = import_string("wsgi:app")  # made when nothing keeps it from serving: it takes a while
    link = None if fault is not None else first_link(settings)
    few = FEW if settings.database_url.startswith("sqlite") else THREADS
    serve(app, bind, largest=largest_body, few=few, ready=f"""
order-ledger listens on http://{bind}
  it serves         {masked(settings.database_url)}
  its pages         {_pages(bind, link)}
  the API's page    http://{bind}/v1/docs
  a key for it      {first_key(settings)}
  orders into it    {command_for(settings)} import FILE --profile taobao-orders
Stop it with Ctrl-C.""")
    sys.stdout.flush()


def _pages(bind: str, link: dict[str, Any] | None) -> str:
    """Where the pages are; with a link, how to get in."""
    from api.messages import tr

    if link is None:
        return f"http://{bind}/"
    said = tr("once, as {owner}, in the role {role}, until {until}", owner=link["owner"],
              role=link["roles"], until=link["expires_at"])
    return f"{link['link']}\n                    ({said})"
