"""What the rules of stock refuse."""

from ledger.common.errors import Refused


class OutOfStock(Refused):
    """{stock}: {wanted} pieces are wanted, {available} are available. Take fewer, or have the rest
    back-ordered."""

    code = "out_of_stock"
    rule = "R-STK-01"


class PlaceEmpty(Refused):
    """{stock}: {wanted} pieces are to leave {place}, which holds {level}. If they did leave it,
    declare the movement: it is recorded and opens a discrepancy."""

    code = "place_empty"
    rule = "R-STK-02"


class SkuUnknown(Refused):
    """{sku} is not known in warehouse {warehouse}: nothing of it was ever recorded there."""

    code = "sku_unknown"
    rule = "R-STK-03"


class WarehouseUnknown(Refused):
    """There is no warehouse {warehouse}. Open it first, or correct its name."""

    code = "warehouse_unknown"
    rule = "R-STK-04"


class CountedSince(Refused):
    """{stock} was counted at {counted_at}, after this movement ({occurred_at}). Say `movement` if
    the pieces were not counted, so that the level changes, or `already_counted` if the count saw
    them, so that it stays."""

    code = "counted_since"
    rule = "R-STK-05"


class BundleInsideItself(Refused):
    """{sku} would be a part of itself ({path})."""

    code = "bundle_inside_itself"
    rule = "R-STK-06"


class AliasOfAlias(Refused):
    """{sku} cannot be another name of {target}: {why}."""

    code = "alias_of_alias"
    rule = "R-STK-07"


class BundleHasNoStock(Refused):
    """{sku} is a bundle and has no stock of its own. Move or count its parts."""

    code = "bundle_has_no_stock"
    rule = "R-STK-08"


class BundleTooLarge(Refused):
    """{sku} holds bundles nested more than {most_deep} deep, or more than {most_pieces} pieces of
    a SKU. Sell its parts by themselves."""

    code = "bundle_too_large"
    rule = "R-STK-09"
