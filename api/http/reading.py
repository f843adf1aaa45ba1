"""Reads over HTTP: each takes both clocks, says as of when it answers, and pages by key."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import marshmallow
import orjson
from flask import Response, request

from api.http import past, shapes
from api.http.edge_errors import Problem
from api.http.fields import Digits, Text
from api.http.key_ring import Caller
from api.http.opening import opened_rows
from api.http.replayers import beside
from api.http.routes import EVERYBODY, READERS, Blueprint, caller, edge, seal, unseal
from api.http.standing import mark
from ledger.common import bounds
from ledger.common.values import NAME_BYTES, exact
from projections.asking.answering import OfAll, nothing_there, type_of
from projections.asking.clocks import AsOf
from projections.asking.filters import filters_of, words_of
from projections.asking.names import FROM, OPTIONS, TAKES, TO
from projections.asking.questions import Answer, Question
from projections.orders.takings import WAYS
from projections.reports import REPORTS

DEFAULT_LIMIT, MAX_LIMIT = 100, 500

DAY_OR_TIME = {"description": "A time with its zone, or a day of the shop's zone, to its end.",
               "anyOf": [{"format": "date-time"}, {"format": "date"}], "pattern": bounds.YEARS}
DAY = {"format": "date", "pattern": bounds.YEARS}
MONTH = {"pattern": bounds.MONTHS}


class NoQuery(marshmallow.Schema):
    """Nothing: what a query says is refused."""


class ClockQuery(marshmallow.Schema):
    """As of when."""

    position = Digits(most=2**53 - 1)
    recorded_as_of = Text(longest=40, metadata=DAY_OR_TIME)
    occurred_as_of = Text(longest=40, metadata=DAY_OR_TIME)


class PageQuery(ClockQuery):
    """As of when, and which page."""

    limit = Digits(least=1, most=MAX_LIMIT)
    cursor = Text(longest=2000)


_NAMED = {"since": "from", "until": "to"}
"""What a query calls a field of a question, where it is another name."""

_LONGEST = {"since": 10, "until": 10, "month": 7, "day": 10, "older_than": 10, "by": 10,
            **dict.fromkeys(("subject", "order", "about", "member", "supervisor"), NAME_BYTES)}
_LIKE: dict[str, dict[str, Any]] = {
    "since": DAY, "until": DAY, "day": DAY, "month": MONTH,
    "older_than": {"pattern": "^[0-9]+[mhd]$"}, "by": {"enum": list(WAYS)}}


def query_of(report: str, *, paged: bool = True) -> type[marshmallow.Schema]:
    """What is asked of a report: all that it takes but its subject, which stands in the address."""
    words = words_of(report, type_of(REPORTS[report]).row)
    base = PageQuery if paged else ClockQuery
    return base.from_dict({field: _asked_as(field, words.get(field)) for field in TAKES[report]
                           if field != "subject"})


def _asked_as(field: str, words: Sequence[str] | None) -> Text:
    like = DAY if field.endswith((FROM, TO)) else _LIKE.get(field, {})
    return Text(longest=_LONGEST.get(field, 10 if like is DAY else 100),
                data_key=_NAMED.get(field), metadata={**like, **({"enum": words} if words else {})})


STAFF_READERS = frozenset({"auditor", "reviewer", "manager", "finance"})
"""Who sees the records of all members."""

SUMS_READERS = frozenset({"auditor", "finance", "integration", "manager", "operations", "service"})
"""Who works with money: they see the sums in lists of orders and cases, too."""

STAFF = EVERYBODY - {"admin", "integration", "system"}
"""Whose keys may belong to a member with records of their own."""


HASHED = {"digest"}
"""What a header has that is made of all rows: from a few unknown figures it could be guessed back.
"""

VisiblePart = Callable[[dict[str, Any], str], dict[str, Any] | None]


class Listed(NamedTuple):
    """A list: its report, what it shows, and the columns that its pages are keyed by.

    `paged_by_report`: the report itself fetches only a page. `keeps_order`: the rows stay in the
    report's order, such as that of a running balance; otherwise they are sorted by the key, which
    never changes.

    `visible_part` returns what a member may see of a row of staff records, None for nothing. Only
    the roles in `whole` see all rows; everybody else sees their own, and those of the members whom
    they supervise, at any level, or whose post one of their own heads.

    `opened_for` are the roles that see what people wrote; to all others it is masked. In records of
    staff, whoever sees a row sees that, too.

    A reading is noted before it is answered: of records of staff, of whatever was opened, and of
    what is `money`, the sums that the shop takes. `sums` are the columns that add up to these: who
    does not work with money reads the rows without them, and everybody else is noted.
    """

    path: str
    report: str
    what: str
    key: tuple[str, ...]
    roles: Collection[str] = READERS
    paged_by_report: bool = False
    keeps_order: bool = False
    visible_part: VisiblePart | None = None
    whole: Collection[str] = STAFF_READERS
    opened_for: Collection[str] = ()
    money: bool = False
    sums: Collection[str] = ()

    def noted(self, role: str) -> bool:
        """Whether a role's readings are noted, whatever is opened for them."""
        return self.visible_part is not None or self.money or (
            bool(self.sums) and role in SUMS_READERS)

    def shown(self, rows: list[dict[str, Any]], role: str) -> list[dict[str, Any]]:
        """Rows as a role reads them. Rule: R-ACC-11."""
        if not self.sums or role in SUMS_READERS:
            return rows
        return [{name: value for name, value in row.items() if name not in self.sums}
                for row in rows]


