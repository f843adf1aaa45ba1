"""Reconciliation: what orders, payments and refunds add up to, per currency.

Sums are kept per currency, channel and shop, and move with each order: what it contributes now,
less what it contributed before. Papers (declared returns, slips) never change: each adds once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    PrimaryKeyConstraint,
    Table,
    Text,
    select,
)

from ledger.common.values import subject_part
from ledger.log.envelope import Outline
from ledger.orders.state import POWERS, VALUE_SCALE, OrderState, bit_of
from ledger.returns.case import Case
from ledger.stock.slips import FOUND, WRITE_OFF, Slip
from projections.store.rows import Key, ledger_column, metadata

COUNTS = (
    "orders", "paid_orders", "refunded_orders", "fully_refunded_orders", "stated_goods",
    "stated_postage", "stated_discount", "stated_total", "stated_lines", "stated_pieces",
    "stated_refunds", "slips",
)
SUMS = (
    "goods_minor", "postage_minor", "discount_minor", "total_minor", "paid_minor",
    "refunded_minor", "lines", "pieces_sold", "pieces_cancelled", "value", "pieces_written_off",
    "pieces_found",
)

order_sums = Table(
    "order_sums", metadata,
    ledger_column(),
    Column("currency", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("shop", Key, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTS),
    *(Column(name, Text, nullable=False) for name in SUMS),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "currency", "channel", "shop", name="order_sums_pk"),
    sqlite_with_rowid=False,
)
"""Sums are whole numbers as text: they may pass 64 bits. `told_…` counts the orders that
state a figure."""

Place = tuple[str, str, str]
"""Currency, channel and shop, the last two as they stand in a subject."""

Figures = tuple[int, ...]
"""The counts and sums in their order."""

OrderRow = Sequence[Any]
"""An order as a row: the fields of `OrderState` in their order."""

RETURNED, _ = PAPERS = (Case.Declared.TOPIC, Slip.Recorded.TOPIC)
"""The events of papers."""

SLIPS = {WRITE_OFF: "pieces_written_off", FOUND: "pieces_found"}
"""Which sum a kind of slip moves."""

_SUMMED = ("goods_minor", "postage_minor", "discount_minor", "total_minor", "paid_minor",
           "refunded_minor", "lines", "pieces")
_OPTIONAL = ("goods_minor", "postage_minor", "discount_minor", "total_minor", "lines", "pieces",
             "paid_at")
_REFUNDS_UNSTATED, _CANCELLED = bit_of("refunds_unstated"), bit_of("cancelled")
_AT = {field.name: at for at, field in enumerate(msgspec.structs.fields(OrderState))}


class Held(NamedTuple):
    """What is known of one place: its figures and the last position in them."""

    figures: Figures
    position: int


def by_place(rows: Iterable[OrderRow]) -> dict[Place, list[OrderRow]]:
    """Rows of orders by the place whose sums they move."""
    found: dict[tuple[str, str], list[OrderRow]] = defaultdict(list)
    currency, subject = _AT["currency"], _AT["subject"]
    for row in rows:
        found[row[currency], row[subject].rpartition(":")[0]].append(row)
    places: dict[Place, list[OrderRow]] = {}
    for (money, prefix), of_place in found.items():
        _, channel, shop = prefix.split(":")
        places[money, channel, shop] = of_place
    return places


def figures_of(rows: Sequence[OrderRow]) -> Figures:
    """What orders add up to: column by column, in a third of the time that row by row takes."""
    if not rows:
        return (0,) * (len(COUNTS) + len(SUMS))
    of = dict(zip(_AT, zip(*rows, strict=True), strict=True))
    known = {name: len(rows) - of[name].count(None) for name in _OPTIONAL}
    sums = {name: sum(filter(None, of[name])) for name in _SUMMED}
    derived = [goods + postage - less + (tax or 0) for total, goods, postage, less, tax in zip(
        of["total_minor"], of["goods_minor"], of["postage_minor"], of["discount_minor"],
        of["tax_minor"], strict=True) if total is None and None not in (goods, postage, less)]
    refunds = [(at is not None and refunded >= paid > 0) for at, paid, refunded in zip(
        of["paid_at"], of["paid_minor"], of["refunded_minor"], strict=True) if refunded > 0]
    silent = sum(1 for marks in of["marks"] if marks & _REFUNDS_UNSTATED)
    cancelled = [pieces or 0 for pieces, marks in zip(of["pieces"], of["marks"], strict=True)
                 if marks & _CANCELLED]
    # What costs nothing is paid by its placing.
    free = sum(1 for at, total, goods, postage, discount, tax in zip(
        of["paid_at"], of["total_minor"], of["goods_minor"], of["postage_minor"],
        of["discount_minor"], of["tax_minor"], strict=True) if at is None and (
            total == 0 or (total is None and goods is not None and postage is not None
                           and discount is not None
                           and goods + postage + (tax or 0) == discount)))
    return (
        len(rows), known["paid_at"] + free, len(refunds), sum(refunds), known["goods_minor"],
        known["postage_minor"], known["discount_minor"], known["total_minor"] + len(derived),
        known["lines"], known["pieces"], len(rows) - silent, 0,
        sums["goods_minor"], sums["postage_minor"], sums["discount_minor"],
        sums["total_minor"] + sum(derived), sums["paid_minor"], sums["refunded_minor"],
        sums["lines"], sums["pieces"], sum(cancelled), sum(map(int, filter(None, of["value"]))),
        0, 0,
    )


def paper_of(entry: Outline, event: Any) -> tuple[Place, Held]:
    """What a declared return or a slip adds, and where."""
    _, channel, shop, _ = entry.stream.split(":")
    pieces = sum(line.quantity for line in event.lines)
    adds = {"lines": len(event.lines), "stated_lines": 1, "stated_pieces": 1}
    if entry.type == RETURNED:
        adds |= {"pieces_cancelled": pieces, "value": -sum(
            line.quantity * line.unit_price * POWERS[line.unit_price_scale]
            for line in event.lines)}
    else:
        adds |= {"slips": 1, SLIPS[event.kind]: pieces}
    figures = tuple(adds.get(name, 0) for name in (*COUNTS, *SUMS))
    return (event.currency, channel, shop), Held(figures, entry.position)


def added(before: Held | None, more: Held) -> Held:
    """Sums with those of papers."""
    if before is None:
        return more
    return Held(tuple(map(sum, zip(before.figures, more.figures, strict=True))),
                max(before.position, more.position))


def held(row: Sequence[Any]) -> tuple[Place, Held]:
    """A row of the table in memory."""
    return (row[1], row[2], row[3]), Held(tuple(map(int, row[4:-1])), row[-1])


def moved(before: Held | None, gone: Sequence[OrderRow], come: Sequence[OrderRow]) -> Held:
    """The sums of a place after orders changed from the rows `gone` to the rows `come`."""
    was = Held(figures_of(()), 0) if before is None else before
    figures = zip(was.figures, figures_of(gone), figures_of(come), strict=True)
    last = max(row[_AT["position"]] for row in come)
    return Held(tuple(old - minus + plus for old, minus, plus in figures), max(was.position, last))


def row_of(ledger: bytes, place: Place, sums: Held) -> tuple[Any, ...]:
    """Sums as a row of the table."""
    counts, texts = sums.figures[: len(COUNTS)], map(str, sums.figures[len(COUNTS) :])
    return (ledger, *place, *counts, *texts, sums.position)


def places(
    connection: Connection, ledger: bytes, channel: str | None = None, shop: str | None = None
) -> list[tuple[str, str]]:
    """The channels and shops that have orders, as they stand in subjects, sorted."""
    rows = _rows(connection, ledger, channel, shop)
    return sorted({(row.channel, row.shop) for row in rows})


def _rows(
    connection: Connection, ledger: bytes, channel: str | None, shop: str | None
) -> Sequence[Any]:
    query = select(order_sums).where(order_sums.c.ledger == ledger)
    if channel is not None:
        query = query.where(order_sums.c.channel == subject_part(channel))
    if shop is not None:
        query = query.where(order_sums.c.shop == subject_part(shop))
    return connection.execute(query.order_by(order_sums.c.currency)).all()


def report(
    connection: Connection, ledger: bytes, *, channel: str | None = None, shop: str | None = None
) -> list[dict[str, Any]]:
    """One object per currency, sorted by it; [] where there are no orders.

    Units: `…_minor` in minor units of the currency, `value` in the currency. A figure that no
    order states is None; where only some state it, it is the sum of those.
    """
    by_currency: dict[str, list[Figures]] = {}
    for row in _rows(connection, ledger, channel, shop):
        place, sums = held(row)
        by_currency.setdefault(place[0], []).append(sums.figures)
    return [shown(currency, tuple(map(sum, zip(*figures, strict=True))))
            for currency, figures in by_currency.items()]


def shown(currency: str, figures: Figures) -> dict[str, Any]:
    """Figures as reports show them."""
    f = dict(zip(COUNTS + SUMS, figures, strict=True))

    def stated(name: str, by: str) -> int | None:
        return f[name] if f[by] else None

    return {
        "currency": currency,
        "orders": f["orders"],
        "unpaid_orders": f["orders"] - f["paid_orders"],
        "paid_orders": f["paid_orders"],
        "refunded_orders": stated("refunded_orders", "stated_refunds"),
        "fully_refunded_orders": stated("fully_refunded_orders", "stated_refunds"),
        "goods_minor": stated("goods_minor", "stated_goods"),
        "postage_minor": stated("postage_minor", "stated_postage"),
        "discount_minor": stated("discount_minor", "stated_discount"),
        "total_minor": stated("total_minor", "stated_total"),
        "paid_minor": f["paid_minor"],
        "refunded_minor": stated("refunded_minor", "stated_refunds"),
        "net_minor": f["paid_minor"] - f["refunded_minor"] if f["stated_refunds"] else None,
        "lines": stated("lines", "stated_lines"),
        "pieces_sold": stated("pieces_sold", "stated_pieces"),
        "pieces_cancelled": stated("pieces_cancelled", "stated_pieces"),
        "pieces_written_off": stated("pieces_written_off", "slips"),
        "pieces_found": stated("pieces_found", "slips"),
        "value": decimal_text(f["value"]) if f["stated_lines"] else None,
    }


def decimal_text(value: int) -> str:
    """A whole number of 10**-8 as an exact decimal without trailing zeros: 6781619004 gives
    67.81619004."""
    whole, part = divmod(abs(value), 10**VALUE_SCALE)
    digits = f"{part:0{VALUE_SCALE}}".rstrip("0")
    return "-" * (value < 0) + str(whole) + (f".{digits}" if digits else "")
