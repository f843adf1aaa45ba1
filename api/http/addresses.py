"""What stands in the path of an address: what it is, which form it has, and one that there is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ledger.common.bounds import IdText
from ledger.common.characters import filled
from projections.explaining.figures import EXPLAINED


class InPath(NamedTuple):
    """A parameter of a path: `pattern` is that of JSON Schema."""

    said: str
    pattern: str
    example: str


_ID = filled(IdText.REFUSED)


def _stream(kind: str) -> str:
    """The pattern of a stream of a kind that commands name. What is only asked for may be called
    anything: nothing is known of it."""
    return f"^{kind}:[^{IdText.REFUSED}]+$"


_MEMBER = InPath("A member.", "^member:[A-Za-z0-9][A-Za-z0-9._-]{0,90}$", "member:7f3a")
_ROSTER = InPath("A roster.", "^roster:.+$", "roster:customer_service")
_GOODS = InPath("A SKU in all warehouses, or in one of them.", "^(sku|stock):.+$", "sku:QM-001")
_SKU = InPath("A SKU.", "^sku:.+$", "sku:QM-001")

IN_PATH: Mapping[str, InPath] = {
    "order": InPath("An order: its channel, its shop and its number.", _stream("order"),
                    "order:taobao:pine:1001"),
    "case": InPath("A case: its channel, its shop and its number.", _stream("case"),
                   "case:taobao:pine:R1"),
    "deduction": InPath("A deduction.", _stream("deduction"), "deduction:2609-1"),
    "person": InPath("Whose data it is; `find_persons` says which there are.",
                     "^person:[A-Za-z0-9_-]+$", "person:Zk3f-_09"),
    "member": _MEMBER,
    "month": InPath("A month.", "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$", "2026-09"),
    "sku": InPath("A SKU, without what stands before its subject.", _ID, "QM-001"),
    "movement": InPath("A movement.", _ID, "movement:hangzhou:7"),
    "job": InPath("An import, as the list of imports or the answer to its upload names it.", r"\S",
                  "import:17ca6a5afff003cef2ad"),
    "code": InPath("The code of an error.", "^[a-z0-9_]+$", "order_unknown"),
    "name": InPath("A deadline, as the policy names it.", r"\S", "dispatch"),
    "report": InPath("A report whose figures are explained.", f"^({'|'.join(EXPLAINED)})$",
                     "inventory"),
    "subject": _GOODS,
    "/v1/members/{member}/leaves/{number}": InPath(
        "The number of the leave, which the member gave it.", _ID, "1"),
    "/v1/transfers/{number}": InPath("The number of the transfer.", _ID, "T-1"),
    "/v1/docs/{name}": InPath("An operation or an object, by its name.", r"\S", "place_order"),
    "/v1/posts/{subject}": InPath("A post, or a member.", "^(post|member):.+$",
                                  "post:customer_service"),
    "/v1/members/{subject}": _MEMBER, "/v1/attendance/{subject}": _MEMBER,
    "/v1/leaves/{subject}": _MEMBER,
    "/v1/rosters/{subject}": _ROSTER, "/v1/shifts/{subject}": _ROSTER,
    "/v1/prices/{subject}": _SKU, "/v1/skus/{subject}": _SKU,
    "/v1/warehouses/{subject}": InPath("A warehouse.", _stream("warehouse"), "warehouse:hangzhou"),
    "/v1/transfers/{subject}": InPath("A transfer.", _stream("transfer"), "transfer:T-1"),
    "/v1/stock-counts/{subject}": InPath("A count.", _stream("count"), "count:hangzhou:7"),
    "/v1/reconciliations/{subject}": InPath(
        "A month, of all shops or of one: with its channel and its shop.",
        _stream("reconciliation"), "reconciliation:2026-09"),
    "version": InPath("The number of a version of the policies.", "^[1-9][0-9]*$", "1"),
    "position": InPath("A position in the log.", "^[1-9][0-9]{0,15}$", "2"),
    "/v1/subjects/{subject}": InPath(
        "A stream, or a SKU in a warehouse.", f"^[a-z_]+:[^{IdText.REFUSED}]+$",
        "order:taobao:pine:1001"),
    "/v1/stock/{subject}": InPath("A SKU in a warehouse.", _stream("stock"),
                                  "stock:hangzhou:QM-001"),
}
"""By name, or by the beginning of a path where that says more than the name."""


def in_path(path: str, name: str) -> dict[str, Any]:
    """A parameter of a path, described. Errors: KeyError for one that nobody described."""
    start = path.partition(f"{{{name}}}")[0] + f"{{{name}}}"
    found = IN_PATH[start] if start in IN_PATH else IN_PATH[name]
    return {"in": "path", "name": name, "required": True, "description": found.said,
            "schema": {"type": "string", "minLength": 1, "pattern": found.pattern},
            "example": found.example}
