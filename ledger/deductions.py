"""Deductions: a breach of a rule, from its proposal to the last word on an appeal.

Who proposes is the same to the ledger: a person, or the ledger itself. Somebody else confirms,
waives or dismisses; each charged member may appeal by himself; a third person decides that.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ledger.aggregate import Aggregate, event
from ledger.deduction_errors import (
    AppealDecided,
    AppealTooLate,
    DeductionNotReady,
    DeductionNumberTaken,
    DeductionUnknown,
    NoAppeal,
    NotCharged,
    NotReduced,
    OwnCase,
    ProposerDecides,
    ThirdPersonNeeded,
)
from ledger.values import EPOCH, subject

PROPOSED, CONFIRMED, WAIVED, DISMISSED = STATES = ("proposed", "confirmed", "waived", "dismissed")
APPEALED, UPHELD, REDUCED, OVERTURNED = APPEALS = ("appealed", "upheld", "reduced", "overturned")


def deduction_of(number: str) -> str:
    """The stream of a deduction."""
    return subject("deduction", number)


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one member is liable for. Units: points, before any escalation.

    `part` says as whom; `month` is the month of the fact.
    """

    member: str
    part: str
    post: str
    points: str
    month: str


class Breach(NamedTuple):
    """What is proposed: which rule was broken, when, about what, by whom (None: nobody knows)."""

    rule: str
    policy: int
    about: str
    breached_at: datetime
    offender: str | None
    loss: bool


_NONE = Breach("", 0, "", EPOCH, None, False)


