"""Refusals on record: each leaves an event, too many of the same a count, and nobody waits."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.application import CommandReused, Ledger, LedgerClosed
from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError, Refused
from ledger.common.moments import Moment
from ledger.common.values import from_us, to_us
from ledger.log.envelope import Entry
from ledger.log.persons import Keys
from ledger.log.store import ConnectionLost, StorageFailed, Store
from ledger.orders.commands import PayOrder, RefundOrder
from ledger.orders.declared import NumberReused
from ledger.orders.errors import AlreadyPaid, OrderUnknown, RefundExceedsPayment, TotalDisagrees
from ledger.orders.order import Order
from ledger.orders.placing import PlaceOrder
from ledger.orders.values import Amounts
from ledger.settings import Settings, open_ledger
from ledger.writing import refusals, writer
from ledger.writing.refusals import RefusedBefore
from projections import reports
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.conftest import durable
from tests.support import source
from tests.support.batches import paused, waiting
from tests.support.builders import (
    CONTEXT,
    NOON,
    context,
    named,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.children import Child
from tests.support.clocks import SECOND, Time
from tests.support.soundness import changes, must_be_sound
from tests.support.waiting import eventually, in_thread

BODY = {"account": "reader_88", "recipient": "张三丰", "phone": "13800138000",
        "address": "武当山下", "buyer_remark": "请包好"}
AMOUNTS = Amounts(goods_minor=1, postage_minor=0, discount_minor=0, total_minor=4990)
HOUR = 3600


def member(number: int) -> Context:
    """A context of somebody else."""
    return context(actor=f"member:{number}")


def refused(store: Store) -> list[Entry]:
    """The refusals on record."""
    return [row for row in must_be_sound(store) if row.type == "command.refused.v1"]


def counts(store: Store) -> list[int]:
    """What the counts on record say."""
    return [payload(row)["count"] for row in must_be_sound(store)
            if row.type == "command.refusals_counted.v1"]


def payload(row: Entry) -> dict[str, Any]:
    """What an event holds."""
    return msgspec.json.decode(row.payload)  # type: ignore[no-any-return]


def refuse(ledger: Ledger, number: object = "none", who: Context = CONTEXT) -> None:
    """Send a command that a rule refuses."""
    with pytest.raises(OrderUnknown):
        ledger.handle(pay(number), who)


# -- what is on record ----------------------------------------------------------------------------


def test_refusal__recorded_with_all_but_the_body(ledger: Ledger, store: Store) -> None:
    ledger.handle(place(), CONTEXT)
    ledger.handle(pay(), CONTEXT)
    who = context(actor="member:7f3a", role="service", client="key:01", command_id=UUID(int=5),
                  correlation=UUID(int=9), causation=1, subjects=("case:2",),
                  source={"import": "1"})
    command = RefundOrder(order=stream(), occurred_at=NOON + timedelta(days=2), amount_minor=5000,
                          reason="等太久了", account="6222021234567890")
    with pytest.raises(RefundExceedsPayment):
        ledger.handle(command, who)
    (row,) = refused(store)
    assert payload(row) == {
        "command": "order.refund", "rule": "R-ORD-05", "code": "refund_exceeds_payment",
        "subjects": [stream()],
        "details": {"order": stream(), "refund_minor": 5000, "refunded_minor": 5000,
                    "paid_minor": 4990, "currency": "CNY"}}
    assert row[:4] == ("main", 3, f"command:{UUID(int=5)}", 1)
    assert abs(row.recorded_at - row.occurred_at) < 60 * SECOND
    assert row.command_id != UUID(int=5).bytes
    assert row.request_hash == ledger.keys.mac(
        "request", b"order.refund\0" + msgspec.json.encode(command))
    assert row[10:18] == (None, "member:7f3a", "service", "key:01", UUID(int=9).bytes, 1,
                          f'["case:2","command:{UUID(int=5)}","{stream()}"]', '{"import":"1"}')


def test_refusal__recorded_without_personal_values(ledger: Ledger, store: Store) -> None:
    with pytest.raises(TotalDisagrees):
        ledger.handle(place(amounts=AMOUNTS, **BODY), CONTEXT)
    (row,) = refused(store)
    told = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in row)
    assert not [value for value in (*BODY.values(), "云杉集") if value.encode() in told]
    assert payload(row)["details"] == {"order": stream(), "total_minor": 4990, "sum_minor": 1}
    assert row.correlation == UUID(row.stream.partition(":")[2]).bytes


@pytest.mark.parametrize("name", ["张三 13800138000", "13800138000", "order:张三 收", "Order:x"])
def test_refusal__recorded_without_a_name_that_is_no_subject(
    ledger: Ledger, store: Store, name: str
) -> None:
    """Whoever types a telephone number where an order belongs leaves no trace of it."""
    with pytest.raises(OrderUnknown):
        ledger.handle(PayOrder(order=name, occurred_at=NOON, amount_minor=1), CONTEXT)
    (row,) = refused(store)
    assert payload(row) == {"command": "order.pay", "rule": "R-ORD-03", "code": "order_unknown"}
    assert row.subjects == f'["{row.stream}"]'


def test_refusal__names_no_personal_field() -> None:
    """What the message of a refusal names is recorded openly, so it may hold nothing personal."""
    personal = {name for cls in source.events().values() for name in cls.PERSONAL}  # type: ignore
    assert {"account", "recipient", "phone", "address", "buyer_remark", "remark"} <= personal
    source.check(f"{cls.__name__} names {named}"
                 for cls in source.errors() if issubclass(cls, Refused)
                 for named in source.placeholders(source.template(cls)) & personal)


@pytest.mark.parametrize("command", [
    place(), pay(expected_version=7), PlaceOrder, record(placed=Moment(NOON - timedelta(days=9)))])
def test_refusal__ignored_when_no_rule_decided_or_a_file_declares(
    ledger: Ledger, store: Store, command: Any
) -> None:
    """Conflicts and malformed commands leave nothing; an import's own summary tells of its rows."""
    ledger.handle(place(), CONTEXT)
    with pytest.raises((LedgerError, KeyError, TypeError)) as caught:
        ledger.handle(command() if isinstance(command, type) else command, CONTEXT)
    assert not isinstance(caught.value, Refused) or type(caught.value) is NumberReused
    assert [row.type for row in must_be_sound(store)] == ["order.placed.v1"]


