"""Reports of a shop whose files were imported, for tests."""

from contextlib import closing
from typing import Any

from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.shops import Shop


def report(shop: Shop, name: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of a report, by their subjects where they have any."""
    with closing(ReadModels(shop.opened.store, PROJECTIONS)) as models:
        rows = run(models, "main", name, Question(**asked)).rows
    return sorted(rows, key=lambda row: str(row.get("subject", "")))
