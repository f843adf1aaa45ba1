"""Pieces of lines: how many, what one of them is made of, when they moved."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from ledger.common.values import Checks, subject

LATE = ("", "movement", "already_counted")
"""What a movement from before the last count was; empty where it does not matter."""


class Count(msgspec.Struct, frozen=True):
    """So many pieces of a line."""

    line: str
    quantity: int


def quantities(counts: Iterable[Any]) -> dict[str, int]:
    """Pieces by line, added up. Shapes: of each count, `line` and `quantity` are read."""
    found: dict[str, int] = {}
    for count in counts:
        found[count.line] = found.get(count.line, 0) + count.quantity
    return found


class LineParts(msgspec.Struct, frozen=True):
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


def check_late(late: str, checks: Checks) -> None:
    """Note an answer that is not one of `LATE`."""
    if late not in LATE:
        checks.fault("/late", "unknown", f"is {late!r}, not one of {', '.join(LATE[1:])}")


NAMES = 20_000
"""How many names are cached: the same few thousand come again and again."""


class Part(msgspec.Struct, frozen=True):
    """So many pieces of a SKU in each piece of a bundle."""

    sku: str
    each: int


@lru_cache(NAMES)
def sku_of(sku: str) -> str:
    """The subject of a SKU, which is its stream."""
    return subject("sku", sku)
