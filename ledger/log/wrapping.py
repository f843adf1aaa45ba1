"""How keys are wrapped by the master key: each for its place, and it opens nowhere else."""

import hmac
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.common.errors import LedgerError, Misconfigured
from ledger.log.envelope import frame_bytes, frame_text
from ledger.log.master_key import KEY_BYTES

NONCE_BYTES = 12

MAC_BYTES = 32

PERSON_PREFIX = b"order-ledger/key/person/v2"
SECRET_PREFIX = b"order-ledger/key/secret/v2"
IMPORT_PREFIX = b"order-ledger/key/import/v1"
"""What the associated data begin with: a ciphertext of one kind cannot be taken for another."""


class WrongMasterKey(Misconfigured):
    """The master key at {path} does not open the keys in {keys}. Use the one that belongs to this
    keys database: after `ledger keys rotate-master`, the new one."""

    code = "wrong_master_key"
    rule = "R-KEY-03"


class OtherMasterKey(WrongMasterKey):
    """The backup {keys} needs another master key than the one in use, at {path}, and nothing was
    taken from it. A backup from before `ledger keys rotate-master` opens no more, and is meant to:
    use one that was made since. If the master key was never changed, the one in use is not the one
    that was kept with this backup."""

    code = "other_master_key"
    rule = "R-KEY-15"


class KeyDamaged(LedgerError):
    """The key of {whose} in {keys} is damaged: it does not open, and what it sealed cannot be read.
    If there is a backup of the keys, restore it (`ledger restore --keys FILE`)."""

    code = "key_damaged"
    rule = "R-KEY-12"


class DamagedKeys(Misconfigured):
    """{count} key(s) in {keys} do not open, and nothing was done: with another master key no backup
    could mend them any more. Restore a backup of the keys first (`ledger restore --keys FILE`). If
    there is none, persons' keys can be left behind with --leave-damaged, and a ledger's secret with
    `ledger give-up-keys`."""

    code = "damaged_keys"
    rule = "R-KEY-16"


def of_secret(ledger: bytes) -> bytes:
    """The place of a ledger's secret."""
    return SECRET_PREFIX + frame_bytes(ledger)


def of_import(ledger: bytes, import_id: str) -> bytes:
    """The place of an import's key."""
    return b"".join((IMPORT_PREFIX, frame_bytes(ledger), frame_text(import_id)))


def of_person(ledger: bytes, person: str, lookup: bytes) -> bytes:
    """The place of a person's key."""
    return b"".join((PERSON_PREFIX, frame_bytes(ledger), frame_text(person), frame_bytes(lookup)))


def place_of(row: Any) -> bytes:
    """The place of a row of the keys: of a person, of an import, or of a ledger's secret."""
    values = row if isinstance(row, dict) else row._mapping
    if "person" in values:
        return of_person(values["ledger"], values["person"], values["lookup"])
    if "import_id" in values:
        return of_import(values["ledger"], values["import_id"])
    return of_secret(values["ledger"])


def master_id(path: Path) -> bytes | None:
    """The id of the master key in a file; None if there is none."""
    try:
        key = path.read_bytes()
    except OSError:
        return None
    return Master(key).id if len(key) == KEY_BYTES else None


class Master:
    """A master key, and the id by which the keys database knows it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.id = sha256(b"order-ledger/master/v1" + key).digest()
        self._lookups = hmac.new(
            sha256(b"order-ledger/lookup/v2" + key).digest(), digestmod="sha256")

    def lookup(self, mac: bytes) -> bytes:
        """What stands in a row for the MAC of what a person is known by. It takes the master key to
        make it: an old copy of the keys confirms no guess once its master key is destroyed."""
        keyed = self._lookups.copy()
        keyed.update(mac)
        return keyed.digest()

    def wrap_person(self, ledger: bytes, person: str, key: bytes, mac: bytes
                    ) -> tuple[bytes, bytes]:
        """A person's lookup and key, wrapped together with the MAC that the lookup stands for."""
        lookup = self.lookup(mac)
        return lookup, self.wrap(key + mac, of_person(ledger, person, lookup))

    def wrap(self, key: bytes, place: bytes) -> bytes:
        """A key, wrapped for a place."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes | None:
        """A key that was wrapped for a place; None if this does not open it."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place)
        except (InvalidTag, ValueError, TypeError):  # or it is too short, or no bytes at all
            return None
