"""Stock over HTTP: movements, counts, transfers, levels, cards, notices."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import Response

from api.http import reading, shapes, things, writing
from api.http.history import add_history
from api.http.reading import ClockQuery, Listed, at_position, question
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.things import Things
from api.http.writing import Route
from ledger.fulfilment.commands import ReleaseBackOrders
from ledger.log.envelope import Entry
from ledger.stock.corrections import CorrectStock
from ledger.stock.counts import CountStock, StockCount
from ledger.stock.movements import ApproveMovement, Movement, MoveStock, RefuseMovement
from ledger.stock.prices import PriceSku
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, SetThreshold
from ledger.stock.transfers import ReceiveTransfer, SendTransfer, Transfer
from ledger.stock.warehouses import OpenWarehouse
from projections.explaining.levels import explain_stock
from projections.stock import documents
from projections.stock import things as as_written
from projections.stock.answers import ExplainedStock

FLOOR = {"warehouse", "warehouse_head", "integration", "manager"}
APPROVERS = FLOOR - {"integration"}
"""Who may be the second person of a movement: never a machine."""
SEES_WAITING = APPROVERS | {"finance", "auditor"}
"""Who reads what waits for a second person."""
PRICERS = {"finance", "manager"}
"""Who says what a SKU costs, and below what it is not sold."""
SEES_PRICES = PRICERS | {"service", "operations", "purchasing", "auditor"}

DATA = {"warehouse_head", "purchasing", "operations", "manager", "integration"}

group = Blueprint("stock", __name__, description="Goods: where they lie and how they got there.")

writing.add(group, [
    Route("/v1/warehouses", OpenWarehouse, {"manager", "warehouse_head"},
          location="/v1/warehouses"),
    Route("/v1/skus", RegisterSku, DATA, location="/v1/skus"),
    Route("/v1/skus/<sku>/aliases", AliasSku, DATA, ("sku",)),
    Route("/v1/skus/<sku>/parts", BundleSku, DATA, ("sku",)),
    Route("/v1/skus/<sku>/thresholds", SetThreshold, DATA, ("sku",)),
    Route("/v1/skus/<sku>/prices", PriceSku, PRICERS, ("sku",)),
    Route("/v1/stock-movements", MoveStock, FLOOR, location="/v1/stock-movements",
          makes=Movement.KIND),
    Route("/v1/stock-movements/<movement>/approvals", ApproveMovement, APPROVERS, ("movement",)),
    Route("/v1/stock-movements/<movement>/refusals", RefuseMovement, FLOOR, ("movement",)),
    Route("/v1/stock-counts", CountStock, FLOOR, location="/v1/stock-counts",
          makes=StockCount.KIND),
    Route("/v1/stock-corrections", CorrectStock, {"warehouse_head", "manager"}),
    Route("/v1/back-order-releases", ReleaseBackOrders, FLOOR),
    Route("/v1/transfers", SendTransfer, FLOOR, location="/v1/transfers"),
    Route("/v1/transfers/<number>/receipts", ReceiveTransfer, FLOOR, ("number",)),
])
reading.add(group, [
    Listed("/v1/inventory", "inventory", "Pieces by place of every SKU and warehouse."),
    Listed("/v1/inventory/<subject>", "inventory", "Pieces by place of sku:… or stock:…."),
    Listed("/v1/bins", "bins", "Pieces by place and bin."),
    Listed("/v1/bins/<subject>", "bins", "Pieces by place and bin of sku:… or stock:…."),
    Listed("/v1/stock-cards/<subject>", "stock-card", "What every document posted, with balances."),
    Listed("/v1/stock-ledger", "stock-ledger", "Opening, received, issued, closing."),
    Listed("/v1/transfers", "open-transfers", "Transfers of which pieces are under way."),
    Listed("/v1/to-approve", "to-approve", "Movements that wait for a second person.",
           roles=SEES_WAITING),
    Listed("/v1/prices/<subject>", "prices", "What a SKU cost when, and its floor.",
           roles=SEES_PRICES),
    Listed("/v1/alerts", "low-stock", "Notices of low stock, open and closed."),
    Listed("/v1/discrepancies", "discrepancies", "Places below zero."),
])


def _sku(entries: Sequence[Entry]) -> dict[str, Any]:
    return {**as_written.sku(entries), "prices": f"/v1/prices/{quote(entries[0].stream, safe=':')}"}


TRANSFERS = Things("/v1/transfers", Transfer.KIND, "Transfers, with what arrived.", READERS,
                   as_written.transfer, as_written.SentTransfer, "-sent_position",
                   by_age=True, listed=False)

things.add(group, Things("/v1/warehouses", "warehouse", "Warehouses, by their names.", READERS,
                         as_written.warehouse, as_written.WarehouseRow, "name"))
things.add(group, Things("/v1/skus", "sku", "SKUs of which something was said, by their names.",
                         READERS, _sku, as_written.SkuRow, "sku",
                         only=dict.fromkeys(("price", "prices"), SEES_PRICES)))
things.add(group, TRANSFERS)
things.add_list(group, TRANSFERS._replace(
    path="/v1/sent-transfers", what="All transfers, those that arrived among them."))
things.add(group, Things("/v1/stock-movements", Movement.KIND, "Movements, step by step.",
                         SEES_WAITING | FLOOR, documents.movement, documents.OneMovement,
                         "movement", listed=False, given="movement"))
things.add(group, Things("/v1/stock-counts", StockCount.KIND, "Counts, step by step.", READERS,
                         documents.count, documents.OneCount, "count", listed=False))
add_history(group, "/v1/stock/<subject>/history", "stock")


@group.permit("/v1/stock/<subject>/explain", READERS, name="stock-explain")
@group.arguments(ClockQuery(), location="query")
@group.response(200, shapes.item(ExplainedStock))
def explain(query: Mapping[str, Any], subject: str) -> Response:
    """Every level of an account with the postings that it adds up from: position, pointer, factor.
    """
    as_of, levels = explain_stock(edge().store, caller().ledger, subject, question(query).as_of)
    return at_position(as_of, {"as_of": as_of, "item": levels})
