"""What a profile may say: its schema for editors, and the examples of the page, with every key."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from marshmallow import Schema, fields

from ledger.imports import profiles
from ledger.imports.file_schemas import Columns, FieldSchema
from ledger.imports.schemas import ProfileSchema
from ledger.stock.warehouses import OpenWarehouse
from tests.support.builders import NOON
from tests.support.profile_schema import profile_schema
from tests.support.reporting import report
from tests.support.shops import CONTEXT, Shop, codes, counts
from tests.support.source import ROOT

PAGE = (ROOT / "docs/profiles.md").read_text("utf-8")
EXAMPLES: dict[str, str] = {
    yaml.safe_load(block)["name"]: block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    if re.search("^name:", block, re.M)}
VALIDATOR = Draft202012Validator(profile_schema())


def faults(raw: Any) -> list[str]:
    """What the schema for editors finds wrong."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in VALIDATOR.iter_errors(raw)]


# -- the schema for editors ------------------------------------------------------------------------


def test_schema__is_one() -> None:
    Draft202012Validator.check_schema(profile_schema())


@pytest.mark.parametrize("name", profiles.available())
def test_schema__takes_every_profile_that_is_found_by_name(name: str) -> None:
    assert faults(yaml.safe_load(profiles.available()[name].read_text("utf-8"))) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_schema__takes_every_example_of_the_page(name: str) -> None:
    assert faults(yaml.safe_load(EXAMPLES[name])) == []


@pytest.mark.parametrize("change", [
    {"colour": "red"}, {"version": 0}, {"version": None}, {"shop": 5}, {"encodings": ["latin"]},
    {"files": {"rows": {"columns": {}}}}, {"files": {"rows": {"columns": {"a": {"field": "A"}}}}},
    {"count": {"file": "rows", "sku": "sku", "quantity": "quantity", "when": "x"}}])
def test_schema__refuses_what_a_profile_may_not_say(change: dict[str, Any]) -> None:
    raw = {**yaml.safe_load(EXAMPLES["made-up-count"]), **change}
    raw = {key: value for key, value in raw.items() if value is not None}
    assert faults(raw)
    with pytest.raises(profiles.InvalidProfile):
        profiles.parse(yaml.safe_dump(raw), "changed")


# -- every key stands in an example ---------------------------------------------------------------


def keys_of(schema: Schema) -> Iterator[str]:
    """Every key that a schema takes, here and below, by the class that has it."""
    for name, field in schema.fields.items():
        yield f"{type(schema).__name__}.{name}"
        for inner in inner_of(field):
            yield from keys_of(inner)


def inner_of(field: fields.Field[Any]) -> Iterator[Schema]:
    """The schemas of what a key holds."""
    if isinstance(field, Columns):
        yield FieldSchema()
    elif isinstance(field, fields.Nested):
        yield field.schema
    elif isinstance(field, fields.List):
        yield from inner_of(field.inner)
    elif isinstance(field, fields.Dict) and field.value_field is not None:
        yield from inner_of(field.value_field)


def said_in(schema: Schema, raw: Any) -> Iterator[str]:
    """Every key of a schema that a mapping has, here and below."""
    for name, value in raw.items():
        if (field := schema.fields.get(name)) is not None:
            yield f"{type(schema).__name__}.{name}"
            for inner in inner_of(field):
                for one in held_by(field, value):
                    yield from said_in(inner, one)


def held_by(field: fields.Field[Any], value: Any) -> Iterator[Any]:
    """The mappings that a key holds."""
    if isinstance(field, Columns | fields.Dict):
        for one in value.values():
            yield from one if isinstance(one, list) else [one]
    elif isinstance(value, list):
        yield from value
    else:
        yield value


def test_page__has_an_example_of_every_key() -> None:
    said = {key for block in EXAMPLES.values()
            for key in said_in(ProfileSchema(), yaml.safe_load(block))}
    of_a_field = {f"FieldSchema.{name}" for name in FieldSchema().fields}
    assert of_a_field <= said  # a constant may have all of them
    assert {key for key in keys_of(ProfileSchema()) if key not in said and (
        not key.startswith("ConstantSchema.") or key.endswith(".value"))} == set()
    assert "extends:" in EXAMPLES["made-up-returns"]


# -- and every example runs ------------------------------------------------------------------------


