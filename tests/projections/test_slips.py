"""The slip of an order: what it says, from when it is, and what is opened in it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    DispatchParcel,
    PackOrder,
    PickOrder,
    ReserveOrder,
)
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    ChangeLines,
    ChangePrice,
    HoldOrder,
    OpenException,
    SubmitOrder,
)
from ledger.orders.values import Amounts, Line, PickedFrom
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from projections.asking.later import NotYetKnown
from projections.asking.past import NothingRecorded
from projections.asking.written import ERASED, LOST, PERSONAL
from projections.slips import Slip, most_useful, slip_of
from projections.stock.inventory import Stock
from projections.store.models import ReadModels
from tests.support.builders import (
    CHANNEL,
    HOUSE,
    NOON,
    SHOP,
    costing,
    line,
    opened,
    pay,
    place,
    received,
    remark,
    sell,
    stream,
)
from tests.support.erasing import buyer, erase
from tests.support.projecting import IMPORT, put, tell
from tests.support.shipping import LATER, on

WHOM = {"account": "a1", "recipient": "韩梅梅", "phone": "13800000001",
        "address": "文三路 1 号", "buyer_remark": "放门口"}


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Stock(),))
    yield made
    made.close()


def masked(models: ReadModels, number: object = "1") -> Slip:
    """The slip of an order, once all is known."""
    models.catch_up("main")
    return slip_of(models, "main", stream(number))


def read(ledger: Ledger, models: ReadModels, number: object = "1") -> dict[str, Any]:
    """What it says to whoever may open it."""
    return masked(models, number).opened(ledger.keys_to_read()).item


STOCK = (opened(), received("SH-001", 3, to_bin="B2"), received("SH-001", 2, to_bin="A1"),
         received("SH-001", 1), received("PEN", 5, to_bin="C1"))
BOOK = Line(line="1", sku="SH-001", title="云杉集", attributes="蓝色；大号", quantity=2,
            unit_price=4990, amount_minor=9980)
FEE = Line(line="3", title="运费", quantity=1, unit_price=0, amount_minor=0, fee=True)


def test_slip__says_all_that_the_warehouse_has_to_read(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK,
        sell(1, BOOK, line("PEN", name="2", quantity=2), FEE, **WHOM, province="浙江省",
             gifts=["书签"]),
        pay(1, 19960), remark(text="加急"), remark(text="用大箱"), on(ApproveOrder),
        AssignOrder(order=stream(), owner="member:7f3a", occurred_at=NOON),
        on(SubmitOrder, warehouse=HOUSE), on(PickOrder, lines=[PickedFrom("2", 2, "C1")]),
        on(CheckOrder, passed=True), on(PackOrder, parcel="P1", lines=[Count("2", 1)]),
        on(DispatchParcel, parcel="P1", courier="顺丰", waybill="SF1"),
        on(OpenException, exception="e1", kind="unsendable", note="缺纸箱", owner="member:2"),
        on(HoldOrder, reason="改地址"))
    item = read(ledger, models)
    placed, later = "2026-10-01T04:00:00Z", "2026-10-01T07:00:00Z"
    lines = item.pop("lines")
    assert item == {
        "order": stream(), "channel": CHANNEL, "shop": SHOP, "number": "1", "warehouse": HOUSE,
        "placed_at": placed, "owner": "member:7f3a", "review_status": "on_hold",
        "terms": "on_delivery", "payment_status": "paid",
        "fulfilment_status": "part_dispatched", "held": "改地址",
        "exceptions": [{"exception": "e1", "kind": "unsendable", "note": "缺纸箱",
                        "owner": "member:2", "opened_at": later}],
        "recipient": "韩梅梅", "phone": "13800000001", "address": "文三路 1 号",
        "buyer_remark": "放门口", "province": "浙江省",
        "remarks": [{"remark": "加急", "at": placed, "by": "system"},
                    {"remark": "用大箱", "at": placed, "by": "system"}],
        "gifts": ["书签"],
        "parcels": [{"parcel": "P1", "state": "dispatched", "courier": "顺丰", "waybill": "SF1",
                     "lines": [{"line": "2", "quantity": 1}]}],
        "approved_at": later, "changed_since_approval": [],
        "position": ledger.head().position}
    bins = [{"bin": "A1", "quantity": 2}, {"bin": "B2", "quantity": 3}, {"bin": "", "quantity": 1}]
    assert lines == [
        {"line": "1", "sku": "SH-001", "title": "云杉集", "attributes": "蓝色；大号", "ordered": 2,
         "pieces": {"reserved": 2}, "to_pick": 2, "to_pack": 0, "to_send": 0,
         "parts": [{"sku": "SH-001", "each": 1, "quantity": 2, "to_pick": 2, "bins": bins}]},
        {"line": "2", "sku": "PEN", "title": "云杉集", "attributes": None, "ordered": 2,
         "pieces": {"picked": 1, "in_transit": 1}, "to_pick": 0, "to_pack": 1, "to_send": 0,
         "parts": [{"sku": "PEN", "each": 1, "quantity": 2, "to_pick": 0,
                    "bins": [{"bin": "C1", "quantity": 3}]}]}]


def test_slip__of_a_kit_says_its_parts_and_where_they_lie(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, BundleSku(sku="SET", parts=[Part("SH-001", 1), Part("PEN", 2)],
                                  occurred_at=NOON),
        sell(1, line("SET", quantity=2)))
    (row,) = read(ledger, models)["lines"]
    assert [(part["sku"], part["each"], part["quantity"], part["to_pick"], len(part["bins"]))
            for part in row["parts"]] == [("SH-001", 1, 2, 2, 3), ("PEN", 2, 4, 4, 1)]


def test_slip__shows_bins_of_the_warehouse_of_the_order_only(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, opened("other"), received("PEN", 9, to_bin="Z9", warehouse="other"),
        place(1, lines=[line("PEN")]), place(2, lines=[line("PEN")]),
        on(ReserveOrder, 2, warehouse="other"))
    assert [part["bins"] for number in (1, 2)
            for part in read(ledger, models, number)["lines"][0]["parts"]] == [
        [], [{"bin": "Z9", "quantity": 9}]]


@given(known=st.dictionaries(st.sampled_from(["", "A", "B", "C", "D"]), st.integers(1, 9)),
       wanted=st.integers(0, 9))
def test_bins__that_hold_all_come_first_and_unknown_ones_last(
    known: dict[str, int], wanted: int
) -> None:
    found = most_useful(known.items(), wanted)
    assert dict(found) == known
    named = [pieces for name, pieces in found if name]
    whole = [pieces for pieces in named if pieces >= wanted]
    assert named == sorted(whole) + sorted((p for p in named if p < wanted), reverse=True)
    assert "" not in [name for name, _ in found[:-1]]


# -- what changed ---------------------------------------------------------------------------------


def test_slip__says_what_changed_after_the_last_approval(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, place(1, lines=[BOOK], account="a1"), remark(text="早"))
    assert masked(models).item["approved_at"] is None
    assert masked(models).item["changed_since_approval"] is None
    put(ledger, on(ApproveOrder),
        on(ChangeLines, lines=[line("PEN"), FEE], consent="电话"),
        ChangePrice(order=stream(), amounts=costing([line("PEN")], 4000), reason="改价",
                    occurred_at=LATER),
        remark(text="晚", occurred_at=LATER))
    put(ledger, tell(1, account="a1", address="解放路 2 号", amounts=Amounts(),
                     declared=Moment(LATER + timedelta(hours=1))), context=IMPORT)
    found = read(ledger, models)["changed_since_approval"]
    assert [(one["what"], one["by"]) for one in found] == [
        ("lines", "system"), ("price", "system"), ("remark", "system"), ("details", "cli:1")]
    assert found[0]["old"] == [{"line": "1", "sku": "SH-001", "title": "云杉集",
                                "attributes": "蓝色；大号", "ordered": 2}]
    assert [(one["sku"], one["ordered"]) for one in found[0]["new"]] == [("PEN", 1)]
    assert found[3]["fields"] == ["address"]
    assert found[3]["at"] == "2026-10-01T08:00:00Z"
    assert read(ledger, models)["address"] == "解放路 2 号"


def test_slip__of_an_order_without_lines(ledger: Ledger, models: ReadModels) -> None:
    """A platform's order list may have none."""
    put(ledger, tell(1, recipient="韩梅梅"), context=IMPORT)
    item = read(ledger, models)
    assert (item["lines"], item["recipient"], item["review_status"], item["phone"]) == (
        [], "韩梅梅", "imported", None)


