"""What SKUs are told with."""

from functools import lru_cache

import msgspec

from ledger.common.values import subject

NAMES = 20_000
"""Names that are kept because the same few thousand come again and again."""


class Part(msgspec.Struct, frozen=True):
    """So many pieces of a SKU in each piece of a bundle."""

    sku: str
    each: int


@lru_cache(NAMES)
def sku_of(sku: str) -> str:
    """The subject of a SKU, which is its stream."""
    return subject("sku", sku)
