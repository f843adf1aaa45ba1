"""How an import is run."""

from collections.abc import Callable
from typing import NamedTuple

from ledger.common.context import Context
from ledger.imports.loading import Progress
from ledger.imports.target import Target

Begin = Callable[[], tuple[Target, Context]]


class Options(NamedTuple):
    """Who imports, what becomes of rows that fail, and whether anything is recorded: see
    `run_import`."""

    context: Context
    policy: str
    dry_run: bool
    progress: Progress | None
    begin: Begin | None
    as_of_us: int | None
