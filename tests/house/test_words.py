"""The words of the house: plain English in names, docstrings, comments and messages."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.common.bounds import Words
from ledger.handlers.table import HANDLERS
from ledger.imports.file_schemas import FieldSchema, FileSchema
from ledger.imports.schemas import (
    CountSchema,
    OrderSchema,
    ProfileSchema,
)
from tests.support import source
from tests.support.registry import registry
from tests.support.samples import leaves
from tests.support.source import check

LIBRARY = {"tell"}
"""Names that Python gives: where a file is being read."""

VAGUE = {"told", "tell", "tells", "teller", "retell", "untold"}
"""Words that stood for request, line, row, receipt, answer and more: each has a name of its own."""

SPOKEN = {"said", "asked", "ask", "most"}
"""Words of speech, and *most*, which stood in stored names for *stated*, *requested* and *max*:
a stored name says what it holds."""

STRANGE = re.compile(
    r"\b(nought|anew|(?<!there )(?:is|are|was) no (?!such|longer|more)[a-z]+[.,;:\"]|is none of)",
    re.I)
"""What a native engineer would say otherwise: zero, again, is not a …"""

HE = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.I)
"""A member, a buyer or a caller is they."""

MOST_TOLD = 10
"""How often *told* may stand in the program: where a person is told something."""


def words_of(name: str) -> set[str]:
    """The words of an identifier: `toldBefore`, `told_before` and `ToldBefore` alike."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Every name in a file with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source.text(path)).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def lines(pattern: re.Pattern[str]) -> list[str]:
    """The lines of the program in which a pattern is found."""
    return [f"{source.name(path)}:{number}: {line.strip()}"
            for path in source.code()
            for number, line in enumerate(source.text(path).splitlines(), 1)
            if pattern.search(line)]


def test_identifiers__say_what_they_are() -> None:
    check(f"{source.name(path)}:{line}: {name}"
          for path in source.code() for line, name in identifiers(path)
          if name not in LIBRARY and words_of(name) & VAGUE)


def stored_names() -> Iterator[str]:
    """What the log and the files of shops hold: names of event types and their fields, of commands,
    of codes of errors, and of keys and choices of profiles; members of enumerations."""
    for topic, described in registry().items():
        yield topic
        yield from fields_of(described)
    for command in HANDLERS:
        yield command.NAME
        for leaf in leaves(command):
            yield from (str(step) for step in leaf.path)
            yield from (word for bound in leaf.bounds if isinstance(bound, Words)
                        for word in bound.words)
    yield from (error.code for error in source.errors())
    for schema in (FieldSchema, OrderSchema, CountSchema, ProfileSchema, FileSchema):
        yield from schema().fields


def fields_of(described: Any) -> Iterator[str]:
    """The names of fields in an entry of the registry, nested ones too."""
    if isinstance(described, dict):
        yield from [described["name"]] if "name" in described else []
        for inner in described.values():
            yield from fields_of(inner)
    elif isinstance(described, list):
        for inner in described:
            yield from fields_of(inner)


def test_stored_names__are_plain() -> None:
    found = set(stored_names())
    assert {"order.lines_declared.v1", "unstated", "order.place", "declared", "bin_move"} <= found
    check(iter(sorted(name for name in found if words_of(name) & (VAGUE | SPOKEN))))


def test_told__stands_where_somebody_is_told() -> None:
    found = lines(re.compile(r"\btold\b", re.I))
    assert len(found) <= MOST_TOLD, "\n" + "\n".join(found)


def test_people__are_they() -> None:
    check(iter(lines(HE)))


def test_words__are_plain() -> None:
    check(iter(lines(STRANGE)))


@pytest.mark.parametrize(("name", "expected"), [
    ("told", {"told"}), ("toldBefore", {"told", "before"}), ("_lines_told", {"lines", "told"}),
    ("as_told", {"as", "told"}), ("stolen", {"stolen"}), ("BODY", {"body"}),
])
def test_words_of__splits_a_name(name: str, expected: set[str]) -> None:
    assert words_of(name) == expected
