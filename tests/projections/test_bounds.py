"""Values at their bounds: what is taken can be held by whatever follows it, exactly."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.bounds import MOST_IN_ALL, Number, Whole
from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.moments import Moment
from ledger.common.values import MAX_INTEGER, exact, to_us
from ledger.core.commands import Command
from ledger.deductions.commands import ReduceDeduction
from ledger.log.envelope import spelled_subjects
from ledger.log.store import Store
from ledger.orders.commands import ChangePrice, CorrectOrder, PayOrder, RefundOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.errors import PaidTooMuch
from ledger.orders.placing import NewOrder
from ledger.orders.values import Amounts
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    InspectGoods,
    PayRefund,
    ReceiveGoods,
)
from ledger.returns.values import CaseLine, Outcome
from ledger.stock.account import MOST_MOVED
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import TooManyPieces
from ledger.stock.movements import Movement, movement_of
from ledger.stock.pieces import MAX_PIECES, Count, Part
from ledger.stock.places import AVAILABLE, STOCKTAKE_GAIN_LOSS, WRITTEN_OFF, stock_of
from ledger.stock.skus import BundleSku, SetThreshold
from ledger.stock.slips import FOUND, WRITE_OFF, RecordSlip, SlipLine
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from projections import reports
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.conftest import durable, on_sqlite
from tests.support import cases, samples, team
from tests.support.bodies import order
from tests.support.builders import (
    CHANNEL,
    CONTEXT,
    HOUSE,
    NOON,
    SHOP,
    context,
    entry,
    line,
    moved,
    opened,
    pay,
    place,
    received,
    record,
    sell,
    stream,
    write,
)
from tests.support.projecting import correct, put, refund
from tests.support.thorough import tried
from tests.support.web import Web

SHOWN = ("orders", "fulfilment", "reconciliation", "inventory", "low-stock", "bins", "returns",
         "stock-ledger", "discrepancies", "deductions")

POINTS = team.rule("ANY", {"offender": ["0.0001", "100"]}, exempt="objective")


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def story(name: str) -> list[Command]:
    """Commands with every amount and quantity of an order, of stock and of its threshold."""
    parts = Amounts(goods_minor=1, postage_minor=1, discount_minor=1)
    whole = Amounts(goods_minor=1, postage_minor=1, discount_minor=1, total_minor=1)
    return [
        received(), SetThreshold(sku="SH-001", threshold=1, occurred_at=NOON),
        place(name, lines=None, amounts=parts, pieces=1, points=1),
        ChangePrice(order=stream(name), amounts=Amounts(goods_minor=1), occurred_at=NOON),
        *(pay(name, 1, occurred_at=NOON + timedelta(minutes=n)) for n in range(3)),
        refund(name, 1), correct(name, "paid", 2), refund(name, 1), correct(name, "refunded", 1),
        record(f"{name}r", amounts=whole, pieces=1, points=1, refunded_minor=1,
               refunded=Moment(NOON + timedelta(days=1))),
        sell(f"{name}s", line()), pay(f"{name}s", 1)]


def slip(name: str, kind: str = FOUND) -> RecordSlip:
    """A slip for a bundle."""
    return RecordSlip(channel=CHANNEL, shop=SHOP, number=name, currency="CNY", kind=kind,
                      at=Moment(NOON), warehouse=HOUSE, reason="试",
                      lines=[SlipLine(line="1", sku="SET", quantity=1)])


def stock_story(name: str) -> list[Command]:
    """Commands with every quantity of stock: a bundle, counts, bins, transfers, slips, sales."""
    sent = {"number": name, "occurred_at": NOON}
    return [
        BundleSku(sku="SET", parts=[Part("SH-001", 1), Part("SH-002", 1)], occurred_at=NOON),
        CountStock(warehouse=HOUSE, occurred_at=NOON - timedelta(days=1), counts=[
            CountLine(sku="SH-001", quantity=1), CountLine(sku="SH-002", quantity=1)]),
        moved("SH-001", 1, "available", "available", "bin_move", to_bin="B"),
        SendTransfer(source=HOUSE, target="north", lines=[Sending(sku="SH-001", quantity=1)],
                     **sent),
        ReceiveTransfer(lines=[Arrival(sku="SH-001", quantity=1)], **sent),
        slip(f"{name}f"), sell(f"{name}b", line("SET")), slip(f"{name}w", WRITE_OFF),
        record(f"{name}d", lines=[line("SET")], warehouse=HOUSE)]


def case_story(name: str) -> list[Command]:
    """Commands with every sum and quantity of cases: what is asked for, comes back, is paid."""
    def on(cls: type[Any], **fields: Any) -> Any:
        return cases.on(cls, f"{name}q", **fields)

    back = CaseLine(line="1", order_line="1", quantity=1, unit_price=1, amount_minor=1)
    return [
        record(f"{name}o", delivered=Moment(NOON + timedelta(days=2))),
        cases.ask(f"{name}q", back, order=stream(f"{name}o"), refund_minor=None),
        on(AuthoriseCase), on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 1)]),
        on(InspectGoods, lines=[Outcome(line="1", quantity=1, disposition="restocked")]),
        *(on(cls, amount_minor=1) for cls in (ApproveRefund, ApproveRefund, PayRefund)),
        cases.orphan(f"{name}p", CaseLine(line="1", sku="SET", quantity=1))]


def deduction_story(name: str, *, highest: bool) -> list[team.Step]:
    """Steps with the points of a deduction at their bounds."""
    most, least = ("100", "99.9999") if highest else ("0.0001", "0.0001")
    return [
        (team.CHEN, team.propose(name, "ANY", about=stream(name))),
        (team.ZHOU, team.confirm(name, points={"offender": most})),
        (team.WANG, team.appeal(name)),
        (team.LIU, ReduceDeduction(deduction=f"deduction:{name}", member=team.WANG, points=least,
                                   reason="试", occurred_at=team.at("2026-09-10")))]


def at_bounds(command: Command, highest: Iterator[bool]) -> Command:
    """The same command with each of its numbers at its least or most; as it is, where such numbers
    do not fit each other."""
    body = msgspec.to_builtins(command)
    if isinstance(command, NewOrder) and not isinstance(command, RecordOrder):
        for one in body.get("lines") or ():  # any quantity of what costs nothing agrees
            one.update(unit_price=0, amount_minor=0)
    for leaf in samples.leaves(type(command)):
        bound = next((one for one in leaf.bounds if isinstance(one, Whole | Number)), None)
        with suppress(KeyError, IndexError, TypeError):
            if leaf.path[-1] in ("unit_price", "amount_minor") and samples.inside(
                    body, leaf.path) == 0:
                continue
            if bound is not None and type(samples.inside(body, leaf.path)) in (int, str):
                body = samples.replaced(
                    body, leaf.path, bound.most if next(highest) else bound.least)
    with suppress(InvalidValues):
        return msgspec.convert(body, type(command))
    return command


def kept_exact(value: Any) -> None:
    """Every reader of JSON keeps the whole numbers of a value."""
    def small(digits: str) -> int:
        assert abs(int(digits)) <= MAX_INTEGER
        return int(digits)

    json.loads(json.dumps(exact(value)), parse_int=small)


def begin(store: Store, ledger: Ledger) -> None:
    """Open the warehouses and the shop, once."""
    if not store.streams("main", [opened().subject]):
        put(ledger, opened(), opened("north"), received("SH-002"))
        team.record(ledger, team.opening(POINTS))


@durable
@hypothesis_settings(max_examples=tried(30), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(highest=[True])
@example(highest=[False])
@given(highest=st.lists(st.booleans(), min_size=40, max_size=40))
def test_bounds__of_all_commands_at_once_stop_no_read_model(
    store: Store, ledger: Ledger, models: ReadModels, highest: list[bool]
) -> None:
    begin(store, ledger)
    choices = (highest[n % len(highest)] for n in range(10**6))
    name = f"n{ledger.head().position}"
    commands = [(at_bounds(one, choices), CONTEXT)
                for one in (*story(name), *stock_story(name), *case_story(name))]
    commands += [(one, context(actor=actor))
                 for actor, one in deduction_story(name, highest=next(choices))]
    results = ledger.handle_many(commands)
    refused = {type(one) for (one, _), result in zip(commands, results, strict=True)
               if isinstance(result, LedgerError)}
    if highest == [True]:  # the first one
        assert refused == {PayOrder, RefundOrder, CorrectOrder, ApproveRefund, PayRefund}
    assert [(one.projection, one.error) for one in models.catch_up("main") if one.error] == []
    for shown in SHOWN:
        kept_exact(reports.run(models, "main", shown, Question()).rows)


@pytest.mark.parametrize("backend", ["memory", "sqlite"], indirect=True)
def test_bounds__of_what_may_ever_move_of_a_stock(
    store: Store, ledger: Ledger, models: ReadModels
) -> None:
    """Whatever moves there and back adds up, in every report, to what a database keeps exact."""
    begin(store, ledger)
    bundle = BundleSku(sku="SET", parts=[Part("SH-001", MAX_PIECES)], occurred_at=NOON)
    put(ledger, bundle, received(quantity=10))
    half, head = MOST_MOVED // 2, ledger.head()
    account = stock_of(HOUSE, "SH-001")
    write(store, *(entry(
        head.position + n, stream=(number := movement_of(HOUSE, f"large-{n}")), version=1,
        type=Movement.Moved.TOPIC, recorded_at=head.recorded_at + n, occurred_at=to_us(NOON),
        subjects=spelled_subjects([number, account]),
        payload=msgspec.json.encode({"warehouse": HOUSE, "postings": [{
            "account": account, "quantity": quantity, "from": source, "to": target,
            "cause": cause}]}))
        for n, quantity, source, target, cause in (
            (1, half, STOCKTAKE_GAIN_LOSS, AVAILABLE, FOUND),
            (2, half - 10 - MAX_PIECES, AVAILABLE, WRITTEN_OFF, WRITE_OFF))))
    put(ledger, slip("1"))
    for command in (slip("2"), received(quantity=1)):
        with pytest.raises(TooManyPieces, match=f"only {MOST_MOVED} can be kept exactly"):
            ledger.handle(command, CONTEXT)
    (row,) = reports.run(models, "main", "stock-ledger", Question(subject="sku:SH-001")).rows
    assert (row["received"], row["issued"], row["closing"]) == (
        half + 10 + MAX_PIECES, half - 10 - MAX_PIECES, 20 + 2 * MAX_PIECES)


@durable
def test_bounds__of_what_an_order_is_paid_in_all(ledger: Ledger, models: ReadModels) -> None:
    with pytest.raises(InvalidValues):
        pay(1, MOST_IN_ALL + 1)
    put(ledger, place(1, lines=None, amounts=Amounts()), pay(1, MOST_IN_ALL - 1),
        pay(1, 1, reference="P1"))
    with pytest.raises(PaidTooMuch):
        ledger.handle(pay(1, 1, reference="P2"), CONTEXT)
    put(ledger, refund(1, MOST_IN_ALL))
    (row,) = reports.run(models, "main", "orders", Question()).rows
    assert (row["paid_minor"], row["refunded_minor"]) == (MOST_IN_ALL, MOST_IN_ALL)


@on_sqlite
def test_bounds__of_a_sum_in_json_are_those_of_every_reader(web: Web) -> None:
    def total(orders: int) -> Any:
        amounts = {"postage_minor": MAX_INTEGER, "total_minor": MAX_INTEGER}
        web.done("/v1/orders", order(orders, amounts=amounts, lines=[]))
        (row,) = web.get("/v1/reconciliation").json["items"]  # type: ignore[index]
        return row["total_minor"]

    assert [total(1), total(2)] == [MAX_INTEGER, str(2 * MAX_INTEGER)]


@on_sqlite
def test_bounds__of_a_number_in_an_export_are_those_of_every_reader(web: Web) -> None:
    put(web.ledger(), opened(), BundleSku(sku="SET", parts=[Part("SH-001", MAX_PIECES)],
                                          occurred_at=NOON))
    lines = [SlipLine(line=str(n), sku="SET", quantity=10**9) for n in range(1000)]
    put(web.ledger(), msgspec.structs.replace(slip("1"), lines=lines))
    moved = f"/v1/audit?subject={stock_of(HOUSE, 'SH-001')}"
    line, _ = web.get(f"{moved}&format=ndjson", "auditor").text.splitlines()
    kept_exact(json.loads(line))
    (shown,) = web.get(moved, "auditor").json["items"]  # type: ignore[index]
    assert json.loads(line)["changes"]["levels"] == shown["changes"]["levels"] == {
        "before": {}, "after": {"available": str(10**16), "stocktake_gain_loss": str(-10**16)}}
