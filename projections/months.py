"""Members' months: what each account holds of grades, bonus work and charges, one row each.

The fold lets the account's own mutators work on what a row keeps of it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    select,
)

from ledger.log.envelope import Outline
from ledger.month_values import Bonus, Charge, Figure, Lent
from ledger.months import Account
from projections.projection import Fact
from projections.rows import Change, Key, Rows, metadata

accounts = Table(
    "accounts", metadata,
    Column("ledger", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("month", Key, nullable=False),
    Column("member", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="accounts_pk"),
    Index("accounts_month", "ledger", "month", "member"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` as JSON."""

TAKEN = frozenset(
    topic for fact in vars(Account).values() if (topic := getattr(fact, "TOPIC", "")))


class Kept(msgspec.Struct, omit_defaults=True):
    """What a row keeps of an account."""

    grades: dict[str, dict[str, dict[str, str]]] = {}
    bonuses: dict[str, dict[str, Bonus]] = {}
    charges: dict[str, Charge] = {}
    reversed: dict[str, Charge] = {}
    carried: dict[str, str] = {}
    lent: tuple[Lent, ...] = ()
    figures: tuple[Figure, ...] = ()


_kept = msgspec.json.Decoder(Kept)


def account_of_row(row: Row[Any]) -> Account:
    """The account that a row keeps."""
    kept = _kept.decode(row.state)
    found = Account.blank(row.subject)
    for name in Kept.__struct_fields__:
        setattr(found, name, getattr(kept, name))
    return found


class Tracked(msgspec.Struct):
    """An account while events are folded into it."""

    account: Account
    member: str
    position: int


class Batch(msgspec.Struct):
    """The accounts of a batch, and the subjects of those that earlier batches wrote."""

    ledger: str
    accounts: dict[str, Tracked]
    loaded: frozenset[str]


class Months:
    """Folds members' months: one row each."""

    name: ClassVar[str] = "months"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (accounts,)

    def load(self, rows: Rows, ledger: str, entries: Sequence[Outline]) -> Batch:
        """The accounts that earlier batches wrote."""
        first = {entry.stream: entry.version for entry in reversed(entries)
                 if entry.type in TAKEN}
        earlier = sorted(stream for stream, version in first.items() if version > 1)
        found = {row.subject: Tracked(account_of_row(row), row.member, row.position)
                 for row in rows.among(accounts, ledger, "subject", earlier)}
        return Batch(ledger, found, frozenset(found))

    def fold(self, state: Batch, facts: Iterable[Fact]) -> None:
        """Take facts into the accounts.

        As of a moment of the business, a charge may be reversed that is not known yet: then that
        counts for nothing.
        """
        for entry, event in facts:
            if entry.type not in TAKEN:
                continue
            known = state.accounts.get(entry.stream)
            if known is None:
                known = state.accounts[entry.stream] = Tracked(
                    Account.blank(entry.stream), event.member, 0)
            known.position = entry.position
            take(known.account, event)

    def changes(self, state: Batch) -> Iterator[Change]:
        """The rows of the accounts."""
        rows = {name: _row(state.ledger, state.accounts[name]) for name in sorted(state.accounts)}
        yield Change(accounts, [row for name, row in rows.items() if name not in state.loaded],
                     [row for name, row in rows.items() if name in state.loaded])


def take(account: Account, event: Any) -> None:
    """Let an account take an event, unless that speaks of a charge that it does not know."""
    charge = getattr(event, "charge", None)
    if isinstance(charge, str) and not isinstance(event, Account.EffectCarried) \
            and charge not in account.charges:
        return
    event.apply(account)


def _row(ledger: str, found: Tracked) -> tuple[Any, ...]:
    account = found.account
    kept = Kept(**{name: getattr(account, name) for name in Kept.__struct_fields__})
    return (ledger, account.id, account.id.rpartition(":")[2], found.member,
            msgspec.json.encode(kept).decode(), found.position)


def streams_of(
    connection: Connection, ledger: str, months: Collection[str]
) -> dict[tuple[str, str], str]:
    """The accounts of some months: their streams by month and member."""
    found = connection.execute(
        select(accounts.c.month, accounts.c.member, accounts.c.subject)
        .where(accounts.c.ledger == ledger, accounts.c.month.in_(months)))
    return {(row.month, row.member): row.subject for row in found}


def accounts_of(
    connection: Connection, ledger: str, months: Collection[str], member: str | None = None
) -> dict[tuple[str, str], Account]:
    """The accounts of some months by month and member: those of all, or of one member."""
    query = select(accounts).where(accounts.c.ledger == ledger, accounts.c.month.in_(months))
    if member is not None:
        query = query.where(accounts.c.member == member)
    return {(row.month, row.member): account_of_row(row) for row in connection.execute(query)}
