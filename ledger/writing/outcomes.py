"""What came of an attempt: that nothing was recorded is said only where it is proven.

An attempt whose COMMIT was sent and not answered may be in the log. From then on its command is in
doubt, whatever happens to later attempts, until a transaction that holds the head has looked it up.
"""

from collections.abc import Sequence

from ledger.common.errors import Misconfigured, Unavailable
from ledger.log.envelope import Entry
from ledger.log.persons import LedgerKeys
from ledger.log.store import ConnectionLost, LogConflict, StorageFailed, ValueNotStored, Writing
from ledger.writing.repeats import is_same
from ledger.writing.tasks import Task

COMMON = (Unavailable, Misconfigured)
"""Errors that are nobody's fault: all who wait get them."""


def look_up(tasks: Sequence[Task], writing: Writing, ledger: str) -> dict[bytes, list[Entry]]:
    """What the log holds of commands that were sent before, by command id; none is in doubt now."""
    ids = [task.command_id.bytes for task in tasks
           if task.tried or task.context.command_id is not None]
    found: dict[bytes, list[Entry]] = {}
    for entry in writing.commands(ledger, ids) if ids else ():
        found.setdefault(entry.command_id, []).append(entry)
    for task in tasks:
        task.in_doubt = None
        task.recorded = found.get(task.command_id.bytes, [])
    return found


def doubt_of(error: BaseException, *, at_commit: bool) -> ConnectionLost | None:
    """Why it is not known whether an attempt that ended with an error was recorded, if so.

    A database that refuses a COMMIT in words of its own has recorded nothing.
    """
    if isinstance(error, ConnectionLost):
        return error
    if not at_commit or isinstance(error, StorageFailed | LogConflict | ValueNotStored):
        return None
    doubt = ConnectionLost(why=type(error).__name__)
    doubt.__cause__ = error
    return doubt


def settle(task: Task, keys: LedgerKeys) -> None:
    """Put right what a task is to be answered, if it failed although it is, or may be, recorded."""
    if task.in_doubt is not None:
        task.result = copy_of(task.in_doubt)
    elif task.recorded and (task.result is None or isinstance(task.result, COMMON)):
        try:
            same = is_same(task.command, task.request_hash, task.recorded, keys)
        except Exception as error:  # without its keys nobody knows whether it is this request
            task.result = ConnectionLost(why=str(error))
            return
        if same:
            task.entries = task.recorded
            task.result = task.receipt(task.recorded[-1].position)._replace(replayed=True)


def copy_of(error: BaseException) -> BaseException:
    """A copy of an error that several callers get: raised by their threads, one object would mix
    their tracebacks. What only one caller gets is returned as it is."""
    if not isinstance(error, COMMON):
        return error
    copy = type(error)(**error.details)
    copy.__cause__ = error.__cause__
    return copy
