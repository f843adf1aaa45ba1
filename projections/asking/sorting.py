"""In which order a list comes, and where a page of it begins.

An order is that of one column, then of what tells rows apart. A page goes on behind the last row
that was seen, wherever that is by now: of a row that is there, what it is sorted by never changes.
Where it may change, all pages are as of the position of the first one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, tuple_

from ledger.common.values import to_us
from projections.asking.columns import Column, Columns, Kind, columns_of
from projections.asking.filters import UnknownWord
from projections.asking.names import DOWN, ORDERS, Order
from projections.asking.questions import Question

Place = Sequence[Any]
"""Where a row stands in an order: what it has in the columns of that."""


class Sort(NamedTuple):
    """An order of rows: by their columns, one after the other; `down`: what is last comes first.
    `moving`: what stands in them may become another."""

    columns: tuple[Column, ...]
    down: bool
    moving: bool

    def place(self, row: Mapping[str, Any]) -> list[Any]:
        """The place of a row."""
        return [row[one.name] for one in self.columns]

    def sorted(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows in this order; those that lack what they are sorted by come last."""
        return sorted(rows, key=lambda row: self._rank(self.place(row)), reverse=self.down)

    def behind(self, rows: Iterable[dict[str, Any]], place: Place) -> list[dict[str, Any]]:
        """Of rows those that come after a place."""
        last = self._rank(place)
        return [row for row in rows if (rank := self._rank(self.place(row))) != last
                and (rank > last) is not self.down]

    def of_query(
        self, query: Select[Any], columns: Mapping[str, Any], place: Place | None
    ) -> Select[Any]:
        """A query in this order, after a place; `columns` hold in its tables what the rows have."""
        found = [columns[one.name] for one in self.columns]
        if place is not None:
            last = tuple_(*(_comparable(one.kind, value)
                            for one, value in zip(self.columns, place, strict=True)))
            query = query.where(tuple_(*found) < last if self.down else tuple_(*found) > last)
        return query.order_by(*(one.desc() if self.down else one for one in found))

    def _rank(self, place: Place) -> list[tuple[bool, Any]]:
        return [((value is None) is not self.down,
                 0 if value is None else _comparable(one.kind, value))
                for one, value in zip(self.columns, place, strict=True)]


def _comparable(kind: Kind, value: Any) -> Any:
    """A value as it is compared, and as tables hold it: texts by their bytes, times in
    microseconds."""
    if kind is Kind.TIME:
        return to_us(datetime.fromisoformat(value))
    return Decimal(value) if kind is Kind.DECIMAL else value


def orders_of(report: str) -> list[str]:
    """The words for the orders in which a report can come, the usual one first."""
    found = ORDERS[report]
    words = [word for one in found.by for word in (one, _turned(one))]
    return words + [word for one in found.moving for word in (one, _turned(one))]


def _turned(word: str) -> str:
    return word.removeprefix(DOWN) if word.startswith(DOWN) else f"{DOWN}{word}"


def sort_of(report: str, row: type[Columns], question: Question) -> Sort:
    """The order in which a report is asked for, or its usual one. Errors: UnknownWord (R-PRJ-35).
    """
    if question.sort is None:
        return _usual(report, row)
    word = question.sort
    if word not in (known := orders_of(report)):
        raise UnknownWord(text=word, field="sort", report=report, known=", ".join(known))
    return made(ORDERS[report], row, word)


@cache
def _usual(report: str, row: type[Columns]) -> Sort:
    return made(ORDERS[report], row, ORDERS[report].by[0])


def made(order: Order, row: type[Columns], word: str) -> Sort:
    """The order of rows that a word stands for."""
    name, columns = word.removeprefix(DOWN), {one.name: one for one in columns_of(row)}
    return Sort(tuple(columns[one] for one in dict.fromkeys((name, *order.key))),
                word.startswith(DOWN), name in order.moving)
