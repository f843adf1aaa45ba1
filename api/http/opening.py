"""Sealed texts over HTTP: whoever may see what people wrote has it opened, and it is noted."""

from typing import Any

from api.http.noting import note_read
from api.http.routes import caller, edge
from projections.asking.written import persons_in, revealed


def opened_rows(
    rows: list[dict[str, Any]], position: int, *, noted: bool = False
) -> list[dict[str, Any]]:
    """The rows of an answer as of a position with all that is sealed in them opened.

    That the caller read them is noted where there was anything to open, unless it is `noted`
    already. Errors: R-LOG-04.
    """
    if not (people := persons_in(rows)):
        return rows
    keys = edge().ledger(caller().ledger).keys
    keys.load(people)
    if not noted:
        note_read(position)
    found: list[dict[str, Any]] = revealed(rows, keys.reveal, keys.is_erased)
    return found
