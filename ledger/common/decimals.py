"""Exact decimals: points, weights, percents and coefficients, written as texts such as 1.5."""

import re
from decimal import ROUND_HALF_UP, Decimal

from ledger.common.values import Checks, quoted

_FORM = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,4})?")

ZERO = Decimal(0)
TENTH = Decimal("0.1")
FINEST = Decimal("0.0001")
"""What a scaled weight, and what comes of it, is rounded to."""


def is_decimal(text: object) -> bool:
    """Whether a value is a decimal as it is written: at most nine digits, then at most four."""
    return isinstance(text, str) and _FORM.fullmatch(text) is not None


def plain(value: Decimal) -> str:
    """A decimal as it is written: no exponent, no zeros after the last digit."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def rounded(value: Decimal, step: Decimal = FINEST) -> Decimal:
    """The nearest multiple of a power of ten; a half goes up."""
    return value.quantize(step, ROUND_HALF_UP)


def check_decimal(
    checks: Checks, where: str, value: object, *, least: str = "0", most: str = "999999999"
) -> None:
    """Note what is wrong with a decimal that has to lie inside its bounds."""
    if not is_decimal(value):
        checks.fault(where, "not_decimal",
                     f"is {quoted(value)}, not a decimal in quotes such as \"1.5\", with at most "
                     "four digits after the point")
    elif not Decimal(least) <= Decimal(str(value)) <= Decimal(most):
        checks.fault(where, "out_of_range", f"is {value}, allowed are {least} to {most}")
