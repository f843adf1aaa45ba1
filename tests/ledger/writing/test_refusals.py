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

from ledger.application import Ledger, LedgerClosed
from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError, Refused
from ledger.common.values import from_us
from ledger.log.envelope import Entry
from ledger.log.persons import Keys
from ledger.log.store import ConnectionLost, StorageFailed, Store
from ledger.settings import Settings, open_ledger
from ledger.writing import refusals, writer
from ledger.writing.genesis import begun
from ledger.writing.requests import request_hash
from tests.conftest import durable
from tests.support.batches import paused, waiting
from tests.support.children import Child
from tests.support.clocks import SECOND, Time
from tests.support.envelopes import CONTEXT, NOON, context, named
from tests.support.jars import (
    FULL,
    HANDLERS,
    AddCoins,
    Jar,
    JarDiffers,
    JarFull,
    JarTooSmall,
    JarUnknown,
    NotThatManyCoins,
    OpenJar,
    adding,
    filling,
    name_of,
    noting,
    opening,
    taking,
)
from tests.support.soundness import changes, must_be_sound
from tests.support.waiting import eventually, in_thread

OWNER = "张三丰"
HOUR = 3600


def member(number: object) -> Context:
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
    with pytest.raises(JarUnknown):
        ledger.handle(adding(number), who)


# -- what is on record ----------------------------------------------------------------------------


def test_refusal__recorded_with_all_but_the_body(ledger: Ledger, store: Store) -> None:
    ledger.handle(opening(), CONTEXT)
    ledger.handle(adding(), CONTEXT)
    who = context(actor="member:7f3a", role="service", client="key:01", command_id=UUID(int=5),
                  correlation=UUID(int=9), causation=1, subjects=("case:2",),
                  by_client=True, source={"import": "1"})
    command = taking(coins=101, reason="等太久了")
    with pytest.raises(NotThatManyCoins):
        ledger.handle(command, who)
    (row,) = refused(store)
    assert payload(row) == {
        "command": "jar.take_coins", "rule": "R-TST-04", "code": "not_that_many_coins",
        "subjects": [name_of()], "details": {"jar": name_of(), "held": FULL, "wanted": 101}}
    assert row[:4] == (ledger.id, 4, f"command:{UUID(int=5)}", 1)
    assert abs(row.recorded_at - row.occurred_at) < 60 * SECOND
    assert row.command_id != UUID(int=5).bytes
    assert row.request_hash == request_hash(ledger.mac, command)
    assert row[10:18] == (None, "member:7f3a", "service", "key:01", UUID(int=9).bytes, 1,
                          f'["case:2","command:{UUID(int=5)}","{name_of()}"]', '{"import":"1"}')


def test_refusal__recorded_without_personal_values(ledger: Ledger, store: Store) -> None:
    with pytest.raises(JarTooSmall):
        ledger.handle(opening(coins=101, owner=OWNER), CONTEXT)
    (row,) = refused(store)
    whole = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in row)
    assert OWNER.encode() not in whole
    assert payload(row)["details"] == {"jar": name_of(), "coins": 101}
    assert row.correlation == UUID(row.stream.partition(":")[2]).bytes


@pytest.mark.parametrize("name", ["张三 13800138000", "13800138000", "jar:张三 收", "Jar:x"])
def test_refusal__recorded_without_a_name_that_is_no_subject(
    ledger: Ledger, store: Store, name: str
) -> None:
    """Whoever types a telephone number where a jar belongs leaves no trace of it."""
    with pytest.raises(JarUnknown):
        ledger.handle(AddCoins(jar=name, occurred_at=NOON, coins=1), CONTEXT)
    (row,) = refused(store)
    assert payload(row) == {"command": "jar.add_coins", "rule": "R-TST-01", "code": "jar_unknown"}
    assert row.subjects == f'["{row.stream}"]'


@pytest.mark.parametrize("command", [
    opening(), adding(expected_version=7), OpenJar, filling(occurred_at=NOON - timedelta(days=9))])
def test_refusal__ignored_when_no_rule_decided_or_a_file_declares(
    ledger: Ledger, store: Store, command: Any
) -> None:
    """Conflicts and malformed commands leave nothing; who reads a file reports what it declares."""
    ledger.handle(opening(), CONTEXT)
    with pytest.raises((LedgerError, KeyError, TypeError)) as caught:
        ledger.handle(command() if isinstance(command, type) else command, CONTEXT)
    assert not isinstance(caught.value, Refused) or type(caught.value) is JarDiffers
    assert [row.type for row in must_be_sound(store)] == ["jar.opened.v1"]


