"""What a list of faults may show of a file: who reads it may not be one who reads of persons."""

from functools import cache

from ledger.core.commands import Command
from ledger.imports.faults import HIDDEN
from ledger.imports.profile import File, Profile
from ledger.imports.profiles import available, find
from ledger.imports.references import MADE, references
from ledger.orders.declared import RecordOrder


def hidden_fields(profile: Profile, file: File) -> frozenset[str]:
    """The fields of a file whose values no fault shows: those of columns that the profile marks as
    personal, and those that become a personal field of whatever its rows make."""
    kinds = {row["are"] for row in profile.recipe.get("rows", ())}
    made: list[type[Command]] = [RecordOrder, *(MADE[kind] for kind in kinds & MADE.keys())]
    uses = {name for command in made for name in command.PERSONAL}
    sealed = set()
    for where, reference, _ in references(profile):
        kind, _, name = reference.rpartition(".")
        if (kind or profile.main.kind) == file.kind and where.split("/")[2] in uses:
            sealed.add(name)
    return frozenset(name for name, field in file.fields().items()
                     if field.personal or name in sealed)


def column_shown(name: str, profile: Profile) -> str:
    """The name of a column as a fault shows it. Where a file has no header, its first row stands
    there, so that only names which some profile knows are taken for names."""
    own = (columns for file in profile.files for columns in (file.columns, file.ignored))
    return name if not name or name in _known() or any(name in columns for columns in own) \
        else HIDDEN


@cache
def _known() -> frozenset[str]:
    """The columns of the profiles that are found by name."""
    return frozenset(
        column for name in available() for file in find(name).files
        for column in (*file.columns, *file.ignored))
