"""Whether a file says what is known: lines, whatever their order, names and words, or amounts.

A line is what is sold in it, how many pieces, and at which price. A platform that gives lines no
names of their own may list them in another order next time, so that the same name stands for
another line; and titles and attributes are words about the same goods.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ledger.orders.values import AMOUNT_FIELDS, Amounts, Line

_Goods = tuple[Any, ...]
"""What makes two lines the same, whatever they are called."""


def _goods_of(line: Line) -> _Goods:
    """Without a SKU it is the title that says what is sold; a price is the same at any scale."""
    price = Decimal(line.unit_price).scaleb(-line.unit_price_scale)
    return line.sku, line.title if line.sku is None else None, line.quantity, price, line.fee


def are_the_same(known: Sequence[Line], declared: Sequence[Line]) -> bool:
    """Whether these are the same lines, fees included."""
    return Counter(map(_goods_of, known)) == Counter(map(_goods_of, declared))


def with_attributes(known: Sequence[Line], declared: Iterable[Line]) -> list[Line]:
    """The known lines, with the attributes that the same lines of a file have."""
    by_goods: dict[_Goods, list[Line]] = {}
    for line in declared:
        by_goods.setdefault(_goods_of(line), []).append(line)
    found = []
    for line in known:
        others = by_goods[_goods_of(line)]
        # Of several that are alike, the one of its name is meant, or of its attributes.
        same = min(others, key=lambda other: (
            other.attributes != line.attributes, other.line != line.line))
        others.remove(same)
        found.append(line if same.attributes is None else msgspec.structs.replace(
            line, attributes=same.attributes))
    return found


def says_again(before: Amounts | None, declared: Amounts) -> bool:
    """Whether all that a file says of amounts is what was known before somebody corrected them. The
    correction may say more than the file does, such as a discount."""
    return before is not None and all(
        getattr(declared, name) in (None, getattr(before, name)) for name in AMOUNT_FIELDS)
