"""Where the pieces of orders are: what the read model tells is what the orders themselves know."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.common.values import from_us, rfc3339, to_us
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReportTransit,
    ReserveOrder,
)
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    ChangeLines,
    CloseException,
    HoldOrder,
    LiftHold,
    NoteException,
    OpenException,
    SubmitOrder,
)
from ledger.orders.kept import Kept
from ledger.orders.order import Order
from ledger.orders.values import STATES, PickedFrom
from ledger.returns.commands import AuthoriseCase, ReceiveGoods
from ledger.returns.values import CaseLine
from ledger.settings import Settings, open_ledger
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from projections.asking.clocks import AsOf
from projections.asking.past import NothingRecorded, past_of
from projections.asking.questions import Question
from projections.asking.written import PERSONAL, revealed
from projections.orders.fulfilment import (
    REPORTS,
    Fulfilment,
    fulfilment_status,
    open_exceptions,
    pieces_of_orders,
)
from projections.store.models import ReadModels
from projections.store.rows import Rows
from tests.support.builders import (
    HOUSE,
    NOON,
    end,
    entry,
    line,
    opened,
    place,
    received,
    record,
    sell,
    stream,
    write,
)
from tests.support.cases import ask
from tests.support.cases import on as on_case
from tests.support.kits import sent
from tests.support.projecting import IMPORT, put, tell, try_all
from tests.support.thorough import tried
from tests.support.written import opening

LATER = NOON + timedelta(hours=3)
TWO = [line(quantity=2), line("PEN", name="2")]


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Fulfilment(),))
    yield made
    made.close()


def rows(models: ReadModels, **narrowed: Any) -> list[dict[str, Any]]:
    """What is told of the orders now."""
    models.catch_up("main")
    return pieces_of_orders(models, "main", Question(**narrowed, sort="subject")).rows


def rows_of(models: ReadModels, as_of: AsOf) -> list[dict[str, Any]]:
    """What is told of the orders as of a moment."""
    return pieces_of_orders(models, "main", Question(as_of=as_of, sort="subject")).rows


def open_ones(models: ReadModels, **narrowed: Any) -> list[dict[str, Any]]:
    """The open exceptions."""
    models.catch_up("main")
    return open_exceptions(models, "main", Question(**narrowed, sort="opened_at")).rows


def on(command: type[Any], number: object = "1", **fields: Any) -> Any:
    """A command on an order."""
    return command(**{"order": stream(number), "occurred_at": LATER, **fields})


STOCK = (opened(), received("SH-001", 5), received("PEN", 5))
SUBMITTED = (sell(1, *TWO), on(ApproveOrder), on(SubmitOrder, warehouse=HOUSE))
PICK = on(PickOrder, lines=[PickedFrom("1", 2), PickedFrom("2", 1)])
CHECK = on(CheckOrder, passed=True)
PACK = on(PackOrder, parcel="P1", lines=[Count("1", 2), Count("2", 1)])
SEND = on(DispatchParcel, parcel="P1", courier="顺丰")


# -- what is told -------------------------------------------------------------------------------


def test_fulfilment__tells_pieces_parcels_and_exceptions(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, *SUBMITTED, PICK, CHECK,
        on(PackOrder, parcel="P1", lines=[Count("1", 1)]), SEND,
        on(OpenException, exception="e1", kind="courier_delayed", note="雪", owner="member:7"))
    nothing = dict.fromkeys(STATES, 0)
    (row,) = rows(models)
    (exception,) = row["exceptions"]
    assert row == {
        "subject": stream(1), "placed_at": "2026-10-01T04:00:00Z", "warehouse": HOUSE,
        "review_status": "submitted", "held": None,
        "fulfilment_status": "part_dispatched",
        "pieces": {**nothing, "in_transit": 1, "picked": 2},
        "lines": [{"line": "1", "sku": "SH-001", "ordered": 2, **nothing, "in_transit": 1,
                   "picked": 1, "parts": []},
                  {"line": "2", "sku": "PEN", "ordered": 1, **nothing, "picked": 1,
                   "parts": []}],
        "parcels": [{"parcel": "P1", "state": "dispatched",
                     "lines": [{"line": "1", "quantity": 1}], "courier": "顺丰",
                     "waybill": None}],
        "exceptions": [exception], "position": ledger.store.head("main").position,
    }
    assert revealed(exception, *opening(ledger)) == {**exception, "note": "雪"}
    assert exception == {
        "exception": "e1", "kind": "courier_delayed", "note": PERSONAL, "owner": "member:7",
        "opened_at": rfc3339(LATER), "opened_position": row["position"]}


def test_review_status__follows_the_review(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, place(1), place(2), place(3), place(4), place(5),
        *(on(ApproveOrder, number) for number in (2, 3, 4)),
        *(on(SubmitOrder, number, warehouse=HOUSE) for number in (3, 4)),
        on(HoldOrder, 4, reason="拦截"), end(5, "cancelled"))
    put(ledger, tell(6), context=IMPORT)
    found = rows(models)
    assert [row["review_status"] for row in found] == [
        "pending_review", "approved", "submitted", "on_hold", "cancelled", "imported"]
    assert [row["held"] for row in found] == [None] * 3 + [PERSONAL, None, None]
    assert revealed(found[3], *opening(ledger))["held"] == "拦截"
    put(ledger, on(LiftHold, 4))
    assert rows(models, subject=stream(4))[0]["review_status"] == "submitted"


def test_exceptions__are_told_while_they_are_open(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, place(1), place(2, channel="tmall"),
        on(OpenException, exception="b", kind="buyer_remark", note="要发票"),
        on(OpenException, exception="a", kind="address_invalid", note="无门牌"))
    found = open_ones(models)
    assert [(row["exception"], row["kind"], row["note"], row["owner"]) for row in found] == [
        ("b", "buyer_remark", PERSONAL, None), ("a", "address_invalid", PERSONAL, None)]
    put(ledger, on(NoteException, exception="a", note="已联系", owner="member:2"),
        on(CloseException, exception="b", note="已开"))
    assert open_ones(models) == [{**found[1], "owner": "member:2"}]
    assert revealed(open_ones(models), *opening(ledger))[0]["note"] == "已联系"
    assert open_ones(models, channel="tmall") == []
    put(ledger, on(CloseException, exception="a", note="已改"))
    assert open_ones(models) == []


def test_fulfilment__is_narrowed_by_channel_shop_and_order(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1), place(2, channel="tmall"), place(3, shop="云杉"), place(4, channel="t"))
    found = {name: [row["subject"][-1] for row in rows(models, **narrowed)]
             for name, narrowed in {
                 "all": {}, "channel": {"channel": "taobao"}, "shop": {"shop": "云杉书店"},
                 "both": {"channel": "taobao", "shop": "云杉书店"}, "other": {"shop": "无"},
                 "one": {"subject": stream(1)}}.items()}
    assert found == {"all": ["4", "3", "1", "2"], "channel": ["3", "1"], "shop": ["4", "1", "2"],
                     "both": ["1"], "other": [], "one": ["1"]}


def test_fulfilment__of_a_declared_order_follows_what_the_platform_says(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, record(1, lines=[line(f"S{n}", name=str(n)) for n in range(705)]),
        tell(2, dispatched=Moment(LATER)), context=IMPORT)
    declared, without_lines = rows(models)
    assert declared["pieces"]["in_transit"] == 705
    assert (declared["fulfilment_status"], declared["warehouse"]) == ("dispatched", None)
    assert (without_lines["fulfilment_status"], without_lines["lines"]) == ("dispatched", [])


@pytest.mark.parametrize(("pieces", "status"), [
    ({"unreserved": 2}, "unfulfilled"), ({"reserved": 1, "short": 1}, "back_ordered"),
    ({"reserved": 1, "unreserved": 1}, "part_reserved"), ({"reserved": 2}, "reserved"),
    ({"picked": 1, "reserved": 1}, "reserved"), ({"picked": 1, "unreserved": 1}, "part_reserved"),
    ({"picked": 1, "packed": 1}, "picked"), ({"packed": 2, "cancelled": 1}, "packed"),
    ({"packed": 1, "delivered": 1}, "part_dispatched"), ({"in_transit": 2}, "dispatched"),
    ({"in_transit": 1, "delivered": 1}, "part_delivered"),
    ({"delivered": 2, "cancelled": 1}, "delivered"), ({"delivered": 1, "lost": 1}, "delivered"),
    ({"delivered": 1, "returning": 1}, "returning"),
    ({"returning_to_sender": 2}, "returning"), ({"in_transit": 1, "returning_to_sender": 1},
                                                "returning"),
    ({"delivered": 1, "returned": 1}, "part_returned"), ({"returned": 2}, "returned"),
    ({"lost": 1}, "lost"), ({"cancelled": 2}, "cancelled"), ({}, "unfulfilled"),
])
def test_fulfilment_status__is_derived_from_the_pieces(
    pieces: dict[str, int], status: str
) -> None:
    assert fulfilment_status(Kept(), {**dict.fromkeys(STATES, 0), **pieces}) == status


# -- random histories ---------------------------------------------------------------------------

STAGES = ("start", "reserve", "approve", "submit", "pick", "check", "pack", "dispatch", "transit",
          "arrive")
EXTRAS = ("release", "hold", "lift", "open", "note", "close", "change", "declare", "end", "stock",
          "lose", "refuse", "count")


ALL = [Count("1", 2), Count("2", 1)]
SOME = [ALL, ALL, [Count("1", 1)], [Count("2", 1)], [Count("1", 3)]]


@st.composite
def steps(draw: st.DrawFn, kind: str, number: int) -> Command:
    """A command of a kind on an order, which may refuse it."""
    name = draw(st.sampled_from("1112"))
    at = NOON + timedelta(hours=draw(st.integers(0, 20)))
    about: dict[str, Any] = {"order": stream(number), "occurred_at": at}
    counts = draw(st.sampled_from(SOME))
    parcel = f"P{name}"
    exception: dict[str, Any] = {"exception": f"e{name}", "note": f"{at:%H}"}
    commands: dict[str, Any] = {
        "start": lambda: draw(st.sampled_from([
            sell(number, *TWO), sell(number, *TWO, occurred_at=at),
            place(number, lines=TWO, occurred_at=at), place(number, lines=None, occurred_at=at)])),
        "reserve": lambda: ReserveOrder(**about, warehouse=HOUSE),
        "approve": lambda: ApproveOrder(**about),
        "submit": lambda: SubmitOrder(**about, warehouse=HOUSE),
        "pick": lambda: PickOrder(
            **about, lines=[PickedFrom(one.line, one.quantity) for one in counts]),
        "check": lambda: CheckOrder(
            **about, passed=True, faulty=draw(st.sampled_from([[], [], [Count(name, 1)]]))),
        "pack": lambda: PackOrder(**about, parcel=parcel, lines=counts),
        "dispatch": lambda: DispatchParcel(**about, parcel=parcel, courier="顺丰"),
        "transit": lambda: ReportTransit(**about, parcel=parcel, note="在途"),
        "arrive": lambda: DeliverParcel(**about, parcel=parcel),
        "release": lambda: ReleaseReservation(**about, reason="改期"),
        "hold": lambda: HoldOrder(**about, reason="拦截"),
        "lift": lambda: LiftHold(**about),
        "open": lambda: OpenException(**about, **exception, kind="buyer_remark"),
        "note": lambda: NoteException(**about, **exception, owner=f"member:{name}"),
        "close": lambda: CloseException(**about, **exception),
        "change": lambda: ChangeLines(**about, lines=[line("PEN", quantity=4)], consent="电话"),
        "declare": lambda: record(number, lines=TWO, placed=Moment(NOON), dispatched=Moment(at)),
        "end": lambda: end(number, "cancelled", occurred_at=at),
        "stock": lambda: received("SH-001", 3, occurred_at=at),
        "lose": lambda: LoseParcel(**about, parcel=parcel, reason="追件无果"),
        "refuse": lambda: RefuseParcel(**about, parcel=parcel, reason="拒收"),
        "count": lambda: CountStock(
            warehouse=HOUSE, occurred_at=at,
            counts=[CountLine(sku="SH-001", quantity=draw(st.integers(0, 3)))]),
    }
    return commands[kind]()  # type: ignore[no-any-return]


@st.composite
def flows(draw: st.DrawFn) -> list[Command]:
    """Commands that mostly come in the order in which orders are fulfilled."""
    found = [draw(steps(kind, number)) for kind in STAGES for number in (1, 2)
             for _ in range(draw(st.sampled_from([1, 1, 1, 2, 0])))]
    for kind in draw(st.lists(st.sampled_from(EXTRAS + STAGES), max_size=8)):
        found.insert(draw(st.integers(0, len(found))), draw(steps(kind, draw(st.integers(1, 3)))))
    return [*STOCK, *found]


KNOWN = ("goods", "parcels", "warehouse", "approved", "submitted", "held_for",
         "ended", "exceptions", "dispatched_at", "delivered_at", "amounts", "paid_at", "balance",
         "refunds_known", "terms", "parts_back", "placed_at", "owner")


def orders_of(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """What the orders themselves know after some of their events."""
    found: dict[str, Order] = {}
    for one in entries:
        if one.type == Order.Placed.TOPIC:
            found[one.stream] = Order.blank(one.stream)
        if one.stream in found:
            after = found[one.stream].clone()
            after._version = one.version - 1
            try:
                event_types.decode(one).apply(after)
            except KeyError:
                continue  # of a line or parcel that is not known by then
            found[one.stream] = after
    return {name: {field: getattr(order, field) for field in KNOWN}
            for name, order in found.items()}


def kept_by(connection: Any, own: bytes) -> dict[str, dict[str, Any]]:
    """What the rows keep of orders."""
    found = map(Fulfilment().of_row, Rows(connection).all_of(Fulfilment.tables[0], own))
    return {one.order.id: {field: getattr(one.order, field) for field in KNOWN} for one in found}


@hypothesis_settings(max_examples=tried(60), deadline=None)
@given(history=flows(), batches=st.lists(st.integers(1, 7), min_size=1, max_size=6),
       data=st.data())
def test_rows__are_what_the_orders_know(
    history: list[Command], batches: list[int], data: st.DataObject
) -> None:
    """However the log is cut into batches, and as of any pair of times."""
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    models = ReadModels(made.store, (Fulfilment(),))
    for number, command in enumerate(history):
        try_all(made.ledger, [(command, IMPORT)])
        models.batch = batches[number % len(batches)]
        if number % 3 == 0:
            models.catch_up("main")
    models.catch_up("main")
    entries = made.store.read("main")
    with models.reading("main", "fulfilment") as (connection, _):
        assert kept_by(connection, made.ledger.id) == orders_of(entries)
    assert models.compare_with_rebuild("main") == []
    position = data.draw(st.integers(0, len(entries)))
    occurred = data.draw(st.none() | st.integers(-1, 25).map(lambda h: NOON + timedelta(hours=h)))
    as_of = AsOf.parse(position, None, None if occurred is None else occurred.isoformat())
    with past_of(made.store, "main", as_of.resolve(made.store, "main"), Fulfilment()) as connection:
        assert kept_by(connection, made.ledger.id) == orders_of(
            one for one in entries[:position]
            if occurred is None or one.occurred_at <= to_us(occurred))
    models.close()
    made.close()


@hypothesis_settings(max_examples=tried(25), deadline=None)
@given(history=flows())
def test_pieces__are_conserved_by_every_event(history: list[Command]) -> None:
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    try_all(made.ledger, [(command, IMPORT) for command in history])
    lines: dict[str, dict[str, int]] = {}
    models = ReadModels(made.store, (Fulfilment(),), batch=1)
    for one in made.store.read("main"):
        if field := {Order.Placed.TOPIC: "lines", Order.LinesChanged.TOPIC: "new"}.get(one.type):
            told = msgspec.json.decode(one.payload).get(field) or []
            lines[one.stream] = {each["line"]: each["quantity"] for each in told}
        for row in rows_of(models, AsOf(one.position)):
            assert {each["line"]: each["ordered"] for each in row["lines"]} == lines[
                row["subject"]]
            for each in row["lines"]:
                assert sum(each[state] for state in STATES) == each["ordered"]
            assert row["pieces"] == {
                state: sum(each[state] for each in row["lines"]) for state in STATES}
    models.close()
    made.close()


# -- as of --------------------------------------------------------------------------------------


def test_as_of__every_event_of_a_flow(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, *SUBMITTED, PICK, CHECK, PACK, SEND, on(DeliverParcel, parcel="P1"))
    found: list[str] = []
    for position in range(1, ledger.store.head("main").position + 1):
        found += [row["fulfilment_status"] for row in rows_of(models, AsOf(position))]
    assert list(dict.fromkeys(found)) == ["reserved", "picked", "packed", "dispatched", "delivered"]


def test_as_of__before_an_order_was_placed_it_is_unknown(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, record(1, placed=Moment(LATER), dispatched=Moment(NOON)))
    just = from_us(to_us(LATER) - 1).isoformat()
    assert rows_of(models, AsOf.parse(occurred_as_of=just)) == []
    assert [row["fulfilment_status"] for row in rows_of(
        models, AsOf.parse(occurred_as_of=LATER.isoformat()))] == ["dispatched"]


@pytest.mark.parametrize(("command", "fields", "status"), [
    (DeliverParcel, {}, "delivered"), (RefuseParcel, {"reason": "拒收"}, "returning")])
def test_as_of__a_parcel_that_was_not_packed_yet_counts_for_nothing(
    ledger: Ledger, models: ReadModels, command: type[Any], fields: dict[str, str], status: str
) -> None:
    """A courier's scan may be dated before the packing that it follows."""
    early = NOON + timedelta(hours=1)
    put(ledger, *STOCK, *SUBMITTED, PICK, CHECK, PACK, SEND,
        on(ReportTransit, parcel="P1", note="揽收", occurred_at=early),
        on(command, parcel="P1", occurred_at=early, **fields))
    (row,) = rows_of(models, AsOf.parse(occurred_as_of=early.isoformat()))
    assert (row["fulfilment_status"], row["parcels"]) == ("reserved", [])
    assert rows(models)[0]["fulfilment_status"] == status


