"""Where the ledger stands: said on every answer, and sent back to one that may have gone back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from api.http.routes import PERMITS, PUBLIC
from ledger.log.backup import backup_log
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.settings import Settings
from ledger.writing.continuing import Attribution, restore
from tests.conftest import durable, on_sqlite
from tests.support.bodies import at, order, stocked
from tests.support.routes import of_api
from tests.support.web import Web, problem


def reads(app: Flask) -> Iterator[tuple[str, str]]:
    """Address, with what the story below has made, and a role, of every read of a ledger."""
    made = {"order": "order:taobao:云杉书店:1", "sku": "sku:SH-001", "format": "csv"}
    for rule in of_api(app):
        roles = PERMITS[rule.endpoint]
        if "GET" in (rule.methods or ()) and roles != PUBLIC:
            address = re.sub(r"<(\w+)>", lambda match: made.get(match[1], match[1]), rule.rule)
            yield address + ("?position=1" if rule.endpoint == "log.root" else ""), sorted(roles)[0]


def test_mark__is_on_every_answer(web: Web) -> None:
    stocked(web)
    wrote = web.post("/v1/orders", order(), key="a")
    leaf = web.edge.store.read("main", after=3)[0].leaf_hash
    assert wrote.headers["Ledger-Position"] == f"4:{leaf[:8].hex()}"
    again = web.post("/v1/orders", order(), key="a")
    assert again.headers["Ledger-Position"] == wrote.headers["Ledger-Position"]
    answered = []
    for address, role in [*reads(web.app), ("/v1/audit?format=csv", "auditor")]:
        found = web.get(address, role)
        if found.status_code == 200:
            answered.append(address)
            assert re.fullmatch(r"\d+:[0-9a-f]{16}", found.headers["Ledger-Position"]), address
            position = int(found.headers["Ledger-Position"].partition(":")[0])
            leaf = web.edge.store.read("main", after=position - 1)[0].leaf_hash
            assert found.headers["Ledger-Position"].endswith(leaf[:8].hex())
    assert len(answered) > 20


def test_mark__of_a_ledger_that_just_began_is_its_opening(web: Web) -> None:
    mark = web.get("/v1/orders").headers["Ledger-Position"]
    assert re.fullmatch("1:[0-9a-f]{16}", mark)
    assert web.get("/v1/orders", Ledger_Position=mark).status_code == 200


@pytest.mark.parametrize("header", ["Ledger_Position", "Ledger_Min_Position"])
def test_mark__accepted_when_the_log_holds_it(web: Web, header: str) -> None:
    for number in range(3):
        seen = web.post("/v1/orders", order(number)).headers["Ledger-Position"]
        for sent in (seen, seen.partition(":")[0]):
            found = web.get("/v1/orders", **{header: sent}).json or {}
            assert len(found["items"]) == number + 1
    assert web.post(f"{at()}/payments", {"amount_minor": 1}, Ledger_Position=seen
                    ).status_code == 201


@on_sqlite
@pytest.mark.parametrize("sent", ["", "x", "-1", "1:", "1:12", "1:0123456789ABCDEF", "01", "9" * 17,
                                  "1:0123456789abcdef0"])
def test_mark__rejected_when_it_cannot_be_read(web: Web, sent: str) -> None:
    found = problem(web.get("/v1/orders", Ledger_Position=sent), 400, "not_understood")
    assert [fault["pointer"] for fault in found["errors"]] == ["/headers/Ledger-Position"]


@on_sqlite
def test_mark__rejected_when_it_is_not_reached_in_time(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.standing.MAX_WAIT_S", 0.05)
    seen = web.post("/v1/orders", order()).headers["Ledger-Position"]
    monkeypatch.setattr(type(web.edge), "reached", lambda *_: 0)
    for sent in ({"Ledger_Min_Position": "1"}, {"Ledger_Position": seen}):
        answer = web.get("/v1/orders", **sent)
        problem(answer, 503, "behind")
        assert answer.headers["Retry-After"]


class Shop(NamedTuple):
    """An installation from which a backup of two events was made, and what it answered after."""

    settings: Settings
    folder: Path
    kept: str
    next: str
    lost: str


@pytest.fixture
def before(settings: Settings, tmp_path: Path) -> Shop:
    """A shop that recorded two orders, was backed up, and recorded two more."""
    folder = tmp_path / "before"
    folder.mkdir()
    own = Settings(
        database_url=f"sqlite:///{folder}/log.db", keys_url=f"sqlite:///{folder}/keys.db",
        master_key_file=settings.master_key_file)
    web = Web(own)
    kept = [web.post("/v1/orders", order(n)).headers["Ledger-Position"] for n in (1, 2)][-1]
    backup_log(web.edge.store, "main", folder / "log.gz")
    backup_keys(web.edge.keys, folder / "keys.gz")
    then, lost = (web.post("/v1/orders", order(n)).headers["Ledger-Position"] for n in (3, 4))
    web.close()
    return Shop(own, folder, kept, then, lost)


@durable
def test_mark__rejected_by_a_ledger_that_went_back(before: Shop, settings: Settings) -> None:
    store, keys = settings.open_store(), settings.open_keys()
    restore(store, before.folder / "log.gz", Attribution("member:7f3a", "a test says so"))
    restore_keys(keys, before.folder / "keys.gz")
    store.close()
    keys.close()
    web = Web(settings)

    def asked(sent: str) -> list[int]:
        return [web.get("/v1/orders", Ledger_Position=sent).status_code,
                web.post("/v1/orders", order("1"), key="x", Ledger_Position=sent).status_code]

    bare = before.lost.partition(":")[0]
    assert asked(before.kept)[0] == 200
    assert asked(before.lost) == asked(bare) == [409, 409]  # it ends before that
    assert asked(before.next) == [409, 409]  # where it says now that it was restored
    for number in (5, 6, 7):
        web.done("/v1/orders", order(number))
    found = problem(web.get("/v1/orders", Ledger_Position=before.lost), 409, "ledger_went_back")
    assert found["rule"] == "R-PRJ-17"
    assert asked(before.lost) == [409, 409]  # another event is there
    assert web.edge.store.head("main").position == 7
    assert asked(before.kept)[0] == asked(bare)[0] == 200
    web.close()
