"""Which rows of an import are about somebody who was erased: what is personal in them is left out.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ledger.core.commands import Command
from ledger.imports.statements import Statement


class Known(Protocol):
    """What is asked of the ledger: see `ledger.application.Ledger`."""

    def erased(self) -> set[str]:
        """All persons whom the log says to be erased."""
        ...

    def whose(self, commands: Sequence[Command]) -> list[str | None]:
        """The person whom the subject of each command is sealed for, as far as there is one."""
        ...


class ErasedRows:
    """The staged rows that name something personal of somebody who was erased."""

    def __init__(self, ledger: Known) -> None:
        self.ledger = ledger
        self.gone = ledger.erased()
        self.rows: set[int] = set()

    def note_again(self, batches: Callable[[], Iterable[list[Statement]]]) -> None:
        """Look at all statements again, if anybody was erased while they were recorded."""
        gone = self.ledger.erased()
        if gone != self.gone:
            self.gone = gone
            for batch in batches():
                self.note(batch)

    def note(self, batch: list[Statement]) -> None:
        """Look at some statements."""
        personal = [statement for statement in batch if self.gone and any(
            getattr(statement.command, name) is not None for name in statement.command.PERSONAL)]
        persons = self.ledger.whose([statement.command for statement in personal])
        for statement, person in zip(personal, persons, strict=True):
            if person in self.gone:
                self.rows.update(statement.seqs())
