"""What people wrote reads masked wherever nobody opens it, and as erased once its key is gone."""

import json

import orjson
import pytest

from ledger.common.personal import Personal
from projections.asking.written import ERASED, LOST, PERSONAL, Sealed, Written, persons_in, revealed

SEALED = Sealed(Personal("person:1", "n", "c", "h"), "order:1", 3, "/note")


def test_written__reads_masked_in_every_form() -> None:
    row = {"note": Written.of(SEALED), "none": Written.of(None)}
    assert row == {"note": PERSONAL, "none": None}
    for text in (orjson.dumps(row).decode(), json.dumps(row, ensure_ascii=False), str(row)):
        assert PERSONAL in text
        assert "person:1" not in text


class Keys:
    """Keys that open once."""

    def __init__(self, erased: set[str]) -> None:
        self.places: list[object] = []
        self.erased = erased

    def reveal(self, *place: object) -> str | None:
        self.places.append(place)
        return "改地址" if len(self.places) == 1 else None

    def is_erased(self, person: str) -> bool:
        return person in self.erased


@pytest.mark.parametrize("erased, shown", [({"person:1"}, ERASED), (set(), LOST)])
def test_written__is_opened_wherever_it_stands_in_a_row(erased: set[str], shown: str) -> None:
    row = {"sum": 1, "held": Written.of(SEALED), "exceptions": [{"note": Written.of(SEALED)}]}
    keys = Keys(erased)
    assert persons_in([row]) == {"person:1"}
    assert revealed(row, keys.reveal, keys.is_erased) == {
        "sum": 1, "held": "改地址", "exceptions": [{"note": shown}]}
    assert keys.places == [(SEALED.value, "order:1", 3, "/note")] * 2
