"""The shipped policies: the printed rules and schemes as data, and every rule charged once."""

from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec
import pytest

from ledger.common.days import day_after
from ledger.core.commands import Command
from ledger.deductions.commands import ConfirmDeduction, ProposeDeduction
from ledger.deductions.deduction import Deduction
from ledger.handlers.deductions import ABOUT
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    JoinMember,
    RecordAttendance,
    RequestLeave,
    SetSupervisor,
)
from ledger.policies.checks import findings
from ledger.policies.posts import POSTS
from ledger.policies.reader import known, read
from ledger.policies.times import Calendar
from ledger.policies.values import LEAVE, MONTH, Rule, Sections, Version, weights_of
from ledger.scores.account import Account
from ledger.scores.values import COMPUTED, account_of
from tests.support.stories import Story, given
from tests.support.team import CHEN, JOINED, LIU, WANG, at, continued, printed, team

RULES = {rule.code: rule for rule in read("rules").sections.rules or ()}

PRINTED = """
CS-ONLINE-LUNCH all_of_post 1; CS-ONLINE-STATUS offender 1 supervisor 2; CS-ONLINE-WEEKEND offender
1; CS-MSG-BACKLOG offender 1.5; CS-REPLY-AUTO offender 0.5; CS-REPLY-PROMO offender 0.5;
CS-REPLY-PHONE offender 1; CS-REVIEW-BAD offender 3; CS-REVIEW-BAD-TEXT offender 5; CS-MISQUOTE
offender 5; CS-REPORT-DAILY offender 1.5; CS-REPORT-WEEKLY offender 0.5; CS-DATA-LEAK offender 10;
CS-FOLLOWUP offender 0.5; CS-FOLLOWUP-FORM offender 1; CS-PAPERS offender 3; CS-CASH offender 3;
CS-DISPATCH-LATE offender 3; CS-FEEDBACK offender 3; CS-MONTHEND offender 3; CS-MEETING offender
0.5; ED-LAUNCH offender 5; ED-UPDATE offender 3; ED-CHECK offender 1; ED-COPY-COOP offender 3;
ED-OTHER offender 2-4; CW-LATE offender 3; CW-MATERIAL offender 1-3; DS-LATE offender 3; DS-MATERIAL
offender 1-3; MG-OWN offender 5; MG-HELP offender 5; MG-TRAIN offender 3-5; AT-LATE offender 2;
AT-LEAVE offender 1; AT-ABSENT offender 2; AT-UNREACHABLE offender 1; AT-MEET-LATE offender 2;
AT-MEET-LEAVE offender 1
"""
"""Every price that is printed, by rule and party."""

PRICES = {code: dict(zip(rest[::2], rest[1::2], strict=True)) for code, *rest in (
    " ".join(one.split()).split(" ") for one in PRINTED.split(";"))}

TOTALS = {"customer_service": 100, "dispatcher": 110, "designer": 110, "finance": 112}


def test_policy__of_the_rule_book_has_50_rules_with_the_printed_prices() -> None:
    assert len(RULES) == 50
    assert {code: {party: "-".join(dict.fromkeys(points))
                   for party, points in rule.charges.items()}
            for code, rule in RULES.items() if rule.priced} == PRICES
    assert {code for code, rule in RULES.items() if rule.origin == "practice"} == {
        "WH-CHECK", "WH-VARIANCE"}
    for code, rule in RULES.items():
        assert rule.source or rule.origin == "practice", code
        assert rule.detect or rule.computed_from, code


def test_policy__files_that_are_shipped_are_sound_in_any_order() -> None:
    files = {name: read(name).sections for name in known()}
    assert list(files) == ["deadlines", "pay", "rules", "scorecards", "signing"]
    for names in permutations(files):
        before = Sections()
        for name in names:
            said = others = files[name]
            for other in names:
                others = others.over(files[other])
            assert findings(said, others) == [], name
            assert findings(said, before) == [], (name, names)
            before = said.over(before)


def test_policy__names_the_posts_that_the_project_knows() -> None:
    assert {one.post: (one.zh, one.en, one.role) for one in read("rules").sections.posts or ()} \
        == POSTS


