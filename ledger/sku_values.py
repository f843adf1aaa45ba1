"""What SKUs are told with."""

import msgspec


class Part(msgspec.Struct, frozen=True):
    """So many pieces of a SKU in each piece of a bundle."""

    sku: str
    each: int
