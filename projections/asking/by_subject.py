"""Reports of read models that keep one row a subject, such as an order: now or as of any moment."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from ledger.common.values import subject, subject_part
from projections.asking.clocks import Cut, header
from projections.asking.past import NothingRecorded, past
from projections.asking.questions import Answer, Question, noted
from projections.store.folding import Projection
from projections.store.models import ReadModels

Report = Callable[[ReadModels, str, Question], Answer]
Tell = Callable[[Connection, str, Question], Iterator[dict[str, Any]]]

LAST = "\U0010ffff"
"""The character behind all others."""


def rows_of(
    connection: Connection, table: Table, ledger: str, question: Question, *where: Any, kind: str
) -> Iterator[Row[Any]]:
    """The rows of a question by subject: of one subject `kind:…`, of a channel and shop, or all."""
    key = table.c.subject
    query = select(table).where(table.c.ledger == ledger, *where)
    if question.subject is not None:
        query = query.where(key == question.subject)
    if question.channel is not None:
        prefix = f"{subject(kind, question.channel)}:"
        query = query.where(key.between(prefix, prefix + LAST))
    if question.beyond is not None:
        query = query.where(key > question.beyond)
    shop = None if question.shop is None else subject_part(question.shop)
    for row in connection.execute(query.order_by(key).execution_options(yield_per=1000)):
        if shop is None or row.subject.split(":")[2] == shop:
            yield row


def report_of(projection: Callable[[], Projection], tell: Tell) -> Report:
    """A report as of any moment, of a channel and shop or of one subject.

    Errors: R-PRJ-01, R-PRJ-05, NothingRecorded (R-PRJ-07) for a subject that is not known.
    """

    def report(models: ReadModels, ledger: str, question: Question) -> Answer:
        store, asked, made = models.store, question.subject, projection()
        if asked is not None and not store.streams(ledger, [asked], upto=1):
            raise NothingRecorded(ledger=ledger, subject=asked)
        cut = question.as_of.resolve(store, ledger)
        if question.as_of.now:
            with models.reading(ledger, made.name) as (connection, known):
                cut = Cut(known.position)
                rows = list(islice(tell(connection, ledger, question), question.limit))
        else:
            with past(store, ledger, cut, made) as connection:
                rows = list(islice(tell(connection, ledger, question), question.limit))
        return noted(Answer(header(store, ledger, question.as_of, cut), rows), question)

    return report
