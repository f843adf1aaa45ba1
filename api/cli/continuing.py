"""What is done to a whole ledger by somebody with a name: a restore, giving up lost keys."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from api.cli.doctor import expectation
from api.cli.output import progress
from api.messages import tr
from ledger import __version__
from ledger.application import default_actor
from ledger.common.errors import Invalid, Misconfigured
from ledger.log import backup, keys_backup, rotating
from ledger.log.backup_files import KEYS_FORMAT, lines_of
from ledger.log.master_key import MissingMasterKey
from ledger.log.milestones import BadContinuation, BadOpening, last_own, said
from ledger.log.missing_keys import must_be_there
from ledger.log.persons import Keys, WrongKeys
from ledger.log.store import NOBODY, Head, Store, must_be_owner
from ledger.settings import Settings, sqlite_path
from ledger.writing import continuing
from ledger.writing.continuing import Attribution
from ledger.writing.genesis import keys_of


class RestorerUnnamed(Invalid):
    """The log says who restored it, and without its keys no pseudonym of a login can be made. Name
    who does it with --actor, or restore the keys first (`ledger restore --keys FILE`)."""

    code = "restorer_unnamed"
    rule = "R-BAK-05"


def restore(file: Path, name: str | None, *, actor: str | None, reason: str
            ) -> list[dict[str, Any]]:
    """Read a log's backup into the database of the settings. Shapes: a row per ledger."""
    must_be_of_log(file)  # before anything is made
    settings = Settings.from_environment()
    by = Attribution(actor or _pseudonym(settings, file), reason)
    with closing(settings.open_store()) as store, progress(tr("restore")) as step:
        rows = _rows(continuing.restore(store, file, by, name=name, progress=step))
    with suppress(Misconfigured):
        _must_have_keys(settings, [row["ledger"] for row in rows])
        with closing(settings.open_keys(make=False)) as keys:
            _follow(settings, keys)  # who opens the ledger does it, too
    return rows


def must_be_of_log(file: Path) -> None:
    """Check that a file is the backup of a log. Errors: R-BAK-01, KeysBackup (R-BAK-06)."""
    backup.known_in(file)


def restore_keys(file: Path) -> keys_backup.Restored:
    """Add the keys of a backup to the keys database, but for those of whom the logs that are here
    say to be erased. No master key is made: the backup's own is needed."""
    settings = Settings.from_environment()
    next(lines_of(file, KEYS_FORMAT), None)  # before anything is made
    path, master = sqlite_path(settings.keys_url), settings.master_key_file
    if path and not path.exists() and master and not master.exists():
        raise MissingMasterKey(path=master, keys=file)
    try:
        keys = settings.open_keys(make=False)
    except MissingMasterKey as error:
        raise MissingMasterKey(path=error.details["path"], keys=file) from None
    with closing(keys):
        done = keys_backup.restore_keys(keys, file)
        _follow(settings, keys)
    return done


def rotate_master(*, leave_damaged: bool = False) -> tuple[int, int]:
    """Wrap all keys with a new master key. Returns how many, and how many are damaged.

    Errors: OlderProgram (R-LDG-08) where a newer version has written to a log that is here;
    MissingKeys (R-KEY-13), MissingLedger (R-SET-03).
    """
    settings = Settings.from_environment()
    with _logs(settings) as logs:
        for store, name in logs:
            with suppress(BadOpening, BadContinuation):  # erased keys are to go all the same
                own = last_own(store, store.id_of(name), name)
                continuing.must_be_new_enough(__version__, said(own), name)
    _must_have_keys(settings, [name for _, name in logs])
    with closing(settings.open_keys(make=False)) as keys:
        return rotating.rotate(keys, leave_damaged=leave_damaged)


def _must_have_keys(settings: Settings, ledgers: list[str]) -> None:
    """Check that there is a keys database, which opening it would make.

    Errors: MissingKeys (R-KEY-13); MissingLedger (R-SET-03) where there is no ledger either.
    """
    path = sqlite_path(settings.keys_url)
    if path is not None and not path.exists() and not ledgers:
        settings.find_store("main").close()
    must_be_there(path, ledgers or ["main"])


@contextmanager
def _logs(settings: Settings) -> Iterator[list[tuple[Store, str]]]:
    """The names of the ledgers that are here, each with the store: nothing is made."""
    path = sqlite_path(settings.database_url)
    if path is not None and not (path.exists() and path.stat().st_size):
        yield []
        return
    with closing(settings.open_store(prepare=False)) as store:
        if store.schema()[0] is None:
            yield []
            return
        store.prepare()
        yield [(store, name) for name in store.ledgers()]


def _follow(settings: Settings, keys: Keys) -> None:
    """Destroy the keys of whom the logs that are here say to be erased; the logs may come later."""
    with _logs(settings) as logs:
        for store, name in logs:
            with suppress(WrongKeys):  # they are of another log
                keys_of(store, keys, name)


def give_up_keys(ledger: str, *, actor: str, reason: str) -> list[dict[str, Any]]:
    """Go on without the keys that a ledger names. Shapes: a row per ledger that does.

    Errors: BadLedgerName (R-LDG-09), MissingLedger (R-SET-03); those of
    `continuing.give_up_keys`.
    """
    must_be_owner(ledger)
    by, settings = Attribution(actor, reason), Settings.from_environment()
    with closing(settings.find_store(ledger)) as store, closing(settings.open_keys()) as keys:
        return _rows(continuing.give_up_keys(store, keys, ledger, by))


def _pseudonym(settings: Settings, file: Path) -> str:
    """The actor that whoever is logged in is in the ledger of a backup. Errors: RestorerUnnamed
    (R-BAK-05)."""
    known, keys_id = backup.known_in(file)
    path = sqlite_path(settings.keys_url)
    if path is not None and not path.exists():
        raise RestorerUnnamed
    try:
        with closing(settings.open_keys(make=False)) as keys:
            return default_actor(keys.of(known, keys_id=keys_id or NOBODY))
    except Misconfigured:
        raise RestorerUnnamed from None


def _rows(heads: dict[str, Head]) -> list[dict[str, Any]]:
    return [{"ledger": name, "events": head.position, "expect": expectation(head)}
            for name, head in heads.items()]
