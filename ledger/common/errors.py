"""What can go wrong, as base classes; each package defines its own errors on them.

The docstring of an error class is its message: a template that the keyword arguments of the error
fill. `code` never changes and is never translated; `rule` is the rule in docs/rules.md behind it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in an input: where it is, a stable code, and what is wrong."""

    where: str
    code: str
    message: str


def summed_up(faults: Iterable[Fault], said: Callable[[str], str] = str) -> str:
    """All that is wrong in a sentence, each with its place, if it is not the whole that is wrong;
    `said` puts a message into another language."""
    return "; ".join(f"{one.where}: {said(one.message)}" if one.where else said(one.message)
                     for one in faults)


class LedgerError(Exception):
    """The ledger could not do this."""

    code: ClassVar[str] = "ledger_error"
    rule: ClassVar[str] = "R-GEN-01"
    faults: Sequence[Fault] = ()
    """All that is wrong, where that is more than one thing."""

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.template.format(**details))

    @property
    def template(self) -> str:
        """The message before its details are filled in, on one line: the key of a translation."""
        return " ".join((type(self).__doc__ or "").split())


class Invalid(LedgerError):
    """The input is not well formed."""

    code = "invalid"


class InvalidValues(Invalid):
    """{count} value(s) cannot be taken: {summary}"""

    code = "invalid_values"
    rule = "R-VAL-01"

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(count=len(faults), summary=summed_up(faults))


class Refused(LedgerError):
    """A rule of the shop refuses this."""

    code = "refused"


class NotFound(LedgerError):
    """There is no {what}."""

    code = "not_found"
    rule = "R-GEN-02"


class Conflict(LedgerError):
    """This was decided on a state that has changed since."""

    code = "conflict"


class Unavailable(LedgerError):
    """The ledger cannot record anything at the moment."""

    code = "unavailable"


class Misconfigured(LedgerError):
    """The ledger is not set up for this."""

    code = "misconfigured"
