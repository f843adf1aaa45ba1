"""The benchmarks run and print; how fast they are is no business of a test."""

import re

import pytest

from tests.bench import __main__ as bench
from tests.bench.harness import Goal, Result, paired

LINE = re.compile(
    r"[a-z_]+ ours=[\d.]+(/s|MB) floor=[\d.]+(/s|MB) ratio=[\d.]+ goal=[≥≤][\d.]+( \w+=\S+)*")


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_benchmark__runs_and_prints_a_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--quick", name]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed.startswith(f"{name} ")
    assert LINE.fullmatch(printed), printed


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
