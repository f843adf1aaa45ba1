"""From a field of a command back to the cell it came from, so that a fault can name the cell."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.imports.amounts import MARKS
from ledger.imports.faults import HIDDEN, shown
from ledger.imports.profile import Field, File, Profile
from ledger.imports.showing import hidden_fields
from ledger.imports.staging import Staged


class Origin(NamedTuple):
    """A staged row, the column in it, and its value as it may appear in a list of faults."""

    row: Staged
    column: str
    value: str


def origin_of(
    profile: Profile, of: tuple[str, str], main: Staged, parts: Mapping[str, list[Staged]]
) -> Origin:
    """Where a field such as `/paid_minor` or `/lines/3/quantity` of what a section of the profile
    makes comes from.

    A field made from several cells is traced to the first; column and value are blank where it
    comes from no cell.
    """
    section, field = of
    recipe = dict(profile.sections())[section]
    head, *rest = field.strip("/").split("/")
    if head in ("lines", "counts", "moves") and rest:
        entry = recipe.get("lines", recipe) if head == "lines" else recipe
        kind = entry.get("of") or recipe["file"]
        name, row = _first(entry.get(rest[-1], entry.get("products"))), parts[kind][int(rest[0])]
    else:
        source = _first(recipe.get(rest[0] if head == "amounts" and rest else head))
        before, _, name = source.rpartition(".")
        kind = before or profile.main.kind
        row = main if kind == profile.main.kind else next(iter(parts.get(kind, ())), main)
    file = next((file for file in profile.files if file.kind == kind), profile.main)
    return Origin(row, *cell_of(profile, file, name, row))


def cell_of(profile: Profile, file: File, name: str, row: Staged) -> tuple[str, str]:
    """The column that fills a field, and what stands there in a row, as a list of faults may show
    it; both are blank where no column does."""
    if name not in file.fields():
        return "", ""
    return file.column_of(name), _shown(profile, file, name, row)


def _first(entry: Any) -> str:
    """The first field that an entry of a recipe names."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping):
        return ""
    names = [*entry.get("names", ()), *entry.get("sum", ()), entry.get("at"), entry.get("when"),
             entry.get("by"), *entry.get("inferred_from", ())]
    return next((name for name in names if name), "")


def _shown(profile: Profile, file: File, name: str, row: Staged) -> str:
    if name in hidden_fields(profile, file) or not row.values:
        return HIDDEN
    value = row.values[list(file.fields()).index(name)]
    return shown(_printed(profile, file.fields()[name], value), personal=False)


def _printed(profile: Profile, field: Field, value: Any) -> str:
    """A staged value as people write it."""
    if value is None:
        return ""
    if field.kind == "time":
        return str(value[1])
    if field.kind == "money":
        decimals = profile.exponent if field.decimals is None else field.decimals
        return str(Decimal(value).scaleb(-decimals)).replace(".", MARKS[profile.decimal])
    return str(value)
