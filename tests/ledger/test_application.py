"""The writer: one command at a time to its caller, whole batches to the log."""

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import InvalidValues, LedgerError
from ledger.core import event_types
from ledger.core.aggregate import Aggregate, StaleVersion, event
from ledger.core.commands import Command, Work
from ledger.handlers import table as handlers
from ledger.log.store import NOTHING, Forked, Store
from ledger.orders.commands import PayOrder
from ledger.orders.errors import OrderAlreadyPlaced, OrderUnknown, RefundExceedsPayment
from ledger.orders.order import Order
from ledger.settings import Settings
from ledger.writing import writer
from ledger.writing.entries import OccurredInFuture
from ledger.writing.errors import CommandReused, LedgerClosed, OnceTaken, Overloaded
from tests.conftest import durable
from tests.support.batches import outcomes, paused, waiting
from tests.support.builders import (
    CONTEXT,
    NOON,
    context,
    end,
    named,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.soundness import changes, must_be_sound
from tests.support.waiting import eventually, in_thread

# -- one command --------------------------------------------------------------------------------


def test_handle__accepted(ledger: Ledger, store: Store) -> None:
    before = datetime.now(UTC)
    who = context(actor="member:7f3a", role="service", client="key:01", command_id=UUID(int=5),
                  correlation=UUID(int=9), causation=1, subjects=("import:1", "case:2"),
                  source={"import": "1", "rows": [2]})
    receipt = ledger.handle(place(), who)
    assert receipt == Receipt(UUID(int=5), (1,), {stream(): 1}, 1)
    (entry,) = must_be_sound(store)
    assert entry[:5] == ("main", 1, stream(), 1, "order.placed.v1")
    assert before <= datetime.fromtimestamp(entry.recorded_at / 1e6, UTC) <= datetime.now(UTC)
    assert entry.occurred_at == int(NOON.timestamp() * 1e6)
    assert entry.command_id == UUID(int=5).bytes
    assert len(entry.request_hash or b"") == 32
    assert entry[10:18] == (None, "member:7f3a", "service", "key:01", UUID(int=9).bytes, 1,
                            f'["case:2","import:1","{stream()}","sku:SH-001"]',
                            '{"import":"1","rows":[2]}')


def test_handle__accepted_with_several_events(ledger: Ledger, store: Store) -> None:
    receipt = ledger.handle(record(), CONTEXT)
    assert receipt.positions == (1, 2, 3, 4)
    assert receipt.versions == {stream(): 4}
    rows = must_be_sound(store)
    assert len({row.command_id for row in rows}) == 1
    assert {row.correlation for row in rows} == {receipt.command_id.bytes}


def test_handle__ignored_when_nothing_changes(ledger: Ledger, store: Store) -> None:
    ledger.handle(record(), CONTEXT)
    receipt = ledger.handle(record(), named(7))
    assert receipt == Receipt(UUID(int=7), (), {}, 4)
    assert ledger.handle(end(), named(8)).positions == ()
    assert len(must_be_sound(store)) == 4


@pytest.mark.parametrize(("command", "error"), [
    (place(), OrderAlreadyPlaced), (pay(2), OrderUnknown), (pay(expected_version=7), StaleVersion),
    (pay(occurred_at=datetime.now(UTC) + timedelta(days=1)), OccurredInFuture),
    (PayOrder(order="log:clock", occurred_at=NOON, amount_minor=1), OrderUnknown),
])
def test_handle__rejected_alone(
    ledger: Ledger, store: Store, command: Command, error: type[LedgerError]
) -> None:
    ledger.handle(place(), CONTEXT)
    first, caught, last = outcomes(ledger, place(8), command, place(9))
    assert type(caught) is error
    assert first.positions + last.positions == (2, 3)
    assert [row.stream for row in changes(store)] == [stream(), stream(8), stream(9)]


def test_handle__accepted_up_to_five_minutes_ahead(ledger: Ledger) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=4, seconds=50)
    assert ledger.handle(place(occurred_at=soon), CONTEXT).positions == (1,)


