"""What every report says of its answer, whatever it is about and wherever it finds the past."""

import re
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, ClassVar

import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.common.values import from_us
from ledger.core.event_types import EventUnreadable
from ledger.log.envelope import listed_subjects
from ledger.log.store import Store
from ledger.orders.values import Amounts
from ledger.people.commands import JoinMember
from ledger.settings import Settings, open_ledger
from projections import reports
from projections.asking.answering import Past, Reading, Report, answering
from projections.asking.clocks import AsOf
from projections.asking.later import NotYetKnown
from projections.asking.names import OPTIONS, TAKES
from projections.asking.past import NothingRecorded
from projections.asking.questions import PRESENT, Question
from projections.catalogue import PROJECTIONS
from projections.orders.book import OrderBook
from projections.store.models import ReadModels
from tests.support.builders import HOUSE, NOON, entry, opened, pay, place, received, stream, write
from tests.support.cases import ask
from tests.support.projecting import put, tell
from tests.support.team import (
    CHEN,
    MONTH,
    WANG,
    ZHOU,
    Steps,
    confirm,
    graders,
    propose,
    published,
    record,
    rule,
    seal,
    team,
)
from tests.support.thorough import THOROUGH

SUBJECTS = {"stock-card": f"stock:{HOUSE}:PEN", "score-terms": WANG, "timeline": stream(1),
            "prices": "sku:PEN"}
"""Reports that are always about a subject, with one that there is."""

FROM_THE_LOG = {"policies"}
"""Reports that no read model serves."""

REPLAYED = {"orders", "fulfilment", "exceptions", "reconciliation", "returns", "revenue",
            "takings", "deductions",
            "appeals", "decisions", "low-stock", "discrepancies", "to-review", "to-pick", "to-send",
            "open-transfers", "to-approve"}
"""Reports whose past is folded again."""

OF_ANYBODY = {"reconciliation", "revenue", "takings", "scores", "score-history",
              "score-warnings", "closings", "grading", "to-review", "to-pick", "to-send"}
"""Reports that know no subjects of their own, or filter by them."""

HISTORY: Steps = [("system", command) for command in (
    *team(), published(rule("R3", {"offender": ["3", "3"]})))] + [
    (CHEN, propose(code="R3", day="2026-09-29")), (ZHOU, confirm(day="2026-09-30")), *graders(),
    (CHEN, seal())]

read = pytest.mark.parametrize("name", sorted(set(reports.REPORTS) - FROM_THE_LOG))


@pytest.fixture
def backend() -> str:
    """What a report says does not hang on the store: one is enough for so many reports."""
    return "memory"


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def asked(name: str, **fields: Any) -> Question:
    """A question that a report can answer."""
    month = None if "since" in TAKES.get(name, ()) else MONTH
    return Question(**{"subject": SUBJECTS.get(name), "month": month, **fields})


def stopped(ledger: Ledger) -> int:
    """Record a whole history, and behind it an event that no fold can read. Its position."""
    put(ledger, opened(), received("PEN", 5), place(1))
    record(ledger, HISTORY)
    head = ledger.head()
    write(ledger.store, entry(
        head.position + 1, stream=stream(1), version=2, type="order.paid.v1", payload=b"{}",
        recorded_at=head.recorded_at))
    return head.position + 1


