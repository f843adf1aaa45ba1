"""Values of reports as people read them on a terminal: words, amounts with their currency, times by
the shop's clock. What goes to a program stays as the data has it."""

from collections.abc import Callable, Mapping
from typing import Any

from api.cli.output import Figure
from api.console.sentences import sentence
from api.console.words import called, label, moment, money, name_of, word
from ledger.common.days import Days
from projections.asking.columns import Column, Kind

BY_NUMBER = ("order:", "case:")
"""What a terminal shows by its number alone: commands and `ledger find` take that."""

NAMED = {"channel": "channel", "post": "post", "posts": "post", "role": "role",
         "second_grader": "post", "shift": "shift", "unit": "unit"}
"""Columns of texts that are words, by what they are words of."""

Row = dict[str, Any]


def heads(columns: list[Column]) -> dict[str, str]:
    """What columns are called, by their names."""
    return {column.name: label(column) for column in columns}


def reading(columns: list[Column], days: Days) -> Callable[[Row], Row]:
    """What makes a row readable, with these of its columns in this order. The summary of an event
    is a sentence: its amounts are in the currency that an event of its stream before it names."""
    currencies: dict[str, str] = {}

    def read(row: Row) -> Row:
        payload = row.get("payload")
        if isinstance(payload, dict) and "summary" in row:
            if "currency" in payload:
                currencies[row["stream"]] = payload["currency"]
            row = {**row, "summary": sentence(row, currency=currencies.get(row["stream"]),
                                              days=days)}
        return {column.name: said(column, row.get(column.name), row, days) for column in columns}

    return read


def said(column: Column, value: Any, row: Mapping[str, Any], days: Days) -> Any:
    """A value of a column as people read it."""
    if isinstance(value, list):
        return [said(column, one, row, days) for one in value]
    if value is None or value == "":
        return value
    if column.name in ("document", "actor"):
        return called(value) if ":" in value else word(value)
    if isinstance(value, bool) or column.kind is Kind.CODE or column.name in NAMED:
        return word(value, NAMED.get(column.name, column.name))
    if column.kind is Kind.MONEY and row.get("currency"):
        return Figure(money(value, row["currency"]))
    if column.kind is Kind.TIME:
        return moment(value, days)
    if column.kind is Kind.DECIMAL:
        return Figure(value)
    if column.kind is Kind.SUBJECT and value.startswith(BY_NUMBER):
        return name_of(value)
    return value
