"""Handlers for people: who works here, in which post, and under whom."""

from collections.abc import Iterator

from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.authority import (
    MAX_LEVELS,
    person_of_member,
)
from ledger.people.commands import (
    AssignPost,
    ChangeDetails,
    EndPost,
    JoinMember,
    LeaveShop,
    SetSupervisor,
)
from ledger.people.errors import (
    PostUnknown,
    SupervisorCircle,
)
from ledger.people.holders import load_posts, posts_from
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.policies.book import policy_on


def join_member(command: JoinMember, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-02."""
    member: Member = work.load(Member, command.member)
    member.join(command.joined_on, *_details(command, work), occurred_at=command.occurred_at)
    return [member]


def _details(command: JoinMember | ChangeDetails, work: Work) -> tuple[Plain | None, Plain | None]:
    if not command.persons():
        return None, None
    person = person_of_member(work, command.member)
    name, contact = (Plain(person, value) if value else None
                     for value in (command.name, command.contact))
    return name, contact


def change_details(command: ChangeDetails, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01."""
    member: Member = work.load(Member, command.member)
    member.change_details(*_details(command, work), occurred_at=command.occurred_at)
    return [member]


def set_supervisor(command: SetSupervisor, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, SupervisorCircle (R-PPL-07), R-PPL-19."""
    member: Member = work.load(Member, command.member)
    work.load(Member, command.supervisor).must_be_here(command.since)
    member.set_supervisor(command.supervisor, command.since, occurred_at=command.occurred_at)
    days, at = [command.since], 0
    while at < len(days):  # a circle may close later, on a day when a supervisor above changes
        for day in _walk_up(command, work, days[at]):
            if day > command.since and day not in days:
                days.append(day)
        at += 1
    return [member]


def _walk_up(command: SetSupervisor, work: Work, day: str) -> Iterator[str]:
    """The days on which a supervisor above a member changes. Errors: R-PPL-07."""
    above: str | None = command.member
    for level in range(MAX_LEVELS):
        if above is None or (level and above == command.member):
            break
        known: Member = work.load(Member, above)
        yield from (since for since, _ in known.supervisors)
        above = known.supervisor_on(day)
    if above == command.member:
        raise SupervisorCircle(member=command.member, supervisor=command.supervisor, since=day)


def leave_shop(command: LeaveShop, work: Work) -> list[Aggregate]:
    """The member's posts end with the last day; those that would begin later never do.

    Errors: R-PPL-01, R-PPL-03, R-PPL-19.
    """
    member: Member = work.load(Member, command.member)
    member.leave_shop(command.last_day, _noted(command.member, work, command.reason),
                      occurred_at=command.occurred_at)
    posts = list(load_posts(work, posts_from(work, command.last_day)).values())
    for post in posts:
        post.leave(command.member, command.last_day, occurred_at=command.occurred_at)
    return [member, *posts]


def _written(member: str, work: Work, text: str, *beside: Aggregate) -> Plain:
    """What was written about a member, on its way into an event. Errors: PersonLost (R-KEY-06)."""
    return Plain(person_of_member(work, member, *beside), text)


def _noted(member: str, work: Work, text: str | None, *beside: Aggregate) -> Plain | None:
    """The same; None where nothing was written. Errors: PersonLost (R-KEY-06)."""
    return None if text is None else _written(member, work, text, *beside)


def assign_post(command: AssignPost, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03 to R-PPL-05, R-PPL-19."""
    member: Member = work.load(Member, command.member)
    member.must_be_here(command.since)
    post = _known_post(work, command.post, command.since)
    post.assign(command.member, command.since, occurred_at=command.occurred_at)
    return [post]


def _known_post(work: Work, name: str, day: str) -> Post:
    if name not in (known := policy_on(work, day).posts()):
        raise PostUnknown(post=name, known=", ".join(known))
    post: Post = work.load(Post, post_of(name))
    return post


def end_post(command: EndPost, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-06."""
    post: Post = work.load(Post, post_of(command.post))
    reason = _noted(command.member, work, command.reason, post)
    post.end(command.member, command.until, reason, occurred_at=command.occurred_at)
    return [post]


HANDLERS: dict[type[Command], Handler] = {
    JoinMember: join_member,
    ChangeDetails: change_details,
    SetSupervisor: set_supervisor,
    LeaveShop: leave_shop,
    AssignPost: assign_post,
    EndPost: end_post,
}
