"""Bounds: the quick condition of each says the same as what it notes, whatever the value."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.common import bounds
from ledger.common.bounds import Bound, Form, Items, Number, Text, Time, Whole, Words
from ledger.common.checking import checker_of, split
from ledger.common.values import Checks
from tests.support.samples import ALIASES, FORMS, Leaf, edges
from tests.support.thorough import tried

ANYTHING = st.one_of(
    st.text(), st.text(st.characters(categories=["Zs", "Cc", "Cs", "Lo"])), st.integers(),
    st.floats(), st.booleans(), st.none(), st.binary(),
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=8))])))

PLAIN: set[Bound] = {
    *(bound for alias in ALIASES.values() for bound in split(alias)[1]),
    Text(3), Text(3, blank=True), Whole(2, 4), Words("", "a", "b"), Number("1", "2", digits=1)}


def faults(bound: Bound, value: Any) -> list[str]:
    """The codes of what is wrong with a value."""
    checks = Checks()
    bound.note(checks, "", value)
    return [fault.code for fault in checks.faults]


def struct_of(bound: Bound) -> type[msgspec.Struct]:
    """A struct of one field with a bound."""
    return msgspec.defstruct("One", [("value", Annotated[Any, bound])])


def named(bound: Bound) -> str:
    """A bound as it is written, the same in every process: a function by its name."""
    return re.sub(r"<function (\S+) at \w+>", r"\1", repr(bound))


@pytest.mark.parametrize("bound", sorted(PLAIN, key=named), ids=named)
def test_condition__says_what_is_noted(bound: Bound) -> None:
    struct = struct_of(bound)
    checker = checker_of(struct)
    assert checker is not None

    @settings(max_examples=tried(150))
    @given(st.one_of(ANYTHING, st.sampled_from(edges(Leaf((), [bound], Any), ["x"]))))
    def holds(value: Any) -> None:
        if isinstance(bound, Items):
            value = [value] * min(bound.most + 1, 3)
        assert checker.test(struct(value)) == (not faults(bound, value))

    holds()


def test_forms__are_all_sampled() -> None:
    for bound in PLAIN:
        if isinstance(bound, Form):
            good, bad = FORMS[bound.check]
            assert not faults(bound, good)
            assert all(faults(bound, value) for value in bad)


class Inner(msgspec.Struct):
    """A part of something."""

    name: bounds.Name
    sizes: Annotated[list[bounds.Quantity], Items(least=1, most=2)] = msgspec.field(name="of")


class Outer(msgspec.Struct):
    """Something."""

    parts: list[Inner]
    grades: Annotated[dict[bounds.Name, bounds.Points], Items(most=2)]
    note: bounds.Note | None = None
    at: Annotated[datetime, Time()] | None = None


@pytest.mark.parametrize(("value", "pointers"), [
    (Outer([Inner("a", [1])], {}), []),
    (Outer([Inner("a", [1, 0]), Inner("", [])], {"a/b": "101", "~": "1"}, note=""),
     ["/parts/0/of/1", "/parts/1/name", "/parts/1/of", "/grades/a~1b", "/note"]),
    (Outer([Inner("a", [1, 1, 0])], {" ": "1", "b": "1", "c": "1"},
           at=datetime(2026, 1, 1)),  # noqa: DTZ001
     ["/parts/0/of", "/grades", "/at"]),
])
def test_checker__notes_all_faults_at_once_with_their_pointers(
    value: Outer, pointers: list[str]
) -> None:
    checker, checks = checker_of(Outer), Checks()
    assert checker is not None
    checker.note(checks, "", value)
    assert [fault.where for fault in checks.faults] == pointers
    assert checker.test(value) == (not pointers)
