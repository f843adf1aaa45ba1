"""Reads over HTTP: each takes both clocks, says as of when it answers, and pages by key."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import marshmallow
import orjson
from flask import Response, request

from api.http import past, shapes
from api.http.edge_errors import Problem
from api.http.fields import Digits, Text, Word
from api.http.key_ring import Caller
from api.http.opening import opened_rows
from api.http.problems import in_language
from api.http.replayers import beside
from api.http.routes import EVERYBODY, READERS, Blueprint, caller, edge, seal, unseal
from api.http.standing import mark
from api.messages import spoken
from ledger.common import bounds
from ledger.common.values import NAME_BYTES, exact
from ledger.log.zones import days_of
from projections.asking.clocks import AsOf
from projections.asking.filters import filters_of, words_of
from projections.asking.names import FROM, OPTIONS, ORDERS, TAKES, TO
from projections.asking.notes import OfAll, nothing_there
from projections.asking.questions import Answer, Question
from projections.asking.sorting import Sort, orders_of, sort_of
from projections.asking.typed import type_of
from projections.orders.takings import WAYS
from projections.reports import REPORTS

DEFAULT_LIMIT, MAX_LIMIT = 100, 500

DAY_OR_TIME = {"description": "A time with its zone, or a day of the shop's zone, to its end.",
               "anyOf": [{"format": "date-time"}, {"format": "date"}], "pattern": bounds.YEARS}
DAY = {"format": "date", "pattern": bounds.YEARS}
AFTER = {"description": "Only what was recorded after this position: what is new since an answer "
         "that stood on it."}
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


NAMED = {"since": "from", "until": "to"}
"""What a query calls a field of a question, where it is another name."""

MOMENT = 40
"""As many characters as a time with its zone may have. A day or a month has fewer, and the
answer to a time in its place says what is wanted, not how long it may be."""
_LONGEST = {**dict.fromkeys(("since", "until", "month", "day", "older_than", "by"), MOMENT),
            **dict.fromkeys(("subject", "order", "about", "member", "supervisor"), NAME_BYTES)}
_LIKE: dict[str, dict[str, Any]] = {
    "since": DAY, "until": DAY, "day": DAY, "month": MONTH,
    "older_than": {"pattern": "^[0-9]+[mhd]$"}, "by": {"enum": list(WAYS)}}


def query_of(report: str, *, paged: bool = True) -> type[marshmallow.Schema]:
    """What is asked of a report: all that it takes but its subject, which stands in the address."""
    words = words_of(report, type_of(REPORTS[report]).row)
    if report in ORDERS:
        words["sort"] = orders_of(report)
    base = PageQuery if paged else ClockQuery
    return base.from_dict({field: asked_as(field, words.get(field)) for field in TAKES[report]
                           if field != "subject"})


def asked_as(field: str, words: Sequence[str] | None = None) -> Text:
    """The parameter that fills a field of a question; `words` are those that it may be."""
    if field == "sort" and words is not None:
        return Text(longest=100, metadata=_of_sort(words))
    like = DAY if field.endswith((FROM, TO)) else _LIKE.get(field, {})
    longest = _LONGEST.get(field, MOMENT if like is DAY else 100)
    return Text(longest=longest, data_key=NAMED.get(field),
                metadata={**like, **({"enum": words} if words else {})})


def sort_field(words: Sequence[str]) -> Word:
    """The parameter that says in which order a list comes, of these words the usual one first."""
    return Word(words, metadata=_of_sort(words))


def _of_sort(words: Sequence[str]) -> dict[str, Any]:
    return {"enum": words, "description": "By which column; what is last in it comes first where a "
            f"- stands before it. Usual is {words[0]}."}


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
    """A list: its report, and what it shows.

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
    roles: Collection[str] = READERS
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
    declared = type_of(REPORTS[listed.report])

    one = "-of" if "<" in listed.path else ""

    def view(query: Mapping[str, Any], **given: str) -> Response:
        asked = question(query)._replace(limit=query.get("limit", DEFAULT_LIMIT))
        if given:
            asked = asked._replace(subject=next(iter(given.values())))
        sort = sort_of(listed.report, declared.row, asked)
        asked = _continued(query, asked, sort)
        answer, is_page = _answer(listed, asked)
        role = caller().role
        if listed.visible_part is not None:
            answer = _visible(listed, asked, answer, sort)
        rows = answer.rows if is_page or asked.beyond is None else sort.behind(
            answer.rows, asked.beyond)
        rows, more = listed.shown(rows[:asked.limit], role), rows[asked.limit:]
        if (noted := listed.noted(role)) or role in listed.opened_for:
            rows = opened_rows(rows, answer.as_of["position"], noted=noted)
        last = [*sort.place(rows[-1]), answer.as_of["position"] if sort.moving else None] \
            if more else None
        return paged(answer.as_of, rows, last, answer.leaf)

    view.__doc__ = listed.what
    found: Callable[..., Any] = view
    for wrap in (group.response(200, shapes.listing(declared.row, declared.header)),
                 group.arguments(query_of(listed.report)(), location="query")):
        found = wrap(found)
    group.permit(listed.path, listed.roles, name=f"list-{listed.report}{one}")(found)


