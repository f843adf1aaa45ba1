"""Facts after each event are what the reports say then: these are asked, one position at a time."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ledger.log.store import Store
from projections.asking.clocks import NOW, AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import REPORTS
from projections.store.models import ReadModels
from projections.trial import facts
from projections.trial.facts import Matter, TooManyEvents, events_about, facts_after_each
from projections.trial.verbs import Condition, bisect, blame
from tests.support.demo import demo_in

SHOP = "taobao:栖墨图书旗舰店"
SUBJECTS = [f"order:{SHOP}:demo-{n}" for n in (1, 3)] + [
    f"case:{SHOP}:demo-R1", "deduction:2609-7", "stock:hangzhou:QM-001"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadModels]:
    """The read models of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            settings.open_store()) as store, closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def asked(models: ReadModels, report: str, subject: str, as_of: AsOf) -> list[dict[str, Any]]:
    """What a report says of a subject as of a moment; of what had not happened, nothing."""
    try:
        return REPORTS[report](models, "main", Question(subject=subject, as_of=as_of)).rows
    except NothingRecorded:
        return []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_facts__after_each_event_are_those_of_the_reports(
    models: ReadModels, subject: str
) -> None:
    """Each simple value that a report has of the subject is a fact under its name, and no other."""
    cut = NOW.resolve(models.store, "main")
    matter = Matter(models, "main", subject, cut)
    entries = events_about(matter)
    assert len(entries) > 3
    for entry, found in zip(entries, facts_after_each(matter, entries), strict=True):
        as_of = AsOf(position=entry.position)
        (first, *_) = facts.SAID[subject.partition(":")[0]]
        (row,) = asked(models, first.report, subject, as_of)
        simple = {name: value for name, value in row.items() if isinstance(value, str | int)
                  and value != "" and name not in {*facts.OF_THE_ROW, *first.but}}
        assert {name: found[name] for name in simple} == simple
        named = {name for one in facts.SAID[subject.partition(":")[0]] for row in asked(
            models, one.report, subject, as_of) for name in (
                [one.under] if one.under else row)}
        assert {name.partition("/")[0] for name in found} <= named | {"due_at"}


@pytest.mark.parametrize("occurred", ["2026-09-27T12:00:00+08:00", "2026-09-30T12:00:00+08:00"])
def test_levels__are_those_of_what_had_happened(models: ReadModels, occurred: str) -> None:
    as_of = AsOf.parse(None, None, occurred)
    cut = as_of.resolve(models.store, "main")
    entries = events_about(Matter(models, "main", SUBJECTS[-1], cut))
    *_, last = facts_after_each(Matter(models, "main", SUBJECTS[-1], cut), entries)
    (row,) = asked(models, "inventory", SUBJECTS[-1], as_of)
    assert {name: last[name] for name in ("available", "on_hand")} == {
        name: row[name] for name in ("available", "on_hand")}


def test_month__has_the_score_that_the_report_has(models: ReadModels) -> None:
    cut = NOW.resolve(models.store, "main")
    subject = "month:7f3a:2026-09"
    entries = events_about(Matter(models, "main", subject, cut))
    *_, last = facts_after_each(Matter(models, "main", subject, cut), entries)
    rows = REPORTS["scores"](models, "main", Question(subject="member:7f3a", month="2026-09")).rows
    assert [last[f"{row['post']}/score"] for row in rows] == [row["score"] for row in rows]


@pytest.mark.parametrize("kind", ["closings.month_sealed.v1", "closings.month_reopened.v1",
                                  "closings.month_restated.v1", ""])
def test_month__is_as_the_report_has_it_whoever_decided_that(
    models: ReadModels, kind: str
) -> None:
    """Whether it is final stands in no event of its own: it is known at the moment all the same,
    and due to the event that says it."""
    closed = [one.position for one in models.store.streams("main", ["closings:scores"])
              if kind in ("", one.type)]
    as_of = AsOf(position=closed[-1]) if kind else NOW
    matter = Matter(models, "main", "month:7f3a:2026-09", as_of.resolve(models.store, "main"))
    (row,) = REPORTS["scores"](models, "main", Question(
        subject="member:7f3a", month="2026-09", as_of=as_of)).rows
    known = {one.field.partition("/")[2]: one for one in blame(matter)}
    assert {name: known[name].value for name in ("score", "sealed", "restatement")} == {
        name: row[name] for name in ("score", "sealed", "restatement")}
    assert known["sealed"].entry.position == closed[-1]
    assert [one.entry.position for one in bisect(matter, Condition.parse(
        "customer_service/sealed=true")) if one.entry.position == closed[-1]] == [closed[-1]]


def test_kind_without_a_report__says_what_its_rules_keep(models: ReadModels) -> None:
    cut = NOW.resolve(models.store, "main")
    entries = events_about(Matter(models, "main", "member:7f3a", cut))
    *_, last = facts_after_each(Matter(models, "main", "member:7f3a", cut), entries)
    assert last["joined_on"] == "2026-03-02"
    assert not {"latest_at", "sealed_for"} & last.keys()


def test_subject__rejected_with_too_many_events(
    models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-PRJ-37. However few of them a moment takes: they would have to be read."""
    monkeypatch.setattr(facts, "MOST_EVENTS", 3)
    cut = NOW.resolve(models.store, "main")
    for subject in SUBJECTS[:1] + SUBJECTS[-1:]:
        with pytest.raises(TooManyEvents):
            events_about(Matter(models, "main", subject, cut))


def test_facts__cost_what_the_own_events_cost(models: ReadModels) -> None:
    """Nothing of the log is read but the subject's own events."""
    read: list[str] = []

    class Watched:
        """The store, which notes what is read of it."""

        def __init__(self, store: Store) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            read.append(name)
            return getattr(self._store, name)

    cut = NOW.resolve(models.store, "main")
    store, models.store = models.store, Watched(models.store)  # type: ignore[assignment]
    try:
        entries = events_about(Matter(models, "main", SUBJECTS[1], cut))
        list(facts_after_each(Matter(models, "main", SUBJECTS[1], cut), entries))
    finally:
        models.store = store
    assert set(read) <= {"streams", "id_of"}
    assert read.count("streams") <= 4
