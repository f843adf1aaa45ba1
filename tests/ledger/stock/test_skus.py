"""Warehouses and SKUs: registered, named otherwise, bundled; what is accepted, ignored, refused."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import (
    AliasOfAlias,
    BundleHasNoStock,
    BundleInsideItself,
    BundleTooDeep,
    BundleTooLarge,
    OutOfStock,
    SkuIsAlias,
    SkuUnknown,
    UnitFixed,
)
from ledger.stock.pieces import Part
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, SetThreshold, parts_of
from ledger.stock.transfers import Sending, SendTransfer
from tests.support.builders import HOUSE, NOON, moved, opened, received
from tests.support.stories import Story, given, levels

LATER = NOON + timedelta(hours=1)


def alias(sku: str, target: str) -> AliasSku:
    return AliasSku(sku=sku, target=target, occurred_at=NOON)


def bundle(sku: str, **parts: int) -> BundleSku:
    return BundleSku(sku=sku, parts=[Part(name, each) for name, each in parts.items()],
                     occurred_at=NOON)


def parts(story: Story, sku: str) -> dict[str, int]:
    return {part.sku: part.each for part in parts_of(story, sku)}


def faults(make: Any, **fields: Any) -> list[str]:
    """Where a command is malformed."""
    with pytest.raises(InvalidValues) as caught:
        make(**{"occurred_at": NOON, **fields})
    return [fault.where for fault in caught.value.faults]


# -- warehouses and SKUs ---------------------------------------------------------------------------


def test_open_warehouse__accepted_and_ignored_when_open() -> None:
    given().when(opened(title="总仓")).then("warehouse.opened.v1")
    given(opened()).when(opened(title="分仓")).then()


def test_register_sku__accepted_and_ignored_when_registered() -> None:
    register = RegisterSku(sku="SH-001", title="云杉集", occurred_at=NOON)
    given().when(register).then("sku.registered.v1")
    given(register).when(register).then()


def test_register_sku__rejected_in_another_unit() -> None:
    """Else 500 g on the shelf become 500 ml."""
    story = given(RegisterSku(sku="TEA", unit="g", occurred_at=NOON))
    story.when(RegisterSku(sku="TEA", unit="g", title="茶", occurred_at=LATER)).then()
    story.when(RegisterSku(sku="TEA", unit="ml", occurred_at=LATER)).refused(
        UnitFixed, "TEA is counted in g, not in ml: the unit of a SKU never changes. Register what"
        " is counted in ml under another SKU.")
    story.when(RegisterSku(sku="TEA", occurred_at=LATER)).refused(UnitFixed)


def test_register_sku__rejected_in_another_unit_once_pieces_of_it_have_moved() -> None:
    """Else five pieces would be five grams from then on."""
    story = given(opened(), received("TEA", 5))
    story.when(RegisterSku(sku="TEA", unit="g", occurred_at=LATER)).refused(
        UnitFixed, "TEA is counted in piece, not in g: the unit of a SKU never changes. Register "
        "what is counted in g under another SKU.")
    story.when(RegisterSku(sku="TEA", occurred_at=LATER)).then("sku.registered.v1")


def test_register_sku__another_name_has_the_unit_of_what_it_names() -> None:
    tea = RegisterSku(sku="TEA", unit="g", occurred_at=NOON)
    story = given(tea, alias("tea", "TEA"))
    story.when(RegisterSku(sku="tea", unit="ml", occurred_at=NOON)).refused(UnitFixed)
    story.when(RegisterSku(sku="tea", unit="g", occurred_at=NOON)).then("sku.registered.v1")
    given(tea, RegisterSku(sku="BOX", occurred_at=NOON)).when(alias("BOX", "TEA")).refused(
        AliasOfAlias, "BOX cannot be another name of TEA: it is counted in piece, and TEA in g.")
    story.when(alias("tea", "")).then("sku.aliased.v1")


def test_register_sku__accepted_when_only_its_threshold_was_set() -> None:
    given(SetThreshold(sku="SH-001", threshold=3, occurred_at=NOON)).when(
        RegisterSku(sku="SH-001", occurred_at=NOON)).then("sku.registered.v1")


def test_set_threshold__accepted_and_ignored_when_it_is_so() -> None:
    story = given().when(SetThreshold(sku="SH-001", threshold=3, occurred_at=NOON))
    story.then("sku.threshold_set.v1")
    story.when(SetThreshold(sku="SH-001", threshold=3, occurred_at=LATER)).then()


def test_sku_commands__rejected_when_malformed() -> None:
    assert faults(RegisterSku, sku=" ", title="", unit="kg") == ["/sku", "/title", "/unit"]
    assert faults(BundleSku, sku="A", parts=[Part("", 0)]) == ["/parts/0/sku", "/parts/0/each"]
    assert faults(BundleSku, sku="A", parts=[Part("B", 1)] * 101) == ["/parts"]
    assert faults(SetThreshold, sku="A", threshold=-1) == ["/threshold"]


# -- aliases ---------------------------------------------------------------------------------------


def test_alias__ignored_when_repeated() -> None:
    given(alias("85123a", "85123A")).when(alias("85123a", "85123A")).then()


def test_alias__never_guessed_from_upper_case() -> None:
    given(opened(), received("85123A")).when(
        moved("85123a", 1, "available", "customer", "gift")).refused(SkuUnknown)


def test_alias__accepted_and_undone() -> None:
    story = given(opened(), received("85123A", 5), alias("85123a", "85123A"))
    story.when(moved("85123a", 2, "available", "customer", "gift")).then("stock.moved.v1")
    assert levels(story, "85123A")["available"] == 3
    (fact,) = story.when(alias("85123a", "")).then("sku.aliased.v1")
    assert fact.about() == []
    story.when(alias("85123a", "")).then()
    story.when(moved("85123a", 1, "available", "customer", "gift")).refused(OutOfStock)


def test_alias__accepted_as_data_of_the_shop() -> None:
    story = given(opened(), received("85123A", 5), alias("85123a", "85123A"),
                  received("85123a", 2))
    assert levels(story, "85123A") == {"available": 7}
    story.when(alias("X", "85123a")).refused(AliasOfAlias)
    story.when(alias("X", "X")).refused(AliasOfAlias)


def test_alias__accepted_when_its_target_becomes_one() -> None:
    story = given(alias("a", "b"), alias("b", "c"))
    assert parts(story, "a") == {"c": 1}


@pytest.mark.parametrize("history, command, says", [
    ([], alias("A", "A"), "A cannot be another name of A: it is that SKU."),
    ([alias("a", "A")], alias("x", "a"),
     "x cannot be another name of a: that is another name of A itself."),
    ([alias("a", "A")], alias("A", "a"),
     "A cannot be another name of a: that is another name of A itself."),
    ([bundle("SET", A=1)], alias("SET", "A"),
     "SET cannot be another name of A: it is a bundle."),
])
def test_alias__rejected_of_another_name_of_itself_and_of_a_bundle(
    history: list[Any], command: Any, says: str
) -> None:
    given(*history).when(command).refused(AliasOfAlias, says)


# -- bundles ---------------------------------------------------------------------------------------


def test_bundle__taken_apart_over_two_levels_and_other_names() -> None:
    story = given(bundle("PAIR", a=2), alias("a", "A"), bundle("SET", PAIR=3, A=1, B=1))
    assert parts(story, "SET") == {"A": 7, "B": 1}
    assert parts(story, "B") == {"B": 1}


def test_bundle__ignored_when_repeated_and_undone_without_parts() -> None:
    story = given(bundle("SET", A=1)).when(bundle("SET", A=1))
    story.then()
    story.when(bundle("SET")).then("sku.bundled.v1")
    assert parts(story, "SET") == {"SET": 1}


def test_bundle__rejected_for_what_is_another_name() -> None:
    given(alias("a", "A")).when(bundle("a", B=1)).refused(
        SkuIsAlias,
        "a cannot be a bundle: it is another name of A. Bundle that SKU instead, or undo the "
        "name first.")


@pytest.mark.parametrize("history, command, path", [
    ([], bundle("A", A=1), "A > A"),
    ([bundle("A", B=1), bundle("B", C=1)], bundle("C", A=1), "C > A > B > C"),
    ([bundle("A", B=1)], alias("B", "A"), "B > A > B"),
])
def test_bundle__rejected_inside_itself_also_through_another_name(
    history: list[Any], command: Any, path: str
) -> None:
    error = given(*history).when(command).refused(BundleInsideItself)
    assert error.details["path"] == path


def test_bundle__rejected_when_too_deep_or_of_too_many_pieces() -> None:
    deep = [bundle(f"N{depth}", **{f"N{depth + 1}": 1}) for depth in range(1, 11)]
    story = given(*deep)
    assert parts(story, "N1") == {"N11": 1}
    story.when(bundle("N0", N1=1)).refused(
        BundleTooDeep,
        "N0 holds bundles nested more than 10 deep "
        "(N0 > N1 > N2 > N3 > N4 > N5 > N6 > N7 > N8 > N9 > N10). Sell its parts by themselves.")
    given(bundle("BOX", A=100)).when(bundle("PALLET", BOX=101)).refused(
        BundleTooLarge,
        "PALLET holds more than 10000 pieces of A. Sell its parts by themselves.")


def test_bundle__taken_apart_once_however_often_it_is_a_part() -> None:
    """Ten levels of two that hold both of the level below: 1,024 ways to the same piece."""
    story = given(*(bundle(f"{side}{level}", **{f"a{level - 1}": 1, f"b{level - 1}": 1})
                    for level in range(1, 11) for side in "ab"))
    assert parts(story, "a10") == {"a0": 512, "b0": 512}


def test_bundle__has_no_stock_of_its_own() -> None:
    story = given(opened("north"), opened(), bundle("SET", A=1))
    story.when(received("SET")).refused(BundleHasNoStock)
    story.when(CountStock(warehouse=HOUSE, occurred_at=NOON, counts=[
        CountLine(sku="SET", quantity=1)])).refused(BundleHasNoStock)
    story.when(SendTransfer(number="T1", source=HOUSE, target="north", occurred_at=NOON, lines=[
        Sending(sku="SET", quantity=1)])).refused(BundleHasNoStock)