def _continued(query: Mapping[str, Any], asked: Question, sort: Sort) -> Question:
    """What is asked, from where a cursor stands; as of the position of the first page, where rows
    may have moved since. Errors: 400 `bad_cursor`."""
    if "cursor" not in query:
        return asked
    *place, position = unseal(query["cursor"]) or [None]
    if len(place) != len(sort.columns):
        raise Problem("bad_cursor")
    if position is not None:
        asked = asked._replace(as_of=asked.as_of.pinned(position))
    return asked._replace(beyond=tuple(place))


def _answer(listed: Listed, asked: Question) -> tuple[Answer, bool]:
    """What a report answers, and whether that is one page, with a row of the next. All pages of the
    past are found at once, unless they are too many to be kept."""
    here, name, limit = edge(), caller().ledger, asked.limit or DEFAULT_LIMIT
    report = beside(here.replayers, here.store, listed.report)
    in_pages = type_of(REPORTS[listed.report]).in_pages
    if not (asked.as_of.now and in_pages):
        whole = asked._replace(limit=past.ROWS if in_pages else None, beyond=None)
        found = here.kept.answer(here.models, name, listed.report, whole, report=report)
        if not in_pages or not past.is_too_long(found):
            return found, False
    return report(here.models, name, asked._replace(limit=limit + 1)), True


def no_part(row: dict[str, Any], member: str) -> None:
    """Nothing: the row belongs to no single member."""


def own_row(row: dict[str, Any], member: str) -> dict[str, Any] | None:
    """The whole row, if it is the member's own."""
    return row if row["member"] == member else None


def _visible(listed: Listed, asked: Question, answer: Answer, sort: Sort) -> Answer:
    """What the caller may see of records of staff; nor does the header tell them of the other
    rows. Filters and orders look at what they may see only: who finds a row, or its place, by what
    is hidden in it would know what that is. Rule: R-ACC-13."""
    who, part = caller(), listed.visible_part
    if who.role in listed.whole or part is None:
        return answer
    team = team_of(who)
    filters = filters_of(listed.report, type_of(REPORTS[listed.report]).row, asked, answer.as_of,
                         days=days_of(edge().store, who.ledger))
    rows = [seen for row in answer.rows
            if (seen := row if _of_team(row, team) else part(row, who.actor)) is not None
            and all(one.takes(seen) for one in filters)]
    as_of = {name: value for name, value in answer.as_of.items() if name not in HASHED}
    notes = [one for one in as_of["notes"] if not isinstance(one, OfAll)]
    as_of["notes"] = notes if rows else [*notes, *nothing_there(asked, as_of)]
    return Answer(as_of, sort.sorted(rows))


def team_of(who: Caller) -> frozenset[str]:
    """The members whom a caller heads."""
    rights = edge().rights(who) if who.actor.startswith("member:") else None
    return frozenset() if rights is None else frozenset(rights.team)


def _of_team(row: Mapping[str, Any], team: Collection[str]) -> bool:
    """Whether a row is about a member of a team, or a shift in which one of them is."""
    listed = row.get("members")
    return row.get("member") in team or (
        isinstance(listed, list) and any(one in team for one in listed))


def question(query: Mapping[str, Any]) -> Question:
    """What is asked. Errors: R-PRJ-03, R-PRJ-04, R-PRJ-06."""
    as_of = AsOf.parse(query.get("position"), query.get("recorded_as_of"),
                       query.get("occurred_as_of"))
    return Question(as_of=as_of, **{
        field: query[field] for field in OPTIONS if field in query})


def paged(
    as_of: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], last: list[Any] | None,
    leaf: bytes = b"",
) -> Response:
    """A page; `last` is where its last row stands, None on the last page; `leaf` as `Answer` has
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
    where it is not given. Its notes are in the language of the request."""
    if not as_of.get("notes"):  # most answers: nobody asks in which language
        return mark(Response(as_json(body), content_type="application/json"), as_of["position"],
                    leaf)
    found = Response(as_json(_spoken(body)), content_type="application/json")
    in_language(found)
    return mark(found, as_of["position"], leaf)


def _spoken(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer with its notes in the language of the request."""
    as_of = body.get("as_of")
    if as_of is None:  # a preview
        return body
    return {**body, "as_of": {**as_of, "notes": [spoken(one) for one in as_of["notes"]]}}


def as_json(value: Mapping[str, Any]) -> bytes:
    """An object as JSON, in which every reader keeps every number exact: see `exact`."""
    try:
        return orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        return orjson.dumps(exact(value))
