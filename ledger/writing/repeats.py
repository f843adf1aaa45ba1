"""Whether what the log holds under a command's id is the same request.

The hash of the request says so but for personal values, which it does not cover: they are compared
with those that the command's events sealed. A value whose key was erased is compared no more.
"""

from collections.abc import Sequence

from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.envelope import Entry
from ledger.log.persons import LedgerKeys


def is_same(
    command: Command, request_hash: bytes | None, recorded: Sequence[Entry], keys: LedgerKeys
) -> bool:
    """Whether events are those of this very request. Errors: StorageFailed (R-LOG-04)."""
    return recorded[0].request_hash == request_hash and not (
        command.PERSONAL and _says_otherwise(command, recorded, keys))


def _says_otherwise(command: Command, recorded: Sequence[Entry], keys: LedgerKeys) -> bool:
    """Whether a personal value of a command is another than the one in its events."""
    for entry in recorded:
        fact = event_types.decode(entry)
        for name in set(command.PERSONAL).intersection(type(fact).PERSONAL):
            sealed = getattr(fact, name)
            if sealed is None:
                continue
            # The person on record says which key it is. Looked up, it might be another by now.
            value = keys.reveal(sealed, entry.stream, entry.version, f"/{name}")
            if value not in (None, getattr(command, name)):
                return True
    return False
