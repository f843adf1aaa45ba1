"""Queues: what is listed to be reviewed, picked and sent is what the orders themselves know."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import Invalid
from ledger.common.moments import Moment
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.fulfilment.commands import (
    CheckOrder,
    DispatchParcel,
    PackOrder,
    PickOrder,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    HoldOrder,
    LiftHold,
    OpenException,
    SubmitOrder,
)
from ledger.orders.order import Order
from ledger.orders.values import Amounts, PickedFrom
from ledger.policies.commands import PublishPolicy
from ledger.policies.reader import parse, read
from ledger.settings import Settings, open_ledger
from ledger.stock.pieces import Count
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.orders.fulfilment import Fulfilment, fulfilment
from projections.orders.queues import QUEUES, REPORTS
from projections.store.models import ReadModels
from projections.store.rows import Rows
from tests.support.builders import (
    HOUSE,
    NOON,
    end,
    line,
    opened,
    pay,
    place,
    received,
    sell,
    stream,
)
from tests.support.projecting import IMPORT, put, refund, tell, try_all
from tests.support.shipping import on
from tests.support.thorough import tried

TWO = [line(quantity=2), line("PEN", name="2")]
STOCK = (opened(), received("SH-001", 5), received("PEN", 5))


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Fulfilment(),))
    yield made
    made.close()


def listed(models: ReadModels, name: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of a queue now."""
    models.catch_up("main")
    return REPORTS[name](models, "main", Question(**asked)).rows


def seen(models: ReadModels, name: str, **asked: Any) -> list[tuple[str, str]]:
    """The numbers of the orders in a queue, with their status there."""
    return [(row["subject"].rpartition(":")[2], row["status"])
            for row in listed(models, name, **asked)]


def ready(number: object, *, hours: int = 0, **fields: Any) -> list[Command]:
    """An order of 2 books and a pen that was paid, approved and submitted."""
    at = NOON + timedelta(hours=hours)
    return [sell(number, *TWO, occurred_at=at, **{"terms": "prepaid", **fields}),
            pay(number, 14970, occurred_at=at + timedelta(minutes=1)),
            on(ApproveOrder, number), on(SubmitOrder, number, warehouse=HOUSE)]


PICK = on(PickOrder, lines=[PickedFrom("1", 2), PickedFrom("2", 1)])


# -- what is in them ------------------------------------------------------------------------------


def test_queues__follow_an_order_from_its_placing_to_the_courier(
    ledger: Ledger, models: ReadModels
) -> None:
    def now() -> dict[str, list[str]]:
        return {name: [row["status"] for row in listed(models, name)] for name in REPORTS}

    sold, paid, approved, submitted = ready(1)
    put(ledger, *STOCK, sold)
    nothing: dict[str, list[str]] = {"to-review": [], "to-pick": [], "to-send": []}
    assert now() == nothing  # it is not paid
    assert seen(models, "to-review", status="unpaid") == [("1", "unpaid")]
    put(ledger, paid)
    assert now() == {**nothing, "to-review": ["pending_review"]}
    put(ledger, approved)
    assert now() == nothing
    put(ledger, submitted)
    assert now() == {**nothing, "to-pick": ["ready"]}
    put(ledger, on(PickOrder, lines=[PickedFrom("1", 1)]))
    assert now() == {**nothing, "to-pick": ["ready"], "to-send": ["picked"]}
    put(ledger, on(PickOrder, lines=[PickedFrom("1", 1), PickedFrom("2", 1)]),
        on(CheckOrder, passed=True))
    assert now() == {**nothing, "to-send": ["picked"]}
    put(ledger, on(PackOrder, parcel="P1", lines=[Count("1", 2), Count("2", 1)]))
    assert now() == {**nothing, "to-send": ["packed"]}
    put(ledger, on(DispatchParcel, parcel="P1", courier="顺丰"))
    assert now() == nothing


