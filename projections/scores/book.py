"""What scores are made of, as of a cut: policies, closed months, posts and members' accounts.

A question about the past reads only the streams that it is about: its cost does not grow with the
log.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import orjson

from ledger.common.days import last_day
from ledger.common.errors import Invalid
from ledger.core import event_types
from ledger.core.aggregate import Aggregate
from ledger.deductions.deduction import Deduction
from ledger.log.store import gapless
from ledger.people.holders import days_by_member
from ledger.people.posts import Post, post_of
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Version
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS, SEALED, Closings, Seal
from ledger.scores.formula import figures_of
from ledger.scores.values import Figure, account_of
from projections.asking.answering import Reading
from projections.asking.questions import Question
from projections.deductions import Undecided, undecided
from projections.scores.accounts import accounts_of, streams_of, take
from projections.scores.later import Key, rests_on

PAGE = 10_000


class NoMonthClosed(Invalid):
    """No month is closed yet. Name one, such as 2026-09."""

    code: ClassVar[str] = "no_month_closed"
    rule: ClassVar[str] = "R-PRJ-14"


class Month(NamedTuple):
    """The figures of a month: sealed as they were sealed, open as they stand. `rests_on` says of
    sealed ones why they would come out otherwise, see `projections.scores.later`."""

    month: str
    seal: Seal
    figures: list[Figure]
    rests_on: Mapping[Key, list[str]] = {}

    @property
    def sealed(self) -> bool:
        """Whether they are final."""
        return self.seal.state == SEALED

    def shown(self, figure: Figure) -> dict[str, Any]:
        """A figure as reports show it."""
        return {
            "member": figure.member, "post": figure.post, "committee": figure.committee,
            "second": figure.second, "bonus": figure.bonus, "deductions": figure.deductions,
            "score": figure.score, "coefficient": figure.coefficient,
            "policy_version": figure.policy_version, "sealed": self.sealed,
            "restatement": self.seal.number, "share": figure.share, "days": figure.days,
            "part": figure.score if figure.days is None else figure.part,
            "rests_on": self.rests_on.get((figure.member, figure.post), []),
        }


class ScoreBook:
    """What the log held of scores at the cut of a reading, whose rows are those of `Months`."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.store, self.ledger, self.cut = reading.models.store, reading.ledger, reading.cut
        self._id = reading.id
        self._connection, self._folded = reading.connection, reading.folded
        found = self.fold({BOOK: PolicyBook, CLOSINGS: Closings})
        self.book: PolicyBook = found[BOOK]
        self.closings: Closings = found[CLOSINGS]

    def fold(
        self, streams: dict[str, type[Aggregate]], *, about: str | None = None
    ) -> dict[str, Any]:
        """Aggregates as the cut has them. An event that the cut leaves out changes nothing, nor
        does one that is not about a subject, where one is asked for."""
        found: dict[str, Any] = {name: cls.blank(name) for name, cls in streams.items()}
        named = "" if about is None else orjson.dumps(about).decode()
        for entry in self.store.streams(self.ledger, sorted(streams)) if streams else ():
            if not self.cut.takes(entry) or named not in entry.subjects:
                continue
            event = event_types.decode(entry)
            if isinstance(found[entry.stream], Account):
                take(found[entry.stream], entry, event)
            else:
                event.apply(found[entry.stream])
        return found

    def version(self, month: str) -> Version:
        """The policy that scores a month."""
        return self.book.on(last_day(month))

    def posts_in(
        self, month: str, member: str | None = None
    ) -> dict[str, dict[str, set[str]]]:
        """The posts that each member, or a single one, held in a month, each with the days on which
        they did."""
        names = {post_of(post): post for post in self.book.posts_in(month)}
        folded = self.fold(dict.fromkeys(names, Post), about=member)
        return days_by_member({names[stream]: post for stream, post in folded.items()}, month)

    def asked(self, question: Question) -> str:
        """The month of a question; by default the last that was closed.

        Errors: BadMonth (R-PRJ-13), NoMonthClosed (R-PRJ-14).
        """
        month = question.must_be_of_month() or self.closings.last_closed()
        if month is None:
            raise NoMonthClosed
        return month

    def accounts(
        self, months: Collection[str], member: str | None = None
    ) -> dict[tuple[str, str], Account]:
        """The accounts of some months, by month and member."""
        if self.cut[:2] == (self._folded, None):
            return accounts_of(self._connection, self._id, months, member)
        if member is not None:
            streams = {(month, member): account_of(member, month) for month in months}
        else:
            streams = streams_of(self._connection, self._id, months)
            streams |= {key: stream for key, stream in self._newer() if key[0] in months}
        found = self.fold(dict.fromkeys(streams.values(), Account))
        return {key: found[stream] for key, stream in streams.items()}

    def _newer(self) -> Iterator[tuple[tuple[str, str], str]]:
        """The accounts that the read model does not know yet."""
        after = self._folded
        while entries := self.store.read(
                self.ledger, after=after, until=self.cut.position, limit=PAGE):
            for entry in gapless(entries, self.ledger, after=after):
                if entry.stream.startswith(f"{Account.KIND}:"):
                    event = event_types.decode(entry)
                    yield (entry.stream.rpartition(":")[2], event.member), entry.stream
            after = entries[-1].position

    def month(self, month: str, member: str | None = None) -> Month:
        """The figures of a month, of all or of one member, by member and post."""
        seal = self.closings.seal_of(month)
        if seal.state == SEALED:
            accounts = {who: one for (_, who), one in self.accounts([month], member).items()}
            left_out = {(one.member, one.post) for one in seal.left_out}
            now = self._computed(month, accounts, member, left_out=left_out)
            return Month(month, seal, _final(accounts.values()),
                         rests_on(accounts, now, left_out))
        return Month(month, seal, self.computed(month, member))

    def computed(self, month: str, member: str | None = None) -> list[Figure]:
        """The figures of a month as they come out of what is known, sealed or not."""
        accounts = {who: one for (_, who), one in self.accounts([month], member).items()}
        return self._computed(month, accounts, member)

    def _computed(
        self, month: str, accounts: Mapping[str, Account], member: str | None, *,
        left_out: Collection[tuple[str, str]] = (),
    ) -> list[Figure]:
        posts = self.posts_in(month, member)
        known = {who: account for who, account in accounts.items() if who in posts}
        return list(figures_of(known, posts, self.version(month), left_out=left_out))

    def undecided(self, month: str) -> Undecided:
        """What is undecided of the deductions of a month now; nothing of the past."""
        if not self.reading.now:
            return Undecided()
        return undecided(self._connection, self._id, self.reading.days.span_of(month))

    def shares_open(self, month: str, accounts: Iterable[Account]) -> Mapping[str, str]:
        """By deduction, the points of a supervisor who was not known, of those whose charges are in
        some accounts of a month, at the cut."""
        if self.reading.now:
            return self.undecided(month).shares
        charges = {name for account in accounts for name in account.charges
                   if name.startswith(f"{Deduction.KIND}:")}
        found = self.fold(dict.fromkeys(charges, Deduction))
        return {name: one.share_open for name, one in found.items() if one.share_open is not None}

    def sealed_figures(self, month: str) -> list[Figure]:
        """The figures that a month was sealed with last, reopened or not."""
        return _final(self.accounts([month]).values())


def _final(accounts: Iterable[Account]) -> list[Figure]:
    return sorted((figure for account in accounts for figure in account.figures),
                  key=lambda one: (one.member, one.post))
