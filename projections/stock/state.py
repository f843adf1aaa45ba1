"""The stock that a batch of events touches, while they are folded into it."""

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec

from ledger.common.days import Days
from ledger.stock.pieces import NAMES
from projections.stock import low
from projections.stock.tables import LEVELS

Item = tuple[str, str]
"""A SKU and a warehouse."""

Noticed = tuple[str, str]
"""What of an item a notice is about: a place, and a bin of the shelf."""


class Notice(msgspec.Struct, gc=False):
    """A notice while it is open, and when it is closed."""

    opened_position: int
    opened_at: int
    threshold: int
    lowest: int
    document: str | None
    closed_position: int | None
    closed_at: int | None
    position: int


class Stocked(msgspec.Struct, gc=False):
    """An item: `key` begins its rows, `levels` are in the order of `LEVELS`, `bins` what each holds
    and the position of its last change. The lists are what is new. `position` is that of the last
    event that posted to it, 0 before there is one; `stored` says that it has a row of levels."""

    key: tuple[bytes, str, str]
    levels: list[int]
    position: int = 0
    stored: bool = False
    bins: dict[str, tuple[int, int]] = {}
    open: dict[Noticed, Notice] = {}
    closed: list[tuple[Noticed, Notice]] = []
    deltas: list[tuple[Any, ...]] = []
    bin_deltas: list[tuple[Any, ...]] = []


class Inventory(msgspec.Struct):
    """The items of a batch, also by the accounts that name them, and what is said of SKUs. `days`
    are those of the ledger, `until` is the business time up to which it is folded; None: all of it.
    """

    ledger: bytes
    days: Days
    until: int | None = None
    items: dict[Item, Stocked] = {}
    accounts: dict[str, Stocked] = {}
    thresholds: dict[str, tuple[int, int]] = {}
    thresholds_set: set[str] = set()
    for_others: dict[str, tuple[int, int]] = {}
    for_others_set: set[str] = set()
    units: dict[str, tuple[str, int]] = {}
    rules: dict[int, low.Rule] = {}

    def takes(self, at: int) -> bool:
        """Whether what happened at a time is folded."""
        return self.until is None or at <= self.until

    def item(self, sku: str, warehouse: str) -> Stocked:
        """An item; one that nothing was posted to before is empty."""
        known = self.items.get((sku, warehouse))
        if known is None:
            known = Stocked((self.ledger, sku, warehouse), [0] * len(LEVELS))
            self.items[sku, warehouse] = known
        return known

    def of_account(self, account: str) -> Stocked:
        """The item that an account names."""
        known = self.accounts.get(account)
        if known is None:
            known = self.accounts[account] = self.item(*item_of(account))
        return known


@lru_cache(NAMES)
def item_of(account: str) -> Item:
    """The SKU and the warehouse of an account."""
    _, warehouse, sku = account.split(":")
    return unquote(sku), unquote(warehouse)
