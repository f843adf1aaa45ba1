"""The tables of the reports on stock, and what their columns count."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from ledger.stock.places import BETWEEN_WAREHOUSES, INSIDE, WAITING, WITH_COURIER
from projections.store.rows import Key, ledger_column, metadata

LEVELS = (*INSIDE, BETWEEN_WAREHOUSES, WITH_COURIER, WAITING)
"""What is kept of an item: the pieces in each place that can lack some, and those that orders wait
for. What left for good, or came from elsewhere, is in no report but as what flowed."""

FLOWS = ("received", "issued", "sent", "arrived", "lost")
"""What came to be on hand and what left it; of what left for another warehouse, what was sent, what
arrived there and what was lost on the way."""

levels = Table(
    "stock_levels", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    *(Column(place, BigInteger, nullable=False) for place in LEVELS),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", name="stock_levels_pk"),
    sqlite_with_rowid=False,
)

deltas = Table(
    "stock_deltas", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    *(Column(flow, BigInteger, nullable=False) for flow in FLOWS),
    *(Column(place, BigInteger, nullable=False) for place in LEVELS),
    PrimaryKeyConstraint(
        "ledger", "sku", "warehouse", "position", "occurred_at", name="stock_deltas_pk"),
    sqlite_with_rowid=False,
)

bins = Table(
    "stock_bins", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("bin", Key, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", "bin", name="stock_bins_pk"),
    sqlite_with_rowid=False,
)
"""The bins of the shelf. Pieces without a known bin have the bin ""."""

bin_deltas = Table(
    "stock_bin_deltas", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("bin", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", "bin", "position", "occurred_at",
                         name="stock_bin_deltas_pk"),
    sqlite_with_rowid=False,
)

thresholds = Table(
    "sku_thresholds", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", name="sku_thresholds_pk"),
    sqlite_with_rowid=False,
)

low_rules = Table(
    "stock_low_rules", metadata,
    ledger_column(),
    Column("version", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    Column("position", BigInteger),
    PrimaryKeyConstraint("ledger", "version", name="stock_low_rules_pk"),
    sqlite_with_rowid=False,
)
"""What versions of the policies say of low stock; see `low.py`."""

standing = Table(
    "sku_standing", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("for_others", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", name="sku_standing_pk"),
    sqlite_with_rowid=False,
)
"""SKUs that were another name or a bundle, and whether they are by now (1): what has no stock of
its own is never low."""

units = Table(
    "sku_units", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("unit", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", name="sku_units_pk"),
    sqlite_with_rowid=False,
)
"""What SKUs are counted in that are not counted in pieces."""

notices = Table(
    "stock_notices", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("place", Key, nullable=False),
    Column("bin", Key, nullable=False),
    Column("opened_position", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    Column("lowest", BigInteger, nullable=False),
    Column("document", Text),
    Column("closed_position", BigInteger),
    Column("closed_at", BigInteger),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint(
        "ledger", "sku", "warehouse", "place", "bin", "opened_position",
        name="stock_notices_pk"),
    Index("stock_notices_open", "ledger", "closed_position", "sku"),
)
"""Low stock and discrepancies, each from its opening to its closing. Low stock has place ""; a bin
is named where its pieces are below zero, and not those of the place."""

LOW = ""
"""What stands for the place in a notice of low stock."""
