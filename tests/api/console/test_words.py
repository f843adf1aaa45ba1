"""What people read instead of codes, in English and in Chinese."""

import re

import pytest

from api.console.readings import READINGS
from api.console.words import (
    CALLED,
    LABELS,
    OWN,
    SAME,
    address_of,
    called,
    label,
    moment,
    money,
    name_of,
    word,
)
from ledger.common.days import Days
from projections.asking.columns import columns_of
from projections.orders.answers import OrderRow
from tests.support import source, worded

RAW = re.compile("[a-z]_[a-z]|[a-z]-[a-z]+-[a-z]")
SHANGHAI = Days("Asia/Shanghai")


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are in Chinese."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


# -- labels ---------------------------------------------------------------------------------------

def test_label__is_read_off_the_name_of_a_column() -> None:
    assert [label(name) for name in ("placed_at", "paid_minor", "sku", "zh", "owner")] == [
        "Placed at", "Paid", "SKU", "Chinese name", "Owner"]


def test_label__in_chinese_says_no_units(chinese: None) -> None:
    assert [label(name) for name in ("placed_at", "paid_minor", "known_late")] == [
        "下单时间", "已付", "迟记"]


def test_label__takes_a_column_by_what_people_call_it() -> None:
    late = next(one for row in worded.rows() for one in columns_of(row)
                if one.called == "known_late")
    assert label(late) == "Known late"
    assert label(columns_of(OrderRow)[0]) == "Subject"


