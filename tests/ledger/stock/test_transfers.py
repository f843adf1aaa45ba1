"""Transfers: what is sent lies between two warehouses until it arrives, or is known to be lost."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import ReserveOrder
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import BinEmpty, OutOfStock, SkuHasStock, SkuUnknown, WarehouseUnknown
from ledger.stock.skus import AliasSku, RegisterSku
from ledger.stock.transfers import (
    Arrival,
    MoreReceivedThanSent,
    ReceiveTransfer,
    Sending,
    SendTransfer,
    TransferAlreadySent,
    TransferUnknown,
)
from tests.support.books import books
from tests.support.builders import HOUSE, NOON, line, opened, place, received, sell, stream
from tests.support.stories import Story, bins, given, goods, levels

NORTH = "north"
EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(hours=1)


def send(number: str = "T1", **fields: Any) -> SendTransfer:
    return SendTransfer(**{"number": number, "source": HOUSE, "target": NORTH, "occurred_at": NOON,
                           "lines": [Sending(sku="SH-001", quantity=4)], **fields})


def arrive(quantity: int, **fields: Any) -> ReceiveTransfer:
    return ReceiveTransfer(number="T1", occurred_at=fields.pop("occurred_at", LATER), lines=[
        Arrival(sku="SH-001", quantity=quantity, place=fields.pop("place", "available"))], **fields)


def two_houses(*more: Any) -> Story:
    return given(opened(), opened(NORTH), received(quantity=10), *more)


def count(quantity: int, **fields: Any) -> CountStock:
    return CountStock(**{"warehouse": HOUSE, "occurred_at": NOON,
                         "counts": [CountLine(sku="SH-001", quantity=quantity)], **fields})


def faults(make: Any, **fields: Any) -> list[str]:
    """Where a command is malformed."""
    with pytest.raises(InvalidValues) as caught:
        make(**{"occurred_at": NOON, **fields})
    return [fault.where for fault in caught.value.faults]


def over_both(story: Story) -> dict[str, int]:
    """Where all pieces of the SKU are, over both warehouses together."""
    found: dict[str, int] = {}
    for house in (HOUSE, NORTH):
        if f"stock:{house}:SH-001" in story.known:
            for name, pieces in levels(story, house=house).items():
                found[name] = found.get(name, 0) + pieces
    return {name: pieces for name, pieces in found.items() if pieces}


def test_transfer__accepted_and_between_warehouses_until_it_arrives() -> None:
    story = two_houses().when(send())
    (sent,) = story.then("transfer.sent.v1")
    assert (sent.about(), sent.accounts()) == (["sku:SH-001"], {"stock:main:SH-001"})
    assert levels(story) == {"available": 6, "between_warehouses": 4}
    assert over_both(story) == {"available": 6, "between_warehouses": 4}
    (came,) = story.when(arrive(3)).then("transfer.received.v1")
    assert came.accounts() == {"stock:main:SH-001", "stock:north:SH-001"}
    assert {one.below for one in came.postings} == {None}
    assert levels(story) == {"available": 6, "between_warehouses": 1, "other_warehouse": 3}
    assert levels(story, house=NORTH) == {"available": 3, "other_warehouse": -3}
    story.when(arrive(1, place="damaged")).then("transfer.received.v1")
    assert levels(story) == {"available": 6, "other_warehouse": 4}
    assert over_both(story) == {"available": 9, "damaged": 1}


def test_transfer__accepted_when_a_part_never_arrives() -> None:
    story = two_houses(send(), arrive(3)).when(arrive(1, place="written_off", reason="丢失"))
    (fact,) = story.then("transfer.received.v1")
    assert [(one.source, one.target, one.cause) for one in fact.postings] == [
        ("between_warehouses", "written_off", "loss")]
    assert levels(story) == {"available": 6, "other_warehouse": 3, "written_off": 1}
    assert over_both(story) == {"available": 9, "written_off": 1}
    story.when(arrive(1)).refused(MoreReceivedThanSent)


def test_transfer__lies_between_the_warehouses_at_the_end_of_the_month() -> None:
    """odoo PR#272834, bhima#5915: ten pieces under way are in no report at the month's end."""
    sent, came, lost = (NOON + timedelta(days=days) for days in (1, 3, 6))
    story = two_houses(send(occurred_at=sent), arrive(3, occurred_at=came), arrive(
        1, place="written_off", reason="丢失", occurred_at=lost))
    between = [sum(book.levels["between_warehouses"] for book in books(story.log, at=at).values())
               for at in (NOON, sent, came, lost)]
    assert between == [0, 4, 1, 0]


