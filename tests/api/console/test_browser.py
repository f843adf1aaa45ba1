"""The pages in a real browser, over a socket: every page in both languages, wide and narrow, light
and dark, with and without JavaScript, and the way of somebody without a manual.

They need a Chromium of the system; without one they are skipped, and say so.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import console
from tests.support.console import ORDER, PEOPLE
from tests.support.demo import demo_in
from tests.support.serving import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which(
    "google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install `chromium`")

SERIOUS = ("serious", "critical")
PAGES = (
    "/", "/reports", "/orders", f"/orders/{ORDER}", "/inventory", "/stock/sku:QM-001", "/returns",
    f"/returns/{console.CASE}", "/scores", "/months/2026-09", "/months/2026-09/member:2c91",
    "/deductions", "/deductions/deduction:2609-1", "/members", "/people/member:2c91", "/imports",
    "/imports/new", "/policies", "/policies/4", "/policy-differences?before=3&after=4", "/audit",
    "/e/1977", "/explain/inventory?subject=sku:QM-001&figure=available",
    f"/diff/{ORDER}?positions=1975..", "/proof", "/search?q=demo", "/ops", "/help", "/sessions",
    f"/do/order.refund?order={ORDER}", "/do/stock.move", "/do/roster.set_pattern", "/nope",
    "/v1/docs")
"""A page of every kind."""


class Place:
    """A served demo, and a browser."""

    def __init__(self, folder: Path, browser: Any) -> None:
        self.served = Served(folder)
        self.served.environment["LEDGER_DATABASE_URL"] = f"sqlite:///{folder}/demo.db"
        self.served.start()
        self.base = f"http://127.0.0.1:{self.served.port}"
        self.browser = browser
        self.states: dict[str, Any] = {}

    def enter(self, role: str = "manager", **options: Any) -> Any:
        """A window in which somebody of a role is signed in."""
        if role not in self.states:
            context = self.browser.new_context()
            page = context.new_page()
            page.goto(self.link(role))
            page.locator("main form button").click()
            page.wait_for_url(f"{self.base}/")
            self.states[role] = context.storage_state()
            context.close()
        return self.browser.new_context(**{
            "storage_state": self.states[role], "locale": "en-GB",
            "viewport": {"width": 1280, "height": 900}, **options})

    def link(self, role: str) -> str:
        """A link that signs in once."""
        printed = self.served.flask("people", "invite", PEOPLE[role], "--role", role, "--json")
        return str(json.loads(printed)["link"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The demo, served, and a browser beside it."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("served")
    with demo_in(folder), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = Place(folder, browser)
        yield found
        browser.close()
        found.served.stop()


def watched(context: Any) -> tuple[Any, list[str]]:
    """A window, and what the browser complains of in it."""
    page, said = context.new_page(), list[str]()
    page.on("console", lambda one: said.append(one.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages__fit_their_window_and_complain_of_nothing(
    place: Place, language: str, width: int
) -> None:
    context = place.enter(viewport={"width": width, "height": 800},
                          color_scheme="dark" if width == 360 else "light")
    page, said = watched(context)
    wrong = {}
    for path in PAGES:
        page.goto(f"{place.base}{path}{'&' if '?' in path else '?'}lang={language}")
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong[path] = needed
    context.close()
    assert wrong == {}
    assert [one for one in said if "404" not in one] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages__are_found_accessible_by_axe(place: Place, scheme: str) -> None:
    import axe_playwright_python

    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    context = place.enter(color_scheme=scheme, bypass_csp=True)
    page, _ = watched(context)
    wrong = {}
    for path in PAGES if scheme == "light" else PAGES[:12]:
        page.goto(f"{place.base}{path}")
        page.evaluate(script)
        found = page.evaluate("axe.run()")["violations"]
        if serious := [(one["id"], one["nodes"][0]["html"]) for one in found
                       if one["impact"] in SERIOUS]:
            wrong[path] = serious
    context.close()
    assert wrong == {}


def test_person__without_a_manual_finds_an_order_and_when_it_was_known(place: Place) -> None:
    context = place.enter()
    page, said = watched(context)
    page.goto(place.base)
    page.get_by_role("searchbox").fill("014950488")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="order 1004285469014950488").click()
    story = page.locator("ol.timeline").inner_text()
    assert "known late" in story
    page.get_by_label("Known by").first.fill("2026-10-01")
    page.get_by_role("button", name="As of").click()
    assert page.get_by_text("You look at the past.").is_visible()
    assert page.locator(".actions").count() == 0
    assert said == []
    context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_person__imports_a_broken_file_and_downloads_its_faults(
    place: Place, tmp_path: Path, scripts: bool
) -> None:
    sample = Path(__file__).parents[3] / "samples/taobao/ExportOrderList202608312359.csv"
    broken = tmp_path / "orders.csv"
    broken.write_bytes(sample.read_bytes().replace(b"2026-08-01", b"2026-13-01", 3))
    context = place.enter(java_script_enabled=scripts)
    page, said = watched(context)
    page.goto(f"{place.base}/imports/new")
    page.locator("#file").set_input_files(broken)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("heading", name="Faults").wait_for(timeout=30_000)
    with page.expect_download() as got:
        page.get_by_role("link", name="Excel").first.click()
    assert Path(got.value.path()).read_bytes()[:2] == b"PK"
    assert said == []
    context.close()


def test_person__confirms_a_deduction_and_sees_the_month_change(place: Place) -> None:
    manager, reviewer = place.enter(), place.enter("reviewer")
    page, _ = watched(manager)
    page.goto(f"{place.base}/orders/{ORDER}")
    page.get_by_role("link", name="Propose a deduction").click()
    page.locator('[name="number"]').fill("2610-7")
    page.locator('[name="rule"]').fill("CS-FOLLOWUP")
    page.locator('[name="breached_at"]').fill("2026-10-05T10:00")
    page.locator('[name="offender"]').fill("member:2c91")
    page.locator('[name="evidence.0"]').fill("1977")
    recorded(page)
    page, _ = watched(reviewer)
    page.goto(place.base)
    page.get_by_role("link", name="deduction 2610-7").first.click()
    page.get_by_role("link", name="Confirm", exact=True).click()
    page.get_by_role("button", name="What would it change?").click()
    page.get_by_text("What would be recorded").wait_for()
    recorded(page)
    page.goto(f"{place.base}/months/2026-10/member:2c91")
    assert page.get_by_text("2610-7").first.is_visible()
    manager.close()
    reviewer.close()


def recorded(page: Any) -> None:
    """Send a form, and see that it was recorded."""
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_load_state()
    assert page.get_by_text("Recorded.").is_visible(), page.locator("main").inner_text()


def test_pages__are_used_by_keyboard(place: Place) -> None:
    context = place.enter()
    page, _ = watched(context)
    page.goto(f"{place.base}/orders")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(80):
        page.keyboard.press("Tab")
        address = page.evaluate("document.activeElement.getAttribute('href')") or ""
        if address.startswith("/orders/order:"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/order:*")
    context.close()


def test_page__is_printed_without_what_is_only_for_the_screen(place: Place) -> None:
    context = place.enter()
    page, _ = watched(context)
    page.goto(f"{place.base}/orders/{ORDER}")
    page.emulate_media(media="print")
    for hidden in ("nav", ".actions", ".clocks"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("ol.timeline").is_visible()
    assert page.pdf()[:4] == b"%PDF"
    context.close()
