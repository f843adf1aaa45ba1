"""What came of an attempt: that nothing was recorded is said only where it is proven.

An attempt whose COMMIT was sent and not answered may be in the log. From then on its command is in
doubt, whatever happens to later attempts, until a transaction that holds the head has looked it up.
A client's own key may stand for an attempt of another request, too, or of another process: what
comes under one is in doubt as long as nobody has looked.
"""

from collections.abc import Iterable, Sequence

from ledger.common.errors import Misconfigured, Unavailable
from ledger.log.damage import DatabaseDamaged
from ledger.log.envelope import Entry
from ledger.log.milestones import gave_up_at
from ledger.log.persons import LedgerKeys
from ledger.log.store import (
    ConnectionLost,
    LogConflict,
    Reader,
    StorageFailed,
    ValueNotStored,
    Writing,
)
from ledger.writing.errors import (
    CommandReused,
    LedgerClosed,
    RecordedUnderLostKeys,
    reason_of,
)
from ledger.writing.repeats import Repeats, is_same
from ledger.writing.tasks import Task

COMMON = (Unavailable, Misconfigured)
"""Errors that are nobody's fault: all who wait get them."""

NOT_RECORDED = (StorageFailed, LogConflict)
"""Errors that say, or let one believe, that nothing was recorded."""

LAST_WORD = ConnectionLost(why="the writer ended")
"""What is answered where nothing else can be made any more."""


def look_up(tasks: Sequence[Task], writing: Writing, ledger: bytes, keys: LedgerKeys) -> Repeats:
    """What the log holds of commands that were sent before; none is in doubt now."""
    repeats = Repeats(ledger, writing, keys)
    for task in tasks:
        task.first_id()
    sent = [task for task in tasks if task.tried or task.context.command_id is not None]
    repeats.look_up(sent)
    repeats.number(sent)
    for task in tasks:
        task.in_doubt, task.sent, task.known = None, False, True
        task.recorded = repeats.of(task)
    return repeats


def doubt_of(error: BaseException, *, at_commit: bool) -> ConnectionLost | None:
    """Why it is not known whether an attempt that ended with an error was recorded, if so.

    A database that refuses a COMMIT in words of its own has recorded nothing; which words those
    are, the store says (`SqlStore.undone`).
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
    elif task.context.by_client and not task.known and isinstance(task.result, NOT_RECORDED) \
            and not isinstance(task.result, DatabaseDamaged):  # it does not say: send it again
        task.result = ConnectionLost(why=reason_of(task.result))
    elif task.recorded and (task.result is None or isinstance(task.result, COMMON)):
        try:
            same = is_same(task, task.recorded, keys)
        except Exception as error:  # without its keys nobody knows whether it is this request
            task.result = ConnectionLost(why=str(error))
            return
        if same:
            task.entries = task.recorded
            task.result = task.receipt(task.recorded[-1].position)._replace(replayed=True)


def end(keys: LedgerKeys, *left: Iterable[Task]) -> None:
    """Answer whoever still waits for a writer that has ended, whatever ended it: nobody else will.

    What came as far as the COMMIT and has no answer yet is in doubt; the rest was not recorded.
    """
    for tasks in left:
        for task in tasks:
            _settle_at_last(task, keys)
    for tasks in left:
        for task in tasks:
            task.turn.end()


def _settle_at_last(task: Task, keys: LedgerKeys) -> None:
    try:
        if task.result is None and task.sent:
            task.result = LAST_WORD
        settle(task, keys)
        if task.result is None:
            task.result = LedgerClosed()
    except BaseException:  # not even the memory for an answer is there
        task.result = LAST_WORD


def another(
    recorded: Sequence[Entry], reader: Reader, ledger: bytes
) -> CommandReused | RecordedUnderLostKeys:
    """Why a command that is on record under an id is not the one that comes under it again."""
    if recorded[-1].position > gave_up_at(reader, ledger):
        return CommandReused()
    return RecordedUnderLostKeys(positions=", ".join(str(one.position) for one in recorded))


def copy_of(error: BaseException) -> BaseException:
    """A copy of an error that several callers get: raised by their threads, one object would mix
    their tracebacks. What only one caller gets is returned as it is."""
    if not isinstance(error, COMMON):
        return error
    copy = type(error)(**error.details)
    copy.__cause__ = error.__cause__
    return copy
