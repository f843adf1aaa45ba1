"""Faults as the events of an import keep them."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.imports.faults import RowFault
from ledger.imports.tallies import MOST_RUNS, tallies
from tests.support.thorough import tried


def fault(file: str, row: int, code: str) -> RowFault:
    return RowFault(file, row, "总金额", "x", code, "R-IMP-08", "is wrong")


def rows_of(runs: list[str]) -> list[int]:
    """The numbers that runs such as `3-7` stand for."""
    bounds = [(int(first), int(last or first)) for first, _, last in
              (run.partition("-") for run in runs)]
    return [row for first, last in bounds for row in range(first, last + 1)]


@settings(max_examples=tried(100))
@given(st.lists(st.builds(fault, st.sampled_from(("", "a.csv", "b.csv")), st.integers(0, 30),
                          st.sampled_from(("not_money", "empty")))))
def test_tallies__count_every_fault_and_name_every_row(faults: list[RowFault]) -> None:
    faults.sort(key=lambda one: (one.file, one.row))
    found = tallies(faults)
    assert {(one.file, one.code): one.count for one in found} == Counter(
        (one.file, one.code) for one in faults)
    for one in found:
        assert rows_of(one.rows) == sorted({
            fault.row for fault in faults if (fault.file, fault.code) == (one.file, one.code)})


def test_tallies__of_very_many_runs_name_the_first() -> None:
    (found,) = tallies(fault("a.csv", row, "empty") for row in range(2, 3 * MOST_RUNS, 2))
    assert (len(found.rows), found.rows[0], found.count) == (MOST_RUNS, "2", 3 * MOST_RUNS // 2 - 1)
