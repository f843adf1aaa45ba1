"""The money of an order as one value, and what its lines, its goods and its total have to add up
to. Read models fold the same value, so that a report cannot say anything else than the rules."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from ledger.common.currencies import EXPONENTS
from ledger.common.values import MAX_INTEGER
from ledger.orders.errors import (
    AmountsNeeded,
    GoodsDisagree,
    LineAmountDisagrees,
    TotalDisagrees,
)
from ledger.orders.values import AMOUNT_FIELDS, Amounts, Line

UNPAID, PART_PAID, PAID, OVERPAID, PART_REFUNDED, REFUNDED = PAYMENT_STATUSES = (
    "unpaid", "part_paid", "paid", "overpaid", "part_refunded", "refunded")


class Balance(NamedTuple):
    """What an order costs, and what was paid and refunded of it. Units: minor units; a total of
    None is not known.

    A refund of more than what was paid too much lets go of a claim: the buyer does not owe it
    again. `credited_minor` is what the platform's refunds let go of, which a lower total later
    may be about; `claimed_minor` is what refunds of cases did, which no change of lines is about.
    """

    total_minor: int | None = None
    paid_minor: int = 0
    refunded_minor: int = 0
    credited_minor: int = 0
    claimed_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What was paid and not refunded."""
        return self.paid_minor - self.refunded_minor

    @property
    def over_minor(self) -> int | None:
        """What is in it beyond what it costs; below 0, what is still open. None: not known."""
        if self.total_minor is None:
            return None
        if self.left_minor <= 0:  # as if nothing had been paid
            return self.left_minor - self.total_minor
        return self.left_minor - (self.total_minor - self.credited_minor - self.claimed_minor)

    @property
    def open_minor(self) -> int:
        """What is still to be paid; 0 where that is not known."""
        return max(0, -(self.over_minor or 0))

    @property
    def excess_minor(self) -> int:
        """What was paid too much and not refunded; 0 where that is not known."""
        return max(0, self.over_minor or 0) if self.left_minor > 0 else 0

    def paid(self, amount_minor: int) -> "Balance":
        """After a payment. One that follows after all was refunded pays again."""
        let_go = self[3:] if self.left_minor > 0 else (0, 0)
        return Balance(self.total_minor, self.paid_minor + amount_minor, self.refunded_minor,
                       *let_go)

    def refunded(self, amount_minor: int, *, claimed: bool = False) -> "Balance":
        """After a refund; `claimed`: of a case. Of an order that is paid in part it undoes what was
        paid, and lets go of nothing."""
        over = self.over_minor
        let_go = 0 if over is not None and over < 0 else max(0, amount_minor - (over or 0))
        after = self._replace(refunded_minor=self.refunded_minor + amount_minor)
        if claimed:
            return after._replace(claimed_minor=self.claimed_minor + let_go)
        return after._replace(credited_minor=self.credited_minor + let_go)

    def costing(self, total_minor: int | None) -> "Balance":
        """With another total. What the platform refunded before the total was lowered was for
        that."""
        after = Balance(total_minor, *self[1:])
        if total_minor is None or self.total_minor is None or total_minor >= self.total_minor:
            return after
        return after._replace(
            credited_minor=max(0, self.credited_minor - (self.total_minor - total_minor)))

    def corrected(self, fact: str, by_minor: int) -> "Balance":
        """After what was paid, or refunded, turned out to be more or less by so much."""
        if fact == "paid":
            return self._replace(paid_minor=self.paid_minor + by_minor)
        if by_minor >= 0:
            return self.refunded(by_minor)
        credited = max(0, self.credited_minor + by_minor)
        claimed = self.claimed_minor + min(0, self.credited_minor + by_minor)
        return self._replace(refunded_minor=self.refunded_minor + by_minor,
                             credited_minor=credited, claimed_minor=max(0, claimed))

    def status(self, *, was_paid: bool, is_void: bool = False) -> str:
        """One of `PAYMENT_STATUSES`. `was_paid`: a payment is on record, be it of 0; `is_void`: the
        order was closed or cancelled, so that nothing is owed. An order that costs nothing is paid
        by its placing (R-ORD-66)."""
        if not was_paid:
            return PAID if self.total_minor == 0 and not is_void else UNPAID
        if 0 < self.paid_minor <= self.refunded_minor:
            return REFUNDED
        if is_void:
            return OVERPAID if self.left_minor > 0 else UNPAID
        if self.over_minor:
            if self.over_minor > 0:
                return OVERPAID
            return PART_PAID if self.left_minor > 0 else UNPAID
        return PART_REFUNDED if self.credited_minor + self.claimed_minor > 0 else PAID


# -- lines and sums -------------------------------------------------------------------------------


