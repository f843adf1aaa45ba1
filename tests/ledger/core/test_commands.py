"""Commands: no field without a bound, and every one says what it is about."""

from datetime import date
from typing import Any, cast, get_origin

import msgspec
import pytest

from ledger.common.bounds import Items
from ledger.core.aggregate import StaleVersion
from ledger.core.commands import Command, OnStream, Work
from ledger.handlers.table import HANDLERS
from tests.support import samples
from tests.support.samples import leaves

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
    one = msgspec.convert(samples.fitting(command), command)
    assert one.subject in [stream for _, stream in one.streams()]


class Blank:
    """A work that knows every stream at version 0."""

    def load(self, cls: type[Any], stream: str) -> Any:
        """The aggregate before its first event."""
        return cls.blank(stream)


@pytest.mark.parametrize(
    "command", [cls for cls in COMMANDS if issubclass(cls, OnStream)], ids=lambda cls: cls.NAME)
def test_version__rejected_when_the_subject_has_changed_since(command: type[OnStream]) -> None:
    told = {**samples.fitting(command), "expected_version": 3}
    one = msgspec.convert(told, command)
    with pytest.raises(StaleVersion) as caught:
        one.must_be_current(cast(Work, Blank()))
    assert caught.value.details == {"stream": one.subject, "actual": 0, "expected": 3}
    msgspec.structs.replace(one, expected_version=None).must_be_current(cast(Work, Blank()))
