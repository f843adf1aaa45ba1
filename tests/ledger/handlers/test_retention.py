"""Whom the policy keeps no longer: two people publish it, and only what is over goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.erasure.commands import EraseRetained, HoldPerson
from ledger.erasure.errors import (
    AlreadyErased,
    GroupChanged,
    NotDue,
    PersonHeld,
    RetentionWaits,
)
from ledger.erasure.finding import persons_of
from ledger.erasure.retaining import Due, due, slices
from ledger.log.erasures import ERASED, erased_by
from ledger.people.commands import JoinMember, LeaveShop
from ledger.policies.commands import ConfirmRetention, PublishPolicy
from ledger.policies.errors import (
    NoRetentionThere,
    NoVersionThere,
    PolicyUnsound,
    PublisherConfirms,
)
from ledger.policies.values import Policy, Retention, Scoring, Sections
from ledger.settings import Settings, open_ledger
from tests.support.builders import CONTEXT, NOON, context, end, place, remark
from tests.support.erasing import ASKS, CONFIRMS, buyer, erase

LONG_AGO = NOON - timedelta(days=1_000)
JOB = context(actor="system")


@pytest.fixture
def shop() -> Iterator[Ledger]:
    """A ledger in memory whose retention two people published."""
    found = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    publish(found.ledger, Retention(buyers=30, members=30))
    found.ledger.handle(ConfirmRetention(version=1, occurred_at=NOON), CONFIRMS)
    yield found.ledger
    found.close()


def publish(ledger: Ledger, retention: Retention | None, day: str = "2020-01-01") -> None:
    """Publish a retention."""
    ledger.handle(PublishPolicy(
        policy=Policy(title="保存期限", sections=Sections(retention=retention)),
        effective_from=day, occurred_at=NOON), ASKS)


def over(ledger: Ledger, number: int, **fields: Any) -> str:
    """An order of long ago that is completed; its buyer."""
    at = {"occurred_at": LONG_AGO}
    ledger.handle_many([(place(number, phone="1", **at, **fields), CONTEXT),
                        (end(number, "cancelled", **at), CONTEXT)])
    return buyer(ledger, number)


def ready(ledger: Ledger) -> list[Due]:
    """Who is due now."""
    return list(due(ledger, JOB, datetime.now(UTC)))


def persons(ledger: Ledger) -> list[str]:
    """The same, by person."""
    return sorted(person for one in ready(ledger) for person in one.group.persons)


def test_retain__erases_who_is_over(shop: Ledger) -> None:
    gone = sorted(over(shop, number) for number in range(3))
    over(shop, 8)
    shop.handle(remark(8, occurred_at=datetime.now(UTC)), CONTEXT)  # of whom something was heard
    shop.handle(place(9, phone="1", occurred_at=LONG_AGO), CONTEXT)  # whose order is open
    assert persons(shop) == gone
    (command,) = slices(ready(shop), datetime.now(UTC))
    shop.handle(command, JOB)
    last = shop.store.read(shop.id)[-1]
    assert (last.type, erased_by(last)) == (ERASED, gone)
    assert persons(shop) == []
    with pytest.raises(AlreadyErased):
        shop.handle(command, JOB)


def test_retain__goes_in_slices_of_whole_groups(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.erasure.retaining.SLICE", 2)
    monkeypatch.setattr("ledger.erasure.retaining.PREVIEWED", 2)
    gone = {over(shop, number) for number in range(5)}
    commands = list(slices(ready(shop), datetime.now(UTC)))
    assert [len(one.together) for one in commands] == [2, 2, 1]
    for one in commands:
        shop.handle(one, JOB)
    assert all(shop.keys.is_erased(person) for person in gone)


def test_retain__leaves_who_is_held(shop: Ledger) -> None:
    person = over(shop, 1)
    (one,) = ready(shop)
    shop.handle(HoldPerson(person=person, reason="纠纷", occurred_at=LONG_AGO), CONTEXT)
    assert persons(shop) == []
    with pytest.raises(PersonHeld):
        shop.handle(one.command, JOB)


def test_retain__rejected_when_it_is_too_early(shop: Ledger) -> None:
    over(shop, 1)
    (one,) = ready(shop)
    shop.handle(remark(1, occurred_at=datetime.now(UTC)), CONTEXT)
    with pytest.raises(NotDue):
        shop.handle(one.command, JOB)
    shop.handle(place(2, account="a", phone="1", occurred_at=datetime.now(UTC)), CONTEXT)
    early = EraseRetained(together=[buyer(shop, 2)], checked=["order:taobao:云杉书店:2"],
                          seen=shop.head().position, occurred_at=datetime.now(UTC))
    with pytest.raises(NotDue):
        shop.handle(early, JOB)


def test_retain__rejected_when_something_new_is_known_of_them(shop: Ledger) -> None:
    over(shop, 1, account="a")
    (one,) = ready(shop)
    shop.handle(place(2, account="a", phone="1", occurred_at=LONG_AGO), CONTEXT)
    with pytest.raises(GroupChanged):
        shop.handle(one.command, JOB)


def test_retain__takes_members_who_left(shop: Ledger) -> None:
    for member, last_day in (("member:1", "2024-02-01"), ("member:2", None)):
        shop.handle(JoinMember(member=member, joined_on="2024-01-01", name="张三",
                               occurred_at=LONG_AGO), CONTEXT)
        if last_day:
            shop.handle(LeaveShop(member=member, last_day=last_day, occurred_at=LONG_AGO), CONTEXT)
    assert persons(shop) == persons_of(shop.store, shop.keys, "member:1")
    (command,) = slices(ready(shop), datetime.now(UTC))
    assert command.members == ["member:1"]
    shop.handle(command, JOB)
    assert persons(shop) == []


# -- who says how long ----------------------------------------------------------------------------


def test_retention__counts_once_a_second_person_confirmed_it(shop: Ledger) -> None:
    publish(shop, Retention(buyers=10_000), "2020-01-02")
    for number, error in ((2, PublisherConfirms), (3, NoVersionThere)):
        with pytest.raises(error):
            shop.handle(ConfirmRetention(version=number, occurred_at=NOON), ASKS)
    over(shop, 1)
    with pytest.raises(RetentionWaits, match="version 2"):
        ready(shop)
    command = EraseRetained(together=[buyer(shop)], seen=1, occurred_at=NOON)
    with pytest.raises(RetentionWaits):
        shop.handle(command, JOB)
    assert shop.handle(ConfirmRetention(version=2, occurred_at=NOON), CONFIRMS).positions
    assert not shop.handle(ConfirmRetention(version=2, occurred_at=NOON), CONFIRMS).positions
    assert persons(shop) == []


@pytest.mark.parametrize("retention", [
    Retention(), Retention(buyers=0), Retention(members=36_501)])
def test_retention__rejected_when_it_says_no_days(shop: Ledger, retention: Retention) -> None:
    with pytest.raises(PolicyUnsound):
        publish(shop, retention)


def test_retention__holds_on_in_versions_that_do_not_say_it(shop: Ledger) -> None:
    shop.handle(PublishPolicy(
        policy=Policy(title="评分", sections=Sections(scoring=Scoring())),
        effective_from="2020-01-02", occurred_at=NOON), ASKS)
    with pytest.raises(NoRetentionThere, match="does not say"):
        shop.handle(ConfirmRetention(version=2, occurred_at=NOON), CONFIRMS)
    over(shop, 1)
    assert len(persons(shop)) == 1


def test_retain__leaves_who_was_erased_by_two_people(shop: Ledger) -> None:
    erase(shop, over(shop, 1))
    assert persons(shop) == []
