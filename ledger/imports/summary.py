"""What an import did, as its caller receives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ledger.imports.choices import REJECT_EVERYTHING
from ledger.imports.faults import RowFault
from ledger.imports.staging import Staging


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an import did. Faults and warnings are kept in a file, not in memory, until `close()`.

    Shapes: rows = accepted + rejected + duplicates, counted over the data rows of all files;
    `older` of the duplicates are older news than what is known, so that they changed nothing;
    `erased` of the rows name something personal of somebody who was erased, which was left out.
    `events` were recorded by this run, `position` is the log's head. Of a dry run, accepted is what
    would be recorded, and events is 0.
    """

    import_id: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    older: int
    erased: int
    events: int
    position: int
    fault_count: int
    warning_count: int
    dry_run: bool
    policy: str
    staging: Staging

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.rejected and not self.fault_count

    @property
    def faults(self) -> Iterator[RowFault]:
        """All faults, by file and row, until `close()`."""
        return self.staging.faults()

    @property
    def warnings(self) -> Iterator[RowFault]:
        """What was read otherwise than it is printed, by file and row, until `close()`."""
        return self.staging.warnings()

    def counts(self) -> dict[str, int]:
        """The figures, for a program."""
        names = ("rows", "accepted", "rejected", "duplicates", "older", "erased", "events",
                 "position")
        return {name: getattr(self, name) for name in names}

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        if not self.ok and self.policy == REJECT_EVERYTHING and not self.accepted:
            return (f"No row was recorded: {self.fault_count} fault(s) were found, and the policy "
                    f"is to reject everything then. All {self.rows} row(s) count as rejected.")
        would = "would be " if self.dry_run else ""
        return (f"Of {self.rows} row(s), {self.accepted} {would}recorded, {self.duplicates} "
                f"brought nothing new, {self.rejected} {would}rejected.")

    def close(self) -> None:
        """Remove the staging file."""
        self.staging.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
