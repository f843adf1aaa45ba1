"""Commands on their way through the writer, and the callers who wait for them."""

import threading
from uuid import UUID

from ledger.common import waits
from ledger.common.context import Context, Receipt
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import index_of
from ledger.log.envelope import Entry
from ledger.log.randomness import uuid7
from ledger.log.store import ConnectionLost

DONE = "command.done.v1"
"""The type of the event that an accepted command leaves which changed nothing."""


class Turn:
    """A caller who waits for some tasks.

    `pending` counts what the answer still waits for: the last task, and each refusal that is not
    recorded yet. `failed` is the failure of an earlier task that the later ones share.
    """

    __slots__ = ("failed", "lock", "pending")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.pending = 1
        self.failed: BaseException | None = None

    def wait(self) -> None:
        """Until all is answered."""
        waits.process.begin()
        self.lock.acquire()
        waits.process.end()

    def settle(self) -> None:
        """One thing less to wait for; after the last one the caller goes on."""
        self.pending -= 1
        if not self.pending:
            self.lock.release()

    def end(self) -> None:
        """The caller goes on, whatever is missing; also one who went on before."""
        if self.lock.locked():
            self.lock.release()


class Task:
    """A command on its way through the writer.

    `entries` is what it records, `recorded` what the log held of it already; this is `known` once a
    transaction that held the head has looked. `in_doubt` is why nobody knows whether its last
    attempt was recorded, if so. `sent`: that attempt came as far as the COMMIT. `number` counts the
    statements that say the same but for personal values. `left_out`: what is personal in it was,
    since whose it is was erased.
    """

    __slots__ = ("command", "command_id", "context", "entries", "in_doubt", "key", "known",
                 "last", "left_out", "number", "recorded", "request_hash", "result", "sent",
                 "tried", "turn")

    def __init__(self, command: Command, context: Context, request_hash: bytes | None,
                 turn: Turn) -> None:
        self.command = command
        self.context = context
        self.be_named(context.command_id or uuid7())
        self.request_hash = request_hash
        self.turn = turn
        self.last = self.left_out = False
        self.number = 0
        self.tried = self.known = self.sent = False
        self.entries: list[Entry] = []
        self.recorded: list[Entry] = []
        self.in_doubt: ConnectionLost | None = None
        self.result: Receipt | BaseException | None = None

    def be_named(self, command_id: UUID) -> None:
        """Take an id; `key` is its bytes, which the log has and which are asked for often."""
        self.command_id, self.key = command_id, command_id.bytes

    def first_id(self) -> None:
        """Take up the id again that it came with: a new attempt counts statements from 0."""
        self.be_named(self.context.command_id or self.command_id)
        self.number = 0

    @property
    def stream(self) -> str:
        """The stream of what is recorded of the attempts under this command id."""
        return f"command:{self.command_id}"

    def receipt(self, position: int, last: Entry | None = None) -> Receipt:
        """What the task recorded, in a log that ends at a position; not that it changed nothing.
        `last`: the entry there, if it is known and not one of the task's own."""
        if self.entries and self.entries[-1].position == position:
            last = self.entries[-1]
        entries = [entry for entry in self.entries if entry.type != DONE]
        versions = {entry.stream: entry.version for entry in entries}
        versions.update(index_of(entries, ACCOUNT_KINDS))
        return Receipt(
            self.command_id, tuple([entry.position for entry in entries]), versions, position,
            False, b"" if last is None else last.leaf_hash, self.left_out,
            tuple(event_types.waiting_in(entries)))
