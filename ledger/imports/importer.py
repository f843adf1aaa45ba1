"""An import from files to events: read, check, decide, record.

Every row is counted: rows = accepted + rejected + duplicates. A row is accepted if the statement
that it belongs to recorded something, and a duplicate if it brought nothing new. Nothing is
recorded before all rows are read and checked. A statement's command id is made from its order and
the digest of its cells, whatever file brings it: an overlapping export records nothing twice, a row
that was seen before never undoes what came after it, and running a killed import again finishes it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from ledger.core.accounts import AHEAD_US
from ledger.imports.assemblers import assembler_of
from ledger.imports.assembling import Assembler
from ledger.imports.choices import (
    POLICIES,
    REJECT_EVERYTHING,
    REJECT_FAILED_ROWS,
)
from ledger.imports.declaring import facts, identity, warehouses
from ledger.imports.erased import ErasedRows
from ledger.imports.errors import (
    ImportBrokenOff,
    ImportOnDamaged,
    UnknownPolicy,
)
from ledger.imports.faults import RowFault
from ledger.imports.loading import Loader, Progress
from ledger.imports.older import OlderRows
from ledger.imports.options import Begin, Options
from ledger.imports.profile import Profile
from ledger.imports.record import CompleteImport, RefuseImport, StartImport, recorded_by
from ledger.imports.setting_aside import Aside
from ledger.imports.sources import Unnamed, identify
from ledger.imports.staging import ACCEPTED, BEFORE, REJECTED, Staging
from ledger.imports.statements import BATCH, Statement, Statements
from ledger.imports.summary import Summary
from ledger.imports.tallies import tallies
from ledger.imports.target import Item, Target
from ledger.log.damage import DatabaseDamaged
from ledger.log.side_file import SideFile
from ledger.log.store import StorageFailed
from ledger.returns.declared import DeclareCase
from ledger.stock.warehouses import OpenWarehouse
from ledger.writing import requests
from ledger.writing.errors import BrokenOff, reason_of

__all__ = ["REJECT_EVERYTHING", "REJECT_FAILED_ROWS", "Summary", "UnknownPolicy", "run_import"]

MAX_ROWS_KEPT = 60_000
"""Rows whose statements are kept in memory from checking to recording. If there are more, all
statements are made twice."""


def run_import(
    ledger: Target, files: Sequence[Path | Unnamed], profile: Profile, *, context: Context,
    staging_dir: Path, shop: str | None = None, policy: str = REJECT_EVERYTHING,
    stock: str | None = None, trust_numbers: bool = False, as_of_us: int | None = None,
    dry_run: bool = False, progress: Progress | None = None, begin: Begin | None = None,
    side_file: SideFile | None = None,
) -> Summary:
    """Import files into a ledger. The caller closes the summary.

    With `begin`, `ledger` is an empty one that stands for one that is not there yet: that one
    begins only once there is something to record.

    `shop` is used where the files name none. `stock` is one of `STOCK`, or None for what the
    profile supports. `trust_numbers`: long numbers that end in zeros are so, and no spreadsheet has
    rounded them. `as_of_us`: when files were made whose names do not say it. `staging_dir` holds
    the staging file meanwhile. What is wrong in the files is in the summary, and its rows go into
    the `side_file`, if there is one. Errors: UnknownPolicy
    (R-IMP-17), NoWarehouse (R-IMP-18), CountsAreStock (R-IMP-19), FileNotYetMade (R-IMP-25),
    ImportBrokenOff (R-IMP-21); what keeps it from beginning, such as ClockSuspect.
    """
    if policy not in POLICIES:
        raise UnknownPolicy(policy=policy)
    assembler = assembler_of(replace(profile, trust_numbers=trust_numbers), shop, stock,
                             days=ledger.days)
    staging = Staging(staging_dir)
    try:
        how = Options(context, policy, dry_run, progress, begin, as_of_us, side_file)
        return _Run(ledger, staging, assembler, how).through(files)
    except BaseException:
        staging.close()
        raise


class _Run:
    """One run of an import."""

    def __init__(
        self, ledger: Target, staging: Staging, assembler: Assembler, how: Options
    ) -> None:
        self.ledger = ledger
        self.staging = staging
        self.assembler = assembler
        self.profile = assembler.profile
        self.how = how
        self.loader = Loader(assembler, staging, ledger.clock.wall() + AHEAD_US, how.as_of_us)
        self.to_record = self.events = 0
        self.earlier: set[int] = set()
        self.started = self.finished = False
        self.kept: list[list[Statement]] | None = []
        self.erased = ErasedRows(ledger)
        self.older = OlderRows()
        self.aside = Aside(how.side_file, self.loader, staging, dry_run=how.dry_run)

    def through(self, files: Sequence[Path | Unnamed]) -> Summary:
        """All stages. Errors: ImportBrokenOff (R-IMP-21), ImportOnDamaged (R-IMP-22) for what is
        not about the files, once anything may be recorded: also by an earlier run that nobody could
        look up."""
        try:
            return self.run(files)
        except LedgerError as error:
            if self.events or isinstance(error, StorageFailed | BrokenOff):
                damaged = DatabaseDamaged in (type(error), type(error.__cause__))
                kind = ImportOnDamaged if damaged else ImportBrokenOff
                raise kind(events=self.events, why=reason_of(error)) from error
            raise

    def run(self, files: Sequence[Path | Unnamed]) -> Summary:
        """All stages. Nothing is recorded if a fault forbids it or nothing is new."""
        sources = [identify(path, self.profile.encodings) for path in files]
        self.loader.load(sources, self.how.progress)
        self._name()
        self.statements = Statements(self.assembler, self.staging, self.loader)
        self.rows = self.staging.count + self.loader.lost
        self.started = not self.loader.unusable and self._would_record(self._start()) == 0
        self.finished = self.started and self._would_record(self._complete(self.rows, 0)) == 0
        if not self.loader.unusable:
            self._check()
        rejecting = self.loader.unusable or (
            self.how.policy == REJECT_EVERYTHING and self.staging.fault_count > 0)
        if not (rejecting or self.how.dry_run or self._nothing_new()):
            self._record()
        if not (self.started or self.how.dry_run or self.how.begin):
            self._refuse()
        return self._summary(rejecting=rejecting)

    def _name(self) -> None:
        """What this import is called in its ledger, and what its events have in common."""
        self.id = identity(self.assembler, self.loader)
        self.correlation = self.how.context.correlation or self._command_id(self.id, "started")
        self.aside.begin(self.ledger, self.id, self.correlation)

    def _begin(self) -> None:
        """Let the ledger begin, if it is not there yet. Ids of commands are made with its own."""
        if self.how.begin is not None:
            self.ledger, context, self.aside.side_file = self.how.begin()
            self.how = self.how._replace(context=context, begin=None)
            self._name()

    # -- commands ---------------------------------------------------------------------------------

    def _command_id(self, *parts: str) -> UUID:
        return requests.import_command_id(self.ledger.id, *parts)

    def _facts(self) -> dict[str, Any]:
        """What all commands on the import as a whole say of it."""
        return {**facts(self.assembler, self.loader), "import_id": self.id, "rows": self.rows,
                "policy": self.how.policy, "occurred_at": from_us(self.ledger.clock.wall())}

    def _start(self) -> Item:
        return StartImport(**self._facts()), self._of_import("started")

    def _open_warehouses(self) -> list[Item]:
        """The command that opens the warehouse, if any; repeating it changes nothing."""
        at = from_us(self.ledger.clock.wall())
        return [(OpenWarehouse(name=name, occurred_at=at), msgspec.structs.replace(
            self._of_import("warehouse"), command_id=self._command_id("warehouse", name)))
                for name in warehouses(self.assembler)]

    def _complete(self, accepted: int, rejected: int) -> Item:
        duplicates = self.rows - accepted - rejected
        command = CompleteImport(
            import_id=self.id, rows=self.rows, accepted=accepted, rejected=rejected,
            duplicates=duplicates, erased=len(self.erased.rows),
            faults=tallies(self.staging.faults()), warnings=tallies(self.staging.warnings()),
            occurred_at=from_us(self.ledger.clock.wall()))
        return command, self._of_import("completed", str(accepted), str(rejected))

    def _of_import(self, *what: str) -> Context:
        """The context of a command on the import itself."""
        return msgspec.structs.replace(
            self.how.context, command_id=self._command_id(self.id, *what),
            correlation=self.correlation)

    def _item(self, statement: Statement) -> Item:
        """A statement's command. The same rows give the same id, in whatever file they come."""
        source = {"import": self.id, "profile": self.profile.name,
                  "profile_version": self.profile.version,
                  "rows": self.statements.rows_of(statement), "zone": self.profile.zone}
        given = self.how.context
        parts = requests.statement_of(
            self.ledger.id, self.profile.sha256, statement.subject,
            "\n".join(warehouses(self.assembler)), statement.digest)
        return statement.command, Context(
            actor=given.actor, role=given.role, client=given.client, causation=given.causation,
            correlation=self.correlation, subjects=(*given.subjects, f"import:{self.id}"),
            source=source,
            command_id=requests.statement_id(parts, 0), statement=parts)

    # -- checking ---------------------------------------------------------------------------------

    def _would_record(self, item: Item) -> int:
        found, = self.ledger.preview([item])
        if isinstance(found, LedgerError):
            raise found
        return found

    def _check(self) -> None:
        """Make every statement once. Unless failed rows may be left out, preview what rules say."""
        previewing = (self.how.dry_run or self.finished
                      or self.how.policy == REJECT_EVERYTHING)
        for batch in self.statements.batches("check", self.how.progress, report=True):
            if previewing:
                doubtful = self._doubtful(batch)
                self._previewed(doubtful, self._preview(doubtful))
            self.erased.note(batch)
            self._keep(batch)
        self.statements.reject_unmatched()

    def _preview(self, batch: list[Statement]) -> list[int | LedgerError]:
        """How many events each statement would record after those before it, or its refusal."""
        first = self._open_warehouses()
        items = [*first, *(self._item(statement) for statement in batch)]
        return self.ledger.preview(items)[len(first):] if batch else []

    def _doubtful(self, batch: list[Statement]) -> list[Statement]:
        """The statements that a rule may refuse. One about an order that appears nowhere else, in
        this batch or in the log, is certainly new and need not be previewed."""
        mentions = Counter(statement.subject for statement in batch)
        cases = [one.command for one in batch if isinstance(one.command, DeclareCase)]
        mentions.update(case.order for case in cases)
        known = {entry.stream
                 for entry in self.ledger.store.streams(self.ledger.name, list(mentions))}
        doubtful, certain = list[Statement](), list[Statement]()
        for one in batch:
            (doubtful if mentions[one.subject] > 1 or one.subject in known or self.profile.counts
             or isinstance(one.command, DeclareCase) else certain).append(one)
        self.to_record += len(certain)
        if self.how.dry_run:
            self.staging.outcome([seq for one in certain for seq in one.seqs()], ACCEPTED)
        return doubtful

    def _keep(self, batch: list[Statement]) -> None:
        """Keep a batch for recording unless they grow too many; then all are made again."""
        if self.kept is not None:
            self.kept.append(batch)
            if len(self.kept) * BATCH > MAX_ROWS_KEPT:
                self.kept = None

    def _checked(self) -> Iterator[list[Statement]]:
        """The batches to record."""
        progress = self.how.progress
        if self.kept is None:
            yield from self.statements.batches("record", progress, report=False)
            return
        for batch in self.kept:
            yield batch
            if progress is not None:
                progress("record", batch[-1].main.seq + 1, self.staging.count)

    def _previewed(self, batch: list[Statement], found: list[int | LedgerError]) -> None:
        for statement, result in zip(batch, found, strict=True):
            if isinstance(result, LedgerError):
                self._refused(statement, result)
            elif result:
                self.to_record += result
                if self.how.dry_run:
                    self.staging.outcome(statement.seqs(), ACCEPTED)
        self._note_older(statement for statement, result in zip(batch, found, strict=True)
                         if result == 0)

    def _note_older(self, unchanged: Iterable[Statement]) -> None:
        """Look at statements that recorded nothing."""
        self.older.note(self.ledger, ((one, self._item(one)) for one in unchanged))

    def _refused(self, statement: Statement, error: LedgerError) -> None:
        fault = self.statements.refusal(statement, error.code, error.rule, str(error))
        self.staging.fault(fault)
        self.staging.outcome(statement.seqs(), REJECTED)

    def _nothing_new(self) -> bool:
        """Whether the check has shown that the log has all of it."""
        return not self.to_record and (self.finished or (
            self.how.policy == REJECT_EVERYTHING and not self.started))

    # -- recording --------------------------------------------------------------------------------

    def _record(self) -> None:
        """Record what is new. The import starts just before the first batch that has any, so that
        one that brings nothing leaves no trace."""
        self.older.rows.clear()  # by now, what is known may be newer, or not be there
        if self.started:
            first = self._begun(self._handled([self._start(), *self._open_warehouses()]))
            self.earlier = recorded_by(self.id, self.ledger.store, self.ledger.id, after=first)
        for batch in self._checked():
            opening: list[Item] = []
            if not self.started:
                if not self._brings_news(batch):
                    continue
                self._begin()
                opening = [self._start(), *self._open_warehouses()]
            items = [*opening, *(self._item(statement) for statement in batch)]
            results = self._handled(items)
            if opening:
                self._begun(results[:len(opening)])
            of_batch = list(zip(batch, results[len(opening):], strict=True))
            for statement, result in of_batch:
                self._recorded(statement, result)
            self._note_older(statement for statement, result in of_batch
                             if isinstance(result, Receipt) and not result.positions)
        if self.started:
            self.erased.note_again(self._checked)
            self.aside.keep(self.ledger, self.id)
            accepted, before, rejected = self.staging.counts()
            self._count(*self._handled([self._complete(accepted + before, rejected)]))

    def _refuse(self) -> None:
        """Record that nothing is recorded, and where the faults are, if there are any. Where that
        cannot be done, a warning says so."""
        if found := tallies(self.staging.faults()):
            self.aside.keep(self.ledger, self.id)
            command = RefuseImport(
                **self._facts(), faults=found, warnings=tallies(self.staging.warnings()))
            try:
                self._count(*self._handled([(command, self._of_import("refused", repr(found)))]))
            except LedgerError as error:
                self.staging.warning(RowFault.of("", 0, "refusal_lost", why=error))

    def _brings_news(self, batch: list[Statement]) -> bool:
        """Whether a batch would record anything; what comes of one that would not is noted. Its
        first statement alone mostly says so already."""
        for some in (batch[:1], batch):
            found = self._preview(some)
            if any(type(result) is int and result for result in found):
                return True
        self._previewed(batch, found)
        return False

    def _handled(self, items: Sequence[Item]) -> list[Receipt | LedgerError]:
        try:
            return self.ledger.handle_many(items)
        except BrokenOff as error:
            for result in error.results:
                if isinstance(result, Receipt):
                    self._count(result)
            raise

    def _begun(self, results: Sequence[Receipt | LedgerError]) -> int:
        """The import has started, at the position that it returns."""
        start, *_ = [self._count(result) for result in results]
        self.started = True
        return start.positions[0]

    def _count(self, result: Receipt | LedgerError) -> Receipt:
        if isinstance(result, LedgerError):
            raise result
        self.events += 0 if result.replayed else len(result.positions)
        return result

    def _recorded(self, statement: Statement, result: Receipt | LedgerError) -> None:
        if isinstance(result, LedgerError):
            self._refused(statement, result)
        elif self._count(result).positions and not result.replayed:
            self.staging.outcome(statement.seqs(), ACCEPTED)
        elif result.positions and result.positions[0] in self.earlier:
            self.staging.outcome(statement.seqs(), BEFORE)

    def _summary(self, *, rejecting: bool) -> Summary:
        accepted, _, rejected = self.staging.counts()
        older = len(self.older.rows)
        if rejecting:
            accepted, rejected, older = 0, self.rows, 0
        return Summary(
            import_id=self.id, rows=self.rows, accepted=accepted, rejected=rejected,
            duplicates=self.rows - accepted - rejected, older=older,
            erased=len(self.erased.rows), events=self.events,
            position=0 if self.how.begin else self.ledger.head().position,
            fault_count=self.staging.fault_count, dry_run=self.how.dry_run,
            warning_count=self.staging.warning_count, policy=self.how.policy, staging=self.staging)
