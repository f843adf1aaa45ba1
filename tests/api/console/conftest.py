"""The demo, made once for all tests of pages that only look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import console
from tests.support.web import Web


@pytest.fixture(scope="package")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The demo's ledger, served; nothing is recorded in it."""
    with console.demo(tmp_path_factory.mktemp("demo")) as web:
        yield web


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Web]:
    """The same, of a test's own."""
    with console.demo(tmp_path) as web:
        yield web
