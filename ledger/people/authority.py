"""Signatures: what only a member of the shop may do, with a key of his own, and on which day."""

from datetime import datetime

from ledger.common.days import day_of
from ledger.common.values import from_us
from ledger.core.commands import Work
from ledger.people.errors import OnlyForOneself, SignatureNeeded
from ledger.people.member import Member


def signed_on(work: Work, occurred_at: datetime) -> str:
    """The day on which a decision is signed: never before it is recorded, so that no date that is
    told shortens a deadline that runs from it."""
    return max(day_of(occurred_at), day_of(from_us(work.now)))


def must_be_member(work: Work, day: str) -> str:
    """Who wishes the command, a member who is here on that day, and when it is recorded.

    Errors: SignatureNeeded (R-PPL-13).
    """
    actor, today = work.actor, day_of(from_us(work.now))
    if not actor.startswith("member:") \
            or not work.load(Member, actor).is_here_on(max(day, today)):
        raise SignatureNeeded(actor=actor)
    return actor


def must_speak_for(work: Work, member: Member, day: str, what: str) -> str:
    """Who wishes the command: the member himself, or who supervises him directly on that day.

    Errors: OnlyForOneself (R-PPL-14), SignatureNeeded (R-PPL-13) for a supervisor who has left.
    """
    if work.actor == member.id:
        return work.actor
    if work.actor != member.supervisor_on(day):
        raise OnlyForOneself(actor=work.actor, member=member.id, what=what)
    return must_be_member(work, day)
