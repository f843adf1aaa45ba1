"""What came back is judged piece by piece, and what was sold as one thing by its parts."""

from ledger.returns.case import RECEIVED, TAKEN_APART, Case
from ledger.returns.commands import CloseCase, InspectGoods
from ledger.returns.errors import CaseNotDone, NotThatManyBack
from ledger.returns.values import CaseLine, Outcome
from tests.support.cases import case, on
from tests.support.kits import back, with_buyer
from tests.support.stories import goods, levels


def test_kit__one_part_of_it_is_written_off_and_the_others_are_sold_again() -> None:
    story = with_buyer(*back("R1", CaseLine(line="1", quantity=1)))
    (found,) = story.when(on(InspectGoods, lines=[
        Outcome("1", 1, "written_off", sku="P2"), Outcome("1", 1, "restocked", sku="P1")])).then(
        "case.inspected.v1")
    assert [(one.line, one.sku, one.quantity) for one in found.into] == [
        ("1/P1", "P1", 1), ("1/P2", "P2", 2)]
    assert levels(story, "P1") == {"available": 10}
    assert levels(story, "P2") == {"available": 18, "written_off": 1, "returns_inspection": 1}
    story.when(on(CloseCase)).refused(CaseNotDone)
    story.when(on(InspectGoods, lines=[Outcome("1", 1, "restocked", sku="P2")]))
    assert levels(story, "P2") == {"available": 19, "written_off": 1}
    story.when(on(CloseCase)).then("case.closed.v1")
    assert goods(story)["1"] == {"returned": 1}


def test_kit__no_more_are_taken_apart_than_an_inspection_needs() -> None:
    story = with_buyer(*back("R1", CaseLine(line="1", quantity=3)), quantity=3)
    story.decide(on(InspectGoods, lines=[Outcome("1", 3, "damaged", sku="P2"),
                                         Outcome("1", 1, "restocked")]))
    known = story.known[case()]
    assert isinstance(known, Case)
    assert known.goods["1"] == {TAKEN_APART: 2, "restocked": 1}
    assert known.goods["1/P2"] == {RECEIVED: 1, "damaged": 3}
    story.when(on(InspectGoods, lines=[Outcome("1", 2, "damaged", sku="P2")])).refused(
        NotThatManyBack,
        f"Line 1/P2 of {case()}: 2 pieces were named, but only 1 are awaiting_inspection. "
        "Name no more; the report returns says where the others are.")
    story.when(on(InspectGoods, lines=[Outcome("1/P2", 1, "damaged")])).then("case.inspected.v1")


def test_kit__line_that_has_the_name_of_a_part_stays_what_it_is() -> None:
    story = with_buyer(*back("R1", CaseLine(line="1", quantity=1),
                             CaseLine(line="1/P1", order_line="1", quantity=1)), quantity=2)
    story.decide(on(InspectGoods, lines=[Outcome("1", 1, "damaged", sku="P1"),
                                         Outcome("1/P1", 1, "restocked")]))
    known = story.known[case()]
    assert isinstance(known, Case)
    assert (known.goods["1/P1"], known.goods["1/P1'"]) == ({"restocked": 1}, {"damaged": 1})
