"""What the tests of the read models share: faults to fold, histories to record, a model to check.

The model knows nothing of the code under test: plain dictionaries, one event at a time.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.context import Context
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.imports import profiles
from ledger.imports.importer import run_import
from ledger.log.envelope import Entry
from ledger.orders.commands import ChangePrice, CorrectOrder, EndOrder, PayOrder, RefundOrder
from ledger.orders.values import Amounts
from tests.support.builders import CONTEXT, NOON, place, record, stream

IMPORT = Context(actor="cli:1", role="integration", client="test", subjects=("import:7",),
                 source={"import": "7", "rows": [1]})

UNSET = {"declared": None, "paid": None, "paid_minor": None, "dispatched": None, "courier": None,
         "waybill": None, "ended": None, "ended_as": ""}


def tell(number: object, **fields: Any) -> Command:
    """What a file declares of an order: nothing but that it was placed, unless told otherwise."""
    return record(number, **{**UNSET, "lines": None, **fields})


def refund(number: object, amount_minor: int, **fields: Any) -> RefundOrder:
    """A refund of an order."""
    return RefundOrder(**{"order": stream(number), "occurred_at": NOON + timedelta(days=2),
                          "amount_minor": amount_minor, "reference": f"R{amount_minor}",
                          **fields})


def correct(number: object, fact: str, amount_minor: int, **fields: Any) -> CorrectOrder:
    """A correction of what was paid or refunded in all."""
    return CorrectOrder(**{"order": stream(number), "occurred_at": NOON + timedelta(days=3),
                           "fact": fact, "amount_minor": amount_minor, "reason": "typed wrong",
                           **fields})


def put(ledger: Ledger, *commands: Command, context: Context = CONTEXT) -> None:
    """Record commands; each must be taken."""
    for result in ledger.handle_many([(command, context) for command in commands]):
        if isinstance(result, LedgerError):
            raise result


def bring(ledger: Ledger, *files: Path, profile: str, folder: Path) -> None:
    """Import files; every row must be taken."""
    summary = run_import(ledger, files, profiles.find(profile), staging_dir=folder / "staging",
                         context=Context(actor="cli:1", role="integration", client="test"))
    assert summary.accepted == summary.rows > 0
    summary.close()


def try_all(ledger: Ledger, items: Iterable[tuple[Command, Context]]) -> None:
    """Record what the rules take of some commands."""
    ledger.handle_many(list(items))


# -- random histories ---------------------------------------------------------------------------

numbers = st.integers(1, 4)
moments = st.integers(0, 20).map(lambda hours: NOON + timedelta(hours=hours))
sums = st.integers(0, 500)
references = st.integers(1, 50).map("P{}".format)
amounts = st.builds(Amounts, total_minor=st.none() | sums, goods_minor=st.none() | sums,
                    postage_minor=st.none() | sums, discount_minor=st.none() | st.just(0))


def _moment(at: Any) -> Moment:
    return Moment(at, "", at.hour % 3 == 0)


@st.composite
def declarations(draw: st.DrawFn) -> Command:
    """What a file declares of an order, with times in any order."""
    fields: dict[str, Any] = {"amounts": draw(amounts), "placed": Moment(NOON)}
    if draw(st.booleans()):
        fields |= {"paid": _moment(draw(moments)), "paid_minor": draw(sums)}
    if draw(st.booleans()):
        fields |= {"refunded": _moment(draw(moments)), "refunded_minor": draw(sums)}
    if draw(st.booleans()):
        fields["dispatched"] = _moment(draw(moments))
    if draw(st.booleans()):
        fields["delivered"] = _moment(draw(moments))
    if draw(st.booleans()):
        fields |= {"ended": _moment(draw(moments)),
                   "ended_as": draw(st.sampled_from(["completed", "closed", "cancelled"]))}
    if draw(st.booleans()):
        fields["declared"] = Moment(draw(moments))
    return tell(draw(numbers), **fields)


@st.composite
def decisions(draw: st.DrawFn) -> Command:
    """A command on an order, which may refuse it."""
    number, at = draw(numbers), draw(moments)
    about = {"order": stream(number), "occurred_at": at}
    kind = draw(st.sampled_from(["place", "price", "pay", "refund", "correct", "costs", "end"]))
    if kind == "place":
        return place(number, occurred_at=at, amounts=Amounts(total_minor=draw(sums)), lines=None)
    if kind == "price":
        return ChangePrice(**about, amounts=Amounts(total_minor=draw(sums)))
    if kind == "pay":
        return PayOrder(**about, amount_minor=draw(st.integers(1, 500)), reference=draw(references))
    if kind == "refund":
        return RefundOrder(**about, amount_minor=draw(st.integers(1, 500)),
                           reference=draw(references))
    if kind == "correct":
        return correct(number, draw(st.sampled_from(["paid", "refunded"])), draw(sums),
                       occurred_at=at)
    if kind == "costs":
        return CorrectOrder(**about, fact="amounts", amounts=Amounts(total_minor=draw(sums)),
                            reason="typed wrong")
    return EndOrder(**about, ended_as=draw(st.sampled_from(["completed", "closed", "cancelled"])))


histories = st.lists(
    st.tuples(declarations() | decisions(), st.sampled_from([CONTEXT, IMPORT])), max_size=25)


# -- the model ----------------------------------------------------------------------------------


def naive(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """The orders that entries tell of, by subject. Times are microseconds."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        payload = msgspec.json.decode(entry.payload)
        if entry.type == "order.placed.v1":
            found[entry.stream] = {
                "currency": payload["currency"], "amounts": payload["amounts"], "paid": 0,
                "refunded": 0, "paid_at": None, "ended": None, "taken": set(),
                "told": "refunds" not in payload.get("unstated", [])}
        if entry.stream not in found:
            continue
        order = found[entry.stream]
        order["position"] = entry.position
        if payload.get("corrected_version", entry.version) in {*order["taken"], entry.version}:
            order["taken"].add(entry.version)
            _take(order, entry, payload)
    return found


