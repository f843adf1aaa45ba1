"""What raw payloads say of stock: a fold of their JSON that shares no code with the ledger.

It reads the frozen names of postings and observations, and nothing of the domain. Whatever the
ledger keeps of an account, in a writer or in a read model, can be held against it.
"""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHELF = ("available", "reserved")
INSIDE = (*SHELF, "receiving", "picked", "packed", "returns_inspection", "quarantine", "damaged")
MEMO = ("demand", "waiting")


class Told(NamedTuple):
    """One event as the log tells it. Units: `occurred_at` in microseconds since 1970."""

    position: int
    stream: str
    occurred_at: int
    payload: bytes


class Book:
    """One account: its levels, the bins of its shelf, who waits since which position, and what was
    counted when. What is zero is left out."""

    def __init__(self) -> None:
        self.levels: Counter[str] = Counter()
        self.bins: Counter[str] = Counter()
        self.waiting: dict[str, tuple[int, int]] = {}
        self.observed: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
        self.position = 0

    def state(self) -> dict[str, Any]:
        """All of it, to be compared."""
        return {
            "levels": {name: n for name, n in self.levels.items() if n},
            "bins": {name: n for name, n in self.bins.items() if n},
            "waiting": sorted((since, order, n) for order, (since, n) in self.waiting.items()),
            "observed": {lying: sorted(seen) for lying, seen in self.observed.items() if seen},
            "position": self.position}


def told(entry: Any) -> Told:
    """An entry of the log."""
    return Told(entry.position, entry.stream, entry.occurred_at, entry.payload)


def named(payload: bytes) -> set[str]:
    """The accounts to which a payload posts, or of which it observes something."""
    said = json.loads(payload)
    return {one["account"] for name in ("postings", "observations") for one in said.get(name, ())}


class Books:
    """All accounts after the events that were taken; `at`: of these, what happened up to a time. Of
    a time only levels and bins are asked: waiting and counts are kept by position."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at
        self.known: dict[str, Book] = {}

    def take(self, fact: Told) -> set[str]:
        """The next event. Returns the accounts that it names."""
        said = json.loads(fact.payload)
        occurred_at = EPOCH + timedelta(microseconds=fact.occurred_at)
        for posting in said.get("postings", ()):
            if self.at is None or _moment(posting.get("at"), occurred_at) <= self.at:
                _post(self.known.setdefault(posting["account"], Book()), posting, fact)
        for one in said.get("observations", ()):
            book = self.known.setdefault(one["account"], Book())
            book.observed.setdefault((one["place"], one.get("bin", "")), []).append(
                (_moment(one["at"], occurred_at), fact.position))
        names = named(fact.payload)
        for name in names:
            book = self.known.setdefault(name, Book())
            book.position = fact.position
            if "corrects" in said:
                wrong = said["corrects"]["position"]
                book.observed = {lying: [one for one in seen if one[1] != wrong]
                                 for lying, seen in book.observed.items()}
        return names


def books(
    facts: Iterable[Told], *, until: int | None = None, at: datetime | None = None
) -> dict[str, Book]:
    """The accounts after some events: those up to a position, and of them what happened up to a
    time."""
    found = Books(at)
    for fact in facts:
        if until is None or fact.position <= until:
            found.take(fact)
    return found.known


def _moment(text: str | None, otherwise: datetime) -> datetime:
    return otherwise if text is None else datetime.fromisoformat(text)


def _post(book: Book, posting: dict[str, Any], fact: Told) -> None:
    source, target, pieces = posting["from"], posting["to"], posting["quantity"]
    assert pieces > 0
    assert type(pieces) is int
    book.levels[source] -= pieces
    book.levels[target] += pieces
    if source in SHELF:
        book.bins[posting.get("bin", "")] -= pieces
    if target in SHELF:
        book.bins[posting.get("to_bin", "")] += pieces
    if "waiting" in (source, target):
        since, waits = book.waiting.get(fact.stream, (None, 0))
        claim = posting.get("since", fact.position)
        waits += pieces if target == "waiting" else -pieces
        book.waiting[fact.stream] = (claim if since is None else min(since, claim), waits)
        if not waits:
            del book.waiting[fact.stream]


def state_of(account: Any) -> dict[str, Any]:
    """The same of an account as the ledger keeps it."""
    queue = [(one.since, order, one.quantity) for order, one in account.waiting.items()]
    assert queue == sorted(queue), "the queue is not in order"
    return {"levels": account.levels, "bins": account.bins, "waiting": queue,
            "observed": {lying: list(seen) for lying, seen in account.observed.items()},
            "position": account.position}


def must_be_sound(book: Book, *, decided: bool = False) -> None:
    """What holds for every account: it sums to zero, over goods and over memos; its bins make up
    its shelf. `decided`: nothing was declared, so no place inside and no bin is below zero."""
    assert sum(book.levels.values()) == 0
    assert sum(book.levels[name] for name in MEMO) == 0
    assert sum(book.bins.values()) == sum(book.levels[name] for name in SHELF)
    assert all(waits > 0 for _, waits in book.waiting.values())
    assert sum(waits for _, waits in book.waiting.values()) == book.levels["waiting"]
    if decided:
        physical = (*INSIDE, "between_warehouses", "with_courier")
        assert all(book.levels[name] >= 0 for name in physical), book.levels
        assert all(pieces >= 0 for pieces in book.bins.values()), book.bins
