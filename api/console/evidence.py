"""The pages of evidence: the trail, one event, the reason of a figure, what differs, the proof."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, redirect, request

from api.console import asking, lists, pages, words
from api.console.asking import ask, ask_if, at
from api.console.sentences import sentence
from api.console.tables import part
from api.console.timelines import step
from api.messages import tr
from projections.explaining.answers import ExplainedRow
from projections.trial.answers import DifferenceRow

TRAIL = ("subject", "actor", "client", "type", "day", "from", "to", "after", "cursor", "sort",
         "command_id", "limit", *pages.CLOCKS)


def _asked(names: tuple[str, ...]) -> dict[str, str]:
    return {name: request.args[name] for name in names if request.args.get(name)}


@pages.page("/audit", "audit")
def audit() -> Response:
    """Who did what, when it happened and when it was known, the newest first."""
    found = ask("/v1/audit", {"limit": 30, **_asked(TRAIL)})
    return pages.render("audit.html", as_of=found.as_of, following=found.cursor,
                        rows=[step(row) for row in found.items])


@pages.page("/audit.<form>", "audit-file")
def audit_file(form: str) -> Response:
    """The same as a file: all that the address asks for."""
    pages.must_be_form(form)
    query = {name: value for name, value in _asked(TRAIL).items() if name not in (
        "cursor", "limit")}
    return asking.sheet_of("/v1/audit", {**query, "format": form})


@pages.page("/e/<position>", "event")
def event(position: str) -> Response:
    """One event: who, when, what it says, what it changed, what it came of and what came of it."""
    found = ask(at("events", position))
    item = found.item
    return pages.render("event.html", item=item, as_of=found.as_of, sentence=sentence(item),
                        root=ask_if("log.root", "/v1/log/root", {"position": item["position"]}))


@pages.page("/explain/<report>", "explain")
def explain(report: str) -> Response:
    """Why a figure is what it is: its formula, down to the numbers that stand in events."""
    query = {name: value for name, value in request.args.items() if value and name != "lang"}
    found = ask(at("explanations", report), query)
    rows = [{**row, "depth": row["step"].count("."), "row": _row(row["row"])}
            for row in found.items]
    columns = part(ExplainedRow, "formula what factor value position", []).columns
    return pages.render("explain.html", report=report, rows=rows, as_of=found.as_of,
                        columns=columns)


def _row(named: str) -> str:
    """Which row of a report it is: what is said of it, with labels in place of names."""
    parts = [part.partition(" ") for part in named.split(", ")]
    return tr(", ").join(f"{words.label(name)} {value}" for name, _, value in parts)


@pages.page("/explain/<report>.<form>", "explain-file")
def explain_file(report: str, form: str) -> Response:
    """The same as a file."""
    pages.must_be_form(form)
    query = {name: value for name, value in request.args.items() if value and name != "lang"}
    path = at("explanations", report)
    if form == "json":
        return asking.sheet_of(path, query)
    return lists.sheet("explanation", form, part(ExplainedRow, " ".join(
        ExplainedRow.__struct_fields__), []).columns, ask(path, query).items)


@pages.page("/diff/<subject>", "diff")
def diff(subject: str) -> Response:
    """In what something differs between two moments, and which events made each difference."""
    query = _asked(("positions", "recorded", "occurred"))
    found = ask(at("subjects", subject, "differences"), query) if query else None
    return pages.render(
        "diff.html", about=subject, as_of=None if found is None else found.as_of,
        rows=part(DifferenceRow, "field before after because",
                  [] if found is None else found.items))


@pages.page("/diff", "diff-moments")
def diff_moments() -> Response:
    """Two days of a form as the span that an address of `diff` has."""
    days = [request.args.get(name, "") for name in ("since", "until")]
    about = quote(request.args.get("subject", ""), safe=":")
    return redirect(f"/diff/{about}?"  # type: ignore[return-value]
                    f"{urlencode({'recorded': '..'.join(days)})}", 303)


@pages.page("/proof", "proof")
def proof() -> Response:
    """Where the log ends, its root, and whether a root that somebody kept still holds."""
    head = ask("/v1/log/head")
    kept = request.args.get("root", "").strip()
    return pages.render("proof.html", head=head.item, as_of=head.as_of, kept=kept,
                        holds=_holds(kept) if kept else None)


def _holds(kept: str) -> dict[str, Any]:
    """Whether a line such as 2131:cccd… is what the log has there."""
    position, _, root = kept.partition(":")
    if not (position.isascii() and position.isdigit() and len(position) < 16 and root):
        return {"read": False}
    try:
        found = ask("/v1/log/root", {"position": position}).item
    except asking.Declined:
        return {"read": True, "same": False, "beyond": True, "position": position}
    return {"read": True, "same": found["root"] == root.lower(), "beyond": False, **found}


@pages.page("/search", "search")
def search() -> Response:
    """What somebody types, found: a number or how it ends, a waybill, a SKU, a member, an event, a
    root."""
    text = request.args.get("q", "").strip()
    if text.lstrip("#").isdigit() and text.startswith("#"):
        return redirect(f"/e/{text[1:]}", 303)  # type: ignore[return-value]
    if ":" in text and len(text.partition(":")[2]) == 64 and text.partition(":")[0].isdigit():
        return redirect(f"/proof?{urlencode({'root': text})}", 303)  # type: ignore[return-value]
    found = ask("/v1/search", {"q": text, "limit": 50})
    return pages.render("search.html", text=text, rows=found.items, as_of=found.as_of,
                        more=found.as_of["more"])
