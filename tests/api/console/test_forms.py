"""Commands as forms: recorded once, previewed, refused with reasons, and not over somebody's head.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.console import sessions
from tests.support import console
from tests.support.console import ORDER, csrf, filled, visit
from tests.support.web import Web

REMARK = f"/do/order.remark?order={ORDER}"


def head(web: Web) -> int:
    """Where the log ends."""
    return web.edge.open().store.head("main").position


def sent(browser: FlaskClient, address: str, **fields: str) -> TestResponse:
    """A form that is opened, filled in and sent."""
    return browser.post(address, data={**filled(browser.get(address)), **fields})


def test_form__records_and_goes_back_to_what_it_is_about(shop: Web) -> None:
    browser, before = visit(shop, "service"), head(shop)
    answer = sent(browser, REMARK, remark="请加急")
    assert (answer.status_code, head(shop)) == (303, before + 1)
    assert answer.headers["Location"].startswith("/orders/order:taobao:")
    page = browser.get(answer.headers["Location"])
    assert "Recorded." in page.text
    (event,) = shop.edge.open().store.read("main", after=before, limit=10)
    assert (event.type, event.actor, event.role) == (
        "order.remarked.v1", console.PEOPLE["service"], "service")
    assert event.client.startswith("session:")


def test_form__sent_twice_is_recorded_once(shop: Web) -> None:
    browser, before = visit(shop, "service"), head(shop)
    fields = {**filled(browser.get(REMARK)), "remark": "x"}
    first, again = (browser.post(REMARK, data=fields) for _ in range(2))
    assert (first.status_code, again.status_code, head(shop)) == (303, 303, before + 1)
    assert first.headers["Location"] == again.headers["Location"]


def test_form__sent_twice_at_once_is_recorded_once(shop: Web) -> None:
    before = head(shop)
    fields = {**filled(visit(shop, "service").get(REMARK)), "remark": "x"}
    browsers = [visit(shop, "service") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: one.post(REMARK, data=fields).status_code, browsers))
    assert set(found) <= {303, 409}
    assert head(shop) == before + 1


def test_form__says_what_is_wrong_at_its_field_and_keeps_the_rest(shop: Web) -> None:
    browser, before = visit(shop, "finance"), head(shop)
    address = f"/do/order.refund?order={ORDER}"
    for amount, why in (("12,3x", "is not an amount such as 175.00"), ("1.234", "is not an amount"),
                        ("-1", "allowed are 1 to"), ("9999999999999999", "allowed are 1 to"),
                        ("1e999999", "is not an amount"), ("1e30", "is not an amount"),
                        ("Infinity", "is not an amount"), ("sNaN", "is not an amount"),
                        ("1_0", "is not an amount"), ("9" * 400_000, "is not an amount")):
        answer = sent(browser, address, amount_minor=amount, reason="weil")
        assert answer.status_code == 422, amount
        assert why in answer.text, amount
        assert f'value="{amount}"' in answer.text
        assert "weil" in answer.text
    assert head(shop) == before


def test_form__of_a_rule_that_refuses_says_which(shop: Web) -> None:
    browser, before = visit(shop, "finance"), head(shop)
    answer = sent(browser, f"/do/order.refund?order={ORDER}", amount_minor="99,999.00")
    assert answer.status_code == 422
    assert "R-ORD-" in answer.text
    assert head(shop) <= before + 1  # what was refused may be on record
    assert browser.get("/v1/problems/refund_too_large").status_code in (200, 404)


def test_form__previews_and_records_nothing(shop: Web) -> None:
    browser, before = visit(shop, "finance"), head(shop)
    answer = sent(browser, f"/do/order.refund?order={ORDER}", amount_minor="1.00", preview="1")
    assert (answer.status_code, head(shop)) == (200, before)
    assert "What would be recorded" in answer.text
    assert "1.00" in answer.text
    again = browser.post(f"/do/order.refund?order={ORDER}", data={
        **filled(answer), "amount_minor": "1.00"})
    assert (again.status_code, head(shop)) == (303, before + 1)


def test_form__shows_what_changed_meanwhile_before_it_is_recorded(shop: Web) -> None:
    """Two agents review one order: the second is shown what the first did."""
    waiting = visit(shop).get("/to-review").text
    order = console.first_link(waiting, "/orders/").removeprefix("/orders/")
    browser = visit(shop, "service")
    page = browser.get(f"/orders/{order}")
    address = console.first_link(page.text, "/do/order.approve")
    fields = filled(browser.get(address))
    assert sent(visit(shop, "service"), f"/do/order.remark?order={order}", remark="anders").\
        status_code == 303
    before = head(shop)
    answer = browser.post(address, data=fields)
    assert (answer.status_code, head(shop)) == (412, before)
    assert "What changed meanwhile" in answer.text
    again = browser.post(address, data=filled(answer))
    assert again.status_code in (303, 422), again.text
    assert again.status_code == 422 or head(shop) > before


def test_form__rejected_from_elsewhere_and_without_its_mark(shop: Web) -> None:
    browser, before = visit(shop, "service"), head(shop)
    fields = {**filled(browser.get(REMARK)), "remark": "x"}
    for wrong in ({**fields, "csrf": ""}, {**fields, "csrf": "0" * 64},
                  {name: value for name, value in fields.items() if name != "csrf"}):
        assert browser.post(REMARK, data=wrong).status_code == 403
    elsewhere = browser.post(REMARK, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    stolen = csrf(visit(shop, "finance").get(f"/do/order.refund?order={ORDER}"))
    assert browser.post(REMARK, data={**fields, "csrf": stolen}).status_code == 403
    assert head(shop) == before


@pytest.mark.parametrize("sku", ["NEW-1", "\"><b>x'=1+1", "a/b?c#d%25"])
def test_form__leads_to_the_page_of_what_it_made(shop: Web, sku: str) -> None:
    browser = visit(shop)
    done = sent(browser, "/do/sku.register", sku=sku, title=sku, unit="piece")
    assert done.status_code == 303, done.text
    page = browser.get(done.headers["Location"])
    assert (page.status_code, "<b>x" in page.text) == (200, False), page.text
    assert "Recorded." in page.text


@pytest.mark.parametrize("clock", [
    "recorded_as_of=2026-10-01", "occurred_as_of=2026-10-01", "position=12"])
def test_form__into_the_past_records_nothing(shop: Web, clock: str) -> None:
    browser, before = visit(shop, "service"), head(shop)
    fields = {**filled(browser.get(REMARK)), "remark": "x"}
    answer = browser.post(f"{REMARK}&{clock}", data=fields)
    assert (answer.status_code, head(shop)) == (422, before)
    assert "The past is only read" in answer.text
    assert browser.post(REMARK, data=fields).status_code == 303


def test_form__rejected_for_who_may_not_send_it(shop: Web) -> None:
    before = head(shop)
    for role in ("auditor", "warehouse", "member"):
        assert visit(shop, role).get(REMARK, headers={"Accept": "text/html"}).status_code == 403
    browser = visit(shop, "auditor")
    token = csrf(browser.get("/"))
    answer = browser.post(REMARK, data={"csrf": token, "key": "k", "remark": "x"})
    assert (answer.status_code, head(shop)) == (403, before)


def test_form__has_as_many_rows_as_are_filled_in_and_one_more(seen: Web) -> None:
    browser = visit(seen)
    address = f"/do/order.cancel_pieces?order={ORDER}&lines.0.line=1&lines.0.quantity=2"
    page = browser.get(address)
    assert 'name="lines.0.quantity" value="2"' in page.text
    assert 'name="lines.1.quantity"' in page.text
    assert 'name="lines.2.quantity"' not in page.text
    more = browser.post(address, data={**filled(page), "lines.1.line": "2", "more": "1"})
    assert (more.status_code, 'name="lines.2.quantity"' in more.text) == (200, True)
    many = browser.get(f"{address}&lines.9999.line=1")
    assert many.text.count('.quantity" value') <= 201


@pytest.mark.parametrize("back", [
    "//elsewhere.example", "https://elsewhere.example/", "/\\elsewhere.example", "javascript:x",
    "/a\nb", ""])
def test_form__goes_back_nowhere_else(shop: Web, back: str) -> None:
    assert sessions.local(back) == "/"
    browser = visit(shop, "service")
    address = f"{REMARK}&back={back}".replace("\n", "%0A")
    location = sent(browser, address, remark="x").headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "elsewhere" not in location.partition("?")[0]


def test_times__are_those_of_the_shops_clock(shop: Web) -> None:
    browser, before = visit(shop, "service"), head(shop)
    assert sent(browser, REMARK, remark="x", occurred_at="2026-09-30T20:15").status_code == 303
    (event,) = shop.edge.open().store.read("main", after=before, limit=10)
    shown = visit(shop).get(f"/e/{event.position}").text
    assert "2026-09-30 20:15" in shown
    assert "2026-09-30T12:15:00Z" in shown
    for none in ("gestern", "0001-01-01T00:00", "9999-12-31T23:59", "2026-01-01T00:00+99:00"):
        assert sent(browser, REMARK, remark="x", occurred_at=none).status_code == 422, none


def test_deduction__is_confirmed_by_a_reviewer_and_changes_the_month(shop: Web) -> None:
    """As the demo's shop would do it: proposed over an order, confirmed by the committee."""
    manager, reviewer = visit(shop), visit(shop, "reviewer")
    address = console.first_link(manager.get(f"/orders/{ORDER}").text, "/do/deduction.propose")
    made = sent(manager, address, number="2610-1", rule="CS-FOLLOWUP", **{
        "breached_at": "2026-10-03T10:00", "offender": "member:2c91", "evidence.0": "1977"})
    assert made.status_code == 303, made.text
    page = reviewer.get("/deductions/deduction:2610-1")
    confirm = console.first_link(page.text, "/do/deduction.confirm")
    done = sent(reviewer, confirm)
    assert done.status_code == 303, done.text
    again = reviewer.get("/deductions/deduction:2610-1").text
    assert "confirmed" in again
    month = reviewer.get("/months/2026-10/member:2c91").text
    assert "2610-1" in month
