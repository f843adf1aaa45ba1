"""A signed month out of its own stream: every signature, with the figures that were signed."""

from collections.abc import Sequence
from typing import Annotated, Any

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.log.envelope import Entry
from projections.asking.columns import Columns, Currency, Hash, Money, Month, Subject, Time, says
from projections.orders.answers import SignedDifference
from projections.orders.signatures import Signature


class SignedFigures(Columns):
    """What was signed of a currency."""

    currency: Currency
    orders: Annotated[int, says("How many orders were placed in the month.")]
    total_minor: Annotated[Money, says("What the orders cost that state a total.")]
    paid_minor: Annotated[Money, says("What was paid in the month.")]
    refunded_minor: Annotated[Money, says("What was refunded in the month.")]
    difference_minor: Annotated[Money, says("What the orders cost, less what came in.")]
    differences: Annotated[list[SignedDifference], says("Its causes.")]


class MonthSignature(Columns):
    """A signature of a month."""

    signer: Annotated[str, says("Who signed.")]
    signed_at: Annotated[Time, says("When it was signed.")]
    digest: Annotated[Hash, says("The hash of the figures.")]
    figures: Annotated[list[SignedFigures], says("What was signed, by currency.")]
    position: Annotated[int, says("The position of the signature.")]


class OneReconciliation(Columns):
    """A signed month, of a shop or of all."""

    reconciliation: Annotated[Subject, says("The stream of the month.")]
    month: Month
    channel: Annotated[str | None, says("The channel of the shop; null: of all.")]
    shop: Annotated[str | None, says("The shop; null: of all.")]
    signatures: Annotated[list[MonthSignature], says(
        "Each takes the place of the one before; the report `reconciliation` says whether the last "
        "one holds.")]
    position: Annotated[int, says("The position of the last signature.")]


def reconciliation(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: as `OneReconciliation`."""
    events: list[Any] = [event_types.decode(entry) for entry in entries]
    first = events[0]
    return {"reconciliation": entries[0].stream, "month": first.month, "channel": first.channel,
            "shop": first.shop, "signatures": list(map(_signature, entries, events)),
            "position": entries[-1].position}


def _signature(entry: Entry, event: Any) -> dict[str, Any]:
    signed = Signature(differences=event.differences)
    return {"signer": event.signer, "signed_at": rfc3339(from_us(entry.occurred_at)),
            "digest": event.digest, "figures": [{
                "currency": one.currency, "orders": one.orders, "total_minor": one.total_minor,
                "paid_minor": one.paid_minor, "refunded_minor": one.refunded_minor,
                "difference_minor": one.difference_minor,
                "differences": signed.differences_in(one.currency)} for one in event.figures],
            "position": entry.position}
