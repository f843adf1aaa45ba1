"""Whether the keys of the ledgers that are here are there at all."""

from collections.abc import Collection
from pathlib import Path

from ledger.common.errors import Misconfigured


class MissingKeys(Misconfigured):
    """Ledger {ledger!r} names the keys that its personal values are sealed with, and there is no
    keys database at {path}. Check LEDGER_KEYS_URL, or restore the keys' backup (`ledger restore
    --keys FILE`). If they are lost for good, `ledger give-up-keys` goes on with new ones."""

    code = "missing_keys"
    rule = "R-KEY-13"


def must_be_there(path: Path | None, ledgers: Collection[str]) -> None:
    """Check that there is a keys database in a file, if they are in one, where there are ledgers.

    Errors: MissingKeys (R-KEY-13).
    """
    if path is not None and ledgers and not path.exists():
        raise MissingKeys(ledger=min(ledgers), path=path)
