"""The pages of orders and of cases: figures, what became of them, who did what, and what is next.
"""

from typing import Any

from flask import Response, request

from api.console import asking, pages
from api.console.actions import actions
from api.console.asking import ask, ask_if, at
from api.console.tables import of_report, part
from api.console.timelines import timeline
from ledger.access.readings import PURPOSES
from projections.orders.answers import DescribedLine, ParcelRow
from projections.returns import CaseLineRow


@pages.thing("/orders/<order>", "order")
def order(order: str, form: str | None) -> Response:
    """One order, as of the moment that the address says."""
    path, clocks = at("orders", order), pages.clocks()
    found = ask(path, clocks)
    history = timeline(at("orders", order, "history"), clocks, currency=found.item["currency"])
    if form is not None:
        return history.as_file(form, order)
    item = found.item
    lines = part(DescribedLine, _columns_of_lines(item), item.get("lines") or [])
    cases = ask_if("returns.list-returns", "/v1/returns", {"order": order, **clocks})
    return pages.render(
        "order.html", order=item, as_of=found.as_of, history=history, lines=lines,
        parcels=part(ParcelRow, "parcel state courier waybill", item.get("parcels") or []),
        cases=of_report("returns", "subject state kind opened_at",
                        [] if cases is None else cases.items),
        refused=_refused(order), explained=asking.may("explaining.explanation"),
        actions=actions("order", item, {"order": order}, found.version))


def _columns_of_lines(item: dict[str, Any]) -> str:
    """Those of the states in which pieces are, beside what every line has."""
    states = [name for name, count in (item.get("pieces") or {}).items() if count]
    return " ".join(["line", "sku", "title", "ordered", *states, "net_minor"])


def _refused(order: str) -> list[dict[str, Any]]:
    """What somebody tried with an order, and was refused: where that is asked for."""
    if "refused" not in request.args:
        return []
    found = ask_if("log.audit", "/v1/audit", {
        "subject": order, "type": "command.refused.v1", **pages.clocks()})
    return [] if found is None else found.items


@pages.thing("/returns/<case>", "case")
def case(case: str, form: str | None) -> Response:
    """One after-sales case."""
    clocks = pages.clocks()
    found = ask(at("returns", case), clocks)
    history = timeline(at("returns", case, "history"), clocks, currency=found.item["currency"])
    if form is not None:
        return history.as_file(form, case)
    item = found.item
    states = [name for name, count in item["pieces"].items() if count]
    return pages.render(
        "case.html", case=item, as_of=found.as_of, history=history,
        lines=part(CaseLineRow, " ".join(["line", "sku", "quantity", *states]), item["lines"]),
        actions=actions("case", item, {"case": case}, found.version))


@pages.page("/slip/<order>", "slip")
def slip(order: str) -> Response:
    """What somebody opens the slip of an order for, before it is shown."""
    if not asking.may("orders.slip"):
        raise asking.denied("orders.slip")
    return pages.render("slip.html", order=order, purposes=PURPOSES, slip=None, problem=None)


@pages.page("/slip/<order>", "slip-shown", method="POST")
def slip_shown(order: str) -> Response:
    """The slip with the address: who reads it, and what for, is noted before it is shown."""
    try:
        found = asking.send(at("orders", order, "slip"),
                            {"purpose": request.form.get("purpose", "")}, key=None)
    except asking.Declined as declined:
        return pages.render("slip.html", status=declined.status, order=order, purposes=PURPOSES,
                            slip=None, problem=declined.problem)
    return pages.render("slip.html", order=order, purposes=PURPOSES, slip=found.item, problem=None)
