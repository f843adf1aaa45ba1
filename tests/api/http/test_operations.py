"""Whether a process can work: a ledger that would refuse whatever is sent makes it say no."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from api.http import serving
from api.http.logs import formatter
from api.http.operations import checks
from api.http.starting import must_have_keys
from ledger.application import Ledger
from ledger.log import sqlite
from ledger.log.clock import ClockSuspect
from ledger.log.key_tables import ledger_secrets
from ledger.log.missing_keys import MissingKeys
from ledger.log.persons import Keys
from ledger.log.store import SUFFIX
from ledger.settings import Settings, sqlite_path
from ledger.writing import continuing
from ledger.writing.continuing import Attribution, give_up_keys
from ledger.writing.genesis import keys_of
from tests.conftest import on_sqlite
from tests.support import tamper
from tests.support.bodies import at, order
from tests.support.builders import CONTEXT, place
from tests.support.waiting import eventually
from tests.support.web import Web, problem

NEWER = "1000.0.0"
WHO = Attribution("member:7f3a", "a test")


def writer(web: Web, name: str = "main") -> tuple[int, dict[str, Any]]:
    """The status of /readyz, and what it says of a ledger's writer."""
    return web.client.get("/readyz").status_code, checks(web.edge.open())[f"{name}/writer"]


def is_refused(web: Web, code: str, name: str = "main", *, said: str) -> None:
    """/readyz says that a ledger refuses everything, and why."""
    status, found = writer(web, name)
    assert (status, found["ok"], found["code"]) == (503, False, code)
    assert said in found["detail"]


def give_up_for_others(web: Web) -> None:
    """The log names the keys of another keys database."""
    other = Keys(sqlite.memory_engine(), bytes(32), named="other", key_file="other")
    give_up_keys(web.edge.store, other, "main", WHO)


def forget_secrets(web: Web) -> None:
    """The keys database has nothing of these ledgers."""
    with web.edge.keys.engine.begin() as connection:
        connection.execute(delete(ledger_secrets))


