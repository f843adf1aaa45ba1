"""What is known of a stream once some of its events are folded, as JSON has it."""

from collections.abc import Mapping, Set
from typing import Any

import msgspec

from ledger.common.personal import Personal
from ledger.core.aggregate import Aggregate
from ledger.deductions.deduction import Deduction
from ledger.erasure.record import Erasures, PersonRecord
from ledger.orders.money import Balance
from ledger.orders.order import Order
from ledger.people.attendance import Attendance
from ledger.people.member import Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster
from ledger.policies.book import PolicyBook
from ledger.returns.case import Case
from ledger.scores.account import Account
from ledger.scores.closings import Closings
from ledger.stock.counts import StockCount
from ledger.stock.movements import Movement
from ledger.stock.skus import Sku
from ledger.stock.slips import Slip
from ledger.stock.transfers import Transfer
from ledger.stock.warehouses import Warehouse
from projections.asking.written import Hidden

AGGREGATES: dict[str, type[Aggregate]] = {
    cls.KIND: cls for cls in (Order, Case, Movement, StockCount, Sku, Warehouse, Transfer, Slip,
                              Account, Deduction, PolicyBook, Closings, Member, Post, Roster,
                              Attendance, PersonRecord, Erasures)}
"""What the streams of a kind are, by kind."""

BOOKKEEPING = frozenset({
    "alike", "amounts_before", "changed", "details_before", "last_version", "latest_at",
    "opened_position", "province_before", "recorded", "sealed_for"})
"""What is kept for the rules alone."""


def known_to(aggregate: Aggregate) -> dict[str, Any]:
    """What an aggregate knows, as JSON has it, without bookkeeping; personal values are hidden. The
    sums of an order's money stand by themselves."""
    known = {name: value for name, value in vars(aggregate).items()
             if not name.startswith("_") and name not in BOOKKEEPING}
    if isinstance(balance := known.pop("balance", None), Balance):
        known |= balance._asdict()
    return {name: _as_json(value) for name, value in known.items()}


def _as_json(value: Any) -> Any:
    """A value as JSON has it: what has named parts as an object, a sealed value without its place
    in the log. One of several parts that names others, such as a case and a line, is `CASE/LINE`.
    """
    if isinstance(value, Personal):
        return Hidden.of(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Personal):
        return Hidden.of(value[0])
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _as_json(value._asdict())
    if isinstance(value, Mapping):
        return {"/".join(filter(None, name)) if isinstance(name, tuple) else str(name):
                _as_json(part) for name, part in value.items()}
    if isinstance(value, Set):
        return sorted(map(_as_json, value))
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    return _of_struct(value) if isinstance(value, msgspec.Struct) else _plain(value)


def _of_struct(value: msgspec.Struct) -> Any:
    """What is declared to be left out, is."""
    shown = msgspec.to_builtins(value, enc_hook=str)
    return {name: _as_json(getattr(value, name)) for name in value.__struct_fields__
            if not isinstance(shown, dict) or name in shown}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)
