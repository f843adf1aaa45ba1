"""What a list is narrowed by: each filter looks at one column of the rows of a report.

So a narrowed answer is what is left of the whole one, now and in the past. A report whose rows are
many narrows its query, too, by what cannot be among them; the last word is here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from ledger.common.days import Days
from ledger.common.errors import Invalid
from ledger.common.values import to_us
from projections.asking.columns import Columns, columns_of
from projections.asking.names import AGE, ENDS, FILTERS, FROM, TO
from projections.asking.periods import Period, period_between
from projections.asking.questions import Question

MINUTE_US = 60 * 1_000_000


class UnknownWord(Invalid):
    """{text!r} is no {field} of the report {report}. There are {known}."""

    code: ClassVar[str] = "unknown_word"
    rule: ClassVar[str] = "R-PRJ-35"


Holds = Callable[[Any], bool]
"""Whether a filter lets a value through."""


class Filter(NamedTuple):
    """A filter that is asked for: the path of its column, and what it lets through."""

    path: tuple[str, ...]
    holds: Holds

    def takes(self, row: dict[str, Any]) -> bool:
        """Whether it lets a row through: one of many values is enough, and none is not."""
        return any(value is not None and self.holds(value) for value in _values(row, self.path))


def _values(row: dict[str, Any], path: tuple[str, ...]) -> Iterator[Any]:
    """The values of a column, of each of its rows where it lies in others."""
    found: Any = row.get(path[0])
    for one in found if isinstance(found, list) else [found]:
        if len(path) == 1:
            yield one
        elif one is not None:
            yield from _values(one, path[1:])


def filters_of(
    report: str, row: type[Columns], question: Question, as_of: Mapping[str, Any], *, days: Days
) -> list[Filter]:
    """The filters that are asked of a report; `as_of` is the header of its answer, and `days` are
    those of the shop.
    Errors: UnknownWord (R-PRJ-35), BadAge (R-PRJ-25), those of `period_between`."""
    found = []
    for field, column in FILTERS.get(report, {}).items():
        text = getattr(question, field)
        if text is not None:
            path = tuple(column.split("."))
            _must_be_known(report, field, text, known=_words(row, path))
            found.append(Filter(path, _holds(question, field, as_of, days)))
    return found


def passing(filters: list[Filter], rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows that all filters let through."""
    return (one for one in rows if all(each.takes(one) for each in filters)) if filters else rows


def period_asked(question: Question, what: str, days: Days) -> Period:
    """The days between which something occurred, such as paid. Errors: those of `period_between`.
    """
    since, until = f"{what}{FROM}", f"{what}{TO}"
    return period_between(getattr(question, since), getattr(question, until), (since, until),
                          days=days)


def counted_to(question: Question, as_of: Mapping[str, Any]) -> int:
    """To which moment ages are counted, in microseconds: to now, of the past to the moment that is
    asked about."""
    if question.as_of.now:
        return to_us(datetime.now(UTC))
    then = next(filter(None, (as_of[name] for name in (
        "occurred_as_of", "recorded_as_of", "recorded_at"))), None)
    return 0 if then is None else _us(then)


def oldest(question: Question, as_of: Mapping[str, Any]) -> int | None:
    """The last moment that is as old as is asked for, in microseconds; None where nobody asks.
    Errors: BadAge (R-PRJ-25)."""
    minutes = question.must_be_an_age()
    return None if minutes is None else counted_to(question, as_of) - minutes * MINUTE_US


def words_of(report: str, row: type[Columns]) -> dict[str, list[str]]:
    """The words that the filters of a report know, of those that look at a column of words."""
    found = {field: list(_words(row, tuple(column.split("."))))
             for field, column in FILTERS.get(report, {}).items()}
    return {field: words for field, words in found.items() if words}


def _words(row: type[Columns], path: tuple[str, ...]) -> tuple[str, ...]:
    """The words that a column may hold; none where it may hold any."""
    column = next(one for one in columns_of(row) if one.name == path[0])
    if len(path) > 1:
        assert column.of is not None
        return _words(column.of, path[1:])
    return tuple(filter(None, column.words))


def _must_be_known(report: str, field: str, text: str, *, known: tuple[str, ...]) -> None:
    if known and text not in known:
        raise UnknownWord(text=text, field=field, report=report, known=", ".join(known))


def _holds(question: Question, field: str, as_of: Mapping[str, Any], days: Days) -> Holds:
    text = getattr(question, field)
    if field == AGE:
        latest = oldest(question, as_of)
        assert latest is not None
        return lambda value: _us(value) <= latest
    if field.endswith(ENDS):
        return lambda value: value.endswith(text)
    if field.endswith((FROM, TO)):
        period = period_asked(question, field.removesuffix(FROM).removesuffix(TO), days)
        return lambda value: period.holds(_us(value))
    return lambda value: value == text


def _us(time: str) -> int:
    return to_us(datetime.fromisoformat(time))
