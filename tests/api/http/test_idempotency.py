"""What is sent again under its key, case by case, as the table of docs/http.md says."""

import io
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.log.store import StorageFailed
from ledger.writing import writer
from tests.conftest import on_sqlite
from tests.support import source
from tests.support.bodies import at, order, stocked
from tests.support.waiting import eventually
from tests.support.web import Web

KEY = "once"
MONEY = {"amount_minor": 4990, "occurred_at": "2026-10-01T13:00:00+08:00"}
SPELLINGS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "order": lambda body: json.dumps(dict(reversed(body.items()))),
    "blanks": lambda body: json.dumps(body, indent=4),
    "escapes": lambda body: json.dumps(body, ensure_ascii=True).replace("a", "\\u0061"),
    "plain": lambda body: json.dumps(body, ensure_ascii=False),
    "numbers": lambda body: json.dumps(body).replace("4990", "4990.0"),
    "zone": lambda body: json.dumps(body).replace("12:00:00+08:00", "04:00:00Z"),
    "defaults": lambda body: json.dumps({**body, "gifts": [], "recipient": None}),
}
"""How else a body may be spelled."""


def placed(web: Web, **more: Any) -> TestResponse:
    """An order is placed."""
    return web.post("/v1/orders", order(**more), key=KEY)


def same(web: Web) -> TestResponse:
    first = placed(web)
    again = placed(web)
    assert (first.status_code, again.json) == (201, first.json)
    return again


def spelled_otherwise(web: Web) -> TestResponse:
    placed(web)
    *others, last = (web.post("/v1/orders", spell(order()).encode(), key=KEY)
                     for spell in SPELLINGS.values())
    assert [(one.status_code, one.json) for one in others] == [(200, last.json)] * len(others)
    return last


def another_body(web: Web) -> TestResponse:
    placed(web)
    return placed(web, currency="EUR")


def another_person(web: Web) -> TestResponse:
    placed(web, recipient="某先生")
    assert placed(web, recipient="某先生").status_code == 200
    return placed(web, recipient="某女士")


def another_address(web: Web) -> TestResponse:
    for number in (1, 2):
        web.done("/v1/orders", order(number))
    web.done(f"{at(1)}/payments", MONEY, key=KEY)
    return web.post(f"{at(2)}/payments", MONEY, key=KEY)


def another_version(web: Web) -> TestResponse:
    web.done("/v1/orders", order())
    web.done(f"{at()}/payments", MONEY, key=KEY, If_Match='"1"')
    assert web.post(f"{at()}/payments", MONEY, key=KEY, If_Match='"1"').status_code == 200
    return web.post(f"{at()}/payments", MONEY, key=KEY, If_Match='"2"')


def under_way(web: Web) -> TestResponse:
    first: list[TestResponse] = []
    ledger, token = web.ledger(), web.token()
    with web.edge.store.writing(ledger.id):
        thread = threading.Thread(target=lambda: first.append(placed(web)))
        thread.start()
        eventually(lambda: ledger.waiting or ledger._writer._taken)
        again = web.app.test_client().post("/v1/orders", json=order(), headers={
            "Authorization": f"Bearer {token}", "Idempotency-Key": KEY})
    thread.join()
    assert (again.headers["Retry-After"], first[0].status_code) == ("1", 201)
    assert placed(web).status_code == 200
    return again


def refused(web: Web) -> TestResponse:
    sale = order(warehouse="main")
    assert web.post("/v1/sales", sale, key=KEY).status_code == 422
    stocked(web)
    return web.post("/v1/sales", sale, key=KEY)


def malformed(web: Web) -> TestResponse:
    assert web.post("/v1/orders", {}, key=KEY).status_code == 422
    assert web.post("/v1/orders", b"{", key=KEY).status_code == 400
    return placed(web)


def changed_nothing(web: Web) -> TestResponse:
    web.done("/v1/warehouses", {"name": "main"})
    first = web.post("/v1/warehouses", {"name": "main"}, key=KEY)
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    return web.post("/v1/warehouses", {"name": "main"}, key=KEY)


def crashed_after(web: Web) -> TestResponse:
    first = placed(web)
    web.edge.close()
    again = placed(web)
    assert again.json == first.json
    return again


def crashed_before(web: Web) -> TestResponse:
    def fails(*given: Any) -> Any:
        raise StorageFailed(why="the disk is full")

    web.token()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writer, "append", fails)
        assert placed(web).status_code == 503
    return placed(web)


