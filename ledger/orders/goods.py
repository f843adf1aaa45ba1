"""Pieces of lines by state: one value for orders, for cases, and for the read models of both."""

from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, Self

from ledger.orders.values import STATES
from ledger.stock.pieces import Count, quantities

States = Mapping[str, int]
"""Pieces of a line by state; a state without any is left out."""


class _Line(Protocol):
    """A line of an order or of a case. Units: pieces."""

    @property
    def line(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def fee(self) -> bool: ...


class Lacking(NamedTuple):
    """A line of which more was wanted than is there; `there` is None if there is no such line."""

    line: str
    wanted: int
    there: int | None


class Goods(Mapping[str, States]):
    """The pieces of each line by state. It never changes: to move pieces is to make another, and
    the pieces of a line always add up to the same."""

    __slots__ = ("by_line",)

    def __init__(self, by_line: dict[str, States]) -> None:
        self.by_line = by_line

    @classmethod
    def of(cls, lines: Iterable[_Line], state: str) -> Self:
        """All goods among some lines, in one state. A fee is not goods."""
        return cls({line.line: {state: line.quantity} for line in lines if not line.fee})

    def __getitem__(self, line: str) -> States:
        return self.by_line[line]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_line)

    def __len__(self) -> int:
        return len(self.by_line)

    def __contains__(self, line: object) -> bool:
        return line in self.by_line

    def __repr__(self) -> str:
        return f"Goods({self.by_line})"

    def items(self) -> ItemsView[str, States]:
        """The lines with their pieces by state."""
        return self.by_line.items()

    def moved(self, counts: Collection[Any], sources: Iterable[str], target: str) -> "Goods":
        """Pieces of lines have gone from some states, the first ones first, to another.

        No more of them than there are: what a file declared may have moved the same pieces before.
        Shapes: of each count, `line` and `quantity` are read.
        """
        if not counts:
            return self
        by_line = self.by_line.copy()
        for count in counts:
            states = dict(by_line[count.line])
            left = count.quantity
            for source in sources:
                if taken := min(left, states.get(source, 0)):
                    left -= taken
                    states[source] -= taken
                    states[target] = states.get(target, 0) + taken
            by_line[count.line] = {state: pieces for state, pieces in states.items() if pieces}
        return Goods(by_line)

    def all_moved(self, sources: Collection[str], target: str) -> "Goods":
        """All pieces that were in some states have gone to another."""
        moved: dict[str, States] = {}
        for line, states in self.by_line.items():
            if states.keys().isdisjoint(sources):
                continue
            if len(states) == 1:
                (pieces,) = states.values()
                moved[line] = {target: pieces}
                continue
            left = {state: pieces for state, pieces in states.items() if state not in sources}
            gone = sum(states.values()) - sum(left.values())
            left[target] = left.get(target, 0) + gone
            moved[line] = left
        return Goods({**self.by_line, **moved}) if moved else self

    def has(self, *states: str) -> bool:
        """Whether a piece is in one of some states."""
        return any(state in known for known in self.by_line.values() for state in states)

    def in_states(self, *states: str) -> list[Count]:
        """All pieces that are in some states, by line."""
        found = []
        for line, known in self.by_line.items():
            pieces = 0
            for state in states:
                pieces += known.get(state, 0)
            if pieces:
                found.append(Count(line, pieces))
        return found

    def knows(self, counts: Iterable[Any]) -> bool:
        """Whether there is a line for each of some counts."""
        return all(count.line in self.by_line for count in counts)

    def lacking(self, counts: Iterable[Any], states: Collection[str]) -> Lacking | None:
        """The first line that is not there or has fewer pieces in some states than are counted;
        None if all are there."""
        for line, wanted in quantities(counts).items():
            if (known := self.by_line.get(line)) is None:
                return Lacking(line, wanted, None)
            if wanted > (there := sum(known.get(state, 0) for state in states)):
                return Lacking(line, wanted, there)
        return None

    def shown(self, line: str, states: Iterable[str]) -> dict[str, int]:
        """The pieces of a line by state, of each state that is asked for; none of a fee."""
        known = self.by_line.get(line, {})
        return {state: known.get(state, 0) for state in states}

    def sums(self, states: Iterable[str]) -> dict[str, int]:
        """The pieces of all lines by state, of each state that is asked for."""
        return {state: sum(known.get(state, 0) for known in self.by_line.values())
                for state in states}


NO_GOODS = Goods({})


def shifted(before: States, after: States) -> Iterator[tuple[str, str, int]]:
    """How many pieces went from which state to which.

    Only the sums before and after are known. The pieces of a line are alike, so whichever left is
    matched with whichever came, both in the order of `STATES`: no more pieces move than have to.
    """
    if before == after:
        return
    if len(before) == len(after) == 1:  # all of the line went on at once, as mostly
        (source, gone_all), (target, come_all) = *before.items(), *after.items()
        if gone_all == come_all:
            yield source, target, come_all
            return
    touched = sorted((state for state in {**before, **after}
                      if before.get(state) != after.get(state)), key=STATES.index)
    gone = [(state, pieces) for state in touched
            if (pieces := before.get(state, 0) - after.get(state, 0)) > 0]
    for target in touched:
        come = after.get(target, 0) - before.get(target, 0)
        while come > 0:
            source, there = gone.pop(0)
            taken = min(come, there)
            if taken < there:
                gone.insert(0, (source, there - taken))
            come -= taken
            yield source, target, taken