def test_handle__rejected_whole_when_its_last_event_is_refused(
    ledger: Ledger, store: Store
) -> None:
    """R-LOG-10 strikes the fourth of four events: the three before it may not stay."""
    from ledger.common.moments import Moment


    late = record(ended=Moment(datetime.now(UTC) + timedelta(days=1)))
    with pytest.raises(OccurredInFuture):
        ledger.handle(late, CONTEXT)
    assert store.head("main") == NOTHING
    assert ledger.handle(record(), CONTEXT).versions == {stream(): 4}
    must_be_sound(store)


def test_command__rejected_before_it_exists() -> None:
    with pytest.raises(InvalidValues):
        place(recipient="a\0b")
    with pytest.raises(InvalidValues):
        place("\ud800")


def test_handle__rejected_when_a_text_holds_nul(ledger: Ledger, store: Store) -> None:
    """R-VAL-01, also for a text that its command does not look at."""
    ledger.handle(place(), CONTEXT)
    for bad in ("\0", "a\\\0b", "\\\\\0"):
        with pytest.raises(InvalidValues, match="NUL"):
            ledger.handle(end(ended_as="closed", reason=bad), context(request=b"x"))
    for good in ("\\u0000", "\\\\u0000"):
        ledger.handle(place(good, gifts=[good]), CONTEXT)
    assert len(must_be_sound(store)) == 3


# -- many callers -------------------------------------------------------------------------------


def test_handle__accepted_in_the_order_of_calls(ledger: Ledger, store: Store) -> None:
    """Each command of a batch is decided on what the ones before it left."""
    results = outcomes(ledger, place(), pay(amount_minor=1000), pay(amount_minor=990),
                       remark(text="一"), place(), pay(2), end("1"))
    assert [type(result) for result in results] == [
        Receipt, Receipt, Receipt, Receipt, OrderAlreadyPlaced, OrderUnknown, Receipt]
    assert [row.version for row in changes(store)] == [1, 2, 3, 4, 5]
    order = fold(store, stream())
    assert (order.paid_minor, order.ended) == (1990, "completed")


def fold(store: Store, name: str) -> Order:
    """An order from its rows."""
    order = Order.blank(name)
    for entry in store.streams("main", [name]):
        event_types.decode(entry).mutate(order)
    return order


def test_handle__accepted_from_many_threads(ledger: Ledger, store: Store) -> None:
    """Everyone wants the same orders: each is placed once, each payment counts once."""

    def work(seed: int) -> Counter[str]:
        numbers, told = list(range(40)), Counter[str]()
        random.Random(seed).shuffle(numbers)
        for number in numbers:
            for command in (place(number), pay(number, amount_minor=4990 + number)):
                try:
                    ledger.handle(command, CONTEXT)
                    told[type(command).__name__] += 1
                except LedgerError as error:
                    told[error.code] += 1
        return told

    threads = [in_thread(lambda seed=seed: work(seed)) for seed in range(8)]
    for thread in threads:
        thread.join()
    told = sum((thread.result for thread in threads), Counter())
    assert told == {"PlaceOrder": 40, "PayOrder": 40, "order_already_placed": 280,
                    "already_paid": 280}
    rows = must_be_sound(store)
    assert Counter(row.type for row in rows) == {
        "order.placed.v1": 40, "order.paid.v1": 40, "command.refused.v1": 280}
    assert all(fold(store, stream(n)).paid_minor == 4990 + n for n in range(40))


def test_handle_many__accepted(ledger: Ledger, store: Store) -> None:
    commands = [place(n) for n in range(1200)] + [pay(5), place(5), pay(5)]
    results = ledger.handle_many([(command, CONTEXT) for command in commands])
    assert [type(result) for result in results] == [
        *[Receipt] * 1201, OrderAlreadyPlaced, type(results[-1])]
    assert results[-1].code == "already_paid"
    assert len(changes(store)) == 1201
    assert ledger.handle_many([]) == []