def bring(shop: Shop, name: str, **files: str) -> Any:
    """Import texts by an example of the page."""
    paths = []
    for file, text in files.items():
        path = shop.folder / f"{file.replace('_', '-')}.csv"
        path.write_text(text, "utf-8")
        paths.append(path)
    return shop.bring(*paths, profile=profiles.parse(EXAMPLES[name], name))


def cells(name: str, kind: str, rows: list[dict[str, str]], between: str = ",") -> str:
    """A text with all columns of a kind of file of an example."""
    file = next(file for file in profiles.parse(EXAMPLES[name], name).files if file.kind == kind)
    names = [*file.columns, *sorted(file.ignored)]
    return "\n".join(between.join(row) for row in (
        names, *([row.get(name, "") for name in names] for row in rows))) + "\n"


def test_example__of_orders_in_three_files(shop: Shop) -> None:
    order = {
        "Number": "17.0", "State": "done (by Ann)", "Placed": "01.09.2026 10:00", "Paid": "-",
        "As of": "05.09.2026", "Pieces": "3", "Points": "4", "Postage": "4,90", "Discount": "1,00",
        "Tax": "2,00", "Goods": "1.030,00", "Currency": "€", "Account": "b1", "Name": "A B",
        "Phone": "1", "Zip": "10115", "Street": "Way 1", "Province": "BE", "Wish": "soon",
        "Note": "ok", "Arrived": "03.09.2026 09:00", "Sent": "02.09.2026 09:00", "Waybill": "W9"}
    paid = {**order, "Number": "18", "State": "open", "Paid": "01.09.2026 11:00",
            "Reference": "P-1", "Refunded": "02.09.2026 11:00", "Refund": "5,00 €",
            "Refund no": "R-1"}
    gone = {**order, "Number": "19", "State": "ended", "Arrived": "", "Lost": "04.09.2026 09:00"}
    summary = bring(
        shop, "made-up-orders",
        orders_20260906="made up;;\n" + cells(
            "made-up-orders", "orders", [order, paid, gone, {"Number": "Total"}], ";"),
        items=cells("made-up-orders", "items", [
            {"Order": number, "Line": "a", "SKU": "LAMP", "Pieces": "2", "Price": '"515,0000"',
             "Title": "Lamp", "Style": "red"} for number in ("17", "18", "19")] + [
            {"Order": "17", "Line": "b", "SKU": "GIFT-1", "Pieces": "1", "Price": '"0,0000"'}]),
        payments=cells("made-up-orders", "payments", [
            {"Order": "18", "By": "card", "Amount": '"1035,90"'}]))
    assert (codes(summary), summary.rejected) == ([], 0)
    assert {row["number"]: (row["total_minor"], row["paid_minor"], row["refunded_minor"],
                            row["review_status"]) for row in report(shop, "orders")} == {
        "000017": (103590, 0, None, "completed"), "000018": (103590, 103590, 500, "imported"),
        "000019": (103590, 0, None, "closed")}
    (placed, *_), types = shop.payloads("order.placed.v1"), shop.types()
    assert (placed["pieces"], placed["points"], [line.get("fee") for line in placed["lines"]]) == (
        3, 4, [None, True])
    assert (types["order.stated.v1"], types["order.parcel_lost.v1"]) == (3, 1)


def test_example__of_orders_and_what_comes_back(shop: Shop) -> None:
    rows = [{"What": "sold", "Order": "1", "SKU": "A", "Pieces": "2", "Cost": "9.00",
             "Paid": "9.00", "At": "2026-09-01"},
            {"What": "sold", "SKU": "B", "Pieces": "1", "Cost": "5.00", "Paid": "5.00"},
            {"What": "back", "Case": "R1", "Order": "1", "SKU": "A", "Pieces": "1",
             "At": "2026-09-05", "Came": "2026-09-06", "Found": "broken", "Asked": "4.50",
             "Refund": "4.50", "Refunded": "2026-09-07", "Refund no": "X1", "Closed": "2026-09-08"}]
    summary = bring(shop, "made-up-lines", rows=cells("made-up-lines", "rows", rows))
    assert (codes(summary), counts(summary)) == ([], (3, 3, 0, 0))
    (order,), (case,) = report(shop, "orders"), report(shop, "returns")
    assert (order["paid_minor"], order["refunded_minor"]) == (1400, 450)
    assert (case["state"], case["pieces"]["damaged"]) == ("closed", 1)


