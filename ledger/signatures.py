"""Signatures: what only a member of the shop may do, with a key of his own."""

from ledger.commands import Work
from ledger.people import Member
from ledger.people_errors import OnlyForOneself, SignatureNeeded


def must_be_member(work: Work, day: str) -> str:
    """Who wishes the command, a member who is here on that day.

    Errors: SignatureNeeded (R-PPL-13).
    """
    actor = work.actor
    if not actor.startswith("member:") or not work.load(Member, actor).is_here_on(day):
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
