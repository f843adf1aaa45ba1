"""What orders, payments and refunds add up to, per currency."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.log.store import Store
from ledger.orders.values import Amounts, Line
from ledger.settings import Settings, open_ledger
from projections import reports
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.orders.reconciliation import decimal_text
from projections.store.models import ReadModels
from tests.support.builders import NOON, end, line, place, stream
from tests.support.projecting import (
    correct,
    histories,
    naive,
    naive_reconciliation,
    put,
    tell,
    try_all,
)
from tests.support.thorough import tried

FIGURES = ("currency", "orders", "unpaid_orders", "paid_orders", "refunded_orders",
           "fully_refunded_orders", "goods_minor", "postage_minor", "discount_minor",
           "total_minor", "paid_minor", "refunded_minor", "net_minor", "lines", "pieces_sold",
           "pieces_cancelled", "pieces_written_off", "pieces_found", "value")


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def figures(models: ReadModels, **question: Any) -> list[dict[str, Any]]:
    """The rows of the report."""
    return reports.run(models, "main", "reconciliation", Question(**question)).rows


def paid(minor: int, hours: int = 1) -> dict[str, Any]:
    """What a declaration tells of a payment."""
    return {"paid": Moment(NOON + timedelta(hours=hours)), "paid_minor": minor}


def refunded(minor: int, hours: int = 2) -> dict[str, Any]:
    """What a declaration tells of refunds."""
    return {"refunded": Moment(NOON + timedelta(hours=hours)), "refunded_minor": minor}


def test_reconciliation__of_nothing_is_an_empty_list(ledger: Ledger, models: ReadModels) -> None:
    assert figures(models) == []


def test_reconciliation__has_all_figures_in_order(ledger: Ledger, models: ReadModels) -> None:
    amounts = Amounts(goods_minor=300, postage_minor=50, discount_minor=20, total_minor=330)
    lines = [line("A", quantity=2, unit_price=100),
             Line(line="2", sku="B", quantity=3, unit_price=333, unit_price_scale=3,
                  amount_minor=100)]
    put(ledger, tell(1, amounts=amounts, lines=lines, **paid(330), **refunded(30)))
    (row,) = figures(models)
    assert tuple(row) == FIGURES
    assert row == {
        "currency": "CNY", "orders": 1, "unpaid_orders": 0, "paid_orders": 1,
        "refunded_orders": 1, "fully_refunded_orders": 0, "goods_minor": 300,
        "postage_minor": 50, "discount_minor": 20, "total_minor": 330, "paid_minor": 330,
        "refunded_minor": 30, "net_minor": 300, "lines": 2, "pieces_sold": 5,
        "pieces_cancelled": 0, "pieces_written_off": None, "pieces_found": None,
        "value": "2.999",
    }


def test_reconciliation__tells_null_for_what_nobody_told(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, tell(1, amounts=Amounts()))
    (row,) = figures(models)
    assert {name for name, value in row.items() if value is None} == set(FIGURES) - {
        "currency", "orders", "unpaid_orders", "paid_orders", "paid_minor"}
    put(ledger, tell(2, amounts=Amounts(goods_minor=0), refunded_minor=0))
    (row,) = figures(models)
    assert (row["goods_minor"], row["refunded_minor"], row["net_minor"]) == (0, 0, 0)
    assert (row["postage_minor"], row["total_minor"]) == (None, None)


def test_reconciliation__adds_what_was_told_where_some_told(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, tell(1, amounts=Amounts(total_minor=100)),
        tell(2, amounts=Amounts(goods_minor=40, postage_minor=4, discount_minor=2)),
        tell(3, amounts=Amounts(goods_minor=7), pieces=9))
    (row,) = figures(models)
    assert (row["goods_minor"], row["postage_minor"], row["total_minor"]) == (47, 4, 142)
    assert (row["pieces_sold"], row["lines"], row["value"]) == (9, None, None)


def test_reconciliation__counts_refunds_against_payments(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, tell(1, **paid(100), **refunded(100)), tell(2, **paid(100), **refunded(99)),
        tell(3, **paid(0), **refunded(0)), tell(4, **refunded(5)), tell(5, refunded_minor=0))
    (row,) = figures(models)
    assert (row["paid_orders"], row["unpaid_orders"]) == (3, 2)
    assert (row["refunded_orders"], row["fully_refunded_orders"]) == (3, 1)
    assert (row["paid_minor"], row["refunded_minor"], row["net_minor"]) == (200, 204, -4)


def test_reconciliation__moves_with_corrections(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, tell(1, **paid(100), **refunded(60)))
    models.catch_up("main")
    put(ledger, correct(1, "paid", 60))
    (row,) = figures(models)
    assert (row["paid_minor"], row["net_minor"], row["fully_refunded_orders"]) == (60, 0, 1)
    put(ledger, correct(1, "refunded", 0))
    (row,) = figures(models)
    assert (row["net_minor"], row["refunded_orders"], row["fully_refunded_orders"]) == (60, 0, 0)


def test_reconciliation__counts_the_pieces_of_cancelled_orders(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1, lines=[line(quantity=3)]), place(2, lines=[line(quantity=4)]),
        end(2, "cancelled"))
    (row,) = figures(models)
    assert (row["pieces_sold"], row["pieces_cancelled"]) == (7, 4)
    assert row["value"] == "349.3"


def test_reconciliation__is_told_per_currency_channel_and_shop(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, place(1), place(2, currency="USD"), place(3, channel="tmall"),
        place(4, channel="tmall", shop="别店"))
    assert [(row["currency"], row["orders"]) for row in figures(models)] == [("CNY", 3), ("USD", 1)]
    assert [row["orders"] for row in figures(models, channel="tmall")] == [2]
    assert [row["orders"] for row in figures(models, shop="云杉书店")] == [2, 1]
    assert [row["orders"] for row in figures(models, channel="tmall", shop="别店")] == [1]
    answer = reports.run(models, "main", "reconciliation", Question(shop="没有"))
    assert answer.rows == []
    assert answer.as_of["notes"] == ["there is nothing about shop 没有"]


def test_reconciliation__is_exact_past_64_bits(ledger: Ledger, models: ReadModels) -> None:
    most = 2**53 - 1
    lines = [Line(line=str(n), quantity=10**9, unit_price=most, unit_price_scale=0,
                  amount_minor=most) for n in range(50)]
    put(ledger, *(tell(n, amounts=Amounts(total_minor=most)) for n in range(1100)))
    put(ledger, tell("x", lines=lines, amounts=Amounts()), place("y", amounts=Amounts()))
    (row,) = figures(models)
    assert row["total_minor"] == 1100 * most + 4990 > 2**63
    assert row["value"] == f"{50 * 10**9 * most + 49}.9"
    assert models.compare_with_rebuild("main") == []


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (1, "0.00000001"), (6781619004, "67.81619004"), (-250000000, "-2.5"),
    (-1, "-0.00000001"), (10**8, "1")])
def test_decimal_text__is_exact(value: int, text: str) -> None:
    assert decimal_text(value) == text


@hypothesis_settings(max_examples=tried(40), deadline=None)
@given(history=histories)
def test_reconciliation__is_what_a_plain_model_says(history: Any) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS, batch=3)
    for item in history:
        try_all(opened.ledger, [item])
        models.catch_up("main")
    expected = naive_reconciliation(naive(opened.store.read("main")))
    found = figures(models)
    assert [{name: row[name] for name in expected[0]} for row in found] == expected if expected \
        else found == []
    models.close()
    opened.close()


def test_sums__are_those_of_the_orders(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, *(tell(n, **paid(10 * n), **refunded(n)) for n in range(9)))
    (row,) = figures(models)
    found = reports.run(models, "main", "orders").rows
    assert row["paid_minor"] == sum(order["paid_minor"] for order in found)
    assert row["refunded_minor"] == sum(order["refunded_minor"] for order in found)
    assert stream(3) in {order["subject"] for order in found}