@pytest.mark.parametrize("post", TOTALS)
def test_policy__weights_are_printed_and_count_as_100(post: str) -> None:
    card = Version(1, JOINED, read("scorecards").sections).scorecard(post)

    assert sum(Decimal(item.weight) for item in card.items) == TOTALS[post]
    assert card.normalise is (TOTALS[post] != 100)
    assert sum(weights_of(card).values()) == 100


def test_policy__calendar_keeps_the_moved_working_weekends() -> None:
    calendars: dict[str, Calendar] = {
        one.calendar: one for one in read("deadlines").sections.calendars or ()}

    def works(name: str, *days: str) -> list[bool]:
        return [calendars[name].works_on(date.fromisoformat(day)) for day in days]

    days = ("2026-10-01", "2026-10-08", "2026-10-10", "2026-10-11", "2026-10-17")
    assert works("mainland", *days) == [False, True, True, False, False]
    assert works("dispatch", *days) == [False, True, True, False, True]


# -- every rule, charged once ---------------------------------------------------------------------

DAY = "2026-09-03"


def shop(rule: Rule) -> tuple[Story, str]:
    """The team, and a member in the first post of a rule whose head is Chen."""
    post = rule.posts[0]
    who = "member:one"
    story = given(*team(), *printed("rules", "scorecards"),
                  JoinMember(member=who, joined_on=JOINED, occurred_at=at(JOINED)),
                  AssignPost(post=post, member=who, since=JOINED, occurred_at=at(JOINED)),
                  SetSupervisor(member=who, supervisor=CHEN, since=JOINED, occurred_at=at(JOINED)))
    return story, who


def charged(story: Story, who: str) -> dict[str, tuple[str, str, str, str]]:
    """What a member's September holds: rule, part, points, where it counts."""
    found = story.known.get(account_of(who, DAY[:7]))
    if not isinstance(found, Account):
        return {}
    return {name: (one.rule, one.party, one.points, one.counts_in)
            for name, one in found.charges.items()}


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if not rule.computed_from])
def test_policy__rule_is_charged_once_to_the_right_person(code: str) -> None:
    rule = RULES[code]
    story, who = shop(rule)
    group = "all_of_post" in rule.charges
    points: dict[str, str] = {
        party: bounds[1] for party, bounds in rule.charges.items()
        if bounds and bounds[0] != bounds[1]}
    about = ABOUT.get(rule.per, "order:") + "taobao:a:1"
    fields: dict[str, Any] = {"number": "1", "rule": code, "about": about,
                              "breached_at": at(DAY), "occurred_at": at(day_after(DAY)),
                              "offender": None if group else who, "evidence": [1]}
    continued(story, ("system", ProposeDeduction(**fields)),
              (LIU, ConfirmDeduction(deduction="deduction:1", occurred_at=at(day_after(DAY)),
                                     points=points)))

    deduction = story.known["deduction:1"]
    assert isinstance(deduction, Deduction)
    wanted = {party: (bounds or ["0", "0"])[1] for party, bounds in rule.charges.items()}
    liable = {"offender": [who], "supervisor": [CHEN],
              "all_of_post": [who, WANG, "member:zhao"]}
    assert {share.member: (share.party, share.points) for share in deduction.shares.values()} == {
        member: (party, wanted[party]) for party in wanted for member in liable[party]}
    for member, share in deduction.shares.items():
        assert charged(story, member) == {
            "deduction:1": (code, share.party, share.points, rule.counts_in)}


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.computed_from])
def test_policy__rule_of_attendance_is_charged_as_it_is_recorded(code: str) -> None:
    rule = RULES[code]
    for post in rule.posts:
        for kind in rule.computed_from:
            story, who = shop(msgspec.structs.replace(rule, posts=[post]))
            continued(story, *recorded(kind, who))
            (found,) = charged(story, who).values()
            assert found == (code, COMPUTED, rule.charges["offender"][0], rule.counts_in)
            assert rule.counts_in != MONTH


def recorded(kind: str, who: str) -> list[tuple[str, Command]]:
    """A kind of attendance, or a day of leave."""
    if kind != LEAVE:
        return [(CHEN, RecordAttendance(member=who, day=DAY, kind=kind, occurred_at=at(DAY, 20)))]
    return [(who, RequestLeave(member=who, number="L", days=[DAY], occurred_at=at(DAY, 1))),
            (CHEN, ApproveLeave(member=who, number="L", occurred_at=at(DAY, 2)))]
