"""Every number, time, day and list of posts that is shipped has a reader: each is changed in turn,
and an answer has to change with it."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import msgspec
import pytest

from ledger.common.errors import Refused
from ledger.policies.checks import findings
from ledger.policies.deadlines import Suspension, due, printed_shifts
from ledger.policies.errors import SchemeUnknown
from ledger.policies.reader import read
from ledger.policies.values import Sections, Threshold, Version, weights_of
from ledger.scores.account import Account
from ledger.scores.formula import figure_of
from ledger.scores.pay import Month, month_pay
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET
from projections.policies import deadline
from projections.scores.grading import items_of
from tests.support.days import IN_SHANGHAI, day_of
from tests.support.source import ROOT
from tests.support.team import at

SHIPPED = Sections()
for _name in ("rules", "scorecards", "pay", "deadlines"):
    SHIPPED = read(_name).sections.over(SHIPPED)

SHIPPED = msgspec.structs.replace(SHIPPED, pay=[
    scheme if scheme.base_minor else msgspec.structs.replace(
        scheme, base_minor=dict.fromkeys(scheme.posts, 300_000))
    for scheme in SHIPPED.pay or ()])
"""All files together. The flagship schemes print shares of a base and no base: a shop adds one."""

WORDS = {"zh", "en", "source", "reading", "conflict", "detect", "consequence", "terms", "origin"}
"""What is written for people."""

ELSEWHERE = {
    "/rules/": "test_policy__rule_is_charged_once_to_the_right_person",
    "/posts/": "test_policy__names_the_posts_that_the_project_knows",
    "/thresholds/0/": "test_low_stock__is_what_the_policy_in_force_says",
    "/thresholds/1/": "test_policy_readers__money_of_orders_above_finance_review_waits_for_it",
    "/scoring/max_bonus": "test_month__takes_bonus_work_up_to_20",
    "/scoring/bonus_posts": "test_month__takes_no_bonus_work_from_oneself_or_in_other_posts",
    "/scoring/appeal_days": "test_appeal__accepted_until_the_end_of_the_last_day",
    "/scoring/pass_mark": "test_score_warnings__count_closed_months_below_the_pass_mark",
    "/scoring/warnings": "test_score_warnings__count_closed_months_below_the_pass_mark",
}
"""What is read by rules that need a history: the test that sees it, by the begin of the path."""

FIRST = at("2026-01-01", 0)
STARTS = [FIRST + timedelta(days=day, hours=hour, minutes=minute, seconds=50)
          for day in range(0, 340, 5) for hour, minute in ((1, 59), (5, 0), (14, 59), (17, 59))]
SUSPENDED = [Suspension("campaign", FIRST, FIRST + timedelta(days=30))]
MONTHS = [Month(Decimal(score), Decimal(attained), 1_234_500, late, absent, low_months)
          for score in ("50", "59.5", "60", "64.5", "65", "69.5", "75", "79.5", "80", "94.5", "97")
          for attained in ("0.2", "0.295", "0.3", "0.9995", "1")
          for late, absent, low_months in ((0, 0, 0), (2, 0, 2), (3, 0, 3), (0, 1, 4))]


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The single values of a policy, each with its path; lists of texts and numbers count as one.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in WORDS:
                yield from leaves(f"{path}/{name}", inner)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            yield from leaves(f"{path}/{number}", inner)
    else:
        yield path, value


def is_read(value: Any) -> bool:
    """Whether it is a number, a time, a day, or a list: names say which of them is which."""
    return isinstance(value, int | list) or bool(re.fullmatch("-?[0-9.:-]+", str(value)))


def other(value: Any) -> Iterator[Any]:
    """Other values in the place of one, that publication might take."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, list):
        yield from (value[:index] + value[index + 1:] for index in range(len(value)))
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 2)
    elif re.fullmatch("[0-9]{2}:[0-9]{2}", value):
        yield from ("08:15", "13:45", "22:45")
    elif re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        yield from ("2026-03-01", "2026-11-30")
    else:
        yield from (str(Decimal(value) + 1), str(Decimal(value) * 2),
                    str(Decimal(value) - Decimal("0.01")))


