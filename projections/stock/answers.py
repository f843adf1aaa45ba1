"""What the reports on stock hold: a class a row, see `projections.asking.columns`."""

from typing import Annotated

from msgspec import field

from ledger.stock.places import CAUSES, COUNTED, INSIDE, OF_DOCUMENTS, PHYSICAL, PLACES, SHELF
from projections.asking.columns import Columns, Currency, Late, Money, Subject, Time, code, says

MOVEMENT, CORRECTION = WHAT_WAITS = ("movement", "correction")
"""What waits for a second person: a new movement, or one that corrects an event."""

MOVEMENT_KNOWN_LATER = "movement_known_later"
"""Pieces moved before something was seen or decided, and that was recorded afterwards."""

RestsOn = Annotated[list[Annotated[str, code(MOVEMENT_KNOWN_LATER)]], says(
    "The word, where what was recorded since makes it another one.")]
Place = Annotated[str, code(*sorted(PLACES))]
OPENED = "The position of the event that opened it."


class InventoryRow(Columns):
    """The pieces of a SKU in a warehouse, by place."""

    sku: str
    warehouse: str
    unit: str
    receiving: int
    available: int
    reserved: Annotated[int, says("What is reserved for orders.")]
    picked: Annotated[int, says("What was taken from the shelf for orders.")]
    packed: Annotated[int, says("What is in parcels that were not handed over.")]
    returns_inspection: int
    quarantine: int
    damaged: Annotated[int, says("What is damaged.")]
    on_hand: int
    between_warehouses: int
    waiting: int
    discrepancy: int


class BinRow(Columns):
    """Pieces of a SKU by place and bin, as who counts finds them."""

    sku: str
    warehouse: str
    unit: str
    place: Annotated[str, code(*sorted({SHELF, *INSIDE}))]
    bin: str
    quantity: int


class StockLedgerRow(Columns):
    """What was on hand, came in and went out in a period, and what lay between warehouses."""

    sku: str
    warehouse: str
    unit: str
    opening: int
    received: int
    issued: int
    closing: int
    between_opening: int
    sent: int
    arrived: int
    lost: Annotated[int, says("What was lost on the way to other warehouses.")]
    between_closing: int


class StockCardRow(Columns):
    """What a document posted of a SKU, with running balances."""

    position: Annotated[int, says("The position of the document's event.")]
    warehouse: str
    unit: str
    occurred_at: Annotated[Time, says("When it counts.")]
    recorded_at: Time
    late: Late
    document: Annotated[Subject, says("The document that posted it.")]
    type: str
    causes: list[Annotated[str, code(*dict.fromkeys((*CAUSES, *OF_DOCUMENTS)))]]
    paper: str | None
    reason: str | None
    actor: str
    received: int
    issued: int
    on_hand: int
    available: int


class LowStockRow(Columns):
    """A notice of low stock: one at a time for a SKU in a warehouse."""

    sku: str
    warehouse: str
    unit: str
    threshold: int
    available: int
    lowest: int
    open: bool
    opened_at: Time
    opened_position: int
    document: Annotated[Subject, says("The document that opened it.")]
    closed_at: Time | None
    closed_position: int | None


class DiscrepancyRow(Columns):
    """A physical place that declared facts left below zero."""

    sku: str
    warehouse: str
    unit: str
    place: Annotated[str, code(*sorted({SHELF, *PHYSICAL}))]
    bin: str
    level: int
    lowest: int
    open: bool
    opened_at: Time
    opened_position: int
    document: Annotated[Subject, says("The document that opened it.")]
    closed_at: Time | None
    closed_position: int | None
    rests_on: RestsOn


class SkuPieces(Columns):
    """Pieces of a SKU."""

    sku: str
    quantity: int


class TransferRow(Columns):
    """A transfer of which pieces are still under way."""

    transfer: Subject
    source: Annotated[str, says("The warehouse that sent it.")] = field(name="from")
    target: Annotated[str, says("The warehouse that it goes to.")] = field(name="to")
    sent_at: Time
    pieces: Annotated[int, says("All pieces that are under way.")]
    lines: Annotated[list[SkuPieces], says("What is under way.")]
    position: int


class AskedMove(Columns):
    """Pieces that are to move, or moved."""

    sku: str
    quantity: int
    source: Annotated[Place, says("From which place.")] = field(name="from")
    target: Annotated[Place, says("To which place.")] = field(name="to")
    cause: Annotated[str, code(*CAUSES), says("Why they move.")]
    bin: Annotated[str, says("The bin that they leave; empty where it is not known.")]
    to_bin: str


class ToApproveRow(Columns):
    """A movement that waits for a second person."""

    movement: Subject
    warehouse: str
    what: Annotated[str, code(*WHAT_WAITS), says("Whether it is new, or corrects one.")]
    requested_by: str
    happened_at: Time
    causes: list[Annotated[str, code(*CAUSES)]]
    reason: str | None
    paper: str | None
    corrects: int | None
    lines: Annotated[list[AskedMove], says("What moves.")]
    position: Annotated[int, says("The position of the request.")]


class PriceRow(Columns):
    """A price of a SKU."""

    sku: str
    since: Annotated[Time, says("From when on it holds.")]
    amount_minor: Annotated[Money, says("What a piece costs.")]
    floor_minor: Money | None
    currency: Currency
    priced_by: str
    reason: str | None
    in_force: bool
    position: int


# -- one account ----------------------------------------------------------------------------------


class StockTerm(Columns):
    """What a posting contributes to a level: factor × value."""

    position: Annotated[int, says("The position of the event.")]
    type: str
    document: Annotated[Subject, says("The document that posted it.")]
    occurred_at: Annotated[Time, says("When it counts.")]
    pointer: str
    factor: Annotated[int, says("Plus or minus 1.")]
    value: Annotated[int, says("The pieces that stand there.")]


class ExplainedLevel(Columns):
    """A level, and what it adds up from."""

    value: Annotated[int, says("The level.")]
    terms: list[StockTerm]


class CountRow(Columns):
    """A count that stands."""

    position: int
    document: Annotated[Subject, says("The count.")]
    counted_at: Time
    place: Annotated[str, code(*sorted(COUNTED))]
    bin: Annotated[str, says("The bin; empty: all of the place.")]
    counted: int
    rests_on: RestsOn


class ExplainedStock(Columns):
    """Every level of an account with the postings that it adds up from."""

    subject: Subject
    figures: Annotated[dict[str, ExplainedLevel], says("The levels, by place.")]
    bins: Annotated[dict[str, ExplainedLevel], says(
        "What lies on the shelf, by bin; the empty name stands for no known bin.")]
    counts: list[CountRow]
