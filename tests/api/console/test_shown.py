"""Which columns of a report people see first."""

import pytest

from api.console.shown import COLUMNS, columns_shown
from projections.asking.columns import columns_of
from projections.asking.typed import type_of
from projections.reports import REPORTS
from tests.support import source


def test_columns__that_are_shown_are_those_of_the_report() -> None:
    source.check(f"{report}: {name}" for report, names in COLUMNS.items() for name in names
                 if name not in {one.name for one in columns_of(type_of(REPORTS[report]).row)})


def test_columns_shown__are_the_usual_ones_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = columns_of(type_of(REPORTS["orders"]).row)
    assert [one.name for one in columns_shown("orders", columns)] == list(COLUMNS["orders"])
    assert columns_shown("orders", columns, all_of_them=True) == list(columns)
    grading = columns_of(type_of(REPORTS["grading"]).row)
    assert "zh" not in {one.name for one in columns_shown("grading", grading)}
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "en" not in {one.name for one in columns_shown("grading", grading)}
