"""Which months are sealed, with which figures: one stream for a ledger, for months close in turn.

A sealed month is final. A manager may reopen it with a reason; when it is sealed again, that is a
numbered restatement which says what changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ledger.aggregate import Aggregate, event
from ledger.days import first_day, month_after
from ledger.month_errors import MonthNotSealed, MonthSealed, NothingToRestate
from ledger.month_values import Figure, FigureChange, LeftOut

CLOSINGS = "closings:scores"
"""The stream of a ledger's closed months."""

SEALED, REOPENED = "sealed", "reopened"


class Seal(NamedTuple):
    """How a month stands that was sealed once. `number` counts its restatements."""

    state: str
    figures: tuple[Figure, ...]
    digest: str
    number: int = 0


class Closings(Aggregate):
    """The closed months of a ledger; its stream is `closings:scores`."""

    KIND = "closings"

    def begin(self) -> None:
        """Every month is open."""
        self.months: Mapping[str, Seal] = {}

    # -- facts ------------------------------------------------------------------------------------

    class MonthSealed(Aggregate.Event):
        """The figures of a month are final. `digest`: see `digest_of`."""

        TOPIC = "closings.month_sealed.v1"
        month: str
        figures: list[Figure]
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
        """A reopened month is final again, with these figures."""

        TOPIC = "closings.month_restated.v1"
        month: str
        number: int
        reason: str
        figures: list[Figure]
        changes: list[FigureChange]
        digest: str
        left_out: list[LeftOut] = []

        def about(self) -> list[str]:
            """The month."""
            return [f"month:{self.month}"]

    # -- mutators ---------------------------------------------------------------------------------

    @event(MonthSealed)
    def _month_sealed(self, month, figures, digest):
        self.months = {**self.months, month: Seal(SEALED, tuple(figures), digest)}

    @event(MonthReopened)
    def _month_reopened(self, month):
        self.months = {**self.months, month: self.months[month]._replace(state=REOPENED)}

    @event(MonthRestated)
    def _month_restated(self, month, number, figures, digest):
        self.months = {**self.months, month: Seal(SEALED, tuple(figures), digest, number)}

    # -- rules ------------------------------------------------------------------------------------

    def is_sealed(self, month: str) -> bool:
        """Whether its figures are final."""
        return (seal := self.months.get(month)) is not None and seal.state == SEALED

    def must_be_open(self, month: str) -> None:
        """Errors: MonthSealed (R-MON-01)."""
        if self.is_sealed(month):
            raise MonthSealed(month=month)

    def must_be_reopened(self, month: str) -> Seal:
        """Errors: MonthNotSealed (R-MON-04)."""
        known = self.months.get(month)
        if known is None or known.state != REOPENED:
            state = "open" if known is None else known.state
            raise MonthNotSealed(month=month, state=state, wanted="restated; reopen it first")
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
        """The first day behind every month that was sealed; None if none was."""
        last = self.last_closed()
        return None if last is None else first_day(month_after(last))

    def seal(
        self, month: str, figures: Sequence[Figure], left_out: list[LeftOut], note: str | None, *,
        occurred_at: datetime,
    ) -> None:
        """Make the figures of a month final. Errors: R-MON-01, R-MON-04 for a reopened month."""
        self.must_be_open(month)
        if month in self.months:
            raise MonthNotSealed(month=month, state=REOPENED, wanted="sealed; restate it")
        self._month_sealed(month=month, figures=list(figures), digest=digest_of(figures),
                           left_out=left_out, note=note, occurred_at=occurred_at)

    def reopen(self, month: str, reason: str, *, occurred_at: datetime) -> None:
        """Let its figures change. Errors: MonthNotSealed (R-MON-04)."""
        if not self.is_sealed(month):
            state = REOPENED if month in self.months else "open"
            raise MonthNotSealed(month=month, state=state, wanted="reopened")
        self._month_reopened(month=month, reason=reason, occurred_at=occurred_at)

    def restate(
        self, month: str, figures: Sequence[Figure], left_out: list[LeftOut], reason: str, *,
        occurred_at: datetime,
    ) -> None:
        """Make the figures of a reopened month final again. Errors: R-MON-04, R-MON-10."""
        known = self.must_be_reopened(month)
        changes = changes_of(known.figures, figures)
        if not changes:
            raise NothingToRestate(month=month)
        self._month_restated(
            month=month, number=known.number + 1, reason=reason, figures=list(figures),
            changes=changes, digest=digest_of(figures), left_out=left_out,
            occurred_at=occurred_at)


def digest_of(figures: Sequence[Figure]) -> str:
    """SHA-256, in hex, of the figures as JSON: as they stand in the event, without spaces."""
    return hashlib.sha256(msgspec.json.encode(list(figures))).hexdigest()


def changes_of(before: Sequence[Figure], after: Sequence[Figure]) -> list[FigureChange]:
    """The scores of the figures that differ in anything, by member and post."""
    old, new = ({(one.member, one.post): one for one in each} for each in (before, after))
    return [FigureChange(member=key[0], post=key[1], before=_score(old.get(key)),
                         after=_score(new.get(key)))
            for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def _score(figure: Figure | None) -> str | None:
    return None if figure is None else figure.score