REPORT = """Report of week 36;;;;;;;;
Order;SKU;Pieces;Cost;Status;Ordered;Paid;Sent;Refunded
1;A;2;19,80;sent;31.08.2026 14:05;31.08.2026 14:06;01.09.2026 08:00;
1;B;0;0,00;cancelled;2026-08-31 14:05;31.08.2026 14:06;;
2;A;1;9,90;sent;2026-09-01 10:00;2026-09-01 10:01;2026-09-02 08:00;
2;C;3;1.234,50;refunded;01.09.2026 10:00;01.09.2026 10:01;2026-09-02 08:00;05.09.2026 12:00
3;B;0;0,00;cancelled;02.09.2026 11:00;;;
4;B;3;10,00;open;02.09.2026 12:00;;;
Sum;;9;1.274,20;;;;;
"""


def test_example__of_a_report_whose_lines_have_states_of_their_own(shop: Shop) -> None:
    summary = bring(shop, "made-up-report", rows=REPORT)
    assert (codes(summary), counts(summary)) == ([], (6, 6, 0, 0))
    assert [(one.row, one.code) for one in summary.warnings] == [
        (4, "no_pieces"), (7, "no_pieces"), (9, "rows_left_out")]
    assert {row["number"]: (row["total_minor"], row["paid_minor"], row["refunded_minor"],
                            row["delivery_status"], row["review_status"])
            for row in report(shop, "orders")} == {
        "1": (1980, 1980, None, "dispatched", "imported"),
        "2": (124440, 124440, 123450, "dispatched", "imported"),
        "3": (0, 0, None, "unsent", "cancelled"), "4": (1000, 0, None, "unsent", "imported")}


def test_fault__shows_an_amount_as_the_file_writes_it(shop: Shop) -> None:
    raw = EXAMPLES["made-up-report"].replace("total_minor: {sum: [cost]}", "total_minor: cost")
    path = shop.folder / "rows.csv"
    path.write_text(REPORT, "utf-8")
    summary = shop.bring(path, profile=profiles.parse(raw, "report"))
    assert [(one.row, one.column, one.value) for one in summary.faults] == [
        (4, "Cost", "0,00"), (6, "Cost", "1234,50")]


def test_example__of_products_in_a_cell(shop: Shop) -> None:
    text = cells("made-up-cells", "orders", [{
        "Order": "1", "Goods": "Blue cup [CUP] x 2|Tray [TRAY] x 1", "Total": "45.00",
        "State": "paid", "Day": "2026-09-01"}])
    assert codes(bring(shop, "made-up-cells", orders=text)) == []
    (order,), (pieces,) = report(shop, "orders"), report(shop, "fulfilment")
    assert (order["paid_minor"], [line["ordered"] for line in pieces["lines"]]) == (4500, [2, 1])


def test_example__of_cases_alone(shop: Shop) -> None:
    text = ("case,order,kind,sku,quantity,price,requested_at,came_at,refunded_at,refunded,place\n"
            "R1,,return,A,1,5.00,2026-09-05 10:00,,,,a\n")
    assert codes(bring(shop, "made-up-returns", cases=text)) == []
    assert [row["lines"][0]["line"] for row in report(shop, "returns")] == ["a"]


def test_example__of_a_count_and_of_movements(shop: Shop) -> None:
    for house in ("main", "north"):
        shop.opened.ledger.handle(OpenWarehouse(name=house, occurred_at=NOON), CONTEXT)
    count = [{"House": "north", "SKU": "A", "Pieces": "3", "Bin": "1", "Day": "2026-09-01"}]
    assert codes(bring(shop, "made-up-count", rows=cells("made-up-count", "rows", count))) == []
    moves = [{"Move": "1", "Why": "in", "House": "north", "SKU": "A", "Pieces": "4", "Bin": "2",
              "Day": "2026-09-02", "Paper": "note 7"},
             {"Move": "2", "Why": "over", "SKU": "A", "Pieces": "2", "From": "north", "To": "main",
              "Day": "2026-09-03", "There": "2026-09-04"},
             {"Move": "3", "Why": "broken", "House": "north", "SKU": "A", "Pieces": "1",
              "Day": "2026-09-03", "Note": "it fell"}]
    assert codes(bring(shop, "made-up-moves", rows=cells("made-up-moves", "rows", moves))) == []
    assert {row["warehouse"]: (row["available"], row["damaged"])
            for row in report(shop, "inventory")} == {"north": (4, 1), "main": (2, 0)}
