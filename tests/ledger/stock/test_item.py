"""SKUs, warehouses, movements, counts and transfers: what is accepted, ignored and refused."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import ReserveOrder
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import (
    AliasOfAlias,
    BundleHasNoStock,
    BundleInsideItself,
    BundleTooDeep,
    BundleTooLarge,
    CountedSince,
    OutOfStock,
    PlaceEmpty,
    SkuIsAlias,
    SkuUnknown,
    UnitFixed,
    WarehouseUnknown,
)
from ledger.stock.movements import MAX_MOVES, MoveStock, StockMove
from ledger.stock.pieces import Part
from ledger.stock.places import stock_of
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, SetThreshold, parts_of
from ledger.stock.transfers import (
    Arrival,
    MoreReceivedThanSent,
    ReceiveTransfer,
    Sending,
    SendTransfer,
    TransferAlreadySent,
    TransferUnknown,
)
from ledger.writing.work import Wanted, Work
from tests.conftest import on_sqlite
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
from tests.support.stories import Story, given

NORTH = "north"
EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(hours=1)


def levels(story: Story, house: str = HOUSE, sku: str = "SH-001") -> dict[str, int]:
    """The places of a SKU that hold something."""
    item = story.known[stock_of(house, sku)]
    assert isinstance(item, StockAccount)
    return {place: count for place, count in item.levels.items() if count}


def alias(sku: str, target: str) -> AliasSku:
    return AliasSku(sku=sku, target=target, occurred_at=NOON)


def bundle(sku: str, **parts: int) -> BundleSku:
    return BundleSku(sku=sku, parts=[Part(name, each) for name, each in parts.items()],
                     occurred_at=NOON)


def counted(quantity: int, **fields: Any) -> CountStock:
    return CountStock(**{"warehouse": HOUSE, "occurred_at": NOON,
                         "counts": [CountLine(sku="SH-001", quantity=quantity)], **fields})


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
    assert levels(story, sku="85123A")["available"] == 3
    (fact,) = story.when(alias("85123a", "")).then("sku.aliased.v1")
    assert fact.about() == []
    story.when(alias("85123a", "")).then()
    story.when(moved("85123a", 1, "available", "customer", "gift")).refused(OutOfStock)


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
    story = given(opened(NORTH), opened(), bundle("SET", A=1))
    story.when(received("SET")).refused(BundleHasNoStock)
    story.when(counted(1, counts=[CountLine(sku="SET", quantity=1)])).refused(BundleHasNoStock)
    story.when(send(lines=[Sending(sku="SET", quantity=1)])).refused(BundleHasNoStock)


# -- movements -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [
    received(warehouse="nowhere"), counted(1, warehouse="nowhere"),
])
def test_stock__rejected_for_an_unknown_warehouse(command: Any) -> None:
    given(opened()).when(command).refused(WarehouseUnknown)


@pytest.mark.parametrize("command", [
    received("NEW"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "opening"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "found"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "adjustment", reason="补录"),
])
def test_move__accepted_for_a_new_sku_that_comes_in(command: MoveStock) -> None:
    given(opened()).when(command).then("stock.moved.v1")


def test_move__accepted_as_one_event_for_each_sku() -> None:
    story = given(opened()).when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[
        StockMove(sku=sku, quantity=1, source="supplier", target="available", cause="receipt")
        for sku in ("A", "B", "A")]))
    first, second = story.then("stock.moved.v1", "stock.moved.v1")
    assert (first.sku, len(first.moves), second.sku, len(second.moves)) == ("A", 2, "B", 1)
    assert (first.declared, first.about()) == (True, ["sku:A"])


def test_move__accepted_with_a_fact_and_a_decision_after_it() -> None:
    story = given(opened()).when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[
        StockMove(sku="A", quantity=2, source="supplier", target="receiving", cause="receipt"),
        StockMove(sku="A", quantity=2, source="receiving", target="available", cause="put_away",
                  to_bin="A1")]))
    fact, decision = story.then("stock.moved.v1", "stock.moved.v1")
    assert (fact.declared, decision.declared) == (True, False)


def test_decision__rejected_from_an_empty_place() -> None:
    story = given(opened(), received()).when(
        moved("SH-001", 1, "receiving", "available", "put_away"))
    story.refused(
        PlaceEmpty,
        "stock:main:SH-001: 1 pieces are to leave receiving, which holds 0. If they did leave "
        "it, record that as an adjustment, which opens a discrepancy.")
    story.when(moved("SH-001", 1, "receiving", "available", "adjustment", reason="已上架"))
    (fact,) = story.then("stock.moved.v1")
    assert [(below.place, below.level) for below in fact.below_zero] == [("receiving", -1)]


def test_decision__rejected_whole_when_one_of_its_skus_is_missing() -> None:
    story = given(opened(), received("A", 5), received("B", 1)).when(
        MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[
            StockMove(sku=sku, quantity=2, source="available", target="customer", cause="gift")
            for sku in "AB"]))
    story.refused(OutOfStock)
    assert levels(story, sku="A")["available"] == 5


def test_decision__rejected_over_the_sum_of_its_moves() -> None:
    """vendure#1028, medusa#16502: two lines of one SKU, each checked alone."""
    gift = StockMove(sku="SH-001", quantity=2, source="available", target="customer", cause="gift")
    given(opened(), received(quantity=3)).when(
        MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[gift, gift])).refused(OutOfStock)


