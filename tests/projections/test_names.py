"""What things are called finds them, and lists them in an order that never changes."""

from collections.abc import Iterator

import pytest

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.stock.skus import RegisterSku
from projections.asking.clocks import AsOf
from projections.asking.questions import PRESENT, Question
from projections.catalogue import PROJECTIONS
from projections.names import OWN, Wanted, find, things, word_of
from projections.store.models import ReadModels
from tests.support.builders import NOON, opened, place, received, stream
from tests.support.projecting import put


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def registered(*skus: str) -> list[RegisterSku]:
    """SKUs of which something was said, in this order."""
    return [RegisterSku(sku=sku, occurred_at=NOON) for sku in skus]


def listed(models: ReadModels, wanted: Wanted, question: Question = PRESENT) -> list[str]:
    """The names of things, as they are listed."""
    models.catch_up("main")
    return [one.partition(":")[2] for one in things(models, "main", wanted, question).things]


SKUS = Wanted("sku", lambda entries: {"position": entries[0].position, "events": len(entries)})


def test_find__looks_at_the_last_part_in_small_letters(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, opened(), received("PEN", 1), *registered("PEN-Blue", "Pen"), place("PEN7"))
    models.catch_up("main")
    found = find(models, "main", "pen", kinds=OWN, limit=9)
    assert [row["subject"] for row in found.rows] == [
        "sku:Pen", stream("PEN7"), "sku:PEN-Blue"]
    assert [row["subject"] for row in find(
        models, "main", "sku:pen", kinds=["sku"], limit=1).rows] == ["sku:Pen"]
    assert word_of("order:taobao:x:A%2FB~2") == "a/b"


def test_find__says_that_there_is_more(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(place(f"1{number}99") for number in range(4)))
    models.catch_up("main")
    assert find(models, "main", "99", kinds=["order"], limit=3).more
    assert not find(models, "main", "99", kinds=["order"], limit=4).more
    assert find(models, "main", "99", kinds=["waybill"], limit=4).rows == []


@pytest.mark.parametrize(("by_age", "down", "order"), [
    (False, False, ["a", "B", "c", "D"]), (False, True, ["D", "c", "B", "a"]),
    (True, False, ["c", "a", "D", "B"]), (True, True, ["B", "D", "a", "c"])])
def test_things__come_in_each_order_and_go_on_behind_each(
    ledger: Ledger, models: ReadModels, *, by_age: bool, down: bool, order: list[str]
) -> None:
    put(ledger, *registered("c", "a", "D", "B"))
    wanted = SKUS._replace(by_age=by_age, down=down)
    assert listed(models, wanted) == order
    for at, one in enumerate(order):
        asked = PRESENT._replace(beyond=(f"sku:{one}",), limit=2)
        assert listed(models, wanted, asked) == order[at + 1:at + 3]


def test_things__are_narrowed_before_they_are_counted(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *registered("a", "b", "c", "d"))
    even = SKUS._replace(takes=lambda row: row["position"] % 2 == 0)
    assert len(listed(models, even)) == 2
    assert listed(models, even, PRESENT._replace(limit=1)) == listed(models, even)[:1]
    assert listed(models, SKUS, Question(as_of=AsOf(ledger.head().position - 2))) == ["a", "b"]
