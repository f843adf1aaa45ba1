"""Movements and counts step by step, each out of its own stream: who asked for what, what moved or
was counted, and what was taken back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from msgspec import field

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.core.postings import Posting
from ledger.log.envelope import Entry
from ledger.stock.counts import StockCount
from ledger.stock.movements import Movement, StockMove
from ledger.stock.places import CAUSES, COUNTED, OF_DOCUMENTS
from projections.asking.columns import Columns, Subject, Time, code, says
from projections.stock.answers import Place

REQUESTED, CORRECTION_REQUESTED = "requested", "correction_requested"
MOVED, CORRECTED, REFUSED, WAS_COUNTED = "moved", "corrected", "refused", "counted"
STEPS: dict[type[Any], str] = {
    Movement.Requested: REQUESTED, Movement.CorrectionRequested: CORRECTION_REQUESTED,
    Movement.Moved: MOVED, Movement.Corrected: CORRECTED, Movement.RequestRefused: REFUSED,
    StockCount.Counted: WAS_COUNTED, StockCount.Corrected: CORRECTED}
"""What the events of a document are called here."""

WAITING = "waiting"


class MovedLine(Columns):
    """Pieces that moved, or were to move."""

    sku: str
    quantity: int
    source: Annotated[Place, says("From which place.")] = field(name="from")
    target: Annotated[Place, says("To which place.")] = field(name="to")
    cause: Annotated[str, code(*dict.fromkeys((*CAUSES, *OF_DOCUMENTS))), says("Why they move.")]
    bin: Annotated[str, says("The bin that they leave; empty where it is not known.")]
    to_bin: str
    line: Annotated[str, says("The name of its line; empty where nobody gave one.")]


class MovementStep(Columns):
    """What was done about a movement."""

    what: Annotated[str, code(
        REQUESTED, CORRECTION_REQUESTED, MOVED, CORRECTED, REFUSED), says("What was done.")]
    at: Annotated[Time, says("When it happened.")]
    actor: str
    requested_by: Annotated[str | None, says("Who asked for it; null where nobody had to.")]
    approved_by: Annotated[str | None, says("The second person; null where there was none.")]
    reason: Annotated[str | None, says("Why; null where nobody said.")]
    paper: Annotated[str | None, says("The paper behind it, by its number; else null.")]
    not_counted: Annotated[bool, says("Whether a count after it has not seen it.")]
    corrects: Annotated[int | None, says("The position of the event that is wrong; else null.")]
    lines: Annotated[list[MovedLine], says(
        "What it moved, or asks for; of a correction what was taken back and what is right.")]
    position: Annotated[int, says("The position of its event.")]


class OneMovement(Columns):
    """A movement, step by step."""

    movement: Subject
    warehouse: Annotated[str, says("The warehouse in which it is.")]
    state: Annotated[str, code(WAITING, MOVED, CORRECTED, REFUSED), says(
        "Whether something waits for a second person; else what was posted last, or that what was "
        "asked for was refused.")]
    steps: Annotated[list[MovementStep], says("What was done, in the order of the log.")]
    position: Annotated[int, says("The position of its last event.")]


class CountedLine(Columns):
    """What was counted of a SKU in a place."""

    sku: str
    place: Annotated[str, code(*sorted(COUNTED))]
    bin: str
    counted: int
    book: Annotated[int, says("What the books said of that time.")]
    variance: Annotated[int, says("What was counted less the book.")]


class CountStep(Columns):
    """What was done about a count."""

    what: Annotated[str, code(WAS_COUNTED, CORRECTED), says("What was done.")]
    at: Annotated[Time, says("When it happened.")]
    actor: str
    reason: Annotated[str | None, says("Why it was corrected; else null.")]
    paper: Annotated[str | None, says("The paper behind it, by its number; else null.")]
    corrects: Annotated[int | None, says("The position of the event that is wrong; else null.")]
    lines: Annotated[list[CountedLine], says(
        "What was counted; of a correction what was counted in truth.")]
    position: Annotated[int, says("The position of its event.")]


class OneCount(Columns):
    """A count, step by step."""

    count: Annotated[Subject, says("The stream of the count.")]
    warehouse: Annotated[str, says("The warehouse in which it is.")]
    steps: Annotated[list[CountStep], says("What was done, in the order of the log.")]
    position: Annotated[int, says("The position of its last event.")]


def movement(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: as `OneMovement`, each step as `MovementStep`."""
    known = Movement.blank(entries[0].stream)
    steps = []
    for entry, event in _events(entries):
        event.apply(known)
        steps.append({
            **_step(entry, event),
            "requested_by": getattr(event, "requested_by", None),
            "approved_by": getattr(event, "approved_by", None),
            "reason": event.reason, "paper": getattr(event, "document", None),
            "not_counted": getattr(event, "not_counted", False),
            "corrects": _wrong(getattr(event, "wrong", event.corrects)),
            "lines": _lines(event), "position": entry.position})
    posted = [one["what"] for one in steps if one["what"] in (MOVED, CORRECTED)]
    return {"movement": entries[0].stream, "warehouse": _warehouse(entries),
            "state": WAITING if known.asked is not None else (posted or [REFUSED])[-1],
            "steps": steps, "position": entries[-1].position}


def count(entries: Sequence[Entry]) -> dict[str, Any]:
    """Shapes: as `OneCount`, each step as `CountStep`."""
    steps = [{
        **_step(entry, event), "reason": getattr(event, "reason", None),
        "paper": getattr(event, "document", None), "corrects": _wrong(event.corrects),
        "lines": [{"sku": one.sku, "place": one.place, "bin": one.bin, "counted": one.counted,
                   "book": one.book, "variance": one.variance} for one in event.lines],
        "position": entry.position} for entry, event in _events(entries)]
    return {"count": entries[0].stream, "warehouse": _warehouse(entries),
            "steps": steps, "position": entries[-1].position}


def _warehouse(entries: Sequence[Entry]) -> str:
    return unquote(entries[0].stream.split(":")[1])


def _events(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Any]]:
    for entry in entries:
        event: Any = event_types.decode(entry)
        event.__dict__["occurred_at"] = from_us(entry.occurred_at)
        yield entry, event


def _step(entry: Entry, event: Any) -> dict[str, Any]:
    return {"what": STEPS[type(event)], "at": rfc3339(from_us(entry.occurred_at)),
            "actor": entry.actor}


def _wrong(corrects: Any) -> int | None:
    return None if corrects is None else int(corrects.position)


def _line(sku: str, move: StockMove | Posting) -> dict[str, Any]:
    return {"sku": sku, "quantity": move.quantity, "from": move.source, "to": move.target,
            "cause": move.cause, "bin": move.bin, "to_bin": move.to_bin, "line": move.line}


def _lines(event: Any) -> list[dict[str, Any]]:
    """What somebody asks for, or what was posted."""
    if hasattr(event, "moves"):
        return [_line(move.sku, move) for move in event.moves]
    return [_line(unquote(one.account.rpartition(":")[2]), one) for one in event.postings]
