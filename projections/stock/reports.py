"""Reports on stock: levels as of any moment, bins, the stock card, the ledger of a period, notices.

The past of a level is the sum of its deltas that a cut takes: exact at any pair of clocks.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

from ledger.common.days import SHOP_ZONE
from ledger.common.errors import Invalid
from ledger.common.values import from_us, rfc3339
from ledger.log.store import Store
from ledger.stock.item import PHYSICAL
from ledger.stock.places import AVAILABLE, INSIDE, ON_HAND
from projections.asking.clocks import Cut, end_of_day, header, moment
from projections.asking.entries import entries_at
from projections.asking.past import NothingRecorded, past
from projections.asking.questions import Answer, Question, SubjectNeeded, noted
from projections.stock.inventory import LOW, PLACES, Stock
from projections.store.models import ReadModels
from projections.store.rows import Rows

SUMS = ", ".join(f"SUM({place})" for place in PLACES)


class PeriodReversed(Invalid):
    """The period ends on {until}, before it begins on {since}."""

    code = "period_reversed"
    rule = "R-PRJ-12"


class _Of(NamedTuple):
    """Which items are asked for, as a condition on rows and its values."""

    where: str
    values: tuple[Any, ...]


def _of(ledger: str, question: Question) -> _Of:
    """The items of a subject `sku:…` or `stock:…`; all where none is named.

    Errors: NothingRecorded (R-PRJ-07).
    """
    if question.subject is None:
        return _Of("ledger = ?", (ledger,))
    kind, *parts = question.subject.split(":")
    names = tuple(map(unquote, parts))
    found = {("sku", 1): "sku = ?", ("stock", 2): "warehouse = ? AND sku = ?"}.get(
        (kind, len(parts)))
    if found is None:
        raise NothingRecorded(ledger=ledger, subject=question.subject)
    return _Of(f"ledger = ? AND {found}", (ledger, *names))


def _known(models: ReadModels, ledger: str, question: Question, rows: list[Any]) -> list[Any]:
    """Rows; if there are none, the subject must be one that has stock all the same.

    Errors: NothingRecorded (R-PRJ-07).
    """
    if question.subject is None or rows:
        return rows
    of = _of(ledger, question)
    with models.reading(ledger, Stock.name) as (connection, _):
        if Rows(connection).select(
                f"SELECT 1 FROM stock_levels WHERE {of.where} LIMIT 1", of.values):
            return rows
    raise NothingRecorded(ledger=ledger, subject=question.subject)


def _by_sums(
    models: ReadModels, ledger: str, question: Question, make: Callable[[Rows, Cut], Iterable[Any]]
) -> Answer:
    """An answer out of the deltas, which hold every past."""
    cut = None if question.as_of.now else question.as_of.resolve(models.store, ledger)
    with models.reading(ledger, Stock.name) as (connection, known):
        cut = cut or Cut(known.position)
        rows = list(make(Rows(connection), cut))
    rows = _known(models, ledger, question, rows)
    return noted(Answer(header(models.store, ledger, question.as_of, cut), rows), question)


def _by_replay(
    models: ReadModels, ledger: str, question: Question, make: Callable[[Rows], Iterable[Any]]
) -> Answer:
    """An answer out of the rows of the present, or of a replay."""
    if question.as_of.now:
        with models.reading(ledger, Stock.name) as (connection, known):
            cut, rows = Cut(known.position), list(make(Rows(connection)))
    else:
        cut = question.as_of.resolve(models.store, ledger)
        with past(models.store, ledger, cut, Stock()) as connection:
            rows = list(make(Rows(connection)))
    rows = _known(models, ledger, question, rows)
    return noted(Answer(header(models.store, ledger, question.as_of, cut), rows), question)


def _select(rows: Rows, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows.select(statement, values)]


def _until(of: _Of, cut: Cut) -> _Of:
    """Only the deltas that a cut takes."""
    where, values = f"{of.where} AND position <= ?", (*of.values, cut.position)
    if cut.occurred_us is None:
        return _Of(where, values)
    return _Of(f"{where} AND occurred_at <= ?", (*values, cut.occurred_us))


# -- levels ---------------------------------------------------------------------------------------


def inventory(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Pieces of every SKU in every warehouse, sorted by SKU and warehouse.

    Shapes: sku, warehouse, receiving, available, reserved, packed, returns_inspection, quarantine,
    damaged, on_hand (all of them but receiving), discrepancy (pieces below nought in physical
    places). Errors: NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05).
    """
    of = _of(ledger, question)

    def rows(found: Rows, cut: Cut) -> Iterable[Any]:
        if question.as_of.now:
            query = f"SELECT sku, warehouse, {', '.join(PLACES)} FROM stock_levels WHERE {of.where}"
            listed = _select(found, f"{query} ORDER BY sku, warehouse", of.values)
        else:
            taken = _until(of, cut)
            listed = _select(found,
                f"SELECT sku, warehouse, {SUMS} FROM stock_deltas WHERE {taken.where}"
                " GROUP BY sku, warehouse ORDER BY sku, warehouse", taken.values)
        return (_level(row[0], row[1], dict(zip(PLACES, map(int, row[2:]), strict=True)))
                for row in listed)

    return _by_sums(models, ledger, question, rows)


