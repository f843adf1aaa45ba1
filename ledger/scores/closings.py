"""Which months are sealed: one small stream for a ledger; the figures are in members' accounts.

A sealed month is final. A manager may reopen it with a reason; closing it again is then a numbered
restatement which says what changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ledger.common.days import first_day, month_after
from ledger.core.aggregate import Aggregate, event
from ledger.scores.errors import (
    MonthNotReopened,
    MonthNotSealed,
    MonthOutOfTurn,
    MonthSealed,
    NothingToRestate,
    RestatementNeeded,
)
from ledger.scores.values import Figure, FigureChange, LeftOut

CLOSINGS = "closings:scores"
"""The stream of a ledger's closed months."""

OPEN, SEALED, REOPENED = MONTH_STATES = ("open", "sealed", "reopened")

STEPS = ("sealed", "reopened", "restated")
"""What is done to close a month."""


class Seal(NamedTuple):
    """The state of a month that was sealed at least once. `number` counts its restatements."""

    state: str
    digest: str
    number: int = 0
    left_out: tuple[LeftOut, ...] = ()


NEVER = Seal(OPEN, "")


class Closings(Aggregate):
    """The closed months of a ledger; its stream is `closings:scores`."""

    KIND = "closings"

    def begin(self) -> None:
        """Every month is open."""
        self.months: Mapping[str, Seal] = {}

    # -- facts ------------------------------------------------------------------------------------

    class MonthSealed(Aggregate.Event):
        """The figures of a month are final: `count` of them. `digest`: see `digest_of`."""

        TOPIC = "closings.month_sealed.v1"
        month: str
        count: int
        digest: str
        left_out: list[LeftOut] = []
        note: str | None = None

        def about(self) -> list[str]:
            """The month."""
            return [f"month:{self.month}"]

    class MonthReopened(Aggregate.Event):
        """Figures of a sealed month may change."""

        TOPIC = "closings.month_reopened.v1"
        month: str
        reason: str

        def about(self) -> list[str]:
            """The month."""
            return [f"month:{self.month}"]

    class MonthRestated(Aggregate.Event):
        """A reopened month is final again; these figures changed."""

        TOPIC = "closings.month_restated.v1"
        month: str
        number: int
        reason: str
        count: int
        changes: list[FigureChange]
        digest: str
        left_out: list[LeftOut] = []

        def about(self) -> list[str]:
            """The month."""
            return [f"month:{self.month}"]

    # -- mutators ---------------------------------------------------------------------------------

    @event(MonthSealed)
    def _month_sealed(self, month, digest, left_out):
        self.months = {**self.months, month: Seal(
            SEALED, digest, self.seal_of(month).number, tuple(left_out))}

    @event(MonthReopened)
    def _month_reopened(self, month):
        self.months = {**self.months, month: self.seal_of(month)._replace(state=REOPENED)}

    @event(MonthRestated)
    def _month_restated(self, month, number, digest, left_out):
        self.months = {**self.months, month: Seal(
            SEALED, digest, number, tuple(left_out))}

    # -- rules ------------------------------------------------------------------------------------

    def seal_of(self, month: str) -> Seal:
        """The state of a month."""
        return self.months.get(month, NEVER)

    def is_sealed(self, month: str) -> bool:
        """Whether its figures are final."""
        return self.seal_of(month).state == SEALED

    def must_be_open(self, month: str) -> None:
        """Errors: MonthSealed (R-MON-01)."""
        if self.is_sealed(month):
            raise MonthSealed(month=month)

    def must_be_reopened(self, month: str) -> Seal:
        """Errors: MonthNotReopened (R-MON-15)."""
        known = self.seal_of(month)
        if known.state != REOPENED:
            raise MonthNotReopened(month=month, state=known.state)
        return known

    def open_from(self, month: str) -> str:
        """The first month from one on that is not sealed."""
        while self.is_sealed(month):
            month = month_after(month)
        return month

    def last_closed(self) -> str | None:
        """The last month that was ever sealed."""
        return max(self.months, default=None)

    def free_from(self) -> str | None:
        """The first day after every month that was sealed; None if none was."""
        last = self.last_closed()
        return None if last is None else first_day(month_after(last))

    def must_be_next(self, month: str) -> None:
        """Months are closed in turn, from the first one on. Errors: MonthOutOfTurn (R-MON-12)."""
        last = self.last_closed()
        if last is not None and month not in self.months and month != (due := month_after(last)):
            raise MonthOutOfTurn(month=month, due=due)

    def seal(
        self, month: str, figures: Sequence[Figure], left_out: list[LeftOut], note: str | None, *,
        occurred_at: datetime,
    ) -> None:
        """Make the figures of a month final, or leave those of a reopened one as they were.

        Errors: R-MON-01, R-MON-12, R-GEN-03; RestatementNeeded (R-MON-16).
        """
        self.must_be_open(month)
        self.must_be_next(month)
        self.must_follow(occurred_at)
        if self.seal_of(month).digest not in ("", digest_of(figures)):
            raise RestatementNeeded(month=month)
        self._month_sealed(month=month, count=len(figures), digest=digest_of(figures),
                           left_out=left_out, note=note, occurred_at=occurred_at)

    def reopen(self, month: str, reason: str, *, occurred_at: datetime) -> None:
        """Let its figures change. Errors: MonthNotSealed (R-MON-04), R-GEN-03."""
        if not self.is_sealed(month):
            raise MonthNotSealed(month=month, state=self.seal_of(month).state)
        self.must_follow(occurred_at)
        self._month_reopened(month=month, reason=reason, occurred_at=occurred_at)

    def restate(
        self, month: str, before: Sequence[Figure], after: Sequence[Figure], *,
        left_out: list[LeftOut], reason: str, occurred_at: datetime,
    ) -> int:
        """Make the figures of a reopened month final again. Returns the restatement's number.

        Errors: NothingToRestate (R-MON-10), R-MON-15, R-GEN-03.
        """
        self.must_follow(occurred_at)
        number = self.must_be_reopened(month).number + 1
        changes = changes_of(before, after)
        if not changes:
            raise NothingToRestate(month=month)
        self._month_restated(
            month=month, number=number, reason=reason, count=len(after), changes=changes,
            digest=digest_of(after), left_out=left_out, occurred_at=occurred_at)
        return number


def digest_of(figures: Sequence[Figure]) -> str:
    """SHA-256, in hex, of the figures as JSON without spaces: a list, by member and post, of what
    the `figures` of the accounts' events hold."""
    ordered = sorted(figures, key=lambda one: (one.member, one.post))
    return hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()


def changes_of(before: Sequence[Figure], after: Sequence[Figure]) -> list[FigureChange]:
    """The scores of the figures that differ in anything, by member and post."""
    old, new = ({(one.member, one.post): one for one in each} for each in (before, after))
    return [FigureChange(member=key[0], post=key[1], before=_score(old.get(key)),
                         after=_score(new.get(key)))
            for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def _score(figure: Figure | None) -> str | None:
    return None if figure is None else figure.score
