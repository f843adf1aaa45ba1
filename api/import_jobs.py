"""An import that goes on after its answer, and how it stands."""

from contextlib import ExitStack
from typing import Annotated, Any

from msgspec import field

from api.http.key_ring import Caller
from api.http.limiting import holder
from api.http.routes import edge
from ledger.imports.summary import Summary
from projections import imports
from projections.asking.columns import Columns, code, says
from projections.imports import ImportRow

RUNNING, FAILED = "running", "failed"
STATES = (RUNNING, FAILED, *imports.STATES)
"""How an import stands: it runs or failed here, or how the ledger has it."""


class ImportCounts(Columns):
    """What an import did."""

    rows: Annotated[int, says("The data rows of all files.")]
    accepted: Annotated[int, says("Rows that were recorded.")]
    rejected: Annotated[int, says("Rows in which something is wrong.")]
    duplicates: Annotated[int, says("Rows that brought nothing new.")]
    older: Annotated[int | None, says(
        "Of these, rows that are older news than what is known; null once the server has forgotten "
        "the run.")]
    erased: Annotated[int, says("Rows that name something of somebody who was erased.")]
    events: Annotated[int | None, says("Events that this run recorded; null as above.")]
    position: Annotated[int, says("The head of the log then.")]


class ImportProgress(Columns):
    """How far an import has come, and what came of it."""

    id: Annotated[str, says("The import.")] = field(name="import")
    preview: Annotated[bool, says("Whether it is only tried, and nothing is recorded.")]
    profile: Annotated[str, says(
        "The profile by which the files are read: the one that was named, or the only one that has "
        "just their columns.")]
    state: Annotated[str, code(*STATES)]
    stage: Annotated[str, says("What is being done.")]
    done: Annotated[int, says("How much of it is done.")]
    total: Annotated[int | None, says("How much of it there is; null where that is not known.")]
    counts: Annotated[ImportCounts | None, says("What it did; null while it runs.")]
    problem: Annotated[str | None, says("Why it failed; null where it did not.")]
    faults: Annotated[int, says("How many faults there are.")]
    warnings: Annotated[int, says("How many warnings there are.")]
    recorded: Annotated[ImportRow | None, says(
        "The import as the ledger has it; null where nothing of it is recorded.")]


class FaultRow(Columns):
    """One thing that is wrong in a file, or was read otherwise than it is printed."""

    file: Annotated[str, says("The file.")]
    row: Annotated[int, says("The row, the header is 1; 0: the file as a whole.")]
    column: Annotated[str, says("The column; empty: the row as a whole.")]
    value: Annotated[str, says("What stands there; what is personal is hidden.")]
    code: Annotated[str, says("The code of the fault.")]
    rule: Annotated[str, says("Its rule.")]
    reason: Annotated[str, says("What is wrong.")]


class RowFaults(Columns):
    """Faults or warnings of an import."""

    items: Annotated[list[FaultRow], says("By file and row.")]


class Job:
    """An import that goes on after its answer."""

    def __init__(
        self, job: str, who: Caller, digest: str, *, profile: str, preview: bool
    ) -> None:
        self.id, self.ledger, self.digest, self.preview = job, who.ledger, digest, preview
        self.holder, self.profile = holder(who), profile
        self.state, self.stage, self.done, self.total = RUNNING, "", 0, 0
        self.problem: str | None = None
        self.summary: Summary | None = None
        self.held = ExitStack()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Take what `run_import` reports."""
        self.stage, self.done, self.total = stage, done, total

    def shown(self) -> dict[str, Any]:
        """How far it has come, and what came of it."""
        counts = self.summary.counts() if self.summary is not None else None
        return {"import": self.id, "preview": self.preview, "profile": self.profile,
                "state": self.state, "stage": self.stage, "done": self.done,
                "total": self.total, "counts": counts,
                "problem": self.problem,
                "faults": 0 if self.summary is None else self.summary.fault_count,
                "warnings": 0 if self.summary is None else self.summary.warning_count,
                "recorded": None if self.preview or self.summary is None else imports.read(
                    edge().store, self.ledger, f"import:{self.summary.import_id}")}
