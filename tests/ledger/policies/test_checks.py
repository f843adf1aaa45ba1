"""What keeps a policy from being published: all that is wrong, at once, in words."""

from typing import Any

import pytest

from ledger.common.errors import Fault
from ledger.policies.checks import findings
from ledger.policies.commands import PublishPolicy
from ledger.policies.errors import PolicyUnsound
from ledger.policies.pay import PayRange, PayScheme, PayWarning, Tier
from ledger.policies.reader import PolicyFileUnknown, PolicyFileUnreadable, parse, read
from ledger.policies.times import Calendar, Deadline, Hours, Limit
from ledger.policies.values import (
    Band,
    Escalation,
    PostName,
    Rule,
    Scorecard,
    ScorecardItem,
    Scoring,
    Sections,
    Threshold,
)
from tests.support.source import ROOT
from tests.support.stories import given
from tests.support.team import at

SAMPLES = ROOT / "samples" / "policies"


def codes(said: Sections, before: Sections | None = None) -> list[tuple[str, str]]:
    """Where something is wrong, and its code."""
    return [(fault.where, fault.code) for fault in findings(said, before or Sections())]


def rule(**fields: Any) -> Rule:
    """A sound rule."""
    return Rule(**{"code": "R1", "posts": ["dispatcher"], "zh": "迟到", "en": "late",
                   "charges": {"offender": ["1", "1"]}, "per": "occurrence", **fields})


def card(*weights: str, **fields: Any) -> Scorecard:
    """A scorecard of the dispatcher."""
    items = [ScorecardItem(item=f"work/{number}", weight=weight, zh="发货", en="dispatch")
             for number, weight in enumerate(weights)]
    return Scorecard(**{"post": "dispatcher", "items": items, **fields})


def item(**fields: Any) -> Scorecard:
    """A scorecard of one item."""
    return Scorecard(post="dispatcher", items=[ScorecardItem(**{
        "item": "work/1", "weight": "100", "zh": "发货", "en": "dispatch", **fields})])


def pay(*tiers: Tier, **fields: Any) -> PayScheme:
    """A scheme that pays by tiers."""
    return PayScheme(**{"scheme": "s", "posts": ["dispatcher"], "performance": "tiers",
                        "tiers": list(tiers), **fields})


def threshold(name: str, value: str, unit: str = "pieces") -> Threshold:
    """A threshold."""
    return Threshold(threshold=name, value=value, unit=unit, zh="x", en="x")


def hours(**fields: Any) -> Hours:
    """The hours of an early shift."""
    return Hours(**{"hours": "early", "zh": "早班", "en": "early", "start": "09:00",
                    "end": "16:30", **fields})


ALL = Tier(pays="1.0")


def test_policy__check_names_what_is_wrong_in_the_printed_schemes() -> None:
    found = [(fault.code, fault.message) for name in ("flagship", "scorecards")
             for fault in findings(read(str(SAMPLES / f"{name}-as-printed.yaml")).sections,
                                   Sections())]

    assert ("overlap", "the tiers of flagship_promotion overlap: 60–70 pays 0.4 and 60–70 pays 0.8"
            ) in found
    assert [message.split(",")[0] for code, message in found if code == "weights"] == [
        "the weights of dispatcher add up to 110", "the weights of designer add up to 110",
        "the weights of finance add up to 112"]


