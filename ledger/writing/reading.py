"""How accounts are folded that the writer does not hold: from all that ever touched them."""

from collections.abc import Mapping

from ledger.core.accounts import Account, Touch, touch_of
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Outline
from ledger.log.store import Reader
from ledger.writing.cache import Key

READ_PAGE = 10_000
"""Events of accounts that are read at a time."""


def read_accounts(
    reader: Reader, ledger: bytes, accounts: Mapping[str, Account]
) -> dict[Key, Exception]:
    """Let accounts take what touched them after they did last. Returns those that cannot be read,
    and why."""
    unreadable: dict[str, Exception] = {}
    known = {name: account.position for name, account in accounts.items()}
    while known:
        page = reader.touching(ledger, known, limit=READ_PAGE)
        for name, touches in _touches(page, accounts, unreadable).items():
            try:
                accounts[name].take(*touches)
            except Exception as error:
                unreadable.setdefault(name, error)
        known = dict.fromkeys(known, page[-1].position) if len(page) == READ_PAGE else {}
    return {(type(accounts[name]), name): error for name, error in unreadable.items()}


def _touches(
    page: list[Outline], accounts: Mapping[str, Account], unreadable: dict[str, Exception]
) -> dict[str, list[Touch]]:
    """What events do to each of some accounts, in order."""
    found: dict[str, list[Touch]] = {}
    for event in page:
        try:
            for name, touch in touch_of(event).by_account(accounts).items():
                found.setdefault(name, []).append(touch)
        except Exception as error:  # it stops who needs these accounts, not the whole batch
            for name in accounts.keys() & accounts_in(event.subjects, ACCOUNT_KINDS):
                unreadable.setdefault(name, error)
    return found
