"""The small functions that a recipe is compiled into: each gets one value of a statement from rows.

Where rows of the main file make a statement together, a fact of all of it is what its rows say,
each that says something the same; a column says otherwise by `across_rows`. So it is of the rows of
a joined file. A sum of one field adds up what the rows say, those alone of which it holds.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from ledger.common.moments import Moment
from ledger.common.values import from_us
from ledger.imports import conditions
from ledger.imports.profile import File, Profile

Row = Sequence[Any]
Parts = Mapping[str, Sequence[Row]]
Get = Callable[[Row, Parts], Any]
All = Callable[[Row, Parts], list[Any]]
Test = Callable[[Row], bool]


class Costed(Protocol):
    """What lines add up from. Units: minor units."""

    @property
    def amount_minor(self) -> int:
        """What it costs."""
        ...

    @property
    def fee(self) -> bool:
        """Whether it is a fee instead of goods."""
        ...


Sum = Callable[[Row, Parts, Sequence[Costed]], int | None]


class Difference(NamedTuple):
    """Two rows of one statement that say different things of all of it: their places among its
    rows of a kind, and the field."""

    kind: str
    field: str
    one: int
    other: int


class Recipe:
    """Compiles the parts of a recipe. `slots` is the place of each field in the rows of a kind."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.main = profile.main.kind
        self.slots = {file.kind: {name: slot for slot, name in enumerate(file.fields())}
                      for file in profile.files}
        self._files: dict[str, File] = {file.kind: file for file in profile.files}
        self._agreed: dict[str, dict[str, int]] = {}

    def differences(self, parts: Parts) -> list[Difference]:
        """What rows of a statement do not agree in, of what they have to."""
        return [different for kind, fields in self._agreed.items()
                if len(rows := parts.get(kind, ())) > 1
                for field, slot in fields.items()
                if (different := _difference(kind, field, [row[slot] for row in rows]))]

    def get(self, name: str) -> Get:
        """One value of a field: of the main rows, or of those that are joined."""
        kind, field, slot = self._place(name)
        if kind == self.main and not self.profile.grouped:
            return _slot_of(slot)
        how = self._files[kind].fields()[field].across_rows
        if how == "same":
            self._agreed.setdefault(kind, {})[field] = slot
        return _across(kind, slot, how)

    def all(self, name: str) -> All:
        """All values of a field: one of each row of its kind."""
        kind, _, slot = self._place(name)
        if kind == self.main and not self.profile.grouped:
            return lambda main, parts: [main[slot]]
        return lambda main, parts: [row[slot] for row in parts[kind]]

    def _place(self, name: str) -> tuple[str, str, int]:
        kind, _, field = name.rpartition(".")
        kind = kind or self.main
        return kind, field, self.slots[kind][field]

    def text(self, entry: Mapping[str, Any]) -> Get:
        """A text: the first of some fields that is filled, or all of them joined by a blank."""
        gets = [self.get(name) for name in entry["names"]]
        if len(gets) == 1:
            return gets[0]
        return JOINED[entry["how"]](gets)

    def key(self, entry: Mapping[str, Any]) -> Get:
        """The same of a single main row, before it is known which rows it belongs to."""
        slots = self.slots[self.main]
        gets = [_slot_of(slots[name.rpartition(".")[2]]) for name in entry["names"]]
        return gets[0] if len(gets) == 1 else JOINED[entry["how"]](gets)

    def of_rows(self, kind: str, entry: Mapping[str, Any] | None) -> Callable[[Row], Any]:
        """A text of each row of a kind by itself; without an entry, none."""
        if entry is None:
            return lambda row: None
        slots = [self.slots[kind][name] for name in entry["names"]]
        if len(slots) == 1:
            return itemgetter(slots[0])
        get = JOINED[entry["how"]]([_slot_of(slot) for slot in slots])
        return lambda row: get(row, {})

    def sum(self, entry: Mapping[str, Any]) -> Sum:
        """A sum; None where one of its terms is unknown or has no row, or where what it goes `when`
        is not so."""
        if "lines" in entry:
            return _sum_of_lines(entry["lines"])
        found, named = self._sum_of_fields(entry), entry.get("when")
        if named is None:
            return found
        if _is_single(entry) and entry["adds_rows"]:
            first, = entry["sum"]
            if self._place(first)[0] == self._place(named)[0]:
                return self._sum_of_rows(first, named)
        when = self.get(named)
        return lambda main, parts, items: found(main, parts, items) if when(main, parts) else None

    def _sum_of_rows(self, name: str, when: str) -> Sum:
        """What rows say of a field, those in which another one is filled; None where none is, or
        where a joined one says nothing."""
        values, filled = self.all(name), self.all(when)
        may_be_blank = self._place(name)[0] == self.main

        def total(main: Row, parts: Parts, items: Sequence[Costed]) -> int | None:
            said = [value for value, so in zip(
                values(main, parts), filled(main, parts), strict=True)
                if so and not (value is None and may_be_blank)]
            return sum(said) if said and None not in said else None

        return total

    def _sum_of_fields(self, entry: Mapping[str, Any]) -> Sum:
        first, single = entry["sum"][0], _is_single(entry)
        if single and not entry["adds_rows"] and "." not in first:
            get = self.get(first)
            return lambda main, parts, items: get(main, parts)
        terms = [(self._term(name, single=single), 1) for name in entry["sum"]]
        terms += [(self._term(name, single=False), -1) for name in entry["less"]]

        def total(main: Row, parts: Parts, items: Sequence[Costed]) -> int | None:
            amount = 0
            for values, sign in terms:
                found = values(main, parts)
                if not found or None in found:
                    return None
                amount += sign * sum(found)
            return amount

        return total

    def _term(self, name: str, *, single: bool) -> All:
        """What a field adds to a sum: of the main rows, what they all say that say something where
        it is named with its file or alone; else what holds for the whole statement."""
        kind, _, _ = self._place(name)
        if kind != self.main or not self.profile.grouped:
            return self.all(name)
        if "." in name or single:
            every = self.all(name)
            return lambda main, parts: [
                value for value in every(main, parts) if value is not None]
        get = self.get(name)
        return lambda main, parts: [get(main, parts)]

    def test(self, name: str, test: conditions.Test) -> Test:
        """Whether a field of a main row passes a test."""
        slot, is_so = self.slots[self.main][name], conditions.passes(test)
        return lambda row: is_so(row[slot])

    def tests(self, when: Mapping[str, conditions.Test]) -> Test:
        """Whether a main row passes some tests, all of them."""
        found = [self.test(name, test) for name, test in when.items()]
        if len(found) == 1:
            return found[0]
        return lambda row: all(test(row) for test in found)

    def moment(self, entry: Mapping[str, Any]) -> Get:
        """A moment: a time of its own, else the latest of others, said to be inferred."""
        at = None if entry["at"] is None else self.get(entry["at"])
        others = [self.all(name) for name in entry["inferred_from"]]
        when = None if entry["when"] is None else self.get(entry["when"])

        def moment(main: Row, parts: Parts) -> Moment | None:
            if when is not None and not when(main, parts):
                return None
            if at is not None and (exact := at(main, parts)) is not None:
                return Moment(from_us(exact[0]), exact[1])
            known = [time[0] for every in others for time in every(main, parts) if time is not None]
            return Moment(from_us(max(known)), "", True) if known else None

        return moment