def test_readyz__rejected_while_a_newer_program_has_written(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LDG-08. Asked of a process that does not know of it yet, and again of its successor."""
    web.done("/v1/orders", order())
    assert writer(web) == (200, {"ok": True})
    here = web.edge
    newer = Ledger(here.store, keys_of(here.store, here.keys, "main"))
    newer._writer.continuing.program = NEWER
    newer.handle(place(2), CONTEXT)
    newer.close()
    is_refused(web, "older_program", said=NEWER)
    problem(web.post("/v1/orders", order(3)), 503, "older_program")
    is_refused(web, "older_program", said=NEWER)
    monkeypatch.setattr(continuing, "__version__", NEWER)
    for name in list(here._ledgers):
        here._ledgers.pop(name).close()  # as a process of that version has them
    assert writer(web) == (200, {"ok": True})
    web.done("/v1/orders", order(3))
    assert writer(web) == (200, {"ok": True})


@pytest.mark.parametrize("name", ["main", "main" + SUFFIX])
def test_readyz__rejected_while_the_log_names_other_keys(web: Web, name: str) -> None:
    """R-KEY-05, of a ledger that is open; where the log lies is not told to everybody."""
    web.done("/v1/orders", order())
    here = web.edge
    give_up_for_others(web)
    is_refused(web, "wrong_keys", name, said="‹hidden›")
    problem(web.post("/v1/orders", order(2)), 503, "wrong_keys")
    give_up_keys(here.store, here.keys, "main", WHO)
    assert writer(web, name) == (200, {"ok": True})
    web.done("/v1/orders", order(2))


def test_readyz__accepted_once_keys_were_given_up_for_new_ones(web: Web) -> None:
    """A process that runs on takes the keys that the log names, if its keys database has them."""
    web.done("/v1/orders", order())
    here = web.edge
    forget_secrets(web)
    with here._lock:
        give_up_keys(here.store, here.keys, "main", WHO)
        is_refused(web, "wrong_keys", said="main")
    eventually(lambda: writer(web) == (200, {"ok": True}))
    web.done("/v1/orders", order(2))
    assert web.get(at(2)).status_code == 200


def test_note__is_taken_after_keys_were_given_up(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    """The first thing that happens then may be that somebody reads."""
    web.done("/v1/orders", order())
    here = web.edge
    web.token("auditor")
    forget_secrets(web)
    with here._lock, caplog.at_level(logging.ERROR):
        give_up_keys(here.store, here.keys, "main", WHO)
        answer = web.client.get("/v1/audit?limit=5", headers=web.headers("auditor", "main", {}))
        assert answer.status_code == 200
    assert "reading.noted.v1" in {one.type for one in here.store.read("main" + SUFFIX)}
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


@on_sqlite
@pytest.mark.parametrize("lose", [give_up_for_others, forget_secrets])
def test_readyz__rejected_before_anybody_asked_for_the_ledger(
    web: Web, lose: Callable[[Web], object]
) -> None:
    """A process that has just started says so, too, and not only once a request has failed."""
    web.done("/v1/orders", order())
    lose(web)
    web.edge.close()
    is_refused(web, "wrong_keys", said="main")
    assert web.edge.served() == []
    is_refused(web, "wrong_keys", "main" + SUFFIX, said="main")


@on_sqlite
def test_server__rejected_at_the_start_without_the_keys_of_its_ledgers(
    web: Web, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-13, and no other keys are made, neither then nor by a request."""
    must_have_keys(settings)  # nothing is here yet
    web.done("/v1/orders", order())
    web.edge.close()
    must_have_keys(settings)
    lost = sqlite_path(settings.keys_url)
    assert lost is not None
    lost.unlink()
    monkeypatch.setenv("LEDGER_DATABASE_URL", settings.database_url)
    with pytest.raises(MissingKeys):
        serving.serve_ledger()
    problem(web.client.get("/readyz"), 503, "missing_keys")
    assert not lost.exists()


@on_sqlite
def test_keys__gone_from_a_running_server_are_named(
    web: Web, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    web.done("/v1/orders", order())
    for file in Path(settings.keys_url.removeprefix("sqlite:///")).parent.glob("*.keys.db*"):
        file.unlink()
    answer = web.post("/v1/persons/find", {"channel": "taobao", "account": "x"})
    assert "the keys database" in problem(answer, 503, "connection_lost")["detail"]
    ready = web.client.get("/readyz")
    assert (ready.status_code, checks(web.edge)["keys"]["code"]) == (503, "storage_failed")
    assert [one for one in caplog.records if one.exc_info] == []


@on_sqlite
@pytest.mark.parametrize("name", ["main", "main" + SUFFIX])
@pytest.mark.parametrize(("statement", "code"), [
    ("DELETE FROM heads", "ledger_unknown"), ("UPDATE heads SET position = 0", "head_unsound")])
def test_readyz__rejected_while_a_head_is_not_where_the_log_ends(
    web: Web, name: str, statement: str, code: str
) -> None:
    """R-LDG-02, R-VFY-02, of a process that is running."""
    web.done("/v1/orders", order())
    own = web.edge.store.id_of(name)
    tamper.intrude(web.edge.settings, f"{statement} WHERE ledger = ?", own)
    is_refused(web, code, name, said="")


def test_work_after_an_answer__says_in_one_line_what_the_ledger_says_itself(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    """A trace is for bugs: a clock that is suspect is none, and fails at each attempt."""
    def suspect() -> None:
        raise ClockSuspect(why="it went back")

    def broken() -> None:
        raise KeyError("a bug")

    with caplog.at_level(logging.ERROR, "ledger.edge"):
        for work in (suspect, broken):
            web.edge._step(work)
    first, second = (one for one in caplog.records if one.name == "ledger.edge")
    assert (first.exc_info, second.exc_info is not None) == (None, True)
    assert first.getMessage().endswith("[R-LOG-08, clock_suspect]")


def test_readyz__shows_strangers_the_kinds_of_checks_and_operators_their_own_ledger(
    web: Web
) -> None:
    web.done("/v1/orders", order())
    web.done("/v1/orders", order(), ledger="other")

    def names(**headers: str) -> set[str]:
        found = web.client.get("/readyz", headers=headers).json
        assert found is not None
        return set(found["checks"])

    kinds = names()
    assert {"schema", "keys", "writer", "read_models"} <= kinds
    assert not [name for name in kinds if "/" in name]
    assert names(**web.headers("service", "main", {})) == kinds
    assert names(Authorization="Bearer ol_nothing") == kinds
    shown = names(**web.headers("operations", "main", {})) - kinds
    assert {name.partition("/")[0] for name in shown} == {"main", "main" + SUFFIX}
    metrics = web.get("/metrics", "operations").text
    assert ('ledger="main"' in metrics, 'ledger="other"' in metrics) == (True, False)


def test_readyz__says_nothing_of_what_was_found_to_strangers(web: Web) -> None:
    web.done("/v1/orders", order())
    give_up_for_others(web)
    found = web.client.get("/readyz").json
    assert found is not None
    assert found["checks"]["writer"] == {"ok": False}
    assert {tuple(check) for check in found["checks"].values()} == {("ok",)}


def test_log__names_the_request_of_every_line_and_its_key(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the code, too: one line with its trace, found by what the client was told."""
    written: list[dict[str, Any]] = []
    lines = formatter()
    token = web.headers("manager", "main", {})
    key = token["Authorization"].split("_")[2].partition("-")[0]

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(lines.format(record)))

    def broken(*_: Any) -> None:
        raise KeyError("a bug")

    handler = Kept()
    logging.getLogger("ledger").addHandler(handler)
    try:
        monkeypatch.setattr(web.edge, "begin", broken)
        found = problem(web.client.get("/v1/orders", headers=token), 500, "our_fault")
    finally:
        logging.getLogger("ledger").removeHandler(handler)
    own = [line for line in written if line.get("request") == found["request_id"]]
    assert [(line["logger"], line["key"], line["ledger"]) for line in own] == [
        ("ledger.edge", key, "main"), ("ledger.requests", key, "main")]
    assert "KeyError: 'a bug'" in own[0]["exception"]
    assert not [line for line in written if "secret" in json.dumps(line)]
