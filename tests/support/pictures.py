"""The pictures of the READMEs, taken of the demo: `python -m tests.support.pictures --write`.

Each page is one that the demo leaves behind, as somebody sees it who followed a link. Without
`--write` it says which pictures look different by now. It needs a Chromium of the system.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import source
from tests.support.console import ORDER, PEOPLE
from tests.support.demo import demo_in
from tests.support.serving import Served

FOLDER = source.ROOT / "docs" / "pictures"
WIDTH, SCALE = 1280, 0.75
"""How wide a window is, and how much smaller its picture: a page of a README is no wider."""

LARGEST = 120_000
"""The bytes that a picture may have."""


class Picture(NamedTuple):
    """A picture: what it is called, the page that it shows, and how many pixels of that from its
    top."""

    name: str
    path: str
    height: int

    def file(self, language: str) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}.{language}.png"


PICTURES = (Picture("order", f"/orders/{ORDER}", 1200), Picture("stock", "/stock/sku:QM-001", 800))
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
"""By language, the country by whose habits a browser shows a day."""


def main() -> int:
    """Take the pictures, and write or compare them; 1 where one is too large, or differs."""
    parser = argparse.ArgumentParser(description="Take the pictures of the READMEs.")
    parser.add_argument("--write", action="store_true", help="write those that differ")
    options = parser.parse_args()
    failed = False
    for file, taken in _taken():
        wrong = ""
        if len(taken) > LARGEST:
            wrong = f"{len(taken):,} bytes are more than {LARGEST:,}"
        elif not file.exists() or file.read_bytes() != taken:
            if options.write:
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(taken)
            wrong = "" if options.write else "looks different now"
        print(f"{source.name(file)}: {wrong or f'{len(taken):,} bytes'}", flush=True)
        failed = failed or bool(wrong)
    return int(failed)


def _taken() -> Iterator[tuple[Path, bytes]]:
    """Every picture as it looks now, and where it belongs."""
    with _demo() as (browser, base, session):
        for language, country in LANGUAGES.items():
            page = browser.new_page(storage_state=session, locale=country, color_scheme="light",
                                    device_scale_factor=SCALE,
                                    viewport={"width": WIDTH, "height": 1200})
            for picture in PICTURES:
                page.goto(f"{base}{picture.path}?lang={language}")
                yield picture.file(language), page.screenshot(
                    clip={"x": 0, "y": 0, "width": WIDTH, "height": picture.height})


@contextmanager
def _demo() -> Iterator[tuple[Any, str, Any]]:
    """A browser, where the demo is served to it, and the session of a manager there."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, demo_in(Path(folder)), \
            sync_playwright() as playwright:
        served = Served(Path(folder))
        served.environment["LEDGER_DATABASE_URL"] = f"sqlite:///{folder}/demo.db"
        served.start()
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        try:
            page, base = browser.new_page(), f"http://127.0.0.1:{served.port}"
            page.goto(json.loads(served.flask("people", "invite", PEOPLE["manager"], "--role",
                                              "manager", "--json"))["link"])
            page.locator("main form button").click()
            page.wait_for_url(f"{base}/")
            yield browser, base, page.context.storage_state()
        finally:
            browser.close()
            served.stop()


def _chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("There is no Chromium here: install `chromium`.")
    return found


if __name__ == "__main__":
    sys.exit(main())
