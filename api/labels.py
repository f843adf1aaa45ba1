"""What columns are called where people read them: on pages, on a terminal, above workbooks.

English is read off the name of a column, with `LABELS` for what cannot be read so; Chinese stands
in `locale/zh.po` under `column:`.
"""

from collections.abc import Mapping

from api.messages import language, tr
from projections.asking.columns import Column

LABELS: Mapping[str, str] = {
    "asked_minor": "Asked for", "command_id": "Command", "corrected_by_event": "Corrected by",
    "en": "English name", "floor_minor": "Floor price", "found_by": "Found by its",
    "here": "Works here", "net_minor": "Net sales", "number_of_lines": "Lines",
    "paper": "Paper slip", "report_row": "Row", "share_open": "Share still open", "sku": "SKU",
    "skus": "SKUs", "stands": "Still holds", "zh": "Chinese name",
}
"""The English labels of columns whose names do not say it by themselves."""

_MINOR = "（最小单位）"


def label(column: str | Column) -> str:
    """What a column is called, such as `Placed at`; of money without saying in which units."""
    name = column.key.partition(":")[2] if isinstance(column, Column) else column
    key = f"column:{name}"
    if language() == "zh" and (said := tr(key)) != key:
        return said.removesuffix(_MINOR)
    return LABELS.get(name) or name.removesuffix("_minor").replace("_", " ").capitalize()