def test_queue__rows_say_what_is_to_be_done(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, *ready(1), on(AssignOrder, owner="member:7f3a"),
        on(OpenException, exception="b", kind="unsendable", note="缺纸箱"),
        on(OpenException, exception="a", kind="buyer_remark", note="要发票"),
        on(PickOrder, lines=[PickedFrom("1", 1)]), refund(1, 100))
    before = datetime.now(UTC)
    (row,) = listed(models, "to-pick")
    waited = (before - NOON) // timedelta(minutes=1)
    assert row.pop("age_minutes") - waited in (0, 1)
    assert row == {
        "subject": stream(1), "status": "ready", "owner": "member:7f3a",
        "placed_at": "2026-10-01T04:00:00Z", "warehouse": HOUSE, "pieces_to_do": 2,
        "skus": ["PEN", "SH-001"], "exception_kinds": ["buyer_remark", "unsendable"],
        "payment_status": "part_refunded", "due_at": None, "late": None,
        "position": ledger.head().position}
    (sending,) = listed(models, "to-send")
    assert (sending["pieces_to_do"], sending["skus"]) == (1, ["SH-001"])


@pytest.mark.parametrize(("then", "late"), [
    ("2026-10-03T12:02:00+08:00", False), ("2026-10-08T12:00:00+08:00", False),
    ("2026-10-08T12:00:01+08:00", True)])
def test_queue__says_what_is_due_by_the_policy_in_force_when_it_was_paid(
    ledger: Ledger, models: ReadModels, then: str, late: bool
) -> None:
    """Paid on 1 October at noon, due 48 hours later; the next working day after the holiday is the
    8th, so it is late from its noon on."""
    policies = [PublishPolicy(policy=read("deadlines"), effective_from="2026-01-01",
                              occurred_at=NOON - timedelta(days=9)),
                PublishPolicy(policy=parse("x", "title: t\ndeadlines:\n- {deadline: dispatch, "
                                           "zh: a, en: a, within: 1, unit: hours, "
                                           "starts_at: payment}\n"),
                              effective_from="2026-10-02", occurred_at=NOON)]
    put(ledger, *policies, *STOCK, *ready(1))

    (row,) = REPORTS["to-pick"](models, "main", Question(as_of=AsOf.parse(None, None, then))).rows

    assert row["due_at"] == "2026-10-03T04:01:00Z"
    assert row["late"] is late


def test_queue__cannot_say_whether_it_is_late_beyond_the_calendar(
    ledger: Ledger, models: ReadModels
) -> None:
    ended = parse("x", "title: t\ncalendars:\n" + "".join(
        f"- {{calendar: {name}, weekdays: [1], since: 2026-01-01, until: 2026-10-01}}\n"
        for name in ("mainland", "dispatch")))
    put(ledger, *(PublishPolicy(policy=policy, effective_from="2026-01-01",
                                occurred_at=NOON - timedelta(days=9))
                  for policy in (read("deadlines"), ended)), *STOCK, *ready(1))

    (row,) = listed(models, "to-pick")

    assert row["due_at"] is not None
    assert row["late"] is None


def test_review_queue__holds_what_nobody_has_approved_and_is_to_be_sent(
    ledger: Ledger, models: ReadModels
) -> None:
    """A file may tell of orders without lines, and of those that are on their way already."""
    put(ledger, place(1), pay(1), place(2), on(HoldOrder, 2, reason="改地址"), place(3),
        place(4, amounts=Amounts(total_minor=0)), place(5), end(5, "closed"),
        place(6), end(6, "cancelled"))
    put(ledger, tell(7, paid=Moment(NOON), paid_minor=4990),
        tell(8, paid=Moment(NOON), paid_minor=4990, dispatched=Moment(NOON)), context=IMPORT)
    assert sorted(seen(models, "to-review")) == [
        ("1", "pending_review"), ("2", "on_hold"), ("4", "pending_review"), ("7", "imported")]
    assert seen(models, "to-review", status="unpaid") == [("3", "unpaid")]
    put(ledger, on(LiftHold, 2))
    assert ("2", "unpaid") in seen(models, "to-review", status="unpaid")


def test_pick_queue__leaves_out_what_is_on_hold_unless_that_is_asked_for(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, *ready(1), *ready(2, hours=1), on(HoldOrder, 2, reason="改地址"))
    short = [place(3, lines=[line(quantity=3)], occurred_at=NOON + timedelta(hours=2)), pay(3),
             on(ReserveOrder, 3, warehouse=HOUSE), on(ApproveOrder, 3),
             on(SubmitOrder, 3, warehouse=HOUSE)]
    put(ledger, *short)
    assert seen(models, "to-pick") == [("3", "in_part"), ("1", "ready")]
    assert seen(models, "to-pick", status="on_hold") == [("2", "on_hold")]
    assert seen(models, "to-pick", status="ready") == [("1", "ready")]


