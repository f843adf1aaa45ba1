"""Why sums over many orders are what they are: of each order, payment, refund and paper what it
counts for. Which of them belong to a sum is found as the reports find it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ledger.log.envelope import Entry
from ledger.orders.folding import Taking
from ledger.stock.slips import Slip
from projections.asking.answering import Reading
from projections.asking.entries import entries_at
from projections.asking.periods import period_of
from projections.explaining import orders as of_one
from projections.explaining.formulas import Event, Figures, Step, add, less
from projections.explaining.limits import few
from projections.explaining.orders import KnownOrder, known_orders
from projections.orders import takings
from projections.orders.reconciliation import RETURNED, SLIPS
from projections.orders.reports import asked_orders

CHUNK = 500
"""Orders whose events are read at a time."""

PER_ORDER: Mapping[str, Callable[[KnownOrder], Step | None]] = {
    "orders": lambda order: order.placed.read(),
    "paid_orders": of_one.is_paid,
    "refunded_orders": of_one.is_refunded,
    "fully_refunded_orders": of_one.is_fully_refunded,
    "goods_minor": partial(of_one.amount, name="goods_minor"),
    "postage_minor": partial(of_one.amount, name="postage_minor"),
    "discount_minor": partial(of_one.amount, name="discount_minor"),
    "total_minor": of_one.total,
    "lines": of_one.lines,
    "pieces_sold": of_one.pieces,
    "pieces_cancelled": of_one.cancelled_pieces,
    "value": of_one.value,
}
"""What an order counts for in each sum."""

MONEY = ("paid_minor", "refunded_minor")


class Sums:
    """What the orders, payments, refunds and papers of a question add up to."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        asked = asked_orders(reading, period_of(reading.question, reading.days))
        self._placed = few((row for rows in takings.placed(reading.connection, asked)
                            for row in rows), "orders")
        self._taken = few(takings.taken(reading.connection, asked), "payments and refunds")
        self._papers = few(takings.papers(reading.connection, asked), "papers")
        self._orders = self._known(sorted(
            {row.subject for row in self._placed} | {one.subject for one in self._taken}))

    def _known(self, subjects: Sequence[str]) -> dict[str, KnownOrder]:
        reading, found = self._reading, {}
        for at in range(0, len(subjects), CHUNK):
            entries = reading.models.store.streams(reading.ledger, subjects[at:at + CHUNK])
            found.update(known_orders(list(filter(reading.cut.takes, entries))))
        return found

    # -- reconciliation ---------------------------------------------------------------------------

    def of_currency(self, row: dict[str, Any]) -> Figures:
        """The figures of a currency, by their names in the report `reconciliation`."""
        placed = [self._orders[one.subject] for one in self._placed
                  if one.currency == row["currency"]]
        papers = [Event(entry) for entry in self._paper_entries(row["currency"])]
        per_order = {name: partial(_added, placed, papers, name) for name in PER_ORDER}
        money = {name: partial(self._money, name, lambda taken: taken.currency == row["currency"])
                 for name in MONEY}
        return {
            **per_order, **money,
            "unpaid_orders": lambda: less(per_order["orders"](), per_order["paid_orders"]()),
            "net_minor": lambda: less(money["paid_minor"](), money["refunded_minor"]()),
            "pieces_written_off": partial(_added, [], papers, "pieces_written_off"),
            "pieces_found": partial(_added, [], papers, "pieces_found"),
            "difference_minor": lambda: add([
                per_order["total_minor"](), money["paid_minor"]().times(-1),
                money["refunded_minor"]()]),
        }

    def _paper_entries(self, currency: str) -> Iterator[Entry]:
        reading = self._reading
        return entries_at(reading.models.store, reading.ledger, [
            one.position for one in self._papers if one.place[0] == currency])

    def _money(self, name: str, belongs: Callable[[takings.Taken], bool]) -> Step:
        """What was paid or refunded in the period, payment by payment."""
        terms = []
        for one in filter(belongs, self._taken):
            if getattr(one, name):
                terms += [step.called(one.subject)
                          for step in of_one.taken(*self._taking(one), name)]
        return add(terms, name)

    def _taking(self, one: takings.Taken) -> tuple[Taking, Event]:
        return next(found for found in self._orders[one.subject].takings
                    if found[0].position == one.position)

    # -- revenue, takings -------------------------------------------------------------------------

    def of_way(self, row: dict[str, Any], way: str) -> Figures:
        """The figures of a shop, an owner or a day, by their names in the report `revenue`."""
        key, days = (row["currency"], row["of"]), self._reading.days
        placed = [self._orders[one.subject] for one in self._placed
                  if (one.currency, takings.belongs_to(
                      way, (one.subject, one.owner), one.placed_at, days)) == key]

        def belongs(one: takings.Taken) -> bool:
            return (one.currency,
                    takings.belongs_to(way, (one.subject, one.owner), one.at, days)) == key

        money = {name: partial(self._money, name, belongs) for name in MONEY}
        return {"orders": partial(_added, placed, (), "orders"),
                "total_minor": partial(_added, placed, (), "total_minor"), **money,
                "net_minor": lambda: less(money["paid_minor"](), money["refunded_minor"]())}

    def of_taking(self, row: dict[str, Any]) -> Figures:
        """What a payment, refund or correction adds, by its name in the report `takings`."""
        one = next(taken for taken in self._taken if taken.position == row["position"])
        return {name: partial(self._money, name, lambda taken: taken is one) for name in MONEY}


def _added(placed: Iterable[KnownOrder], papers: Iterable[Event], name: str) -> Step:
    """A sum over orders and papers."""
    terms = [] if name not in PER_ORDER else [
        step.called(order.state.subject) for order in placed
        if (step := PER_ORDER[name](order)) is not None]
    terms += [step.called(paper.entry.stream)
              for paper in papers for step in _of_paper(paper, name)]
    return add(terms, name)


def _of_paper(paper: Event, name: str) -> list[Step]:
    """What a declared return or a slip counts for."""
    if name == "lines":
        return [paper.read("/lines")]
    if paper.entry.type == RETURNED:
        if name == "pieces_cancelled":
            return of_one.quantities(paper, "/lines")
        return [one.times(-1) for one in of_one.worth(paper, "/lines")] if name == "value" else []
    assert paper.entry.type == Slip.Recorded.TOPIC
    counted = SLIPS[paper.payload["kind"]] == name
    return of_one.quantities(paper, "/lines") if counted else []
