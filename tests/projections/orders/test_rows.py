"""One row per order: statuses and flags derived from facts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
)
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    ChangeLines,
    ChangePrice,
    CloseException,
    HoldOrder,
    LiftHold,
    OpenException,
    SubmitOrder,
)
from ledger.orders.order import Order
from ledger.orders.state import CHANGES, bit_of
from ledger.orders.values import REVIEW_STATUSES, Amounts, PickedFrom
from ledger.settings import Settings, open_ledger
from ledger.stock.pieces import Count
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.orders.rows import marks_of
from projections.store.models import ReadModels
from tests.conftest import on_sqlite
from tests.support.builders import (
    HOUSE,
    NOON,
    costing,
    end,
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
from tests.support.projecting import (
    IMPORT,
    correct,
    histories,
    naive,
    naive_total,
    put,
    refund,
    tell,
    try_all,
)
from tests.support.real import OLIST, needs
from tests.support.shops import Shop, counts
from tests.support.thorough import THOROUGH, tried

ROW = ("subject", "channel", "shop", "number", "review_status", "payment_status",
       "delivery_status", "owner", "exception_kinds", "flags", "currency", "total_minor",
       "paid_minor",
       "refunded_minor", "placed_at", "paid_at", "dispatched_at", "completed_at", "recorded_at",
       "position")


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def rows(models: ReadModels, **question: Any) -> list[dict[str, Any]]:
    """The rows of the report."""
    return reports.run(models, "main", "orders", Question(**{"sort": "subject", **question})).rows


def hour(number: int) -> Moment:
    """A moment some hours after noon."""
    return Moment(NOON + timedelta(hours=number))


def inferred(number: int) -> Moment:
    """A moment that no file told."""
    return Moment(NOON + timedelta(hours=number), "", True)


def test_orders__have_all_columns_in_order(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1), pay(1), remark(1))
    (row,) = rows(models)
    assert tuple(row) == ROW
    recorded_at = ledger.store.read("main", after=3)[0].recorded_at
    assert row == {
        "subject": stream(1), "channel": "taobao", "shop": "云杉书店", "number": "1",
        "review_status": "pending_review", "payment_status": "paid",
        "delivery_status": "unsent", "owner": None, "exception_kinds": [], "flags": [],
        "currency": "CNY",
        "total_minor": 4990, "paid_minor": 4990, "refunded_minor": 0,
        "placed_at": "2026-10-01T04:00:00Z", "paid_at": "2026-10-01T04:05:00Z",
        "dispatched_at": None, "completed_at": None,
        "recorded_at": rfc3339(from_us(recorded_at)), "position": 4,
    }


def test_orders__keep_what_a_subject_encodes(ledger: Ledger, models: ReadModels) -> None:
    odd = "a:b~c /%é😀"
    put(ledger, place(odd, shop="A & B:店"), place(odd, shop="A & B:店", reused=2))
    assert [(row["shop"], row["number"]) for row in rows(models)] == [("A & B:店", odd)] * 2


def test_review_status__follows_the_facts(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1), place(2, lines=None), place(3), pay(2), end(2), end(3, "cancelled"))
    put(ledger, tell(4), tell(5, ended=hour(1), ended_as="closed"), context=IMPORT)
    put(ledger, tell(6))
    found = rows(models)
    assert [row["review_status"] for row in found] == [
        "pending_review", "completed", "cancelled", "imported", "closed", "pending_review"]
    for status in REVIEW_STATUSES:
        assert rows(models, review_status=status) == [
            row for row in found if row["review_status"] == status]


def on(command: type[Any], number: int = 1, **fields: Any) -> Any:
    """A command on an order, an hour after noon."""
    return command(**{"order": stream(number), "occurred_at": hour(1).at, **fields})


def test_review_status__follows_the_review(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(place(number) for number in (1, 2, 3, 4)),
        *(on(ApproveOrder, number) for number in (2, 3, 4)),
        on(SubmitOrder, 3, warehouse=HOUSE), on(HoldOrder, 4, reason="拦截"))
    assert [row["review_status"] for row in rows(models)] == [
        "pending_review", "approved", "submitted", "on_hold"]
    put(ledger, on(LiftHold, 4), end(3, "cancelled"))
    assert [row["review_status"] for row in rows(models)] == [
        "pending_review", "approved", "cancelled", "approved"]


def test_exceptions__are_the_kinds_of_the_open_ones(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1),
        on(OpenException, exception="b", kind="part_paid", note="少两元"),
        on(OpenException, exception="a", kind="part_paid", note="少一元"),
        on(OpenException, exception="c", kind="address_invalid", note="无门牌"))
    assert rows(models)[0]["exception_kinds"] == ["address_invalid", "part_paid", "part_paid"]
    put(ledger, *(on(CloseException, exception=name, note="好了") for name in "ab"))
    assert rows(models)[0]["exception_kinds"] == ["address_invalid"]
    put(ledger, on(CloseException, exception="c", note="好了"))
    assert rows(models)[0]["exception_kinds"] == []
    assert rows(models, as_of=AsOf.parse(5))[0]["exception_kinds"] == [
        "address_invalid", "part_paid", "part_paid"]
    assert models.compare_with_rebuild("main") == []


def test_lines_changed__moves_the_sums_of_lines(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1), on(ChangeLines, consent="电话", lines=[
        line(quantity=3), line("PEN", name="2", unit_price=100)]))
    (sums,) = reports.run(models, "main", "reconciliation").rows
    assert (sums["lines"], sums["pieces_sold"], sums["value"]) == (2, 4, "150.7")
    assert models.compare_with_rebuild("main") == []


def test_completed_at__is_told_while_the_order_is_completed(
    ledger: Ledger, models: ReadModels
) -> None:
    done = {"ended": hour(4), "ended_as": "completed"}
    put(ledger, tell(1, **done), tell(2, **done), tell(2, ended=hour(5), ended_as="closed"))
    assert [row["completed_at"] for row in rows(models)] == ["2026-10-01T08:00:00Z", None]


@on_sqlite
@pytest.mark.parametrize(("paid", "refunded", "status"), [
    (None, None, "unpaid"), (4990, None, "paid"), (0, None, "unpaid"), (100, None, "part_paid"),
    (100, 1, "part_paid"), (5000, None, "overpaid"), (5000, 10, "paid"),
    (4990, 1, "part_refunded"), (5000, 11, "part_refunded"), (100, 100, "refunded"),
    (100, 120, "refunded"),
])
def test_payment_status__follows_the_sums(
    ledger: Ledger, models: ReadModels, *, paid: int | None, refunded: int | None, status: str
) -> None:
    fields: dict[str, Any] = {}
    if paid is not None:
        fields |= {"paid": hour(1), "paid_minor": paid}
    if refunded is not None:
        fields |= {"refunded": hour(2), "refunded_minor": refunded}
    put(ledger, tell(1, **fields))
    assert rows(models)[0]["payment_status"] == status


def test_dispatched_at__is_that_of_the_first_parcel(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, opened(), received("SH-001", 2), sell(1, line(quantity=2)), on(ApproveOrder),
        on(SubmitOrder, warehouse=HOUSE), on(PickOrder, lines=[PickedFrom("1", 2)]))
    for number, parcel in enumerate(("P1", "P2"), 2):
        put(ledger, on(CheckOrder, passed=True),
            on(PackOrder, parcel=parcel, lines=[Count("1", 1)]),
            on(DispatchParcel, parcel=parcel, courier="顺丰", occurred_at=hour(number).at))
    (row,) = rows(models)
    assert (row["delivery_status"], row["dispatched_at"]) == (
        "dispatched", "2026-10-01T06:00:00Z")
    put(ledger, on(DeliverParcel, parcel="P2", occurred_at=hour(9).at))
    assert rows(models)[0]["delivery_status"] == "delivered"


def test_delivery_status__follows_the_parcel(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, tell(1), tell(2, dispatched=hour(1)),
        tell(3, dispatched=hour(1), delivered=hour(2)))
    assert [row["delivery_status"] for row in rows(models)] == [
        "unsent", "dispatched", "delivered"]


@on_sqlite
@pytest.mark.parametrize(("fields", "flags"), [
    ({"dispatched": hour(1), "delivered": hour(2)}, []),
    ({"paid": hour(3), "paid_minor": 4990, "dispatched": hour(2)}, ["times_out_of_order"]),
    ({"paid": hour(3), "paid_minor": 4990, "delivered": hour(2)}, ["times_out_of_order"]),
    ({"dispatched": Moment(NOON - timedelta(seconds=1))}, ["times_out_of_order"]),
    ({"dispatched": hour(0)}, []),
    ({"paid": inferred(3), "paid_minor": 4990, "dispatched": hour(2)}, ["inferred_times"]),
    ({"dispatched": hour(2), "ended": hour(1), "ended_as": "completed"}, ["times_out_of_order"]),
    ({"dispatched": hour(2), "ended": hour(1), "ended_as": "cancelled"}, []),
    ({"paid": hour(3), "paid_minor": 4989}, ["paid_differs_from_total"]),
    ({"paid": hour(3), "paid_minor": 4990, "refunded": inferred(3), "refunded_minor": 1},
     ["inferred_times"]),
    ({"amounts": Amounts(goods_minor=100, postage_minor=10, discount_minor=5, total_minor=105)},
     []),
    ({"amounts": Amounts(goods_minor=100, postage_minor=10, discount_minor=5, total_minor=100)},
     ["total_disagrees"]),
])
def test_flags__name_what_is_worth_a_look(
    ledger: Ledger, models: ReadModels, *, fields: dict[str, Any], flags: list[str]
) -> None:
    put(ledger, tell(1, **fields))
    assert rows(models)[0]["flags"] == flags


def test_flags__of_changes(ledger: Ledger, models: ReadModels) -> None:
    cheaper = Amounts(total_minor=4000)
    put(ledger, place(1), ChangePrice(order=stream(1), occurred_at=NOON,
                                      amounts=costing([line()], 4000)))
    put(ledger, tell(2, paid=hour(1), paid_minor=5000), correct(2, "paid", 4990))
    paid = {"paid": hour(1), "paid_minor": 4990}
    put(ledger, tell(3, **paid), tell(3, amounts=cheaper, **paid))
    assert [(row["flags"], row["total_minor"], row["paid_minor"]) for row in rows(models)] == [
        (["price_changed"], 4000, 0),
        (["corrected"], 4990, 4990),
        (["corrected", "paid_differs_from_total"], 4000, 4990),
    ]


def test_total__is_the_sum_of_its_parts_where_only_these_are_told(
    ledger: Ledger, models: ReadModels
) -> None:
    parts = Amounts(goods_minor=100, postage_minor=10, discount_minor=1)
    put(ledger, place(1, lines=None, amounts=parts),
        place(2, lines=None, amounts=Amounts(goods_minor=100)))
    assert [row["total_minor"] for row in rows(models)] == [109, None]


def test_corrections__move_the_sums(ledger: Ledger, models: ReadModels) -> None:
    paid = {"paid": hour(1), "paid_minor": 100}
    put(ledger, tell(1, **paid), tell(1, paid=hour(2), paid_minor=130),
        correct(1, "paid", 120), refund(1, 50), correct(1, "refunded", 20))
    (row,) = rows(models)
    assert (row["paid_minor"], row["refunded_minor"]) == (120, 20)
    assert row["paid_at"] == "2026-10-01T05:00:00Z"


def test_orders__are_filtered_by_channel_shop_and_subject(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1), place(2, channel="tmall"), place(3, shop="云杉"), place(4, channel="t"))
    found = {name: [row["number"] for row in rows(models, **question)] for name, question in {
        "all": {}, "channel": {"channel": "taobao"}, "shop": {"shop": "云杉书店"},
        "both": {"channel": "taobao", "shop": "云杉书店"}, "other": {"shop": "无"},
        "one": {"subject": stream(1)}}.items()}
    assert found == {"all": ["4", "3", "1", "2"], "channel": ["3", "1"], "shop": ["4", "1", "2"],
                     "both": ["1"], "other": [], "one": ["1"]}


def test_orders__of_a_file_of_any_size_are_found_by_a_few_statements(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *(tell(f"{n:04}") for n in range(1234)))
    found = rows(models, channel="taobao")
    assert [row["number"] for row in found] == [f"{n:04}" for n in range(1234)]


@hypothesis_settings(max_examples=tried(40), deadline=None)
@given(history=histories)
def test_orders__are_what_a_plain_model_says(history: Any) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS, batch=4)
    try_all(opened.ledger, history)
    expected = naive(opened.store.read("main"))
    found = {row["subject"]: row for row in rows(models)}
    assert found.keys() == expected.keys()
    for subject, order in expected.items():
        row = found[subject]
        assert (row["paid_minor"], row["refunded_minor"], row["position"]) == (
            order["paid"], order["refunded"] if order["told"] else None, order["position"])
        assert row["total_minor"] == naive_total(order)
        assert row["paid_at"] == (order["paid_at"] and rfc3339(from_us(order["paid_at"])))
        ended = ("completed", "closed", "cancelled")
        assert (row["review_status"] if row["review_status"] in ended else None) == order["ended"]
    models.close()
    opened.close()


def test_order_state__knows_every_event_of_an_order() -> None:
    topics = {topic for topic in event_types.known_types() if topic.startswith("order.")}
    assert {*CHANGES, Order.Placed.TOPIC} == topics


def test_personal_values__are_in_no_row(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1, account="张三丰", recipient="李四光", phone="13800000000",
                      address="某某路一号", buyer_remark="要快"), remark(1, "老客户王五"),
        pay(1), refund(1, 10, account="alipay:zhangsan"))
    models.catch_up("main")
    for name in ("orders", "timeline"):
        with models.reading("main", name) as (connection, _):
            for table in models.projection(name).tables:
                found = repr(connection.exec_driver_sql(f"SELECT * FROM {table.name}").fetchall())
                for value in ("张三", "李四", "1380", "某某路", "要快", "王五", "zhangsan"):
                    assert value not in found


@needs(OLIST)
def test_olist_sample__has_its_control_totals_and_111_orders_out_of_order(shop: Shop) -> None:
    files = sorted(OLIST.glob("*.csv"))
    assert counts(shop.bring(*files, profile="olist")) == (33465, 33465, 0, 0)
    paid = [one["amount_minor"] for one in shop.payloads("order.paid.v1")]
    assert sum(paid) == 128633090
    placed = shop.payloads("order.placed.v1")
    assert (len(placed), sum(len(one.get("lines", ())) for one in placed)) == (8000, 9116)
    assert sum(one["amounts"].get("goods_minor", 0) for one in placed) == 108966009
    assert sum(one["amounts"].get("postage_minor", 0) for one in placed) == 18220139
    assert shop.types()["order.cancelled.v1"] == 60
    models = ReadModels(shop.opened.store, PROJECTIONS)
    found = rows(models)
    flagged = [row for row in found if "times_out_of_order" in row["flags"]]
    assert (len(found), len(flagged)) == (8000, 111)
    assert all(row["dispatched_at"] < row["paid_at"] for row in flagged)
    (sums,) = reports.run(models, "main", "reconciliation").rows
    assert (sums["orders"], sums["lines"], sums["value"]) == (8000, 9116, "1089660.09")
    assert (sums["goods_minor"], sums["postage_minor"]) == (108966009, 18220139)
    assert sums["paid_minor"] == 128633090
    assert models.compare_with_rebuild("main") == []
    models.close()
    if THOROUGH:
        assert shop.bring(*files, profile="olist").events == 0


def test_orders__as_of_before_they_were_placed_are_unknown(
    ledger: Ledger, models: ReadModels
) -> None:
    """A payment that is dated before its order counts for nothing until the order is placed."""
    put(ledger, tell(1, placed=hour(5), paid=hour(1), paid_minor=4990))
    assert rows(models, as_of=AsOf.parse(occurred_as_of="2026-10-01T08:59:59Z")) == []
    assert len(rows(models, as_of=AsOf.parse(occurred_as_of="2026-10-01T09:00:00Z"))) == 1


def test_lines__do_not_hold_an_order_back(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, record(1, lines=[line(f"S{n}", name=str(n)) for n in range(705)]))
    assert rows(models)[0]["position"] == 5


def test_marks__are_those_of_one_status_only() -> None:
    found = {status: marks_of(status) for status in REVIEW_STATUSES}
    assert sum(map(len, found.values())) == len({bits for one in found.values() for bits in one})
    assert sum(map(len, found.values())) == 2**7
    assert found["pending_review"] == [0]
    assert {status for status, marks in found.items() if min(marks) & bit_of("held")} == {"on_hold"}
