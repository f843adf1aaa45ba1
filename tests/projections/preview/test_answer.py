"""A preview says what the reports will say: all of it, and nothing else, and it leaves nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import settings as effort
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.fulfilment.commands import ReserveOrder
from ledger.log.store import Store
from ledger.orders.commands import EndOrder
from ledger.orders.price_floor import BELOW_FLOOR
from ledger.settings import Settings, open_ledger
from ledger.stock.corrections import CorrectStock
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import OutOfStock
from ledger.stock.prices import PriceSku
from ledger.writing.entries import OccurredInFuture
from ledger.writing.errors import CommandReused
from projections.catalogue import PROJECTIONS
from projections.preview.answer import preview
from projections.store.models import ReadModels
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    line,
    moved,
    opened,
    place,
    received,
    sell,
    stream,
)
from tests.support.moving import AT, COMMANDS, HOUSES, SENT, SKUS
from tests.support.previewing import must_agree
from tests.support.projecting import put
from tests.support.team import (
    CHEN,
    OPENING,
    ZHOU,
    confirm,
    propose,
    published,
    record,
    rule,
)
from tests.support.thorough import tried


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    with closing(ReadModels(store, PROJECTIONS)) as found:
        yield found


def history() -> list[Any]:
    """Two houses with goods, a transfer under way, and orders that have, and wait for, pieces."""
    return [
        *map(opened, HOUSES), *(received(sku, 12, warehouse=house) for house in HOUSES
                                for sku in SKUS[:2]), SENT,
        sell("1", line("A", quantity=2)), place("2", lines=[line("A", quantity=2)]),
        reserve("2"), place("3", lines=[line("B", quantity=9)]), reserve("3")]


def reserve(number: str) -> ReserveOrder:
    """The goods of an order are reserved, or waited for."""
    return ReserveOrder(order=stream(number), warehouse=HOUSE, occurred_at=NOON)


ENDS = st.builds(EndOrder, order=st.sampled_from("123").map(stream), occurred_at=AT,
                 ended_as=st.sampled_from(["cancelled", "closed", "completed"]))
SALES = st.builds(lambda number, sku, pieces, at: sell(
    number, line(sku, quantity=pieces), occurred_at=at), st.sampled_from("456"),
    st.sampled_from(SKUS[:2]), st.integers(1, 4), AT)
CORRECTIONS = st.integers(3, 40)


@effort(max_examples=tried(12))
@examples(st.lists(COMMANDS | ENDS | SALES | CORRECTIONS, min_size=1, max_size=5))
def test_preview__agrees_with_what_is_recorded_then(commands: list[Any]) -> None:
    """R-PRV-01"""
    found = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    with closing(found), closing(ReadModels(found.store, PROJECTIONS)) as models:
        put(found.ledger, *history())
        for command in commands:
            if isinstance(command, int):
                entries = found.store.read("main", after=command - 1, limit=1)
                if not entries or entries[0].stream.split(":")[0] not in ("movement", "count"):
                    continue
                command = CorrectStock(
                    document=entries[0].stream, position=command, kind="did_not_occur",
                    reason="typed twice", occurred_at=NOON)
            try:
                preview(models, found.ledger, [(command, CONTEXT)])
            except LedgerError as error:
                with pytest.raises(type(error)):
                    found.ledger.handle(command, CONTEXT)
                continue
            must_agree(models, found.ledger, command)


def test_preview__of_a_price_of_before_names_the_orders_that_wait_then(
    ledger: Ledger, models: ReadModels
) -> None:
    """R-STK-26, R-PRV-01."""
    put(ledger, *history())
    answer = must_agree(models, ledger, PriceSku(
        sku="A", amount_minor=9000, floor_minor=8000, currency="CNY", occurred_at=NOON))
    assert [row["of"]["subject"] for row in answer["alerts"]["rows"]
            if row["of"]["exception"] == BELOW_FLOOR] == [stream("1"), stream("2")]


def test_preview__leaves_every_store_as_it_was(
    ledger: Ledger, store: Store, models: ReadModels
) -> None:
    put(ledger, *history())
    models.catch_up("main")
    digests = {name: models.digest("main", name) for name in models.names()}
    entries, known = store.read("main"), dict(ledger.keys._by_lookup)
    bought = sell("9", line("A"), recipient="张三", warehouse="north")
    answer = preview(models, ledger, [(bought, CONTEXT)])
    assert answer["position"] == len(entries)
    assert answer["levels"]["total"]
    assert "张三" not in str(answer)
    assert store.read("main") == entries
    assert ledger.keys._by_lookup == known
    assert {name: models.digest("main", name) for name in models.names()} == digests
    must_agree(models, ledger, bought)
    assert models.compare_with_rebuild("main") == []


def test_preview__rests_on_its_position_while_a_second_writer_writes(
    ledger: Ledger, store: Store, models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ledger, *history())
    models.catch_up("main")
    head, foresee = store.head("main").position, ledger.foresee

    def meanwhile(*arguments: Any) -> Any:
        ledger.handle(received("A", 50), CONTEXT)
        return foresee(*arguments)

    monkeypatch.setattr(ledger, "foresee", meanwhile)
    answer = preview(models, ledger, [(received("A", 1), CONTEXT)])
    assert (answer["position"], store.head("main").position) == (head, head + 3)
    shelf = next(row for row in answer["levels"]["rows"] if row["report"] == "inventory")
    assert shelf["after"]["on_hand"] - shelf["before"]["on_hand"] == 1
    assert shelf["before"]["on_hand"] == 3


def test_preview__refuses_what_recording_refuses_and_keeps_no_word_of_it(
    ledger: Ledger, store: Store, models: ReadModels
) -> None:
    put(ledger, *history())
    head = store.head("main")
    with pytest.raises(OutOfStock):
        preview(models, ledger, [(sell("9", line("A", quantity=99)), CONTEXT)])
    with pytest.raises(OccurredInFuture):
        preview(models, ledger, [(received("A", occurred_at=NOON.replace(year=2999)), CONTEXT)])
    assert store.head("main") == head


def test_preview__of_several_commands_lets_each_see_the_ones_before(
    ledger: Ledger, store: Store, models: ReadModels
) -> None:
    put(ledger, opened())
    answer = preview(models, ledger, [
        (received("N", 3), CONTEXT), (sell("9", line("N", quantity=2)), CONTEXT)])
    (shelf,) = (row for row in answer["levels"]["rows"] if row["report"] == "inventory")
    assert (shelf["change"], shelf["after"]["available"], shelf["after"]["reserved"]) == (
        "added", 1, 2)


def test_preview__of_what_is_recorded_under_the_key_says_that_nothing_follows(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened())
    keyed = msgspec.structs.replace(CONTEXT, command_id=uuid4(), by_client=True)
    answer = preview(models, ledger, [(received("N", 3), keyed)])
    assert (answer["replayed"], answer["events"]["total"]) == (False, 1)
    ledger.handle(received("N", 3), keyed)
    answer = preview(models, ledger, [(received("N", 3), keyed)])
    assert (answer["replayed"], answer["events"]["total"], answer["levels"]["total"]) == (
        True, 0, 0)
    with pytest.raises(CommandReused):
        preview(models, ledger, [(received("N", 4), keyed)])


def test_preview__of_a_back_dated_fact_shows_its_own_time_and_what_was_counted_since(
    ledger: Ledger, models: ReadModels
) -> None:
    early, late = NOON, NOON + timedelta(hours=3)
    put(ledger, opened(), received("N", 20, occurred_at=early),
        CountStock(warehouse=HOUSE, counts=[CountLine(sku="N", quantity=15)], occurred_at=late))
    broken = moved("N", 4, "available", "damaged", "damage", reason="摔坏",
                   occurred_at=NOON + timedelta(hours=1))
    answer = must_agree(models, ledger, broken)
    then = [row for row in answer["levels_then"]["rows"] if row["of"]["at"].startswith(
        "2026-10-01T05:00")]
    assert [(row["before"]["available"], row["after"]["available"]) for row in then] == [(20, 16)]
    (back,) = answer["counted_since"]["rows"]
    assert (back["after"]["quantity"], back["of"]["counted_at"][:16]) == (4, "2026-10-01T07:00")


def test_preview__shows_no_more_rows_than_its_limit_and_says_how_many_there_are(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened())
    many = [(received(f"N{number}", 3), CONTEXT) for number in range(9)]
    answer = preview(models, ledger, many, limit=4)
    assert (len(answer["levels"]["rows"]), answer["levels"]["total"]) == (4, 18)
    assert (len(answer["events"]["rows"]), answer["events"]["total"]) == (4, 9)


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called by some work: a measure of it that no other work disturbs."""
    calls = 0

    def count(frame: object, what: str, argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("backend", ["memory"], indirect=True)
def test_preview__of_a_policy_costs_as_much_a_charge_however_many_there_are(
    ledger: Ledger, models: ReadModels
) -> None:
    """Twice the charges that it prices otherwise are twice the work, not four times."""
    record(ledger, OPENING)
    dearer = published(rule("R1", {"offender": ["2", "2"]}), since="2026-02-01")
    cost: list[int] = []
    for told, many in ((0, 50), (50, 100), (100, 200)):
        for number in range(told, many):
            day = f"2026-{2 + number % 7:02d}-{1 + number % 28:02d}"
            record(ledger, [
                (CHEN, propose(number, "R1", day=day, about=f"order:a:b:{number}")),
                (ZHOU, confirm(number, day="2026-10-02"))])
        rows = preview(models, ledger, [(dearer, CONTEXT)], limit=999)["deductions"]["rows"]
        assert {row["change"] for row in rows} == {"changed", "priced otherwise"}
        cost.append(calls_of(lambda: preview(models, ledger, [(dearer, CONTEXT)])))
    assert cost[2] - cost[1] < 2.4 * (cost[1] - cost[0])
