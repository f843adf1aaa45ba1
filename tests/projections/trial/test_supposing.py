"""What is supposed of a history agrees with what happens then, and is refused as that would be."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.handlers.table import SENT
from ledger.log.store import Store
from ledger.policies.book import BOOK
from ledger.returns.errors import CaseUnknown
from ledger.settings import open_ledger
from projections.asking.clocks import NOW, AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import Answer
from projections.catalogue import PROJECTIONS
from projections.policies import VersionUnknown
from projections.store.models import ReadModels
from projections.trial import asking
from projections.trial.supposing import (
    MOST_SUPPOSED,
    BadSupposition,
    Hypothesis,
    LeftOutAndNamed,
    Means,
    NoPolicyDecides,
    TooMuchSupposed,
    TwoPolicies,
    commands_of,
)
from tests.support.builders import CONTEXT, NOON, line, opened, pay, place, received, sell, stream
from tests.support.demo import demo_in
from tests.support.projecting import put

STOCK = "stock:main:SH-001"
"""The goods of the shop's orders."""


@pytest.fixture
def shop(ledger: Ledger, store: Store) -> Ledger:
    """Twelve books, two sold and paid, another one sold and not paid."""
    put(ledger, opened(), received(quantity=12), sell("1", line(quantity=2)), pay("1", 9980),
        place("2"))
    return ledger


@pytest.fixture
def models(store: Store, shop: Ledger) -> Any:
    with closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def told(name: str, /, **fields: Any) -> dict[str, Any]:
    """A command as a file has it."""
    return {"command": name, **fields}


AT = (NOON + timedelta(hours=2)).isoformat()
PAY = told("order.pay", occurred_at=AT, order=stream("2"), amount_minor=4990, reference="p2")
REFUND = told("order.refund", occurred_at=AT, order=stream("1"), amount_minor=990, reference="r1")
CANCEL = told("order.cancel_pieces", occurred_at=AT, order=stream("1"), reason="too many",
              lines=[{"line": "1", "quantity": 1}])
WRITE_OFF = told("stock.move", warehouse="main", reason="wet", moves=[{
    "sku": "SH-001", "quantity": 2, "from": "available", "to": "written_off",
    "cause": "write_off"}])


def means(ledger: Ledger) -> Means:
    """What decides."""
    return Means(ledger.suppose, CONTEXT, ledger.clock.wall())


def asked(
    models: ReadModels, ledger: Ledger, subject: str, *commands: Any, as_of: AsOf = NOW,
    without: list[int] | None = None, policy: int | None = None,
) -> Answer:
    """In what a subject would differ."""
    return asking.differences(
        models, "main", subject, before=as_of, after=as_of, means=means(ledger),
        given=Hypothesis(without or (), commands, policy))


def facts(models: ReadModels, subject: str) -> dict[str, Any]:
    """What is known of a subject."""
    return {row["field"]: row["value"] for row in asking.due(models, "main", subject, NOW).rows}


def digests(models: ReadModels) -> list[str]:
    """What the read models hold."""
    return [models.digest("main", name) for name in models.names()]


def position(models: ReadModels, kind: str) -> int:
    """The position of the last event of a type."""
    return max(one.position for one in models.store.read("main") if one.type == kind)


@pytest.mark.parametrize(("subject", "commands"), [
    (stream("2"), [PAY]), (stream("1"), [REFUND]), (stream("1"), [CANCEL]), (STOCK, [CANCEL]),
    (STOCK, [WRITE_OFF]), (stream("1"), [REFUND, CANCEL]), (STOCK, [WRITE_OFF, CANCEL])])
def test_what_if__with_commands_is_what_it_is_once_they_are_sent(
    models: ReadModels, shop: Ledger, subject: str, commands: list[dict[str, Any]]
) -> None:
    """Property: what would differ is what differs afterwards, by as many events; and nothing was
    recorded by asking."""
    head = models.store.head("main")
    rows = digests(models)
    found = asked(models, shop, subject, *commands)
    history = asking.history(models, "main", subject, NOW, means=means(shop),
                             given=Hypothesis((), commands))
    assert (models.store.head("main"), digests(models)) == (head, rows)
    before = facts(models, subject)
    put(shop, *sent(commands))
    models.catch_up("main")
    after = facts(models, subject)
    assert {row["field"]: (row["before"], row["after"]) for row in found.rows} == {
        name: (before.get(name), after.get(name)) for name in {*before, *after}
        if before.get(name) != after.get(name)}
    recorded = models.store.read("main", after=head.position)
    assert [(one["type"], one["position"]) for one in found.as_of["supposed"]] == [
        (one.type, one.position) for one in recorded]
    real = asking.history(models, "main", subject, NOW).rows
    assert [(row["position"], row["type"], row["changes"]) for row in history.rows] == [
        (row["position"], row["type"], row["changes"]) for row in real]