def test_handle_many__accepted_with_other_callers_between(ledger: Ledger, store: Store) -> None:
    """A long list does not make a single command wait for its end."""
    started = threading.Event()

    def items() -> list[Any]:
        return [(place(f"a{n}"), CONTEXT) for n in range(4 * writer.MAX_COMMANDS)]

    def load() -> None:
        started.set()
        ledger.handle_many(items())

    loading = in_thread(load)
    started.wait(10)
    eventually(lambda: store.head("main").position > 0)
    between = ledger.handle(place(), CONTEXT)
    loading.join()
    assert between.position < len(must_be_sound(store))


def test_handle__rejected_when_too_many_wait(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    with paused(ledger):
        threads = [in_thread(lambda: ledger.handle(place(0), CONTEXT))]
        eventually(lambda: len(ledger._writer._taken) == 1)
        for number in range(1, 4):
            threads.append(in_thread(lambda n=number: ledger.handle(place(n), CONTEXT)))
            eventually(lambda: waiting(ledger) == len(threads))
        with pytest.raises(Overloaded):
            ledger.handle(place(9), CONTEXT)
    for thread in threads:
        thread.join()
    ledger.handle(place(9), CONTEXT)


# -- repeats ------------------------------------------------------------------------------------


def test_repeat__accepted_with_the_first_receipt(ledger: Ledger, store: Store) -> None:
    first = ledger.handle(record(), named())
    ledger.handle(place(2), CONTEXT)
    again = ledger.handle(record(), named())
    assert again == first._replace(replayed=True, position=5)
    assert not first.replayed
    assert len(must_be_sound(store)) == 5


def test_repeat__accepted_by_another_ledger_object(
    ledger: Ledger, store: Store, keys: Any
) -> None:
    first = ledger.handle(record(), named())
    other = Ledger(store, keys.of("main", keys_id=store.head("main").keys_id))
    assert other.handle(record(), named()) == first._replace(replayed=True)
    with pytest.raises(CommandReused):
        other.handle(record(2), named())
    other.close()


def test_repeat__accepted_inside_one_batch(ledger: Ledger, store: Store) -> None:
    same = [(record(), named())] * 3
    first, second, third = ledger.handle_many(same)
    assert isinstance(first, Receipt)
    assert second == third == first._replace(replayed=True)
    reused, other = ledger.handle_many([(record(2), named()), (record(2), named(2))])
    assert type(reused) is CommandReused
    assert isinstance(other, Receipt)
    assert len(must_be_sound(store)) == 8


def test_repeat__conflict_when_the_body_is_another(ledger: Ledger, store: Store) -> None:
    ledger.handle(place(), named())
    for command in (place(2), place(recipient="李四"), pay()):
        with pytest.raises(CommandReused):
            ledger.handle(command, named())
    told = context(command_id=UUID(int=9), request=b"the same")
    first = ledger.handle(place(3), told)
    assert ledger.handle(place(4), told) == first._replace(replayed=True)
    assert len(must_be_sound(store)) == 2


def test_repeat__accepted_anew_when_the_first_was_refused(ledger: Ledger, store: Store) -> None:
    """A refusal bears another id, so what was refused may be tried again under its own."""
    with pytest.raises(OrderUnknown):
        ledger.handle(pay(), named())
    ledger.handle(place(), CONTEXT)
    assert not ledger.handle(pay(), named()).replayed
    assert ledger.handle(pay(), named()).replayed


# -- commands of our own, to look behind --------------------------------------------------------


class Thing(Aggregate):
    """Something that happens."""

    KIND = "thing"

    class Happened(Aggregate.Event):
        """It happened."""

        TOPIC = "test.thing_happened.v1"
        number: int

    @event(Happened)
    def _happened(self, number: int) -> None:
        self.number = number


class Happen(Command, kw_only=True):
    """Let things happen; `then` is done after it."""

    NAME: ClassVar[str] = "test.happen"
    things: tuple[str, ...] = ("thing:1",)
    once: tuple[str | None, ...] = (None,)
    then: str = ""


BUGS: dict[str, Callable[[Any], None]] = {}


def happen(command: Happen, work: Work) -> list[Aggregate]:
    """Record one event per thing and `once`."""
    changed = []
    for name in command.things:
        thing = work.load(Thing, name)
        for number, once in enumerate(command.once):
            thing._happened(number=number, occurred_at=NOON, once=once)
        changed.append(thing)
    BUGS.get(command.then, lambda _: None)(changed)
    return changed


@pytest.fixture(autouse=True)
def _known_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handlers.HANDLERS, Happen, happen)
    monkeypatch.setitem(BUGS, "fail", lambda _: {}["no such key"])
    monkeypatch.setitem(BUGS, "forget", lambda changed: changed.clear())
    monkeypatch.setitem(BUGS, "text", lambda changed: changed[0].pending_events[0].__dict__.update(
        once="\ud800"))
    monkeypatch.setitem(BUGS, "exit", lambda _: sys.exit("out of here"))
    monkeypatch.setitem(BUGS, "again", lambda changed: changed[0]._sealer.again())


