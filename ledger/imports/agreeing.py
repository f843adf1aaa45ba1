"""What the schema of a profile cannot see: whether its parts agree with each other."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from ledger.common.errors import Fault
from ledger.imports import conditions
from ledger.imports.cells import BEYOND, converter
from ledger.imports.faults import BadCell
from ledger.imports.profile import (
    ANY_ZONE,
    COUNT,
    ORDER,
    Field,
    File,
    Profile,
    lines_stand_in,
    tolerant,
)
from ledger.imports.references import COME_BACK, TRANSFER, WAYS, references
from ledger.returns.values import DISPOSITIONS


def check(profile: Profile) -> list[Fault]:
    """What the schema cannot see: names that no column fills, and fields of the wrong kind.

    Whether a text is a time does not hang on a zone, so any does where the profile names none.
    """
    profile = profile.read_in(ANY_ZONE)
    kinds = {file.kind: file for file in profile.files}
    for section, recipe in profile.sections():
        if recipe["file"] not in kinds:
            return [Fault(f"/{section}/file", "unknown", f"names no file: {recipe['file']!r}")]
    faults: list[Fault] = []
    for file in profile.files:
        faults.extend(_check_file(file, profile))
    faults += [*_of_returns(profile), *_of_meanings(profile)]
    faults += [Fault(f"/{section}/rows/{at}", "never", why)
               for section, recipe in profile.sections()
               for at, row in enumerate(recipe.get("rows", ())) for why in _of_tests(row["when"])]
    if profile.makes == COUNT and "warehouse" not in profile.recipe and not profile.warehouse:
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


def _of_returns(profile: Profile) -> Iterator[Fault]:
    """What keeps a list of orders from holding what comes back as well."""
    rows = profile.recipe.get("rows", ())
    said = any(row["are"] in COME_BACK for row in rows) and profile.makes == ORDER
    if said != (profile.returns is not None):
        yield Fault("/return", "half", "is needed where a row of `order` is returned, refused or "
                    "refunded, and for nothing else")
    elif profile.returns is not None and (
            profile.returns["file"] != profile.recipe["file"]
            or not (lines_stand_in(profile.returns) and lines_stand_in(profile.recipe))):
        yield Fault("/return/file", "other", "and the lines of both have to be those of `order`")


MEANINGS: Mapping[str, Collection[str]] = {
    "/return/lines/disposition": ("", *DISPOSITIONS), "/movement/kind": (*WAYS, TRANSFER)}
"""What a choice may mean where the ledger has words of its own."""


def _of_meanings(profile: Profile) -> Iterator[Fault]:
    """Choices that mean what the ledger has no word for."""
    files = {file.kind: file for file in profile.files}
    for where, name, _ in references(profile):
        kind, _, named = name.rpartition(".")
        file = files.get(kind or profile.main.kind)
        field = None if file is None else file.fields().get(named)
        if where in MEANINGS and field is not None and field.values is not None:
            known = MEANINGS[where]
            yield from (Fault(where, "unknown", f"{means!r} is not one of {', '.join(known)}")
                        for means in sorted({*field.values.values()}.difference(known)))


def _of_rows_together(file: File, profile: Profile) -> Iterator[Fault]:
    """Fields that say what counts across rows, where no rows make anything together."""
    if profile.grouped or file is not profile.main:
        return
    for name, field in file.fields().items():
        if field.across_rows != "same":
            yield Fault(f"/files/{file.kind}", "across_rows",
                        f"{name!r} says what counts across rows, but each row of this file makes "
                        "an order by itself: its rows are not the lines")


def _of_texts(field: Field) -> Iterator[str]:
    """Texts that no cell can be: a cell is read without the blanks around it, and one that is
    blank means nothing, whatever a choice says."""
    for text, means in (field.values or {}).items():
        if means and text in ("", *field.blank):
            yield f"{text!r} is a blank cell, and has no meaning of its own: `default` gives one"
        elif text != text.strip():
            yield f"{text!r} has blanks around it, without which a cell is read"
        elif field.first_word and len(text.split()) > 1:
            yield f"{text!r} is more than the first word"
    for text in field.blank:
        if text.strip() and text != text.strip():
            yield f"{text!r} has blanks around it, without which a cell is read"


def _of_tests(tests: Mapping[str, conditions.Test]) -> Iterator[str]:
    """The same of what tests compare with."""
    for test in tests.values():
        word, given = conditions.split(test)
        texts = given if word == "one_of" else [given] if word == "equals" else []
        yield from (f"{text!r} has blanks around it, or is blank: no cell is that"
                    for text in texts if text != text.strip() or not text)


def _has_default(field: Field, profile: Profile) -> bool:
    """Whether the default of a field, if it has one, can be read as a cell of it."""
    try:
        converter(field, profile, 0)
    except BadCell:
        return False
    return True


def _check_file(file: File, profile: Profile) -> Iterator[Fault]:
    where = f"/files/{file.kind}"
    names = [field.field for fields in (*file.columns.values(), file.constants)
             for field in fields]
    for constant in file.constants:
        try:
            converter(constant, profile, BEYOND)(constant.value)
        except BadCell as bad:
            yield Fault(f"{where}/constants/{constant.field}", "default",
                        f"{constant.value!r} is not of the kind {constant.kind} ({bad.code})")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(where, "twice", f"two columns, or a column and a constant, fill {name!r}")
    for column in sorted(file.ignored & file.columns.keys()):
        yield Fault(f"{where}/ignored", "twice", f"{column!r} is both used and ignored")
    for column, fields in file.columns.items():
        yield from (Fault(f"{where}/columns/{column}", "default",
                          f"{field.default!r} is not of the kind {field.kind}")
                    for field in fields if not _has_default(field, profile))
    for name, field in file.fields().items():
        yield from (Fault(where, "never", f"{name!r}: {why}") for why in _of_texts(field))
    yield from _of_rows_together(file, profile)
    named = {*file.fields(), *file.columns, *file.ignored}
    for at, tests in enumerate(file.ignored_rows):
        yield from (Fault(f"{where}/ignored_rows/{at}", "never", why) for why in _of_tests(tests))
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
