"""What came in and went out in a period: payments, refunds and papers, each by its own time.

An order belongs to the period that it was placed in, a payment or refund to the one that it was
made in, and a paper (a declared return, a slip) to its own: so every coin and piece is in one
period, and periods that lie side by side add up to the whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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
    and_,
    or_,
    select,
)

from ledger.common.days import Days
from ledger.common.values import from_us, rfc3339
from ledger.orders.folding import total_of
from ledger.orders.state import bit_of
from projections.asking.answering import Reading
from projections.asking.by_subject import LAST, one_by_one, within
from projections.asking.periods import Period
from projections.orders.reconciliation import (
    COUNTS,
    SUMS,
    Figures,
    Place,
    figures_of,
)
from projections.orders.rows import orders
from projections.store.rows import Key, ledger_column, metadata

order_takings = Table(
    "order_takings", metadata,
    ledger_column(),
    Column("position", BigInteger, nullable=False),
    Column("subject", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "position", name="order_takings_pk"),
    Index("order_takings_at", "ledger", "at"),
    sqlite_with_rowid=False,
)
"""What each event adds to what was paid or refunded: see `folding.Taking`."""

order_papers = Table(
    "order_papers", metadata,
    ledger_column(),
    Column("position", BigInteger, nullable=False),
    Column("currency", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("shop", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("figures", Text, nullable=False),
    PrimaryKeyConstraint("ledger", "position", name="order_papers_pk"),
    Index("order_papers_at", "ledger", "at"),
    sqlite_with_rowid=False,
)
"""What each paper adds; `figures` are `Figures` as JSON, which may pass 64 bits."""

_PAID, _REFUNDED = (len(COUNTS) + SUMS.index(name) for name in ("paid_minor", "refunded_minor"))
_STATED = COUNTS.index("stated_refunds")
_UNSTATED = bit_of("refunds_unstated")
_figures = msgspec.json.Decoder(tuple[int, ...])
CHUNK = 1000


class Asked(NamedTuple):
    """Of which orders: `places` are (channel, shop) as they stand in subjects, None for all."""

    ledger: bytes
    period: Period
    places: Sequence[tuple[str, str]] | None = None

    def of_orders(self, column: Any) -> list[Any]:
        """The conditions that a subject is one of these orders."""
        if self.places is None:
            return []
        prefixes = [f"order:{channel}:{shop}:" for channel, shop in self.places]
        return [or_(*(column.between(prefix, prefix + LAST) for prefix in prefixes))]


class Taken(NamedTuple):
    """A payment or refund with what is known of its order; `position` is that of its event."""

    position: int
    currency: str
    subject: str
    owner: str | None
    marks: int
    at: int
    paid_minor: int
    refunded_minor: int


def placed(connection: Connection, asked: Asked) -> Iterator[Sequence[Row[Any]]]:
    """The orders that were placed in the period, as their rows, in parts."""
    if asked.places == []:
        return
    query = select(orders).where(
        orders.c.ledger == asked.ledger, *within(orders.c.placed_at, asked.period),
        *asked.of_orders(orders.c.subject)).execution_options(yield_per=CHUNK)
    yield from connection.execute(query).partitions()


def taken(connection: Connection, asked: Asked) -> Iterator[Taken]:
    """The payments and refunds that were made in the period, whenever their orders were placed."""
    if asked.places == []:
        return
    one = order_takings.c
    query = select(
        one.position, orders.c.currency, one.subject, orders.c.owner, orders.c.marks, one.at,
        one.paid_minor, one.refunded_minor,
    ).join(orders, and_(orders.c.ledger == one.ledger, orders.c.subject == one.subject)).where(
        one.ledger == asked.ledger, *within(one.at, asked.period), *asked.of_orders(one.subject))
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        yield Taken._make(row)


class Paper(NamedTuple):
    """What a paper adds, and where; `position` is that of its event."""

    position: int
    place: Place
    figures: Figures


def papers(connection: Connection, asked: Asked) -> Iterator[Paper]:
    """The papers of the period."""
    one = order_papers.c
    query = select(order_papers).where(one.ledger == asked.ledger, *within(one.at, asked.period))
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        if asked.places is None or (row.channel, row.shop) in asked.places:
            yield Paper(row.position, (row.currency, row.channel, row.shop),
                        _figures.decode(row.figures))


def by_currency(connection: Connection, asked: Asked) -> dict[str, Figures]:
    """What the orders, payments, refunds and papers of a period add up to, sorted by currency."""
    found: dict[str, Figures] = {}
    for rows in placed(connection, asked):
        for currency in {row.currency for row in rows}:
            figures = list(figures_of([row for row in rows if row.currency == currency]))
            figures[_PAID] = figures[_REFUNDED] = 0
            _add(found, currency, figures)
    for one in taken(connection, asked):
        figures = [0] * (len(COUNTS) + len(SUMS))
        figures[_PAID], figures[_REFUNDED] = one.paid_minor, one.refunded_minor
        figures[_STATED] = int(not one.marks & _UNSTATED)
        _add(found, one.currency, figures)
    for paper in papers(connection, asked):
        _add(found, paper.place[0], paper.figures)
    return dict(sorted(found.items()))


def _add(found: dict[str, Figures], currency: str, more: Iterable[int]) -> None:
    before = found.get(currency, (0,) * (len(COUNTS) + len(SUMS)))
    found[currency] = tuple(map(sum, zip(before, more, strict=True)))


def events(reading: Reading, asked: Asked) -> Iterator[dict[str, Any]]:
    """The events that make what was paid and refunded in a period, in the order that is asked for.

    Shapes: position (of the event), subject (its order), currency, owner (of the order now), at
    (when it counts), paid_minor, refunded_minor: what it adds, below 0 where a correction takes
    away.
    """
    if asked.places == []:
        return
    one = order_takings.c
    query = select(
        one.position, one.subject, orders.c.currency, orders.c.owner, one.at, one.paid_minor,
        one.refunded_minor,
    ).join(orders, and_(orders.c.ledger == one.ledger, orders.c.subject == one.subject)).where(
        one.ledger == asked.ledger, *within(one.at, asked.period), *asked.of_orders(one.subject))
    for row in one_by_one(reading, reading.in_order(
            query, {"at": one.at, "position": one.position})):
        yield {"position": row.position, "subject": row.subject, "currency": row.currency,
               "owner": row.owner, "at": rfc3339(from_us(row.at)), "paid_minor": row.paid_minor,
               "refunded_minor": row.refunded_minor}


# -- revenue --------------------------------------------------------------------------------------

SHOP, AGENT, DAY = WAYS = ("shop", "agent", "day")
"""What revenue is listed by."""


def belongs_to(way: str, of: tuple[str, str | None], at: int, days: Days) -> str:
    """What a figure belongs to, by its order and the owner of that: a shop as it stands in
    subjects, whoever owns the order now, or a day; empty where nobody owns the order."""
    subject, owner = of
    if way == SHOP:
        return ":".join(subject.split(":")[1:3])
    if way == AGENT:
        return owner or ""
    return days.day_of(from_us(at))


class _Revenue(msgspec.Struct):
    orders: int = 0
    total_minor: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0


def revenue(reading: Reading, asked: Asked, way: str) -> Iterator[dict[str, Any]]:
    """Orders by when they were placed, and what came in and went out by when it did.

    Shapes: currency, of (see `belongs_to`), orders, total_minor (of the orders that state one),
    paid_minor, refunded_minor, net_minor; sorted by the first two.
    """
    connection, days = reading.connection, reading.days
    found: dict[tuple[str, str], _Revenue] = {}
    for rows in placed(connection, asked):
        for row in rows:
            sums = found.setdefault(
                (row.currency, belongs_to(way, (row.subject, row.owner), row.placed_at, days)),
                _Revenue())
            sums.orders += 1
            sums.total_minor += total_of(row)
    for one in taken(connection, asked):
        key = one.currency, belongs_to(way, (one.subject, one.owner), one.at, days)
        sums = found.setdefault(key, _Revenue())
        sums.paid_minor += one.paid_minor
        sums.refunded_minor += one.refunded_minor
    for (currency, of), sums in sorted(found.items()):
        yield {"currency": currency, "of": of, **msgspec.structs.asdict(sums),
               "net_minor": sums.paid_minor - sums.refunded_minor}