def _difference(kind: str, field: str, values: Sequence[Any]) -> Difference | None:
    """The first two rows that say different things of a field, each by its value."""
    said = [(at, _said(value)) for at, value in enumerate(values) if value is not None]
    return next((Difference(kind, field, said[0][0], at)
                 for at, value in said if value != said[0][1]), None)


def _is_single(entry: Mapping[str, Any]) -> bool:
    """Whether a sum is of one field."""
    return len(entry["sum"]) == 1 and not entry["less"]


def _slot_of(slot: int) -> Get:
    """The value in a slot of the main row."""
    return lambda main, parts: main[slot]


def _said(value: Any) -> Any:
    """What a value says, however it is printed: a time may be written in several ways."""
    return value[0] if type(value) is list else value


def _across(kind: str, slot: int, how: str) -> Get:
    """One value of the rows of a statement, of those that say something."""
    def filled(main: Row, parts: Parts) -> Any:
        rows = parts[kind]
        if len(rows) < 2 or (value := rows[0][slot]) is None:
            return next((row[slot] for row in rows if row[slot] is not None), None)
        return value

    def chosen(main: Row, parts: Parts) -> Any:
        said = [row[slot] for row in parts[kind] if row[slot] is not None]
        return ACROSS[how](said) if said else None

    return filled if how in ("same", "first") else chosen


ACROSS: dict[str, Callable[[list[Any]], Any]] = {
    "same": lambda said: said[0], "first": lambda said: said[0], "last": lambda said: said[-1],
    "sum": sum, "least": min, "most": max}
"""What counts where the rows of one statement say different things: `same`, a fault."""


def _joined(gets: Sequence[Get]) -> Get:
    def join(main: Row, parts: Parts) -> str | None:
        found = [get(main, parts) for get in gets]
        return " ".join(text for text in found if text is not None) or None
    return join


def _first(gets: Sequence[Get]) -> Get:
    def first(main: Row, parts: Parts) -> Any:
        return next((value for get in gets if (value := get(main, parts)) is not None), None)
    return first


JOINED: dict[str, Callable[[Sequence[Get]], Get]] = {"join": _joined, "first": _first}
"""How one text is made of several fields."""


def _sum_of_lines(which: str) -> Sum:
    """What the goods, the fees or all lines add up to."""
    return lambda main, parts, items: sum(
        item.amount_minor for item in items if which == "all" or item.fee == (which == "fees"))
