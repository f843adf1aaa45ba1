"""Every figure of a report with the formula that it comes of, as of any moment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.common.errors import Invalid, NotFound
from ledger.common.phrases import Phrase
from projections.asking.answering import Reading, made_of
from projections.asking.questions import PRESENT, Answer, Question, asked_about
from projections.explaining import limits
from projections.explaining.formulas import Figures, Step, rows_of
from projections.explaining.limits import few
from projections.explaining.orders import Orders
from projections.explaining.scores import Scores
from projections.explaining.stock import Stock
from projections.explaining.sums import Sums
from projections.orders import takings
from projections.reports import REPORTS
from projections.store.models import ReadModels


class NotExplained(NotFound):
    """There is no report named {name!r} whose figures follow from a formula. There are: {known},
    and the names of an order, a SKU in a warehouse and a month, such as month:7f3a:2026-09. What
    another report shows stands as it is in events: `ledger blame` names them."""

    code = "not_explained"
    rule = "R-PRJ-44"


class UnknownFigure(Invalid):
    """The report {report} has no figure {name!r}. It has: {known}."""

    code = "unknown_figure"
    rule = "R-PRJ-45"


class Explained(NamedTuple):
    """How a report is explained: the columns that name its rows, and what explains a row, which is
    made of a reading."""

    named_by: Sequence[str]
    of: Callable[[Reading], Callable[[dict[str, Any]], Figures]]


def _of_way(reading: Reading) -> Callable[[dict[str, Any]], Figures]:
    sums, way = Sums(reading), reading.question.by or takings.SHOP
    return lambda row: sums.of_way(row, way)


ITEM = ("sku", "warehouse")
EXPLAINED: Mapping[str, Explained] = {
    "inventory": Explained(ITEM, lambda reading: Stock(reading).of_level),
    "bins": Explained((*ITEM, "place", "bin"), lambda reading: Stock(reading).of_bin),
    "stock-ledger": Explained(ITEM, lambda reading: Stock(reading).of_period),
    "stock-card": Explained(("warehouse", "position", "occurred_at"),
                            lambda reading: Stock(reading).of_card),
    "low-stock": Explained((*ITEM, "opened_position"), lambda reading: Stock(reading).of_notice),
    "discrepancies": Explained((*ITEM, "place", "bin", "opened_position"),
                               lambda reading: Stock(reading).of_notice),
    "orders": Explained(("subject",), lambda reading: Orders(reading).of_order),
    "reconciliation": Explained(("currency",), lambda reading: Sums(reading).of_currency),
    "revenue": Explained(("currency", "of"), _of_way),
    "takings": Explained(("position",), lambda reading: Sums(reading).of_taking),
    "scores": Explained(("member", "post"), lambda reading: Scores(reading).of_month),
    "score-history": Explained(("month", "member", "post"),
                               lambda reading: Scores(reading).of_month),
    "grading": Explained(("member", "post", "item"), lambda reading: Scores(reading).of_item),
}
"""The reports whose figures are explained."""

ABOUT = {"order": "orders", "stock": "inventory", "sku": "inventory", "month": "scores"}
"""By kind of subject, the report whose figures are about it."""


def report_about(subject: str) -> tuple[str, dict[str, str]]:
    """The report whose figures are about a subject, and what it is asked. Errors: NotExplained
    (R-PRJ-44)."""
    kind = subject.partition(":")[0]
    if kind not in ABOUT:
        raise NotExplained(name=subject, known=", ".join(EXPLAINED))
    return ABOUT[kind], asked_about(subject)


def must_be_explained(report: str) -> Explained:
    """How a report is explained. Errors: NotExplained (R-PRJ-44)."""
    if report not in EXPLAINED:
        raise NotExplained(name=report, known=", ".join(EXPLAINED))
    return EXPLAINED[report]


def explain(
    models: ReadModels, ledger: str, name: str, question: Question = PRESENT, *,
    figure: str | None = None,
) -> Answer:
    """The figures of a report's rows, or one of them, each with its formula down to the numbers in
    events. Shapes: rows as `ExplainedRow`. What the report does not know is not explained; a figure
    that its events do not give is noted. Errors: NotExplained (R-PRJ-44), UnknownFigure (R-PRJ-45),
    TooLongToExplain (R-PRJ-24), those of the report. Rule: R-PRJ-43, R-PRJ-46."""
    explained = must_be_explained(name)
    with made_of(REPORTS[name]).read(models, ledger, question) as (reading, found):
        rows = few(found, "rows")
        of = explained.of(reading) if rows else _nothing
        here = Of(name, explained.named_by, reading)
        steps = few((one for row in rows for one in _figures(here, row, of(row), figure)), "steps",
                    limits.MOST_STEPS)
        return Answer(reading.as_of, steps)


def _nothing(_row: dict[str, Any]) -> Figures:
    return {}


class Of(NamedTuple):
    """Of which report figures are explained."""

    report: str
    named_by: Sequence[str]
    reading: Reading


def _figures(
    of: Of, row: dict[str, Any], figures: Figures, figure: str | None
) -> Iterator[dict[str, Any]]:
    known = [name for name in row if name in figures]
    if figure is not None and figure not in figures:
        raise UnknownFigure(report=of.report, name=figure, known=", ".join(known))
    named = ", ".join(f"{name} {row[name]}" for name in of.named_by)
    for name in known:
        if row[name] is None or figure not in (None, name):
            continue
        found = figures[name]()
        reported = Decimal(str(row[name]))
        if found is None or found.value != reported:
            of.reading.note(Phrase(
                "the read model says {reported} for {figure} of {row}, and its events give "
                "{value}: run `ledger rebuild`, and report it if that changes nothing",
                reported=reported, figure=name, row=named, value=found and found.value))
        if found is not None:
            yield from ({"row": named, "figure": name, **one} for one in _top(found, reported))


def _top(root: Step, reported: Decimal) -> Iterator[dict[str, Any]]:
    """The rows of a figure, the first with what the report says."""
    for at, row in enumerate(rows_of(root)):
        yield {**row, "reported": None if at else str(reported)}


def to_depth(rows: list[dict[str, Any]], depth: int | None) -> list[dict[str, Any]]:
    """The steps of so many levels of each formula; without a number, all."""
    return [row for row in rows if depth is None or row["step"].count(".") < depth]
