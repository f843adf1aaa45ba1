"""How accounts are folded that the writer does not hold: from all that ever touched them."""

from collections.abc import Mapping

from ledger.core.accounts import Account, touch_of
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Entry
from ledger.log.store import Reader
from ledger.writing.cache import Key

READ_PAGE = 10_000
"""Events of accounts that are read at a time."""


def read_accounts(
    reader: Reader, ledger: bytes, accounts: Mapping[str, Account]
) -> dict[Key, Exception]:
    """Let blank accounts take what touched them. Returns those that cannot be read, and why."""
    unreadable: dict[Key, Exception] = {}
    after: int | None = 0
    while accounts and after is not None:
        page = reader.accounts(ledger, list(accounts), after=after, limit=READ_PAGE)
        for entry in page:
            _touch(accounts, entry, unreadable)
        after = page[-1].position if len(page) == READ_PAGE else None
    return unreadable


def _touch(
    accounts: Mapping[str, Account], entry: Entry, unreadable: dict[Key, Exception]
) -> None:
    """Let accounts take what an entry does to them."""
    try:
        touches = [(accounts[name], touch) for name, touch in
                   touch_of(entry).by_account().items() if name in accounts]
        for account, touch in touches:
            account.take(touch)
    except Exception as error:  # it stops who needs these accounts, not the whole batch
        for name in accounts.keys() & accounts_in(entry.subjects, ACCOUNT_KINDS):
            unreadable.setdefault((type(accounts[name]), name), error)
