"""How accounts are read that the writer does not hold: from their balances and what touched them
since, or from all that ever touched them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ledger.core import event_types
from ledger.core.accounts import Account, Touch, touch_of
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import Balance, accounts_in
from ledger.log.envelope import Entry, Outline
from ledger.log.persons import LedgerKeys
from ledger.log.store import Reader, Store
from ledger.writing.balances import restored
from ledger.writing.cache import Key

READ_PAGE = 10_000
"""Events of accounts that are read at a time."""

CHECKED = 100
"""Balances that are checked at a time."""

Unreadable = dict[str, Exception]
"""Why accounts cannot be read, by name."""


def folded(known: Any, entry: Entry) -> None:
    """Let an aggregate take its next event. Errors: whatever makes that unreadable."""
    event_types.decode(entry).mutate(known)


def folded_over_gaps(known: Any, entry: Entry) -> None:
    """The same, where events before it are left out. Errors: as `folded`."""
    known.skip_to(entry.version)
    folded(known, entry)


def read_accounts(
    reader: Reader, keys: LedgerKeys, accounts: Mapping[str, Account]
) -> dict[Key, Exception]:
    """Let blank accounts take what touched them. Returns those that cannot be read, and why."""
    unreadable: Unreadable = {}
    kept = _of_this_format(reader.balances(keys.ledger, list(accounts)), accounts)
    doubted = _read(reader, keys, accounts, unreadable, kept=kept)
    _read(reader, keys, {name: accounts[name] for name in doubted}, unreadable, kept={})
    return {(type(accounts[name]), name): error for name, error in unreadable.items()}


def _of_this_format(
    balances: Iterable[Balance], accounts: Mapping[str, Account]
) -> dict[str, Balance]:
    return {one.subject: one for one in balances
            if one.subject in accounts and one.position > 0
            and one.format == accounts[one.subject].FORMAT != 0}


def _read(
    reader: Reader, keys: LedgerKeys, accounts: Mapping[str, Account], unreadable: Unreadable, *,
    kept: Mapping[str, Balance],
) -> set[str]:
    """Let blank accounts be what is kept of them, and take what touched them since. Returns those
    whose balance cannot be believed: they are still blank."""
    since = {name: kept[name].position - 1 if name in kept else 0 for name in accounts}
    awaited, doubted = dict(kept), set[str]()
    for page in _pages(reader, keys.ledger, since):
        events = {event.position: event for event in page}
        for name, touches in _touches(page, accounts, unreadable).items():
            if (balance := awaited.pop(name, None)) is not None and not restored(
                    accounts[name], balance, events[touches.pop(0).position], keys):
                doubted.add(name)
            if name not in doubted:
                _take(accounts[name], touches, unreadable)
    return doubted | awaited.keys()


def odd_balances(store: Store, ledger: str, classes: Iterable[type[Account]]) -> Iterator[Balance]:
    """The balances that are not what the events made of their accounts, whoever wrote them: those
    of accounts of these classes, in the format that each has now. It needs no keys.

    Errors: StorageFailed (R-LOG-04).
    """
    kinds, after = {cls.KIND: cls for cls in classes}, ""
    while page := store.balances_after(ledger, after, CHECKED):
        blank = {one.subject: kinds[kind].blank(one.subject) for one in page
                 if (kind := one.subject.partition(":")[0]) in kinds}
        yield from _odd(store, ledger, _of_this_format(page, blank), blank)
        after = page[-1].subject


def _odd(
    store: Store, ledger: str, kept: Mapping[str, Balance], blank: Mapping[str, Account]
) -> Iterator[Balance]:
    """Those of balances that are not what blank accounts become by what touched them up to there.
    """
    unreadable: Unreadable = {}
    folded = {name: blank[name].clone() for name in kept}
    until = max((one.position for one in kept.values()), default=0)
    for page in _pages(store, ledger, dict.fromkeys(kept, 0), until=until):
        for name, touches in _touches(page, folded, unreadable).items():
            _take(folded[name], [one for one in touches if one.position <= kept[name].position],
                  unreadable)
    for name, balance in kept.items():
        said = blank[name]
        said.position = balance.position
        try:
            said.restore(balance.state)
        except ValueError:
            yield balance
            continue
        if name in unreadable or said != folded[name]:
            yield balance


def _pages(
    reader: Reader, ledger: str | bytes, known: Mapping[str, int], *, until: int | None = None
) -> Iterator[list[Outline]]:
    """The events that touched accounts after what is known of each, in order."""
    while known:
        page = reader.touching(ledger, known, until=until, limit=READ_PAGE)
        yield page
        last = page[-1].position if len(page) == READ_PAGE else None
        known = {} if last is None else {name: max(at, last) for name, at in known.items()}


def _take(account: Account, touches: list[Touch], unreadable: Unreadable) -> None:
    try:
        account.take(*touches)
    except Exception as error:
        unreadable.setdefault(account.id, error)


def _touches(
    page: list[Outline], accounts: Mapping[str, Account], unreadable: Unreadable
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
