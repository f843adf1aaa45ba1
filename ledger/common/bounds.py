"""What a field of a command may hold: markers to annotate it with, and names for kinds of fields.

A bound stands once, on the field: `quantity: Annotated[int, Whole(least=1)]`, or short `Quantity`.
`ledger.common.checking` reads the markers to check a command when it is made, and the HTTP edge to
describe and check a request. Stored events are not held against them: what is in the log stays
readable when a bound becomes narrower.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from ledger.common.characters import (
    BLANK,
    FULL_WIDTH,
    IGNORABLE,
    INVISIBLE,
    NUL,
    SUBJECT,
    filled,
    find_invisible,
    find_misleading,
    is_stream_plain,
    note_invisible,
    note_misleading,
    note_odd_in_stream,
)
from ledger.common.context import check_actor, check_member
from ledger.common.currencies import EXPONENTS, check_currency
from ledger.common.days import check_day, check_month, check_time_of_day
from ledger.common.decimals import check_decimal
from ledger.common.values import (
    MAX_INTEGER,
    NAME_BYTES,
    Checks,
    bytes_of,
    check_sha256,
    check_subject,
    fits_name,
    quoted,
)

Check = Callable[[Checks, str, Any], None]

MANY = 5_000
"""The most items of a list that nothing else limits."""


def clean(value: str) -> bool:
    """Whether a text can be stored and shown: no NUL, no half of a surrogate pair."""
    checks = Checks()
    checks.text("", value, longest=len(value), empty=True)
    return not checks.faults


USABLE: dict[str, Any] = {
    "EXPONENTS": EXPONENTS, "clean": clean, "datetime": datetime, "find_invisible": find_invisible,
    "find_misleading": find_misleading, "is_stream_plain": is_stream_plain,
    "fits_name": fits_name}
"""What the condition of a bound may use."""


class Bound:
    """What a value may be.

    `schema` says it in the words of JSON Schema, as far as they go, and `condition` as a Python
    expression that is true of a sound value `v`; without one, `note` is asked.
    """

    @property
    def schema(self) -> dict[str, Any]:
        """As far as JSON Schema can say it."""
        raise NotImplementedError

    @property
    def condition(self) -> str:
        """An expression that is true of a sound `v`. It may use `USABLE`."""
        return ""

    def note(self, checks: Checks, where: str, value: Any) -> None:
        """Note what is wrong with a value."""
        raise NotImplementedError

    def sound(self, value: Any) -> bool:
        """Whether there is nothing to note."""
        checks = Checks()
        self.note(checks, "", value)
        return not checks.faults


@dataclass(frozen=True)
class Text(Bound):
    """A text of so many characters at most, and not blank unless that is allowed."""

    longest: int = 2000
    blank: bool = False

    REFUSED: ClassVar[str] = NUL
    """What may not stand in it, as a class of a regular expression."""

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": int(not self.blank), "maxLength": self.longest,
                "pattern": filled(self.REFUSED, blank=self.blank)}

    @property
    def condition(self) -> str:
        filled = "" if self.blank else " and v.strip()"
        return (f"type(v) is str and len(v) <= {self.longest} and (v.isprintable() or clean(v))"
                f"{filled}")

    def note(self, checks: Checks, where: str, value: Any) -> None:
        checks.text(where, value, longest=self.longest, empty=self.blank)


@dataclass(frozen=True)
class NameText(Text):
    """A name without characters that cannot be seen. Full-width ones may stand in it."""

    REFUSED: ClassVar[str] = NUL + INVISIBLE

    @property
    def condition(self) -> str:
        filled = "" if self.blank else " and v.strip()"
        return f"type(v) is str and len(v) <= {self.longest} and {self._plain}{filled}"

    @property
    def _plain(self) -> str:
        return "(v.isprintable() or clean(v) and not find_invisible(v))"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        super().note(checks, where, value)
        if type(value) is str:
            note_invisible(checks, where, value)


@dataclass(frozen=True)
class IdText(NameText):
    """An id or a number: a name without full-width letters and digits, too, nor blanks of another
    kind, nor what may be shown as nothing."""

    REFUSED: ClassVar[str] = NUL + INVISIBLE + FULL_WIDTH + IGNORABLE + BLANK

    @property
    def _plain(self) -> str:
        return f"(v.isascii() or not find_misleading(v)) and {super()._plain}"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        super().note(checks, where, value)
        if type(value) is str:
            note_misleading(checks, where, value)


@dataclass(frozen=True)
class StreamText(IdText):
    """The name of a stream: as long as the log keeps one. That this is counted in bytes, and that
    what it holds percent-encoded is looked at, too, the schema cannot say."""

    longest: int = NAME_BYTES

    @property
    def _plain(self) -> str:
        return f"('%' not in v or is_stream_plain(v)) and {super()._plain} and fits_name(v)"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        Text.note(self, checks, where, value)
        if type(value) is str:
            if len(value) <= self.longest and not fits_name(value):
                checks.fault(where, "too_long", f"has {bytes_of(value)} bytes, {NAME_BYTES} are "
                                                "allowed")
            note_odd_in_stream(checks, where, value)


@dataclass(frozen=True)
class Whole(Bound):
    """A whole number; without bounds of its own, one that every JSON reader keeps exact."""

    least: int = -MAX_INTEGER
    most: int = MAX_INTEGER

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    @property
    def condition(self) -> str:
        return f"type(v) is int and {self.least} <= v <= {self.most}"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        checks.integer(where, value, least=self.least, most=self.most)


@dataclass(frozen=True, init=False)
class Words(Bound):
    """One of some words; "" among them stands for none."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    @property
    def condition(self) -> str:
        return f"type(v) is str and v in {{{', '.join(map(repr, self.words))}}}"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        if value not in self.words:
            named = [word for word in self.words if word]
            among = named[0] if len(named) == 1 else f"one of {', '.join(named)}"
            checks.fault(where, "unknown", f"is {quoted(value)}, not {among}")


