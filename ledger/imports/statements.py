"""From staged rows to statements: a command for each main row, or for all rows of a key."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations, groupby
from typing import Any, NamedTuple

from ledger.common.values import to_us
from ledger.core.commands import Command
from ledger.imports.assembling import Assembler, BadStatement, RowsDiffer
from ledger.imports.dating import dated, disagree, in_turn
from ledger.imports.faults import RowFault
from ledger.imports.loading import Loader, Progress
from ledger.imports.origins import cell_of, origin_of
from ledger.imports.profile import File
from ledger.imports.staging import REJECTED, UNDECIDED, Staged, Staging
from ledger.orders.declared import RecordOrder
from ledger.orders.values import MAX_LINES

BATCH = 2_000
"""Rows whose statements go to the ledger at once; an order is never split."""

MAX_STATEMENTS = 1000
"""The most different rows of one order in one import."""


class Statement(NamedTuple):
    """A command and where it comes from.

    Shapes: `main` is the main row, or the first of the rows that make the statement together;
    `parts` are the rows that belong to it, by kind; `digest` is over what is not personal in them.
    """

    command: Command
    subject: str
    main: Staged
    parts: dict[str, list[Staged]]
    digest: bytes

    def seqs(self) -> list[int]:
        """The staged rows that it is made of."""
        return [row.seq for row in self.rows()]

    def rows(self) -> list[Staged]:
        """The staged rows, the main one first, each once."""
        if not self.parts:
            return [self.main]
        joined = [row for rows in self.parts.values() for row in rows if row is not self.main]
        return [self.main, *joined]


class _Join(NamedTuple):
    """A kind of joined rows: its number, its file, and the main row's slot that refers to them."""

    kind: int
    file: File
    slot: int