def _level(sku: str, warehouse: str, places: dict[str, int]) -> dict[str, Any]:
    return {
        "sku": sku, "warehouse": warehouse, **{place: places[place] for place in INSIDE},
        "on_hand": sum(places[place] for place in ON_HAND),
        "discrepancy": -sum(min(0, places[place]) for place in PHYSICAL),
    }


def bins(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Pieces by bin: sku, warehouse, state, bin, quantity. What lies in no bin that was told has
    the bin "": of `available` it counts below nought what is reserved and not picked yet."""
    of = _of(ledger, question)

    return _by_replay(models, ledger, question, lambda found: _bins(found, of))


def _bins(rows: Rows, of: _Of) -> Iterator[dict[str, Any]]:
    named: dict[tuple[str, str, str], dict[str, int]] = {}
    for *key, name, quantity in _select(
            rows, "SELECT sku, warehouse, state, bin, quantity FROM stock_bins"
            f" WHERE {of.where} ORDER BY sku, warehouse, state, bin", of.values):
        named.setdefault((key[0], key[1], key[2]), {})[name] = quantity
    for sku, warehouse, *places in _select(
            rows, f"SELECT sku, warehouse, {', '.join(INSIDE)} FROM stock_levels WHERE {of.where}"
            " ORDER BY sku, warehouse", of.values):
        for state, level in zip(INSIDE, places, strict=True):
            lying = named.get((sku, warehouse, state), {})
            listed = {"": level - sum(lying.values()), **lying}
            yield from ({"sku": sku, "warehouse": warehouse, "state": state, "bin": name,
                         "quantity": quantity} for name, quantity in listed.items() if quantity)


# -- movements ------------------------------------------------------------------------------------


class _Period(NamedTuple):
    """From when to when, in microseconds; None where it is open."""

    first: int | None
    last: int | None


def _period(question: Question) -> _Period:
    """Errors: BadTime (R-PRJ-03), PeriodReversed (R-PRJ-12)."""
    first = last = None
    if question.since is not None:
        moment("from", question.since)
        day = date.fromisoformat(question.since[:10]) - timedelta(days=1)
        first = moment("from", end_of_day(day, ZoneInfo(SHOP_ZONE)).isoformat()).at_us + 1
    if question.until is not None:
        last = moment("to", question.until).at_us
    if first is not None and last is not None and last < first:
        raise PeriodReversed(since=question.since, until=question.until)
    return _Period(first, last)


def _said(answer: Answer, question: Question) -> Answer:
    if question.since is not None or question.until is not None:
        answer.as_of["notes"].append(
            f"from {question.since or 'the first event'} to {question.until or 'now'}, both days "
            f"included, in {SHOP_ZONE}")
    return answer


def stock_ledger(models: ReadModels, ledger: str, question: Question) -> Answer:
    """What was on hand, came in, went out in a period, by SKU and warehouse.

    Shapes: sku, warehouse, opening, received, issued, closing in pieces on hand; opening + received
    - issued = closing. Errors: R-PRJ-03, R-PRJ-05, R-PRJ-07, R-PRJ-12.
    """
    of, period = _of(ledger, question), _period(question)

    def rows(found: Rows, cut: Cut) -> Iterable[Any]:
        taken = _until(of, cut)
        where, values = taken
        if period.last is not None:
            where, values = f"{where} AND occurred_at <= ?", (*values, period.last)
        first = -2**62 if period.first is None else period.first
        listed = _select(found,
            "SELECT sku, warehouse, SUM(CASE WHEN occurred_at < ? THEN received - issued ELSE 0 "
            "END), SUM(CASE WHEN occurred_at >= ? THEN received ELSE 0 END), SUM(CASE WHEN "
            "occurred_at >= ? THEN issued ELSE 0 END) FROM stock_deltas WHERE "
            f"{where} GROUP BY sku, warehouse ORDER BY sku, warehouse",
            (first, first, first, *values))
        for sku, warehouse, *sums in listed:
            opening, received, issued = map(int, sums)
            yield {"sku": sku, "warehouse": warehouse, "opening": opening, "received": received,
                   "issued": issued, "closing": opening + received - issued}

    return _said(_by_sums(models, ledger, question, rows), question)


def stock_card(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Every movement of a SKU, by business time and position, with running balances.

    Shapes: position, warehouse, occurred_at, recorded_at, causes, document, reason, actor,
    received, issued, on_hand, available. Errors: SubjectNeeded (R-PRJ-10), as `stock_ledger`.
    """
    if question.subject is None:
        raise SubjectNeeded
    of, period = _of(ledger, question), _period(question)

    def rows(found: Rows, cut: Cut) -> Iterable[Any]:
        taken = _until(of, cut)
        listed = _select(found,
            f"SELECT warehouse, position, occurred_at, received, issued, {AVAILABLE} FROM "
            f"stock_deltas WHERE {taken.where} ORDER BY warehouse, occurred_at, position",
            taken.values)
        wanted = [row for row in listed if _inside(period, row[2])]
        facts = read_at(models.store, ledger, sorted(row[1] for row in wanted))
        balance: dict[str, list[int]] = {}
        for warehouse, position, occurred_at, received, issued, available in listed:
            sums = balance.setdefault(warehouse, [0, 0])
            sums[0] += received - issued
            sums[1] += available
            if _inside(period, occurred_at):
                yield {"position": position, "warehouse": warehouse,
                       "occurred_at": rfc3339(from_us(occurred_at)), **facts[position],
                       "received": received, "issued": issued, "on_hand": sums[0],
                       "available": sums[1]}

    return _said(_by_sums(models, ledger, question, rows), question)


def _inside(period: _Period, at: int) -> bool:
    return (period.first is None or at >= period.first) and (
        period.last is None or at <= period.last)


# -- notices --------------------------------------------------------------------------------------


def low_stock(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Notices of low stock, open ones first: one at a time for a SKU in a warehouse.

    Shapes: sku, warehouse, threshold, available (now), lowest, open, opened_at, opened_position,
    closed_at, closed_position.
    """
    return _notices(models, ledger, question, low=True)


def discrepancies(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Physical places that declared facts left below nought, open ones first.

    Shapes: sku, warehouse, place, level (now), lowest, open, opened_at, opened_position, document,
    closed_at, closed_position.
    """
    return _notices(models, ledger, question, low=False)


def _notices(models: ReadModels, ledger: str, question: Question, *, low: bool) -> Answer:
    of = _of(ledger, question)

    def rows(found: Rows) -> Iterable[Any]:
        now = {(row[0], row[1]): dict(zip(PLACES, row[2:], strict=True)) for row in _select(found,
            f"SELECT sku, warehouse, {', '.join(PLACES)} FROM stock_levels WHERE {of.where}",
            of.values)}
        listed = _select(found,
            "SELECT sku, warehouse, place, threshold, lowest, opened_at, opened_position, document,"
            f" closed_at, closed_position FROM stock_notices WHERE {of.where} AND place"
            f" {'=' if low else '<>'} ? ORDER BY CASE WHEN closed_position IS NULL THEN 0 ELSE 1"
            " END, sku, warehouse, place, opened_position", (*of.values, LOW))
        for sku, warehouse, place, threshold, lowest, at, position, *more in listed:
            document, shut_at, shut = more
            levels = now[sku, warehouse]
            what = {"threshold": threshold, "available": levels[AVAILABLE]} if low else {
                "place": place, "level": levels[place]}
            yield {"sku": sku, "warehouse": warehouse, **what, "lowest": lowest,
                   "open": shut is None, "opened_at": rfc3339(from_us(at)),
                   "opened_position": position, "document": document,
                   "closed_at": None if shut_at is None else rfc3339(from_us(shut_at)),
                   "closed_position": shut}

    return _by_replay(models, ledger, question, rows)


REPORTS: dict[str, Callable[[ReadModels, str, Question], Answer]] = {
    "inventory": inventory,
    "bins": bins,
    "stock-ledger": stock_ledger,
    "stock-card": stock_card,
    "low-stock": low_stock,
    "discrepancies": discrepancies,
}


def read_at(store: Store, ledger: str, positions: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Who recorded the movements at these positions, when, and why.

    Shapes: by position: recorded_at, actor, causes (a list), document, reason.
    """
    found = {}
    for entry in entries_at(store, ledger, positions):
        told = msgspec.json.decode(entry.payload)
        found[entry.position] = {
            "recorded_at": rfc3339(from_us(entry.recorded_at)), "actor": entry.actor,
            "causes": sorted({move["cause"] for move in told["moves"]}),
            "document": told.get("document"), "reason": told.get("reason")}
    return found
