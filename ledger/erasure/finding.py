"""What is looked up in the log before a command about a person is sent."""

from datetime import datetime
from typing import Any

from ledger.common.errors import Refused
from ledger.common.values import subject
from ledger.core import event_types
from ledger.erasure.commands import MOST, ConfirmErasure, RequestErasure
from ledger.erasure.errors import PersonUnknown, TooManyTogether
from ledger.erasure.record import PersonRecord
from ledger.erasure.traces import Group, KinInKeys, Traces, scan
from ledger.log.erasures import erased_by, erasures
from ledger.log.persons import LedgerKeys
from ledger.log.store import Head, Reader


class NobodyFound(Refused):
    """Nothing in {about} is sealed for anybody."""

    code = "nobody_found"
    rule = "R-ERA-13"


def of_account(channel: str, account: str) -> str:
    """The name by which a buyer's account is looked up."""
    return subject("buyer", channel, account)


def persons_of(reader: Reader, keys: LedgerKeys, stream: str) -> list[str]:
    """The persons for whom something in a stream is sealed, and whoever is its own.

    Errors: NobodyFound (R-ERA-13).
    """
    found = Traces()
    for entry in reader.streams(keys.ledger, [stream]):
        found.add_fact(event_types.decode(entry))
    persons = {*found.persons, *keys.names([stream]).values()}
    if not persons:
        raise NobodyFound(about=stream)
    return sorted(persons)


def person_of_account(keys: LedgerKeys, channel: str, account: str) -> str:
    """The person of a buyer's account. Errors: NobodyFound (R-ERA-13)."""
    name = of_account(channel, account)
    if (found := keys.names([name]).get(name)) is None:
        raise NobodyFound(about=f"the channel {channel}, under this account,")
    return found


def request_of(
    reader: Reader, keys: LedgerKeys, person: str, *, ground: str, occurred_at: datetime,
) -> RequestErasure:
    """A request to erase a person, which says where they are found if their key is lost."""
    found_in = None
    if not keys.is_erased(person) and not keys.knows(person):
        trace = scan(reader, keys.ledger).persons.get(person)
        found_in = next(iter(trace.streams)) if trace else None
    return RequestErasure(person=person, ground=ground, found_in=found_in,
                          occurred_at=occurred_at)


def together_with(
    reader: Reader, keys: LedgerKeys, person: str, head: Head | None = None
) -> tuple[Group, Traces]:
    """Who goes together with a person, in the log up to a head; without one, in all of it.

    Errors: PersonUnknown (R-ERA-01), TooManyTogether (R-ERA-10).
    """
    traces = scan(reader, keys.ledger, head)
    if person not in traces.persons and not keys.knows(person):
        raise PersonUnknown(person=person)
    group = traces.group(person, KinInKeys(keys))
    if len(group.persons) > MOST:
        raise TooManyTogether(person=person, count=len(group.persons), most=MOST)
    return group, traces


def confirmation_of(
    reader: Reader, keys: LedgerKeys, person: str, *, occurred_at: datetime,
    expected_version: int | None = None,
) -> ConfirmErasure:
    """The command that erases a person and all who go together with them. Errors: those of
    `together_with`."""
    group, traces = together_with(reader, keys, person)
    return ConfirmErasure(
        person=person, together=sorted(group.persons), members=sorted(group.members),
        bare=sorted(group.bare), seen=traces.seen, occurred_at=occurred_at,
        expected_version=expected_version)


def status_of(
    reader: Reader, keys: LedgerKeys, person: str, head: Head | None = None
) -> dict[str, Any]:
    """What was decided about a person, in the log up to a head; without one, in all of it.

    Shapes: person, requested (the ground; None if nobody asks), requested_by, held, erased; and of
    whoever is erased, `waits_for`: what is still to be done, as `LedgerKeys.pending` has it.
    Errors: PersonUnknown (R-ERA-01).
    """
    head = head or reader.head(keys.ledger)
    record, at = PersonRecord.blank(person), erased_at(reader, keys.ledger, person, head)
    for entry in reader.streams(keys.ledger, [person]):
        if entry.position <= head.position:
            event_types.decode(entry).mutate(record)
    if not (record.version or at or keys.knows(person)) \
            and person not in scan(reader, keys.ledger, head).persons:
        raise PersonUnknown(person=person)
    return {"person": person, "requested": record.ground or None,
            "requested_by": record.requested_by or None, "held": record.held,
            "erased": at is not None, "waits_for": [] if at is None else keys.pending(at)}


def erased_at(reader: Reader, ledger: bytes, person: str, head: Head) -> int | None:
    """The position of the event up to a head that erased a person, if there is one."""
    return next((entry.position for entry in erasures(reader, ledger, head)
                 if person in erased_by(entry)), None)
