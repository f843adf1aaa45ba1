"""Months that finance signs: what came in against what the orders cost, with every cause."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ledger.application import Ledger
from ledger.common.errors import InvalidValues, LedgerError, Refused
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.orders.commands import CorrectOrder, PayOrder, RefundOrder
from ledger.orders.values import Amounts
from ledger.people.commands import JoinMember
from ledger.reconciliation.commands import SignReconciliation
from ledger.reconciliation.figures import Difference
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.audit.corrections import corrections_in
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.builders import CHANNEL, SHOP, context, stream
from tests.support.projecting import correct, histories, put, refund, tell, try_all
from tests.support.team import at
from tests.support.thorough import tried
from tests.support.waiting import in_thread

MONTH = "2026-09"
WHOLE: dict[str, Any] = {"month": MONTH}
FIN, OTHER = "member:fin", "member:fin2"
DAY = at("2026-10-02")


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def rows(models: ReadModels, **question: Any) -> list[dict[str, Any]]:
    """The rows of the reconciliation of September, or as asked."""
    return reports.run(models, "main", "reconciliation", Question(**{**WHOLE, **question})).rows


def sold(number: int, minor: int, *, paid: int = 0, day: str = "2026-09-10", **more: Any) -> Any:
    """A declared order, and what was paid of it then."""
    money = {"paid": Moment(at(day)), "paid_minor": paid} if paid else {}
    return tell(number, amounts=Amounts(total_minor=minor), placed=Moment(at(day)),
                **{**money, **more})


def said(amount: int, cause: str = "unpaid", **more: Any) -> Difference:
    """A difference and its cause."""
    return Difference(**{"currency": "CNY", "amount_minor": amount, "cause": cause, **more})


def sign(digest: str, *differences: Difference, **more: Any) -> SignReconciliation:
    """September is signed on 2 October."""
    return SignReconciliation(**{"month": MONTH, "digest": digest, "occurred_at": DAY,
                                 "differences": list(differences), **more})


def signed(ledger: Ledger, command: Command, by: str = FIN) -> int:
    """The position of a signature that must be taken."""
    return ledger.handle(command, context(actor=by, role="finance")).position


@pytest.fixture
def shop(ledger: Ledger) -> Ledger:
    """41.00 of which 1.00 came in, 20.00 paid whole; two members of finance."""
    put(ledger, *(JoinMember(member=one, joined_on="2026-01-01", occurred_at=at("2026-01-01"))
                  for one in (FIN, OTHER)))
    put(ledger, sold(1, 4100, paid=100), sold(2, 2000, paid=2000))
    return ledger


def test_signing_a_period__names_figures_causes_and_who_signed(
    shop: Ledger, models: ReadModels
) -> None:
    (before,) = rows(models)
    assert (before["difference_minor"], before["signed"], before["signatures"]) == (4000, "no", 0)
    position = signed(shop, sign(before["digest"], said(3000), said(1000, "platform_fee")))

    (after,) = rows(models)
    assert (before["rests_on"], after["rests_on"]) == ([], [])
    assert {name: after[name] for name in after if name.startswith("sign")} == {
        "signed": "holds", "signed_by": FIN, "signed_at": "2026-10-02T04:00:00Z",
        "signed_position": position, "signatures": 1}
    assert rows(models, month=None, since="2026-09-01", until="2026-09-30") == [after]
    assert "signed" not in rows(models, month=None, since="2026-09-01", until="2026-09-29")[0]
    assert "signed" not in rows(models, channel=CHANNEL)[0]
    assert models.compare_with_rebuild("main") == []


@pytest.mark.parametrize("late", [
    PayOrder(order=stream(1), amount_minor=5, occurred_at=at("2026-09-30", 23)),
    sold(3, 700, day="2026-09-30"), correct(2, "paid", 1900, occurred_at=at("2026-10-03")),
    refund(2, 50, occurred_at=at("2026-09-12"))])
def test_signing_a_period__is_said_to_be_changed_by_what_is_recorded_in_it_later(
    shop: Ledger, models: ReadModels, late: Command
) -> None:
    """R-REC-07."""
    signed(shop, sign(rows(models)[0]["digest"], said(4000)))
    models.catch_up("main")
    put(shop, late)

    answer = reports.run(models, "main", "reconciliation", Question(**WHOLE))
    (row,) = answer.rows
    assert row["signed"] == "changed since"
    was = {"orders": 2, "total_minor": 6100, "paid_minor": 2100, "refunded_minor": 0}
    assert row["rests_on"] == [
        name for name in was if (row[name] or 0) != was[name]] != []
    assert any("have changed since" in note for note in answer.as_of["notes"])
    assert [(one["amount_minor"], one["cause"]) for one in row["differences"]] == [(4000, "unpaid")]


@pytest.mark.parametrize("half", [{"channel": CHANNEL}, {"shop": SHOP}])
def test_signing_a_period__of_a_channel_or_a_shop_alone_is_said_to_need_both(
    shop: Ledger, models: ReadModels, half: dict[str, str]
) -> None:
    """R-REC-07: what is left out is said."""
    answer = reports.run(models, "main", "reconciliation", Question(**{**WHOLE, **half}))
    assert "signed" not in answer.rows[0]
    assert any("by its channel and its name" in note for note in answer.as_of["notes"])
    answer = reports.run(models, "main", "reconciliation", Question(**half))
    assert answer.as_of["notes"] == []


@hypothesis_settings(max_examples=tried(25), deadline=None)
@given(history=histories)
def test_takings_of_a_period__add_up_to_its_figures_event_by_event(history: Any) -> None:
    """R-PRJ-32. Each row names an event of its order that the log holds."""
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS)
    try_all(opened.ledger, history)
    events = {entry.position: entry for entry in opened.store.read("main", limit=10**6)}
    for period in ({"month": "2026-10"}, {"until": "2026-10-01"}, {"month": None}):
        found = reports.run(models, "main", "takings", Question(sort="position", **period)).rows
        assert [row["position"] for row in found] == sorted({row["position"] for row in found})
        for row in found:
            entry = events[row["position"]]
            assert (entry.stream, entry.type) in {(row["subject"], f"order.{name}.v1") for name in (
                "paid", "refund_recorded", "corrected")}
        for way in ("shop", "agent", "day"):
            sums = reports.run(models, "main", "revenue", Question(by=way, **period)).rows
            for name in ("paid_minor", "refunded_minor"):
                assert sum(row[name] for row in sums) == sum(row[name] for row in found)
    models.close()
    opened.close()


def test_takings_of_a_period__are_of_the_shop_that_is_asked_for(
    shop: Ledger, models: ReadModels
) -> None:
    put(shop, sold(9, 999, paid=999, shop="别店"), refund(2, 50, occurred_at=at("2026-09-12")),
        refund(2, 20, occurred_at=at("2026-10-12")))
    found = reports.run(models, "main", "takings", Question(
        month=MONTH, channel=CHANNEL, shop=SHOP, sort="position")).rows
    assert [(row["subject"], row["paid_minor"], row["refunded_minor"]) for row in found] == [
        (stream(1), 100, 0), (stream(2), 2000, 0), (stream(2), 0, 50)]


@pytest.mark.parametrize("fact", ["paid", "refunded"])
def test_takings_of_a_period__are_put_right_in_the_month_of_what_was_wrong(
    shop: Ledger, models: ReadModels, fact: str
) -> None:
    """R-PRJ-29: of several payments, or refunds, the one that the reference names."""
    name = f"{fact}_minor"
    cls = PayOrder if fact == "paid" else RefundOrder
    put(shop, sold(7, 900, paid=900), *(
        cls(order=stream(7), amount_minor=amount, reference=f"Q{day}", occurred_at=at(day))
        for amount, day in ((70, "2026-09-20"), (30, "2026-10-20"))))
    before = {month: takings_of(models, month, name) for month in (MONTH, "2026-10")}
    put(shop, CorrectOrder(
        order=stream(7), fact=fact, reference="Q2026-09-20", reason="别的订单",
        amount_minor=930 if fact == "paid" else 30, occurred_at=at("2026-11-20")))
    assert takings_of(models, MONTH, name) == before[MONTH] - 70
    assert takings_of(models, "2026-10", name) == before["2026-10"]
    (row,) = rows(models)
    assert row[name] == takings_of(models, MONTH, name)


def takings_of(models: ReadModels, month: str, name: str) -> int:
    """What the events of a month add up to."""
    return sum(row[name] for row in reports.run(
        models, "main", "takings", Question(month=month)).rows)


def test_signing_a_period__stands_whatever_other_months_bring(
    shop: Ledger, models: ReadModels
) -> None:
    signed(shop, sign(rows(models)[0]["digest"], said(4000)))
    put(shop, sold(3, 700, day="2026-10-01"),
        PayOrder(order=stream(1), amount_minor=5, occurred_at=at("2026-10-01")))
    assert rows(models)[0]["signed"] == "holds"


def test_signing_a_period__is_known_by_both_clocks(shop: Ledger, models: ReadModels) -> None:
    digest = rows(models)[0]["digest"]
    position = signed(shop, sign(digest, said(4000)))
    put(shop, sold(3, 700, day="2026-09-30"))

    def then(as_of: AsOf) -> tuple[str, str]:
        (row,) = rows(models, as_of=as_of)
        return row["signed"], row["digest"]

    assert then(AsOf(position=position - 1)) == ("no", digest)
    assert then(AsOf(position=position)) == ("holds", digest)
    assert then(AsOf())[0] == "changed since"
    assert then(AsOf.parse(occurred_as_of="2026-10-01T12:00:00Z"))[0] == "no"
    assert then(AsOf.parse(occurred_as_of="2026-10-03T12:00:00Z"))[0] == "changed since"


def test_signing_a_period__a_later_signature_names_the_one_before(
    shop: Ledger, models: ReadModels
) -> None:
    signed(shop, sign(rows(models)[0]["digest"], said(4000, "under_investigation")))
    signed(shop, sign(rows(models)[0]["digest"], said(4000)), OTHER)  # the cause is known now
    put(shop, sold(3, 700, day="2026-09-30"))
    signed(shop, sign(rows(models)[0]["digest"], said(4700)))

    assert rows(models)[0]["signatures"] == 3
    assert rows(models)[0]["signed"] == "holds"
    found = shop.store.streams("main", ["reconciliation:2026-09"])
    assert [b'"supersedes":1' in found[1].payload, b'"supersedes":2' in found[2].payload,
            b"supersedes" in found[0].payload] == [True, True, False]
    assert corrections_in(found) == {found[1].position: found[0].position,
                                     found[2].position: found[1].position}


def test_signing_a_period__of_one_shop_is_of_its_orders_alone(
    shop: Ledger, models: ReadModels
) -> None:
    put(shop, sold(9, 999, shop="别店"))
    place = {"channel": CHANNEL, "shop": SHOP}
    (own,), (other,) = rows(models, **place), rows(models, channel=CHANNEL, shop="别店")
    signed(shop, sign(own["digest"], said(4000), **place))

    assert rows(models, **place)[0]["signed"] == "holds"
    assert (rows(models)[0]["signed"], rows(models)[0]["difference_minor"]) == ("no", 4999)
    assert rows(models, channel=CHANNEL, shop="别店") == [other]
    put(shop, sold(10, 1, shop="别店"))
    assert rows(models, **place)[0]["signed"] == "holds"


@pytest.mark.parametrize(("change", "code", "says"), [
    ({"differences": []}, "differences_do_not_add_up", "4000 CNY"),
    ({"differences": [said(3900), said(99, "platform_fee")]}, "differences_do_not_add_up",
     "1 CNY"),
    ({"differences": [said(4000), said(5, currency="USD")]}, "differences_do_not_add_up",
     "-5 USD"),
    ({"differences": [said(4000, "other")]}, "cause_needs_note", "`note`"),
    ({"digest": "0" * 64}, "takings_changed", "DIGEST"),
    ({"occurred_at": at("2026-09-30", 23)}, "period_not_over", "2026-09-30"),
    ({"month": "2026-11", "occurred_at": at("2026-10-02")}, "period_not_over", "2026-11"),
    ({"month": "2026-07"}, "nothing_to_sign", "2026-07"),
    ({"channel": CHANNEL, "shop": "无"}, "nothing_to_sign", "无")])
def test_signing_a_period__refused(
    shop: Ledger, models: ReadModels, change: dict[str, Any], code: str, says: str
) -> None:
    digest = rows(models)[0]["digest"]
    command = sign(**{"digest": digest, "differences": [said(4000)], **change})
    with pytest.raises(Refused) as refused:
        signed(shop, command)

    assert refused.value.code == code
    assert says.replace("DIGEST", digest) in str(refused.value)


def test_signing_a_period__refused_twice_the_same_of_nobody_and_of_half_a_shop(
    shop: Ledger, models: ReadModels
) -> None:
    command = sign(rows(models)[0]["digest"], said(4000))
    with pytest.raises(Refused) as nobody:
        signed(shop, command, "system")
    signed(shop, command)
    with pytest.raises(Refused) as twice:
        signed(shop, command)
    assert (nobody.value.code, twice.value.code) == ("signature_needed", "signed_already")
    with pytest.raises(InvalidValues):
        sign("0" * 64, shop=SHOP)


def outcome(ledger: Ledger, command: Command, by: str) -> str:
    """What came of a command."""
    try:
        ledger.handle(command, context(actor=by, role="finance"))
    except LedgerError as error:
        return error.code
    return "accepted"


def at_once(*works: Callable[[], str]) -> list[str]:
    """What came of works that begin together."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], str]) -> str:
        start.wait(60)
        return work()

    threads = [in_thread(lambda work=work: begin(work)) for work in works]  # type: ignore[misc]
    for thread in threads:
        thread.join()
    return [thread.result for thread in threads]


