"""Members of a shop by date: who was here, who supervised whom, who was on leave.

A member's id is a pseudonym, and the actor of the keys that he owns. Days are texts such as
2026-09-30, in the shop's zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.people.errors import (
    LeaveDecided,
    LeaveOverlaps,
    LeaveTooLate,
    LeaveUnknown,
    MemberGone,
    MemberToldDifferently,
    MemberUnknown,
    OwnPresence,
)

ASKED, APPROVED, REFUSED, WITHDRAWN = LEAVE_STATES = ("asked", "approved", "refused", "withdrawn")


class Leave(NamedTuple):
    """Leave that was asked for, by whom, and who approved or refused it."""

    days: tuple[str, ...]
    state: str
    asked_by: str = ""
    decided_by: str = ""


class Member(Aggregate):
    """A member of the shop; his stream is `member:<id>`."""

    KIND = "member"

    def begin(self) -> None:
        """He never joined."""
        self.joined_on: str | None = None
        self.left_on: str | None = None
        self.supervisors: tuple[tuple[str, str], ...] = ()
        self.leave: Mapping[str, Leave] = {}

    # -- facts ------------------------------------------------------------------------------------

    class Joined(Aggregate.Event):
        """He works here from a day on."""

        TOPIC = "member.joined.v1"
        joined_on: str
        name: Personal | None = None
        contact: Personal | None = None

    class DetailsChanged(Aggregate.Event):
        """He is called or reached otherwise; what is None stays."""

        TOPIC = "member.details_changed.v1"
        name: Personal | None = None
        contact: Personal | None = None

    class SupervisorSet(Aggregate.Event):
        """Somebody is his direct supervisor from a day on."""

        TOPIC = "member.supervisor_set.v1"
        supervisor: str
        since: str

        def about(self) -> list[str]:
            """The supervisor."""
            return [self.supervisor]

    class ShopLeft(Aggregate.Event):
        """His last day."""

        TOPIC = "member.shop_left.v1"
        last_day: str
        reason: str | None = None

    class LeaveAsked(Aggregate.Event):
        """He wants to stay away on these days."""

        TOPIC = "member.leave_asked.v1"
        number: str
        days: list[str]
        asked_by: str
        reason: str | None = None

    class LeaveApproved(Aggregate.Event):
        """He may."""

        TOPIC = "member.leave_approved.v1"
        number: str
        approved_by: str

    class LeaveRefused(Aggregate.Event):
        """He may not."""

        TOPIC = "member.leave_refused.v1"
        number: str
        reason: str
        refused_by: str

    class LeaveWithdrawn(Aggregate.Event):
        """He does not want to any more, or it was taken back: on these days."""

        TOPIC = "member.leave_withdrawn.v1"
        number: str
        days: list[str]
        withdrawn_by: str
        reason: str | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Joined)
    def _joined(self, joined_on):
        self.joined_on = joined_on

    @event(DetailsChanged)
    def _details_changed(self):
        pass

    @event(SupervisorSet)
    def _supervisor_set(self, supervisor, since):
        self.supervisors = (*self.supervisors, (since, supervisor))

    @event(ShopLeft)
    def _shop_left(self, last_day):
        self.left_on = last_day

    @event(LeaveAsked)
    def _leave_asked(self, number, days, asked_by):
        self.leave = {**self.leave, number: Leave(tuple(days), ASKED, asked_by)}

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
        """As of a moment of the business, leave may be decided that is not asked for yet."""
        if (before := self.leave.get(number)) is not None:
            after = before._replace(state=state, decided_by=by)
            self.leave = {**self.leave, number: after}

    # -- what was when ----------------------------------------------------------------------------

    def is_here_on(self, day: str) -> bool:
        """Whether he works here on a day."""
        return self.joined_on is not None and self.joined_on <= day and (
            self.left_on is None or day <= self.left_on)

    def supervisor_on(self, day: str) -> str | None:
        """His direct supervisor: of those set until a day, the last one told for the latest day."""
        known = [(since, number, who) for number, (since, who) in enumerate(self.supervisors)
                 if since <= day]
        return max(known)[2] if known else None

    def is_on_leave(self, day: str) -> bool:
        """Whether he has approved leave on a day."""
        return any(leave.state == APPROVED and day in leave.days for leave in self.leave.values())

    def must_be_here(self, day: str) -> None:
        """Errors: MemberUnknown (R-PPL-01), MemberGone (R-PPL-03)."""
        if self.joined_on is None:
            raise MemberUnknown(member=self.id)
        if not self.is_here_on(day):
            raise MemberGone(member=self.id, day=day, joined_on=self.joined_on,
                             left_on=self.left_on or "not")

    # -- rules ------------------------------------------------------------------------------------

    def join(
        self, joined_on: str, name: Plain | None, contact: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Once. Errors: MemberToldDifferently (R-PPL-02)."""
        if self.joined_on is None:
            self._joined(joined_on=joined_on, name=name, contact=contact, occurred_at=occurred_at)
        elif self.joined_on != joined_on:
            raise MemberToldDifferently(member=self.id, joined_on=self.joined_on)

    def change_details(
        self, name: Plain | None, contact: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Errors: R-PPL-01."""
        if self.joined_on is None:
            raise MemberUnknown(member=self.id)
        self._details_changed(name=name, contact=contact, occurred_at=occurred_at)

    def set_supervisor(self, supervisor: str, since: str, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-01, R-PPL-03."""
        self.must_be_here(since)
        if self.supervisor_on(since) != supervisor or (since, supervisor) not in self.supervisors:
            self._supervisor_set(supervisor=supervisor, since=since, occurred_at=occurred_at)

    def leave_shop(self, last_day: str, reason: str | None, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-01, R-PPL-03."""
        if self.left_on != last_day:
            self.must_be_here(last_day)
            self._shop_left(last_day=last_day, reason=reason, occurred_at=occurred_at)

    def ask_leave(
        self, number: str, days: Sequence[str], today: str, by: str, *, reason: str | None,
        occurred_at: datetime,
    ) -> None:
        """Errors: R-PPL-01, R-PPL-03, LeaveDecided (R-PPL-09), LeaveTooLate (R-PPL-10),
        LeaveOverlaps (R-PPL-18)."""
        if (known := self.leave.get(number)) is not None:
            if (known.days, known.state) == (tuple(days), ASKED):
                return
            raise LeaveDecided(member=self.id, number=number, state=known.state)
        self.must_be_here(days[-1])
        if today > days[0]:
            raise LeaveTooLate(first=days[0], day=today)
        for other, leave in self.leave.items():
            if leave.state in (ASKED, APPROVED) and (same := set(days) & set(leave.days)):
                raise LeaveOverlaps(member=self.id, number=other, days=", ".join(sorted(same)))
        self._leave_asked(number=number, days=list(days), asked_by=by, reason=reason,
                          occurred_at=occurred_at)

    def _leave(self, number: str, *states: str) -> Leave:
        known = self.leave.get(number)
        if known is None:
            raise LeaveUnknown(member=self.id, number=number)
        if known.state not in states:
            raise LeaveDecided(member=self.id, number=number, state=known.state)
        return known

    def approve_leave(self, number: str, by: str, *, occurred_at: datetime) -> bool:
        """Whether it is new. Errors: R-PPL-08, R-PPL-09, OwnPresence (R-PPL-11)."""
        known = self._leave(number, ASKED, APPROVED)
        if known.state == APPROVED:
            return False
        self.must_not_be(by, "approving leave")
        if by == known.asked_by:
            raise OwnPresence(member=by, what="approving leave that he asked for")
        self._leave_approved(number=number, approved_by=by, occurred_at=occurred_at)
        return True

    def refuse_leave(self, number: str, reason: str, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-PPL-08, R-PPL-09, R-PPL-11."""
        if self._leave(number, ASKED, REFUSED).state == ASKED:
            self.must_not_be(by, "refusing leave")
            self._leave_refused(number=number, reason=reason, refused_by=by,
                                occurred_at=occurred_at)

    def withdraw_leave(
        self, number: str, days: Sequence[str], reason: str | None, *, by: str, today: str,
        occurred_at: datetime,
    ) -> list[str]:
        """The days of approved leave that are taken back: those that are told, by default those
        from today on. Days that have come the member himself does not take back.

        Errors: R-PPL-08, R-PPL-09, LeaveTooLate (R-PPL-10).
        """
        known = self._leave(number, ASKED, APPROVED, WITHDRAWN)
        if known.state == WITHDRAWN:
            return []
        wanted = [day for day in known.days if (day in days if days else day >= today)]
        if not wanted or (by == self.id and wanted[0] < today):
            raise LeaveTooLate(first=known.days[0], day=today)
        self._leave_withdrawn(number=number, days=wanted, withdrawn_by=by, reason=reason,
                              occurred_at=occurred_at)
        return wanted if known.state == APPROVED else []

    def must_not_be(self, actor: str, what: str) -> None:
        """Errors: OwnPresence (R-PPL-11)."""
        if actor == self.id:
            raise OwnPresence(member=self.id, what=what)
