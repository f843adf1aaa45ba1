"""What is sealed for a person stands in no answer of any verb, before and after they are erased."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.settings import Opened, open_ledger
from projections.asking.clocks import NOW, AsOf
from projections.asking.questions import Question
from projections.asking.written import PERSONAL
from projections.catalogue import PROJECTIONS
from projections.explaining.figures import EXPLAINED, explain
from projections.store.models import ReadModels
from projections.trial import asking
from projections.trial.supposing import Hypothesis
from projections.trial.verbs import Condition
from projections.trial.whole import Whole
from tests.support.demo import demo_in
from tests.support.erasing import erase

IN_PASSING = ("log", "replay")
"""Verbs that say what was sealed in the summary of an event only."""

ORDER = "order:taobao:栖墨图书旗舰店:demo-3"
SUBJECTS = (ORDER, "case:taobao:栖墨图书旗舰店:demo-R3", "deduction:2609-7", "month:7f3a:2026-09",
            "stock:hangzhou:QM-001", "member:7f3a", "closings:scores",
            "attendance:2c91:2026-09")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The demo, with its keys."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            open_ledger(settings)) as found:
        yield found


@pytest.fixture(scope="module")
def models(demo: Opened) -> Iterator[ReadModels]:
    with closing(ReadModels(demo.store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def sealed_in(entry: Entry) -> dict[str, Any]:
    """The personal values of an event, by field."""
    event = event_types.decode(entry)
    return {name: value for name in type(event).PERSONAL
            if (value := getattr(event, name)) is not None}


@pytest.fixture(scope="module")
def secrets(demo: Opened) -> set[str]:
    """All that is sealed in the demo but for what was imported: the texts, and what they are
    sealed to."""
    entries, keys, found = demo.store.read("main", after=1985), demo.ledger.keys, set()
    keys.load({value.p for one in entries for value in sealed_in(one).values()})
    for entry in entries:
        for name, value in sealed_in(entry).items():
            text = keys.reveal(value, entry.stream, entry.version, f"/{name}")
            found |= {value.c, *([text] if text and len(text) > 4 else [])}
    assert len(found) > 20
    return found


def answers(models: ReadModels, subject: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """What every verb says of a subject, each with its header."""
    steps = asking.history(models, "main", subject, NOW)
    yield "log", steps.as_of, steps.rows
    due = asking.due(models, "main", subject, NOW)
    yield "blame", due.as_of, due.rows
    found = asking.differences(models, "main", subject, before=AsOf(0), after=NOW)
    yield "diff", found.as_of, found.rows
    for fact in due.rows[::4]:
        turns = asking.turns(models, "main", subject, NOW, condition=Condition.parse(fact["field"]))
        yield "bisect", turns.as_of, turns.rows
    for step in steps.rows[::4]:
        as_of, item = asking.event(models, "main", step["position"])
        yield "show", as_of, item
        with suppress(LedgerError):
            would = asking.history(models, "main", subject, NOW,
                                   given=Hypothesis([step["position"]]))
            yield "replay", would.as_of, would.rows


def explanations(models: ReadModels) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every figure of the demo."""
    for report in EXPLAINED:
        found = explain(models, "main", report, Question(
            subject="sku:QM-001" if report == "stock-card" else None,
            month="2026-09" if report in ("reconciliation", "scores", "grading") else None))
        yield "explain", found.as_of, found.rows


def whole(models: ReadModels) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """In what the ledger differs from what it was before its team did anything."""
    page = Whole.of(models, "main", AsOf(2100), NOW).page(limit=500)
    yield "diff", page.as_of, page.rows


def everything(models: ReadModels) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """All answers."""
    for subject in SUBJECTS:
        yield from answers(models, subject)
    yield from explanations(models)
    yield from whole(models)


def test_blame_diff_and_explain__hold_nothing_sealed_and_say_where_it_is_missing(
    demo: Opened, models: ReadModels, secrets: set[str]
) -> None:
    marked, said = set(), []
    for verb, as_of, rows in everything(models):
        said.append(json.dumps(rows, ensure_ascii=False))
        if PERSONAL in said[-1] and verb not in IN_PASSING:
            marked.add(verb)
            assert any(PERSONAL in note for note in as_of["notes"]), (verb, as_of)
    assert marked >= {"diff", "show", "blame"}
    before = {verb: rows for verb, _, rows in explanations(models)}
    for person in sorted({value.p for entry in demo.store.streams("main", [ORDER])
                          for value in sealed_in(entry).values()}):
        erase(demo.ledger, person)
    models.catch_up("main")
    said += [json.dumps(answer, ensure_ascii=False) for answer in everything(models)]
    text = "".join(said)
    assert not [one for one in secrets if one in text]
    assert {verb: rows for verb, _, rows in explanations(models)} == before
