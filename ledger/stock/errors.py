"""What the rules of stock refuse."""

from ledger.common.errors import Refused


class OutOfStock(Refused):
    """{stock}: {wanted} pieces are wanted, but only {available} can be taken. Take fewer; an order
    can also wait for the rest."""

    code = "out_of_stock"
    rule = "R-STK-01"


class PlaceEmpty(Refused):
    """{stock}: {wanted} pieces are to leave {place}, which holds {level}. If they did leave it,
    record that as an adjustment, which opens a discrepancy."""

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
    """{stock} was counted at {counted_at}, after this movement ({occurred_at}). Give `late` as
    `movement` if the count did not see these pieces, so that the level changes, or as
    `already_counted` if it did, so that the level stays."""

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
    """{sku} holds more than {most} pieces of {part}. Sell its parts by themselves."""

    code = "bundle_too_large"
    rule = "R-STK-09"


class NewerCount(Refused):
    """{stock} was counted again at {counted_at}, after this count ({occurred_at}). The later count
    stands; if it is wrong, count once more."""

    code = "newer_count"
    rule = "R-STK-10"


class SkuIsAlias(Refused):
    """{sku} cannot be a bundle: it is another name of {target}. Bundle that SKU instead, or undo
    the name first."""

    code = "sku_is_alias"
    rule = "R-STK-11"


class BundleTooDeep(Refused):
    """{sku} holds bundles nested more than {most} deep ({path}). Sell its parts by themselves."""

    code = "bundle_too_deep"
    rule = "R-STK-12"


class UnitFixed(Refused):
    """{sku} is counted in {known}, not in {unit}: the unit of a SKU never changes. Register what is
    counted in {unit} under another SKU."""

    code = "unit_fixed"
    rule = "R-STK-14"


class CountedBeforeDeclared(Refused):
    """{stock} was counted at {counted_at}, after this movement ({occurred_at}), and a declaration
    cannot say whether the count saw it. Declare it without a warehouse, and move the stock
    yourself if the count did not see it."""

    code = "counted_before_declared"
    rule = "R-STK-13"


class TooManyPieces(Refused):
    """{stock}: with this, {pieces} pieces would have moved in all, there and back, and only {most}
    can be kept exactly. Check the quantity and what the bundle is made of. If so many did move, go
    on with another SKU or in another warehouse."""

    code = "too_many_pieces"
    rule = "R-STK-15"