def test_signing_a_period__by_two_at_once_is_done_once(
    shop: Ledger, models: ReadModels, store: Store, keys: Any
) -> None:
    command = sign(rows(models)[0]["digest"], said(4000))
    other = Ledger(store, begun(store, keys))
    found = at_once(*(lambda n=n: outcome(
        (shop, other)[n % 2], command, (FIN, OTHER)[n % 2]) for n in range(4)))
    other.close()
    assert sorted(found) == ["accepted", *["signed_already"] * 3]


def test_signing_a_period__beside_a_payment_signs_what_it_names_or_nothing(
    shop: Ledger, models: ReadModels
) -> None:
    for turn in range(8):
        (row,) = rows(models)
        pay = PayOrder(order=stream(1), amount_minor=1, occurred_at=at("2026-09-20"),
                       reference=f"P{turn}")
        found = at_once(
            lambda row=row: outcome(  # type: ignore[misc]
                shop, sign(row["digest"], said(row["difference_minor"])), FIN),
            lambda pay=pay: outcome(shop, pay, OTHER))  # type: ignore[misc]
        assert found[1] == "accepted"
        assert found[0] in ("accepted", "takings_changed")
        assert rows(models)[0]["signed"] == ("no" if not rows(models)[0]["signatures"]
                                             else "changed since")


