"""The queue of signing: what waits for a second person, now and at any moment before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.context import Context
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.stock.corrections import CorrectStock
from ledger.stock.movements import ApproveMovement, RefuseMovement
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.stock.approvals import REPORTS, Approvals
from projections.store.models import ReadModels
from tests.support.builders import HOUSE, NOON, context, moved, opened, received
from tests.support.projecting import put

KEEPER, HEAD = (context(actor=f"user:{name}") for name in ("keeper", "head"))


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Approvals(),))
    yield made
    made.close()


def listed(models: ReadModels, **asked: Any) -> list[dict[str, Any]]:
    """What waits."""
    models.catch_up("main")
    return REPORTS["to-approve"](models, "main", Question(**asked, sort="movement")).rows


def by(ledger: Ledger, who: Context, command: Command) -> int:
    """A command of somebody; where it was recorded."""
    return ledger.handle(command, who).positions[-1]


def test_signing__lists_what_waits_until_somebody_decided(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), received("TEA", 10))
    write_off = moved("TEA", 3, "available", "written_off", "write_off", reason="水浸", number="M1")
    at = by(ledger, KEEPER, write_off)
    by(ledger, KEEPER, moved("TEA", 1, "stocktake_gain_loss", "available", "found", number="M2"))
    first, second = listed(models)
    assert first == {
        "movement": f"movement:{HOUSE}:M1", "warehouse": HOUSE, "what": "movement",
        "requested_by": "user:keeper", "happened_at": "2026-10-01T04:00:00Z",
        "causes": ["write_off"], "reason": "水浸", "paper": None, "corrects": None,
        "lines": [{"sku": "TEA", "quantity": 3, "from": "available", "to": "written_off",
                   "cause": "write_off", "bin": "", "to_bin": ""}], "position": at}
    later = NOON + timedelta(days=1)
    approved_at = by(ledger, HEAD, ApproveMovement(movement=first["movement"], occurred_at=later))
    by(ledger, HEAD, RefuseMovement(movement=second["movement"], occurred_at=later, reason="无"))
    assert listed(models) == []
    assert len(listed(models, as_of=AsOf.parse(None, None, "2026-10-01"))) == 2
    by(ledger, KEEPER, CorrectStock(
        document=first["movement"], position=approved_at, kind="did_not_occur", reason="看错",
        occurred_at=later))
    (row,) = listed(models)
    assert (row["what"], row["corrects"], row["lines"]) == ("correction", approved_at, [])
    assert listed(models, subject=second["movement"]) == []
