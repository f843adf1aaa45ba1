"""An import from files to events: read, check, decide, record.

Rows are counted: rows = accepted + rejected + duplicates. A row is accepted if the statement that
it belongs to recorded something, a duplicate if it brought nothing new. Nothing is recorded before
all rows are read and checked. Every statement has a command id made from the import and the row's
digest, so the same command run again finishes what was interrupted, and repeats nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from ledger.application import AHEAD_US, Ledger
from ledger.commands import Command
from ledger.errors import Invalid, LedgerError
from ledger.importing.assembly import Assembler, BadStatement
from ledger.importing.faults import RowFault, reason
from ledger.importing.loading import Loader, Progress, sources_of
from ledger.importing.profiles import Profile
from ledger.importing.staging import ACCEPTED, BEFORE, REJECTED, UNDECIDED, Staged, Staging
from ledger.imports import CompleteImport, ImportedFile, StartImport
from ledger.order_commands import RecordOrder
from ledger.orders import MAX_LINES
from ledger.receipts import Context, Receipt
from ledger.values import from_us

REJECT_EVERYTHING = "reject_everything"
REJECT_FAILED_ROWS = "reject_failed_rows"
BATCH = 500
"""Statements that go to the ledger at once; an order is never split."""

MAX_STATEMENTS = 1000
"""Different rows of one order in one import."""

_NAMESPACE = uuid5(NAMESPACE_OID, "order-ledger/import/v1")


class UnknownPolicy(Invalid):
    """The policy {policy!r} is neither reject_everything nor reject_failed_rows."""

    code = "unknown_policy"
    rule = "R-IMP-17"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an import did. `close()` lets go of the faults, which lie in a file and not in memory.

    Shapes: rows = accepted + rejected + duplicates; `events` were recorded by this run, `position`
    is the log's head. Of a dry run, accepted is what would be recorded, and events is 0.
    """

    import_id: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    events: int
    position: int
    fault_count: int
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

    def counts(self) -> dict[str, int]:
        """The figures that a program wants."""
        names = ("rows", "accepted", "rejected", "duplicates", "events", "position")
        return {name: getattr(self, name) for name in names}

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        if not self.ok and self.policy == REJECT_EVERYTHING and not self.accepted:
            return (f"Nothing was recorded: {self.fault_count} fault(s) were found, and the policy "
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


class _Statement(NamedTuple):
    """A command with where it comes from: main row, joined rows by kind, digest of all of them."""

    command: RecordOrder
    main: Staged
    parts: dict[str, list[Staged]]
    digest: bytes

    def seqs(self) -> list[int]:
        return [self.main.seq, *(row.seq for rows in self.parts.values() for row in rows)]


def run_import(
    ledger: Ledger, files: Sequence[Path], profile: Profile, *, context: Context,
    staging_dir: Path, shop: str | None = None, policy: str = REJECT_EVERYTHING,
    dry_run: bool = False, progress: Progress | None = None,
) -> Summary:
    """Bring files into a ledger. The caller closes the summary.

    `shop` stands where the files name none. `staging_dir` holds the staging file meanwhile.
    Errors: UnknownPolicy (R-IMP-17), Unavailable; what is wrong in the files is in the summary.
    """
    if policy not in (REJECT_EVERYTHING, REJECT_FAILED_ROWS):
        raise UnknownPolicy(policy=policy)
    staging = Staging(staging_dir)
    try:
        run = _Run(ledger, profile, staging, Assembler(profile, shop))
        run.context, run.policy, run.dry_run, run.progress = context, policy, dry_run, progress
        return run.run(files)
    except BaseException:
        staging.close()
        raise


class _Run:
    """One run of an import."""

    context: Context
    policy: str
    dry_run: bool
    progress: Progress | None

    def __init__(self, ledger: Ledger, profile: Profile, staging: Staging, assembler: Assembler
                 ) -> None:
        self.ledger = ledger
        self.profile = profile
        self.staging = staging
        self.assembler = assembler
        main = assembler.slots[profile.main.kind]
        self.joins = [(kind, file, main[file.join[1]])
                      for kind, file in enumerate(profile.parts(), 1) if file.join]
        self.started = False
        self.would = 0
        self.events = 0

    def run(self, files: Sequence[Path]) -> Summary:
        sources = sources_of(files, self.profile)
        self.id = self._identity([source.sha256 for source in sources])
        self.loader = Loader(self.assembler, self.staging,
                             self.ledger.mac("import.row", b"key of the digests of rows"),
                             self.ledger.clock.wall() + AHEAD_US)
        self.loader.load(sources, self.progress)
        self.labels = self._labels()
        self.rows = self.staging.count + self.loader.lost
        self.started = self._would_record(self._start()) == 0
        finished = self.started and self._would_record(self._complete(self.rows, 0)) == 0
        if not (finished or self.loader.unusable):
            self._check()
        rejecting = self.loader.unusable or (
            self.policy == REJECT_EVERYTHING and self.staging.fault_count > 0)
        if not (rejecting or finished or self.dry_run or self._nothing_new()):
            self._record()
        return self._summary(rejecting=rejecting)

    # -- identity ---------------------------------------------------------------------------------

    def _identity(self, hashes: list[str]) -> str:
        """The same files, profile and shop are the same import, whatever else differs."""
        told = [hashes, self.profile.name, self.profile.version, self.profile.sha256,
                self.assembler.shop]
        return sha256(msgspec.json.encode(told)).hexdigest()[:20]

    def _command_id(self, *parts: str) -> UUID:
        return uuid5(_NAMESPACE, "\n".join((self.ledger.name, self.id, *parts)))

    def _labels(self) -> list[str]:
        """What each file is called in a source: its kind, numbered where a kind has several."""
        kinds = [loaded.kind for loaded in self.loader.files]
        return [kind if kinds.count(kind) == 1 else f"{kind}:{number}"
                for number, kind in enumerate(kinds, 1)]

    # -- commands ---------------------------------------------------------------------------------

    def _start(self) -> tuple[Command, Context]:
        files = [ImportedFile(name=file.source.name, sha256=file.source.sha256, rows=file.rows,
                              bytes=file.source.size, encoding=file.source.encoding)
                 for file in self.loader.files]
        profile = self.profile
        command = StartImport(
            import_id=self.id, files=files, profile=profile.name, profile_version=profile.version,
            profile_sha256=profile.sha256, channel=profile.channel, shop=self.assembler.shop,
            policy=self.policy, rows=self.rows, occurred_at=from_us(self.ledger.clock.wall()))
        return command, self._of_import("started")

    def _complete(self, accepted: int, rejected: int) -> tuple[Command, Context]:
        duplicates = self.rows - accepted - rejected
        command = CompleteImport(
            import_id=self.id, rows=self.rows, accepted=accepted, rejected=rejected,
            duplicates=duplicates, occurred_at=from_us(self.ledger.clock.wall()))
        return command, self._of_import("completed", str(accepted), str(rejected))

    def _of_import(self, *what: str) -> Context:
        """The context of a command on the import itself."""
        return msgspec.structs.replace(
            self.context, command_id=self._command_id(*what), correlation=self._correlation(),
            request="\n".join(what).encode())

    def _correlation(self) -> UUID:
        return self.context.correlation or self._command_id("started")

    def _item(self, statement: _Statement) -> tuple[Command, Context]:
        source = {"import": self.id, "profile": self.profile.name,
                  "profile_version": self.profile.version, "rows": self._rows_of(statement),
                  "zone": self.profile.zone}
        told = self.context
        return statement.command, Context(
            actor=told.actor, role=told.role, client=told.client, causation=told.causation,
            correlation=self._correlation(), subjects=(*told.subjects, f"import:{self.id}"),
            source=source, request=statement.digest,
            command_id=self._command_id(statement.command.subject, statement.digest.hex()))

    def _rows_of(self, statement: _Statement) -> Any:
        """Row numbers of the one file, or by file where there are several."""
        if len(self.labels) == 1:
            return [statement.main.number]
        found = {self.labels[statement.main.file]: [statement.main.number]}
        for rows in statement.parts.values():
            for row in rows:
                found.setdefault(self.labels[row.file], []).append(row.number)
        return found

    # -- gathering --------------------------------------------------------------------------------

    def _orders(self, stage: str, *, report: bool) -> Iterator[list[_Statement]]:
        """The statements of each order that has no fault, in file order."""
        for key, mains in self.staging.orders(MAX_STATEMENTS + 1):
            if self.progress is not None and mains[0].seq % BATCH == 0:
                self.progress(stage, mains[0].seq, self.staging.count)
            faults: list[RowFault] = []
            statements = [self._statement(main, faults) for main in mains]
            if len(mains) > MAX_STATEMENTS:
                faults.append(self._fault(mains[0], "too_many_statements", most=MAX_STATEMENTS))
            good = [statement for statement in statements if statement is not None]
            if len(good) == len(statements) and not faults:
                yield good
            elif report:
                self._reject(key, mains, faults)
        if self.progress is not None:
            self.progress(stage, self.staging.count, self.staging.count)

    def _statement(self, main: Staged, faults: list[RowFault]) -> _Statement | None:
        """The command of a main row; None if it, or a row joined to it, has a fault."""
        parts: dict[str, list[Staged]] = {}
        bad = main.bad
        digest = blake2b(main.digest or b"", key=b"statement", digest_size=16)
        for kind, file, slot in self.joins:
            value = main.values[slot]
            rows = [] if value is None else self.staging.same(
                kind, self.staging.hashed(value), MAX_LINES + 1)
            self.staging.outcome([row.seq for row in rows], UNDECIDED)
            faults.extend(self._faults_of(main, file.kind, rows))
            bad = bad or any(row.bad for row in rows)
            parts[file.kind] = rows
            digest.update(b"".join((file.kind.encode(), *(row.digest or b"" for row in rows))))
        if bad or faults:
            return None
        values = {kind: [row.values for row in rows] for kind, rows in parts.items()}
        try:
            command = self.assembler.statement(main.values, values)
        except BadStatement as error:
            name = self.loader.files[main.file].source.name
            faults.extend(self.assembler.fault(problem, name, main.number, (main.values, values))
                          for problem in error.problems)
            return None
        if not self.joins:
            return _Statement(command, main, parts, main.digest)
        return _Statement(command, main, parts, digest.digest())

    def _faults_of(self, main: Staged, kind: str, rows: list[Staged]) -> Iterator[RowFault]:
        """What is wrong with the rows of a kind that are joined to a main row."""
        file = next(file for file in self.profile.files if file.kind == kind)
        assert file.key is not None
        if not rows and file.required and not self.loader.unjoined and not main.bad:
            yield self._fault(main, "row_missing", kind=kind)
        if len(rows) > MAX_LINES:
            yield self._fault(main, "too_many_statements", most=MAX_LINES)
        slot = self.assembler.slots[kind][file.key]
        seen: dict[Any, int] = {}
        for row in rows:
            if row.values and row.values[slot] is not None:
                other = seen.setdefault(row.values[slot], row.number)
                if other != row.number:
                    yield self._fault(row, "line_twice", column=file.column_of(file.key),
                                      other=other)

    def _fault(self, row: Staged, code: str, *, column: str = "", **details: Any) -> RowFault:
        rule, words = reason(code, details)
        name = self.loader.files[row.file].source.name
        return RowFault(name, row.number, column, "", code, rule, words)

    def _reject(self, key: bytes, mains: list[Staged], faults: list[RowFault]) -> None:
        """Note why an order is rejected, and that all its rows are."""
        for fault in dict.fromkeys(faults):
            self.staging.fault(fault)
        self.staging.reject(0, key)
        for main in mains:
            for kind, _, slot in self.joins:
                if main.values[slot] is not None:
                    self.staging.reject(kind, self.staging.hashed(main.values[slot]))

    # -- deciding ---------------------------------------------------------------------------------

    def _would_record(self, item: tuple[Command, Context]) -> int:
        found, = self.ledger.preview([item])
        if isinstance(found, LedgerError):
            raise found
        return found

    def _check(self) -> None:
        """Make every statement once; unless faults are let through, see what the rules say."""
        previewing = self.dry_run or self.policy == REJECT_EVERYTHING
        for batch in _batches(self._orders("check", report=True)):
            if previewing:
                found = self.ledger.preview([self._item(statement) for statement in batch])
                for statement, result in zip(batch, found, strict=True):
                    self._previewed(statement, result)
        main = self.profile.main.kind
        for seq, _, file, number in self.staging.unmatched():
            self.staging.outcome([seq], REJECTED)
            if not self.loader.unjoined:
                row = Staged(seq, file, number, b"", False, [])
                self.staging.fault(self._fault(row, "row_unmatched", kind=main))

    def _previewed(self, statement: _Statement, result: int | LedgerError) -> None:
        if isinstance(result, LedgerError):
            self._refused(statement, result)
        elif result:
            self.would += result
            if self.dry_run:
                self.staging.outcome(statement.seqs(), ACCEPTED)

    def _refused(self, statement: _Statement, error: LedgerError) -> None:
        column = self.assembler.column_of("number")[1]
        name = self.loader.files[statement.main.file].source.name
        self.staging.fault(RowFault(name, statement.main.number, column, statement.command.number,
                                    error.code, error.rule, str(error)))
        self.staging.outcome(statement.seqs(), REJECTED)

    def _nothing_new(self) -> bool:
        """Whether the check has shown that the log holds all of it."""
        return self.policy == REJECT_EVERYTHING and not self.would and not self.started

    # -- recording --------------------------------------------------------------------------------

    def _record(self) -> None:
        for batch in _batches(self._orders("record", report=False)):
            items = [self._item(statement) for statement in batch]
            if not self.started:
                found = self.ledger.preview(items)
                if not any(type(result) is int and result for result in found):
                    for statement, result in zip(batch, found, strict=True):
                        self._previewed(statement, result)
                    continue
                items.insert(0, self._start())
            results = self.ledger.handle_many(items)
            if not self.started:
                self._recorded_import(results.pop(0))
                self.started = True
            for statement, outcome in zip(batch, results, strict=True):
                self._recorded(statement, outcome)
        if self.started:
            accepted, before, rejected = self.staging.counts()
            result, = self.ledger.handle_many([self._complete(accepted + before, rejected)])
            self._recorded_import(result)

    def _recorded_import(self, result: Receipt | LedgerError) -> None:
        if isinstance(result, LedgerError):
            raise result
        self.events += 0 if result.replayed else len(result.positions)

    def _recorded(self, statement: _Statement, result: Receipt | LedgerError) -> None:
        if isinstance(result, LedgerError):
            self._refused(statement, result)
        elif result.positions:
            self.events += 0 if result.replayed else len(result.positions)
            self.staging.outcome(statement.seqs(), BEFORE if result.replayed else ACCEPTED)

    def _summary(self, *, rejecting: bool) -> Summary:
        accepted, _, rejected = self.staging.counts()
        if rejecting:
            accepted, rejected = 0, self.rows
        return Summary(
            import_id=self.id, rows=self.rows, accepted=accepted, rejected=rejected,
            duplicates=self.rows - accepted - rejected, events=self.events,
            position=self.ledger.head().position, fault_count=self.staging.fault_count,
            dry_run=self.dry_run, policy=self.policy, staging=self.staging)


def _batches(orders: Iterator[list[_Statement]]) -> Iterator[list[_Statement]]:
    """Statements in batches that split no order."""
    batch: list[_Statement] = []
    for statements in orders:
        if batch and len(batch) + len(statements) > BATCH:
            yield batch
            batch = []
        batch.extend(statements)
    if batch:
        yield batch
