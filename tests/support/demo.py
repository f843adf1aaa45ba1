"""The demo's ledger, for tests that want a shop in which much has happened."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from api.demo import story
from ledger.settings import Settings


@contextmanager
def demo_in(folder: Path) -> Iterator[Settings]:
    """The settings of an installation that holds the demo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{folder}/demo.db")
        for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
            patch.delenv(name, raising=False)
        with redirect_stdout(StringIO()):
            story.run()
        yield Settings.from_environment()
