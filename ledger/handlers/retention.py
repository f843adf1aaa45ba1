"""Whom the policy keeps no longer: persons with nothing open, so long after the last of theirs."""

from datetime import date, timedelta

from ledger.common.phrases import Phrase
from ledger.common.values import from_us
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.deductions.deduction import Deduction
from ledger.deductions.values import APPEALED, CONFIRMED, PROPOSED
from ledger.erasure.commands import EraseRetained
from ledger.erasure.errors import AlreadyErased, GroupChanged, NotDue
from ledger.erasure.record import RETENTION
from ledger.erasure.retaining import retention_in
from ledger.erasure.traces import CASE, DEDUCTION, MEMBER, OF_MEMBER, ORDER, Traces
from ledger.handlers.erasure import erase, recent_of, traces_of
from ledger.orders.order import Order
from ledger.people.member import Member
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Retention
from ledger.returns.case import ENDED, RECEIVED, Case
from ledger.scores.closings import CLOSINGS, Closings

KINDS: dict[str, type[Aggregate]] = {
    ORDER: Order, CASE: Case, DEDUCTION: Deduction, MEMBER: Member}
"""What is looked at in the streams of a person."""


def erase_retained(command: EraseRetained, work: Work) -> list[Aggregate]:
    """A slice of those whom the policy keeps no longer. Errors: R-ERA-02, R-ERA-05 to R-ERA-08,
    R-ERA-11, R-ERA-12, R-ERA-14."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    retention = retention_in(book, work.days.day_of(from_us(work.now)))
    persons = set(command.together)
    if all(work.is_erased(person) for person in persons):
        raise AlreadyErased(person=min(persons))
    traces = traces_of(work.facts_of(command.checked))
    _must_be_old(command, traces, retention, work)
    named = min(persons)
    for stream in command.checked:
        if why := _open(stream, work):
            who = min(traces.streams.get(stream, set()) & persons, default=named)
            raise NotDue(person=who, why=why)
    changed = erase(command, persons, RETENTION, work)
    _must_be_checked(command, work)
    return changed


def _must_be_old(
    command: EraseRetained, traces: Traces, retention: Retention, work: Work
) -> None:
    """Errors: NotDue (R-ERA-12)."""
    today = date.fromisoformat(work.days.day_of(from_us(work.now)))
    members = {person for stream, persons in traces.streams.items()
               if stream.partition(":")[0] in (MEMBER, *OF_MEMBER) for person in persons}
    members |= set(work.own(command.members).values())
    for person in sorted(command.together):
        days = retention.members if person in members else retention.buyers
        if days is None:
            raise NotDue(person=person, why=Phrase(
                "the retention says nothing of such persons"))
        first = (today - timedelta(days=days)).isoformat()
        trace = traces.persons.get(person)
        if trace is not None and work.days.day_of(from_us(trace.last_at)) >= first:
            raise NotDue(person=person, why=Phrase(
                "the last of theirs is from {first} or later", first=first))
    for name in command.members:
        left = work.load(Member, name).left_on
        days = retention.members
        if left is None or days is None or left >= (today - timedelta(days=days)).isoformat():
            raise NotDue(person=min(command.together), why=Phrase(
                "{member} has not left so long ago", member=name))


def _must_be_checked(command: EraseRetained, work: Work) -> None:
    """Nothing was sealed for them, since they were looked up, anywhere else. Errors: R-ERA-07,
    R-ERA-08."""
    recent = recent_of(command, min(command.together), work)
    for person in command.together:
        trace = recent.persons.get(person)
        if trace is not None and not set(trace.streams) <= {*command.checked, person}:
            raise GroupChanged(person=person, seen=command.seen)


def _open(stream: str, work: Work) -> str:
    """What is open in a stream; empty if nothing is."""
    kind, _, rest = stream.partition(":")
    if kind in OF_MEMBER:
        last = work.load(Closings, CLOSINGS).last_closed()
        month = rest.rpartition(":")[2]
        return "" if last is not None and month <= last else f"{month} is not closed"
    found = work.load(KINDS[kind], stream) if kind in KINDS else None
    if isinstance(found, Order):
        is_open = not found.ended
    elif isinstance(found, Case):
        is_open = not (found.state in ENDED or (
            found.state == "declared" and not found.pieces(RECEIVED)))
    elif isinstance(found, Deduction):
        is_open = found.state == PROPOSED or (found.state == CONFIRMED and (
            APPEALED in found.appeals.values() or found.appeal_until >= work.days.day_of(
                from_us(work.now))))
    else:
        is_open = False
    return f"{stream} is open" if is_open else ""


HANDLERS: dict[type[Command], Handler] = {EraseRetained: erase_retained}