def rounded(value: int, finer: int) -> int:
    """A value without its last `finer` decimal digits, rounded half to even."""
    if finer <= 0:
        return value * 10 ** -finer  # type: ignore[no-any-return]
    whole, rest = divmod(value, unit := 10**finer)
    return int(whole + (2 * rest > unit or (2 * rest == unit and whole % 2)))


def product_of(line: Line, currency: str) -> int:
    """Quantity x unit price, in minor units. Rule: R-ORD-53."""
    return rounded(line.quantity * line.unit_price, line.unit_price_scale - EXPONENTS[currency])


def gross_of(line: Line, cancelled: int = 0) -> int:
    """The amount of a line without its cancelled pieces, in minor units."""
    return line.amount_minor - line.amount_minor * cancelled // line.quantity


class Sums(NamedTuple):
    """What lines add up to, in minor units: their goods, and fees to the buyer's cost and favour.
    """

    goods_minor: int
    postage_minor: int
    discount_minor: int

    @classmethod
    def of(cls, lines: Iterable[Line], cancelled: Mapping[str, int]) -> "Sums":
        """Of lines without their cancelled pieces."""
        goods = dear = cheap = 0
        for line in lines:
            if not line.fee:
                goods += gross_of(line, cancelled.get(line.line, 0))
            elif line.amount_minor > 0:
                dear += line.amount_minor
            else:
                cheap -= line.amount_minor
        return cls(goods, dear, cheap)

    def total_of(self, amounts: Amounts) -> int:
        """Goods + postage - discount + tax; what amounts leave out is what the lines say."""
        goods, postage, discount = self
        if amounts.goods_minor is not None:
            goods = amounts.goods_minor
        if amounts.postage_minor is not None:
            postage = amounts.postage_minor
        if amounts.discount_minor is not None:
            discount = amounts.discount_minor
        return goods + postage - discount + (amounts.tax_minor or 0)


def lines_must_agree(order: str, currency: str, lines: Iterable[Line]) -> None:
    """The amount of a line is that of its price. Errors: LineAmountDisagrees (R-ORD-53)."""
    for line in lines:
        if (product := product_of(line, currency)) != line.amount_minor:
            raise LineAmountDisagrees(
                order=order, line=line.line, quantity=line.quantity, unit_price=line.unit_price,
                scale=line.unit_price_scale, currency=currency, product_minor=product,
                amount_minor=line.amount_minor)


def sums_must_agree(
    order: str, currency: str, lines: Collection[Line] | None, amounts: Amounts, *,
    cancelled: Mapping[str, int],
) -> None:
    """Goods and total of a decided order agree with its lines as they stand: of lines that a file
    declared, the amount need not be that of their price. Errors: GoodsDisagree (R-ORD-54),
    TotalDisagrees (R-ORD-07)."""
    _must_agree(order, currency, None if lines is None else Sums.of(lines, cancelled), amounts)


def _must_agree(order: str, currency: str, sums: Sums | None, amounts: Amounts) -> None:
    if sums is not None and amounts.goods_minor not in (None, sums.goods_minor):
        raise GoodsDisagree(order=order, sum_minor=sums.goods_minor, currency=currency,
                            goods_minor=amounts.goods_minor)
    total = _sum_stated(amounts) if sums is None else sums.total_of(amounts)
    if None not in (total, amounts.total_minor) and total != amounts.total_minor:
        raise TotalDisagrees(order=order, total_minor=amounts.total_minor, sum_minor=total)


def costs_of(
    order: str, currency: str, lines: Collection[Line] | None, amounts: Amounts, *,
    cancelled: Mapping[str, int],
) -> Amounts:
    """What a decided order costs: what amounts leave out is what its lines say, so that nobody
    takes a part of it for all. Without lines it is only what amounts say. Rule: R-ORD-84. Errors:
    those of `sums_must_agree`, AmountsNeeded (R-ORD-62) for less than nothing, or for more than
    an amount can be."""
    sums = None if lines is None else Sums.of(lines, cancelled)
    _must_agree(order, currency, sums, amounts)
    if sums is None or not lines:
        return amounts
    total = sums.total_of(amounts)
    if total < 0 or max(*sums, total) > MAX_INTEGER:
        raise AmountsNeeded(order=order, total_minor=total, currency=currency)
    return filled(amounts, Amounts(
        goods_minor=sums.goods_minor, postage_minor=sums.postage_minor,
        discount_minor=sums.discount_minor, total_minor=total))


def adjusted(amounts: Amounts, known: Amounts) -> Amounts:
    """Amounts that take the place of others: postage, discount and tax that they leave out stay."""
    return filled(amounts, Amounts(
        postage_minor=known.postage_minor, discount_minor=known.discount_minor,
        tax_minor=known.tax_minor))


def filled(amounts: Amounts, others: Amounts) -> Amounts:
    """Amounts, with what they leave out as others say it."""
    if None not in (amounts.goods_minor, amounts.postage_minor, amounts.discount_minor,
                    amounts.total_minor) and others.tax_minor is None:
        return amounts
    return Amounts(**{name: getattr(others, name) if stated is None else stated
                      for name in AMOUNT_FIELDS for stated in [getattr(amounts, name)]})


