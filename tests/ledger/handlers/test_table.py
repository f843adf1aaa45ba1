"""Every command has one handler, which can be found by its name."""

import inspect
from collections import Counter
from types import FunctionType
from typing import Any

import pytest

from ledger.core.commands import Command
from ledger.handlers import clock
from ledger.handlers.table import HANDLERS, joined
from tests.support import source
from tests.support.source import check, snake


def commands() -> list[type[Command]]:
    """Every command of the program that somebody can send: it has a name."""
    source.modules()
    found: list[type[Command]] = []
    waiting = [Command]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("ledger.") and cls.__dict__.get("NAME"):
            found.append(cls)
    return found


def test_commands__have_names_of_their_own() -> None:
    counts = Counter(cls.NAME for cls in commands())
    check(f"{name} is the name of {count} commands" for name, count in counts.items() if count > 1)


def test_commands__have_one_handler_each() -> None:
    known = commands()
    assert len(known) > 90
    check(f"{cls.__qualname__} has no handler" for cls in known if cls not in HANDLERS)
    check(f"{cls.__qualname__} has a handler and no name" for cls in HANDLERS if cls not in known)


def test_handlers__are_functions_of_a_module_named_after_their_command() -> None:
    check(f"{cls.__qualname__}: {why}" for cls, handler in HANDLERS.items()
          if (why := _fault(cls, handler)))


def _fault(cls: type[Command], handler: Any) -> str:
    if not isinstance(handler, FunctionType) or handler.__closure__:
        return f"{handler!r} is not a plain function"
    module = inspect.getmodule(handler)
    if module is None or not module.__name__.startswith("ledger.handlers."):
        return f"{handler.__module__} is not a module of ledger.handlers"
    if getattr(module, handler.__name__, None) is not handler:
        return f"{handler.__qualname__} cannot be found in {module.__name__}"
    wanted = snake(cls.__name__)
    return "" if handler.__name__ == wanted else f"{handler.__name__} should be named {wanted}"


def test_handlers__are_shared_by_no_two_commands() -> None:
    counts = Counter(HANDLERS.values())
    check(f"{handler.__name__} decides {count} commands"
          for handler, count in counts.items() if count > 1)


def test_joined__rejected_when_a_command_is_decided_twice() -> None:
    with pytest.raises(ValueError, match=r"decided twice: log\.accept_clock"):
        joined(clock.HANDLERS, HANDLERS)


def test_joined__accepted_when_tables_are_disjoint() -> None:
    mine: dict[type[Command], Any] = {Command: clock.accept_clock}
    assert joined(mine, clock.HANDLERS) == {**mine, **clock.HANDLERS}
