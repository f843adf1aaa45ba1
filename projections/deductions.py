"""The register of deductions, the appeals, and who decided what: one row a deduction."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    select,
)

from ledger.common.days import Days
from ledger.common.decimals import ZERO, plain
from ledger.common.phrases import Phrase
from ledger.common.values import from_us, rfc3339, to_us
from ledger.deductions.deduction import Deduction
from ledger.deductions.kept import Kept
from ledger.deductions.values import APPEAL_STATES, APPEALED, PROPOSED, STATES, Share
from ledger.log.envelope import Entry, Outline
from ledger.policies.values import PARTIES
from projections.asking import columns
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of
from projections.asking.columns import Columns, Day, Subject, Time, code, says
from projections.asking.written import Sealed, Written
from projections.people.later import WORDS as KNOWN_LATER
from projections.people.later import Later
from projections.resting import POLICY_PUBLISHED_LATER, resting
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

deductions = Table(
    "deductions", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("breached_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="deductions_pk"),
    Index("deductions_at", "ledger", "breached_at"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` and `Register` as one JSON object."""

ENDS = ("upheld", "reduced", "overturned", "waived")
"""What ends an appeal."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done to a deduction, by whom, when, and why; `who` is whom it is about."""

    what: str
    by: str
    at: int
    position: int
    who: str = ""
    why: Sealed | None = None


class Register(msgspec.Struct, omit_defaults=True):
    """What the register adds: `ever` are the shares of all who were charged at any time."""

    evidence: list[int] = []
    attachments: Sealed | None = None
    ever: dict[str, Share] = {}
    steps: list[Step] = []


_kept = msgspec.json.Decoder(Kept)
_register = msgspec.json.Decoder(Register)


