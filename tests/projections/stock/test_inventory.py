"""Inventory: the fold equals the stock itself, the past is exact, a late entry rewrites nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.values import rfc3339
from ledger.fulfilment.commands import PickOrder
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.policies.commands import PublishPolicy
from ledger.policies.reader import parse
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Part
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, SetThreshold
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.past import NothingRecorded
from projections.asking.periods import PeriodReversed
from projections.asking.questions import Question, SubjectNeeded
from projections.catalogue import PROJECTIONS
from projections.stock.reports import REPORTS
from projections.store.models import ReadModels
from projections.store.rows import Rows
from tests.support.builders import CONTEXT, HOUSE, NOON, moved, opened, received, sell, stream

DAY = timedelta(days=1)


def asked(ledger: Ledger, name: str, **fields: Any) -> list[dict[str, Any]]:
    """The rows of a report."""
    models = ReadModels(ledger.store, PROJECTIONS)
    try:
        as_of = AsOf.parse(*(fields.pop(key, None) for key in ("position", "recorded", "occurred")))
        return reports.run(models, "main", name, Question(as_of=as_of, **fields)).rows
    finally:
        models.close()


def level(ledger: Ledger, place: str = "available", **fields: Any) -> int | None:
    """The level of the one SKU; None where nothing is known."""
    rows = asked(ledger, "inventory", **fields)
    return rows[0][place] if rows else None


def test_inventory__shows_every_state_and_what_is_on_hand(ledger: Ledger) -> None:
    for command in (opened(), received(quantity=10), sell(),
                    moved("SH-001", 2, "supplier", "receiving", "receipt"),
                    moved("SH-001", 1, "available", "damaged", "damage", reason="破损")):
        ledger.handle(command, CONTEXT)
    assert asked(ledger, "inventory") == [{
        "sku": "SH-001", "warehouse": HOUSE, "unit": "piece", "receiving": 2, "available": 8,
        "reserved": 1, "picked": 0, "packed": 0, "returns_inspection": 0, "quarantine": 0,
        "damaged": 1, "on_hand": 10, "between_warehouses": 0, "waiting": 0, "discrepancy": 0}]


def test_availability__shows_the_past_with_past_reservations(ledger: Ledger) -> None:
    """odoo (product.py), odoo#131370: past availability computed with today's reservations."""
    ledger.handle(opened(), CONTEXT)
    ledger.handle(received(quantity=10), CONTEXT)
    before = ledger.head().position
    ledger.handle(sell(1, occurred_at=NOON + DAY), CONTEXT)
    assert (level(ledger, position=before), level(ledger)) == (10, 9)
    assert level(ledger, occurred=rfc3339(NOON)) == 10
    assert level(ledger, "reserved", occurred=rfc3339(NOON)) == 0


def test_history__rejected_where_there_is_none(ledger: Ledger) -> None:
    """formance/ledger#1416: an as-of read without history answers {}."""
    ledger.handle(opened(), CONTEXT)
    with pytest.raises(NothingRecorded):
        asked(ledger, "inventory", subject="sku:SH-001")
    with pytest.raises(SubjectNeeded):
        asked(ledger, "stock-card")


NOTHING_SENT = dict.fromkeys(
    ("between_opening", "sent", "arrived", "lost", "between_closing"), 0)


def test_stock_ledger__shows_what_lies_between_warehouses(ledger: Ledger) -> None:
    """Of five that were sent, two arrive the next day, one is lost, and two are still under way."""
    two, one = [Arrival(sku="SH-001", quantity=2)], [
        Arrival(sku="SH-001", quantity=1, place="written_off")]
    for command in (opened(), opened("north"), received(quantity=8), SendTransfer(
            number="1", source=HOUSE, target="north", occurred_at=NOON,
            lines=[Sending(sku="SH-001", quantity=5)]),
            *(ReceiveTransfer(number="1", lines=lines, reason="丢失", occurred_at=NOON + DAY)
              for lines in (two, one))):
        ledger.handle(command, CONTEXT)

    def rows(**period: str) -> list[tuple[int, ...]]:
        return [tuple(row[name] for name in (
            "opening", "received", "issued", "closing", "between_opening", "sent", "arrived",
            "lost", "between_closing")) for row in asked(ledger, "stock-ledger", **period)]

    assert rows() == [(0, 8, 5, 3, 0, 5, 2, 1, 2), (0, 2, 0, 2, 0, 0, 0, 0, 0)]
    assert rows(since="2026-10-02") == [(3, 0, 0, 3, 5, 0, 2, 1, 2), (0, 2, 0, 2, 0, 0, 0, 0, 0)]
    assert rows(until="2026-10-01") == [(0, 8, 5, 3, 0, 5, 0, 0, 5)]
    assert [(row["warehouse"], row["on_hand"], row["between_warehouses"])
            for row in asked(ledger, "inventory")] == [(HOUSE, 3, 2), ("north", 2, 0)]


