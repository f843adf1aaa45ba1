"""Previews over HTTP: the command's route and rights, nothing recorded, no key used up."""

from typing import Any

import pytest

from ledger.log.store import SUFFIX
from tests.support.bodies import stocked
from tests.support.builders import CONTEXT
from tests.support.team import JOINED, printed
from tests.support.web import Web, problem

HERE = "?preview=true"
PATH, KEY = "/v1/stock-movements", "one-and-the-same"


@pytest.fixture
def backend() -> str:
    """What the edge does does not hang on the store."""
    return "memory"


def moved(quantity: int) -> dict[str, Any]:
    """Goods that came in."""
    return {"warehouse": "main", "occurred_at": "2026-10-01T12:00:00+08:00", "moves": [{
        "sku": "N", "quantity": quantity, "from": "supplier", "to": "available",
        "cause": "receipt"}]}


def test_preview__says_what_would_be_and_records_nothing(web: Web) -> None:
    """R-PRV-02"""
    stocked(web)
    head = web.ledger().head()
    answer = web.post(f"{PATH}{HERE}", moved(5), "warehouse", key=KEY)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert answer.json["position"] == head.position
    assert answer.json["events"]["rows"][0]["type"] == "stock.moved.v1"
    assert {row["change"] for row in answer.json["levels"]["rows"]} == {"added"}
    assert web.ledger().head() == head
    assert web.post(PATH, moved(7), "warehouse", key=KEY).status_code == 201
    other = web.post(f"{PATH}{HERE}", moved(8), "warehouse", key=KEY)
    problem(other, 422, "command_reused")
    again = web.post(f"{PATH}{HERE}", moved(7), "warehouse", key=KEY)
    assert again.json is not None
    assert (again.json["replayed"], again.json["events"]["total"]) == (True, 0)
    assert web.post(f"{PATH}?preview=false", moved(7), "warehouse").status_code == 201


def test_preview__refuses_as_the_command_does_and_puts_no_refusal_on_record(web: Web) -> None:
    stocked(web)
    head = web.ledger().head()
    too_many = {**moved(5), "moves": [{**moved(5)["moves"][0], "from": "available",
                                       "to": "supplier", "cause": "return_to_supplier"}]}
    refused = web.post(f"{PATH}{HERE}", too_many, "warehouse")
    recorded = web.post(PATH, too_many, "warehouse")
    assert (refused.status_code, refused.json["code"]) == (  # type: ignore[index]
        recorded.status_code, recorded.json["code"])  # type: ignore[index]
    assert web.ledger().store.read("main", after=head.position)[0].type == "command.refused.v1"
    assert len(web.ledger().store.read("main", after=head.position)) == 1


def test_preview__is_for_those_who_may_send_the_command(web: Web) -> None:
    stocked(web)
    problem(web.post(f"{PATH}{HERE}", moved(5), "finance"), 403, "forbidden")
    for query in ("preview=perhaps", "previews=true", "preview=true&limit=3"):
        problem(web.post(f"{PATH}?{query}", moved(5), "warehouse"), 400, "not_understood")


def test_preview__shows_records_of_staff_to_whom_may_read_them_and_notes_it(web: Web) -> None:
    """R-PRV-04"""
    for command in printed("rules", "scorecards"):
        web.ledger().handle(command, CONTEXT)
    for who in ("warehouse-head", "service", "manager"):
        web.done("/v1/members", {"member": f"member:{who}", "joined_on": JOINED})
    web.done("/v1/members/member:service/supervisors", {
        "supervisor": "member:warehouse-head", "since": JOINED})
    web.done("/v1/members/member:warehouse-head/supervisors", {
        "supervisor": "member:manager", "since": JOINED})
    late = {"day": "2026-09-01", "kind": "late", "minutes": 9}
    path = f"/v1/members/member:service/attendance{HERE}"
    for role, reports in (("warehouse_head", {"attendance"}), ("manager", {"attendance", "staff"})):
        answer = web.post(path, late, role)
        assert answer.json is not None
        assert answer.status_code == 200, answer.text
        people = answer.json["people"]
        assert ({row["report"] for row in people["rows"]}, people.get("withheld", False)) == (
            reports, role != "manager")
    access = web.ledger(f"main{SUFFIX}").store.read(f"main{SUFFIX}")
    assert [one.type for one in access].count("reading.noted.v1") == 2
