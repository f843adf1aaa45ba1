"""Reconciliation: what orders, payments and refunds add up to, per currency.

Sums are kept per currency, channel and shop, and move with each order: what it contributes now,
less what it contributed before.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    PrimaryKeyConstraint,
    Table,
    Text,
    select,
)

from ledger.values import subject_part
from projections.order_state import CANCELLED, REFUNDS_UNTOLD, VALUE_SCALE, OrderState
from projections.rows import Key, metadata

COUNTS = (
    "orders", "paid_orders", "refunded_orders", "fully_refunded_orders", "told_goods",
    "told_postage", "told_discount", "told_total", "told_lines", "told_pieces", "told_refunds",
)
SUMS = (
    "goods_minor", "postage_minor", "discount_minor", "total_minor", "paid_minor",
    "refunded_minor", "lines", "pieces_sold", "pieces_cancelled", "value",
)

order_sums = Table(
    "order_sums", metadata,
    Column("ledger", Key, nullable=False),
    Column("currency", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("shop", Key, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTS),
    *(Column(name, Text, nullable=False) for name in SUMS),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "currency", "channel", "shop", name="order_sums_pk"),
    sqlite_with_rowid=False,
)
"""Sums are whole numbers as text: they may pass 64 bits. `told_…` counts the orders that told."""

Place = tuple[str, str, str]
"""Currency, channel and shop, the last two as they stand in a subject."""

Contribution = tuple[int, ...]


def contribution(order: OrderState) -> Contribution:
    """What an order adds to the counts and sums, in their order."""
    paid = order.paid_at is not None
    refunded = order.refunded_minor
    total = order.total_minor
    goods, postage, discount = order.goods_minor, order.postage_minor, order.discount_minor
    if total is None and goods is not None and postage is not None and discount is not None:
        total = goods + postage - discount
    lines, pieces = order.lines, order.pieces
    return (
        1, int(paid), int(refunded > 0), int(paid and refunded >= order.paid_minor > 0),
        int(goods is not None), int(postage is not None), int(discount is not None),
        int(total is not None), int(lines is not None), int(pieces is not None),
        int(not order.marks & REFUNDS_UNTOLD),
        goods or 0, postage or 0, discount or 0, total or 0, order.paid_minor, refunded,
        lines or 0, pieces or 0, (pieces or 0) if order.marks & CANCELLED else 0,
        int(order.value or 0),
    )


class Held(NamedTuple):
    """The sums of one place: counts and sums in their order, and the last position in them."""

    figures: Contribution
    position: int


def held(row: Sequence[Any]) -> tuple[Place, Held]:
    """A row of the table in memory."""
    return (row[1], row[2], row[3]), Held(tuple(map(int, row[4:-1])), row[-1])


def moved(
    before: Held | None, minus: Iterable[Contribution], plus: Iterable[Contribution], position: int
) -> Held:
    """Sums after orders left with what they contributed before and came with what they do now."""
    figures = [sum(column) for column in zip(*plus, strict=True)]
    for column, gone in enumerate(map(sum, zip(*minus, strict=True))):
        figures[column] -= gone
    if before is None:
        return Held(tuple(figures), position)
    return Held(tuple(a + b for a, b in zip(before.figures, figures, strict=True)),
                max(before.position, position))


def row_of(ledger: str, place: Place, sums: Held) -> tuple[Any, ...]:
    """Sums as a row of the table."""
    counts, texts = sums.figures[: len(COUNTS)], map(str, sums.figures[len(COUNTS) :])
    return (ledger, *place, *counts, *texts, sums.position)


def places(
    connection: Connection, ledger: str, channel: str | None = None, shop: str | None = None
) -> list[tuple[str, str]]:
    """The channels and shops that have orders, as they stand in subjects, sorted."""
    rows = _rows(connection, ledger, channel, shop)
    return sorted({(row.channel, row.shop) for row in rows})


def _rows(
    connection: Connection, ledger: str, channel: str | None, shop: str | None
) -> Sequence[Any]:
    query = select(order_sums).where(order_sums.c.ledger == ledger)
    if channel is not None:
        query = query.where(order_sums.c.channel == subject_part(channel))
    if shop is not None:
        query = query.where(order_sums.c.shop == subject_part(shop))
    return connection.execute(query.order_by(order_sums.c.currency)).all()


def report(
    connection: Connection, ledger: str, *, channel: str | None = None, shop: str | None = None
) -> list[dict[str, Any]]:
    """One object per currency, sorted by it; [] where there are no orders.

    Units: `…_minor` in minor units of the currency, `value` in the currency. A figure that no
    order told is None; where only some told it, it is the sum of what was told.
    """
    by_currency: dict[str, list[Contribution]] = {}
    for row in _rows(connection, ledger, channel, shop):
        place, sums = held(row)
        by_currency.setdefault(place[0], []).append(sums.figures)
    names = COUNTS + SUMS
    return [
        _shown(currency, dict(zip(names, map(sum, zip(*figures, strict=True)), strict=True)))
        for currency, figures in by_currency.items()
    ]


def _shown(currency: str, f: Mapping[str, int]) -> dict[str, Any]:
    def told(name: str, by: str) -> int | None:
        return f[name] if f[by] else None

    return {
        "currency": currency,
        "orders": f["orders"],
        "unpaid_orders": f["orders"] - f["paid_orders"],
        "paid_orders": f["paid_orders"],
        "refunded_orders": told("refunded_orders", "told_refunds"),
        "fully_refunded_orders": told("fully_refunded_orders", "told_refunds"),
        "goods_minor": told("goods_minor", "told_goods"),
        "postage_minor": told("postage_minor", "told_postage"),
        "discount_minor": told("discount_minor", "told_discount"),
        "total_minor": told("total_minor", "told_total"),
        "paid_minor": f["paid_minor"],
        "refunded_minor": told("refunded_minor", "told_refunds"),
        "net_minor": f["paid_minor"] - f["refunded_minor"] if f["told_refunds"] else None,
        "lines": told("lines", "told_lines"),
        "pieces_sold": told("pieces_sold", "told_pieces"),
        "pieces_cancelled": told("pieces_cancelled", "told_pieces"),
        "pieces_written_off": None,
        "pieces_found": None,
        "value": decimal_text(f["value"]) if f["told_lines"] else None,
    }


def decimal_text(value: int) -> str:
    """A whole number of 10**-8 as an exact decimal, no zeros behind: 6781619004 -> 67.81619004."""
    whole, part = divmod(abs(value), 10**VALUE_SCALE)
    digits = f"{part:0{VALUE_SCALE}}".rstrip("0")
    return "-" * (value < 0) + str(whole) + (f".{digits}" if digits else "")
