"""From the text of a cell to a value, also where a spreadsheet has touched it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.cells import converter
from ledger.imports.faults import BadCell
from ledger.imports.profile import Field, Profile

TMALL = profiles.find("tmall-report")
TAOBAO = profiles.find("taobao-orders")
OLIST = profiles.find("olist")
NOW = to_us(datetime(2026, 11, 24, tzinfo=UTC))


def value(text: str, kind: str = "text", *, profile: Profile = TMALL, **more: Any) -> Any:
    """What a cell means."""
    return converter(Field(field="it", kind=kind, **more), profile, NOW)(text)


def code(text: str, kind: str, **more: Any) -> str:
    """Why a cell is refused."""
    with pytest.raises(BadCell) as caught:
        value(text, kind, **more)
    return caught.value.code


# -- money ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**15 - 1), st.sampled_from(["", "¥", "￥"]), st.sampled_from(["", "元"]),
       st.booleans(), st.sampled_from(["", "0", "000"]))
@example(17880, "", "", False, "")
def test_money__accepted_exactly(
    minor: int, before: str, after: str, grouped: bool, zeros: str
) -> None:
    amount = Decimal(minor).scaleb(-2)
    number = f"{amount:,.2f}" if grouped else f"{amount:.2f}"
    assert value(f"{before}{number}{zeros}{after}", "money") == minor


@pytest.mark.parametrize(("text", "minor"), [
    ("178.8", 17880), ("0.0", 0), ("7", 700), ("-0.00", 0), ('="12.50"', 1250), ("'12.50", 1250),
    (" 35.00\u3000", 3500), ("", None), ("1,234.5元", 123450), ("188320.0", 18832000),
])
def test_money__accepted_as_exports_write_it(text: str, minor: int | None) -> None:
    assert value(text, "money") == minor


@pytest.mark.parametrize(("text", "why"), [
    ("三十五元", "not_money"), ("abc", "not_money"), ("1.5E+3", "not_money"),
    ("1,23", "other_decimal"), ("12,34.00", "not_money"), (".5", "not_money"), ("5.", "not_money"),
    ("nan", "not_money"),
    ("1 2", "not_money"), ("9" * 16, "not_money"), ("--1", "not_money"),
    ("35.005", "too_many_decimals"), ("0.001", "too_many_decimals"), ("-35.00", "negative"),
])
def test_money__rejected(text: str, why: str) -> None:
    assert code(text, "money") == why


@pytest.mark.parametrize(("text", "sign"), [
    ("$617.25", "$"), ("-$1,234.50", "$"), ("617.25€", "€"), ("$€5", None), ("$abc", None)])
def test_money__with_a_sign_of_another_currency_says_which_line_takes_it(
    text: str, sign: str | None
) -> None:
    with pytest.raises(BadCell) as raised:
        value(text, "money")
    assert raised.value.code == ("other_sign" if sign else "not_money")
    assert raised.value.details.get("sign") == sign


def test_money__rejected_where_no_file_or_log_can_hold_it() -> None:
    assert code("9" * 15, "money", decimals=8) == "not_money"
    assert value("9" * 10, "money", decimals=8) == int("9" * 10 + "0" * 8)


COMMAS = replace(TMALL, decimal="comma")
WIDE = {ord(one): ord(one) + 0xFEE0 for one in "0123456789.,-+()"}
NEGATIVES = ("-{}", "{}-", "({})", "−{}", "－{}", "- {}", "（{}）")


@given(st.integers(-10**14, 10**14), st.sampled_from(["point", "comma"]),
       st.sampled_from(["", "other", " ", "\xa0", "\u202f", "'", "’"]),
       st.sampled_from(["{}", "¥{}", "{}元", "￥ {} ", "{}"]), st.sampled_from(NEGATIVES),
       st.booleans(), st.booleans())
def test_money__accepted_as_it_is_printed_anywhere(
    minor: int, decimal: str, thousands: str, sign: str, minus: str, outside: bool, wide: bool
) -> None:
    text = f"{Decimal(abs(minor)).scaleb(-2):,.2f}"
    mark, other = (".", ",") if decimal == "point" else (",", ".")
    text = text.translate({ord(","): other if thousands == "other" else thousands, ord("."): mark})
    if wide:
        text = text.translate(WIDE)
    signed = minus if minor < 0 else "{}"
    text = signed.format(sign.format(text)) if outside else sign.format(signed.format(text))
    profile = TMALL if decimal == "point" else COMMAS
    assert value(text, "money", profile=profile, negative=True) == minor
    if minor < 0:
        with pytest.raises(BadCell, match="negative"):
            value(text, "money", profile=profile)


@pytest.mark.parametrize(("text", "why"), [
    ("1.234,50", None), ("1 234,5", None), ("1234", None), ("35.00", "other_decimal"),
    ("1,234.50", "other_decimal"), ("1.23,45", "not_money"), ("1 234.567,00", "not_money"),
    ("(35,00", "not_money"), ("-(35,00)", "not_money"), ("35--", "not_money"), ("()", "not_money"),
])
def test_money__with_a_decimal_comma(text: str, why: str | None) -> None:
    if why is None:
        assert value(text, "money", profile=COMMAS) in (123450, 123400)
    else:
        with pytest.raises(BadCell, match=why):
            value(text, "money", profile=COMMAS)


@pytest.mark.parametrize("text", [
    "1,234.50", "1.234,50", "-", "(", "¥", "1'234,567.00", "1,1234.0"])
def test_money__in_neither_way_is_never_guessed(text: str) -> None:
    """What one decimal mark reads, the other refuses, but for whole numbers."""
    def read(profile: Profile) -> Any:
        try:
            return value(text, "money", profile=profile)
        except BadCell:
            return None

    assert None in (read(TMALL), read(COMMAS))


@given(st.integers(0, 10**9), st.integers(3, 8))
def test_money__rejected_rather_than_rounded(minor: int, decimals: int) -> None:
    assert code(f"{Decimal(minor).scaleb(-2):.2f}".ljust(decimals, "0") + "0001", "money") \
        == "too_many_decimals"


# -- numbers, ids, texts, choices -----------------------------------------------------------------


@pytest.mark.parametrize(("text", "found"), [
    ('="994109261320502953"', "994109261320502953"), ("'15400009000", "15400009000"),
    ('=""', None), ("'", None), ("994109261320502953\t", "994109261320502953"), ("A-7", "A-7"),
    ("1e3f", "1e3f"), ("007", "007"),
])
def test_id__accepted_without_its_protection(text: str, found: str | None) -> None:
    assert value(text, "id") == found


@pytest.mark.parametrize("text", ["1.23E+17", "9.94e17", '="1E+5"', "17850.0", "####"])
def test_id__rejected_when_a_spreadsheet_changed_it(text: str) -> None:
    assert code(text, "id") == "mangled"


@pytest.mark.parametrize("text", [
    "1000756800252750000", "12345678901234000", "1000756800252750000.0", " 20000000000000000000\t"])
def test_id__rejected_when_a_spreadsheet_may_have_rounded_it(text: str) -> None:
    """R-IMP-23: its last digits are zeros, whatever they were."""
    assert code(text, "id", float_id=True) == "rounded"
    trusted = replace(TMALL, trust_numbers=True)
    assert value(text, "id", profile=trusted, float_id=True) == text.strip().removesuffix(".0")


@pytest.mark.parametrize("text", [
    "1000756800252750100", "1234567890123000", "A1000756800252750000", '="1000756800252750000"',
    "'1000756800252750000"])
def test_id__accepted_when_no_spreadsheet_rounded_it(text: str) -> None:
    """Of 16 digits none is lost, and a protected cell was never a number."""
    assert value(text, "id") == text.strip("='\"")


def test_id__accepted_as_a_float_where_the_profile_says_so() -> None:
    assert value("17850.0", "id", float_id=True) == "17850"
    assert value("9121", "id", pad=5) == "09121"


@pytest.mark.parametrize(("text", "found"), [
    ("3", 3), ("-0", 0), ("'4", 4), ("", None), ("5.0", 5), ("1,200.00", 1200), ("１２", 12)])
def test_integer__accepted(text: str, found: int | None) -> None:
    assert value(text, "integer") == found


@pytest.mark.parametrize(("text", "why"), [
    ("1.5", "not_integer"), ("two", "not_integer"), ("-3", "negative"), ("٣", "not_integer"),
])
def test_integer__rejected(text: str, why: str) -> None:
    assert code(text, "integer") == why


@pytest.mark.parametrize("kind", ["text", "id", "money", "integer", "time"])
@pytest.mark.parametrize("text", ["#REF!", "#N/A", '="#VALUE!"'])
def test_cell__rejected_when_a_formula_failed(kind: str, text: str) -> None:
    assert code(text, kind) == "formula_error"
    bare = text.strip('="')
    assert value(text, kind, blank=(bare,)) is None


def test_id__accepted_when_it_begins_with_a_hash() -> None:
    assert value("#1001", "id") == "#1001"


def test_id__is_one_text_however_its_letters_are_made() -> None:
    assert value("Cafe\u0301-１", "id") == value("Caf\xe9-1", "id") == "Caf\xe9-1"


@pytest.mark.parametrize(("kind", "default", "found"), [
    ("money", "0", 0), ("integer", "1", 1), ("text", "none", "none"), ("choice", "a", "b")])
def test_default__stands_for_a_blank_cell(kind: str, default: str, found: Any) -> None:
    more = {"values": {"a": "b"}} if kind == "choice" else {}
    for text in ("", " ", "-"):
        assert value(text, kind, default=default, blank=("-",), **more) == found


def test_currency__accepted_only_when_it_is_that_of_the_profile() -> None:
    assert [value(text, "currency") for text in ("CNY", "cny", "元", "")] == ["CNY"] * 3 + [None]
    assert code("USD", "currency") == "other_currency"


def test_workbook__has_dates_in_whatever_format_times_have_and_none_is_an_id() -> None:
    def read(text: str, kind: str) -> Any:
        field = Field(field="it", kind=kind, formats=("epoch",) if kind == "time" else ())
        return converter(field, TMALL, NOW, of_workbook=True)(text)

    assert read("2026-08-31 22:01:47", "time")[0] == to_us(
        datetime(2026, 8, 31, 14, 1, 47, tzinfo=UTC))
    assert read("2026-08-31", "time")[0] == to_us(datetime(2026, 8, 30, 16, tzinfo=UTC))
    with pytest.raises(BadCell, match="mangled"):
        read("2026-08-31 00:00:00", "id")


def test_text__accepted_trimmed_of_wide_blanks() -> None:
    assert value("\u3000请尽快 发货 ") == "请尽快 发货"
    assert value("'90s") == "'90s"
    assert value("订单未关闭", blank=("订单未关闭",)) is None


def test_choice__accepted_or_rejected() -> None:
    values = {"交易成功": "completed", "等待买家付款": ""}
    assert value("交易成功", "choice", values=values) == "completed"
    assert value("等待买家付款", "choice", values=values) is None
    assert code("处理中", "choice", values=values) == "unknown_value"
    assert value("处理中", "choice", values=values, otherwise="") is None
    assert value("上海 上海市 杨浦区", "choice", values={"上海": "上海"}, first_word=True) == "上海"


def test_cell__rejected_when_empty_but_required() -> None:
    assert code('=""', "money", required=True) == "empty"


# -- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "utc"), [
    ("2026-08-31 22:01:47", datetime(2026, 8, 31, 14, 1, 47, tzinfo=UTC)),
    ("2026/8/31 21:23", datetime(2026, 8, 31, 13, 23, tzinfo=UTC)),
    ("2026/8/3 9:12", datetime(2026, 8, 3, 1, 12, tzinfo=UTC)),
])
def test_time__accepted_in_several_formats(text: str, utc: datetime) -> None:
    assert value(text, "time", profile=TAOBAO) == [to_us(utc), text]


def test_time__accepted_as_the_earlier_when_ambiguous() -> None:
    found = value("2018-02-17 23:30:00", "time", profile=OLIST)
    assert found[0] == to_us(datetime(2018, 2, 18, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize("text", [
    "2026-02-30 10:00:00", "2026/13/5 9:12", "昨天下午", "2026-08-31", "2026-08-31T22:01:47",
    "2026-08-31 22:01:47+08:00", "2026-W05-1 00:00:00", "1969-12-31 00:00:00",
    "0000-01-01 00:00:00", "2026-08-31 24:00:00",
])
def test_time__rejected(text: str) -> None:
    assert code(text, "time", profile=TAOBAO) in ("not_time", "other_format")


@pytest.mark.parametrize(("text", "found"), [
    ("2026-08-31T10:00:00Z", "iso"), ("46266.416667", "excel"), ("26-08-31 10:00:00",
                                                                 "%y-%m-%d %H:%M:%S")])
def test_time__rejected_with_the_format_that_would_read_it(text: str, found: str) -> None:
    with pytest.raises(BadCell) as caught:
        value(text, "time", profile=TAOBAO)
    assert (caught.value.code, caught.value.details["found"]) == ("other_format", found)


def test_time__is_read_in_the_formats_of_its_field_alone() -> None:
    day = to_us(datetime(2026, 8, 31, tzinfo=UTC)) - 8 * 3_600_000_000
    assert value("31.8.2026", "time", formats=("%d.%m.%Y", "excel")) == [day, "31.8.2026"]
    assert value("46265", "time", formats=("%d.%m.%Y", "excel")) == [day, "46265"]
    assert code("2026-08-31 22:01:47", "time", formats=("%d.%m.%Y",)) == "other_format"


def test_time__accepted_in_full_width_and_kept_as_printed() -> None:
    text = "２０２６－０８－３１　２２：０１：４７"
    assert value(text, "time", profile=TAOBAO) == [
        to_us(datetime(2026, 8, 31, 14, 1, 47, tzinfo=UTC)), text]


def test_time__rejected_when_in_the_future() -> None:
    assert code("2027-01-01 00:00:00", "time") == "in_future"
