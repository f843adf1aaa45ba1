"""Prices of SKUs: what is accepted, ignored, refused, and which one was in force at a time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as on_any
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues
from ledger.stock.errors import FloorAbovePrice, PriceOfAlias
from ledger.stock.prices import PriceSku, prices_at
from ledger.stock.skus import AliasSku
from tests.support.builders import NOON
from tests.support.stories import Story, given
from tests.support.thorough import tried


def at(hours: int) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=hours)


def price(
    amount: int = 4_990, floor: int | None = 3_000, hours: int = 0, **fields: Any
) -> PriceSku:
    """A price from some hour on."""
    return PriceSku(**{"sku": "SH-001", "amount_minor": amount, "floor_minor": floor,
                       "currency": "CNY", "occurred_at": at(hours), **fields})


def alias(target: str = "SH-001", hours: int = 0, sku: str = "sh001") -> AliasSku:
    """A name of another SKU from some hour on."""
    return AliasSku(sku=sku, target=target, occurred_at=at(hours))


def in_force(story: Story, hours: int, sku: str = "SH-001") -> int | None:
    """What a SKU costs at an hour."""
    story.touched = {}
    found = prices_at(story, [sku], at(hours)).get(sku)
    return None if found is None else found.amount_minor


def test_price_sku__accepted_and_ignored_when_it_is_so() -> None:
    """R-STK-25."""
    fact, _ = given().by("member:chen").when(price(reason="年中调价")).then(
        "sku.priced.v1", "prices.begun.v1")
    assert (fact.amount_minor, fact.floor_minor, fact.currency, fact.by) == (
        4_990, 3_000, "CNY", "member:chen")
    story = given(price())
    story.when(price()).then()
    for other in (price(hours=1), price(5_000, hours=1), price(5_000, None, hours=2),
                  price(sku="PEN"), price(5_000, None, hours=3, currency="HKD")):
        story.when(other).then("sku.priced.v1")


def test_price_sku__rejected_with_a_floor_above_the_price_or_below_nothing() -> None:
    given().when(price(3_000, 3_001)).refused(
        FloorAbovePrice, "SH-001 cannot cost 3000 CNY (minor units) and be sold below 3001 only "
        "with a signature: every sale at its price would need one. Give a floor that is no higher "
        "than the price, or none.")
    given().when(price(3_000, 3_000)).then("sku.priced.v1", "prices.begun.v1")
    with pytest.raises(InvalidValues) as caught:
        price(-1, -1, currency="???")
    assert [fault.where for fault in caught.value.faults] == [
        "/amount_minor", "/floor_minor", "/currency"]


def test_price_sku__rejected_of_what_is_another_name_then() -> None:
    named = [alias(hours=2), alias("", hours=4)]
    for hours, expected in ((1, None), (3, PriceOfAlias), (5, None)):
        story = given(*named).when(price(hours=hours, sku="sh001"))
        assert type(story.error) is (expected or type(None)), hours


def test_price__of_another_name_is_that_of_what_it_named_then() -> None:
    story = given(price(1_000, None), price(700, None, sku="sh001"), price(2_000, None, hours=3),
                  alias(hours=2), alias("", hours=4))
    assert [in_force(story, hours, "sh001") for hours in (-1, 0, 1, 2, 3, 4)] == [
        None, 700, 700, 1_000, 2_000, 700]
    circle = given(price(), alias("B", hours=5, sku="A"), alias("", hours=6, sku="A"),
                   alias("A", hours=5, sku="B"))
    assert in_force(circle, 5, "A") is None


HISTORY = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=8)


@settings(max_examples=tried(100), deadline=None)
@on_any(HISTORY)
def test_price__in_force_is_the_last_that_began_by_then(history: list[tuple[int, int]]) -> None:
    """In whatever order they are recorded; of two for one moment, the one said later."""
    story, said = given(), dict[int, int]()
    for hour, amount in history:
        story.decide(price(amount, None, hours=hour))
        said[hour] = amount
    for hour in range(-1, 11):
        known = [amount for since, amount in sorted(said.items()) if since <= hour]
        assert in_force(story, hour) == (known[-1] if known else None)


def test_price__is_read_of_no_sku_as_long_as_none_has_one() -> None:
    class Watched(Story):
        """A story that notes what is loaded."""

        loaded: list[str] = []

        def load(self, cls: type[Any], stream: str) -> Any:
            self.loaded.append(stream)
            return super().load(cls, stream)

    story = Watched()
    assert prices_at(story, ["A", "B"], NOON) == {}
    assert story.loaded == ["prices:all"]
    story.decide(price(sku="A"))
    story.loaded.clear()
    story.touched = {}
    assert prices_at(story, ["A", "B"], NOON).keys() == {"A"}
    assert story.loaded == ["prices:all", "sku:A", "sku:B"]


