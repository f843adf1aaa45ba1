"""What is looked at before the server starts, so that whoever starts it is told."""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ledger.common.errors import LedgerError
from ledger.log.missing_keys import must_be_there
from ledger.log.store import SUFFIX, StorageFailed
from ledger.settings import CannotOpen, Settings, masked, sqlite_path


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


def fault_of(settings: Settings) -> LedgerError | None:
    """Why the log cannot be opened now, if it cannot: the server goes on as soon as it can be.
    Nothing is made. Errors: R-LOG-05, R-LOG-06, R-LOG-07 where its schema is another one, which
    does not pass by itself."""
    path = sqlite_path(settings.database_url)
    if settings.database_url == "memory:" or (path is not None and not path.exists()):
        return None
    try:
        store = settings.open_store(prepare=False)
        try:
            if path is None or store.schema()[0] is not None:
                store.prepare()
        finally:
            store.close()
    except (CannotOpen, StorageFailed) as error:
        return error
    return None


def command_for(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """How a shell in any folder runs a command on what is served: the program, after the settings
    that name the databases. A password is left out; whoever runs it has to set that one."""
    said = []
    for name in ("LEDGER_DATABASE_URL", "LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
        value = environment.get(name) or (settings.database_url if "DATABASE" in name else "")
        if path := sqlite_path(value):
            value = f"sqlite:///{path.absolute()}"
        elif "FILE" in name and value:
            value = str(Path(value).absolute())
        if value and masked(value) == value:
            said.append(f"{name}={shlex.quote(value)}")
    program = "ledger" if shutil.which("ledger") else str(Path(sys.executable).parent / "ledger")
    return " ".join([*said, shlex.quote(program)])


def first_key(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """A command that gives out a key, whoever works in the ledger by now (R-ACC-08)."""
    names = sorted({name.removesuffix(SUFFIX) for name in _ledgers(settings)})
    which = "" if not names or "main" in names else f" --ledger {shlex.quote(names[0])}"
    return (f"{command_for(settings, environment)} keys issue --owner program:first"
            f" --role integration{which}")


def staging_folder(settings: Settings) -> Path:
    """Where staging files lie: next to an SQLite ledger, else in the system's temporary folder, as
    long as there is no such folder yet, too."""
    path = sqlite_path(settings.database_url)
    return path.parent if path and path.parent.is_dir() else Path(tempfile.gettempdir())
