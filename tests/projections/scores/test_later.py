"""Sealed figures that rest on other news: said where the figure would come out otherwise, and
nowhere else."""

from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.people.commands import (
    AssignPost,
    EndPost,
    LeaveShop,
    RecordAttendance,
    SetSupervisor,
)
from projections.asking.clocks import AsOf
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.team import (
    CHARGED,
    CHEN,
    LI,
    LIU,
    MONTH,
    OPENING,
    SEALED,
    WANG,
    ZHOU,
    Step,
    appeal,
    at,
    confirm,
    overturn,
    propose,
    record,
    reopen,
    restate,
    rows,
    waive,
)

TOLD = at("2026-10-08")
CLOSED = [*OPENING, *CHARGED, (CHEN, propose(2, "RANGE", day="2026-09-03")), *SEALED]


@pytest.fixture
def backend() -> str:
    """What is computed does not hang on the store."""
    return "memory"


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    with closing(ReadModels(store, PROJECTIONS)) as found:
        yield found


def _attended(kind: str, day: str, **fields: Any) -> Step:
    return LI, RecordAttendance(member=WANG, day=day, kind=kind, occurred_at=TOLD, **fields)


NEWS: dict[str, tuple[list[Step], list[str]]] = {
    "nothing": ([], []),
    "charge": ([(ZHOU, confirm(2, day="2026-10-08", points={"offender": "2"}))],
               ["charge_known_later"]),
    "waived": ([(ZHOU, waive(2, day="2026-10-08"))], []),
    "late": ([_attended("late", "2026-09-21", minutes=5)], ["attendance_known_later"]),
    "late in October": ([_attended("late", "2026-10-07", minutes=5)], []),
    "absence that no rule counts": ([_attended("absent", "2026-09-22")], []),
    "supervisor": ([("system", SetSupervisor(member=WANG, supervisor=CHEN, since="2026-09-01",
                                             occurred_at=TOLD))], []),
    "post ended in the month": ([("system", EndPost(
        post="customer_service", member=WANG, until="2026-09-28", occurred_at=TOLD))], []),
    "left before it": ([("system", LeaveShop(
        member=WANG, last_day="2026-08-31", occurred_at=TOLD))], ["post_known_later"]),
}
"""News of what concerns Wang in September, after it was sealed; and what is said of it."""


def _of_wang(models: ReadModels, **asked: Any) -> dict[str, Any]:
    (row,) = rows(models, "scores", subject=WANG, month=MONTH, **asked)
    return row


@pytest.mark.parametrize("name", NEWS)
def test_rests_on__what_would_change_a_sealed_score(
    name: str, ledger: Ledger, models: ReadModels
) -> None:
    """R-MON-27"""
    news, words = NEWS[name]
    record(ledger, CLOSED)
    before, head = _of_wang(models), ledger.head()
    record(ledger, news)
    row = _of_wang(models)
    assert (before["rests_on"], row["rests_on"]) == ([], words)
    assert {**row, "rests_on": []} == before
    assert _of_wang(models, as_of=AsOf(head.position))["rests_on"] == []
    (step,) = rows(models, "closings", month=MONTH, sort="position")
    assert step["rests_on"] == sorted({word for one in rows(models, "scores", month=MONTH)
                                       for word in one["rests_on"]})
    assert set(words) <= set(step["rests_on"])


@pytest.mark.parametrize("names", [
    names for size in (1, 2) for names in combinations(NEWS, size)
    if names != ("charge", "waived")], ids="+".join)
def test_rests_on__is_said_just_where_the_reopened_month_comes_out_otherwise(
    names: tuple[str, ...], ledger: Ledger, models: ReadModels
) -> None:
    """R-MON-27"""
    record(ledger, CLOSED)
    record(ledger, sorted((step for name in names for step in NEWS[name][0]),
                          key=lambda step: isinstance(step[1], LeaveShop | EndPost)))
    sealed = {(one["member"], one["post"]): one for one in rows(models, "scores", month=MONTH)}
    record(ledger, [(CHEN, reopen(day="2026-10-09"))])
    opened = {(one["member"], one["post"]): one for one in rows(models, "scores", month=MONTH)}
    for key, row in sealed.items():
        new = opened.get(key, {})
        same = all(new.get(name) == row[name] for name in ("score", "coefficient"))
        assert bool(row["rests_on"]) != same, (key, row, new)


def test_rests_on__nothing_once_it_is_given_back_or_restated(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, [*CLOSED, *NEWS["charge"][0]])
    assert _of_wang(models)["rests_on"] == ["charge_known_later"]
    record(ledger, [(CHEN, reopen(day="2026-10-09"))])
    assert _of_wang(models)["rests_on"] == []
    record(ledger, [(CHEN, restate(day="2026-10-09"))])
    assert _of_wang(models)["rests_on"] == []
    record(ledger, [(WANG, appeal(2, day="2026-10-10")), (LIU, overturn(2, day="2026-10-11"))])
    assert _of_wang(models)["rests_on"] == ["charge_known_later"]
    assert [one["rests_on"] for one in rows(models, "closings", month=MONTH, sort="position")] == [
        [], [], ["charge_known_later"]]


def test_closings__say_that_somebody_would_have_a_figure(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, [*CLOSED, ("system", AssignPost(
        post="dispatcher", member=WANG, since="2026-09-20", occurred_at=TOLD))])
    assert {one["member"]: one["rests_on"] for one in rows(models, "scores", month=MONTH)
            if one["rests_on"]} == {WANG: ["post_known_later"]}  # the two posts share the month
    assert [one["rests_on"] for one in rows(models, "closings")] == [["post_known_later"]]
