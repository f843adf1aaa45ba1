"""Tests that a profile makes of rows: one vocabulary for what a row is and for what is left out.

A test is a word, a word with its text such as `begins POST`, or a mapping such as
`{one_of: [A, B]}`, `{equals: "A B"}`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

Test = str | Mapping[str, Any]
Passes = Callable[[Any], bool]

BARE = ("negative", "zero", "blank", "not_blank")
WITH_TEXT = ("begins", "equals", "matches")
OF_TEXTS = (*WITH_TEXT, "one_of")
"""The tests of a text."""

HOW = ("negative, zero, blank, not_blank, `begins TEXT`, `equals TEXT`, `matches PATTERN` "
       "or {one_of: [TEXT, …]}")

OF_RAW = ("blank", "not_blank", *OF_TEXTS)
"""The tests of a cell's text, before anything is read from it."""

HOW_OF_RAW = HOW.removeprefix("negative, zero, ")


def split(test: Test) -> tuple[str, Any]:
    """The word of a test and its text, pattern or list of texts; empty where it has none."""
    if isinstance(test, str):
        word, _, rest = test.partition(" ")
        return word, rest
    (word, given), = test.items()
    return word, given


def passes(test: Test) -> Passes:
    """A function that says whether a value, None where it is blank, passes a test."""
    word, given = split(test)
    if word == "matches":
        match = re.compile(given).fullmatch
        return lambda value: value is not None and match(value) is not None
    if word == "one_of":
        return frozenset(given).__contains__
    made: dict[str, Passes] = {
        "negative": lambda value: (value or 0) < 0,
        "zero": lambda value: value == 0,
        "blank": lambda value: value is None,
        "not_blank": lambda value: value is not None,
        "begins": lambda value: (value or "").startswith(given),
        "equals": lambda value: value == given,
    }
    return made[word]


class TestOf(fields.Field[Any]):
    """A test of a row, as it is written."""

    __test__ = False

    def __init__(self, words: tuple[str, ...] = (*BARE, *OF_TEXTS), **more: Any) -> None:
        self.words = words
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, Mapping) and len(value) == 1):
            word, given = split(value)
            if word in self.words and _fits(word, given):
                return value
        raise ValidationError(f"Not {HOW_OF_RAW if self.words == OF_RAW else HOW}.")


def _fits(word: Any, given: Any) -> bool:
    """Whether a word has what belongs to it. Errors: ValidationError for a broken pattern."""
    if word in BARE:
        return bool(given == "")
    if word == "one_of":
        return isinstance(given, list) and given != [] and all(
            isinstance(one, str) for one in given)
    if word == "matches" and isinstance(given, str):
        try:
            re.compile(given)
        except re.error as error:
            raise ValidationError(f"Not a pattern: {error}.") from None
    return isinstance(given, str) and given.strip() != ""

