"""Cases as reports tell them: what the cases themselves know, as of any moment."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.common.values import rfc3339
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.returns.case import Case
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
    RejectCase,
    RequestCase,
    WithdrawCase,
)
from ledger.returns.values import DISPOSITIONS, CaseLine, Match, Outcome
from ledger.settings import Settings, open_ledger
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from projections.asking.clocks import AsOf
from projections.asking.past import NothingRecorded, past_of
from projections.asking.questions import Question
from projections.returns import REPORTS, STATES, Returns, cases, returns
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT, HOUSE, NOON, line, opened, record, stream
from tests.support.cases import AGREE, BACK, TWO, ask, case, new, on, orphan
from tests.support.projecting import put, try_all
from tests.support.thorough import tried

NOTHING = dict.fromkeys(STATES, 0)
BROUGHT = record(1, lines=[line(quantity=3)], delivered=Moment(NOON + timedelta(days=2)),
                 paid_minor=14970)
"""An order of three that its buyer has."""

SET = BundleSku(sku="SH-001", parts=[Part("P1", 1), Part("P2", 2)], occurred_at=NOON)
"""What is ordered is a set."""


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read model of the store."""
    made = ReadModels(store, (Returns(),))
    yield made
    made.close()


def rows(models: ReadModels, **narrowed: Any) -> list[dict[str, Any]]:
    """The report, as of now."""
    models.catch_up("main")
    return REPORTS["returns"](models, "main", Question(**narrowed, sort="subject")).rows


def test_returns__tell_goods_and_refund(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, opened(), BROUGHT, ask(), AGREE, on(ApproveRefund, amount_minor=3000),
        on(PayRefund, amount_minor=2000), on(ReceiveGoods, warehouse=HOUSE, lines=TWO),
        on(InspectGoods, lines=[Outcome("1", 1, "damaged")]))
    pieces = {**NOTHING, "awaiting_inspection": 1, "damaged": 1}
    position = max(one.position for one in ledger.store.read("main") if one.stream == case())
    assert rows(models) == [{
        "subject": case(), "state": "authorised", "kind": "return_and_refund", "order": stream(),
        "warehouse": HOUSE, "opened_at": rfc3339(BACK), "currency": "CNY", "asked_minor": 9980,
        "approved_minor": 3000, "paid_minor": 2000, "pieces": pieces,
        "lines": [{"line": "1", "sku": "SH-001", "order_line": None, "of": None,
                   "quantity": 2, "fee": False, **pieces}],
        "position": position}]


def test_returns__tell_what_nobody_expected(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, opened(), BROUGHT, orphan(), new(ReceiveParcel, "R2", warehouse=HOUSE, lines=[
        CaseLine(line="a", sku="SH-001", quantity=1)]))
    declared, parcel = rows(models)
    assert (declared["state"], declared["order"], declared["asked_minor"]) == (
        "declared", None, None)
    assert (parcel["state"], parcel["pieces"]["awaiting_inspection"]) == ("unidentified", 1)
    put(ledger, on(MatchCase, "R2", order=stream(), lines=[Match("a", "1")]))
    (matched,) = rows(models, subject=case("R2"))
    assert (matched["order"], matched["lines"][0]["order_line"]) == (stream(), "1")


def test_returns__tell_the_parts_of_a_kit_that_are_judged_by_themselves(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), SET, BROUGHT, ask(), AGREE, on(
        ReceiveGoods, warehouse=HOUSE, lines=TWO), on(InspectGoods, lines=[
            Outcome("1", 1, "damaged", sku="P2"), Outcome("1", 1, "restocked", sku="P1")]))
    (row,) = rows(models)
    assert [{name: value for name, value in told.items() if value} for told in row["lines"]] == [
        {"line": "1", "sku": "SH-001", "quantity": 2, "awaiting_inspection": 1, "taken_apart": 1},
        {"line": "1/P1", "sku": "P1", "of": "1", "quantity": 1, "restocked": 1},
        {"line": "1/P2", "sku": "P2", "of": "1", "quantity": 2, "awaiting_inspection": 1,
         "damaged": 1}]


def test_returns__are_narrowed_by_channel_shop_and_case(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, opened(), orphan("1"), orphan("2", channel="tmall"), orphan("3", shop="云杉"))
    found = {name: [row["subject"][-1] for row in rows(models, **narrowed)]
             for name, narrowed in {
                 "all": {}, "channel": {"channel": "taobao"}, "shop": {"shop": "云杉书店"},
                 "one": {"subject": case(1)}}.items()}
    assert found == {"all": ["3", "1", "2"], "channel": ["3", "1"], "shop": ["1", "2"],
                     "one": ["1"]}
    with pytest.raises(NothingRecorded):
        rows(models, subject=case(9))


