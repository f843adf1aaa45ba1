"""Properties of what is hashed: the framing, the tree, the names of streams."""

import hashlib
import json
import unicodedata
import warnings
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger.common.values import subject, subject_part
from ledger.log import merkle
from ledger.log.envelope import (
    Entry,
    canonical_subjects,
    entry_bytes,
    leaf_hash,
    payload_hash,
    spelled_subjects,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INTEGER = st.integers(-(2**63), 2**63 - 1)
RAW = st.binary(max_size=20)


def as_json(items: list[str]) -> str:
    """A list as the column holds it."""
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "ledger": RAW, "position": INTEGER, "stream": TEXT, "version": INTEGER, "type": TEXT,
    "recorded_at": INTEGER, "occurred_at": INTEGER, "command_id": RAW, "command_seq": INTEGER,
    "request_hash": st.none() | RAW, "once": st.none() | TEXT, "actor": TEXT, "role": TEXT,
    "client": TEXT, "correlation": RAW, "causation": st.none() | INTEGER,
    "subjects": st.lists(TEXT, max_size=4).map(as_json) | TEXT, "source": st.none() | TEXT,
}
HASHED = (*FIELDS, "payload_hash")
"""Every field that the framing takes in; the payload and its salt are in it by their hash."""

entries = st.builds(
    Entry, **FIELDS, payload=RAW, salt=st.binary(min_size=16, max_size=16),
    payload_hash=st.binary(min_size=32, max_size=32), leaf_hash=st.just(b""))


@given(entries, entries)
def test_framing__accepted_as_one_to_one(one: Entry, other: Entry) -> None:
    same = all(getattr(one, name) == getattr(other, name) for name in HASHED)
    assert (entry_bytes(one) == entry_bytes(other)) == same


@given(entries, st.sampled_from(HASHED), st.data())
def test_framing__accepted_as_other_bytes_for_any_other_field(
    entry: Entry, name: str, data: st.DataObject
) -> None:
    fresh = data.draw(FIELDS.get(name, st.binary(min_size=32, max_size=32)))
    assume(fresh != getattr(entry, name))
    changed = entry._replace(**{name: fresh})
    assert entry_bytes(changed) != entry_bytes(entry)
    assert leaf_hash(changed) != leaf_hash(entry)


NEIGHBOURS = [("stream", "type"), ("once", "actor"), ("actor", "role"),
              ("role", "client"), ("command_id", "correlation"), ("client", "subjects"),
              ("subjects", "source")]


@pytest.mark.parametrize(("left", "right"), NEIGHBOURS)
@given(entry=entries, whole=st.text("ab\x00云", min_size=1, max_size=8), cuts=st.data())
def test_framing__accepted_as_other_bytes_when_text_moves_to_a_neighbour(
    left: str, right: str, entry: Entry, whole: str, cuts: st.DataObject
) -> None:
    value: Any = whole.encode() if left == "command_id" else whole
    first, second = (cuts.draw(st.integers(0, len(value))) for _ in range(2))
    assume(first != second)
    framed = [entry_bytes(entry._replace(**{left: value[:at], right: value[at:]}))
              for at in (first, second)]
    assert framed[0] != framed[1]


@given(entries)
def test_framing__accepted_as_other_bytes_when_absent_or_empty(entry: Entry) -> None:
    for name, empty in (("request_hash", b""), ("once", ""), ("source", ""), ("causation", 0)):
        assert (entry_bytes(entry._replace(**{name: None}))
                != entry_bytes(entry._replace(**{name: empty})))


@given(entries, st.lists(TEXT, min_size=1, max_size=3))
def test_framing__accepted_as_other_bytes_when_subjects_are_split_otherwise(
    entry: Entry, subjects: list[str]
) -> None:
    split = [*subjects, ""]
    joined = ["".join(subjects)]
    assume(joined != subjects)
    framed = {entry_bytes(entry._replace(subjects=as_json(items)))
              for items in (subjects, split, joined)}
    assert len(framed) == 3


@given(entries)
def test_leaf__accepted_as_rfc_9162_says(entry: Entry) -> None:
    assert leaf_hash(entry) == hashlib.sha256(b"\x00" + entry_bytes(entry)).digest()


@given(RAW, RAW)
def test_payload__accepted_as_framed_with_its_salt(salt: bytes, payload: bytes) -> None:
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in (salt, payload))
    assert payload_hash(salt, payload) == hashlib.sha256(
        b"order-ledger/payload/v2" + framed).digest()


@given(st.binary(max_size=40))
@example(b'0123456789abcdef{"n":1}')
@example(bytes(40))
def test_payload__accepted_as_other_bytes_when_any_pass_to_or_from_its_salt(whole: bytes) -> None:
    """Every split of salt ‖ payload has a hash of its own: none can be emptied into the other."""
    found = {payload_hash(whole[:at], whole[at:]) for at in range(len(whole) + 1)}
    assert len(found) == len(whole) + 1


# -- subjects -----------------------------------------------------------------------------------

SUBJECTS = st.lists(TEXT | st.text("ab\"\\/\x00\x1f\x7f\u2028云😀", max_size=6), max_size=4)


def as_the_page_says(items: list[str]) -> str:
    """The spelling of subjects as docs/log-format.md describes it, without the ledger's code."""
    return as_json(sorted(set(items), key=str.encode))


@given(SUBJECTS)
def test_subjects__accepted_in_the_spelling_of_the_writer(items: list[str]) -> None:
    text = spelled_subjects(items)
    assert text == as_the_page_says(items)
    assert canonical_subjects(text) == json.loads(text)
    assert set(json.loads(text)) == set(items)


