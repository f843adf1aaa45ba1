"""From the text of a cell to a moment, in the formats that a profile names.

A format is a pattern of the tokens in `TOKENS`, or one of `NAMED`. Nothing depends on the locale.
Units: moments are microseconds since 1970-01-01 UTC.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any, NamedTuple

from ledger.common.values import EPOCH

Read = Callable[[str], int | None]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
HALVES = {"am": 0, "pm": 12, "上午": 0, "下午": 12}
_MICROSECOND = timedelta(microseconds=1)
_SERIAL_0 = datetime(1899, 12, 30)  # noqa: DTZ001
"""The day 0 of a spreadsheet, which holds no zone. From March 1900 on its days are right."""


class Token(NamedTuple):
    """What a token stands for: its pattern, the part of a time, and how that is read."""

    pattern: str
    part: str
    read: Callable[[str], Any] = int


def _year_of_two(text: str) -> int:
    """69 to 99 are of the last century, as POSIX reads them."""
    year = int(text)
    return year + (1900 if year >= 69 else 2000)


def _zone(text: str) -> tzinfo:
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


TOKENS: Mapping[str, Token] = {
    "%Y": Token(r"(\d{4})", "year"),
    "%y": Token(r"(\d{2})", "year", _year_of_two),
    "%m": Token(r"(\d{1,2})", "month"),
    "%b": Token("((?:" + "|".join(MONTHS) + r")[a-z]*)\.?", "month",
                lambda text: MONTHS.index(text[:3].lower()) + 1),
    "%d": Token(r"(\d{1,2})", "day"),
    "%H": Token(r"(\d{1,2})", "hour"),
    "%I": Token(r"(\d{1,2})", "hour"),
    "%p": Token("(am|pm|上午|下午)", "half", lambda text: HALVES[text.lower()]),
    "%M": Token(r"(\d{2})", "minute"),
    "%S": Token(r"(\d{2})", "second"),
    "%f": Token(r"(\d{1,6})0*", "microsecond", lambda text: int(text.ljust(6, "0"))),
    "%z": Token(r"(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)", "tzinfo", _zone),
}
"""Each token of a format, with what it matches, in whatever case."""

FALLING = ("%Y", "%m", "%d", "%H", "%M", "%S")
"""The parts of a time from the greatest on, as `datetime` takes them."""

_token = re.compile(r"%.|%\Z").findall
_zones = re.compile(r"Z|UTC|GMT|[+-]\d{2}:?\d{2}", re.IGNORECASE).search


def wrong_in(form: str) -> str:
    """What is wrong with a format, as a sentence; empty if nothing is."""
    if form in NAMED:
        return ""
    tokens = _token(form)
    if unknown := [token for token in tokens if token not in TOKENS]:
        return (f"{form!r} has {unknown[0]}, which is not one of {', '.join(TOKENS)}; "
                f"other formats are {', '.join(NAMED)}.")
    if found := _zones(re.sub("%.", " ", form)):
        return (f"{form!r} has {found[0]} as plain text, which is not a zone: write %z in its "
                "place, or use the format iso.")
    parts = [TOKENS[token].part for token in tokens]
    if twice := [part for part in parts if parts.count(part) > 1]:
        return f"{form!r} says the {twice[0]} twice."
    if not {"year", "month", "day"} <= set(parts):
        return f"{form!r} needs a year (%Y, %y), a month (%m, %b) and a day (%d)."
    if ("%I" in tokens) != ("%p" in tokens):
        return f"{form!r} needs %I and %p together: hours of 1 to 12, and which half of the day."
    wanted = {"second": "minute", "minute": "hour", "microsecond": "second", "tzinfo": "hour"}
    if lost := [part for part in parts if part in wanted and wanted[part] not in parts]:
        return f"{form!r} has the {lost[0]}, but not the {wanted[lost[0]]}."
    return ""


def reader(forms: Sequence[str], zone: tzinfo) -> Read:
    """A function that reads a text in the first format that fits; None where none does, or where
    there is no such time.

    Where the clock is put back, a time without an offset is the earlier of the two that it may be;
    one that the clock skips is read with the offset from before it.
    """
    reads = [_named(form, zone) if form in NAMED else _pattern(form, zone) for form in forms]

    def read(text: str) -> int | None:
        for one in reads:
            if (found := one(text)) is not None:
                return found if found >= 0 else None
        return None

    return read


def _named(form: str, zone: tzinfo) -> Read:
    return lambda text: NAMED[form](text, zone)


def _pattern(form: str, zone: tzinfo) -> Read:
    tokens = _token(form)
    pattern = re.sub("%.", lambda found: TOKENS[found[0]].pattern,
                     re.sub(r"[^%\w]", lambda found: re.escape(found[0]), form))
    match = re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch
    parts = [(TOKENS[token].part, TOKENS[token].read) for token in tokens]
    halves, falls = "%p" in tokens, tuple(tokens) == FALLING[:len(tokens)]

    def moment(found: tuple[str, ...]) -> datetime:
        if falls:  # as most do, which half a million cells notice
            return datetime(*map(int, found), tzinfo=zone)  # type: ignore[misc,arg-type]
        values = {part: of(value) for (part, of), value in zip(parts, found, strict=True)}
        if halves:
            values["hour"] = _hour(values["hour"], values.pop("half"))
        return datetime(**{"tzinfo": zone, **values})  # noqa: DTZ001

    def read(text: str) -> int | None:
        found = match(text)
        if found is None:
            return None
        try:  # an ambiguous local time is the earlier one, because fold is 0
            return (moment(found.groups()) - EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            return -1

    return read


def _hour(of_twelve: int, half: int) -> int:
    """The hour of a day; none (24) where it is not one of 1 to 12."""
    return of_twelve % 12 + half if 1 <= of_twelve <= 12 else 24


_serial = re.compile(r"(\d{5})(?:[.,](\d{1,15}))?", re.ASCII).fullmatch
_seconds = re.compile(r"(\d{9,10})(?:\.0+)?", re.ASCII).fullmatch
_milliseconds = re.compile(r"(\d{12,13})(?:\.0+)?", re.ASCII).fullmatch
_dated = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})0*)?)?"
                    r"\ ?(Z|[+-]\d{2}(?::?\d{2})?)", re.ASCII | re.IGNORECASE).fullmatch


def _iso(text: str) -> int | None:
    found = _dated(text)
    if found is None:
        return None
    *parts, fraction, zone = found.groups()
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        return (datetime(year, month, day, hour, minute, second,
                         int((fraction or "").ljust(6, "0")), _zone(zone)) - EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return -1


def _epoch(text: str) -> int | None:
    found = _seconds(text)
    return None if found is None else int(found[1]) * 1_000_000


def _epoch_ms(text: str) -> int | None:
    found = _milliseconds(text)
    return None if found is None else int(found[1]) * 1_000


def of_serial(text: str) -> datetime | None:
    """The day and time that a spreadsheet means by a number of days, without a zone; None where it
    is none. A time there is a fraction of a day: it is rounded to the second."""
    found = _serial(text)
    if found is None:
        return None
    part = found[2] or ""
    seconds = (int(part or 0) * 86_400 * 2 + 10 ** len(part)) // (2 * 10 ** len(part))
    return _SERIAL_0 + timedelta(days=int(found[1]), seconds=seconds)


def _excel(text: str, zone: tzinfo) -> int | None:
    local = of_serial(text)
    return None if local is None else (local.replace(tzinfo=zone) - EPOCH) // _MICROSECOND


NAMED: Mapping[str, Callable[[str, tzinfo], int | None]] = {
    "iso": lambda text, zone: _iso(text),
    "excel": _excel,
    "epoch": lambda text, zone: _epoch(text),
    "epoch_ms": lambda text, zone: _epoch_ms(text),
}
"""The formats that have a name of their own."""

_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%y-%m-%d", "%y/%m/%d",
          "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
          "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M:%S %p", " %I:%M %p",
           " %p%I:%M:%S", " %p %I:%M:%S", " %p%I:%M", ", %H:%M", " %H:%M:%S %z", "T%H:%M:%S.%f",
           "%H%M%S", " %H时%M分%S秒")


@cache
def _usual() -> list[tuple[str, Read]]:
    """Formats that are met with, and how each is read."""
    forms = ("iso", "excel", "epoch", "epoch_ms",
             *(date + clock for date in _DATES for clock in _CLOCKS))
    return [(form, reader([form], UTC)) for form in forms]


def looks_like(text: str) -> str:
    """The formats among the usual ones that would read a text, joined by `or`; empty if none."""
    return " or ".join(form for form, read in _usual() if read(text) is not None)
