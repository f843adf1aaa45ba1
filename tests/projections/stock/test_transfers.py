"""What is under way between warehouses: ten of thirty pieces were in no report at a month's end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.log.store import Store
from ledger.settings import Settings, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.corrections import DID_NOT_OCCUR, CorrectStock
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.stock.transfers import REPORTS, Transfers
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT, HOUSE, NOON, opened, received
from tests.support.projecting import put
from tests.support.thorough import tried

NORTH = "north"
SHOP = (opened(), opened(NORTH), received("A", 30), received("B", 30))


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Transfers(),))
    yield made
    made.close()


def send(number: str, *lines: tuple[str, int], at: datetime = NOON) -> SendTransfer:
    """Pieces go to the other warehouse."""
    return SendTransfer(number=number, source=HOUSE, target=NORTH, occurred_at=at, lines=[
        Sending(sku=sku, quantity=quantity) for sku, quantity in lines])


def arrive(number: str, *lines: tuple[str, int], at: datetime = NOON, place: str = "available"
           ) -> ReceiveTransfer:
    """Pieces are there, or known to be lost."""
    return ReceiveTransfer(number=number, occurred_at=at, reason="途中", lines=[
        Arrival(sku=sku, quantity=quantity, place=place) for sku, quantity in lines])


def listed(models: ReadModels, **asked: Any) -> list[dict[str, Any]]:
    """The open ones."""
    models.catch_up("main")
    return REPORTS["open-transfers"](models, "main", Question(**asked, sort="transfer")).rows


def test_open_transfers__say_what_is_under_way_until_all_is_accounted_for(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, *SHOP, send("T1", ("A", 10), ("B", 2)), send("T2", ("B", 1)))
    first, second = listed(models)
    assert first == {
        "transfer": "transfer:T1", "from": HOUSE, "to": NORTH, "sent_at": "2026-10-01T04:00:00Z",
        "pieces": 12, "lines": [{"sku": "A", "quantity": 10}, {"sku": "B", "quantity": 2}],
        "position": second["position"] - 1}
    later = NOON + timedelta(days=2)
    put(ledger, arrive("T1", ("A", 8), ("B", 2), at=later), arrive("T2", ("B", 1), at=later))
    assert [(row["transfer"], row["lines"]) for row in listed(models)] == [
        ("transfer:T1", [{"sku": "A", "quantity": 2}])]
    assert listed(models, subject="transfer:T2") == []
    day_after = AsOf.parse(None, None, "2026-10-02")
    assert [row["pieces"] for row in listed(models, as_of=day_after)] == [12, 1]
    put(ledger, arrive("T1", ("A", 2), at=later, place="written_off"))
    assert listed(models) == []


STEPS = st.lists(st.tuples(st.sampled_from(("send", "arrive", "correct")), st.sampled_from("12"),
                           st.sampled_from("AB"), st.integers(1, 4)), max_size=12)


@given(steps=STEPS)
@settings(max_examples=tried(60), deadline=None)
def test_open_transfers__are_what_lies_between_warehouses(steps: list[Any]) -> None:
    """Whatever is sent, arrives or did not occur: by SKU they add up to the stock's own level."""
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    put(made.ledger, *SHOP)
    for kind, number, sku, quantity in steps:
        told = [entry.position for entry in made.store.read("main")
                if entry.stream == f"transfer:{number}"]
        command = {"send": send(number, (sku, quantity)), "arrive": arrive(number, (sku, quantity)),
                   "correct": CorrectStock(
                       document=f"transfer:{number}", position=max(told, default=1),
                       kind=DID_NOT_OCCUR, reason="误录", occurred_at=NOON)}[kind]
        try:
            made.ledger.handle(command, CONTEXT)
        except LedgerError:
            continue
    models = ReadModels(made.store, (Transfers(),))
    found = {"A": 0, "B": 0}
    for row in listed(models):
        for one in row["lines"]:
            found[one["sku"]] += one["quantity"]
    for sku, pieces in found.items():
        account = made.ledger._writer._cache.get(StockAccount, f"stock:{HOUSE}:{sku}")
        assert account is not None
        assert account.level("between_warehouses") == pieces
    models.close()
    made.close()

