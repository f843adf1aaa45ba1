"""Reports on stock: levels as of any moment, bins, the stock card, the ledger of a period, notices.

The past of a level is the sum of its deltas that a cut takes: exact at any pair of clocks.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

from sqlalchemy import Connection, Select, false, func, select

from ledger.common.days import Days
from ledger.common.decoding import any_json
from ledger.common.values import from_us, rfc3339, to_us
from ledger.core.accounts import touch_of
from ledger.log.envelope import Entry
from ledger.stock.pieces import PIECE
from ledger.stock.places import (
    AVAILABLE,
    BETWEEN_WAREHOUSES,
    CORRECTION,
    COUNTED,
    INSIDE,
    ON_HAND,
    PHYSICAL,
    SHELF,
    WAITING,
    stock_of,
)
from projections.asking.answering import KnownByRows, Past, Reading, Report, report
from projections.asking.by_subject import in_chunks, within
from projections.asking.entries import entries_at
from projections.asking.periods import Period
from projections.asking.questions import SubjectNeeded
from projections.stock.answers import (
    MOVEMENT_KNOWN_LATER,
    BinRow,
    DiscrepancyRow,
    InventoryRow,
    LowStockRow,
    StockCardRow,
    StockLedgerRow,
)
from projections.stock.inventory import Stock
from projections.stock.tables import FLOWS, LEVELS, LOW, deltas
from projections.store.rows import Rows

SUMS = ", ".join(f"SUM({level})" for level in LEVELS)


class _Of(NamedTuple):
    """Which items are asked for, as a condition on rows and its values."""

    where: str
    values: tuple[Any, ...]


def _named(subject: str) -> dict[str, str] | None:
    """The SKU, or the warehouse and the SKU, of a subject `sku:…` or `stock:…`; None of another."""
    kind, *parts = subject.split(":")
    names = {("sku", 1): ("sku",), ("stock", 2): ("warehouse", "sku")}.get((kind, len(parts)))
    return None if names is None else dict(zip(names, map(unquote, parts), strict=True))


def _of(ledger: bytes, subject: str | None) -> _Of:
    """The items of a subject `sku:…` or `stock:…`; all where none is named, none of another kind.
    """
    named = {} if subject is None else _named(subject)
    if named is None:
        return _Of("1 = 0", ())
    return _Of(" AND ".join(f"{name} = ?" for name in ("ledger", *named)),
               (ledger, *named.values()))


def _has_levels(connection: Connection, ledger: bytes, subject: str) -> bool:
    of = _of(ledger, subject)
    return bool(Rows(connection).select(
        f"SELECT 1 FROM stock_levels WHERE {of.where} LIMIT 1", of.values))


has_stock = KnownByRows(Stock, _has_levels)
"""Whether a subject has, or had, stock, or the cut is closed."""


def _asked(reading: Reading) -> _Of:
    """The items that are asked for."""
    return _of(reading.id, reading.question.subject)


def _taken(reading: Reading) -> _Of:
    """Of those, the deltas that the cut takes."""
    of, cut = _asked(reading), reading.cut
    where, values = f"{of.where} AND position <= ?", (*of.values, cut.position)
    if cut.occurred_us is None:
        return _Of(where, values)
    return _Of(f"{where} AND occurred_at <= ?", (*values, cut.occurred_us))


def _select(reading: Reading, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return Rows(reading.connection).select(statement, values)


def _units(reading: Reading) -> dict[str, str]:
    """What the SKUs that are asked for are counted in, as far as that is not pieces.

    A unit never changes. Whichever business time is asked about, it is the one that was recorded by
    the cut's position.
    """
    subject = reading.question.subject
    sku = None if subject is None else unquote(subject.rpartition(":")[2])
    found = _select(
        reading, "SELECT sku, unit FROM sku_units WHERE ledger = ? AND position <= ?"
        f" {'' if sku is None else 'AND sku = ?'}",
        (reading.id, reading.cut.position, *(() if sku is None else (sku,))))
    return {str(name): str(unit) for name, unit in found}


# -- levels ---------------------------------------------------------------------------------------


@report(Stock, Past.ROWS, name="inventory", knows=has_stock, row=InventoryRow)
def inventory(reading: Reading) -> Iterator[dict[str, Any]]:
    """Pieces of every SKU in every warehouse, sorted by SKU and warehouse.

    Shapes: sku, warehouse, unit (of all quantities), receiving, available, reserved, picked,
    packed, returns_inspection, quarantine, damaged, on_hand (all of them but receiving),
    between_warehouses (what it sent to others that did not arrive yet), waiting (what orders wait
    for), discrepancy (what is below zero in physical places). Errors: NothingRecorded (R-PRJ-07),
    PositionBeyondHead (R-PRJ-05).
    """
    if reading.now:
        where, values = _asked(reading)
        table, columns, grouped = "stock_levels", ", ".join(LEVELS), ""
    else:
        where, values = _taken(reading)
        table, columns, grouped = "stock_deltas", SUMS, "GROUP BY sku, warehouse"
    for unit, sku, warehouse, *levels in _select(
            reading, f"SELECT unit, found.* FROM (SELECT sku, warehouse, {columns} FROM {table}"
            f" WHERE {where} {grouped}) found LEFT JOIN sku_units ON sku_units.ledger = ?"
            " AND sku_units.sku = found.sku AND sku_units.position <= ?"
            " ORDER BY found.sku, warehouse", (*values, reading.id, reading.cut.position)):
        places = dict(zip(LEVELS, map(int, levels), strict=True))
        yield {"sku": sku, "warehouse": warehouse, "unit": unit or PIECE, **_level(places)}


def _level(places: dict[str, int]) -> dict[str, int]:
    return {
        **{place: places[place] for place in INSIDE},
        "on_hand": sum(places[place] for place in ON_HAND),
        BETWEEN_WAREHOUSES: places[BETWEEN_WAREHOUSES],
        WAITING: places[WAITING],
        "discrepancy": -sum(min(0, places[place]) for place in PHYSICAL),
    }


@report(Stock, Past.ROWS, name="bins", knows=has_stock, row=BinRow)
def bins(reading: Reading) -> Iterator[dict[str, Any]]:
    """Pieces by place and bin, as who counts finds them: what is reserved lies on the shelf.

    Shapes: sku, warehouse, unit, place, bin ("" where it is not known), quantity.
    """
    if reading.now:
        where, values = _asked(reading)
        in_bins, in_places = "SELECT sku, warehouse, bin, quantity FROM stock_bins", "stock_levels"
        sums, grouped = ", ".join(INSIDE), ""
    else:
        where, values = _taken(reading)
        in_bins, in_places = ("SELECT sku, warehouse, bin, SUM(quantity) FROM stock_bin_deltas",
                              "stock_deltas")
        sums = ", ".join(f"SUM({place})" for place in INSIDE)
        grouped = "GROUP BY sku, warehouse"
    found: list[tuple[str, str, str, str, int]] = [
        (sku, warehouse, SHELF, name, int(quantity)) for sku, warehouse, name, quantity in _select(
            reading, f"{in_bins} WHERE {where} {grouped and grouped + ', bin'}", values)]
    for sku, warehouse, *levels in _select(
            reading, f"SELECT sku, warehouse, {sums} FROM {in_places} WHERE {where} {grouped}",
            values):
        found += [(sku, warehouse, place, "", int(level))
                  for place, level in zip(INSIDE, levels, strict=True)
                  if place not in COUNTED[SHELF]]
    units = _units(reading)
    for sku, warehouse, place, name, quantity in sorted(found):
        if quantity:
            yield {"sku": sku, "warehouse": warehouse, "unit": units.get(sku, PIECE),
                   "place": place, "bin": name, "quantity": quantity}


# -- movements ------------------------------------------------------------------------------------


@report(Stock, Past.ROWS, name="stock-ledger", knows=has_stock, row=StockLedgerRow)
def stock_ledger(reading: Reading) -> Iterator[dict[str, Any]]:
    """What was on hand, came in, went out in a period, and what lay between warehouses, by SKU and
    warehouse.

    Shapes: sku, warehouse, unit, opening, received, issued, closing on hand; opening + received
    - issued = closing. between_opening, sent, arrived, lost, between_closing: what it sent to other
    warehouses and had not arrived there; between_opening + sent - arrived - lost = between_closing.
    Errors: R-PRJ-03, R-PRJ-05, R-PRJ-07, R-PRJ-12.
    """
    period, (where, values) = reading.period(), _taken(reading)
    if period.last is not None:
        where, values = f"{where} AND occurred_at <= ?", (*values, period.last)
    first = -2**62 if period.first is None else period.first
    before = ("received - issued", "sent - arrived - lost")
    sums = [*(f"SUM(CASE WHEN occurred_at < ? THEN {flow} ELSE 0 END)" for flow in before),
            *(f"SUM(CASE WHEN occurred_at >= ? THEN {flow} ELSE 0 END)" for flow in FLOWS)]
    listed = _select(
        reading, f"SELECT sku, warehouse, {', '.join(sums)} FROM stock_deltas WHERE "
        f"{where} GROUP BY sku, warehouse ORDER BY sku, warehouse",
        (*[first] * len(sums), *values))
    units = _units(reading)
    for sku, warehouse, *found in listed:
        opening, between, received, issued, sent, arrived, lost = map(int, found)
        yield {"sku": sku, "warehouse": warehouse, "unit": units.get(sku, PIECE),
               "opening": opening, "received": received, "issued": issued,
               "closing": opening + received - issued,
               "between_opening": between, "sent": sent, "arrived": arrived, "lost": lost,
               "between_closing": between + sent - arrived - lost}


@report(Stock, Past.ROWS, name="stock-card", knows=has_stock, row=StockCardRow, in_pages=True)
def stock_card(reading: Reading) -> Iterator[dict[str, Any]]:
    """What every document posted of a SKU, with running balances by business time and position.

    Shapes: position, warehouse, unit, occurred_at (when it counts), recorded_at, late, document
    (its subject), type, causes, paper, reason, actor, received, issued, on_hand, available. Errors:
    SubjectNeeded (R-PRJ-10), as `stock_ledger`.
    """
    if reading.question.subject is None:
        raise SubjectNeeded(example="sku:SH-001")
    query = _posted(reading, reading.period())
    unit = next(iter(_units(reading).values()), PIECE)
    sku = unquote(reading.question.subject.rpartition(":")[2])
    for rows in in_chunks(reading, query):
        entries = {entry.position: entry for entry in entries_at(
            reading.models.store, reading.ledger, sorted({row.position for row in rows}))}
        for row in rows:
            yield {"position": row.position, "warehouse": row.warehouse, "unit": unit,
                   "occurred_at": rfc3339(from_us(row.occurred_at)),
                   **_document(entries[row.position], stock_of(row.warehouse, sku),
                               row.occurred_at, days=reading.days),
                   "received": row.received, "issued": row.issued, "on_hand": int(row.on_hand),
                   "available": int(row.available)}


def _posted(reading: Reading, period: Period) -> Select[Any]:
    """What was posted of an item in a period, with the balances after it. The database adds them up
    over all that was posted before, and hands over only the rows that are wanted."""
    one, cut, asked = deltas.c, reading.cut, reading.question
    named = _named(asked.subject or "")
    where: list[Any] = [false()] if named is None else [
        one[name] == value for name, value in named.items()]
    if cut.occurred_us is not None:
        where.append(one.occurred_at <= cut.occurred_us)
    if asked.warehouse is not None:
        where.append(one.warehouse == asked.warehouse)

    def balance(change: Any) -> Any:
        return func.sum(change).over(
            partition_by=one.warehouse, order_by=(one.occurred_at, one.position))

    each = select(
        one.warehouse, one.position, one.occurred_at, one.received, one.issued,
        balance(one.received - one.issued).label("on_hand"),
        balance(one[AVAILABLE]).label("available"),
    ).where(one.ledger == reading.id, one.position <= cut.position, *where).subquery()
    return reading.in_order(select(each).where(*within(each.c.occurred_at, period)),
                            dict(each.c.items()))


def _document(entry: Entry, account: str, at: int, *, days: Days) -> dict[str, Any]:
    """What a document did to an account at a time. Shapes: as in `stock_card`."""
    touch = touch_of(entry)
    causes = {one.cause for one in touch.postings if one.account == account
              and (at if one.at is None else to_us(one.at)) == at}
    causes |= {CORRECTION if seen.withdrawn else "count" for seen in touch.observations
               if seen.account == account and to_us(seen.at) == at}
    payload = any_json(entry.payload)
    reason = payload.get("reason")
    recorded = from_us(entry.recorded_at)
    return {"recorded_at": rfc3339(recorded), "late": days.is_late(from_us(at), recorded),
            "document": entry.stream, "type": entry.type, "causes": sorted(causes),
            "paper": payload.get("document"),
            "reason": reason if isinstance(reason, str) else None, "actor": entry.actor}


# -- notices --------------------------------------------------------------------------------------


@report(Stock, Past.REPLAY, name="low-stock", knows=has_stock, row=LowStockRow)
def low_stock(reading: Reading) -> Iterator[dict[str, Any]]:
    """Notices of low stock, open and closed: one at a time for a SKU in a warehouse.

    Shapes: sku, warehouse, unit, threshold, available (now), lowest, open, opened_at,
    opened_position, closed_at, closed_position.
    """
    return _notices(reading, low=True)


@report(Stock, Past.REPLAY, name="discrepancies", knows=has_stock, row=DiscrepancyRow)
def discrepancies(reading: Reading) -> Iterator[dict[str, Any]]:
    """Physical places that declared facts left below zero, open and closed.

    Shapes: sku, warehouse, unit, place, bin (where it is one of the shelf), level (now), lowest,
    open, opened_at, opened_position, document (the one that opened it), closed_at,
    closed_position, rests_on: movement_known_later where what was recorded since makes the level
    at `opened_at` another one. Rule: R-MON-28.
    """
    return ({**row, "rests_on": _later(reading, row)} for row in _notices(reading, low=False))


def _later(reading: Reading, row: dict[str, Any]) -> list[str]:
    """Whether movements that were recorded after a notice was opened, and happened before, change
    the level at which it was. What a count posted back in between cancels them."""
    in_bin = row["bin"] and "AND bin = ?"
    table, level = ("stock_bin_deltas", "quantity") if in_bin else ("stock_deltas", row["place"])
    ((change,),) = _select(
        reading, f"SELECT COALESCE(SUM({level}), 0) FROM {table} WHERE ledger = ? AND sku = ?"
        f" AND warehouse = ? {in_bin} AND position > ? AND occurred_at <= ?",
        (reading.id, row["sku"], row["warehouse"], *([row["bin"]] if in_bin else []),
         row["opened_position"], to_us(datetime.fromisoformat(row["opened_at"]))))
    return [MOVEMENT_KNOWN_LATER] if int(change) else []


def _notices(reading: Reading, *, low: bool) -> Iterator[dict[str, Any]]:
    of = _asked(reading)
    noticed = f"{of.where} AND sku IN (SELECT sku FROM stock_notices WHERE {of.where})"
    now = {(row[0], row[1]): dict(zip(LEVELS, row[2:], strict=True)) for row in _select(
        reading, f"SELECT sku, warehouse, {', '.join(LEVELS)} FROM stock_levels WHERE {noticed}",
        of.values * 2)}
    lying = {tuple(key): int(quantity) for *key, quantity in _select(
        reading, f"SELECT sku, warehouse, bin, quantity FROM stock_bins WHERE {noticed}",
        of.values * 2)}
    listed = _select(
        reading, "SELECT sku, warehouse, place, bin, threshold, lowest, opened_at, opened_position,"
        f" document, closed_at, closed_position FROM stock_notices WHERE {of.where} AND place"
        f" {'=' if low else '<>'} ?", (*of.values, LOW))
    units = _units(reading)
    for sku, warehouse, place, name, threshold, lowest, at, position, *more in listed:
        document, shut_at, shut = more
        levels = now[sku, warehouse]
        what = {"threshold": threshold, "available": levels[AVAILABLE]} if low else {
            "place": place, "bin": name,
            "level": lying[sku, warehouse, name] if name else levels[place]}
        yield {"sku": sku, "warehouse": warehouse, "unit": units.get(sku, PIECE), **what,
               "lowest": lowest, "open": shut is None, "opened_at": rfc3339(from_us(at)),
               "opened_position": position, "document": document,
               "closed_at": None if shut_at is None else rfc3339(from_us(shut_at)),
               "closed_position": shut}


REPORTS: dict[str, Report] = {
    "inventory": inventory,
    "bins": bins,
    "stock-ledger": stock_ledger,
    "stock-card": stock_card,
    "low-stock": low_stock,
    "discrepancies": discrepancies,
}
