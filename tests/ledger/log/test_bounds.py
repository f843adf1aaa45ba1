"""What one row may hold: exactly so much on every store, by whatever way it comes."""

import json
from typing import Any

import pytest

from ledger.common.errors import Invalid
from ledger.log import bounds, schema
from ledger.log.bounds import (
    MAX_SUBJECTS,
    MOST,
    NAME_BYTES,
    SUBJECTS_BYTES,
    WIDTHS,
    OnceTooLong,
    PayloadTooLarge,
    SourceTooLarge,
    StreamTooLong,
    SubjectTooLong,
    TooManySubjects,
)
from ledger.log.envelope import spelled_subjects
from ledger.log.recorder import LogRecorder
from ledger.log.sqlite import SqliteStore
from ledger.log.store import Head, Known, Store, Tile, ValueNotStored
from tests.conftest import durable, on_sqlite
from tests.support.envelopes import context, entry, first, made, write
from tests.support.soundness import must_be_sound

MORE = "云"
"""Three bytes and one character: what is counted is bytes."""


def text_of(length: int) -> str:
    """A text of so many bytes in UTF-8."""
    return MORE * (length // 3) + "x" * (length % 3)


def many(number: int, length: int) -> str:
    """So many subjects, each of so many bytes."""
    return spelled_subjects(f"{n:04}{text_of(length - 4)}" for n in range(number))


EDGES: dict[str, tuple[dict[str, Any], dict[str, Any], type[Invalid]]] = {
    "payload": ({"payload": bytes(MOST["payload"])}, {"payload": bytes(MOST["payload"] + 1)},
                PayloadTooLarge),
    "source": ({"source": text_of(MOST["source"])}, {"source": text_of(MOST["source"] + 1)},
               SourceTooLarge),
    "stream": ({"stream": text_of(NAME_BYTES)}, {"stream": text_of(NAME_BYTES + 1)},
               StreamTooLong),
    "once": ({"once": text_of(NAME_BYTES)}, {"once": text_of(NAME_BYTES + 1)}, OnceTooLong),
    "subject": ({"subjects": many(2, NAME_BYTES)}, {"subjects": many(2, NAME_BYTES + 1)},
                SubjectTooLong),
    "subjects": ({"subjects": many(MAX_SUBJECTS, NAME_BYTES)},
                 {"subjects": many(MAX_SUBJECTS + 1, 8)}, TooManySubjects),
    "escapes": ({"subjects": spelled_subjects(['"' * NAME_BYTES])},
                {"subjects": spelled_subjects(f"{n:04}" + '"' * 900 for n in range(MAX_SUBJECTS))},
                SubjectTooLong),
}
"""By what is bounded: fields at the bound, fields just above, and the error of a writer."""


@pytest.mark.parametrize(("most", "above", "error"), EDGES.values(), ids=EDGES)
def test_bounds__of_an_entry_are_exact(
    most: dict[str, Any], above: dict[str, Any], error: type[Invalid]
) -> None:
    """R-LOG-21, R-LOG-22, R-LOG-23, R-LOG-24, R-LOG-25 and R-LOG-26."""
    bounds.must_hold(entry(1, **most))
    with pytest.raises(error):
        bounds.must_hold(entry(1, **above))


@pytest.mark.parametrize(("most", "above"), [edge[:2] for edge in EDGES.values()], ids=EDGES)
def test_bounds__of_a_row_are_exact_on_every_store(
    store: Store, most: dict[str, Any], above: dict[str, Any]
) -> None:
    """The store itself holds them, whoever writes: R-LOG-14."""
    kept = entry(2, **most)
    write(store, first(), kept)
    with pytest.raises(ValueNotStored):
        write(store, entry(3, **above))
    assert must_be_sound(store) == [kept]
    write(store, entry(3))


def test_bounds__of_all_subjects_are_reached_by_the_most_and_longest() -> None:
    assert len(many(MAX_SUBJECTS, NAME_BYTES).encode()) == SUBJECTS_BYTES


@pytest.mark.parametrize("name", sorted(WIDTHS.keys() - {"ledger"}))
def test_bounds__of_a_fixed_length_are_exact_on_every_store(store: Store, name: str) -> None:
    for length in (WIDTHS[name] - 1, WIDTHS[name] + 1, 0):
        with pytest.raises(ValueNotStored):
            write(store, entry(1)._replace(**{name: bytes(length)}))
    assert store.read("main") == []
    write(store, entry(1)._replace(**{name: bytes(WIDTHS[name])}))


@durable
@pytest.mark.parametrize("length", [0, 15, 17])
def test_bounds__hold_for_the_ids_of_ledgers(store: Store, length: int) -> None:
    with pytest.raises(ValueNotStored), store.beginning(Known(bytes(length), "odd")):
        pass
    with pytest.raises(ValueNotStored), store.beginning(Known(bytes(16), "o", bytes(length))):
        pass
    with pytest.raises(ValueNotStored), store.beginning(Known(bytes(16), "")):
        pass
    assert store.ledgers() == []


@durable
def test_bounds__hold_for_heads_and_tiles(store: Store) -> None:
    made(store)
    for head in (Head(1, 0, bytes(33)), Head(1, 0, bytes(32), bytes(31))):
        with pytest.raises(ValueNotStored), store.writing("main") as writing:
            writing.append([entry(1)], head, [])
    for length in (0, 255 * 32, 256 * 32 + 1):
        with pytest.raises(ValueNotStored):
            write(store, entry(1), tiles=[Tile(0, 0, bytes(length))])
    assert store.read("main") == []


@on_sqlite
@pytest.mark.parametrize(("name", "wrong"), [
    ("subjects", b"[]"), ("source", b"{}"), ("stream", b"s"), ("payload", "{}"), ("salt", "x" * 16),
    ("version", "one"), ("occurred_at", 0.5),
])
def test_bounds__hold_for_the_type_of_a_value(store: Store, name: str, wrong: Any) -> None:
    """SQLite, too, keeps a text as a text: read back as bytes it would be hashed alike."""
    with pytest.raises(ValueNotStored, match=f"cannot store .* events.{name}"):
        write(store, entry(1)._replace(**{name: wrong}))
    assert store.read("main") == []


@on_sqlite
def test_bounds__hold_for_the_types_of_all_tables(store: SqliteStore) -> None:
    with store.reading() as reader:
        tables = dict(reader.rows("SELECT name, strict FROM pragma_table_list", ()))
    assert {tables[name] for name in schema.metadata.tables} == {1}


def test_bounds__hold_for_the_librarys_recorder(store: Store) -> None:
    from eventsourcing.persistence import StoredEvent

    recorder = LogRecorder(store, made(store))
    with pytest.raises(PayloadTooLarge):
        recorder.insert_events([StoredEvent("s", 1, "t", b"{}"),
                                StoredEvent("s", 2, "t", bytes(MOST["payload"] + 1))])
    with pytest.raises(SourceTooLarge):
        recorder.insert_events([StoredEvent("s", 1, "t", b"{}")], context=context(
            source={"import": text_of(MOST["source"])}))
    assert store.read("main") == []
    recorder.insert_events([StoredEvent("s", 1, "t", bytes(MOST["payload"]))])
    assert json.loads(store.read("main")[0].subjects) == ["s"]
