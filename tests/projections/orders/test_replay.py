"""The past and what would have been: the same folds over a part of the log."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.common.values import from_us, rfc3339, to_us
from ledger.log.clock import Clock
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.values import Amounts
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections import reports
from projections.asking.clocks import AsOf, PositionBeyondHead
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import UnknownReport
from projections.store.models import ReadModels
from projections.trial.facts import Matter, events_about, facts_after_each
from tests.support.builders import NOON, entry, place, record, stream, write
from tests.support.projecting import (
    correct,
    histories,
    naive,
    naive_reconciliation,
    naive_total,
    put,
    refund,
    tell,
    try_all,
)
from tests.support.thorough import tried


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


# -- as of, for a whole ledger ------------------------------------------------------------------


@hypothesis_settings(max_examples=tried(60), deadline=None)
@given(history=histories, gaps=st.lists(st.integers(0, 7200), min_size=25, max_size=25),
       data=st.data())
def test_as_of__is_what_a_plain_model_of_the_filtered_log_says(
    history: Any, gaps: list[int], data: st.DataObject
) -> None:
    """Every event is recorded at a random time, and asked about as of random pairs of times."""
    now = [to_us(NOON + timedelta(days=2))]
    opened = open_ledger(
        Settings(database_url="memory:", keys_url="memory:", master_key_file=None),
        clock=Clock(wall=lambda: now[0], steady=lambda: now[0]))
    for item, gap in zip(history, gaps, strict=False):
        now[0] += gap * 10**6
        try_all(opened.ledger, [item])
    entries = opened.store.read("main")
    recorded = data.draw(st.sampled_from([0, *(one.recorded_at for one in entries)]))
    occurred = data.draw(st.none() | st.integers(-1, 49).map(lambda h: NOON + timedelta(hours=h)))
    as_of = AsOf.parse(None, rfc3339(from_us(recorded)), occurred and occurred.isoformat())
    taken = [one for one in entries if one.recorded_at <= recorded
             and (occurred is None or one.occurred_at <= to_us(occurred))]
    models = ReadModels(opened.store, PROJECTIONS)
    found = reports.run(models, "main", "orders", Question(as_of=as_of)).rows
    expected = naive(taken)
    assert {row["subject"]: (row["total_minor"], row["paid_minor"], row["position"])
            for row in found} == {
        subject: (naive_total(order), order["paid"], order["position"])
        for subject, order in expected.items()}
    sums = naive_reconciliation(expected)
    told = reports.run(models, "main", "reconciliation", Question(as_of=as_of)).rows
    assert [{name: row[name] for name in sums[0]} for row in told] == sums if sums else told == []
    for row in found:
        alone = Question(as_of=as_of, subject=row["subject"])
        assert reports.run(models, "main", "orders", alone).rows == [row]
    models.close()
    opened.close()


def test_as_of__the_head_is_the_present(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(record(n) for n in range(5)), refund(3, 90))
    for name in ("orders", "reconciliation"):
        present = reports.run(models, "main", name)
        past = reports.run(models, "main", name, Question(as_of=AsOf.parse(22)))
        assert past.rows == present.rows
        assert past.as_of == {**present.as_of, "open": False}


def test_as_of__before_the_first_event_is_empty_and_says_so(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, record(1))
    for as_of in (AsOf.parse(0), AsOf.parse(recorded_as_of="2001-01-01")):
        answer = reports.run(models, "main", "reconciliation", Question(as_of=as_of))
        assert answer.rows == []
        assert "nothing was recorded by then" in answer.as_of["notes"]


def test_as_of__a_position_beyond_the_head_is_rejected(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1))
    for name in ("orders", "reconciliation"):
        with pytest.raises(PositionBeyondHead):
            reports.run(models, "main", name, Question(as_of=AsOf.parse(3)))


def test_as_of__writes_nothing_to_the_log_and_none_to_the_read_models(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, record(1), record(2))
    models.catch_up("main")
    before = ledger.head(), [models.digest("main", name) for name in models.names()]
    reports.orders(models, "main", Question(as_of=AsOf.parse(3)))
    matter = Matter(models, "main", stream(1), AsOf.parse().resolve(ledger.store, "main"))
    list(facts_after_each(matter, events_about(matter)))
    assert (ledger.head(), [models.digest("main", name) for name in models.names()]) == before


def test_as_of__rejects_what_cannot_be_read(store: Store, models: ReadModels) -> None:
    write(store, entry(1, type="future.thing.v1"))
    with pytest.raises(LedgerError) as refused:
        reports.orders(models, "main", Question(as_of=AsOf.parse(1)))
    assert refused.value.code == "unknown_event_type"


def test_report__rejected_where_there_is_no_such_report(models: ReadModels) -> None:
    with pytest.raises(UnknownReport) as refused:
        reports.run(models, "main", "weather")
    assert refused.value.rule == "R-PRJ-09"


def test_report__says_where_its_read_model_stopped(
    ledger: Ledger, store: Store, models: ReadModels
) -> None:
    put(ledger, place(1))
    bad = entry(3, stream=stream(1), version=2, type="order.paid.v1", payload=b"{}",
                recorded_at=ledger.head().recorded_at)
    write(store, bad)
    answer = reports.run(models, "main", "orders")
    assert answer.as_of["position"] == 2
    assert answer.as_of["notes"] == ["the read model orders stopped before position 3"]
    assert len(answer.rows) == 1


# -- a correction ---------------------------------------------------------------------------------


def hour(number: int) -> Moment:
    """A moment some hours after noon."""
    return Moment(NOON + timedelta(hours=number))


def test_correction__of_an_event_that_is_not_taken_corrects_nothing(
    ledger: Ledger, models: ReadModels
) -> None:
    """Paid 60 at 5 o'clock and 40 at 1 o'clock; at 3 o'clock the 100 were found to be 80."""
    put(ledger, tell(1, amounts=Amounts(), paid=hour(5), paid_minor=60),
        tell(1, amounts=Amounts(), paid=hour(1), paid_minor=100),
        correct(1, "paid", 80, occurred_at=NOON + timedelta(hours=3)))

    models.catch_up("main")

    def paid(hours: int, without: Sequence[int] = ()) -> int:
        at = AsOf.parse(occurred_as_of=(NOON + timedelta(hours=hours)).isoformat())
        *_, last = facts_after_each(matter := Matter(
            models, "main", stream(1), at.resolve(ledger.store, "main")),
            [one for one in events_about(matter) if one.position not in without])
        return int(last["paid_minor"])

    assert [paid(hours) for hours in (0, 1, 2, 3, 4, 5)] == [0, 40, 40, 20, 20, 80]
    assert paid(4, without=[4]) == 0
    assert paid(5, without=[4]) == 60
    assert paid(5, without=[5]) == 100


def test_past__of_a_ledger_on_a_disturbed_clock(store: Store, keys: Keys) -> None:
    """Events of one batch share their time of recording; all of them count as of then."""
    now = [to_us(NOON) - 1]
    clock = Clock(wall=lambda: now[0], steady=lambda: now[0])
    ledger = Ledger(store, begun(store, keys, clock=clock), clock=clock)
    now[0] += 1
    put(ledger, *(tell(n) for n in range(3)))
    models = ReadModels(store, PROJECTIONS)
    found = reports.run(models, "main", "orders",
                        Question(as_of=AsOf.parse(recorded_as_of=NOON.isoformat())))
    assert len(found.rows) == 3
    models.close()
    ledger.close()
