"""From the text of a cell to an exact value: no float, no rounding, no guess.

Units: money is whole minor units, a time is `[microseconds since 1970-01-01 UTC, text as printed]`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from unicodedata import category, normalize

from ledger.common.characters import READ_AS
from ledger.imports import products
from ledger.imports.amounts import COMMA, MARKS, POINT, number_parser, to_ascii
from ledger.imports.faults import HIDDEN, BadCell
from ledger.imports.profile import Field, Profile
from ledger.imports.times import looks_like, reader

Convert = Callable[[str], Any]

BEYOND = 2**63
"""What no staging file can hold, nor any log: 15 digits with many decimals."""
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,3}", re.ASCII).fullmatch
_FLOAT = re.compile(r"(\d+)\.0+", re.ASCII).fullmatch
_SUSPECT = re.compile(r"(\d{14,}0{3})(?:\.0+)?", re.ASCII).fullmatch
"""What a spreadsheet leaves of a number with more digits than the 15 or so that it keeps. One in a
thousand is so by itself, and who imports it can say that it is. A cell that is protected from
spreadsheets still is not suspect: one that had rounded it would have dropped that."""

ERRORS = frozenset(("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!",
                    "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#GETTING_DATA", HIDDEN))
"""What a spreadsheet writes where a formula fails, and what a list of faults shows of a cell that
is personal: neither is what stood there."""

OF_WORKBOOK = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
"""How the dates of a workbook's cells are written out: see `workbooks`."""
_DATED = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?", re.ASCII).fullmatch


def converter(
    field: Field, profile: Profile, latest_us: int, *, is_id: bool = False,
    of_workbook: bool = False,
) -> Convert:
    """A function that turns a cell into a field's value, that of its default if it is blank.

    Where it is an id, full-width letters, digits and blanks become those of ASCII, and a number
    must not look rounded. Dates of a workbook are read whatever the formats of times, and are not
    ids. Units: `latest_us` is the latest time that is not in the future. Errors: BadCell.
    """
    parse = _parser(field, profile, latest_us, OF_WORKBOOK if of_workbook else ())
    if is_id or field.kind == "id":
        parse = _narrowed(_undated(parse) if of_workbook else parse)
    default = None if field.default is None else parse(field.default)
    blanks = frozenset(("", *field.blank))
    required = field.required and field.default is None
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
            return default
        if text in ERRORS:
            raise BadCell("masked" if text == HIDDEN else "formula_error")
        return parse(text)

    return convert


def _parser(
    field: Field, profile: Profile, latest_us: int, formats: tuple[str, ...]
) -> Convert:
    if field.kind == "money":
        return _money(field, profile)
    if field.kind == "time":
        return _time(field, profile, latest_us, formats)
    if field.kind == "currency":
        return _currency(profile)
    if field.kind == "choice":
        return _choice(field, profile)
    if field.kind == "id":
        return _id(field)
    if field.kind == "products":
        return products.parser(
            field.pattern, field.between, sku=_narrowed(_id(field)),
            integer=_integer(field, profile), money=_money(field, profile))
    return _integer(field, profile) if field.kind == "integer" else str


def _narrowed(parse: Convert) -> Convert:
    """The same for a cell with its full-width letters, digits and blanks as those of ASCII, and its
    marked letters in the form of one character each (NFC)."""
    return lambda text: parse(
        text if text.isascii() else normalize("NFC", text.translate(READ_AS)).strip())


def _undated(parse: Convert) -> Convert:
    """The same for what is not a date: a spreadsheet makes one of `3-1` or `2026-09`."""
    def undated(text: str) -> Any:
        if _DATED(text):
            raise BadCell("mangled")
        return parse(text)

    return undated


def _unformula(text: str) -> str:
    """`="1234"` is how exports protect a number from spreadsheets; a `"` in it stands twice."""
    if not (text.startswith('="') and text.endswith('"')):
        return text
    return text[2:-1].replace('""', '"').strip()


