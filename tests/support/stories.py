"""given(*history).when(command).then(*facts or an error): a rule's story, without a database."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Self

import msgspec
import pytest

from ledger.common.errors import LedgerError
from ledger.common.personal import Person, Personal, Plain
from ledger.common.values import to_us
from ledger.core.accounts import Account, Touch, settled, touches_of
from ledger.core.aggregate import Aggregate, in_turn
from ledger.core.commands import Command, Wanted
from ledger.core.postings import held_in
from ledger.handlers.table import HANDLERS
from ledger.log.persons import PersonLost
from ledger.orders.order import Order
from ledger.stock.account import StockAccount
from ledger.stock.places import MEMO, stock_of
from ledger.writing.errors import OnceTaken
from tests.support.books import Told
from tests.support.builders import HOUSE, stream
from tests.support.days import IN_SHANGHAI


class OpenSealer:
    """Keeps values readable, so that a story can look at them."""

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        return Personal(plain.person.id, plain.value, "c", "h")

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        return sealed.n


class Story:
    """What was decided so far, and what the last command led to."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.touched: dict[str, Any] = {}
        self.history: list[Touch] = []
        self.placed: list[tuple[int, Any]] = []
        self.log: list[Told] = []
        self.facts: list[Any] = []
        self.error: LedgerError | None = None
        self.actor = "system"
        self.position = 1_000
        self.days = IN_SHANGHAI
        self.now = 0
        self.once: set[str] = set()
        self.erased: set[str | None] = set()
        self.persons: set[str] = set()
        self.told: list[Aggregate] = []
        self.left: dict[str, Account] = {}

    # -- what a handler asks for ------------------------------------------------------------------

    def load(self, cls: type[Any], stream: str) -> Any:
        if stream not in self.touched:
            copy = (self.known.get(stream) or cls.blank(stream)).clone()
            self.touched[stream] = (copy if isinstance(copy, Account)
                                    else copy.sealed_by(OpenSealer()))
        return self.touched[stream]

    def see(self, cls: type[Any], stream: str) -> Any:
        return self.load(cls, stream)

    def is_new(self, cls: type[Any], stream: str) -> bool:
        return not self.load(cls, stream).version

    def tell(
        self, event_class: type[Any], stream: str, fields: dict[str, Any],
        accounts: Iterable[Account],
    ) -> None:
        """What the accounts come to is folded from the fact anew, and has to be the same."""
        aggregate = event_class.AGGREGATE.blank(stream).sealed_by(OpenSealer())
        event_class.RECORD(aggregate, **fields)
        self.told, self.left = [aggregate], {one.id: one for one in accounts}
        self.touched |= {stream: aggregate, **self.left}

    def fetch(self, wanted: Wanted) -> None:
        pass

    def touches(self, accounts: Collection[str], since: int) -> Iterator[Touch]:
        return (touch for touch in reversed(self.history)
                if touch.by_account().keys() & set(accounts))

    def holds(self, position: int) -> bool:
        return position <= self.position

    def taken(self, once: str) -> tuple[int, str] | None:
        return next(((position, fact.originator_id) for position, fact in self.placed
                     if fact.__dict__.get("once") == once), None)

    def person(self, lookup: str, *beside: Aggregate) -> Person:
        return self._known(f"person:{lookup}")

    def person_of(self, known: Aggregate, lookup: str, *beside: Aggregate) -> Person:
        return self._known(known.whose() or f"person:{lookup}")

    def _known(self, person: str) -> Person:
        return Person(person, b"" if person in self.erased else b"key")

    def is_erased(self, person: str | None) -> bool:
        return person in self.erased

    def is_given_up(self, known: Aggregate, person: str) -> bool:
        return False

    def person_by_id(self, person: str) -> Person:
        if person not in self.persons:
            raise PersonLost(person=person)
        return Person(person, b"key")

    def sharing(self, person: str) -> set[str]:
        return {person}

    def own(self, streams: Collection[str]) -> dict[str, str]:
        return {}

    def story(self, stream: str) -> list[tuple[int, Any]]:
        return [one for one in self.placed if one[1].originator_id == stream]

    def facts_of(self, streams: Collection[str]) -> list[Any]:
        return [fact for _, fact in self.placed if fact.originator_id in streams]

    def streams_of(
        self, kind: str, naming: str | None = None, during: tuple[int, int] | None = None
    ) -> Iterator[list[str]]:
        yield sorted({
            fact.originator_id for _, fact in self.placed
            if fact.originator_id.startswith(f"{kind}:") and (
                naming is None or naming in {*fact.about(), *map(held_in, fact.accounts())})
            and (during is None or during[0] <= to_us(fact.occurred_at) <= during[1])})

    def facts_since(self, position: int, most: int) -> list[Any] | None:
        return []

    # -- the story --------------------------------------------------------------------------------

    def decide(self, command: Command) -> list[Any]:
        """Decide a command and keep what it changed. Raises its refusal."""
        self.touched, self.told, self.left = {}, [], {}
        command.must_be_current(self)
        changed = HANDLERS[type(command)](command, self) or self.told
        facts = in_turn(fact for aggregate in changed for fact in aggregate.collect_events())
        onces = [once for fact in facts if (once := fact.__dict__.get("once")) is not None]
        if taken := next((once for once in onces if once in self.once), None):
            raise OnceTaken(once=taken, position=0)
        self.once.update(onces)
        self.known.update({aggregate.id: aggregate for aggregate in changed})
        touches = list(touches_of(facts, self.position, self.now))
        drafts = {name: found for name, found in self.touched.items()
                  if isinstance(found, Account)}
        self.known.update(settled(touches, {
            name: self.known.get(name) or type(found).blank(name)
            for name, found in drafts.items()}, drafts))
        assert all(self.known[name] == account for name, account in self.left.items())
        self.history += touches
        self.placed += enumerate(facts, self.position + 1)
        self.log += [Told(position, fact.originator_id, to_us(fact.occurred_at), _payload(fact))
                     for position, fact in enumerate(facts, self.position + 1)]
        self.position += len(facts)
        return facts

    def by(self, actor: str) -> Self:
        """Let somebody else decide what comes next."""
        self.actor = actor
        return self

    def when(self, make: Command | Callable[[], Command]) -> Self:
        """Try a command."""
        self.facts, self.error = [], None
        try:
            self.facts = self.decide(make() if callable(make) else make)
        except LedgerError as error:
            self.error = error
        return self

    def then(self, *expected: str) -> list[Any]:
        """The command recorded events of just these types; they are returned."""
        assert self.error is None, self.error
        assert [fact.TOPIC for fact in self.facts] == list(expected)
        return self.facts

    def refused(self, error: type[LedgerError], says: str = "") -> LedgerError:
        """The command was refused with this error, in these words; nothing was recorded."""
        assert isinstance(self.error, error), (self.error, self.facts)
        assert self.facts == []
        assert not says or str(self.error).startswith(says)
        return self.error


