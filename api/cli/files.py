"""Files that a command writes to: never those of the ledger itself."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ledger.common.errors import LedgerError, Misconfigured
from ledger.settings import Settings, sqlite_path
from projections.store.databases import FilePlace

BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite puts behind the name of a database for the files that belong to it."""


class OwnFile(Misconfigured):
    """{path} is one of the ledger's own files, or is named as one of them would be. Nothing was
    written to it. Name another file."""

    code = "own_file"
    rule = "R-SET-08"


def must_be_elsewhere(path: Path, *copies: Path) -> None:
    """Check that a file to write to is not one of the ledger's own, by its name or as a link: the
    databases and what is beside them, the master key, the read models. A file in `copies` counts as
    the log itself does.

    Errors: OwnFile (R-SET-08).
    """
    there = path.resolve()
    for own in _own(*copies):
        own = own.resolve()
        reads = FilePlace(own).pointer
        named = there in (own.with_name(own.name + end) for end in BESIDE) or (
            there.parent == own.parent and f"{there.name}.".startswith(f"{reads.name}."))
        if named or any(_same(there, one) for one in _beside(own, reads)):
            raise OwnFile(path=path)


def _own(*copies: Path) -> Iterator[Path]:
    yield from copies
    with suppress(LedgerError):  # settings that cannot be read are said where they are needed
        settings = Settings.from_environment()
        for path in (sqlite_path(settings.database_url), sqlite_path(settings.keys_url),
                     settings.master_key_file, settings.imports_file):
            if path is not None:
                yield path


def _beside(own: Path, reads: Path) -> Iterator[Path]:
    yield from (own.with_name(own.name + end) for end in BESIDE)
    if own.parent.is_dir():
        yield from (one for one in own.parent.iterdir()
                    if f"{one.name}.".startswith(f"{reads.name}."))


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
