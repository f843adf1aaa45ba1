"""The commands about deductions."""

from datetime import datetime
from typing import ClassVar

from ledger.common.context import check_member
from ledger.common.decimals import check_decimal
from ledger.common.values import Checks, check_sha256, is_subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Work
from ledger.deductions.deduction import Deduction
from ledger.deductions.values import deduction_of

MAX_EVIDENCE = 200


class ProposeDeduction(Command, frozen=True, kw_only=True):
    """Say that a rule was broken, and show it.

    `about` is what the facts are about, such as order:taobao:云杉书店:123 or day:2026-09-03;
    `breached_at` is when it happened, `evidence` the positions of the events that show it, and
    `attachments` the SHA-256 of files, in hex. `occurrence` tells several on one day apart; `loss`
    says that the shop lost money by it, which with some rules lifts the most points. `renews` is a
    deduction that was dismissed for want of proof, and is shown anew.
    """

    NAME: ClassVar[str] = "deduction.propose"
    number: str
    rule: str
    about: str
    breached_at: datetime
    occurred_at: datetime
    offender: str | None = None
    evidence: list[int] = []
    attachments: list[str] = []
    occurrence: int = 1
    loss: bool = False
    renews: str | None = None
    note: str | None = None

    @property
    def deduction(self) -> str:
        """The deduction's stream."""
        return deduction_of(self.number)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Deduction, self.deduction)]

    def check(self, checks: Checks) -> None:
        for name in ("number", "rule"):
            checks.text(f"/{name}", getattr(self, name), longest=100)
        checks.text("/about", self.about, longest=500)
        if not is_subject(self.about):
            checks.fault("/about", "not_subject", f"is {self.about!r}, not a subject such as "
                                                  "order:taobao:… or day:2026-09-03")
        if self.renews is not None:
            checks.text("/renews", self.renews, longest=500)
        checks.moment("/breached_at", self.breached_at)
        checks.moment("/occurred_at", self.occurred_at)
        if not checks.faults and self.breached_at > self.occurred_at:
            checks.fault("/breached_at", "later", "lies behind the proposal itself")
        checks.integer("/occurrence", self.occurrence, least=1, most=100)
        if self.offender is not None:
            check_member(checks, "/offender", self.offender)
        check_evidence(checks, self.evidence, self.attachments)
        if not self.evidence and not self.attachments:
            checks.fault("/evidence", "missing", "is needed: positions of events, or attachments")
        _check_note(checks, self.note)


def check_evidence(checks: Checks, evidence: list[int], attachments: list[str]) -> None:
    """Note what shows nothing."""
    for name, told in (("evidence", evidence), ("attachments", attachments)):
        if len(told) > MAX_EVIDENCE:
            checks.fault(f"/{name}", "too_many", f"are {len(told)}, {MAX_EVIDENCE} are allowed")
        if len(set(told)) < len(told):
            checks.fault(f"/{name}", "twice", "names one of them twice")
    for index, position in enumerate(evidence):
        checks.integer(f"/evidence/{index}", position, least=1)
    for index, digest in enumerate(attachments):
        check_sha256(checks, f"/attachments/{index}", digest)


def _check_note(checks: Checks, note: str | None) -> None:
    if note is not None:
        checks.text("/note", note, longest=500)


class Decision(Command, frozen=True, kw_only=True):
    """A command on a deduction."""

    deduction: str
    occurred_at: datetime
    expected_version: int | None = None

    @property
    def why(self) -> str:
        """The reason or the cause, where one is told."""
        return str(getattr(self, "reason", None) or getattr(self, "cause", ""))

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Deduction, self.deduction)]

    def check(self, checks: Checks) -> None:
        checks.text("/deduction", self.deduction, longest=500)
        checks.moment("/occurred_at", self.occurred_at)
        if self.expected_version is not None:
            checks.integer("/expected_version", self.expected_version, least=1)
        for name in ("reason", "cause"):
            if name in self.__struct_fields__:
                checks.text(f"/{name}", getattr(self, name), longest=500)
        for name in ("offender", "member"):
            if name in self.__struct_fields__:
                check_member(checks, f"/{name}", getattr(self, name))


    def load(self, work: Work) -> Deduction:
        """The deduction, at the version that the client saw, and not before its last step.

        Errors: StaleVersion (R-LOG-02), OutOfOrder (R-GEN-03).
        """
        found: Deduction = work.load(Deduction, self.deduction)
        found.must_be_at(self.expected_version)
        found.must_follow(self.occurred_at)
        return found


class NameOffender(Decision, frozen=True, kw_only=True):
    """Say who did it, where the proposal named nobody or somebody else."""

    NAME: ClassVar[str] = "deduction.name_offender"
    offender: str


class ConfirmDeduction(Decision, frozen=True, kw_only=True):
    """Find the facts established and charge the liable members.

    `points` by party (offender, supervisor, all_of_post) are needed where the rule has a range.
    """

    NAME: ClassVar[str] = "deduction.confirm"
    points: dict[str, str] = {}
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        for party, points in self.points.items():
            check_decimal(checks, f"/points/{party}", points, most="100")
        _check_note(checks, self.note)


class WaiveDeduction(Decision, frozen=True, kw_only=True):
    """Excuse it for a cause that the rule knows: for all, or for some of the charged members."""

    NAME: ClassVar[str] = "deduction.waive"
    cause: str
    members: list[str] = []

    def check(self, checks: Checks) -> None:
        super().check(checks)
        for index, member in enumerate(self.members):
            check_member(checks, f"/members/{index}", member)


class DismissDeduction(Decision, frozen=True, kw_only=True):
    """Find that the facts are not established."""

    NAME: ClassVar[str] = "deduction.dismiss"
    reason: str


class AcknowledgeDeduction(Decision, frozen=True, kw_only=True):
    """Say as a charged member that it was seen."""

    NAME: ClassVar[str] = "deduction.acknowledge"


class AppealDeduction(Decision, frozen=True, kw_only=True):
    """Appeal as a charged member, in time."""

    NAME: ClassVar[str] = "deduction.appeal"
    reason: str
    evidence: list[int] = []
    attachments: list[str] = []

    def check(self, checks: Checks) -> None:
        super().check(checks)
        check_evidence(checks, self.evidence, self.attachments)


class UpholdDeduction(Decision, frozen=True, kw_only=True):
    """Decide an appeal: the charge stands."""

    NAME: ClassVar[str] = "deduction.uphold"
    member: str
    reason: str


class ReduceDeduction(Decision, frozen=True, kw_only=True):
    """Decide an appeal: fewer points."""

    NAME: ClassVar[str] = "deduction.reduce"
    member: str
    points: str
    reason: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        check_decimal(checks, "/points", self.points, most="100")


class OverturnDeduction(Decision, frozen=True, kw_only=True):
    """Decide an appeal: the charge falls."""

    NAME: ClassVar[str] = "deduction.overturn"
    member: str
    reason: str
