"""A shop that does anything in any order: after every step every invariant of its states holds."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.accounts import touch_of
from ledger.core.commands import Command
from ledger.fulfilment.commands import (
    CheckOrder,
    CorrectStep,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReserveOrder,
    UnpickOrder,
    VoidParcel,
)
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    ChangeLines,
    CorrectDetails,
    HoldOrder,
    LiftHold,
    SubmitOrder,
)
from ledger.orders.order import Order
from ledger.orders.values import ENDED, OPEN, STATES, PartFrom, PickedFrom
from ledger.returns.case import AWAITED, RECEIVED, Case
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
    RejectCase,
    RequestCase,
    WithdrawCase,
)
from ledger.returns.values import DISPOSITIONS, CaseLine, Match, Outcome
from ledger.settings import Settings, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.corrections import DID_NOT_OCCUR, CorrectStock
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Count, Part
from ledger.stock.places import PHYSICAL
from ledger.stock.skus import BundleSku
from tests.support.books import Books, must_be_sound, state_of, told
from tests.support.builders import (
    CHANNEL,
    CONTEXT,
    NOON,
    SHOP,
    end,
    line,
    moved,
    opened,
    pay,
    place,
    received,
    sell,
    stream,
)

HOUSES, SKUS, NUMBERS = ("main", "east"), ("A", "B", "SET"), ("1", "2", "3")
CASES = ("R1", "R2", "R3")
QUANTITY = st.integers(1, 4)
LATER = NOON + timedelta(hours=1)
"""When an order and its case are worked on. Counts come before, at the same instant and after."""

AT = st.sampled_from([NOON + timedelta(minutes=minutes) for minutes in (30, 60, 90, 150)])
BIN = st.sampled_from(("", "", "A1", "A2"))
LATE = st.sampled_from(("", "", "not_counted"))
PLACES_OF = {"reserved": ("reserved",), "picked": ("picked",), "packed": ("packed",),
             "with_courier": ("in_transit", "returning_to_sender")}


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
        self.seen = 0
        self.books = Books()
        self.of_stock: list[tuple[int, str]] = []
        self.accounts: dict[str, StockAccount] = {}
        self.orders: dict[str, Order] = {}
        self.cases: dict[str, Case] = {}
        for house in HOUSES:
            self.send(opened(house))
        self.send(BundleSku(sku="SET", parts=[Part("A", 2), Part("B", 1)], occurred_at=NOON))
        for sku in ("A", "B"):
            self.send(received(sku, 12))
        self.order("1", [("A", 3), ("SET", 2)], selling=True, house="main")
        self.order("2", [("B", 3), ("A", 1)], selling=True, house="main")
        self.bring("1", "0", 3)
        self.bring("1", "1", 2)

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
        self.send(sell(number, *lines, warehouse=house) if selling else place(
            number, lines=lines, amounts=sell(number).amounts))

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY, house=st.sampled_from(HOUSES),
          at=AT, name=BIN, late=LATE)
    def receive(
        self, sku: str, quantity: int, house: str, at: datetime, name: str, late: str
    ) -> None:
        assert self.send(received(sku, quantity, warehouse=house, occurred_at=at, to_bin=name,
                                  late=late))

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY, house=st.sampled_from(HOUSES),
          at=AT, name=BIN, late=LATE)
    def give_away(
        self, sku: str, quantity: int, house: str, at: datetime, name: str, late: str
    ) -> None:
        self.send(moved(sku, quantity, "available", "customer", "gift", warehouse=house,
                        occurred_at=at, bin=name, late=late))

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY,
          ways=st.permutations(("", "A1", "A2")), at=AT)
    def carry(self, sku: str, quantity: int, ways: list[str], at: datetime) -> None:
        """From bin to bin."""
        self.send(moved(sku, quantity, "available", "available", "bin_move", bin=ways[0],
                        to_bin=ways[1], occurred_at=at))

    @rule(sku=st.sampled_from(("A", "B")), quantity=QUANTITY, house=st.sampled_from(HOUSES),
          at=AT, name=BIN, late=LATE)
    def damage(
        self, sku: str, quantity: int, house: str, at: datetime, name: str, late: str
    ) -> None:
        """What broke is a fact, whether it was reserved, or there at all."""
        taken = self.send(moved(sku, quantity, "available", "damaged", "damage", warehouse=house,
                                occurred_at=at, bin=name, late=late, reason="破损"))
        assert taken == (f"stock:{house}:{sku}" in self.accounts)

    @rule(which=st.integers(1, 6), at=AT)
    def correct(self, which: int, at: datetime) -> None:
        """One of the last movements and counts, or corrections of them, did not occur."""
        if len(self.of_stock) >= which:
            position, stream_ = self.of_stock[-which]
            self.send(CorrectStock(document=stream_, position=position, kind=DID_NOT_OCCUR,
                                   reason="误录", occurred_at=at))

    @rule(counts=st.dictionaries(
        st.tuples(st.sampled_from(("A", "B")), BIN), st.integers(0, 8), min_size=1, max_size=4),
        house=st.sampled_from(HOUSES), at=AT)
    def count(self, counts: dict[tuple[str, str], int], house: str, at: datetime) -> None:
        """Bins, whole shelves, or both of one SKU. Whatever the books say, it is recorded."""
        assert self.send(CountStock(warehouse=house, occurred_at=at, counts=[
            CountLine(sku=sku, bin=name, quantity=quantity)
            for (sku, name), quantity in counts.items()]))

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

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY,
          where=BIN)
    def pick(self, number: str, name: str, quantity: int, where: str) -> None:
        self.on(PickOrder, number, lines=[PickedFrom(name, quantity, where)])

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY,
          bins=st.lists(BIN, min_size=3, max_size=3), back=st.booleans())
    def pick_parts(
        self, number: str, name: str, quantity: int, bins: list[str], back: bool
    ) -> None:
        """The parts of the bundle out of several bins, or back into them."""
        parts = [PartFrom("A", quantity, bins[0]), PartFrom("A", quantity, bins[1]),
                 PartFrom("B", quantity, bins[2])]
        picked = [PickedFrom(name, quantity, "", parts)]
        if back:
            self.on(UnpickOrder, number, lines=picked, reason="改期")
        else:
            self.on(PickOrder, number, lines=picked)

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), passed=st.booleans())
    def check(self, number: str, name: str, passed: bool) -> None:
        faulty = [] if passed else [Count(name, 1)]
        self.on(CheckOrder, number, passed=passed, faulty=faulty, note="破损")

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY)
    def pack(self, number: str, name: str, quantity: int) -> None:
        self.parcels += 1
        self.on(PackOrder, number, parcel=f"P{self.parcels % 3}", lines=[Count(name, quantity)])

    @rule(number=st.sampled_from(NUMBERS), parcel=st.sampled_from("012"),
          command=st.sampled_from((DispatchParcel, DeliverParcel, LoseParcel, RefuseParcel)))
    def ship(self, number: str, parcel: str, command: type[Any]) -> None:
        more: dict[type[Any], dict[str, str]] = {
            DispatchParcel: {"courier": "顺丰"}, LoseParcel: {"reason": "丢失"},
            RefuseParcel: {"reason": "拒收"}}
        self.on(command, number, parcel=f"P{parcel}", **more.get(command, {}))

    @rule(number=st.sampled_from(NUMBERS), parcel=st.sampled_from("012"),
          waybill=st.sampled_from(("W1", "W2")), other=st.sampled_from(("", *NUMBERS)))
    def dispatch_under(self, number: str, parcel: str, waybill: str, other: str) -> None:
        """Under a waybill, perhaps that of another order."""
        self.on(DispatchParcel, number, parcel=f"P{parcel}", courier="顺丰", waybill=waybill,
                merged_with=stream(other) if other else None)

    @rule(number=st.sampled_from(NUMBERS), which=st.integers(1, 4))
    def correct_step(self, number: str, which: int) -> None:
        """One of the last events of an order did not occur."""
        told = [entry.position for entry in self.ledger.store.streams("main", [stream(number)])]
        if len(told) >= which:
            self.on(CorrectStep, number, position=told[-which], reason="点错")

    @rule(number=st.sampled_from(NUMBERS))
    def correct_details(self, number: str) -> None:
        self.on(CorrectDetails, number, address="别处", consent="旺旺")

    @rule(number=st.sampled_from(NUMBERS), how=st.sampled_from((*ENDED, "", "", "")))
    def give_up(self, number: str, how: str) -> None:
        if how:
            self.send(end(number, how))
        else:
            self.on(ReleaseReservation, number, reason="改期")

    @rule(number=st.sampled_from(NUMBERS), skus=st.lists(
        st.tuples(st.sampled_from(SKUS), QUANTITY), min_size=1, max_size=3),
        first=st.integers(0, 2))
    def change_lines(self, number: str, skus: list[tuple[str, int]], first: int) -> None:
        """The buyer wants other goods, or more or fewer of them, perhaps under other names."""
        self.on(ChangeLines, number, consent="旺旺", lines=[
            line(sku, quantity=quantity, name=str((index + first) % 3))
            for index, (sku, quantity) in enumerate(skus)])

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY)
    def cancel_pieces(self, number: str, name: str, quantity: int) -> None:
        self.on(CancelPieces, number, lines=[Count(name, quantity)], reason="少要")

    @rule(number=st.sampled_from(NUMBERS), parcel=st.sampled_from("012"))
    def void(self, number: str, parcel: str) -> None:
        self.on(VoidParcel, number, parcel=f"P{parcel}", reason="改地址")

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY,
          where=BIN)
    def unpick(self, number: str, name: str, quantity: int, where: str) -> None:
        self.on(UnpickOrder, number, lines=[PickedFrom(name, quantity, where)], reason="改期")

    # -- what comes back --------------------------------------------------------------------------

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from("012"), quantity=QUANTITY)
    def bring(
        self, number: str, name: str, quantity: int, *, refused: bool = False,
        arriving: bool = True,
    ) -> None:
        """Pieces of a line go all the way at once, so that something is there to come back."""
        self.send(pay(number, 100))
        self.reserve(number, "main", moving=False)
        self.submit(number, "main")
        for where in ("", "A1", "A2"):
            self.pick(number, name, quantity, where)
        self.check(number, name, passed=True)
        self.pack(number, name, quantity)
        last = (RefuseParcel if refused else DeliverParcel,) if arriving else ()
        for command in (DispatchParcel, *last):
            self.ship(number, str(self.parcels % 3), command)

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(NUMBERS), quantity=QUANTITY,
          name=st.sampled_from("012"), parcel=st.booleans(), sku=st.sampled_from(SKUS),
          kind=st.sampled_from(("return_and_refund", "refused")))
    def begin_case(
        self, case: str, number: str, quantity: int, name: str, parcel: bool, sku: str,
        kind: str = "return_and_refund",
    ) -> None:
        known = {"channel": CHANNEL, "shop": SHOP, "number": case, "currency": "CNY",
                 "occurred_at": LATER}
        back = CaseLine(line=name, quantity=quantity, sku=sku if parcel else None)
        if parcel:
            self.send(ReceiveParcel(**known, warehouse="main", lines=[back]))
        else:
            self.send(RequestCase(**known, kind=kind, order=stream(number),
                                  lines=[back], refund_minor=quantity * 20))

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(NUMBERS), quantity=QUANTITY,
          line=st.sampled_from("01"), name=st.sampled_from("01"),
          steps=st.sets(st.sampled_from("mari"), min_size=1), finding=st.sampled_from(DISPOSITIONS))
    def work_on_case(
        self, case: str, number: str, quantity: int, line: str, name: str, steps: set[str],
        finding: str,
    ) -> None:
        """Match, authorise, receive, inspect, or some of these."""
        if "m" in steps:
            self.on_case(MatchCase, case, order=stream(number), lines=[Match(line, name)])
        if "a" in steps:
            self.on_case(AuthoriseCase, case)
        if "r" in steps:
            self.on_case(ReceiveGoods, case, warehouse="main", lines=[Count(line, quantity)])
        if "i" in steps:
            self.on_case(InspectGoods, case, lines=[Outcome(line, quantity, finding)])

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(("1", "2")), quantity=QUANTITY,
          name=st.sampled_from("01"), finding=st.sampled_from(DISPOSITIONS), far=st.integers(1, 4))
    def send_back(
        self, case: str, number: str, quantity: int, name: str, finding: str, far: int
    ) -> None:
        """A case goes so far at once."""
        self.begin_case(case, number, quantity, name, parcel=False, sku="A")
        self.work_on_case(case, number, quantity, name, name, set("ari"[:far]), finding)
        if far > 3:
            self.refund(case, 20, paying=False)
            self.refund(case, 20, paying=True)

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(("1", "2")), quantity=QUANTITY,
          name=st.sampled_from("01"), finding=st.sampled_from(DISPOSITIONS), far=st.integers(1, 4))
    def refuse(
        self, case: str, number: str, quantity: int, name: str, finding: str, far: int
    ) -> None:
        """A parcel is refused, and comes back so far."""
        self.bring(number, name, quantity, refused=True)
        self.begin_case(case, number, quantity, name, parcel=False, sku="A", kind="refused")
        self.work_on_case(case, number, quantity, name, name, set("ari"[:far]), finding)

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(NUMBERS), quantity=QUANTITY,
          name=st.sampled_from("01"), sku=st.sampled_from(SKUS),
          finding=st.sampled_from(DISPOSITIONS))
    def send_a_part_back(
        self, case: str, number: str, quantity: int, name: str, sku: str, finding: str
    ) -> None:
        """Some SKU of a line, which may be a bundle of it, comes back by itself."""
        self.send(RequestCase(
            channel=CHANNEL, shop=SHOP, number=case, currency="CNY", occurred_at=LATER,
            kind="return_and_refund", order=stream(number), refund_minor=quantity,
            lines=[CaseLine(line="0", order_line=name, sku=sku, quantity=quantity)]))
        self.work_on_case(case, number, quantity, "0", name, set("ari"), finding)

    @rule(case=st.sampled_from(CASES), quantity=QUANTITY, sku=st.sampled_from(SKUS),
          finding=st.sampled_from(DISPOSITIONS), pieces=st.integers(1, 2))
    def judge_a_part(self, case: str, quantity: int, sku: str, finding: str, pieces: int) -> None:
        """Bundles come back, and a part of them is judged by itself."""
        self.begin_case(case, "1", pieces, "1", parcel=False, sku="A")
        self.work_on_case(case, "1", pieces, "1", "1", set("ar"), finding)
        for line_name in "01":
            self.on_case(InspectGoods, case, lines=[Outcome(line_name, quantity, finding, sku=sku)])

    @rule(case=st.sampled_from(CASES), number=st.sampled_from(("2", "3")), quantity=QUANTITY,
          sku=st.sampled_from(SKUS), came=st.sampled_from(SKUS), more=QUANTITY)
    def come_back_unannounced(
        self, case: str, number: str, quantity: int, sku: str, came: str, more: int
    ) -> None:
        """A parcel is sent, is there again, and is matched with its order."""
        self.order(number, [(sku, max(quantity, more))], selling=True, house="main")
        self.bring(number, "0", max(quantity, more), arriving=False)
        self.begin_case(case, number, quantity, "0", parcel=True, sku=came)
        self.work_on_case(case, number, quantity, "0", "0", {"m"}, "restocked")

    @rule(case=st.sampled_from(CASES), amount=st.integers(1, 70), paying=st.booleans())
    def refund(self, case: str, amount: int, paying: bool) -> None:
        self.on_case(PayRefund if paying else ApproveRefund, case, amount_minor=amount)

    @rule(case=st.sampled_from(CASES), how=st.sampled_from((CloseCase, WithdrawCase, RejectCase)))
    def end_case(self, case: str, how: type[Any]) -> None:
        self.on_case(how, case, **({} if how is CloseCase else {"reason": "不退了"}))

    def on_case(self, command: type[Any], case: str, **fields: Any) -> bool:
        """A command on a case."""
        return self.send(command(case=f"case:{CHANNEL}:{SHOP}:{case}", occurred_at=LATER,
                                 **fields))

    # -- what always holds ------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "opened"):
            return
        self.catch_up()
        self.cache_holds()
        self.cases_hold(self.accounts, self.orders, self.cases)
        held: Counter[tuple[str, str, str]] = Counter()
        waits: Counter[tuple[str, str]] = Counter()
        for order in self.orders.values():
            assert order.lines is not None
            assert not (order.ended and order.goods.has(*OPEN))
            for name, states in order.goods.items():
                assert set(states) <= set(STATES)
                assert sum(states.values()) == order.lines[name].quantity
                assert order.checked.get(name, 0) <= states.get("picked", 0)
            assert ("out_of_stock" in order.exceptions) == any(
                states.get("short") for states in order.goods.values())
            self.add(order, held, waits)
        for (stock_id, stock) in self.accounts.items():
            _, house, sku = stock_id.split(":")
            assert stock.level("available") >= 0 or not stock.level("reserved")
            for place_name in PLACES_OF:
                assert stock.level(place_name) == held[house, sku, place_name]
            for name, waiting in stock.waiting.items():
                assert waits[stock_id, name] == waiting.quantity
            assert sum(one.quantity for one in stock.waiting.values()) == sum(
                quantity for (waiting_for, _), quantity in waits.items()
                if waiting_for == stock_id)
        self.nobody_waits_for_what_is_there()

    def catch_up(self) -> None:
        """Fold what is new in the log, with the ledger's own folds and with one of raw payloads."""
        entries = self.ledger.store.read("main", after=self.seen, limit=100_000)
        for entry in entries:
            self.seen = entry.position
            before = {name: (book.levels.copy(), book.bins.copy())
                      for name, book in self.books.known.items()}
            names = self.books.take(told(entry))
            if entry.stream.startswith(("movement:", "count:")):
                self.of_stock.append((entry.position, entry.stream))
            assert names == {one for one in json.loads(entry.subjects) if one.startswith("stock:")}
            for name in names:
                must_be_sound(self.books.known[name])
                self.nothing_is_hidden(entry, name, before.get(name))
            for name, touch in touch_of(entry).by_account().items():
                self.accounts.setdefault(name, StockAccount.blank(name)).take(touch)
            for kind, cls, found in (("order:", Order, self.orders), ("case:", Case, self.cases)):
                if entry.stream.startswith(kind):
                    event_types.decode(entry).mutate(
                        found.setdefault(entry.stream, cls.blank(entry.stream)))

    def nothing_is_hidden(self, entry: Any, name: str, before: Any) -> None:
        """No decision takes a place or a bin below zero; a fact that does says to which level."""
        levels, bins = before or (Counter(), Counter())
        book = self.books.known[name]
        said = json.loads(entry.payload)
        below = {one["from"]: one["below"] for one in said["postings"]
                 if one["account"] == name and "below" in one} if "postings" in said else {}
        fallen = {place_name: level for place_name in PHYSICAL
                  if (level := book.levels[place_name]) < min(0, levels[place_name])}
        assert below == fallen, (entry.type, name, below, fallen)
        causes = {one["cause"] for one in said.get("postings", ())}
        if not causes & {"count", "opening", "bin_move", "damage", "correction"}:
            assert not fallen
            assert all(book.bins[one] >= min(0, bins[one]) for one in book.bins)

    def cache_holds(self) -> None:
        """What the writer has in memory is what the log says, by either fold."""
        for name, account in self.accounts.items():
            assert state_of(account) == self.books.known[name].state()
        for known in (self.accounts, self.orders, self.cases):
            for name, found in known.items():  # type: ignore[attr-defined]
                live = self.ledger._writer._cache.get(type(found), name)
                assert live is None or live == found

    def nobody_waits_for_what_is_there(self) -> None:
        """What is free beyond the claims of those who waited before, an order has got."""
        for order in self.orders.values():
            if order.held_for is not None or order.ended:
                continue
            for name, states in order.goods.items():
                if states.get("short"):
                    assert min(self.free(order, sku) // each
                               for sku, each in self.made_of(order, name)) <= 0

    def free(self, order: Order, sku: str) -> int:
        """What is available of a SKU less what is claimed before an order by such as can be served.
        """
        account = self.accounts[f"stock:{order.warehouse}:{sku}"]
        queue = list(account.waiting)
        before = queue[: queue.index(order.id)]
        return account.level("available") - sum(
            account.waiting[name].quantity for name in before
            if self.orders[name].held_for is None and not self.orders[name].ended)

    def cases_hold(
        self, items: dict[str, StockAccount], orders: dict[str, Order], cases: dict[str, Case]
    ) -> None:
        """What cases await and hold is what orders and stock say."""
        waits: Counter[str] = Counter()
        returning: Counter[str] = Counter()
        returned: Counter[str] = Counter()
        paid: Counter[str] = Counter()
        for case in cases.values():
            for name, states in case.goods.items():
                assert sum(states.values()) == {**case.lines, **case.apart}[name].quantity
                assert min(states.values()) > 0
            for count in case.pieces(RECEIVED):
                for part in case.made_of(count.line):
                    waits[f"stock:main:{part.sku}"] += count.quantity * part.each
            if case.order is None:
                continue
            paid[case.order] += case.sums.paid_minor
            assert case.sums.paid_minor <= case.sums.approved_minor
            if case.state == "authorised" and case.kind != "refused":
                returning[case.order] += sum(one.quantity for one in case.pieces(AWAITED)
                                             if self.is_whole(case, orders, one.line))
            # What the inspection does not find after the match was returned as far as anyone knew.
            returned[case.order] += sum(one.quantity for one in case.came()
                                        if self.is_whole(case, orders, one.line))
        for name, item in items.items():
            assert item.levels.get("returns_inspection", 0) == waits[name]
        for name, order in orders.items():
            pieces = Counter[str]()
            for states in order.goods.values():
                pieces.update(states)
            for line_name, parts in order.parts_back.items():
                delivered = order.goods[line_name].get("delivered", 0)
                assert all(0 < one.pieces <= delivered * one.each for one in parts.values())
            assert pieces["returning"] == returning[name]
            assert pieces["returned"] >= returned[name]
            assert order.refunded_minor == paid[name] <= order.paid_minor

    def is_whole(self, case: Case, orders: dict[str, Order], name: str) -> bool:
        """Whether a line of a case is what was ordered, and not a part of it."""
        ordered = (orders[case.order or ""].lines or {})[case.order_line(name)]
        return name not in case.apart and case.lines[name].sku == ordered.sku

    def made_of(self, order: Order, name: str) -> list[tuple[str, int]]:
        """What a piece of a line is made of: SKUs, and how many of each."""
        assert order.lines is not None
        return [(part.sku, part.each) for part in order.parts.get(name, ())] or [
            (order.lines[name].sku or "", 1)]

    def add(self, order: Order, held: Counter[Any], waits: Counter[Any]) -> None:
        """What an order holds and waits for, as it says itself."""
        for name, states in order.goods.items():
            for sku, each in self.made_of(order, name):
                for place_name, named in PLACES_OF.items():
                    held[order.warehouse, sku, place_name] += each * sum(
                        states.get(state, 0) for state in named)
                if states.get("short", 0):
                    waits[f"stock:{order.warehouse}:{sku}", order.id] += each * states["short"]
