"""An import begins, and all its rows are decided."""

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.imports.record import CompleteImport, Import, StartImport


def start_import(command: StartImport, work: Work) -> list[Aggregate]:
    """An import begins, once."""
    brought: Import = work.load(Import, command.subject)
    brought.start({
        "files": command.files, "profile": command.profile, "channel": command.channel,
        "profile_version": command.profile_version, "profile_sha256": command.profile_sha256,
        "shop": command.shop, "policy": command.policy, "rows": command.rows,
        "trust_numbers": command.trust_numbers,
    }, occurred_at=command.occurred_at)
    return [brought]


def complete_import(command: CompleteImport, work: Work) -> list[Aggregate]:
    """All rows of an import are decided."""
    brought: Import = work.load(Import, command.subject)
    brought.complete({
        "rows": command.rows, "accepted": command.accepted, "rejected": command.rejected,
        "duplicates": command.duplicates, "erased": command.erased,
    }, occurred_at=command.occurred_at)
    return [brought]


HANDLERS: dict[type[Command], Handler] = {
    StartImport: start_import,
    CompleteImport: complete_import,
}
