"""The pages of months: everybody's scores, how a month was closed, and one member's terms."""

from typing import Any

from flask import Response
from markupsafe import Markup

from api.console import asking, cells, lists, pages, words
from api.console.actions import actions
from api.console.asking import ask, ask_if, at, may
from api.console.tables import of_report
from api.console.timelines import Timeline, step, timeline
from projections.asking.columns import columns_of
from projections.deductions import DeductionRow

SCORES = "member post committee second bonus deductions score coefficient sealed"


@pages.thing("/months/<month>", "month")
def month(month: str, form: str | None) -> Response:
    """A month: its scores, and what was done to close it."""
    query = {"month": month, **pages.clocks()}
    if form is not None:
        return lists.file_of("scores", form, "/v1/scores", query)
    found = ask("/v1/scores", query)
    closings = ask_if("scores.list-closings", "/v1/months", query)
    state = {"state": found.as_of.get("state", "open"), "digest": found.as_of.get("digest")}
    return pages.render(
        "month.html", month=month, as_of=found.as_of, state=state, rows=found.items,
        columns=of_report("scores", SCORES, found.items).columns,
        closings=of_report("closings", "what by occurred_at reason count digest position",
                           [] if closings is None else closings.items),
        changes=[one for row in (closings.items if closings else []) for one in
                 row.get("changes") or []],
        actions=actions("month", state, {"month": month}, None))


@pages.page("/months/<month>/<member>", "member-month")
def member_month(month: str, member: str) -> Response:
    """Why a member's month has its score: the terms that add up to it."""
    query = {"month": month, **pages.clocks()}
    found = ask(at("scores", member, "explain"), query)
    charged = ask_if("deductions.list-deductions", "/v1/deductions", {**query, "member": member})
    return pages.render(
        "member_month.html", month=month, member=member, as_of=found.as_of, score=found.item,
        deductions=of_report("deductions", "deduction rule about state points appeal_until",
                             [] if charged is None else charged.items))


@pages.thing("/deductions/<deduction>", "deduction")
def deduction(deduction: str, form: str | None) -> Response:
    """A deduction: its evidence in full, who is charged, who may decide until when."""
    path, clocks = at("deductions", deduction), pages.clocks()
    if form == "json":
        return asking.sheet_of(path, clocks)
    found = ask(path, clocks)
    if form is not None:
        return lists.sheet("deduction", form, columns_of(DeductionRow), [found.item])
    return pages.render(
        "deduction.html", deduction=found.item, as_of=found.as_of,
        history=_history(deduction, clocks), evidence=_evidence(found.item),
        actions=actions("deduction", found.item, {"deduction": deduction}, found.version))


def _history(deduction: str, clocks: dict[str, str]) -> Timeline | None:
    return timeline(at("deductions", deduction, "history"), clocks) if may(
        "deductions.deduction-history") else None


def _evidence(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that are its evidence, for who may see events."""
    found = [ask_if("trial.event", at("events", position)) for position in item["evidence"][:20]]
    return [step(one.item) for one in found if one is not None]


def term_name(what: str) -> Markup:
    """What a term of a score is called, such as `Committee: pre_sale/1` or a rule of a deduction.
    """
    first, _, rest = what.partition(" ")
    if ":" in rest:
        return Markup("{} · {}").format(first, cells.subject(rest))
    return Markup("{}{}").format(
        words.word(first, "sheet"), Markup(": <code>{}</code>").format(rest) if rest else "")
