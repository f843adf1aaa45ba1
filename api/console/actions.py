"""What can be done with a thing as it stands: the buttons of its page.

The rules decide when something is sent; a button is there where the state of the thing and the role
of the visitor leave it open, and its form is filled in with what the page knows.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from api.console import command_words, forms
from api.http.routes import caller

Thing = Mapping[str, Any]


class Action(NamedTuple):
    """A button: what it says, its form, and whether that is what usually comes next."""

    label: str
    address: str
    next: bool


NEXT = frozenset((
    "order.approve", "order.submit", "order.reserve", "order.pick", "order.check", "order.pack",
    "order.dispatch", "order.deliver", "case.authorise", "case.match", "case.receive_goods",
    "case.inspect", "case.approve_refund", "case.pay_refund", "deduction.confirm", "month.seal"))
"""The commands by which things go their usual way."""


class _Possible(NamedTuple):
    """A command on a kind of thing: when it is open, and what its form is filled in with."""

    command: str
    when: Callable[[Thing], bool]
    filled: Callable[[Thing], Iterator[tuple[str, Any]]] = lambda thing: iter(())


def actions(kind: str, thing: Thing, given: Mapping[str, str], version: str | None) -> list[Action]:
    """What the visitor may do with a thing now: nothing, where they look at the past."""
    return [Action(command_words.command(one.command), forms.address(
        one.command, {"version": version, **given, **dict(one.filled(thing))}), one.command in NEXT)
        for one in POSSIBLE[kind] if forms.is_allowed(one.command) and one.when(thing)]


# -- orders ---------------------------------------------------------------------------------------


def _is_open(order: Thing) -> bool:
    return order["review_status"] not in ("cancelled", "closed", "completed")


def _has(*states: str) -> Callable[[Thing], bool]:
    return lambda order: any((order.get("pieces") or {}).get(state) for state in states)


def _reviewed(*statuses: str) -> Callable[[Thing], bool]:
    return lambda order: order["review_status"] in statuses


def _lines(state: str) -> Callable[[Thing], Iterator[tuple[str, Any]]]:
    """The lines with pieces in a state, and how many."""
    def filled(order: Thing) -> Iterator[tuple[str, Any]]:
        found = [line for line in order.get("lines") or () if line.get(state)]
        for row, line in enumerate(found):
            yield f"lines.{row}.line", line["line"]
            yield f"lines.{row}.quantity", line[state]

    return filled


def _parcel(*states: str) -> tuple[Callable[[Thing], bool], Callable[[Thing], Any]]:
    def parcels(order: Thing) -> list[str]:
        return [one["parcel"] for one in order.get("parcels") or () if one["state"] in states]

    return (lambda order: bool(parcels(order)),
            lambda order: iter([("parcel", parcels(order)[0])]))


def _packing(order: Thing) -> Iterator[tuple[str, Any]]:
    yield "parcel", f"P{len(order.get('parcels') or ()) + 1}"
    yield from _lines("picked")(order)


_ORDER = (
    _Possible("order.approve", _reviewed("pending_review", "imported")),
    _Possible("order.submit", _reviewed("approved")),
    _Possible("order.reserve", lambda order: _is_open(order) and _has(
        "unreserved", "short")(order)),
    _Possible("order.pick", _has("reserved"), _lines("reserved")),
    _Possible("order.check", _has("picked"), lambda order: iter([("passed", "true")])),
    _Possible("order.pack", _has("picked"), _packing),
    _Possible("order.dispatch", *_parcel("packed")),
    _Possible("order.report_transit", *_parcel("dispatched")),
    _Possible("order.deliver", *_parcel("dispatched", "in_transit")),
    _Possible("order.refuse_parcel", *_parcel("dispatched", "in_transit")),
    _Possible("order.lose_parcel", *_parcel("dispatched", "in_transit", "returning_to_sender")),
    _Possible("order.void_parcel", *_parcel("packed")),
    _Possible("order.unpick", _has("picked"), _lines("picked")),
    _Possible("order.pay", lambda order: order["payment_status"] in ("unpaid", "part_paid")
              and _is_open(order)),
    _Possible("order.refund", lambda order: order["payment_status"] in (
        "paid", "overpaid", "part_refunded")),
    _Possible("order.cancel_pieces", lambda order: _is_open(order) and _has(
        "unreserved", "short", "reserved", "picked")(order)),
    _Possible("order.hold", _reviewed("pending_review", "approved", "submitted", "imported")),
    _Possible("order.lift_hold", _reviewed("on_hold")),
    _Possible("order.open_exception", _is_open),
    _Possible("order.close_exception", lambda order: bool(order.get("exceptions")),
              lambda order: iter([("exception", order["exceptions"][0]["exception"])])),
    _Possible("order.change_lines", _reviewed("pending_review", "approved")),
    _Possible("order.correct_details", _reviewed("pending_review", "approved", "submitted")),
    _Possible("order.assign", _is_open),
    _Possible("order.remark", lambda order: True),
    _Possible("order.end", _is_open),
    _Possible("case.request", _has("delivered", "in_transit"), lambda order: iter([
        ("order", order["subject"]), ("channel", order["channel"]), ("shop", order["shop"]),
        ("currency", order["currency"])])),
    _Possible("deduction.propose", lambda order: True, lambda order: iter([
        ("about", order["subject"])])),
)


# -- cases, deductions, members, months -----------------------------------------------------------


def _in_state(*states: str) -> Callable[[Thing], bool]:
    return lambda thing: thing["state"] in states


def _inspecting(case: Thing) -> Iterator[tuple[str, Any]]:
    found = [line for line in case["lines"] if line["awaiting_inspection"]]
    for row, line in enumerate(found):
        yield f"lines.{row}.line", line["line"]
        yield f"lines.{row}.quantity", line["awaiting_inspection"]


def _receiving(case: Thing) -> Iterator[tuple[str, Any]]:
    yield "warehouse", case["warehouse"]
    for row, line in enumerate(line for line in case["lines"] if line["awaited"]):
        yield f"lines.{row}.line", line["line"]
        yield f"lines.{row}.quantity", line["awaited"]


_CASE = (
    _Possible("case.authorise", _in_state("requested")),
    _Possible("case.reject", _in_state("requested")),
    _Possible("case.match", _in_state("unidentified")),
    _Possible("case.receive_goods", lambda case: bool(case["pieces"]["awaited"]), _receiving),
    _Possible("case.inspect", lambda case: bool(case["pieces"]["awaiting_inspection"]),
              _inspecting),
    _Possible("case.approve_refund", _in_state("authorised", "declared")),
    _Possible("case.pay_refund", lambda case: bool(case.get("approved_minor"))
              and case.get("approved_minor") != case.get("paid_minor")),
    _Possible("case.withdraw", _in_state("requested", "authorised")),
    _Possible("case.close", _in_state("authorised", "declared", "unidentified")),
)


def _is_charged(deduction: Thing) -> bool:
    """Whether the visitor is charged: whoever is acts for themselves."""
    return deduction["state"] == "confirmed" and any(
        share["member"] == caller().actor for share in deduction["shares"])


def _is_appealed(deduction: Thing) -> bool:
    return any((share["appeal"] or {}).get("state") == "appealed" if isinstance(
        share["appeal"], dict) else share["appeal"] == "appealed" for share in deduction["shares"])


def _appellant(deduction: Thing) -> Iterator[tuple[str, Any]]:
    for share in deduction["shares"]:
        if share["appeal"]:
            yield "member", share["member"]
            return


_DEDUCTION = (
    _Possible("deduction.confirm", _in_state("proposed")),
    _Possible("deduction.dismiss", _in_state("proposed")),
    _Possible("deduction.name_offender", _in_state("proposed")),
    _Possible("deduction.waive", _in_state("confirmed")),
    _Possible("deduction.charge_supervisor", lambda one: bool(one["share_open"])),
    _Possible("deduction.give_up_share", lambda one: bool(one["share_open"])),
    _Possible("deduction.acknowledge", _is_charged),
    _Possible("deduction.appeal", _is_charged),
    _Possible("deduction.uphold", _is_appealed, _appellant),
    _Possible("deduction.reduce", _is_appealed, _appellant),
    _Possible("deduction.overturn", _is_appealed, _appellant),
)

_MONTH = (
    _Possible("month.seal", _in_state("open", "reopened"), lambda month: iter([
        ("digest", month.get("digest"))])),
    _Possible("month.reopen", _in_state("sealed")),
    _Possible("month.restate", _in_state("reopened", "sealed"), lambda month: iter([
        ("digest", month.get("digest"))])),
)

_MEMBER = tuple(_Possible(command, lambda member: bool(member["here"])) for command in (
    "member.set_supervisor", "member.record_attendance", "member.correct_attendance",
    "member.request_leave", "member.hand_over_shift", "member.change_details",
    "member.leave_shop"))

_SKU = (
    _Possible("sku.register", lambda sku: True, lambda sku: iter([("sku", sku["sku"])])),
    _Possible("sku.set_threshold", lambda sku: True),
    _Possible("sku.price", lambda sku: True),
    _Possible("sku.alias", lambda sku: True),
    _Possible("sku.bundle", lambda sku: True),
    _Possible("stock.move", lambda sku: True, lambda sku: iter([("moves.0.sku", sku["sku"])])),
    _Possible("stock.count", lambda sku: True, lambda sku: iter([("counts.0.sku", sku["sku"])])),
)

POSSIBLE: Mapping[str, tuple[_Possible, ...]] = {
    "order": _ORDER, "case": _CASE, "deduction": _DEDUCTION, "month": _MONTH, "member": _MEMBER,
    "sku": _SKU}
"""By kind of thing, in the order in which they usually come."""
