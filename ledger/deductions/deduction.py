"""Deductions: a breach of a rule, from its proposal to the last word on an appeal.

Anybody proposes, also the ledger; somebody else decides. A charged member may appeal to a third.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.core.postings import mention_of
from ledger.deductions.errors import (
    AppealDecided,
    AppealOpen,
    AppealTooLate,
    DeductionNotReady,
    DeductionNumberTaken,
    DeductionUnknown,
    NamerDecides,
    NoAppeal,
    NotCharged,
    NotReduced,
    OwnCase,
    OwnNaming,
    ProposerDecides,
    ThirdPersonNeeded,
)
from ledger.deductions.sharing import DeductionShares
from ledger.deductions.values import (
    APPEALED,
    CONFIRMED,
    DISMISSED,
    NOTHING,
    OVERTURNED,
    PROPOSED,
    REDUCED,
    UPHELD,
    WAIVED,
    Breach,
    Share,
)


class _OfMember(Aggregate.Event):
    """A fact about one charged member."""

    member: str

    def about(self) -> list[str]:
        """The member."""
        return [self.member]


class Deduction(DeductionShares):
    """A deduction; its stream is `deduction:<number>`."""

    def begin(self) -> None:
        """Nobody has proposed it."""
        super().begin()
        self.state = ""
        self.breach = NOTHING
        self.occurrence = 1
        self.proposers: tuple[str, ...] = ()
        self.decided_by = ""
        self.appeal_until = ""
        self.named: tuple[str | None, ...] = ()
        self.renews: str | None = None
        self.acknowledged: tuple[str, ...] = ()
        self.excused: tuple[str, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Proposed(Aggregate.Event):
        """Somebody says that a rule was broken, and shows evidence.

        Shapes: `evidence` are positions of events, `attachments` SHA-256 in hex with blanks between
        them: of a short note it says what it was. `policy` is the version of the rule, `occurrence`
        counts several on one day, `renews` names a dismissed deduction of the same facts.
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
        attachments: Personal | None = None
        occurrence: int = 1
        loss: bool = False
        renews: str | None = None
        note: Personal | None = None

        def about(self) -> list[str]:
            """What it is about, the offender, and what it renews."""
            return [mention_of(self.about_subject), *filter(None, (self.offender, self.renews))]

    class OffenderNamed(Aggregate.Event):
        """It is now known who did it."""

        TOPIC = "deduction.offender_named.v1"
        offender: str
        named_by: str

        def about(self) -> list[str]:
            """The offender."""
            return [self.offender]

    class Confirmed(Aggregate.Event):
        """The facts are established: these members are charged. `appeal_until` is a day;
        `share_open` are the points that wait for a supervisor, where none is known."""

        TOPIC = "deduction.confirmed.v1"
        shares: list[Share]
        confirmed_by: str
        appeal_until: str
        share_open: str | None = None
        note: Personal | None = None

        def about(self) -> list[str]:
            """The members."""
            return [share.member for share in self.shares]

    class Waived(Aggregate.Event):
        """A cause excuses all, or these members alone. `offender`: whoever was named, if all."""

        TOPIC = "deduction.waived.v1"
        waived_by: str
        cause: Personal | None = None
        members: list[str] = []
        offender: str | None = None

        def about(self) -> list[str]:
            """The members."""
            return [*self.members, *filter(None, [self.offender])]

    class Dismissed(Aggregate.Event):
        """The facts are not established."""

        TOPIC = "deduction.dismissed.v1"
        dismissed_by: str
        reason: Personal | None = None
        offender: str | None = None

        def about(self) -> list[str]:
            """Whoever was said to have done it."""
            return list(filter(None, [self.offender]))

    class Acknowledged(_OfMember):
        """A charged member has seen it."""

        TOPIC = "deduction.acknowledged.v1"

    class Appealed(_OfMember):
        """A charged member does not agree."""

        TOPIC = "deduction.appealed.v1"
        reason: Personal | None = None
        evidence: list[int] = []
        attachments: Personal | None = None

    class Upheld(_OfMember):
        """The charge stands."""

        TOPIC = "deduction.upheld.v1"
        decided_by: str
        reason: Personal | None = None

    class Reduced(_OfMember):
        """The charge is smaller."""

        TOPIC = "deduction.reduced.v1"
        points: str
        decided_by: str
        reason: Personal | None = None

    class Overturned(_OfMember):
        """The charge falls, as do those that rest on it."""

        TOPIC = "deduction.overturned.v1"
        decided_by: str
        reason: Personal | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Proposed)
    def _proposed(
        self, rule, policy, about_subject, breached_at, proposed_by, offender, occurrence, loss,
        renews,
    ):
        self.state, self.proposers = PROPOSED, (proposed_by,)
        self.breach = Breach(rule, policy, about_subject, breached_at, offender, loss)
        self.occurrence, self.named, self.renews = occurrence, (offender,), renews

    @event(OffenderNamed)
    def _offender_named(self, offender, named_by):
        self.breach = self.breach._replace(offender=offender)
        self.named, self.proposers = (*self.named, offender), (*self.proposers, named_by)
        self.excused = ()

    @event(Confirmed)
    def _confirmed(self, shares, confirmed_by, appeal_until, share_open):
        self.share_open = share_open
        self.state, self.decided_by, self.appeal_until = CONFIRMED, confirmed_by, appeal_until
        self.shares = {share.member: share for share in shares}
        self.charged = tuple(self.shares)

    @event(Waived)
    def _waived(self, members, waived_by):
        self.excused = (*self.excused, *members)
        self._fall(members or list(self.shares), WAIVED)
        if not members or (self.state == CONFIRMED and not self.shares):
            self.state, self.decided_by = WAIVED, waived_by

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
        share = msgspec.structs.replace(self.shares[member], points=points)
        self.shares = {**self.shares, member: share}

    @event(Overturned)
    def _overturned(self, member):
        falls = [share.member for share in self.falls_with(member)]
        self._fall(falls, OVERTURNED)
        if not self.shares:
            self.state = OVERTURNED

    # -- rules ------------------------------------------------------------------------------------

    def must_be_known(self) -> None:
        """Errors: DeductionUnknown (R-DED-02)."""
        if not self.state:
            raise DeductionUnknown(deduction=self.id)

    def must_be(self, *states: str) -> Breach:
        """Errors: DeductionUnknown (R-DED-02), DeductionNotReady (R-DED-03)."""
        self.must_be_known()
        if self.state not in states:
            raise DeductionNotReady(deduction=self.id, state=self.state, needed=" or ".join(states))
        return self.breach

    def must_be_decided_by_another(self, actor: str, liable: Sequence[str] = ()) -> None:
        """Errors: ProposerDecides (R-DED-04), OwnCase (R-DED-05), NamerDecides (R-DED-24)."""
        if actor in self.proposers[:1]:
            raise ProposerDecides(actor=actor, deduction=self.id)
        if actor in self.proposers:
            raise NamerDecides(actor=actor, deduction=self.id)
        if actor in (*self.named, *liable, *self.charged):
            raise OwnCase(actor=actor, deduction=self.id)

    def propose(self, facts: Mapping[str, object], *, once: str, occurred_at: datetime) -> None:
        """Errors: DeductionNumberTaken (R-DED-18)."""
        if self.state:
            raise DeductionNumberTaken(deduction=self.id)
        self._proposed(**facts, once=once, occurred_at=occurred_at)

    def name_offender(
        self, offender: str, by: str, *, liable: Sequence[str], once: str | None,
        occurred_at: datetime,
    ) -> None:
        """By nobody whom it would charge. Errors: R-DED-02, R-DED-03, OwnNaming (R-DED-25)."""
        if by in (offender, *self.named, *liable):
            raise OwnNaming(actor=by, deduction=self.id)
        if self.must_be(PROPOSED).offender != offender:
            self._offender_named(offender=offender, named_by=by, once=once,
                                 occurred_at=occurred_at)

    def confirm(
        self, shares: list[Share], by: str, appeal_until: str, *, share_open: str | None,
        note: Plain | None, occurred_at: datetime,
    ) -> None:
        """Errors: R-DED-02 to R-DED-05, R-DED-24."""
        self.must_be(PROPOSED)
        self.must_be_decided_by_another(by, [share.member for share in shares])
        self._confirmed(shares=shares, confirmed_by=by, appeal_until=appeal_until, note=note,
                        share_open=share_open, occurred_at=occurred_at)

    def waive(
        self, members: list[str], cause: Plain, by: str, *, liable: Sequence[str],
        occurred_at: datetime,
    ) -> None:
        """For all, or for single members; the supervisor's charge goes with the offender's. A third
        person waives while one appeals: nobody ends an appeal that they could not decide.

        Errors: R-DED-02 to R-DED-05, NotCharged (R-DED-11), R-DED-15, R-DED-24.
        """
        self.must_be(PROPOSED, CONFIRMED)
        self.must_be_decided_by_another(by, liable)
        for member in members:
            self.must_charge(member, liable if self.state == PROPOSED else list(self.shares))
        if self.state == PROPOSED and self.breach.offender in members:
            members = []
        elif self.state == CONFIRMED:
            members = list(dict.fromkeys(share.member for member in members or self.shares
                                         for share in self.falls_with(member)))
            if any(self.appeals.get(member) == APPEALED for member in members):
                self.must_be_third(by)
        self._waived(members=members, cause=cause, waived_by=by, occurred_at=occurred_at,
                     offender=None if members else self.breach.offender)

    def dismiss(
        self, reason: Plain, by: str, *, liable: Sequence[str], occurred_at: datetime
    ) -> None:
        """Errors: R-DED-02 to R-DED-05, R-DED-24."""
        self.must_be(PROPOSED)
        self.must_be_decided_by_another(by, liable)
        self._dismissed(reason=reason, dismissed_by=by, offender=self.breach.offender,
                        occurred_at=occurred_at)

    def must_concern(self, member: str) -> None:
        """Whoever it never named nor charged learns nothing of it, not even how it ended. Errors:
        R-DED-02, NotCharged (R-DED-11)."""
        if self.state and member not in (*self.named, *self.charged):
            raise NotCharged(deduction=self.id, member=member)

    def must_charge(self, member: str, liable: Sequence[str]) -> None:
        """Errors: NotCharged (R-DED-11)."""
        if member not in liable:
            raise NotCharged(deduction=self.id, member=member)

    def acknowledge(self, member: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-11."""
        self.must_concern(member)
        self.must_be(CONFIRMED)
        self.must_charge(member, list(self.shares))
        if member not in self.acknowledged:
            self._acknowledged(member=member, occurred_at=occurred_at)

    def appeal(self, facts: Mapping[str, object], day: str, *, occurred_at: datetime) -> None:
        """Once, and in time. Errors: R-DED-02, R-DED-03, R-DED-11 to R-DED-13, R-DED-31."""
        self.must_concern(member := str(facts["member"]))
        self.must_be(CONFIRMED)
        if self.appeals.get(member) == APPEALED:
            raise AppealOpen(deduction=self.id, member=member)
        if member in self.appeals:
            raise AppealDecided(deduction=self.id, member=member, state=self.appeals[member])
        self.must_charge(member, list(self.shares))
        if day > (until := self.appeal_until_of.get(member, self.appeal_until)):
            raise AppealTooLate(deduction=self.id, until=until, day=day)
        self._appealed(**facts, occurred_at=occurred_at)

    def must_be_open_appeal(self, member: str, by: str) -> None:
        """Errors: R-DED-02, R-DED-03, NoAppeal (R-DED-14), ThirdPersonNeeded (R-DED-15)."""
        self.must_be(CONFIRMED)
        if self.appeals.get(member) != APPEALED:
            raise NoAppeal(deduction=self.id, member=member)
        self.must_be_third(by)

    def must_be_third(self, by: str) -> None:
        """Whoever decides an appeal had no part in it. Errors: ThirdPersonNeeded (R-DED-15)."""
        parts = {"proposed it": self.proposers[:1], "named the offender": self.proposers[1:],
                 "confirmed it": [self.decided_by], "was charged by it": self.charged,
                 "was named as the offender": self.named}
        for why, others in parts.items():
            if by in others:
                raise ThirdPersonNeeded(deduction=self.id, actor=by, why=why)

    def uphold(self, member: str, reason: Plain, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
        self.must_be_open_appeal(member, by)
        self._upheld(member=member, reason=reason, decided_by=by, occurred_at=occurred_at)

    def reduce(
        self, member: str, points: str, reason: Plain, *, by: str, occurred_at: datetime
    ) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15, NotReduced (R-DED-20)."""
        self.must_be_open_appeal(member, by)
        before = self.shares[member].points
        if not 0 < Decimal(points) < Decimal(before):
            raise NotReduced(points=points, before=before, member=member)
        self._reduced(member=member, points=points, reason=reason, decided_by=by,
                      occurred_at=occurred_at)

    def overturn(self, member: str, reason: Plain, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-02, R-DED-03, R-DED-14, R-DED-15."""
        self.must_be_open_appeal(member, by)
        self._overturned(member=member, reason=reason, decided_by=by, occurred_at=occurred_at)
