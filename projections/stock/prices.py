"""What a SKU costs, and below what it is not sold without a signature: every price that it had."""

from collections.abc import Iterator
from typing import Any

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.stock.skus import Sku
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.clocks import Cut
from projections.asking.questions import SubjectNeeded
from projections.stock.answers import PriceRow
from projections.stock.inventory import Stock
from projections.stock.reports import has_stock
from projections.store.models import ReadModels


def _is_known(models: ReadModels, ledger: str, subject: str, cut: Cut) -> bool:
    """Whether a subject is a SKU of which something was said, or which ever had stock."""
    return subject.partition(":")[0] == Sku.KIND and (
        recorded()(models, ledger, subject, cut) or has_stock(models, ledger, subject, cut))


@report(Stock, Past.LOG, name="prices", knows=_is_known, row=PriceRow)
def prices(reading: Reading) -> Iterator[dict[str, Any]]:
    """The prices of a SKU, by when they hold from, then by position.

    Shapes: sku, since, amount_minor, floor_minor (None: none), currency, priced_by, reason,
    in_force (the last one, unless the SKU is another name: then that of what it names is),
    position. Units: minor units of the currency. Errors: SubjectNeeded (R-PRJ-10), NothingRecorded
    (R-PRJ-07), PositionBeyondHead (R-PRJ-05).
    """
    if (subject := reading.question.subject) is None:
        raise SubjectNeeded(example="sku:SH-001")
    entries = sorted(filter(reading.cut.takes,
                            reading.models.store.streams(reading.ledger, [subject])),
                     key=lambda entry: (entry.occurred_at, entry.position))
    named = [event_types.decode(one).target for one in entries if one.type == Sku.Aliased.TOPIC]
    priced = [one for one in entries if one.type == Sku.Priced.TOPIC]
    for entry in priced:
        event = event_types.decode(entry)
        yield {"sku": event.sku, "since": rfc3339(from_us(entry.occurred_at)),
               "amount_minor": event.amount_minor, "floor_minor": event.floor_minor,
               "currency": event.currency, "priced_by": event.by, "reason": event.reason,
               "in_force": entry is priced[-1] and not (named and named[-1]),
               "position": entry.position}


REPORTS: dict[str, Report] = {"prices": prices}
