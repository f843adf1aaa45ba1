"""What the tests of the read models share: faults to fold, histories to record, a model to check.

The model knows nothing of the code under test: plain dictionaries, one event at a time.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import LedgerError
from ledger.log.envelope import Entry
from ledger.order_commands import ChangePrice, EndOrder, PayOrder, RefundOrder
from ledger.order_values import Amounts, Moment
from ledger.receipts import Context
from tests.builders import CONTEXT, NOON, place, record, stream

IMPORT = Context(actor="cli:1", role="integration", client="test", subjects=("import:7",),
                 source={"import": "7", "rows": [1]})

UNSET = {"told": None, "paid": None, "paid_minor": None, "dispatched": None, "courier": None,
         "waybill": None, "ended": None, "ended_as": ""}


def tell(number: object, **fields: Any) -> Command:
    """What a file declares of an order: nothing but that it was placed, unless told otherwise."""
    return record(number, **{**UNSET, "lines": None, **fields})


def refund(number: object, amount_minor: int, **fields: Any) -> RefundOrder:
    """A refund of an order."""
    return RefundOrder(**{"order": stream(number), "occurred_at": NOON + timedelta(days=2),
                          "amount_minor": amount_minor, **fields})


def put(ledger: Ledger, *commands: Command, context: Context = CONTEXT) -> None:
    """Record commands; each must be taken."""
    for result in ledger.handle_many([(command, context) for command in commands]):
        if isinstance(result, LedgerError):
            raise result


def try_all(ledger: Ledger, items: Iterable[tuple[Command, Context]]) -> None:
    """Record what the rules take of some commands."""
    ledger.handle_many(list(items))


# -- random histories ---------------------------------------------------------------------------

numbers = st.integers(1, 4)
moments = st.integers(0, 20).map(lambda hours: NOON + timedelta(hours=hours))
sums = st.integers(0, 500)
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
        fields["told"] = Moment(draw(moments))
    return tell(draw(numbers), **fields)


@st.composite
def decisions(draw: st.DrawFn) -> Command:
    """A command on an order, which may refuse it."""
    number, at = draw(numbers), draw(moments)
    about = {"order": stream(number), "occurred_at": at}
    kind = draw(st.sampled_from(["place", "price", "pay", "refund", "end"]))
    if kind == "place":
        return place(number, occurred_at=at, amounts=Amounts(total_minor=draw(sums)))
    if kind == "price":
        return ChangePrice(**about, amounts=Amounts(total_minor=draw(sums)))
    if kind == "pay":
        return PayOrder(**about, amount_minor=draw(sums))
    if kind == "refund":
        return RefundOrder(**about, amount_minor=draw(st.integers(1, 500)))
    return EndOrder(**about, ended_as=draw(st.sampled_from(["completed", "closed", "cancelled"])))


histories = st.lists(
    st.tuples(declarations() | decisions(), st.sampled_from([CONTEXT, IMPORT])), max_size=25)


# -- the model ----------------------------------------------------------------------------------


def naive(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """The orders that entries tell of: {subject: {currency, total, paid, refunded, …}}."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        payload = msgspec.json.decode(entry.payload)
        if entry.type == "order.placed.v1":
            found[entry.stream] = {
                "currency": payload["currency"], "amounts": payload["amounts"], "paid": 0,
                "refunded": 0, "paid_at": None, "ended": None, "seen": {entry.version},
                "position": entry.position}
        elif entry.stream in found:
            order = found[entry.stream]
            _NAIVE[entry.type](order, payload, entry)
            order["seen"].add(entry.version)
            order["position"] = entry.position
    return found


def _naive_paid(order: dict[str, Any], payload: dict[str, Any], entry: Entry) -> None:
    order["paid"] += payload["amount_minor"]
    if order["paid_at"] is None:
        order["paid_at"] = entry.occurred_at


def _naive_refunded(order: dict[str, Any], payload: dict[str, Any], _entry: Entry) -> None:
    order["refunded"] += payload["amount_minor"]


def _naive_price(order: dict[str, Any], payload: dict[str, Any], _entry: Entry) -> None:
    order["amounts"] = payload["new"]


def _naive_corrected(order: dict[str, Any], payload: dict[str, Any], entry: Entry) -> None:
    if payload["corrects"] not in order["seen"]:
        entry_is_gone = entry.version
        order["seen"].discard(entry_is_gone)
        order["dropped"] = True
        return
    fact, old, new = payload["fact"], payload["old"], payload["new"]
    if fact == "amounts":
        order["amounts"] = new
    else:
        order[fact] += new[f"{fact}_minor"] - old[f"{fact}_minor"]


def _naive_end(order: dict[str, Any], _payload: dict[str, Any], entry: Entry) -> None:
    order["ended"] = entry.type.split(".")[1]


def _naive_nothing(_order: dict[str, Any], _payload: dict[str, Any], _entry: Entry) -> None:
    return None


_NAIVE = {
    "order.paid.v1": _naive_paid, "order.refund_recorded.v1": _naive_refunded,
    "order.price_changed.v1": _naive_price, "order.corrected.v1": _naive_corrected,
    "order.completed.v1": _naive_end, "order.closed.v1": _naive_end,
    "order.cancelled.v1": _naive_end, "order.dispatched.v1": _naive_nothing,
    "order.delivered.v1": _naive_nothing,
}
