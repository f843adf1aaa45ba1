"""What makes commands from the rows of a file, and what it may find wrong with them."""

from typing import Any, NamedTuple, Protocol

from ledger.common.errors import InvalidValues
from ledger.core.commands import Command
from ledger.imports.faults import reason
from ledger.imports.profile import Profile
from ledger.imports.recipes import Difference, Parts, Row


class Problem(NamedTuple):
    """What is wrong with a statement: the field of the command, and why."""

    field: str
    code: str
    rule: str
    reason: str


class BadStatement(Exception):
    """The rows of an order, or of what else a section of a profile makes, do not make a statement.
    """

    def __init__(self, problems: list[Problem], section: str) -> None:
        self.problems, self.section = problems, section
        super().__init__(f"{len(problems)} problems")


class RowsDiffer(Exception):
    """Rows that make a statement together say different things of all of it."""

    def __init__(self, differences: list[Difference]) -> None:
        self.differences = differences
        super().__init__(f"{len(differences)} differences")


class Assembler(Protocol):
    """Makes commands from rows as a profile says.

    Shapes: `slots` is the place of each field in the rows of a kind, `named` the field that
    identifies a statement, `warehouse` the one that the first import opens, if any.
    """

    profile: Profile
    shop: str
    warehouse: str | None
    slots: dict[str, dict[str, int]]
    named: str

    def key(self, values: Row) -> tuple[str, ...] | None:
        """What the rows of one statement have in common; None if it could not be read."""
        ...

    def apart(self, values: Row) -> str:
        """What distinguishes the statements that rows with one key make, in the order of these."""
        ...

    def statement(
        self, main: Row, parts: Parts, stated_us: int | None = None
    ) -> tuple[Command, str]:
        """The command for a main row and the rows that belong to it, and its subject; `stated_us`
        is when its file was made, where that is known.

        Errors: BadStatement, RowsDiffer.
        """
        ...

    def without_pieces(self, parts: Parts) -> tuple[str, str, list[int]] | None:
        """The rows that say 0 pieces, of which nothing is made: their kind, the field that says it,
        and their places among the rows of that kind."""
        ...


def problem(field: str, code: str, **details: Any) -> Problem:
    """What is wrong with a field of a statement, in the words of its code."""
    rule, words = reason(code, details)
    return Problem(field, code, rule, words)


def problems_of(error: InvalidValues) -> list[Problem]:
    """What is wrong with a command, as far as its values say."""
    return [Problem(fault.where, fault.code, error.rule, fault.message) for fault in error.faults]
