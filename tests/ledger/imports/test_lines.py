"""Lines: what a piece costs where a file prints what all of them do, and rows that are one."""

from contextlib import closing

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.accounts import touch_of
from ledger.imports.lines import FINEST, price_of
from ledger.imports.profile import Profile
from ledger.imports.profiles import InvalidProfile, parse
from ledger.orders.money import rounded
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.shops import Shop, codes, counts

HEADER = "id,order,sku,title,colour,qty,amount,placed,sent,waybill"


def profile(
    *, key: str | None = None, stock: dict[str, str] | None = None, **lines: object
) -> Profile:
    """A file whose rows say what a line costs."""
    columns = {
        "id": {"field": "id", "kind": "id"}, "order": {"field": "number", "kind": "id"},
        "sku": {"field": "sku", "kind": "id"}, "title": {"field": "title", "kind": "text"},
        "colour": {"field": "colour", "kind": "text"},
        "qty": {"field": "quantity", "kind": "integer"},
        "amount": {"field": "amount", "kind": "money"},
        "placed": {"field": "placed", "kind": "time"}, "sent": {"field": "sent", "kind": "time"},
        "waybill": {"field": "waybill", "kind": "id"}}
    return parse(yaml.safe_dump({
        "name": "shop", "version": 1, "channel": "shop", "shop": "one",
        "money": {"currency": "CNY", "exponent": 2},
        "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
        **({"stock": stock} if stock else {}),
        "files": {"lines": {"columns": columns, **({"key": key} if key else {})}},
        "order": {"file": "lines", "number": "number", "placed": {"at": "placed"},
                  "goods_minor": {"lines": "goods"},
                  "lines": {"of": "lines", "sku": "sku", "quantity": "quantity",
                            "title": {"join": ["title", "colour"]}, "amount_minor": "amount",
                            **lines}}}), "shop.yaml")


def row(id: str, sku: str = "A", qty: str = "1", amount: str = "5.00", *, number: str = "1",
        sent: str = "", waybill: str = "") -> str:
    """A row of such a file."""
    return f"{id},{number},{sku},book,red,{qty},{amount},2026-09-01,{sent},{waybill}"


def test_amount__of_a_line_gives_the_price_of_a_piece(shop: Shop) -> None:
    shop.bring(shop.file([row("1", qty="3", amount="10.00"), row("2", "B", "2", "5.00")],
                         header=HEADER), profile=profile())
    (placed,) = shop.payloads("order.placed.v1")
    assert [(line["unit_price"], line.get("unit_price_scale", 2), line["amount_minor"])
            for line in placed["lines"]] == [(3333, 3, 1000), (250, 2, 500)]
    assert placed["amounts"] == {"goods_minor": 1500}


@given(st.integers(0, 10**11), st.integers(1, 10**5), st.sampled_from([0, 2, 3]))
def test_price_of__costs_what_the_line_says(amount: int, quantity: int, exponent: int) -> None:
    price, scale = price_of(amount, quantity, exponent)
    assert exponent <= scale <= FINEST
    assert rounded(price * quantity, scale - exponent) == amount


def test_title__is_joined_of_several_columns(shop: Shop) -> None:
    shop.bring(shop.file([row("1")], header=HEADER), profile=profile())
    (placed,) = shop.payloads("order.placed.v1")
    assert placed["lines"][0]["title"] == "book red"


@pytest.mark.parametrize("known", [profile(key="id"), profile(line="id")])
def test_row_that_stands_there_twice__is_one_where_rows_have_ids(
    shop: Shop, known: Profile
) -> None:
    file = shop.file([row("7"), row("7"), row("8")], header=HEADER)
    assert counts(shop.bring(file, profile=known)) == (3, 3, 0, 0)
    (placed,) = shop.payloads("order.placed.v1")
    assert len(placed["lines"]) == 2


@pytest.mark.parametrize("known", [profile(key="id"), profile(line="id")])
def test_row_id__rejected_where_two_rows_say_different_things(shop: Shop, known: Profile) -> None:
    file = shop.file([row("7"), row("7", "B")], header=HEADER)
    assert codes(shop.bring(file, profile=known)) in (
        [(3, "id", "line_twice")], [(3, "id", "twice")])


def test_equal_rows__are_two_lines_where_rows_have_no_ids(shop: Shop) -> None:
    shop.bring(shop.file([row("7"), row("7")], header=HEADER), profile=profile())
    (placed,) = shop.payloads("order.placed.v1")
    assert len(placed["lines"]) == 2


def test_price__rejected_beside_an_amount() -> None:
    with pytest.raises(InvalidProfile, match="either unit_price or amount_minor"):
        profile(unit_price="amount")


# -- lines that are sent one by one ---------------------------------------------------------------


BY_LINE = {"dispatched": "sent", "waybill": "waybill"}


def pieces(shop: Shop) -> dict[str, tuple[int, int]]:
    """Of each SKU the pieces that are to be sent and those on their way, as the fulfilment report
    has them."""
    with closing(ReadModels(shop.opened.store, PROJECTIONS)) as models:
        (found,) = run(models, "main", "fulfilment", Question(subject="order:shop:one:1")).rows
    return {line["sku"]: (line["unreserved"], line["in_transit"]) for line in found["lines"]}


def test_dispatched__of_a_line_sends_its_own_pieces(shop: Shop) -> None:
    shop.bring(shop.file([row("1", qty="2", sent="2026-09-02", waybill="SF1"), row("2", "B")],
                         header=HEADER), profile=profile(line="id", **BY_LINE))
    assert pieces(shop) == {"A": (0, 2), "B": (1, 0)}
    (sent,) = shop.payloads("order.dispatched.v1")
    assert (sent["part"], sent["lines"], sent["waybill"]) == (
        True, [{"line": "1", "quantity": 2}], "SF1")


def test_dispatched__of_a_line_takes_its_pieces_out_of_stock(shop: Shop) -> None:
    shop.bring(shop.file([row("1", qty="2", sent="2026-09-02"), row("2", "B")], header=HEADER),
               profile=profile(line="id", stock={"warehouse": "main"}, **BY_LINE))
    assert [(one.account, one.quantity, one.source) for entry in shop.log()
            for one in touch_of(entry).postings] == [("stock:main:A", 2, "available")]


def test_dispatched__of_lines_is_one_event_for_what_went_together(shop: Shop) -> None:
    shop.bring(shop.file([row("1", sent="2026-09-02", waybill="SF1"),
                          row("2", "B", sent="2026-09-02", waybill="SF1"),
                          row("3", "C", sent="2026-09-03", waybill="SF2")], header=HEADER),
               profile=profile(line="id", **BY_LINE))
    assert [[count["line"] for count in sent["lines"]]
            for sent in shop.payloads("order.dispatched.v1")] == [["1", "2"], ["3"]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=4))
def test_dispatched__of_lines_never_sends_a_piece_twice(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bool]]
) -> None:
    """Whatever file comes after which, a piece that one of them says was sent was sent once."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for day, said in enumerate(files):
        shop.bring(shop.file([row(str(at), sku, "2", sent="2026-09-02" if sent else "")
                              for at, (sku, sent) in enumerate(zip("ABC", said, strict=True), 1)],
                             f"day{day}.csv", header=HEADER), profile=profile(line="id", **BY_LINE))
    expected = {sku: (0, 2) if any(said[at] for said in files) else (2, 0)
                for at, sku in enumerate("ABC")}
    assert pieces(shop) == expected
    shop.close()