class Tracked(msgspec.Struct):
    """A deduction while events are folded into it, and what it does not know of itself."""

    deduction: Deduction
    register: Register
    position: int

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event."""
        event.apply(self.deduction)
        self.position = entry.position
        self.register.ever.update(self.deduction.shares)
        self.register.steps.append(_step(entry, event))

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        one = self.deduction
        return (ledger, one.id, to_us(one.breach.breached_at),
                text_of(Kept.of(one), self.register), self.position)


class Deductions(StreamRows[Tracked]):
    """Folds deductions."""

    name: ClassVar[str] = "deductions"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[Table, ...]] = (deductions,)
    taken: ClassVar[frozenset[str]] = topics_of(Deduction)

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked | None:
        """As of a moment of the business, what happened to one before its proposal counts for
        nothing."""
        if not isinstance(event, Deduction.Proposed):
            return None
        register = Register(event.evidence, Sealed.of(entry, event.attachments, "attachments"))
        return Tracked(Deduction.blank(entry.stream), register, 0)

    def of_row(self, row: Row[Any]) -> Tracked:
        """The deduction that a row keeps."""
        kept, register = _decoded(row)
        return Tracked(kept.restored(row.subject), register, row.position)


def _decoded(row: Row[Any]) -> tuple[Kept, Register]:
    return _kept.decode(row.state), _register.decode(row.state)


def _step(entry: Entry | Outline, event: Any) -> Step:
    names = ("proposed_by", "named_by", "confirmed_by", "waived_by", "dismissed_by", "decided_by",
             "charged_by", "member")
    who = [value for name in names if isinstance(value := getattr(event, name, None), str)]
    why = next((Sealed.of(entry, value, name) for name in ("reason", "cause", "note")
                if (value := getattr(event, name, None)) is not None), None)
    whom = getattr(event, "share", event)  # the share of a supervisor who was not known before
    return Step(entry.type.split(".")[1], who[0] if who else "", entry.occurred_at,
                entry.position, getattr(whom, "member", None) or
                getattr(event, "offender", None) or "", why)


# -- reports --------------------------------------------------------------------------------------


class ShareRow(Columns):
    """What a member was charged."""

    member: Subject
    party: Annotated[str, code(*PARTIES)]
    post: str
    points: Annotated[columns.Decimal, says("The points before any escalation.")]
    stands: Annotated[bool, says("Whether it still stands.")]
    appeal: Annotated[str, code(*APPEAL_STATES)] | None
    acknowledged: bool


class DeductionRow(Columns):
    """A deduction as the register shows it."""

    deduction: Subject
    rule: str
    policy_version: int
    month: columns.Month
    about: Subject
    breached_at: Time
    offender: Subject | None
    renews: Subject | None
    state: Annotated[str, code(*STATES)]
    points: Annotated[columns.Decimal, says("The points that still stand, before any escalation.")]
    share_open: columns.Decimal | None
    shares: list[ShareRow]
    proposed_by: str
    decided_by: str | None
    appeal_until: Day | None
    evidence: list[int]
    attachments: columns.Written | None
    rests_on: Annotated[list[Annotated[str, code(POLICY_PUBLISHED_LATER, *KNOWN_LATER)]], says(
        "Later news on which the charges rest.")]
    position: int


class AppealRow(Columns):
    """An appeal."""

    deduction: Subject
    rule: str
    month: columns.Month
    member: Subject
    post: str
    points: Annotated[columns.Decimal, says("The points that were charged at first.")]
    state: Annotated[str, code(*APPEAL_STATES)]
    appealed_at: Time
    reason: Annotated[columns.Written | None, says("Why it was made.")]
    decided_by: str | None
    decided_at: Time | None
    why: columns.Written | None
    position: int


class DecisionRow(Columns):
    """What somebody did to a deduction."""

    deduction: Subject
    rule: str
    month: columns.Month
    what: Annotated[str, says("What was done.")]
    by: str | None
    at: Annotated[Time, says("When it was done.")]
    member: Annotated[Subject | None, says("Whom it is about.")]
    why: columns.Written | None
    position: Annotated[int, says("The position of the event.")]


@report(Deductions, Past.STREAM, name="deductions", knows=recorded(), row=DeductionRow)
def deductions_of(reading: Reading) -> Iterator[dict[str, Any]]:
    """The deductions of a month, or all. Shapes: objects as `shown` makes them, by subject."""
    rests_on, later = resting(reading), Later(reading)
    return (shown(row, rests_on, later, reading.days) for row in _rows(reading))


def _rows(reading: Reading) -> Iterator[Row[Any]]:
    month = reading.question.must_be_of_month()
    where = () if month is None else (
        deductions.c.breached_at.between(*reading.days.span_of(month)),)
    return rows_of(reading, deductions, *where, kind=Deduction.KIND)


def shown(
    row: Row[Any], rests_on: Callable[[Kept], list[str]], later: Later, days: Days
) -> dict[str, Any]:
    """A deduction as the register shows it.

    Shapes: `shares` of all who were ever charged, with what became of it; `rests_on` are words for
    later news on which a charge rests, see `projections.resting`. Units: points before any
    escalation; `points` are those that still stand, `share_open` those that wait for a supervisor
    of the offender to be known. Of people, `rests_on` says post_known_later,
    supervisor_known_later and left_known_later, see `projections.people.later`.
    """
    kept, register = _decoded(row)
    standing = sum((Decimal(share.points) for share in kept.shares.values()), ZERO)
    return {
        "deduction": row.subject,
        "rule": kept.breach.rule,
        "policy_version": kept.breach.policy,
        "month": days.month_of(kept.breach.breached_at),
        "about": kept.breach.about,
        "breached_at": rfc3339(kept.breach.breached_at),
        "offender": kept.breach.offender,
        "renews": kept.renews,
        "state": kept.state,
        "points": plain(standing),
        "share_open": kept.share_open,
        "shares": [{
            "member": share.member, "party": share.party, "post": share.post,
            "points": kept.shares.get(name, share).points, "stands": name in kept.shares,
            "appeal": kept.appeals.get(name), "acknowledged": name in kept.acknowledged,
        } for name, share in sorted(register.ever.items())],
        "proposed_by": kept.proposers[0],
        "decided_by": kept.decided_by or None,
        "appeal_until": kept.appeal_until or None,
        "evidence": register.evidence,
        "attachments": Written.of(register.attachments),
        "rests_on": sorted({*rests_on(kept), *_rests_on(
            kept, register, later, days.day_of(kept.breach.breached_at))}),
        "position": row.position,
    }


def _rests_on(kept: Kept, register: Register, later: Later, day: str) -> list[str]:
    """Why the charges of a breach of a day rest on other news; nothing before there are any."""
    confirmed = next((step.position for step in register.steps if step.what == "confirmed"), None)
    if confirmed is None:
        return []
    return later.rests_on({name: share.post for name, share in kept.shares.items()},
                          day, confirmed)


@report(Deductions, Past.STREAM, name="appeals", knows=recorded(), row=AppealRow)
def appeals(reading: Reading) -> Iterator[dict[str, Any]]:
    """Appeals of the deductions of a month, or all. Shapes: deduction, rule, month, member, post,
    points (those charged at first), state, appealed_at, reason, decided_by, decided_at, why,
    position."""
    for row in _rows(reading):
        kept, register = _decoded(row)
        for member, state in kept.appeals.items():
            made = next(step for step in register.steps
                        if (step.what, step.who) == ("appealed", member))
            end = None if state == APPEALED else _end(register, member, made.position)
            share = register.ever[member]
            yield {
                "deduction": row.subject, "rule": kept.breach.rule,
                "month": reading.days.month_of(kept.breach.breached_at),
                "member": member, "post": share.post, "points": share.points, "state": state,
                "appealed_at": rfc3339(from_us(made.at)), "reason": Written.of(made.why),
                "decided_by": end and end.by, "decided_at": end and rfc3339(from_us(end.at)),
                "why": end and Written.of(end.why), "position": (end or made).position}


def _end(register: Register, member: str, after: int) -> Step | None:
    """What ended an appeal: a decision on it, or on that of another whose charge it stood on."""
    ends = [step for step in register.steps if step.position > after and step.what in ENDS]
    return next((step for step in ends if step.who == member), ends[-1] if ends else None)


@report(Deductions, Past.STREAM, name="decisions", knows=recorded(), row=DecisionRow)
def decisions(reading: Reading) -> Iterator[dict[str, Any]]:
    """Who did what to the deductions of a month, or all, step by step. Shapes: deduction, rule,
    month, what, by, at, member, why, position."""
    for row in _rows(reading):
        kept, register = _decoded(row)
        for step in register.steps:
            yield {
                "deduction": row.subject, "rule": kept.breach.rule,
                "month": reading.days.month_of(kept.breach.breached_at),
                "what": step.what, "by": step.by or None, "at": rfc3339(from_us(step.at)),
                "member": step.who or None, "why": Written.of(step.why), "position": step.position}


class Undecided(NamedTuple):
    """What nobody has decided of a month: deductions, appeals, and, by deduction, the points of
    supervisors who are not known yet."""

    proposed: int = 0
    appealed: int = 0
    shares: Mapping[str, str] = {}

    def said(self) -> str:
        """What is undecided, for people; empty where nothing is."""
        if not any(self):
            return ""
        counts = {"proposed": self.proposed, "appealed": self.appealed}
        if not self.shares:
            return Phrase("not yet decided: deductions {proposed}, appeals {appealed}", **counts)
        return Phrase("not yet decided: deductions {proposed}, appeals {appealed}, shares of "
                      "supervisors {shares}", **counts, shares=len(self.shares))


def undecided(connection: Connection, ledger: bytes, span: tuple[int, int]) -> Undecided:
    """What nobody has decided of the deductions of a month, from its first to its last microsecond.
    """
    proposed = appealed = 0
    shares: dict[str, str] = {}
    for row in connection.execute(select(deductions).where(
            deductions.c.ledger == ledger, deductions.c.breached_at.between(*span))):
        kept = _kept.decode(row.state)
        proposed += kept.state == PROPOSED
        appealed += sum(state == APPEALED for state in kept.appeals.values())
        if kept.share_open is not None:
            shares[row.subject] = kept.share_open
    return Undecided(proposed, appealed, shares)


REPORTS: dict[str, Report] = {
    "deductions": deductions_of,
    "appeals": appeals,
    "decisions": decisions,
}
