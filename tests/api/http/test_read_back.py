"""What a command's body says can be read back over HTTP: each field of each of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from api.http.writing import ROUTES, Route
from tests.support import examples, samples
from tests.support.example_commands import COMMANDS
from tests.support.example_shop import Shop, demo

ELSEWHERE = {
    "amounts": "what a change of lines costs in all follows from its lines",
    "counts": "a correction that something did not occur has none",
    "declined_minor": "nothing can be declined of a case that was paid back",
    "faulty": "names lines", "halves": "names days of the leave", "kind": "needs another field",
    "loss": "a no is what is left out", "members": "names who was charged",
    "merged_with": "names another order", "minutes_early": "is of another kind of absence",
    "moves": "a correction that something did not occur has none", "points": "names who is charged",
    "reference": "names a payment", "renews": "names another deduction",
    "roster": "names the roster of a shift", "attachments": "a second leave on one day",
    "days": "names days of the leave", "reason": "an order that was completed has none"}
"""Fields that a sample cannot fill, since they name something else or exclude another field."""

UNFILLED = {
    ("change_lines", "amounts"), ("check_order", "faulty"), ("close_case", "declined_minor"),
    ("confirm_deduction", "points"), ("correct_order", "amounts"), ("correct_order", "reference"),
    ("correct_stock", "counts"), ("correct_stock", "moves"), ("dispatch_parcel", "merged_with"),
    ("end_order", "reason"), ("hand_over_shift", "roster"), ("propose_deduction", "loss"),
    ("propose_deduction", "renews"), ("record_attendance", "minutes_early"),
    ("record_attendance", "roster"), ("request_leave", "attachments"), ("request_leave", "halves"),
    ("request_leave", "kind"), ("waive_deduction", "members"), ("withdraw_leave", "days")}
"""By operation, which fields of it those are."""

NOTHING = {"release_back_orders"}
"""What records nothing of its own: here no order waits."""


def routes(shop: Shop) -> Iterator[tuple[str, Route]]:
    """Every operation that records what its body says, with its route."""
    by_path = {route.path.replace("<", "{").replace(">", "}"): route for route in ROUTES}
    for operation in sorted(COMMANDS):
        method, path = shop.paths[operation]
        if method == "post" and path in by_path and operation not in NOTHING:
            yield operation, by_path[path]


def fields(route: Route) -> dict[str, Any]:
    """The fields of a body, by name; when it happened is in every event."""
    outside = {*route.given, *route.looked_up, "expected_version", "occurred_at"}
    return {field.encode_name: field for field in msgspec.structs.fields(route.command)
            if field.encode_name not in outside}


def said(value: Any) -> list[Any]:
    """All that a value says."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [one for part in inner for one in said(part)]
    return [] if value is None else [value]


class Reader:
    """Sends commands, and reads what was recorded of them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.count = 0
        self.recorded: set[str] = set()

    def lost(self, operation: str, filled: dict[str, Any]) -> list[Any] | None:
        """What of a body is found in no read, if it is sent with these values, too; None if nothing
        is recorded then."""
        self.count += 1
        sent = COMMANDS[operation](self.shop, f"RB-{self.count}")
        body = {**(sent.body or {}), **filled}
        answer = self.shop.ask(operation, dict(sent.given), body, who=sent.who, seen=sent.seen)
        if answer.status_code != 201:
            return None
        self.recorded.add(operation)
        found = self.shop.done("list_audit", {"command_id": answer.json["command_id"]})["items"]
        left = self.left(body, found)
        for person in self.persons(answer.json["subject"]) if left else ():
            left = self.left(left, self.shop.done("read_person_events", {"person": person}))
        return left

    def left(self, sent: Any, found: Any) -> list[Any]:
        """What was sent and not found: as a value, or inside a text such as a stream's name."""
        values, text = said(found), json.dumps(found, ensure_ascii=False)
        return [one for one in said(sent)
                if one not in values and not (isinstance(one, str) and one in text)]

    def persons(self, subject: str) -> list[str]:
        """Whose data are in what is recorded about a subject."""
        answer = self.shop.ask("find_persons", {}, {"about": subject})
        return list(answer.json["persons"]) if answer.status_code == 200 else []


def sample(field: Any, number: int) -> Any:
    """A value of a field that stands nowhere else, as far as there is one."""
    value = samples.sample(field.type)
    return f"read back {number}" if value == "x" else value


def test_field__of_every_body_can_be_read_back(tmp_path: Path) -> None:
    """Facts in `/v1/audit`, by the command's id; what is personal in `/v1/persons/…/events`."""
    shop = Shop(demo(tmp_path))
    lost, unfilled = [], set()
    try:
        shop.prepare()
        reader = Reader(shop)
        for operation, route in routes(shop):
            shown = examples.kept()[operation].get("body", {})
            for name, field in fields(route).items():
                if name in shown:
                    continue
                left = reader.lost(operation, {name: sample(field, reader.count)})
                if left is None or (operation, name) in UNFILLED:
                    unfilled.add((operation, name))
                elif left:
                    lost.append((operation, left))
            if left := reader.lost(operation, {}):
                lost.append((operation, left))
    finally:
        shop.web.close()
    assert lost == []
    assert reader.recorded == {operation for operation, _ in routes(shop)}
    assert unfilled == UNFILLED
    assert {name for _, name in unfilled} == set(ELSEWHERE)
