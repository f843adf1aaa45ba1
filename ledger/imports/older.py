"""Which rows of an import are older news than what is known, and so changed nothing."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ledger.common.context import Context
from ledger.core.commands import Command
from ledger.imports.statements import Statement


class Aware(Protocol):
    """What is asked of the ledger: see `ledger.application.Ledger`."""

    def outdated(self, items: Sequence[tuple[Command, Context]]) -> list[bool]:
        """Whether each command is not on record, and says what was so before what is known."""
        ...


class OlderRows:
    """The staged rows of statements that recorded nothing, since they were made before what is
    known. A statement that is on record itself is a repeat, and no older news. Rule: R-IMP-24."""

    def __init__(self) -> None:
        self.rows: set[int] = set()

    def note(
        self, ledger: Aware, found: Iterable[tuple[Statement, tuple[Command, Context]]]
    ) -> None:
        """Look at statements that recorded nothing, with the items that they were sent as."""
        statements, items = [], []
        for statement, item in found:
            statements.append(statement)
            items.append(item)
        if items:
            for statement, is_older in zip(statements, ledger.outdated(items), strict=True):
                if is_older:
                    self.rows.update(statement.seqs())
