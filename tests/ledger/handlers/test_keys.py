"""Who is lost: nobody new is made where somebody is on record, until the keys are given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.deductions.commands import DismissDeduction
from ledger.log import sqlite
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.persons import Keys, PersonLost
from ledger.log.store import Store
from ledger.orders.declared import BuyerLost, NumberReused
from ledger.people.commands import (
    ChangeDetails,
    EndPost,
    LeaveShop,
    RecordAttendance,
    RequestLeave,
)
from ledger.returns.commands import CloseCase, InspectGoods, ReceiveParcel
from ledger.returns.values import CaseLine, Outcome
from ledger.writing.continuing import Attribution, give_up_keys
from ledger.writing.genesis import keys_of
from tests.support import team
from tests.support.builders import HOUSE, context, opened, place, record, remark
from tests.support.cases import new, on, orphan
from tests.support.team import CHEN, LI, LIU, OPENING, WANG, ZHAO, Step, at, confirm, grade, propose

in_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

WORDS = "电话里说过了"
NAMED = ChangeDetails(member=WANG, name="王小锦", occurred_at=at("2026-02-01"))
PARCEL = new(ReceiveParcel, warehouse=HOUSE, note=WORDS,
             lines=[CaseLine(line="1", sku="SH-001", quantity=2)])

FINE = [Outcome("1", 2, "restocked")]


def late(day: str) -> Step:
    """Wang came late."""
    return LI, RecordAttendance(member=WANG, day=day, kind="late", occurred_at=at(day, 20),
                                note=WORDS)


def leaves(member: str, until: str) -> Step:
    """A member gives a post up."""
    return CHEN, EndPost(post="customer_service", member=member, until=until, reason=WORDS,
                         occurred_at=at(until))


def asks(number: str, day: str) -> Step:
    """Wang asks for a day of leave."""
    return WANG, RequestLeave(member=WANG, number=number, days=[day], reason=WORDS,
                              occurred_at=at("2026-08-01"))


def system(*commands: Command) -> list[Step]:
    """Nobody in particular gives these commands."""
    return [("system", command) for command in commands]


ON_RECORD: dict[str, tuple[list[Step], Step]] = {
    "an order without a buyer": (system(place(), remark()), *system(remark())),
    "an order that is somebody's": (system(place(recipient="甲")), *system(remark())),
    "an order of an account": (system(place(account="读者")), *system(remark())),
    "a file without the account": (
        system(place(account="读者")), *system(record(remark=WORDS))),
    "a file with another recipient": (
        system(place(recipient="甲")), *system(record(recipient="乙"))),
    "a file with the account": (
        system(place(account="读者")), *system(record(account="读者", remark=WORDS))),
    "a file with the first account": (
        system(place(recipient="甲")), *system(record(account="读者"))),
    "a case": (system(opened(), PARCEL, on(InspectGoods, lines=FINE)),
               *system(on(CloseCase, note=WORDS))),
    "a case of an account": (
        system(opened(), orphan(account="读者"), on(InspectGoods, "C1", lines=FINE)),
        *system(on(CloseCase, "C1", note=WORDS))),
    "a member with a name": ([*OPENING, *system(NAMED)], *system(LeaveShop(
        member=WANG, last_day="2026-10-31", reason=WORDS, occurred_at=at("2026-10-01")))),
    "a member whose name stands elsewhere": ([*OPENING, *system(NAMED)], late("2026-09-03")),
    "leave": ([*OPENING, asks("1", "2026-09-03")], asks("2", "2026-09-04")),
    "attendance": ([*OPENING, late("2026-09-03")], late("2026-09-04")),
    "a post": ([*OPENING, leaves(WANG, "2026-09-30")], leaves(ZHAO, "2026-09-30")),
    "a deduction": ([*OPENING, (CHEN, propose(note=WORDS))], (LI, confirm(note=WORDS))),
    "a deduction of nobody": (
        [*OPENING, (CHEN, propose(code="GROUP", offender=None, note=WORDS))],
        (LI, DismissDeduction(deduction="deduction:1", reason=WORDS,
                              occurred_at=at("2026-09-05")))),
    "a month": ([*OPENING, (LIU, grade(WANG, "committee", note=WORDS))],
                (WANG, grade(WANG, "second", note=WORDS))),
}
"""What is written first, and what is written when the keys of that are lost."""


def persons(keys: Keys) -> int:
    """How many persons have a key."""
    with keys.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM persons").scalar() or 0)


def lose(keys: Keys) -> None:
    """All persons are gone; the secret is not."""
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")


@pytest.fixture
def other() -> Iterator[Keys]:
    """Keys that the ledger goes on with."""
    made = Keys(sqlite.memory_engine(), bytes(32), named="other", key_file=None)
    yield made
    made.close()


def give_up(store: Store, keys: Keys) -> Ledger:
    """The ledger after somebody said that the keys are lost."""
    give_up_keys(store, keys, "main", Attribution("member:7f3a", "the disk broke"))
    return again(store, keys)


def again(store: Store, keys: Keys) -> Ledger:
    """The ledger as another process has it, which remembers no key."""
    return Ledger(store, keys_of(store, keys, "main"))


def whose(store: Store, after: int) -> set[str]:
    """The persons whom the values in the events after a position are sealed for."""
    facts = [event_types.decode(entry) for entry in store.read("main", after=after)
             if not entry.stream.startswith("log:")]
    return {value.p for fact in facts for name in type(fact).PERSONAL
            if (value := getattr(fact, name)) is not None}


@in_memory
@pytest.mark.parametrize("kind", ON_RECORD)
def test_lost__is_nobody_new_until_the_keys_are_given_up(
    store: Store, keys: Keys, ledger: Ledger, other: Keys, kind: str
) -> None:
    """R-KEY-06, and R-KEY-08 of a buyer whom a file names. A look beforehand says the same."""
    before, (actor, command) = ON_RECORD[kind]
    team.record(ledger, before)
    ledger.close()
    lose(keys)
    lost = again(store, keys)
    (looked,) = lost.preview([(command, context(actor=actor))])
    with pytest.raises(LedgerError) as found:
        lost.handle(command, context(actor=actor))
    assert isinstance(looked, LedgerError)
    rule = "R-KEY-08" if kind == "a file with the account" else "R-KEY-06"
    assert (found.value.rule, looked.rule, persons(keys)) == (rule, rule, 0)
    lost.close()
    on = give_up(store, other)
    at_most = on.head().position
    on.handle(command, context(actor=actor))
    assert len(whose(store, at_most)) == persons(other) == 1
    on.close()


@in_memory
def test_lost__order_waits_for_the_key_of_its_buyer(
    store: Store, keys: Keys, ledger: Ledger, other: Keys, tmp_path: Path
) -> None:
    """Whoever a file names as the buyer cannot be compared with the one on record. A payment can be
    recorded; what is written waits for the key."""
    team.record(ledger, system(place(account="读者")))
    ledger.close()
    backup_keys(keys, tmp_path / "keys.gz")
    lose(keys)
    lost = again(store, keys)
    for account in ("读者", "另一位"):
        with pytest.raises(BuyerLost):
            lost.handle(record(account=account), context())
    lost.handle(record(), context())
    lost.close()
    restore_keys(keys, tmp_path / "keys.gz")
    found = again(store, keys)
    found.handle(record(account="读者", remark=WORDS), context())
    with pytest.raises(NumberReused):
        found.handle(record(account="另一位"), context())
    assert len(whose(store, 0)) == persons(keys) == 1
    found.close()


@in_memory
def test_given_up__keeps_the_persons_that_are_left(
    store: Store, keys: Keys, ledger: Ledger, other: Keys, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is not lost is the same person after the keys that are left were added again."""
    team.record(ledger, system(place(1, account="读者"), place(2, account="另一位")))
    ledger.close()
    kept = keys_of(store, keys, "main").find(["buyer:taobao:另一位"])["buyer:taobao:另一位"]
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons WHERE person <> ?", (kept.id,))
    backup_keys(keys, tmp_path / "keys.gz")
    monkeypatch.setattr(other, "_master", keys._master)  # the same master key
    other._acquaint()
    give_up(store, other).close()
    restore_keys(other, tmp_path / "keys.gz")
    on = again(store, other)
    given_up = on.head().position
    on.handle(remark(2), context())
    assert whose(store, given_up) == {kept.id}
    on.handle(remark(1), context())
    assert len(whose(store, given_up)) == persons(other) == 2
    on.close()


@in_memory
def test_given_up__is_only_what_was_sealed_before(
    store: Store, keys: Keys, ledger: Ledger, other: Keys
) -> None:
    """An order goes on with whoever the next file names; the keys that are made then can be lost
    like any others."""
    team.record(ledger, system(place(account="读者", recipient="甲")))
    ledger.close()
    on = give_up(store, other)
    given_up = on.head().position
    team.record(on, system(record(account="读者", recipient="甲"), remark()))
    with pytest.raises(NumberReused):
        on.handle(record(account="另一位"), context())
    assert len(whose(store, given_up)) == persons(other) == 1
    on.close()
    lose(other)
    lost = again(store, other)
    for command, error in ((remark(), PersonLost), (record(account="读者"), BuyerLost)):
        with pytest.raises(error):
            lost.handle(command, context())
    lost.close()
