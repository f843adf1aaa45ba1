"""Imports: which files were read, with which profile, and what became of their rows."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from ledger.common.bounds import (
    At,
    Id,
    IdOrNone,
    Items,
    LongText,
    NameOrNone,
    Sha256,
    Tally,
)
from ledger.common.values import Checks, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Wanted
from ledger.imports.tallies import FaultTally
from ledger.log.store import Store

ROWS = 2_000
"""Events that are looked at in one go."""


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. Units: `bytes` is its size, `rows` its data lines. `encoding` is empty where the
    file could not be read as text.

    No digest of the whole file is kept: with one, what is personal in it could be found out by
    trying, long after it was erased.
    """

    name: LongText
    bytes: Tally
    rows: Tally
    encoding: NameOrNone


class Import(Aggregate):
    """One import; its stream is `import:<id>`. Its id is made of the names of its files and of what
    is not personal in their rows: it is the same import where only something personal, or nothing
    that is read, is another."""

    KIND = "import"

    def begin(self) -> None:
        """The state before the first event: nothing is recorded."""
        self.started = False
        self.rejected: int | None = None
        self.refused: list[FaultTally] | None = None

    class Started(Aggregate.Event):
        """The import has rows that bring something new, which follow. `trust_numbers`: who imported
        it said that its long numbers are right although they end in zeros."""

        TOPIC = "import.started.v1"
        files: list[ImportedFile]
        profile: str
        profile_version: int
        profile_sha256: str
        channel: str
        shop: str
        policy: str
        rows: int
        trust_numbers: bool = False

    class Refused(Aggregate.Event):
        """Nothing of it was recorded, since it has faults, or since all of it was
        refused. `faults` say where, and `warnings` what was read otherwise than it is printed; what
        stands in the rows is not here."""

        TOPIC = "import.refused.v1"
        files: list[ImportedFile]
        profile: str
        profile_version: int
        profile_sha256: str
        channel: str
        shop: str
        policy: str
        rows: int
        faults: list[FaultTally]
        trust_numbers: bool = False
        warnings: list[FaultTally] = []

    class Completed(Aggregate.Event):
        """All rows were decided: rows = accepted + rejected + duplicates, over all its runs.
        `erased` are those among them that name somebody who was erased: what is personal in them
        was left out. `faults` say where those stand that were rejected, `warnings` where those that
        were read otherwise than they are printed."""

        TOPIC = "import.completed.v1"
        rows: int
        accepted: int
        rejected: int
        duplicates: int
        erased: int = 0
        faults: list[FaultTally] = []
        warnings: list[FaultTally] = []

    @event(Started)
    def _started(self):
        self.started = True

    @event(Refused)
    def _refused(self, faults):
        self.refused = faults

    @event(Completed)
    def _completed(self, rejected):
        self.rejected = rejected

    def start(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """It begins, once."""
        if not self.started:
            self._started(**facts, occurred_at=occurred_at)

    def refuse(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """Nothing of it is recorded; once for the same faults, and never once it has begun."""
        if not self.started and self.refused != facts["faults"]:
            self._refused(**facts, occurred_at=occurred_at)

    def complete(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """All its rows are decided; again, if that rejected another number of them."""
        if self.started and self.rejected != facts["rejected"]:
            self._completed(**facts, occurred_at=occurred_at)


class _OnImport(Command, frozen=True, kw_only=True):
    """A command on one import."""

    REFUSALS_KEPT: ClassVar[bool] = False
    import_id: Id
    rows: Tally
    occurred_at: At

    @property
    def subject(self) -> str:
        """The import's stream."""
        return subject("import", self.import_id)

    def streams(self) -> Wanted:
        return [(Import, self.subject)]


class StartImport(_OnImport, frozen=True, kw_only=True):
    """Record that an import begins. It is ignored if it has begun already."""

    NAME: ClassVar[str] = "import.start"
    files: Annotated[list[ImportedFile], Items()]
    profile: Id
    profile_version: Tally
    profile_sha256: Sha256
    channel: IdOrNone
    shop: NameOrNone
    policy: Id
    trust_numbers: bool = False


class RefuseImport(StartImport, frozen=True, kw_only=True):
    """Record that nothing of an import is recorded, and where its faults are. It is ignored if the
    import has begun, or was refused already for the same faults."""

    NAME: ClassVar[str] = "import.refuse"
    faults: Annotated[list[FaultTally], Items()]
    warnings: Annotated[list[FaultTally], Items(least=0)] = []


class CompleteImport(_OnImport, frozen=True, kw_only=True):
    """Record what became of an import's rows.

    It is ignored if nothing was started, or if the import was completed already and the number of
    rejected rows is the same.
    """

    NAME: ClassVar[str] = "import.complete"
    accepted: Tally
    rejected: Tally
    duplicates: Tally
    erased: Tally = 0
    faults: Annotated[list[FaultTally], Items(least=0)] = []
    warnings: Annotated[list[FaultTally], Items(least=0)] = []

    def check(self, checks: Checks) -> None:
        if self.rows != self.accepted + self.rejected + self.duplicates:
            checks.fault("/rows", "sum", "is not accepted + rejected + duplicates")


def recorded_by(name: str, store: Store, ledger: bytes, *, after: int) -> set[int]:
    """The positions after one of what the runs of an import have recorded."""
    found, own = set[int](), f'"import:{name}"'
    while rows := store.outlines(ledger, after=after, limit=ROWS):
        found.update(row.position for row in rows if own in row.subjects)
        after = rows[-1].position
    return found
