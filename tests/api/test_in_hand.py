"""Somebody was erased. Whoever holds everything that is left finds no byte of what was known of
them, and cannot find out whether a guess is right: docs/personal-data.md."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger.log.backup import backup_log
from ledger.log.keys_backup import backup_keys
from ledger.log.rotating import rotate
from ledger.settings import Settings
from tests.conftest import durable
from tests.support import holder
from tests.support.bodies import WHEN, at
from tests.support.bodies import order as body
from tests.support.postgres_server import Server
from tests.support.waiting import eventually
from tests.support.web import Web, problem

HELD = {"account": "失踪的读书人", "recipient": "慕容雪岭", "phone": "13987651234",
        "address": "无名巷四十二号后门", "remark": "请交门卫老周转交"}
WRITTEN = {"hold": "等她改成公司地址", "refund": "6222029876543210987", "note": "她说周五再来",
           "case": "书脊开裂像被水泡过", "refused": "我先垫付给她再说"}
FALSE = {**HELD, "account": "另一个读书人", "phone": "13987651235", "recipient": "慕容雪峰",
         "address": "无名巷四十三号后门"}
HEADER = ("order,shop,line,sku,quantity,unit_price,placed_at,paid_at,paid,"
          "buyer,recipient,phone,address,remark")


def export(known: Mapping[str, str]) -> bytes:
    """The export of one order: all but what is personal is in the log."""
    row = "A-1,云杉书店,1,SH-001,1,49.90,2026-09-01 10:00,2026-09-01 10:05,49.90,"
    return f"{HEADER}\r\n{row}{','.join(known.values())}\r\n".encode()


def bring(web: Web, content: bytes, key: str) -> dict[str, Any]:
    """Import a file over HTTP; what came of it."""
    answer = web.client.post(
        "/v1/imports", headers=web.headers("integration", "main", {"Idempotency-Key": key}),
        data={"profile": "generic", "file": (io.BytesIO(content), "orders.csv")})
    assert answer.status_code == 202, answer.text
    where = answer.headers["Location"]
    eventually(lambda: web.get(where).json["state"] != "running", 60)  # type: ignore[index]
    found: dict[str, Any] = web.get(where).json  # type: ignore[assignment]
    assert found["state"] == "done", found
    return dict(found["counts"])


def lived(web: Web) -> str:
    """A buyer with imports, what was written of them, refusals, repeats and readings. Their id."""
    assert bring(web, export(HELD), "first")["accepted"] == 1
    order = at("A-1").replace("taobao", "generic")
    web.done(f"{order}/holds", {"reason": WRITTEN["hold"], "occurred_at": WHEN}, key="hold")
    web.done(f"{order}/hold-lifts", {"note": WRITTEN["note"], "occurred_at": WHEN})
    web.done(f"{order}/refunds", {
        "amount_minor": 100, "account": WRITTEN["refund"], "reference": "TK-1",
        "occurred_at": WHEN})
    web.done("/v1/returns", {
        "channel": "generic", "shop": "云杉书店", "number": "R-1", "kind": "refund_only",
        "order": "order:generic:云杉书店:A-1", "currency": "CNY", "refund_minor": 100,
        "reason": WRITTEN["case"], "occurred_at": WHEN})
    problem(web.post(f"{order}/refunds", {  # more than was paid: on record
        "amount_minor": 99_999_999, "account": WRITTEN["refund"], "reference": "TK-2",
        "reason": WRITTEN["refused"], "occurred_at": WHEN}), 422, "refund_exceeds_payment")
    problem(web.post("/v1/orders", body(
        "A-1", channel="generic", shop="云杉书店", **_said(HELD))), 409, "order_already_placed")
    assert web.post(f"{order}/holds", {"reason": WRITTEN["hold"], "occurred_at": WHEN},
                    key="hold").status_code == 200
    assert web.get("/v1/fulfilment", "service").status_code == 200
    answer = web.post("/v1/persons/find", {"channel": "generic", "account": HELD["account"]})
    (person,) = answer.json["persons"]  # type: ignore[index]
    assert HELD["phone"] in web.get(f"/v1/persons/{person}/events").text
    return str(person)


def _said(known: Mapping[str, str]) -> dict[str, str]:
    return {**{name: known[name] for name in ("account", "recipient", "phone", "address")},
            "buyer_remark": known["remark"]}


def guesses(known: Mapping[str, str]) -> list[bytes]:
    """What somebody hashes who guesses these values: each by itself, the account as it is looked
    up, and the whole file, of which they know the rest."""
    alone = [value.encode() for value in known.values()]
    quoted = [f'"{value}"'.encode() for value in known.values()]
    return [*alone, *quoted, f"buyer:generic:{known['account']}".encode(), export(known)]


@durable
def test_erasure__leaves_nothing_to_whoever_holds_everything(
    web: Web, settings: Settings, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folders = [tmp_path]
    if backend == "postgres":
        server: Server = request.getfixturevalue("postgres")
        folders.append(server.folder)
    person, keys = lived(web), web.edge.open().keys
    backup_keys(keys, tmp_path / "keys-1.gz", web.edge.store)
    before = holder.hand(settings, web.edge.store, keys, folders)
    assert any(HELD["phone"].encode() in one for one in holder.opened(before, person))
    assert holder.confirmations(before, guesses(HELD)) - holder.confirmations(
        before, guesses(FALSE)) == {"10: lookup person"}  # as long as the buyer is known

    web.done(f"/v1/persons/{person}/erasure-requests", {"ground": "requested"})
    web.done(f"/v1/persons/{person}/erasure-confirmations", {}, "admin")
    assert bring(web, export(HELD), "second") == bring(web, export(FALSE), "third")
    for known in (HELD, FALSE):  # what the ledger itself answers is the same for both
        problem(web.post("/v1/persons/find", {
            "channel": "generic", "account": known["account"]}), 422, "nobody_found")
    order = at("A-1").replace("taobao", "generic")
    for text in (WRITTEN["hold"], "等他"):
        assert web.post(f"{order}/holds", {"reason": text, "occurred_at": WHEN}, key="hold"
                        ).status_code == 200
    backup_keys(keys, tmp_path / "keys-2.gz", web.edge.store)
    rotate(keys)
    backup_log(web.edge.store, "main", tmp_path / "log.gz")
    web.edge.models.catch_up("main")

    after = holder.hand(settings, web.edge.store, keys, folders)
    assert person.encode() in after.files  # what they are looking for is there
    assert b"reading.noted.v1" in after.stored
    assert len(after.secrets()) == 2
    assert holder.in_clear(after, [*HELD.values(), *WRITTEN.values()]) == []
    assert holder.opened(after, person) == []
    assert holder.confirmations(after, guesses(HELD)) == holder.confirmations(
        after, guesses(FALSE))
