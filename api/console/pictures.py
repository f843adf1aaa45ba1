"""Which plots pages have, and what is in them: sales, the stock of a SKU, a member's scores."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from api.console import pages, plots
from api.console.asking import ask_if
from api.console.words import label, money
from api.messages import tr

NOTICED = 200
"""So many notices, the newest, are looked at for those of one SKU."""

Row = Mapping[str, Any]


def sales(rows: Sequence[Row], first: date, last: date) -> Markup:
    """What came in on each day of a period, less what was refunded; a plot for each currency."""
    drawn = Markup("")
    days = [(first + timedelta(days=number)).isoformat()
            for number in range((last - first).days + 1)]
    for currency in sorted({row["currency"] for row in rows}):
        of = {row["of"]: int(row["net_minor"]) for row in rows if row["currency"] == currency}
        drawn += plots.bars(
            [(day, of.get(day, 0)) for day in days],
            plots.Words(f"sales-{currency.lower()}",
                        tr("Net sales by day, {currency}", currency=currency),
                        tr("From {first} to {last}; the table has the numbers.",
                           first=days[0], last=days[-1])),
            shown=_amounts(currency))
    return drawn


def _amounts(currency: str) -> plots.Shown:
    return lambda minor: money(int(minor), currency)


def stock(rows: Sequence[Row], sku: str, clocks: Mapping[str, str]) -> dict[str, Markup]:
    """What was on hand and available in each warehouse: the lines of a card, the newest first, with
    when it was low, and when a place was below zero."""
    noticed = _noticed(sku, clocks)
    return {name: _stock(name, [row for row in reversed(rows) if row["warehouse"] == name],
                         [mark for place, mark in noticed if place == name])
            for name in sorted({row["warehouse"] for row in rows})}


def _stock(warehouse: str, lines: Sequence[Row], marks: Sequence[plots.Mark]) -> Markup:
    series = [plots.Series(kind, label(name), [(row["occurred_at"], row[name]) for row in lines])
              for kind, name in (("on-hand", "on_hand"), ("available", "available"))]
    words = plots.Words(
        f"stock-{quote(warehouse)}", tr("Stock over time in {warehouse}", warehouse=warehouse),
        tr("Steps of on hand and available; the stock card has the numbers."))
    return plots.steps(series, words, pages.days(), marks=marks)


def _noticed(sku: str, clocks: Mapping[str, str]) -> list[tuple[str, plots.Mark]]:
    """When a SKU was low and where, as far as that is among the newest notices."""
    asked = {**clocks, "limit": NOTICED, "sort": "-opened_at"}
    found = [(kind, said, ask_if(endpoint, path, asked)) for kind, said, endpoint, path in (
        ("notice", tr("Low stock"), "stock.list-low-stock", "/v1/alerts"),
        ("discrepancy", tr("Below zero"), "stock.list-discrepancies", "/v1/discrepancies"))]
    return [(row["warehouse"], plots.Mark(row["opened_at"], kind, said))
            for kind, said, answer in found if answer is not None
            for row in answer.items if row["sku"] == sku]


def scores(rows: Sequence[Row]) -> Markup:
    """A member's score of each month, one line for all posts: the score is that of the month."""
    of = {row["month"]: row["score"] for row in rows}
    return plots.line(
        [(month, None if of[month] is None else Decimal(of[month])) for month in sorted(of)],
        plots.Words("scores", tr("Scores by month"), tr("The table has the numbers.")))