def test_refusal__ignored_in_a_preview(ledger: Ledger, store: Store) -> None:
    (found,) = ledger.preview([(pay(), CONTEXT)])
    assert type(found) is OrderUnknown
    ledger.close()
    assert must_be_sound(store) == []


def test_refusal__shows_in_the_timeline_and_nowhere_else(ledger: Ledger, store: Store) -> None:
    models = ReadModels(store, PROJECTIONS)
    ledger.handle(place(), CONTEXT)
    with pytest.raises(Refused):
        ledger.handle(RefundOrder(order=stream(), occurred_at=NOON, amount_minor=1), CONTEXT)
    ledger.handle(pay(), CONTEXT)

    def told() -> list[str]:
        found = reports.run(models, "main", "timeline", Question(subject=stream()))
        return [row["type"] for row in found.rows]

    for _ in range(2):
        assert told() == ["order.placed.v1", "command.refused.v1", "order.paid.v1"]
        assert {status.position for status in models.catch_up("main")} == {3}
    (order,) = reports.run(models, "main", "orders", Question(subject=stream())).rows
    assert (order["payment_status"], order["position"]) == ("paid", 3)
    assert models.compare_with_rebuild("main") == []
    models.close()


# -- tried again ----------------------------------------------------------------------------------


def test_refusal__recorded_each_time_and_never_taken_for_a_receipt(
    ledger: Ledger, store: Store
) -> None:
    for _ in range(2):
        with pytest.raises(OrderUnknown):
            ledger.handle(pay(), named())
    results = ledger.handle_many([(pay(), named()), (place(2), CONTEXT), (pay(), named())])
    assert [type(result) for result in results] == [OrderUnknown, Receipt, OrderUnknown]
    ledger.handle(place(), CONTEXT)
    receipt = ledger.handle(pay(), named())
    assert receipt.versions == {stream(): 2}
    assert not receipt.replayed
    assert ledger.handle(pay(), named()) == receipt._replace(replayed=True)
    rows = refused(store)
    assert [(row.stream, row.version) for row in rows] == [
        (f"command:{UUID(int=1)}", number) for number in (1, 2, 3, 4)]
    assert len({row.command_id for row in rows}) == 4
    assert len({row.request_hash for row in rows}) == 1


