"""docs/reports.md: every report with what it can be asked, and what its columns hold."""

from collections.abc import Iterator
from typing import Any

from api import create_app
from api.http.reading import LISTS
from ledger.settings import Settings
from projections.asking.columns import Column, Columns, Kind, columns_of
from projections.asking.headers import Header
from projections.asking.names import DOWN, OPTIONS, ORDERS, TAKES
from projections.asking.typed import type_of
from projections.reports import REPORTS
from tests.support import messages
from tests.support.routes import of_api

HEADS = ["column", "中文", "kind", "meaning"]

KINDS = {
    Kind.SUBJECT: "what something is about: a stream such as `order:…`, `member:…` or `sku:…`",
    Kind.TEXT: "a text",
    Kind.WRITTEN: "what a person wrote: sealed in the log, masked unless it is opened for whoever "
                  "reads it, and gone once that person is erased",
    Kind.CODE: "one of a closed list of words; the list may grow",
    Kind.TRUTH: "true or false",
    Kind.WHOLE: "a whole number",
    Kind.DECIMAL: "a number that the ledger computed, exact: a text in JSON, a number in Excel",
    Kind.MONEY: "a whole number of minor units of the `currency` beside it; a sum beyond 2^53-1 "
                "is a text of its digits in JSON",
    Kind.CURRENCY: "a code of ISO 4217",
    Kind.TIME: "a time of RFC 3339 in UTC",
    Kind.DAY: "a day of the shop, such as 2026-09-30",
    Kind.MONTH: "a month of the shop, such as 2026-09",
    Kind.CLOCK: "a time of day in the shop, such as 09:00; 24:00 is an end",
    Kind.HASH: "a SHA-256 in hex",
    Kind.OBJECT: "an object; its members are listed below",
    Kind.MAP: "an object whose names are not known beforehand",
    Kind.ANY: "a value of any type",
}
"""What the kinds mean."""


def lines(made: str) -> list[str]:
    """The lines of the page; `made` says that nobody edits it."""
    found = ["# Reports", "", made, "",
             "`ledger report NAME` answers on the command line, [http.md](http.md) says at which "
             "address over",
             "HTTP. Both answer as of any moment: [time.md](time.md). JSON and CSV name columns as "
             "below, in this",
             "order, in every language; a table on a terminal and a workbook are headed by labels "
             "where the user",
             "speaks Chinese ([ADR 43](adr/0043-rows-say-what-they-hold.md)). A column that may be "
             "`null` or missing",
             "says when.", "", "## Kinds", "", *_table(["kind", "what it holds"], [
                 [kind.value, said] for kind, said in KINDS.items()])]
    paths = _paths()
    chinese = messages.catalogue()
    for name in TAKES:
        found += _report(name, paths.get(name, []), chinese)
    found += ["", "## As of when", "", "What stands in `as_of` of every answer.", "",
              *_columns(Header, chinese, labels=False)]
    for part in _parts():
        found += ["", f"### {part.__name__}", "", _said(part), "",
                  *_columns(part, chinese, labels=False)]
    return found


def _report(name: str, paths: list[str], chinese: dict[str, str]) -> list[str]:
    declared, asked = type_of(REPORTS[name]), [OPTIONS[field] for field in TAKES[name]]
    takes = ", ".join(f"`{one}`" for one in asked) or "nothing but as of when"
    found = ["", f"## {name}", "", _said(REPORTS[name]), "",
             f"Can be asked: {takes}. Over HTTP: {', '.join(f'`{one}`' for one in paths)}.", "",
             *_order(name), *_columns(declared.row, chinese)]
    own = [column for column in columns_of(declared.header)
           if column not in columns_of(Header)]
    if own:
        found += ["", "Its `as_of` also has:", "", *_table(
            ["column", "kind", "meaning"], [[f"`{one.name}`", _kind(one), _meaning(one)]
                                            for one in own])]
    return found


def _order(name: str) -> list[str]:
    """In which orders a report comes."""
    if name not in ORDERS:
        return []
    order = ORDERS[name]
    others = ", ".join(f"`{one.removeprefix(DOWN)}`" for one in (*order.by, *order.moving))
    return [f"Comes by `{order.by[0]}`; `--sort` takes {others}, each also with `-` before it.", ""]


def _paths() -> dict[str, list[str]]:
    """The addresses of each report."""
    app = create_app(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    found: dict[str, list[str]] = {}
    for rule in of_api(app):
        name = rule.endpoint.rpartition(".")[2]
        if name.startswith("list-") and (report := name[5:].removesuffix("-of")) in LISTS:
            found.setdefault(report, []).append(rule.rule)
    assert found.keys() == LISTS.keys()
    found["timeline"] = [rule.rule for rule in of_api(app)
                         if rule.rule.endswith("/history")]
    found["score-terms"] = ["/v1/scores/<member>/explain"]
    return {name: sorted(paths) for name, paths in found.items()}


def _parts() -> list[type[Columns]]:
    """What rows are made of, in the order of the names."""
    waiting = [type_of(report).row for report in REPORTS.values()]
    found: set[type[Columns]] = set()
    for row in waiting:
        inner = [one.of for one in columns_of(row) if one.of is not None]
        found.update(inner)
        waiting += inner
    return sorted(found, key=lambda part: part.__name__)


def _said(documented: Any) -> str:
    """The first sentence of what is said of something, on a line."""
    first = (documented.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.split()).partition(" Shapes:")[0]


def _columns(row: type[Columns], chinese: dict[str, str], *, labels: bool = True) -> list[str]:
    rows = ([f"`{one.name}`", *([chinese[one.key]] if labels else []), _kind(one), _meaning(one)]
            for one in columns_of(row))
    return _table(HEADS if labels else [HEADS[0], *HEADS[2:]], list(rows))


def _kind(column: Column) -> str:
    name = column.kind.value if column.of is None else (
        f"[{column.of.__name__}](#{column.of.__name__.lower()})")
    if column.kind is Kind.MAP and column.of is not None:
        name = f"by name {name}"
    found = f"list of {name}" if column.many else name
    return f"{found} or null" if column.nullable else found


def _meaning(column: Column) -> str:
    words = ", ".join(f"`{word}`" if word else "empty" for word in column.words)
    return f"{column.meaning} {words}".strip()


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return list(_rows([heads, ["---"] * len(heads), *rows]))


def _rows(rows: list[list[str]]) -> Iterator[str]:
    for cells in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
