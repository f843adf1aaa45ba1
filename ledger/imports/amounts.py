"""From a printed number to its digits, in the ways that exports write one: exactly, or not at all.

A number has a decimal point or a decimal comma, as the profile says. Thousands may be marked by the
other of the two, an apostrophe or a blank, all in the same way. A minus stands before it, after it,
or in the form of brackets. Full-width digits and signs are those of ASCII.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

POINT, COMMA = "point", "comma"
MARKS: Mapping[str, str] = {POINT: ".", COMMA: ","}
"""How a profile calls what stands before the decimals, and the character."""

_BLANKS = " \xa0\u2009\u202f"
_ASCII = {**{0xFF10 + digit: str(digit) for digit in range(10)},
          0xFF0E: ".", 0xFF0C: ",", 0xFF0D: "-", 0x2212: "-", 0xFF0B: "+", 0xFF08: "(",
          0xFF09: ")", 0xFF0F: "/", 0xFF1A: ":", 0x3000: " ", 0x2019: "'"}
"""What stands for a digit, a sign or a mark of ASCII, for `str.translate`."""


class Number(NamedTuple):
    """The digits of a number before and after its decimal mark."""

    negative: bool
    whole: str
    decimals: str


Parse = Callable[[str], Number | None]


def to_ascii(text: str) -> str:
    """A text with full-width digits, signs and blanks as those of ASCII."""
    return text if text.isascii() else text.translate(_ASCII)


def number_parser(decimal: str, signs: Sequence[str] = ()) -> Parse:
    """A function that splits a number, None where a text is none. `decimal` is a key of `MARKS`;
    `signs` may stand before or after it."""
    mark, other = MARKS[decimal], MARKS[COMMA if decimal == POINT else POINT]
    plain = re.compile(rf"(-?)(\d{{1,15}})(?:{re.escape(mark)}(\d{{1,30}}))?", re.ASCII).fullmatch
    grouped = re.compile(
        rf"(\d{{1,15}}|\d{{1,3}}([{re.escape(other)}'{_BLANKS}])\d{{3}}(?:\2\d{{3}}){{0,3}})"
        rf"(?:{re.escape(mark)}(\d{{1,30}}))?", re.ASCII).fullmatch

    def parse(text: str) -> Number | None:
        if found := plain(text):
            return Number(bool(found[1]), found[2], found[3] or "")
        negative, text = _unsigned(to_ascii(text), signs)
        if (found := grouped(text)) is None:
            return None
        whole = found[1].replace(found[2], "") if found[2] else found[1]
        return Number(negative, whole, found[3] or "")

    return parse


def _unsigned(text: str, signs: Sequence[str]) -> tuple[bool, str]:
    """Whether a number is negative, and what is left of it without its signs."""
    text = _bare(text, signs)
    if text.startswith("(") and text.endswith(")"):
        return True, _bare(text[1:-1].strip(), signs)
    if text.startswith(("-", "+")):
        return text[0] == "-", _bare(text[1:].strip(), signs)
    if text.endswith("-"):
        return True, _bare(text[:-1].strip(), signs)
    return False, text


def _bare(text: str, signs: Sequence[str]) -> str:
    """A text without the signs of currencies at either end."""
    for sign in signs:
        text = text.removeprefix(sign).removesuffix(sign).strip()
    return text
