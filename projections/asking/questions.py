"""What a report is asked, and what it answers."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

from ledger.common.days import has_an_end, is_day
from ledger.common.errors import Invalid
from ledger.scores.account import Account
from projections.asking.clocks import NOW, AsOf


class SubjectNeeded(Invalid):
    """This report is about one subject. Name it, such as {example}."""

    code: ClassVar[str] = "subject_needed"
    rule: ClassVar[str] = "R-PRJ-10"


class BadMonth(Invalid):
    """{text!r} is not a month. Name one such as 2026-09."""

    code: ClassVar[str] = "bad_month"
    rule: ClassVar[str] = "R-PRJ-13"


class BadDay(Invalid):
    """{text!r} is not a day. Name one such as 2026-09-30."""

    code: ClassVar[str] = "bad_day"
    rule: ClassVar[str] = "R-PRJ-16"


class BadAge(Invalid):
    """{text!r} is not an age. Name one in minutes, hours or days, such as 30m, 2h or 3d."""

    code: ClassVar[str] = "bad_age"
    rule: ClassVar[str] = "R-PRJ-25"


class UnknownStatus(Invalid):
    """{text!r} is no status of the report {report}. Its statuses are {known}."""

    code: ClassVar[str] = "unknown_status"
    rule: ClassVar[str] = "R-PRJ-26"


_age = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII).fullmatch
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


class Question(NamedTuple):
    """What is asked: as of when, and of which channel, shop or subject (None: of all).

    `limit` is how many rows there are at most; a timeline starts after the position `after`. Rows
    come in the order `sort` of `names.ORDERS`; those of a query of their own begin after the place
    `beyond` in it (see `sorting`). `since` and `until` are the first and the last day
    of a period, both inclusive, in the shop's zone; `month` is one such as 2026-09, `day` one such
    as 2026-09-30, `post` a post of members. `status`, `owner` and `sku` are those of orders in a
    queue, and `older_than` is how long ago these were placed at least, such as 2h. `by` is what
    revenue is listed by. The fields after it are filters of `names.FILTERS`, and so are
    `owner`, `sku`, `post` and `older_than` in the reports that are named there.
    """

    as_of: AsOf = NOW
    channel: str | None = None
    shop: str | None = None
    subject: str | None = None
    after: int = 0
    sort: str | None = None
    beyond: tuple[Any, ...] | None = None
    limit: int | None = None
    since: str | None = None
    until: str | None = None
    month: str | None = None
    post: str | None = None
    day: str | None = None
    status: str | None = None
    owner: str | None = None
    older_than: str | None = None
    sku: str | None = None
    by: str | None = None
    review_status: str | None = None
    payment_status: str | None = None
    delivery_status: str | None = None
    fulfilment_status: str | None = None
    exception: str | None = None
    number_ends: str | None = None
    paid_from: str | None = None
    paid_to: str | None = None
    dispatched_from: str | None = None
    dispatched_to: str | None = None
    waybill: str | None = None
    courier: str | None = None
    warehouse: str | None = None
    from_warehouse: str | None = None
    to_warehouse: str | None = None
    place: str | None = None
    state: str | None = None
    kind: str | None = None
    order: str | None = None
    member: str | None = None
    rule: str | None = None
    about: str | None = None
    supervisor: str | None = None

    def must_be_of_month(self) -> str | None:
        """The month, if one is asked for. Errors: BadMonth (R-PRJ-13)."""
        if self.month is not None and not has_an_end(self.month):
            raise BadMonth(text=self.month)
        return self.month

    def must_be_of_day(self) -> str | None:
        """The day, if one is asked for. Errors: BadDay (R-PRJ-16)."""
        if self.day is not None and not is_day(self.day):
            raise BadDay(text=self.day)
        return self.day

    def must_be_an_age(self) -> int | None:
        """How many minutes old at least, if that is asked for. Errors: BadAge (R-PRJ-25)."""
        if self.older_than is None:
            return None
        found = _age(self.older_than)
        if found is None:
            raise BadAge(text=self.older_than)
        return int(found[1]) * _MINUTES[found[2]]

    def must_be_a_status(self, report: str, known: Sequence[str]) -> str | None:
        """The status, if one is asked for. Errors: UnknownStatus (R-PRJ-26)."""
        if self.status is not None and self.status not in known:
            raise UnknownStatus(text=self.status, report=report, known=", ".join(known))
        return self.status


PRESENT = Question()


def asked_about(subject: str) -> dict[str, Any]:
    """What a report is asked for a subject: of a member's month, the member and the month."""
    kind, _, rest = subject.partition(":")
    if kind == Account.KIND:
        member, _, month = rest.rpartition(":")
        return {"subject": f"member:{member}", "month": unquote(month)}
    return {"subject": subject}


class Answer(NamedTuple):
    """A list of objects, and as of what it is (see `clocks.header`). `leaf` is the hash of the
    event at its position, empty where it was not read: the mark of the answer is made of it."""

    as_of: dict[str, Any]
    rows: list[dict[str, Any]]
    leaf: bytes = b""
