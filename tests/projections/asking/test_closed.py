"""Closed answers: "as the ledger knew it at that time" is said once and for ever, or `open`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import Refused
from ledger.common.values import from_us, rfc3339
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.store import Store
from ledger.settings import Settings, open_ledger
from projections.asking import clocks
from projections.asking.clocks import AsOf
from projections.asking.questions import Answer, Question
from projections.catalogue import PROJECTIONS
from projections.reports import REPORTS, run
from projections.store.models import ReadModels
from tests.conftest import durable
from tests.support.builders import CONTEXT, opened, pay, place, received, record, sell
from tests.support.clocks import SECOND, Time
from tests.support.projecting import put
from tests.support.thorough import tried

WRITERS, ORDERS = 4, tried(40)
REQUESTED = ("orders", "reconciliation", "inventory", "stock-ledger")


def asked(models: ReadModels, report: str, at_us: int) -> Answer:
    """What a report answers as the ledger knew it at a time."""
    return run(models, "main", report, Question(
        as_of=AsOf.parse(recorded_as_of=rfc3339(from_us(at_us)))))


@contextmanager
def writers(ledgers: Sequence[Ledger]) -> Iterator[list[threading.Thread]]:
    """Threads that record orders, each into a ledger object of its own."""
    def write(writer: int, ledger: Ledger) -> None:
        for number in range(ORDERS):
            name = f"{writer}-{number}"
            for command in (place(name), pay(name), sell(f"{name}-s"), record(f"{name}-r")):
                ledger.handle(command, CONTEXT)

    threads = [threading.Thread(target=write, args=item) for item in enumerate(ledgers)]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.join()


@durable
def test_closed__answers_never_change_while_others_write(
    settings: Settings, ledger: Ledger
) -> None:
    put(ledger, opened(), received(quantity=10_000))
    heard: list[tuple[str, int, Answer]] = []
    with ExitStack() as stack:
        shops = [open_ledger(settings) for _ in range(WRITERS // 2)]
        for shop in shops:
            stack.callback(shop.close)
        reader = open_ledger(settings)
        stack.callback(reader.close)
        models = ReadModels(reader.store, PROJECTIONS)
        stack.callback(models.close)
        with writers([shop.ledger for shop in shops for _ in range(2)]) as threads:
            while any(thread.is_alive() for thread in threads):
                for report in REQUESTED:
                    now = Clock().wall()
                    head = reader.store.head("main").recorded_at
                    heard += [(report, at, asked(models, report, at)) for at in (now, head)]
        final = [(report, at, answer) for report, at, answer in heard if not answer.as_of["open"]]
        assert len(final) >= len(heard) // 2
        for report, at, answer in final:
            again = asked(models, report, at)
            assert (again.rows, again.as_of["position"]) == (answer.rows, answer.as_of["position"])


@given(steps=st.lists(st.integers(-4, 9), min_size=2, max_size=12),
       several=st.data())
@hypothesis_settings(max_examples=tried(25), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_closed__times_rise_from_commit_to_commit_whatever_the_clock_does(
    steps: list[int], several: st.DataObject
) -> None:
    """Equal stamps mean one commit; and what was closed when it was asked stays as it was."""
    time = Time()
    shop = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                master_key_file=None), clock=time.clock())
    models = ReadModels(shop.store, PROJECTIONS)
    ends, heard = [], []
    for number, step in enumerate(steps):
        put(shop.ledger, *(place(f"{number}-{n}")
                           for n in range(several.draw(st.integers(1, 3)))))
        ends.append(shop.store.head("main").position)
        time.pass_by(max(step, (shop.store.head("main").recorded_at - time.wall) / SECOND - 4))
        heard.append((time.wall, asked(models, "orders", time.wall)))
    entries = shop.store.read("main")
    for before, after in pairwise(entries):
        if before.command_id != after.command_id and before.position in ends:
            assert before.recorded_at < after.recorded_at
        assert before.recorded_at <= after.recorded_at
    for at, answer in heard:
        if not answer.as_of["open"]:
            assert asked(models, "orders", at).rows == answer.rows
    models.close()
    shop.close()


def test_closed__refusals_and_accepted_clocks_are_stamped_later_than_what_precedes(
    settings: Settings
) -> None:
    time = Time()
    shop = open_ledger(settings, clock=time.clock())
    put(shop.ledger, place("1"))
    with pytest.raises(Refused):
        shop.ledger.handle(pay("2"), CONTEXT)
    time.jump(-3600)
    with pytest.raises(ClockSuspect):
        shop.ledger.handle(place("2"), CONTEXT)
    shop.ledger.accept_clock("the server was an hour ahead", CONTEXT)
    put(shop.ledger, place("2"))
    stamps: dict[int, set[bytes]] = {}
    for entry in shop.store.read("main"):
        stamps.setdefault(entry.recorded_at, set()).add(entry.command_id)
    assert len(stamps) == 5
    assert all(len(commands) == 1 for commands in stamps.values())
    shop.close()


@pytest.mark.parametrize("report", sorted(set(REPORTS) & set(REQUESTED)))
def test_closed__says_whether_the_answer_can_change(
    report: str, ledger: Ledger, store: Store
) -> None:
    put(ledger, opened(), received(), sell("1"))
    models = ReadModels(store, PROJECTIONS)
    head = store.head("main")

    def open_of(**asked_as_of: Any) -> bool:
        found = run(models, "main", report, Question(as_of=AsOf.parse(**asked_as_of)))
        return bool(found.as_of["open"])

    assert not open_of(position=2)
    assert not open_of(recorded_as_of=rfc3339(from_us(head.recorded_at)))
    assert open_of(recorded_as_of=rfc3339(from_us(head.recorded_at + 1)))
    assert open_of(recorded_as_of="2999-01-01")
    assert open_of(occurred_as_of="2026-10-01")
    assert open_of()
    models.close()


def test_closed__not_while_the_rows_lack_a_part(ledger: Ledger, store: Store) -> None:
    """A read model that is late answers what it holds, and does not call it final."""
    models = ReadModels(store, PROJECTIONS)
    put(ledger, opened(), received())
    models.catch_up("main")
    put(ledger, received(quantity=5))
    late = Question(as_of=AsOf.parse(recorded_as_of=rfc3339(from_us(
        store.head("main").recorded_at))))
    assert REPORTS["inventory"](models, "main", late).as_of["open"]
    models.catch_up("main")
    assert not REPORTS["inventory"](models, "main", late).as_of["open"]
    models.close()


def test_closed__says_that_the_clock_is_ahead_until_it_has_caught_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an acceptance of a clock that was set back, not after one that was set forward."""
    time = Time()
    monkeypatch.setattr(clocks.computer, "time_ns", lambda: time.wall * 1000)
    shop = open_ledger(settings, clock=time.clock())
    models = ReadModels(shop.store, PROJECTIONS)

    def said() -> Any:
        models.catch_up("main")
        return run(models, "main", "orders", Question()).as_of.get("clock")

    put(shop.ledger, place("1"))
    time.jump(-4)
    put(shop.ledger, place("2"))
    assert said() is None
    time.jump(3600)
    shop.ledger.accept_clock("it had been an hour late", CONTEXT)
    assert said() is None
    time.jump(-3600)
    shop.ledger.accept_clock("it was right before", CONTEXT)
    assert said() == "ahead"
    put(shop.ledger, place("3"))
    time.pass_by(3595)
    put(shop.ledger, place("4"))
    assert said() == "ahead"
    time.pass_by(6)
    assert said() is None
    put(shop.ledger, place("5"))
    time.jump(-4)
    assert said() is None
    models.close()
    shop.close()
