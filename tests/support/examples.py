"""An example of every operation, recorded from the demo's ledger: api/http/examples.json.

`python -m tests.support.examples` records them anew. What differs from one recording to the next,
such as ids and the time of recording, is steadied.
"""

import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.demo.people import EARLY, LATE
from api.http.description import EXAMPLES
from tests.support.example_commands import COMMANDS, Sent
from tests.support.example_shop import CHANNEL, HOUSE, SHOP, Shop, demo

ORDER = f"order:{CHANNEL}:{SHOP}:demo-3"
IN_PATH: Mapping[str, str] = {
    "order": ORDER, "case": f"case:{CHANNEL}:{SHOP}:demo-R3", "deduction": "deduction:2609-7",
    "member": LATE, "month": "2026-09", "code": "order_unknown", "name": "dispatch",
    "subject": "sku:QM-001", "version": "1", "position": "1990",
    "movement": f"movement:{HOUSE}:M-1", "report": "inventory"}
SUBJECTS: Mapping[str, str] = {
    "read_stock_history": f"stock:{HOUSE}:QM-001", "explain_stock": f"stock:{HOUSE}:QM-001",
    "read_warehouse": f"warehouse:{HOUSE}", "read_transfer": "transfer:T-1",
    "read_count": f"count:{HOUSE}:demo-A01", "read_reconciliation": "reconciliation:2026-08",
    "read_sku": "sku:QM-100",
    **dict.fromkeys(("list_steps", "list_facts", "list_turns"), ORDER),
    "list_differences": ORDER,
    "list_staff_of": EARLY, "list_post_terms_of": "post:customer_service",
    "list_rosters_of": "roster:customer_service", "list_shifts_of": "roster:customer_service",
    "list_attendance_of": LATE, "list_leave_of": EARLY}
"""What is read, where that is not what is named by default."""

ASKED: Mapping[str, Mapping[str, str]] = {
    "list_scores": {"month": "2026-09"}, "list_score_warnings": {"month": "2026-09"},
    "list_grading": {"month": "2026-09"}, "explain_score": {"month": "2026-09"},
    "list_attendance": {"month": "2026-09"}, "list_attendance_of": {"month": "2026-09"},
    "list_shifts": {"day": "2026-09-15"}, "list_shifts_of": {"day": "2026-09-15"},
    "compare_policies": {"before": "1", "after": "2"}, "read_log_root": {"position": "1"},
    "explain_report": {"subject": f"stock:{HOUSE}:QM-001", "figure": "damaged"},
    "list_turns": {"condition": "payment_status=refunded"},
    "list_differences": {"positions": "1995..2014"}, "list_facts": {"field": "paid_minor"},
    "search": {"q": "demo-3"}, "list_audit": {"type": "order.placed.v1"},
    "read_docs_page": {"name": "place_order"},
    "read_deadline": {"start": "2026-09-15T10:00:00+08:00"}}
"""What is asked besides."""

SUPPOSED = Sent({"subject": ORDER}, {"position": 2000, "commands": [
    {"command": "order.refund", "order": ORDER, "amount_minor": 100, "reference": "x"}]})

POSED: Mapping[str, Sent] = {"suppose": SUPPOSED, "list_supposed_steps": SUPPOSED}
"""What is asked with a body, and recorded nowhere."""

LEFT = frozenset({"read_description", "read_metrics", "check_readiness"})
"""What needs no example: this very description, and how a machine does."""

TIMES = re.compile(r"^2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$")
STEADY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "0123456789abcdef" * 4),
    (re.compile("cursor=[A-Za-z0-9_-]+"), "cursor=MDEyMzQ1Njc4OWFiY2RlZg"),
    (re.compile(r"(?<=T..:..:..)[.][0-9]{6}Z$"), "Z"),
    (re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
     "6b1f0d0e-6f0f-5d3c-9a55-0d5c0f4a1f11"),
    (re.compile("person:[A-Za-z0-9_-]+"), "person:Zk3f-_09"),
    (re.compile("key:[0-9a-f]{12}"), "key:0123456789ab"),
    (re.compile("2[0-9]{3}-[0-9]{2}-[0-9]{2}(?=: today in )"), "2026-11-02"),
    (re.compile("(?<=^erasures:)2[0-9]{3}-[0-9]{2}$"), "2026-11"),
)
"""What is random or of the day of recording, and what stands for it."""