def test_refusal__ignored_in_a_preview(ledger: Ledger, store: Store) -> None:
    (found,) = ledger.preview([(adding(), CONTEXT)])
    assert type(found) is JarUnknown
    ledger.close()
    assert must_be_sound(store) == []


# -- tried again ----------------------------------------------------------------------------------


def test_refusal__recorded_each_time_and_never_taken_for_a_receipt(
    ledger: Ledger, store: Store
) -> None:
    for _ in range(2):
        with pytest.raises(JarUnknown):
            ledger.handle(adding(), named())
    results = ledger.handle_many([(adding(), named()), (opening(2), CONTEXT), (adding(), named())])
    assert [type(result) for result in results] == [JarUnknown, Receipt, JarUnknown]
    ledger.handle(opening(), CONTEXT)
    receipt = ledger.handle(adding(), named())
    assert receipt.versions == {name_of(): 2}
    assert not receipt.replayed
    assert ledger.handle(adding(), named()) == receipt._replace(replayed=True)
    rows = refused(store)
    assert [(row.stream, row.version) for row in rows] == [
        (f"command:{UUID(int=1)}", number) for number in (1, 2, 3, 4)]
    assert len({row.command_id for row in rows}) == 4
    assert len({row.request_hash for row in rows}) == 1


def test_refusal__recorded_after_those_of_another_process(
    ledger: Ledger, store: Store, keys: Keys
) -> None:
    other = Ledger(store, begun(store, keys), handlers=HANDLERS)
    for one in (ledger, other, ledger):
        refuse(one, 1, named())
    other.handle(opening(), CONTEXT)
    ledger.handle(adding(), named())
    assert [row.version for row in refused(store)] == [1, 2, 3]
    other.close()


# -- many callers ---------------------------------------------------------------------------------


def attempts(ledger: Ledger, number: int, actor: int) -> Any:
    """What comes of filling a jar that can be filled once."""
    try:
        return ledger.handle(adding(number), member(actor))
    except LedgerError as error:
        return error


def test_refusals__recorded_when_64_callers_have_their_answers(
    ledger: Ledger, store: Store
) -> None:
    for number in range(10):
        ledger.handle(opening(number), CONTEXT)
    start = threading.Barrier(64)

    def call(caller: int) -> Any:
        start.wait(30)
        return attempts(ledger, caller % 10, caller)

    threads = [in_thread(lambda n=n: call(n)) for n in range(64)]
    for thread in threads:
        thread.join()
    outcomes = Counter(type(thread.result) for thread in threads)
    assert outcomes == {Receipt: 10, JarFull: 54}
    assert Counter(row.type for row in must_be_sound(store)) == {
        "jar.opened.v1": 10, "jar.coins_added.v1": 10, "command.refused.v1": 54}
    assert len({row.actor for row in refused(store)}) == 54


def test_refusals__recorded_or_counted_when_64_callers_are_one_actor(
    ledger: Ledger, store: Store
) -> None:
    ledger.handle(opening(), CONTEXT)
    ledger.handle(adding(), CONTEXT)
    threads = [in_thread(lambda: attempts(ledger, 1, 0)) for _ in range(64)]
    for thread in threads:
        thread.join()
    assert {type(thread.result) for thread in threads} == {JarFull}
    assert len(refused(store)) == refusals.EACH
    assert refusals.EACH + sum(counts(store)) > 64 / 2
    ledger.close()
    assert refusals.EACH + sum(counts(store)) == 64


@durable
def test_refusals__recorded_by_two_processes(settings: Settings) -> None:
    """Stores, writers and hours of their own, as of two web servers."""
    both = [open_ledger(settings, handlers=HANDLERS) for _ in range(2)]
    both[0].ledger.handle(opening(), CONTEXT)
    threads = [in_thread(lambda n=n: attempts(both[n % 2].ledger, 1, n)) for n in range(24)]
    for thread in threads:
        thread.join()
    outcomes = Counter(type(thread.result) for thread in threads)
    assert outcomes == {Receipt: 1, JarFull: 23}
    assert len(refused(both[0].store)) == 23
    for opened in both:
        opened.close()


