"""Two moments from texts."""

import pytest

from projections.asking.clocks import NOW, AsOf, TwoRecordings, parsed
from projections.trial.moments import BadSpan, two_of

BEGINNING = AsOf(position=0)
OCTOBER = parsed("recorded_as_of", "2026-10-01")
NOVEMBER = parsed("recorded_as_of", "2026-11-01")
HAPPENED = parsed("occurred_as_of", "2026-10-01")
HAD = parsed("occurred_as_of", "2026-11-01")


@pytest.mark.parametrize(("given", "expected"), [
    ({}, (BEGINNING, NOW)),
    ({"same": True}, (NOW, NOW)),
    ({"positions": "3..7"}, (AsOf(position=3), AsOf(position=7))),
    ({"positions": "3.."}, (AsOf(position=3), NOW)),
    ({"positions": "..7"}, (BEGINNING, AsOf(position=7))),
    ({"recorded": "2026-10-01..2026-11-01"}, (AsOf(recorded=OCTOBER), AsOf(recorded=NOVEMBER))),
    ({"recorded": "2026-10-01 .. "}, (AsOf(recorded=OCTOBER), NOW)),
    ({"occurred": "2026-10-01..2026-11-01"}, (AsOf(occurred=HAPPENED), AsOf(occurred=HAD))),
    ({"occurred": "2026-10-01"}, (BEGINNING, AsOf(occurred=HAPPENED))),
    ({"occurred": "2026-10-01", "same": True}, (AsOf(occurred=HAPPENED),) * 2),
    ({"recorded": "2026-10-01..", "occurred": "2026-10-01"},
     (AsOf(recorded=OCTOBER, occurred=HAPPENED), AsOf(occurred=HAPPENED))),
    ({"positions": "3..7", "occurred": "2026-10-01..2026-11-01"},
     (AsOf(position=3, occurred=HAPPENED), AsOf(position=7, occurred=HAD))),
])
def test_two__are_read(given: dict[str, str], expected: tuple[AsOf, AsOf]) -> None:
    assert two_of(**given) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [
    {"positions": "3"}, {"positions": ".."}, {"positions": "1..2..3"}, {"recorded": "2026-10-01"},
    {"recorded": ""}, {"occurred": ".."}, {"occurred": "a..b..c"}])
def test_span__rejected_where_it_is_none(given: dict[str, str]) -> None:
    """R-PRJ-42"""
    with pytest.raises(BadSpan):
        two_of(**given)  # type: ignore[arg-type]


def test_span__is_of_one_clock_of_recording() -> None:
    with pytest.raises(TwoRecordings):
        two_of("1..2", "2026-10-01..2026-11-01")
