"""The story of one order: its events up to a cut, and the order that they lead to.

It is read from the order's own stream, for what no row keeps: titles of lines, remarks, who changed
what.
"""

from typing import Any, NamedTuple

from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.money import gross_of, shares_of
from ledger.orders.order import Order
from ledger.orders.state import is_imported
from projections.asking.clocks import Cut
from projections.orders.fulfilment import Tracked


class Story(NamedTuple):
    """An order after some of its events, and these."""

    tracked: Tracked
    facts: list[tuple[Entry, Any]]

    @property
    def order(self) -> Order:
        """The order."""
        return self.tracked.order

    def described(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Lines of a report's row, each with its title and attributes, its amount, its share of
        the discount, and what it costs after that. Units: minor units; a fee has no share. The
        amounts are those of the pieces that nobody cancelled."""
        order, known = self.order, self.order.lines or {}
        dropped = order.dropped()
        shares = shares_of(known.values(), order.amounts, dropped)
        net = order.net_of_lines()
        return [{**row, "title": line and line.title, "attributes": line and line.attributes,
                 "amount_minor": line and gross_of(line, dropped.get(line.line, 0)),
                 "discount_minor": shares.get(row["line"]), "net_minor": net.get(row["line"])}
                for row in lines for line in [known.get(row["line"])]]


def story_of(store: Store, ledger: str, order: str, cut: Cut) -> Story | None:
    """The story of an order as of a cut; None where it was not placed by then."""
    tracked: Tracked | None = None
    facts: list[tuple[Entry, Any]] = []
    for entry in store.streams(ledger, [order]) if order.startswith(f"{Order.KIND}:") else ():
        if not cut.takes(entry):
            continue
        event = event_types.decode(entry)
        if tracked is None and not isinstance(event, Order.Placed):
            continue
        if tracked is None:
            tracked = Tracked(Order.blank(order), imported=is_imported(entry))
        tracked.take(entry, event, wholly=True)
        facts.append((entry, event))
    return None if tracked is None else Story(tracked, facts)
