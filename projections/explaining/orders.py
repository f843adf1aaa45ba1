"""Why the sums of an order are what they are, and what it counts for in sums of many.

The fold of the reports says which event stated what counts; the numbers are read in that event.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from ledger.core import event_types
from ledger.log.envelope import Entry, Outline
from ledger.orders.folding import Taking, fold
from ledger.orders.order import Order
from ledger.orders.state import OrderState
from projections.asking.answering import Reading
from projections.explaining import limits
from projections.explaining.formulas import (
    AT_LEAST,
    PRODUCT,
    TENTHS,
    Event,
    Figures,
    Step,
    add,
    number,
    step,
)
from projections.explaining.limits import few

PARTS = (("goods_minor", 1), ("postage_minor", 1), ("discount_minor", -1))
TAX = ("tax_minor", 1)
"""What comes on top of the parts, where it is stated."""

AMOUNTS = {Order.Placed.TOPIC: "/amounts", Order.PriceChanged.TOPIC: "/new",
           Order.LinesChanged.TOPIC: "/new_amounts", Order.PiecesCancelled.TOPIC: "/new_amounts",
           Order.Corrected.TOPIC: "/new"}
"""Where an event says what an order costs."""

LINES = {Order.Placed.TOPIC: "/lines", Order.LinesChanged.TOPIC: "/new",
         Order.LinesDeclared.TOPIC: "/lines", Order.Corrected.TOPIC: "/new/lines"}
"""Where an event lists the lines of an order."""


class KnownOrder(msgspec.Struct):
    """An order and the events that made it what it is. `amounts` stated what it costs, `lines` its
    lines, `paid` is by which it came to be paid; `takings` are what moved money."""

    state: OrderState
    placed: Event
    amounts: Event
    lines: Event
    paid: Event | None = None
    takings: list[tuple[Taking, Event]] = []


def known_orders(entries: Sequence[Entry]) -> dict[str, KnownOrder]:
    """Orders by their subjects, from their events in order; without those that are not placed."""
    found: dict[str, KnownOrder] = {}
    orders: dict[str, OrderState] = {}
    for entry in entries:
        before = orders.get(entry.stream)
        was = None if before is None else (before.paid_at, before.lines is None)
        takings: list[Taking] = []
        decoded = event_types.decode(entry)
        fold(orders, [(Outline.of(entry), decoded)], takings)
        after = orders.get(entry.stream)
        if after is None:
            continue
        event = Event(entry)
        known = found.get(entry.stream)
        if was is None or known is None:
            found[entry.stream] = KnownOrder(after, event, event, event)
            continue
        if after.amounts_version == entry.version:
            known.amounts = event
        if _lists(event, unknown=was[1]):
            known.lines = event
        if after.paid_at is None:
            known.paid = None
        elif was[0] is None:
            known.paid = event
        known.takings += [(taking, event) for taking in takings]
    return found


def _lists(event: Event, *, unknown: bool) -> bool:
    """Whether an event gives an order its lines. Those that are not known cannot be corrected."""
    if event.entry.type == Order.Corrected.TOPIC:
        return event.payload["fact"] == "lines" and not unknown
    return event.entry.type in LINES


# -- what it costs --------------------------------------------------------------------------------


def amount(order: KnownOrder, name: str) -> Step | None:
    """What an order costs, or a part of that, as it was stated; None where it was not."""
    if getattr(order.state, name) is None:
        return None
    return order.amounts.read(f"{AMOUNTS[order.amounts.entry.type]}/{name}", name)


def total(order: KnownOrder) -> Step | None:
    """What an order costs: as stated, else by its parts; None where neither is known."""
    if (stated := amount(order, "total_minor")) is not None:
        return stated
    parts = [(amount(order, name), factor) for name, factor in PARTS]
    if any(part is None for part, _ in parts):
        return None
    parts.append((amount(order, TAX[0]), TAX[1]))
    return add([part.times(factor) for part, factor in parts if part is not None], "total_minor")


def taken(taking: Taking, event: Event, name: str) -> Iterator[Step]:
    """What an event adds to what was paid or refunded (`name`: paid_minor, refunded_minor)."""
    if not getattr(taking, name):
        return
    if event.entry.type == Order.Corrected.TOPIC:
        yield event.read(f"/new/{name}")
        yield event.read(f"/old/{name}").times(-1)
    else:
        yield event.read("/amount_minor")


def money(order: KnownOrder, name: str) -> Step:
    """What was paid or refunded of an order."""
    return add([one for taking, event in order.takings for one in taken(taking, event, name)], name)


# -- what it counts for ---------------------------------------------------------------------------


def is_paid(order: KnownOrder) -> Step | None:
    """That it is paid, or costs nothing; None where it is not."""
    if order.paid is not None:
        return order.paid.read()
    cost = total(order)
    return order.amounts.read("", "costs nothing") if cost is not None and not cost.value else None


def is_refunded(order: KnownOrder) -> Step | None:
    """That some of it was refunded; None where nothing was."""
    if order.state.refunded_minor <= 0:
        return None
    return [event for taking, event in order.takings if taking.refunded_minor][-1].read()


def is_fully_refunded(order: KnownOrder) -> Step | None:
    """Whether all was refunded that was paid; None where nothing was."""
    if is_refunded(order) is None or order.state.paid_minor <= 0 or order.paid is None:
        return None
    return step(AT_LEAST, [money(order, "refunded_minor"), money(order, "paid_minor")])


def lines(order: KnownOrder) -> Step | None:
    """How many lines it has; None where they are not known."""
    if order.state.lines is None:
        return None
    return order.lines.read(LINES[order.lines.entry.type])


def pieces(order: KnownOrder) -> Step | None:
    """How many pieces it is of; None where that is not known."""
    if order.state.pieces is None:
        return None
    if order.state.lines is None:
        return order.placed.read("/pieces")
    return add(quantities(order.lines, LINES[order.lines.entry.type]))


def cancelled_pieces(order: KnownOrder) -> Step | None:
    """Its pieces, where it was cancelled; None where it was not."""
    return pieces(order) if order.state.marks.cancelled else None


def value(order: KnownOrder) -> Step | None:
    """What its lines are worth, in the currency; None where they are not known."""
    if order.state.lines is None:
        return None
    return add(worth(order.lines, LINES[order.lines.entry.type]))


def quantities(event: Event, at: str) -> list[Step]:
    """The quantities of the lines that an event lists at a pointer."""
    return [event.read(f"{at}/{index}/quantity") for index in range(_many(event, at))]


def worth(event: Event, at: str) -> list[Step]:
    """Quantity times unit price of the lines that an event lists at a pointer."""
    found = []
    for index in range(_many(event, at)):
        line = f"{at}/{index}"
        price = [event.read(f"{line}/quantity"), event.read(f"{line}/unit_price")]
        found.append(step(PRODUCT, [*price, step(TENTHS, [_scale(event, line)])]))
    return found


def _scale(event: Event, line: str) -> Step:
    """The decimal places of a unit price: as the line says, or two."""
    try:
        return event.read(f"{line}/unit_price_scale")
    except KeyError:
        return number(2, "decimal places of a price where none are named")


def _many(event: Event, at: str) -> int:
    return int(event.read(at).value)


# -- the rows of a report -------------------------------------------------------------------------


class Orders:
    """The orders that a report lists, from their own events."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def of_order(self, row: dict[str, Any]) -> Figures:
        """The sums of an order, by their names in the report `orders`."""
        reading, subject = self._reading, row["subject"]
        entries = few(reading.models.store.streams(
            reading.ledger, [subject], upto=limits.MOST + 1), "events")
        order = known_orders(list(filter(reading.cut.takes, entries)))[subject]
        return {"total_minor": partial(total, order),
                **{name: partial(money, order, name) for name in ("paid_minor", "refunded_minor")}}
