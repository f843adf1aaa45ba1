"""Stored types: an enumeration may grow, and a reader that does not know a member stops there."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.common.bounds import Bound, Words
from ledger.common.checking import split
from ledger.core import event_types
from ledger.core.event_types import UnknownMember
from tests.support import source
from tests.support.envelopes import entry as entry_of
from tests.support.samples import Path, inside, pointer, replaced

EVENTS = source.events()


def sample(kind: Any) -> Any:
    """A value of a type of a field, as JSON has it."""
    bare, bounds, _ = split(kind)
    if get_origin(bare) in (Union, UnionType):
        return sample(next(one for one in get_args(bare) if one is not NoneType))
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return {field.encode_name: sample(field.type) for field in msgspec.structs.fields(bare)}
    if get_origin(bare) is Literal:
        return get_args(bare)[0]
    if get_origin(bare) in (list, tuple):
        return [sample(get_args(bare)[0])]
    if get_origin(bare) is dict:
        return {"x": sample(get_args(bare)[1])}
    words = [word for bound in bounds if isinstance(bound, Words) for word in bound.words]
    return {str: "x", int: 1, bool: True, datetime: "2026-10-01T00:00:00Z", Any: 1}[bare] \
        if not words else words[-1]


def members(kind: Any, at: Path = ()) -> list[tuple[Path, list[Bound]]]:
    """The enumerations inside a type, with where they stand in a sample of it."""
    bare, bounds, _ = split(kind)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return [found for field in msgspec.structs.fields(bare)
                for found in members(field.type, (*at, field.encode_name))]
    if get_origin(bare) in (list, tuple):
        return members(get_args(bare)[0], (*at, 0))
    listed = get_origin(bare) is Literal or any(isinstance(one, Words) for one in bounds)
    return [(at, bounds)] if listed else []


GROWING = {topic: found for topic, cls in EVENTS.items() if (found := members(cls))}


def test_enumerations__are_held_by_the_reader() -> None:
    assert {"stock.moved.v1", "case.inspected.v1", "attendance.recorded.v1", "slip.recorded.v1",
            "order.exception_opened.v1", "month.charged.v1", "deduction.confirmed.v1",
            "transfer.received.v1", "key.issued.v1", "case.requested.v1"} <= GROWING.keys()


@given(st.one_of(st.sampled_from([b"", b"null", b"[", b"\xff", b'{"a"']), st.builds(
    lambda text, depth: text * depth, st.sampled_from([b"[", b'{"x":']),
    st.sampled_from([900, 3_000, 60_000]))), st.sampled_from(sorted(EVENTS)))
def test_payload__rejected_when_it_cannot_be_read(payload: bytes, topic: str) -> None:
    """R-LOG-41, also of one that nests deeper than Python counts."""
    entry = entry_of(7, type=topic, payload=payload)
    for read in (event_types.decode, lambda entry: event_types.decode_payloads([entry])):
        with pytest.raises(event_types.EventUnreadable, match="^Position 7 "):
            read(entry)


@pytest.mark.parametrize("topic", sorted(GROWING))
def test_member__rejected_when_this_version_does_not_know_it(topic: str) -> None:
    """R-LOG-40. It is not read as another one, nor left out."""
    whole = sample(EVENTS[topic])
    good = entry_of(7, type=topic, payload=msgspec.json.encode(whole))
    assert len(event_types.decode_payloads([good])) == 1
    for path, _ in GROWING[topic]:
        assert inside(whole, path)
        wrong = good._replace(
            payload=msgspec.json.encode(replaced(whole, path, "never_seen")))
        for read in (event_types.decode, lambda entry: event_types.decode_payloads([good, entry])):
            with pytest.raises(UnknownMember) as refused:
                read(wrong)
            assert "position 7" in str(refused.value).lower()
            assert pointer(path) in str(refused.value)
            assert "never_seen" in str(refused.value)
