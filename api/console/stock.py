"""The page of a SKU: what lies where, its card, and the plot of both."""

from typing import Any
from urllib.parse import unquote

from flask import Response

from api.console import lists, pages, pictures
from api.console.actions import actions
from api.console.asking import Answered, Declined, ask, ask_if, at, may
from api.console.tables import of_report

CARD = 100
"""So many lines of a card are on a page, the newest: each is read from its event in the log."""


@pages.thing("/stock/<sku>", "stock")
def stock(sku: str, form: str | None) -> Response:
    """One SKU in all warehouses."""
    clocks, explained = pages.clocks(), may("explaining.explanation")
    if form is not None:
        return lists.file_of("stock-card", form, at("stock-cards", sku), clocks)
    about = _found(at("skus", sku), clocks)
    levels = _found(at("inventory", sku), clocks)
    card = _found(at("stock-cards", sku), {**clocks, "limit": CARD, "sort": "-occurred_at"})
    known = levels or about or ask(at("inventory", sku), clocks)
    moved = [] if card is None else card.items
    named = next((row["sku"] for row in [*(levels.items if levels else ()), *moved]
                  if "sku" in row), None)
    name = named or unquote(sku.partition(":")[2])
    thing = {**(about.item if about else {}), "sku": name}
    warehouses = sorted({row["warehouse"] for row in moved})
    return pages.render(
        "stock.html", sku=sku, name=name, about=about.item if about else {}, as_of=known.as_of,
        levels=of_report("inventory", "warehouse unit available reserved picked packed "
                         "returns_inspection quarantine damaged on_hand waiting",
                         levels.items if levels else [],
                         explained=explained),
        bins=of_report("bins", "warehouse place bin quantity", _bins(sku, clocks)),
        cards=[(one, _card([row for row in moved if row["warehouse"] == one]))
               for one in warehouses],
        plots=pictures.stock(moved, name, clocks),
        more=card is not None and card.cursor is not None,
        actions=actions("sku", thing, {"sku": sku}, None))


def _card(rows: list[dict[str, Any]]) -> Any:
    return of_report("stock-card", "position occurred_at recorded_at document causes received "
                     "issued on_hand available actor", rows)


def _found(path: str, query: dict[str, Any]) -> Answered | None:
    """What the API answers; None where it knows nothing of that: a SKU that was registered has no
    card before something moves, and one that moves need not be registered."""
    try:
        return ask(path, query)
    except Declined as declined:
        if declined.status == 404:
            return None
        raise


def _bins(sku: str, clocks: dict[str, str]) -> list[dict[str, Any]]:
    found = ask_if("stock.list-bins-of", at("bins", sku), clocks)
    return [] if found is None else found.items
