"""What the rows of a sample would become with a profile, by themselves: no ledger is asked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from ledger.common.days import Days
from ledger.common.values import to_us
from ledger.imports.assemblers import assembler_of
from ledger.imports.faults import HIDDEN, RowFault
from ledger.imports.loading import Loader
from ledger.imports.profile import Profile
from ledger.imports.sources import identify
from ledger.imports.staging import Staging
from ledger.imports.statements import Statement, Statements


class Made(NamedTuple):
    """What rows would become: their numbers, the name of the command, and what it says. What is
    personal is masked, and what it does not say is left out."""

    rows: Any
    becomes: str
    about: str
    says: dict[str, Any]


class Tried(NamedTuple):
    """What a sample becomes, and what is wrong in it."""

    made: list[Made]
    faults: list[RowFault]
    warnings: list[RowFault]


def tried(profile: Profile, files: Sequence[Path], days: Days) -> Tried:
    """Read sample files with a profile, for a shop that has these days. Errors: those of
    `assembler_of`."""
    assembler = assembler_of(profile, None, None, days=days)
    with TemporaryDirectory() as folder:
        staging = Staging(Path(folder))
        try:
            loader = Loader(assembler, staging, to_us(datetime.now(UTC)))
            loader.load([identify(path, profile.encodings) for path in files], None)
            made: list[Made] = []
            if not loader.unusable:
                made = list(_made(Statements(assembler, staging, loader)))
            return Tried(made, list(staging.faults()), list(staging.warnings()))
        finally:
            staging.close()


def _made(statements: Statements) -> Iterator[Made]:
    for batch in statements.batches("check", None, report=True):
        for one in batch:
            yield Made(statements.rows_of(one), one.command.NAME, one.subject, _says(one))
    statements.reject_unmatched()


def _says(statement: Statement) -> dict[str, Any]:
    """The fields of a command that say something."""
    found = msgspec.to_builtins(statement.command)
    return {name: HIDDEN if name in statement.command.PERSONAL else value
            for name, value in found.items() if value not in (None, "", [], {})}