_payload = msgspec.json.Encoder().encode


def given(*history: Command) -> Story:
    """A story that begins with these commands, all of them accepted."""
    story = Story()
    for command in history:
        try:
            story.decide(command)
        except LedgerError as error:
            pytest.fail(f"the history is refused: {error}")
    return story


def account(story: Story, sku: str = "SH-001", house: str = HOUSE) -> StockAccount:
    """The stock of a SKU."""
    found = story.known[stock_of(house, sku)]
    assert isinstance(found, StockAccount)
    return found


def levels(story: Story, sku: str = "SH-001", house: str = HOUSE) -> dict[str, int]:
    """The places of a SKU that hold something, without where it came from and who waits; the sum
    over all places is zero."""
    known = account(story, sku, house).levels
    assert sum(known.values()) == 0
    return {place: pieces for place, pieces in known.items()
            if place not in ("supplier", *MEMO)}


def bins(story: Story, sku: str = "SH-001", house: str = HOUSE) -> dict[str, int]:
    """The pieces of a SKU by bin of the shelf; "" is no known bin."""
    return account(story, sku, house).bins


def waiting(story: Story, sku: str = "SH-001", house: str = HOUSE) -> dict[str, int]:
    """The numbers of the orders that wait for a SKU, first in first, with their pieces."""
    queue = account(story, sku, house).waiting
    return {name.rpartition(":")[2]: one.quantity for name, one in queue.items()}


def goods(story: Story, number: object = "1") -> dict[str, dict[str, int]]:
    """The pieces of an order's lines by state."""
    order = story.known[stream(number)]
    assert isinstance(order, Order)
    return {name: dict(states) for name, states in order.goods.items()}


def open_exceptions(story: Story, number: object = "1") -> list[str]:
    """The exceptions of an order that are open."""
    order = story.known[stream(number)]
    assert isinstance(order, Order)
    return sorted(order.exceptions)
