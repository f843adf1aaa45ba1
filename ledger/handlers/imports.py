"""An import begins, or is refused whole, and all its rows are decided."""

from typing import Any

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.imports.record import CompleteImport, Import, RefuseImport, StartImport


def start_import(command: StartImport, work: Work) -> list[Aggregate]:
    """An import begins, once."""
    brought: Import = work.load(Import, command.subject)
    brought.start(_facts(command), occurred_at=command.occurred_at)
    return [brought]


def refuse_import(command: RefuseImport, work: Work) -> list[Aggregate]:
    """Nothing of an import is recorded but where its faults are."""
    brought: Import = work.load(Import, command.subject)
    brought.refuse({**_facts(command), "faults": command.faults, "warnings": command.warnings},
                   occurred_at=command.occurred_at)
    return [brought]


def _facts(command: StartImport) -> dict[str, Any]:
    """What an import is of."""
    return {
        "files": command.files, "profile": command.profile, "channel": command.channel,
        "profile_version": command.profile_version, "profile_sha256": command.profile_sha256,
        "shop": command.shop, "policy": command.policy, "rows": command.rows,
        "trust_numbers": command.trust_numbers}


def complete_import(command: CompleteImport, work: Work) -> list[Aggregate]:
    """All rows of an import are decided."""
    brought: Import = work.load(Import, command.subject)
    brought.complete({
        "rows": command.rows, "accepted": command.accepted, "rejected": command.rejected,
        "duplicates": command.duplicates, "erased": command.erased, "faults": command.faults,
        "warnings": command.warnings,
    }, occurred_at=command.occurred_at)
    return [brought]


HANDLERS: dict[type[Command], Handler] = {
    StartImport: start_import,
    RefuseImport: refuse_import,
    CompleteImport: complete_import,
}
