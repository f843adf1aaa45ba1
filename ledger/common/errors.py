"""What can go wrong, as base classes; each package defines its own errors on them.

The docstring of an error class is its message: a template that the keyword arguments of the error
fill. `code` never changes and is never translated; `rule` is the rule in docs/rules.md behind it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in an input: where it is, a stable code, and what is wrong."""

    where: str
    code: str
    message: str

    def shortened(self) -> "Fault":
        """The same; of a sentence that has no end, its beginning."""
        if len(self.message) <= LONGEST:
            return self
        return replace(self, message=f"{self.message[:LONGEST]}…")


LONGEST = 400
"""Characters of a sentence about one value."""


MOST_FAULTS = 100
"""The most faults of one input that are listed."""


class FaultList(NamedTuple):
    """Faults as they are listed, at most `MOST_FAULTS`, and how many more were found."""

    faults: list[Fault]
    left_out: int

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> "FaultList":
        """Of every place the fault that was found first, and others of its kind, such as a second
        gap: those of another kind may be gone with it."""
        kinds: dict[str, str] = {}
        found = dict.fromkeys(
            one for one in faults if kinds.setdefault(one.where, one.code) == one.code)
        return cls([one.shortened() for one in islice(found, MOST_FAULTS)],
                   max(0, len(found) - MOST_FAULTS))


def summed_up(listed: FaultList, said: Callable[[str], str] = str) -> str:
    """What is wrong in a sentence, each with its place, if it is not the whole that is wrong;
    `said` puts a message into another language."""
    parts = [f"{one.where}: {said(one.message)}" if one.where else said(one.message)
             for one in listed.faults]
    if listed.left_out:
        parts.append(said(f"and {listed.left_out} more"))
    return "; ".join(parts)


class LedgerError(Exception):
    """The ledger could not do this."""

    code: ClassVar[str] = "ledger_error"
    rule: ClassVar[str] = "R-GEN-01"
    faults: Sequence[Fault] = ()
    """What is wrong, each at its own place, where that is more than one thing."""
    left_out: int = 0
    """How many more faults were found than `faults` holds."""

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.template.format(**details))

    def __reduce__(self) -> tuple[Any, ...]:
        """How it goes to another process: whole, however it was made."""
        return _again, (type(self), self.args), self.__dict__

    @property
    def template(self) -> str:
        """The message before its details are filled in, on one line: the key of a translation."""
        return " ".join((type(self).__doc__ or "").split())


def _again(kind: type[LedgerError], args: tuple[Any, ...]) -> LedgerError:
    found = kind.__new__(kind)
    found.args = args
    return found


class Invalid(LedgerError):
    """The input is not well formed."""

    code = "invalid"


class Unanswerable(Invalid):
    """What is asked can be read, and nothing could answer it."""

    code = "unanswerable"


class InvalidValues(Invalid):
    """{count} value(s) cannot be taken: {summary}"""

    code = "invalid_values"
    rule = "R-VAL-01"

    def __init__(self, faults: list[Fault]) -> None:
        listed = FaultList.of(faults)
        self.faults, self.left_out = listed
        super().__init__(count=len(listed.faults) + listed.left_out, summary=summed_up(listed))


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
