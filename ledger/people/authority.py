"""Signatures: what only a member of the shop may do, with a key of their own, and on which day.
And whom what is written about a member is sealed for."""

from collections.abc import Iterable
from datetime import datetime

from ledger.common.personal import Person
from ledger.common.phrases import Phrase
from ledger.common.values import from_us
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.people.errors import NotTheHead, OnlyForOneself, SignatureNeeded
from ledger.people.holders import posts_of
from ledger.people.member import Member
from ledger.policies.book import policy_on


def signed_on(work: Work, occurred_at: datetime) -> str:
    """The day on which a decision is signed: never before it is recorded, so that dating it back
    does not shorten a deadline that runs from it."""
    return max(work.days.day_of(occurred_at), work.days.day_of(from_us(work.now)))


def must_be_member(work: Work, day: str) -> str:
    """The actor of the command, a member who is here on that day and when it is recorded.

    Errors: SignatureNeeded (R-PPL-13).
    """
    actor, last = work.actor, max(day, work.days.day_of(from_us(work.now)))
    if not actor.startswith("member:") or not work.load(Member, actor).is_here_on(last):
        raise SignatureNeeded(actor=actor, day=last, why=_not_here(work, actor))
    return actor


def _not_here(work: Work, actor: str) -> Phrase:
    """Why somebody is no member who is here, and what to do."""
    if not actor.startswith("member:"):
        return Phrase("it takes a member who is in the shop then, with a key of their own "
                      "(on the command line: --actor member:…)")
    member = work.load(Member, actor)
    if member.joined_on is None:
        return Phrase("nobody has recorded that they joined the shop; record it first "
                      "(member.join), and check the name for slips")
    return Phrase("they are in the shop from {since} on, and until {until}; let a member sign it "
                  "who is there", since=member.joined_on, until=member.left_on) \
        if member.left_on else Phrase("they join the shop on {since} only; let a member sign it "
                                      "who is there", since=member.joined_on)


def must_speak_for(work: Work, member: Member, day: str, what: str) -> str:
    """The actor of the command: the member, or whoever supervises them directly on that day.

    Errors: OnlyForOneself (R-PPL-14), SignatureNeeded (R-PPL-13) for a supervisor who has left.
    """
    if work.actor == member.id:
        return work.actor
    if work.actor != member.supervisor_on(day):
        raise OnlyForOneself(actor=work.actor, member=member.id, what=what)
    return must_be_member(work, day)


def person_of_member(work: Work, member: str, *beside: Aggregate) -> Person:
    """The person whom what is written about a member is sealed for. `beside` is where it is
    written, if not in the member's own stream. Errors: PersonLost (R-KEY-06)."""
    known: Member = work.load(Member, member)
    return work.person_of(known, member, *beside)


MAX_LEVELS = 20
"""How far up supervisors are followed."""


MANAGER = "manager"
"""The role of the posts that manage the shop."""


PLANNERS = (MANAGER, "warehouse_head", "reviewer")
"""The roles of the posts that plan for everybody."""


def must_head(work: Work, member: str, day: str) -> str:
    """The actor of the command: a member who supervises another one on a day, at any level, whose
    post heads one of the other's, or manages the shop. Errors: NotTheHead (R-PPL-15),
    SignatureNeeded (R-PPL-13)."""
    by, above = must_be_member(work, day), member
    for _ in range(MAX_LEVELS):
        head = work.load(Member, above).supervisor_on(day)
        if head == by:
            return by
        if head is None:
            break
        above = head
    version = policy_on(work, day)
    roles, own = version.posts(), posts_of(work, by, day)
    if any(roles[post] == MANAGER for post in own):
        return by
    if by != member and any(head in own for post in posts_of(work, member, day)
                            for head in version.heads_of(post)):
        return by
    raise NotTheHead(actor=by, member=member, day=day)


def must_plan(work: Work, members: Iterable[str], day: str) -> None:
    """Whoever holds posts, and none that plans for everybody, plans only for the members whom they
    head, and for themselves. A day that has passed is planned by those who may today, and one on
    which the actor holds no post, with the posts of today: no date frees anybody of their posts.
    Errors: NotTheHead (R-PPL-15)."""
    if not work.actor.startswith("member:"):
        return
    today = work.days.day_of(from_us(work.now))
    signed = max(day, today)
    found = next(((on, own) for on in (signed, today) if (own := posts_of(work, work.actor, on))),
                 None)
    if found is None:
        return
    on, own = found
    roles = policy_on(work, on).posts()
    if not any(roles[post] in PLANNERS for post in own):
        for member in members:
            if member != work.actor:
                must_head(work, member, signed)
