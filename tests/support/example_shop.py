"""A shop in which every operation can be shown: the demo's ledger, and what each needs besides.

Everything is sent over HTTP, by the shop's manager where no other is named, and each example has
things of its own: what one does keeps no other from being done.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from api.demo.people import DISPATCHER, EARLY, HEAD, LATE, MANAGER, REVIEWER, SECOND_REVIEWER
from ledger.settings import Settings
from tests.support import source
from tests.support.operations import resolved
from tests.support.web import Web

CHANNEL, SHOP, HOUSE, OTHER = "taobao", "栖墨图书旗舰店", "hangzhou", "ningbo"
ROLES = {MANAGER: "manager", EARLY: "service", LATE: "service", HEAD: "service",
         DISPATCHER: "warehouse", REVIEWER: "reviewer", SECOND_REVIEWER: "reviewer",
         "member:91fc": "finance", "member:e6a2": "warehouse_head", "member:8e0b": "manager"}
GENERAL, FINANCE, KEEPER = "member:8e0b", "member:91fc", "member:e6a2"
PRICE = 3980
GOODS = {"line": "1", "sku": "QM-001", "title": "云上的图书馆", "quantity": 2, "unit_price": PRICE,
         "amount_minor": 2 * PRICE}
TWO = [{"line": "1", "quantity": 2}]
STAGES: tuple[tuple[str, str, Any], ...] = (
    ("paid", "pay_order", {"amount_minor": 2 * PRICE}),
    ("approved", "approve_order", {"note": "电话确认地址"}),
    ("submitted", "submit_order", {"warehouse": HOUSE}),
    ("picked", "pick_order", {"lines": TWO}),
    ("checked", "check_order", {"passed": True}),
    ("packed", "pack_order", {"parcel": "P1", "lines": TWO}),
    ("dispatched", "dispatch_parcel", {"parcel": "P1", "courier": "顺丰"}),
    ("delivered", "deliver_parcel", {"parcel": "P1"}),
)
"""What an order goes through after it was sold: the name of each stage, and what leads to it."""

CASES: tuple[tuple[str, str, Any], ...] = (
    ("authorised", "authorise_case", {}),
    ("received", "receive_goods", {"warehouse": HOUSE, "lines": [{"line": "1", "quantity": 1}]}),
    ("inspected", "inspect_goods", {"lines": [
        {"line": "1", "quantity": 1, "disposition": "restocked"}]}),
    ("approved", "approve_refund", {"amount_minor": PRICE}),
)
"""What a case goes through after it was asked for."""


def demo(folder: Path) -> Settings:
    """Make the demo's ledger in a folder."""
    url = f"sqlite:///{folder}/demo.db"
    environment = {**os.environ, "LEDGER_DATABASE_URL": url, "LEDGER_KEYS_URL": "",
                   "LEDGER_MASTER_KEY_FILE": "", "LANG": "C.UTF-8"}
    subprocess.run([Path(sys.executable).parent / "flask", "demo"], cwd=source.ROOT, check=True,
                   env=environment, capture_output=True)
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return Settings.from_environment()
    finally:
        os.environ.clear()
        os.environ.update(before)