def sent(commands: list[dict[str, Any]]) -> list[Command]:
    """The same commands, as they are sent."""
    return [msgspec.convert({"occurred_at": AT, **{
        name: value for name, value in one.items() if name != "command"}}, SENT[one["command"]])
        for one in commands]


def test_what_if__decides_on_the_state_without_what_is_left_out(
    models: ReadModels, shop: Ledger
) -> None:
    """Without the payment there is nothing to refund: the rule says so, and nothing else."""
    paid = position(models, "order.paid.v1")
    with pytest.raises(LedgerError) as refused:
        asked(models, shop, stream("1"), REFUND, without=[paid])
    assert refused.value.code == "order_not_paid"
    found = asked(models, shop, stream("1"), told(
        "order.pay", order=stream("1"), amount_minor=100, reference="again"), without=[paid])
    rows = {row["field"]: row["after"] for row in found.rows}
    assert (rows["paid_minor"], rows["payment_status"]) == (100, "part_paid")
    assert [str(one) for one in found.as_of["notes"]][:2] == [
        f"without the events at {paid}: what follows is taken as it was recorded, and no rule is "
        "asked again",
        "with order.pay: decided by the rules on what was known then; nothing is recorded"]


def test_what_if__of_stock_leaves_out_what_an_order_took(
    models: ReadModels, shop: Ledger
) -> None:
    """Without the goods that came in there is less than nothing, and the answer says since when."""
    received_at = position(models, "stock.moved.v1")
    found = asked(models, shop, STOCK, without=[received_at])
    rows = {row["field"]: (row["before"], row["after"]) for row in found.rows}
    assert rows["available"] == (10, -2)
    assert any(str(one).startswith("available falls below zero") for one in found.as_of["notes"])


def test_what_if__as_of_a_moment_knows_no_later_event(
    models: ReadModels, shop: Ledger
) -> None:
    """Before the payment, a refund is refused; the same command is accepted after it."""
    paid = position(models, "order.paid.v1")
    with pytest.raises(LedgerError) as refused:
        asked(models, shop, stream("1"), REFUND, as_of=AsOf(position=paid - 1))
    assert refused.value.code == "order_not_paid"
    assert asked(models, shop, stream("1"), REFUND, as_of=AsOf(position=paid)).rows
    then = AsOf.parse(occurred_as_of=NOON.isoformat())  # it was paid five minutes later
    with pytest.raises(LedgerError) as refused:
        asked(models, shop, stream("1"), REFUND, as_of=then)
    assert refused.value.code == "order_not_paid"


def test_what_if__rejected_where_it_cannot_be(models: ReadModels, shop: Ledger) -> None:
    """R-SUP-01, R-SUP-03, R-SUP-04, R-SUP-05, R-SUP-06, R-POL-07"""
    paid = position(models, "order.paid.v1")
    for bad in ("x", {}, {"command": "no.such"}, {"command": "order.pay"}, {**PAY, "colour": 1},
                {"command": ["order.pay"]}, {"command": {}}, {"command": None},
                {**PAY, "amount_minor": "much"}):
        with pytest.raises(BadSupposition):
            asked(models, shop, stream("2"), bad)
    with pytest.raises(TooMuchSupposed):
        asked(models, shop, stream("2"), *[PAY] * (MOST_SUPPOSED + 1))
    with pytest.raises(LeftOutAndNamed) as error:
        asked(models, shop, stream("1"), told(
            "order.correct_step", order=stream("1"), position=paid, reason="typed twice"),
            without=[paid])
    assert error.value.details["position"] == paid
    with pytest.raises(NoPolicyDecides):
        asked(models, shop, STOCK, policy=1)
    with pytest.raises(VersionUnknown):
        asked(models, shop, stream("1"), policy=1)
    with pytest.raises(NothingRecorded):
        asked(models, shop, stream("nobody"), without=[paid])
    with pytest.raises(CaseUnknown):
        asked(models, shop, stream("1"), told(
            "case.close", case="case:taobao:x:1"))


