"""Values at their bounds: what is taken can be held by whatever follows it, exactly."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.bounds import MOST_IN_ALL, Whole
from ledger.common.errors import InvalidValues
from ledger.common.moments import Moment
from ledger.common.values import MAX_INTEGER, exact
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.orders.commands import ChangePrice
from ledger.orders.errors import PaidTooMuch
from ledger.orders.values import Amounts
from ledger.stock.skus import SetThreshold
from projections import reports
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.conftest import durable, on_sqlite
from tests.support import samples
from tests.support.bodies import order
from tests.support.builders import (
    CONTEXT,
    NOON,
    line,
    opened,
    pay,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.projecting import correct, put, refund
from tests.support.thorough import tried
from tests.support.web import Web

SHOWN = ("orders", "fulfilment", "reconciliation", "inventory", "low-stock", "bins")


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def story(name: str) -> list[Command]:
    """Commands with every amount and quantity of an order, of stock and of its threshold."""
    parts = Amounts(goods_minor=1, postage_minor=1, discount_minor=1)
    whole = Amounts(goods_minor=1, postage_minor=1, discount_minor=1, total_minor=1)
    return [
        received(), SetThreshold(sku="SH-001", threshold=1, occurred_at=NOON),
        place(name, amounts=parts, pieces=1, points=1),
        ChangePrice(order=stream(name), amounts=Amounts(goods_minor=1), occurred_at=NOON),
        *(pay(name, 1, occurred_at=NOON + timedelta(minutes=n)) for n in range(3)),
        refund(name, 1), correct(name, "paid", 2), refund(name, 1), correct(name, "refunded", 1),
        record(f"{name}r", amounts=whole, pieces=1, points=1, refunded_minor=1,
               refunded=Moment(NOON + timedelta(days=1))),
        sell(f"{name}s", line()), pay(f"{name}s", 1)]


def at_bounds(command: Command, highest: Iterator[bool]) -> Command:
    """The same command with each of its whole numbers at its least or most; as it is, where such
    numbers do not fit each other."""
    body = msgspec.to_builtins(command)
    for leaf in samples.leaves(type(command)):
        whole = next((one for one in leaf.bounds if isinstance(one, Whole)), None)
        with suppress(KeyError, IndexError, TypeError):
            if whole is not None and type(samples.inside(body, leaf.path)) is int:
                body = samples.replaced(
                    body, leaf.path, whole.most if next(highest) else whole.least)
    with suppress(InvalidValues):
        return msgspec.convert(body, type(command))
    return command


def kept_exact(value: Any) -> None:
    """Every reader of JSON keeps the whole numbers of a value."""
    def small(digits: str) -> int:
        assert abs(int(digits)) <= MAX_INTEGER
        return int(digits)

    json.loads(json.dumps(exact(value)), parse_int=small)


@durable
@hypothesis_settings(max_examples=tried(30), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(highest=[True])
@example(highest=[False])
@given(highest=st.lists(st.booleans(), min_size=40, max_size=40))
def test_bounds__of_all_commands_at_once_stop_no_read_model(
    ledger: Ledger, models: ReadModels, highest: list[bool]
) -> None:
    if not ledger.head().position:
        put(ledger, opened())
    choices = (highest[n % len(highest)] for n in range(10**6))
    commands = [at_bounds(one, choices) for one in story(f"n{ledger.head().position}")]
    ledger.handle_many([(one, CONTEXT) for one in commands])
    assert [(one.projection, one.error) for one in models.catch_up("main") if one.error] == []
    for name in SHOWN:
        kept_exact(reports.run(models, "main", name, Question()).rows)


@durable
def test_bounds__of_what_an_order_is_paid_in_all(ledger: Ledger, models: ReadModels) -> None:
    with pytest.raises(InvalidValues):
        pay(1, MOST_IN_ALL + 1)
    put(ledger, place(1, amounts=Amounts()), pay(1, MOST_IN_ALL - 1), pay(1, 1))
    with pytest.raises(PaidTooMuch):
        ledger.handle(pay(1, 1), CONTEXT)
    put(ledger, refund(1, MOST_IN_ALL))
    (row,) = reports.run(models, "main", "orders", Question()).rows
    assert (row["paid_minor"], row["refunded_minor"]) == (MOST_IN_ALL, MOST_IN_ALL)


@on_sqlite
def test_bounds__of_a_sum_in_json_are_those_of_every_reader(web: Web) -> None:
    def total(orders: int) -> Any:
        amounts = {"total_minor": MAX_INTEGER}
        web.done("/v1/orders", order(orders, amounts=amounts, lines=[]))
        (row,) = web.get("/v1/reconciliation").json["items"]  # type: ignore[index]
        return row["total_minor"]

    assert [total(1), total(2)] == [MAX_INTEGER, str(2 * MAX_INTEGER)]