def test_handle__accepted_over_several_streams(ledger: Ledger, store: Store) -> None:
    receipt = ledger.handle(Happen(things=("thing:1", "thing:2",)), CONTEXT)
    assert receipt.versions == {"thing:1": 1, "thing:2": 1}
    assert [row.command_seq for row in must_be_sound(store)] == [1, 2]


@pytest.mark.parametrize(("then", "error"), [
    ("fail", KeyError), ("forget", AssertionError), ("text", UnicodeEncodeError),
    ("exit", SystemExit), ("again", RuntimeError)])
def test_handle__rejected_alone_when_its_handler_has_a_fault(
    ledger: Ledger, store: Store, then: str, error: type[BaseException]
) -> None:
    """A fault of ours hurts whom it concerns; the others of its batch are recorded."""
    ledger.keys.again = lambda: ledger.handle(place(99), CONTEXT)  # type: ignore[attr-defined]
    items = [(place(n), CONTEXT) for n in range(40)]
    items.insert(23, (Happen(then=then), CONTEXT))
    with pytest.raises(error):
        ledger.handle_many(items)
    assert len(must_be_sound(store)) == 40
    assert ledger.handle(Happen(), CONTEXT).versions == {"thing:1": 1}


def test_handle__rejected_alone_when_its_stream_cannot_be_read(
    ledger: Ledger, store: Store, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-01: one stream of a newer version does not stop the rest."""
    ledger.handle(Happen(), CONTEXT)
    other = Ledger(store, keys.of("main", keys_id=None))
    with monkeypatch.context() as newer:
        newer.delitem(event_types._decoders, Thing.Happened.TOPIC)
        first, unknown, last = outcomes(other, place(1), Happen(), place(2))
    assert type(unknown) is event_types.UnknownEventType
    assert first.positions + last.positions == (2, 3)
    assert other.handle(Happen(), CONTEXT).versions == {"thing:1": 2}
    other.close()
    must_be_sound(store)


def test_once__conflict_when_taken(ledger: Ledger, store: Store) -> None:
    ledger.handle(Happen(once=("a",)), CONTEXT)
    with pytest.raises(OnceTaken) as caught:
        ledger.handle(Happen(things=("thing:2",), once=("b", "a")), CONTEXT)
    assert caught.value.details == {"once": "a", "position": 1}
    with pytest.raises(OnceTaken):
        ledger.handle(Happen(things=("thing:2",), once=("c", "c")), CONTEXT)
    results = ledger.handle_many(
        [(Happen(things=(f"thing:{n}",), once=(once,)), CONTEXT)
         for n, once in enumerate(["d", "a", "d", "b", "c"], 2)])
    assert [getattr(result, "code", None) for result in results] == [
        None, "once_taken", "once_taken", None, None]
    rows = must_be_sound(store)
    assert [row.once for row in rows] == ["a", "d", "b", "c"]
    assert store.once("main", ["a", "b", "c", "d"]) == {"a": 1, "d": 2, "b": 3, "c": 4}


def test_preview__accepted_and_leaves_nothing(ledger: Ledger, store: Store) -> None:
    commands = [record(), pay(2), record(), place(2, recipient="张三"), pay(2)]
    found = ledger.preview([(command, CONTEXT) for command in commands])
    assert [getattr(count, "code", count) for count in found] == [4, "order_unknown", 0, 1, 1]
    assert store.head("main") == NOTHING
    assert ledger.keys._by_lookup == {}


# -- the end ------------------------------------------------------------------------------------


def test_close__accepted_and_finishes_what_waits(ledger: Ledger, store: Store) -> None:
    with paused(ledger):
        threads = [in_thread(lambda n=n: ledger.handle(place(n), CONTEXT)) for n in range(20)]
        eventually(lambda: waiting(ledger) == 20)
        closing = in_thread(ledger.close)
        eventually(lambda: ledger._writer._closed)
        with pytest.raises(LedgerClosed):
            ledger.handle(place(99), CONTEXT)
    closing.join()
    for thread in threads:
        thread.join()
    assert len(must_be_sound(store)) == 20
    with pytest.raises(LedgerClosed):
        ledger.handle_many([(place(98), CONTEXT)])
    ledger.close()


def test_handle__rejected_when_the_writer_has_died(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the thread, nobody is left waiting."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with paused(ledger):
        threads = [in_thread(lambda n=n: outcome(ledger, n)) for n in range(5)]
        eventually(lambda: waiting(ledger) == 5)
        monkeypatch.setattr(ledger._writer, "_fail", lambda *_: 1 // 0)
        monkeypatch.setattr(ledger._writer, "_open", lambda *_: 1 // 0)
    for thread in threads:
        thread.join()
        assert type(thread.result) is LedgerClosed
    with pytest.raises(LedgerClosed):
        ledger.handle(place(9), CONTEXT)


def outcome(ledger: Ledger, number: int) -> Any:
    """A receipt or the error."""
    try:
        return ledger.handle(place(number), CONTEXT)
    except LedgerError as error:
        return error


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_handle__rejected_in_a_forked_process(ledger: Ledger, store: Store) -> None:
    """R-LOG-15: the writer's thread is not there any more, and the connections are shared."""
    ledger.handle(place(), CONTEXT)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told = []
        for use in (lambda: ledger.handle(place(2), CONTEXT), ledger.head,
                    lambda: store.writing("main").__enter__(), ledger.close, store.close):
            try:
                use()
                told.append("done")
            except BaseException as error:
                told.append(type(error).__name__)
        os.write(writing, " ".join(told).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 1000).decode() == " ".join([Forked.__name__] * 3 + ["done"] * 2)
    os.close(reading)
    assert ledger.handle(place(3), CONTEXT).positions == (2,)
    must_be_sound(store)


@durable
def test_ledger__accepted_when_opened_again(settings: Settings) -> None:
    from ledger.settings import open_ledger

    for turn in range(3):
        opened = open_ledger(settings)
        opened.ledger.handle(place(turn), CONTEXT)
        if turn:
            opened.ledger.handle(pay(turn - 1), CONTEXT)
        assert len(must_be_sound(opened.store)) == 2 * turn + 1
        opened.close()


def test_handle__accepted_when_the_cache_is_small(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.writing import work

    monkeypatch.setattr(work, "CACHED_AGGREGATES", 2)
    for number in range(6):
        ledger.handle(place(number), CONTEXT)
    for number in range(6):
        ledger.handle(pay(number), CONTEXT)
    assert len(ledger._writer._cache._kept) == 2
    assert len(must_be_sound(store)) == 12


def test_refund__rejected_above_the_payment_in_one_batch(ledger: Ledger) -> None:
    from ledger.orders.commands import RefundOrder

    ledger.handle_many([(place(), CONTEXT), (pay(amount_minor=100), CONTEXT)])
    refund = RefundOrder(order=stream(), occurred_at=NOON, amount_minor=60)
    first, second = ledger.handle_many([(refund, CONTEXT)] * 2)
    assert isinstance(first, Receipt)
    assert type(second) is RefundExceedsPayment
