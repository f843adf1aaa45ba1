"""Sealed texts over HTTP: whoever may see what people wrote has it opened, and it is noted."""

from typing import Any

from api.http.noting import note_reading
from api.http.routes import caller, edge
from ledger.common.personal import Personal
from projections.asking.written import persons_in, revealed


def opened_rows(
    rows: list[dict[str, Any]], position: int, *, noted: bool = False, about: str | None = None
) -> list[dict[str, Any]]:
    """The rows of an answer as of a position with all that is sealed in them opened.

    That the caller reads them is noted before they are returned: if anything was opened, and in any
    case if rows such as these are always `noted`; `about` what, as `note_reading` takes it. Nothing
    is opened of whoever was erased by now.
    Errors: R-KEY-10, R-LOG-04, ReadingNotNoted (R-ACC-05).
    """
    opened: set[str] = set()
    if people := persons_in(rows):
        keys = edge().ledger(caller().ledger).keys_to_read()
        keys.load(people)

        def reveal(sealed: Personal, stream: str, version: int, field: str) -> str | None:
            text = keys.reveal(sealed, stream, version, field)
            if text is not None:
                opened.add(sealed.p)
            return text

        rows = revealed(rows, reveal, keys.is_erased)
    if opened or noted:
        note_reading(position, persons=opened, about=about)
    return rows