MOVING = {"age_minutes": 47_200}
"""What grows while nothing happens, by its name."""

RECORDED, DEMO_ENDS = "2026-11-02T02:00:00Z", "2026-10-13"
"""The time of recording, and a day after which nothing in the demo was recorded."""


def steadied(value: Any, kept: frozenset[str] = frozenset()) -> Any:
    """A value in which everything random is a sample; `kept` are texts of the request."""
    if isinstance(value, dict):
        return {steadied(name, kept): MOVING.get(name, steadied(inner, kept))
                for name, inner in value.items()}
    if isinstance(value, list):
        return [steadied(inner, kept) for inner in value]
    if not isinstance(value, str) or value in kept:
        return value
    if TIMES.match(value) and value > DEMO_ENDS:
        return RECORDED
    for pattern, sample in STEADY:
        value = pattern.sub(sample, value)
    return value


def record(shop: Shop) -> dict[str, Any]:
    """The examples of all operations, by their names."""
    found = dict(_reads(shop))
    for operation, sent in ready(shop).items():
        answer = shop.ask(operation, dict(sent.given), sent.body, who=sent.who, seen=sent.seen)
        found[operation] = _example(sent, answer)
    return {operation: found[operation] for operation in sorted(found)}


def ready(shop: Shop) -> dict[str, Sent]:
    """Every command's example made ready and not sent: the shop is then as the description has
    it."""
    return {operation: make(shop, f"EX-{number}")
            for number, (operation, make) in enumerate(sorted(COMMANDS.items()))}


def _reads(shop: Shop) -> Iterator[tuple[str, Any]]:
    for operation, (method, path) in shop.paths.items():
        inside = re.findall("{([^}]*)}", path)
        if method != "get" or {"job", "person"} & set(inside) or operation in LEFT:
            continue
        given = {name: IN_PATH[name] for name in inside} | dict(ASKED.get(operation, {}))
        if operation in SUBJECTS:
            given["subject"] = SUBJECTS[operation]
        if "cursor" in shop.takes(operation):
            given["limit"] = "1"
        yield operation, _example(Sent(given), shop.ask(operation, given))
    for operation, sent in POSED.items():
        answer = shop.ask(operation, dict(sent.given), sent.body, who=sent.who)
        yield operation, _example(sent, answer)


def _example(sent: Sent, answer: Any) -> dict[str, Any]:
    """What was sent and what was answered. Errors: AssertionError if it was refused."""
    assert answer.status_code in (200, 201), (sent, answer.text)
    kept = frozenset(re.findall('"([^"]*)"', json.dumps(sent.body, ensure_ascii=False)))
    given = steadied(dict(sent.given))
    if sent.seen is not None:
        given["If-Match"] = sent.seen
    return {"status": answer.status_code, **({"parameters": given} if given else {}),
            **({} if sent.body is None else {"body": sent.body}),
            **({"answer": steadied(answer.json, kept)} if answer.is_json else {})}


def recorded() -> dict[str, Any]:
    """The examples of all operations, recorded from a demo of their own."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(demo(Path(folder)))
        try:
            shop.prepare()
            return record(shop)
        finally:
            shop.web.close()
            logging.disable(logging.NOTSET)


def kept() -> dict[str, Any]:
    """The examples as they were recorded last."""
    found: dict[str, Any] = json.loads(EXAMPLES.read_text("utf-8"))
    return found


def as_text(found: Mapping[str, Any]) -> str:
    """Examples as they are kept: an operation a line."""
    lines = (f"{json.dumps(operation)}: {json.dumps(example, ensure_ascii=False)}"
             for operation, example in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Record them all."""
    EXAMPLES.write_text(as_text(recorded()), "utf-8")


if __name__ == "__main__":
    main()