def test_a_declared_fact__below_zero_is_recorded_with_a_discrepancy_and_never_clamped() -> None:
    """GreaterWMS dn/views.py:583: negative stock hidden by clamping to 0."""
    story = given(opened(), received(quantity=1)).when(
        moved("SH-001", 3, "available", "damaged", "damage", reason="水浸"))
    (fact,) = story.then("stock.moved.v1")
    assert [(below.place, below.level) for below in fact.below_zero] == [("available", -2)]
    assert levels(story) == {"supplier": -1, "available": -2, "damaged": 3}


def test_move__rejected_when_there_are_too_many() -> None:
    one = received().moves
    assert faults(MoveStock, warehouse=HOUSE, moves=[]) == ["/moves"]
    assert faults(MoveStock, warehouse=HOUSE, moves=one * (MAX_MOVES + 1)) == ["/moves"]
    assert faults(CountStock, warehouse=HOUSE, counts=[]) == ["/counts"]


# -- before a count --------------------------------------------------------------------------------


def test_late_decision__asked_and_kept_within_what_is_there() -> None:
    """erpnext#54295, #54640: a late entry silently undoes a stocktake (counted 1, shown 43)."""
    story = given(opened(), received(occurred_at=EARLIER), counted(4))

    def gift(late: str = "") -> MoveStock:
        return moved("SH-001", 3, "available", "customer", "gift", occurred_at=EARLIER, late=late)

    story.when(gift()).refused(CountedSince)
    story.when(gift("already_counted")).then("stock.moved.v1")
    assert levels(story)["available"] == 4
    story.when(gift("movement")).then("stock.moved.v1")
    assert levels(story)["available"] == 1
    story.when(gift("movement")).refused(OutOfStock)


def test_late_damage__leaves_what_was_counted_and_adds_the_damaged() -> None:
    story = given(opened(), received(occurred_at=EARLIER), counted(7))
    story.when(moved("SH-001", 3, "available", "damaged", "damage", reason="水浸",
                     occurred_at=EARLIER, late="already_counted")).then("stock.moved.v1")
    assert (levels(story)["available"], levels(story)["damaged"]) == (7, 3)


def test_late_movement__accepted_unasked_where_nothing_was_counted() -> None:
    story = given(opened(), received(occurred_at=EARLIER), counted(7))
    story.when(moved("SH-001", 3, "supplier", "quarantine", "receipt", occurred_at=EARLIER)
               ).then("stock.moved.v1")
    assert levels(story)["quarantine"] == 3


def test_late__ignored_when_no_count_came_after() -> None:
    """Nothing is hidden from the books by an answer that nobody asked for."""
    story = given(opened(), received(quantity=3, late="already_counted"))
    assert levels(story)["available"] == 3


def test_count__sums_other_names_of_one_sku() -> None:
    story = given(opened(), alias("a", "A")).when(counted(0, counts=[
        CountLine(sku="a", quantity=2), CountLine(sku="A", quantity=3)]))
    _, fact = story.then("stock.moved.v1", "stock.counted.v1")
    assert (fact.sku, fact.counted) == ("A", 5)


def test_count__rejected_when_one_bin_is_listed_twice() -> None:
    assert faults(CountStock, warehouse=HOUSE, counts=[
        CountLine(sku="A", quantity=1), CountLine(sku="A", quantity=-1)
    ]) == ["/counts/1/quantity", "/counts/1"]


