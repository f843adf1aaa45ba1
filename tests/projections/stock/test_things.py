"""What was written of warehouses, SKUs and transfers is read back as it was written."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from ledger.application import Ledger
from ledger.common.values import subject
from ledger.log.envelope import Entry
from ledger.stock.pieces import Part
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, SetThreshold
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from projections.stock.things import SentTransfer, SkuRow, WarehouseRow, sku, transfer, warehouse
from tests.support.builders import HOUSE, NOON, opened, received
from tests.support.projecting import put
from tests.support.typed import must_be

NORTH = "north 二"


def read(
    ledger: Ledger, stream: str, shown: Callable[[Sequence[Entry]], dict[str, Any]]
) -> dict[str, Any]:
    """A thing out of its stream."""
    return shown(ledger.store.streams("main", [stream]))


def test_warehouse__has_its_name_and_its_title(ledger: Ledger) -> None:
    put(ledger, opened(NORTH, title="北仓"))
    found = read(ledger, subject("warehouse", NORTH), warehouse)
    must_be(found, WarehouseRow)
    assert found == {
        "warehouse": subject("warehouse", NORTH), "name": NORTH, "title": "北仓",
        "opened_at": "2026-10-01T04:00:00Z", "position": ledger.head().position}


def test_sku__is_what_was_said_of_it_last(ledger: Ledger) -> None:
    at = {"occurred_at": NOON}
    put(ledger, RegisterSku(sku="钢笔", title="钢笔 100%", unit="g", **at),
        SetThreshold(sku="钢笔", threshold=3, **at), SetThreshold(sku="钢笔", threshold=5, **at),
        BundleSku(sku="SET", parts=[Part(sku="钢笔", each=2)], **at),
        AliasSku(sku="OLD", target="钢笔", **at))
    pen, bundle, old = (read(ledger, subject("sku", name), sku) for name in ("钢笔", "SET", "OLD"))
    for one in (pen, bundle, old):
        must_be(one, SkuRow)
    assert (pen["title"], pen["unit"], pen["registered"], pen["threshold"]) == (
        "钢笔 100%", "g", True, 5)
    assert (pen["other_name_of"], pen["parts"]) == (None, [])
    assert (bundle["registered"], bundle["parts"]) == (False, [{"sku": "钢笔", "each": 2}])
    assert (old["other_name_of"], old["threshold"], old["title"]) == ("钢笔", None, None)
    assert [one["price"] for one in (pen, bundle, old)] == [None] * 3
    put(ledger, AliasSku(sku="OLD", target="", **at))
    assert read(ledger, "sku:OLD", sku)["other_name_of"] is None


def test_transfer__adds_up(ledger: Ledger) -> None:
    later = NOON + timedelta(days=1)
    put(ledger, opened(), opened(NORTH), received("A", 9), received("B", 9),
        SendTransfer(number="T1", source=HOUSE, target=NORTH, occurred_at=NOON, lines=[
            Sending(sku="A", quantity=5), Sending(sku="B", quantity=2)]),
        ReceiveTransfer(number="T1", occurred_at=later, lines=[
            Arrival(sku="A", quantity=3), Arrival(sku="B", quantity=2)]),
        ReceiveTransfer(number="T1", occurred_at=later, reason="lost", lines=[
            Arrival(sku="A", quantity=1, place="written_off")]))
    found = read(ledger, "transfer:T1", transfer)
    must_be(found, SentTransfer)
    assert (found["from"], found["to"], found["sent_at"]) == (HOUSE, NORTH, "2026-10-01T04:00:00Z")
    assert found["sent_position"] < found["position"] == ledger.head().position
    came = {name: sum(line["quantity"] for one in found["arrivals"] for line in one["lines"]
                      if line["sku"] == name) for name in "AB"}
    left = {line["sku"]: line["quantity"] for line in found["underway"]}
    assert {line["sku"]: line["quantity"] for line in found["sent"]} == {
        name: came[name] + left.get(name, 0) for name in "AB"}
    assert [one["reason"] for one in found["arrivals"]] == [None, "lost"]
