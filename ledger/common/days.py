"""Days and months of a shop: ISO texts such as 2026-09-30 and 2026-09, in the zone of its ledger.

What hangs on the zone is asked of `Days`, which has no default: whoever needs a day needs a ledger.
Zones are those of the `tzdata` that is installed with the program, whatever the machine knows: so
the same log has the same days everywhere.
"""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import ClassVar
from zoneinfo import ZoneInfo

from ledger.common.errors import Invalid
from ledger.common.values import Checks, from_us, quoted, to_us

_MONTH = re.compile("(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])")
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

END_OF_DAY = "24:00"
"""The time of day at which a day ends: the beginning of the next."""


class UnknownZone(Invalid):
    """{zone!r} is not a time zone. Name one as the IANA database does, such as Asia/Shanghai or
    Europe/Berlin."""

    code: ClassVar[str] = "unknown_zone"
    rule: ClassVar[str] = "R-LDG-11"


@cache
def _zones() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text().split())


@cache
def zone_of(name: str) -> tzinfo:
    """A time zone by its name. Errors: UnknownZone (R-LDG-11)."""
    if name not in _zones():
        raise UnknownZone(zone=name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


class Days:
    """The days of a shop: those of its zone, of 23 to 25 hours where its clock is changed.

    A time of day that the clock shows twice is the earlier of the two; one that it skips is read
    with the offset from before it. Errors: UnknownZone (R-LDG-11).
    """

    __slots__ = ("_clock", "zone")

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._clock = zone_of(zone)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Days) and other.zone == self.zone

    def __hash__(self) -> int:
        return hash(self.zone)

    def __reduce__(self) -> tuple[type["Days"], tuple[str]]:
        return Days, (self.zone,)

    def __repr__(self) -> str:
        return f"Days({self.zone!r})"

    def local(self, moment: datetime) -> datetime:
        """A moment by the shop's clock."""
        return moment.astimezone(self._clock)

    def shown(self, moment: datetime) -> str:
        """A moment by the shop's clock, to the second, with its offset from UTC."""
        return self.local(moment).isoformat(sep=" ", timespec="seconds")

    def day_of(self, moment: datetime) -> str:
        """The day on which a moment lies."""
        return self.local(moment).date().isoformat()

    def time_of(self, moment: datetime) -> str:
        """The time of day, HH:MM, at which a moment lies."""
        return self.local(moment).strftime("%H:%M")

    def month_of(self, moment: datetime) -> str:
        """The month in which a moment lies."""
        return self.day_of(moment)[:7]

    def is_late(self, happened: datetime, recorded: datetime) -> bool:
        """Whether something was recorded on a later day than it happened: what was shown of that
        day had to change. Rule: R-PRJ-47."""
        return self.day_of(recorded) > self.day_of(happened)

    def at(self, day: str | date, clock: str, *, later: bool = False) -> datetime:
        """A time of a day, or of the day after it, in UTC; 24:00 is the beginning of the next."""
        found = date.fromisoformat(day) if isinstance(day, str) else day
        if clock == END_OF_DAY:
            found, clock = found + timedelta(days=1), "00:00"
        if later:
            found += timedelta(days=1)
        return from_us(to_us(datetime.combine(found, time.fromisoformat(clock), self._clock)))

    def end_of(self, day: str) -> int:
        """The last microsecond of a day. Units: microseconds since 1970. Errors: ValueError,
        OverflowError for what is not a day or has no next one."""
        return self._begin_us(date.fromisoformat(day) + timedelta(days=1)) - 1

    def span_of(self, month: str) -> tuple[int, int]:
        """The first and the last microsecond of a month. Units: microseconds since 1970."""
        return self._begin_us(date.fromisoformat(first_day(month))), self.end_of(last_day(month))

    def begin_of(self, day: str) -> int:
        """The first microsecond of a day. Units: microseconds since 1970. Errors: as `end_of`."""
        return self._begin_us(date.fromisoformat(day))

    def _begin_us(self, day: date) -> int:
        return to_us(datetime.combine(day, time(), self._clock))


def month_of(day: str) -> str:
    """The month of a day."""
    return day[:7]


def first_day(month: str) -> str:
    """The first day of a month."""
    return f"{month}-01"


def last_day(month: str) -> str:
    """The last day of a month."""
    year, number = map(int, month.split("-"))
    return f"{month}-{monthrange(year, number)[1]:02d}"


def month_after(month: str) -> str:
    """The month that follows."""
    return day_after(last_day(month))[:7]


def day_after(day: str, days: int = 1) -> str:
    """So many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def days_from(first: str, last: str) -> list[str]:
    """Every day from one to another, both included."""
    start = date.fromisoformat(first)
    count = (date.fromisoformat(last) - start).days + 1
    return [(start + timedelta(days=number)).isoformat() for number in range(count)]


def is_day(text: object) -> bool:
    """Whether a text is a day of the calendar."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return text >= "1970"


def is_month(text: object) -> bool:
    """Whether a text is a month."""
    return isinstance(text, str) and _MONTH.fullmatch(text) is not None


def has_an_end(text: object) -> bool:
    """Whether a text is a month that can be over. The last of all has no end: no day follows it."""
    return is_month(text) and text != FOR_EVER[:7]


def check_day(checks: Checks, where: str, value: object) -> None:
    """Note a value that is not a day."""
    if not is_day(value):
        checks.fault(where, "not_day", f"is {quoted(value)}, not a day such as 2026-09-30")


def check_month(checks: Checks, where: str, value: object) -> None:
    """Note a value that is not a month."""
    if not is_month(value):
        checks.fault(where, "not_month", f"is {quoted(value)}, not a month such as 2026-09")


def check_time_of_day(checks: Checks, where: str, value: object) -> None:
    """Note a value that is not a time of the day."""
    if not (isinstance(value, str) and _TIME.fullmatch(value)):
        checks.fault(where, "not_time",
                     f"is {quoted(value)}, not a time such as 16:30, up to 24:00")


FOR_EVER = "9999-12-31"
"""The last day of all."""
