"""What holds for stock whatever is recorded, in whatever order: the invariants of double entry."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.places import BETWEEN_WAREHOUSES, CAUSES, OTHER_WAREHOUSE, PHYSICAL
from ledger.stock.skus import AliasSku
from ledger.stock.transfers import Transfer
from tests.support.books import Book, Told, books, must_be_sound, state_of
from tests.support.builders import HOUSE, NOON, opened, received
from tests.support.moving import BIN, COMMANDS, FEW, HOURS, LATE, ROUTES, SENT, a_move
from tests.support.stories import Story, given
from tests.support.thorough import tried


def accounts(story: Story) -> dict[str, Any]:
    """All accounts as the ledger keeps them."""
    return {name: state_of(found) for name, found in story.known.items()
            if isinstance(found, StockAccount) and found.position}


def check_facts(before: dict[str, Book], after: dict[str, Book], facts: list[Told]) -> None:
    """No decision takes a place or a bin below zero; a fact that does says so, and to which level.
    """
    for fact in facts:
        said = json.loads(fact.payload).get("postings", [])
        for name in {one["account"] for one in said}:
            own = [one for one in said if one["account"] == name]
            causes = {one["cause"] for one in own} - {"already_counted"}
            was, now = before.get(name, Book()), after[name]
            below = {one["from"]: one["below"] for one in own if "below" in one}
            fallen = {place: now.levels[place] for place in PHYSICAL
                      if now.levels[place] < min(0, was.levels[place])}
            decided = causes <= {cause for cause, kind in CAUSES.items() if kind.decision} or (
                causes == {"transfer"} and not fact.stream.startswith("transfer:")) or (
                causes == {"transfer"} and any(one["to"] == BETWEEN_WAREHOUSES for one in own))
            if decided:
                assert not fallen
                assert all(now.bins[one] >= min(0, was.bins[one]) for one in now.bins)
            if decided or not causes & {cause for cause, kind in CAUSES.items() if kind.decision}:
                assert below == fallen
            assert fallen.keys() <= below.keys()


def check_levels(story: Story) -> None:
    """Each account is sound; between the warehouses lies just what is under way, and what came from
    another warehouse is what went there."""
    underway: Counter[str] = Counter()
    between: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    for name, book in books(story.log).items():
        must_be_sound(book)
        assert book.levels[BETWEEN_WAREHOUSES] >= 0
        between[name.split(":")[2]] += book.levels[BETWEEN_WAREHOUSES]
        elsewhere[name.split(":")[2]] += book.levels[OTHER_WAREHOUSE]
    for found in story.known.values():
        if isinstance(found, Transfer):
            assert all(pieces > 0 for pieces in found.underway.values())
            underway.update(found.underway)
    assert (+between, -between) == (underway, Counter())
    assert set(elsewhere.values()) <= {0}


@settings(max_examples=tried(200), deadline=None)
@examples(st.lists(COMMANDS, max_size=20))
def test_stock__sums_to_zero_and_no_decision_takes_a_place_below(commands: list[Any]) -> None:
    story = given(opened(), opened("north"), received("A", 20), received("B", 20),
                  AliasSku(sku="a", target="A", occurred_at=NOON), SENT)
    for command in commands:
        before, known, length = books(story.log), accounts(story), len(story.log)
        story.when(command)
        if story.error is not None:
            assert accounts(story) == known
            assert len(story.log) == length
        check_facts(before, books(story.log), story.log[length:])
        check_levels(story)


@settings(max_examples=tried(100), deadline=None)
@examples(st.lists(COMMANDS, max_size=20))
def test_stock__rebuilt_from_raw_payloads_equals_live(commands: list[Any]) -> None:
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
        assert accounts(story) == {
            name: book.state() for name, book in books(story.log).items()}


# -- counts and what is told late ------------------------------------------------------------------

SOON = st.sampled_from(HOURS[:4])
FACTS = st.lists(st.one_of(
    st.builds(MoveStock, warehouse=st.just(HOUSE), occurred_at=SOON, late=LATE,
              reason=st.just("试"), moves=st.lists(st.builds(
                  a_move, st.just("B"), FEW, st.sampled_from(ROUTES), BIN, BIN), min_size=1,
                  max_size=2)),
    st.builds(lambda one, **fields: CountStock(counts=[one], **fields), st.builds(
        CountLine, sku=st.just("B"), quantity=st.integers(0, 9), bin=BIN),
        warehouse=st.just(HOUSE), occurred_at=SOON)), max_size=12)
"""What happens to one SKU within a few hours, so that times meet."""


def past(story: Story) -> dict[datetime, Book]:
    """The stock of B in the main warehouse at every hour, and an instant before it."""
    moments = [at - step for at in HOURS for step in (timedelta(microseconds=1), timedelta())]
    return {at: books(story.log, at=at).get("stock:main:B", Book()) for at in moments}


def shelf(book: Book) -> int:
    return book.levels["available"] + book.levels["reserved"]


def first_after(story: Story, at: datetime, *names: str, strictly: bool) -> datetime | None:
    """When the shelf as a whole (""), or a bin, was counted first after a time."""
    book = books(story.log).get("stock:main:B", Book())
    times = [one for name in names for one, _ in book.observed.get(("shelf", name), [])
             if one > at or (one == at and not strictly)]
    return min(times, default=None)


@settings(max_examples=tried(200), deadline=None)
@examples(FACTS, st.integers(0, 9), SOON)
def test_count__of_a_shelf_says_what_lay_there_then(
    commands: list[Any], counted: int, at: datetime
) -> None:
    """Whatever the books said: at that time it holds what was counted, before that nothing changes,
    and after it everything by the variance, until a later count."""
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
    before = past(story)
    is_last = not any(one > at for seen in books(story.log).get(
        "stock:main:B", Book()).observed.values() for one, _ in seen)
    again = first_after(story, at, "", strictly=True)
    (fact,) = story.decide(CountStock(warehouse=HOUSE, occurred_at=at, counts=[
        CountLine(sku="B", quantity=counted)]))
    after = past(story)
    (line,) = fact.lines
    assert (line.book, line.variance) == (shelf(before[at]), counted - shelf(before[at]))
    assert shelf(after[at]) == counted
    for moment, book in after.items():
        if moment < at or (again is not None and moment >= again):
            assert [book.state()[name] for name in ("levels", "bins")] == [
                before[moment].state()[name] for name in ("levels", "bins")]
        elif is_last:
            assert shelf(book) - shelf(before[moment]) == line.variance


@settings(max_examples=tried(200), deadline=None)
@examples(FACTS, st.integers(0, 9), SOON, st.sampled_from(["A1", "B2", "Z9"]))
def test_count__of_a_bin_changes_it_alone_until_it_was_counted_again(
    commands: list[Any], counted: int, at: datetime, name: str
) -> None:
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
    before, again = past(story), first_after(story, at, name, "", strictly=True)
    (fact,) = story.decide(CountStock(warehouse=HOUSE, occurred_at=at, counts=[
        CountLine(sku="B", quantity=counted, bin=name)]))
    for moment, book in past(story).items():
        change = fact.lines[0].variance if at <= moment and (
            again is None or moment < again) else 0
        expected = +Counter(before[moment].bins), -Counter(before[moment].bins)
        found = book.bins.copy()
        found[name] -= change
        assert (+found, -found) == expected
    if again is None:
        assert books(story.log)["stock:main:B"].bins[name] == counted + sum(
            n for one, n in moved_after(story, at).items() if one == name)


def moved_after(story: Story, at: datetime) -> Counter[str]:
    """By how much what happened after a time changed each bin."""
    now, then = books(story.log)["stock:main:B"], past(story)[at]
    found = now.bins.copy()
    found.subtract(then.bins)
    return found


@settings(max_examples=tried(200), deadline=None)
@examples(FACTS, FEW, SOON, st.sampled_from(["", "A1", "B2"]), LATE)
def test_late__changes_only_the_time_until_it_was_counted(
    commands: list[Any], quantity: int, at: datetime, name: str, late: str
) -> None:
    """The past is told as it was; from the first count on that saw it, nothing changes."""
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
    before = past(story)
    seen = first_after(story, at, "", *[name] if name else [], strictly=False)
    story.decide(received("B", quantity, to_bin=name, occurred_at=at, late=late))
    for moment, book in past(story).items():
        change = quantity if at <= moment and (
            late == "not_counted" or seen is None or moment < seen) else 0
        assert shelf(book) - shelf(before[moment]) == change
        assert book.bins[name] - before[moment].bins[name] == change
        assert {**book.levels, "available": 0, "supplier": 0, "stocktake_gain_loss": 0} == {
            **dict.fromkeys(book.levels, 0), **before[moment].levels,
            "available": 0, "supplier": 0, "stocktake_gain_loss": 0}


@settings(max_examples=tried(200), deadline=None)
@examples(st.lists(COMMANDS, max_size=20), st.integers(0, 9))
def test_count__after_all_else_leaves_what_was_counted(commands: list[Any], counted: int) -> None:
    """And what is told of the time before changes nothing of it."""
    story = given(opened(), opened("north"))
    for command in commands:
        story.when(command)
    story.decide(CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(days=1),
                            counts=[CountLine(sku="B", quantity=counted)]))
    assert shelf(books(story.log)["stock:main:B"]) == counted
    before = books(story.log)["stock:main:B"].bins
    for cause, source, target in (("receipt", "supplier", "available"),
                                  ("write_off", "available", "written_off"),
                                  ("found", "written_off", "available")):
        story.decide(MoveStock(warehouse=HOUSE, occurred_at=NOON, reason="试", moves=[
            StockMove(sku="B", quantity=9, source=source, target=target, cause=cause)]))
        assert shelf(books(story.log)["stock:main:B"]) == counted
        assert books(story.log)["stock:main:B"].bins == before
