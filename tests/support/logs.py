"""A log of jars in a folder, for tests that look at what lies on disk."""

from pathlib import Path

from ledger.settings import Opened, Settings, open_ledger
from tests.support.envelopes import CONTEXT
from tests.support.jars import HANDLERS, opening


def settings_in(folder: Path) -> Settings:
    """The settings of a log in this folder."""
    return Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{folder}/log.db"})


def open_log(settings: Settings) -> Opened:
    """A ledger that knows jars only."""
    return open_ledger(settings, handlers=HANDLERS)


def add_jars(opened: Opened, first: int, count: int) -> None:
    """Open jars: one event each, with a personal value."""
    opened.ledger.handle_many([(opening(number, owner="某人"), CONTEXT)
                               for number in range(first, first + count)])