def test_what_if__says_where_nothing_would_come_of_it(models: ReadModels, shop: Ledger) -> None:
    again = told("warehouse.open", name="main")
    nothing = asked(models, shop, stream("1"), again)
    assert (nothing.rows, nothing.as_of["supposed"]) == ([], [])
    assert "nothing would be recorded" in nothing.as_of["notes"]
    elsewhere = asked(models, shop, stream("1"), PAY)
    assert elsewhere.rows == []
    assert f"nothing of what would be recorded is about {stream('1')}" in elsewhere.as_of["notes"]


def test_what_if__who_held_a_post_scores_a_month(tmp_path: Any) -> None:
    """What others decide of a month is looked at as what stands in it is."""
    month, commands = "month:7f3a:2026-09", [
        told("post.end", member="member:7f3a", post="customer_service", until="2026-09-15"),
        told("post.assign", member="member:7f3a", post="dispatcher", since="2026-09-16")]
    with demo_in(tmp_path) as settings, closing(open_ledger(settings)) as opened, closing(
            ReadModels(opened.store, PROJECTIONS)) as models:
        models.catch_up("main")
        then = AsOf(position=min(one.position for one in models.store.streams("main", [month])
                                 if one.type == "month.sealed.v1") - 1)
        found = asking.differences(
            models, "main", month, before=then, after=then, given=Hypothesis((), commands),
            means=Means(opened.ledger.suppose, msgspec.structs.replace(
                CONTEXT, actor="member:8e0b"), opened.ledger.clock.wall()))
    differing = {row["field"]: (row["after"], row["because"]) for row in found.rows}
    last = found.as_of["supposed"][-1]["position"]
    assert differing["customer_service/share"] == ("0.5", [last])
    assert differing["dispatcher/days"] == ("15", [last])
    assert not any("nothing of what" in note for note in found.as_of["notes"])


def test_what_if__an_order_had_been_placed(models: ReadModels, shop: Ledger) -> None:
    """What does not exist yet may be supposed to begin."""
    new = told("order.place", channel="taobao", shop="云杉书店", number="9", currency="CNY",
               amounts={"total_minor": 100, "goods_minor": 100}, lines=[{
                   "line": "1", "sku": "SH-001", "quantity": 1, "unit_price": 100,
                   "amount_minor": 100, "title": "x"}])
    rows = {row["field"]: (row["before"], row["after"])
            for row in asked(models, shop, stream("9"), new).rows}
    assert rows["total_minor"] == (None, 100)


@pytest.mark.parametrize(("text", "count"), [
    ('{"command": "a"}', 1), ('[{"command": "a"}, {"command": "b"}]', 2), ("[]", 0),
    ('{"command": "a"}\n\n{"command": "b"}\n', 2), ("", 0)])
def test_what_if__commands_come_as_objects_lists_or_lines(text: str, count: int) -> None:
    assert len(commands_of(text)) == count


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', '{"a": 1}\n{'])
def test_what_if__rejected_text(text: str) -> None:
    with pytest.raises(BadSupposition):
        commands_of(text)


def test_what_if__another_policy_scores_a_month_and_sets_a_deadline(
    tmp_path: Any,
) -> None:
    """A month is scored, and an order due, by the version that is named, sealed or not; where it is
    the one in force, nothing is otherwise."""
    month, order = "month:7f3a:2026-09", "order:taobao:栖墨图书旗舰店:demo-3"
    with demo_in(tmp_path) as settings, closing(settings.open_store()) as store, closing(
            ReadModels(store, PROJECTIONS)) as models:
        models.catch_up("main")

        def rows(subject: str, version: int) -> dict[str, Any]:
            found = asking.differences(models, "main", subject, before=NOW, after=NOW,
                                       given=Hypothesis((), (), version))
            assert f"version {version} of the policies" in found.as_of["notes"][0]
            published = [one.position for one in store.streams("main", [BOOK])]
            assert all(row["because"] == [published[version - 1]] for row in found.rows)
            return {row["field"]: row["after"] for row in found.rows}

        assert (rows(month, 4), rows(order, 4)) == ({}, {})
        assert rows(month, 1)["customer_service/policy_version"] == 1
        assert rows(month, 1)["customer_service/score"] is None  # it has no scorecard
        assert rows(order, 3) == {"due_at": None}  # it sets no deadline
        with pytest.raises(TwoPolicies):
            asking.differences(
                models, "main", month, before=NOW, after=NOW,
                given=Hypothesis((), [told("policy.publish", effective_from="2026-09-01", policy={
                    "title": "x", "sections": {}})], 4),
                means=Means(lambda *_: None, CONTEXT, 0))  # type: ignore[arg-type, return-value]
