"""Reports of orders, and of what they add up to."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from projections.asking.clocks import Cut, header
from projections.asking.past import NothingRecorded, past
from projections.asking.questions import PRESENT, Answer, Question, noted
from projections.orders import reconciliation as sums
from projections.orders import rows as order_rows
from projections.orders.book import OrderBook
from projections.orders.replay import replay
from projections.store.models import ReadModels


def orders(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
    """The orders of a channel and shop, or one by its subject, sorted by subject.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05), NothingRecorded (R-PRJ-07)
    for a subject that the ledger does not know.
    """
    subject = question.subject
    if subject is not None and not models.store.streams(ledger, [subject], upto=1):
        raise NothingRecorded(ledger=ledger, subject=subject)

    def rows(connection: Any) -> list[dict[str, Any]]:
        if subject is not None:
            return list(order_rows.report(connection, ledger, subjects=[subject]))
        found = sums.places(connection, ledger, question.channel, question.shop)
        prefixes = [f"order:{channel}:{shop}:" for channel, shop in found]
        if question.channel is None and question.shop is None:
            prefixes = ["order:"]
        found_rows = order_rows.report(connection, ledger, prefixes=prefixes,
                                       beyond=question.beyond)
        return list(islice(found_rows, question.limit))

    if subject is None or question.as_of.now:
        return _answer(models, ledger, question, rows)
    replayed = replay(models.store, ledger, [subject], until=question.as_of)
    return noted(Answer(replayed.as_of, replayed.orders), question)


def reconciliation(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
    """What orders, payments and refunds add up to: one object per currency.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05).
    """
    return _answer(models, ledger, question, lambda connection: sums.report(
        connection, ledger, channel=question.channel, shop=question.shop))


def _answer(
    models: ReadModels, ledger: str, question: Question,
    rows: Callable[[Any], list[dict[str, Any]]],
) -> Answer:
    as_of = question.as_of
    if as_of.now:
        with models.reading(ledger, OrderBook.name) as (connection, known):
            found = rows(connection)
        head = header(models.store, ledger, as_of, Cut(known.position))
        if known.error_position is not None:
            head["notes"].append(f"the read model {known.projection} stopped before position "
                                 f"{known.error_position}")
        return noted(Answer(head, found), question)
    cut = as_of.resolve(models.store, ledger)
    with past(models.store, ledger, cut, OrderBook()) as connection:
        answer = Answer(header(models.store, ledger, as_of, cut), rows(connection))
    return noted(answer, question)