def test_period__takes_the_last_day_whole(ledger: Ledger) -> None:
    """hcb#15009: a bare end date dropped the last day."""
    late = datetime(2026, 10, 1, 15, 59, 59, tzinfo=UTC)
    for command in (opened(), received(quantity=10, occurred_at=NOON - DAY),
                    received(quantity=5, occurred_at=late),
                    moved("SH-001", 3, "available", "written_off", "write_off", reason="水浸",
                          occurred_at=late + timedelta(seconds=1))):
        ledger.handle(command, CONTEXT)
    assert asked(ledger, "stock-ledger", since="2026-10-01", until="2026-10-01") == [{
        "sku": "SH-001", "warehouse": HOUSE, "unit": "piece", "opening": 10, "received": 5,
        "issued": 0, "closing": 15, **NOTHING_SENT}]
    assert asked(ledger, "stock-ledger")[0] == {
        "sku": "SH-001", "warehouse": HOUSE, "unit": "piece", "opening": 0, "received": 15,
        "issued": 3, "closing": 12, **NOTHING_SENT}
    with pytest.raises(PeriodReversed):
        asked(ledger, "stock-ledger", since="2026-10-02", until="2026-10-01")


def test_stock_card__runs_by_business_time(ledger: Ledger) -> None:
    for command in (opened(), received(quantity=10), sell(1, occurred_at=NOON + 2 * DAY),
                    moved("SH-001", 4, "available", "written_off", "write_off", reason="水浸",
                          occurred_at=NOON + DAY)):
        ledger.handle(command, CONTEXT)
    rows = asked(ledger, "stock-card", subject="sku:SH-001")
    assert [(row["causes"], row["received"], row["issued"], row["on_hand"], row["available"])
            for row in rows] == [
        (["receipt"], 10, 0, 10, 10), (["write_off"], 0, 4, 6, 6), (["reservation"], 0, 0, 6, 5)]
    assert rows[1]["reason"] == "水浸"
    later = asked(ledger, "stock-card", subject="sku:SH-001", since="2026-10-03")
    assert [row["on_hand"] for row in later] == [6]


def test_low_stock__opens_once_and_closes_on_refill(ledger: Ledger) -> None:
    """erpnext#36154, openboxes#4742: a low-stock alert every day, or silently none."""
    ledger.handle(opened(), CONTEXT)
    ledger.handle(received(quantity=11), CONTEXT)
    assert asked(ledger, "low-stock") == []
    for number in range(4):
        ledger.handle(sell(number), CONTEXT)
    (alert,) = asked(ledger, "low-stock")
    assert (alert["open"], alert["available"], alert["lowest"], alert["threshold"]) == (
        True, 7, 7, 10)
    ledger.handle(received(quantity=3), CONTEXT)
    (alert,) = asked(ledger, "low-stock")
    assert (alert["open"], alert["lowest"], alert["closed_position"]) == (
        False, 7, ledger.head().position)
    ledger.handle(SetThreshold(sku="SH-001", threshold=20, occurred_at=NOON), CONTEXT)
    again, _ = asked(ledger, "low-stock")
    assert (again["open"], again["threshold"]) == (True, 20)


@pytest.mark.parametrize(("merge", "undo"), [
    (AliasSku(sku="OLD", target="NEW", occurred_at=NOON),
     AliasSku(sku="OLD", target="", occurred_at=NOON)),
    (BundleSku(sku="OLD", parts=[Part("NEW", 2)], occurred_at=NOON),
     BundleSku(sku="OLD", parts=[], occurred_at=NOON))])
