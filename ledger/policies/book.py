"""The policy book of a shop: published versions, each in force from a day on.

A version has some sections; for those that it lacks, what held before still holds. The version that
applies to a day is the last one that begins on that day or earlier.
"""

from datetime import datetime

from ledger.common.days import first_day, last_day
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Work
from ledger.policies.errors import (
    NoRetentionThere,
    NoVersionThere,
    PolicyInForce,
    PolicyNotLast,
    PolicyOutOfOrder,
    PublisherConfirms,
)
from ledger.policies.values import UNWRITTEN, Policy, Retention, Sections, Version

BOOK = "policy:book"
"""The stream of a ledger's policies."""


class PolicyBook(Aggregate):
    """The policies of a ledger; its stream is `policy:book`."""

    KIND = "policy"

    def begin(self) -> None:
        """Nothing is published."""
        self.versions: tuple[Version, ...] = ()
        self.last_number = 0
        self.retentions: tuple[tuple[int, str, Retention, str], ...] = ()
        self.confirmed: frozenset[int] = frozenset()

    class Published(Aggregate.Event):
        """These rules hold from a day on. `sections` are those that the version has."""

        TOPIC = "policy.published.v1"
        version: int
        effective_from: str
        title: str
        sections: Sections
        source: str | None = None
        notes: list[str] = []
        published_by: str = ""

    class Withdrawn(Aggregate.Event):
        """A version never comes into force."""

        TOPIC = "policy.withdrawn.v1"
        version: int
        reason: str

    class RetentionConfirmed(Aggregate.Event):
        """Somebody else than who published a version confirms how long it keeps persons."""

        TOPIC = "policy.retention_confirmed.v1"
        version: int
        confirmed_by: str

    @event(Published)
    def _published(self, version, effective_from, sections, published_by):
        if sections.retention is not None:
            one = version, effective_from, sections.retention, published_by
            self.retentions = (*self.retentions, one)
        before = self.versions[-1].sections if self.versions else UNWRITTEN.sections
        self.versions = (*self.versions, Version(version, effective_from, sections.over(before)))
        self.last_number = version

    @event(Withdrawn)
    def _withdrawn(self, version):
        self.versions = tuple(one for one in self.versions if one.number != version)
        self.retentions = tuple(one for one in self.retentions if one[0] != version)

    @event(RetentionConfirmed)
    def _retention_confirmed(self, version):
        self.confirmed = self.confirmed | {version}

    # -- rules ------------------------------------------------------------------------------------

    def on(self, day: str) -> Version:
        """The version in force on a day; `UNWRITTEN` before the first."""
        return next((one for one in reversed(self.versions) if one.effective_from <= day),
                    UNWRITTEN)

    def numbered(self, number: int) -> Version:
        """A version by its number."""
        return next((one for one in self.versions if one.number == number), UNWRITTEN)

    def posts_in(self, month: str) -> dict[str, str]:
        """The posts that were known on any day of a month, each with the role of its keys."""
        first, last = first_day(month), last_day(month)
        found = dict(self.on(first).posts())
        for one in self.versions:
            if first < one.effective_from <= last:
                found |= one.posts()
        return found

    @property
    def latest(self) -> Version:
        """The last version, in force or not."""
        return self.versions[-1] if self.versions else UNWRITTEN

    def retention_on(self, day: str) -> Retention | None:
        """How long persons are kept on a day; None if nothing says so that a second person has
        confirmed."""
        held = [one for one in self.retentions if one[1] <= day]
        return held[-1][2] if held and held[-1][0] in self.confirmed else None

    def waits_on(self, day: str) -> int | None:
        """The version whose retention would count on a day, and waits to be confirmed."""
        held = [number for number, since, _, _ in self.retentions if since <= day]
        return held[-1] if held and held[-1] not in self.confirmed else None

    def confirm_retention(self, version: int, by: str, *, occurred_at: datetime) -> None:
        """Once. Errors: NoRetentionThere (R-POL-10), NoVersionThere (R-POL-12), PublisherConfirms
        (R-POL-11)."""
        if not self.numbered(version).number:
            raise NoVersionThere(version=version)
        publisher = {number: who for number, _, _, who in self.retentions}.get(version)
        if publisher is None:
            raise NoRetentionThere(version=version)
        if by == publisher:
            raise PublisherConfirms(actor=by, version=version)
        if version not in self.confirmed:
            self._retention_confirmed(version=version, confirmed_by=by, occurred_at=occurred_at)

    def publish(
        self, policy: Policy, effective_from: str, by: str, *, occurred_at: datetime
    ) -> None:
        """Errors: PolicyOutOfOrder (R-POL-04)."""
        last = self.latest
        if effective_from < last.effective_from:
            raise PolicyOutOfOrder(version=last.number, effective_from=last.effective_from,
                                   wanted=effective_from)
        self._published(
            version=self.last_number + 1, effective_from=effective_from, title=policy.title,
            source=policy.source, notes=policy.notes, sections=policy.sections, published_by=by,
            occurred_at=occurred_at)

    def withdraw(self, version: int, reason: str, today: str, *, occurred_at: datetime) -> None:
        """Only the last version, before its day.

        Errors: PolicyInForce (R-POL-06), PolicyNotLast (R-POL-09).
        """
        last = self.latest
        if not version or version != last.number:
            raise PolicyNotLast(version=version, last=last.number or "none")
        if last.effective_from <= today:
            raise PolicyInForce(version=version, since=last.effective_from)
        self._withdrawn(version=version, reason=reason, occurred_at=occurred_at)


def policy_on(work: Work, day: str) -> Version:
    """The policy in force on a day."""
    book: PolicyBook = work.see(PolicyBook, BOOK)
    return book.on(day)
