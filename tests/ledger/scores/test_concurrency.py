"""Scores among many hands at once: one decision wins, one charge stands, no month is half sealed.

Every backend; threads on one ledger object, on two of them, and processes of their own.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.deductions.commands import DismissDeduction
from ledger.deductions.deduction import Deduction
from ledger.log.memory import MemoryStore
from ledger.log.store import Store
from ledger.log.verify import verify
from ledger.scores.account import Account
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.conftest import durable
from tests.support import score_children
from tests.support.builders import context
from tests.support.children import Child
from tests.support.soundness import must_be_sound
from tests.support.team import (
    CHEN,
    LI,
    LIU,
    MONTH,
    OPENING,
    WANG,
    ZHAO,
    ZHOU,
    Step,
    appeal,
    at,
    confirm,
    grade,
    graders,
    overturn,
    propose,
    record,
    reopen,
    restate,
    rows,
    seal,
    waive,
)
from tests.support.thorough import tried
from tests.support.waiting import eventually, in_thread

MANY, THREADS = 12, 8


def proposed(count: int, code: str = "R1", day: str = "2026-09-03") -> list[Step]:
    """Deductions of Wang, each about an order of its own."""
    return [(CHEN, propose(number, code, about=f"order:{number}", day=day,
                           occurred_at=at("2026-09-30")))
            for number in range(1, count + 1)]


def outcome(ledger: Ledger, actor: str, command: Command) -> str:
    """What came of a command."""
    try:
        ledger.handle(command, context(actor=actor))
    except LedgerError as error:
        return error.code
    return "accepted"


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What came of works that begin together."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        start.wait(60)
        return work()

    threads = [in_thread(lambda work=work: begin(work)) for work in works]
    for thread in threads:
        thread.join()
    return [thread.result for thread in threads]


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


@pytest.fixture(params=["one ledger object", "two ledger objects"])
def both(request: pytest.FixtureRequest, ledger: Ledger, store: Store, keys: Any
         ) -> Iterator[tuple[Ledger, Ledger]]:
    """Two who write: through one object, or through two with caches of their own."""
    if request.param == "one ledger object":
        yield ledger, ledger
        return
    other = Ledger(store, begun(store, keys))
    yield ledger, other
    other.close()


def figure(models: ReadModels, month: str, member: str = WANG, ledger: str = "main"
           ) -> dict[str, Any]:
    """A member's figure."""
    return next(row for row in rows(models, "scores", ledger=ledger, month=month)
                if row["member"] == member)


def charges(store: Store, member: str = WANG, ledger: str = "main") -> Counter[str]:
    """How often each charge was taken from a member."""
    return Counter(
        event.charge.charge for entry in store.read(ledger, limit=10_000)
        if entry.type == Account.Charged.TOPIC
        and (event := event_types.decode(entry)).member == member)  # type: ignore[attr-defined]


# -- one decision wins ----------------------------------------------------------------------------


def dismiss(number: object) -> DismissDeduction:
    """The facts are not established."""
    return DismissDeduction(deduction=f"deduction:{number}", reason="no", occurred_at=at(
        "2026-10-01"))


DECISIONS: dict[str, Callable[[object], Command]] = {
    "confirmed": lambda number: confirm(number, "2026-10-01"),
    "waived": lambda number: waive(number, "2026-10-01"),
    "dismissed": dismiss}


@pytest.mark.parametrize(("first", "second"), [
    ("confirmed", "confirmed"), ("confirmed", "waived"), ("confirmed", "dismissed"),
    ("waived", "dismissed")])
