"""Two moments that are compared, from texts such as `2026-09-30..2026-10-31`."""

from ledger.common.errors import Invalid
from projections.asking.clocks import AsOf, TwoRecordings

BETWEEN = ".."


class BadSpan(Invalid):
    """{name} is {text!r}. Write two moments with .. between them, such as 2026-09-30..2026-10-31;
    what is left out before it is the beginning, after it now."""

    code = "bad_span"
    rule = "R-PRJ-42"


BEGINNING: dict[str, str | None] = {"position": "0"}


def two_of(
    positions: str | None = None, recorded: str | None = None, occurred: str | None = None, *,
    same: bool = False,
) -> tuple[AsOf, AsOf]:
    """Both moments, by either clock or by both: a single business time holds for both. Where no
    span is named, they are the beginning and now, or the `same` moment. Errors: BadSpan
    (R-PRJ-42), those of `AsOf.parse`."""
    if positions is not None and recorded is not None:
        raise TwoRecordings
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for name, text in (("position", positions), ("recorded_as_of", recorded),
                       ("occurred_as_of", occurred)):
        if text is None:
            continue
        first, last = (text, text) if name == "occurred_as_of" and BETWEEN not in text \
            else _parts(name, text)
        before |= BEGINNING if first is None else {name: first}
        after[name] = last
    if positions is None and recorded is None and BETWEEN not in (occurred or "") and not same:
        before |= BEGINNING
    return _moment(before), _moment(after)


def _moment(by: dict[str, str | None]) -> AsOf:
    """A moment: before the beginning nothing was recorded, at any time."""
    if by.get("position") == BEGINNING["position"]:
        by = BEGINNING
    return AsOf.parse(by.get("position"), by.get("recorded_as_of"), by.get("occurred_as_of"))


def _parts(name: str, text: str) -> tuple[str | None, str | None]:
    parts = [part.strip() or None for part in text.split(BETWEEN)]
    if len(parts) != 2 or parts == [None, None]:
        raise BadSpan(name=name, text=text)
    return parts[0], parts[1]
