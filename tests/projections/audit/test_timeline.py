"""Every event about a subject, in log order, with what it changed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import Refused
from ledger.log.store import Store
from ledger.orders.commands import ChangePrice, RefundOrder
from ledger.orders.values import Amounts
from ledger.settings import Settings, open_ledger
from ledger.stock.counts import CountLine, CountStock
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import Question, SubjectNeeded
from projections.audit.timeline import summary
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    line,
    opened,
    pay,
    place,
    received,
    record,
    remark,
    sell,
    stream,
)
from tests.support.projecting import IMPORT, histories, put, tell, try_all
from tests.support.thorough import tried


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def events(models: ReadModels, subject: str, **question: Any) -> list[dict[str, Any]]:
    """The rows of the report."""
    return reports.run(models, "main", "timeline", Question(subject=subject, **question)).rows


def positions(models: ReadModels, subject: str, **question: Any) -> list[int]:
    """Where the events stand."""
    return [row["position"] for row in events(models, subject, **question)]


def test_timeline__of_an_order_is_its_stream(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1), place(2), pay(1))
    placed, paid = events(models, stream(1))
    assert (placed["type"], placed["version"]) == ("order.placed.v1", 1)
    assert paid["position"] == 4
    assert paid["stream"] == stream(1)
    assert paid["occurred_at"] == "2026-10-01T04:05:00Z"
    assert (paid["actor"], paid["role"], paid["client"]) == ("system", "system", "test")
    assert paid["summary"] == "amount_minor 4990"
    assert paid["payload"] == {"amount_minor": 4990}


def test_timeline__of_what_events_are_about_beside_their_stream(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1, lines=[line("A"), line("B", name="2")]), place(2, lines=[line("A")]))
    put(ledger, record(3, lines=[line("B")]), context=IMPORT)
    assert positions(models, "sku:A") == [2, 3]
    assert positions(models, "sku:B") == [2, 4]
    assert positions(models, "import:7") == [4, 5, 6, 7]
    assert events(models, "import:7")[0]["source"] == {"import": "7", "rows": [1]}


def test_timeline__shows_no_personal_value(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1, account="张三", recipient="李四", province="上海"), remark(1, "王五来电"))
    rows = events(models, stream(1))
    assert rows[0]["payload"]["account"] == rows[0]["payload"]["recipient"] == "‹personal›"
    assert rows[0]["payload"]["province"] == "上海"
    assert rows[1]["summary"] == "remark ‹personal›"


def test_timeline__says_what_changed(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1), ChangePrice(order=stream(1), occurred_at=NOON, reason="老客户",
                                      amounts=Amounts(total_minor=4000, goods_minor=4990,
                                                      discount_minor=990)))
    assert events(models, stream(1))[1]["summary"] == (
        "discount_minor 0 → 990, total_minor 4990 → 4000, reason ‹personal›, allowed_by system")


def test_timeline__of_an_order_says_what_it_did_to_stock(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), received(quantity=10), sell(1, line(quantity=3)))
    (sold,) = events(models, stream(1))
    assert sold["summary"].endswith(", SH-001 available → reserved 3")
    assert "postings" not in sold["summary"]
    (posting,) = sold["payload"]["postings"]
    assert (posting["account"], posting["cause"]) == ("stock:main:SH-001", "reservation")


def test_timeline__of_an_account_lists_the_documents_that_posted_to_it(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), received(quantity=10), sell(1), place(2), CountStock(
        warehouse=HOUSE, number="7", occurred_at=NOON, counts=[
            CountLine(sku="SH-001", quantity=12)]))
    account = events(models, f"stock:{HOUSE}:SH-001")
    assert [row["stream"].split(":")[0] for row in account] == ["movement", "order", "count"]
    assert account[2]["summary"].endswith(
        "SH-001 stocktake_gain_loss → available 2, SH-001 shelf counted 12")
    assert positions(models, "sku:SH-001") == [3, 4, 5, 6]  # the unpaid order, too


def test_timeline__of_a_refusal_is_that_of_the_sku_and_of_no_account(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), received(quantity=1))
    with pytest.raises(Refused):
        put(ledger, sell(1, line(quantity=3)))
    goods, refused = events(models, "sku:SH-001")
    assert (refused["type"], refused["payload"]["rule"]) == ("command.refused.v1", "R-STK-01")
    assert not [one for one in refused["subjects"] if one.startswith("stock:")]
    assert positions(models, f"stock:{HOUSE}:SH-001") == [goods["position"]]


@pytest.mark.parametrize(("payload", "text"), [
    ({}, ""), ({"a": None, "b": [1, 2]}, "a –, b [1, 2]"), ({"a": [1, 2, 3, 4]}, "a [4]"),
    ({"lines": [{"x": 1}]}, "lines [1]"), ({"amounts": {"total_minor": 3}},
                                           "amounts (total_minor 3)"),
    ({"old": "x"}, "old x"), ({"old": {}, "new": {}}, "old (), new ()"),
    ({"postings": [{"account": "stock:hz:A%3A1", "quantity": 3, "from": "available", "bin": "A-01",
                    "to": "available", "to_bin": "B-02", "cause": "bin_move"}] * 5, "reason": "x"},
     "reason x, " + "A:1 available A-01 → available B-02 3, " * 3 + "… [2 more]"),
    ({"observations": [{"account": "stock:hz:A1", "place": "shelf", "bin": "A-01", "counted": 0},
                       {"account": "stock:hz:A1", "place": "picked", "counted": 2,
                        "withdrawn": True}]},
     "A1 shelf A-01 counted 0, A1 picked no longer counted 2")])
def test_summary__is_one_line(payload: dict[str, Any], text: str) -> None:
    assert summary(payload) == text


def test_timeline__as_of_both_clocks(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, record(1), tell(2))
    assert positions(models, stream(1), as_of=AsOf.parse(3)) == [2, 3]
    day = AsOf.parse(occurred_as_of="2026-10-02")
    assert positions(models, stream(1), as_of=day) == [2, 3, 4]
    assert positions(models, stream(1), as_of=AsOf.parse(3, None, "2026-09-30")) == []
    answer = reports.run(models, "main", "timeline",
                         Question(as_of=AsOf.parse(5), subject=stream(2)))
    assert answer.rows == []
    assert answer.as_of["notes"] == [f"there is nothing about subject {stream(2)} by then"]


def test_timeline__comes_in_pages(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(place(n) for n in range(7)), *(pay(n) for n in range(7)))
    put(ledger, *(tell(f"i{n}") for n in range(5)), context=IMPORT)
    assert positions(models, "sku:SH-001", limit=3) == [2, 3, 4]
    assert positions(models, "sku:SH-001", after=6) == [7, 8]
    assert positions(models, "import:7", after=17, limit=2) == [18, 19]
    assert positions(models, stream(3), after=5) == [12]


def test_timeline__rejected_for_an_unknown_subject(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1))
    with pytest.raises(NothingRecorded) as refused:
        events(models, stream(2))
    assert refused.value.rule == "R-PRJ-07"
    with pytest.raises(SubjectNeeded) as needed:
        reports.run(models, "main", "timeline")
    assert needed.value.rule == "R-PRJ-10"


def test_timeline__is_complete_where_its_read_model_lags(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1), place(2))
    models.catch_up("main")
    put(ledger, place(3), pay(1), place(4))
    found = reports.timeline(models, "main", Question(subject="sku:SH-001"))
    assert [row["position"] for row in found.rows] == [2, 3, 4, 6]
    found = reports.timeline(models, "main", Question(subject=stream(1)))
    assert [row["position"] for row in found.rows] == [2, 5]


def test_timeline__of_many_events_is_whole(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(place(n) for n in range(4500)))
    put(ledger, pay(1), place("z"))
    assert positions(models, "sku:SH-001") == [*range(2, 4502), 4503]


@hypothesis_settings(max_examples=tried(25), deadline=None)
@given(history=histories, until=st.integers(0, 60), hours=st.none() | st.integers(-1, 21))
def test_timeline__is_what_a_scan_of_the_log_finds(
    history: Any, until: int, hours: int | None
) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS)
    try_all(opened.ledger, history)
    entries = opened.store.read("main")
    occurred = None if hours is None else (NOON + timedelta(hours=hours)).isoformat()
    as_of = AsOf.parse(min(until, len(entries)), None, occurred)
    cut = as_of.resolve(opened.store, "main")
    for subject in {name for one in entries for name in (one.stream, "import:7", "sku:SH-001")
                    if f'"{name}"' in one.subjects}:
        expected = [one.position for one in entries
                    if f'"{subject}"' in one.subjects and one.position <= cut.position
                    and (cut.occurred_us is None or one.occurred_at <= cut.occurred_us)]
        assert positions(models, subject, as_of=as_of) == expected
    models.close()
    opened.close()


def test_timeline__shows_refusals_that_show_nowhere_else(ledger: Ledger, store: Store) -> None:
    models = ReadModels(store, PROJECTIONS)
    ledger.handle(place(), CONTEXT)
    with pytest.raises(Refused):
        ledger.handle(RefundOrder(order=stream(), occurred_at=NOON, amount_minor=1,
                                  reference="R1"), CONTEXT)
    ledger.handle(pay(), CONTEXT)

    def types() -> list[str]:
        found = reports.run(models, "main", "timeline", Question(subject=stream()))
        return [row["type"] for row in found.rows]

    for _ in range(2):
        assert types() == ["order.placed.v1", "command.refused.v1", "order.paid.v1"]
        assert {status.position for status in models.catch_up("main")} == {4}
    (order,) = reports.run(models, "main", "orders", Question(subject=stream())).rows
    assert (order["payment_status"], order["position"]) == ("paid", 4)
    assert models.compare_with_rebuild("main") == []
    models.close()