def test_deduction__decided_once_by_two_at_once(
    both: tuple[Ledger, Ledger], models: ReadModels, first: str, second: str
) -> None:
    one, other = both
    record(one, [*OPENING, *proposed(MANY, "FREE")])
    decided = {number: at_once(
        lambda n=number: outcome(one, ZHOU, DECISIONS[first](n)),
        lambda n=number: outcome(other, LIU, DECISIONS[second](n)))
        for number in range(1, MANY + 1)}

    states = {row["deduction"]: row for row in rows(models, "deductions")}
    taken = charges(one.store)
    for number, results in decided.items():
        row = states[f"deduction:{number}"]
        if {first, second} == {"confirmed", "waived"} and results == ["accepted", "accepted"]:
            # a confirmed deduction may still be waived: then both happened, one after the other
            assert (row["state"], taken[row["deduction"]]) == ("waived", 1)
            assert row["points"] == "0"
            continue
        assert sorted(results) == ["accepted", "deduction_not_ready"]
        state, by = (first, ZHOU) if results[0] == "accepted" else (second, LIU)
        assert (row["state"], row["decided_by"]) == (state, by)
        assert taken[row["deduction"]] == (state == "confirmed")
    standing = sum(row["state"] == "confirmed" for row in states.values())
    assert figure(models, MONTH)["deductions"] == str(standing)
    must_be_sound(one.store)


def test_appeal__decided_once_by_two_at_once(
    both: tuple[Ledger, Ledger], models: ReadModels
) -> None:
    one, other = both
    record(one, [*OPENING, *proposed(MANY)])
    for number in range(1, MANY + 1):
        record(one, [(ZHOU, confirm(number, "2026-10-01")), (WANG, appeal(number, "2026-10-02"))])
        results = at_once(*(lambda n=number, who=who, ledger=ledger: outcome(
            ledger, who, overturn(n, day="2026-10-03"))
            for who, ledger in ((LIU, one), (LI, other))))
        assert sorted(results) == ["accepted", "deduction_not_ready"]

    reversals = Counter(event.charge for entry in one.store.read("main", limit=10_000)
                        if entry.type == Account.ChargeReversed.TOPIC
                        and (event := event_types.decode(entry)))
    assert set(reversals.values()) == {1}
    assert len(reversals) == MANY
    assert figure(models, MONTH)["deductions"] == "0"


def test_deduction__proposed_once_by_many_at_once(
    both: tuple[Ledger, Ledger], models: ReadModels
) -> None:
    record(both[0], OPENING)
    results = at_once(*(lambda n=n: outcome(
        both[n % 2], CHEN, propose(n, about="order:a")) for n in range(THREADS)))

    assert Counter(results) == {"accepted": 1, "once_taken": THREADS - 1}
    (found,) = rows(models, "deductions")
    assert found["about"] == "order:a"


def test_deduction__proposed_once_under_a_number(
    both: tuple[Ledger, Ledger], models: ReadModels
) -> None:
    record(both[0], OPENING)
    results = at_once(*(lambda n=n: outcome(
        both[n % 2], CHEN, propose("1", about=f"order:{n}")) for n in range(THREADS)))

    assert Counter(results) == {"accepted": 1, "deduction_number_taken": THREADS - 1}
    assert len(rows(models, "deductions")) == 1


# -- a month is sealed while it is charged --------------------------------------------------------


def all_is_taken(models: ReadModels, points: int, months: Sequence[str]) -> None:
    """What the months take from Wang is what his charges cost; what is sealed stays computable."""
    taken = Decimal(0)
    for month in months:
        found = figure(models, month)
        taken += Decimal(found["deductions"])
        terms = rows(models, "score-terms", month=month, subject=WANG)
        if found["sealed"]:
            assert sum(Decimal(term["amount"]) for term in terms) == Decimal(found["score"])
            assert Decimal(found["score"]) == 90 - Decimal(found["deductions"])
    assert taken == points


