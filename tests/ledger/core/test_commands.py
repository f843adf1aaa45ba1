"""Commands: no field without a bound, and every one says what it is about."""

from datetime import date
from typing import Any, cast, get_origin

import msgspec
import pytest

from ledger.common.bounds import Items, NameText, StreamText
from ledger.common.errors import InvalidValues
from ledger.core.aggregate import StaleVersion
from ledger.core.commands import Command, OnStream, Work
from ledger.handlers.table import HANDLERS
from tests.support.samples import fitting, holds, leaves, replaced

COMMANDS = sorted(HANDLERS, key=lambda cls: cls.NAME)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_fields__are_all_bounded(command: type[Command]) -> None:
    for leaf in leaves(command):
        if get_origin(leaf.kind) in (list, dict):
            assert any(isinstance(bound, Items) for bound in leaf.bounds), leaf
        else:
            assert leaf.bounds or leaf.kind in (bool, date), leaf


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_subject__is_one_of_the_streams_that_it_needs(command: type[Command]) -> None:
    one = msgspec.convert(fitting(command), command)
    assert one.subject in [stream for _, stream in one.streams()]


class Begun:
    """A work that knows every stream at version 1."""

    def load(self, cls: type[Any], stream: str) -> Any:
        """The aggregate, as if it had begun."""
        found = cls.blank(stream)
        found.must_be_known, found._version, found.position = lambda: None, 1, 1
        return found


@pytest.mark.parametrize(
    "command", [cls for cls in COMMANDS if issubclass(cls, OnStream)], ids=lambda cls: cls.NAME)
def test_version__rejected_when_the_subject_has_changed_since(command: type[OnStream]) -> None:
    told = {**fitting(command), "expected_version": 3}
    one = msgspec.convert(told, command)
    with pytest.raises(StaleVersion) as caught:
        one.must_be_current(cast(Work, Begun()))
    assert caught.value.details == {"stream": one.subject, "actual": 1, "expected": 3}
    msgspec.structs.replace(one, expected_version=None).must_be_current(cast(Work, Begun()))


NAMING = [(cls, fitting(cls), leaf.path) for cls in COMMANDS for leaf in leaves(cls)
          if any(isinstance(bound, StreamText) for bound in leaf.bounds)]
"""The fields of commands that name something."""

NAMED = {"stock.correct": ("movement", "count")}
"""What those of a command can name, where that is not an order, a case or a deduction. What holds
incorrect data is a movement or a count."""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_name__that_is_accepted_is_taken_by_every_command_that_names_it(
    command: type[Command]
) -> None:
    """Whatever it is made of: spelled in a stream, a name is up to twelve times as long."""
    whole = fitting(command)
    own = msgspec.convert(whole, command).subject
    parts = [(leaf.path, bound.longest) for leaf in leaves(command) for bound in leaf.bounds[-1:]
             if isinstance(bound, NameText) and not isinstance(bound, StreamText)
             and holds(whole, leaf.path)
             and msgspec.convert(replaced(whole, leaf.path, "z"), command).subject != own]
    for letter in ("x", "云", "é", "，", "𠀀"):
        for size in range(1, 101, 9):
            told = whole
            for path, longest in parts:
                told = replaced(told, path, letter * min(size, longest))
            try:
                made = msgspec.convert(told, command)
            except InvalidValues as error:
                found = [(fault.code, fault.where[1:] in told) for fault in error.faults]
                assert found == [("name_too_long", True)], (letter, size, error)
                continue
            for cls, body, path in NAMING:
                if made.subject.partition(":")[0] in NAMED.get(
                        cls.NAME, ("order", "case", "deduction")):
                    msgspec.convert(replaced(body, path, made.subject), cls)
            assert StreamText().sound(made.subject)
