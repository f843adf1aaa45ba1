"""After-sales cases: where what came back is, and how far its refund.

The fold lets the case's own mutators work on what a row keeps of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Row, Table, Text

from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Outline
from ledger.returns.case import AWAITED, RECEIVED, Case
from ledger.returns.values import DISPOSITIONS, CaseLine, Sums
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.by_subject import rows_of
from projections.store.folding import Fact
from projections.store.rows import Change, Key, Rows, metadata

cases = Table(
    "cases", metadata,
    Column("ledger", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="cases_pk"),
    sqlite_with_rowid=False,
)
"""`state` is `Kept` as JSON."""

BEGINS = frozenset(
    (Case.Requested.TOPIC, Case.ParcelReceived.TOPIC, Case.Declared.TOPIC))
TAKEN = frozenset(topic for fact in vars(Case).values() if (topic := getattr(fact, "TOPIC", "")))

STATES = (AWAITED, RECEIVED, *DISPOSITIONS, "given_up")
"""All states of a piece."""


class Kept(msgspec.Struct, omit_defaults=True):
    """What a row keeps of a case. Units: `opened_at` in microseconds UTC."""

    state: str
    kind: str
    currency: str
    opened_at: int
    order: str | None = None
    warehouse: str = ""
    lines: dict[str, CaseLine] = {}
    matched: dict[str, str] = {}
    goods: dict[str, Mapping[str, int]] = {}
    sums: Sums = Sums()


_SHARED = ("state", "kind", "order", "warehouse", "lines", "matched", "goods", "sums")
"""What `Kept` and a case call by the same name."""

_kept = msgspec.json.Decoder(Kept)


class Tracked(msgspec.Struct):
    """A case while events are folded into it, and what it does not know of itself."""

    case: Case
    currency: str
    opened_at: int
    position: int


def tracked(row: Row[Any]) -> Tracked:
    """The case that a row keeps."""
    kept = _kept.decode(row.state)
    case = Case.blank(row.subject)
    for name in _SHARED:
        setattr(case, name, getattr(kept, name))
    return Tracked(case, kept.currency, kept.opened_at, row.position)


def row_of(ledger: str, found: Tracked) -> tuple[Any, ...]:
    """A case as a row of the table."""
    kept = Kept(currency=found.currency, opened_at=found.opened_at,
                **{name: getattr(found.case, name) for name in _SHARED})
    return ledger, found.case.id, msgspec.json.encode(kept).decode(), found.position


class Batch(msgspec.Struct):
    """The cases of a batch, and the subjects of those that earlier batches wrote."""

    ledger: str
    cases: dict[str, Tracked]
    loaded: frozenset[str]


class Returns:
    """Folds the goods and the refund of after-sales cases: one row each."""

    name: ClassVar[str] = "returns"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (cases,)

    def load(self, rows: Rows, ledger: str, entries: Sequence[Outline]) -> Batch:
        """The cases that earlier batches wrote."""
        first = {entry.stream: entry.type for entry in reversed(entries) if entry.type in TAKEN}
        earlier = sorted(stream for stream, type_ in first.items() if type_ not in BEGINS)
        found = {row.subject: tracked(row) for row in rows.among(cases, ledger, "subject", earlier)}
        return Batch(ledger, found, frozenset(found))

    def fold(self, state: Batch, facts: Iterable[Fact]) -> None:
        """Take facts into the cases.

        As of a moment of the business, an event may tell of a case or of pieces that are not known
        yet: then it counts for nothing.
        """
        for entry, event in facts:
            if entry.type in BEGINS:
                state.cases[entry.stream] = Tracked(
                    Case.blank(entry.stream), event.currency, entry.occurred_at, entry.position)
            if entry.type not in TAKEN or (found := state.cases.get(entry.stream)) is None:
                continue
            after = found.case.clone()
            try:
                event.apply(after)
            except KeyError:
                continue
            found.case, found.position = after, entry.position

    def changes(self, state: Batch) -> Iterator[Change]:
        """The rows of the cases."""
        rows = {name: row_of(state.ledger, state.cases[name]) for name in sorted(state.cases)}
        yield Change(cases, [row for name, row in rows.items() if name not in state.loaded],
                     [row for name, row in rows.items() if name in state.loaded])


# -- reports --------------------------------------------------------------------------------------


@report(Returns, Past.STREAM, knows=recorded())
def returns(reading: Reading) -> Iterator[dict[str, Any]]:
    """The after-sales cases. Shapes: objects as `shown` makes them, by subject."""
    return map(shown, rows_of(reading, cases, kind=Case.KIND))


def shown(row: Row[Any]) -> dict[str, Any]:
    """A case as reports tell it.

    Shapes: `pieces` by state, over all lines; `lines` with the pieces of each by state. Units: sums
    in minor units of the currency; asked is None where nobody told a sum.
    """
    kept = _kept.decode(row.state)
    goods = kept.goods.values()
    return {
        "subject": row.subject,
        "state": kept.state,
        "kind": kept.kind,
        "order": kept.order,
        "warehouse": kept.warehouse or None,
        "opened_at": rfc3339(from_us(kept.opened_at)),
        "currency": kept.currency,
        **kept.sums._asdict(),
        "pieces": {state: sum(pieces.get(state, 0) for pieces in goods) for state in STATES},
        "lines": [{
            "line": name, "sku": line.sku, "order_line": kept.matched.get(name, line.order_line),
            "quantity": line.quantity, "fee": line.fee,
            **{state: kept.goods.get(name, {}).get(state, 0) for state in STATES},
        } for name, line in kept.lines.items()],
        "position": row.position,
    }


REPORTS: dict[str, Report] = {"returns": returns}