class Statements:
    """Makes the statements of an import from its staging file, as often as needed."""

    def __init__(self, assembler: Assembler, staging: Staging, loader: Loader) -> None:
        self.assembler = assembler
        self.staging = staging
        self.loader = loader
        profile = assembler.profile
        self.main_kind = profile.main.kind
        self.grouped = profile.grouped
        main = assembler.slots[self.main_kind]
        self.joins = [_Join(kind, file, main[file.join[1]])
                      for kind, file in enumerate(profile.parts(), 1) if file.join]
        kinds = [loaded.kind for loaded in loader.files]
        self.labels = [kind if kinds.count(kind) == 1 else f"{kind}:{number}"
                       for number, kind in enumerate(kinds, 1)]

    def batches(self, stage: str, progress: Progress | None, *, report: bool
                ) -> Iterator[list[Statement]]:
        """All statements without faults in file order, those of an order next to each other.

        With `report` the faults of the others are noted, and their rows as rejected.
        """
        batch: list[Statement] = []
        rows = 0
        for statements in self._orders(report=report):
            more = sum(len(statement.rows()) for statement in statements)
            if batch and rows + more > BATCH:
                yield batch
                if progress is not None:
                    progress(stage, batch[-1].main.seq, self.staging.count)
                batch, rows = [], 0
            batch.extend(statements)
            rows += more
        if batch:
            yield batch
        if progress is not None:
            progress(stage, self.staging.count, self.staging.count)

    def _orders(self, *, report: bool) -> Iterator[list[Statement]]:
        for key, only in self.staging.firsts():
            faults: list[RowFault] = []
            mains, statements = self._of_key(key, only, faults)
            good = [statement for statement in statements if statement is not None]
            if len(good) == len(statements) and not faults:
                for statement in good if report else ():
                    self._warn(statement)
                yield good
            elif report:
                self._reject(key, mains, faults)

    def _of_key(
        self, key: bytes, only: Staged | None, faults: list[RowFault]
    ) -> tuple[list[Staged], list[Statement | None]]:
        """The main rows under a key, and the statements they make: one each, or one together."""
        if self.grouped:
            most = MAX_LINES
            rows = [only] if only is not None else self.staging.twins(0, key, most + 1)
            stated = [(together[0], {self.main_kind: together})
                      for of_file in self._by_file(key, rows)
                      for together in self._apart(of_file)]
            for _, together in stated:
                faults.extend(self._twice(self.assembler.profile.main, together[self.main_kind]))
        else:
            most = MAX_STATEMENTS
            rows = [only] if only is not None else self._different(key, most + 1)
            stated = [(row, {}) for row in rows]
        if len(rows) > most:
            faults.append(self._fault(rows[0], "too_many_statements", most=most))
        found = [self._statement(main, parts, faults) for main, parts in stated]
        return rows, self._in_turn(found, faults)

    def _different(self, key: bytes, limit: int) -> list[Staged]:
        """The different rows under a key; equal ones of files that were made at different times
        are different news."""
        files = self.loader.files
        if all(file.stated_us is None for file in files):
            return self.staging.same(0, key, limit)
        return list({(repr(row.values), files[row.file].stated_us): row
                     for row in self.staging.all_of(0, key, limit)}.values())

    def _by_file(self, key: bytes, rows: list[Staged]) -> list[list[Staged]]:
        """The rows that make a statement together: those of one file. A file that repeats another
        says nothing by itself, unless it was made at another time. Rule: R-IMP-24."""
        if len(self.loader.files) < 2 or len(rows) > MAX_LINES \
                or self.staging.is_of_one_file(0, key):
            return [rows]
        found: dict[int, list[Staged]] = {}
        for row in self.staging.all_of(0, key, MAX_LINES * len(self.loader.files)):
            found.setdefault(row.file, []).append(row)
        apart: dict[Any, list[Staged]] = {}
        for file, of_file in found.items():
            said = tuple(sorted(repr(row.values) for row in of_file))
            apart.setdefault((said, self.loader.files[file].stated_us), of_file)
        return list(apart.values())

    def _apart(self, rows: list[Staged]) -> Iterator[list[Staged]]:
        """The rows of each statement, of rows of one key and file."""
        if self.assembler.profile.returns is None:
            return iter((rows,))
        found: dict[str, list[Staged]] = {}
        for row in rows:
            found.setdefault(self.assembler.apart(row.values), []).append(row)
        return (found[name] for name in sorted(found))

    def _in_turn(
        self, statements: list[Statement | None], faults: list[RowFault]
    ) -> list[Statement | None]:
        """Statements about one order, the oldest news first. Where two files differ, and nothing
        says which is the newer, that is a fault of both rows. Rule: R-IMP-24."""
        made = [one for one in statements if one is not None]
        if len(made) < 2 or len(made) < len(statements):
            return statements
        for one, other in combinations(made, 2):
            if one.main.file != other.main.file and disagree(one.command, other.command):
                faults += [self._fault(mine.main, "files_disagree", other=its.main.number,
                                       its=self._name(its.main))
                           for mine, its in ((one, other), (other, one))]
        return [one for _, one in in_turn([(one.command, one) for one in made])]

    def _statement(
        self, main: Staged, parts: dict[str, list[Staged]], faults: list[RowFault]
    ) -> Statement | None:
        """The statement of rows; None if one of them has a fault."""
        parts |= self._joined(main, faults)
        if faults or main.bad or any(row.bad for rows in parts.values() for row in rows):
            return None
        values = {kind: [row.values for row in rows] for kind, rows in parts.items()}
        try:
            command, subject = self.assembler.statement(
                main.values, values, self.loader.files[main.file].stated_us)
        except BadStatement as error:
            for problem in error.problems:
                row, column, value = origin_of(
                    self.assembler.profile, (error.section, problem.field), main, parts)
                faults.append(RowFault(self._name(row), row.number, column, value, problem.code,
                                       problem.rule, problem.reason))
            return None
        except RowsDiffer as error:
            faults.extend(self._differing(parts, error))
            return None
        command = dated(command, self.loader.files[main.file].stated_us)
        return Statement(command, subject, main, parts, _digest(main, parts, command))

    def _differing(
        self, parts: dict[str, list[Staged]], error: RowsDiffer
    ) -> Iterator[RowFault]:
        """A fault of each row that says something else of its order than one before it."""
        profile = self.assembler.profile
        for kind, field, one, other in error.differences:
            rows = parts[kind]
            file = next(file for file in profile.files if file.kind == kind)
            column, value = cell_of(profile, file, field, rows[other])
            yield RowFault.of(
                self._name(rows[other]), rows[other].number, "rows_disagree", column=column,
                value=value, other=rows[one].number)

    def _warn(self, statement: Statement) -> None:
        """Say which rows nothing is made of."""
        values = {kind: [row.values for row in rows] for kind, rows in statement.parts.items()}
        if (found := self.assembler.without_pieces(values)) is None:
            return
        kind, field, places = found
        file = next(file for file in self.assembler.profile.files if file.kind == kind)
        for row in (statement.parts[kind][place] for place in places):
            column, value = cell_of(self.assembler.profile, file, field, row)
            self.staging.warning(RowFault.of(
                self._name(row), row.number, "no_pieces", column=column, value=value))

    def _joined(self, main: Staged, faults: list[RowFault]) -> dict[str, list[Staged]]:
        parts: dict[str, list[Staged]] = {}
        for join in self.joins:
            value = main.values[join.slot]
            find = self.staging.twins if join.file.key is None else self.staging.same
            rows = [] if value is None else find(
                join.kind, self.staging.hashed(value), MAX_LINES + 1)
            self.staging.outcome([row.seq for row in rows], UNDECIDED)
            faults.extend(self._faults_of(main, join.file, rows))
            parts[join.file.kind] = rows
        return parts

    def _faults_of(self, main: Staged, file: File, rows: list[Staged]) -> Iterator[RowFault]:
        """What is wrong with the rows of a kind that are joined to a main row."""
        if not rows and file.required and not self.loader.unjoined and not main.bad:
            yield self._fault(main, "row_missing", kind=file.kind)
        if len(rows) > MAX_LINES:
            yield self._fault(main, "too_many_statements", most=MAX_LINES)
        yield from self._twice(file, rows)

    def _twice(self, file: File, rows: list[Staged]) -> Iterator[RowFault]:
        """The rows of an order that have the key of another one, and say something else."""
        if file.key is None:
            return
        slot = self.assembler.slots[file.kind][file.key]
        seen: dict[Any, Staged] = {}
        for row in rows:
            if row.values and row.values[slot] is not None:
                first = seen.setdefault(row.values[slot], row)
                if first.values != row.values:
                    column = file.column_of(file.key)
                    yield self._fault(row, "line_twice", column=column, other=first.number)

    def _name(self, row: Staged) -> str:
        return self.loader.files[row.file].source.name

    def _fault(self, row: Staged, code: str, *, column: str = "", **details: Any) -> RowFault:
        return RowFault.of(self._name(row), row.number, code, column=column, **details)

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
        """Reject joined rows that no order used; report them unless a lost main row may be why."""
        for seq, _, file, number in self.staging.unmatched() if self.joins else ():
            self.staging.outcome([seq], REJECTED)
            if not self.loader.unjoined:
                row = Staged(seq, file, number, False, b"", [])
                self.staging.fault(self._fault(row, "row_unmatched", kind=self.main_kind))

    def refusal(self, statement: Statement, code: str, rule: str, words: str) -> RowFault:
        """A rule's refusal of a statement, as a fault of its main row."""
        row, column, value = origin_of(
            self.assembler.profile, (self.assembler.profile.makes, self.assembler.named),
            statement.main, statement.parts)
        return RowFault(self._name(row), row.number, column, value, code, rule, words)

    def rows_of(self, statement: Statement) -> Any:
        """The row numbers, by file where there are several. A run such as 3, 4, 5 is `3-5`."""
        rows = statement.rows()
        if len(rows) == len(self.labels) == 1:
            return [rows[0].number]
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(self.labels[row.file], []).append(row.number)
        runs = {label: list(_runs(numbers)) for label, numbers in found.items()}
        return runs if len(self.labels) > 1 else runs[self.labels[statement.main.file]]


def _runs(numbers: list[int]) -> Iterator[int | str]:
    """The numbers in order, with each run of three or more as one text."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        found = [number for _, number in run]
        if len(found) < 3:
            yield from found
        else:
            yield f"{found[0]}-{found[-1]}"


def _digest(main: Staged, parts: dict[str, list[Staged]], command: Command) -> bytes:
    """A digest over the keyed digests of all rows of a statement, without what is personal, and
    over when its file was made, where that is known: the same rows again are newer news then."""
    stated = command.stated if isinstance(command, RecordOrder) else None
    if not parts and stated is None:
        return main.open_digest
    digest = blake2b(main.open_digest, digest_size=16)
    for kind, rows in parts.items():
        digest.update(b"".join((b"\0", kind.encode(), *(row.open_digest for row in rows))))
    if stated is not None:
        digest.update(b"\0" + str(to_us(stated.at)).encode())
    return digest.digest()
