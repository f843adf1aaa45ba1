"""What holds for stock whatever is recorded, in whatever order: the invariants of double entry."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import LedgerError
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.places import BETWEEN_WAREHOUSES, CAUSES, PHYSICAL
from ledger.stock.skus import AliasSku
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer, Transfer
from tests.support.builders import HOUSE, NOON, opened, received
from tests.support.stories import Story, given
from tests.support.thorough import tried

HOUSES, SKUS = (HOUSE, "north"), ("A", "B", "a")
"""`a` is another name of A."""

AT = st.integers(0, 9).map(lambda hours: NOON + timedelta(hours=hours))
FEW = st.integers(1, 5)
LATE = st.sampled_from(["", "movement", "already_counted"])
ROUTES = [(name, source, target) for name, cause in CAUSES.items()
          for source in cause.sources for target in cause.targets
          if source != target or name == "bin_move"]
MOVE = st.builds(
    lambda sku, quantity, route: StockMove(
        sku=sku, quantity=quantity, cause=route[0], source=route[1], target=route[2], to_bin="B2"),
    st.sampled_from(SKUS), FEW, st.sampled_from(ROUTES))
HOUSE_OF = st.sampled_from(HOUSES)

COMMANDS: st.SearchStrategy[Any] = st.one_of(
    st.builds(MoveStock, warehouse=HOUSE_OF, occurred_at=AT, late=LATE, reason=st.just("试"),
              moves=st.lists(MOVE, min_size=1, max_size=3)),
    st.builds(CountStock, warehouse=HOUSE_OF, occurred_at=AT, counts=st.lists(
        st.builds(CountLine, sku=st.sampled_from(SKUS), quantity=st.integers(0, 9)),
        min_size=1, max_size=3, unique_by=lambda count: count.sku)),
    st.builds(lambda way, **fields: SendTransfer(source=way[0], target=way[1], **fields),
              st.permutations(HOUSES), number=st.sampled_from("12"), occurred_at=AT, late=LATE,
              lines=st.lists(st.builds(Sending, sku=st.sampled_from(SKUS), quantity=FEW),
                             min_size=1, max_size=2)),
    st.builds(ReceiveTransfer, number=st.sampled_from("12"), occurred_at=AT, late=LATE,
              reason=st.just("试"), lines=st.lists(
                  st.builds(Arrival, sku=st.sampled_from(SKUS), quantity=FEW,
                            place=st.sampled_from(["available", "receiving", "written_off"])),
                  min_size=1, max_size=2)),
)


SENT = SendTransfer(number="1", source=HOUSE, target="north", occurred_at=NOON, lines=[
    Sending(sku="A", quantity=9), Sending(sku="B", quantity=9)])


def items(story: Story) -> dict[str, StockAccount]:
    return {name: found for name, found in story.known.items() if isinstance(found, StockAccount)}


def check_facts(before: dict[str, dict[str, int]], facts: list[Any]) -> None:
    """No decision takes a place below zero; a fact that does says so, and to which level."""
    levels = {name: Counter(found) for name, found in before.items()}
    for fact in facts:
        if fact.TOPIC != StockAccount.Moved.TOPIC:
            continue
        was = levels.setdefault(fact.originator_id, Counter())
        now = was.copy()
        for move in fact.moves:
            now[move.source] -= move.quantity
            now[move.target] += move.quantity
        fallen = {place: now[place] for place in PHYSICAL if now[place] < min(0, was[place])}
        assert {below.place: below.level for below in fact.below_zero} == fallen
        assert fact.declared or not fallen
        levels[fact.originator_id] = now


def check_levels(story: Story) -> None:
    """All places sum to zero; between the warehouses lies just what is underway."""
    underway: Counter[str] = Counter()
    between: Counter[str] = Counter()
    for name, found in story.known.items():
        if isinstance(found, Transfer):
            assert all(pieces > 0 for pieces in found.underway.values())
            underway.update(found.underway)
        elif isinstance(found, StockAccount):
            assert sum(found.levels.values()) == 0
            between[name.split(":")[2]] += found.levels.get(BETWEEN_WAREHOUSES, 0)
    assert (+between, -between) == (underway, Counter())


@settings(max_examples=tried(200), deadline=None)
@examples(st.lists(COMMANDS, max_size=20))
def test_stock__sums_to_zero_and_no_decision_takes_a_place_below(commands: list[Any]) -> None:
    story = given(opened(), opened("north"), received("A", 20), received("B", 20),
                  AliasSku(sku="a", target="A", occurred_at=NOON), SENT)
    for command in commands:
        before = {name: found.levels for name, found in items(story).items()}
        story.when(command)
        if story.error is not None:
            assert {name: found.levels for name, found in items(story).items()} == before
        check_facts(before, story.facts)
        check_levels(story)


@settings(max_examples=tried(200), deadline=None)
@examples(st.lists(COMMANDS, max_size=20), st.integers(0, 9))
def test_count__leaves_what_was_counted(commands: list[Any], counted: int) -> None:
    """Whatever the books said, after the latest count the shelf holds what was counted."""
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
    story.decide(CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(days=1),
                            counts=[CountLine(sku="B", quantity=counted)]))
    assert items(story)["stock:main:B"].levels.get("available", 0) == counted
    story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, late="already_counted", moves=[
        StockMove(sku="B", quantity=9, source="available", target="customer", cause="gift")]))
    assert items(story)["stock:main:B"].levels.get("available", 0) == counted


@settings(max_examples=tried(100), deadline=None)
@examples(st.lists(COMMANDS, max_size=20))
def test_stock__rebuilt_equals_live(commands: list[Any]) -> None:
    story = given(opened(), opened("north"))
    facts: dict[str, list[Any]] = {}
    for command in commands:
        try:
            for fact in story.decide(command):
                facts.setdefault(fact.originator_id, []).append(fact)
        except LedgerError:
            continue
    for name, found in items(story).items():
        rebuilt = StockAccount.blank(name)
        for fact in facts[name]:
            fact.mutate(rebuilt)
        assert (rebuilt.levels, rebuilt.counted_at) == (found.levels, found.counted_at)
