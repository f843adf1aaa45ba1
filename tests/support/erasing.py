"""Persons who are erased, in one line."""

from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.erasure.commands import RequestErasure
from ledger.erasure.finding import confirmation_of, persons_of
from tests.support.builders import NOON, context, stream

ASKS, CONFIRMS = context(actor="member:asks"), context(actor="member:confirms")


def buyer(ledger: Ledger, number: object = "1") -> str:
    """The only person of an order."""
    (found,) = persons_of(ledger.store, ledger.keys, stream(number))
    return found


def ask(ledger: Ledger, person: str, by: Context = ASKS) -> Receipt:
    """Ask to erase a person."""
    return ledger.handle(RequestErasure(person=person, ground="requested", occurred_at=NOON), by)


def confirm(ledger: Ledger, person: str, by: Context = CONFIRMS) -> Receipt:
    """Confirm it."""
    return ledger.handle(confirmation_of(ledger.store, ledger.keys, person, occurred_at=NOON), by)


def erase(ledger: Ledger, person: str) -> Receipt:
    """Both."""
    ask(ledger, person)
    return confirm(ledger, person)


def sealed_for(ledger: Ledger, person: str, *, after: int = 0) -> list[int]:
    """The positions after one of events that hold something for a person."""
    return [entry.position for entry in ledger.store.read(ledger.id, after=after)
            if f'"p":"{person}"'.encode() in entry.payload]
