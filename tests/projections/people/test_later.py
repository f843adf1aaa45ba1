"""Charges that rest on other news: what came later about posts, supervisors and leavers."""

import pytest

from ledger.application import Ledger
from ledger.people.commands import AssignPost, EndPost, LeaveShop, SetSupervisor
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.team import (
    CHARGED,
    CHEN,
    JOINED,
    OPENING,
    WANG,
    ZHAO,
    Step,
    at,
    record,
    rows,
)

TOLD = at("2026-10-08")


@pytest.fixture
def models(ledger: Ledger) -> ReadModels:
    """Read models of the ledger."""
    return ReadModels(ledger.store, PROJECTIONS)


def step(command: AssignPost | EndPost | LeaveShop | SetSupervisor) -> Step:
    """The office records it."""
    return "system", command


@pytest.mark.parametrize(("news", "reasons"), [
    ([], []),
    ([step(SetSupervisor(member=WANG, supervisor=CHEN, since="2026-09-29", occurred_at=TOLD))],
     ["supervisor_known_later"]),
    ([step(SetSupervisor(member=WANG, supervisor=CHEN, since="2026-09-30", occurred_at=TOLD))], []),
    ([step(SetSupervisor(member=ZHAO, supervisor=CHEN, since=JOINED, occurred_at=TOLD))], []),
    ([step(EndPost(post="customer_service", member=WANG, until="2026-09-28", occurred_at=TOLD))],
     ["post_known_later"]),
    ([step(EndPost(post="customer_service", member=WANG, until="2026-09-29", occurred_at=TOLD))],
     []),
    ([step(LeaveShop(member=WANG, last_day="2026-09-28", occurred_at=TOLD))],
     ["left_known_later", "post_known_later"]),
    ([step(LeaveShop(member=WANG, last_day="2026-10-07", occurred_at=TOLD))], []),
])
def test_rests_on__what_came_later_with_effect_before(
    ledger: Ledger, models: ReadModels, news: list[Step], reasons: list[str]
) -> None:
    record(ledger, [*OPENING, *CHARGED])
    (before,) = rows(models, "deductions")
    record(ledger, news)
    (row,) = rows(models, "deductions")
    assert (before["rests_on"], row["rests_on"]) == ([], reasons)
