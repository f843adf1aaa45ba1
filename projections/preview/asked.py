"""Which reports are asked what, so that it shows what entries touch: each of the things that they
are about and of no other, so that the cost of a preview follows from what it touches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from ledger.common.days import Days, first_day, is_day, is_month, month_after, month_of
from ledger.common.values import from_us, rfc3339, to_us
from ledger.core import event_types
from ledger.core.accounts import AHEAD_US
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Entry, listed_subjects
from ledger.policies.book import BOOK
from ledger.stock.account import StockAccount
from projections.asking.clocks import AsOf
from projections.asking.questions import Question

LEVELS, THEN, ALERTS, CLAIMS, ORDERS = "levels", "levels_then", "alerts", "claims", "orders"
PEOPLE, DEDUCTIONS, SCORES, POLICIES = "people", "deductions", "scores", "policies"

MOST_MONTHS = 24
"""As many months are looked at, from the first on that is touched."""

MOST_TIMES = 20
"""As many earlier times are looked at, the first ones."""


class Shown(NamedTuple):
    """In which section of the answer a report's rows are, by which columns a row is found again,
    and, where not all, which of the others are compared."""

    section: str
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()


SHOWN: dict[str, Shown] = {
    "inventory": Shown(LEVELS, ("sku", "warehouse")),
    "bins": Shown(LEVELS, ("sku", "warehouse", "place", "bin")),
    "low-stock": Shown(ALERTS, ("sku", "warehouse", "opened_at"), ("open", "threshold", "lowest")),
    "discrepancies": Shown(ALERTS, ("sku", "warehouse", "place", "bin", "opened_at"),
                           ("open", "level", "lowest")),
    "exceptions": Shown(ALERTS, ("subject", "exception"), ("kind", "owner")),
    "fulfilment": Shown(CLAIMS, ("subject",), (
        "warehouse", "fulfilment_status", "review_status", "pieces", "held")),
    "orders": Shown(ORDERS, ("subject",)),
    "returns": Shown(ORDERS, ("subject",)),
    "open-transfers": Shown(ORDERS, ("transfer",)),
    "staff": Shown(PEOPLE, ("member",)),
    "post-terms": Shown(PEOPLE, ("post", "member", "since")),
    "rosters": Shown(PEOPLE, ("roster", "since", "shift")),
    "shifts": Shown(PEOPLE, ("roster", "shift")),
    "attendance": Shown(PEOPLE, ("member", "day", "number")),
    "leave": Shown(PEOPLE, ("member", "number")),
    "deductions": Shown(DEDUCTIONS, ("deduction",)),
    "appeals": Shown(DEDUCTIONS, ("deduction", "member")),
    "scores": Shown(SCORES, ("member", "post")),
    "policies": Shown(POLICIES, ("version",)),
}
"""The reports that a preview compares."""

STOCK = ("inventory", "bins", "low-stock", "discrepancies")

OF_STREAM = {"order": ("fulfilment", "exceptions", "orders"), "case": ("returns",),
             "transfer": ("open-transfers",), "deduction": ("deductions", "appeals"),
             "sku": STOCK, "roster": ("rosters", "shifts")}
"""What is asked of a document's stream, by its kind."""

OF_STAFF = frozenset({"member", "post", "roster", "attendance", "deduction", "month", "closings",
                      "policy"})
"""The kinds of streams whose facts may touch scores."""


class Ask(NamedTuple):
    """One question. `at` is an earlier time of the business as of which it is asked."""

    report: str
    question: Question
    at: str | None = None
    month: str | None = None

    @property
    def section(self) -> str:
        """Where its answer is shown."""
        return THEN if self.at is not None else SHOWN[self.report].section


