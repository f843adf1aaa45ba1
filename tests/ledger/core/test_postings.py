"""What any event may carry: a correction that counts once, and accounts that are its subjects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec
import pytest

from ledger.application import Ledger
from ledger.core import event_types
from ledger.core.accounts import Account, Touch
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Correction, Observation, Posting, mention_of
from ledger.handlers import clock
from ledger.log.envelope import listed_subjects
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.writing.errors import OnceTaken
from ledger.writing.genesis import begun
from tests.support.envelopes import CONTEXT, NOON

STOCK = "stock:hz:A1"


class Slip(Aggregate):
    """A slip that moves goods; the tests' own."""

    KIND = "toyslip"

    def begin(self) -> None:
        self.moved = 0

    class Written(Aggregate.Event):
        """Goods were moved."""

        TOPIC = "toyslip.written.v1"

    @event(Written)
    def _written(self, postings, corrects):
        self.moved += sum(one.quantity for one in postings) * (1 if corrects is None else -1)


class Pile(Account):
    """What slips post to; the tests' own."""

    KIND = "stock"

    def take(self, *touches: Touch) -> None:
        self.position = touches[-1].position


class WriteSlip(Command, frozen=True, kw_only=True):
    """Write a slip."""

    NAME: ClassVar[str] = "toyslip.write"
    occurred_at: datetime = NOON
    corrects: Correction | None = None
    postings: tuple[Posting, ...] = ()
    observations: tuple[Observation, ...] = ()

    @property
    def subject(self) -> str:
        return "toyslip:1"


def write_slip(command: WriteSlip, work: Work) -> list[Aggregate]:
    """Record what the command says."""
    slip: Slip = work.load(Slip, command.subject)
    for one in (*command.postings, *command.observations):
        work.load(Pile, one.account)
    slip._written(postings=command.postings, observations=command.observations,
                  corrects=command.corrects, occurred_at=command.occurred_at)
    return [slip]


HANDLERS: Mapping[type[Command], Handler] = {**clock.HANDLERS, WriteSlip: write_slip}


@pytest.fixture
def ledger(store: Store, keys: Keys) -> Any:
    """A ledger that knows slips only."""
    opened = Ledger(store, begun(store, keys), handlers=HANDLERS)
    yield opened
    opened.close()


def posting(**fields: Any) -> Posting:
    return Posting(**{"account": STOCK, "quantity": 3, "source": "receiving",
                      "target": "available", "cause": "receipt", **fields})


def test_event__holds_nothing_of_what_it_does_not_carry(ledger: Ledger, store: Store) -> None:
    ledger.handle(WriteSlip(), CONTEXT)
    (entry,) = store.streams("main", ["toyslip:1"])
    assert (entry.payload, listed_subjects(entry.subjects)) == (b"{}", ["toyslip:1"])


def test_accounts__are_subjects_of_what_posts_to_them_or_observes_them(
    ledger: Ledger, store: Store
) -> None:
    ledger.handle(WriteSlip(
        postings=(posting(), posting(bin="B1", at=NOON, since=7)),
        observations=(Observation(account="stock:hz:A2", place="shelf", counted=0, at=NOON),)),
        CONTEXT)
    (entry,) = store.streams("main", ["toyslip:1"])
    assert listed_subjects(entry.subjects) == [
        "sku:A1", "sku:A2", STOCK, "stock:hz:A2", "toyslip:1"]
    first = msgspec.json.decode(entry.payload)["postings"][0]
    assert first == {"account": STOCK, "quantity": 3, "from": "receiving", "to": "available",
                     "cause": "receipt"}
    assert event_types.decode(entry).postings[1] == posting(bin="B1", at=NOON, since=7)


def test_correction__counts_once_and_may_be_corrected_in_its_turn(
    ledger: Ledger, store: Store
) -> None:
    first = ledger.handle(WriteSlip(postings=(posting(),)), CONTEXT).positions[0]
    wrong = WriteSlip(postings=(posting(),), corrects=Correction(first, "did_not_occur"))
    second = ledger.handle(wrong, CONTEXT).positions[0]
    for kind in ("did_not_occur", "incorrect_data"):
        with pytest.raises(OnceTaken):
            ledger.handle(WriteSlip(corrects=Correction(first, kind)), CONTEXT)
    ledger.handle(WriteSlip(corrects=Correction(second, "incorrect_data")), CONTEXT)
    entries = store.streams("main", ["toyslip:1"])
    assert [entry.once for entry in entries] == [None, f"corrects:{first}", f"corrects:{second}"]
    assert event_types.decode(entries[1]).corrects == Correction(first, "did_not_occur")


def test_correction__of_an_unknown_kind_stops_its_reader(ledger: Ledger, store: Store) -> None:
    ledger.handle(WriteSlip(), CONTEXT)
    (entry,) = store.streams("main", ["toyslip:1"])
    later = entry._replace(payload=b'{"corrects":{"position":1,"kind":"was_a_joke"}}')
    with pytest.raises(event_types.UnknownMember):
        event_types.decode(later)


def test_told_of__names_what_an_account_holds() -> None:
    assert [mention_of(one) for one in (STOCK, "stock:hz:%3A", "sku:A1", "order:a:b:1")] == [
        "sku:A1", "sku:%3A", "sku:A1", "order:a:b:1"]