def test_returns__follow_their_events(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, *SUBMITTED, PICK, CHECK, PACK, SEND, on(DeliverParcel, parcel="P1"))
    told = {"case": "case:1", "lines": [{"line": "1", "quantity": 2}]}
    version = max(one.version for one in ledger.store.streams("main", [stream(1)]))
    for number, (fact, status) in enumerate([
            (Order.ReturnExpected, "returning"), (Order.ReturnReceived, "part_returned")], 1):
        position = ledger.store.head("main").position + 1
        write(ledger.store, entry(
            position, stream=stream(1), version=version + number, type=fact.TOPIC,
            recorded_at=ledger.store.head("main").recorded_at + 1, occurred_at=to_us(LATER),
            payload=msgspec.json.encode(told)))
        (row,) = rows(models)
        assert row["fulfilment_status"] == status
    assert row["pieces"]["returned"] == 2
    assert models.compare_with_rebuild("main") == []


def test_returns__of_parts_of_a_kit_are_told_by_line(ledger: Ledger, models: ReadModels) -> None:
    kit = [CaseLine(line="1", sku="PEN", quantity=1)]
    put(ledger, *STOCK, BundleSku(sku="SET", parts=[Part("SH-001", 1), Part("PEN", 1)],
                                  occurred_at=NOON),
        *sent(1, on(DeliverParcel, 7, parcel="P"), sku="SET", number=7),
        ask("R1", *kit, order=stream(7), refund_minor=None), on_case(AuthoriseCase))
    for command, status, part in (
            (None, "returning", {"sku": "PEN", "returning": 1, "returned": 0}),
            (on_case(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 1)]), "part_returned",
             {"sku": "PEN", "returning": 0, "returned": 1})):
        put(ledger, *(() if command is None else (command,)))
        (row,) = rows(models, subject=stream(7))
        assert (row["fulfilment_status"], row["lines"][0]["parts"]) == (status, [part])
        assert (row["pieces"]["delivered"], row["pieces"]["returned"]) == (1, 0)
    put(ledger, ask("R2", CaseLine(line="1", sku="SH-001", quantity=1), order=stream(7),
                    refund_minor=None), on_case(AuthoriseCase, "R2"),
        on_case(ReceiveGoods, "R2", warehouse=HOUSE, lines=[Count("1", 1)]))
    (row,) = rows(models, subject=stream(7))
    assert (row["fulfilment_status"], row["lines"][0]["parts"]) == ("returned", [])
    assert models.compare_with_rebuild("main") == []


# -- asked by name ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fulfilment", "exceptions"])
def test_reports__are_asked_as_of_any_moment(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    put(ledger, *STOCK, *SUBMITTED,
        on(OpenException, exception="e", kind="buyer_remark", note="要发票"))
    models.catch_up("main")
    head = ledger.store.head("main").position
    present, then, before = (
        REPORTS[name](models, "main", Question(subject=stream(1), as_of=as_of))
        for as_of in (AsOf(), AsOf(head), AsOf(1)))
    assert [row["subject"] for row in present.rows] == [stream(1)]
    assert then.rows == present.rows
    assert (present.as_of["position"], before.rows) == (head, [])
    assert before.as_of["notes"] == [f"there is nothing about subject {stream(1)} by then"]
    with pytest.raises(NothingRecorded):
        REPORTS[name](models, "main", Question(subject=stream(9)))