def test_send_queue__shows_what_was_picked_and_is_held(ledger: Ledger, models: ReadModels) -> None:
    """It lies on somebody's table."""
    put(ledger, *STOCK, *ready(1), PICK, on(HoldOrder, reason="改地址"))
    assert seen(models, "to-send") == [("1", "on_hold")]


# -- how they are narrowed --------------------------------------------------------------------


def test_queue__is_narrowed_by_owner_sku_channel_shop_and_age(
    ledger: Ledger, models: ReadModels
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for number, (age, sku, fields) in enumerate([
            (1, "SH-001", {}), (3, "PEN", {"shop": "Pine"}), (5, "pen", {"shop": "pine"}),
            (7, "P%", {"channel": "tmall"}), (9, "PEN", {"channel": "pine"})], 1):
        put(ledger, place(number, lines=[line(sku)], occurred_at=now - timedelta(hours=age),
                          amounts=Amounts(total_minor=0), **fields))
    put(ledger, AssignOrder(order=stream(1), owner="member:2", occurred_at=now))
    found = {name: [one for one, _ in seen(models, "to-review", **asked)] for name, asked in {
        "all": {}, "owner": {"owner": "member:2"}, "nobody": {"owner": "member"},
        "sku": {"sku": "PEN"}, "sign": {"sku": "P%"}, "part": {"sku": "PE"},
        "channel": {"channel": "taobao"}, "shop": {"shop": "pine"}, "other": {"channel": "tao"},
        "both": {"channel": "taobao", "shop": "Pine"}, "hours": {"older_than": "4h"},
        "minutes": {"older_than": "240m"}, "days": {"older_than": "1d"}}.items()}
    assert found == {
        "all": ["1", "2", "3", "4", "5"], "owner": ["1"], "nobody": [], "sku": ["2", "5"],
        "sign": ["4"], "part": [], "channel": ["1", "2", "3"], "shop": ["3"], "other": [],
        "both": ["2"], "hours": ["3", "4", "5"], "minutes": ["3", "4", "5"], "days": []}


def test_queue__is_narrowed_by_skus_of_which_pieces_are_to_be_done(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK, *ready(1), on(PickOrder, lines=[PickedFrom("1", 2)]))
    assert seen(models, "to-pick", sku="PEN") == [("1", "ready")]
    assert seen(models, "to-pick", sku="SH-001") == []
    assert seen(models, "to-send", sku="SH-001") == [("1", "picked")]


@pytest.mark.parametrize(("asked", "code", "said"), [
    ({"older_than": "2 h"}, "bad_age", "30m, 2h or 3d"),
    ({"older_than": "-2h"}, "bad_age", "30m, 2h or 3d"),
    ({"older_than": "２h"}, "bad_age", "30m, 2h or 3d"),
    ({"older_than": "h"}, "bad_age", "30m, 2h or 3d"),
    ({"older_than": "9999999d"}, "bad_age", "30m, 2h or 3d"),
    ({"status": "unpaid"}, "unknown_status", "ready, in_part, on_hold"),
    ({"status": ""}, "unknown_status", "ready, in_part, on_hold")])
def test_queue__rejected_with_an_age_or_a_status_that_there_is_not(
    ledger: Ledger, models: ReadModels, asked: dict[str, str], code: str, said: str
) -> None:
    """R-PRJ-25, R-PRJ-26."""
    with pytest.raises(Invalid) as caught:
        listed(models, "to-pick", **asked)
    assert caught.value.code == code
    assert said in str(caught.value)


# -- pages, and the past --------------------------------------------------------------------------


def test_queue__pages_go_on_after_an_order_that_has_left_it(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *STOCK)
    for number in range(1, 6):
        put(ledger, place(number, amounts=Amounts(total_minor=0),
                          occurred_at=NOON + timedelta(hours=number // 2)))
    newest = ["5", "4", "3", "2", "1"]
    places = {row["subject"]: row["placed_at"] for row in listed(models, "to-review")}

    def after(number: int) -> tuple[str, str]:
        return places[stream(number)], stream(number)

    assert [one for one, _ in seen(models, "to-review")] == newest
    assert [one for one, _ in seen(models, "to-review", limit=2)] == newest[:2]
    put(ledger, on(ApproveOrder, 4))
    assert [one for one, _ in seen(models, "to-review", limit=2, beyond=after(4))] == ["3", "2"]
    assert [one for one, _ in seen(models, "to-review", beyond=after(2))] == ["1"]


def test_queue__of_the_past_counts_ages_to_then(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *STOCK, *ready(1), PICK)
    picked = ledger.head().position
    rows = {position: REPORTS["to-pick"](models, "main", Question(as_of=AsOf(position))).rows
            for position in (picked - 1, picked)}
    assert [row["status"] for row in rows[picked - 1]] == ["ready"]
    assert rows[picked] == []
    then = NOON + timedelta(hours=4, minutes=30)
    (row,) = REPORTS["to-pick"](models, "main", Question(
        as_of=AsOf.parse(picked - 1, None, then.isoformat()))).rows
    assert row["age_minutes"] == 270
    assert REPORTS["to-pick"](models, "main", Question(as_of=AsOf.parse(
        picked - 1, None, then.isoformat()), older_than="271m")).rows == []


def test_queue__is_found_by_an_index_of_its_own(ledger: Ledger, models: ReadModels) -> None:
    """However many orders there are that nothing is to be done on, and whatever narrows it."""
    put(ledger, *STOCK, *ready(1))
    models.catch_up("main")
    for queue in QUEUES:
        statement = (f"SELECT * FROM fulfilment WHERE ledger = ? AND {queue.column.name} IS NOT "
                     "NULL AND substr(subject, 1, 13) = ? ORDER BY placed_at DESC, subject DESC")
        with models.reading("main", "fulfilment") as (connection, _):
            rows = Rows(connection)
            if rows.postgres:  # of few rows it would read the table
                connection.exec_driver_sql("SET enable_seqscan = off")
            plan = rows.select(f"EXPLAIN {'' if rows.postgres else 'QUERY PLAN '}{statement}",
                               (ledger.id, "order:taobao:"))
        assert f"fulfilment_{queue.column.name}" in str(plan), plan
        assert "TEMP B-TREE" not in str(plan)


# -- random histories -----------------------------------------------------------------------------

STAGES = ("start", "pay", "reserve", "approve", "submit", "assign", "pick", "check", "pack",
          "dispatch")
EXTRAS = ("start", "declare", "refund", "release", "hold", "lift", "end", "assign", "pick")

COUNTS = [[Count("1", 2), Count("2", 1)], [Count("1", 1)], [Count("2", 1)]]
FEW = (opened(), received("SH-001", 3), received("PEN", 2))
"""Enough for one order, and not for another."""


@st.composite
def steps(draw: st.DrawFn, kind: str, number: int) -> Command:
    """A command of a kind on an order, which may refuse it."""
    at = NOON + timedelta(hours=draw(st.integers(0, 3)) if kind == "start" else 20)
    about: dict[str, Any] = {"order": stream(number), "occurred_at": at}
    counts = draw(st.sampled_from(COUNTS))
    total = Amounts(total_minor=draw(st.sampled_from([0, 4990])))
    commands: dict[str, Any] = {
        "start": lambda: draw(st.sampled_from([
            sell(number, *TWO, occurred_at=at),
            place(number, lines=TWO, amounts=total, occurred_at=at),
            place(number, lines=TWO, amounts=total, occurred_at=at),
            place(number, lines=None, amounts=total, occurred_at=at)])),
        "declare": lambda: tell(number, placed=Moment(at), dispatched=draw(
            st.sampled_from([None, Moment(at)]))),
        "pay": lambda: pay(number, occurred_at=at),
        "refund": lambda: refund(number, 100, occurred_at=at),
        "reserve": lambda: ReserveOrder(**about, warehouse=HOUSE),
        "approve": lambda: ApproveOrder(**about),
        "submit": lambda: SubmitOrder(**about, warehouse=HOUSE),
        "pick": lambda: PickOrder(
            **about, lines=[PickedFrom(one.line, one.quantity) for one in counts]),
        "check": lambda: CheckOrder(**about, passed=True),
        "pack": lambda: PackOrder(**about, parcel=f"P{draw(st.integers(1, 2))}", lines=counts),
        "dispatch": lambda: DispatchParcel(**about, parcel=f"P{draw(st.integers(1, 2))}",
                                           courier="顺丰"),
        "release": lambda: ReleaseReservation(**about, reason="改期"),
        "hold": lambda: HoldOrder(**about, reason="拦截"),
        "lift": lambda: LiftHold(**about),
        "end": lambda: end(number, draw(st.sampled_from(["cancelled", "closed"])),
                           occurred_at=at),
        "assign": lambda: AssignOrder(**about, owner="member:1"),
    }
    return commands[kind]()  # type: ignore[no-any-return]


@st.composite
def flows(draw: st.DrawFn) -> list[Command]:
    """Commands that mostly come in the order in which orders are fulfilled."""
    found = [draw(steps(kind, number)) for kind in STAGES for number in (1, 2)
             for _ in range(draw(st.sampled_from([1, 1, 1, 2, 0])))]
    for kind in draw(st.lists(st.sampled_from(EXTRAS), max_size=5)):
        found.insert(draw(st.integers(0, len(found))), draw(steps(kind, draw(st.integers(1, 3)))))
    return [*FEW, *found]


def known(entries: Iterable[Entry]) -> dict[str, list[tuple[str, str, int, str | None]]]:
    """Which orders are in each queue, the newest first, by what the orders themselves know: their
    subjects with status, pieces and owner."""
    orders: dict[str, Order] = {}
    imported: set[str] = set()
    for entry in entries:
        if not entry.type.startswith("order."):
            continue
        if entry.version == 1 and entry.source is not None:
            imported.add(entry.stream)
        event_types.decode(entry).mutate(orders.setdefault(
            entry.stream, Order.blank(entry.stream)))
    found: dict[str, list[tuple[str, str, int, str | None]]] = {name: [] for name in REPORTS}
    for order in sorted(orders.values(), key=lambda one: (one.placed_at, one.id), reverse=True):
        for name, status, pieces in _standing(order, imported=order.id in imported):
            found[name].append((order.id, status, pieces, order.owner))
    return found


def _standing(order: Order, *, imported: bool) -> Iterator[tuple[str, str, int]]:
    if order.ended:
        return
    pieces = order.goods.sums(("unreserved", "short", "reserved", "picked", "packed"))
    held = order.held_for is not None
    to_send = sum(pieces.values())
    if not order.approved and (to_send or (not order.goods and not order.dispatched_at)):
        costs = order.amounts.total_minor != 0 and order.terms == "prepaid"
        yield "to-review", ("on_hold" if held else "unpaid" if costs and not order.paid_at
                            else "imported" if imported else "pending_review"), to_send
    if order.submitted and pieces["reserved"]:
        waits = pieces["unreserved"] + pieces["short"]
        yield "to-pick", "on_hold" if held else "in_part" if waits else "ready", pieces["reserved"]
    if taken := pieces["picked"] + pieces["packed"]:
        yield "to-send", "on_hold" if held else "picked" if pieces["picked"] else "packed", taken


@hypothesis_settings(max_examples=tried(60), deadline=None)
@given(history=flows(), batches=st.lists(st.integers(1, 7), min_size=1, max_size=6),
       data=st.data())
def test_queues__list_exactly_the_orders_whose_fold_says_so(
    history: list[Command], batches: list[int], data: st.DataObject
) -> None:
    """Live, rebuilt, in pages of one, and as of any position."""
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    models = ReadModels(made.store, (Fulfilment(),))
    for number, command in enumerate(history):
        try_all(made.ledger, [(command, IMPORT)])
        models.batch = batches[number % len(batches)]
        if number % 3 == 0:
            models.catch_up("main")
    models.catch_up("main")
    entries = made.store.read("main")
    assert models.compare_with_rebuild("main") == []
    at = data.draw(st.integers(0, len(entries)))
    for name, wanted in known(entries).items():
        assert in_pages(models, name, AsOf()) == wanted
        assert in_pages(models, name, AsOf(at)) == known(entries[:at])[name]
    models.close()
    made.close()


def in_pages(
    models: ReadModels, name: str, as_of: AsOf
) -> list[tuple[str, str, int, str | None]]:
    """A queue page by page, with what is listed only where it is asked for."""
    queue = next(one for one in QUEUES if one.name == name)
    found: list[dict[str, Any]] = []
    for status in (None, *queue.left_out):
        beyond = None
        while page := REPORTS[name](models, "main", Question(
                as_of=as_of, status=status, beyond=beyond, limit=1)).rows:
            found += page
            beyond = page[-1]["placed_at"], page[-1]["subject"]
    found.sort(key=lambda row: (row["placed_at"], row["subject"]), reverse=True)
    return [(row["subject"], row["status"], row["pieces_to_do"], row["owner"]) for row in found]


def test_queues__columns_are_those_of_the_table() -> None:
    assert {queue.column.name for queue in QUEUES} < set(fulfilment.c.keys())
