"""The first page: what waits for whoever looks, and how the shop does."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from flask import Response
from markupsafe import Markup

from api.console import lists, pages, pictures, words
from api.console.asking import ask, ask_if, may
from api.console.nouns import LISTS
from api.console.tables import Part, of_report, part
from api.http.routes import caller
from api.messages import tr
from ledger import __version__
from projections.imports import ImportRow

COUNTED = 100
"""So many rows are counted; of more it is said that there are more."""

FEW = 5
"""So many are shown."""


class Waiting(NamedTuple):
    """Something that waits: the list and its address, how many there are, and the first of them."""

    title: str
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

OF_BOTH = frozenset({"low-stock", "discrepancies"})
"""Lists that also have what is over: only what is open waits."""

FAULTY = ("rejected", "part")
"""What became of imports whose faults wait for somebody to mend them."""


@pages.page("/", "home")
def home() -> Response:
    """What waits for the visitor, by what their role may read."""
    waiting = [one for name, query, names in WAITING
               if (one := _waiting(name, query, names)) is not None]
    waiting += [_imports(state) for state in FAULTY if may("imports.imports")]
    return pages.render(
        "home.html", waiting=[one for one in waiting if one.number],
        none=[one for one in waiting if not one.number], sales=(sold := _sales()),
        plot=_plot(sold), head=ask_if("log.head", "/v1/log/head"))


def _waiting(name: str, query: dict[str, str], names: str) -> Waiting | None:
    page = lists.PAGES[name]
    if caller().role not in LISTS[name].roles:
        return None
    found = ask(page.api, {**query, **pages.clocks(), "limit": COUNTED})
    rows = [row for row in found.items if name not in OF_BOTH or row["open"]]
    return Waiting(page.title, pages.link(page.path, **query), len(rows), found.cursor is not None,
                   of_report(name, names, rows[:FEW]))


def _imports(state: str) -> Waiting:
    """The imports of the last thirty days of which rows were not taken."""
    query = {"state": state, "from": _thirty()[0].isoformat()}
    found = ask("/v1/imports", {**query, **pages.clocks(), "limit": COUNTED})
    return Waiting(
        tr("Imports with faults: {state}", state=words.word(state, "state")),
        pages.link("/imports", **query), len(found.items), found.cursor is not None,
        part(ImportRow, "import started_at faults", found.items[:FEW]))


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
