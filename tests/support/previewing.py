"""What the tests of previews share: whole reports before and after, and in what they differ.

It knows nothing of which subjects a preview asks about: it compares all rows of all of them.
"""

from contextlib import suppress
from typing import Any

from ledger.application import Ledger
from ledger.core.commands import Command
from projections import reports
from projections.asking.questions import Question
from projections.preview.answer import preview
from projections.scores.book import NoMonthClosed
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT

WHOLE = {
    "inventory": ("sku", "warehouse"), "bins": ("sku", "warehouse", "place", "bin"),
    "low-stock": ("sku", "warehouse", "opened_at"),
    "discrepancies": ("sku", "warehouse", "place", "bin", "opened_at"),
    "exceptions": ("subject", "exception"), "fulfilment": ("subject",), "orders": ("subject",),
    "returns": ("subject",), "open-transfers": ("transfer",), "post-terms": ("post", "member",
                                                                           "since"),
    "leave": ("member", "number"), "deductions": ("deduction",), "appeals": ("deduction", "member"),
    "policies": ("version",)}
"""Reports that are compared whole, and by which columns their rows are found again."""

COMPARED = {"low-stock": ("open", "threshold", "lowest"),
            "discrepancies": ("open", "level", "lowest"), "exceptions": ("kind", "owner"),
            "fulfilment": ("warehouse", "fulfilment_status", "review_status", "pieces", "held")}


Told = dict[tuple[Any, ...], dict[str, Any]]


def whole(models: ReadModels, ledger: Ledger, months: tuple[str, ...] = ()) -> Told:
    """All rows of all reports, by report and key; scores of some months."""
    found: Told = {}
    for name, key in WHOLE.items():
        for row in reports.run(models, ledger.name, name).rows:
            found[name, *(str(row[column]) for column in key)] = _compared(name, key, row)
    for month in months:
        with suppress(NoMonthClosed):
            for row in reports.run(models, ledger.name, "scores", Question(month=month)).rows:
                found["scores", month, row["member"], row["post"]] = _compared(
                    "scores", ("member", "post"), row)
    return found


def _compared(name: str, key: tuple[str, ...], row: dict[str, Any]) -> dict[str, Any]:
    columns = COMPARED.get(name)
    return {column: value for column, value in plain(row).items() if column not in key
            and (columns is None or column in columns)}


def plain(value: Any) -> Any:
    """A value without positions and times of recording, which nobody knows before."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()
                if "position" not in name and name != "recorded_at"}
    return list(map(plain, value)) if isinstance(value, list) else value


def parted(before: Told, after: Told) -> Told:
    """What differs between two tellings, as a preview says it: columns that differ, or all."""
    found: Told = {}
    for key in {*before, *after}:
        a, b = before.get(key), after.get(key)
        if a == b:
            continue
        if a is not None and b is not None:
            names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
            a, b = ({name: side.get(name) for name in names} for side in (a, b))
        found[key] = {"before": a, "after": b}
    return found


def told(answer: dict[str, Any]) -> Told:
    """The same of a preview: what it says of these reports as of now."""
    found: Told = {}
    for section in answer.values():
        for row in section["rows"] if isinstance(section, dict) else ():
            if row.get("change") not in ("opened", "closed", "added", "removed", "changed") \
                    or "at" in row["of"]:
                continue
            if row["report"] == "scores":
                key = tuple(row["of"][name] for name in ("month", "member", "post"))
            elif row["report"] in WHOLE:
                key = tuple(str(row["of"][name]) for name in WHOLE[row["report"]])
            else:
                continue
            found[row["report"], *key] = {"before": row["before"], "after": row["after"]}
    return found


def must_agree(
    models: ReadModels, ledger: Ledger, command: Command, *, months: tuple[str, ...] = (),
    context: Any = CONTEXT,
) -> dict[str, Any]:
    """Preview a command that is then recorded: what it said is what differs. The preview."""
    before = whole(models, ledger, months)
    head = ledger.head()
    answer = preview(models, ledger, [(command, context)], limit=10_000)
    assert ledger.head() == head
    assert whole(models, ledger, months) == before
    receipt = ledger.handle(command, context)
    assert len(receipt.positions) == answer["events"]["total"]
    assert told(answer) == parted(before, whole(models, ledger, months))
    return answer
