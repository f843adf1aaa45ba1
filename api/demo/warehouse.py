"""The demo's warehouse: an order of which a piece is cancelled and whose parcel is refused, its
slip, and a bin that holds one piece fewer than the books say."""

from contextlib import closing
from datetime import datetime
from typing import Any

import click

from api import slips
from api.demo.stock import CHANNEL, HOUSE, SHOP, do
from api.messages import tr
from ledger.application import Ledger
from ledger.common.context import Context
from ledger.fulfilment.commands import (
    CheckOrder,
    DispatchParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    SellOrder,
)
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    EndOrder,
    PayOrder,
    RefundOrder,
    SubmitOrder,
)
from ledger.orders.values import Amounts, Line, PickedFrom
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    PayRefund,
    ReceiveGoods,
    RequestCase,
)
from ledger.returns.values import CaseLine, Outcome
from ledger.settings import Opened
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Count
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run as ask
from projections.slips import slip_of
from projections.store.models import ReadModels

ORDER, CASE = f"order:{CHANNEL}:{SHOP}:demo-3", f"case:{CHANNEL}:{SHOP}:demo-R3"
PRICE = 3980
COUNT = f"count:{HOUSE}:demo-A01"
LEVELS = ("sku", "available", "reserved", "returns_inspection", "on_hand")


def run(opened: Opened, readings: Ledger) -> None:
    """Sell three, cancel one, send two, have them refused and put them back; count their bin. Who
    reads the slip is noted in the ledger of readings."""
    ledger = opened.ledger
    _sell(ledger)
    with closing(ReadModels(opened.store, PROJECTIONS)) as models:
        click.echo(tr("Three books are sold, and the buyer wants only two: one is cancelled and "
                      "refunded, two stay reserved:"))
        _pieces(models)
        click.echo(tr("Its slip, as it is printed for picking:"))
        models.catch_up("main")
        slip = slip_of(models, "main", ORDER).opened(ledger.keys_to_read())
        slips.note(readings, slip, "pick", Context(
            actor="system", role="warehouse", client="demo"))
        for line in slips.lines_of(slip, "pick", ledger.days):
            click.echo(f"  {line}".rstrip())
        _send(ledger)
        click.echo(tr("The parcel goes out, and is refused at the door: the books are with the "
                      "courier until they are back and inspected:"))
        _pieces(models)
        _take_back(ledger)
        _pieces(models)
        click.echo(tr("A bin is counted: one book fewer than the ledger says for that moment:"))
        do(ledger, "keeper", CountStock(warehouse=HOUSE, number="demo-A01",
                                         occurred_at=_at("17:00"), counts=[
            CountLine(sku="QM-001", quantity=9, bin="A-01")]))
        for row in ask(models, "main", "timeline", Question(subject=COUNT)).rows:
            for one in row["payload"]["lines"]:
                click.echo(f"  {one['sku']}  bin {one['bin']}  book {one['book']}  counted "
                           f"{one['counted']}  variance {one['variance']}")
        for row in ask(models, "main", "inventory", Question(subject="sku:QM-001")).rows:
            click.echo("  " + "  ".join(f"{name} {row[name]}" for name in LEVELS))


def _at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-09-30T{time}:00+08:00")


def _on(time: str) -> dict[str, Any]:
    return {"order": ORDER, "occurred_at": _at(time)}


def _sell(ledger: Ledger) -> None:
    """Sold, paid and approved; then a piece is cancelled and refunded."""
    goods = 3 * PRICE
    do(ledger, "service", SellOrder(
        channel=CHANNEL, shop=SHOP, number="demo-3", currency="CNY", warehouse=HOUSE,
        occurred_at=_at("10:00"), recipient="陈静", phone="000-0000-0003",
        address="杭州市 梧桐路 3 号", province="浙江省", account="demo-reader-3",
        buyer_remark="请放前台", gifts=["书签"], lines=[Line(
            line="1", sku="QM-001", title="云上的图书馆", attributes="装帧：平装", quantity=3,
            unit_price=PRICE, amount_minor=goods)],
        amounts=Amounts(goods_minor=goods, postage_minor=0, discount_minor=0, total_minor=goods)))
    do(ledger, "integration", PayOrder(**_on("10:02"), amount_minor=goods))
    do(ledger, "service", ApproveOrder(**_on("10:10"), note="电话确认地址"))
    do(ledger, "service", SubmitOrder(**_on("10:11"), warehouse=HOUSE))
    do(ledger, "service", CancelPieces(
        **_on("10:20"), lines=[Count("1", 1)], reason="买家旺旺：只要两本"))
    do(ledger, "finance", RefundOrder(**_on("10:30"), amount_minor=PRICE,
                                       reference="TK-1", reason="少要一本"))


def _send(ledger: Ledger) -> None:
    """From the shelf to the door, where nobody takes it."""
    do(ledger, "dispatcher", PickOrder(**_on("10:40"), lines=[PickedFrom("1", 2, "A-01")]))
    do(ledger, "dispatcher", CheckOrder(**_on("10:45"), passed=True))
    do(ledger, "dispatcher", PackOrder(**_on("10:50"), parcel="P1", lines=[Count("1", 2)]))
    do(ledger, "dispatcher", DispatchParcel(
        **_on("11:00"), parcel="P1", courier="顺丰", waybill="SF000003"))
    do(ledger, "service", RefuseParcel(**_on("14:00"), parcel="P1", reason="买家拒收"))


def _take_back(ledger: Ledger) -> None:
    """The courier brings it back, and its price is refunded."""
    def on(time: str) -> dict[str, Any]:
        return {"case": CASE, "occurred_at": _at(time)}

    do(ledger, "service", RequestCase(
        channel=CHANNEL, shop=SHOP, number="demo-R3", currency="CNY", order=ORDER, kind="refused",
        lines=[CaseLine(line="1", quantity=2)], refund_minor=2 * PRICE, reason="拒收",
        occurred_at=_at("14:10")))
    do(ledger, "service", AuthoriseCase(**on("14:15")))
    do(ledger, "keeper", ReceiveGoods(**on("16:00"), warehouse=HOUSE, lines=[Count("1", 2)]))
    do(ledger, "keeper", InspectGoods(**on("16:20"), lines=[
        Outcome("1", 2, "restocked", "A-01")]))
    do(ledger, "service", ApproveRefund(**on("16:30"), amount_minor=2 * PRICE))
    do(ledger, "finance", PayRefund(**on("16:40"), amount_minor=2 * PRICE))
    do(ledger, "service", CloseCase(**on("16:41")))
    do(ledger, "service", EndOrder(**_on("16:45"), ended_as="closed", reason="拒收退款"))


def _pieces(models: ReadModels) -> None:
    """Where the pieces of the order are, and those of their SKU."""
    for row in ask(models, "main", "fulfilment", Question(subject=ORDER)).rows:
        there = "  ".join(f"{state} {pieces}" for state, pieces in row["pieces"].items() if pieces)
        click.echo(f"  {row['fulfilment_status']}: {there}")
    for row in ask(models, "main", "inventory", Question(subject="sku:QM-001")).rows:
        click.echo("  " + "  ".join(f"{name} {row[name]}" for name in LEVELS))
