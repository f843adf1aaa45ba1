"""Which cell a field of a command comes from, so that a fault of the command can name it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.imports.faults import HIDDEN, shown
from ledger.imports.profiles import Field, File, Profile
from ledger.imports.staging import Staged


class Origin(NamedTuple):
    """A staged row, the column there, and its value as a list of faults may show it."""

    row: Staged
    column: str
    value: str


def origin_of(
    profile: Profile, field: str, main: Staged, parts: Mapping[str, list[Staged]]
) -> Origin:
    """Where a field such as `/paid_minor` or `/lines/3/quantity` comes from.

    A field that several cells make together is that of the first; column and value are blank where
    no cell does.
    """
    head, *rest = field.strip("/").split("/")
    if head in ("lines", "counts") and rest:
        section = profile.told["lines"] if head == "lines" else profile.told
        kind = section["of"] if head == "lines" else section["file"]
        name, row = _first(section.get(rest[-1])), parts[kind][int(rest[0])]
    else:
        told = _first(profile.told.get(rest[0] if head == "amounts" and rest else head))
        before, _, name = told.rpartition(".")
        kind = before or profile.main.kind
        row = main if kind == profile.main.kind else next(iter(parts.get(kind, ())), main)
    file = next((file for file in profile.files if file.kind == kind), profile.main)
    if name not in file.fields():
        return Origin(row, "", HIDDEN)
    return Origin(row, file.column_of(name), _shown(profile, file, name, row))


def _first(told: Any) -> str:
    """The first field that a part of a profile names."""
    if isinstance(told, str):
        return told
    if not isinstance(told, Mapping):
        return ""
    names = [*told.get("names", ()), *told.get("sum", ()), told.get("at"), told.get("when"),
             told.get("by"), *told.get("inferred_from", ())]
    return next((name for name in names if name), "")


def _shown(profile: Profile, file: File, name: str, row: Staged) -> str:
    field = file.fields()[name]
    if field.personal or not row.values:
        return HIDDEN
    value = row.values[list(file.fields()).index(name)]
    return shown(_printed(profile, field, value), personal=False)


def _printed(profile: Profile, field: Field, value: Any) -> str:
    """A staged value as people write it."""
    if value is None:
        return ""
    if field.kind == "time":
        return str(value[1])
    if field.kind == "money":
        decimals = profile.exponent if field.decimals is None else field.decimals
        return str(Decimal(value).scaleb(-decimals))
    return str(value)