def _unprotect(text: str) -> str:
    return text[1:].strip() if text[0] == "'" else _unformula(text)


def _other_sign(text: str, profile: Profile) -> str | None:
    """The sign of a currency without which a text is an amount, None where there is none."""
    for sign in dict.fromkeys(one for one in text if one == "元" or category(one) == "Sc"):
        if number_parser(profile.decimal, (*profile.signs, sign))(text) is not None:
            return sign
    return None


def _money(field: Field, profile: Profile) -> Convert:
    exponent = profile.exponent if field.decimals is None else field.decimals
    negative = field.negative
    parse = number_parser(profile.decimal, profile.signs)
    other = COMMA if profile.decimal == POINT else POINT

    def money(text: str) -> int:
        found = parse(text)
        if found is None:
            if number_parser(other, profile.signs)(text) is not None:
                raise BadCell("other_decimal", mark=MARKS[other], word=other)
            if sign := _other_sign(text, profile):
                raise BadCell("other_sign", sign=sign, currency=profile.currency)
            raise BadCell("not_money")
        minus, whole, decimals = found
        if len(decimals) > exponent and decimals[exponent:].strip("0"):
            raise BadCell("too_many_decimals", currency=profile.currency, exponent=exponent)
        amount = int(whole + decimals[:exponent].ljust(exponent, "0"))
        if amount >= BEYOND:
            raise BadCell("not_money")
        if minus and amount and not negative:
            raise BadCell("negative")
        return -amount if minus else amount

    return money


def _integer(field: Field, profile: Profile) -> Convert:
    negative, parse = field.negative, number_parser(profile.decimal)

    def integer(text: str) -> int:
        found = parse(text)
        if found is None or found.decimals.strip("0"):  # 5.0 is exactly 5
            raise BadCell("not_integer")
        number = int(found.whole)
        if found.negative and number and not negative:
            raise BadCell("negative")
        return -number if found.negative else number

    return integer


def _currency(profile: Profile) -> Convert:
    known = {profile.currency.casefold(), *(sign.casefold() for sign in profile.signs)}

    def currency(text: str) -> str:
        if text.casefold() not in known:
            raise BadCell("other_currency", currency=profile.currency)
        return profile.currency

    return currency


def _id(field: Field) -> Convert:
    float_id, pad = field.float_id, field.pad

    def identifier(text: str) -> str:
        if not text.strip("#") or _SCIENTIFIC(text):  # ### is what a narrow column shows
            raise BadCell("mangled")
        if found := _FLOAT(text):
            if not float_id:
                raise BadCell("mangled")
            text = found.group(1)
        return text.zfill(pad) if pad and text.isdecimal() else text

    return identifier


def _choice(field: Field, profile: Profile) -> Convert:
    values: Mapping[str, str] = field.values or {}
    # Of rows that make an order together, each says how far it is: that one says so is something.
    nothing = "" if profile.grouped and profile.ends_by(field) else None
    otherwise, first_word = field.otherwise, field.first_word

    def choice(text: str) -> str | None:
        meaning = values.get(text.split(None, 1)[0] if first_word else text, otherwise)
        if meaning is None:
            raise BadCell("unknown_value")
        return meaning or nothing

    return choice


def _time(
    field: Field, profile: Profile, latest_us: int, more: tuple[str, ...]
) -> Convert:
    forms = field.formats or profile.formats
    read = reader((*forms, *more), profile.clock)

    def time(text: str) -> list[Any]:
        us = read(text if text.isascii() else to_ascii(text))
        if us is None:
            formats, found = ", ".join(forms), looks_like(to_ascii(text))
            if found:
                raise BadCell("other_format", formats=formats, found=found)
            raise BadCell("not_time", formats=formats)
        if us > latest_us:
            raise BadCell("in_future")
        return [us, text]

    return time
