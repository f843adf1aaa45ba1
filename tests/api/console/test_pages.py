"""Every page for every role in both languages: it answers, says no codes, and stays in its bounds.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Response

from api.console.pages import POLICY
from api.http import problems
from tests.support import console
from tests.support.console import PEOPLE, forms, pages, said, visit
from tests.support.web import Web

ALLOWED = frozenset((
    "order-ledger", "English", "SKU", "Excel", "csv", "xlsx", "json", "ledger", "verify",
    "hangzhou", "early", "late", "weekend", "demo", "Asia", "Shanghai", "auditor", "main",
    "taobao"))
"""Latin words in a Chinese page that are names, codes or examples of them."""

_CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\b(?:order|case|sku|member|stock|deduction):[^\s]+")


def every(web: Web) -> dict[str, str]:
    """The address of every page, and of the form of every command."""
    return {**pages(web), **{f"form of {name}": path for name, path in forms().items()}}


def written(web: Web) -> list[str]:
    """What somebody wrote into the log, in whatever language, the longest first."""
    store = web.edge.open().store
    found = {part.strip() for entry in store.read("main", limit=10**6)
             for text in _texts(json.loads(entry.payload)) if " " in text
             for part in (text, *re.split(r"[a-z]+:[^ ]+", text)) if part.strip()}
    return sorted(found, key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(
            value, list) else ():
        yield from _texts(part)


@pytest.mark.parametrize("role", PEOPLE)
def test_pages__answer_everybody_with_a_page_or_the_reason_why_not(seen: Web, role: str) -> None:
    browser = visit(seen, role)
    for name, path in every(seen).items():
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.status_code in (200, 303, 400, 403, 404, 410), (name, path, answer.text[:500])
        assert answer.status_code < 400 or "error" in answer.text or answer.mimetype in (
            "text/html", "application/problem+json"), name
        if name != "static":
            assert answer.headers["Content-Security-Policy"] == POLICY, name
            assert answer.headers["Cache-Control"] == "no-store", name


def test_pages__all_open_for_a_manager(seen: Web) -> None:
    browser = visit(seen)
    wrong = {name: answer.status_code for name, path in every(seen).items()
             if (answer := browser.get(path, headers={"Accept": "text/html"})).status_code
             not in (200, 303)}
    assert wrong == {"slip": 403, "welcome": 404, "form of policy.publish": 404}


@pytest.mark.parametrize("role", ["manager", "service", "auditor"])
def test_pages__say_no_english_to_who_reads_chinese(seen: Web, role: str) -> None:
    browser, texts = visit(seen, role, "zh"), written(seen)
    wrong: dict[str, set[str]] = {}
    for name, text in _read(browser, every(seen), texts).items():
        words = {word for word in re.findall(r"[A-Za-z]{3,}(?:-[A-Za-z]{3,})*", text)
                 if word not in ALLOWED and not word.isupper() and not re.fullmatch(
                     "[a-f]+", word) }
        if words:
            wrong[name] = words
    assert wrong == {}


@pytest.mark.parametrize("role", ["manager", "service", "auditor"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages__show_words_in_place_of_codes(seen: Web, role: str, language: str) -> None:
    browser, texts = visit(seen, role, language), written(seen)
    wrong = {name: codes for name, text in _read(browser, every(seen), texts).items()
             if (codes := set(_CODE.findall(text)))}
    assert wrong == {}


def _read(browser: Any, addresses: dict[str, str], texts: list[str]) -> dict[str, str]:
    """What pages say, without what somebody wrote into the log."""
    found = {}
    for name, path in addresses.items():
        answer = browser.get(path, headers={"Accept": "text/html"})
        if answer.status_code == 200 and answer.mimetype == "text/html":
            text = said(answer)
            for one in texts:
                text = text.replace(one, " ") if one in text else text
            found[name] = text
    return found


def test_pages__ask_who_is_not_logged_in_to_do_so(seen: Web) -> None:
    client = seen.app.test_client()
    for name, path in pages(seen).items():
        answer = client.get(path, headers={"Accept": "text/html"})
        if name in ("static", "login", "welcome"):
            assert answer.status_code in (200, 404), name
        else:
            assert answer.status_code == 303, name
            assert answer.headers["Location"].startswith("/login?next=%2F"), name


def test_pages__are_small(seen: Web) -> None:
    """The first load with its stylesheet, script and icon, in bytes."""
    browser = visit(seen)
    beside = sum(len(browser.get(f"/console/{name}").data)
                 for name in ("console.css", "console.js", "icon.svg"))
    for path in ("/", "/orders", f"/orders/{console.ORDER}", "/stock/sku:QM-001"):
        assert len(browser.get(path).data) + beside <= 64_000, path
    assert len(browser.get("/console/console.css").data) <= 10_000


def test_address__of_nothing_is_a_page_for_people_and_a_problem_for_programs(seen: Web) -> None:
    browser = visit(seen)
    for path in ("/nope", "/orders/order:no:such:one", "/e/999999", "/do/nothing"):
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.mimetype) == (404, "text/html"), path
    assert browser.get("/nope").mimetype == "application/problem+json"
    assert browser.get("/v1/nope", headers={"Accept": "text/html"}).mimetype == (
        "application/problem+json")


def test_address__with_a_method_that_it_does_not_take_says_which_it_takes(seen: Web) -> None:
    for client in (visit(seen), seen.app.test_client()):
        for method, path, status in (
                ("PUT", "/orders", 405), ("DELETE", "/do/order.remark", 405), ("POST", "/", 405),
                ("PATCH", "/console/console.css", 405), ("POST", "/nope", 404), ("FOO", "/", 405)):
            answer = client.open(path, method=method, headers={"Accept": "text/html"})
            expected = status if "ledger" in str(client.get_cookie("ledger")) else 303
            assert (answer.status_code, answer.mimetype) == (expected, "text/html"), (method, path)
            assert "GET" in answer.headers.get("Allow", "") or expected != 405, (method, path)


def test_page__of_what_went_wrong_in_our_code_is_a_page(
    seen: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    browser = visit(seen)
    monkeypatch.setattr("api.console.evidence._holds", broken)
    answer = browser.get("/proof?root=1:ab")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "It has been logged." in answer.text
    assert "secret" not in answer.text
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Cache-Control"] == "no-store"


def test_page__says_when_to_ask_again_as_the_api_does(
    seen: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> Response:
        return problems.respond(503, "behind", "Ask again.", headers={"Retry-After": "7"})

    browser = visit(seen)
    monkeypatch.setattr("api.console.asking.answer", busy)
    for path in ("/orders", "/orders.json"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7"), path


@pytest.mark.parametrize("path", [
    "/audit.foo", "/explain/inventory.foo?subject=sku:QM-001&figure=available",
    "/imports/x/faults.foo", "/months/9999-12"])
def test_address__that_asks_for_no_form_or_month_there_is(seen: Web, path: str) -> None:
    assert visit(seen).get(path).status_code in (400, 404)


@pytest.mark.parametrize("subject", [
    "//elsewhere.example", "\\elsewhere.example", "a\r\nSet-Cookie: a=b", "x?y=z#", "../..//x", ""])
def test_moments_of_a_form__lead_to_what_differs_and_nowhere_else(seen: Web, subject: str) -> None:
    answer = visit(seen).get("/diff", query_string={"subject": subject, "since": "2026-09-30"})
    path, _, query = answer.headers["Location"].partition("?")
    assert (answer.status_code, query) == (303, "recorded=2026-09-30..")
    assert path == f"/diff/{quote(subject, safe=':')}"


def test_file__of_more_rows_than_it_may_have_is_refused(
    seen: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.asking.EXPORTED", 3)
    answer = visit(seen).get("/orders.csv")
    assert answer.status_code == 422
    assert "more than 3 rows" in answer.text


def test_deduction__is_a_file_too(seen: Web) -> None:
    browser, path = visit(seen), f"/deductions/{console.NAMES['deduction']}"
    rows = browser.get(f"{path}.csv").text.splitlines()
    assert len(rows) == 2
    assert console.NAMES["deduction"] in rows[1]
    assert browser.get(f"{path}.json").get_json()["item"]["deduction"] == (
        console.NAMES["deduction"])
    assert browser.get(f"{path}.xlsx").data.startswith(b"PK")


def test_past__is_said_and_leaves_nothing_to_do(seen: Web) -> None:
    browser = visit(seen)
    now = browser.get(f"/orders/{console.ORDER}").text
    then = browser.get(f"/orders/{console.ORDER}?occurred_as_of=2026-09-28").text
    assert 'class="actions"' in now
    assert 'class="actions"' not in then
    assert "You look at the past." in then
    assert "/stock/sku:QM-001?occurred_as_of=2026-09-28" in then


def test_list__goes_on_where_its_page_ends(seen: Web) -> None:
    browser, path, shown = visit(seen), "/orders?limit=100", set[str]()
    while path:
        html = browser.get(path).text
        own = set(re.findall(r'href="(/orders/order:[^"?]*)"', html))
        assert own.isdisjoint(shown)
        shown |= own
        following = re.search(r'href="([^"]*)" rel="next"', html)
        path = "" if following is None else following[1].replace("&amp;", "&")
    assert len(shown) == len(browser.get("/orders.csv").text.splitlines()) - 1


def test_list__is_narrowed_and_sorted_by_its_address(seen: Web) -> None:
    browser = visit(seen)
    found = browser.get("/orders?number_ends=demo-1").text
    assert len(re.findall(r'href="/orders/order:', found)) == 1
    assert browser.get("/orders?payment_status=nonsense").status_code == 400
    rows = browser.get("/inventory?sort=-sku").text
    assert rows.index("QM-002") < rows.index("QM-001")


def test_files__have_what_the_page_has(seen: Web) -> None:
    browser = visit(seen)
    for name, path in pages(seen).items():
        form = name.rpartition("-")[2]
        if form in ("csv", "xlsx", "json"):
            answer = browser.get(path)
            assert answer.status_code == 200, name
            assert {"csv": "text/csv", "json": "application/json"}.get(
                form, "spreadsheet") in answer.content_type, name
    assert browser.get(f"/orders/{console.ORDER}.csv").text.count("\n") > 10
    assert browser.get(f"/orders/{console.ORDER}.json").json["items"]


def test_thing__that_is_called_like_a_file_is_shown(shop: Web) -> None:
    """A SKU `x.csv` is one, and no file of a SKU `x`."""
    shop.done("/v1/skus", {"sku": "x.csv", "title": "odd", "unit": "piece"})
    shop.done("/v1/stock-movements", {"warehouse": "hangzhou", "moves": [
        {"sku": "x.csv", "quantity": 1, "from": "supplier", "to": "receiving",
         "cause": "receipt"}]})
    browser = visit(shop)
    assert browser.get("/stock/sku:x.csv").mimetype == "text/html"
    assert browser.get("/stock/sku:x.csv.csv").mimetype == "text/csv"


SCRIPT = "<script>alert(1)</script>"


def test_script__in_what_people_write_stays_text(shop: Web) -> None:
    shop.done("/v1/skus", {"sku": SCRIPT, "title": SCRIPT, "unit": "piece"})
    shop.done("/v1/orders", {
        "channel": "taobao", "shop": SCRIPT, "number": "s1", "currency": "CNY",
        "amounts": {"goods_minor": 100, "postage_minor": 0, "discount_minor": 0,
                    "total_minor": 100}, "buyer_remark": SCRIPT,
        "lines": [{"line": "1", "sku": SCRIPT, "title": SCRIPT, "quantity": 1,
                   "unit_price": 100, "amount_minor": 100}]})
    browser = visit(shop, "service")
    manager = visit(shop)
    order = f"/orders/order:taobao:{quote(quote(SCRIPT, safe=''), safe='')}:s1"
    for one, path in ((browser, "/orders"), (browser, "/search?q=%3Cscript"), (browser, order),
                      (manager, "/audit"), (manager, f"/do/order.remark?order={SCRIPT}"),
                      (manager, f"/orders?shop={SCRIPT}")):
        answer = one.get(path)
        assert SCRIPT not in answer.text, path
        assert "script&gt;" in answer.text, path
