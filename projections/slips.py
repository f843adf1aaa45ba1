"""The slip of an order: what whoever picks, checks, packs and sends it has to read, on one page.

It is folded from the order's own stream, up to the position at which the bins of the shelf are
known. What is sealed in it is opened for a purpose that is noted before anything is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ledger.common.personal import Personal
from ledger.common.values import from_us, rfc3339
from ledger.log.persons import LedgerKeys
from ledger.orders.kept import Kept
from ledger.orders.order import Order
from ledger.orders.state import Marks, review_status
from ledger.orders.values import PERSONAL_FIELDS, STATES, Line
from ledger.stock.pieces import LineParts
from projections.asking.answering import Past, Reading, answering
from projections.asking.past import nothing_about
from projections.asking.questions import PRESENT
from projections.asking.written import ERASED, Sealed, Written, persons_in, revealed
from projections.orders.fulfilment import Tracked
from projections.orders.statuses import fulfilment_status
from projections.orders.story import Story, story_of
from projections.stock.inventory import Stock
from projections.stock.tables import bins
from projections.store.models import ReadModels
from projections.store.rows import Rows

TO_DO = {"to_pick": "reserved", "to_pack": "picked", "to_send": "packed"}
"""What is to be done with the pieces of a line that are in a state."""

Bins = Mapping[str, list[tuple[str, int]]]
"""The bins in which each SKU lies in one warehouse, with how many pieces of it."""


class Slip(NamedTuple):
    """A slip, as of what it is, and what was opened in it: whose values, of which fields."""

    as_of: dict[str, Any]
    item: dict[str, Any]
    persons: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()

    def opened(self, keys: LedgerKeys) -> "Slip":
        """The same with all that is sealed in it opened, or marked as erased or lost. Whoever shows
        it notes that before. Errors: StorageFailed (R-LOG-04)."""
        keys.load(persons_in(self.item))
        item, persons, fields = {}, set(), set()
        for name, value in self.item.items():
            item[name], whose = _opened(value, keys)
            persons |= whose
            if whose:
                fields.add(name)
        return Slip(self.as_of, item, frozenset(persons), frozenset(fields))


def _opened(value: Any, keys: LedgerKeys) -> tuple[Any, set[str]]:
    """A value with all that is sealed in it opened, and whose keys opened something."""
    persons: set[str] = set()

    def reveal(sealed: Personal, stream: str, version: int, field: str) -> str | None:
        text = keys.reveal(sealed, stream, version, field)
        if text is not None:
            persons.add(sealed.p)
        return text

    return revealed(value, reveal, keys.is_erased), persons


def slip_of(models: ReadModels, ledger: str, order: str) -> Slip:
    """The slip of an order as of now. What is sealed in it is masked.

    Shapes: order, channel, shop, number, warehouse, placed_at, owner; review_status,
    payment_status, fulfilment_status, terms; held (why, or None);
    exceptions, the open ones: exception, kind, note, owner, opened_at; recipient, phone, address,
    province, buyer_remark; remarks, oldest first: remark, at, by; gifts; lines as `_line` makes
    them; parcels: parcel, state, courier, waybill, lines; approved_at, and changed_since_approval,
    None before an approval, else what has changed since as `_changes` tells it; position. Units:
    pieces; times RFC 3339 in UTC. Errors: NothingRecorded (R-PRJ-07), NotYetKnown (R-PRJ-18),
    ReadModelsUnready (R-PRJ-01).
    """
    with answering(models, ledger, Stock, PRESENT, past=Past.ROWS) as reading:
        story = story_of(models.store, ledger, order, reading.cut)
        if story is None:
            reading.must_know(order)
            raise nothing_about(order, reading.as_of)
        return Slip(reading.as_of, _shown(story, _bins(reading, story.order)))


def _bins(reading: Reading, order: Order) -> Bins:
    """The bins of the order's warehouse, of all SKUs that it is made of."""
    skus = sorted({part.sku for line in _goods(order) for part in _parts(order, line)})
    found: dict[str, list[tuple[str, int]]] = {}
    for row in Rows(reading.connection).among(bins, reading.id, "sku", skus):
        if row.warehouse == order.warehouse and row.quantity > 0:
            found.setdefault(row.sku, []).append((row.bin, int(row.quantity)))
    return found


