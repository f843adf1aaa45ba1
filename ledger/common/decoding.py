"""JSON that comes from outside, or from the log, which somebody may have changed."""

from collections.abc import Callable
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
