"""A preview says which months that finance has signed would have other figures."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings as effort
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.orders.commands import ChangeLines, CorrectOrder, PayOrder, SupplementOrder
from ledger.orders.values import Amounts
from ledger.people.commands import JoinMember
from ledger.settings import Settings, open_ledger
from projections import reports
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.preview.answer import preview
from projections.store.models import ReadModels
from tests.support.builders import CHANNEL, CONTEXT, SHOP, line, stream
from tests.support.previewing import must_agree
from tests.support.projecting import correct, decisions, declarations, put, refund, tell
from tests.support.signing import SIGNED, sign
from tests.support.team import at
from tests.support.thorough import tried

FIN = "member:fin"
WHOLE, OF_SHOP = "reconciliation:2026-10", f"reconciliation:2026-10:{CHANNEL}:{SHOP}"
FIGURES = ("orders", "total_minor", "paid_minor", "refunded_minor", "net_minor",
           "difference_minor", "signed")
PLACE = {"channel": CHANNEL, "shop": SHOP}


def sold(
    number: int, minor: int, *, paid: int, day: str = "2026-10-10", **more: Any
) -> Command:
    """A declared order, and what was paid of it on its day."""
    return tell(number, amounts=Amounts(total_minor=minor), placed=Moment(at(day)),
                **{"paid": Moment(at(day)), "paid_minor": paid, **more})


def figures(models: ReadModels) -> dict[tuple[str, str], dict[str, Any]]:
    """The signed figures of October, of all and of the shop, as the report has them; the net sum
    also where no order states what was refunded."""
    return {(name_, row["currency"]): {
                **{name: row[name] or 0 for name in FIGURES},
                "net_minor": row["paid_minor"] - (row["refunded_minor"] or 0)}
            for name_, place in ((WHOLE, {}), (OF_SHOP, PLACE))
            for row in reports.run(models, "main", "reconciliation",
                                   Question(month=SIGNED, **place)).rows
            if row["signed"] != "no"}


def parted(before: Any, after: Any) -> list[Any]:
    """In what they differ, as a preview says it."""
    found = []
    for key in sorted({*before, *after}):
        a, b = before.get(key), after.get(key)
        if a != b and a is not None and b is not None:
            names = [name for name in a if a[name] != b[name]]
            a, b = ({name: side[name] for name in names} for side in (a, b))
        if a != b:
            found.append((key, a, b))
    return found


def told(answer: dict[str, Any]) -> list[Any]:
    """The same of a preview."""
    return [((row["of"]["reconciliation"], row["of"]["currency"]), row["before"], row["after"])
            for row in answer["signed_months"]["rows"]]


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    with closing(ReadModels(store, PROJECTIONS)) as found:
        yield found


@pytest.fixture
def shop(ledger: Ledger, models: ReadModels) -> Ledger:
    """Two orders of October, one of September; October is signed, of all and of the shop."""
    put(ledger, JoinMember(member=FIN, joined_on="2026-01-01", occurred_at=at("2026-01-01")),
        sold(1, 4100, paid=100), sold(2, 2000, paid=2000, lines=[line("A", unit_price=2000)]),
        sold(3, 700, paid=700, day="2026-09-10"))
    sign(ledger, models, FIN)
    sign(ledger, models, FIN, **PLACE)
    return ledger


@pytest.mark.parametrize(("command", "changed"), [
    (PayOrder(order=stream(1), amount_minor=5, occurred_at=at("2026-10-31", 23)),
     {"paid_minor": (2100, 2105), "net_minor": (2100, 2105), "difference_minor": (4000, 3995)}),
    (refund(2, 50, occurred_at=at("2026-10-12")),
     {"refunded_minor": (0, 50), "net_minor": (2100, 2050), "difference_minor": (4000, 4050)}),
    (SupplementOrder(order=stream(1), amount_minor=4000, reference="S1",
                     occurred_at=at("2026-10-31")),
     {"paid_minor": (2100, 6100), "net_minor": (2100, 6100), "difference_minor": (4000, 0)}),
    (correct(2, "paid", 1900, occurred_at=at("2026-11-20")),
     {"paid_minor": (2100, 2000), "net_minor": (2100, 2000), "difference_minor": (4000, 4100)}),
    (sold(4, 10, paid=10, day="2026-10-31"),
     {"orders": (2, 3), "total_minor": (6100, 6110), "paid_minor": (2100, 2110),
      "net_minor": (2100, 2110)}),
    (ChangeLines(order=stream(2), lines=[line("A", unit_price=1500)], consent="好",
                 occurred_at=at("2026-11-20")),
     {"total_minor": (6100, 5600), "difference_minor": (4000, 3500)})])
def test_preview__of_money_names_the_signed_month_that_it_falls_in(
    shop: Ledger, models: ReadModels, command: Command, changed: dict[str, tuple[Any, Any]]
) -> None:
    """R-PRV-07."""
    before = figures(models)
    answer = preview(models, shop, [(command, CONTEXT)])
    assert [row["change"] for row in answer["signed_months"]["rows"]] == ["would differ"] * 2
    for (name, _), was, now in told(answer):
        assert name in (WHOLE, OF_SHOP)
        assert {figure: (was[figure], now[figure]) for figure in was} == {
            **changed, "signed": ("holds", "changed since")}
    assert figures(models) == before
    put(shop, command)
    models.catch_up("main")
    assert told(answer) == parted(before, figures(models))


@pytest.mark.parametrize("command", [
    PayOrder(order=stream(1), amount_minor=5, occurred_at=at("2026-11-20")),
    refund(3, 50, occurred_at=at("2026-11-20")), sold(5, 10, paid=10, day="2026-09-30"),
    sold(6, 10, paid=10, day="2026-11-01"), correct(3, "paid", 600, occurred_at=at("2026-11-20"))])
def test_preview__of_money_of_another_month_names_no_signed_one(
    shop: Ledger, models: ReadModels, command: Command
) -> None:
    """R-PRV-07: a correction belongs to what it puts right, not to when it was made."""
    assert preview(models, shop, [(command, CONTEXT)])["signed_months"]["total"] == 0


def test_preview__of_what_an_order_costs_says_what_is_open_then(
    shop: Ledger, models: ReadModels
) -> None:
    """R-ORD-81, R-PRV-01, R-PRV-07: an order of a signed month costs something else."""
    costs = CorrectOrder(order=stream(2), fact="amounts", amounts=Amounts(
        discount_minor=500, total_minor=1500), reason="抄错", occurred_at=at("2026-11-20"))
    answer = must_agree(models, shop, costs)
    assert [(row["of"]["exception"], row["change"]) for row in answer["alerts"]["rows"]] == [
        ("overpaid", "opened")]
    assert [(was["total_minor"], now["total_minor"]) for _, was, now in told(answer)] == [
        (6100, 5600)] * 2


def test_preview__of_money_of_another_shop_names_the_month_of_all(
    shop: Ledger, models: ReadModels
) -> None:
    answer = preview(models, shop, [(sold(9, 10, paid=10, shop="别店"), CONTEXT)])
    assert [row["of"] for row in answer["signed_months"]["rows"]] == [
        {"reconciliation": WHOLE, "month": SIGNED, "currency": "CNY"}]


@effort(max_examples=tried(25), deadline=None)
@examples(history=st.lists(declarations() | decisions(), min_size=1, max_size=12),
          later=declarations() | decisions())
def test_preview__of_money_agrees_with_the_signed_month_once_it_is_recorded(
    history: list[Command], later: Command
) -> None:
    """R-PRV-07: whatever was signed, and whatever comes then."""
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    with closing(opened), closing(ReadModels(opened.store, PROJECTIONS)) as models:
        ledger = opened.ledger
        put(ledger, JoinMember(member=FIN, joined_on="2026-01-01", occurred_at=at("2026-01-01")))
        ledger.handle_many([(command, CONTEXT) for command in history])
        if not reports.run(models, "main", "reconciliation", Question(month=SIGNED)).rows:
            return
        sign(ledger, models, FIN)
        sign(ledger, models, FIN, **PLACE)
        before = figures(models)
        try:
            answer = preview(models, ledger, [(later, CONTEXT)])
        except LedgerError:
            return
        put(ledger, later)
        models.catch_up("main")
        assert told(answer) == parted(before, figures(models))
