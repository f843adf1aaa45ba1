"""The record of a person: whether somebody asked to erase them, and whether they are held.

It holds nothing of what is known about them: a person is an id, and whoever it is stands sealed
elsewhere. That they were erased stands in the month's stream, which the keys follow:
`ledger/log/erasures.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from ledger.common.bounds import Words
from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.erasure.errors import AskerConfirms, ErasureNotRequested, ErasureRequested
from ledger.log.erasures import ERASED, KIND

REQUESTED, NO_LONGER_NEEDED, CONSENT_WITHDRAWN, UNLAWFUL = GROUNDS = (
    "requested", "no_longer_needed", "consent_withdrawn", "unlawful")
"""Why somebody is erased: they requested it, what is known of them has no purpose any more, they
took back their consent, or it should never have been recorded."""

RETENTION = "retention"
"""Why somebody is erased whom nobody asked about: the policy keeps them no longer."""


class PersonRecord(Aggregate):
    """What was decided about a person; the stream is the person's id, `person:…`."""

    KIND = "person"

    def begin(self) -> None:
        """Nobody has asked for anything."""
        self.ground = self.requested_by = ""
        self.held = False

    class ErasureRequested(Aggregate.Event):
        """Somebody asks to erase the person."""

        TOPIC = "person.erasure_requested.v1"
        ground: Annotated[str, Words(*GROUNDS)]
        requested_by: str

    class ErasureWithdrawn(Aggregate.Event):
        """Nobody asks to erase the person any more."""

        TOPIC = "person.erasure_withdrawn.v1"

    class ErasureConfirmed(Aggregate.Event):
        """Somebody else than the one who asked agrees; `person.erased.v1` is recorded with it."""

        TOPIC = "person.erasure_confirmed.v1"

    class Held(Aggregate.Event):
        """The person may not be erased for now."""

        TOPIC = "person.held.v1"
        reason: Personal | None = None

    class HoldLifted(Aggregate.Event):
        """The person may be erased again."""

        TOPIC = "person.hold_lifted.v1"

    @event(ErasureRequested)
    def _erasure_requested(self, ground, requested_by):
        self.ground, self.requested_by = ground, requested_by

    @event(ErasureWithdrawn)
    def _erasure_withdrawn(self):
        self.ground = self.requested_by = ""

    @event(ErasureConfirmed)
    def _erasure_confirmed(self):
        pass

    @event(Held)
    def _held(self):
        self.held = True

    @event(HoldLifted)
    def _hold_lifted(self):
        self.held = False

    # -- rules ------------------------------------------------------------------------------------

    def request(self, ground: str, by: str, *, occurred_at: datetime) -> None:
        """Once. Errors: ErasureRequested (R-ERA-09)."""
        if not self.ground:
            self._erasure_requested(ground=ground, requested_by=by, occurred_at=occurred_at)
        elif (ground, by) != (self.ground, self.requested_by):
            raise ErasureRequested(person=self.id, ground=self.ground)

    def withdraw(self, *, occurred_at: datetime) -> None:
        """Errors: ErasureNotRequested (R-ERA-03)."""
        self._must_be_requested()
        self._erasure_withdrawn(occurred_at=occurred_at)

    def confirm(self, by: str, *, occurred_at: datetime) -> None:
        """Errors: ErasureNotRequested (R-ERA-03), AskerConfirms (R-ERA-04)."""
        self._must_be_requested()
        if by == self.requested_by:
            raise AskerConfirms(actor=by, person=self.id)
        self._erasure_confirmed(occurred_at=occurred_at)

    def _must_be_requested(self) -> None:
        if not self.ground:
            raise ErasureNotRequested(person=self.id)

    def hold(self, reason: Plain, *, occurred_at: datetime) -> None:
        """Once."""
        if not self.held:
            self._held(reason=reason, occurred_at=occurred_at)

    def lift_hold(self, *, occurred_at: datetime) -> None:
        """Once."""
        if self.held:
            self._hold_lifted(occurred_at=occurred_at)


class Erasures(Aggregate):
    """Who was erased in a month; the stream is `erasures:2026-11`, by the time of recording."""

    KIND = KIND

    def begin(self) -> None:
        """Nobody."""

    class Erased(Aggregate.Event):
        """These persons are erased: their keys are destroyed, and nothing opens what they seal."""

        TOPIC = ERASED
        persons: list[str]
        ground: Annotated[str, Words(*GROUNDS, RETENTION)]

        def about(self) -> list[str]:
            """The persons."""
            return self.persons

    @event(Erased)
    def _erased(self):
        pass

    def erase(self, persons: Sequence[str], ground: str, *, occurred_at: datetime) -> None:
        """Erase persons."""
        self._erased(persons=sorted(persons), ground=ground, occurred_at=occurred_at)