def test_low_stock__of_what_was_merged_closes_and_opens_again_with_the_sku(
    ledger: Ledger, merge: Any, undo: Any
) -> None:
    for command in (opened(), received("OLD", 1), moved(
            "OLD", 1, "available", "written_off", "write_off", reason="并码"), received("NEW", 50)):
        ledger.handle(command, CONTEXT)
    before = ledger.head().position
    assert [row["open"] for row in asked(ledger, "low-stock")] == [True]
    ledger.handle(merge, CONTEXT)
    assert [row["open"] for row in asked(ledger, "low-stock")] == [False]
    ledger.handle(undo, CONTEXT)
    assert [row["open"] for row in asked(ledger, "low-stock")] == [True, False]
    assert [row["open"] for row in asked(ledger, "low-stock", position=before)] == [True]


def test_discrepancy__stays_open_until_the_place_is_full_again(ledger: Ledger) -> None:
    for command in (opened(), received(quantity=1),
                    moved("SH-001", 3, "available", "written_off", "write_off", reason="水浸")):
        ledger.handle(command, CONTEXT)
    assert level(ledger, "discrepancy") == 2
    (found,) = asked(ledger, "discrepancies")
    assert (found["place"], found["level"], found["open"]) == ("available", -2, True)
    ledger.handle(received(quantity=2), CONTEXT)
    (found,) = asked(ledger, "discrepancies")
    assert (found["level"], found["lowest"], found["open"]) == (0, -2, False)


@pytest.mark.parametrize(("hours", "words"), [(-2, ["movement_known_later"]), (1, [])])
def test_discrepancy__says_that_a_movement_before_it_came_later(
    hours: int, words: list[str], ledger: Ledger
) -> None:
    """R-MON-28"""
    for command in (opened(), received(quantity=1, occurred_at=NOON - DAY),
                    moved("SH-001", 3, "available", "written_off", "write_off", reason="水浸",
                          occurred_at=NOON)):
        ledger.handle(command, CONTEXT)
    (before,) = asked(ledger, "discrepancies")
    head = ledger.head().position
    ledger.handle(received(quantity=1, occurred_at=NOON + timedelta(hours=hours)), CONTEXT)
    (row,) = asked(ledger, "discrepancies")
    assert (before["rests_on"], row["rests_on"]) == ([], words)
    assert asked(ledger, "discrepancies", position=head)[0]["rests_on"] == []


def test_unit__in_every_report_also_of_the_past(ledger: Ledger) -> None:
    """The unit stands in every report, whatever moment is asked about."""
    at = {"occurred_at": NOON - DAY}
    goods = moved("TEA", 3, "supplier", "available", "receipt", to_bin="A1", **at)
    gone = moved("TEA", 4, "available", "written_off", "write_off", reason="潮", bin="A1", **at)
    for command in (opened(), RegisterSku(sku="TEA", unit="g", occurred_at=NOON + DAY), goods, gone,
                    received("SH-001")):
        ledger.handle(command, CONTEXT)

    def units(name: str, **fields: Any) -> set[str]:
        return {row["unit"] for row in asked(ledger, name, subject="sku:TEA", **fields)}

    last = ledger.head().position
    for name in REPORTS:
        assert units(name) == {"g"}, name
        assert units(name, occurred=rfc3339(NOON)) == {"g"}, name
        assert units(name, position=last) == {"g"}, name
    assert [row["unit"] for row in asked(ledger, "inventory")] == ["piece", "g"]


def test_bins__are_those_of_the_shelf_until_pieces_are_picked(ledger: Ledger) -> None:
    def bins() -> list[tuple[str, str, int]]:
        return [(row["place"], row["bin"], row["quantity"]) for row in asked(ledger, "bins")]

    on = {"order": stream(), "occurred_at": NOON}
    for command in (opened(), CountStock(warehouse=HOUSE, occurred_at=NOON - DAY, counts=[
            CountLine(sku="SH-001", quantity=4, bin="A1"),
            CountLine(sku="SH-001", quantity=6, bin="B2")]), sell(),
            ApproveOrder(**on), SubmitOrder(**on, warehouse=HOUSE)):
        ledger.handle(command, CONTEXT)
    assert bins() == [("shelf", "A1", 4), ("shelf", "B2", 6)]
    before = ledger.head().position
    ledger.handle(PickOrder(**on, lines=[PickedFrom("1", 1, "A1")]), CONTEXT)
    assert bins() == [("picked", "", 1), ("shelf", "A1", 3), ("shelf", "B2", 6)]
    assert [row["quantity"] for row in asked(ledger, "bins", position=before)] == [4, 6]


