"""Policies from the command line: checked, published, listed, compared."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from api.cli.options import days_here
from ledger.common.values import from_us
from ledger.log.store import Store
from ledger.policies.checks import findings
from ledger.policies.commands import PublishPolicy
from ledger.policies.errors import PolicyUnsound
from ledger.policies.reader import faults_at, read
from ledger.policies.values import Sections, Version
from ledger.scores.pay import Month
from ledger.settings import Settings
from projections.asking.clocks import NOW, AsOf, moment
from projections.policies import (
    book_of,
    deadline,
    differences,
    falling_away,
    listed,
    pay,
    roster_of,
)


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


def published(store: Store, ledger: str, position: int) -> tuple[int, dict[str, list[str]]]:
    """The number of the version that was published at a position, and what has fallen away with it
    of the sections that it replaces: names by section."""
    before, after = (book_of(store, ledger, AsOf(at).resolve(store, ledger)).latest
                     for at in (position - 1, position))
    names: dict[str, list[str]] = {}
    for one in falling_away(before.sections, after.sections):
        names.setdefault(one["section"], []).append(one["name"])
    return after.number, names


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


def reckoned(
    name: str, start: str, ledger: str, *, policies: Sequence[str], roster: str | None
) -> dict[str, Any]:
    """A deadline from a start on, by the version in force on that day, or by others or files.

    Errors: BadTime (R-PRJ-03), those of `projections.policies.deadline`.
    """
    days, known = days_here(ledger), None
    begun = from_us(moment("--start", start, days).at_us)
    version = _version(policies, days.day_of(begun), ledger)
    if roster is not None:
        with _store(ledger) as store:
            known = roster_of(store, ledger, NOW.resolve(store, ledger), roster)
    return deadline(version, name, begun, days=days, roster=known)


def paid(
    scheme: str, post: str, month: Month, ledger: str, *, policies: Sequence[str]
) -> list[dict[str, Any]]:
    """What a scheme pays a post for a month, by the version in force today, or by others or files.
    Errors: SchemeUnknown (R-POL-16)."""
    today = days_here(ledger).day_of(datetime.now(UTC))
    return pay(_version(policies, today, ledger), scheme, post, month)


def _version(names: Sequence[str], day: str, ledger: str) -> Version:
    """The version in force on a day, or what versions and files say together, the last one first.
    """
    if not names:
        with _store(ledger) as store:
            return book_of(store, ledger, NOW.resolve(store, ledger)).on(day)
    found = Sections()
    for name in names:
        found = _sections(name, ledger).over(found)
    return Version(0, day, found)


def _sections(name: str, ledger: str) -> Sections:
    if not name.isdigit():
        return read(name).sections
    with _store(ledger) as store:
        book = book_of(store, ledger, NOW.resolve(store, ledger))
        return book.must_know(int(name)).sections


def _store(ledger: str) -> closing[Store]:
    return closing(Settings.from_environment().find_store(ledger))
