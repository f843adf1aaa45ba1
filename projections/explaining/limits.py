"""How much is explained in one answer."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from ledger.common.errors import Invalid

T = TypeVar("T")

MOST = 5_000
"""The most events, or orders, whose numbers are read for one answer."""

MOST_STEPS = 50_000
"""The most steps of one answer."""


class TooLongToExplain(Invalid):
    """What is asked for is made of more than {most} {what}, too many for one answer. Ask for one
    figure, one row, a shorter period, or one shop."""

    code = "too_long_to_explain"
    rule = "R-PRJ-24"


def few(found: Iterable[T], what: str, most: int | None = None) -> list[T]:
    """What is found, if that is not too much: `MOST`, or another number. Errors: TooLongToExplain
    (R-PRJ-24)."""
    most = MOST if most is None else most
    taken = list(islice(found, most + 1))
    if len(taken) > most:
        raise TooLongToExplain(most=most, what=what)
    return taken
