"""What is changed of an order while it goes on, with the buyer's consent: its lines, and pieces
that are no longer wanted.

Pieces that are reserved stay so, as far as the changed lines still want them.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from ledger.common.personal import Personal, Plain
from ledger.common.values import MAX_INTEGER
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import AmountsNeeded, GoodsMoved, LinesOfSent, NothingLeft
from ledger.orders.goods import Goods, States
from ledger.orders.money import (
    Sums,
    adjusted,
    costs_of,
    less_pieces,
    lines_must_agree,
    sums_must_agree,
    with_lines,
)
from ledger.orders.standing import OrderStanding
from ledger.orders.values import Amounts, Line
from ledger.stock.pieces import Count, quantities, sku_of

LOOSE = ("unreserved", "short", "reserved")
"""States of pieces that nobody has in hand. The first ones are the first to go."""


class Released(NamedTuple):
    """Pieces of a line as it was before, which a change no longer wants; of which state."""

    line: str
    state: str
    pieces: int


class Change(NamedTuple):
    """What a change of lines makes of the pieces. `source` says of a new line which of the lines
    before it goes on, if any."""

    goods: Goods
    source: dict[str, str]
    released: list[Released]


def changed(goods: Goods, old: Collection[Line], new: Collection[Line]) -> Change:
    """The pieces of lines that take the place of others.

    A line goes on where it keeps its name and SKU; else it goes on what another line of the same
    SKU leaves, the first of these that no other does.
    """
    had = {line.line: line.sku for line in old if line.line in goods}
    source = {line.line: line.line for line in new
              if not line.fee and line.line in had and had[line.line] == line.sku}
    gone = [name for name in had if name not in source]
    for line in new:
        if line.fee or line.line in source:
            continue
        if (left := next((name for name in gone if had[name] == line.sku), None)) is not None:
            gone.remove(left)
            source[line.line] = left
    found: dict[str, States] = {}
    released: list[Released] = []
    for line in new:
        if line.fee:
            continue
        before = goods.get(source.get(line.line, ""), {})
        found[line.line] = after = _resized(before, line.quantity)
        released += _released(source.get(line.line, ""), before, after)
    for name in gone:
        released += _released(name, goods[name], {})
    return Change(Goods(found), source, released)


def _resized(states: States, quantity: int) -> States:
    """The pieces of a line of which so many are wanted now: cancelled ones no longer count, and
    those go first that nobody has in hand."""
    if sum(states.values()) == quantity:
        return states
    left = {state: pieces for state, pieces in states.items() if state != "cancelled"}
    more = quantity - sum(left.values())
    if more > 0:
        left["unreserved"] = left.get("unreserved", 0) + more
    for state in LOOSE:
        if more < 0 and (taken := min(-more, left.get(state, 0))):
            left[state] -= taken
            more += taken
    return {state: pieces for state, pieces in left.items() if pieces}


def _released(line: str, before: States, after: States) -> Iterable[Released]:
    for state in ("reserved", "short"):
        if (pieces := before.get(state, 0) - after.get(state, 0)) > 0:
            yield Released(line, state, pieces)


class OrderChanges(OrderStanding):
    """The part of an order that changes its lines, and gives pieces up."""

    # -- facts ------------------------------------------------------------------------------------

    class LinesChanged(Aggregate.Event):
        """The lines were changed, with the buyer's consent, and what the order costs with them;
        both versions stay. No amounts: it costs the same."""

        TOPIC = "order.lines_changed.v1"
        old: list[Line]
        new: list[Line]
        old_amounts: Amounts | None = None
        new_amounts: Amounts | None = None
        consent: Personal | None = None

        def about(self) -> list[str]:
            """The SKUs of its new lines."""
            return list(dict.fromkeys(sku_of(line.sku) for line in self.new if line.sku))

    class PiecesCancelled(Aggregate.Event):
        """Pieces that were not sent yet are no longer wanted, nor to be paid."""

        TOPIC = "order.pieces_cancelled.v1"
        lines: list[Count]
        old_amounts: Amounts | None = None
        new_amounts: Amounts | None = None
        reason: Personal | None = None
        inferred: list[str] = []

    class Stated(Aggregate.Event):
        """A file that was made then spoke of these facts: `lines`, `ended`, and the names of
        details and amounts. What an older file says of them is old news."""

        TOPIC = "order.stated.v1"
        stated_at: datetime
        facts: list[str]
        inferred: list[str] = []

    # -- mutators ---------------------------------------------------------------------------------

    @event(LinesChanged)
    def _lines_changed(self, old, new, old_amounts, new_amounts):
        self._cost_instead(old_amounts, new_amounts)
        if not old:
            self._know_lines(new)
            return
        self.lines_before = self.lines_before or tuple(old)
        change = changed(self.goods, old, new)
        self.lines = {line.line: line for line in new}
        self.goods = change.goods
        self.parts = {name: self.parts[before] for name, before in change.source.items()
                      if before in self.parts}
        self.changed = True

    @event(PiecesCancelled)
    def _pieces_cancelled(self, lines, old_amounts, new_amounts):
        self._cost_instead(old_amounts, new_amounts)
        self._move(lines, LOOSE, "cancelled")
        self.changed = True

    @event(Stated)
    def _stated(self, stated_at, facts):
        self.stated = {**self.stated, **dict.fromkeys(facts, stated_at)}

    def _cost_instead(self, old: Amounts | None, new: Amounts | None) -> None:
        if new is not None:
            self.amounts_before = self.amounts_before or old
            self._cost(new)

    # -- rules ------------------------------------------------------------------------------------

    def change_lines(
        self, new: list[Line], consent: Plain, amounts: Amounts | None = None, *,
        occurred_at: datetime,
    ) -> None:
        """Other lines: what is in hand or was sent of a line stays; and what they cost, which is
        derived where nobody says it. Errors: R-ORD-03, R-ORD-06, R-ORD-20, GoodsMoved (R-ORD-25),
        LinesOfSent (R-ORD-46), R-ORD-07, R-ORD-53, R-ORD-54, AmountsNeeded (R-ORD-62)."""
        self.must_be_open()
        if self.lines is None and self.warehouse and (self.dispatched_at or self.delivered_at):
            raise LinesOfSent(order=self.id, warehouse=self.warehouse)
        old = list((self.lines or {}).values())
        if old == new and amounts in (None, self.amounts):
            return
        change = changed(self.goods, old, new)
        self._must_keep_what_moved(change, new)
        costs = self._costs(old, new, amounts, quantities(change.goods.in_states("cancelled")))
        self._lines_changed(old=old, new=new, consent=consent, occurred_at=occurred_at,
                            **self._both(costs))

    def _both(self, costs: Amounts) -> dict[str, Amounts]:
        """What it costs before and after a change, if that is not the same."""
        return {} if costs == self.amounts else {
            "old_amounts": self.amounts, "new_amounts": costs}

    def _costs(
        self, old: list[Line], new: list[Line], amounts: Amounts | None,
        cancelled: Mapping[str, int],
    ) -> Amounts:
        """What changed lines cost. What was never said to agree need not do so now."""
        lines_must_agree(self.id, self.currency, new)
        if self.lines is None:
            return self._costs_of_first(new, amounts)
        costs = with_lines(
            self.amounts, Sums.of(old, self.dropped()), Sums.of(new, cancelled))
        if amounts is not None:
            return costs_of(self.id, self.currency, new, adjusted(amounts, costs),
                            cancelled=cancelled)
        if not 0 <= (costs.total() or 0) <= MAX_INTEGER:
            raise AmountsNeeded(order=self.id, total_minor=costs.total(), currency=self.currency)
        return costs

    def _costs_of_first(self, new: list[Line], amounts: Amounts | None) -> Amounts:
        """The same of lines where none were known: they say what it costs where nobody did. A total
        that was stated stays, though they may say another."""
        known = self.amounts
        if amounts is None and known.total() not in (None, Sums.of(new, {}).total_of(known)):
            sums_must_agree(self.id, self.currency, new,
                            Amounts(goods_minor=known.goods_minor), cancelled={})
            return known
        given = known if amounts is None else adjusted(amounts, known)
        return costs_of(self.id, self.currency, new, given, cancelled={})

    def _must_keep_what_moved(self, change: Change, new: list[Line]) -> None:
        wanted = {line.line: line.quantity for line in new if not line.fee}
        for name, states in self.goods.items():
            moved = {state: pieces for state, pieces in states.items()
                     if state not in (*LOOSE, "cancelled")}
            kept = wanted[name] if change.source.get(name) == name else 0
            if (pieces := sum(moved.values())) > kept:
                raise GoodsMoved(order=self.id, line=name, pieces=pieces, state=" or ".join(moved),
                                 kept=kept)

    def cancel_pieces(
        self, lines: list[Count], reason: Plain, *, occurred_at: datetime
    ) -> None:
        """Pieces that nobody has in hand are given up; an order of which nothing would be left is
        ended instead. Errors: R-ORD-03, R-ORD-06, R-ORD-22, R-ORD-29, NothingLeft (R-ORD-36)."""
        self.must_not_have_ended()
        self.must_have(lines, LOOSE)
        left = sum(sum(states.values()) - states.get("cancelled", 0)
                   for states in self.goods.values())
        if sum(quantities(lines).values()) == left:
            raise NothingLeft(order=self.id)
        costs = less_pieces((self.lines or {}).values(), self.amounts, self.dropped(),
                            quantities(lines))
        self._pieces_cancelled(lines=lines, reason=reason, occurred_at=occurred_at,
                               **self._both(costs))
