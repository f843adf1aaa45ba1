"""Members of a shop by date: who was here, who supervised whom, who was on leave.

A member's id is a pseudonym, and the actor behind the keys that the member owns. Days are texts
such as 2026-09-30, in the shop's zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from ledger.common.bounds import Words
from ledger.common.personal import Personal, Plain
from ledger.common.phrases import Phrase
from ledger.common.values import rfc3339
from ledger.core.aggregate import Aggregate, event
from ledger.people.errors import (
    AskerApproves,
    LeaveDaysPast,
    LeaveDecided,
    LeaveNumberTaken,
    LeaveOverlaps,
    LeaveTooLate,
    LeaveUnknown,
    MemberGone,
    MemberJoinedDifferently,
    MemberNotYet,
    MemberUnknown,
    NoLeaveThen,
    OwnPresence,
    ReportedLater,
)

AM, PM = HALVES = ("am", "pm")
NOON = "12:00"
"""Where the second half of a day begins."""

PLANNED, UNFORESEEN = LEAVE_KINDS = ("planned", "unforeseen")
"""Leave that is asked for beforehand, and leave that nobody could foresee: why not, such as an
illness, is in its reason, which is sealed."""

REQUESTED, APPROVED, REFUSED, WITHDRAWN = LEAVE_STATES = (
    "requested", "approved", "refused", "withdrawn")


class Leave(NamedTuple):
    """Days of leave, who asked for them, and who approved or refused them. `halves` are the days of
    which it is one half."""

    days: tuple[str, ...]
    state: str
    requested_by: str = ""
    decided_by: str = ""
    halves: Mapping[str, str] = {}
    kind: str = PLANNED

    def halves_on(self, day: str) -> set[str]:
        """The halves of a day that it takes."""
        if day not in self.days:
            return set()
        return {self.halves[day]} if day in self.halves else {*HALVES}


class Member(Aggregate):
    """A member of the shop; the stream is `member:<id>`."""

    KIND = "member"

    def begin(self) -> None:
        """The member never joined."""
        self.joined_on: str | None = None
        self.left_on: str | None = None
        self.supervisors: tuple[tuple[str, str], ...] = ()
        self.leave: Mapping[str, Leave] = {}

    # -- facts ------------------------------------------------------------------------------------

    class Joined(Aggregate.Event):
        """The member works here from a day on."""

        TOPIC = "member.joined.v1"
        joined_on: str
        name: Personal | None = None
        contact: Personal | None = None

    class DetailsChanged(Aggregate.Event):
        """The member has a new name or contact; what is None stays."""

        TOPIC = "member.details_changed.v1"
        name: Personal | None = None
        contact: Personal | None = None

    class SupervisorSet(Aggregate.Event):
        """The member has this direct supervisor from a day on."""

        TOPIC = "member.supervisor_set.v1"
        supervisor: str
        since: str

        def about(self) -> list[str]:
            """The supervisor."""
            return [self.supervisor]

    class Left(Aggregate.Event):
        """The member's last day."""

        TOPIC = "member.left.v1"
        last_day: str
        reason: Personal | None = None

    class LeaveRequested(Aggregate.Event):
        """The member wants to stay away on these days, or could not come on them.

        Shapes: `halves` the half (am, pm) of days of which it is one; `attachments` SHA-256 in hex
        with blanks between them.
        """

        TOPIC = "member.leave_requested.v1"
        number: str
        days: list[str]
        requested_by: str
        halves: dict[str, str] = {}
        kind: Annotated[str, Words(*LEAVE_KINDS)] = PLANNED
        reported_at: datetime | None = None
        attachments: Personal | None = None
        reason: Personal | None = None

    class LeaveApproved(Aggregate.Event):
        """The member may stay away."""

        TOPIC = "member.leave_approved.v1"
        number: str
        approved_by: str

    class LeaveRefused(Aggregate.Event):
        """The member may not stay away."""

        TOPIC = "member.leave_refused.v1"
        number: str
        refused_by: str
        reason: Personal | None = None

    class LeaveWithdrawn(Aggregate.Event):
        """The leave is taken back on these days, by the member or for them."""

        TOPIC = "member.leave_withdrawn.v1"
        number: str
        days: list[str]
        withdrawn_by: str
        reason: Personal | None = None

    class Erased(Aggregate.Event):
        """The name, the contact, and all that was written of the member, are erased."""

        TOPIC = "member.erased.v1"
        person: str

        def about(self) -> list[str]:
            """The person that the member was."""
            return [self.person]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Joined)
    def _joined(self, joined_on):
        self.joined_on = joined_on

    @event(DetailsChanged)
    def _details_changed(self):
        pass

    @event(Erased)
    def _erased(self, person):
        self.sealed_for = self.sealed_for or person

    @event(SupervisorSet)
    def _supervisor_set(self, supervisor, since):
        self.supervisors = (*self.supervisors, (since, supervisor))

    @event(Left)
    def _left(self, last_day):
        self.left_on = last_day

    @event(LeaveRequested)
    def _leave_requested(self, number, days, requested_by, halves, kind):
        self.leave = {**self.leave, number: Leave(tuple(days), REQUESTED, requested_by,
                                                  halves=halves, kind=kind)}

    @event(LeaveApproved)
    def _leave_approved(self, number, approved_by):
        self._decide(number, APPROVED, approved_by)

    @event(LeaveRefused)
    def _leave_refused(self, number, refused_by):
        self._decide(number, REFUSED, refused_by)

    @event(LeaveWithdrawn)
    def _leave_withdrawn(self, number, days):
        if (before := self.leave.get(number)) is not None:
            left = tuple(day for day in before.days if day not in days)
            after = before._replace(days=left) if left else before._replace(state=WITHDRAWN)
            self.leave = {**self.leave, number: after}

    def _decide(self, number: str, state: str, by: str) -> None:
        """Nothing, where the leave is not known: an answer as of a business time may hold the
        decision but not the request, if that was dated later."""
        if (before := self.leave.get(number)) is not None:
            after = before._replace(state=state, decided_by=by)
            self.leave = {**self.leave, number: after}

    # -- what was when ----------------------------------------------------------------------------

    def is_here_on(self, day: str) -> bool:
        """Whether the member works here on a day."""
        return self.joined_on is not None and self.joined_on <= day and (
            self.left_on is None or day <= self.left_on)

    def supervisor_on(self, day: str) -> str | None:
        """The direct supervisor: of those set up to a day, the one with the latest first day; of
        several with the same, the one recorded last."""
        known = [(since, number, who) for number, (since, who) in enumerate(self.supervisors)
                 if since <= day]
        return max(known)[2] if known else None

    def is_on_leave(self, day: str) -> bool:
        """Whether the member has approved leave on a day, or on a half of it."""
        return bool(self.halves_away(day))

    def is_away(self, day: str) -> bool:
        """Whether the member has approved leave on the whole of a day."""
        return self.halves_away(day) == {*HALVES}

    def halves_away(self, day: str) -> set[str]:
        """The halves of a day on which the member has approved leave."""
        return {half for leave in self.leave.values() if leave.state == APPROVED
                for half in leave.halves_on(day)}

    def must_be_here(self, day: str) -> None:
        """Errors: MemberUnknown (R-PPL-01), MemberGone (R-PPL-03), MemberNotYet (R-PPL-19)."""
        if self.joined_on is None:
            raise MemberUnknown(member=self.id)
        if day < self.joined_on:
            raise MemberNotYet(member=self.id, day=day, joined_on=self.joined_on)
        if not self.is_here_on(day):
            raise MemberGone(member=self.id, day=day, left_on=self.left_on)

    # -- rules ------------------------------------------------------------------------------------

    def join(
        self, joined_on: str, name: Plain | None, contact: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Once. Errors: MemberJoinedDifferently (R-PPL-02)."""
        if self.joined_on is None:
            self._joined(joined_on=joined_on, name=name, contact=contact, occurred_at=occurred_at)
        elif self.joined_on != joined_on:
            raise MemberJoinedDifferently(member=self.id, joined_on=self.joined_on)

    def change_details(
        self, name: Plain | None, contact: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Nothing where the member was erased. Errors: R-PPL-01."""
        if self.joined_on is None:
            raise MemberUnknown(member=self.id)
        if not any(given and given.person.is_erased for given in (name, contact)):
            self._details_changed(name=name, contact=contact, occurred_at=occurred_at)

    def erase(self, person: str, *, occurred_at: datetime) -> None:
        """The member's person is erased, so nobody new is made for them."""
        self._erased(person=person, occurred_at=occurred_at)

    def set_supervisor(self, supervisor: str, since: str, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-01, R-PPL-03, R-PPL-19."""
        self.must_be_here(since)
        if self.supervisor_on(since) != supervisor or (since, supervisor) not in self.supervisors:
            self._supervisor_set(supervisor=supervisor, since=since, occurred_at=occurred_at)

    def leave_shop(self, last_day: str, reason: Plain | None, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-01, R-PPL-03, R-PPL-19."""
        if self.left_on != last_day:
            self.must_be_here(last_day)
            self._left(last_day=last_day, reason=reason, occurred_at=occurred_at)

    def request_leave(
        self, number: str, asked: Leave, today: str, *, said: Mapping[str, Plain | None],
        reported_at: datetime | None, occurred_at: datetime,
    ) -> None:
        """`said` is what is sealed: the reason, and the papers.

        Errors: R-PPL-01, R-PPL-03, LeaveTooLate (R-PPL-10), LeaveOverlaps (R-PPL-18), R-PPL-19,
        LeaveNumberTaken (R-PPL-20), ReportedLater (R-PPL-26).
        """
        days, facts = asked.days, (asked.days, asked.halves, asked.kind)
        if (known := self.leave.get(number)) is not None:
            if ((known.days, known.halves, known.kind), known.state) == (facts, REQUESTED):
                return
            raise LeaveNumberTaken(member=self.id, number=number, days=", ".join(known.days),
                                   state=known.state)
        self.must_be_here(days[-1])
        self.must_be_here(days[0])
        if today > days[0] and asked.kind == PLANNED:
            raise LeaveTooLate(first=days[0], day=today)
        if reported_at is not None and reported_at > occurred_at:
            raise ReportedLater(member=self.id, number=number, reported_at=rfc3339(reported_at),
                            day=rfc3339(occurred_at))
        for other, leave in self.leave.items():
            same = [day for day in days if asked.halves_on(day) & leave.halves_on(day)]
            if leave.state in (REQUESTED, APPROVED) and same:
                raise LeaveOverlaps(member=self.id, number=other, days=", ".join(same))
        self._leave_requested(
            number=number, days=list(days), requested_by=asked.requested_by, kind=asked.kind,
            halves=dict(asked.halves), reported_at=reported_at, **said, occurred_at=occurred_at)

    def _leave(self, number: str, *states: str) -> Leave:
        known = self.leave.get(number)
        if known is None:
            raise LeaveUnknown(member=self.id, number=number)
        if known.state not in states:
            raise LeaveDecided(member=self.id, number=number, state=known.state)
        return known

    def approve_leave(self, number: str, by: str, *, occurred_at: datetime) -> bool:
        """Whether that is new. Errors: R-PPL-08, R-PPL-09, OwnPresence (R-PPL-11), AskerApproves
        (R-PPL-23)."""
        known = self._leave(number, REQUESTED, APPROVED)
        if known.state == APPROVED:
            return False
        self.must_not_be(by, Phrase("approving leave"))
        if by == known.requested_by:
            raise AskerApproves(actor=by, number=number, member=self.id)
        self._leave_approved(number=number, approved_by=by, occurred_at=occurred_at)
        return True

    def refuse_leave(self, number: str, reason: Plain, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-08, R-PPL-09, R-PPL-11."""
        if self._leave(number, REQUESTED, REFUSED).state == REQUESTED:
            self.must_not_be(by, Phrase("refusing leave"))
            self._leave_refused(number=number, reason=reason, refused_by=by,
                                occurred_at=occurred_at)

    def withdraw_leave(
        self, number: str, days: Sequence[str], reason: Plain | None, *, by: str, today: str,
        signed: str, occurred_at: datetime,
    ) -> list[str]:
        """The days of approved leave that are taken back: the given ones, by default those from
        today on. Members do not take back past days themselves, since they may have been charged:
        days that have passed when it is recorded (`signed`), whatever date is given. A request that
        nobody has decided on has cost nothing.

        Errors: R-PPL-08, R-PPL-09, NoLeaveThen (R-PPL-21), LeaveDaysPast (R-PPL-22).
        """
        known = self._leave(number, REQUESTED, APPROVED, WITHDRAWN)
        if known.state == WITHDRAWN:
            return []
        wanted = [day for day in known.days if (day in days if days else day >= today)]
        if not wanted:
            raise NoLeaveThen(member=self.id, number=number, days=", ".join(known.days),
                              wanted=", ".join(days) or Phrase("{day} or later", day=today))
        last = signed if known.state == APPROVED else today
        if by == self.id and wanted[0] < last:
            raise LeaveDaysPast(member=self.id, first=wanted[0], day=last)
        self._leave_withdrawn(number=number, days=wanted, withdrawn_by=by, reason=reason,
                              occurred_at=occurred_at)
        return wanted if known.state == APPROVED else []

    def must_not_be(self, actor: str, what: str) -> None:
        """Errors: OwnPresence (R-PPL-11)."""
        if actor == self.id:
            raise OwnPresence(member=self.id, what=what)
