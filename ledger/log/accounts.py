"""Which of an event's subjects are accounts, and what is kept of them: where each is named.

An account is a subject such as `stock:hz:A1`, by the kinds that a store is handed. Documents of any
stream name it, so its history is found through an index: a row per event and account, which follows
from the envelope alone and is written with the event. The log knows no more of accounts than this.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec

from ledger.log.envelope import Entry, Outline, listed_subjects

Kinds = tuple[str, ...]
"""How the subjects begin that are accounts, such as `stock:`."""


def accounts_in(subjects: str, kinds: Kinds) -> list[str]:
    """The accounts among subjects as the log stores them. Errors: ValueError if they are no list of
    texts, and there may be one among them."""
    if not any(f'"{kind}' in subjects for kind in kinds):
        return []  # nearly every event: nothing is parsed
    return list(dict.fromkeys(_listed(subjects, kinds)))


@lru_cache(1_000)
def _listed(subjects: str, kinds: Kinds) -> list[str]:
    """The same text is asked for its accounts where it is indexed, kept and answered."""
    return [one for one in listed_subjects(subjects) if one.startswith(kinds)]


def index_of(entries: Iterable[Entry], kinds: Kinds) -> list[tuple[str, int]]:
    """The rows of the index that entries call for: account and position. Errors: those of
    `accounts_in`."""
    return [(account, entry.position) for entry in entries
            for account in accounts_in(entry.subjects, kinds)]


class Balance(NamedTuple):
    """What the events up to a position made of an account, so that they need not be folded again.

    It is no part of the log: who does not believe it folds all of them. `position` is that of the
    last of them, `format` says which version of the fold made it, and `mac` that a writer of this
    log did. Shapes: `state` is JSON, as the account itself writes it.
    """

    subject: str
    position: int
    format: int
    state: bytes
    mac: bytes


class BalanceKeeper(Protocol):
    """Writes balances, a part of what the writer's transaction does."""

    def keep_balances(self, balances: Iterable[Balance]) -> None:
        """Keep these, each in place of the one before, once the transaction commits."""
        ...


class AccountReader(Protocol):
    """Reads of the index of accounts, a part of what every store reads."""

    def accounts(
        self, ledger: str | bytes, subjects: Sequence[str], *, after: int = 0,
        until: int | None = None, limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        """The entries that name any of these accounts, each once, with after < position <= until:
        the first `limit` of them, or the last ones, from the end back."""
        ...

    def touching(
        self, ledger: str | bytes, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        """The outlines of the events that name any of these accounts after the position up to which
        it is known, and not after `until`: the first `limit` of them, each once."""
        ...

    def balances(self, ledger: str | bytes, subjects: Sequence[str]) -> list[Balance]:
        """The balances of these accounts, as far as there are any, in any order."""
        ...

    def balances_after(self, ledger: str | bytes, subject: str, limit: int) -> list[Balance]:
        """The first `limit` balances of accounts behind one, sorted by their bytes."""
        ...

    def indexed(
        self, ledger: str | bytes, subjects: Sequence[str], first: int, last: int
    ) -> list[tuple[str, int]]:
        """The rows of the index for these accounts, from one position to another: account and
        position, in any order."""
        ...

    def count_indexed(self, ledger: str | bytes, until: int) -> int:
        """How many rows of the index stand at whole positions from 1 to one."""
        ...

    def odd_accounts(
        self, ledger: str | bytes, limit: int, *, beyond: int = 0
    ) -> list[tuple[str, int]]:
        """The first `limit` rows of the index that no event calls for, of those that do not stand
        at whole positions from 1 to `beyond`. None, as long as only this program wrote them."""
        ...


Span = tuple[int, int]
"""From when to when, both included. Units: microseconds since 1970."""


class StreamFinder(Protocol):
    """Finds streams by their names, a part of what every store reads."""

    def streams_of(
        self, ledger: str | bytes, kind: str, *, naming: str | None = None,
        during: Span | None = None, after: str = "", limit: int = 10_000,
    ) -> list[str]:
        """The names of the streams of a kind, such as `warehouse`, sorted by their bytes: the first
        `limit` of those that come after a name. With `naming`, of those of which an event has it
        among its subjects; with `during`, of those of which an event occurred then. All events of
        the kind are looked through for these, since no index has them. `kind` may have the first
        parts of the names with it, such as `order:taobao:shop`."""
        ...


def between(kind: str, after: str) -> tuple[str, str]:
    """Between which texts the names lie of the streams of a kind that come after a name."""
    return max(after, f"{kind}:"), f"{kind};"  # what stands behind the colon


# -- what an event names, and what it does ------------------------------------------------------


class _Of(msgspec.Struct):
    account: str


class _Base(msgspec.Struct):
    """What any event may hold, as far as it is of an account."""

    postings: tuple[_Of, ...] = ()
    observations: tuple[_Of, ...] = ()


_base = msgspec.json.Decoder(_Base).decode


def touched(payload: bytes) -> set[str]:
    """The accounts that an event posts to or observes, by its payload alone; what cannot be read of
    it does nothing to any."""
    if b'"postings":' not in payload and b'"observations":' not in payload:
        return set()  # nearly every event: nothing is parsed
    try:
        base = _base(payload)
    except (ValueError, RecursionError):
        return set()
    return {one.account for one in (*base.postings, *base.observations)}


def misnamed(accounts: Iterable[str], payload: bytes) -> list[str]:
    """Where the accounts that an event names and its deeds differ, sorted: what it names, and
    neither posts to nor observes; or what it posts to or observes, and does not name."""
    return sorted(touched(payload).symmetric_difference(accounts))
