"""The benchmarks run and print; how fast they are is no business of a test."""

import re
from itertools import islice
from pathlib import Path

import pytest

from ledger.fulfilment.commands import SellOrder
from ledger.settings import open_ledger
from ledger.stock.movements import MoveStock, StockMove
from tests.bench import __main__ as bench
from tests.bench.harness import QUICK, Goal, Result, paired
from tests.bench.hot import oversold
from tests.bench.logs import record, settings_of
from tests.bench.orders import SINCE, WAREHOUSE, histories, stocking
from tests.support.thorough import THOROUGH

LINE = re.compile(
    r"[a-z_]+ ours=[\d.]+(/s|MB|ms) floor=[\d.]+(/s|MB|ms) ratio=[\d.]+ goal=[≥≤][\d.]+( \w+=\S+)*")


SLOW = {"http_orders", "http_reads", "http_past", "rebuild_memory", "append_postgres", "import",
        "cli_start", "as_of", "backdated", "explain", "page", "peers"}


@pytest.mark.parametrize("name", bench.BENCHMARKS if THOROUGH else sorted(
    set(bench.BENCHMARKS) - SLOW))
def test_benchmark__runs_and_prints_a_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--quick", name]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed.startswith(f"{name} ")
    assert LINE.fullmatch(printed), printed
    if name == "hot_sku":
        assert f" oversold=0 sold={QUICK.pieces} refused={QUICK.callers}" in printed


def test_oversold__is_how_deep_the_log_went_below_nought(tmp_path: Path) -> None:
    opened = open_ledger(settings_of(tmp_path / "ledger.db"))
    taken = [StockMove(sku="A", quantity=quantity, source="available", target="written_off",
                       cause="write_off") for quantity in (2, 4)]
    record(opened.ledger, [
        *stocking(["A", "B"], 3),
        *(MoveStock(warehouse=WAREHOUSE, moves=[move], occurred_at=SINCE, reason="lost")
          for move in taken),
        *stocking(["A"], 10)])
    opened.close()
    assert oversold(tmp_path / "ledger.db", "A") == 3
    assert oversold(tmp_path / "ledger.db", "B") == 0


def test_histories__tell_a_fifth_late() -> None:
    sales = [told for told in islice(histories(), 9_000) if isinstance(told, SellOrder)]
    latest, late = SINCE, 0
    for sale in sales:
        late += sale.occurred_at < latest
        latest = max(latest, sale.occurred_at)
    assert 0.18 < late / len(sales) < 0.22


def test_benchmark__refused_when_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(["fastest"])
    assert "no such benchmark: fastest" in capsys.readouterr().err


def test_paired__takes_the_median_of_rounds_and_of_their_own_floors() -> None:
    floors, ours = iter([100, 100, 200, 200, 10, 10]), iter([50, 150, 10])
    floor, found = paired(3, lambda: next(floors), ours=lambda: next(ours))
    assert floor == 100
    assert found["ours"] == (50, 0.75)


def test_result__is_one_line() -> None:
    told = Result(name="verify", unit="/s", ours=130_000, floor=330_000, ratio=0.394,
                  goal=Goal("≥", 0.4), beside={"peer": "none"})
    assert str(told) == "verify ours=130000/s floor=330000/s ratio=0.39 goal=≥0.4 peer=none"


def test_result__is_reached_by_its_ratio_and_by_what_it_may_be_at_most() -> None:
    def result(ours: float, ratio: float) -> Result:
        return Result(name="page", unit="ms", ours=ours, floor=10, ratio=ratio,
                      goal=Goal("≤", 1.5), most=50)

    assert str(result(12, 1.2)) == "page ours=12ms floor=10ms ratio=1.20 goal=≤1.5 most=50ms"
    assert result(12, 1.2).is_reached
    assert not result(12, 1.6).is_reached
    assert not result(51, 1.2).is_reached
