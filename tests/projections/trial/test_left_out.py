"""Events are left out as long as nothing that is kept rests on them; what does is named."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ledger.common.errors import LedgerError
from ledger.log.envelope import Entry
from projections.asking.clocks import NOW, AsOf
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from projections.trial import asking
from projections.trial.facts import DependsOnIt, Matter, events_about
from projections.trial.left_out import (
    BeginsWithIt,
    CorrectsIt,
    NotAmongThem,
    must_stand,
)
from projections.trial.supposing import Hypothesis
from tests.support.demo import demo_in

SHOP = "taobao:栖墨图书旗舰店"
ORDER = f"order:{SHOP}:demo-3"
MONTH = "month:7f3a:2026-09"
SUBJECTS = [ORDER, f"order:{SHOP}:demo-1", f"case:{SHOP}:demo-R1", "deduction:2609-7",
            "stock:hangzhou:QM-001", MONTH, "policy:book", "member:7f3a"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadModels]:
    """The read models of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            settings.open_store()) as store, closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def of(models: ReadModels, subject: str) -> Matter:
    """A subject as of now."""
    return Matter(models, "main", subject, NOW.resolve(models.store, "main"))


def events(models: ReadModels, subject: str) -> list[Entry]:
    """Its events."""
    return events_about(of(models, subject))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_if__without_any_one_event_is_answered_or_refused_by_name(
    models: ReadModels, subject: str
) -> None:
    """Property: whichever event is left out, the history is the others, or an error says which of
    them rests on it."""
    every = [one.position for one in events(models, subject)]
    answered = 0
    for position in every:
        try:
            found = asking.history(models, "main", subject, NOW, given=Hypothesis([position]))
        except LedgerError as error:
            assert isinstance(error, BeginsWithIt | CorrectsIt | DependsOnIt), (position, error)
            assert str(position) in str(error)
            continue
        answered += 1
        assert [row["position"] for row in found.rows] == [
            one for one in every if one != position]
    assert answered


def test_what_if__rejected_where_it_contradicts_itself(models: ReadModels) -> None:
    """R-PRJ-08, R-PRJ-38"""
    entries, matter = events(models, ORDER), of(models, ORDER)
    with pytest.raises(BeginsWithIt) as begins:
        must_stand(matter, [entries[0].position])
    assert str(entries[1].position) in str(begins.value)  # what would have happened to nothing
    with pytest.raises(NotAmongThem):
        must_stand(matter, [1])
    every = [one.position for one in entries]
    assert asking.history(models, "main", ORDER, NOW, given=Hypothesis(every)).rows == []


def test_what_if__rejected_where_a_refund_has_no_payment(models: ReadModels) -> None:
    """R-SUP-07"""
    paid, *_ = (one.position for one in events(models, ORDER) if one.type == "order.paid.v1")
    refunds = [one.position for one in events(models, ORDER)
               if one.type == "order.refund_recorded.v1"]
    with pytest.raises(DependsOnIt) as error:
        must_stand(of(models, ORDER), [paid])
    assert (error.value.details["position"], error.value.details["left_out"]) == (
        refunds[0], str(paid))
    must_stand(of(models, ORDER), [paid, *refunds])
    must_stand(of(models, ORDER), refunds)


def test_what_if__the_overturned_charge_left_out_is_the_restated_month(models: ReadModels) -> None:
    """Before it was overturned, the month without the charge is what it was restated to."""
    entries = events(models, MONTH)
    reversed_at = next(one for one in entries if one.type == "month.charge_reversed.v1")
    (charged,) = (one.position for one in entries if one.type == "month.charged.v1"
                  and b"deduction:2609-7" in one.payload)
    then = AsOf(position=reversed_at.position - 1)
    found = asking.differences(models, "main", MONTH, before=then, after=then,
                               given=Hypothesis([charged]))
    restated = {row["field"]: row["value"] for row in asking.due(models, "main", MONTH, NOW).rows}
    differing = {row["field"]: (row["before"], row["after"]) for row in found.rows}
    assert differing["customer_service/score"] == ("94.5525", restated["customer_service/score"])
    assert found.as_of["went"] == [charged]
    again = asking.differences(models, "main", MONTH, before=NOW, after=NOW,
                               given=Hypothesis([charged]))
    assert again.rows == []  # it was reversed: without it nothing is otherwise
    assert f"the events at {reversed_at.position} rest on what is left out, and change nothing" in \
        again.as_of["notes"]
