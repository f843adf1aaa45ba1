"""What a read model keeps of an order: enough for its next event, and for the reports on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

import msgspec

from ledger.common.personal import Personal
from ledger.orders.goods import Goods, States
from ledger.orders.money import Balance
from ledger.orders.order import Order
from ledger.orders.values import PREPAID, Amounts, Parcel, PartsBack


class Kept(msgspec.Struct, omit_defaults=True):
    """An order. `lines`: the SKU of each and its pieces by state.

    `imported` is for the keeper to say, since it stands in no event. The warehouse, the owner, when
    it was placed and the open exceptions are not in here: who keeps an order looks for them, and
    keeps them by themselves.
    """

    lines: dict[str, tuple[str | None, States]] = {}
    parcels: dict[str, Parcel] = {}
    imported: bool = False
    approved: bool = False
    submitted: bool = False
    held_for: tuple[Personal | None, int] | None = None
    ended: str = ""
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    amounts: Amounts = Amounts()
    paid_at: datetime | None = None
    balance: Balance = Balance()
    refunds_known: bool = True
    terms: str = PREPAID
    parts_back: dict[str, dict[str, PartsBack]] = {}

    @classmethod
    def of(cls, order: Order, *, skus: Mapping[str, str | None], imported: bool) -> Self:
        """What is kept of an order, whose lines have these SKUs."""
        return cls(
            {line: (skus[line], states) for line, states in order.goods.items()},
            order.parcels, imported, order.approved, order.submitted, order.held_for,
            order.ended, order.dispatched_at, order.delivered_at, order.amounts,
            order.paid_at, order.balance, order.refunds_known, order.terms, order.parts_back)

    @property
    def goods(self) -> Goods:
        """Its pieces."""
        return Goods({line: states for line, (_, states) in self.lines.items()})

    def restored(self, stream: str, *, warehouse: str, exceptions: dict[str, str]) -> Order:
        """The order again, for its next event; `exceptions` are the kinds of the open ones."""
        order = Order.blank(stream)
        order.goods = self.goods
        order.parcels = self.parcels
        order.approved, order.submitted = self.approved, self.submitted
        order.held_for = self.held_for
        order.ended = self.ended
        order.dispatched_at, order.delivered_at = self.dispatched_at, self.delivered_at
        order.amounts, order.paid_at = self.amounts, self.paid_at
        order.balance, order.refunds_known = self.balance, self.refunds_known
        order.terms = self.terms
        order.parts_back = self.parts_back
        order.warehouse, order.exceptions = warehouse, exceptions
        return order
