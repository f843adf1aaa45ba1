"""What people wrote reads masked wherever nobody opens it, and as lost once its key is gone."""

import json

import orjson

from ledger.common.personal import Personal
from projections.asking.written import LOST, PERSONAL, Sealed, Written, persons_in, revealed

SEALED = Sealed(Personal("person:1", "n", "c", "h"), "order:1", 3, "/note")


def test_written__reads_masked_in_every_form() -> None:
    row = {"note": Written.of(SEALED), "none": Written.of(None)}
    assert row == {"note": PERSONAL, "none": None}
    for text in (orjson.dumps(row).decode(), json.dumps(row, ensure_ascii=False), str(row)):
        assert PERSONAL in text
        assert "person:1" not in text


def test_written__is_opened_wherever_it_stands_in_a_row() -> None:
    row = {"sum": 1, "held": Written.of(SEALED), "exceptions": [{"note": Written.of(SEALED)}]}
    asked = []

    def reveal(*place: object) -> str | None:
        asked.append(place)
        return "改地址" if len(asked) == 1 else None

    assert persons_in([row]) == {"person:1"}
    assert revealed(row, reveal) == {
        "sum": 1, "held": "改地址", "exceptions": [{"note": LOST}]}
    assert asked == [(SEALED.value, "order:1", 3, "/note")] * 2