# -- what is opened -------------------------------------------------------------------------------


def test_slip__is_masked_until_it_is_opened_and_says_which_fields_were(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1, account="a1", phone="13800000001"), remark(text="加急"),
        place(2, account="a2", phone="13800000002"))
    slip = masked(models)
    assert (slip.item["phone"], slip.item["remarks"][0]["remark"]) == (PERSONAL, PERSONAL)
    assert (slip.persons, slip.fields) == (frozenset(), frozenset())
    shown = slip.opened(ledger.keys_to_read())
    assert shown.item["phone"] == "13800000001"
    assert (shown.persons, shown.fields) == ({buyer(ledger)}, {"phone", "remarks"})


def test_slip__of_a_buyer_who_was_erased_or_is_lost(
    ledger: Ledger, models: ReadModels, keys: Keys
) -> None:
    put(ledger, place(1, **WHOM), remark(text="加急"), place(2, **{**WHOM, "account": "a2"}))
    erase(ledger, buyer(ledger))
    put(ledger, on(HoldOrder, reason="改地址"))
    slip = masked(models).opened(ledger.keys_to_read())
    assert [slip.item[name] for name in ("recipient", "phone", "address", "buyer_remark", "held")
            ] == [ERASED] * 5
    assert [one["remark"] for one in slip.item["remarks"]] == [ERASED]
    assert (slip.persons, slip.fields) == (frozenset(), frozenset())
    with keys.changing() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    ledger.keys.let_go([buyer(ledger, 2)])
    assert read(ledger, models, 2)["phone"] == LOST


# -- as of what it is -----------------------------------------------------------------------------


def test_slip__is_of_the_position_of_the_bins(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, sell(1, BOOK, **WHOM))
    before = masked(models)
    put(ledger, remark(text="加急"), received("SH-001", 9, to_bin="A1"))
    behind = slip_of(models, "main", stream())
    assert behind.item == before.item
    assert behind.as_of["position"] == before.as_of["position"]
    assert behind.as_of["head"] == ledger.head().position
    assert len(masked(models).item["remarks"]) == 1


def test_slip__rejected_of_an_order_that_is_not_there(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1))
    models.catch_up("main")
    for name in (stream(9), "sku:SH-001", "order", ""):
        with pytest.raises(NothingRecorded):
            slip_of(models, "main", name)
    put(ledger, place(2))
    with pytest.raises(NotYetKnown):
        slip_of(models, "main", stream(2))
