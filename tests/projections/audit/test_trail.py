"""What changed with each event, in the open only as far as it may be."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.application import Ledger
from ledger.log.envelope import listed_subjects
from ledger.log.store import Store
from ledger.orders.commands import CorrectDetails, HoldOrder
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import APPROVED
from projections.asking.clocks import NOW, AsOf, Cut
from projections.asking.periods import Period
from projections.audit.known import BOOKKEEPING
from projections.audit.trail import Asked, Start, found, rows
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.conftest import on_sqlite
from tests.support.builders import HOUSE, NOON, context, moved, opened, place, remark, stream
from tests.support.demo import demo_in
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
    shown = list(rows(models, "main", entries, NOW.resolve(store, "main")))
    models.close()
    assert shown[-1]["changes"]["held_for"]["after"] == "‹personal›"
    text = json.dumps(shown, ensure_ascii=False)
    assert not [one for one in sealed if one in text]


@pytest.fixture(scope="module")
def of_demo(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The trail of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            settings.open_store()) as kept, closing(ReadModels(kept, PROJECTIONS)) as models:
        models.catch_up("main")
        cut = NOW.resolve(kept, "main")
        return list(rows(models, "main", kept.read("main", limit=10_000), cut))


def parts_of(value: Any) -> Iterator[Any]:
    """All that stands in what JSON holds."""
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in parts:
        yield from parts_of(one)


def test_rows__have_no_bookkeeping_and_say_all_in_json(of_demo: list[dict[str, Any]]) -> None:
    kinds = set()
    for row in of_demo:
        assert not BOOKKEEPING & (row["changes"] or {}).keys(), row
        assert row["currency"] == ("CNY" if row["stream"].startswith(("order:", "case:")) else None)
        for part in parts_of(row["changes"]):
            assert isinstance(part, dict | list | str | int | bool | None), (row, part)
            assert not (isinstance(part, str) and re.match(r"[A-Z][A-Za-z]+\(|<", part)), row
        kinds.add(row["stream"].partition(":")[0])
    assert len(kinds) >= 10


@on_sqlite
def test_rows__show_that_a_sealed_value_was_changed(ledger: Ledger, store: Store) -> None:
    put(ledger, place(1, recipient="欧阳若雪"), CorrectDetails(
        order=stream(1), recipient="欧阳雪", consent="she rang", occurred_at=NOON))
    models = ReadModels(store, PROJECTIONS)
    row = list(rows(models, "main", store.read("main"), NOW.resolve(store, "main")))[-1]
    models.close()
    assert row["type"] == "order.details_changed.v1"
    assert row["changes"]["buyer"] == {side: {"recipient": "‹personal›"}
                                       for side in ("before", "after")}


@on_sqlite
def test_rows__of_stock_say_what_changed_of_the_document_or_of_the_account(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ledger, opened(), moved("SH-001", 5, "supplier", "available", "receipt", to_bin="A1"),
        CountStock(warehouse=HOUSE, number="7", occurred_at=NOON + timedelta(days=1), counts=[
            CountLine(sku="SH-001", quantity=4, bin="A1")]))
    entries = store.read("main")[2:]
    models = ReadModels(store, PROJECTIONS)

    def changes(subject: str | None) -> list[Any]:
        return [row["changes"] for row in rows(
            models, "main", entries, NOW.resolve(store, "main"), subject=subject)]

    for of_documents in (changes(None), changes("sku:SH-001")):
        assert [one.pop("warehouse") for one in of_documents] == [
            {"before": "", "after": HOUSE}] * 2
        assert [one.pop("decided", None) for one in of_documents] == [
            {"before": "unknown", "after": APPROVED}, None]  # a movement, and a count
        assert not any(of_documents)
    first = {"supplier": -5, "available": 5}
    assert changes(f"stock:{HOUSE}:SH-001") == [
        {"levels": {"before": {}, "after": first}, "bins": {"before": {}, "after": {"A1": 5}}},
        {"levels": {"before": first, "after": {**first, "available": 4, "stocktake_gain_loss": 1}},
         "bins": {"before": {"A1": 5}, "after": {"A1": 4}}}]
    monkeypatch.setattr("projections.audit.trail.FOLDED", 1)
    assert changes(f"stock:{HOUSE}:SH-001")[1] is None
    models.close()


KNOWN = ["member:a", "member:b", "member:c"]


@pytest.mark.parametrize("scanned", [1, 3, 7, 100])
@pytest.mark.parametrize("fetched", [1, 2, 100])
def test_found__pages_are_all_that_is_asked_for_in_either_order(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch, scanned: int, fetched: int
) -> None:
    """Whatever a page looks at, and however much of it the read models know."""
    put(ledger, opened(), *(moved("SH-001", 1, "supplier", "available", "receipt")
                            for _ in range(3)), place(1), remark(1, "a"))
    models = ReadModels(store, PROJECTIONS)
    models.catch_up("main")
    for number, actor in enumerate(KNOWN * 2):
        ledger.handle(remark(1, f"{number}"), context(actor=actor))
        put(ledger, moved("SH-001", 1, "supplier", "available", "receipt"))
    monkeypatch.setattr("projections.audit.trail.SCANNED", scanned)
    monkeypatch.setattr("projections.audit.timeline.FETCHED", fetched)
    entries = store.read("main")
    middle = entries[len(entries) // 2].recorded_at
    wanted = [Asked(), Asked(actor=KNOWN[0]), Asked(type="order.remarked.v1"),
              Asked(actor="member:none"), Asked(period=Period(middle, None)),
              Asked(period=Period(None, middle)), Asked(period=Period(1, 2)),
              Asked(subject=stream(1)), Asked(subject="sku:SH-001"),
              Asked(subject=f"stock:{HOUSE}:SH-001", period=Period(middle, None)),
              Asked(subject=stream(1), actor=KNOWN[1]),
              Asked(command=UUID(bytes=entries[1].command_id))]
    for asked in wanted:
        of = [one.position for one in entries if asked.takes(one) and (
            asked.subject is None or asked.subject in {one.stream, *listed_subjects(one.subjects)})]
        for cut in (AsOf().resolve(store, "main"), AsOf(position=7).resolve(store, "main")):
            expected = [one for one in of if one <= cut.position]
            for limit in (1, 2, 50):
                assert paged(models, asked, cut, down=False, limit=limit) == expected
                assert paged(models, asked, cut, down=True, limit=limit) == expected[::-1]
    models.close()


def paged(
    models: ReadModels, asked: Asked, cut: Cut, *, down: bool, limit: int
) -> list[int]:
    """The positions of all pages."""
    start, positions = Start(down=down), []
    while True:
        page = found(models, "main", asked, cut, start=start, limit=limit)
        assert len(page.entries) <= limit
        positions += [one.position for one in page.entries]
        if page.beyond is None:
            return positions
        start = Start(page.beyond, down)
