"""Every explained figure of every report, evaluated again from the events, at random clocks."""

from collections import Counter
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any
from urllib.parse import quote

from ledger.common.decoding import any_json
from ledger.common.errors import LedgerError
from projections.asking.clocks import AsOf, Moment
from projections.asking.names import TAKES
from projections.asking.questions import Question
from projections.explaining.figures import EXPLAINED, explain
from projections.explaining.formulas import evaluated, number_at
from projections.store.models import ReadModels

MOST_ROWS = 30


def must_explain(models: ReadModels, random: Random, pairs: int) -> Counter[str]:
    """Ask for the present, and at so many random pairs of clocks. How many figures of each report
    were evaluated."""
    store = models.store
    entries = store.read("main", limit=1_000_000)
    said = {entry.position: any_json(entry.payload) for entry in entries}
    times = sorted({entry.occurred_at for entry in entries})
    months = sorted({name[-7:] for entry in entries for name in entry.subjects.split('"')
                     if name.startswith("month:")} | {"2026-09"})
    skus = sorted({one for entry in entries for one in entry.subjects.split('"')
                   if one.startswith("sku:")})
    found: Counter[str] = Counter()
    for at in range(pairs + 1):
        as_of = AsOf() if not at else AsOf(
            random.choice((None, random.randint(1, len(entries)))), None,
            random.choice((None, Moment(random.choice(times) + random.randint(-1, 1)))))
        for report in EXPLAINED:
            question = _question(report, as_of, random, months=months, skus=skus)
            try:
                answer = explain(models, "main", report, question)
            except LedgerError as error:  # nothing is there yet, or no month was closed
                assert error.code in REFUSED, (report, question, error)
                continue
            notes = [note for note in answer.as_of["notes"] if "rebuild" in note]
            assert not notes, (report, question, notes)
            for (row, figure), group in groupby(
                    answer.rows, key=lambda one: (one["row"], one["figure"])):
                rows = list(group)
                value = evaluated(rows, lambda position, pointer: number_at(
                    said[position], pointer))
                assert value == Decimal(rows[0]["reported"]), (report, question, row, figure)
                found[report] += 1
    return found


REFUSED = {"no_month_closed", "nothing_recorded", "nothing_recorded_then", "nothing_occurred_then"}


def _question(
    report: str, as_of: AsOf, random: Random, *, months: list[str], skus: list[str]
) -> Question:
    """A question that a report can be asked: of all, of a month, of some days."""
    takes = TAKES[report]
    asked: dict[str, Any] = {"as_of": as_of, "limit": MOST_ROWS}
    if "since" in takes and random.random() < 0.3:
        first, last = sorted((random.randint(1, 28), random.randint(1, 28)))
        month = random.choice(months)
        asked |= {"since": f"{month}-{first:02}", "until": f"{month}-{last:02}"}
    elif "month" in takes and random.random() < 0.7:
        asked["month"] = random.choice(months)
    if "by" in takes:
        asked["by"] = random.choice((None, "shop", "agent", "day"))
    if report == "stock-card":
        asked["subject"] = random.choice(skus or [f"sku:{quote('QM-001')}"])
    return Question(**asked)
