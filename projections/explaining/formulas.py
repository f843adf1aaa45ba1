"""The formulas of explanations: a figure is a tree whose leaves are numbers that stand in events.

Every step names its formula and has its value; what it is made of are its terms, each with a
factor. Whoever has the events can read the leaves again and work out the rest: `evaluated` does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import accumulate
from typing import Any, NamedTuple

from ledger.common.decimals import ZERO, plain, rounded
from ledger.common.decoding import any_json
from ledger.log.envelope import Entry

ONE = Decimal(1)
DIGITS = 60
"""The digits of sums and products, which are exact: amounts times prices times many orders."""

READ, NUMBER, SUM, PRODUCT, RATIO = "read", "number", "sum", "product", "ratio"
ROUNDING, ROUNDING_DOWN, TENTHS = "rounding", "rounding_down", "tenths"
GREATEST, LEAST, AT_LEAST, BAND, BANDS = "greatest", "least", "at_least", "band", "bands"
LOWEST, SEALED = "lowest", "sealed"

FORMULAS: dict[str, str] = {
    READ: "What stands at the pointer in the event at the position; of a list how many it has, and "
          "without a pointer 1: the event counts.",
    NUMBER: "A number that a rule says, or that days add up to. Its terms are what it hangs on.",
    SUM: "Factor × value, added up over the terms.",
    PRODUCT: "Factor × value, multiplied over the terms.",
    RATIO: "The first term by the second, to 28 digits.",
    ROUNDING: "The first term to the nearest multiple of the second; a half goes up.",
    ROUNDING_DOWN: "The last multiple of the second term that the first reaches.",
    TENTHS: "10 to the power of minus the term: what a number of decimal places divides by.",
    GREATEST: "The greatest of the terms, each factor × value.",
    LEAST: "The least of the terms, each factor × value.",
    LOWEST: "The lowest that the sum was, term by term: after the first, the first two, and so on.",
    AT_LEAST: "1 where the first term reaches the second, else 0.",
    BANDS: "The first term lies in one of the bands that follow; the value of the first in which "
           "it does.",
    BAND: "A band: its value, from at_least on and below below.",
    SEALED: "The first term is what was sealed; the second is what would come of what is known.",
}
"""What each formula does."""


class Where(NamedTuple):
    """Where a number stands: in which event, and where in what that says."""

    position: int
    type: str
    pointer: str


class Step(NamedTuple):
    """A step of an explanation: what it is, by which formula its value came about, of which terms.
    `factor` is by what it counts in the step that it is a term of."""

    formula: str
    value: Decimal
    what: str = ""
    terms: tuple["Step", ...] = ()
    where: Where | None = None
    factor: Decimal = ONE

    def times(self, factor: int | Decimal) -> "Step":
        """The same, as a term that counts by a factor."""
        return self._replace(factor=Decimal(factor))

    def called(self, what: str) -> "Step":
        """The same, with what it is."""
        return self._replace(what=what)


Figures = Mapping[str, Callable[[], Step | None]]
"""How to explain each figure of a row, by its name. None: nothing is known that makes it."""


def step(formula: str, terms: Iterable[Step], what: str = "") -> Step:
    """A step that follows from its terms."""
    found = tuple(terms)
    return Step(formula, worked_out(formula, found), what, found)


def number(value: int | Decimal, what: str = "", terms: Iterable[Step] = ()) -> Step:
    """A number that stands in no event, and what it hangs on."""
    return Step(NUMBER, Decimal(value), what, tuple(terms))


def add(terms: Iterable[Step], what: str = "") -> Step:
    """A sum of terms."""
    return step(SUM, terms, what)


def less(first: Step, second: Step, what: str = "") -> Step:
    """A difference."""
    return add([first, second.times(-1)], what)


class Event:
    """An event whose numbers are read."""

    __slots__ = ("entry", "payload")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.payload = any_json(entry.payload)

    def read(self, pointer: str = "", what: str = "") -> Step:
        """What stands at a pointer. Errors: KeyError, IndexError, if there is nothing."""
        entry = self.entry
        return Step(READ, number_at(self.payload, pointer), what,
                    where=Where(entry.position, entry.type, pointer))


def number_at(payload: Any, pointer: str) -> Decimal:
    """The number at a pointer into what an event says, as `read` counts it. Errors: KeyError,
    IndexError, if nothing is there; ValueError, if that is not a number."""
    if not pointer:
        return ONE
    found = payload
    for name in pointer.split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        found = found[_index(key)] if isinstance(found, list) else found[key]
    if isinstance(found, list):
        return Decimal(len(found))
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise ValueError(f"{pointer} is not a number")
    return Decimal(found)


def _index(key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise KeyError(key)
    return int(key)


# -- working out ----------------------------------------------------------------------------------


def worked_out(formula: str, terms: Sequence[Step]) -> Decimal:
    """What comes of terms. Errors: KeyError for a formula that works nothing out of them;
    StopIteration, if no band holds the value."""
    return _WORKED_OUT[formula](terms)


def _each(terms: Sequence[Step]) -> Iterator[Decimal]:
    return (one.factor * one.value for one in terms)


def _sum(terms: Sequence[Step]) -> Decimal:
    with localcontext(prec=DIGITS):
        return sum(_each(terms), ZERO)


def _product(terms: Sequence[Step]) -> Decimal:
    found = ONE
    with localcontext(prec=DIGITS):
        for one in _each(terms):
            found *= one
    return found


def _rounded_down(terms: Sequence[Step]) -> Decimal:
    value, unit = _each(terms)
    return value // unit * unit


def _in_band(terms: Sequence[Step]) -> Decimal:
    value, *bands = terms
    return next(band.value for band in bands if all(
        value.value >= bound.value if bound.what == "at_least" else value.value < bound.value
        for bound in band.terms if bound.what in ("at_least", "below")))


_WORKED_OUT: dict[str, Callable[[Sequence[Step]], Decimal]] = {
    SUM: _sum,
    PRODUCT: _product,
    RATIO: lambda terms: terms[0].value / terms[1].value,
    ROUNDING: lambda terms: rounded(terms[0].value, terms[1].value),
    ROUNDING_DOWN: _rounded_down,
    TENTHS: lambda terms: ONE.scaleb(-int(terms[0].value)),
    GREATEST: lambda terms: max(_each(terms)),
    LEAST: lambda terms: min(_each(terms)),
    LOWEST: lambda terms: min(accumulate(_each(terms))),
    AT_LEAST: lambda terms: Decimal(terms[0].value >= terms[1].value),
    BANDS: _in_band,
    BAND: lambda terms: next(one.value for one in terms if one.what == "coefficient"),
    SEALED: lambda terms: terms[0].value,
}


# -- as rows, and back ----------------------------------------------------------------------------


def rows_of(root: Step, number: str = "1") -> Iterator[dict[str, Any]]:
    """A step and all below it, each as a row. Shapes: step (its number, such as 1.2.1: the first
    term of the second term), formula, what, factor, value, position, type, pointer."""
    where = root.where
    yield {"step": number, "formula": root.formula, "what": root.what or None,
           "factor": plain(root.factor), "value": plain(root.value),
           "position": None if where is None else where.position,
           "type": None if where is None else where.type,
           "pointer": None if where is None else where.pointer}
    for at, term in enumerate(root.terms, 1):
        yield from rows_of(term, f"{number}.{at}")


def evaluated(
    rows: Iterable[dict[str, Any]], read: Callable[[int, str], Decimal]
) -> Decimal:
    """The value of the first of some rows, worked out again from those below it. `read` reads the
    number at a position and a pointer: the values of the rows themselves are not believed, but for
    those of numbers that stand in no event."""
    return _again({row["step"]: row for row in rows}, "1", read).value


def _again(
    rows: dict[str, dict[str, Any]], number: str, read: Callable[[int, str], Decimal]
) -> Step:
    row = rows[number]
    made = Step(row["formula"], Decimal(row["value"]), row["what"] or "",
                factor=Decimal(row["factor"]))
    if made.formula == READ:
        return made._replace(value=read(row["position"], row["pointer"]))
    terms: list[Step] = []
    while (below := f"{number}.{len(terms) + 1}") in rows:
        terms.append(_again(rows, below, read))
    if made.formula == NUMBER:
        return made
    return made._replace(value=worked_out(made.formula, terms), terms=tuple(terms))
