"""Movements and counts are read back step by step, as they were recorded."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.values import subject
from ledger.core.commands import Command
from ledger.stock.corrections import CorrectStock
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import ApproveMovement, RefuseMovement, StockMove
from projections.stock.documents import OneCount, OneMovement, count, movement
from tests.support.builders import NOON, context, moved, opened, received
from tests.support.projecting import put
from tests.support.team import CHEN, LI, OPENING, record
from tests.support.typed import must_be

HOUSE, SKU = "仓 1:b", "钢笔 a:b%"
MOVEMENT, COUNT = subject("movement", HOUSE, "M 1"), subject("count", HOUSE, "C 1")
LATER = NOON + timedelta(days=1)


def read(ledger: Ledger, stream: str) -> dict[str, Any]:
    """A document out of its stream, as its class declares it."""
    shown, row = (movement, OneMovement) if stream == MOVEMENT else (count, OneCount)
    found = shown(ledger.store.streams("main", [stream]))
    must_be(found, row)
    return found


def line(**more: Any) -> dict[str, Any]:
    """A line as it is read back."""
    return {"sku": SKU, "quantity": 4, "from": "supplier", "to": "available", "cause": "receipt",
            "bin": "", "to_bin": "A-1", "line": "", **more}


def test_movement__is_read_back_as_it_was_written(ledger: Ledger) -> None:
    put(ledger, opened(HOUSE), received(SKU, 4, to_bin="A-1", warehouse=HOUSE, number="M 1",
                                        document="paper:7", late="not_counted"))
    assert read(ledger, MOVEMENT) == {
        "movement": MOVEMENT, "warehouse": HOUSE, "state": "moved",
        "position": ledger.head().position, "steps": [{
            "what": "moved", "at": "2026-10-01T04:00:00Z", "actor": "system",
            "requested_by": None, "approved_by": None, "reason": None, "paper": "paper:7",
            "not_counted": True, "corrects": None, "lines": [line()],
            "position": ledger.head().position}]}


def test_movement__that_was_corrected_says_what_was_wrong_and_what_is_right(
    ledger: Ledger
) -> None:
    put(ledger, opened(HOUSE), received(SKU, 4, warehouse=HOUSE, number="M 1"))
    wrong = ledger.head().position
    put(ledger, CorrectStock(
        document=MOVEMENT, position=wrong, kind="incorrect_data", reason="five", occurred_at=LATER,
        moves=[StockMove(sku=SKU, quantity=5, source="supplier", target="available",
                         cause="receipt")]))
    found = read(ledger, MOVEMENT)
    first, second = found["steps"]
    assert (found["state"], second["what"]) == ("corrected", "corrected")
    assert (first["position"], second["corrects"], second["reason"]) == (wrong, wrong, "five")
    moved_in = {1 if one["to"] == "available" else -1: one["quantity"] for one in second["lines"]}
    assert moved_in == {1: 5, -1: 4}


@pytest.mark.parametrize(("last", "state", "what"), [
    (None, "waiting", "requested"),
    (ApproveMovement(movement=MOVEMENT, occurred_at=LATER), "moved", "moved"),
    (RefuseMovement(movement=MOVEMENT, reason="still good", occurred_at=LATER), "refused",
     "refused")])
def test_movement__that_needs_a_second_person_says_who_asked_and_what_became_of_it(
    ledger: Ledger, last: Command | None, state: str, what: str
) -> None:
    put(ledger, opened(HOUSE), received(SKU, 9, to_bin="A-1", warehouse=HOUSE))
    record(ledger, OPENING)
    ledger.handle(moved(SKU, 4, "available", "written_off", "write_off", bin="A-1",
                        warehouse=HOUSE, number="M 1", reason="wet"), context(actor=LI))
    if last is not None:
        ledger.handle(last, context(actor=CHEN))
    found = read(ledger, MOVEMENT)
    gone = line(**{"from": "available", "to": "written_off", "cause": "write_off", "bin": "A-1",
                   "to_bin": ""})
    assert found["state"] == state
    assert found["steps"][-1]["what"] == what
    assert found["steps"][0]["requested_by"] == LI
    assert [one["lines"] for one in found["steps"]] == [[gone], *(
        [[gone] if state == "moved" else []] if last else [])]
    assert found["steps"][-1]["approved_by"] == (CHEN if state == "moved" else None)


def test_count__is_read_back_with_what_the_books_said_and_its_correction(ledger: Ledger) -> None:
    put(ledger, opened(HOUSE), received(SKU, 9, warehouse=HOUSE), CountStock(
        warehouse=HOUSE, number="C 1", occurred_at=LATER, document="paper:8",
        counts=[CountLine(sku=SKU, quantity=7)]))
    wrong = ledger.head().position
    seen = {"sku": SKU, "place": "shelf", "bin": "", "counted": 7, "book": 9, "variance": -2}
    assert read(ledger, COUNT) == {
        "count": COUNT, "warehouse": HOUSE, "position": wrong, "steps": [{
            "what": "counted", "at": "2026-10-02T04:00:00Z", "actor": "system",
            "reason": None, "paper": "paper:8", "corrects": None, "lines": [seen],
            "position": wrong}]}
    put(ledger, CorrectStock(
        document=COUNT, position=wrong, kind="incorrect_data", reason="miscounted",
        occurred_at=LATER, counts=[CountLine(sku=SKU, quantity=8)]))
    found = read(ledger, COUNT)
    second = found["steps"][1]
    assert (second["what"], second["reason"], second["corrects"]) == (
        "corrected", "miscounted", wrong)
    assert second["lines"] == [{**seen, "counted": 8, "variance": -1}]