@dataclass(frozen=True)
class Number(Bound):
    """A decimal in a text, such as "1.5". Units: `digits` after the point, at most."""

    least: str = "0"
    most: str = "999999999"
    digits: int = 4

    @property
    def schema(self) -> dict[str, Any]:
        sign, after = "-?" if self.least[0] == "-" else "", f"(\\.[0-9]{{1,{self.digits}}})?"
        if self.most.strip("0") != "1":
            return {"type": "string", "pattern": f"^{sign}[0-9]{{1,9}}{after}$"}
        below = f"[0-9]{{1,{len(self.most) - 1}}}{after}"
        return {"type": "string", "pattern":
                f"^{sign}({below}|{self.most}(\\.0{{1,{self.digits}}})?)$"}

    def note(self, checks: Checks, where: str, value: Any) -> None:
        check_decimal(checks, where, value, least=self.least, most=self.most)
        if isinstance(value, str) and len(value.partition(".")[2]) > self.digits < 4:
            checks.fault(where, "too_fine", f"is {value}; digits after the point: {self.digits}")


YEARS = "^(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-"
"""How a day or a time begins: with a year from 1970 to 9998."""


@dataclass(frozen=True)
class Form(Bound):
    """A text of a form that `check` knows; `pattern` or `format` describe it to others, and
    `quick` is its condition, where it has one."""

    check: Check
    pattern: str = ""
    format: str = ""
    quick: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        said = {"pattern": self.pattern, "format": self.format}
        return {"type": "string", **{name: text for name, text in said.items() if text}}

    @property
    def condition(self) -> str:
        return self.quick

    def note(self, checks: Checks, where: str, value: Any) -> None:
        self.check(checks, where, value)


@dataclass(frozen=True)
class Time(Bound):
    """A moment with its zone, in the years 1970 to 9998."""

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": YEARS}

    @property
    def condition(self) -> str:
        return "isinstance(v, datetime) and v.tzinfo is not None and 1970 <= v.year <= 9998"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        checks.moment(where, value)