LISTS: dict[str, Listed] = {}
"""By report, the list that says who may read its rows."""


def add(group: Blueprint, lists: Collection[Listed]) -> None:
    """Register the routes of lists."""
    for listed in lists:
        LISTS.setdefault(listed.report, listed)
        _add(group, listed)


def _add(group: Blueprint, listed: Listed) -> None:
    one = "-of" if "<" in listed.path else ""

    def view(query: Mapping[str, Any], **given: str) -> Response:
        limit, after = query.get("limit", DEFAULT_LIMIT), _after(query)
        asked = question(query)
        if given:
            asked = asked._replace(subject=next(iter(given.values())))
        answer, is_page = _answer(listed, asked, after=after, limit=limit)
        role = caller().role
        if listed.visible_part is not None:
            answer = _visible(listed, asked, answer)
        rows = answer.rows if is_page else _rows_after(listed, answer.rows, after)
        rows = listed.shown(rows, role)
        if (noted := listed.noted(role)) or role in listed.opened_for:
            shown = opened_rows(rows[:limit], answer.as_of["position"], noted=noted)
            rows = [*shown, *rows[limit:limit + 1]]
        return page(answer._replace(rows=rows), listed.key, limit)

    view.__doc__ = listed.what
    found: Callable[..., Any] = view
    for wrap in (group.response(200, shapes.listing(*type_of(REPORTS[listed.report]))),
                 group.arguments(query_of(listed.report)(), location="query")):
        found = wrap(found)
    group.permit(listed.path, listed.roles, name=f"list-{listed.report}{one}")(found)


def _answer(
    listed: Listed, asked: Question, *, after: list[Any], limit: int
) -> tuple[Answer, bool]:
    """What a report answers, and whether that is one page. All pages of the past are found at once,
    unless they are too many to be kept."""
    here, name, now = edge(), caller().ledger, asked.as_of.now
    report = beside(here.replayers, here.store, listed.report)
    if not (now and listed.paged_by_report):
        whole = asked._replace(limit=past.ROWS) if listed.paged_by_report else asked
        found = here.kept.answer(here.models, name, listed.report, whole, report=report)
        if not listed.paged_by_report or not past.is_too_long(found):
            return found, False
    asked = asked._replace(beyond=after[0] if after else None, limit=limit + 1)
    return report(here.models, name, asked), True


def no_part(row: dict[str, Any], member: str) -> None:
    """Nothing: the row belongs to no single member."""


def own_row(row: dict[str, Any], member: str) -> dict[str, Any] | None:
    """The whole row, if it is the member's own."""
    return row if row["member"] == member else None


