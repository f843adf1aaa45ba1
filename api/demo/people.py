"""Who works in the demo's shop: members, posts, shifts, the policies in force, and attendance."""

from datetime import datetime
from typing import NamedTuple

import click

from api.messages import tr
from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.core.commands import Command
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    JoinMember,
    RecordAttendance,
    RequestLeave,
    SetSupervisor,
)
from ledger.people.rosters import ArrangeCover, SetRoster, Shift
from ledger.policies.commands import PublishPolicy
from ledger.policies.posts import COMMITTEE, POSTS
from ledger.policies.reader import read
from ledger.policies.values import Version
from ledger.settings import Opened
from projections.asking.clocks import NOW
from projections.policies import book_of

EARLY, LATE, HEAD = "member:7f3a", "member:2c91", "member:b08e"
"""Two customer service agents, named after their shifts, and their head."""

DISPATCHER, WAREHOUSE, FINANCE = "member:5d14", "member:e6a2", "member:91fc"
DESIGNER, MANAGER, GENERAL = "member:c3d8", "member:0a47", "member:8e0b"
REVIEWER, SECOND_REVIEWER = "member:4be0", "member:f51a"
"""The committee: both grade; one decides deductions, the other decides appeals."""

POLICIES = ("rules", "scorecards", "pay", "deadlines")
SINCE, JOINED = "2026-09-01", "2026-03-02"
ROSTER = "customer_service"


class Person(NamedTuple):
    """A member of the team; `above` is the direct supervisor."""

    member: str
    post: str
    above: str | None
    name: str
    contact: str


TEAM = (
    Person(GENERAL, "general_manager", None, "林启", "15400000001"),
    Person(MANAGER, "shop_manager", GENERAL, "苏禾", "15400000002"),
    Person(HEAD, "customer_service_head", MANAGER, "何青", "15400000003"),
    Person(EARLY, "customer_service", HEAD, "乔安", "15400000004"),
    Person(LATE, "customer_service", HEAD, "陆晚", "15400000005"),
    Person(WAREHOUSE, "warehouse_head", MANAGER, "石磊", "15400000006"),
    Person(DISPATCHER, "dispatcher", WAREHOUSE, "程远", "15400000007"),
    Person(DESIGNER, "designer", MANAGER, "白墨", "15400000008"),
    Person(FINANCE, "finance", MANAGER, "金算", "15400000009"),
    Person(REVIEWER, COMMITTEE, None, "方正", "15400000010"),
    Person(SECOND_REVIEWER, COMMITTEE, None, "周全", "15400000011"),
)
"""Invented people, like the buyers of the sample."""

_ROLES = {person.member: POSTS[person.post][2] for person in TEAM}


def at(moment: str) -> datetime:
    """A moment in the shop, such as 2026-09-27 10:31."""
    return datetime.fromisoformat(f"{moment}:00+08:00")


def act(ledger: Ledger, actor: str, command: Command) -> Receipt:
    """Let a member, or `system`, do something."""
    return ledger.handle(command, Context(actor=actor, role=_ROLES.get(actor, "admin"),
                                          client="demo"))


def run(opened: Opened) -> int:
    """Publish the policies, let the team join, plan shifts, record attendance. Returns the position
    of the event that shows that somebody was late."""
    ledger = opened.ledger
    _publish(ledger)
    _join(ledger)
    known = policy(opened)
    click.echo(tr("{count} people work here, each under an id; their names and contacts are "
                  "sealed:", count=len(TEAM)))
    for person in TEAM:
        above = "" if person.above is None else tr("reports to {member}", member=person.above)
        click.echo(f"  {person.member}  {person.post:<21}  {above}".rstrip())
    click.echo(tr("The printed {names} are in force from {day} on, as versions 1 to {version}.",
                  names=", ".join(POLICIES), day=SINCE, version=known.number))
    click.echo(tr("Customer service works in overlapping shifts, with a director on call on "
                  "Sundays:"))
    _plan(ledger)
    click.echo(tr("Attendance costs its points by itself, once, and on its own item of the "
                  "scorecard:"))
    return _attend(ledger)


def policy(opened: Opened) -> Version:
    """The policy that scores September."""
    return book_of(opened.store, "main", NOW.resolve(opened.store, "main")).on("2026-09-30")


def _publish(ledger: Ledger) -> None:
    for name in POLICIES:
        act(ledger, GENERAL, PublishPolicy(
            policy=read(name), effective_from=SINCE, occurred_at=at("2026-08-31 17:00")))


def _join(ledger: Ledger) -> None:
    then = at(f"{JOINED} 09:00")
    for person in TEAM:
        act(ledger, "system", JoinMember(
            member=person.member, joined_on=JOINED, name=person.name, contact=person.contact,
            occurred_at=then))
        act(ledger, "system", AssignPost(
            member=person.member, post=person.post, since=JOINED, occurred_at=then))
        if person.above is not None:
            act(ledger, "system", SetSupervisor(
                member=person.member, supervisor=person.above, since=JOINED, occurred_at=then))


def _plan(ledger: Ledger) -> None:
    """Early and late on working days, a weekend duty on Sundays. The manager, who is on call in it,
    plans it: the head of customer service plans only their own team."""
    week = [1, 2, 3, 4, 5, 6]
    shifts = [
        Shift(name="early", start="08:30", end="17:00", members=[EARLY], days=week),
        Shift(name="late", start="15:30", end="24:00", members=[LATE], days=week),
        Shift(name="weekend", start="09:00", end="18:00", members=[EARLY], days=[7],
              director=MANAGER)]
    for shift in shifts:
        asked = "" if shift.director is None else tr("director {member}", member=shift.director)
        click.echo(f"  {shift.name:<7}  {shift.start}–{shift.end}  {', '.join(shift.members)}  "
                   f"{asked}".rstrip())
    act(ledger, MANAGER, SetRoster(
        roster=ROSTER, since=SINCE, shifts=shifts, occurred_at=at("2026-08-31 18:00")))


def _attend(ledger: Ledger) -> int:
    """One is late; one asks for a day of leave beforehand, and somebody stands in."""
    late = act(ledger, HEAD, RecordAttendance(
        member=LATE, day="2026-09-15", kind="late", shift="late", minutes=12,
        occurred_at=at("2026-09-15 15:45")))
    act(ledger, EARLY, RequestLeave(
        member=EARLY, number="1", days=["2026-09-18"], occurred_at=at("2026-09-14 10:00")))
    act(ledger, HEAD, ApproveLeave(
        member=EARLY, number="1", occurred_at=at("2026-09-14 11:00")))
    act(ledger, HEAD, ArrangeCover(
        roster=ROSTER, day="2026-09-18", shift="early", absent=EARLY, cover=HEAD,
        occurred_at=at("2026-09-14 11:05")))
    click.echo("  " + tr("{member}: {minutes} minutes late on {day}", member=LATE, minutes=12,
                         day="2026-09-15"))
    click.echo("  " + tr("{member}: leave on {day}, asked for in advance; {cover} stands in",
                         member=EARLY, day="2026-09-18", cover=HEAD))
    return late.positions[0]
