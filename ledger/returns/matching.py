"""Which pieces of an order the goods of a case are: sent back by the buyer, or refused and brought
back by the courier without a word."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from ledger.core.commands import Work
from ledger.core.postings import Posting
from ledger.fulfilment.postings import parts_of_line
from ledger.orders.order import Order
from ledger.orders.returning import Back
from ledger.orders.values import OPEN, PartCount
from ledger.returns.case import RECEIVED, Case
from ledger.returns.errors import (
    LineNotOrdered,
    NotDeliveredYet,
    PartlyDelivered,
    PartUnknown,
    RefusedInParts,
)
from ledger.returns.moving import COMES_BACK, by_courier
from ledger.returns.sent import as_named, in_words, named, part_named, sent_as
from ledger.returns.values import REFUND_ONLY, Match
from ledger.stock.pieces import Count, LineParts, Part, quantities
from ledger.stock.places import CUSTOMER, RETURNS_INSPECTION, WITH_COURIER, stock_of
from ledger.stock.posting import post


class Matched(NamedTuple):
    """What came of an order; `parts` and `postings` put right what came in as something else than
    it was sent as."""

    back: Back
    parts: list[LineParts]
    postings: list[Posting]


def matched(work: Work, case: Case, order: Order, lines: Iterable[Match]) -> Matched:
    """The goods of a case as pieces of an order, line by line: whole ones, as far as all their
    parts came. Errors: LineNotOrdered (R-RET-08), PartUnknown (R-RET-14)."""
    names = {match.line: match.order_line for match in lines}
    came = quantities(case.came())
    whole: dict[str, int] = {}
    apart: dict[str, dict[str, int]] = {}
    parts: list[LineParts] = []
    postings: list[Posting] = []
    for line in case.goods:
        name = case.order_line(line, names)
        sent = _sent(work, case, order, (line, name))
        made_of = [Part(part.sku, part.each) for part in case.made_of(line)]
        assert order.lines is not None
        if line in case.apart or named(work, case.sku(line)) != named(
                work, order.lines[name].sku or ""):
            inside = apart.setdefault(name, {})
            for part in made_of:
                sku = _part_of(work, sent, part.sku, (case, order, line, name)).sku
                inside[sku] = inside.get(sku, 0) + part.each * came.get(line, 0)
            continue
        whole[name] = whole.get(name, 0) + came.get(line, 0)
        if (order.warehouse and as_named(work, made_of) != as_named(work, sent)
                and case.warehouse and case.goods[line].keys() == {RECEIVED}):
            parts += [LineParts(line, part.sku, part.each) for part in as_named(work, sent)]
            postings += _made_as_sent(case, line, made_of, as_named(work, sent))
    return Matched(_joined(work, order, whole, apart), parts, postings)


def _sent(
    work: Work, case: Case, order: Order, lines: tuple[str, str]
) -> tuple[Part, ...]:
    """What a line of the order was sent as, for one of the case. Errors: R-RET-08."""
    line, name = lines
    ordered = (order.lines or {}).get(name)
    if ordered is None or ordered.fee or ordered.sku is None or not case.sku(line):
        raise LineNotOrdered(case=case.id, line=line, order=order.id, order_line=name,
                             sku=case.sku(line) or "goods")
    return sent_as(work, order, name)


def _part_of(
    work: Work, sent: tuple[Part, ...], sku: str, of: tuple[Case, Order, str, str]
) -> Part:
    """The part of what was sent that came. Errors: R-RET-08, R-RET-14."""
    case, order, line, name = of
    if (part := part_named(work, sent, sku)) is not None:
        return part
    if len(sent) == sent[0].each == 1:
        raise LineNotOrdered(case=case.id, line=line, order=order.id, order_line=name, sku=sku)
    raise PartUnknown(case=case.id, line=line, sku=sku, parts=in_words(sent))


def _made_as_sent(
    case: Case, line: str, made_of: Iterable[Part], sent: Iterable[Part]
) -> Iterator[Posting]:
    """Pieces that came in under what their name means today await inspection as what they are."""
    pieces = case.goods[line][RECEIVED]
    for parts, source, target in ((made_of, RETURNS_INSPECTION, CUSTOMER),
                                  (sent, CUSTOMER, RETURNS_INSPECTION)):
        for part in parts:
            yield Posting(account=stock_of(case.warehouse, part.sku), line=line, source=source,
                          quantity=pieces * part.each, target=target, cause=COMES_BACK[2])


def _joined(
    work: Work, order: Order, whole: dict[str, int], apart: dict[str, dict[str, int]]
) -> Back:
    """Whole pieces, those among them of which every part came, and the parts that are left."""
    left: list[PartCount] = []
    for name, inside in apart.items():
        sent = sent_as(work, order, name)
        units = min(inside.get(part.sku, 0) // part.each for part in sent)
        whole[name] = whole.get(name, 0) + units
        left += [PartCount(name, part.sku, pieces, part.each) for part in sent
                 if (pieces := inside.get(part.sku, 0) - units * part.each) > 0]
    return Back([Count(name, pieces) for name, pieces in whole.items() if pieces], left)


# -- where what came was --------------------------------------------------------------------------


def is_for_unsent(case: Case, order: Order) -> bool:
    """Whether a case wants money back for what is still to be sent."""
    unsent = order.dispatched_at is None if order.lines is None else order.goods.has(*OPEN)
    return unsent and not order.ended and (
        case.kind == REFUND_ONLY or order.dispatched_at is None)


def _needed(back: Back) -> dict[str, int]:
    """How many pieces of each line have to be there for what comes back."""
    found = quantities(back.lines)
    of_parts: dict[str, int] = {}
    for one in back.parts:
        of_parts[one.line] = max(of_parts.get(one.line, 0), -(-one.quantity // one.each))
    return {line: found.get(line, 0) + of_parts.get(line, 0) for line in {**found, **of_parts}}


def _under_way(order: Order, line: str) -> int:
    """The pieces of a line that a courier has, and that no case awaits."""
    return order.goods[line].get("in_transit", 0) + order.coming_back(line)


def _lacking(order: Order, back: Back) -> list[tuple[str, int, int]]:
    """The lines of which fewer pieces were delivered than come back: how many do, how many were."""
    return [(line, wanted, there) for line, wanted in _needed(back).items()
            if line in order.goods and wanted > (
                there := order.goods[line].get("delivered", 0))]


def must_be_delivered(case: Case, order: Order, back: Back) -> None:
    """What the buyer is to send back is not with the courier. Errors: NotDeliveredYet (R-RET-17).
    """
    for line, wanted, there in _lacking(order, back):
        if under_way := _under_way(order, line):
            raise NotDeliveredYet(case=case.id, order=order.id, line=line, wanted=wanted,
                                  there=there, under_way=under_way)


def must_have_gone(case: Case, order: Order, back: Back) -> bool:
    """Whether what came was refused, since it was on its way and was not delivered; else the buyer
    had it. Errors: RefusedInParts (R-RET-16), PartlyDelivered (R-RET-18)."""
    lacking = _lacking(order, back)
    if not lacking or not any(_under_way(order, line) for line, _, _ in lacking):
        return False
    if any(one.line == line for one in back.parts for line, _, _ in lacking):
        raise RefusedInParts(case=case.id, order=order.id, order_line=lacking[0][0])
    for line, wanted in _needed(back).items():
        if wanted > _under_way(order, line):
            line, wanted, there = lacking[0]
            raise PartlyDelivered(case=case.id, order=order.id, line=line, wanted=wanted,
                                  there=there, under_way=_under_way(order, line))
    return True


def take_back(
    work: Work, case: Case, order: Order, lines: Iterable[Count], *, occurred_at: datetime
) -> None:
    """Pieces are back that were on their way: their parcels were refused. Errors: those of
    `post`."""
    wanted, in_no_parcel = quantities(lines), quantities(order.loose())
    for name in order.parcels_of({
            line: max(0, pieces - order.coming_back(line) - in_no_parcel.get(line, 0))
            for line, pieces in wanted.items()}):
        order.refuse_parcel(name, None, occurred_at=occurred_at)
    known = {line: min(pieces, order.coming_back(line)) for line, pieces in wanted.items()}
    if announced := [Count(line, pieces) for line, pieces in known.items() if pieces]:
        order.expect_return(case.id, Back(announced), refused=True, occurred_at=occurred_at)
        order.receive_return(case.id, Back(announced), refused=True, made_of={},
                             occurred_at=occurred_at)
        post(work, order.newest, list(_by_courier(work, case, order, announced)), decided=True)
    if loose := [Count(line, left) for line, pieces in wanted.items()
                 if (left := pieces - known[line])]:
        order.receive_unannounced(case.id, loose, occurred_at=occurred_at)
        post(work, order.newest, list(_by_courier(work, case, order, loose)), decided=True)


def _by_courier(
    work: Work, case: Case, order: Order, lines: Iterable[Count]
) -> Iterator[Posting]:
    """The courier has pieces no more that came in as if the buyer had sent them."""
    if not order.warehouse:
        return
    for count in lines:
        for part in parts_of_line(work, order, count.line):
            yield from by_courier(Posting(
                account=stock_of(case.warehouse or order.warehouse, part.sku),
                quantity=count.quantity * part.each, source=WITH_COURIER, target=CUSTOMER,
                cause=COMES_BACK[2], line=count.line), order.warehouse, part.sku)
