"""Pieces of lines: how many, what one of them is made of, when they moved."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from ledger.common.bounds import Id, Quantity, Whole, Words
from ledger.common.values import subject

Late = Annotated[str, Words("", "not_counted")]
"""Whether a count that came after a movement has seen it: empty if it has, as in most cases."""

PIECE = "piece"
UNITS = (PIECE, "g", "ml", "mm")
Unit = Annotated[str, Words(*UNITS)]
"""What a SKU is counted in: every quantity of it, wherever it stands, is a whole number of these.
The list may grow."""

MAX_PIECES = 10_000
"""Pieces of a SKU in one bundle, at most."""


class Count(msgspec.Struct, frozen=True, gc=False):
    """So many pieces of a line."""

    line: Id
    quantity: Quantity


def quantities(counts: Iterable[Any]) -> dict[str, int]:
    """Pieces by line, added up. Shapes: of each count, `line` and `quantity` are read."""
    found: dict[str, int] = {}
    for count in counts:
        found[count.line] = found.get(count.line, 0) + count.quantity
    return found


class LineParts(msgspec.Struct, frozen=True, gc=False):
    """What a piece of a line is made of: so many pieces of a SKU in each."""

    line: str
    sku: str
    each: int


def parts_by_line(parts: Iterable[LineParts]) -> dict[str, tuple[LineParts, ...]]:
    """Parts by the line that they make."""
    found: dict[str, tuple[LineParts, ...]] = {}
    for part in parts:
        found[part.line] = (*found.get(part.line, ()), part)
    return found


NAMES = 20_000
"""How many names are cached: the same few thousand come again and again."""


class Part(msgspec.Struct, frozen=True, gc=False):
    """So many pieces of a SKU in each piece of a bundle."""

    sku: Id
    each: Annotated[int, Whole(least=1, most=MAX_PIECES)]


@lru_cache(NAMES)
def sku_of(sku: str) -> str:
    """The subject of a SKU, which is its stream."""
    return subject("sku", sku)