class Touched(NamedTuple):
    """What entries are about: accounts of stock, members (None: all), and the days from which and
    on which their facts hold, sorted. `months` are those from the first such day to now, if scores
    may be touched; else those of the days."""

    accounts: list[str]
    members: list[str] | None
    days: list[str]
    months: list[str]
    cut: bool = False

    @classmethod
    def by(cls, entries: Sequence[Entry], now_us: int, shop: Days) -> "Touched":
        """What entries touch. Units: `now_us` in microseconds since 1970."""
        accounts: dict[str, None] = {}
        members: dict[str, None] = {}
        days: set[str] = set()
        kinds = {kind_of(entry) for entry in entries}
        for entry in entries:
            accounts |= dict.fromkeys(accounts_in(entry.subjects, (f"{StockAccount.KIND}:",)))
            if kind_of(entry) in OF_STAFF:
                members |= dict.fromkeys(
                    one for one in listed_subjects(entry.subjects) if one.startswith("member:"))
            days |= held_on(entry, shop)
        months = sorted(set(map(month_of, days)))
        if kinds & OF_STAFF and months:
            months = _through(months[0], max(shop.month_of(from_us(now_us)), months[0]))
        everybody = not kinds.isdisjoint({"policy", "closings"})
        return cls(list(accounts), None if everybody else list(members), sorted(days),
                   months[:MOST_MONTHS], len(months) > MOST_MONTHS)


def _through(first: str, last: str) -> list[str]:
    """The months from one to another, and not many more than are looked at."""
    found = [first]
    while found[-1] < last and len(found) <= MOST_MONTHS:
        found.append(month_after(found[-1]))
    return found


def kind_of(entry: Entry) -> str:
    """The kind of an entry's stream."""
    return entry.stream.partition(":")[0]


def held_on(entry: Entry, shop: Days) -> set[str]:
    """The days on which, or from which on, what an entry says holds: those that it names, and where
    it names none, the one on which it occurred; what posts to stock, those of its postings."""
    event: Any = event_types.decode(entry)
    found: set[str] = set()
    for name, value in msgspec.structs.asdict(event).items():
        values = value if isinstance(value, list | tuple) else [value]
        found |= {one for one in values if isinstance(one, str) and is_day(one)}
        if isinstance(value, str) and name == "month" and is_month(value):
            found.add(first_day(value))
    if entry.stream.startswith(("attendance:", "month:")) and not found:
        found.add(first_day(entry.stream.rpartition(":")[2]))
    if (breach := getattr(event, "breached_at", None)) is not None:
        found.add(shop.day_of(breach))
    found |= {shop.day_of(one.at) for one in (*event.postings, *event.observations)
              if one.at is not None}
    return found or {shop.day_of(event.occurred_at)}


def asks(entries: Sequence[Entry], touched: Touched) -> list[Ask]:
    """What is to be asked, once each."""
    found = dict.fromkeys((
        *(Ask(report, Question(subject=account))
          for account in touched.accounts for report in STOCK),
        *_of_streams(entries, touched), *_then(entries), *_of_people(entries, touched)))
    return list(found)


def _of_streams(entries: Iterable[Entry], touched: Touched) -> Iterator[Ask]:
    for entry in entries:
        for report in OF_STREAM.get(kind_of(entry), ()):
            day = touched.days[0] if report == "shifts" else None
            yield Ask(report, Question(subject=entry.stream, day=day))
        if entry.stream == BOOK:
            yield Ask("policies", Question())
            yield Ask("low-stock", Question())


def _then(entries: Iterable[Entry]) -> Iterator[Ask]:
    """The levels at the times of what is posted for an earlier time than that of recording."""
    times: dict[tuple[int, str], None] = {}
    for entry in entries:
        event: Any = event_types.decode(entry)
        for one in (*event.postings, *event.observations):
            at = entry.occurred_at if one.at is None else to_us(one.at)
            if at < entry.recorded_at - AHEAD_US:
                times[at, one.account] = None
    first = sorted({at for at, _ in times})[:MOST_TIMES]
    for at, account in sorted(times):
        if at in first:
            moment = rfc3339(from_us(at))
            yield Ask("inventory", Question(AsOf.parse(occurred_as_of=moment), subject=account),
                      moment)


def _of_people(entries: Sequence[Entry], touched: Touched) -> Iterator[Ask]:
    if not any(kind_of(entry) in OF_STAFF for entry in entries):
        return
    if touched.members is None:
        for month in touched.months:
            yield Ask("deductions", Question(month=month))
            yield Ask("scores", Question(month=month), month=month)
        return
    for member in touched.members:
        yield Ask("post-terms", Question(subject=member))
        yield Ask("leave", Question(subject=member))
        for day in touched.days[:MOST_MONTHS]:
            yield Ask("staff", Question(subject=member, day=day))
        for month in touched.months:
            yield Ask("attendance", Question(subject=member, month=month))
            yield Ask("scores", Question(subject=member, month=month), month=month)
    for month in touched.months:
        yield Ask("deductions", Question(month=month))