@given(SUBJECTS, st.data())
def test_subjects__rejected_in_any_other_spelling(items: list[str], data: st.DataObject) -> None:
    """The same list with a blank, an escape, another order or an item twice is another text, has
    another hash, and is not what the writer writes."""
    text = spelled_subjects(items)
    ordered = json.loads(text)
    others = {
        json.dumps(ordered), json.dumps(ordered, ensure_ascii=False, indent=1), f"{text} ",
        f" {text}", f"\ufeff{text}", text.replace("/", "\\/"), text.replace("[", "[ ", 1),
        as_json(ordered[::-1]), as_json([*ordered, *ordered]),
        as_json(data.draw(st.permutations(ordered))),
        "[" + ",".join(f'"{escaped(item)}"' for item in ordered) + "]"} - {text}
    for other in others:
        assert canonical_subjects(other) is None, other


def escaped(text: str) -> str:
    """A text with every character written as an escape of JSON."""
    pairs = text.encode("utf-16-be").hex()
    return "".join(f"\\u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4))


@pytest.mark.parametrize("value", [
    "", "[", "{}", '"a"', "null", "[1]", "[null]", '[["a"]]', '["a",]', '["a"]["b"]', '["\ud800"]',
    '["\\ud800"]', b'["a"]', None, 7])
def test_subjects__rejected_where_they_are_no_list_of_texts(value: object) -> None:
    assert canonical_subjects(value) is None


@given(entries, SUBJECTS)
def test_subjects__accepted_as_hashed_by_their_text(entry: Entry, items: list[str]) -> None:
    one, other = spelled_subjects(items), json.dumps(items, indent=1)
    assume(one != other)
    assert leaf_hash(entry._replace(subjects=one)) != leaf_hash(entry._replace(subjects=other))


# -- the tree -----------------------------------------------------------------------------------


class Tree(InmemoryTree):  # type: ignore[misc]
    """The tree of another program."""

    def _encode_entry(self, data: bytes) -> bytes:
        return data


def leaf(number: int) -> bytes:
    """What lies at an index, before it is hashed."""
    return f"leaf {number}".encode()


def hashed(data: bytes) -> bytes:
    """A leaf's hash."""
    return hashlib.sha256(b"\x00" + data).digest()


def test_root__accepted_by_another_program() -> None:
    tree = Tree(algorithm="sha256")
    frontier: list[bytes] = []
    leaves: list[bytes] = []
    assert merkle.root_of([]) == merkle.root([]) == merkle.EMPTY_ROOT == root(tree)
    for size in range(300):
        tree.append_entry(leaf(size))
        leaves.append(hashed(leaf(size)))
        merkle.push(frontier, size, leaves[-1])
        assert merkle.root(frontier) == merkle.root_of(leaves) == root(tree)
        assert merkle.unpack(merkle.pack(frontier)) == frontier
        assert len(frontier) == (size + 1).bit_count()


def root(tree: Tree) -> bytes:
    """The other program's root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found: bytes = tree.get_state()
    return found


@given(st.lists(RAW, max_size=700))
@example([b"x"] * 512)
@example([b"x"] * 513)
def test_root__accepted_by_another_program_for_any_leaves(leaves: list[bytes]) -> None:
    tree = Tree.init_from_entries(leaves, algorithm="sha256")
    assert merkle.root_of(map(hashed, leaves)) == root(tree)


@given(st.integers(0, 600), st.integers(0, 600))
def test_frontier__accepted_when_it_is_grown_in_two_parts(first: int, second: int) -> None:
    leaves = [hashed(leaf(number)) for number in range(first + second)]
    frontier: list[bytes] = []
    for size, item in enumerate(leaves[:first]):
        merkle.push(frontier, size, item)
    grown = merkle.unpack(merkle.pack(frontier))
    for size, item in enumerate(leaves[first:], first):
        merkle.push(grown, size, item)
    assert merkle.root(grown) == merkle.root_of(leaves)


# -- the names of streams -----------------------------------------------------------------------


def plain(text: str) -> str:
    """What counts of a part: its characters in NFC, without blanks around."""
    return unicodedata.normalize("NFC", text).strip()


PART = (st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
        | st.text("ab:~%2E7\u00e9e\u0301 云", max_size=6))


@given(PART, PART)
def test_subject_part__accepted_as_one_to_one(one: str, other: str) -> None:
    assert (subject_part(one) == subject_part(other)) == (plain(one) == plain(other))
    assert unquote(subject_part(one)) == plain(one)


@given(PART)
def test_subject_part__accepted_with_nothing_that_means_something_else(text: str) -> None:
    named = subject_part(text)
    assert not set(named) & set(":~@/?#& \t\n\x00")
    assert named.replace("%", "").replace("-", "").replace("_", "").replace(".", "").isalnum() \
        or not named.strip("%-_.")
    assert subject_part(plain(text)) == named
    assert unicodedata.normalize("NFC", named) == named


@given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_subject__accepted_as_one_to_one(one: list[str], other: list[str]) -> None:
    same = list(map(plain, one)) == list(map(plain, other))
    assert (subject("order", *one) == subject("order", *other)) == same
    assert subject("order", *one).split(":")[1:] == list(map(subject_part, one))


@given(st.text("abcXYZ019-_.云杉", max_size=9))
def test_subject_part__ignored_where_nothing_needs_to_be_written_otherwise(text: str) -> None:
    assert subject_part(text) == text
    assert subject_part(subject_part(text)) == text
