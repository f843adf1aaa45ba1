"""What the events of orders post to stock: as the pieces of a line change state, pieces go from
place to place.

Pieces in each state are in one place of stock. An order decides first; then each of its new events
posts what it did to the states of the lines. What waits is posted likewise, from what is wanted to
what is waited for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ledger.core.commands import Work
from ledger.core.postings import Posting
from ledger.orders.changing import changed
from ledger.orders.errors import PartsDiffer
from ledger.orders.goods import Goods, shifted
from ledger.orders.order import Order
from ledger.orders.values import PartFrom
from ledger.stock.account import StockAccount
from ledger.stock.pieces import Part, sku_of
from ledger.stock.places import (
    AVAILABLE,
    CUSTOMER,
    DEMAND,
    PACKED,
    PICKED,
    QUARANTINE,
    RESERVED,
    WAITING,
    WITH_COURIER,
    WRITTEN_OFF,
    stock_of,
)
from ledger.stock.posting import load_all, post
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import must_be_open

PLACE = {
    "cancelled": AVAILABLE, "unreserved": AVAILABLE, "short": AVAILABLE, "reserved": RESERVED,
    "picked": PICKED, "packed": PACKED, "in_transit": WITH_COURIER,
    "returning_to_sender": WITH_COURIER, "delivered": CUSTOMER, "returning": CUSTOMER,
    "returned": CUSTOMER, "lost": WRITTEN_OFF,
}
"""Where the pieces of a state are. Returned ones enter the stock by their case, not here."""

CAUSE = {
    (AVAILABLE, RESERVED): "reservation", (RESERVED, PICKED): "picking",
    (PICKED, PACKED): "packing", (PACKED, WITH_COURIER): "dispatch",
    (WITH_COURIER, CUSTOMER): "delivery",
    (WITH_COURIER, WRITTEN_OFF): "loss", (WRITTEN_OFF, WITH_COURIER): "found",
    (WRITTEN_OFF, CUSTOMER): "found", (RESERVED, AVAILABLE): "release",
    (PICKED, AVAILABLE): "unpicking", (PACKED, AVAILABLE): "unpacking",
    (PICKED, RESERVED): "unpicking", (PACKED, PICKED): "unpacking",
    (PICKED, QUARANTINE): "quarantine", (AVAILABLE, CUSTOMER): "sale",
    (DEMAND, WAITING): "back_order", (WAITING, DEMAND): "back_order_ended",
}
"""Why pieces go between two places; between all others, because of a dispatch."""


def parts_of_line(work: Work, order: Order, line: str) -> tuple[Part, ...]:
    """What a piece of a line is made of: as recorded when it was reserved, else just its SKU."""
    if line in order.parts:
        return tuple(Part(part.sku, part.each) for part in order.parts[line])
    assert order.lines is not None
    return (Part(order.lines[line].sku or "", 1),)


class Shift(NamedTuple):
    """So many pieces of a line that an event took from one state to another; out of a bin or into
    it, where the event names one, and of a bundle the bins of its parts."""

    line: str
    source: str
    target: str
    pieces: int
    bin: str = ""
    parts: Sequence[PartFrom] = ()


def shifts(before: Goods, order: Order, fact: Any) -> Iterator[Shift]:
    """What an event did to the pieces of an order, which it led to."""
    if isinstance(fact, Order.Picked | Order.Unpicked):
        way = ("reserved", "picked") if isinstance(fact, Order.Picked) else ("picked", "reserved")
        yield from (Shift(one.line, *way, one.quantity, one.bin, one.parts) for one in fact.lines)
        return
    if isinstance(fact, Order.LinesChanged):
        yield from (Shift(one.line, one.state, "unreserved", one.pieces)
                    for one in changed(before, fact.old, fact.new).released if fact.old)
        return
    for line, states in order.goods.items():
        # A line that was not there before begins unreserved: its pieces lie where they always did.
        had = before.get(line) or {"unreserved": sum(states.values())}
        if states is not had:
            for one in shifted(had, states):
                yield Shift(line, *one)


def post_order(
    work: Work, order: Order, before: Order, *, decided: bool = True,
    since: int | None = None,
) -> list[StockAccount]:
    """Let the events that an order has recorded since a copy of it was made post what they did to
    its pieces, each at its own time; nothing where the order has no warehouse. The copy catches up.

    `since` is the position from which its claims count, if that is before the event.
    Returns the accounts. Errors: those of `post`.
    """
    found: dict[str, StockAccount] = {}
    for fact in order.pending_events:
        if fact.originator_version <= before.version:
            continue
        goods = before.goods
        # What a change of lines lets go of is told by the lines before it.
        lines = before.clone() if isinstance(fact, Order.LinesChanged) else before
        if fact.originator_version == order.version:
            before.become(order)
        else:
            fact.mutate(before)
        postings = list(_postings(work, lines, goods, fact, since=since)) if (
            before.goods is not goods or isinstance(fact, Order.Placed)) else []
        if postings:
            found.update((account.id, account)
                         for account in post(work, fact, postings, decided=decided))
    return list(found.values())


def _postings(
    work: Work, order: Order, before: Goods, fact: Any, *, since: int | None
) -> Iterator[Posting]:
    """What an event posts that led to this order."""
    if not order.warehouse:
        return
    story = dict(work.story(order.id)) if isinstance(fact, Order.Unpicked) else {}
    for one in shifts(before, order, fact):
        ways = _ways(one, fact)
        for sku, pieces, name in _lying(work, order, one):
            account = stock_of(order.warehouse, sku)
            claim = since
            if claim is None and one.source == "short":
                claim = _waits_since(work, account, order.id)
            elif story:
                claim = claimed_since(story, account)
            yield from (Posting(
                account=account, quantity=pieces, source=left, target=entered,
                cause=CAUSE.get((left, entered), "dispatch"), line=one.line,
                bin="" if one.target == "reserved" else name,
                to_bin=name if one.target == "reserved" else "",
                since=claim if entered in (RESERVED, WAITING) else None) for left, entered in ways)


def _ways(shift: Shift, fact: Any) -> list[tuple[str, str]]:
    """Between which places pieces go that an event took from one state to another."""
    target = PLACE[shift.target]
    if isinstance(fact, Order.Checked):
        target = QUARANTINE  # a faulty piece is not for sale
    ways = [(PLACE[shift.source], target)]
    if shift.source == "short":
        ways.append((WAITING, DEMAND))
    if shift.target == "short":
        ways.append((DEMAND, WAITING))
    return [(left, entered) for left, entered in ways if left != entered]


def _lying(work: Work, order: Order, shift: Shift) -> Iterator[tuple[str, int, str]]:
    """The pieces of SKUs that a shift moves, each with the bin that they leave or come to. A bin
    that is named of the line is that of the parts which lie in it; if none does, of all. A line
    that names no SKU moves no stock."""
    made_of = [part for part in parts_of_line(work, order, shift.line) if part.sku]
    if not (shift.bin or shift.parts):
        yield from ((part.sku, shift.pieces * part.each, "") for part in made_of)
        return
    wanted = {part.sku: shift.pieces * part.each for part in made_of}
    named = {one.sku for one in shift.parts}
    for one in shift.parts:
        there = sum(other.quantity for other in shift.parts if other.sku == one.sku)
        if wanted.get(one.sku) != there:
            raise PartsDiffer(order=order.id, line=shift.line, sku=one.sku,
                              wanted=wanted.get(one.sku, 0), there=there)
        yield one.sku, one.quantity, one.bin
    others = [sku for sku in wanted if sku not in named]
    lying = [sku for sku in others if shift.bin and shift.bin in work.load(
        StockAccount, stock_of(order.warehouse, sku)).bins]
    for sku in others:
        yield sku, wanted[sku], shift.bin if not lying or sku in lying else ""


def claimed_since(story: Mapping[int, Any], account: str) -> int | None:
    """The position from which an order claimed what was reserved for it last in an account, by its
    facts; None if nothing was."""
    since = None
    for position, fact in story.items():
        for one in fact.postings:
            if one.account == account and one.target == RESERVED:
                since = position if one.since is None else one.since
    return since


def _waits_since(work: Work, account: str, order: str) -> int | None:
    """The position from which the claim of an order counts that waits."""
    waiting = work.load(StockAccount, account).waiting.get(order)
    return None if waiting is None else waiting.since


class _Line(Protocol):
    """A line of a slip or a case. Units: pieces."""

    @property
    def line(self) -> str: ...
    @property
    def sku(self) -> str | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def fee(self) -> bool: ...


def declare_lines(
    work: Work, fact: Any, warehouse: str, *, lines: Iterable[_Line], way: tuple[str, str, str]
) -> list[StockAccount]:
    """Let an event of a document post its goods.

    Shapes: `way` is (from, to, cause). Errors: WarehouseUnknown (R-STK-04), those of `post`.
    """
    must_be_open(work, warehouse)
    source, target, cause = way
    goods = [line for line in lines if line.sku and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    return post(work, fact, [
        Posting(account=stock_of(warehouse, part.sku), quantity=line.quantity * part.each,
                source=source, target=target, cause=cause, line=line.line)
        for line in goods for part in parts_of(work, line.sku or "")], decided=False)


def prefetch_stock(work: Work, warehouse: str, skus: Collection[str]) -> None:
    """Load the accounts of several SKUs with one query."""
    load_all(work, [stock_of(warehouse, sku) for sku in skus])
