"""The `eventsourcing` library's recorder on a store of ours: its contract, nothing more.

It stores just what it is given: the topic as type, the state as payload, versions from 0 or 1. The
mapper decides which types there are and what a payload looks like. The ledger itself writes through
`Ledger.handle`, which adds receipts, personal values and the clock guard.
"""

import os
import time
from collections import deque
from collections.abc import Sequence
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import msgspec
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)

from ledger.common.context import Context
from ledger.log.append import append
from ledger.log.bounds import must_hold
from ledger.log.envelope import SALT_BYTES, Entry, leaf_hash, payload_hash, spelled_subjects
from ledger.log.store import LogConflict, StorageFailed, Store, Which, gapless

PAGE = 500
POLL_S = 0.2
UNKNOWN = Context(actor="system", role="system", client="eventsourcing")


class LogRecorder(ApplicationRecorder):
    """Records events of the library in one ledger. A notification's id is a position."""

    def __init__(self, store: Store, ledger: Which) -> None:
        self.store = store
        self.ledger = ledger
        self.listeners: set[Event] = set()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, context: Context | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Record events in one transaction. Returns their positions.

        Errors: the library's IntegrityError where a version is not the next, OperationalError where
        the database failed; those of `must_hold` where an event is too large.
        """
        if not stored_events:
            return None
        context = context or UNKNOWN
        try:
            with self.store.writing(self.ledger) as writing:
                head = writing.head(self.ledger)
                now = max(time.time_ns() // 1000, head.recorded_at + 1)
                first = _envelope(context)._replace(
                    ledger=writing.ledger, position=head.position, recorded_at=now, occurred_at=now)
                entries = [_entry(first, seq, event, context)
                           for seq, event in enumerate(stored_events, 1)]
                append(writing, head, entries)
        except LogConflict as error:
            raise IntegrityError(str(error)) from error
        except StorageFailed as error:
            raise OperationalError(str(error)) from error
        for listener in list(self.listeners):
            listener.set()
        return [entry.position for entry in entries]

    def select_events(
        self, originator_id: UUID | str, *, gt: int | None = None, lte: int | None = None,
        desc: bool = False, limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream, by version."""
        found = [
            StoredEvent(entry.stream, entry.version, entry.type, entry.payload)
            for entry in self.store.streams(self.ledger, [str(originator_id)])
            if (gt is None or entry.version > gt) and (lte is None or entry.version <= lte)
        ]
        return (found[::-1] if desc else found)[:limit]

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (),
        *, inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of all streams in the order of positions."""
        after = 0 if start is None else max(start - inclusive_of_start, 0)
        found: list[Notification] = []
        while len(found) < limit:
            page = self.store.read(self.ledger, after=after, until=stop, limit=max(limit, PAGE))
            found += notifications(gapless(page, self.ledger, after=after), topics)
            if not page:
                break
            after = page[-1].position
        return found[:limit]

    def max_notification_id(self) -> int | None:
        """The last position, or None where there is none."""
        return self.store.head(self.ledger).position or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> "Subscription[ApplicationRecorder]":
        """Events after a position, then those to come."""
        return LogSubscription(self, gt, topics)


class LogSubscription(Subscription[LogRecorder]):
    """Wakes when this recorder inserts, and polls for what others insert."""

    def __init__(
        self, recorder: LogRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._position = gt or 0
        self._found: deque[Notification] = deque()
        self._news = Event()
        recorder.listeners.add(self._news)

    def stop(self) -> None:
        """End the iteration, also that of a thread which waits in it."""
        super().stop()
        self._recorder.listeners.discard(self._news)
        self._news.set()

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._found:
                return self._found.popleft()
            self._news.clear()
            page = self._recorder.store.read(
                self._recorder.ledger, after=self._position, limit=PAGE)
            if page:
                gapless(page, self._recorder.ledger, after=self._position)
                self._position = page[-1].position
                self._found.extend(notifications(page, self._topics))
            elif not self._has_been_stopped:
                self._news.wait(POLL_S)
        raise StopIteration


def notifications(entries: Sequence[Entry], topics: Sequence[str]) -> list[Notification]:
    """Entries as the library wants them, of these types only if there are any."""
    return [Notification(e.stream, e.version, e.type, e.payload, e.position)
            for e in entries if not topics or e.type in topics]


def _envelope(context: Context) -> Entry:
    command_id = context.command_id or uuid4()
    source = None if context.source is None else msgspec.json.encode(context.source).decode()
    return Entry(b"", 0, "", 0, "", 0, 0, command_id.bytes, 0, None, None, context.actor,
                 context.role, context.client, (context.correlation or command_id).bytes,
                 context.causation, "", source, b"", b"", b"", b"")


def _entry(first: Entry, seq: int, event: StoredEvent, context: Context) -> Entry:
    stream, salt = str(event.originator_id), os.urandom(SALT_BYTES)
    entry = first._replace(
        position=first.position + seq, stream=stream, version=event.originator_version,
        type=event.topic, command_seq=seq, subjects=spelled_subjects({stream, *context.subjects}),
        payload=event.state, salt=salt, payload_hash=payload_hash(salt, event.state))
    must_hold(entry)
    return entry._replace(leaf_hash=leaf_hash(entry))