class Deduction(Aggregate):
    """A deduction; its stream is `deduction:<number>`."""

    KIND = "deduction"

    def begin(self) -> None:
        """Nobody proposed it."""
        self.state = ""
        self.breach = _NONE
        self.occurrence = 1
        self.proposed_by = ""
        self.decided_by = ""
        self.appeal_until = ""
        self.shares: Mapping[str, Share] = {}
        self.appeals: Mapping[str, str] = {}
        self.acknowledged: tuple[str, ...] = ()
        self.excused: tuple[str, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Proposed(Aggregate.Event):
        """Somebody says that a rule was broken, and shows it.

        Shapes: `evidence` are positions of events, `attachments` the SHA-256 of files, in hex.
        `policy` is the version of the rule. `occurrence` counts several on one day.
        """

        TOPIC = "deduction.proposed.v1"
        number: str
        rule: str
        policy: int
        about_subject: str
        breached_at: datetime
        proposed_by: str
        offender: str | None = None
        evidence: list[int] = []
        attachments: list[str] = []
        occurrence: int = 1
        loss: bool = False
        note: str | None = None

        def about(self) -> list[str]:
            """What it is about, and the offender."""
            return [self.about_subject, *([self.offender] if self.offender else [])]

    class OffenderNamed(Aggregate.Event):
        """Who did it is known now."""

        TOPIC = "deduction.offender_named.v1"
        offender: str

        def about(self) -> list[str]:
            """The offender."""
            return [self.offender]

    class Confirmed(Aggregate.Event):
        """The facts are established: these members are charged. `appeal_until` is a day."""

        TOPIC = "deduction.confirmed.v1"
        shares: list[Share]
        confirmed_by: str
        appeal_until: str
        note: str | None = None

        def about(self) -> list[str]:
            """The members."""
            return [share.member for share in self.shares]

    class Waived(Aggregate.Event):
        """A cause excuses it: for all, or for these members alone."""

        TOPIC = "deduction.waived.v1"
        cause: str
        waived_by: str
        members: list[str] = []

        def about(self) -> list[str]:
            """The members."""
            return self.members

    class Dismissed(Aggregate.Event):
        """The facts are not established."""

        TOPIC = "deduction.dismissed.v1"
        reason: str
        dismissed_by: str

    class Acknowledged(Aggregate.Event):
        """A charged member has seen it."""

        TOPIC = "deduction.acknowledged.v1"
        member: str

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Appealed(Aggregate.Event):
        """A charged member does not agree."""

        TOPIC = "deduction.appealed.v1"
        member: str
        reason: str
        evidence: list[int] = []
        attachments: list[str] = []

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Upheld(Aggregate.Event):
        """The charge stands."""

        TOPIC = "deduction.upheld.v1"
        member: str
        reason: str
        decided_by: str

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Reduced(Aggregate.Event):
        """The charge is smaller."""

        TOPIC = "deduction.reduced.v1"
        member: str
        points: str
        reason: str
        decided_by: str

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Overturned(Aggregate.Event):
        """The charge falls, as do those that stood on it."""

        TOPIC = "deduction.overturned.v1"
        member: str
        reason: str
        decided_by: str

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Proposed)
    def _proposed(
        self, rule, policy, about_subject, breached_at, proposed_by, offender, occurrence, loss
    ):
        self.state, self.proposed_by = PROPOSED, proposed_by
        self.breach = Breach(rule, policy, about_subject, breached_at, offender, loss)
        self.occurrence = occurrence

    @event(OffenderNamed)
    def _offender_named(self, offender):
        self.breach = self.breach._replace(offender=offender)

    @event(Confirmed)
    def _confirmed(self, shares, confirmed_by, appeal_until):
        self.state, self.decided_by, self.appeal_until = CONFIRMED, confirmed_by, appeal_until
        self.shares = {share.member: share for share in shares}

    @event(Waived)
    def _waived(self, members, waived_by):
        self.excused = (*self.excused, *members)
        self.shares = {name: share for name, share in self.shares.items() if name not in members}
        if not members or (self.state == CONFIRMED and not self.shares):
            self.state, self.decided_by, self.shares = WAIVED, waived_by, {}

    @event(Dismissed)
    def _dismissed(self, dismissed_by):
        self.state, self.decided_by = DISMISSED, dismissed_by

    @event(Acknowledged)
    def _acknowledged(self, member):
        self.acknowledged = (*self.acknowledged, member)

    @event(Appealed)
    def _appealed(self, member):
        self.appeals = {**self.appeals, member: APPEALED}

    @event(Upheld)
    def _upheld(self, member):
        self.appeals = {**self.appeals, member: UPHELD}

    @event(Reduced)
    def _reduced(self, member, points):
        self.appeals = {**self.appeals, member: REDUCED}
        if member in self.shares:  # an as-of question may leave the confirmation out
            share = msgspec.structs.replace(self.shares[member], points=points)
            self.shares = {**self.shares, member: share}

    @event(Overturned)
    def _overturned(self, member):
        self.appeals = {**self.appeals, member: OVERTURNED}
        falls = {share.member for share in self.falls_with(member)}
        self.shares = {name: one for name, one in self.shares.items() if name not in falls}

    # -- rules ------------------------------------------------------------------------------------

    def falls_with(self, member: str) -> list[Share]:
        """The shares that fall with a member's: his own; with the offender's, the supervisor's."""
        share = self.shares.get(member)
        if share is None:
            return []
        if share.part != "offender":
            return [share]
        return [share, *(one for one in self.shares.values() if one.part == "supervisor")]

    def must_be(self, *states: str) -> Breach:
        """Errors: DeductionUnknown (R-DED-02), DeductionNotReady (R-DED-03)."""
        if not self.state:
            raise DeductionUnknown(deduction=self.id)
        if self.state not in states:
            raise DeductionNotReady(deduction=self.id, state=self.state,
                                    needed=" or ".join(states))
        return self.breach

    def must_be_decided_by_another(self, actor: str, liable: Sequence[str] = ()) -> None:
        """Errors: ProposerDecides (R-DED-04), OwnCase (R-DED-05)."""
        if actor == self.proposed_by:
            raise ProposerDecides(actor=actor, deduction=self.id)
        if actor in (self.breach.offender, *liable, *self.shares):
            raise OwnCase(actor=actor, deduction=self.id)

    def propose(
        self, facts: Mapping[str, object], *, once: str, occurred_at: datetime
    ) -> None:
        """Errors: DeductionNumberTaken (R-DED-18)."""
        if self.state:
            raise DeductionNumberTaken(deduction=self.id)
        self._proposed(**facts, once=once, occurred_at=occurred_at)

    def name_offender(self, offender: str, *, once: str | None, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03."""
        if self.must_be(PROPOSED).offender != offender:
            self._offender_named(offender=offender, once=once, occurred_at=occurred_at)

    def confirm(
        self, shares: list[Share], by: str, appeal_until: str, *, note: str | None,
        occurred_at: datetime,
    ) -> None:
        """Errors: R-DED-02 to R-DED-05."""
        self.must_be(PROPOSED)
        self.must_be_decided_by_another(by, [share.member for share in shares])
        self._confirmed(shares=shares, confirmed_by=by, appeal_until=appeal_until, note=note,
                        occurred_at=occurred_at)

    def waive(self, members: list[str], cause: str, by: str, *, occurred_at: datetime) -> None:
        """For all before it is confirmed, for single members at any time.

        Errors: R-DED-02 to R-DED-05, NotCharged (R-DED-11).
        """
        self.must_be(PROPOSED, CONFIRMED)
        self.must_be_decided_by_another(by, members)
        for member in members if self.state == CONFIRMED else ():
            self.must_charge(member)
        if members and self.state == CONFIRMED:
            members = list(dict.fromkeys(
                share.member for member in members for share in self.falls_with(member)))
        elif self.state == CONFIRMED:
            members = list(self.shares)
        self._waived(members=members, cause=cause, waived_by=by, occurred_at=occurred_at)

    def dismiss(self, reason: str, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02 to R-DED-05."""
        self.must_be(PROPOSED)
        self.must_be_decided_by_another(by)
        self._dismissed(reason=reason, dismissed_by=by, occurred_at=occurred_at)

    def must_charge(self, member: str) -> Share:
        """Errors: NotCharged (R-DED-11)."""
        if member not in self.shares:
            raise NotCharged(deduction=self.id, member=member)
        return self.shares[member]

    def acknowledge(self, member: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-11."""
        self.must_be(CONFIRMED)
        self.must_charge(member)
        if member not in self.acknowledged:
            self._acknowledged(member=member, occurred_at=occurred_at)

    def appeal(self, facts: Mapping[str, object], day: str, *, occurred_at: datetime) -> None:
        """Once, and in time. Errors: R-DED-02, R-DED-03, R-DED-11 to R-DED-13."""
        self.must_be(CONFIRMED)
        member = str(facts["member"])
        if member in self.appeals:
            raise AppealDecided(deduction=self.id, member=member, state=self.appeals[member])
        self.must_charge(member)
        if day > self.appeal_until:
            raise AppealTooLate(deduction=self.id, until=self.appeal_until, day=day)
        self._appealed(**facts, occurred_at=occurred_at)

    def must_be_open_appeal(self, member: str, by: str) -> None:
        """Errors: R-DED-02, R-DED-03, NoAppeal (R-DED-14), ThirdPersonNeeded (R-DED-15)."""
        self.must_be(CONFIRMED)
        if self.appeals.get(member) != APPEALED:
            raise NoAppeal(deduction=self.id, member=member)
        self.must_charge(member)
        for why, others in (("proposed it", [self.proposed_by]),
                            ("confirmed it", [self.decided_by]),
                            ("is charged by it", [*self.shares, member])):
            if by in others:
                raise ThirdPersonNeeded(deduction=self.id, actor=by, why=why)

    def uphold(self, member: str, reason: str, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
        self.must_be_open_appeal(member, by)
        self._upheld(member=member, reason=reason, decided_by=by, occurred_at=occurred_at)

    def reduce(
        self, member: str, points: str, reason: str, *, by: str, occurred_at: datetime
    ) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15, NotReduced (R-DED-20)."""
        self.must_be_open_appeal(member, by)
        before = self.shares[member].points
        if Decimal(points) >= Decimal(before):
            raise NotReduced(points=points, before=before, member=member)
        self._reduced(member=member, points=points, reason=reason, decided_by=by,
                      occurred_at=occurred_at)

    def overturn(self, member: str, reason: str, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
        self.must_be_open_appeal(member, by)
        self._overturned(member=member, reason=reason, decided_by=by, occurred_at=occurred_at)