def test_refusal__recorded_behind_those_of_another_process(
    ledger: Ledger, store: Store, keys: Keys
) -> None:
    other = Ledger(store, keys.of("main", keys_id=None))
    for one in (ledger, other, ledger):
        refuse(one, 1, named())
    other.handle(place(), CONTEXT)
    ledger.handle(pay(), named())
    assert [row.version for row in refused(store)] == [1, 2, 3]
    other.close()


# -- many callers ---------------------------------------------------------------------------------


def attempts(ledger: Ledger, number: int, actor: int) -> Any:
    """What comes of the payment of an order that can be paid once."""
    try:
        return ledger.handle(pay(number), member(actor))
    except LedgerError as error:
        return error


def test_refusals__recorded_when_64_callers_have_their_answers(
    ledger: Ledger, store: Store
) -> None:
    for number in range(10):
        ledger.handle(place(number), CONTEXT)
    start = threading.Barrier(64)

    def call(caller: int) -> Any:
        start.wait(30)
        return attempts(ledger, caller % 10, caller)

    threads = [in_thread(lambda n=n: call(n)) for n in range(64)]
    for thread in threads:
        thread.join()
    told = Counter(type(thread.result) for thread in threads)
    assert told == {Receipt: 10, AlreadyPaid: 54}
    assert Counter(row.type for row in must_be_sound(store)) == {
        "order.placed.v1": 10, "order.paid.v1": 10, "command.refused.v1": 54}
    assert len({row.actor for row in refused(store)}) == 54


def test_refusals__recorded_or_counted_when_64_callers_are_one_actor(
    ledger: Ledger, store: Store
) -> None:
    ledger.handle(place(), CONTEXT)
    ledger.handle(pay(), CONTEXT)
    threads = [in_thread(lambda: attempts(ledger, 1, 0)) for _ in range(64)]
    for thread in threads:
        thread.join()
    assert {type(thread.result) for thread in threads} == {AlreadyPaid}
    assert len(refused(store)) == refusals.EACH
    assert refusals.EACH + sum(counts(store)) > 64 / 2
    ledger.close()
    assert refusals.EACH + sum(counts(store)) == 64


@durable
def test_refusals__recorded_by_two_processes(settings: Settings) -> None:
    """Stores, writers and hours of their own, as of two web servers."""
    both = [open_ledger(settings) for _ in range(2)]
    both[0].ledger.handle(place(), CONTEXT)
    threads = [in_thread(lambda n=n: attempts(both[n % 2].ledger, 1, n)) for n in range(24)]
    for thread in threads:
        thread.join()
    told = Counter(type(thread.result) for thread in threads)
    assert told == {Receipt: 1, AlreadyPaid: 23}
    assert len(refused(both[0].store)) == 23
    for opened in both:
        opened.close()