def most_useful(known: Iterable[tuple[str, int]], wanted: int) -> list[tuple[str, int]]:
    """Bins in the order in which to go to them: first those that hold all that is wanted, the
    emptiest of them first, then the fullest. Pieces of which nobody knows the bin come last."""
    return sorted(known, key=lambda one: (
        not one[0], one[1] < wanted, one[1] if one[1] >= wanted else -one[1], one[0]))


def _goods(order: Order) -> list[Line]:
    """The lines of an order that are goods: a fee lies on no shelf."""
    return [line for line in (order.lines or {}).values() if not line.fee]


def _parts(order: Order, line: Line) -> tuple[LineParts, ...]:
    """What a piece of a line is made of: itself, where nothing else was recorded."""
    if (known := order.parts.get(line.line)) is not None:
        return known
    return () if line.sku is None else (LineParts(line.line, line.sku, 1),)


# -- how it is shown ------------------------------------------------------------------------------


def _shown(story: Story, known: Bins) -> dict[str, Any]:
    order, tracked = story.order, story.tracked
    placed = next(event for _, event in story.facts if isinstance(event, Order.Placed))
    kept = Kept.of(order, skus=tracked.skus, imported=tracked.imported)
    return {
        "order": order.id, "channel": placed.channel, "shop": placed.shop, "number": placed.number,
        "warehouse": order.warehouse or None,
        "placed_at": rfc3339(order.placed_at), "owner": order.owner,
        "review_status": review_status(Marks(
            imported=tracked.imported, approved=order.approved, submitted=order.submitted,
            held=order.held_for is not None, completed=order.ended == "completed",
            closed=order.ended == "closed", cancelled=order.ended == "cancelled")),
        "payment_status": order.payment_status(),
        "fulfilment_status": fulfilment_status(kept, order.goods.sums(STATES)),
        "terms": order.terms,
        "held": _held(order),
        "exceptions": list(_exceptions(tracked)),
        **_whereto(story),
        "remarks": [
            {"remark": _written(Sealed.of(entry, event.remark, "remark")),
             "at": rfc3339(from_us(entry.occurred_at)), "by": entry.actor}
            for entry, event in story.facts if isinstance(event, Order.Remarked)],
        "gifts": placed.gifts,
        "lines": [_line(order, line, known) for line in _goods(order)],
        "parcels": [{"parcel": name, "state": parcel.state, "courier": parcel.courier,
                     "waybill": parcel.waybill, "lines": msgspec.to_builtins(parcel.lines)}
                    for name, parcel in order.parcels.items()],
        **_since_approval(story),
        "position": tracked.position,
    }


def _written(sealed: Sealed | None) -> str:
    """What somebody wrote. Nothing was taken of a buyer who was erased."""
    return Written.of(sealed) or ERASED


def _held(order: Order) -> str | None:
    if order.held_for is None:
        return None
    value, version = order.held_for
    return _written(None if value is None else Sealed(value, order.id, version, "/reason"))


def _exceptions(tracked: Tracked) -> Iterator[dict[str, Any]]:
    for name, one in sorted(tracked.exceptions.items(), key=lambda item: item[1].opened_position):
        yield {"exception": name, "kind": one.kind, "note": Written.of(one.note),
               "owner": one.owner, "opened_at": rfc3339(from_us(one.opened_at))}


def _whereto(story: Story) -> dict[str, Any]:
    """Whom it goes to. Where a buyer was erased of whom nothing stood here, nothing was taken."""
    order = story.order
    gone = any(isinstance(event, Order.BuyerErased) for _, event in story.facts)
    found: dict[str, Any] = {
        name: Written.of(Sealed(known[0], order.id, known[1], known[2]))
        if (known := order.buyer.get(name)) is not None else ERASED if gone else None
        for name in PERSONAL_FIELDS[1:]}
    return {**found, "province": order.province}


