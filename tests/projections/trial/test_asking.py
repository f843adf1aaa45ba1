"""The questions about a history, with as of when they are answered."""

from datetime import UTC, datetime

import pytest

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.stock.corrections import CorrectStock
from projections.asking.clocks import NOW, AsOf, PositionBeyondHead
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from projections.trial import asking
from projections.trial.left_out import CorrectsIt
from projections.trial.supposing import Hypothesis
from tests.support.builders import NOON, opened, pay, place, received, remark, stream
from tests.support.projecting import put


@pytest.fixture
def models(ledger: Ledger, store: Store) -> ReadModels:
    """An order that was paid, talked about, and paid otherwise than was thought."""
    now = datetime.now(UTC)
    put(ledger, place(1, occurred_at=now), pay(1, occurred_at=now), remark(1, occurred_at=NOON))
    found = ReadModels(store, PROJECTIONS)
    found.catch_up("main")
    return found


def test_history__says_what_is_late_and_begins_after_a_position(models: ReadModels) -> None:
    found = asking.history(models, "main", stream(1), NOW)
    assert [(row["type"], row["late"]) for row in found.rows] == [
        ("order.placed.v1", False), ("order.paid.v1", False), ("order.remarked.v1", True)]
    last = found.rows[-1]["position"]
    assert asking.history(models, "main", stream(1), NOW, after=last).rows == []
    later = asking.history(models, "main", stream(1), NOW, after=last - 1)
    assert later.rows == found.rows[-1:]
    assert found.as_of["notes"] == []


def test_history__without_events_says_so(models: ReadModels) -> None:
    paid = asking.history(models, "main", stream(1), NOW).rows[1]["position"]
    found = asking.history(models, "main", stream(1), NOW, given=Hypothesis([paid]))
    assert len(found.rows) == 2
    assert str(paid) in found.as_of["notes"][-1]


def test_differences__have_both_headers_and_what_came(models: ReadModels) -> None:
    placed, paid, remarked = (row["position"] for row in asking.history(
        models, "main", stream(1), NOW).rows)
    found = asking.differences(models, "main", stream(1), before=AsOf(position=placed), after=NOW)
    assert (found.as_of["before"]["position"], found.as_of["came"], found.as_of["went"]) == (
        placed, [paid, remarked], [])
    assert {"field": "payment_status", "before": "unpaid", "after": "paid",
            "because": [paid]} in found.rows
    back = asking.differences(models, "main", stream(1), before=NOW, after=AsOf(position=placed))
    assert (back.as_of["came"], back.as_of["went"]) == ([], [paid, remarked])


def test_correction__is_shown_from_both_sides_and_left_out_with_what_it_corrects(
    models: ReadModels, ledger: Ledger, store: Store
) -> None:
    """R-PRJ-39"""
    put(ledger, opened(), received(quantity=7))
    wrong = store.head("main").position
    put(ledger, CorrectStock(document=store.read("main", after=wrong - 1)[0].stream, position=wrong,
                             kind="did_not_occur", reason="counted twice", occurred_at=NOON))
    models.catch_up("main")
    account = "stock:main:SH-001"
    *_, correction = asking.history(models, "main", account, NOW).rows
    _, item = asking.event(models, "main", wrong)
    assert (item["corrected_by"], item["corrects"]) == ([correction["position"]], None)
    _, item = asking.event(models, "main", correction["position"])
    assert (item["corrected_by"], item["corrects"]) == ([], wrong)
    with pytest.raises(CorrectsIt):
        asking.history(models, "main", account, NOW, given=Hypothesis([wrong]))
    assert asking.history(models, "main", account, NOW,
                          given=Hypothesis([wrong, correction["position"]])).rows == []


def test_event__names_its_leaf_and_what_was_recorded_with_it(
    models: ReadModels, store: Store
) -> None:
    (entry,) = store.read("main", after=1, limit=1)
    as_of, item = asking.event(models, "main", 2)
    assert (item["leaf_hash"], item["together"]) == (entry.leaf_hash.hex(), [2])
    assert as_of["position"] == store.head("main").position
    for position in (0, as_of["position"] + 1):
        with pytest.raises(PositionBeyondHead):
            asking.event(models, "main", position)