@contextmanager
def held(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Keep refusals from being committed; the event tells when one was about to be."""
    keep, holds, go = ledger._writer._keep, threading.Event(), threading.Event()

    def wait(records: Any, **more: Any) -> Any:
        if records:
            holds.set()
            go.wait(30)
        return keep(records, **more)

    monkeypatch.setattr(ledger._writer, "_keep", wait)
    try:
        yield holds
    finally:
        go.set()


def test_accepted__answered_before_the_refusals_of_their_batch(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.handle(place(), CONTEXT)
    with held(ledger, monkeypatch) as holds:
        with paused(ledger):
            first = in_thread(lambda: ledger.handle(place("hold"), CONTEXT))
            eventually(lambda: waiting(ledger) == 1)
            no = in_thread(lambda: refuse(ledger))
            eventually(lambda: waiting(ledger) == 2)
            both = in_thread(lambda: ledger.handle_many([(pay("none"), CONTEXT), (pay(), CONTEXT)]))
            eventually(lambda: waiting(ledger) == 4)
            yes = in_thread(lambda: ledger.handle(place(2), CONTEXT))
            eventually(lambda: waiting(ledger) == 5)
        first.join()
        yes.join()
        assert holds.wait(10)
        assert no.is_alive()
        assert both.is_alive()
        assert [row.type for row in must_be_sound(store)] == [
            "order.placed.v1", "order.placed.v1", "order.paid.v1", "order.placed.v1"]
    no.join()
    both.join()
    assert [type(result) for result in both.result] == [OrderUnknown, Receipt]
    assert len(refused(store)) == 2


@pytest.mark.parametrize("patience_s, position", [(60.0, 6), (-1.0, 4)])
def test_accepted__committed_before_refusals_that_have_time(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch, patience_s: float, position: int
) -> None:
    """Refusals wait while others do, but not for long."""
    monkeypatch.setattr(writer, "MAX_UNRECORDED_S", patience_s)
    ledger.handle(place(0), CONTEXT)
    ledger._writer._most = 1
    threads = []
    with paused(ledger):
        for number, command in enumerate([place(1), pay("none"), place(2), place(3), place(4)], 1):
            threads.append(in_thread(lambda c=command: ledger.handle_many([(c, CONTEXT)])))
            eventually(lambda number=number: waiting(ledger) == number)
    for thread in threads:
        thread.join()
    assert [row.position for row in refused(store)] == [position]


def test_close__recorded_when_it_waits(ledger: Ledger, store: Store) -> None:
    with paused(ledger):
        threads = [in_thread(lambda n=n: refuse(ledger, n)) for n in range(5)]
        eventually(lambda: waiting(ledger) == 5)
        closing = in_thread(ledger.close)
        eventually(lambda: ledger._writer._closed)
    closing.join()
    for thread in threads:
        thread.join()
    assert len(refused(store)) == 5


def refuse_until_killed(settings: Settings, pipe: Connection) -> None:
    """Have commands refused from four threads for ever; write each number as a line."""
    opened = open_ledger(settings)
    pipe.send("ready")

    def work(thread: int) -> None:
        for count in range(1_000_000):
            refuse(opened.ledger, f"{thread}-{count}")
            os.write(pipe.fileno(), f"{thread}-{count}\n".encode())

    for thread in [in_thread(lambda n=n: work(n)) for n in range(4)]:
        thread.join()


@durable
def test_kill__ignored_by_refusals_that_were_told(settings: Settings) -> None:
    child = Child(refuse_until_killed, settings)
    assert child.hear() == "ready"
    told = b""
    while len(told) < 500:
        told += os.read(child.pipe.fileno(), 100)
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)
    child.end()
    store = settings.open_store()
    known = {payload(row)["details"]["order"] for row in refused(store)}
    assert known >= {stream(number) for number in told.decode().split("\n")[:-1]}
    store.close()


# -- too much of the same -------------------------------------------------------------------------


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def timed(store: Store, keys: Keys, time: Time) -> Any:
    """A ledger with a clock that is moved by hand."""
    opened = Ledger(store, keys.of("main", keys_id=None), clock=time.clock())
    yield opened
    opened.close()


def test_count__recorded_when_the_hour_is_over(timed: Ledger, store: Store, time: Time) -> None:
    begun = time.wall
    for _ in range(25):
        refuse(timed)
        time.pass_by(60)
    time.pass_by(HOUR - 25 * 60 - 1)
    timed.handle(place(1), CONTEXT)
    rows = refused(store)
    over = begun + HOUR * SECOND
    assert [payload(row).get("counted_until") for row in rows] == [
        *[None] * 19, from_us(over).isoformat().replace("+00:00", "Z")]
    assert counts(store) == []
    time.pass_by(1)
    timed.handle(place(2), CONTEXT)
    timed.close()
    *_, counted = must_be_sound(store)
    assert counted.type == "command.refusals_counted.v1"
    assert payload(counted) == {
        "rule": "R-ORD-03", "code": "order_unknown", "count": 5, "subjects": [stream("none")]
        } | {name: from_us(begun + minute * 60 * SECOND).isoformat().replace("+00:00", "Z")
             for name, minute in (("since", 20), ("until", 24))}
    assert (counted.actor, counted.occurred_at) == ("system", begun + 24 * 60 * SECOND)
    assert counted.subjects == f'["{counted.stream}","{stream("none")}"]'
    assert counted.request_hash == rows[0].request_hash


def test_count__begins_anew_with_the_next_hour(timed: Ledger, store: Store, time: Time) -> None:
    for expected in (1, 2):
        for _ in range(23):
            refuse(timed)
        time.pass_by(HOUR)
        refuse(timed, "another")
        assert counts(store) == [3] * expected
        assert len(refused(store)) == 21 * expected


def test_count__is_of_one_actor_rule_and_first_subject(timed: Ledger, store: Store) -> None:
    timed.handle(place(1), CONTEXT)
    for _ in range(15):
        refuse(timed, 7)
        refuse(timed, 8)
        refuse(timed, 7, member(1))
        with pytest.raises(Refused):
            timed.handle(pay(7, occurred_at=from_us(to_us(NOON) * 2)), CONTEXT)
            timed.handle(RefundOrder(order=stream(1), occurred_at=NOON, amount_minor=1), CONTEXT)
    assert len(refused(store)) == 3 * 15 + 5
    timed.close()
    assert counts(store) == [10]


def test_count__recorded_early_when_it_is_as_much_as_the_log_holds(
    timed: Ledger, store: Store
) -> None:
    """So a process that is killed loses less than half of an hour's refusals."""
    for number in range(1, 130):
        refuse(timed)
        known = min(number, 20) + sum(payload(row)["count"] for row in store.read("main")
                                      if row.type == "command.refusals_counted.v1")
        assert known > number / 2
    assert counts(store) == [20, 40]
    timed.close()
    assert counts(store) == [20, 40, 49]
    assert len(refused(store)) == 20


def test_count__recorded_by_itself_when_nobody_comes(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "HOUR_US", 2 * SECOND)
    monkeypatch.setattr(refusals, "RETRY_US", 0)
    results = ledger.handle_many([(pay(), CONTEXT)] * 23)
    assert {type(result) for result in results} == {OrderUnknown}
    eventually(lambda: store.head("main").position == 21)
    assert counts(store) == [3]


def test_count__recorded_although_too_many_hours_run(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MAX_HOURS", 3)
    for _ in range(22):
        refuse(timed, 1)
    for number in range(2, 9):
        refuse(timed, number)
    assert len(timed._writer._repeats._hours) <= 4
    time.pass_by(HOUR)
    refuse(timed, 1)
    assert counts(store) == [2]


# -- when it fails --------------------------------------------------------------------------------


@contextmanager
def failing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, error: Exception, *,
            times: int = 1, committed: bool = False) -> Iterator[None]:
    """Let transactions of refusals fail, before they begin or after they were committed."""
    keep, writing, left = ledger._writer._keep, ledger.store.writing, [times]

    @contextmanager
    def fail(name: str) -> Iterator[Any]:
        left[0] -= 1
        if left[0] >= 0 and not committed:
            raise error
        with writing(name) as transaction:
            yield transaction
        if left[0] >= 0:
            raise error

    def kept(records: Any, **more: Any) -> Any:
        with monkeypatch.context() as broken:
            broken.setattr(ledger.store, "writing", fail)
            return keep(records, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ledger._writer, "_keep", kept)
        yield


@pytest.mark.parametrize("error", [StorageFailed(why="a test says so"), ZeroDivisionError()])
def test_refusal__told_and_counted_when_it_cannot_be_recorded(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with failing(timed, monkeypatch, error, times=3):
        for _ in range(3):
            refuse(timed)
    assert timed.handle(place(), CONTEXT).positions == (1,)
    assert len(must_be_sound(store)) == 1
    refuse(timed)
    assert len(refused(store)) == 1
    assert counts(store) == [3]


def test_count__tried_again_a_minute_later(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed.handle_many([(pay(), CONTEXT)] * 23)
    time.pass_by(HOUR)
    with failing(timed, monkeypatch, StorageFailed(why="a test says so"), times=9):
        for number in range(5):
            timed.handle(place(number), CONTEXT)
        eventually(lambda: timed._writer._repeats.due_at == time.wall + 60 * SECOND)
    time.pass_by(59)
    timed.handle(place(8), CONTEXT)
    assert counts(store) == []
    time.pass_by(1)
    timed.handle(place(9), CONTEXT)
    eventually(lambda: store.head("main").position == 20 + 7 + 1)
    assert counts(store) == [3]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("who", [CONTEXT, named()])
def test_refusal__recorded_once_when_the_connection_breaks(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch, committed: bool, who: Context
) -> None:
    error = ConnectionLost(why="a test says so")
    with failing(ledger, monkeypatch, error, committed=committed):
        refuse(ledger, 1, who)
    refuse(ledger, 1, who)
    assert len(refused(store)) == 2
    ledger.close()
    assert counts(store) == []


def test_refusal__recorded_although_another_cannot_be(ledger: Ledger, store: Store) -> None:
    """A cause that no log can hold: the one whom it concerns is counted, the others recorded."""
    results = ledger.handle_many(
        [(pay(1), named()), (pay(1), context(causation=2**70)), (pay(1), named())])
    assert {type(result) for result in results} == {OrderUnknown}
    assert [row.version for row in refused(store)] == [1, 2]
    ledger.close()
    assert counts(store) == [1]


def test_refusal__told_when_the_writer_dies(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the thread, nobody is left waiting."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(ledger._writer, "_record", lambda **_: 1 // 0)
    refuse(ledger)
    eventually(lambda: ledger._writer._closed)
    with pytest.raises(LedgerClosed):
        ledger.handle(place(), CONTEXT)


def test_cache__kept_over_refusals(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next command finds its aggregates where they were."""
    ledger.handle(place(), CONTEXT)
    for _ in range(3):
        refuse(ledger)
    cache = ledger._writer._cache
    assert cache.head == store.head("main")
    assert cache.get(Order, stream()) is not None
    monkeypatch.setattr(cache, "catch_up", lambda reader, name, head: None)
    ledger.handle(remark(), CONTEXT)
    assert [row.version for row in changes(store)] == [1, 2]


def test_refusal__stands_under_an_id_that_asks_for_it(ledger: Ledger) -> None:
    once = context(command_id=UUID(int=7), refusals_stand=True)
    with pytest.raises(OrderUnknown):
        ledger.handle(pay(), once)
    ledger.handle(place(), CONTEXT)
    before = ledger.head().position
    with pytest.raises(RefusedBefore) as caught:
        ledger.handle(pay(), once)
    assert caught.value.details["rule"] == "R-ORD-03"
    with pytest.raises(CommandReused):
        ledger.handle(pay(amount_minor=1), once)
    assert ledger.head().position == before
    ledger.handle(pay(), context(command_id=UUID(int=8), refusals_stand=True))