@hypothesis_settings(max_examples=tried(40), deadline=None)
@given(history=histories)
def test_signing_a_period__takes_the_figures_of_the_report_whatever_happened(history: Any) -> None:
    """R-REC-02. The write side and the rows come to the same digest by themselves."""
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS, batch=3)
    put(opened.ledger, JoinMember(member=FIN, joined_on="2026-01-01",
                                  occurred_at=at("2026-01-01")))
    for item in history:
        try_all(opened.ledger, [item])
        models.catch_up("main")
    found = rows(models, month="2026-10")
    if found:
        differences = [said(one["difference_minor"], currency=one["currency"]) for one in found]
        assert outcome(opened.ledger, sign(
            found[0]["digest"], *differences, month="2026-10", occurred_at=at("2026-11-02")),
            FIN) == "accepted"
        assert rows(models, month="2026-10")[0]["signed"] == "holds"
    assert models.compare_with_rebuild("main") == []
    models.close()
    opened.close()


def test_signing_a_period__counts_by_the_zone_of_the_shop(
    shop: Ledger, models: ReadModels
) -> None:
    """The first microsecond of October in the shop is still September in UTC."""
    first: datetime = at("2026-10-01", 0)
    put(shop, sold(5, 10), PayOrder(order=stream(5), amount_minor=3, occurred_at=first),
        PayOrder(order=stream(5), amount_minor=4, occurred_at=first - timedelta(microseconds=1)))
    (row,) = rows(models)
    assert row["paid_minor"] == 2104
    signed(shop, sign(row["digest"], said(row["difference_minor"])))
    assert rows(models)[0]["signed"] == "holds"
