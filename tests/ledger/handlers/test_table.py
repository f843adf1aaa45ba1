"""Every command has one handler, which can be found by its name."""

import inspect
from collections import Counter
from types import FunctionType
from typing import Any

import pytest

from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.handlers import clock
from ledger.handlers.table import HANDLERS, joined
from ledger.orders.commands import OnOrder
from ledger.orders.errors import OrderAlreadyPlaced, OtherCurrency
from ledger.returns.commands import MatchCase, OnCase, ReceiveParcel
from ledger.returns.errors import CaseDeclaredDifferently
from ledger.returns.values import CaseLine, Match
from ledger.stock.prices import PriceSku
from ledger.stock.slips import RecordSlip, SlipDeclaredDifferently, SlipLine
from tests.support import source
from tests.support.builders import HOUSE, NOON, opened, place, received, record, sell, stream
from tests.support.cases import ask, declared, new, on, orphan
from tests.support.source import check, snake
from tests.support.stories import given


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


# -- currencies ------------------------------------------------------------------------------------


def parcel(**fields: Any) -> Command:
    """A parcel of nobody."""
    lines = [CaseLine(line="a", sku="SH-001", quantity=1)]
    return new(ReceiveParcel, lines=lines, warehouse=HOUSE, **fields)


def slip(**fields: Any) -> Command:
    """A slip of one broken book."""
    return RecordSlip(**{"channel": "pos", "shop": "s", "number": "1", "kind": "write_off",
                         "currency": "CNY", "lines": [SlipLine(line="1", sku="A", quantity=1)],
                         "at": Moment(NOON), **fields})


GOODS = (opened(), received())
OTHER: list[tuple[list[Command], Command, type[LedgerError]]] = [
    ([place()], place(currency="USD"), OrderAlreadyPlaced),
    ([*GOODS, sell()], sell(currency="USD"), OrderAlreadyPlaced),
    ([record()], record(currency="USD"), OtherCurrency),
    ([place()], record(currency="USD"), OtherCurrency),
    ([record()], ask(currency="USD", kind="refund_only", lines=[]), OtherCurrency),
    ([*GOODS, parcel()], parcel(currency="USD"), CaseDeclaredDifferently),
    ([record()], declared(currency="USD"), OtherCurrency),
    ([*GOODS, orphan()], orphan(currency="USD"), CaseDeclaredDifferently),
    ([*GOODS, record(), parcel(currency="USD")],
     on(MatchCase, order=stream(), lines=[Match("a", "1")]), OtherCurrency),
    ([slip()], slip(currency="USD"), SlipDeclaredDifferently),
    ([slip()], slip(kind="found"), SlipDeclaredDifferently),
]
"""What is known, what is said of it in another currency, and why that is refused."""


@pytest.mark.parametrize(("history", "command", "error"), OTHER)
def test_currency__another_one_is_refused_by_every_command_that_carries_one(
    history: list[Command], command: Command, error: type[LedgerError]
) -> None:
    given(*history).when(command).refused(error)


def test_currency__is_the_orders_in_every_other_command_with_amounts() -> None:
    """A command bears a currency and is in the table above, or has an order or a case, which do.
    A price in another currency is another price."""
    carry = {cls for cls in HANDLERS if "currency" in cls.__struct_fields__} - {PriceSku}
    assert carry == {type(command) for _, command, _ in OTHER} - {MatchCase}
    check(f"{cls.NAME} has amounts and no currency" for cls in HANDLERS.keys() - carry - {PriceSku}
          if any(name.endswith("_minor") or name in ("amounts", "payments")
                 for name in cls.__struct_fields__)
          and not issubclass(cls, OnOrder | OnCase))


def test_currency__of_a_file_is_refused_with_what_to_do() -> None:
    given(record()).when(record(currency="USD")).refused(
        OtherCurrency, f"{stream()} is in CNY, and this is in USD. An order has one currency: "
        "correct the amounts and their currency.")
