"""In what the rows of two answers to the same question differ."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from projections.preview.asked import ALERTS, SHOWN, Ask

Row = Mapping[str, Any]


def differences(ask: Ask, before: Iterable[Row], after: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The rows that differ, by their keys.

    Shapes: report, of (the columns that name a row; with `at` or `month` where it was asked as of
    one), change, before, after. `before` and `after` hold the columns that differ, or all of them
    where there is no such row on the other side, which is None. Positions and times of recording
    are not compared: where an event goes is known when it is recorded.
    """
    shown = SHOWN[ask.report]
    old, new = ({_key(row, shown.key): row for row in rows} for rows in (before, after))
    asked = {name: value for name, value in (("at", ask.at), ("month", ask.month))
             if value is not None}
    for key in sorted({*old, *new}, key=repr):
        a, b = (_columns(rows.get(key), shown.key, shown.columns) for rows in (old, new))
        if a == b:
            continue
        if a is not None and b is not None:
            changed = [name for name in {**a, **b} if a.get(name) != b.get(name)]
            a, b = ({name: side.get(name) for name in changed} for side in (a, b))
        yield {"report": ask.report, "of": {**asked, **dict(zip(shown.key, key, strict=True))},
               "change": _change(ask, a, b), "before": a, "after": b}


def _key(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _columns(row: Row | None, key: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    if row is None:
        return None
    return {name: _placeless(value) for name, value in row.items()
            if name not in key and (not columns or name in columns) and not _is_place(name)}


def _is_place(name: str) -> bool:
    return name in ("position", "recorded_at") or name.endswith(("_position", "positions"))


def _placeless(value: Any) -> Any:
    """A value without what is known of it only when it is recorded."""
    if isinstance(value, dict):
        return {name: _placeless(inner) for name, inner in value.items() if not _is_place(name)}
    if isinstance(value, list):
        return [_placeless(inner) for inner in value]
    return value


def _change(ask: Ask, before: Row | None, after: Row | None) -> str:
    """What becomes of a row. An alert that is recorded as closed stays a row."""
    if ask.section == ALERTS:
        if after is None or (before is not None and after.get("open", True) is False):
            return "closed"
        if before is None:
            return "opened" if after.get("open", True) else "closed"
        return "changed"
    return "added" if before is None else "removed" if after is None else "changed"
