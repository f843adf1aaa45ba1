"""Whether a history can be asked about without some of its events: what is kept must not rest on
what is left out.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ledger.common.errors import NotFound, Unanswerable
from ledger.common.phrases import Phrase
from ledger.core import event_types
from ledger.core.aggregate import Aggregate
from ledger.deductions.deduction import Deduction
from ledger.log.envelope import Entry
from ledger.orders.order import Order
from ledger.people.member import Member
from ledger.returns.case import Case
from ledger.scores.account import Account
from ledger.stock.counts import StockCount
from ledger.stock.movements import Movement
from ledger.stock.skus import Sku
from ledger.stock.transfers import Transfer
from ledger.stock.warehouses import Warehouse
from projections.audit.corrections import corrections_in
from projections.audit.known import AGGREGATES, known_to
from projections.trial.facts import Matter, depends, events_about, listed


class NotAmongThem(NotFound):
    """Position {positions} is no event of {subject} at the moment that is asked about, so it cannot
    be left out."""

    code = "not_among_them"
    rule = "R-PRJ-08"


class BeginsWithIt(Unanswerable):
    """Position {position} is how {subject} begins: without it nothing that follows could have
    happened, at {kept}. Leave out all of its events from there on, or none."""

    code = "begins_with_it"
    rule = "R-PRJ-38"


class CorrectsIt(Unanswerable):
    """Position {position} corrects position {corrected}: without that one it would correct nothing.
    Leave out both."""

    code = "corrects_it"
    rule = "R-PRJ-39"


FOUNDED = frozenset(cls.KIND for cls in (
    Order, Case, Deduction, Transfer, StockCount, Movement, Sku, Warehouse, Member))
"""Kinds whose first event makes them; all others are there by their name alone."""


def must_stand(matter: Matter, without: Collection[int]) -> list[Phrase]:
    """Check that a subject's history can be asked about without some of its events. Returns what is
    to be said of those that are kept. Errors:
    NothingRecorded (R-PRJ-07), TooManyEvents (R-PRJ-37), NotAmongThem (R-PRJ-08), BeginsWithIt
    (R-PRJ-38), CorrectsIt (R-PRJ-39), DependsOnIt (R-SUP-07)."""
    if not without:
        return []
    found, subject = events_about(matter), matter.subject
    if unknown := set(without) - {one.position for one in found}:
        raise NotAmongThem(positions=listed(unknown), subject=subject)
    left = [one for one in found if one.position not in without]
    if left and found[0].position in without and matter.kind in FOUNDED:
        raise BeginsWithIt(position=found[0].position, subject=subject,
                           kept=listed(one.position for one in left))
    _must_not_correct(matter, found, without)
    if (cls := AGGREGATES.get(matter.kind)) is None:
        return []
    idle = list(_without_effect(cls.blank(subject), cls.blank(subject), found, without))
    return [Phrase("the events at {positions} rest on what is left out, and change nothing",
                   positions=listed(idle))] if idle else []


def _must_not_correct(
    matter: Matter, entries: Sequence[Entry], without: Collection[int]
) -> None:
    """What is kept corrects nothing that is left out, but in a member's month: there the note on
    what has no effect says it. Errors: CorrectsIt (R-PRJ-39)."""
    if matter.kind == Account.KIND:
        return
    for position, wrong in sorted(corrections_in(entries).items()):
        if wrong in without and position not in without:
            raise CorrectsIt(position=position, corrected=wrong)


def _without_effect(
    real: Aggregate, other: Aggregate, entries: Sequence[Entry], without: Collection[int]
) -> Iterator[int]:
    """The events that are about nothing without others. That is only so in an account, where who
    takes back what is not there takes nothing. Errors: DependsOnIt (R-SUP-07), also where an event
    makes something impossible that it did not make so in reality."""
    for entry in entries:
        event = event_types.decode(entry)
        real.fold(event, entry.version)
        if entry.position in without:
            continue
        try:
            other.fold(event, entry.version)
        except Exception as error:  # it names what is not there
            if not isinstance(other, Account):
                raise depends(entry, without, Phrase("there is no {what}", what=error)) from error
            yield entry.position
        if odd := set(_impossible(other)) - set(_impossible(real)):
            raise depends(entry, without, min(odd))


def _impossible(known: Aggregate) -> Iterator[Phrase]:
    """What cannot be of what is known: fewer than none, or more refunded than was paid."""
    if isinstance(known, Order) and (known.balance.refunded_minor or 0) > known.balance.paid_minor:
        yield Phrase("more is refunded than was paid")
    yield from (Phrase("{name} is below zero", name=name) for name in _below("", known_to(known)))


def _below(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, int) and value < 0:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(
        value, 1) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _below(f"{path}/{name}" if path else str(name), part)