def another_owner(web: Web) -> TestResponse:
    web.done("/v1/orders", order(), key=KEY)
    return web.post("/v1/orders", order(2), "service", key=KEY)


def another_key(web: Web) -> TestResponse:
    web.done("/v1/orders", order(), key=KEY)
    token = web.token(owner="member:manager", expires_at=None)
    return web.client.post("/v1/orders", json=order(), headers={
        "Authorization": f"Bearer {token}", "Idempotency-Key": KEY})


def another_ledger(web: Web) -> TestResponse:
    web.done("/v1/orders", order(), key=KEY)
    return web.post("/v1/orders", order(), ledger="other", key=KEY)


def previewed_before(web: Web) -> TestResponse:
    for body in (order(), order(2)):
        assert web.post("/v1/orders?preview=true", body, key=KEY).status_code == 200
    return placed(web)


def previewed_after(web: Web) -> TestResponse:
    placed(web)
    return web.post("/v1/orders?preview=true", order(2), key=KEY)


def uploaded(web: Web, **more: str) -> TestResponse:
    """A file is imported."""
    line = "number,placed,currency,total,paid_at\n1,2026-10-01 12:00,CNY,49.90,\n"
    return web.client.post("/v1/imports", headers=web.headers(
        "integration", "main", {"Idempotency-Key": KEY}), data={
        "profile": "generic", "shop": "pine", **more, "file": (io.BytesIO(line.encode()), "a.csv")})


def same_import(web: Web) -> TestResponse:
    first, again = uploaded(web), uploaded(web)
    assert (first.status_code, (again.json or {})["import"]) == (202, (first.json or {})["import"])
    return again


def another_import(web: Web) -> TestResponse:
    uploaded(web)
    return uploaded(web, shop="oak")


def no_key(web: Web) -> TestResponse:
    return web.client.post("/v1/orders", json=order(), headers=web.headers("manager", "main", {}))


def unsound_key(web: Web) -> TestResponse:
    assert web.post("/v1/orders", order(), key="k" * 200).status_code == 201
    assert web.post("/v1/orders", order(2), key="钥".encode().decode("latin-1")).status_code == 400
    return web.post("/v1/orders", order(2), key="k" * 201)


CASES: Mapping[str, Callable[[Web], TestResponse]] = {
    "the same request": same,
    "the same, spelled otherwise: order of fields, blanks, escapes, `1.0` for 1, another zone, a "
    "default written out": spelled_otherwise,
    "another body": another_body,
    "another personal value": another_person,
    "the same body to another address": another_address,
    "another `If-Match`": another_version,
    "the same request while the first is under way": under_way,
    "the same, which a rule refused before": refused,
    "another body, where the first could not be read": malformed,
    "the same, which changed nothing": changed_nothing,
    "the same, whose answer was lost, also when the server ended": crashed_after,
    "the same, after 503: nothing was recorded": crashed_before,
    "a request of somebody else": another_owner,
    "the same request with another key of the same owner": another_key,
    "a request to another ledger": another_ledger,
    "a command, whatever was previewed under it": previewed_before,
    "a preview of another command than the one that was accepted": previewed_after,
    "the same files to import": same_import,
    "other files to import, or other options": another_import,
    "nothing: no key": no_key,
    "a key of more than 200 characters, or of others than printable ASCII": unsound_key,
}
"""What is sent under a key that was used, as the table says it, and how that is tried."""


def table() -> dict[str, str]:
    """The rows of the table: what is sent, and what is answered."""
    page = source.text(source.ROOT / "docs/http.md")
    (part,) = re.findall(r"^\| sent under the key \|.*\n\| --- .*\n((?:\|.*\n)+)", page, re.M)
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|$", part, re.M))


def test_table__has_every_case() -> None:
    assert list(table()) == list(CASES)


@on_sqlite
@pytest.mark.parametrize("case", CASES)
def test_case__is_answered_as_the_table_says(web: Web, case: str) -> None:
    answer = CASES[case](web)
    replayed = answer.headers.get("Idempotency-Replayed")
    code = (answer.json or {}).get("code")
    named = [f"`{one}`" for one in ("Idempotency-Replayed" if replayed else None, code) if one]
    assert " ".join([str(answer.status_code), *named]) == table()[case]