def _sum_stated(amounts: Amounts) -> int | None:
    """Goods + postage - discount + tax, if the first three are stated."""
    return msgspec.structs.replace(amounts, total_minor=None).total()


def agree(
    lines: Collection[Line] | None, amounts: Amounts, cancelled: Mapping[str, int]
) -> bool:
    """Whether what a file says of lines, goods and total agrees, as far as it says it. Goods may
    mean those alone or with their fees. Rule: R-ORD-55."""
    if amounts.total_minor is not None and _sum_stated(amounts) not in (None, amounts.total_minor):
        return False
    if lines is None or amounts.goods_minor is None:
        return True
    sums = Sums.of(lines, cancelled)
    return amounts.goods_minor in (
        sums.goods_minor, sums.goods_minor + sums.postage_minor - sums.discount_minor)


def discount_of(amounts: Amounts, sums: Sums) -> int:
    """The discount as stated, else what the total lacks of goods, postage and tax. Units: minor
    units."""
    if amounts.discount_minor is not None:
        return amounts.discount_minor
    if amounts.total_minor is None:
        return sums.discount_minor
    postage = sums.postage_minor if amounts.postage_minor is None else amounts.postage_minor
    goods = sums.goods_minor if amounts.goods_minor is None else amounts.goods_minor
    return max(0, goods + postage + (amounts.tax_minor or 0) - amounts.total_minor)


def shares_of(
    lines: Collection[Line], amounts: Amounts, cancelled: Mapping[str, int]
) -> dict[str, int]:
    """The share of each line of goods in the discount, in proportion to its amount: rounded down,
    and the fen that are left go to the largest remainders, the first lines first, so that the
    shares add up to the discount. Units: minor units. Rule: R-ORD-58."""
    goods = [line for line in lines if not line.fee]
    discount = discount_of(amounts, Sums.of(lines, cancelled))
    weights = [max(0, gross_of(line, cancelled.get(line.line, 0))) for line in goods]
    if not any(weights):
        weights = [1] * len(goods)
    in_all = sum(weights)
    parts = [divmod(discount * weight, in_all) for weight in weights]
    left = discount - sum(whole for whole, _ in parts)
    first = sorted(range(len(goods)), key=lambda at: -parts[at][1])[:left]
    return {line.line: whole + (at in first)
            for at, (line, (whole, _)) in enumerate(zip(goods, parts, strict=True))}


def net_of(
    lines: Collection[Line], amounts: Amounts, cancelled: Mapping[str, int]
) -> dict[str, int]:
    """What the buyer pays for each line of goods, without its cancelled pieces and after its share
    of the discount. Units: minor units."""
    shares = shares_of(lines, amounts, cancelled)
    return {line.line: max(0, gross_of(line, cancelled.get(line.line, 0)) - shares[line.line])
            for line in lines if not line.fee}


def less_pieces(
    lines: Collection[Line], amounts: Amounts, cancelled: Mapping[str, int],
    more: Mapping[str, int],
) -> Amounts:
    """What an order costs once more pieces of lines are cancelled, each with its share of the
    discount. Rule: R-ORD-59."""
    shares = shares_of(lines, amounts, cancelled)
    goods = discount = 0
    for line in lines:
        if (pieces := more.get(line.line, 0)) and not line.fee:
            before = cancelled.get(line.line, 0)
            goods += gross_of(line, before) - gross_of(line, before + pieces)
            kept = line.quantity - before
            discount += shares[line.line] - shares[line.line] * (kept - pieces) // kept
    return Amounts(
        goods_minor=_less(amounts.goods_minor, goods), postage_minor=amounts.postage_minor,
        discount_minor=_less(amounts.discount_minor, discount), tax_minor=amounts.tax_minor,
        total_minor=_less(amounts.total_minor, goods - discount))


def with_lines(amounts: Amounts, before: Sums, after: Sums) -> Amounts:
    """What an order costs with other lines, where nobody says it: postage and discount stay, but
    where they are those of the lines, and the total changes as all of them do."""
    goods, postage, discount = (new - old for old, new in zip(before, after, strict=True))
    postage *= amounts.postage_minor in (None, before.postage_minor)
    discount *= amounts.discount_minor in (None, before.discount_minor)
    return Amounts(
        goods_minor=None if amounts.goods_minor is None else after.goods_minor,
        postage_minor=_less(amounts.postage_minor, -postage),
        discount_minor=_less(amounts.discount_minor, -discount), tax_minor=amounts.tax_minor,
        total_minor=_less(amounts.total_minor, discount - goods - postage))


def _less(known: int | None, by: int) -> int | None:
    return None if known is None else known - by
