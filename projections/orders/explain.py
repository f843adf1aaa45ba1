"""Explanations: every sum of an order with the events whose values add up to it.

A term is a position, a JSON pointer into that event's payload, a factor and the value there: the
figure is the sum of factor x value over its terms.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ledger.common.decoding import any_json
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.order import Order
from ledger.orders.values import AMOUNT_FIELDS
from projections.asking.clocks import AsOf, header
from projections.asking.past import nothing_about

PARTS = (("goods_minor", 1), ("postage_minor", 1), ("discount_minor", -1))
TAX = ("tax_minor", 1)
"""What comes on top of the parts, where it is stated."""


class Term(NamedTuple):
    """What an event contributes to a figure."""

    position: int
    type: str
    pointer: str
    factor: int
    value: int


def explain_order(
    store: Store, ledger: str, order: str, as_of: AsOf
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As of what, and the figures of an order.

    Shapes: {subject, currency, figures: {name: {value, terms}}}; value is None where it was never
    stated. Units: minor units. Errors: NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05).
    """
    cut = as_of.resolve(store, ledger)
    entries = [entry for entry in store.streams(ledger, [order]) if cut.takes(entry)]
    placed = next((entry for entry in entries if entry.type == Order.Placed.TOPIC), None)
    if placed is None:
        raise nothing_about(order, header(store, ledger, cut))
    found = _figures(entries)
    shown = {name: {"value": sum(term.factor * term.value for term in terms) if known else None,
                    "terms": [term._asdict() for term in terms]}
             for name, (known, terms) in found.items()}
    currency = any_json(placed.payload)["currency"]
    return header(store, ledger, cut), {
        "subject": order, "currency": currency, "figures": shown}


def _figures(entries: Iterable[Entry]) -> dict[str, tuple[bool, list[Term]]]:
    amounts: dict[str, Term] = {}
    sums: dict[str, list[Term]] = {"paid": [], "refunded": []}
    for entry in entries:
        payload = any_json(entry.payload)
        for name, term in _amounts(entry, payload):
            amounts[name] = term
        for name, term in _sums(entry, payload):
            sums[name].append(term)
    found = {name: (name in amounts, [amounts[name]] if name in amounts else [])
             for name in AMOUNT_FIELDS}
    if "total_minor" not in amounts and all(name in amounts for name, _ in PARTS):
        found["total_minor"] = (True, [amounts[name]._replace(factor=factor)
                                       for name, factor in (*PARTS, TAX) if name in amounts])
    found |= {f"{name}_minor": (True, terms) for name, terms in sums.items()}
    return found


def _amounts(entry: Entry, payload: dict[str, Any]) -> Iterator[tuple[str, Term]]:
    """The amounts that an event states, which replace all that were stated before."""
    where = {Order.Placed.TOPIC: "amounts", Order.PriceChanged.TOPIC: "new",
             Order.LinesChanged.TOPIC: "new_amounts",
             Order.PiecesCancelled.TOPIC: "new_amounts"}.get(entry.type)
    if entry.type == Order.Corrected.TOPIC and payload["fact"] == "amounts":
        where = "new"
    for name, value in (payload.get(where) or {}).items() if where else ():
        if value is not None:
            yield name, Term(entry.position, entry.type, f"/{where}/{name}", 1, value)


def _sums(entry: Entry, payload: dict[str, Any]) -> Iterator[tuple[str, Term]]:
    """What an event adds to what was paid or refunded."""
    name = {Order.Paid.TOPIC: "paid", Order.RefundRecorded.TOPIC: "refunded"}.get(entry.type)
    if name is not None:
        yield name, Term(entry.position, entry.type, "/amount_minor", 1, payload["amount_minor"])
    elif entry.type == Order.Corrected.TOPIC and payload["fact"] in ("paid", "refunded"):
        name = payload["fact"]
        for where, factor in (("new", 1), ("old", -1)):
            pointer = f"/{where}/{name}_minor"
            yield name, Term(entry.position, entry.type, pointer, factor,
                             payload[where][f"{name}_minor"])
