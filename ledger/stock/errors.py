"""What the rules of stock refuse."""

from ledger.common.errors import Refused


class OutOfStock(Refused):
    """{stock}: {wanted} pieces are wanted, but only {available} can be taken. Take fewer; an order
    can also wait for the rest."""

    code = "out_of_stock"
    rule = "R-STK-01"


class PlaceEmpty(Refused):
    """{stock}: {wanted} pieces are to leave {place}, which holds {level}. If they did leave it,
    count what is there."""

    code = "place_empty"
    rule = "R-STK-02"


class SkuUnknown(Refused):
    """{sku} is not known in warehouse {warehouse}: nothing of it was ever recorded there. Receive
    or count it there first, or correct its name; of a bundle, say what it is made of."""

    code = "sku_unknown"
    rule = "R-STK-03"


class WarehouseUnknown(Refused):
    """There is no warehouse {warehouse}. Open it first, or correct its name."""

    code = "warehouse_unknown"
    rule = "R-STK-04"


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


class TooManyPieces(Refused):
    """{stock}: with this, {pieces} pieces would have moved in all, there and back, and only {most}
    can be kept exactly. Check the quantity and what the bundle is made of. If so many did move, go
    on with another SKU or in another warehouse."""

    code = "too_many_pieces"
    rule = "R-STK-15"


class BinEmpty(Refused):
    """{stock}: {wanted} pieces are to leave bin {bin}, which holds {level}. Name the bin that they
    lie in, or count this one."""

    code = "bin_empty"
    rule = "R-STK-16"


class BinNeeded(Refused):
    """{stock}: {wanted} pieces are to leave the shelf, and not so many lie outside its bins. Name
    the bin: {bins}."""

    code = "bin_needed"
    rule = "R-STK-17"


class SkuHasStock(Refused):
    """{sku} cannot stand for anything else yet: {stock} holds {levels}. Move these pieces to where
    they are to be counted, or off the books, and let no order wait for them; then say it again."""

    code = "sku_has_stock"
    rule = "R-STK-21"


class SkuIsOrdered(Refused):
    """{sku} cannot stand for anything else yet: line {line} of {order} has {pieces} pieces of it to
    be sent ({state}). Send that line, change it, or end its order; then say it again."""

    code = "sku_is_ordered"
    rule = "R-STK-22"


class ThresholdOfNoStock(Refused):
    """{sku} has no stock of its own: it stands for {others}. Set the threshold of that instead."""

    code = "threshold_of_no_stock"
    rule = "R-STK-23"


class FloorAbovePrice(Refused):
    """{sku} cannot cost {amount_minor} {currency} (minor units) and be sold below {floor_minor}
    only with a signature: every sale at its price would need one. Give a floor that is no higher
    than the price, or none."""

    code = "floor_above_price"
    rule = "R-STK-24"


class PriceOfAlias(Refused):
    """{sku} is another name of {target} then, and has its price. Give the price to that SKU."""

    code = "price_of_alias"
    rule = "R-STK-25"


class TooManyPostings(Refused):
    """{document} would post {postings} times to stock, its lines times the parts that they are made
    of, and {most} is the most for one event. Split it, or let no stock move."""

    code = "too_many_postings"
    rule = "R-STK-18"


class NotWaiting(Refused):
    """{movement} does not wait for a second person: it is {state}. `ledger report to-approve` lists
    what waits."""

    code = "not_waiting"
    rule = "R-SIG-03"


class DecidedBeforeRequest(Refused):
    """{movement} was asked for at {asked_at}, so nobody can have decided it at {at}. Leave the time
    out, or give one that is not before that."""

    code = "decided_before_request"
    rule = "R-SIG-04"


class PiecesGone(Refused):
    """{movement} cannot be approved: it would leave {place} of {stock} at {level}. The pieces have
    gone otherwise since. Refuse it, count what is there, and ask again for what is right."""

    code = "pieces_gone"
    rule = "R-SIG-05"


class WaitsAlready(Refused):
    """{movement} waits for a second person already. Let somebody approve or refuse that first."""

    code = "waits_already"
    rule = "R-SIG-06"
