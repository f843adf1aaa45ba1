"""The history of one subject, event by event, with what each step changed."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api.http import shapes
from api.http.answers import SEEN
from api.http.noting import note_reading
from api.http.reading import (
    DEFAULT_LIMIT,
    STAFF_READERS,
    PageQuery,
    paged,
    question,
)
from api.http.routes import READERS, Blueprint, caller, edge, unseal
from ledger.core.postings import ACCOUNT_KINDS
from ledger.deductions.deduction import Deduction
from ledger.people.attendance import Attendance
from ledger.people.member import Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster
from ledger.scores.account import Account
from ledger.scores.closings import Closings
from projections.asking.clocks import header
from projections.asking.headers import HistoryHeader
from projections.asking.past import NothingRecorded, nothing_about
from projections.audit.answers import TrailRow
from projections.audit.timeline import without_sums
from projections.audit.trail import Asked, Start, found, rows


def etag_of(subject: str, as_of: Mapping[str, Any]) -> str:
    """The ETag of what was read: how many events of the stream the answer knows; of an account, the
    position of the last one that touched it."""
    store, ledger, position = edge().store, caller().ledger, as_of["position"]
    if subject.startswith(ACCOUNT_KINDS):
        last = store.accounts(ledger, [subject], until=position, limit=1, descending=True)
        return f'"{last[0].position if last else 0}"'
    found = store.streams(ledger, [subject])
    return f'"{sum(entry.position <= position for entry in found)}"'


STAFF_KINDS = tuple(f"{cls.KIND}:" for cls in (
    Account, Attendance, Closings, Deduction, Member, Post, Roster))
"""The streams that are records of staff."""


def may_read(role: str, stream: str) -> bool:
    """Whether a role reads the events of a stream that is about what it asked for: records of staff
    are read by those who read the records of all members, such as who is accused over an order."""
    return role in STAFF_READERS or not stream.startswith(STAFF_KINDS)


def add_history(group: Blueprint, path: str, name: str, *, staff: bool = False) -> None:
    """Register the history of a kind of subject; `staff`: of a record of members."""

    @group.permit(path, STAFF_READERS if staff else READERS, name=f"{name}-history")
    @group.arguments(PageQuery(), location="query")
    @group.response(200, shapes.listing(TrailRow, HistoryHeader, name="History"),
                    headers=SEEN if name == "stock" else {})
    def history(query: Mapping[str, Any], **given: str) -> Response:
        """Every event about it, in log order: who, when it happened, when it was known, what it
        changed. How many events of this page are not for the caller is in `as_of.left_out`."""
        (subject,) = given.values()
        if not subject.startswith(f"{name}:"):
            raise NothingRecorded(ledger=caller().ledger, subject=subject)
        models, ledger = edge().models, caller().ledger
        cut = question(query).as_of.resolve(models.store, ledger)
        limit = query.get("limit", DEFAULT_LIMIT)
        after = unseal(query["cursor"])[0] if "cursor" in query else 0
        trail = found(models, ledger, Asked(subject=subject), cut, start=Start(after),
                      limit=limit + 1)
        head = header(models.store, ledger, cut)
        if not trail.entries and not after:
            raise nothing_about(subject, head)
        if staff:
            note_reading(head["position"])
        taken = trail.entries[:limit]
        readable = [one for one in taken if may_read(caller().role, one.stream)]
        more = [taken[-1].position] if len(trail.entries) > limit else None
        shown, of_goods = rows(models, ledger, readable, cut, subject=subject), subject.startswith(
            ACCOUNT_KINDS)
        answer = paged({**head, "left_out": len(taken) - len(readable)},
                       [without_sums(row) if of_goods else row for row in shown], more)
        if of_goods and cut.asked.now:
            answer.headers["ETag"] = etag_of(subject, head)
        return answer
