"""A shop that does anything in any order: after every step every invariant of its states holds."""

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import LedgerError
from ledger.fulfilment_commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.log import codec
from ledger.order_goods import STATES
from ledger.order_review_commands import ApproveOrder, HoldOrder, LiftHold, SubmitOrder
from ledger.order_values import Count, PickedFrom
from ledger.orders import Order
from ledger.settings import Settings, open_ledger
from ledger.sku_values import Part
from ledger.skus import BundleSku
from ledger.stock import PHYSICAL, StockItem
from tests.builders import CONTEXT, NOON, end, line, moved, opened, place, received, sell, stream

HOUSES, SKUS, NUMBERS = ("main", "east"), ("A", "B", "SET"), ("1", "2", "3")
QUANTITY = st.integers(1, 4)
LATER = NOON + timedelta(hours=1)
PLACES_OF = {"reserved": ("reserved", "picked"), "packed": ("packed",),
             "with_courier": ("in_transit",), "customer": ("delivered", "returning", "returned")}


class Shop(RuleBasedStateMachine):
    """Two warehouses, two SKUs and a bundle of both, three orders."""

    ledger: Ledger
    parcels = 0

    def setup_store(self) -> Any:
        """Where the log lies."""
        return open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                    master_key_file=None))

    @initialize()
    def open_shop(self) -> None:
        self.opened = self.setup_store()
        self.ledger = self.opened.ledger
        self.ordered: dict[str, dict[str, int]] = {}
        for house in HOUSES:
            self.send(opened(house))
        self.send(BundleSku(sku="SET", parts=[Part("A", 2), Part("B", 1)], occurred_at=NOON))
        for sku in ("A", "B"):
            self.send(received(sku, 5))

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    def send(self, command: Command) -> bool:
        """Whether a command was accepted; a second time it must change nothing or be refused."""
        try:
            self.ledger.handle(command, CONTEXT)
        except LedgerError:
            return False
        return True

    def on(self, command: type[Any], number: str, **fields: Any) -> bool:
        """A command on an order."""
        return self.send(command(order=stream(number), occurred_at=LATER, **fields))

    # -- what a shop does -------------------------------------------------------------------------

    @rule(number=st.sampled_from(NUMBERS), skus=st.lists(
        st.tuples(st.sampled_from(SKUS), QUANTITY), min_size=1, max_size=3),
        selling=st.booleans(), house=st.sampled_from(HOUSES))
    def order(self, number: str, skus: list[tuple[str, int]], selling: bool, house: str) -> None:
        lines = [line(sku, quantity=quantity, name=str(index))
                 for index, (sku, quantity) in enumerate(skus)]
        command = sell(number, *lines, warehouse=house) if selling else place(
            number, lines=lines, amounts=sell(number).amounts)
        if self.send(command):
            self.ordered[number] = {told.line: told.quantity for told in lines}

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY, house=st.sampled_from(HOUSES))
    def receive(self, sku: str, quantity: int, house: str) -> None:
        assert self.send(received(sku, quantity, warehouse=house))

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY, house=st.sampled_from(HOUSES))
    def give_away(self, sku: str, quantity: int, house: str) -> None:
        self.send(moved(sku, quantity, "available", "customer", "gift", warehouse=house))

    @rule(number=st.sampled_from(NUMBERS), house=st.sampled_from(HOUSES), moving=st.booleans())
    def reserve(self, number: str, house: str, moving: bool) -> None:
        self.on(MoveReservation if moving else ReserveOrder, number, warehouse=house)

    @rule(number=st.sampled_from(NUMBERS), house=st.sampled_from(HOUSES))
    def submit(self, number: str, house: str) -> None:
        self.on(ApproveOrder, number)
        self.on(SubmitOrder, number, warehouse=house)

    @rule(number=st.sampled_from(NUMBERS), lifting=st.booleans())
    def hold(self, number: str, lifting: bool) -> None:
        if lifting:
            self.on(LiftHold, number)
        else:
            self.on(HoldOrder, number, reason="拦截")

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY)
    def pick(self, number: str, name: str, quantity: int) -> None:
        self.on(PickOrder, number, lines=[PickedFrom(name, quantity, "A1")])

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), passed=st.booleans())
    def check(self, number: str, name: str, passed: bool) -> None:
        faulty = [] if passed else [Count(name, 1)]
        self.on(CheckOrder, number, passed=passed, faulty=faulty, note="破损")

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY)
    def pack(self, number: str, name: str, quantity: int) -> None:
        self.parcels += 1
        self.on(PackOrder, number, parcel=f"P{self.parcels % 3}", lines=[Count(name, quantity)])

    @rule(number=st.sampled_from(NUMBERS), parcel=st.sampled_from("012"),
          command=st.sampled_from((DispatchParcel, DeliverParcel, LoseParcel)))
    def ship(self, number: str, parcel: str, command: type[Any]) -> None:
        more = {DispatchParcel: {"courier": "顺丰"}, LoseParcel: {"reason": "丢失"}}
        self.on(command, number, parcel=f"P{parcel}", **more.get(command, {}))

    @rule(number=st.sampled_from(NUMBERS), cancelling=st.booleans())
    def give_up(self, number: str, cancelling: bool) -> None:
        if cancelling:
            self.send(end(number, "cancelled"))
        else:
            self.on(ReleaseReservation, number, reason="改期")

    # -- what always holds ------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "opened"):
            return
        items, orders = self.rebuilt()
        for stock in items.values():
            assert sum(stock.levels.values()) == 0
            assert all(stock.levels.get(name, 0) >= 0 for name in PHYSICAL)
        held: Counter[tuple[str, str, str]] = Counter()
        waits: Counter[tuple[str, str]] = Counter()
        for order in orders.values():
            number = order.id.split(":")[-1]
            for name, states in order.goods.items():
                assert set(states) <= set(STATES)
                assert sum(states.values()) == self.ordered[number][name]
            self.add(order, held, waits)
        for (stock_id, stock) in items.items():
            _, house, sku = stock_id.split(":")
            for place_name in ("reserved", "packed", "with_courier"):
                assert stock.levels.get(place_name, 0) == held[house, sku, place_name]
            for name, quantity in stock.waiting.items():
                assert waits[stock_id, name] == quantity
            assert sum(stock.waiting.values()) == sum(
                quantity for (waiting_for, _), quantity in waits.items()
                if waiting_for == stock_id)

    def add(self, order: Order, held: Counter[Any], waits: Counter[Any]) -> None:
        """What an order holds and waits for, as it says itself."""
        for name, states in order.goods.items():
            assert order.lines is not None
            own = [(order.lines[name].sku or "", 1)]
            for sku, each in [(p.sku, p.each) for p in order.parts.get(name, ())] or own:
                for place_name, named in PLACES_OF.items():
                    held[order.warehouse, sku, place_name] += each * sum(
                        states.get(state, 0) for state in named)
                if states.get("short", 0):
                    waits[f"stock:{order.warehouse}:{sku}", order.id] += each * states["short"]

    def rebuilt(self) -> tuple[dict[str, StockItem], dict[str, Order]]:
        """All stock and orders, from the log alone; they equal what the writer has in memory."""
        items: dict[str, StockItem] = {}
        orders: dict[str, Order] = {}
        for entry in self.ledger.store.read("main", limit=100_000):
            kind = entry.stream.split(":")[0]
            if kind == "stock":
                stock = items.setdefault(entry.stream, StockItem.blank(entry.stream))
                codec.decode(entry).mutate(stock)
            elif kind == "order":
                order = orders.setdefault(entry.stream, Order.blank(entry.stream))
                codec.decode(entry).mutate(order)
        for name, known in {**items, **orders}.items():
            live = self.ledger._writer._cache.get(type(known), name)
            assert live is None or live == known
        return items, orders


class ShopOnDisk(Shop):
    """The same on SQLite."""

    def setup_store(self) -> Any:
        self.folder = tempfile.TemporaryDirectory()
        return open_ledger(Settings(
            database_url=f"sqlite:///{Path(self.folder.name)}/l.db", keys_url="memory:",
            master_key_file=None))

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestShopOnDisk = ShopOnDisk.TestCase
TestShopOnDisk.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
