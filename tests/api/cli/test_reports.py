"""How an answer is shown: the same in a file as on the terminal."""

import json
from pathlib import Path

import pytest

from api.cli.reports import show
from ledger.common.values import MAX_INTEGER
from projections.asking.questions import Answer

NUMBERS = [0, MAX_INTEGER, MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**63, 2**64, -(2**70)]


def test_show__writes_numbers_that_every_reader_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever they stand: JSON has one spelling of a number, in a file as on the terminal."""
    answer = Answer({}, [{"number": one, "also": [{"of": one}]} for one in NUMBERS])
    show(answer, "json")
    shown = json.loads(capsys.readouterr().out)
    for form in ("json", "table"):
        show(answer, form, tmp_path / form)
        assert json.loads((tmp_path / form).read_bytes()) == shown
    assert [row["number"] for row in shown] == [*NUMBERS[:2], *map(str, NUMBERS[2:])]
    show(answer, "csv", tmp_path / "csv")
    cells = [line.split(",")[0] for line in (tmp_path / "csv").read_text("utf-8-sig").splitlines()]
    assert cells == ["number", *map(str, NUMBERS)]
