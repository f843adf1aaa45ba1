"""The commands about deductions."""

from typing import Annotated, ClassVar

from ledger.common.between import Said, fork, given
from ledger.common.bounds import (
    At,
    Id,
    Items,
    MemberId,
    Note,
    Ordinal,
    Points,
    Reason,
    Sha256,
    Stream,
    Subject,
    Whole,
)
from ledger.common.values import Checks
from ledger.core.commands import Command, OnStream, Wanted, Work
from ledger.deductions.deduction import Deduction
from ledger.deductions.values import deduction_of

MAX_EVIDENCE = 200
MAX_MEMBERS = 200
MAX_PARTIES = 100

Evidence = Annotated[list[Ordinal], Items(most=MAX_EVIDENCE)]
Attachments = Annotated[list[Sha256], Items(most=MAX_EVIDENCE)]
ONCE: Said = {"properties": {"evidence": {"uniqueItems": True},
                             "attachments": {"uniqueItems": True}}}
"""Each piece of evidence is named once."""


class ProposeDeduction(Command, frozen=True, kw_only=True):
    """Propose to charge a breach of a rule, and show it.

    `about` is what the facts are about, such as order:taobao:云杉书店:123 or day:2026-09-03;
    `breached_at` is when it happened, `evidence` the positions of the events that show it, and
    `attachments` the SHA-256 of files that you keep, in hex. `occurrence` distinguishes several on
    one day; `loss` is whether the shop lost money by it, which raises the most points of some
    rules.
    `renews` is a deduction that was dismissed for lack of proof, and is proposed again.
    """

    NAME: ClassVar[str] = "deduction.propose"
    PERSONAL: ClassVar[tuple[str, ...]] = ("attachments", "note")
    BETWEEN: ClassVar[Said] = {**ONCE, **fork(
        {"properties": {"evidence": {"maxItems": 0}}},
        given("attachments", minItems=1), given("evidence", minItems=1))}
    number: Id
    rule: Id
    about: Subject
    breached_at: At
    occurred_at: At
    offender: MemberId | None = None
    evidence: Evidence = []
    attachments: Attachments = []
    occurrence: Annotated[int, Whole(least=1, most=100)] = 1
    loss: bool = False
    renews: Stream | None = None
    note: Note | None = None

    @property
    def subject(self) -> str:
        """The deduction's stream."""
        return deduction_of(self.number)

    def streams(self) -> Wanted:
        return [(Deduction, self.subject)]

    def check(self, checks: Checks) -> None:
        if not checks.faults and self.breached_at > self.occurred_at:
            checks.fault("/breached_at", "later", "is later than the proposal itself")
        check_evidence(checks, self.evidence, self.attachments)
        if not self.evidence and not self.attachments:
            checks.fault("/evidence", "missing", "is needed: positions of events, or attachments")


def check_evidence(checks: Checks, evidence: list[int], attachments: list[str]) -> None:
    """Note evidence that is named twice."""
    for name, shown in (("evidence", evidence), ("attachments", attachments)):
        if len(set(shown)) < len(shown):
            checks.fault(f"/{name}", "twice", "names one of them twice")


class Decision(OnStream, frozen=True, kw_only=True):
    """A command on a deduction."""

    AGGREGATE = Deduction
    deduction: Stream

    @property
    def subject(self) -> str:
        """The deduction's stream."""
        return self.deduction

    def load(self, work: Work) -> Deduction:
        """The deduction, not before its last step. Errors: OutOfOrder (R-GEN-03)."""
        found: Deduction = work.load(Deduction, self.deduction)
        found.must_follow(self.occurred_at)
        return found


class NameOffender(Decision, frozen=True, kw_only=True):
    """Name who did it, where the proposal named nobody or somebody else."""

    NAME: ClassVar[str] = "deduction.name_offender"
    offender: MemberId


class ConfirmDeduction(Decision, frozen=True, kw_only=True):
    """Find the facts established and charge the liable members.

    `points` by party (offender, supervisor, all_of_post) are needed where the rule has a range.
    """

    NAME: ClassVar[str] = "deduction.confirm"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    points: Annotated[dict[Id, Points], Items(most=MAX_PARTIES)] = {}
    note: Note | None = None


class ChargeSupervisor(Decision, frozen=True, kw_only=True):
    """Charge whoever is known by now to have supervised the offender that day: their share waited.
    """

    NAME: ClassVar[str] = "deduction.charge_supervisor"


class WaiveDeduction(Decision, frozen=True, kw_only=True):
    """Excuse it for a cause that the rule allows: for all, or for some of the charged members."""

    NAME: ClassVar[str] = "deduction.waive"
    PERSONAL: ClassVar[tuple[str, ...]] = ("cause",)
    cause: Reason
    members: Annotated[list[MemberId], Items(most=MAX_MEMBERS)] = []


class _Reasoned(Decision, frozen=True, kw_only=True):
    """A step that needs a reason."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class DismissDeduction(_Reasoned, frozen=True, kw_only=True):
    """Find that the facts are not established."""

    NAME: ClassVar[str] = "deduction.dismiss"


class GiveUpShare(_Reasoned, frozen=True, kw_only=True):
    """Charge nobody as the supervisor, whose share waits."""

    NAME: ClassVar[str] = "deduction.give_up_share"


class AcknowledgeDeduction(Decision, frozen=True, kw_only=True):
    """Confirm as a charged member that it was seen."""

    NAME: ClassVar[str] = "deduction.acknowledge"


class AppealDeduction(_Reasoned, frozen=True, kw_only=True):
    """Appeal as a charged member, in time."""

    NAME: ClassVar[str] = "deduction.appeal"
    PERSONAL: ClassVar[tuple[str, ...]] = ("attachments", "reason")
    evidence: Evidence = []
    attachments: Attachments = []

    def check(self, checks: Checks) -> None:
        check_evidence(checks, self.evidence, self.attachments)


class UpholdDeduction(_Reasoned, frozen=True, kw_only=True):
    """Decide an appeal: the charge stands."""

    NAME: ClassVar[str] = "deduction.uphold"
    member: MemberId


class ReduceDeduction(_Reasoned, frozen=True, kw_only=True):
    """Decide an appeal: fewer points."""

    NAME: ClassVar[str] = "deduction.reduce"
    member: MemberId
    points: Points


class OverturnDeduction(_Reasoned, frozen=True, kw_only=True):
    """Decide an appeal: the charge falls."""

    NAME: ClassVar[str] = "deduction.overturn"
    member: MemberId
