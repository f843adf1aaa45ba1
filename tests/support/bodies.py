"""Bodies of requests and addresses, for tests that go over HTTP."""

from typing import Any
from urllib.parse import quote

from tests.support.builders import CHANNEL, SHOP, stream
from tests.support.web import Web

WHEN = "2026-10-01T12:00:00+08:00"
LINE = {"line": "1", "sku": "SH-001", "quantity": 1, "unit_price": 4990, "amount_minor": 4990}


def order(number: object = "1", **fields: Any) -> dict[str, Any]:
    """A body of an order of one book."""
    return {"channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
            "amounts": {"total_minor": 4990}, "lines": [LINE], "occurred_at": WHEN, **fields}


def at(number: object = "1", kind: str = "order") -> str:
    """The address of an order or a case."""
    of = "orders" if kind == "order" else "returns"
    return f"/v1/{of}/{quote(stream(number).replace('order:', f'{kind}:'))}"


def joined(web: Web, *names: str) -> None:
    """Members who are in the shop, so that they can sign."""
    for name in names:
        web.done("/v1/members", {"member": f"member:{name}", "joined_on": "2026-01-01"})


def stocked(web: Web, quantity: int = 10) -> None:
    """A warehouse with books."""
    web.done("/v1/warehouses", {"name": "main", "occurred_at": WHEN})
    web.done("/v1/stock-movements", {"warehouse": "main", "occurred_at": WHEN, "moves": [
        {"sku": "SH-001", "quantity": quantity, "from": "supplier", "to": "available",
         "cause": "receipt"}]}, "warehouse")
