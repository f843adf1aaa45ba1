"""The page of a member: posts, shifts, attendance, leave, and the scores of their months."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from api.console import lists, pages, pictures
from api.console.actions import actions
from api.console.asking import ask, ask_if, at
from api.console.tables import Part, of_report


@pages.thing("/people/<member>", "person")
def person(member: str, form: str | None) -> Response:
    """One member."""
    clocks = pages.clocks()
    if form is not None:
        return lists.file_of("staff", form, at("members", member), clocks)
    found = ask(at("members", member), clocks)
    item = found.items[0] if found.items else None
    month = request.args.get("month") or pages.days().month_of(datetime.now(UTC))
    return pages.render(
        "person.html", member=member, item=item, as_of=found.as_of, month=month,
        posts=_rows("people.list-post-terms", "post-terms", at("posts", member),
                    "post since until", asked=clocks),
        scores=(scored := _rows("scores.list-score-history-of", "score-history",
                                at("score-history", member),
                                "month post score coefficient deductions bonus", asked=clocks)),
        plot=pictures.scores(scored.rows),
        attendance=_rows("people.list-attendance", "attendance", at("attendance", member),
                         "day kind roster shift minutes stands position",
                         asked={"month": month, **clocks}),
        leave=_rows("people.list-leave", "leave", at("leaves", member),
                    "number days kind state asked_at decided_by", asked=clocks),
        actions=[] if item is None else actions("member", item, {"member": member}, None))


def _rows(
    endpoint: str, report: str, path: str, names: str, *, asked: dict[str, Any]
) -> Part:
    found = ask_if(endpoint, path, asked)
    return of_report(report, names, [] if found is None else found.items)