@dataclass(frozen=True)
class Items(Bound):
    """A list or a map of so many items."""

    least: int = 0
    most: int = MANY

    @property
    def schema(self) -> dict[str, Any]:
        return {**({"minItems": self.least} if self.least else {}), "maxItems": self.most}

    @property
    def condition(self) -> str:
        return f"{self.least} <= len(v) <= {self.most}"

    def note(self, checks: Checks, where: str, value: Any) -> None:
        if not self.least <= len(value) <= self.most:
            code = "too_few" if len(value) < self.least else "too_many"
            checks.fault(where, code, (
                f"are {len(value)}, {self.least} to {self.most} can be" if self.least else
                f"are {len(value)}, {self.most} are allowed"))


@dataclass(frozen=True)
class Each(Bound):
    """Every field of a struct that is not None is bounded more tightly here than elsewhere.

    `name` is what the struct with this bound is called where it is described.
    """

    bound: Bound
    name: str


# -- kinds of fields ------------------------------------------------------------------------------

Name = Annotated[str, NameText(longest=100)]
"""What people call something: a shop, a bin, a courier, a shift."""

NameOrNone = Annotated[str, NameText(longest=100, blank=True)]
"""A name; empty where there is none."""

Id = Annotated[str, IdText(longest=100)]
"""A number or a name by which something is found again: an order, a SKU, a line, a waybill, a
warehouse, a post, a parcel. It may become a part of the name of a stream."""

IdOrNone = Annotated[str, IdText(longest=100, blank=True)]
"""An id; empty where there is none."""

Waybills = Annotated[str, IdText(longest=2000)]
"""What a platform declares as the waybill: one, or several in one cell."""

PersonName = Annotated[str, Text(longest=100)]
"""The name of a person, in whatever script."""

Stream = Annotated[str, StreamText()]
"""The stream of what a command is about, such as order:taobao:云杉书店:123."""

Title = Annotated[str, Text(longest=500)]
Reason = Annotated[str, Text(longest=500)]
Note = Annotated[str, Text(longest=500)]
Document = Annotated[str, Text(longest=500)]
"""The paper that it is based on."""

Contact = Annotated[str, Text(longest=200)]
LongText = Annotated[str, Text(longest=2000)]
"""What people write at length: a remark, an address, a passage of a policy."""

Quantity = Annotated[int, Whole(least=1, most=10**9)]
"""Pieces that move."""

Level = Annotated[int, Whole(least=0, most=10**9)]
"""Pieces that lie somewhere: an empty shelf has 0."""

Tally = Annotated[int, Whole(least=0)]
"""How many there are of something."""

Ordinal = Annotated[int, Whole(least=1)]
"""A number that counts from 1: a version, a position, the nth of several."""

AnyInteger = Annotated[int, Whole()]
Minor = Annotated[int, Whole(least=0)]
"""A sum of money in minor units; 0 is one."""

MOST_IN_ALL = 10**13
"""Minor units that one order may be paid, or refunded, in all: every database keeps them exact."""

InAll = Annotated[int, Whole(least=0, most=MOST_IN_ALL)]
"""What was paid or refunded in all, or a part of it, in minor units."""

Paid = Annotated[int, Whole(least=1, most=MOST_IN_ALL)]
"""What came in at once, in minor units."""

Payable = Annotated[int, Whole(least=1)]
"""A sum of money in minor units that is to move."""

PriceScale = Annotated[int, Whole(least=0, most=8)]
Points = Annotated[str, Number(most="100")]
At = Annotated[datetime, Time()]
Day = Annotated[str, Form(check_day, format="date", pattern=YEARS)]
MONTHS = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$"
Month = Annotated[str, Form(check_month, pattern=MONTHS)]
TimeOfDay = Annotated[str, Form(check_time_of_day,
                                pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
MemberId = Annotated[str, Form(check_member, pattern="^member:[A-Za-z0-9][A-Za-z0-9._-]{0,90}$")]
ActorId = Annotated[str, Form(check_actor,
                              pattern="^(system|[a-z]+:[A-Za-z0-9][A-Za-z0-9._-]{0,90})$")]
Sha256 = Annotated[str, Form(check_sha256, pattern="^[0-9a-f]{64}$")]
Subject = Annotated[str, StreamText(), Form(check_subject, pattern=SUBJECT)]
Currency = Annotated[str, Form(check_currency, pattern=f"^({'|'.join(sorted(EXPONENTS))})$",
                               quick="type(v) is str and v in EXPONENTS")]