@pytest.mark.parametrize("so_far", [0, MANY // 2, MANY - 1])
def test_month__sealed_among_charges_loses_none(
    both: tuple[Ledger, Ledger], models: ReadModels, so_far: int
) -> None:
    """Sealed figure and what is carried: together all that is confirmed."""
    one, other = both
    record(one, [*OPENING, *proposed(MANY), *graders()])
    done: list[str] = []

    def charge() -> None:
        for number in range(1, MANY + 1):
            done.append(outcome(one, ZHOU, confirm(number, "2026-10-02")))

    def close() -> str:
        eventually(lambda: len(done) >= so_far)
        return outcome(other, CHEN, seal(day="2026-10-02"))

    assert at_once(charge, close)[1] == "accepted"
    assert done == ["accepted"] * MANY
    assert figure(models, MONTH)["sealed"] is True
    assert int(figure(models, MONTH)["deductions"]) >= so_far
    all_is_taken(models, MANY, (MONTH, "2026-10"))
    record(one, [*graders("2026-10"), (CHEN, seal("2026-10", "2026-11-02"))])
    all_is_taken(models, MANY, (MONTH, "2026-10"))
    assert verify(one.store, "main").ok


def test_month__sealed_once_by_many_at_once(
    both: tuple[Ledger, Ledger], models: ReadModels
) -> None:
    record(both[0], [*OPENING, *graders()])
    results = at_once(*(lambda n=n: outcome(both[n % 2], CHEN, seal()) for n in range(THREADS)))

    assert Counter(results) == {"accepted": 1, "month_sealed": THREADS - 1}
    record(both[0], [(CHEN, reopen()), (LIU, grade(WANG, "committee", "2026-10-05",
                                                   grades={"work/1": "70"}))])
    results = at_once(*(lambda n=n: outcome(both[n % 2], CHEN, restate()) for n in range(THREADS)))
    assert Counter(results) == {"accepted": 1, "month_not_reopened": THREADS - 1}
    assert figure(models, MONTH)["restatement"] == 1


def test_month__sealed_takes_a_grade_or_refuses_it(
    both: tuple[Ledger, Ledger], models: ReadModels
) -> None:
    """A grade that comes with the seal is in the sealed figure, or it is refused."""
    one, other = both
    record(one, [*OPENING, *graders()])
    graded, sealed = at_once(
        lambda: outcome(one, LIU, grade(WANG, "committee", grades={"work/1": "50"})),
        lambda: outcome(other, CHEN, seal()))

    assert sealed == "accepted"
    assert graded in ("accepted", "month_sealed")
    assert figure(models, MONTH)["score"] == ("60" if graded == "accepted" else "90")


def test_month__is_reported_whole_while_it_is_charged_and_sealed(
    ledger: Ledger, models: ReadModels
) -> None:
    """A reader beside the writers never sees more or less than the charges until then."""
    record(ledger, [*OPENING, *proposed(MANY), *graders()])
    over = threading.Event()

    def write() -> None:
        for number in range(1, MANY + 1):
            record(ledger, [(ZHOU, confirm(number, "2026-10-02"))])
            if number == MANY // 2:
                record(ledger, [(CHEN, seal(day="2026-10-02"))])
        over.set()

    def read() -> int:
        seen = 0
        while not over.is_set():
            found = figure(models, MONTH)
            assert Decimal(found["score"]) == 90 - Decimal(found["deductions"])
            assert int(found["deductions"]) <= MANY // 2
            seen += 1
        return seen

    _, seen = at_once(write, read)
    assert seen
    all_is_taken(models, MANY, (MONTH, "2026-10"))


def test_scores__are_as_of_the_position_that_they_tell(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another reader catches up while an answer is made."""
    record(ledger, [*OPENING, *proposed(2), (ZHOU, confirm(1, "2026-10-02"))])
    reading = models.reading

    @contextmanager
    def while_more_is_recorded(*arguments: Any) -> Iterator[Any]:
        with reading(*arguments) as found:
            record(ledger, [(ZHOU, confirm(2, "2026-10-02"))])
            if not isinstance(ledger.store, MemoryStore):  # there, nobody else reads meanwhile
                models.catch_up("main")
            yield found

    monkeypatch.setattr(models, "reading", while_more_is_recorded)
    answer = run(models, "main", "scores", Question(month=MONTH))
    monkeypatch.undo()
    then = AsOf.parse(answer.as_of["position"])
    assert answer.rows == rows(models, "scores", month=MONTH, as_of=then)
    assert [row["deductions"] for row in answer.rows if row["member"] == WANG] == ["1"]


# -- ledgers of others ----------------------------------------------------------------------------


def test_scores__of_two_ledgers_with_the_same_ids_do_not_mix(
    store: Store, ledger: Ledger, keys: Any, models: ReadModels
) -> None:
    other = Ledger(store, begun(store, keys, "other"), name="other")

    def history(one: Ledger, points: int) -> Callable[[], None]:
        def work() -> None:
            record(one, [*OPENING, *proposed(MANY), *graders()])
            for number in range(1, points + 1):
                record(one, [(ZHOU, confirm(number, "2026-10-02"))])
            if one is other:
                record(one, [(CHEN, seal())])
        return work

    try:
        at_once(history(ledger, 3), history(other, 5))
        for name, points, sealed in (("main", 3, False), ("other", 5, True)):
            found = figure(models, MONTH, ledger=name)
            assert (found["deductions"], found["sealed"]) == (str(points), sealed)
            assert len(charges(store, ledger=name)) == points
            states = Counter(row["state"] for row in rows(models, "deductions", ledger=name))
            assert states == {"confirmed": points, "proposed": MANY - points}
            assert verify(store, name).ok
            must_be_sound(store, name)
        record(ledger, [(WANG, appeal(1, "2026-10-03")), (LIU, overturn(1, day="2026-10-04"))])
        assert figure(models, MONTH)["deductions"] == "2"
        assert figure(models, MONTH, ledger="other")["deductions"] == "5"
        assert rows(models, "appeals", ledger="other") == []
    finally:
        other.close()


# -- processes ------------------------------------------------------------------------------------


@durable
def test_month__decided_on_true_facts_by_two_processes_in_turn(settings: Settings) -> None:
    """Confirm here, seal there, confirm here: neither decides on what it knew before."""
    here = open_ledger(settings)
    record(here.ledger, [*OPENING, *proposed(6), *graders()])
    there = Child(score_children.obey, settings)
    assert there.hear() == "ready"

    def outcome_there(actor: str, command: Command) -> str:
        there.say((actor, command))
        return str(there.hear())

    models = ReadModels(here.store, PROJECTIONS)
    assert outcome(here.ledger, ZHOU, confirm(1, "2026-10-02")) == "accepted"
    assert outcome_there(ZHOU, confirm(1, "2026-10-02")) == "deduction_not_ready"
    assert outcome_there(ZHOU, confirm(2, "2026-10-02")) == "accepted"
    assert outcome(here.ledger, CHEN, seal(day="2026-10-02")) == "accepted"
    assert figure(models, MONTH)["deductions"] == "2"
    assert outcome_there(CHEN, seal(day="2026-10-02")) == "month_sealed"
    assert outcome_there(ZHOU, confirm(3, "2026-10-03")) == "accepted"
    assert outcome(here.ledger, LIU, grade(WANG, "committee", "2026-10-03")) == "month_sealed"
    all_is_taken(models, 3, (MONTH, "2026-10"))
    assert outcome_there(WANG, appeal(1, "2026-10-04")) == "accepted"
    assert outcome(here.ledger, CHEN, reopen()) == "accepted"
    assert outcome_there(LIU, overturn(1)) == "out_of_order"
    assert outcome_there(LIU, overturn(1, day="2026-10-05")) == "accepted"
    # one charge fell, another came back
    assert outcome_there(CHEN, restate()) == "nothing_to_restate"
    assert outcome(here.ledger, ZHOU, confirm(4, "2026-10-05")) == "accepted"
    assert outcome_there(CHEN, seal(day="2026-10-06")) == "restatement_needed"
    assert outcome(here.ledger, ZHOU, confirm(6, "2026-10-05")) == "accepted"
    assert outcome_there(CHEN, restate()) == "accepted"
    assert outcome(here.ledger, CHEN, restate()) == "month_not_reopened"
    assert outcome(here.ledger, ZHOU, confirm(5, "2026-10-07")) == "accepted"
    assert outcome(here.ledger, LIU, overturn(1, day="2026-10-07")) == "deduction_not_ready"
    all_is_taken(models, 5, (MONTH, "2026-10"))
    there.say(None)
    assert there.end() == 0
    models.close()
    here.close()


@durable
def test_month__sealed_among_the_charges_of_two_processes_loses_none(settings: Settings) -> None:
    here = open_ledger(settings)
    count = 30
    record(here.ledger, [*OPENING, *proposed(count), *graders()])
    halves = [[str(n) for n in range(1, count + 1) if n % 2 == half] for half in range(2)]
    charging = [Child(score_children.confirm_all, settings, half, "2026-10-02")
                for half in halves]
    for child in charging:
        assert child.hear() == "ready"
    for child in charging:
        child.say("go")
    eventually(lambda: len(charges(here.store)) > 4, timeout_s=60)
    assert outcome(here.ledger, CHEN, seal(day="2026-10-02")) == "accepted"
    assert [child.hear() for child in charging] == [count // 2] * 2
    assert [child.end() for child in charging] == [0, 0]
    models = ReadModels(here.store, PROJECTIONS)
    all_is_taken(models, count, (MONTH, "2026-10"))
    assert verify(here.store, "main").ok
    models.close()
    here.close()


# -- kill -9 --------------------------------------------------------------------------------------


def killed(settings: Settings, run_: int, at_byte: int) -> list[str]:
    """Kill a child when so many bytes are acknowledged. Returns the numbers it confirmed."""
    child = Child(score_children.confirm_until_killed, settings, run_)
    assert child.hear() == "ready"
    source, sent = child.pipe.fileno(), b""
    while len(sent) < at_byte:
        more = os.read(source, at_byte - len(sent))
        assert more, "the child ended by itself"
        sent += more
    assert child.process.pid is not None
    os.kill(child.process.pid, signal.SIGKILL)
    while more := os.read(source, 65536):
        sent += more
    assert child.end() == -signal.SIGKILL
    return sent.decode().rpartition("\n")[0].split("\n") if b"\n" in sent else []


def confirmed_and_charged(store: Store) -> tuple[set[str], dict[str, set[str]]]:
    """The deductions that are confirmed, and whom each of them charges."""
    confirmed: set[str] = set()
    charged: dict[str, set[str]] = {}
    for entry in must_be_sound(store):
        if entry.type == Deduction.Confirmed.TOPIC:
            confirmed.add(entry.stream)
        elif entry.type == Account.Charged.TOPIC:
            event: Any = event_types.decode(entry)
            charged.setdefault(event.charge.charge, set()).add(event.member)
    return confirmed, charged


@durable
@pytest.mark.parametrize("sealed", [False, True])
def test_deduction__confirmed_and_charged_or_neither_when_killed(
    settings: Settings, sealed: bool
) -> None:
    """KILL_SEED in the environment runs with a failure's seed again."""
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**9))
    chance = random.Random(seed)
    first = open_ledger(settings)
    record(first.ledger, [*OPENING, *graders(),
                          *([(CHEN, seal())] if sealed else [])])
    first.close()
    acknowledged: list[str] = []
    for run_ in range(tried(6)):
        at_byte = chance.randrange(1, 300)
        where = f"seed {seed}, round {run_}, byte {at_byte}"
        acknowledged += killed(settings, run_, at_byte)
        opened = open_ledger(settings)
        confirmed, charged = confirmed_and_charged(opened.store)
        assert set(charged) == confirmed, where
        assert {f"deduction:{number}" for number in acknowledged} <= confirmed, where
        assert all(who == {WANG, LI} for who in charged.values()), where
        assert verify(opened.store, "main").ok, where
        models = ReadModels(opened.store, PROJECTIONS)
        counts_in = "2026-10" if sealed else MONTH
        if confirmed:
            assert figure(models, counts_in)["deductions"] == str(len(confirmed)), where
            assert figure(models, counts_in, LI)["deductions"] == str(2 * len(confirmed)), where
        assert figure(models, MONTH, ZHAO)["deductions"] == "0"
        models.close()
        opened.close()
    assert acknowledged
