"""Things that are what was written of them: listed by their names, and read one by one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response

from api.http import shapes, single
from api.http.noting import note_reading
from api.http.reading import (
    DEFAULT_LIMIT,
    PageQuery,
    paged,
    question,
    sort_field,
)
from api.http.routes import Blueprint, caller, edge, unseal
from api.http.single import Found, Single
from ledger.log.envelope import Entry
from projections import names
from projections.asking.clocks import header
from projections.asking.columns import Columns
from projections.asking.names import DOWN
from projections.asking.past import NothingRecorded, nothing_about
from projections.asking.questions import Question
from projections.names import Wanted


class Things(NamedTuple):
    """The routes of things whose streams begin with `kind`: `shown` makes an item of the entries of
    one, as `row` declares it. The list is at `path`, if it has a list, and each below it.

    `sort` is the column by which the list usually comes: by the names of things or, `by_age`, by
    where in the log they began. `query` and `taking` narrow it: what is asked, and what lets an
    item through. `given` is what the address calls a thing. Who may read a thing is shown all of
    it, but for the columns that are `only` for some roles. A reading of what the shop takes
    (`money`) is noted before it is answered.
    """

    path: str
    kind: str
    what: str
    roles: Collection[str]
    shown: Callable[[Sequence[Entry]], dict[str, Any]]
    row: type[Columns]
    sort: str
    by_age: bool = False
    listed: bool = True
    query: type[PageQuery] = PageQuery
    taking: Callable[[Mapping[str, Any]], Callable[[dict[str, Any]], bool]] | None = None
    given: str = "subject"
    only: Mapping[str, Collection[str]] = {}
    money: bool = False

    def seen_by(self, role: str) -> Callable[[Sequence[Entry]], dict[str, Any]]:
        """What makes an item as a role reads it."""
        hidden = {name for name, roles in self.only.items() if role not in roles}
        return lambda entries: {name: value for name, value in self.shown(entries).items()
                                if name not in hidden}

    def words(self) -> list[str]:
        """The words for its orders, the usual one first."""
        return [self.sort, self.sort.removeprefix(DOWN) if self.sort.startswith(DOWN)
                else f"{DOWN}{self.sort}"]


def add(group: Blueprint, things: Things) -> None:
    """Register the routes of things."""

    def read(asked: Question) -> Found:
        store, ledger, subject = edge().store, caller().ledger, asked.subject or ""
        cut = asked.as_of.resolve(store, ledger)
        if subject.partition(":")[0] != things.kind:
            raise NothingRecorded(ledger=ledger, subject=subject)
        entries = list(filter(cut.takes, store.streams(ledger, [subject])))
        as_of = header(store, ledger, cut)
        if things.money:
            note_reading(as_of["position"], about=subject if entries else None)
        if not entries:
            raise nothing_about(subject, as_of)
        return as_of, things.seen_by(caller().role)(entries)

    single.add(group, Single(f"{things.path}/<{things.given}>", things.kind, things.kind,
                             f"One of these: {things.what}", things.roles, read,
                             things.row))
    if things.listed:
        add_list(group, things)


def add_list(group: Blueprint, things: Things) -> None:
    """Register the list alone, where each has an address of another kind."""

    def view(query: Mapping[str, Any]) -> Response:
        limit, asked = query.get("limit", DEFAULT_LIMIT), question(query)
        wanted = Wanted(things.kind, things.seen_by(caller().role), by_age=things.by_age,
                        down=query.get("sort", things.sort).startswith(DOWN))
        if things.taking is not None:
            wanted = wanted._replace(takes=things.taking(query))
        page = names.things(edge().models, caller().ledger, wanted, asked._replace(
            beyond=tuple(unseal(query["cursor"])) if "cursor" in query else None,
            limit=limit + 1))
        if things.money:
            note_reading(page.as_of["position"])
        streams = list(page.things)
        return paged(page.as_of, [page.things[one] for one in streams[:limit]],
                     [streams[limit - 1]] if len(streams) > limit else None)

    view.__doc__ = things.what
    found: Callable[..., Any] = view
    for wrap in (group.response(200, shapes.listing(things.row)),
                 group.arguments(things.query.from_dict({"sort": sort_field(things.words())})(),
                                 location="query")):
        found = wrap(found)
    group.permit(things.path, things.roles, name=f"{things.kind}s")(found)
