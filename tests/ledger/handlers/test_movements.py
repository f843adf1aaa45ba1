"""The second person of what changes the books by a person's word alone: signing of movements."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.core.commands import Command
from ledger.people.commands import LeaveShop
from ledger.people.errors import SignatureNeeded
from ledger.people.signatures import NotThePost, SameSigner
from ledger.policies.values import Signing
from ledger.stock.corrections import AlreadyCorrected, CorrectStock
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import DecidedBeforeRequest, NotWaiting, PiecesGone, WaitsAlready
from ledger.stock.movements import (
    ApproveMovement,
    Movement,
    MovementRecorded,
    MoveStock,
    RefuseMovement,
    StockMove,
)
from ledger.stock.places import AVAILABLE, RESERVED, STOCKTAKE_GAIN_LOSS, WRITTEN_OFF
from tests.support.builders import HOUSE, NOON, line, opened, received, sell
from tests.support.stories import Story, given, levels
from tests.support.team import CHEN, JOINED, LI, WANG, ZHAO, ZHOU, published, team

M1 = f"movement:{HOUSE}:M1"
LATER = NOON + timedelta(hours=4)
TEA = "SH-001"
BY_WORD = {"write_off": (AVAILABLE, WRITTEN_OFF), "found": (STOCKTAKE_GAIN_LOSS, AVAILABLE),
           "adjustment": (AVAILABLE, STOCKTAKE_GAIN_LOSS)}


def ask(quantity: int = 3, cause: str = "write_off", **fields: Any) -> MoveStock:
    """Pieces are to leave the books, or to come into them."""
    source, target = BY_WORD[cause]
    move = StockMove(sku=TEA, quantity=quantity, source=source, target=target, cause=cause)
    return MoveStock(**{"warehouse": HOUSE, "number": "M1", "moves": [move], "reason": "水浸",
                        "occurred_at": NOON, **fields})


def approve(**fields: Any) -> ApproveMovement:
    """Another person agrees."""
    return ApproveMovement(**{"movement": M1, "occurred_at": LATER, **fields})


def refuse(**fields: Any) -> RefuseMovement:
    """Another person does not agree."""
    return RefuseMovement(**{"movement": M1, "occurred_at": LATER, "reason": "还能用", **fields})


def undo(position: int, **fields: Any) -> CorrectStock:
    """The movement did not occur."""
    return CorrectStock(**{"document": M1, "position": position, "kind": "did_not_occur",
                           "reason": "看错", "occurred_at": LATER, **fields})


def shop(*more: Command) -> Story:
    """Ten pieces on the shelf, and the team."""
    return given(opened(), received(TEA, 10), *team(), *more)


def told(story: Story, *steps: tuple[str, Command]) -> Story:
    """A story that goes on, to its first refusal."""
    for actor, command in steps:
        story.by(actor).when(command)
    return story


def on_shelf(story: Story) -> int:
    """The free pieces."""
    return levels(story, TEA).get(AVAILABLE, 0)


@pytest.mark.parametrize(("cause", "left"), [("write_off", 7), ("found", 13), ("adjustment", 7)])
def test_signing__movement_posts_nothing_before_a_second_person_approved_it(
    cause: str, left: int,
) -> None:
    story = told(shop(), (ZHOU, ask(cause=cause)))
    assert story.error is None
    assert (on_shelf(story), [type(one) for one in story.facts]) == (10, [Movement.Requested])
    told(story, (CHEN, approve()))
    assert on_shelf(story) == left
    (fact,) = story.facts
    assert isinstance(fact, Movement.Moved)
    assert (fact.requested_by, fact.approved_by, fact.stood_in) == (ZHOU, CHEN, None)
    assert fact.reason == "水浸"


@pytest.mark.parametrize("cause", BY_WORD)
def test_signing__movement_rejected_of_who_asked_for_it_whichever_key_they_hold(
    cause: str,
) -> None:
    story = told(shop(), (ZHOU, ask(cause=cause)), (ZHOU, approve()))
    assert isinstance(story.error, SameSigner)
    assert on_shelf(story) == 10


def test_signing__movement_of_the_ledger_itself_and_of_physical_facts_needs_no_second() -> None:
    assert on_shelf(told(shop(), ("system", ask()))) == 7
    broken = StockMove(sku=TEA, quantity=2, source=AVAILABLE, target="damaged", cause="damage")
    assert on_shelf(told(shop(), (ZHOU, ask(moves=[broken])))) == 8


def test_signing__movement_rejected_for_the_second_of_two_approvers_and_after_a_refusal() -> None:
    story = told(shop(), (ZHOU, ask()), (CHEN, approve()), (LI, approve()))
    assert isinstance(story.error, NotWaiting)
    assert story.error.details == {"movement": M1, "state": "approved"}
    story = told(shop(), (ZHOU, ask()), (CHEN, refuse()))
    assert story.error is None
    for actor, command in ((LI, approve()), (LI, refuse()), (CHEN, approve())):
        told(story, (actor, command))
        assert isinstance(story.error, NotWaiting)
        assert story.error.details["state"] == "refused"
    assert on_shelf(story) == 10
    told(story, (ZHOU, ask()))
    assert isinstance(story.error, MovementRecorded)
    assert isinstance(told(shop(), (CHEN, approve())).error, NotWaiting)


def test_signing__movement_is_taken_back_by_who_asked_for_it() -> None:
    story = told(shop(), (ZHOU, ask()), (ZHOU, refuse()))
    assert story.error is None
    assert isinstance(told(story, (CHEN, approve())).error, NotWaiting)


def test_signing__movement_rejected_when_it_is_approved_before_it_was_asked_for() -> None:
    story = told(shop(), (ZHOU, ask()), (CHEN, approve(occurred_at=NOON - timedelta(seconds=1))))
    assert isinstance(story.error, DecidedBeforeRequest)
    assert told(story, (CHEN, approve(occurred_at=NOON))).error is None


def test_signing__movement_rejected_of_a_leaver_and_of_no_member_where_posts_are_asked() -> None:
    gone = LeaveShop(member=LI, last_day="2026-09-30", occurred_at=NOON)
    story = told(shop(gone), (ZHOU, ask()), (LI, approve()))
    assert isinstance(story.error, SignatureNeeded)
    rows = published(signing=[Signing(act="stock.approve_write_off", posts=["shop_manager"])],
                     since=JOINED)
    story = told(shop(rows), (ZHOU, ask()), ("user:anybody", approve()))
    assert isinstance(story.error, SignatureNeeded)
    assert isinstance(told(story, (WANG, approve())).error, NotThePost)
    assert told(story, (CHEN, approve())).error is None


def test_signing__movement_says_for_whom_somebody_stood_in() -> None:
    row = Signing(act="stock.approve_write_off", posts=["warehouse_head"],
                  otherwise=["shop_manager"])
    story = told(shop(published(signing=[row])), (ZHOU, ask()), (CHEN, approve()))
    (fact,) = story.facts
    assert (fact.stood_in.whom, fact.stood_in.why) == (["post:warehouse_head"], "vacant")


def test_signing__movement_rejected_when_its_pieces_have_gone_meanwhile() -> None:
    gone = StockMove(sku=TEA, quantity=9, source=AVAILABLE, target="supplier",
                     cause="return_to_supplier")
    story = told(shop(), (ZHOU, ask()), ("system", ask(moves=[gone], number="M2")))
    assert on_shelf(story) == 1
    told(story, (CHEN, approve()))
    assert isinstance(story.error, PiecesGone)
    assert on_shelf(story) == 1
    assert told(story, (CHEN, refuse())).error is None


def test_signing__movement_takes_back_the_youngest_reservation_where_nothing_is_free() -> None:
    story = told(shop(), (ZHOU, ask()), ("system", sell("1", line(quantity=9))))
    assert levels(story, TEA)[RESERVED] == 9
    assert told(story, (CHEN, approve())).error is None
    assert levels(story, TEA)[RESERVED] + on_shelf(story) == 7


def test_signing__movement_was_seen_by_a_count_between_the_two() -> None:
    """Three were broken at noon, the shelf was counted at two, and the head signed at four."""
    count = CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(hours=2),
                       counts=[CountLine(sku=TEA, quantity=7)])
    story = told(shop(), (ZHOU, ask()), ("system", count), (CHEN, approve()))
    assert on_shelf(story) == 7


def test_signing__movement_that_no_count_had_seen_counts_whenever_it_is_approved() -> None:
    before = CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(hours=1),
                        counts=[CountLine(sku=TEA, quantity=10)])
    story = told(shop(), ("system", before), (ZHOU, ask(late="not_counted")), (CHEN, approve()))
    assert on_shelf(story) == 7


def test_signing__correction_of_a_signed_movement_needs_two_persons_as_well() -> None:
    story = told(shop(), (ZHOU, ask()), (CHEN, approve()))
    moved_at = story.placed[-1][0]
    told(story, (ZHOU, undo(moved_at)))
    assert (story.error, on_shelf(story)) == (None, 7)
    told(story, (LI, undo(moved_at)))
    assert isinstance(story.error, WaitsAlready)
    told(story, (ZHOU, approve()))
    assert isinstance(story.error, SameSigner)
    told(story, (LI, approve()))
    assert (story.error, on_shelf(story)) == (None, 10)
    assert (story.facts[0].requested_by, story.facts[0].approved_by) == (ZHOU, LI)
    told(story, (ZHOU, undo(moved_at)))
    assert isinstance(story.error, AlreadyCorrected)


def test_signing__correction_into_a_signed_cause_needs_two_persons_as_well() -> None:
    put = StockMove(sku=TEA, quantity=1, source=AVAILABLE, target="quarantine", cause="quarantine")
    story = told(shop(), (ZHOU, ask(moves=[put])))
    moved_at = story.placed[-1][0]
    right = undo(moved_at, kind="incorrect_data", moves=ask(2).moves)
    told(story, (ZHOU, right))
    assert (story.error, on_shelf(story)) == (None, 9)
    told(story, (ZHAO, refuse()), (ZHOU, right), (ZHAO, approve()))
    assert (story.error, on_shelf(story)) == (None, 8)
