"""Rows of read models that keep one row a subject, such as an order."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Table, select

from ledger.common.values import subject, subject_part
from projections.asking.answering import Reading
from projections.asking.periods import Period

CHUNK = 1000
"""The most rows that are fetched at a time."""

LAST = "\U0010ffff"
"""The character after all others."""


def within(column: Any, period: Period) -> list[Any]:
    """The conditions that a time, in microseconds, lies in a period."""
    found = [] if period.first is None else [column >= period.first]
    return found if period.last is None else [*found, column <= period.last]


def rows_of(
    reading: Reading, table: Table, *where: Any, kind: str, sorted_by: Sequence[str] = ()
) -> Iterator[Row[Any]]:
    """The rows of a question: of one subject `kind:…`, of a channel and shop, or all; by subject,
    or where the report itself comes in pages in the order that is asked for, which may be by these
    columns, too."""
    key, question = table.c.subject, reading.question
    query = select(table).where(table.c.ledger == reading.id, *where)
    if question.subject is not None:
        query = query.where(key == question.subject)
    shop = None if question.shop is None else subject_part(question.shop)
    if question.channel is not None:
        prefix = f"{subject(kind, question.channel)}:{'' if shop is None else f'{shop}:'}"
        query = query.where(key.between(prefix, prefix + LAST))
    elif shop is not None:
        query = query.where(key.contains(f":{shop}:", autoescape=True))
    query = reading.in_order(query, {one: table.c[one] for one in ("subject", *sorted_by)}) \
        if sorted_by else query.order_by(key)
    for row in one_by_one(reading, query):
        if shop is None or row.subject.split(":")[2:3] == [shop]:
            yield row


def in_chunks(reading: Reading, query: Any) -> Iterator[Sequence[Row[Any]]]:
    """The rows of a query, no more at a time than are wanted."""
    size = min(reading.question.limit or CHUNK, CHUNK)
    yield from reading.connection.execute(query.execution_options(yield_per=size)).partitions()


def one_by_one(reading: Reading, query: Any) -> Iterator[Row[Any]]:
    """The same, row by row."""
    for rows in in_chunks(reading, query):
        yield from rows
