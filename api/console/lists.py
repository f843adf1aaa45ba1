"""Pages of lists: one for each list of the API, with its filters, orders and columns; the same rows
as JSON, CSV and Excel."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response, request

from api import sheets
from api.console import asking, pages
from api.console.asking import every
from api.console.nouns import LISTS
from api.console.shown import columns_shown
from api.http.reading import NAMED
from api.http.routes import caller
from api.messages import tr
from projections.asking.columns import Column, Columns, columns_of
from projections.asking.filters import words_of
from projections.asking.names import DOWN, FROM, ORDERS, TAKES, TO
from projections.asking.typed import type_of
from projections.explaining.figures import EXPLAINED
from projections.reports import REPORTS

LIMIT = 40
"""Rows on a page, unless its address says how many."""

TITLES: Mapping[str, str] = {
    "appeals": "Appeals", "attendance": "Attendance", "bins": "Bins", "closings": "Closed months",
    "decisions": "Decisions", "deductions": "Deductions", "discrepancies": "Below zero",
    "exceptions": "Exceptions", "fulfilment": "Where the pieces are", "grading": "Grading",
    "inventory": "Stock", "leave": "Leave", "low-stock": "Low stock",
    "open-transfers": "Open transfers", "orders": "Orders", "policies": "Policies",
    "post-terms": "Posts", "reconciliation": "Reconciliation", "returns": "Returns",
    "revenue": "Revenue", "rosters": "Rosters", "score-history": "Score history",
    "score-warnings": "Score warnings", "scores": "Scores", "shifts": "Shifts", "staff": "People",
    "stock-ledger": "Stock by period", "takings": "Takings", "to-approve": "To approve",
    "to-pick": "To pick", "to-review": "To review", "to-send": "To send",
}
"""What the pages are called, by report."""


class ListPage(NamedTuple):
    """A page of a list: where it is, and the report that it shows."""

    path: str
    report: str

    @property
    def is_allowed(self) -> bool:
        """Whether the visitor may see it."""
        return caller().role in LISTS[self.report].roles

    @property
    def row(self) -> type[Columns]:
        """What a row holds."""
        return type_of(REPORTS[self.report]).row

    @property
    def title(self) -> str:
        """What it is called."""
        return tr(TITLES[self.report])

    @property
    def api(self) -> str:
        """Where the API has it."""
        return LISTS[self.report].path

    def columns(self, *, all_of_them: bool) -> list[Column]:
        """Those that it shows."""
        return columns_shown(self.report, columns_of(self.row), all_of_them=all_of_them)


class Filter(NamedTuple):
    """A filter of a list: its parameter, what it is called by, its words if it knows some, and the
    kind of its input."""

    name: str
    field: str
    words: tuple[str, ...] = ()
    kind: str = "text"


PAGES: dict[str, ListPage] = {}
"""By report."""


def filters_of(report: str) -> list[Filter]:
    """The filters that a list takes."""
    words = words_of(report, type_of(REPORTS[report]).row)
    found = []
    for field in TAKES[report]:
        if field not in ("subject", "sort"):
            kind = "date" if field in ("since", "until", "day") or field.endswith((FROM, TO)) \
                else "month" if field == "month" else "text"
            found.append(Filter(NAMED.get(field, field), field, tuple(words.get(field, ())), kind))
    return found


def query_of(page: ListPage) -> dict[str, str]:
    """What this address asks the list: what a list does not know, it refuses itself."""
    return {name: value for name, value in request.args.items()
            if value and name not in ("lang", "columns", "done")}


def _register(page: ListPage) -> None:
    def view() -> Response:
        found = asking.ask(page.api, {"limit": LIMIT, **query_of(page)})
        return pages.render(
            "list.html", page=page, columns=page.columns(all_of_them="columns" in request.args),
            filters=filters_of(page.report), rows=found.items, as_of=found.as_of,
            following=found.cursor, narrowed=_narrowed(page.report), sorts=_sorts(page.report),
            explained=_explained(page.report))

    def sibling(form: str) -> Response:
        return as_file(page, form, query_of(page))

    pages.group.add_url_rule(page.path, page.report, view)
    for form in pages.FORMS:
        pages.group.add_url_rule(
            f"{page.path}.{form}", f"{page.report}-{form}", sibling, defaults={"form": form})


def _narrowed(report: str) -> bool:
    """Whether this address asks for a part of a list only."""
    return any(request.args.get(one.name) for one in filters_of(report))


def _sorts(report: str) -> dict[str, str]:
    """By column that a list can be sorted by, what a click on its head asks for."""
    asked = request.args.get("sort") or (ORDERS[report].by[0] if report in ORDERS else "")
    names = {one.removeprefix(DOWN) for one in ORDERS[report].by} if report in ORDERS else set()
    return {name: f"{DOWN}{name}" if asked == name else name for name in names}


def _explained(report: str) -> bool:
    return report in EXPLAINED and asking.may("explaining.explanation")


def as_file(page: ListPage, form: str, query: Mapping[str, Any]) -> Response:
    """The rows of a page as a file: JSON as the API answers it, page by page; CSV and Excel with
    all rows, whatever page is looked at."""
    if form == "json":
        return file_of(page.report, form, page.api, {"limit": LIMIT, **query})
    without = {name: value for name, value in query.items() if name not in ("limit", "cursor")}
    return file_of(page.report, form, page.api, without)


def file_of(report: str, form: str, path: str, query: Mapping[str, Any]) -> Response:
    """The rows of a report at an address of the API as a file."""
    if form == "json":
        return asking.sheet_of(path, query)
    return sheet(report, form, list(columns_of(type_of(REPORTS[report]).row)), every(path, query))


def sheet(
    name: str, form: str, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]
) -> Response:
    """Rows as CSV or Excel."""
    content = sheets.as_csv(rows, columns) if form == "csv" else sheets.as_xlsx(
        {name: (columns, rows)}, {"address": pages.here()}, days=pages.days())
    found = Response(content, content_type=sheets.TYPES[form])
    found.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return found


GROUPS: Mapping[str, tuple[str, ...]] = {
    "Orders": ("orders", "to-review", "to-pick", "to-send", "exceptions", "fulfilment"),
    "Money": ("reconciliation", "revenue", "takings"),
    "Stock": ("inventory", "bins", "stock-ledger", "low-stock", "discrepancies", "to-approve",
              "open-transfers"),
    "After the sale": ("returns",),
    "Scores": ("scores", "score-history", "score-warnings", "grading", "closings", "deductions",
               "appeals", "decisions"),
    "People": ("staff", "post-terms", "shifts", "rosters", "attendance", "leave"),
    "Rules": ("policies",),
}
"""All lists as the page of reports has them."""


@pages.page("/reports", "reports")
def reports() -> Response:
    """All lists that the visitor may see."""
    return pages.render("reports.html", groups={
        tr(title): [PAGES[name] for name in names if PAGES[name].is_allowed]
        for title, names in GROUPS.items()}, whats={name: LISTS[name].what for name in PAGES})


for _name, _listed in LISTS.items():
    if "<" not in _listed.path:
        PAGES[_name] = ListPage(_listed.path.removeprefix("/v1"), _name)
        _register(PAGES[_name])
