"""Corrections of stock: what is taken back was never there, what is right was always there, and what
was counted stays as it was counted."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given as examples
from hypothesis import note
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues
from ledger.stock.account import StockAccount
from ledger.stock.corrections import (
    CorrectStock,
    EventUnknown,
    NotCorrectable,
    StandsOn,
)
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import StockMove
from ledger.stock.places import AREA, SHELF, stock_of
from ledger.stock.skus import RegisterSku
from ledger.stock.slips import RecordSlip
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from ledger.writing.errors import OnceTaken
from tests.support.builders import (
    HOUSE,
    NOON,
    SHOP,
    line,
    moved,
    opened,
    received,
    sell,
)
from tests.support.stories import Story, given, goods, levels
from tests.support.thorough import tried

STOCK = stock_of(HOUSE, "SH-001")
LATER = NOON + timedelta(days=30)
BINS = ("", "A", "B")


def at(hour: int) -> datetime:
    """An hour of the business."""
    return NOON + timedelta(hours=hour)


def counted(quantity: int, hour: int, number: str = "c", **fields: Any) -> CountStock:
    """A count of one SKU."""
    return CountStock(warehouse=HOUSE, number=number, occurred_at=at(hour), counts=[
        CountLine(sku="SH-001", quantity=quantity, **fields)])


def correct(document: str, position: int, **fields: Any) -> CorrectStock:
    """What an event says did not occur."""
    return CorrectStock(**{"document": document, "position": position, "kind": "did_not_occur",
                           "reason": "录错", "occurred_at": LATER, **fields})


def position_of(story: Story, document: str, nth: int = -1) -> int:
    """That of an event of a document, by default the last."""
    return [position for position, fact in story.placed if fact.originator_id == document][nth]


def shelf_at(story: Story, moment: datetime, name: str) -> int:
    """What lay in a bin at a moment, by what all documents posted."""
    found = 0
    for touch in story.history:
        for one in touch.postings:
            if one.account == STOCK and (one.at or touch.at) <= moment:
                found += one.quantity * ((AREA.get(one.target) == SHELF and one.to_bin == name)
                                         - (AREA.get(one.source) == SHELF and one.bin == name))
    return found


# -- against a simple model -----------------------------------------------------------------------


class Deed(NamedTuple):
    """What happened in a bin in truth: pieces came or went, or so many were counted."""

    hour: int
    bin: str
    change: int | None
    counted: int


DEEDS = st.builds(Deed, st.integers(0, 40), st.sampled_from(BINS[1:]),
                  st.one_of(st.none(), st.integers(-5, 5).filter(bool)), st.integers(0, 9))


def simulated(deeds: list[Deed], hour: int, name: str) -> int:
    """What lay in a bin at an hour, if all of this and nothing else happened."""
    level = 0
    for deed in sorted(deeds):
        if deed.hour <= hour and deed.bin == name:
            level = deed.counted if deed.change is None else level + deed.change
    return level


def as_move(deed: Deed) -> StockMove:
    assert deed.change
    if deed.change > 0:
        return StockMove(sku="SH-001", quantity=deed.change, source="supplier",
                         target="available", cause="receipt", to_bin=deed.bin)
    return StockMove(sku="SH-001", quantity=-deed.change, source="available",
                     target="written_off", cause="write_off", bin=deed.bin)


def as_command(deed: Deed, number: int) -> tuple[str, Any]:
    """The command that records a deed, and its document."""
    if deed.change is None:
        return f"count:{HOUSE}:{number}", counted(deed.counted, deed.hour, str(number), bin=deed.bin)
    move = as_move(deed)
    return f"movement:{HOUSE}:{number}", moved(
        "SH-001", move.quantity, move.source, move.target, move.cause, bin=move.bin,
        to_bin=move.to_bin, number=str(number), occurred_at=at(deed.hour), reason="水浸")


@settings(max_examples=tried(400), deadline=None)
@examples(st.lists(st.tuples(DEEDS, st.integers(0, 9), st.booleans()), min_size=1, max_size=9,
                   unique_by=lambda one: one[0].hour))
def test_stock__is_what_happened_however_late_and_however_wrongly_it_was_told(
    told: list[tuple[Deed, int, bool]]
) -> None:
    """Movements and counts come in any order of their times; after each of them one of those before
    may be corrected, or a correction of it. At every hour the shelf holds what it held in truth."""
    story = given(opened(), RegisterSku(sku="SH-001", occurred_at=NOON))
    told_of: dict[str, list[Deed | None]] = {}
    for number, (deed, which, drop) in enumerate(told):
        document, command = as_command(deed, number)
        assert story.when(command).error is None, story.error
        told_of[document] = [deed]
        if which < len(told_of):
            document, versions = sorted(told_of.items())[which]
            fields: dict[str, Any] = {}
            if drop:
                versions.append(versions[-2] if len(versions) > 1 else None)
            else:
                first = versions[0]
                assert first is not None
                new = first._replace(counted=deed.counted,
                                     change=first.change and (deed.change or 3))
                fields = {"kind": "incorrect_data", **(
                    {"counts": [CountLine(sku="SH-001", quantity=new.counted, bin=new.bin)]}
                    if new.change is None else {"moves": [as_move(new)]})}
                versions.append(new)
            story.when(correct(document, position_of(story, document), **fields))
            assert story.error is None, story.error
        note((type(command).__name__, told_of))
        valid = [one[-1] for one in told_of.values() if one[-1] is not None]
        for hour in range(-1, 42):
            for name in BINS:
                assert shelf_at(story, at(hour), name) == simulated(valid, hour, name), (hour, name)
    account = story.known[STOCK]
    assert isinstance(account, StockAccount)
    assert account.bins == {name: level for name in BINS
                            if (level := simulated(valid, 99, name))}
