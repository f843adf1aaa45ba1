"""The words of the house: plain English in names, docstrings, comments and messages."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import source
from tests.support.source import check

STORED = {
    "LinesTold", "_lines_told", "lines_told", "untold", "told", "told_until",
    "SlipToldDifferently", "MemberToldDifferently", "CaseToldDifferently", "_REFUNDS_UNTOLD",
    "refunds_untold",
    "told_by",
}
"""Names that the log, a read model or a profile holds, or that an error code is made of."""

LIBRARY = {"tell"}
"""Names that Python gives: where a file is being read."""

VAGUE = {"told", "tell", "tells", "teller", "retell", "untold"}
"""Words that stood for request, line, row, receipt, answer and more: each has a name of its own."""

STRANGE = re.compile(
    r"\b(nought|anew|(?<!there )(?:is|are|was) no (?!such|longer|more)[a-z]+[.,;:\"]|is none of)",
    re.I)
"""What a native engineer would say otherwise: zero, again, is not a …"""

HE = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.I)
"""A member, a buyer or a caller is they."""

MOST_TOLD = 25
"""How often *told* may stand in the program: where a person is told something, and stored names."""


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
          if name not in STORED | LIBRARY and words_of(name) & VAGUE)


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
