"""Balances: what is kept of accounts, so that not all that ever touched one has to be folded again.

The writer keeps one of an account that was touched often since the last one, in the transaction of
the events. It is believed if somebody with the ledger's keys wrote it, and the event that it ends
with is in the log. Any other one is passed over: then all is folded from the beginning, and nothing
but time is lost.
"""

from collections.abc import Iterable
from struct import Struct

from ledger.core.accounts import Account
from ledger.log.accounts import Balance
from ledger.log.envelope import Outline, frame_bytes, frame_text
from ledger.log.persons import LedgerKeys
from ledger.writing.batch import Batch
from ledger.writing.cache import Known

TOUCHES = 256
"""How many events touch an account until it is kept again: about so many are read at the most, and
an account that is touched all the time costs a row for as many events.

The account itself counts them. So those count, too, that were read and folded when it was loaded:
one of which no balance is kept yet, or none that fits, is kept with the next event.
"""

_numbers = Struct(">qq").pack


def keep_balances(known: Iterable[Known], batch: Batch, keys: LedgerKeys) -> None:
    """Keep the balances of those accounts that a batch touched, and that are due."""
    before = batch.head.position
    due = [one for one in known if isinstance(one, Account) and one.unkept >= TOUCHES
           and one.FORMAT and one.position > before]
    if due:
        batch.writing.keep_balances([
            balance_of(one, batch.entries[one.position - before - 1].leaf_hash, keys)
            for one in due])
    for one in due:
        one.unkept = 0  # should the commit fail, the cache forgets them


def balance_of(account: Account, leaf: bytes, keys: LedgerKeys) -> Balance:
    """The balance of an account. `leaf` is the leaf hash of the last event that touched it."""
    unsigned = Balance(account.id, account.position, account.FORMAT, account.state(), b"")
    return unsigned._replace(mac=_mac(unsigned, leaf, keys))


def restored(account: Account, balance: Balance, event: Outline, keys: LedgerKeys) -> bool:
    """Let a blank account be what a balance says, if that can be believed: whether it is. `event`
    has to be the one that it ends with. Rule: R-LOG-42."""
    if balance.position != event.position or balance.mac != _mac(balance, event.leaf_hash, keys):
        return False
    try:
        account.restore(balance.state)
    except ValueError:
        return False
    account.position = balance.position
    return True


def _mac(balance: Balance, leaf: bytes, keys: LedgerKeys) -> bytes:
    return keys.mac("balance", b"".join((
        frame_text(balance.subject), _numbers(balance.position, balance.format),
        frame_bytes(leaf), frame_bytes(balance.state))))