def _line(order: Order, line: Line, known: Bins) -> dict[str, Any]:
    """A line of goods.

    Shapes: line, sku, title, attributes, ordered; pieces by state, those that there are; to_pick,
    to_pack, to_send: pieces that are to be taken from the shelf, packed, handed over. `parts` is
    what it is made of, a line that is no bundle of itself: sku, each (pieces of it in a piece of
    the line), quantity of all pieces and to_pick; bins in the order in which to go to them: bin (""
    for pieces of which nobody knows it), quantity.
    """
    states = order.goods[line.line]
    to_do = {name: states.get(state, 0) for name, state in TO_DO.items()}
    parts = []
    for part in _parts(order, line):
        wanted = part.each * to_do["to_pick"]
        parts.append({
            "sku": part.sku, "each": part.each, "quantity": part.each * line.quantity,
            "to_pick": wanted,
            "bins": [{"bin": name, "quantity": pieces}
                     for name, pieces in most_useful(known.get(part.sku, ()), wanted)]})
    return {**_as_ordered(line), "pieces": {state: states[state] for state in STATES
                                            if states.get(state)}, **to_do, "parts": parts}


def _as_ordered(line: Line) -> dict[str, Any]:
    return {"line": line.line, "sku": line.sku, "title": line.title,
            "attributes": line.attributes, "ordered": line.quantity}


# -- what changed since the approval --------------------------------------------------------------

Changed = Callable[[Any], dict[str, Any] | None]
"""What an event changed of what was approved, or None: `what`, and what is to be said of it."""


def _lines_of(old: Iterable[Line], new: Iterable[Line]) -> dict[str, Any]:
    return {"what": "lines", "old": [_as_ordered(line) for line in old if not line.fee],
            "new": [_as_ordered(line) for line in new if not line.fee]}


def _corrected(event: Any) -> dict[str, Any] | None:
    if event.fact == "amounts":
        return {"what": "price"}
    if event.fact != "lines":
        return None
    old, new = (msgspec.convert(one.get("lines") or [], list[Line])
                for one in (event.old, event.new))
    return _lines_of(old, new)


def _details(event: Any) -> dict[str, Any]:
    return {"what": "details", "fields": [
        name for name in (*PERSONAL_FIELDS, "province") if getattr(event, name) is not None]}


CHANGES: dict[str, Changed] = {
    Order.LinesChanged.TOPIC: lambda event: _lines_of(event.old, event.new),
    Order.LinesDeclared.TOPIC: lambda event: _lines_of((), event.lines),
    Order.Corrected.TOPIC: _corrected,
    Order.PiecesCancelled.TOPIC: lambda event: {
        "what": "pieces", "lines": msgspec.to_builtins(event.lines)},
    Order.DetailsChanged.TOPIC: _details,
    Order.PriceChanged.TOPIC: lambda _: {"what": "price"},
    Order.Remarked.TOPIC: lambda _: {"what": "remark"},
}
"""What may change after an approval."""


def _since_approval(story: Story) -> dict[str, Any]:
    """When it was approved last, and what has changed since.

    Shapes: of each change what (lines, pieces, details, price, remark), at, by, position; `old` and
    `new` lines; `lines` of which pieces were cancelled; `fields`, the names of the details that
    differ.
    """
    last = max((number for number, (_, event) in enumerate(story.facts)
                if isinstance(event, Order.Approved)), default=None)
    if last is None:
        return {"approved_at": None, "changed_since_approval": None}
    found = [{**change, "at": rfc3339(from_us(entry.occurred_at)), "by": entry.actor,
              "position": entry.position}
             for entry, event in story.facts[last + 1 :]
             if (tell := CHANGES.get(entry.type)) is not None
             and (change := tell(event)) is not None]
    return {"approved_at": rfc3339(from_us(story.facts[last][0].occurred_at)),
            "changed_since_approval": found}
