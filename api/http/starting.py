"""What is looked at before the server starts, so that whoever starts it is told."""

import tempfile
from contextlib import suppress
from pathlib import Path

from ledger.common.errors import LedgerError
from ledger.log.missing_keys import must_be_there
from ledger.settings import Settings, sqlite_path


def must_have_keys(settings: Settings | None = None) -> None:
    """Check that there is a keys database where there are ledgers. Nothing is made. A log that
    cannot be opened yet is left to the answers of the server, which goes on as soon as it can be.

    Errors: MissingKeys (R-KEY-13); those of the settings.
    """
    settings = settings or Settings.from_environment()
    path = sqlite_path(settings.keys_url)
    if path is not None and not path.exists():
        must_be_there(path, _ledgers(settings))


def _ledgers(settings: Settings) -> list[str]:
    log = sqlite_path(settings.database_url)
    if log is not None and not log.exists():
        return []
    with suppress(LedgerError):
        store = settings.open_store(prepare=False)
        try:
            return [] if store.schema()[0] is None else store.ledgers()
        finally:
            store.close()
    return []


def staging_folder(settings: Settings) -> Path:
    """Where staging files lie: next to an SQLite ledger, else in the system's temporary folder, as
    long as there is no such folder yet, too."""
    path = sqlite_path(settings.database_url)
    return path.parent if path and path.parent.is_dir() else Path(tempfile.gettempdir())