def _visible(listed: Listed, asked: Question, answer: Answer) -> Answer:
    """What the caller may see of records of staff; nor does the header tell them of the other
    rows. Filters look at what they may see only: who finds a row by what is hidden in it would know
    what that is. Rule: R-ACC-13."""
    who, part = caller(), listed.visible_part
    if who.role in listed.whole or part is None:
        return answer
    team = team_of(who)
    filters = filters_of(listed.report, type_of(REPORTS[listed.report]).row, asked, answer.as_of)
    rows = [seen for row in answer.rows
            if (seen := row if _of_team(row, team) else part(row, who.actor)) is not None
            and all(one.takes(seen) for one in filters)]
    as_of = {name: value for name, value in answer.as_of.items() if name not in HASHED}
    notes = [one for one in as_of["notes"] if not isinstance(one, OfAll)]
    as_of["notes"] = notes if rows else [*notes, *nothing_there(asked, as_of)]
    return Answer(as_of, rows)


def team_of(who: Caller) -> frozenset[str]:
    """The members whom a caller heads."""
    rights = edge().rights(who) if who.actor.startswith("member:") else None
    return frozenset() if rights is None else frozenset(rights.team)


def _of_team(row: Mapping[str, Any], team: Collection[str]) -> bool:
    """Whether a row is about a member of a team, or a shift in which one of them is."""
    listed = row.get("members")
    return row.get("member") in team or (
        isinstance(listed, list) and any(one in team for one in listed))


def _rows_after(
    listed: Listed, rows: list[dict[str, Any]], after: list[Any]
) -> list[dict[str, Any]]:
    """The rows after the one with a key, in the order of the pages.

    Errors: 400 if that row is no longer there.
    """
    if not (listed.keeps_order or listed.paged_by_report):
        return sorted((row for row in rows if not after or _key(row, listed.key) > after),
                      key=lambda row: _key(row, listed.key))
    if not after:
        return rows
    keys = [_key(row, listed.key) for row in rows]
    if after not in keys:
        raise Problem("bad_cursor")
    return rows[keys.index(after) + 1 :]


def question(query: Mapping[str, Any]) -> Question:
    """What is asked. Errors: R-PRJ-03, R-PRJ-04, R-PRJ-06."""
    as_of = AsOf.parse(query.get("position"), query.get("recorded_as_of"),
                       query.get("occurred_as_of"))
    return Question(as_of=as_of, **{
        field: query[field] for field in OPTIONS if field in query})


def _after(query: Mapping[str, Any]) -> list[Any]:
    return unseal(query["cursor"]) if "cursor" in query else []


def _key(row: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return [row[name] for name in names]


def page(answer: Answer, key: Sequence[str], limit: int) -> Response:
    """A page of an answer's rows, with the address of the next one if there are more."""
    shown = answer.rows[:limit]
    last = _key(shown[-1], key) if len(answer.rows) > limit else None
    return paged(answer.as_of, shown, last, answer.leaf)


def paged(
    as_of: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], last: list[Any] | None,
    leaf: bytes = b"",
) -> Response:
    """A page; `last` is the key of its last row, None on the last page; `leaf` as `Answer` has
    it."""
    following = None if last is None else (
        f"{quote(request.path, safe='/:')}?{urlencode({**request.args, 'cursor': seal(last)})}")
    found = at_position(as_of, {"as_of": as_of, "items": shown, "next": following}, leaf)
    if following:
        found.headers["Link"] = f'<{following}>; rel="next"'
    return found


def at_position(
    as_of: Mapping[str, Any], body: Mapping[str, Any], leaf: bytes = b""
) -> Response:
    """A response whose header says as of which position it answers; the hash of its event is read
    where it is not given."""
    return mark(Response(as_json(body), content_type="application/json"), as_of["position"], leaf)


def as_json(value: Mapping[str, Any]) -> bytes:
    """An object as JSON, in which every reader keeps every number exact: see `exact`."""
    try:
        return orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        return orjson.dumps(exact(value))
