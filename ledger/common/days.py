"""Days and months of the shop: ISO texts such as 2026-09-30 and 2026-09, in the shop's zone."""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ledger.common.values import Checks, quoted, to_us

SHOP_ZONE = "Asia/Shanghai"
_ZONE = ZoneInfo(SHOP_ZONE)
_MONTH = re.compile("(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])")
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(moment: datetime) -> str:
    """The day on which a moment lies in the shop."""
    return moment.astimezone(_ZONE).date().isoformat()


def time_of(moment: datetime) -> str:
    """The time of day, HH:MM, at which a moment lies in the shop."""
    return moment.astimezone(_ZONE).strftime("%H:%M")


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


def span_of(month: str) -> tuple[int, int]:
    """The first and the last microsecond of a month in the shop. Units: microseconds since 1970."""
    first, after = (to_us(datetime.combine(date.fromisoformat(first_day(one)), time(), _ZONE))
                    for one in (month, month_after(month)))
    return first, after - 1


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
