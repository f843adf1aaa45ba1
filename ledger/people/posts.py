"""Posts: the jobs of a shop, as its operating rules name them, and who holds them by date."""

from datetime import datetime
from typing import NamedTuple

from ledger.common.days import FOR_EVER, day_after, days_from
from ledger.common.personal import Personal, Plain
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.people.errors import PostHeldAlready, PostNotHeld


def post_of(post: str) -> str:
    """The stream of a post."""
    return subject("post", post)


class Term(NamedTuple):
    """Who holds a post from when until when, both included; None: still."""

    member: str
    since: str
    until: str | None = None

    def covers(self, first: str, last: str) -> bool:
        """Whether it covers any day from one to another. A term that was taken back ends before it
        begins, and covers none."""
        return self.since <= last and (self.until is None or self.until >= max(first, self.since))

    def can_end(self, until: str) -> bool:
        """Whether it can be ended with a day: it has begun by then, or begins on the day after
        (which takes it back), and it goes on later."""
        return self.since <= day_after(until) and (self.until is None or self.until > until)


class Post(Aggregate):
    """Who holds a post; its stream is `post:<post>`."""

    KIND = "post"

    def begin(self) -> None:
        """Nobody holds it."""
        self.terms: tuple[Term, ...] = ()

    class Assigned(Aggregate.Event):
        """A member holds it from a day on."""

        TOPIC = "post.assigned.v1"
        member: str
        since: str

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class TermEnded(Aggregate.Event):
        """A member holds it up to a day, and on that day still."""

        TOPIC = "post.term_ended.v1"
        member: str
        until: str
        reason: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    @event(Assigned)
    def _assigned(self, member, since):
        self.terms = (*self.terms, Term(member, since))

    @event(TermEnded)
    def _term_ended(self, member, until):
        self.terms = tuple(
            term._replace(until=until) if term.member == member and term.can_end(until)
            else term for term in self.terms)

    def holders_between(self, first: str, last: str) -> list[str]:
        """Who held it on any day from one to another, sorted."""
        return sorted({term.member for term in self.terms if term.covers(first, last)})

    def days_held(self, first: str, last: str) -> dict[str, set[str]]:
        """The days, from one to another, on which each member held it."""
        found: dict[str, set[str]] = {}
        for term in self.terms:
            if term.covers(first, last):
                days = days_from(max(first, term.since), min(last, term.until or last))
                found.setdefault(term.member, set()).update(days)
        return found

    def holders_on(self, day: str) -> list[str]:
        """Who held it on a day, sorted."""
        return self.holders_between(day, day)

    def held_by(self, member: str, day: str) -> bool:
        """Whether a member held it on a day."""
        return any(term.member == member and term.covers(day, day) for term in self.terms)

    def assign(self, member: str, since: str, *, occurred_at: datetime) -> None:
        """Errors: PostHeldAlready (R-PPL-05)."""
        if Term(member, since) in self.terms:
            return
        if any(term.member == member and (term.until is None or term.until >= since)
               for term in self.terms):
            raise PostHeldAlready(member=member, post=self.name, day=since)
        self._assigned(member=member, since=since, occurred_at=occurred_at)

    def end(
        self, member: str, until: str, reason: Plain | None, *, occurred_at: datetime
    ) -> None:
        """End a term with a day; the day before it begins takes it back.

        Errors: PostNotHeld (R-PPL-06).
        """
        if any(term.member == member and term.until == until for term in self.terms):
            return
        if not any(term.member == member and term.can_end(until) for term in self.terms):
            raise PostNotHeld(member=member, post=self.name, day=until)
        self._term_ended(member=member, until=until, reason=reason, occurred_at=occurred_at)

    def leave(self, member: str, last_day: str, *, occurred_at: datetime) -> None:
        """End what a member holds with a day, and take back what would begin later."""
        for term in self.terms:
            if term.member == member and term.covers(day_after(last_day), FOR_EVER):
                self.end(member, max(last_day, day_after(term.since, -1)), None,
                         occurred_at=occurred_at)

    @property
    def name(self) -> str:
        """The post's name."""
        return self.id.partition(":")[2]
