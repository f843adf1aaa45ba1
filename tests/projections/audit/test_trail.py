"""What changed with each event, in the open only as far as it may be."""

import msgspec

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.orders.commands import HoldOrder
from projections.audit.trail import rows
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.conftest import on_sqlite
from tests.support.builders import NOON, place, remark, stream
from tests.support.projecting import put


def sealed_in(value: object) -> set[str]:
    """The ciphertexts of all sealed values in what JSON holds."""
    if isinstance(value, dict):
        own = {value["c"]} if value.keys() == {"p", "n", "c", "h"} else set()
        return own.union(*map(sealed_in, value.values()))
    return set().union(*map(sealed_in, value)) if isinstance(value, list) else set()


@on_sqlite
def test_rows__hold_no_sealed_value_that_the_log_holds(ledger: Ledger, store: Store) -> None:
    """An answer outlives the key; so it holds nothing that the key opens, however it is kept."""
    put(ledger, place(1, account="reader", recipient="欧阳若雪", phone="13800000000"), remark(1),
        HoldOrder(order=stream(1), reason="they rang", occurred_at=NOON))
    entries = store.read("main")
    sealed = set().union(*(sealed_in(msgspec.json.decode(one.payload)) for one in entries))
    assert len(sealed) == 5
    models = ReadModels(store, PROJECTIONS)
    found = list(rows(models, "main", entries))
    models.close()
    assert found[-1]["changes"]["held_for"]["after"][0] == "‹personal›"
    shown = msgspec.json.encode(found).decode()
    assert not [one for one in sealed if one in shown]
