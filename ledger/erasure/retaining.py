"""The daily job of retention: whom the policy keeps no longer, in slices."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ledger.common.context import Context
from ledger.common.errors import LedgerError
from ledger.common.values import to_us
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.erasure.commands import MOST, EraseRetained
from ledger.erasure.errors import NoRetention, RetentionWaits
from ledger.erasure.traces import Group, KinInKeys, Traces, scan
from ledger.log.persons import LedgerKeys
from ledger.log.store import Store
from ledger.log.zones import days_of
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Retention

SLICE = 500
"""Persons whom one event erases, unless more of them go together."""

PREVIEWED = 200
"""Groups that are looked at together."""

DAY_US = 86_400_000_000


class Target(Protocol):
    """What the job needs of the ledger: see `ledger.application.Ledger`."""

    id: bytes
    store: Store
    keys: LedgerKeys

    def preview(self, items: Sequence[tuple[Command, Context]]) -> list[int | LedgerError]:
        """How many events each command would record now, or its refusal."""
        ...


class Due(NamedTuple):
    """Persons who go together and are to be erased, with the command that does it."""

    group: Group
    command: EraseRetained


def retention_in(book: PolicyBook, day: str) -> Retention:
    """The retention that counts on a day. Errors: NoRetention (R-ERA-11), RetentionWaits
    (R-ERA-14)."""
    if (found := book.retention_on(day)) is not None:
        return found
    if (waits := book.waits_on(day)) is not None:
        raise RetentionWaits(version=waits)
    raise NoRetention


def retention_of(target: Target, day: str) -> Retention:
    """The same, as the log has it. Errors: those of `retention_in`."""
    book = PolicyBook.blank(BOOK)
    for entry in target.store.streams(target.id, [BOOK]):
        event_types.decode(entry).mutate(book)
    return retention_in(book, day)


def due(target: Target, context: Context, now: datetime) -> Iterator[Due]:
    """Who is due, group by group. Errors: those of `retention_in`."""
    retention = retention_of(target, days_of(target.store, target.id).day_of(now))
    traces = scan(target.store, target.id)
    waiting: list[Due] = []
    for group in _old(target, traces, retention, now):
        if len(group.persons) <= MOST and len(group.streams) <= MOST:
            waiting.append(Due(group, command_of([group], traces.seen, now)))
        if len(waiting) == PREVIEWED:
            yield from _accepted(target, context, waiting)
            waiting = []
    yield from _accepted(target, context, waiting)


def _old(
    target: Target, traces: Traces, retention: Retention, now: datetime
) -> Iterator[Group]:
    """The groups whose last event may be old enough."""
    least = min(days for days in (retention.buyers, retention.members) if days is not None)
    before = to_us(now) - (least - 1) * DAY_US
    kin, seen = KinInKeys(target.keys), set[str]()
    for person in sorted(traces.persons):
        if person in seen or traces.persons[person].last_at > before:
            continue
        if target.keys.is_erased(person):
            continue
        group = traces.group(person, kin)
        seen |= group.persons
        yield group


def _accepted(target: Target, context: Context, waiting: list[Due]) -> Iterator[Due]:
    results = target.preview([(one.command, context) for one in waiting]) if waiting else []
    for one, result in zip(waiting, results, strict=True):
        if not isinstance(result, LedgerError):
            yield one


def slices(found: Sequence[Due], now: datetime) -> Iterator[EraseRetained]:
    """The commands that erase all who are due: whole groups, `SLICE` persons at a time."""
    groups: list[Group] = []
    for one in found:
        both = [*groups, one.group]
        if groups and (sum(len(group.persons) for group in both) > SLICE
                       or sum(len(group.streams) for group in both) > MOST):
            yield command_of(groups, found[0].command.seen, now)
            groups = []
        groups.append(one.group)
    if groups:
        yield command_of(groups, found[0].command.seen, now)


def command_of(groups: Sequence[Group], seen: int, now: datetime) -> EraseRetained:
    """The command that erases groups of persons."""
    persons, members, streams, bare = (
        sorted(set[str]().union(*parts)) for parts in zip(*groups, strict=True))
    return EraseRetained(together=persons, members=members, checked=streams, bare=bare, seen=seen,
                         occurred_at=now)
