"""Handlers of erasures: who may ask, who may confirm, and whether those whom it takes go together.

Who goes together is looked up in the whole log before the command is sent. Under the lock only what
was recorded since is looked at.
"""

from collections.abc import Iterable
from typing import Any

from ledger.common.personal import Plain
from ledger.common.values import from_us
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.erasure.commands import (
    MOST,
    ConfirmErasure,
    EraseRetained,
    HoldPerson,
    LiftPersonHold,
    RequestErasure,
    WithdrawErasure,
)
from ledger.erasure.errors import (
    AlreadyErased,
    GroupChanged,
    MemberStillHere,
    PersonHeld,
    PersonUnknown,
    SeenTooEarly,
    TooManyTogether,
)
from ledger.erasure.record import Erasures, PersonRecord
from ledger.erasure.traces import Traces, member_of
from ledger.log.erasures import stream_of
from ledger.orders.order import Order
from ledger.people.member import Member

MOST_SINCE = 1_000
"""Events that may have been recorded since it was looked up who goes together."""


def request_erasure(command: RequestErasure, work: Work) -> list[Aggregate]:
    """Errors: R-ERA-01, R-ERA-02, R-ERA-09."""
    record = _known(command.person, work, command.found_in)
    record.request(command.ground, work.actor, occurred_at=command.occurred_at)
    return [record]


def _known(person: str, work: Work, found_in: str | None = None) -> PersonRecord:
    """The record of a person who is known, and not erased. Whose key is lost is known by what is
    sealed for them in a stream. Errors: R-ERA-01, R-ERA-02."""
    if work.is_erased(person):
        raise AlreadyErased(person=person)
    record: PersonRecord = work.load(PersonRecord, person)
    if not record.version and not work.knows(person) and (
            found_in is None or person not in traces_of(work.facts_of([found_in])).persons):
        raise PersonUnknown(person=person)
    return record


def traces_of(facts: Iterable[Any]) -> Traces:
    """What some facts hold for whom."""
    found = Traces()
    for fact in facts:
        found.add_fact(fact)
    return found


def withdraw_erasure(command: WithdrawErasure, work: Work) -> list[Aggregate]:
    """Errors: R-ERA-01 to R-ERA-03."""
    record = _known(command.person, work)
    record.withdraw(occurred_at=command.occurred_at)
    return [record]


def hold_person(command: HoldPerson, work: Work) -> list[Aggregate]:
    """Errors: R-ERA-01, R-ERA-02, PersonLost (R-KEY-06)."""
    record = _known(command.person, work)
    record.hold(Plain(work.person_by_id(command.person), command.reason),
                occurred_at=command.occurred_at)
    return [record]


def lift_person_hold(command: LiftPersonHold, work: Work) -> list[Aggregate]:
    """Errors: R-ERA-01, R-ERA-02."""
    record = _known(command.person, work)
    record.lift_hold(occurred_at=command.occurred_at)
    return [record]


def confirm_erasure(command: ConfirmErasure, work: Work) -> list[Aggregate]:
    """A person, and all who go together with them, are erased. Errors: R-ERA-01 to R-ERA-08,
    R-ERA-10."""
    record = _known(command.person, work)
    record.confirm(work.actor, occurred_at=command.occurred_at)
    return [record, *erase(command, {command.person, *command.together}, record.ground, work)]


def erase(
    command: ConfirmErasure | EraseRetained, persons: set[str], ground: str, work: Work
) -> list[Aggregate]:
    """The month's erasures, and the members and orders that say whom they are of."""
    named = min(persons) if isinstance(command, EraseRetained) else command.person
    if len(persons) > MOST:
        raise TooManyTogether(person=named, count=len(persons), most=MOST)
    _must_not_be_held(named, persons, work)
    must_be_all(command, named, persons, work)
    at = command.occurred_at
    marked: list[Aggregate] = []
    for name in command.members:
        member: Member = work.load(Member, name)
        if member.left_on is None or member.left_on >= work.days.day_of(from_us(work.now)):
            raise MemberStillHere(person=named, member=name)
        member.erase(min(persons), occurred_at=at)
        marked.append(member)
    for name in command.bare:
        order: Order = work.load(Order, name)
        order.erase_buyer(min(persons), occurred_at=at)
        marked.append(order)
    month: Erasures = work.load(Erasures, stream_of(from_us(work.now)))
    month.erase(sorted(persons), ground, occurred_at=at)
    return [month, *marked]


def _must_not_be_held(named: str, persons: Iterable[str], work: Work) -> None:
    """Errors: PersonHeld (R-ERA-05)."""
    work.fetch([(PersonRecord, person) for person in persons])
    for person in sorted(persons):
        if work.load(PersonRecord, person).held:
            raise PersonHeld(person=named, held=person)


def recent_of(command: ConfirmErasure | EraseRetained, named: str, work: Work) -> Traces:
    """What was sealed for whom since it was looked up. Errors: SeenTooEarly (R-ERA-08)."""
    facts = work.facts_since(command.seen, MOST_SINCE)
    if facts is None:
        raise SeenTooEarly(person=named, seen=command.seen, most=MOST_SINCE)
    return traces_of(facts)


def must_be_all(
    command: ConfirmErasure | EraseRetained, named: str, persons: set[str], work: Work
) -> None:
    """Nobody has come to go together with them since that was looked up. Errors: GroupChanged
    (R-ERA-07), SeenTooEarly (R-ERA-08)."""
    changed = GroupChanged(person=named, seen=command.seen)
    if not work.holds(command.seen) or any(
            not work.sharing(person) <= persons for person in persons):
        raise changed
    recent = recent_of(command, named, work)
    touched = {*recent.streams, *recent.orders}
    if not touched and not recent.members:
        return
    since = traces_of(work.facts_of(touched))
    orders = set(since.orders.values()) - touched
    for fact in work.facts_of(orders):
        since.add_fact(fact)
    for stream in touched | orders:
        same = since.together(stream, work)
        member = member_of(stream)
        if same & persons and (not same <= persons or (member and member not in command.members)):
            raise changed
    for member, person in work.own(recent.members).items():
        if person in persons and member not in command.members:
            raise changed
    bare = {order for order in since.orders.values() if work.own([order]).get(order) in persons
            and not since.streams.get(order)}
    if not bare <= set(command.bare):
        raise changed


HANDLERS: dict[type[Command], Handler] = {
    RequestErasure: request_erasure,
    WithdrawErasure: withdraw_erasure,
    ConfirmErasure: confirm_erasure,
    HoldPerson: hold_person,
    LiftPersonHold: lift_person_hold,
}
