"""Signatures: what only a member of the shop may do, with a key of his own."""

from ledger.commands import Work
from ledger.people import Member
from ledger.people_errors import SignatureNeeded


def must_be_member(work: Work, day: str) -> str:
    """Who wishes the command, a member who is here on that day.

    Errors: SignatureNeeded (R-PPL-13).
    """
    actor = work.actor
    if not actor.startswith("member:") or not work.load(Member, actor).is_here_on(day):
        raise SignatureNeeded(actor=actor)
    return actor
