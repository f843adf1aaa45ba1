"""How an event of a document posts to stock: what it is to post is checked by each account, over
the sum of all that the event posts to it, and then stands in the event.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.commands import Work
from ledger.core.postings import Observation, Posting
from ledger.stock.account import StockAccount
from ledger.stock.errors import TooManyPostings
from ledger.stock.lying import Lying
from ledger.stock.places import ALREADY_COUNTED

MOST_POSTINGS = 2_000
"""How often one event may post, but for what a count has seen already. A document that posts more
often does it in several events."""


def post(
    work: Work, fact: Any, postings: Sequence[Posting], *, decided: bool, unseen: int = 0,
    exactly: bool = False,
) -> list[StockAccount]:
    """Let a pending event post, by decision or as a declared fact. Counts up to the position
    `unseen` have not seen what it posts. `exactly`: see `StockAccount.declare`. Returns the
    accounts.

    Errors: those of `StockAccount.decide` and `declare`, TooManyPostings (R-STK-18).
    """
    posted = sum(one.cause != ALREADY_COUNTED for one in fact.postings)
    must_fit(fact, posted + len(postings))
    by_account: dict[str, list[Posting]] = {}
    for posting in postings:
        by_account.setdefault(posting.account, []).append(posting)
    accounts = load_all(work, by_account)
    at, earlier, all_found = fact.occurred_at, fact.postings, list[Posting]()
    for account, wanted in zip(accounts, by_account.values(), strict=True):
        if decided:
            found = account.decide(wanted, at, unseen=unseen)
            if any(one.cause == ALREADY_COUNTED for one in found):
                account.must_have_held(wanted, at, work.touches([account.id], to_us(at)))
        else:
            found = account.declare(wanted, at, unseen=unseen, exactly=exactly)
        _draft(work, fact, account, (tuple(found), ()))
        all_found += found
    fact.postings = (*earlier, *all_found)
    if earlier:
        _mark(fact, accounts)
    return accounts


def _mark(fact: Any, accounts: Iterable[StockAccount]) -> None:
    """Let what a fact posts to accounts that it posted to before say what it leaves in the end."""
    below = {one.account for one in fact.postings if one.below is not None}
    for account in accounts:
        if account.id in below:
            fact.postings = tuple(account.marked(fact.postings))


def must_fit(fact: Any, postings: int) -> None:
    """One event posts no more often than `MOST_POSTINGS`. Errors: TooManyPostings (R-STK-18)."""
    most = MOST_POSTINGS if fact.corrects is None else 3 * MOST_POSTINGS  # back, and once more
    if postings > most:
        raise TooManyPostings(document=fact.originator_id, most=most, postings=postings)


def observe(
    work: Work, fact: Any, account: StockAccount, *, counted: Mapping[Lying, int], at: datetime,
    later: Iterable[Touch], cause: str, unseen: Mapping[Lying, int] | None = None,
) -> dict[Lying, int]:
    """Let a pending event record a count and post its variance. Returns the book of that time, by
    area and bin; see `StockAccount.count`. Errors: TooManyPostings (R-STK-18), R-STK-15."""
    must_fit(fact, len(counted))
    observations, postings, book = account.count(counted, at, later, cause, unseen=unseen)
    if at != fact.occurred_at:
        postings = [one if one.at else msgspec.structs.replace(one, at=at) for one in postings]
    _add(work, fact, account, postings=postings, observations=observations)
    return book


def _add(
    work: Work, fact: Any, account: StockAccount, *, postings: Sequence[Posting] = (),
    observations: Sequence[Observation] = (),
) -> None:
    fact.postings = (*fact.postings, *postings)
    fact.observations = (*fact.observations, *observations)
    _draft(work, fact, account, (tuple(postings), tuple(observations)))
    _mark(fact, [account])


def _draft(
    work: Work, fact: Any, account: StockAccount,
    done: tuple[tuple[Posting, ...], tuple[Observation, ...]],
) -> None:
    """Let an account take what a pending event is going to do to it."""
    account.draft(Touch(
        work.position + 1, fact.originator_id, fact.occurred_at, work.now, *done,
        None if fact.corrects is None else fact.corrects.position))


def withdraw(work: Work, fact: Any, observations: Iterable[Observation]) -> None:
    """Let a pending correction take back what the corrected event observed, and observe again what
    that took back."""
    by_account: dict[str, list[Observation]] = {}
    for one in observations:
        by_account.setdefault(one.account, []).append(
            msgspec.structs.replace(one, withdrawn=not one.withdrawn))
    for account in load_all(work, by_account):
        _add(work, fact, account, observations=by_account[account.id])


def unseen_by(work: Work, late: str) -> int:
    """The position up to which counts have not seen what a command tells late."""
    return work.position if late == "not_counted" else 0


def load_all(work: Work, names: Iterable[str]) -> list[StockAccount]:
    """Several accounts, read with one query."""
    names = list(names)
    if len(names) > 1:
        work.fetch([(StockAccount, name) for name in names])
    return [work.load(StockAccount, name) for name in names]


def reversed_of(posting: Posting, at: datetime, cause: str) -> Posting:
    """What takes a posting back, at the time that it was posted at."""
    return msgspec.structs.replace(
        posting, source=posting.target, target=posting.source, bin=posting.to_bin,
        to_bin=posting.bin, cause=cause, at=posting.at or at, below=None)
