"""What is asked of a history: steps, what facts are due to, differences, turns."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.asking.clocks import NOW, AsOf, Cut
from projections.asking.past import NoSubject, NothingRecorded
from projections.audit.timeline import is_late
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from projections.trial.facts import Matter, facts_after_each, history_about
from projections.trial.verbs import (
    OPERATORS,
    BadCondition,
    Condition,
    UnknownFact,
    bisect,
    blame,
    changes,
    diff,
    steps,
)
from tests.support.days import IN_SHANGHAI
from tests.support.demo import demo_in
from tests.support.thorough import tried

SHOP = "taobao:栖墨图书旗舰店"
ORDER = f"order:{SHOP}:demo-3"
SUBJECTS = [ORDER, f"order:{SHOP}:demo-1", f"case:{SHOP}:demo-R1", "deduction:2609-7",
            "stock:hangzhou:QM-001", "month:7f3a:2026-09"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadModels]:
    """The read models of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            settings.open_store()) as store, closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def now(models: ReadModels) -> Cut:
    """The present."""
    return NOW.resolve(models.store, "main")


def of(models: ReadModels, subject: str) -> Matter:
    """A subject as of now."""
    return Matter(models, "main", subject, now(models))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_steps__add_up_to_what_is_known(models: ReadModels, subject: str) -> None:
    """Property: whoever applies all changes has the facts, and each is due to the last that changed
    it."""
    known, due = {}, {}
    for step in steps(of(models, subject)):
        for one in step.changes:
            assert known.get(one.field) == one.before
            known[one.field] = one.after
            due[one.field] = step.entry.position
    found = blame(of(models, subject))
    assert {one.field: one.value for one in found} == {
        name: value for name, value in known.items() if value is not None}
    assert {one.field: one.entry.position for one in found} == {
        name: due[name] for name, value in known.items() if value is not None}


def test_late__is_what_was_recorded_on_a_later_day(models: ReadModels) -> None:
    late = [step.entry for step in steps(of(models, "deduction:2609-7"))
            if step.late]
    assert [one.type for one in late] == ["deduction.appealed.v1"]
    assert all(one.recorded_at - one.occurred_at > 0 for one in late)
    assert [is_late(one, IN_SHANGHAI) for one in late] == [True]


@settings(max_examples=tried(40), deadline=None)
@given(data=st.data())
def test_diff__is_explained_by_the_events_between(models: ReadModels, data: st.DataObject) -> None:
    """Property: a difference between any two moments is named, and made by events that belong to
    one of both only."""
    subject = data.draw(st.sampled_from(SUBJECTS))
    positions = [step.entry.position for step in steps(of(models, subject))]
    head = now(models).position
    a, b = (AsOf(position=data.draw(st.sampled_from([*positions, head, 1]))) for _ in "ab")
    first, second = a.resolve(models.store, "main"), b.resolve(models.store, "main")
    found = diff(Matter(models, "main", subject, first),
                 Matter(models, "main", subject, second)) if second.position >= \
        positions[0] else None
    if found is None:
        return
    between = {one for one in positions
               if min(first.position, second.position) < one <= max(first.position,
                                                                    second.position)}
    assert {one.position for one in (*found.came, *found.went)} == between
    known = [_known(models, subject, cut) for cut in (first, second)]
    assert [(one.field, one.before, one.after) for one in found.differences] == [
        tuple(one) for one in changes(*known)]
    assert all(one.because and set(one.because) <= between for one in found.differences)


def _known(models: ReadModels, subject: str, cut: Cut) -> dict[str, object]:
    try:
        entries = history_about(Matter(models, "main", subject, cut))
    except NothingRecorded:
        return {}
    *_, last = facts_after_each(Matter(models, "main", subject, cut), entries)
    return last


@pytest.mark.parametrize(("text", "positions"), [
    ("refunded_minor>=3980", [(1995, True)]), ("pieces/packed", [(1989, True)]),
    ("pieces/packed>0", [(1999, True), (2000, False)]),
    ("payment_status = overpaid", [(1993, True), (1995, False)]),
    ("payment_status!=paid", None), ("total_minor<0", [])])
def test_bisect__says_when_a_condition_began_and_ended(
    models: ReadModels, text: str, positions: list[tuple[int, bool]] | None
) -> None:
    found = bisect(of(models, ORDER), Condition.parse(text))
    first = next(steps(of(models, ORDER))).entry.position
    if positions is not None:
        shift = first - 1989
        assert [(one.entry.position, one.holds) for one in found] == [
            (position + shift, holds) for position, holds in positions]
    assert [one.holds for one in found] == [not n % 2 for n in range(len(found))]


def test_question__rejected_about_what_was_never_known(models: ReadModels) -> None:
    """R-PRJ-40, R-PRJ-41. What there is stands in the message."""
    with pytest.raises(UnknownFact, match="paid_minor"):
        blame(of(models, ORDER), field="price")
    with pytest.raises(UnknownFact):
        bisect(of(models, ORDER), Condition.parse("price>1"))
    for text in ("", "=", "==5", ">1", "a=b" * 0):
        with pytest.raises(BadCondition):
            Condition.parse(text)


@pytest.mark.parametrize("subject", ["QM-001", "sku:QM-001", "2609-7"])
def test_question__rejected_with_how_subjects_are_named(models: ReadModels, subject: str) -> None:
    """R-PRJ-48. What is there, as levels of a SKU are, is not said to have no events."""
    with pytest.raises(NoSubject, match="stock:hangzhou:SH-001"):
        blame(of(models, subject))
    with pytest.raises(NothingRecorded, match="holds no event"):
        blame(of(models, "stock:hangzhou:QM-009"))


@pytest.mark.parametrize("number", ["NaN", "-nan", "sNaN123", "Infinity", "-inf", "1e99999999"])
@pytest.mark.parametrize("sign", [*OPERATORS])
def test_condition__is_answered_whatever_it_compares_with(sign: str, number: str) -> None:
    for known in (5000, "NaN", "x", True, [1]):
        assert Condition.parse(f"paid{sign}{number}").holds({"paid": known}) in (True, False)
    assert Condition.parse(f"paid={number}").holds({"paid": number})
