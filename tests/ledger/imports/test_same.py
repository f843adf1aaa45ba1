"""The same orders give the same events, whatever file and whichever run they come in."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.imports import profiles
from tests.support.shops import SAMPLES, Shop, counts
from tests.support.thorough import tried
from tests.support.workbooks import save_workbook

TAOBAO = SAMPLES / "taobao" / "ExportOrderList202608312359.csv"
HEADER = "number,placed,sku,quantity,price"
BY_LINES = """
name: lines
version: 1
about: One row a line, which has no number of its own.
channel: own
shop: ours
money: {currency: CNY, exponent: 2}
times: {zone: Asia/Shanghai, formats: ["%Y-%m-%d %H:%M"]}
stock: {warehouse: main}
files:
  orders:
    columns:
      number: {field: number, kind: id, required: true}
      placed: {field: placed, kind: time, required: true}
      sku: {field: sku, kind: id}
      quantity: {field: quantity, kind: integer}
      price: {field: price, kind: money}
order:
  file: orders
  number: number
  placed: {at: placed}
  goods_minor: {lines: goods}
  lines: {of: orders, sku: sku, quantity: quantity, unit_price: price}
"""


def happened(shop: Shop) -> list[tuple[str, str, Any]]:
    """All events but those of imports; of what is sealed only that it is there."""
    return sorted((entry.stream, entry.type, json.dumps(open_parts(json.loads(entry.payload))))
                  for entry in shop.log() if not entry.stream.startswith("import:"))


def open_parts(value: Any) -> Any:
    if isinstance(value, dict):
        return "sealed" if value.keys() == {"p", "n", "c", "h"} else {
            name: open_parts(part) for name, part in value.items()}
    return [open_parts(part) for part in value] if isinstance(value, list) else value


def rows(number: int) -> list[str]:
    """The rows of an order: as many lines as its number says, two of them equal."""
    lines = [f"{number},2026-01-0{number} 10:00,S{line},{line + 1},1.50" for line in range(number)]
    return [*lines, lines[0]]


@settings(deadline=None, max_examples=tried(40))
@given(st.lists(st.lists(st.integers(1, 4), unique=True), min_size=2, max_size=4))
def test_exports_that_overlap__give_together_what_they_give_one_after_the_other(
    weeks: list[list[int]]
) -> None:
    """No line and no piece twice, though no row has a number of its own."""
    found = []
    for together in (True, False):
        with TemporaryDirectory() as folder:
            shop = Shop(Path(folder))
            files = [shop.file([row for number in week for row in rows(number)], f"{at}.csv",
                               HEADER) for at, week in enumerate(weeks)]
            for group in [files] if together else [[file] for file in files]:
                assert shop.bring(*group, profile=profiles.parse(BY_LINES, "lines")).ok
            found.append(happened(shop))
            placed = shop.payloads("order.placed.v1")
            assert sorted(len(one["lines"]) for one in placed) == sorted(
                number + 1 for number in {one for week in weeks for one in week})
            shop.close()
            shop.opened.close()
    assert found[0] == found[1]


def test_workbook__of_the_taobao_sample_gives_the_events_of_its_text(
    shop: Shop, tmp_path: Path
) -> None:
    table = list(csv.reader(io.StringIO(TAOBAO.read_bytes().decode("gb18030"), newline="")))
    book = save_workbook(tmp_path / "ExportOrderList202608312359.xlsx", table)
    assert counts(shop.bring(TAOBAO, profile="taobao-orders")) == (247, 247, 0, 0)
    with TemporaryDirectory() as folder:
        other = Shop(Path(folder))
        assert counts(other.bring(book, profile="taobao-orders")) == (247, 247, 0, 0)
        assert happened(other) == happened(shop)
        other.close()
        other.opened.close()
    assert counts(shop.bring(book, profile="taobao-orders")) == (247, 0, 0, 247)
