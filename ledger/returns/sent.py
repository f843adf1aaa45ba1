"""What comes back is what was sent: of which SKUs the pieces of an order's lines were made, and
which pieces of an order those of a case are.

What an order recorded says it, never what the SKU is made of by now. Only names are read as they
are today: two names of one thing are one thing.
"""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.core.commands import Work
from ledger.fulfilment.postings import parts_of_line
from ledger.orders.order import Order
from ledger.orders.returning import Back
from ledger.orders.values import PartCount
from ledger.returns.case import RECEIVED, Case
from ledger.returns.errors import LineNotOrdered, PartUnknown, RefusedInParts
from ledger.returns.values import REFUSED, CaseLine
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.skus import Sku, parts_of


def sent_as(work: Work, order: Order, line: str) -> tuple[Part, ...]:
    """What a piece of an order's line was when it was sent; as it is known today of an order that
    no warehouse sent, of which nothing was recorded."""
    if line in order.parts or order.warehouse:
        return parts_of_line(work, order, line)
    assert order.lines is not None
    sku = order.lines[line].sku
    return parts_of(work, sku) if sku else (Part("", 1),)


def named(work: Work, sku: str) -> str:
    """The SKU that a name stands for; bundles are not taken apart."""
    seen = set[str]()
    while sku and sku not in seen and (target := work.see(Sku, sku_of(sku)).target):
        seen.add(sku)
        sku = target
    return sku


def as_named(work: Work, parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts under the names that they have today."""
    found: dict[str, int] = {}
    for part in parts:
        name = named(work, part.sku)
        found[name] = found.get(name, 0) + part.each
    return tuple(Part(sku, each) for sku, each in found.items())


def part_named(work: Work, parts: Sequence[Part], sku: str) -> Part | None:
    """The part that a name stands for; None if there is none."""
    wanted = named(work, sku)
    return next((part for part in parts if named(work, part.sku) == wanted), None)


def parts_to_record(
    line: CaseLine, made_of: Sequence[Part], *, known: bool = False
) -> list[LineParts]:
    """What a piece of a line is made of, where that is not just its own SKU, and nothing else is
    `known` of it."""
    if not known and tuple(made_of) == (Part(line.sku or "", 1),):
        return []
    return [LineParts(line.line, part.sku, part.each) for part in made_of]


def of_order(
    work: Work, order: Order, case: str, line: CaseLine, *, refused: bool = False
) -> CaseLine:
    """A line with the SKU that was ordered, or that of the part of it that it names; as it is,
    where the order's lines are not known.

    Errors: LineNotOrdered (R-RET-08), PartUnknown (R-RET-14), RefusedInParts (R-RET-16).
    """
    if order.lines is None:
        return line
    name = line.order_line or line.line
    ordered = order.lines.get(name)
    if ordered is None or ordered.fee or (line.sku is not None and ordered.sku is None):
        raise LineNotOrdered(case=case, line=line.line, order=order.id, order_line=name,
                             sku=line.sku or "goods")
    if line.sku is None or named(work, line.sku) == named(work, ordered.sku or ""):
        return msgspec.structs.replace(line, sku=ordered.sku)
    parts = sent_as(work, order, name)
    if (part := part_named(work, parts, line.sku)) is None:
        if parts == (Part(ordered.sku or "", 1),):
            raise LineNotOrdered(case=case, line=line.line, order=order.id, order_line=name,
                                 sku=line.sku)
        raise PartUnknown(case=case, line=line.line, sku=line.sku, parts=in_words(parts))
    if refused:
        raise RefusedInParts(case=case, order=order.id, order_line=name)
    return msgspec.structs.replace(line, sku=part.sku)


def in_words(parts: Iterable[Part]) -> str:
    """Parts in words."""
    return ", ".join(f"{part.each} × {part.sku or 'goods'}" for part in parts)


def back_of(work: Work, case: Case, order: Order, counts: Iterable[Count]) -> Back:
    """What pieces of a case are of its order: whole ones, or parts where its line names one."""
    lines: dict[str, int] = {}
    parts: dict[tuple[str, str], PartCount] = {}
    for count in counts:
        name, part = case.order_line(count.line), _part(work, case, order, count.line)
        if part is None:
            lines[name] = lines.get(name, 0) + count.quantity
            continue
        known = parts.get((name, part.sku))
        pieces = count.quantity + (0 if known is None else known.quantity)
        parts[name, part.sku] = PartCount(name, part.sku, pieces, part.each)
    return Back([Count(name, pieces) for name, pieces in lines.items()], list(parts.values()))


def _part(work: Work, case: Case, order: Order, line: str) -> Part | None:
    """The part of what was ordered that a line of a case is; None if it is all of it."""
    name = case.order_line(line)
    ordered, sku = (order.lines or {}).get(name), case.sku(line)
    if ordered is None or sku in ("", ordered.sku):
        return None
    return part_named(work, sent_as(work, order, name), sku)


def parts_made_of(work: Work, order: Order, back: Back) -> dict[str, tuple[Part, ...]]:
    """What the pieces are made of whose parts come back, by line."""
    return {one.line: sent_as(work, order, one.line) for one in back.parts}


def comes_as(work: Work, case: Case, order: Order | None, line: str) -> tuple[Part, ...]:
    """What a piece of a line of a case is made of that arrives now: what others of the line are
    that await inspection, else what was sent, else what it is by now. What the courier brings back
    stands under the name that it was sent by."""
    if case.goods[line].get(RECEIVED):
        return tuple(Part(part.sku, part.each) for part in case.made_of(line))
    sku = case.sku(line)
    if order is None or case.order_line(line) not in (order.lines or {}):
        return parts_of(work, sku) if sku else (Part("", 1),)
    if (part := _part(work, case, order, line)) is not None:
        return as_named(work, [Part(part.sku, 1)])
    sent = sent_as(work, order, case.order_line(line))
    return sent if case.kind == REFUSED else as_named(work, sent)
