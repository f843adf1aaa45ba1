"""Files through the pages: tried first, recorded as they were tried, their faults as a file."""

import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.console import imports
from tests.conftest import on_sqlite
from tests.support.console import csrf, visit
from tests.support.web import Web

pytestmark = on_sqlite

SAMPLE = Path(__file__).parents[3] / "samples/taobao/ExportOrderList202608312359.csv"
BROKEN = SAMPLE.read_bytes().replace(b"2026-08-01", b"2026-13-01", 3)


def dropped(
    browser: FlaskClient, content: bytes, name: str = "orders.csv", **fields: str
) -> TestResponse:
    """What is answered to a file that somebody drops on the page."""
    page = browser.get("/imports/new")
    found = re.search(r'name="key" value="([^"]*)"', page.text)
    assert found is not None
    return browser.post("/imports/new", data={
        "csrf": csrf(page), "key": found[1], "file": (io.BytesIO(content), name), **fields})


def settled(browser: FlaskClient, path: str) -> TestResponse:
    """The page of an import once it does not run any more."""
    until = time.monotonic() + 60
    while True:
        page = browser.get(path)
        if 'http-equiv="refresh"' not in page.text:
            return page
        assert time.monotonic() < until
        time.sleep(0.05)


def head(web: Web) -> int:
    return web.edge.open().store.head("main").position


def test_file__is_tried_and_then_recorded_as_it_was_tried(web: Web) -> None:
    browser = visit(web)
    tried = dropped(browser, SAMPLE.read_bytes(), "ExportOrderList202608312359.csv")
    assert tried.status_code == 303, tried.text
    page = settled(browser, tried.headers["Location"])
    assert "Trial of an import" in page.text
    assert ">247<" in page.text
    begun = head(web)
    done = browser.post(f"{tried.headers['Location']}/record", data={"csrf": csrf(page)})
    assert done.status_code == 303
    page = settled(browser, done.headers["Location"])
    assert "Recorded as" in page.text
    assert (ended := head(web)) > begun
    again = browser.post(f"{tried.headers['Location']}/record", data={"csrf": csrf(page)})
    assert (again.headers["Location"], head(web)) == (done.headers["Location"], ended)


def test_file__with_faults_gives_them_back_with_their_reasons(web: Web) -> None:
    browser = visit(web)
    tried = dropped(browser, BROKEN)
    page = settled(browser, tried.headers["Location"])
    assert "Faults" in page.text
    assert "Record it" in page.text
    places = browser.get(f"{tried.headers['Location']}/faults.csv")
    assert (places.status_code, places.mimetype) == (200, "text/csv")
    done = browser.post(f"{tried.headers['Location']}/record", data={"csrf": csrf(page)})
    page = settled(browser, done.headers["Location"])
    sheet = browser.get(f"{done.headers['Location']}/faults.xlsx")
    assert (sheet.status_code, sheet.data[:2]) == (200, b"PK"), sheet.text
    rows = browser.get(f"{done.headers['Location']}/faults.csv")
    assert "2026-13-01" in rows.text


def test_file__that_nobody_can_read_says_why(web: Web) -> None:
    browser = visit(web)
    for content, name in ((b"", "empty.csv"), (b"a,b\n1,2\n", "other.csv"),
                          (b"\x00\x01\x02", "x.bin"), (b"PK\x03\x04broken", "x.xlsx")):
        answer = dropped(browser, content, name)
        page = answer if answer.status_code != 303 else settled(
            browser, answer.headers["Location"])
        assert "wrong" in page.text, (name, page.text)
    nothing = browser.post("/imports/new", data={"csrf": csrf(browser.get("/imports/new"))})
    assert (nothing.status_code, 'role="alert"' in nothing.text) == (400, True)


def test_file__recorded_twice_at_once_is_read_by_one_at_a_time(web: Web) -> None:
    """As when somebody clicks twice on the same button, and the first answer is not shown."""
    tried = dropped(visit(web), SAMPLE.read_bytes()).headers["Location"]
    token = csrf(settled(visit(web), tried))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(
            lambda one: one.post(f"{tried}/record", data={"csrf": token}),
            [visit(web) for _ in range(6)]))
    assert {answer.status_code for answer in found} == {303}
    (path,) = {answer.headers["Location"] for answer in found}
    page = settled(visit(web), path)
    assert "Recorded as" in page.text
    assert "/record" not in visit(web).get(tried).text


def test_file__of_somebody_else_is_not_recorded(web: Web) -> None:
    browser, other = visit(web), visit(web, "integration")
    tried = dropped(browser, SAMPLE.read_bytes()).headers["Location"]
    settled(browser, tried)
    answer = other.post(f"{tried}/record", data={"csrf": csrf(other.get("/imports/new"))})
    assert answer.status_code == 404
    assert visit(web, "auditor").get("/imports/new").status_code == 403


def test_file__that_is_too_large_is_refused_before_it_is_read(web: Web) -> None:
    browser = visit(web)
    answer = dropped(browser, b"x" * (imports.LARGEST + 1))
    assert answer.status_code == 413


def test_file__with_script_in_its_name_stays_text(web: Web) -> None:
    browser = visit(web)
    answer = dropped(browser, BROKEN, "<script>alert(1)</script>.csv")
    page = settled(browser, answer.headers["Location"])
    assert "<script>alert" not in page.text
    done = browser.post(f"{answer.headers['Location']}/record", data={"csrf": csrf(page)})
    assert "<script>alert" not in settled(browser, done.headers["Location"]).text
    assert "<script>alert" not in browser.get("/imports").text


def test_files__that_were_tried_are_forgotten(web: Web) -> None:
    browser, kept = visit(web), imports.KEPT
    first = dropped(browser, SAMPLE.read_bytes()).headers["Location"]
    settled(browser, first)
    for number in range(kept + 1):
        answer = dropped(browser, f"x{number}\n".encode(), profile="generic")
        assert answer.status_code in (303, 422), answer.text
        if answer.status_code == 303:
            settled(browser, answer.headers["Location"])
    assert len(imports._tried) <= kept + 1
