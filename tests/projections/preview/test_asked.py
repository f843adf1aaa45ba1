"""What a preview asks about: every command has one, and those that tell of an earlier day say what
rests on that day."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common import bounds
from ledger.common.checking import split
from ledger.common.days import month_of
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.clock import CloseLog
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS
from ledger.log.store import Store
from ledger.orders.values import Amounts
from ledger.people.attendance import KINDS
from ledger.people.commands import (
    AssignPost,
    CorrectAttendance,
    EndPost,
    HandOverShift,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RequestLeave,
    SetSupervisor,
    WithdrawLeave,
)
from ledger.people.rosters import ArrangeCover, SetRoster, SetRosterDay, Shift
from ledger.policies.commands import PublishPolicy
from ledger.reconciliation.commands import SignReconciliation
from ledger.reconciliation.figures import Money, digest_of, stream_of
from projections.asking.clocks import AsOf
from projections.catalogue import PROJECTIONS
from projections.preview.answer import preview
from projections.store.models import ReadModels
from tests.support import samples, team
from tests.support.builders import CONTEXT, context, opened, place, received
from tests.support.days import day_of
from tests.support.previewing import must_agree
from tests.support.projecting import put, tell
from tests.support.team import CHEN, LI, WANG, ZHAO, ZHOU, at, published, rule

NOW = month_of(day_of(datetime.now(UTC)))
MONTHS = tuple(month for month in (f"{year}-{month:02}" for year in range(2026, int(NOW[:4]) + 1)
                                   for month in range(1, 13)) if month <= NOW)
PAST, LATER = "2026-09-20", at("2026-10-20")
SHIFTS = [Shift(name="early", start="09:00", end="17:00", members=[WANG, ZHAO])]


@pytest.fixture
def backend() -> str:
    """What is asked does not hang on the store."""
    return "memory"


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    with closing(ReadModels(store, PROJECTIONS)) as found:
        yield found


@pytest.fixture
def charged(ledger: Ledger) -> Ledger:
    """Wang is charged on 29 September, and the month is open."""
    team.record(ledger, [*team.OPENING, *team.CHARGED])
    return ledger


@pytest.fixture
def shop(ledger: Ledger) -> Ledger:
    """Wang is charged on 29 September, an order is paid in it, and the month is sealed."""
    put(ledger, tell(1, amounts=Amounts(total_minor=4990), placed=Moment(at(PAST)),
                     paid=Moment(at(PAST)), paid_minor=4990))
    team.record(ledger, [
        *team.OPENING, *team.CHARGED,
        (LI, RequestLeave(member=WANG, number="L", days=["2026-10-26"], occurred_at=LATER)),
        (LI, SetRoster(roster="cs", since=team.JOINED, shifts=SHIFTS[:1],
                       occurred_at=at(team.JOINED))),
        (LI, RecordAttendance(member=WANG, day="2026-09-21", kind="late", minutes=5,
                              occurred_at=at("2026-09-21"))),
        *team.SEALED])
    return ledger


def _publication() -> PublishPolicy:
    """A policy that knows R3 at another price, and no other rule, from before the charge."""
    new = published(rule("R3", {"offender": ["5", "5"]}), since=PAST)
    return msgspec.structs.replace(new, occurred_at=LATER)


TELLING: dict[str, tuple[str, Command]] = {command.NAME: (actor, command) for actor, command in (
    (CHEN, JoinMember(member="member:new", joined_on=PAST, occurred_at=LATER)),
    (CHEN, SetSupervisor(member=WANG, supervisor=ZHOU, since=PAST, occurred_at=LATER)),
    (CHEN, LeaveShop(member=WANG, last_day=PAST, occurred_at=LATER)),
    (CHEN, AssignPost(post="dispatcher", member=WANG, since=PAST, occurred_at=LATER)),
    (CHEN, EndPost(post="customer_service", member=WANG, until=PAST, occurred_at=LATER)),
    (LI, RequestLeave(member=WANG, number="M", days=["2026-12-28"], occurred_at=LATER)),
    (LI, WithdrawLeave(member=WANG, number="L", days=["2026-10-26"], occurred_at=LATER)),
    (LI, RecordAttendance(member=WANG, day=PAST, kind=KINDS[0], occurred_at=LATER)),
    (LI, CorrectAttendance(member=WANG, month="2026-09", number=1, reason="was there",
                           occurred_at=LATER)),
    (LI, HandOverShift(member=WANG, day=PAST, shift="early", note="2 letters open",
                       occurred_at=LATER)),
    (LI, SetRoster(roster="cs", since=PAST, shifts=SHIFTS, occurred_at=LATER)),
    (LI, SetRosterDay(roster="cs", day=PAST, shifts=SHIFTS, reason="fair", occurred_at=LATER)),
    (LI, ArrangeCover(roster="cs", day=PAST, shift="early", absent=WANG, cover=LI,
                      occurred_at=LATER)),
    (LI, SignReconciliation(month="2026-09", occurred_at=LATER, digest=digest_of(
        stream_of("2026-09"), [Money("CNY", 1, 4990, 4990, 0)]))))}
"""A command of each kind that names a day, told later, and who gives it."""


def _names_a_day(command: type[Command]) -> bool:
    """Whether a command says from when on, or on which day, what it tells is so."""
    kinds = {form for field in msgspec.structs.fields(command)
             for _, bound, _ in [split(field.type)] for form in bound
             if isinstance(form, bounds.Form)}
    return any(form.check.__name__ in ("check_day", "check_month") for form in kinds)


@pytest.mark.parametrize("name", sorted(TELLING))
def test_preview__of_what_is_told_of_an_earlier_day_agrees_with_what_is_recorded(
    name: str, shop: Ledger, models: ReadModels
) -> None:
    """R-PRV-05"""
    actor, command = TELLING[name]
    answer = must_agree(models, shop, command, months=MONTHS, context=context(actor=actor))
    sealed = [row["of"]["month"] for row in answer["sealed_months"]["rows"]
              if row["change"] == "falls in it"]
    in_september = name not in ("member.request_leave", "member.withdraw_leave")
    assert sealed == (["2026-09"] if in_september else [])


def test_preview__tells_of_a_leaver_which_charges_rest_on_the_day(
    shop: Ledger, models: ReadModels
) -> None:
    actor, command = TELLING["member.leave_shop"]
    answer = preview(models, shop, [(command, context(actor=actor))])
    (rests,) = (row for row in answer["deductions"]["rows"] if row["change"] == "rests on it")
    assert rests["of"] == {"deduction": "deduction:1", "rule": "R3", "month": "2026-09"}
    later = msgspec.structs.replace(command, last_day="2026-09-30")
    answer = preview(models, shop, [(later, context(actor=actor))])
    assert not [row for row in answer["deductions"]["rows"] if row["change"] == "rests on it"]


def test_preview__of_a_policy_tells_what_it_would_price_otherwise(
    charged: Ledger, models: ReadModels
) -> None:
    other = msgspec.structs.replace(published(rule("R9", {"offender": ["1", "1"]}), since=PAST),
                                    occurred_at=LATER)
    answer = preview(models, charged, [(other, CONTEXT)])
    (row,) = (row for row in answer["deductions"]["rows"] if row["change"] == "rule unknown")
    assert row["after"] is None
    assert [row["rests_on"] for row in team.rows(models, "deductions")] == [[]]
    answer = must_agree(models, charged, _publication(), months=MONTHS)
    flagged = next(row for row in answer["deductions"]["rows"] if row["change"] == "changed")
    assert flagged["after"] == {"rests_on": ["policy_published_later"]}  # R-PRV-06
    (row,) = team.rows(models, "deductions")
    assert (row["points"], row["rests_on"]) == ("3", ["policy_published_later"])
    assert team.rows(models, "deductions", subject="deduction:1",
                     as_of=AsOf(row["position"]))[0]["rests_on"] == []
    (row,) = (row for row in answer["deductions"]["rows"] if row["change"] == "priced otherwise")
    assert (row["of"]["deduction"], row["before"], row["after"]) == (
        "deduction:1", {"charges": {"offender": ["3", "3"]}}, {"charges": {"offender": ["5", "5"]}})


def test_commands__that_name_a_day_are_all_tried() -> None:
    days = {command.NAME for command in HANDLERS if _names_a_day(command)
            and command.REFUSALS_KEPT and not command.NAME.startswith(("score.", "month."))}
    assert days - set(TELLING) - {PublishPolicy.NAME, CloseLog.NAME} == set()


@pytest.mark.parametrize("command", sorted(HANDLERS, key=lambda one: one.NAME),
                         ids=lambda one: one.NAME)
def test_preview__decides_every_command_as_recording_it_does(
    command: type[Command], ledger: Ledger, models: ReadModels
) -> None:
    """R-PRV-03"""
    if command.NAME.startswith(("log.", "key.", "reading.", "person.")):
        pytest.skip("nobody sends it as a command of the shop")
    put(ledger, opened("x"), place(), received("x", 5, warehouse="x"))
    made = msgspec.convert({**samples.fitting(command)}, command)
    head = ledger.head()
    found: Any
    try:
        found = preview(models, ledger, [(made, CONTEXT)])["events"]["total"]
    except LedgerError as error:
        found = error.code
    assert ledger.head() == head
    try:
        recorded: Any = len(ledger.handle(made, CONTEXT).positions)
    except LedgerError as error:
        recorded = error.code
    assert found == recorded


