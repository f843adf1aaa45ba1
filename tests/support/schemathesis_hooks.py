"""What schemathesis cannot read from a schema: which pages there are, and when something happens.

Only requests that are to be taken are touched; what it makes wrong on purpose stays wrong.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response

_pages: dict[str, dict[str, str]] = {}
"""By the path of a list, what `next` of an answer asked for."""

DAYS = st.dates(date(1970, 1, 2), date(9998, 12, 30))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

schemathesis.openapi.format("date", DAYS.map(date.isoformat))
schemathesis.openapi.format("date-time", st.builds(
    datetime.combine, DAYS, st.times(), tzinfo=ZONES).map(datetime.isoformat))


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Keep the next page."""
    if case.method == "GET" and response.status_code == 200 and "next" in response.headers.get(
            "link", [""])[0]:
        found = urlsplit(response.json()["next"])
        _pages[found.path] = dict(parse_qsl(found.query))


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Ask for a page that there is in place of one that was made up: a cursor is signed."""
    if case.query and "cursor" in case.query and case.meta is not None \
            and case.meta.generation.mode.is_positive:
        known = _pages.get(quote(unquote(case.formatted_path)))
        case.query = dict(known) if known else {
            name: value for name, value in case.query.items() if name != "cursor"}