@read
def test_report__says_where_its_read_model_stopped(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    position = stopped(ledger)
    note = "the read model {} stopped before position " + str(position)

    answer = reports.run(models, "main", name, asked(name))

    assert [one for one in answer.as_of["notes"] if "stopped" in one] in [
        [note.format(model)] for model in models.names()]
    assert answer.as_of["head"] == position


@read
def test_report__of_a_past_before_the_stop_says_nothing_of_it(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    before = stopped(ledger) - 1

    answer = reports.run(models, "main", name, asked(name, as_of=AsOf(before)))

    assert answer.as_of["position"] == before
    assert not [one for one in answer.as_of["notes"] if "stopped" in one]


@read
def test_report__of_a_past_with_the_stop_says_so_or_fails(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    """A replay cannot get past the event either; rows that do would else pass for the whole."""
    question = asked(name, as_of=AsOf(stopped(ledger)))
    if name in REPLAYED:
        with pytest.raises(EventUnreadable):
            reports.run(models, "main", name, question)
    else:
        answer = reports.run(models, "main", name, question)
        assert any("stopped" in one for one in answer.as_of["notes"])


@read
def test_report__of_a_subject_that_nobody_knows(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    stopped(ledger)
    question = asked(name, subject="member:nobody")
    if name not in OF_ANYBODY:
        with pytest.raises(NothingRecorded):
            reports.run(models, "main", name, question)
    elif not (answer := reports.run(models, "main", name, question)).rows:
        assert answer.as_of["notes"][-1] == "there is nothing about subject member:nobody"


class Watched(Question):
    """A question that notes which of its fields were read."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        Watched.read.add(name)
        return super().__getattribute__(name)


@read
def test_report__reads_what_it_takes_and_no_more(
    ledger: Ledger, models: ReadModels, name: str
) -> None:
    put(ledger, opened(), received("PEN", 5), place(1))
    record(ledger, HISTORY)
    known = {"since": "2026-09-01", "until": "2026-09-30", "day": "2026-09-30"}
    Watched.read.clear()

    answer = reports.run(models, "main", name, Watched(**asked(name, **known)._asdict()))

    fields = set(OPTIONS)
    of_rows = {"post"} if not answer.rows else set()  # nobody below the mark: no post to compare
    assert Watched.read & fields >= set(TAKES[name]) - of_rows
    for_everybody = {"subject", "channel", "shop"}  # an empty answer names them, taken or not
    assert Watched.read & fields - for_everybody <= set(TAKES[name])


def test_report__of_a_closed_past_is_the_same_for_ever(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever day it is when it is asked, and whatever begins later: also what it is asked about.
    """
    put(ledger, opened(), received("PEN", 5), place(1))
    record(ledger, HISTORY)
    head = ledger.head()
    at = from_us(head.recorded_at).isoformat()
    pasts = [AsOf.parse(0), AsOf.parse(head.position), AsOf.parse(None, at),
             AsOf.parse(head.position, None, "9999-12-31T23:59:59Z")]
    begun_later = ["member:late", stream(77), "sku:INK", f"stock:{HOUSE}:INK"]
    questions = [(name, Question(as_of=pasts[(one + other) % len(pasts)], subject=subject))
                 for one, name in enumerate(sorted(set(reports.REPORTS) - FROM_THE_LOG))
                 for other, subject in enumerate((None, *begun_later))][::1 if THOROUGH else 4]
    questions += [(name, Question(as_of=pasts[1], subject=subject)) for name, subject in (
        ("staff", None), ("attendance", None), ("timeline", stream(77)), ("inventory", "sku:INK"),
        ("returns", stream(77)))]
    for module in [one for name, one in sys.modules.items() if name.startswith("projections.")]:
        if getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", NoClock)
    models.catch_up("main")
    before = [outcome(models, *one) for one in questions]
    put(ledger, place(77), received("INK", 5))
    record(ledger, [("system", JoinMember(member="member:late", joined_on="2026-09-01",
                                          occurred_at=NOON))])
    models.catch_up("main")
    for one, found in zip(questions, before, strict=True):
        assert outcome(models, *one) == found, one


class NoClock(datetime):
    """Times, but not the one that it is."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        raise AssertionError("a closed answer hangs on today")


def outcome(models: ReadModels, name: str, question: Question) -> Any:
    """What a report answers but for where the log ends now, or the code of its error."""
    try:
        answer = reports.REPORTS[name](models, "main", question)
    except LedgerError as error:
        return error.code
    assert not answer.as_of["open"]
    return {**answer.as_of, "head": None}, answer.rows


def test_report__of_a_subject_that_is_not_folded_yet(
    ledger: Ledger, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing about a subject only where no event of it is still to be folded."""
    late = ReadModels(ledger.store, PROJECTIONS)
    late.catch_up("main")
    monkeypatch.setattr(late, "catch_up", lambda *_: None)
    put(ledger, opened(), received("PEN", 5), place(1))
    record(ledger, HISTORY)
    subjects = {about for one in ledger.store.read("main")
                for about in (one.stream, *listed_subjects(one.subjects))}
    models.catch_up("main")
    found = set()
    for name, report in reports.REPORTS.items():
        for subject in subjects | {"member:nobody"}:
            question = asked(name, subject=subject)
            with suppress(NothingRecorded):
                if report(models, "main", question).rows == unready(report, late, question):
                    continue
                found.add(name)
    assert found > {"inventory", "stock-card", "staff"}
    assert not found & {"orders", "fulfilment", "returns", "deductions"}  # of their own streams
    late.close()


def unready(report: Report, late: ReadModels, question: Question) -> list[dict[str, Any]] | None:
    """What a report answers before anything was folded; None if it says that it does not know."""
    try:
        return report(late, "main", question).rows
    except NotYetKnown as error:
        assert error.details["subject"] == question.subject
        return None


def test_report__never_adds_currencies(ledger: Ledger, models: ReadModels) -> None:
    """One shop with two currencies: what has an amount has its currency, and no number is a sum of
    both. A figure of a line, a term or an event is in the currency of its order."""
    dollars = [tell(2, currency="USD", amounts=Amounts(total_minor=7), paid=Moment(NOON),
                    paid_minor=7), ask(2, order=stream(2), currency="USD", kind="refund_only",
                                       lines=[], refund_minor=7)]
    put(ledger, place(1, amounts=Amounts(total_minor=4993)), pay(1, 4993),
        ask(1, kind="refund_only", lines=[], refund_minor=4993), *dollars)
    models.catch_up("main")
    money = set()
    for name, report in reports.REPORTS.items():
        with suppress(NothingRecorded):
            for row in report(models, "main", asked(name)).rows:
                figures = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "a time", str(row))
                assert not {"5000", "50.00", "50"} & set(re.findall(r"[0-9.]+", figures)), name
                if any(word.endswith("_minor") for word in row):
                    money.add(name)
                    assert row["currency"] in ("CNY", "USD"), name
    assert money == {"orders", "reconciliation", "returns", "revenue", "takings"}


def test_past_of_a_subject__costs_its_own_history(ledger: Ledger, models: ReadModels) -> None:
    """Whatever else the log holds: an event that nobody can read does not stand in its way."""
    position = stopped(ledger)
    put(ledger, tell(2))

    for name in ("orders", "fulfilment"):
        answer = reports.run(models, "main", name, Question(
            subject=stream(2), as_of=AsOf(position + 1)))
        assert [row["subject"] for row in answer.rows] == [stream(2)]


def test_answer__has_as_many_rows_as_are_wanted() -> None:
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    with closing(made), closing(ReadModels(made.store, PROJECTIONS)) as models:
        put(made.ledger, *(place(number) for number in (1, 2, 3)))
        models.catch_up("main")

        def answered(question: Question) -> list[Any]:
            with answering(models, "main", OrderBook, question, past=Past.REPLAY) as reading:
                assert isinstance(reading, Reading)
                rows = iter([{"n": n} for n in range(9)])
                wanted = reading.wanted(rows)
                first = next(wanted)
                assert next(rows) == {"n": 1}  # no row is taken before it is wanted
                return [first, {"n": 1}, *wanted]

        assert len(answered(PRESENT)) == 9
        assert answered(PRESENT._replace(limit=2)) == [{"n": 0}, {"n": 1}, {"n": 2}]
