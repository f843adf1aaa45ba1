"""Stock that follows orders: what cannot follow without being asked about."""

from datetime import timedelta

from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import CountedBeforeDeclared
from tests.support.builders import HOUSE, NOON, opened, received, record, stream
from tests.support.stories import given, levels


def test_declared_dispatch__rejected_when_the_stock_was_counted_since() -> None:
    """A file has no room for the answer that a movement by hand would have to give."""
    count = CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(days=2),
                       counts=[CountLine(sku="SH-001", quantity=9)])
    story = given(opened(), received(), count)
    story.when(record(warehouse=HOUSE)).refused(
        CountedBeforeDeclared,
        "stock:main:SH-001 was counted at 2026-10-03T04:00:00Z, after this movement "
        "(2026-10-02T04:00:00Z), and a declaration cannot say whether the count saw it. Declare "
        "it without a warehouse, and move the stock yourself if the count did not see it.")
    story.when(record())
    assert story.known[stream()].version == 4
    assert levels(story)["available"] == 9