@on_sqlite
def test_count__accepted_of_5000_skus_with_few_queries(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """erpnext#49507: a 5,000-line stocktake takes 10 minutes."""
    fetched: list[int] = []
    fetch = Work.fetch

    def counting(work: Work, wanted: Wanted) -> None:
        fetched.append(len(wanted))
        fetch(work, wanted)

    ledger.handle(opened(), CONTEXT)
    count = counted(0, counts=[CountLine(sku=f"SKU-{number}", quantity=number + 1)
                               for number in range(MAX_MOVES)])
    monkeypatch.setattr(Work, "fetch", counting)
    ledger.handle(count, CONTEXT)
    assert len(fetched) <= 3
    assert ledger.store.head("main").position == 2 + 2 * MAX_MOVES


# -- transfers -------------------------------------------------------------------------------------


def send(number: str = "T1", **fields: Any) -> SendTransfer:
    return SendTransfer(**{"number": number, "source": HOUSE, "target": NORTH, "occurred_at": NOON,
                           "lines": [Sending(sku="SH-001", quantity=4, bin="A1")], **fields})


def arrive(quantity: int, **fields: Any) -> ReceiveTransfer:
    return ReceiveTransfer(number="T1", occurred_at=fields.pop("occurred_at", LATER), lines=[
        Arrival(sku="SH-001", quantity=quantity, place=fields.pop("place", "available"))], **fields)


def two_houses(*more: Any) -> Story:
    return given(opened(), opened(NORTH), received(quantity=10), *more)


def test_transfer__accepted_and_between_warehouses_until_it_arrives() -> None:
    story = two_houses().when(send())
    sent, fact = story.then("transfer.sent.v1", "stock.moved.v1")
    assert sent.about() == ["sku:SH-001"]
    assert fact.about() == ["sku:SH-001", "transfer:T1"]
    assert levels(story) == {"supplier": -10, "available": 6, "between_warehouses": 4}
    _, fact = story.when(arrive(3)).then("transfer.received.v1", "stock.moved.v1")
    assert fact.below_zero == []
    story.when(arrive(1, place="damaged")).then("transfer.received.v1", "stock.moved.v1")
    assert levels(story, NORTH) == {"between_warehouses": -4, "available": 3, "damaged": 1}


def test_transfer__accepted_when_a_part_never_arrives() -> None:
    story = two_houses(send(), arrive(3)).when(arrive(1, place="written_off", reason="丢失"))
    story.then("transfer.received.v1", "stock.moved.v1")
    assert levels(story) == {"supplier": -10, "available": 6, "between_warehouses": 3,
                             "written_off": 1}
    story.when(arrive(1)).refused(MoreReceivedThanSent)


def test_transfer__serves_who_waits_where_it_arrives() -> None:
    waiting = ReserveOrder(order=stream(), warehouse=NORTH, occurred_at=NOON)
    story = two_houses(RegisterSku(sku="SH-001", occurred_at=NOON),
                       place(lines=[line(quantity=2)]), waiting, send(), arrive(4))
    assert levels(story, NORTH) == {"between_warehouses": -4, "reserved": 2, "available": 2}


def test_send_transfer__rejected_for_more_than_is_free() -> None:
    two_houses(sell(1, line(quantity=7))).when(send()).refused(OutOfStock)


def test_send_transfer__rejected_over_the_sum_of_its_lines() -> None:
    six = Sending(sku="SH-001", quantity=6)
    two_houses().when(send(lines=[six, six])).refused(OutOfStock)


def test_send_transfer__conflict_when_sent() -> None:
    two_houses(send()).when(send()).refused(TransferAlreadySent)


@pytest.mark.parametrize("fields, error", [
    ({"target": "nowhere"}, WarehouseUnknown),
    ({"source": "nowhere"}, WarehouseUnknown),
    ({"lines": [Sending(sku="NEW", quantity=1)]}, SkuUnknown),
])
def test_send_transfer__rejected_for_an_unknown_warehouse_or_sku(
    fields: dict[str, Any], error: Any
) -> None:
    two_houses().when(send(**fields)).refused(error)


def test_send_transfer__asked_when_the_stock_was_counted_since() -> None:
    story = two_houses(counted(6)).when(send(occurred_at=EARLIER))
    story.refused(CountedSince)
    story.when(send(occurred_at=EARLIER, late="already_counted"))
    story.then("transfer.sent.v1", "stock.moved.v1")
    assert levels(story)["available"] == 6
    assert levels(story)["between_warehouses"] == 4


def test_receive_transfer__rejected_for_more_than_was_sent() -> None:
    two_houses().when(arrive(1)).refused(TransferUnknown)
    two_houses(send()).when(arrive(5)).refused(MoreReceivedThanSent)
    two_houses(send(), arrive(3)).when(arrive(4)).refused(
        MoreReceivedThanSent,
        "transfer:T1: 4 pieces of SH-001 are reported, but only 1 are still under way. Record "
        "what came beyond them as found.")


def test_receive_transfer__accepted_by_the_name_it_was_sent_with_and_by_another() -> None:
    story = two_houses(send(), alias("book", "SH-001"))
    story.decide(ReceiveTransfer(number="T1", occurred_at=LATER,
                                 lines=[Arrival(sku="book", quantity=4)]))
    assert levels(story, NORTH)["available"] == 4
    story = two_houses(send(), alias("SH-001", "book"))
    story.decide(arrive(4))
    assert levels(story, NORTH)["available"] == 4


def test_transfer__rejected_with_everything_that_is_wrong() -> None:
    assert faults(send, number="", target=HOUSE, late="perhaps", lines=[
        Sending(sku="", quantity=0)]) == [
        "/number", "/lines/0/sku", "/lines/0/quantity", "/late", "/to"]
    assert faults(ReceiveTransfer, number="1", lines=[]) == ["/lines"]
    assert faults(ReceiveTransfer, number="1", lines=[
        Arrival(sku="A", quantity=1, place="customer"),
        Arrival(sku="A", quantity=1, place="written_off")]) == ["/lines/0/place", "/reason"]
