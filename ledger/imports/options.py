"""How an import is run."""

from collections.abc import Callable
from typing import NamedTuple

from ledger.common.context import Context
from ledger.imports.loading import Progress
from ledger.imports.target import Target
from ledger.log.side_file import SideFile

Begin = Callable[[], tuple[Target, Context, SideFile | None]]


class Options(NamedTuple):
    """Who imports, what becomes of rows that fail, where they are kept, and whether anything is
    recorded: see `run_import`."""

    context: Context
    policy: str
    dry_run: bool
    progress: Progress | None
    begin: Begin | None
    as_of_us: int | None
    side_file: SideFile | None