def _take(order: dict[str, Any], entry: Entry, payload: dict[str, Any]) -> None:
    match entry.type.split(".")[1]:
        case "paid":
            order["paid"] += payload["amount_minor"]
            if order["paid_at"] is None:
                order["paid_at"] = entry.occurred_at
        case "refund_recorded":
            order["refunded"] += payload["amount_minor"]
            order["told"] = True
        case "price_changed":
            order["amounts"] = payload["new"]
        case "corrected" if payload["fact"] == "amounts":
            order["amounts"] = payload["new"]
        case "corrected":
            name = payload["fact"] + "_minor"
            order[payload["fact"]] += payload["new"][name] - payload["old"][name]
        case "completed" | "closed" | "cancelled" as ended:
            order["ended"] = ended


def naive_reconciliation(orders: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the orders of the model add up to, as the report tells it (of CNY)."""
    if not orders:
        return []
    rows = list(orders.values())
    told = {name: [row["amounts"][name] for row in rows if name in row["amounts"]]
            for name in ("goods_minor", "postage_minor", "discount_minor")}
    totals = [total for row in rows if (total := naive_total(row)) is not None]
    paid = [row for row in rows if row["paid_at"] is not None]
    free = sum(row["paid_at"] is None and naive_total(row) == 0 for row in rows)
    paid_minor, refunded_minor = (sum(row[name] for row in rows) for name in ("paid", "refunded"))
    fully = sum(row["refunded"] >= row["paid"] > 0 for row in paid)
    stated_refunds = any(row["told"] for row in rows)
    return [{
        "currency": "CNY",
        "orders": len(rows),
        "unpaid_orders": len(rows) - len(paid) - free,
        "paid_orders": len(paid) + free,
        "refunded_orders": sum(row["refunded"] > 0 for row in rows) if stated_refunds else None,
        "fully_refunded_orders": fully if stated_refunds else None,
        **{name: sum(values) if values else None for name, values in told.items()},
        "total_minor": sum(totals) if totals else None,
        "paid_minor": paid_minor,
        "refunded_minor": refunded_minor if stated_refunds else None,
        "net_minor": paid_minor - refunded_minor if stated_refunds else None,
    }]


def naive_total(row: dict[str, Any]) -> int | None:
    """The total as told, else the sum of its three parts, if all are told."""
    amounts = row["amounts"]
    if "total_minor" in amounts:
        return int(amounts["total_minor"])
    if {"goods_minor", "postage_minor", "discount_minor"} <= amounts.keys():
        return int(amounts["goods_minor"] + amounts["postage_minor"] - amounts["discount_minor"])
    return None
