"""The usual events of orders: taken so, an order keeps what it keeps by its own mutators."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ledger.common.context import Context
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.kept import Kept
from ledger.orders.order import Order
from ledger.settings import Settings, open_ledger
from ledger.stock.pieces import Part
from ledger.stock.skus import BundleSku
from projections.asking.clocks import Cut
from projections.orders.fulfilment import Fulfilment
from projections.orders.story import story_of
from projections.orders.usual import USUAL
from tests.support.builders import NOON, line, opened, place, received, sell, stream
from tests.support.projecting import IMPORT, histories, try_all
from tests.support.thorough import tried

TWO = [line(quantity=2), line("PEN", name="2")]
BEGUN = [opened(), received("SH-001", 5), received("PEN", 5), sell(1, *TWO), place(2, lines=TWO),
         BundleSku(sku="KIT", parts=[Part("PEN", 2)], occurred_at=NOON), sell(3, line("KIT"))]


@contextmanager
def store_after(history: Sequence[tuple[Command, Context]]) -> Iterator[Store]:
    """The log of a shop that has begun, and in which all of this was tried."""
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    try_all(made.ledger, [*((command, IMPORT) for command in BEGUN), *history])
    yield made.store
    made.close()


def kept_of(order: Order) -> tuple[Kept, object, object]:
    """What a row keeps of an order."""
    skus = dict.fromkeys(order.goods, "SKU")
    return Kept.of(order, skus=skus, imported=False), order.warehouse, order.placed_at


def must_agree(entries: Sequence[Entry]) -> int:
    """After each event of an order both ways have led to the same. How many were usual."""
    ours, mutated, usual = Order.blank("order:a:b:c"), Order.blank("order:a:b:c"), 0
    for entry in entries:
        take = USUAL.get(entry.type)
        if take is not None and take(ours, entry.occurred_at, event_types.decode(entry)):
            usual += 1
        else:
            ours.fold(event_types.decode(entry), entry.version)
        mutated.fold(event_types.decode(entry), entry.version)
        assert kept_of(ours) == kept_of(mutated), entry.type
    return usual


@hypothesis_settings(max_examples=tried(60), deadline=None)
@given(history=histories)
def test_usual__keeps_of_every_event_what_the_mutators_keep(
    history: Sequence[tuple[Command, Context]]
) -> None:
    orders: dict[str, list[Entry]] = {}
    with store_after(history) as store:
        for entry in store.read("main"):
            if entry.type in Fulfilment.taken:
                orders.setdefault(entry.stream, []).append(entry)
    assert sum(map(must_agree, orders.values())) >= 3  # the orders that were begun


@hypothesis_settings(max_examples=tried(30), deadline=None)
@given(history=histories)
def test_usual__leave_out_nothing_of_a_story(
    history: Sequence[tuple[Command, Context]]
) -> None:
    with store_after(history) as store:
        for number in (1, 2, 3):
            story = story_of(store, "main", stream(number), Cut(10**6))
            order = Order.blank(stream(number))
            for entry in store.streams("main", [stream(number)]):
                order.fold(event_types.decode(entry), entry.version)
            assert story is not None
            assert story.order == order


def test_usual__are_events_that_the_read_model_takes() -> None:
    assert USUAL.keys() <= Fulfilment.taken
