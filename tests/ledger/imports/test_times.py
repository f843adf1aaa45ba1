"""From a text to a moment: what is printed in a format is read in it, and in no other way."""

# ruff: noqa: DTZ001 - Hypothesis draws times without a zone, and a spreadsheet has none.
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.common.values import from_us, to_us
from ledger.imports.times import MONTHS, NAMED, TOKENS, looks_like, of_serial, reader, wrong_in

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")

# -- what is printed is read -----------------------------------------------------------------------


def printed(form: str, at: datetime, *, chinese: bool = False) -> str:
    """A time in a format, by hand: `strftime` would follow the locale."""
    parts = {
        "%Y": f"{at.year:04}", "%y": f"{at.year % 100:02}", "%m": f"{at.month:02}",
        "%b": MONTHS[at.month - 1].title(), "%d": f"{at.day:02}", "%H": f"{at.hour:02}",
        "%I": f"{(at.hour + 11) % 12 + 1:02}", "%M": f"{at.minute:02}", "%S": f"{at.second:02}",
        "%p": ("下午" if chinese else "PM") if at.hour >= 12 else ("上午" if chinese else "AM"),
        "%f": f"{at.microsecond:06}", "%z": f"{at:%z}"}
    for token, text in parts.items():
        form = form.replace(token, text)
    return form


TO_THE_SECOND = ["%Y-%m-%d %H:%M:%S", "%d/%m/%y %H.%M.%S", "%Y%m%d%H%M%S", "%b %d, %Y %I:%M:%S %p",
                 "%Y年%m月%d日 %p%I:%M:%S", "%d-%b-%y %H:%M:%S", "[%Y] (%m) {%d} *%H+%M?%S"]


@given(st.sampled_from(TO_THE_SECOND), st.booleans(),
       st.datetimes(datetime(1970, 1, 2), datetime(2068, 12, 31)))
def test_format__reads_what_it_prints(form: str, chinese: bool, at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    assert wrong_in(form) == ""
    assert reader([form], UTC)(printed(form, at, chinese=chinese)) == to_us(at)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1)),
       st.integers(-14 * 60, 14 * 60), st.sampled_from(["%Y-%m-%dT%H:%M:%S.%f%z", "iso"]))
def test_offset__decides_whatever_the_zone(at: datetime, minutes: int, form: str) -> None:
    aware = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = aware.isoformat(timespec="microseconds") if form == "iso" else printed(form, aware)
    assert wrong_in(form) == ""
    for zone in (SHANGHAI, UTC):
        assert reader([form], zone)(text) == (to_us(aware) if to_us(aware) >= 0 else None)


@given(st.integers(100_000_000, 9_999_999_999), st.integers(0, 999))
def test_epoch__is_read_as_printed(seconds: int, thousandths: int) -> None:
    assert reader(["epoch"], SHANGHAI)(str(seconds)) == seconds * 1_000_000
    ms = seconds * 1_000 + thousandths
    assert reader(["epoch_ms"], SHANGHAI)(str(ms)) == ms * 1_000


@given(st.datetimes(datetime(1970, 1, 2), datetime(2173, 1, 1)), st.sampled_from(".,"),
       st.integers(6, 12))
def test_serial__is_the_second_that_it_was_made_of(at: datetime, mark: str, digits: int) -> None:
    at = at.replace(microsecond=0)
    days = (at - datetime(1899, 12, 30)) / timedelta(days=1)
    text = f"{days:.{digits}f}".replace(".", mark)
    assert of_serial(text) == at
    assert reader(["excel"], UTC)(text) == to_us(at.replace(tzinfo=UTC))


