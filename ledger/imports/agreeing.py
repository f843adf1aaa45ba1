"""What the schema of a profile cannot see: whether its parts agree with each other."""

from collections import Counter
from collections.abc import Iterator

from ledger.common.errors import Fault
from ledger.imports.cells import converter
from ledger.imports.faults import BadCell
from ledger.imports.profile import Field, File, Profile, tolerant
from ledger.imports.references import references


def check(profile: Profile) -> list[Fault]:
    """What the schema cannot see: names that no column fills, and fields of the wrong kind."""
    kinds = {file.kind: file for file in profile.files}
    part = "/count" if profile.counts else "/order"
    if profile.recipe["file"] not in kinds:
        return [Fault(f"{part}/file", "unknown", f"names no file: {profile.recipe['file']!r}")]
    faults: list[Fault] = []
    for file in profile.files:
        faults.extend(_check_file(file, profile))
    if profile.counts and "warehouse" not in profile.recipe and not profile.warehouse:
        faults.append(Fault("/count/warehouse", "missing",
                            "is needed where the profile has no stock: {warehouse: NAME}"))
    for where, name, allowed in references(profile):
        kind, _, field = name.rpartition(".")
        owner = kinds.get(kind) if kind else profile.main
        known = None if owner is None else owner.fields().get(field)
        if known is None:
            faults.append(Fault(where, "unknown", f"names no field: {name!r}"))
        elif known.kind not in allowed:
            faults.append(Fault(where, "wrong_kind", f"{name} is {known.kind}, "
                                f"but must be {' or '.join(allowed)}"))
    return faults


def _has_default(field: Field, profile: Profile) -> bool:
    """Whether the default of a field, if it has one, can be read as a cell of it."""
    try:
        converter(field, profile, 0)
    except BadCell:
        return False
    return True


def _check_file(file: File, profile: Profile) -> Iterator[Fault]:
    where = f"/files/{file.kind}"
    names = [field.field for fields in file.columns.values() for field in fields]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(where, "twice", f"two columns fill {name!r}")
    for column in sorted(file.ignored & file.columns.keys()):
        yield Fault(f"{where}/ignored", "twice", f"{column!r} is both used and ignored")
    for column, fields in file.columns.items():
        yield from (Fault(f"{where}/columns/{column}", "default",
                          f"{field.default!r} is not of the kind {field.kind}")
                    for field in fields if not _has_default(field, profile))
    named = {*file.fields(), *file.columns, *file.ignored}
    for at, tests in enumerate(file.ignored_rows):
        yield from (Fault(f"{where}/ignored_rows/{at}", "unknown",
                          f"names neither a field nor a column: {name!r}")
                    for name in tests if name not in named)
    if file.tolerant:
        alike = Counter(tolerant(name) for name in {*file.columns, *file.ignored})
        yield from (Fault(f"{where}/headers", "twice", f"two columns are called {name!r}")
                    for name, count in alike.items() if count > 1)
    if file is profile.main:
        return
    if file.join is None:
        yield Fault(where, "join", "needs join: its rows belong to those of the main file")
        return
    (own, main), key = file.join, [] if file.key is None else [(file.key, file)]
    joined = [(own, file), (main, profile.main)]
    if unknown := [name for name, owner in (*joined, *key) if name not in owner.fields()]:
        yield Fault(where, "unknown", f"join or key names no field: {unknown[0]!r}")
    elif len({owner.fields()[name].personal for name, owner in joined}) > 1:
        yield Fault(where, "personal", f"{own!r} or {main!r} is personal, and has to be in both")
