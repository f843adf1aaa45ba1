"""Commands: no field without a bound, and every one says what it is about."""

from datetime import date
from typing import get_origin

import pytest

from ledger.common.bounds import Items
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS
from tests.support.samples import leaves

COMMANDS = sorted(HANDLERS, key=lambda cls: cls.NAME)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_fields__are_all_bounded(command: type[Command]) -> None:
    for leaf in leaves(command):
        if get_origin(leaf.kind) in (list, dict):
            assert any(isinstance(bound, Items) for bound in leaf.bounds), leaf
        else:
            assert leaf.bounds or leaf.kind in (bool, date), leaf