def test_transfer__takes_pieces_out_of_their_bin_and_puts_them_in_another() -> None:
    story = given(opened(), opened(NORTH), count(0, occurred_at=EARLIER, counts=[
        CountLine(sku="SH-001", quantity=7, bin="A1"),
        CountLine(sku="SH-001", quantity=3, bin="A2")]))
    story.when(send(lines=[Sending(sku="SH-001", quantity=4, bin="A2")])).refused(
        BinEmpty, "stock:main:SH-001: 4 pieces are to leave bin A2, which holds 3. Name the bin "
                  "that they lie in, or count this one.")
    story.decide(send(lines=[Sending(sku="SH-001", quantity=4, bin="A1")], occurred_at=LATER))
    assert bins(story) == {"A1": 3, "A2": 3}
    story.decide(ReceiveTransfer(number="T1", occurred_at=LATER, lines=[
        Arrival(sku="SH-001", quantity=4, bin="N1")]))
    assert bins(story, house=NORTH) == {"N1": 4}


def test_transfer__serves_who_waits_where_it_arrives() -> None:
    waiting = ReserveOrder(order=stream(), warehouse=NORTH, occurred_at=NOON)
    story = two_houses(RegisterSku(sku="SH-001", occurred_at=NOON),
                       place(lines=[line(quantity=2)]), waiting, send(), arrive(4))
    assert levels(story, house=NORTH) == {"other_warehouse": -4, "reserved": 2, "available": 2}
    assert goods(story) == {"1": {"reserved": 2}}


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


def test_send_transfer__before_a_count_leaves_what_was_counted() -> None:
    """The count saw that they were gone; what lies between the warehouses is told all the same."""
    early = received("SH-001", 4, occurred_at=EARLIER - timedelta(hours=1))
    story = two_houses(early, count(6))
    (fact,) = story.when(send(occurred_at=EARLIER)).then("transfer.sent.v1")
    assert [(one.cause, one.at) for one in fact.postings] == [
        ("transfer", None), ("already_counted", NOON)]
    assert levels(story) == {"available": 6, "between_warehouses": 4, "stocktake_gain_loss": 4}
    story = two_houses(early, count(6), send(occurred_at=EARLIER, late="not_counted"))
    assert levels(story) == {"available": 2, "between_warehouses": 4, "stocktake_gain_loss": 8}
    two_houses(count(6)).when(send(occurred_at=EARLIER)).refused(OutOfStock)


def test_receive_transfer__before_a_count_leaves_what_was_counted_there() -> None:
    counted = count(9, warehouse=NORTH, occurred_at=LATER + timedelta(hours=1))
    story = two_houses(send(), counted, arrive(4))
    assert levels(story) == {"available": 6, "other_warehouse": 4}
    assert levels(story, house=NORTH) == {
        "available": 9, "other_warehouse": -4, "stocktake_gain_loss": -5}
    story = two_houses(send(), counted, arrive(4, late="not_counted"))
    assert levels(story, house=NORTH)["available"] == 13


def test_receive_transfer__rejected_for_more_than_was_sent() -> None:
    two_houses().when(arrive(1)).refused(TransferUnknown)
    two_houses(send()).when(arrive(5)).refused(MoreReceivedThanSent)
    two_houses(send(), arrive(3)).when(arrive(4)).refused(
        MoreReceivedThanSent,
        "transfer:T1: 4 pieces of SH-001 are reported, but only 1 are still under way. Record "
        "what came beyond them as found.")


def test_receive_transfer__accepted_by_the_name_it_was_sent_with_and_by_another() -> None:
    def alias(sku: str, target: str) -> AliasSku:
        return AliasSku(sku=sku, target=target, occurred_at=NOON)

    story = two_houses(send(), alias("book", "SH-001"))
    story.decide(ReceiveTransfer(number="T1", occurred_at=LATER,
                                 lines=[Arrival(sku="book", quantity=4)]))
    assert levels(story, house=NORTH)["available"] == 4
    two_houses(send()).when(alias("SH-001", "book")).refused(SkuHasStock)


def test_transfer__rejected_with_everything_that_is_wrong() -> None:
    assert faults(send, number="", target=HOUSE, late="perhaps", lines=[
        Sending(sku="", quantity=0)]) == [
        "/number", "/lines/0/sku", "/lines/0/quantity", "/late", "/to"]
    assert faults(ReceiveTransfer, number="1", lines=[]) == ["/lines"]
    assert faults(ReceiveTransfer, number="1", lines=[
        Arrival(sku="A", quantity=1, place="customer"),
        Arrival(sku="A", quantity=1, place="written_off")]) == ["/lines/0/place", "/reason"]


def test_receive_transfer__of_1000_lines_posts_to_both_warehouses_in_one_event() -> None:
    lines = [Sending(sku="SH-001", quantity=1)] * 1_000
    story = given(opened(), opened(NORTH), received(quantity=1_000), send(lines=lines))
    (fact,) = story.when(ReceiveTransfer(number="T1", occurred_at=LATER, lines=[
        Arrival(sku="SH-001", quantity=1)] * 1_000)).then("transfer.received.v1")
    assert len(fact.postings) == 2_000
    assert over_both(story) == {"available": 1_000}
