"""Lines of the server's log: whose they are, and what never stands in them."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.http.logs import _ended, about, formatter, with_fields
from ledger.settings import Settings
from tests.conftest import on_sqlite
from tests.support.bodies import order
from tests.support.web import Web

PHONE, NAME, ADDRESS = "13811112222", "Zhang Weiguo", "Lane 7, Number 12"


class Kept(logging.Handler):
    """Keeps lines as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def last(self) -> dict[str, Any]:
        """The last line."""
        found: dict[str, Any] = json.loads(self.lines[-1])
        return found


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, logger = Kept(), logging.getLogger("ledger")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_thread__that_ends_with_an_error_is_one_line(kept: Kept) -> None:
    def broken() -> None:
        raise KeyError("a bug")

    thread = threading.Thread(target=broken, name="writer of main")
    before, threading.excepthook = threading.excepthook, _ended
    try:
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    assert len(kept.lines) == 1
    line = kept.last()
    assert (line["level"], line["thread"]) == ("critical", "writer of main")
    assert "KeyError: 'a bug'" in line["exception"]


def test_work__for_another_thread_names_what_it_is_about(kept: Kept) -> None:
    log = logging.getLogger("ledger.edge")
    with about(request="r1", ledger="main"):
        work = with_fields(lambda: log.error("failed"))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    line = kept.last()
    assert (line["request"], line["ledger"], line["message"]) == ("r1", "main", "failed")
    log.error("later")
    assert "request" not in kept.last()


@on_sqlite
def test_log__holds_nothing_that_is_personal_and_no_secret(
    web: Web, settings: Settings, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that are taken, refused, malformed and met by a fault; wrong keys; odd addresses."""
    body = order(1) | {"phone": PHONE, "recipient": NAME, "address": ADDRESS, "account": NAME}
    token = web.token()
    statuses = [
        web.post("/v1/orders", body).status_code,
        web.post("/v1/orders", body | {"phone": [PHONE], "unknown": ADDRESS}).status_code,
        web.post("/v1/orders", json.dumps(body).encode()[:-9]).status_code,
        web.post("/v1/orders", body, role="member").status_code,
        web.get(f"/v1/orders?{NAME}={PHONE}").status_code,
        web.get(f"/v1/search?q={PHONE}").status_code,
        web.post("/v1/persons/find", {"channel": "taobao", "account": NAME}).status_code,
        web.client.get(f"/v1/{PHONE}", headers={"Authorization": f"Bearer {token}x"}).status_code]

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(web.ledger()), "handle", broken)
    monkeypatch.setattr(type(web.ledger()), "handle_many", broken)
    statuses.append(web.post("/v1/orders", body | {"number": "2"}).status_code)
    assert {*statuses} >= {400, 403, 404, 500}
    assert len(kept.lines) > len(statuses)
    said = "\n".join(kept.lines)
    secret = token.rpartition("_")[2]
    for hidden in (PHONE, NAME, ADDRESS, secret, str(settings.master_key_file)):
        assert hidden not in said
