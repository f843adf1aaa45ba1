"""Members' months: what each account holds of grades, bonus work and charges, one row each.

The account's own mutators fold its events, on what a row keeps of it.
"""

from collections.abc import Collection
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

from ledger.log.envelope import Entry, Outline
from ledger.scores.account import Account
from ledger.scores.kept import Kept
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

accounts = Table(
    "accounts", metadata,
    ledger_column(),
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

_kept = msgspec.json.Decoder(Kept)


def account_of_row(row: Row[Any]) -> Account:
    """The account that a row keeps."""
    return _kept.decode(row.state).restored(row.subject)


class Tracked(msgspec.Struct):
    """An account while events are folded into it."""

    account: Account
    member: str
    position: int

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event."""
        self.position = entry.position
        take(self.account, entry, event)

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        stream = self.account.id
        return (ledger, stream, stream.rpartition(":")[2], self.member,
                text_of(Kept.of(self.account)), self.position)


class Months(StreamRows[Tracked]):
    """Folds members' months."""

    name: ClassVar[str] = "months"
    tables: ClassVar[tuple[Table, ...]] = (accounts,)
    taken: ClassVar[frozenset[str]] = topics_of(Account)

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked:
        """An account of which nothing is known: every event of it names the member."""
        return Tracked(Account.blank(entry.stream), event.member, 0)

    def of_row(self, row: Row[Any]) -> Tracked:
        """The account that a row keeps."""
        return Tracked(account_of_row(row), row.member, row.position)


def take(account: Account, entry: Entry | Outline, event: Any) -> None:
    """Let an account take an event, unless that is about a charge that it does not know: as of a
    moment of the business, a charge can be reversed before it is there."""
    if is_known(account, event):
        account.fold(event, entry.version)


def is_known(account: Account, event: Any) -> bool:
    """Whether an account knows what an event is about: a charge that it reduces or reverses."""
    charge = getattr(event, "charge", None)
    return not isinstance(charge, str) or isinstance(event, Account.EffectCarried) \
        or charge in account.charges


def streams_of(
    connection: Connection, ledger: bytes, months: Collection[str]
) -> dict[tuple[str, str], str]:
    """The accounts of some months: their streams by month and member."""
    found = connection.execute(
        select(accounts.c.month, accounts.c.member, accounts.c.subject)
        .where(accounts.c.ledger == ledger, accounts.c.month.in_(months)))
    return {(row.month, row.member): row.subject for row in found}


def accounts_of(
    connection: Connection, ledger: bytes, months: Collection[str], member: str | None = None
) -> dict[tuple[str, str], Account]:
    """The accounts of some months by month and member: those of all, or of one member."""
    query = select(accounts).where(accounts.c.ledger == ledger, accounts.c.month.in_(months))
    if member is not None:
        query = query.where(accounts.c.member == member)
    return {(row.month, row.member): account_of_row(row) for row in connection.execute(query)}