class Shop:
    """The demo's shop over HTTP."""

    def __init__(self, settings: Settings) -> None:
        self.web = Web(settings)
        spec = self.web.app.extensions["description"].spec
        self.spec = spec
        self.paths = {one["operationId"]: (method, path) for path, told in spec["paths"].items()
                      for method, one in told.items()}
        self.count = self.days = 0
        self.keys: dict[str, str] = {}

    def another_day(self) -> int:
        """A day of a month on which nothing was shown yet."""
        self.days += 1
        return self.days

    def prepare(self) -> None:
        """What all examples need: goods enough, a second warehouse, a month that was signed."""
        self.done("open_warehouse", {}, {"name": OTHER})
        for house in (HOUSE, OTHER):
            self.done("move_stock", {}, {"warehouse": house, "number": "M-1", "moves": [
                {"sku": "QM-001", "quantity": 500, "from": "supplier", "to": "available",
                 "cause": "receipt"}]})
        self.done("register_sku", {}, {"sku": "QM-100", "title": "书签"})
        self.done("price_sku", {"sku": "QM-100"}, {
            "amount_minor": 500, "floor_minor": 300, "currency": "CNY"})
        self.done("send_transfer", {}, {"number": "T-1", "from": HOUSE, "to": OTHER, "lines": [
            {"sku": "QM-001", "quantity": 5}]})
        asked = {"month": "2026-08"}
        rows = self.done("list_reconciliation", dict(asked))["items"]
        self.done("sign_reconciliation", {}, {**asked, "digest": rows[0]["digest"], "differences": [
            {"currency": row["currency"], "amount_minor": row["difference_minor"],
             "cause": "under_investigation"} for row in rows]})

    def takes(self, operation: str) -> set[str]:
        """The names of an operation's parameters."""
        method, path = self.paths[operation]
        return {resolved(self.spec, one)["name"]
                for one in self.spec["paths"][path][method]["parameters"]}

    def key(self, who: str = MANAGER) -> str:
        """A key of somebody."""
        if who not in self.keys:
            self.keys[who] = self.web.token(ROLES[who], owner=who)
        return self.keys[who]

    def ask(self, operation: str, given: dict[str, Any], body: Any = None, *,
            who: str = MANAGER, seen: str | None = None) -> Any:
        """Send a request; `given` are the parameters of its path and its query."""
        method, path = self.paths[operation]
        inside = re.findall("{([^}]*)}", path)
        address = re.sub("{([^}]*)}", lambda found: quote(given[found[1]]), path)
        self.count += 1
        headers = {"Authorization": f"Bearer {self.key(who)}",
                   "Idempotency-Key": f"example-{self.count}"}
        headers |= {} if seen is None else {"If-Match": seen}
        query = {name: value for name, value in given.items() if name not in inside}
        self.web.edge.models.catch_up("main")
        return self.web.client.open(address, method=method.upper(), headers=headers,
                                    query_string=query, json=body)

    def done(self, operation: str, given: dict[str, Any], body: Any = None, **more: Any) -> Any:
        """A request that is taken: what was answered."""
        answer = self.ask(operation, given, body, **more)
        assert answer.status_code in (200, 201, 202), (operation, answer.text)
        return answer.json

    def seen(self, kind: str, subject: str) -> str:
        """The version of an order or a case."""
        name = {"order": "read_order", "case": "read_case", "deduction": "read_deduction"}[kind]
        return str(self.ask(name, {kind: subject}).headers["ETag"])

    def body(self, number: str, **more: Any) -> dict[str, Any]:
        """An order of two books."""
        return {"channel": CHANNEL, "shop": SHOP, "number": number, "currency": "CNY",
                "lines": [GOODS], "amounts": {"total_minor": 2 * PRICE}, **more}

    def order(self, number: str, stage: str = "sold") -> str:
        """An order that has come so far."""
        self.done("sell_order", {}, self.body(number, warehouse=HOUSE))
        subject = f"order:{CHANNEL}:{SHOP}:{number}"
        for name, operation, body in STAGES:
            if stage == "sold":
                break
            seen = self.seen("order", subject) if operation == "approve_order" else None
            self.done(operation, {"order": subject}, body, seen=seen)
            if name == stage:
                break
        return subject

    def wish(self, number: str, order: str, **more: Any) -> dict[str, Any]:
        """What a buyer asks for."""
        return {"channel": CHANNEL, "shop": SHOP, "number": number, "currency": "CNY",
                "order": order, "kind": "return_and_refund", "refund_minor": PRICE,
                "lines": [{"line": "1", "quantity": 1}], "reason": "买重了", **more}

    def case(self, number: str, stage: str = "asked") -> str:
        """A case that has come so far."""
        order = self.order(f"{number}-O", "delivered")
        self.done("request_case", {}, self.wish(number, order))
        subject = f"case:{CHANNEL}:{SHOP}:{number}"
        for name, operation, body in CASES:
            if stage == "asked":
                break
            self.done(operation, {"case": subject}, body)
            if name == stage:
                break
        return subject
