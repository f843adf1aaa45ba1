"""Links of the description: from what was made or listed to what can be read and done of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

SUBJECT = "$response.body#/subject"
ETAG = "$response.header.ETag"


class Onward(NamedTuple):
    """Where an operation leads: to all that lies at `start` and takes just these parameters of the
    path, each with the runtime expression of its value; `to` says whether that is reads, commands
    or both. `seen`: the answer bears the version that a decision rests on."""

    start: str
    given: Mapping[str, str]
    to: frozenset[str] = frozenset({"get"})
    seen: bool = False


def _first(name: str) -> str:
    return f"$response.body#/items/0/{name}"


ORDERS = Onward("/v1/orders/{order}", {"order": _first("subject")})
LISTS: Mapping[str, Onward] = {
    **dict.fromkeys(("list_orders", "list_fulfilment", "list_exceptions", "list_to_review",
                     "list_to_pick", "list_to_send"), ORDERS),
    "list_returns": Onward("/v1/returns/{case}", {"case": _first("subject")}),
    "list_deductions": Onward("/v1/deductions/{deduction}", {"deduction": _first("deduction")}),
    "list_inventory": Onward(
        "/v1/inventory/{subject}", {"subject": "sku:{$response.body#/items/0/sku}"}),
    "list_staff": Onward("/v1/members/{subject}", {"subject": _first("member")}),
    "list_attendance": Onward("/v1/attendance/{subject}", {"subject": _first("member")}),
    "list_leave": Onward("/v1/leaves/{subject}", {"subject": _first("member")}),
    "list_scores": Onward("/v1/scores/{member}", {"member": _first("member")}),
    "list_to_approve": Onward("/v1/stock-movements/{movement}", {"movement": _first("movement")},
                              to=frozenset({"get", "post"})),
    **dict.fromkeys(("list_transfers", "list_open_transfers"), Onward(
        "/v1/transfers/{subject}", {"subject": _first("transfer")})),
    "start_import": Onward("/v1/imports/{job}", {"job": "$response.body#/import"}),
    "read_import": Onward("/v1/imports/{job}", {"job": "$request.path.job"}),
    "find_persons": Onward("/v1/persons/{person}", {"person": "$response.body#/persons/0"}),
    "send_transfer": Onward("/v1/transfers/{number}", {"number": "$request.body#/number"},
                            to=frozenset({"post"})),
    "request_leave": Onward(
        "/v1/members/{member}/leaves/{number}",
        {"member": "$request.path.member", "number": "$request.body#/number"},
        to=frozenset({"post"})),
}
"""By the name of an operation, where it leads; others lead by what their routes say."""


def link(operations: Mapping[str, Any]) -> None:
    """Add the links of all operations, by their names."""
    for name, one in operations.items():
        for onward in _onward(name, one):
            found = {other: _link(onward, target) for other, target in operations.items()
                     if other != name and _leads(onward, target)}
            if found:
                _add(one.spec["responses"], found)


def _add(answers: Mapping[str, dict[str, Any]], found: Mapping[str, Any]) -> None:
    for status, answer in answers.items():
        if status[0] == "2":
            answer.setdefault("links", {}).update(found)


def _onward(name: str, one: Any) -> Iterator[Onward]:
    """Where an operation leads: a command to what it made, or was about; a single thing to all that
    can be done with it."""
    if name in LISTS:
        yield LISTS[name]
    inside = re.findall("{([^}]*)}", one.path)
    if one.route is not None and one.route.location:
        start, taken = one.route.location, one.path.count("{")
        yield from (Onward(f"{start}/{{{each}}}", {each: SUBJECT}, seen=True)
                    for each in ("order", "case", "deduction", "movement", "subject") if not taken)
    elif len(inside) == 1:
        start = one.path.partition("}")[0] + "}"
        seen = "ETag" in one.spec["responses"].get("200", {}).get("headers", {})
        single = one.method == "get" and one.path == start and seen
        yield Onward(start, {inside[0]: f"$request.path.{inside[0]}"}, seen=seen,
                     to=frozenset({"post"}) if single else frozenset({"get"}))


def _leads(onward: Onward, target: Any) -> bool:
    return (target.path.startswith(onward.start) and target.method in onward.to
            and set(re.findall("{([^}]*)}", target.path)) == set(onward.given))


def _link(onward: Onward, target: Any) -> dict[str, Any]:
    """A link; what takes a version gets the one that was seen."""
    given = {f"path.{name}": expression for name, expression in onward.given.items()}
    if onward.seen and any(one["name"] == "If-Match" for one in target.spec["parameters"]):
        given["header.If-Match"] = ETAG
    return {"operationId": target.spec["operationId"], "parameters": given}
