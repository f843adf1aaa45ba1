"""What an explanation holds: a row a step."""

from typing import Annotated

from projections.asking.columns import Columns, Decimal, code, says
from projections.explaining.formulas import FORMULAS


class ExplainedRow(Columns):
    """A step of the formula that a figure comes of."""

    row: Annotated[str, says("Which row of the report, by the columns that name it.", "report_row")]
    figure: Annotated[str, says("The figure: the column of the report.")]
    step: Annotated[str, says("The number of the step: 1 is the figure itself, 1.2 the second "
                              "term of it.")]
    formula: Annotated[str, code(*FORMULAS), says("How its value comes of its terms.")]
    what: Annotated[str | None, says("What it is.")]
    factor: Annotated[Decimal, says("By what it counts in the step that it is a term of.")]
    value: Decimal
    reported: Annotated[Decimal | None, says("What the report says; null below the figure itself.")]
    position: Annotated[int | None, says("The position of the event in which it stands.")]
    type: Annotated[str | None, says("The type of that event.")]
    pointer: Annotated[str | None, says("Where in what that event says, as a JSON pointer.")]
