"""Answers about the past that were found by folding the log again: they are kept for their pages.

What is kept is what a report says to everybody; who may see what of it is decided for each request.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

from projections.asking.marks import mark_at
from projections.asking.questions import Answer, Question
from projections.store.models import ReadModels

ROWS = 20_000
"""How many rows are kept, of all answers together; a longer answer is not."""

TOO_LONG: list[dict[str, Any]] = []
"""Stands for the rows of an answer that is not kept, so that nobody tries again."""

Report = Callable[[ReadModels, str, Question], Answer]


class KeptAnswers:
    """The answers that were asked for last, at most `ROWS` rows of them."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._rows = 0
        self._lock = Lock()

    def answer(
        self, models: ReadModels, ledger: str, name: str, asked: Question, *, report: Report
    ) -> Answer:
        """What a report answers. Of the past, what it answered before to the same question: as of
        the same event, and where later events could still change it, before any was recorded.
        Errors: those of the report."""
        if asked.as_of.now:
            return report(models, ledger, asked)
        cut = asked.as_of.resolve(models.store, ledger)
        key = (models.store.id_of(ledger), name, asked, cut.closed or cut.head.position,
               mark_at(models.store, ledger, cut.position))
        with self._lock:
            kept = self._answers.get(key)
            if kept is not None and (kept.rows is not TOO_LONG or asked.limit is not None):
                self._answers.move_to_end(key)
                return kept._replace(as_of={
                    **kept.as_of, "head": max(cut.head.position, cut.position)})
        found = report(models, ledger, asked)
        if found.as_of["position"] == cut.position and found.as_of["open"] != cut.closed and (
                cut.closed or found.as_of["head"] == cut.head.position):
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, answer: Answer) -> None:
        if is_too_long(answer):
            answer = answer._replace(rows=TOO_LONG)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = answer
                self._rows += len(answer.rows) + 1
            while self._rows > ROWS:
                _, dropped = self._answers.popitem(last=False)
                self._rows -= len(dropped.rows) + 1


def is_too_long(answer: Answer) -> bool:
    """Whether an answer has more rows than are kept."""
    return answer.rows is TOO_LONG or len(answer.rows) >= ROWS
