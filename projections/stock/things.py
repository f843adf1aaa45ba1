"""Warehouses, SKUs and transfers as what was written of them: each out of its own stream."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType, field

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.stock.skus import Sku
from ledger.stock.transfers import ARRIVALS, Transfer
from projections.asking.columns import Columns, Currency, Money, Subject, Time, code, says


class WarehouseRow(Columns):
    """A warehouse."""

    warehouse: Annotated[Subject, says("The stream of the warehouse.")]
    name: Annotated[str, says("What it is called.")]
    title: Annotated[str | None, says("How it is shown; null where nobody said.")]
    opened_at: Annotated[Time, says("When it was opened.")]
    position: Annotated[int, says("The position of its last event.")]


class SkuPart(Columns):
    """A part of a bundle."""

    sku: Annotated[str, says("The SKU of the part.")]
    each: Annotated[int, says("How many of it are in one bundle.")]


class PriceInForce(Columns):
    """What a SKU costs."""

    amount_minor: Annotated[Money, says("What a piece costs.")]
    floor_minor: Money | None
    currency: Currency
    since: Annotated[Time, says("From when on it holds.")]


FOR_PRICERS = "It is there for those who may read prices."


class SkuRow(Columns):
    """A SKU of which something was said."""

    subject: Annotated[Subject, says("The stream of the SKU.")]
    sku: str
    registered: Annotated[bool, says("Whether it was registered.")]
    title: Annotated[str | None, says("What it is called; null where nobody said.")]
    unit: str
    other_name_of: Annotated[str | None, says("The SKU that it is another name of; else null.")]
    parts: Annotated[list[SkuPart], says("What it is made of, where it is a bundle.")]
    threshold: Annotated[int | None, says("Below which level it is low; null where none is set.")]
    position: Annotated[int, says("The position of the last event about it.")]
    price: Annotated[PriceInForce | UnsetType | None, says(
        "The price in force; null where there is none, and of another name of a SKU, which costs "
        f"what that does. {FOR_PRICERS}")] = UNSET
    prices: Annotated[str | UnsetType, says(
        f"The address of all that it ever had. {FOR_PRICERS}")] = UNSET


class SentLine(Columns):
    """Pieces that were sent."""

    sku: str
    quantity: Annotated[int, says("How many pieces.")]
    bin: Annotated[str, says("Out of which bin; not there where nobody said.")] | UnsetType = UNSET


class ArrivedLine(Columns):
    """Pieces that arrived, or never will."""

    sku: str
    quantity: Annotated[int, says("How many pieces.")]
    bin: Annotated[str, says("Into which bin; not there where nobody said.")] | UnsetType = UNSET
    place: Annotated[str, code(*ARRIVALS), says(
        "Where they are; not there if they can be sold.")] | UnsetType = UNSET


class ArrivalRow(Columns):
    """What arrived of a transfer at a time."""

    at: Annotated[Time, says("When it arrived.")]
    reason: Annotated[str | None, says("Why pieces never arrived; else null.")]
    lines: Annotated[list[ArrivedLine], says("What arrived.")]


class UnderwayLine(Columns):
    """Pieces that are under way."""

    sku: str
    quantity: Annotated[int, says("How many pieces.")]


class SentTransfer(Columns):
    """A transfer, with what arrived of it."""

    transfer: Annotated[Subject, says("The stream of the transfer.")]
    source: Annotated[str, says("From which warehouse.")] = field(name="from")
    target: Annotated[str, says("To which warehouse.")] = field(name="to")
    sent_at: Annotated[Time, says("When it was sent.")]
    sent_position: Annotated[int, says("The position of the event that sent it.")]
    sent: Annotated[list[SentLine], says("What was sent.")]
    arrivals: Annotated[list[ArrivalRow], says("What arrived, in the order of the log.")]
    underway: Annotated[list[UnderwayLine], says("What is still under way.")]
    position: Annotated[int, says("The position of its last event.")]


def warehouse(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: warehouse (its stream), name, title, opened_at, position."""
    event = event_types.decode(entries[0])
    return {"warehouse": entries[0].stream, "name": event.name, "title": event.title,
            "opened_at": rfc3339(from_us(entries[0].occurred_at)),
            "position": entries[-1].position}


def sku(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: subject (its stream), sku, registered, title, unit, other_name_of (a SKU, or None),
    parts (objects of sku and each; of a bundle), threshold (None: none), position, price (the one
    in force: amount_minor, floor_minor, currency, since; or None)."""
    found, title = Sku.blank(entries[0].stream), None
    for entry in entries:
        event = event_types.decode(entry)
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        event.apply(found)
        if isinstance(event, Sku.Registered):
            title = event.title
    return {"subject": entries[0].stream, "sku": event.sku, "registered": found.registered,
            "title": title, "unit": found.unit, "other_name_of": found.target or None,
            "parts": msgspec.to_builtins(list(found.parts)), "threshold": found.threshold,
            "position": entries[-1].position, "price": _price(found)}


def _price(found: Sku) -> dict[str, Any] | None:
    """As the report `prices` has it: by when they hold from."""
    if not found.prices or (found.names and found.names[-1][1]):
        return None
    price = found.prices[-1]
    return {"amount_minor": price.amount_minor, "floor_minor": price.floor_minor,
            "currency": price.currency, "since": rfc3339(price.since)}


def transfer(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: transfer (its stream), from, to (warehouses), sent_at, sent_position, sent (lines:
    sku, quantity, bin), arrivals (each with at, reason, and lines: those and place), underway (sku,
    quantity), position."""
    found = Transfer.blank(entries[0].stream)
    sent: list[Any] = []
    arrivals = []
    for entry in entries:
        event = event_types.decode(entry)
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        event.apply(found)
        if isinstance(event, Transfer.Sent):
            sent = msgspec.to_builtins(event.lines)
        elif isinstance(event, Transfer.Received):
            arrivals.append({"at": rfc3339(from_us(entry.occurred_at)), "reason": event.reason,
                             "lines": msgspec.to_builtins(event.lines)})
    return {"transfer": entries[0].stream, "from": found.source, "to": found.target,
            "sent_at": rfc3339(found.sent_at), "sent_position": entries[0].position, "sent": sent,
            "arrivals": arrivals,
            "underway": [{"sku": one, "quantity": pieces}
                         for one, pieces in sorted(found.underway.items())],
            "position": entries[-1].position}
