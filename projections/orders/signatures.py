"""Who signed what came in of a month, and whether that still holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, PrimaryKeyConstraint, Table, Text, select

from ledger.common.days import first_day, last_day, month_of
from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.log.envelope import Outline
from ledger.log.store import Store
from ledger.reconciliation.figures import Difference, Money, digest_of
from ledger.reconciliation.signing import Reconciliation
from projections.asking.questions import Question
from projections.orders.reconciliation import COUNTS, SUMS, Figures
from projections.store.rows import Key, ledger_column, metadata

KIND, SIGNED = Reconciliation.KIND, Reconciliation.Signed.TOPIC

signatures = Table(
    "reconciliation_signatures", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("signer", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", "position", name="reconciliation_signatures_pk"),
    sqlite_with_rowid=False,
)
"""`at` is when it was signed."""

FIGURES = ("orders", "total_minor", "paid_minor", "refunded_minor")
"""What is signed of each currency."""

NOBODY, HOLDS, CHANGED = "no", "holds", "changed since"


def row_of(entry: Outline, event: Any) -> tuple[Any, ...]:
    """The row of a signature."""
    return (entry.ledger, entry.stream, entry.position, event.signer, event.digest,
            entry.occurred_at)


def month_asked(question: Question) -> str | None:
    """The month that a question is about, as one or by its first and last day; None: another
    period. It was found sound before."""
    if question.month is not None:
        return question.month
    since, until = question.since, question.until
    if since is None or until is None:
        return None
    month = month_of(since)
    return month if (since, until) == (first_day(month), last_day(month)) else None


def money_in(found: Mapping[str, Figures]) -> list[Money]:
    """Figures of the report as they are signed."""
    at = {name: (*COUNTS, *SUMS).index(name) for name in FIGURES}
    return [Money(currency, *(figures[one] for one in at.values()))
            for currency, figures in found.items()]


def standing(
    connection: Connection, ledger: bytes, stream: str, money: list[Money]
) -> dict[str, Any]:
    """How a month's signature stands, by the last one.

    Shapes: digest (of the figures now), signed ("no", "holds", "changed since"), signed_by,
    signed_at, signed_position, signatures (how many there are).
    """
    one = signatures.c
    rows = connection.execute(select(signatures).where(
        one.ledger == ledger, one.subject == stream).order_by(one.position)).all()
    digest, last = digest_of(stream, money), rows[-1] if rows else None
    return {
        "digest": digest,
        "signed": NOBODY if last is None else HOLDS if last.digest == digest else CHANGED,
        "signed_by": None if last is None else last.signer,
        "signed_at": None if last is None else rfc3339(from_us(last.at)),
        "signed_position": None if last is None else last.position,
        "signatures": len(rows),
    }


class Signature(NamedTuple):
    """What somebody signed of a month: its figures by currency, and the causes of differences."""

    figures: Mapping[str, Money] = {}
    differences: Sequence[Difference] = ()

    def differences_in(self, currency: str) -> list[dict[str, Any]]:
        """Those in a currency, as reports show them."""
        return [{"amount_minor": one.amount_minor, "cause": one.cause, "note": one.note}
                for one in self.differences if one.currency == currency]


def signature_at(store: Store, ledger: str, position: int | None) -> Signature:
    """The signature at a position; nothing is signed without one."""
    if position is None:
        return Signature()
    entry, = store.read(ledger, after=position - 1, until=position, limit=1)
    event: Any = event_types.decode(entry)
    return Signature({one.currency: one for one in event.figures}, event.differences)


def with_standing(
    rows: list[dict[str, Any]], money: list[Money], stands: Mapping[str, Any], signed: Signature
) -> Iterator[dict[str, Any]]:
    """The report's rows, each with its difference, the causes of it that were signed, how the
    month's signature stands, and in `rests_on` which of its figures are others than those that were
    signed."""
    for row, one in zip(rows, money, strict=True):
        was = signed.figures.get(one.currency, Money(one.currency, 0, 0, 0, 0))
        others = [name for name in FIGURES if getattr(one, name) != getattr(was, name)]
        yield {**row, "difference_minor": one.difference_minor,
               "differences": signed.differences_in(one.currency), **stands,
               "rests_on": others if stands["signatures"] else []}
