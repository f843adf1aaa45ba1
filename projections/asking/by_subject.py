"""Rows of read models that keep one row a subject, such as an order."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Table, select

from ledger.common.values import subject, subject_part
from projections.asking.answering import Reading
from projections.asking.periods import Period

LAST = "\U0010ffff"
"""The character after all others."""


def within(column: Any, period: Period) -> list[Any]:
    """The conditions that a time, in microseconds, lies in a period."""
    found = [] if period.first is None else [column >= period.first]
    return found if period.last is None else [*found, column <= period.last]


def rows_of(reading: Reading, table: Table, *where: Any, kind: str) -> Iterator[Row[Any]]:
    """The rows of a question by subject: of one subject `kind:…`, of a channel and shop, or all."""
    key, question = table.c.subject, reading.question
    query = select(table).where(table.c.ledger == reading.id, *where)
    if question.subject is not None:
        query = query.where(key == question.subject)
    if question.channel is not None:
        prefix = f"{subject(kind, question.channel)}:"
        query = query.where(key.between(prefix, prefix + LAST))
    if question.beyond is not None:
        query = query.where(key > question.beyond)
    shop = None if question.shop is None else subject_part(question.shop)
    query = query.order_by(key).execution_options(yield_per=1000)
    for row in reading.connection.execute(query):
        if shop is None or row.subject.split(":")[2:3] == [shop]:
            yield row