def test_returns__as_of_any_event(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, opened(), BROUGHT, ask(), AGREE, on(ReceiveGoods, warehouse=HOUSE, lines=TWO),
        on(InspectGoods, lines=[Outcome("1", 2, "restocked")]),
        on(CloseCase, declined_minor=3327))
    states = []
    for position in range(1, ledger.store.head("main").position + 1):
        found = rows(models, as_of=AsOf(position))
        if found and (not states or states[-1] != (found[0]["state"], found[0]["pieces"])):
            states.append((found[0]["state"], found[0]["pieces"]))
    assert states == [
        ("requested", {**NOTHING, "awaited": 2}), ("authorised", {**NOTHING, "awaited": 2}),
        ("authorised", {**NOTHING, "awaiting_inspection": 2}),
        ("authorised", {**NOTHING, "restocked": 2}), ("closed", {**NOTHING, "restocked": 2})]


# -- any history ----------------------------------------------------------------------------------

numbers, pieces = st.sampled_from("123"), st.integers(1, 3)
times = st.integers(0, 40).map(lambda hours: BACK + timedelta(hours=hours))


@st.composite
def steps(draw: st.DrawFn) -> Command:
    """A command on a case, at any time, which may refuse it."""
    cls = draw(st.sampled_from([
        RequestCase, RequestCase, ReceiveParcel, MatchCase, AuthoriseCase, AuthoriseCase,
        RejectCase, ReceiveGoods, ReceiveGoods, InspectGoods, InspectGoods, ApproveRefund,
        PayRefund, WithdrawCase, CloseCase]))
    number, at = draw(numbers), {"occurred_at": draw(times)}
    if cls is RequestCase:
        part = draw(st.sampled_from((None, None, "P2")))
        return ask(number, CaseLine(line="1", sku=part, quantity=draw(pieces)), refund_minor=100,
                   **at)
    if cls is ReceiveParcel:
        return new(cls, number, warehouse=HOUSE, **at, lines=[  # type: ignore[no-any-return]
            CaseLine(line="1", sku="SH-001", quantity=draw(pieces))])
    told: dict[Any, dict[str, Any]] = {
        MatchCase: {"order": stream(), "lines": [Match("1", "1")]},
        RejectCase: {"reason": "已拆封"}, WithdrawCase: {"reason": "不退了"},
        ReceiveGoods: {"warehouse": HOUSE, "lines": [Count("1", draw(pieces))]},
        InspectGoods: {"lines": [Outcome("1", draw(pieces), draw(st.sampled_from(DISPOSITIONS)),
                                         sku=draw(st.sampled_from((None, "P1", "P2"))))]},
        ApproveRefund: {"amount_minor": draw(st.integers(1, 60))},
        PayRefund: {"amount_minor": draw(st.integers(1, 60))}}
    return on(cls, number, **told.get(cls, {}), **at)  # type: ignore[no-any-return]


@settings(max_examples=tried(60), deadline=None)
@given(history=st.lists(steps(), max_size=30), batch=st.integers(1, 7), data=st.data())
def test_rows__are_what_the_cases_know(
    history: list[Command], batch: int, data: st.DataObject
) -> None:
    """However the log is cut into batches, and as of any position."""
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    put(made.ledger, opened(), SET, BROUGHT)
    try_all(made.ledger, [(command, CONTEXT) for command in history])
    models = ReadModels(made.store, (Returns(),), batch=batch)
    models.catch_up("main")
    assert models.compare_with_rebuild("main") == []
    position = data.draw(st.integers(0, made.store.head("main").position))
    known: dict[str, Case] = {}
    for entry in made.store.read("main", limit=position):
        if entry.stream.startswith("case:"):
            case = known.setdefault(entry.stream, Case.blank(entry.stream))
            event_types.decode(entry).mutate(case)
    cut = AsOf(position).resolve(made.store, "main")
    with past_of(made.store, "main", cut, Returns()) as connection:
        found = {row.subject: Returns().of_row(row).case
                 for row in connection.execute(cases.select()).all()}
    for told in returns(models, "main", Question(as_of=AsOf(position))).rows:
        assert sum(told["pieces"].values()) == sum(one["quantity"] for one in told["lines"])
    assert {name: _facts(one) for name, one in found.items()} == {
        name: _facts(one) for name, one in known.items()}
    models.close()
    made.close()


def _facts(case: Case) -> tuple[Any, ...]:
    return (case.state, case.kind, case.order, case.warehouse, case.lines, case.matched,
            {name: dict(states) for name, states in case.goods.items()}, case.sums, case.apart)


@settings(max_examples=tried(40), deadline=None)
@given(history=st.lists(steps(), max_size=30), until=times)
def test_rows__never_fall_below_nought_as_of_a_time_of_the_business(
    history: list[Command], until: Any
) -> None:
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    put(made.ledger, opened(), SET, BROUGHT)
    try_all(made.ledger, [(command, CONTEXT) for command in history])
    models = ReadModels(made.store, (Returns(),))
    for told in returns(models, "main", Question(
            as_of=AsOf.parse(occurred_as_of=until.isoformat()))).rows:
        assert min(told["pieces"].values()) >= 0
        assert sum(told["pieces"].values()) == sum(one["quantity"] for one in told["lines"])
    models.close()
    made.close()
