"""From the text of a cell to an exact value: no float, no rounding, no guess.

Units: money is whole minor units, a time is `[microseconds since 1970-01-01 UTC, text as printed]`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ledger.common.characters import READ_AS
from ledger.common.values import EPOCH
from ledger.imports.faults import BadCell
from ledger.imports.profile import Field, Profile

Convert = Callable[[str], Any]

_MONEY = re.compile(r"(-?)(\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{1,30}))?", re.ASCII).fullmatch
_INTEGER = re.compile(r"(-?)\d{1,15}", re.ASCII).fullmatch
BEYOND = 2**63
"""What no staging file can hold, nor any log: 15 digits with many decimals."""
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,3}", re.ASCII).fullmatch
_FLOAT = re.compile(r"(\d+)\.0+", re.ASCII).fullmatch
_SUSPECT = re.compile(r"(\d{14,}0{3})(?:\.0+)?", re.ASCII).fullmatch
"""What a spreadsheet leaves of a number with more digits than the 15 or so that it keeps. One in a
thousand is so by itself, and who imports it can say that it is. A cell that is protected from
spreadsheets still is not suspect: one that had rounded it would have dropped that."""

_MICROSECOND = timedelta(microseconds=1)
_TOKENS = {"%Y": r"(\d{4})", "%m": r"(\d{1,2})", "%d": r"(\d{1,2})",
           "%H": r"(\d{1,2})", "%M": r"(\d{2})", "%S": r"(\d{2})"}
_PARTS = {"%Y": "year", "%m": "month", "%d": "day", "%H": "hour", "%M": "minute", "%S": "second"}


def converter(
    field: Field, profile: Profile, latest_us: int, *, is_id: bool = False
) -> Convert:
    """A function that turns a cell into a field's value, None if it is blank.

    Where it is an id, full-width letters, digits and blanks become those of ASCII, and a number
    must not look rounded. Units: `latest_us` is the latest time that is not in the future. Errors:
    BadCell.
    """
    parse = _parser(field, profile, latest_us)
    if is_id:
        parse = _narrowed(parse)
    blanks = frozenset(("", *field.blank))
    required = field.required
    unprotect = _unformula if field.kind in ("text", "choice") else _unprotect
    doubted = (is_id or field.kind == "id") and not profile.trust_numbers

    def convert(text: str) -> Any:
        text = text.strip()
        if text and text[0] in "='":
            text = unprotect(text)
        elif doubted and (found := _SUSPECT(text)):
            raise BadCell("rounded", digits=len(found[1]))
        if text in blanks:
            if required:
                raise BadCell("empty")
            return None
        return parse(text)

    return convert


def _parser(field: Field, profile: Profile, latest_us: int) -> Convert:
    if field.kind == "money":
        return _money(field, profile)
    if field.kind == "time":
        return _time(profile, latest_us)
    if field.kind == "choice":
        return _choice(field)
    if field.kind == "id":
        return _id(field)
    return _integer(field) if field.kind == "integer" else str


def _narrowed(parse: Convert) -> Convert:
    """The same for a cell with its full-width letters, digits and blanks as those of ASCII."""
    return lambda text: parse(text if text.isascii() else text.translate(READ_AS))


def _unformula(text: str) -> str:
    """`="1234"` is how exports protect a number from spreadsheets."""
    return text[2:-1].strip() if text.startswith('="') and text.endswith('"') else text


def _unprotect(text: str) -> str:
    return text[1:].strip() if text[0] == "'" else _unformula(text)


def _money(field: Field, profile: Profile) -> Convert:
    exponent = profile.exponent if field.decimals is None else field.decimals
    signs, negative = profile.signs, field.negative

    def money(text: str) -> int:
        found = _MONEY(text)
        if found is None:
            found = _MONEY(_bare(text, signs))
            if found is None:
                raise BadCell("not_money")
        minus, whole, decimals = found.groups()
        decimals = decimals or ""
        if len(decimals) > exponent and decimals[exponent:].strip("0"):
            raise BadCell("too_many_decimals", currency=profile.currency, exponent=exponent)
        amount = int(whole.replace(",", "") + decimals[:exponent].ljust(exponent, "0"))
        if amount >= BEYOND:
            raise BadCell("not_money")
        if minus and amount and not negative:
            raise BadCell("negative")
        return -amount if minus else amount

    return money


def _bare(text: str, signs: tuple[str, ...]) -> str:
    """An amount without the currency signs at either end."""
    for sign in signs:
        text = text.removeprefix(sign).removesuffix(sign).strip()
    return text


def _integer(field: Field) -> Convert:
    negative = field.negative

    def integer(text: str) -> int:
        found = _INTEGER(text)
        if found is None:
            raise BadCell("not_integer")
        number = int(text)
        if number < 0 and not negative:
            raise BadCell("negative")
        return number

    return integer


def _id(field: Field) -> Convert:
    float_id, pad = field.float_id, field.pad

    def identifier(text: str) -> str:
        if text[0] == "#" or _SCIENTIFIC(text):
            raise BadCell("mangled")
        if found := _FLOAT(text):
            if not float_id:
                raise BadCell("mangled")
            text = found.group(1)
        return text.zfill(pad) if pad and text.isdecimal() else text

    return identifier


def _choice(field: Field) -> Convert:
    values: Mapping[str, str] = field.values or {}
    otherwise, first_word = field.otherwise, field.first_word

    def choice(text: str) -> str | None:
        meaning = values.get(text.split(None, 1)[0] if first_word else text, otherwise)
        if meaning is None:
            raise BadCell("unknown_value")
        return meaning or None

    return choice


def _time(profile: Profile, latest_us: int) -> Convert:
    zone = ZoneInfo(profile.zone)
    readers = [_format(form) for form in profile.formats]
    formats = ", ".join(profile.formats)

    def time(text: str) -> list[Any]:
        parts = next((found for read in readers if (found := read(text))), None)
        if parts is None:
            raise BadCell("not_time", formats=formats)
        try:  # an ambiguous local time is the earlier one, because fold is 0
            us = (datetime(**parts, tzinfo=zone) - EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            us = -1
        if us < 0:
            raise BadCell("not_time", formats=formats)
        if us > latest_us:
            raise BadCell("in_future")
        return [us, text]

    return time


def _format(form: str) -> Callable[[str], dict[str, int] | None]:
    """A function that reads the parts of a time from a text in a format."""
    tokens = re.findall("%.", form)
    pattern = re.escape(form)
    for token in tokens:
        pattern = pattern.replace(re.escape(token), _TOKENS[token])
    match = re.compile(pattern, re.ASCII).fullmatch
    names = [_PARTS[token] for token in tokens]

    def read(text: str) -> dict[str, int] | None:
        found = match(text)
        return None if found is None else dict(zip(names, map(int, found.groups()), strict=True))

    return read
