"""Commands: no field without a bound, and every one says what it is about."""

from datetime import date
from typing import get_origin

import msgspec
import pytest

from ledger.common.bounds import Items
from ledger.core.commands import Command
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
