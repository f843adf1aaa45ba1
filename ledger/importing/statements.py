"""Staged rows, grouped into orders and made into statements: one command for each main row."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

from ledger.importing.assembly import Assembler, BadStatement
from ledger.importing.faults import RowFault, reason
from ledger.importing.loading import Loader, Progress
from ledger.importing.profiles import File
from ledger.importing.staging import REJECTED, UNDECIDED, Staged, Staging
from ledger.order_history import RecordOrder
from ledger.order_values import MAX_LINES

BATCH = 500
"""Statements that go to the ledger at once; an order is never split."""

MAX_STATEMENTS = 1000
"""Different rows of one order in one import."""


class Statement(NamedTuple):
    """A command with where it comes from: main row, joined rows by kind, digest of all of them."""

    command: RecordOrder
    main: Staged
    parts: dict[str, list[Staged]]
    digest: bytes

    def seqs(self) -> list[int]:
        """The staged rows that it is made of."""
        return [self.main.seq, *(row.seq for rows in self.parts.values() for row in rows)]


class _Join(NamedTuple):
    """A kind of joined rows: number and file of the kind, the main row's slot that names them."""

    kind: int
    file: File
    slot: int


class Statements:
    """Makes the statements of an import out of its staging file, as often as it is asked."""

    def __init__(self, assembler: Assembler, staging: Staging, loader: Loader) -> None:
        self.assembler = assembler
        self.staging = staging
        self.loader = loader
        profile = assembler.profile
        self.main_kind = profile.main.kind
        main = assembler.slots[self.main_kind]
        self.joins = [_Join(kind, file, main[file.join[1]])
                      for kind, file in enumerate(profile.parts(), 1) if file.join]
        kinds = [loaded.kind for loaded in loader.files]
        self.labels = [kind if kinds.count(kind) == 1 else f"{kind}:{number}"
                       for number, kind in enumerate(kinds, 1)]

    def batches(self, stage: str, progress: Progress | None, *, report: bool
                ) -> Iterator[list[Statement]]:
        """All statements without faults in file order, those of an order side by side.

        With `report` the faults of the others are noted, and their rows as rejected.
        """
        batch: list[Statement] = []
        for statements in self._orders(report=report):
            if batch and len(batch) + len(statements) > BATCH:
                yield batch
                if progress is not None:
                    progress(stage, batch[-1].main.seq, self.staging.count)
                batch = []
            batch.extend(statements)
        if batch:
            yield batch
        if progress is not None:
            progress(stage, self.staging.count, self.staging.count)

    def _orders(self, *, report: bool) -> Iterator[list[Statement]]:
        for key, mains in self.staging.orders(MAX_STATEMENTS + 1):
            faults: list[RowFault] = []
            if len(mains) > MAX_STATEMENTS:
                faults.append(self._fault(mains[0], "too_many_statements", most=MAX_STATEMENTS))
            statements = [self._statement(main, faults) for main in mains]
            good = [statement for statement in statements if statement is not None]
            if len(good) == len(statements) and not faults:
                yield good
            elif report:
                self._reject(key, mains, faults)

    def _statement(self, main: Staged, faults: list[RowFault]) -> Statement | None:
        """The statement of a main row; None if it, or a row joined to it, has a fault."""
        parts = self._joined(main, faults)
        if faults or main.bad or any(row.bad for rows in parts.values() for row in rows):
            return None
        values = {kind: [row.values for row in rows] for kind, rows in parts.items()}
        try:
            command = self.assembler.statement(main.values, values)
        except BadStatement as error:
            name = self._name(main)
            faults.extend(self.assembler.fault(problem, name, main.number, (main.values, values))
                          for problem in error.problems)
            return None
        return Statement(command, main, parts, _digest(main, parts))

    def _joined(self, main: Staged, faults: list[RowFault]) -> dict[str, list[Staged]]:
        parts: dict[str, list[Staged]] = {}
        for join in self.joins:
            value = main.values[join.slot]
            rows = [] if value is None else self.staging.same(
                join.kind, self.staging.hashed(value), MAX_LINES + 1)
            self.staging.outcome([row.seq for row in rows], UNDECIDED)
            faults.extend(self._faults_of(main, join.file, rows))
            parts[join.file.kind] = rows
        return parts

    def _faults_of(self, main: Staged, file: File, rows: list[Staged]) -> Iterator[RowFault]:
        """What is wrong with the rows of a kind that are joined to a main row."""
        assert file.key is not None
        if not rows and file.required and not self.loader.unjoined and not main.bad:
            yield self._fault(main, "row_missing", kind=file.kind)
        if len(rows) > MAX_LINES:
            yield self._fault(main, "too_many_statements", most=MAX_LINES)
        slot = self.assembler.slots[file.kind][file.key]
        seen: dict[Any, int] = {}
        for row in rows:
            if row.values and row.values[slot] is not None:
                other = seen.setdefault(row.values[slot], row.number)
                if other != row.number:
                    column = file.column_of(file.key)
                    yield self._fault(row, "line_twice", column=column, other=other)

    def _name(self, row: Staged) -> str:
        return self.loader.files[row.file].source.name

    def _fault(self, row: Staged, code: str, *, column: str = "", **details: Any) -> RowFault:
        rule, words = reason(code, details)
        return RowFault(self._name(row), row.number, column, "", code, rule, words)

    def _reject(self, key: bytes, mains: list[Staged], faults: list[RowFault]) -> None:
        """Note why an order is rejected, and that all its rows are."""
        for fault in dict.fromkeys(faults):
            self.staging.fault(fault)
        self.staging.reject(0, key)
        for main in mains:
            for join in self.joins:
                if main.values[join.slot] is not None:
                    self.staging.reject(join.kind, self.staging.hashed(main.values[join.slot]))

    def reject_unmatched(self) -> None:
        """Reject joined rows that no order took, and say so unless a lost main row explains it."""
        for seq, _, file, number in self.staging.unmatched() if self.joins else ():
            self.staging.outcome([seq], REJECTED)
            if not self.loader.unjoined:
                row = Staged(seq, file, number, b"", False, [])
                self.staging.fault(self._fault(row, "row_unmatched", kind=self.main_kind))

    def refusal(self, statement: Statement, code: str, rule: str, words: str) -> RowFault:
        """A rule's refusal of a statement, as a fault of its main row."""
        column = self.assembler.column_of("number")[1]
        return RowFault(self._name(statement.main), statement.main.number, column,
                        statement.command.number, code, rule, words)

    def rows_of(self, statement: Statement) -> Any:
        """Row numbers of the one file, or by file where there are several."""
        if len(self.labels) == 1:
            return [statement.main.number]
        found = {self.labels[statement.main.file]: [statement.main.number]}
        for rows in statement.parts.values():
            for row in rows:
                found.setdefault(self.labels[row.file], []).append(row.number)
        return found


def _digest(main: Staged, parts: dict[str, list[Staged]]) -> bytes:
    """A digest over the keyed digests of all rows of a statement."""
    if not parts:
        return main.digest
    digest = blake2b(main.digest, digest_size=16)
    for kind, rows in parts.items():
        digest.update(b"".join((b"\0", kind.encode(), *(row.digest for row in rows))))
    return digest.digest()
