"""Small values that everything shares: subjects, moments, checked texts and numbers.

A check never raises by itself. It appends what is wrong to a list of faults, so that all mistakes
of an input are reported at once.
"""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

from ledger.common.errors import Fault, InvalidValues

MAX_INTEGER = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact."""

NAME_BYTES = 1_000
"""The longest name of a stream or a subject, in UTF-8: what a command may make, and what one that
names it takes. An index row of PostgreSQL holds 2,704."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware time, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def exact(value: Any) -> Any:
    """What is written as JSON: the same, with whole numbers that not every reader keeps exact as
    texts of their digits."""
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [exact(one) for one in value]
    return str(value) if type(value) is int and abs(value) > MAX_INTEGER else value


def from_us(microseconds: int) -> datetime:
    """The aware UTC time of microseconds since 1970-01-01 UTC."""
    return EPOCH + microseconds * _MICROSECOND  # half the time that to make a timedelta takes


def rfc3339(moment: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with a `Z`, to the microsecond where it has any."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_plain = re.compile("[0-9A-Za-z㐀-鿿._-]+").fullmatch
_plain_name = re.compile("[0-9A-Za-z㐀-鿿._:-]+").fullmatch
_others = re.compile("[^0-9A-Za-z㐀-鿿._-]+").sub
_sha256 = re.compile("[0-9a-f]{64}").fullmatch


def taken(text: str) -> str:
    """A text as a subject takes it: NFC, without blanks at its ends."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def subject_part(text: str) -> str:
    """One part of a subject: NFC, trimmed, case kept, percent-encoded but for letters and digits.

    Letters are ASCII letters and the CJK ideographs U+3400 to U+9FFF: a fixed set, so that a later
    Unicode version cannot give the same shop another subject. `-`, `_` and `.` stand as they are.
    """
    if _plain(text):  # none of these changes under NFC
        return text
    return _others(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()),
                   taken(text))


def subject(kind: str, *parts: str) -> str:
    """The name of what an event is about, and of its stream: `order:taobao:云杉书店:123`."""
    name = ":".join((kind, *parts))
    if _plain_name(name) and name.count(":") == len(parts):  # no part needs to be spelled out
        return name
    return ":".join((kind, *map(subject_part, parts)))


def bytes_of(name: str) -> int:
    """How many bytes a name has in UTF-8; half of a surrogate pair counts as the character that it
    is not."""
    return len(name.encode(errors="surrogatepass"))


def fits_name(name: str) -> bool:
    """Whether a name of a stream is short enough for the log."""
    return len(name) <= NAME_BYTES // 4 or bytes_of(name) <= NAME_BYTES


def is_subject(text: str) -> bool:
    """Whether a text names a subject as `subject` writes it; an order's number may bear a ~2."""
    kind, *parts = text.split(":")
    return kind.isascii() and kind.isalpha() and kind.islower() and bool(parts) and all(
        part and subject_part(unquote(part)) == part
        for number in parts for part in number.split("~"))


LONGEST_QUOTE = 200
"""What was sent is repeated up to so many characters: an answer never grows with them."""


def cut(text: str) -> str:
    """A text as it is repeated: its beginning, where it is long."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def quoted(value: Any) -> str:
    """A value of JSON in quotes, cut where it is long; one that is no text as `shown` names it."""
    return repr(cut(value)) if isinstance(value, str) else shown(value)


def escaped(name: object) -> str:
    """A name as a step of a JSON pointer; of one that is long, its beginning."""
    return cut(str(name)).replace("~", "~0").replace("/", "~1")


def repeated_name(text: str | bytes) -> str | None:
    """A name that an object of a JSON text has twice: readers differ in which one counts.

    Errors: msgspec.DecodeError if it is nested too deeply.
    """
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                found.append(name)
            seen.add(name)

    from ledger.common.decoding import decoded  # its msgspec would slow down the start

    decoded(partial(json.loads, object_pairs_hook=look, parse_int=str, parse_float=str), text)
    return found[0] if found else None


SHOWN = 40
"""A text up to so many characters is named in full."""


def shown(value: Any) -> str:
    """A value of JSON as a sentence names it: a short one as it was written, else what it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) or value is None:
        return "null" if value is None else str(value)
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= SHOWN else "a long text"
    return "a list" if isinstance(value, list | tuple) else "an object"


class Checks:
    """Collects the faults of one input; `done()` raises them all at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, where: str, code: str, message: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(where, code, message))

    def done(self) -> None:
        """Raise what was noted. Errors: InvalidValues (R-VAL-01)."""
        if self.faults:
            raise InvalidValues(self.faults)

    def text(self, where: str, value: Any, *, longest: int = 2000, empty: bool = False) -> None:
        """A text of 1 (or 0) to `longest` characters with no NUL and no lone surrogate."""
        if type(value) is not str:
            self.fault(where, "not_text", f"is {shown(value)}, not text")
            return
        if not empty and not value.strip():
            self.fault(where, "empty", "is empty")
        if len(value) > longest:
            self.fault(where, "too_long", f"has {len(value)} characters, {longest} are allowed")
        if "\0" in value:
            self.fault(where, "nul", "holds a NUL character")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            self.fault(where, "surrogate",
                       "holds half of a surrogate pair, which is not a character")

    def integer(
        self, where: str, value: Any, *, least: int = -MAX_INTEGER, most: int = MAX_INTEGER
    ) -> None:
        """A whole number inside its bounds; never a float, a truth value or digits in quotes."""
        if type(value) is not int:
            self.fault(where, "not_integer", f"is {shown(value)}, not a whole number")
        elif not least <= value <= most:
            self.fault(where, "out_of_range", f"is {value}, allowed are {least} to {most}")

    def moment(self, where: str, value: Any) -> None:
        """A time with its zone, in the years 1970 to 9998."""
        if not isinstance(value, datetime):
            self.fault(where, "not_time", f"is {shown(value)}, not a time")
        elif value.tzinfo is None:
            self.fault(where, "naive_time", "has no time zone")
        elif not 1970 <= value.year <= 9998:
            self.fault(where, "out_of_range", f"lies in the year {value.year}")


def check_sha256(checks: Checks, where: str, value: object) -> None:
    """Note what is not a SHA-256 in hex."""
    if not (isinstance(value, str) and _sha256(value)):
        checks.fault(where, "not_sha256", "is not a SHA-256 in hex: 64 digits 0-9, a-f")


def check_subject(checks: Checks, where: str, value: object) -> None:
    """Note what is not a subject."""
    if not (isinstance(value, str) and is_subject(value)):
        checks.fault(where, "not_subject", f"is {quoted(value)}, not a subject such as "
                                           "order:taobao:… or day:2026-09-03")
