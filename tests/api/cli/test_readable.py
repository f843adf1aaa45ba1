"""Values of reports as people read them on a terminal."""

from typing import Any

import pytest

from api.cli.readable import heads, reading, said
from ledger.common.days import Days
from projections.asking.columns import Column, Kind

SHANGHAI = Days("Asia/Shanghai")


def column(name: str, kind: Kind = Kind.TEXT, **more: Any) -> Column:
    """A column of a kind."""
    return Column(name, kind, "", **more)


@pytest.mark.parametrize(("one", "value", "english", "chinese"), [
    (column("paid_minor", Kind.MONEY), 17500, "¥175.00", "¥175.00"),
    (column("paid_at", Kind.TIME), "2026-09-30T13:46:21Z", "2026-09-30 21:46",
     "2026-09-30 21:46"),
    (column("payment_status", Kind.CODE), "overpaid", "paid too much", "多付"),
    (column("exception_kinds", Kind.CODE, many=True), ["out_of_stock"], ["out of stock"],
     ["缺货"]),
    (column("subject", Kind.SUBJECT), "order:taobao:pine:1001", "1001", "1001"),
    (column("member", Kind.SUBJECT), "member:2c91", "member:2c91", "member:2c91"),
    (column("unit"), "piece", "pieces", "件"), (column("sealed", Kind.TRUTH), True, "yes", "是"),
    (column("score", Kind.DECIMAL), "95.5525", "95.5525", "95.5525"),
    (column("warehouse"), "main_hall", "main_hall", "main_hall"),
    (column("quantity", Kind.WHOLE), 3, 3, 3), (column("note"), None, None, None)])
def test_said__is_in_words(
    one: Column, value: Any, english: Any, chinese: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(one, value, {"currency": "CNY"}, SHANGHAI) == english
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert said(one, value, {"currency": "CNY"}, SHANGHAI) == chinese


def test_said__without_a_currency_is_the_number() -> None:
    assert said(column("paid_minor", Kind.MONEY), 5, {}, SHANGHAI) == 5


def test_reading__takes_its_columns_in_their_order() -> None:
    columns = [column("paid_minor", Kind.MONEY), column("number")]
    row = reading(columns, SHANGHAI)({"number": "7", "paid_minor": 5, "currency": "JPY", "x": 1})
    assert list(row.items()) == [("paid_minor", "JPY 5"), ("number", "7")]
    assert heads(columns) == {"paid_minor": "Paid", "number": "Number"}


def test_reading__of_events_says_them_in_sentences_with_the_currency_of_their_stream() -> None:
    columns = [column("summary"), column("actor")]
    read = reading(columns, SHANGHAI)
    placed = {"type": "order.placed.v1", "stream": "order:a:b:1", "summary": "…",
              "actor": "member:2c91", "payload": {"currency": "CNY"}}
    paid = {**placed, "type": "order.paid.v1", "payload": {"amount_minor": 500}}
    assert read(placed) == {"summary": "Placed", "actor": "member 2c91"}
    assert read(paid)["summary"] == "Paid ¥5.00"
    assert read({**paid, "stream": "order:a:b:2"})["summary"] == "Paid"
