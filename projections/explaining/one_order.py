"""Every sum of an order with the numbers that it adds up from, for who looks at that order."""

from collections.abc import Iterator
from typing import Any

from ledger.common.decoding import any_json
from ledger.log.store import Store
from ledger.orders.values import AMOUNT_FIELDS
from projections.asking.clocks import AsOf, header
from projections.asking.past import nothing_about
from projections.explaining.formulas import Step
from projections.explaining.orders import KnownOrder, amount, known_orders, money, total


def explain_order(
    store: Store, ledger: str, order: str, as_of: AsOf
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As of what, and the figures of an order.

    Shapes: {subject, currency, figures: {name: {value, terms}}}; value is None where it was never
    stated, else the sum of factor x value over the terms. Units: minor units. Errors:
    NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05).
    """
    cut = as_of.resolve(store, ledger)
    entries = list(filter(cut.takes, store.streams(ledger, [order])))
    as_of_what = header(store, ledger, cut)
    known = known_orders(entries).get(order)
    if known is None:
        raise nothing_about(order, as_of_what)
    return as_of_what, {
        "subject": order, "currency": any_json(known.placed.entry.payload)["currency"],
        "figures": {name: _shown(step) for name, step in _figures(known)}}


def _figures(order: KnownOrder) -> Iterator[tuple[str, Step | None]]:
    for name in AMOUNT_FIELDS:
        yield name, total(order) if name == "total_minor" else amount(order, name)
    for name in ("paid_minor", "refunded_minor"):
        yield name, money(order, name)


def _shown(figure: Step | None) -> dict[str, Any]:
    if figure is None:
        return {"value": None, "terms": []}
    return {"value": int(figure.value), "terms": [
        {"position": one.where.position, "type": one.where.type, "pointer": one.where.pointer,
         "factor": int(one.factor), "value": int(one.value)}
        for one in (figure.terms or (figure,)) if one.where is not None]}
