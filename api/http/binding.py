"""Where the server listens, checked before it starts."""

import os
import re
import socket
from collections.abc import Mapping

from ledger.common.errors import Misconfigured

DEFAULT_BIND = "127.0.0.1:8000"

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", re.ASCII)


class BadBind(Misconfigured):
    """LEDGER_BIND is {text!r}. It must be HOST:PORT, such as 127.0.0.1:8000, with a port from 1 to
    65535."""

    code = "bad_bind"
    rule = "R-SET-11"


class CannotListen(Misconfigured):
    """LEDGER_BIND is {text}, and the server cannot listen there: {why}. Name another host or
    port, or end what listens there."""

    code = "cannot_listen"
    rule = "R-SET-12"


def bind_of(environment: Mapping[str, str] = os.environ) -> str:
    """HOST:PORT of LEDGER_BIND. Errors: BadBind (R-SET-11)."""
    text = environment.get("LEDGER_BIND") or DEFAULT_BIND
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 65535:
        raise BadBind(text=text)
    return text


def must_be_free(bind: str) -> None:
    """Check that a server can listen there. Errors: CannotListen (R-SET-12)."""
    host, _, port = bind.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
    except OSError as error:
        raise CannotListen(text=bind, why=error.strerror or error) from None
