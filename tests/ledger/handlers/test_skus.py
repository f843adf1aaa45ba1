"""Master data under live quantities: what a SKU stands for changes only once none of it is left."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.core.commands import Command
from ledger.fulfilment.commands import ReserveOrder
from ledger.orders.commands import ChangeLines
from ledger.orders.order import Order
from ledger.orders.values import OPEN
from ledger.returns.values import CaseLine
from ledger.settings import Settings, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import BundleHasNoStock, SkuHasStock, SkuIsOrdered, ThresholdOfNoStock
from ledger.stock.pieces import Part, sku_of
from ledger.stock.places import stock_of
from ledger.stock.skus import AliasSku, BundleSku, SetThreshold, Sku, held_by, real_sku
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    end,
    line,
    moved,
    opened,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.cases import orphan
from tests.support.stories import Story, account, given, goods, levels, waiting

NORTH = "north"


def alias(sku: str = "OLD", target: str = "NEW") -> AliasSku:
    return AliasSku(sku=sku, target=target, occurred_at=NOON)


def bundle(sku: str = "OLD", *parts: str) -> BundleSku:
    return BundleSku(sku=sku, parts=[Part(name, 1) for name in parts], occurred_at=NOON)


def reserve(number: object = "1", warehouse: str = HOUSE) -> ReserveOrder:
    return ReserveOrder(order=stream(number), warehouse=warehouse, occurred_at=NOON)


def written_off(sku: str, quantity: int) -> Command:
    """After the counts."""
    return moved(sku, quantity, "available", "written_off", "write_off", reason="并码",
                 occurred_at=NOON + timedelta(hours=1))


def bought(sku: str, quantity: int = 1, number: object = "1") -> Command:
    return place(number, lines=[line(sku, quantity=quantity)])


def as_of_older_logs(story: Story, sku: str = "OLD", target: str = "NEW",
                     parts: tuple[str, ...] = ()) -> Story:
    """A log of before this was refused: the SKU stands for others, whatever it holds."""
    known = Sku.blank(sku_of(sku))
    if parts:
        Sku.Bundled.RECORD(known, sku=sku, parts=[Part(name, 1) for name in parts],
                           occurred_at=NOON)
    else:
        Sku.Aliased.RECORD(known, sku=sku, target=target, occurred_at=NOON)
    known.collect_events()
    story.known[known.id] = known
    return story


# -- refused while anything of it is left ----------------------------------------------------------


@pytest.mark.parametrize("change", [alias(), bundle("OLD", "NEW")])
def test_merge__refused_while_a_warehouse_holds_a_piece_and_taken_afterwards(change: Any) -> None:
    """R-STK-21: the warehouse and the places are named, and what to do."""
    story = given(opened(), opened(NORTH), received("OLD", 5, warehouse=NORTH)).when(change)
    story.refused(SkuHasStock, (
        "OLD cannot stand for anything else yet: stock:north:OLD holds available 5. Move these"
        " pieces to where they are to be counted, or off the books, and let no order wait for them;"
        " then say it again."))
    story.when(moved("OLD", 5, "available", "written_off", "write_off", warehouse=NORTH,
                     reason="并码")).then("stock.moved.v1")
    assert len(story.when(change).facts) == 1


def test_merge__refused_while_pieces_are_under_way_between_warehouses() -> None:
    story = given(opened(), opened(NORTH), received("OLD", 2), SendTransfer(
        number="T1", source=HOUSE, target=NORTH, lines=[Sending(sku="OLD", quantity=2)],
        occurred_at=NOON))
    story.when(alias()).refused(SkuHasStock)
    story.when(ReceiveTransfer(number="T1", occurred_at=NOON, lines=[
        Arrival(sku="OLD", quantity=2, place="written_off")], reason="遗失")).then(
            "transfer.received.v1")
    story.when(alias()).then("sku.aliased.v1")


def test_merge__refused_while_the_level_is_below_zero() -> None:
    story = given(opened(), received("OLD", 1), written_off("OLD", 4))
    assert held_by(account(story, "OLD")) == {"available": -3}
    story.when(alias()).refused(SkuHasStock)


def test_merge__refused_while_an_order_waits() -> None:
    story = given(opened(), received("OLD", 1), bought("OLD", 3), reserve(), written_off("OLD", 1))
    assert waiting(story, "OLD") == {"1": 3}
    story.when(alias()).refused(SkuHasStock)
    story.when(end(ended_as="cancelled"))
    story.when(alias()).then("sku.aliased.v1")


def test_merge__refused_while_an_open_line_has_pieces_and_taken_when_the_order_ended() -> None:
    """R-STK-22: the order and the line are named."""
    story = given(opened(), bought("OLD", 2)).when(alias())
    story.refused(SkuIsOrdered, (
        f"OLD cannot stand for anything else yet: line 1 of {stream()} has 2 pieces of it to be"
        " sent (unreserved). Send that line, change it, or end its order; then say it again."))
    story.when(end(ended_as="cancelled"))
    story.when(alias()).then("sku.aliased.v1")


def test_merge__looks_at_lines_as_they_are_now() -> None:
    changed = ChangeLines(order=stream(), lines=[line("NEW")], consent="买家同意", occurred_at=NOON)
    given(opened(), bought("OLD"), changed).when(alias()).then("sku.aliased.v1")
    unsent: dict[str, Any] = {"paid": None, "paid_minor": None, "dispatched": None, "ended": None,
                              "ended_as": ""}
    story = given(record(**unsent, lines=[line("NEW")]), record(**unsent, lines=[line("OLD")]))
    story.when(alias()).refused(SkuIsOrdered)


def test_merge__is_undone_or_led_elsewhere_only_without_unreserved_lines() -> None:
    """A kit alike: what is reserved says what it is made of, and that stays."""
    for stands, others, undone in (
            (alias(), alias(target="THIRD"), alias(target="")),
            (bundle("OLD", "NEW"), bundle("OLD", "THIRD"), bundle("OLD"))):
        story = given(opened(), received("NEW", 9), stands, bought("OLD"))
        story.when(undone).refused(SkuIsOrdered)
        story.when(others).refused(SkuIsOrdered)
        story.when(reserve()).then("order.reserved.v1")
        assert len(story.when(others).facts) == 1
        assert len(story.when(undone).facts) == 1
        assert levels(story, "NEW")["reserved"] == 1


def test_merge__repeated_changes_nothing_and_is_not_looked_into() -> None:
    story = as_of_older_logs(given(opened(), received("OLD", 5), bought("OLD")))
    story.when(alias()).then()


def test_merge__is_decided_in_the_batch_that_began_the_order(tmp_path: Any) -> None:
    """By the log itself: no read model has seen it yet, and part of it is not committed."""
    ledger = open_ledger(Settings.from_environment(
        {"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/l.db"})).ledger
    results = ledger.handle_many([(command, CONTEXT) for command in (
        opened(), bought("OLD"), received("LIES", 1), alias(), alias("LIES"))])
    assert [type(one) for one in results[3:]] == [SkuIsOrdered, SkuHasStock]
    with pytest.raises(SkuIsOrdered):
        ledger.handle(alias(), CONTEXT)
    ledger.close()


# -- what lies there all the same ------------------------------------------------------------------


@pytest.mark.parametrize("parts", [(), ("NEW", "THIRD")])
def test_merge__pieces_that_lie_under_the_name_are_moved_and_counted_under_it(
    parts: tuple[str, ...]
) -> None:
    story = as_of_older_logs(given(opened(), received("OLD", 5), received("NEW", 10)), parts=parts)
    story.when(CountStock(warehouse=HOUSE, occurred_at=NOON, counts=[
        CountLine(sku="OLD", quantity=4)])).then("stock.counted.v1")
    assert (levels(story, "OLD")["available"], levels(story, "NEW")["available"]) == (4, 10)
    story.when(written_off("OLD", 4)).then("stock.moved.v1")
    assert (held_by(account(story, "OLD")), levels(story, "NEW")["available"]) == ({}, 10)
    if parts:
        story.when(received("OLD", 1)).refused(BundleHasNoStock)
    else:
        story.when(received("OLD", 1))
        assert levels(story, "NEW")["available"] == 11


def test_queue__who_waits_under_a_name_that_became_anothers_is_served() -> None:
    story = as_of_older_logs(given(opened(), received("OLD", 1), bought("OLD", 3), reserve()))
    assert waiting(story, "OLD") == {"1": 2}
    story.when(received("OLD", 2))
    assert goods(story) == {"1": {"reserved": 3}}


def test_threshold__refused_for_what_has_no_stock_of_its_own() -> None:
    """R-STK-23."""
    limit = SetThreshold(sku="OLD", threshold=3, occurred_at=NOON)
    given(alias()).when(limit).refused(
        ThresholdOfNoStock, "OLD has no stock of its own: it stands for NEW. Set the threshold of"
        " that instead.")
    given(bundle("OLD", "A", "B")).when(limit).refused(ThresholdOfNoStock)
    given(alias(), alias(target="")).when(limit).then("sku.threshold_set.v1")


# -- whatever comes one after another --------------------------------------------------------------

SKUS = st.sampled_from(["A", "B", "SET"])
NUMBERS = st.integers(1, 5)
STEPS = st.one_of(
    st.builds(lambda sku, pieces: received(sku, pieces), SKUS, NUMBERS),
    st.builds(lambda sku, pieces: written_off(sku, pieces), SKUS, NUMBERS),
    st.builds(lambda sku, pieces, number: bought(sku, pieces, number), SKUS, NUMBERS, NUMBERS),
    st.builds(lambda sku, number: sell(number, line(sku)), SKUS, NUMBERS),
    st.builds(reserve, NUMBERS),
    st.builds(lambda number: end(number, "cancelled"), NUMBERS),
    st.builds(lambda sku, pieces, number: record(
        number, lines=[line(sku, quantity=pieces)], warehouse=HOUSE), SKUS, NUMBERS, NUMBERS),
    st.builds(lambda sku, number: orphan(number, CaseLine(line="1", sku=sku, quantity=1)),
              SKUS, NUMBERS),
    st.builds(lambda sku, pieces: CountStock(warehouse=HOUSE, occurred_at=NOON, counts=[
        CountLine(sku=sku, quantity=pieces)]), SKUS, NUMBERS),
    st.builds(alias, SKUS, st.sampled_from(["A", "B", ""])),
    st.builds(lambda sku, parts: bundle(sku, *parts), SKUS,
              st.lists(st.sampled_from("AB"), max_size=2, unique=True)))


def accounts_of(story: Story) -> list[StockAccount]:
    return [known for known in story.known.values() if isinstance(known, StockAccount)]


@for_all(steps=st.lists(STEPS, max_size=14))
def test_merge__no_series_leaves_a_piece_or_one_in_the_queue_out_of_reach(
    steps: list[Command]
) -> None:
    """Whatever a warehouse holds, and whoever waits, is reached by the name that it lies under; and
    who waits is served when goods come."""
    story = given(opened())
    for step in steps:
        stood = step.sku if isinstance(step, AliasSku | BundleSku) else ""
        free = bool(stood) and story.load(Sku, sku_of(stood)).stands_for_others
        story.when(step)
        story.touched = {}
        if stood and not free and story.facts:
            assert not held_by(story.load(StockAccount, stock_of(HOUSE, stood)))
            assert not any(known.lines["1"].sku == stood and known.goods.has(*OPEN)
                           for known in story.known.values()
                           if isinstance(known, Order) and not known.ended)
        for known in accounts_of(story):
            sku = known.id.rpartition(":")[2]
            if held_by(known):
                assert real_sku(story, HOUSE, sku, new=False) == sku
    for known in accounts_of(story):
        sku = known.id.rpartition(":")[2]
        if known.waiting or known.level("available") < 0:
            # After every count: one has seen what came before it.
            story.when(received(sku, 10_000, occurred_at=NOON + timedelta(hours=2)))
            assert story.error is None
    assert not any(known.waiting for known in accounts_of(story))
