"""The page of a SKU: what lies where, its card, and the plot of both."""

from typing import Any

from flask import Response

from api.console import lists, pages, pictures
from api.console.actions import actions
from api.console.asking import Declined, ask, ask_if, at, may
from api.console.tables import of_report

CARD = 500
"""So many lines of a card are in its plot, the newest."""

SHOWN = 100
"""So many of them are in the table of a warehouse."""


@pages.thing("/stock/<sku>", "stock")
def stock(sku: str, form: str | None) -> Response:
    """One SKU in all warehouses."""
    clocks, explained = pages.clocks(), may("explaining.explanation")
    card = ask(at("stock-cards", sku), {**clocks, "limit": CARD, "sort": "-occurred_at"})
    if form is not None:
        return lists.file_of("stock-card", form, at("stock-cards", sku), clocks)
    levels = ask(at("inventory", sku), clocks)
    name = levels.items[0]["sku"] if levels.items else card.items[0]["sku"] \
        if card.items and "sku" in card.items[0] else sku.partition(":")[2]
    about = _about(sku, clocks)
    thing = {**about, "sku": name}
    lines = {one: [row for row in card.items if row["warehouse"] == one]
             for one in sorted({row["warehouse"] for row in card.items})}
    return pages.render(
        "stock.html", sku=sku, name=name, about=about, as_of=levels.as_of,
        levels=of_report("inventory", "warehouse unit available reserved picked packed "
                         "returns_inspection quarantine damaged on_hand waiting", levels.items,
                         explained=explained),
        bins=of_report("bins", "warehouse place bin quantity", _bins(sku, clocks)),
        cards=[(one, _card(rows[:SHOWN])) for one, rows in lines.items()],
        plots=pictures.stock(card.items, name, clocks),
        more=card.cursor is not None or any(len(rows) > SHOWN for rows in lines.values()),
        actions=actions("sku", thing, {"sku": sku}, None))


def _card(rows: list[dict[str, Any]]) -> Any:
    return of_report("stock-card", "position occurred_at recorded_at document causes received "
                     "issued on_hand available actor", rows)


def _about(sku: str, clocks: dict[str, str]) -> dict[str, Any]:
    """What was said of a SKU; nothing of one that was never registered."""
    try:
        return ask(at("skus", sku), clocks).item
    except Declined as declined:
        if declined.status == 404:
            return {}
        raise


def _bins(sku: str, clocks: dict[str, str]) -> list[dict[str, Any]]:
    found = ask_if("stock.list-bins-of", at("bins", sku), clocks)
    return [] if found is None else found.items