def test_labels__have_no_code_in_any_language(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [one for row in worded.rows() for one in columns_of(row)]
    assert not [label(one) for one in columns if RAW.search(label(one))]
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    source.check(label(one) for one in columns
                 if re.search("[a-z]", label(one).replace("SKU", "")))


def test_label__of_a_column_that_nobody_knows_is_its_name(chinese: None) -> None:
    assert label("left_behind") == "Left behind"


def test_labels__that_are_written_out_are_those_of_columns() -> None:
    known = {one.key.partition(":")[2] for row in worded.rows() for one in columns_of(row)}
    assert not LABELS.keys() - known


# -- words ----------------------------------------------------------------------------------------

def test_word__is_plain_english() -> None:
    assert word("in_transit") == "in transit"
    assert word("overpaid") == "paid too much"
    assert word("quarantine_lifted") == "quarantine lifted"


def test_word__depends_on_where_it_stands() -> None:
    assert word("quarantine", "place") == "quarantine"
    assert word("quarantine", "cause") == word("quarantine", "causes") == "put into quarantine"
    assert word("refused", "kind") == "refused parcel"
    assert word("refused", "state") == "refused"


def test_word__of_a_shops_own_names_is_no_word_of_the_data() -> None:
    assert word("late", "shift") == "late"
    assert word("open", "shift") == word("open", "post") == "open"
    assert word("customer_service_head", "post") == "head of customer service"


def test_word__in_chinese_is_that_of_the_shop(chinese: None) -> None:
    assert word("in_transit") == "运输途中"
    assert word("refused", "kind") == "拒收"
    assert word("stock-card", "report") == "库存台账"
    assert word("taobao", "channel") == "淘宝"
    assert word("late", "shift") == "晚班"


def test_word__of_several_and_of_truth_and_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert word(["overpaid", "out_of_stock"], "exception_kinds") == "paid too much, out of stock"
    assert (word(True), word(False), word(None), word("")) == ("yes", "no", "", "")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert word(["overpaid", "out_of_stock"]) == "多付，缺货"
    assert (word(True), word(False), word(None)) == ("是", "否", "")


@pytest.mark.parametrize("text", [
    "QM-001", "韵达快递", "A_1", "YD0000680025275", "12", "Sf_Express"])
def test_word__leaves_names_and_numbers_as_they_are(text: str) -> None:
    assert word(text) == text


def test_words__of_the_data_have_a_reading_without_a_code() -> None:
    source.check(f"{of} {one}: {word(one, of)}" for of, one in worded.every_word()
                 if RAW.search(word(one, of)))


def test_words__of_the_data_are_all_said_in_chinese(chinese: None) -> None:
    source.check(f"{of} {one}: {word(one, of)}" for of, one in worded.every_word()
                 if re.search("[a-z]", word(one, of)))


def test_readings__are_of_words_of_the_data() -> None:
    known = {(SAME.get(of, of), one) for of, one in worded.every_word()}
    source.check(key for key in READINGS for of, _, one in [key.rpartition(".")]
                 if of not in OWN and one not in ("true", "false", "system")
                 and (of, one) not in known and (of or one not in {text for _, text in known}))


# -- amounts and times ----------------------------------------------------------------------------

@pytest.mark.parametrize(("minor", "currency", "shown"), [
    (17500, "CNY", "¥175.00"), (-5, "CNY", "-¥0.05"), (1200, "USD", "USD 12.00"),
    (1200, "JPY", "JPY 1,200"), (1200, "KWD", "KWD 1.200"), (0, "CNY", "¥0.00"),
    ("12345678901234567890", "CNY", "¥123,456,789,012,345,678.90"), (None, "CNY", "")])
def test_money__is_written_with_the_decimals_of_its_currency(
    minor: int | str | None, currency: str, shown: str
) -> None:
    assert money(minor, currency) == shown


def test_moment__is_a_time_by_the_shops_clock() -> None:
    assert moment("2026-09-27T02:31:07Z", SHANGHAI) == "2026-09-27 10:31"
    assert moment("2026-09-27T23:59:59.999999+08:00", SHANGHAI) == "2026-09-27 23:59"
    assert moment("2026-10-25T00:30:00Z", Days("Europe/Berlin")) == "2026-10-25 02:30"
    assert moment(None, SHANGHAI) == ""


# -- streams --------------------------------------------------------------------------------------

STREAMS = {
    "order:taobao:栖墨图书旗舰店:1000756800252750556":
        ("order 1000756800252750556", "订单 1000756800252750556",
         "/orders/order:taobao:%E6%A0%96%E5%A2%A8%E5%9B%BE%E4%B9%A6%E6%97%97%E8%88%B0%E5%BA%97"
         ":1000756800252750556"),
    "sku:QM-001": ("SKU QM-001", "SKU QM-001", "/stock/sku:QM-001"),
    "stock:hangzhou:QM-001": (
        "QM-001 in hangzhou", "hangzhou 的 QM-001", "/stock/sku:QM-001"),
    "case:taobao:pine:R1~2": ("case R1", "售后单 R1", "/returns/case:taobao:pine:R1~2"),
    "member:2c91": ("member 2c91", "员工 2c91", "/people/member:2c91"),
    "month:2c91:2026-09": ("2c91 in 2026-09", "员工 2c91 的 2026-09",
                           "/months/2026-09/member:2c91"),
    "deduction:2609-1": ("deduction 2609-1", "扣分单 2609-1", "/deductions/deduction:2609-1"),
    "import:17ca6a5a": ("import 17ca6a5a", "导入 17ca6a5a", "/imports/import:17ca6a5a"),
    "policy:book": ("the policies", "制度", "/policies"),
    "post:customer_service": ("post customer service agent", "岗位 客服", None),
    "movement:hangzhou:7": ("movement 7 in hangzhou", "hangzhou 的变动单 7", None),
    "log:day:2026-08-31": ("the log", "日志", None),
    "sku:A%3A1 b": ("SKU A:1 b", "SKU A:1 b", "/stock/sku:A%253A1%20b"),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_called__says_what_a_stream_is(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    english, chinese, _ = STREAMS[stream]
    assert called(stream) == english
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert called(stream) == chinese


@pytest.mark.parametrize("stream", STREAMS)
def test_address_of__is_the_page_of_a_stream(stream: str) -> None:
    assert address_of(stream) == STREAMS[stream][2]


def test_called__knows_every_kind_of_stream() -> None:
    assert not worded.kinds() - CALLED.keys()


@pytest.mark.parametrize("stream", ["", "order", "stock:hangzhou", "month:2c91", "<script>:1"])
def test_called__leaves_what_is_no_stream_as_it_is(stream: str) -> None:
    assert called(stream) == stream
    assert address_of(stream) is None


def test_name_of__is_the_last_part_of_a_stream() -> None:
    assert name_of("order:taobao:pine:1001~2") == "1001"
    assert name_of("member:2c91") == "2c91"
