"""What the rows of each report hold, so that whoever shows them knows before there are any."""

from collections.abc import Callable
from typing import Any, NamedTuple

from projections.asking.columns import Columns
from projections.asking.headers import Header


class Typed(NamedTuple):
    """What the rows of a report hold, and what its header does. `in_pages`: its query brings them
    in the order that is asked for, and begins after the place `beyond`."""

    row: type[Columns]
    header: type[Header]
    in_pages: bool = False


_TYPED: dict[Callable[..., Any], Typed] = {}


def typed(
    row: type[Columns], header: type[Header] = Header, *, in_pages: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say what a report's rows hold. Nothing is converted: tests hold each row against it."""
    def decorate(made: Callable[..., Any]) -> Callable[..., Any]:
        _TYPED[made] = Typed(row, header, in_pages)
        return made

    return decorate


def type_of(report: Callable[..., Any]) -> Typed:
    """What a report's rows and its header hold."""
    return _TYPED[report]