@pytest.mark.parametrize(("form", "text", "utc"), [
    ("excel", "46266.416667", "2026-09-01T02:00:00"), ("excel", "46266", "2026-08-31T16:00:00"),
    ("iso", "2026-09-01T10:00:00Z", "2026-09-01T10:00:00"),
    ("iso", "2026-09-01 10:00+0800", "2026-09-01T02:00:00"),
    ("iso", "2026-09-01T10:00:00.5+08", "2026-09-01T02:00:00.500000"),
    ("%Y-%m-%d %H:%M:%S %z", "2026-09-01 10:00:00 UTC", "2026-09-01T10:00:00"),
    ("%Y-%m-%d %I:%M:%S %p", "2026-09-01 12:00:00 am", "2026-08-31T16:00:00"),
    ("%Y-%m-%d %p%I:%M", "2026-09-01 下午12:30", "2026-09-01T04:30:00"),
    ("%d %b %Y", "1 september 2026", "2026-08-31T16:00:00"),
    ("%d-%b-%y", "01-Sept.-26", "2026-08-31T16:00:00"),
    ("%y/%m/%d", "69/12/31", None), ("%y/%m/%d", "70/1/2", "1970-01-01T16:00:00"),
    ("%Y-%m-%d %I:%M:%S %p", "2026-09-01 13:00:00 PM", None),
    ("%Y-%m-%d %I:%M:%S %p", "2026-09-01 00:00:00 AM", None),
    ("iso", "2026-09-01T10:00:00", None), ("iso", "2026-02-30T10:00:00Z", None),
    ("iso", "2026-09-01T10:00:00+99:00", None), ("epoch", "12345678", None),
    ("epoch_ms", "1788228000", None), ("excel", "123456", None), ("excel", "25000.5", None),
    ("%Y-%m-%d %H:%M:%S.%f", "2026-09-01 10:00:00.1234567", None),
])
def test_text__is_read_or_not(form: str, text: str, utc: str | None) -> None:
    found = reader([form], SHANGHAI)(text)
    assert (None if found is None else from_us(found).isoformat().removesuffix("+00:00")) == utc


@pytest.mark.parametrize(("text", "utc"), [
    ("2026-10-25 02:30:00", "2026-10-25T00:30:00"),  # comes twice: the earlier one
    ("2026-03-29 02:30:00", "2026-03-29T01:30:00"),  # is skipped: with the offset from before it
])
def test_clock__that_is_changed_is_read_as_documented(text: str, utc: str) -> None:
    found = reader(["%Y-%m-%d %H:%M:%S"], BERLIN)(text)
    assert found == to_us(datetime.fromisoformat(utc + "+00:00"))


@given(st.text(alphabet="0123456789-/:., TZ+年月日上午AMPMSep", max_size=30),
       st.lists(st.sampled_from([*NAMED, *TO_THE_SECOND]), min_size=1, max_size=4))
def test_text__of_any_kind_is_a_time_or_none(text: str, forms: list[str]) -> None:
    found = reader(forms, BERLIN)(text)
    assert found is None or found >= 0
    assert isinstance(looks_like(text), str)


# -- what a format may be --------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "why"), [
    ("%Y-%m-%dT%H:%M:%SZ", "not a zone"), ("%Y-%m-%d %H:%M:%S UTC", "not a zone"),
    ("%Y-%m-%d %H:%M:%S+08:00", "not a zone"), ("%Y-%m-%d gmt", "not a zone"),
    ("%Y-%m-%d %q", "%q"), ("%Y-%m-%d %", "%"), ("100%%", "%%"), ("%Y-%m", "needs a year"),
    ("%Y-%m-%d %y", "year twice"), ("%Y-%b-%d %m", "month twice"), ("%Y-%m-%d %H %I %p", "hour"),
    ("%Y-%m-%d %I:%M", "%I and %p"), ("%Y-%m-%d %p%H", "%I and %p"), ("%Y-%m-%d %M", "hour"),
    ("%Y-%m-%d %H:%S", "minute"), ("%Y-%m-%d %H:%M.%f", "second"), ("%Y-%m-%d%z", "hour"),
    ("ISO", "needs a year"), ("", "needs a year"),
])
def test_format__rejected(form: str, why: str) -> None:
    assert why in wrong_in(form)


@pytest.mark.parametrize("form", [*NAMED, *TO_THE_SECOND, "%Y-%m-%d", "%d %b %y %H:%M %z"])
def test_format__accepted(form: str) -> None:
    assert wrong_in(form) == ""


@given(st.lists(st.sampled_from([*TOKENS, " ", "-", "年"]), max_size=8).map("".join))
def test_format__that_is_accepted_can_be_used(form: str) -> None:
    if not wrong_in(form):
        assert reader([form], SHANGHAI)("x") is None


# -- what a text looks like ------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "forms"), [
    ("2026-09-01T10:00:00Z", "iso"), ("46266.416667", "excel"), ("1788228000", "epoch"),
    ("1788228000000", "epoch_ms"), ("26-09-01 10:00:00", "%y-%m-%d %H:%M:%S"),
    ("2026-09-01 10:00:00 AM", "%Y-%m-%d %I:%M:%S %p"), ("昨天", ""), ("2026-02-30", ""),
    ("01/09/2026", "%d/%m/%Y or %m/%d/%Y"), ("30/09/2026", "%d/%m/%Y"),
    ("2026/9/1 上午10:00:00", "%Y/%m/%d %p%I:%M:%S"),
])
def test_text__looks_like_the_formats_that_would_read_it(text: str, forms: str) -> None:
    assert looks_like(text) == forms