def changed(path: str, value: Any) -> Version:
    """What is shipped, with one value changed."""
    whole = msgspec.to_builtins(SHIPPED)
    *names, last = path.split("/")[1:]
    part = whole
    for name in names:
        part = part[int(name) if isinstance(part, list) else name]
    part[last] = value
    return Version(1, "2026-01-01", msgspec.convert(whole, Sections))


Answers = Iterator[tuple[object, object]]


def reckoned(version: Version, name: str, start: datetime) -> object:
    """What a deadline comes to, or which rule cannot say it."""
    return [result(lambda: deadline(version, name, start, days=IN_SHANGHAI)),
            result(lambda: due(version, name, start, days=IN_SHANGHAI, suspensions=SUSPENDED)),
            result(lambda: due(version, name, start, days=IN_SHANGHAI, roster=lambda day: ()))]


def result(ask: Callable[[], object]) -> object:
    """An answer, or the rule that refuses it."""
    try:
        return ask()
    except Refused as error:
        return error.rule


def of_times(version: Version, path: str) -> Answers:
    """Until when everything is due, and what shifts are printed."""
    rows = version.sections.deadlines or ()
    if path.startswith("/deadlines/"):
        rows = [rows[int(path.split("/")[2])]]
    for start in STARTS:
        yield start, set(printed_shifts(version, IN_SHANGHAI)(day_of(start)))
        for row in rows:
            yield (row.deadline, start), reckoned(version, row.deadline, start)


def of_pay(version: Version, path: str) -> Answers:
    """What every post is paid by every scheme, and whether its bands fit together."""
    if path.endswith(("/at_least", "/below")):
        yield "published", findings(version.sections, version.sections)
    for scheme in SHIPPED.pay or ():
        for post in scheme.posts:
            for month in MONTHS if path.startswith(("/pay/", "/coefficients/")) else ():
                try:
                    yield (scheme.scheme, post, month), month_pay(
                        version, scheme.scheme, post, month)
                except SchemeUnknown:
                    yield (scheme.scheme, post, month), None


def of_scorecards(version: Version, path: str) -> Answers:
    """What the items weigh, what is shown and computed of them, and what a month comes to; and
    whether computed items and rules name each other."""
    if path.endswith("/computed_from"):
        yield "published", findings(version.sections, version.sections)
    for card in version.sections.scorecards or ():
        account = Account.blank("month:x:2026-09")
        yield card.post, weights_of(card)
        for row in items_of(account, "member:x", card.post, version):
            yield (card.post, row["item"]), row
        for grader, sheet in (("member:a", COMMITTEE_SHEET), ("member:b", SECOND_SHEET)):
            account.grade({"member": "member:x", "post": card.post, "sheet": sheet,
                           "grader": grader}, {one.item: "50" if sheet == SECOND_SHEET else "90"
                                               for one in card.items}, occurred_at=FIRST)
        yield (card.post, "score"), figure_of(account, "member:x", card.post, version).score


READERS: dict[str, Callable[[Version, str], Answers]] = {
    "deadlines": of_times, "hours": of_times, "calendars": of_times, "pay": of_pay,
    "coefficients": of_pay, "scorecards": of_scorecards, "scoring": of_scorecards}

BEFORE = Version(1, "2026-01-01", SHIPPED)
LEAVES = [(path, value) for path, value in leaves("", msgspec.to_builtins(SHIPPED))
          if is_read(value) and not path.startswith(tuple(ELSEWHERE))]


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[path for path, _ in LEAVES])
def test_policy_readers__every_value_that_is_shipped_changes_an_answer(
    path: str, value: Any
) -> None:
    reader = READERS[path.split("/")[1]]

    assert any(before != after for one in other(value) for before, after in zip_longest(
        reader(BEFORE, path), reader(changed(path, one), path)))


def test_policy_readers__of_what_needs_a_history_are_tested_there() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in tests] == []
    assert {path.split("/")[1] for path, _ in LEAVES} == set(READERS)


@pytest.mark.parametrize("name", ["slow_mover", "recount_pieces", "low_stok"])
def test_policy_readers__a_threshold_without_one_is_refused(name: str) -> None:
    one = Threshold(threshold=name, value="3", unit="pieces", zh="x", en="x")

    (fault,) = findings(Sections(thresholds=[one]), Sections())

    assert (fault.where, fault.message) == (
        "/thresholds/0/threshold", f"is {name!r}, not one of low_stock, finance_review")
