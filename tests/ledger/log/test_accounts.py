"""The index of accounts: it always holds what the subjects of all events make of it."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.core.aggregate import Aggregate
from ledger.core.postings import ACCOUNT_KINDS, Observation, Posting
from ledger.log.accounts import accounts_in, misnamed, touched
from ledger.log.append import append
from ledger.log.backup import backup_log, restore_log
from ledger.log.beyond import Beyond, head_at
from ledger.log.envelope import Entry, Outline, spelled_subjects
from ledger.log.memory import MemoryStore
from ledger.log.sql_reading import IN_CHUNK
from ledger.log.store import Head, Store
from ledger.log.verify import verify
from ledger.settings import Settings
from tests.support.envelopes import NOON, entry, first, made, write
from tests.support.soundness import must_be_indexed
from tests.support.thorough import tried
from tests.support.waiting import in_thread

NAMES = st.one_of(
    st.sampled_from(["stock:hz:A1", "stock:hz:A2", "stock:hz:A", "stock:", "stock", "order:1",
                     "xstock:hz:A1", 'x"stock:hz:A1"', 'stock:"\\', "stock:云\t/"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9).map(
        lambda text: f"stock:{text}"))
SUBJECTS = st.lists(NAMES, max_size=4)

per_store = hypothesis_settings(max_examples=tried(30), deadline=None,
                                suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(subjects=st.lists(NAMES), kinds=st.sampled_from([(), ("stock:",), ("order:", "stock:hz")]))
def test_accounts_in__are_the_subjects_that_begin_so(
    subjects: list[str], kinds: tuple[str, ...]
) -> None:
    expected = sorted(one for one in set(subjects) if one.startswith(kinds))
    assert accounts_in(spelled_subjects(subjects), kinds) == expected


def test_accounts_in__parses_only_what_may_name_one() -> None:
    assert accounts_in("no list", ACCOUNT_KINDS) == []
    assert accounts_in('["\\"stock:a"]', ACCOUNT_KINDS) == []
    with pytest.raises(ValueError, match="truncated"):
        accounts_in('["stock:a"', ACCOUNT_KINDS)


# -- on every store -----------------------------------------------------------------------------


def model(rows: list[Entry], names: list[str], *, after: int = 0, until: int | None = None,
          limit: int = 10_000, descending: bool = False) -> list[Entry]:
    """What a look-up finds, by looking at every row."""
    last = len(rows) if until is None else until
    found = [row for row in rows if after < row.position <= last
             and any(name.startswith(ACCOUNT_KINDS) and name in json.loads(row.subjects)
                     for name in names)]
    return found[:: -1 if descending else 1][: max(limit, 0)]


BOUNDS = st.fixed_dictionaries({}, optional={
    "after": st.integers(-1, 9), "until": st.one_of(st.none(), st.integers(-1, 9)),
    "limit": st.integers(-1, 5), "descending": st.booleans()})


@given(batches=st.lists(st.tuples(st.lists(SUBJECTS, max_size=5), st.booleans()), max_size=4),
       asked=st.lists(st.tuples(st.lists(NAMES, max_size=4), BOUNDS), min_size=1, max_size=4))
@per_store
def test_accounts__are_those_of_all_subjects_after_any_appends(
    store: Store, batches: Any, asked: Any
) -> None:
    """In the transaction and after it, also where one before was rolled back."""
    name, rows = uuid4().hex, list[Entry]()
    ledger = made(store, name)
    for many, kept in batches:
        more = [entry(position, ledger=ledger, subjects=spelled_subjects(subjects))
                for position, subjects in enumerate(many, len(rows) + 1)]
        try:
            with store.writing(name) as writing:
                append(writing, writing.head(name), more)
                for names, bounds in asked:
                    assert writing.accounts(name, names, **bounds) == model(
                        rows + more, names, **bounds)
                    assert store.accounts(name, names, **bounds) == model(rows, names, **bounds)
                assert kept
        except AssertionError:
            if kept:
                raise
        else:
            rows += more
        must_be_indexed(store, rows, name)
    for names, bounds in asked:
        assert store.accounts(name, names, **bounds) == model(rows, names, **bounds)


KNOWN = st.dictionaries(NAMES, st.integers(-1, 9), max_size=4)


@given(many=st.lists(SUBJECTS, max_size=9), cut=st.integers(0, 9), known=KNOWN,
       bounds=st.fixed_dictionaries({}, optional={
           "until": st.one_of(st.none(), st.integers(-1, 9)), "limit": st.integers(-1, 5)}))
@per_store
def test_touching__are_the_outlines_after_what_is_known_of_each(
    store: Store, many: list[list[str]], cut: int, known: dict[str, int], bounds: dict[str, Any]
) -> None:
    """In the transaction and after it, and of a log with entries that nobody has recorded."""
    name = uuid4().hex
    ledger = made(store, name)
    rows = [entry(position, ledger=ledger, subjects=spelled_subjects(subjects))
            for position, subjects in enumerate(many, 1)]
    last = len(rows) if bounds.get("until") is None else bounds["until"]
    expected = [Outline.of(row) for row in rows if row.position <= last and any(
        subject.startswith(ACCOUNT_KINDS) and subject in json.loads(row.subjects)
        and row.position > after for subject, after in known.items())]
    expected = expected[: max(bounds.get("limit", 10), 0)]
    with store.writing(name) as writing:
        append(writing, writing.head(name), rows)
        assert writing.touching(name, known, **bounds) == expected
        assert store.touching(name, known) == []
    assert store.touching(name, known, **bounds) == expected
    foreseen = Beyond(store, ledger, head_at(store, ledger, min(cut, len(rows))), rows[cut:])
    assert foreseen.touching(name, known, **bounds) == expected
    assert foreseen.touching("nobody", known, **bounds) == []


STREAMS = st.sampled_from(["order:a", "order:b:1", "order:é", "orders:a", "order", "sku:a",
                           "warehouse:a", "order:\U0001f600"])


@given(rows=st.lists(st.tuples(STREAMS, SUBJECTS), max_size=12),
       asked=st.tuples(st.sampled_from(["order", "warehouse", "none"]),
                       st.one_of(st.none(), NAMES), st.one_of(st.just(""), STREAMS),
                       st.integers(0, 4)))
@per_store
def test_streams_of__are_those_of_a_kind_in_order_and_those_that_name_something(
    store: Store, rows: list[tuple[str, list[str]]], asked: Any
) -> None:
    """In the transaction and after it."""
    name, versions = uuid4().hex, Counter[str]()
    ledger = made(store, name)
    entries = []
    for position, (stream, subjects) in enumerate(rows, 1):
        versions[stream] += 1
        entries.append(entry(position, ledger=ledger, stream=stream, version=versions[stream],
                             subjects=spelled_subjects(subjects)))
    kind, naming, after, limit = asked
    expected = sorted({stream for stream, subjects in rows
                       if stream.startswith(f"{kind}:") and stream > after
                       and (naming is None or naming in subjects)})[:limit]
    with store.writing(name) as writing:
        append(writing, writing.head(name), entries)
        assert writing.streams_of(
            name, kind, naming=naming, after=after, limit=limit) == expected
        assert store.streams_of(name, kind) == []
    assert store.streams_of(name, kind, naming=naming, after=after, limit=limit) == expected


def test_accounts__of_many_are_found_in_order_each_once(store: Store) -> None:
    """More than one query asks for them: each gives its own part."""
    number = IN_CHUNK + 200
    rows = [first(), *(entry(at, subjects=spelled_subjects(
        {f"stock:{at}", f"stock:{number - at}", "stock:all"})) for at in range(2, number))]
    write(store, *rows)
    every = [f"stock:{at}" for at in range(number, -1, -1)]
    assert store.accounts("main", every) == rows[1:]
    assert store.accounts("main", every, limit=3, descending=True) == rows[:-4:-1]
    assert store.accounts("main", every, after=600, limit=3) == rows[600:603]
    assert store.accounts("main", ["stock:all"], limit=2, descending=True) == rows[:-3:-1]
    assert store.accounts("main", ["stock:all"], after=1, until=9) == rows[1:9]
    assert store.accounts("main", []) == store.accounts("nobody", every) == []
    must_be_indexed(store, rows)


def test_accounts__are_spelled_by_the_guards_as_by_the_log(store: Store) -> None:
    """Whatever JSON escapes, and what it does not."""
    names = [f"stock:{chr(code)}" for code in (*range(1, 0x100), 0x2028, 0xFFFF, 0x10FFFF)]
    rows = [first(), entry(2, subjects=spelled_subjects(names))]
    write(store, *rows)
    must_be_indexed(store, rows)


def test_accounts__of_one_ledger_are_not_those_of_another(store: Store) -> None:
    write(store, entry(1, subjects='["stock:a"]'))
    write(store, entry(1), entry(2, subjects='["stock:a"]'), ledger="other")
    assert [row.position for row in store.accounts("main", ["stock:a"])] == [1]
    assert [row.position for row in store.accounts("other", ["stock:a"])] == [2]


def test_accounts__follow_from_two_writers(settings: Settings, store: Store) -> None:
    other = store if settings.database_url == "memory:" else settings.open_store()
    made(store)

    def work(own: Store, thread: int) -> None:
        for turn in range(20):
            with own.writing("main") as writing:
                head: Head = writing.head("main")
                append(writing, head, [
                    entry(head.position + more, subjects=spelled_subjects(
                        {f"stock:{thread}", f"stock:{turn}", f"order:{turn}"}))
                    for more in (1, 2)])

    threads = [in_thread(lambda one=one, at=at: work(one, at))
               for at, one in enumerate((store, other))]
    for thread in threads:
        thread.join()
    rows = store.read("main")
    assert len(rows) == 80
    must_be_indexed(store, rows)
    assert store.accounts("main", ["stock:0", "stock:1"]) == rows
    if other is not store:
        other.close()


def test_backup__holds_no_account_and_restoring_makes_them_again(
    store: Store, tmp_path: Path
) -> None:
    """From each store into memory and back."""
    rows = [first(), *(entry(at, subjects=spelled_subjects({f"stock:{at % 3}", "stock:all"}))
                       for at in range(2, 300))]
    elsewhere = MemoryStore(kinds=ACCOUNT_KINDS)
    head = write(elsewhere, *rows)
    backup_log(elsewhere, "main", tmp_path / "log.gz")
    with gzip.open(tmp_path / "log.gz", "rt") as file:
        assert sum(1 for _ in file) == len(rows) + 2
    restore_log(store, tmp_path / "log.gz")
    assert store.head("main") == head
    must_be_indexed(store, rows)
    assert verify(store, "main").problems == []
    backup_log(store, "main", tmp_path / "again.gz")
    assert gzip.decompress((tmp_path / "again.gz").read_bytes()) == gzip.decompress(
        (tmp_path / "log.gz").read_bytes())


def test_verify__looks_for_rows_of_the_index_among_sound_events_only_if_there_are_too_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, first(), entry(2, subjects='["stock:a","stock:b"]', payload=msgspec.json.encode(
        {"postings": [{"account": "stock:a"}, {"account": "stock:b"}]})), entry(3))
    looked, counted = list[int](), store.count_indexed
    monkeypatch.setattr(store, "odd_accounts",
                        lambda ledger, limit, *, beyond: looked.append(beyond) or [])
    verify(store, "main")
    monkeypatch.setattr(store, "count_indexed",
                        lambda ledger, until: counted(ledger, until) + 1)
    verify(store, "main")
    assert looked == [3, 0]


# -- the rule of accounts -----------------------------------------------------------------------


class Posted(Aggregate.Event):
    """An event of no type that posts and observes."""

    note: str = ""


def posting(account: str) -> Posting:
    """A piece of an account from one place to another."""
    return Posting(account=account, quantity=1, source="available", target="reserved", cause="sale")


@given(posted=st.lists(NAMES), observed=st.lists(NAMES))
def test_touched__are_the_accounts_of_the_event(posted: list[str], observed: list[str]) -> None:
    fact = Posted(note="stock:x", postings=tuple(map(posting, posted)), observations=tuple(
        Observation(account=one, place="shelf", counted=0, at=NOON) for one in observed))
    assert touched(msgspec.json.encode(fact)) == fact.accounts() == {*posted, *observed}


@pytest.mark.parametrize("payload", [
    b"", b"[]", b"{", b'{"postings":[{}]}', b'{"postings":7}', b'{"observations":[{"account":7}]}',
    b'{"postings":[{"account":"stock:a"}],"observations":""}', b'{"postings":' + b"[" * 90_000])
def test_touched__is_nothing_where_it_cannot_be_read(payload: bytes) -> None:
    assert touched(payload) == set()


@pytest.mark.parametrize(("subjects", "accounts", "expected"), [
    (["order:1", "stock:a"], ["stock:a"], []),
    (["order:1", "sku:a"], [], []),
    (["order:1", "stock:a", "stock:b"], ["stock:a"], ["stock:b"]),
    (["order:1"], ["stock:b", "stock:a", "stock:b"], ["stock:a", "stock:b"]),
    (["cost:a"], ["cost:a"], ["cost:a"]),
], ids=["both", "neither", "only named", "only touched", "of no kind"])
def test_misnamed__is_what_is_only_named_or_only_touched(
    subjects: list[str], accounts: list[str], expected: list[str]
) -> None:
    payload = msgspec.json.encode({"postings": [{"account": one} for one in accounts]})
    named = accounts_in(spelled_subjects(subjects), ACCOUNT_KINDS)
    assert misnamed(named, payload) == expected


@pytest.mark.parametrize(("subjects", "payload"), [
    ('["stock:a"]', b"{}"), ("[]", b'{"postings":[{"account":"stock:a"}]}'),
    ('["stock:a"]', b'{"observations":[{"account":"stock:b"}]}')])
def test_verify__finds_an_event_that_names_other_accounts_than_it_posts_to(
    store: Store, subjects: str, payload: bytes
) -> None:
    """Every hash fits: only this shows it."""
    write(store, first(), entry(2, subjects=subjects, payload=payload), entry(3))
    assert {one.position for one in verify(store, "main").problems} == {2}


def test_verify__of_a_store_without_kinds_asks_for_no_account() -> None:
    store = MemoryStore(kinds=())
    write(store, first(), entry(2, payload=b'{"postings":[{"account":"stock:a"}]}'))
    assert verify(store, "main").ok