def test_backdated__writes_as_many_rows_however_much_came_after(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """erpnext#53638, #53773: a back-dated entry rewrites later rows."""
    written: list[int] = []
    write = Rows.write
    monkeypatch.setattr(Rows, "write", lambda rows, change: (
        written.append(len(change.inserts) + len(change.upserts)), write(rows, change))[1])

    def late() -> int:
        models = ReadModels(ledger.store, PROJECTIONS)
        models.catch_up("main")
        written.clear()
        ledger.handle(received(quantity=1, occurred_at=NOON - DAY), CONTEXT)
        models.catch_up("main")
        models.close()
        return sum(written)

    ledger.handle(opened(), CONTEXT)
    ledger.handle(received(quantity=500), CONTEXT)
    few = late()
    ledger.handle_many([(sell(number), CONTEXT) for number in range(200)])
    assert late() == few


def test_rebuild__equals_what_was_followed_in_any_batches(ledger: Ledger) -> None:
    ledger.handle(opened(), CONTEXT)
    followed = ReadModels(ledger.store, PROJECTIONS, batch=3)
    for quantity in range(1, 12):
        ledger.handle(received(quantity=quantity), CONTEXT)
        ledger.handle(sell(quantity), CONTEXT)
        if quantity % 4 == 0:
            followed.catch_up("main")
    followed.catch_up("main")
    before = followed.digest("main", "stock")
    assert followed.compare_with_rebuild("main") == []
    followed.rebuild("main")
    assert followed.digest("main", "stock") == before
    followed.close()


def policy(value: str, since: str, at: datetime = NOON) -> PublishPolicy:
    """A policy that says how few pieces are too few, from a day on."""
    return PublishPolicy(policy=parse("x", "title: t\nthresholds:\n- {threshold: low_stock, "
                         f"value: {value}, unit: pieces, zh: a, en: a}}\n"),
                         effective_from=since, occurred_at=at)


def opened_at(ledger: Ledger, **fields: Any) -> list[tuple[int, bool]]:
    """The thresholds of the notices of low stock, and whether they are open."""
    return [(row["threshold"], row["open"]) for row in asked(ledger, "low-stock", **fields)]


def test_low_stock__is_what_the_policy_in_force_says(ledger: Ledger) -> None:
    for command in (opened(), received(quantity=8), received("SH-002", quantity=8),
                    SetThreshold(sku="SH-002", threshold=9, occurred_at=NOON)):
        ledger.handle(command, CONTEXT)
    assert opened_at(ledger) == [(10, True), (10, True)]
    before = ledger.store.head("main").position

    ledger.handle(policy("5", "2026-01-01"), CONTEXT)
    assert opened_at(ledger) == [(10, True), (10, False)]
    assert opened_at(ledger, position=before) == [(10, True), (10, True)]

    ledger.handle(policy("20", (NOON + DAY).date().isoformat()), CONTEXT)
    assert opened_at(ledger, subject="sku:SH-001") == [(10, False)]
    ledger.handle(RegisterSku(sku="SH-009", occurred_at=NOON + 2 * DAY), CONTEXT)
    (now, earlier) = asked(ledger, "low-stock", subject="sku:SH-001")
    assert (now["threshold"], now["open"], now["opened_at"]) == (
        20, True, rfc3339(NOON + 2 * DAY))
    assert earlier["open"] is False
    assert opened_at(ledger, subject="sku:SH-001", occurred=rfc3339(NOON + DAY)) == [(10, False)]


def test_low_stock__rebuilt_is_what_was_followed_in_any_batches(ledger: Ledger) -> None:
    models = [ReadModels(ledger.store, PROJECTIONS, batch=batch) for batch in (1, 3, 1000)]
    later = (NOON + DAY).date().isoformat()
    ledger.handle(opened(), CONTEXT)
    for number, command in enumerate((
            received(quantity=8), policy("5", "2026-01-01"), received("SH-002", quantity=4),
            policy("9", later), received("SH-003", quantity=7),
            RegisterSku(sku="SH-009", occurred_at=NOON + 2 * DAY), sell())):
        ledger.handle(command, CONTEXT)
        models[number % 3].catch_up("main")
    followed = asked(ledger, "low-stock")
    models[0].rebuild("main")

    assert asked(ledger, "low-stock") == followed
    assert {(row["sku"], row["threshold"]) for row in followed if row["open"]} == {
        ("SH-001", 9), ("SH-002", 5), ("SH-003", 9)}
    for one in models:
        one.close()
