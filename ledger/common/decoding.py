"""JSON that comes from outside, or from the log, which somebody may have changed."""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")


def decoded(decode: Callable[[Any], _T], text: str | bytes) -> _T:
    """What msgspec makes of a text. One that nests deeper than Python counts is malformed, as
    another is, and ends nothing. Errors: msgspec.DecodeError."""
    try:
        return decode(text)
    except RecursionError:
        raise msgspec.DecodeError("JSON is malformed: it is nested too deeply") from None


def any_json(text: str | bytes) -> Any:
    """What a JSON text says, whatever that is. Errors: msgspec.DecodeError."""
    return decoded(msgspec.json.decode, text)


def sent_json(text: str | bytes) -> Any:
    """What a JSON text of a client says, which is known to be one. A number is whole by its value,
    however it is spelled: 1770.0 and 1.77e3 are 1770. Errors: msgspec.DecodeError."""
    return decoded(partial(json.loads, parse_int=_number, parse_float=_number), text)


MOST_DIGITS = 18
"""What has more before its point is beyond any bound, and is not spelled out."""


def _number(text: str) -> int | float:
    try:
        found = Decimal(text)
    except ArithmeticError:  # its exponent is beyond any number
        return float(text)
    if found.adjusted() > MOST_DIGITS or found != found.to_integral_value():
        return float(text)
    return int(found)
