"""The first page: what waits for whoever looks, and how the shop does."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from flask import Response
from markupsafe import Markup

from api.console import lists, pages, pictures, words
from api.console.asking import Answered, Declined, ask, ask_if, may
from api.console.nouns import LISTS
from api.console.tables import Part, of_report
from api.http.routes import caller
from api.messages import tr
from ledger import __version__

COUNTED = 100
"""So many rows are counted; of more it is said that there are more."""

FEW = 5
"""So many are shown."""


class Waiting(NamedTuple):
    """Something that waits: the list, how many there are, and the first of them."""

    page: lists.ListPage
    path: str
    number: int
    more: bool
    part: Part


WAITING: tuple[tuple[str, dict[str, str], str], ...] = (
    ("to-review", {}, "subject placed_at exception_kinds"),
    ("to-pick", {}, "subject placed_at pieces_to_do"),
    ("to-send", {}, "subject due_at late"),
    ("exceptions", {}, "subject kind opened_at"),
    ("to-approve", {}, "movement what happened_at"),
    ("low-stock", {}, "sku warehouse available threshold"),
    ("discrepancies", {}, "sku warehouse place level"),
    ("returns", {"state": "requested"}, "subject kind opened_at"),
    ("deductions", {"state": "proposed"}, "deduction rule about"),
    ("appeals", {"state": "appealed"}, "deduction member appealed_at"),
    ("leave", {"state": "requested"}, "member days asked_at"),
)
"""What can wait: the list, how it is narrowed, and what is shown of it."""

TEAMS = frozenset({"low-stock", "discrepancies"})
"""Lists that also have what is over: only what is open waits."""


@pages.page("/", "home")
def home() -> Response:
    """What waits for the visitor, by what their role may read."""
    waiting = [one for name, query, names in WAITING
               if (one := _waiting(name, query, names)) is not None]
    return pages.render(
        "home.html", waiting=[one for one in waiting if one.number],
        none=[one.page for one in waiting if not one.number], sales=(sold := _sales()),
        plot=_plot(sold), head=ask_if("log.head", "/v1/log/head"))


def _waiting(name: str, query: dict[str, str], names: str) -> Waiting | None:
    page = lists.PAGES[name]
    if caller().role not in LISTS[name].roles:
        return None
    found = _found(page.api, {**query, **pages.clocks(), "limit": COUNTED})
    if found is None:
        return None
    rows = [row for row in found.items if name not in TEAMS or row["open"]]
    return Waiting(page, f"{page.path}?{'&'.join(f'{a}={b}' for a, b in query.items())}"
                   if query else page.path, len(rows), found.cursor is not None,
                   of_report(name, names, rows[:FEW]))


def _found(path: str, query: dict[str, Any]) -> Answered | None:
    try:
        return ask(path, query)
    except Declined as declined:
        if declined.status in (400, 403, 404):
            return None
        raise


def _thirty() -> tuple[date, date]:
    today = pages.days().local(datetime.now(UTC)).date()
    return today - timedelta(days=29), today


def _sales() -> list[dict[str, Any]]:
    """What came in on each of the last thirty days, for who works with money."""
    if not may("orders.list-revenue"):
        return []
    first, last = _thirty()
    found = ask("/v1/revenue", {"by": "day", "from": first.isoformat(), "to": last.isoformat(),
                                "limit": 200, **pages.clocks()})
    return found.items


def _plot(sold: list[dict[str, Any]]) -> Markup:
    return pictures.sales(sold, *_thirty())


CHECKS = {"schema": "Schema of the database", "keys": "Keys", "writer": "Writer",
          "read_models": "Read models", "writable": "The database can be written",
          "disk": "Free space on the disk"}
"""What is checked, by its name."""


def check_name(name: str) -> str:
    """What a check is called: `main/orders` is a read model of a ledger."""
    kind = name.rpartition("/")[2]
    return tr(CHECKS[kind]) if kind in CHECKS else words.word(kind, "model")


@pages.page("/ops", "ops")
def ops() -> Response:
    """Whether the server can work: what is checked, with what was found."""
    found = ask("/readyz") if may("operations.metrics") else None
    return pages.render("ops.html", ready=None if found is None else found.body,
                        version=__version__, check_name=check_name)


@pages.page("/help", "help")
def help_() -> Response:
    """How to use these pages."""
    return pages.render("help.html")
