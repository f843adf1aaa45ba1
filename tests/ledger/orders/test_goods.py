"""Pieces of lines by state: moved, counted, looked for, and never changed."""

import copy
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.orders.goods import NO_GOODS, Goods, Lacking, shifted
from ledger.orders.values import STATES, Line
from ledger.stock.pieces import Count

LINES = st.sampled_from(["1", "2", "3"])
STATE = st.sampled_from(STATES)
GOODS = st.dictionaries(
    LINES, st.dictionaries(STATE, st.integers(1, 9), max_size=4), min_size=1).map(Goods)
SOURCES = st.lists(STATE, min_size=1, max_size=3, unique=True)
COUNTS = st.lists(st.builds(Count, LINES, st.integers(1, 20)), max_size=4)


def line(name: str, quantity: int, *, fee: bool = False) -> Line:
    return Line(line=name, quantity=quantity, unit_price=1, amount_minor=quantity, fee=fee)


def plain(goods: Goods) -> dict[str, dict[str, int]]:
    """The same pieces, read line by line."""
    return {name: dict(goods[name]) for name in goods}


def by_pieces(goods: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """Each piece as its state, by line: another way to hold the same."""
    return {name: [state for state, pieces in states.items() for _ in range(pieces)]
            for name, states in goods.items()}


def test_of__accepted_with_all_goods_in_one_state() -> None:
    found = Goods.of([line("1", 2), line("post", 1, fee=True), line("2", 5)], "unreserved")
    assert plain(found) == {"1": {"unreserved": 2}, "2": {"unreserved": 5}}
    assert (len(found), "post" in found, Goods.of([], "short")) == (2, False, NO_GOODS)


@given(goods=GOODS, counts=COUNTS, sources=SOURCES, target=STATE)
def test_moved__as_if_piece_by_piece(
    goods: Goods, counts: list[Count], sources: list[str], target: str
) -> None:
    """The first sources first, and never more pieces than there are."""
    counts = [count for count in counts if count.line in goods]
    sources = [source for source in sources if source != target]
    before = copy.deepcopy(plain(goods))
    expected = by_pieces(goods)
    for count in counts:
        states = expected[count.line]
        leaving = [place for source in sources for place, state in enumerate(states)
                   if state == source]
        for place in leaving[:count.quantity]:
            states[place] = target

    moved = goods.moved(counts, sources, target)

    found = by_pieces(moved)
    assert {name: sorted(states) for name, states in found.items()} == {
        name: sorted(states) for name, states in expected.items()}
    assert all(pieces > 0 for states in moved.values() for pieces in states.values())
    assert plain(goods) == before, "the value itself never changes"


def test_moved__rejected_for_a_line_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        Goods({"1": {"short": 1}}).moved([Count("2", 1)], ("short",), "reserved")


@given(goods=GOODS, sources=SOURCES, target=STATE)
def test_all_moved__leaves_nothing_where_it_was(
    goods: Goods, sources: list[str], target: str
) -> None:
    sources = [source for source in sources if source != target]
    moved = goods.all_moved(sources, target)
    assert by_pieces(moved).keys() == by_pieces(goods).keys()
    assert {name: sorted(states) for name, states in by_pieces(moved).items()} == {
        name: sorted(target if state in sources else state for state in states)
        for name, states in by_pieces(goods).items()}
    assert all(moved[name] is goods[name] for name in goods if goods[name].keys().isdisjoint(
        sources)), "what did not move is known by being the same"
    assert not moved.has(*sources)
    assert {name: sum(states.values()) for name, states in moved.items()} == {
        name: sum(states.values()) for name, states in goods.items()}


@given(before=st.lists(STATE, max_size=6), data=st.data())
def test_shifted__leads_from_one_state_to_the_other_and_no_piece_back(
    before: list[str], data: st.DataObject
) -> None:
    after = data.draw(st.lists(STATE, min_size=len(before), max_size=len(before)))
    found = list(shifted(Counter(before), Counter(after)))
    left, entered = Counter[str](), Counter[str]()
    for source, target, pieces in found:
        left[source] += pieces
        entered[target] += pieces
    assert (left, entered) == (Counter(before) - Counter(after), Counter(after) - Counter(before))
    assert len(set(found)) == len(found)


@given(goods=GOODS, states=SOURCES)
def test_in_states__agree_with_what_is_shown_and_summed(goods: Goods, states: list[str]) -> None:
    found = {count.line: count.quantity for count in goods.in_states(*states)}
    shown = {name: sum(goods.shown(name, states).values()) for name in goods}
    assert found == {name: pieces for name, pieces in shown.items() if pieces}
    assert sum(found.values()) == sum(goods.sums(states).values())
    assert goods.has(*states) is bool(found)
    assert goods.lacking(goods.in_states(*states), states) is None


def test_shown__of_a_fee_is_none_in_every_state() -> None:
    assert Goods({"1": {"short": 2}}).shown("post", ("short", "reserved")) == {
        "short": 0, "reserved": 0}


@pytest.mark.parametrize(("counts", "expected"), [
    ([Count("1", 3)], None), ([], None), ([Count("1", 4)], Lacking("1", 4, 3)),
    ([Count("1", 2), Count("1", 2)], Lacking("1", 4, 3)), ([Count("9", 1)], Lacking("9", 1, None)),
    ([Count("1", 1), Count("2", 1)], Lacking("2", 1, 0)),
])
def test_lacking__is_the_first_line_with_too_few(
    counts: list[Count], expected: Lacking | None
) -> None:
    goods = Goods({"1": {"short": 1, "unreserved": 2}, "2": {"packed": 5}})
    assert goods.lacking(counts, ("unreserved", "short")) == expected


def test_knows__only_lines_that_are_there() -> None:
    goods = Goods({"1": {"short": 1}})
    assert goods.knows([Count("1", 9)])
    assert not goods.knows([Count("1", 1), Count("2", 1)])
    assert goods == {"1": {"short": 1}} != NO_GOODS
