"""Rows that are listed once and looked at more often."""

from itertools import islice

import pytest

from api.cli import spool
from api.cli.spool import Shown, Spool

ROWS = [{"n": number, "text": "云" * number, "none": None} for number in range(50)]


@pytest.mark.parametrize("memory", [0, 1_000, 10**6])
def test_spool__gives_the_rows_as_often_as_wanted(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", memory or 1)
    with Spool(iter(ROWS)) as rows:
        assert len(rows) == 50
        assert list(rows) == list(rows) == ROWS


def test_spool__lets_two_go_through_it_at_once() -> None:
    with Spool(iter(ROWS)) as rows:
        first, second = iter(rows), iter(rows)
        assert [*islice(first, 10), *islice(second, 20), *first] == [*ROWS[:10], *ROWS[:20],
                                                                     *ROWS[10:]]


def test_spool__takes_rows_as_they_come_and_keeps_few_of_them(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into memory lies in a file."""
    monkeypatch.setattr(spool, "IN_MEMORY", 10_000)
    with Spool({"n": number, "text": "x" * 100} for number in range(1_000)) as rows:
        assert rows._file._rolled  # type: ignore[attr-defined]
        assert next(islice(rows, 999, None))["n"] == 999


def test_shown__are_the_same_rows_shown_otherwise() -> None:
    with Spool(iter(ROWS)) as rows:
        shown = Shown(rows, lambda row: {"n": row["n"]})
        assert len(shown) == 50
        assert list(shown) == list(shown) == [{"n": number} for number in range(50)]
