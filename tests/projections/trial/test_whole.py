"""In what a whole ledger differs between two moments: of each subject what its own diff says."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.log.store import Store
from projections.asking.clocks import NOW, AsOf, PositionBeyondHead
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from projections.trial import asking, facts, whole
from projections.trial.whole import OneTimeForAll, Place, Whole
from tests.support.builders import NOON, line, opened, pay, place, received, remark, sell, stream
from tests.support.projecting import put

STOCK = "stock:main:SH-001"


@pytest.fixture
def models(ledger: Ledger, store: Store) -> Iterator[ReadModels]:
    """Goods, three orders, two of them sold, one paid and talked about."""
    put(ledger, opened(), received(quantity=12), sell("1", line(quantity=2)), pay("1", 9980),
        sell("2"), place("3"), remark("1"))
    with closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def between(models: ReadModels, before: AsOf, after: AsOf = NOW) -> Whole:
    """Two moments of the ledger."""
    return Whole.of(models, "main", before, after)


def at(position: int) -> AsOf:
    """A position."""
    return AsOf(position=position)


def test_diff__of_the_whole_is_that_of_each_subject(models: ReadModels) -> None:
    """Property: between any two positions, each subject of an event between them is there once,
    with what its own diff says, and no other."""
    head = models.store.head("main").position
    for first in range(head + 1):
        for last in (first, first + 1, head):
            if last > head:
                continue
            rows = list(between(models, at(first), at(last)).all())
            own = {row["subject"]: row for row in rows}
            named = {name for one in models.store.read("main", after=first, until=last)
                     for name in (one.stream, *([STOCK] if STOCK in one.subjects else []))}
            assert len(rows) == len(own)
            assert own.keys() == named
            for subject, row in own.items():
                found = asking.differences(models, "main", subject, before=at(first),
                                           after=at(last))
                assert (row["differences"], row["events"]) == (found.rows, found.as_of["came"])


def test_diff__of_the_whole_back_in_time_is_the_reverse(models: ReadModels) -> None:
    head = models.store.head("main").position
    there, back = (list(between(models, at(a), at(b)).all()) for a, b in ((4, head), (head, 4)))
    assert back == [{**row, "differences": [
        {**one, "before": one["after"], "after": one["before"]} for one in row["differences"]]}
        for row in there]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_diff__of_the_whole_comes_in_pages_that_add_up(
    models: ReadModels, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """However short a page, and however few events one looks at."""
    compared = between(models, at(2))
    every = list(compared.all())
    monkeypatch.setattr(whole, "READ", 2)
    rows: list[dict[str, Any]] = []
    start: Place | None = Place(3)
    while start is not None:
        page = compared.page(start, limit=limit)
        assert len(page.rows) <= limit
        rows += page.rows
        start = page.next
    assert rows == every
    assert page.as_of["before"]["position"] == 2


def test_diff__of_the_whole_takes_what_had_happened(models: ReadModels) -> None:
    """A payment that had not happened by then makes no difference."""
    moment = (NOON + timedelta(minutes=1)).isoformat()
    then = AsOf.parse(occurred_as_of=moment)
    first = AsOf.parse(1, None, moment)
    rows = {row["subject"]: row for row in between(models, first, then).all()}
    known = {one["field"]: one["after"] for one in rows[stream(1)]["differences"]}
    assert (known["total_minor"], known["paid_minor"]) == (9980, 0)
    positions = [one for row in rows.values() for one in row["events"]]
    paid = next(one for one in models.store.read("main") if one.type == "order.paid.v1")
    assert paid.position not in positions


def test_diff__of_the_whole_names_what_is_too_long(
    models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MOST_EVENTS", 2)
    rows = {row["subject"]: row for row in between(models, at(2)).all()}
    assert (rows[STOCK]["too_long"], rows[STOCK]["differences"]) == (True, [])
    assert not rows[stream(3)]["too_long"]


def test_diff__of_the_whole_rejected(models: ReadModels) -> None:
    """R-SUP-08, R-PRJ-05"""
    with pytest.raises(OneTimeForAll):
        between(models, AsOf.parse(3, None, NOON.isoformat()), NOW)
    with pytest.raises(PositionBeyondHead):
        between(models, at(0), at(10_000))


def test_diff__of_the_whole_costs_what_is_between(models: ReadModels, ledger: Ledger) -> None:
    """As many reads of the log after a hundred further orders as before them."""
    def reads(first: int, last: int) -> list[str]:
        read: list[str] = []

        class Watched:
            """Notes what is read of the log."""

            def __init__(self, store: Store) -> None:
                self._store = store

            def __getattr__(self, name: str) -> Any:
                read.append(name)
                return getattr(self._store, name)

        real = models.store
        models.store = Watched(real)  # type: ignore[assignment]
        try:
            list(between(models, at(first), at(last)).all())
        finally:
            models.store = real
        return read

    head = models.store.head("main").position
    few = reads(head - 3, head)
    put(ledger, *(place(number) for number in range(10, 60)))
    models.catch_up("main")
    later = models.store.head("main").position
    assert len(reads(head - 3, head)) <= len(few) + 2  # the header reads two events then
    assert len(reads(later - 3, later)) <= len(few)
