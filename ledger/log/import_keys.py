"""Keys of imports: what the faulty rows of one are sealed under, until it is destroyed."""

import secrets

from sqlalchemy import delete, select

from ledger.log.key_tables import import_keys
from ledger.log.keys_database import KeysDatabase
from ledger.log.master_key import KEY_BYTES
from ledger.log.wrapping import of_import


def make_key(keys: KeysDatabase, ledger: bytes, import_id: str) -> bytes:
    """A new key of an import, durable. One of before is destroyed.

    Errors: StorageFailed (R-LOG-04), WrongMasterKey (R-KEY-03).
    """
    destroy_key(keys, ledger, import_id)
    key = secrets.token_bytes(KEY_BYTES)
    keys.insert(import_keys.name, lambda used: [
        (ledger, import_id, used.wrap(key, of_import(ledger, import_id)))])
    return key


def key_of(keys: KeysDatabase, ledger: bytes, import_id: str) -> bytes | None:
    """The key of an import; None where it has none, or it was destroyed.

    Errors: KeyDamaged (R-KEY-12), WrongMasterKey (R-KEY-03), StorageFailed (R-LOG-04).
    """
    query = select(import_keys.c.wrapped).where(
        import_keys.c.ledger == ledger, import_keys.c.import_id == import_id)
    return keys.key_at(query, of_import(ledger, import_id), f"import:{import_id}")


def destroy_key(keys: KeysDatabase, ledger: bytes, import_id: str) -> None:
    """Destroy the key of an import, if it has one. Errors: StorageFailed (R-LOG-04)."""
    with keys.changing() as connection:
        gone = connection.execute(delete(import_keys).where(
            import_keys.c.ledger == ledger, import_keys.c.import_id == import_id)).rowcount
    if gone:
        keys.sweep()