@contextmanager
def held(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Keep refusals from being committed; the event tells when one was about to be."""
    keep, holds, go = ledger._writer._commit_records, threading.Event(), threading.Event()

    def wait(records: Any, **more: Any) -> Any:
        if records:
            holds.set()
            go.wait(30)
        return keep(records, **more)

    monkeypatch.setattr(ledger._writer, "_commit_records", wait)
    try:
        yield holds
    finally:
        go.set()


def test_accepted__answered_before_the_refusals_of_their_batch(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.handle(opening(), CONTEXT)
    with held(ledger, monkeypatch) as holds:
        with paused(ledger):
            first = in_thread(lambda: ledger.handle(opening("hold"), CONTEXT))
            eventually(lambda: waiting(ledger) == 1)
            no = in_thread(lambda: refuse(ledger))
            eventually(lambda: waiting(ledger) == 2)
            both = in_thread(lambda: ledger.handle_many(
                [(adding("none"), CONTEXT), (adding(), CONTEXT)]))
            eventually(lambda: waiting(ledger) == 4)
            yes = in_thread(lambda: ledger.handle(opening(2), CONTEXT))
            eventually(lambda: waiting(ledger) == 5)
        first.join()
        yes.join()
        assert holds.wait(10)
        assert no.is_alive()
        assert both.is_alive()
        assert [row.type for row in must_be_sound(store)] == [
            "jar.opened.v1", "jar.opened.v1", "jar.coins_added.v1", "jar.opened.v1"]
    no.join()
    both.join()
    assert [type(result) for result in both.result] == [JarUnknown, Receipt]
    assert len(refused(store)) == 2


@pytest.mark.parametrize("patience_s, position", [(60.0, 7), (-1.0, 5)])
def test_accepted__committed_before_refusals_that_have_time(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch, patience_s: float, position: int
) -> None:
    """Refusals wait while others do, but not for long."""
    monkeypatch.setattr(writer, "MAX_UNRECORDED_S", patience_s)
    ledger.handle(opening(0), CONTEXT)
    ledger._writer._batch_limit = 1
    threads = []
    with paused(ledger):
        sent = [opening(1), adding("none"), opening(2), opening(3), opening(4)]
        for number, command in enumerate(sent, 1):
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
        eventually(lambda: ledger.closed)
    closing.join()
    for thread in threads:
        thread.join()
    assert len(refused(store)) == 5


def refuse_until_killed(settings: Settings, pipe: Connection) -> None:
    """Have commands refused from four threads for ever; write each number as a line."""
    opened = open_ledger(settings, handlers=HANDLERS)
    pipe.send("ready")

    def work(thread: int) -> None:
        for count in range(1_000_000):
            refuse(opened.ledger, f"{thread}-{count}", member(f"{thread}-{count}"))
            os.write(pipe.fileno(), f"{thread}-{count}\n".encode())

    for thread in [in_thread(lambda n=n: work(n)) for n in range(4)]:
        thread.join()


@durable
def test_kill__ignored_by_refusals_that_were_answered(settings: Settings) -> None:
    child = Child(refuse_until_killed, settings)
    assert child.hear() == "ready"
    said = b""
    while len(said) < 500:
        said += os.read(child.pipe.fileno(), 100)
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)
    child.end()
    store = settings.open_store()
    known = {payload(row)["details"]["jar"] for row in refused(store)}
    assert known >= {name_of(number) for number in said.decode().split("\n")[:-1]}
    store.close()


# -- too much of the same -------------------------------------------------------------------------


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def timed(store: Store, keys: Keys, time: Time) -> Any:
    """A ledger with a clock that is moved by hand."""
    opened = Ledger(store, begun(store, keys, clock=time.clock()), handlers=HANDLERS,
                    clock=time.clock())
    yield opened
    opened.close()


def test_count__recorded_when_the_hour_is_over(timed: Ledger, store: Store, time: Time) -> None:
    begun = time.wall
    for _ in range(25):
        refuse(timed)
        time.pass_by(60)
    time.pass_by(HOUR - 25 * 60 - 1)
    timed.handle(opening(1), CONTEXT)
    rows = refused(store)
    over = begun + HOUR * SECOND
    assert [payload(row).get("counted_until") for row in rows] == [
        *[None] * 19, from_us(over).isoformat().replace("+00:00", "Z")]
    assert counts(store) == []
    time.pass_by(1)
    timed.handle(opening(2), CONTEXT)
    timed.close()
    *_, counted = must_be_sound(store)
    assert counted.type == "command.refusals_counted.v1"
    assert payload(counted) == {
        "rule": "R-TST-01", "code": "jar_unknown", "count": 5, "subjects": [name_of("none")]
        } | {name: from_us(begun + minute * 60 * SECOND).isoformat().replace("+00:00", "Z")
             for name, minute in (("since", 20), ("until", 24))}
    assert (counted.actor, counted.occurred_at) == ("system", begun + 24 * 60 * SECOND)
    assert counted.subjects == f'["{counted.stream}","{name_of("none")}"]'
    assert counted.request_hash == rows[0].request_hash


def test_count__begins_again_with_the_next_hour(timed: Ledger, store: Store, time: Time) -> None:
    for expected in (1, 2):
        for _ in range(23):
            refuse(timed)
        time.pass_by(HOUR)
        refuse(timed, "another", member(1))
        assert counts(store) == [3] * expected
        assert len(refused(store)) == 21 * expected


def test_count__is_of_one_actor_and_rule(timed: Ledger, store: Store) -> None:
    timed.handle(opening(1), CONTEXT)
    for _ in range(15):
        refuse(timed, 7)
        refuse(timed, 8)
        refuse(timed, 7, member(1))
        refuse(timed, 7)
        with pytest.raises(NotThatManyCoins):
            timed.handle(taking(1), CONTEXT)
    assert len(refused(store)) == 20 + 15 + 15
    timed.close()
    assert counts(store) == [20, 5]


def test_count__is_of_all_that_was_made_up(timed: Ledger, store: Store) -> None:
    """Whoever tries 300 numbers leaves 20 events and some counts, not 300 events."""
    for number in range(300):
        refuse(timed, number)
    timed.close()
    assert len(refused(store)) == 20
    assert sum(counts(store)) == 280
    counted = [payload(row) for row in must_be_sound(store)
               if row.type == "command.refusals_counted.v1"]
    assert len(counted) < 6
    assert counted[0]["subjects"] == [name_of(number) for number in range(20, 40)]
    assert counted[1]["subjects"] == [name_of(number) for number in range(40, 60)]


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
    results = ledger.handle_many([(adding(), CONTEXT)] * 23)
    assert {type(result) for result in results} == {JarUnknown}
    eventually(lambda: store.head("main").position == 22)
    assert counts(store) == [3]


def test_count__recorded_although_too_many_hours_run(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MAX_HOURS", 3)
    for _ in range(22):
        refuse(timed, 1)
    for number in range(2, 9):
        refuse(timed, number, member(number))
    assert len(timed._writer._tally._hours) <= 4
    time.pass_by(HOUR)
    refuse(timed, 1)
    assert counts(store) == [2]


# -- when it fails --------------------------------------------------------------------------------


@contextmanager
def failing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, error: Exception, *,
            times: int = 1, committed: bool = False) -> Iterator[None]:
    """Let transactions of refusals fail, before they begin or after they were committed."""
    keep, writing, left = ledger._writer._commit_records, ledger.store.writing, [times]

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
        patch.setattr(ledger._writer, "_commit_records", kept)
        yield


@pytest.mark.parametrize("error", [StorageFailed(why="a test says so"), ZeroDivisionError()])
def test_refusal__answered_and_counted_when_it_cannot_be_recorded(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with failing(timed, monkeypatch, error, times=3):
        for _ in range(3):
            refuse(timed)
    assert timed.handle(opening(), CONTEXT).positions == (2,)
    assert len(must_be_sound(store)) == 1
    refuse(timed)
    assert len(refused(store)) == 1
    assert counts(store) == [3]


def test_count__tried_again_a_minute_later(
    timed: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed.handle_many([(adding(), CONTEXT)] * 23)
    time.pass_by(HOUR)
    with failing(timed, monkeypatch, StorageFailed(why="a test says so"), times=9):
        for number in range(5):
            timed.handle(opening(number), CONTEXT)
        eventually(lambda: timed._writer._tally.due_at == time.wall + 60 * SECOND)
    time.pass_by(59)
    timed.handle(opening(8), CONTEXT)
    assert counts(store) == []
    time.pass_by(1)
    timed.handle(opening(9), CONTEXT)
    eventually(lambda: store.head("main").position == 1 + 20 + 7 + 1)
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
        [(adding(1), named()), (adding(1), context(causation=2**70)), (adding(1), named())])
    assert {type(result) for result in results} == {JarUnknown}
    assert [row.version for row in refused(store)] == [1, 2]
    ledger.close()
    assert counts(store) == [1]


def test_refusal__answered_when_the_writer_dies(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the thread, nobody is left waiting."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(ledger._writer, "_record_refusals", lambda **_: 1 // 0)
    refuse(ledger)
    eventually(lambda: ledger.closed)
    with pytest.raises(LedgerClosed):
        ledger.handle(opening(), CONTEXT)


def test_cache__kept_over_refusals(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next command finds its aggregates where they were."""
    ledger.handle(opening(), CONTEXT)
    for _ in range(3):
        refuse(ledger)
    cache = ledger._writer._cache
    assert cache.head == store.head("main")
    assert cache.get(Jar, name_of()) is not None
    monkeypatch.setattr(cache, "catch_up", lambda reader, name, head: None)
    ledger.handle(noting(), CONTEXT)
    assert [row.version for row in changes(store)] == [1, 2]
