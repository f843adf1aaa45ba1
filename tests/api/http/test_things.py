"""Lists of things: in either order, narrowed, and read one by one as they were written."""

from typing import Any

import pytest

from tests.conftest import on_sqlite
from tests.support.bodies import WHEN
from tests.support.web import Web, problem


def pages(web: Web, address: str | None) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    rows: list[dict[str, Any]] = []
    while address:
        answer = web.get(address)
        assert answer.status_code == 200, answer.text
        rows += (answer.json or {})["items"]
        address = (answer.json or {})["next"]
    return rows


def test_things__come_by_their_names_either_way(web: Web) -> None:
    for name in ("b", "A", "钢笔", "c/d"):
        web.done("/v1/skus", {"sku": name})
        web.done("/v1/warehouses", {"name": name, "occurred_at": WHEN})
    for path, column in (("skus", "sku"), ("warehouses", "name")):
        names = [row[column] for row in pages(web, f"/v1/{path}?limit=1")]
        assert names == ["A", "b", "c/d", "钢笔"]
        for word, wanted in ((column, names), (f"-{column}", names[::-1])):
            assert [row[column] for row in pages(web, f"/v1/{path}?limit=3&sort={word}")] == wanted


@on_sqlite
@pytest.mark.parametrize("query", ["sort=title", "sort=", "sort=-", "kind=x"])
def test_things__rejected_in_an_order_that_there_is_not(web: Web, query: str) -> None:
    problem(web.get(f"/v1/warehouses?{query}"), 400, "not_understood")