@pytest.mark.parametrize(("fields", "found"), [
    ({}, []),
    ({"posts": []}, [("/rules/0/posts", "missing")]),
    ({"posts": ["king"]}, [("/rules/0/posts", "unknown_post")]),
    ({"per": "blink"}, [("/rules/0/per", "unknown")]),
    ({"origin": "rumour"}, [("/rules/0/origin", "unknown")]),
    ({"exempt": "mood"}, [("/rules/0/exempt", "unknown")]),
    ({"computed_from": ["asleep"]}, [("/rules/0/computed_from", "unknown")]),
    ({"charges": {}}, [("/rules/0/charges", "missing")]),
    ({"charges": {"cat": ["1", "1"]}}, [("/rules/0/charges", "unknown")]),
    ({"charges": {"offender": ["1"]}}, [("/rules/0/charges/offender", "not_range")]),
    ({"charges": {"offender": ["x", "x"]}}, [("/rules/0/charges/offender", "not_decimal")] * 2),
    ({"charges": {"offender": ["-1", "1"]}}, [("/rules/0/charges/offender", "out_of_range")]),
    ({"charges": {"offender": ["4", "2"]}}, [("/rules/0/charges/offender", "not_ordered")]),
    ({"charges": {"supervisor": ["2", "2"]}}, [("/rules/0/charges", "mixed")]),
    ({"charges": {"all_of_post": ["1", "1"], "offender": ["1", "1"]}},
     [("/rules/0/charges", "mixed")]),
    ({"excludes": "R9"}, [("/rules/0/excludes", "unknown_rule")]),
    ({"escalation": Escalation(1, "0.5")}, [("/rules/0/escalation/from_nth", "out_of_range"),
                                            ("/rules/0/escalation/factor", "out_of_range")]),
    ({"zh": " "}, [("/rules/0/zh", "empty")]),
    ({"en": "x" * 2001}, [("/rules/0/en", "too_long")]),
])
def test_policy__rule_is_checked(fields: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert codes(Sections(rules=[rule(**fields)])) == found


def test_policy__rules_are_checked_against_each_other_and_the_scorecards() -> None:
    assert codes(Sections(rules=[rule(), rule()])) == [("/rules/1/code", "twice")]
    assert codes(Sections(rules=[rule(excludes="R2"), rule(code="R2")])) == [
        ("/rules/0/excludes", "one_sided")]
    assert codes(Sections(rules=[rule(excludes="R2"), rule(code="R2", excludes="R1")])) == []
    counting = Sections(rules=[rule(counts_in="work/7", evidence_for=["work/8"])])
    assert codes(counting) == []
    assert codes(counting, Sections(scorecards=[card("100")])) == [
        ("/rules/0/counts_in", "unknown_item"), ("/rules/0/evidence_for", "unknown_item")]


@pytest.mark.parametrize(("one", "found"), [
    (card("60", "40"), []),
    (card("60", "50"), [("/scorecards/0/items", "weights")]),
    (card("60", "50", normalise=True), []),
    (card(), [("/scorecards/0/items", "missing")]),
    (card("0", "0", normalise=True), [("/scorecards/0/items", "weights")]),
    (card("100", post="king"), [("/scorecards/0/post", "unknown_post")]),
    (card("100", second_grader="king"), [("/scorecards/0/second_grader", "unknown_post")]),
    (card("100", second_grader="supervisor"), []),
    (item(weight="x"), [("/scorecards/0/items/0/weight", "not_decimal")]),
    (item(parts={"a": "50", "b": "40"}), [("/scorecards/0/items/0/parts", "weights")]),
    (item(item=""), [("/scorecards/0/items/0/item", "empty")]),
    (Scorecard(post="dispatcher", items=[*card("50").items, *card("50").items]),
     [("/scorecards/0/items/1/item", "twice")]),
])
def test_policy__scorecard_is_checked(one: Scorecard, found: list[tuple[str, str]]) -> None:
    assert codes(Sections(scorecards=[one])) == found


def test_policy__computed_items_name_rules_that_count_in_them() -> None:
    rules = Sections(rules=[rule()])
    assert codes(Sections(scorecards=[item(computed_from=["R1"])]), rules) == [
        ("/scorecards/0/items/0/computed_from", "other_item")]
    assert codes(Sections(scorecards=[item(computed_from=["R9"])]), rules) == [
        ("/scorecards/0/items/0/computed_from", "unknown_rule")]
    assert codes(Sections(scorecards=[item(computed_from=["R9"])])) == []


@pytest.mark.parametrize(("bands", "found"), [
    ([("", "65"), ("65", "")], []),
    ([("", "65"), ("60", "")], ["overlap"]),
    ([("", "65"), ("70", "")], ["gap"]),
    ([("0", "65"), ("65", "")], ["gap"]),
    ([("", "65"), ("65", "100")], ["gap"]),
    ([("", "")], []),
    ([("", ""), ("60", "70")], ["overlap"]),
    ([("", "80"), ("60", "70"), ("70", "80"), ("80", "")], ["overlap", "overlap"]),
    ([("70", "60")], ["not_ordered"]),
    ([("x", "60")], ["not_decimal", "not_ordered"]),
])
def test_policy__bands_neither_overlap_nor_leave_a_gap(
    bands: list[tuple[str, str]], found: list[str]
) -> None:
    given_bands = [Band(coefficient="1", at_least=low or None, below=high or None)
                   for low, high in bands]
    assert [code for _, code in codes(Sections(coefficients=given_bands))] == found


@pytest.mark.parametrize(("said", "found"), [
    (Sections(pay=[pay(ALL)]), []),
    (Sections(pay=[pay()]), [("/pay/0/tiers", "tiers")]),
    (Sections(pay=[pay(ALL, performance="coefficient")]), [("/pay/0/tiers", "tiers")]),
    (Sections(pay=[pay(ALL, performance="luck")]), [
        ("/pay/0/performance", "unknown"), ("/pay/0/tiers", "tiers")]),
    (Sections(pay=[pay(ALL, base_minor={"king": -1})]), [
        ("/pay/0/base_minor/king", "out_of_range"), ("/pay/0/base_minor/king", "unused"),
        ("/pay/0/base_minor", "unknown_post")]),
    (Sections(pay=[pay(ALL, currency="yuan", performance_minor=-1)]), [
        ("/pay/0/currency", "not_currency"), ("/pay/0/performance_minor", "out_of_range"),
        ("/pay/0/performance_minor", "unused")]),
    (Sections(pay=[pay(Tier(pays="many"))]), [("/pay/0/tiers/0/pays", "not_decimal")]),
    (Sections(pay=[pay(ALL, base_minor={"keeper": 1}, nothing_below="0.3")]), [
        ("/pay/0/base_minor/keeper", "unused"), ("/pay/0/nothing_below", "unused")]),
    (Sections(pay=[pay(performance="attainment", performance_share="0.2")]), [
        ("/pay/0/performance_share", "unused")]),
    (Sections(pay=[pay(ALL, full_attendance_lost_at={"naps": 0})]), [
        ("/pay/0/full_attendance_lost_at/naps", "unknown"),
        ("/pay/0/full_attendance_lost_at/naps", "out_of_range"),
        ("/pay/0/full_attendance_share", "missing")]),
    (Sections(pay=[pay(ALL, commission_on="all", commission_posts=["king"])]), [
        ("/pay/0/commission_on", "unknown"), ("/pay/0/commission", "mixed"),
        ("/pay/0/commission_posts", "unknown_post")]),
    (Sections(pay=[pay(ALL, ranges=[PayRange(term="t", min_minor=2, max_minor=1, per="day",
                                             posts=[], below="x")])]), [
        ("/pay/0/ranges/0/per", "unknown"), ("/pay/0/ranges/0", "not_ordered"),
        ("/pay/0/ranges/0/posts", "missing"), ("/pay/0/ranges/0/below", "not_decimal")]),
    (Sections(pay=[pay(ALL, warning=PayWarning(months=0, below="x"))]), [
        ("/pay/0/warning/months", "out_of_range"), ("/pay/0/warning/below", "not_decimal")]),
    (Sections(scoring=Scoring(committee="0.8")), [("/scoring", "shares")]),
    (Sections(scoring=Scoring(committee="x", appeal_days=-1, max_bonus="-1", pass_mark="101")), [
        ("/scoring/committee", "not_decimal"), ("/scoring/max_bonus", "out_of_range"),
        ("/scoring/pass_mark", "out_of_range"), ("/scoring/appeal_days", "out_of_range")]),
    (Sections(scoring=Scoring(bonus_posts=["king"], warnings={"king": 0})), [
        ("/scoring/bonus_posts", "unknown_post"), ("/scoring/warnings", "unknown_post"),
        ("/scoring/warnings/king", "out_of_range")]),
    (Sections(thresholds=[threshold("t", "1")]), [("/thresholds/0/threshold", "unknown")]),
    (Sections(thresholds=[threshold("low_stock", "x")]), [("/thresholds/0/value", "not_decimal")]),
    (Sections(thresholds=[threshold("low_stock", "1.5", "fen")]), [
        ("/thresholds/0/unit", "other_unit"), ("/thresholds/0/value", "not_whole")]),
    (Sections(thresholds=[threshold("low_stock", "-1")]), [
        ("/thresholds/0/value", "out_of_range")]),
    (Sections(thresholds=[threshold("low_stock", "1")] * 2), [
        ("/thresholds/1/threshold", "twice")]),
    (Sections(posts=[PostName(post="king", zh="王", en="king")], rules=[rule(posts=["king"])]), []),
    (Sections(posts=[PostName(post="a", zh="王", en="king")] * 2), [("/posts/1/post", "twice")]),
])
def test_policy__section_is_checked(said: Sections, found: list[tuple[str, str]]) -> None:
    assert codes(said) == found


WITHIN: dict[str, Any] = {"within": 1, "unit": "days"}
SHIFT: dict[str, Any] = {"until": "shift_end", "shifts": ["early"]}


@pytest.mark.parametrize(("fields", "found"), [
    (WITHIN, []),
    ({**WITHIN, "by": "18:00"}, []),
    ({"by": "18:00", "calendar": "c"}, []),
    (SHIFT, []),
    ({}, [("", "empty")]),
    ({"within": 0, "unit": "blinks", "by": "25:00"}, [
        ("/within", "out_of_range"), ("/unit", "unknown"), ("/by", "not_time"),
        ("/by", "unused")]),
    ({**WITHIN, "until": "day_end"}, [("", "mixed")]),
    ({"by": "18:00", "until": "day_end"}, [("", "mixed")]),
    ({"until": "tea_time"}, [("/until", "unknown")]),
    ({"until": "week_end"}, [("/calendar", "missing")]),
    ({"until": "week_end", "calendar": "c"}, []),
    ({"until": "week_end", "calendar": "sundays"}, [("/calendar", "no_week")]),
    ({"within": 1, "unit": "working_days"}, [("/calendar", "missing")]),
    ({**WITHIN, "calendar": "c"}, [("/calendar", "unused")]),
    ({"by": "18:00", "calendar": "z"}, [("/calendar", "unknown")]),
    ({"until": "month_day"}, [("/day", "missing"), ("/of", "unknown")]),
    ({"until": "month_day", "day": 32, "of": "next"}, [("/day", "out_of_range")]),
    ({**WITHIN, "day": 7, "of": "next", "shifts": ["early"], "hours": "early"}, [
        ("/shifts", "unused"), ("/day", "unused"), ("/of", "unused"), ("/hours", "unused")]),
    ({"until": "shift_end"}, [("/shifts", "missing")]),
    ({"until": "shift_end", "shifts": ["night"]}, [("/shifts", "unknown")]),
    ({"within": 1, "unit": "hours", "by": "18:00", "hours": "night"}, [
        ("/hours", "unknown"), ("/by", "unused")]),
    ({**WITHIN, "starts_at": "noon", "clock": "sundial", "suspended_by": "rain"}, [
        ("/starts_at", "unknown"), ("/clock", "unknown"), ("/suspended_by", "unknown")]),
    ({**WITHIN, "to": ["king"]}, [("/to", "unknown_post")]),
    ({**WITHIN, "cutoff": "6 pm"}, [("/cutoff", "not_time"), ("/later", "missing")]),
    ({**WITHIN, "later": Limit(by="18:00")}, [("/later", "unused")]),
    ({**SHIFT, "later": Limit(**SHIFT)}, [("/later/until", "mixed")]),
    ({**SHIFT, "later": Limit()}, [("/later", "empty")]),
    ({**WITHIN, "grace": Limit(by="12:00")}, [("/grace", "unused")]),
    ({**WITHIN, "clock": "occurred", "grace": Limit(by="noon")}, [("/grace/by", "not_time")]),
])
def test_policy__deadline_is_checked(fields: dict[str, Any], found: list[tuple[str, str]]) -> None:
    one = Deadline(**{"deadline": "d", "zh": "x", "en": "x", "starts_at": "opened", **fields})
    known = Sections(hours=[hours()], calendars=[
        Calendar(calendar=name, weekdays=[day], since="2026-01-01", until="2026-12-31")
        for name, day in (("c", 1), ("sundays", 7))])

    assert codes(Sections(deadlines=[one]), known) == [
        (f"/deadlines/0{where}", code) for where, code in found]


@pytest.mark.parametrize(("fields", "found"), [
    ({}, []),
    ({"start": "9", "end": "25:00"}, [("/start", "not_time"), ("/end", "not_time"),
                                      ("/end", "not_ordered")]),
    ({"start": "10:00", "end": "10:00"}, [("/end", "not_ordered")]),
    ({"weekdays": []}, [("/weekdays", "empty")]),
    ({"weekdays": [8]}, [("/weekdays/0", "out_of_range")]),
])
def test_policy__hours_are_checked(fields: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert codes(Sections(hours=[hours(**fields)])) == [
        (f"/hours/0{where}", code) for where, code in found]


def test_policy__calendars_are_checked() -> None:
    def calendar(**fields: Any) -> Sections:
        return Sections(calendars=[Calendar(**{
            "calendar": "c", "weekdays": [1, 2], "since": "2026-01-01", "until": "2026-12-31",
            **fields})])

    assert codes(calendar()) == []
    assert codes(calendar(until="2025-12-31", weekdays=[0])) == [
        ("/calendars/0/until", "not_ordered"), ("/calendars/0/weekdays/0", "out_of_range")]
    assert codes(calendar(holidays=["2026-02-30", "2027-01-01"])) == [
        ("/calendars/0/holidays/0", "not_day"), ("/calendars/0/holidays/1", "outside")]
    assert codes(calendar(holidays=["2026-05-01"], working=["2026-05-01"])) == [
        ("/calendars/0/working", "twice")]
    assert codes(calendar(holidays=["2026-05-01", "2026-05-01"], weekdays=[])) == [
        ("/calendars/0/weekdays", "empty"), ("/calendars/0/holidays", "twice")]


def test_policy__rejected_with_all_that_is_wrong_when_published() -> None:
    policy = read(str(SAMPLES / "scorecards-as-printed.yaml"))
    error = given().when(PublishPolicy(
        policy=policy, effective_from="2026-01-01", occurred_at=at("2026-01-01"))).refused(
        PolicyUnsound)

    assert [fault.code for fault in error.faults] == ["weights"] * 3
    assert all(isinstance(fault, Fault) for fault in error.faults)


@pytest.mark.parametrize(("text", "why"), [
    ("title: [", "while parsing"), ("- a", "not a mapping"), ("title: a\ntitle: b", "twice"),
    ("title: a\nrulez: []", "unknown sections .rulez."), ("rules: []", "title"),
    ("title: a\nrules: [{code: x, colour: red}]", "colour"), ("title: a\nrules: 5", "array"),
    ("title: a\nscoring: {appeal_days: many}", "int")])
def test_policy__file_is_read_strictly(text: str, why: str) -> None:
    with pytest.raises(PolicyFileUnreadable, match=why):
        parse("x", text)


def test_policy__file_that_is_not_there_is_named_with_those_that_are(tmp_path: Any) -> None:
    with pytest.raises(PolicyFileUnknown, match="rules, scorecards"):
        read("nothing")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xff")
    with pytest.raises(PolicyFileUnreadable, match="UTF-8"):
        read(str(tmp_path / "latin.yaml"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(PolicyFileUnreadable, match="larger"):
        read(str(tmp_path / "large.yaml"))
