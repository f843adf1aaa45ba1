"""The shared strings of a workbook: each as it was, however many there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.imports import strings
from ledger.imports.strings import SharedStrings


@given(st.lists(st.text(max_size=12), min_size=1, max_size=300), st.integers(0, 60), st.data())
def test_strings__are_found_by_number_in_memory_or_not(
    texts: list[str], room: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strings, "HELD_CHARACTERS", room)
        patch.setattr(strings, "IN_BLOCK", 4)
        shared = SharedStrings(iter(texts))
        assert [shared[number] for number in wanted] == [texts[number] for number in wanted]
        for number in (-1, len(texts)):
            with pytest.raises(IndexError):
                shared[number]
        shared.close()


def test_strings__stay_in_memory_only_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strings, "HELD_CHARACTERS", 10_000)
    shared = SharedStrings(f"{number:0100}" for number in range(10_000))
    for number in range(10_000):
        assert int(shared[number]) == number
        assert shared.held() <= 2 * (100 + strings.IN_BLOCK)
    shared.close()


def test_strings__on_disk_are_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "HELD_CHARACTERS", 0)
    shared = SharedStrings(iter(["13800001234"] * 2 * strings.IN_BLOCK))
    assert shared[2 * strings.IN_BLOCK - 1] == "13800001234"
    assert shared._file is not None
    shared._file.seek(0)
    content = shared._file.read()
    assert len(content) > 11 * strings.IN_BLOCK
    assert b"13800001234" not in content
    shared.close()


def test_strings__are_taken_only_as_far_as_they_are_needed() -> None:
    source = iter([str(number) for number in range(1_000)])
    assert SharedStrings(source)[7] == "7"
    assert next(source) == "8"


def test_strings__that_are_empty_need_room_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "HELD_CHARACTERS", 10_000)
    shared = SharedStrings("" for _ in range(10_000))
    assert shared[9_999] == ""
    assert shared.held() <= 2 * (10_000 / strings.OF_EACH + strings.IN_BLOCK)
    shared.close()
