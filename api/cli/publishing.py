"""Policies from the command line: checked, published, listed, compared."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from ledger.log.store import Store
from ledger.policies.checks import findings
from ledger.policies.commands import PublishPolicy
from ledger.policies.errors import PolicyUnsound
from ledger.policies.reader import faults_at, read
from ledger.policies.values import Sections
from ledger.settings import Settings
from projections.asking.clocks import NOW
from projections.policies import book_of, differences, listed


def check(files: Sequence[str]) -> None:
    """Look for faults in policy files, or in shipped ones by their names.

    Errors: PolicyUnsound with all that is wrong; those of reading.
    """
    policies = {name: read(name) for name in files}
    wrong = []
    for name, policy in policies.items():
        others = Sections()
        for other, one in policies.items():
            others = one.sections.over(others) if other != name else others
        wrong += faults_at([fault for fault in findings(policy.sections, others)
                            if getattr(policy.sections, fault.where.split("/")[1]) is not None],
                           name)
    if wrong:
        raise PolicyUnsound(wrong)


def publication(file: str, effective_from: str) -> PublishPolicy:
    """The command that publishes a policy file, or a shipped one by its name, from a day on."""
    return PublishPolicy(policy=read(file), effective_from=effective_from,
                         occurred_at=datetime.now(UTC))


def latest(store: Store, ledger: str) -> int:
    """The number of the version that was published last."""
    return book_of(store, ledger, NOW.resolve(store, ledger)).latest.number


def versions(ledger: str) -> list[dict[str, Any]]:
    """All published versions. Shapes: as `projections.policies.listed` has them."""
    with _store(ledger) as store:
        return listed(store, ledger, NOW.resolve(store, ledger))


def compared(before: str, after: str, ledger: str) -> list[dict[str, Any]]:
    """How two of version numbers, policy files and names of shipped ones differ; of a file that is
    compared with a version, what would change if it were published."""
    a, b = (_sections(name, ledger) for name in (before, after))
    if before.isdigit() and not after.isdigit():
        b = b.over(a)
    return differences(a, b)


def _sections(name: str, ledger: str) -> Sections:
    if not name.isdigit():
        return read(name).sections
    with _store(ledger) as store:
        book = book_of(store, ledger, NOW.resolve(store, ledger))
        return book.must_know(int(name)).sections


def _store(ledger: str) -> closing[Store]:
    return closing(Settings.from_environment().find_store(ledger))
