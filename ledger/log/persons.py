"""Keys: one per person and ledger, and one secret per ledger, in a database apart from the log.

Each is wrapped by a master key, which is kept in a file. Whoever loses the keys database or the
master key loses every personal value; whoever has only a backup of the log can read none.
"""

import base64
import hmac
import os
import secrets
import threading
from binascii import b2a_base64
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, Table, delete, inspect, select
from sqlalchemy.exc import DBAPIError

from ledger.common.errors import LedgerError, Misconfigured
from ledger.common.personal import Person, Personal, Plain
from ledger.log import migrations
from ledger.log.envelope import frame_bytes, frame_text
from ledger.log.key_tables import SETTLE, erased, ledger_secrets, metadata, persons
from ledger.log.master_key import KEY_BYTES
from ledger.log.store import Known, LogConflict, StorageFailed

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

NONCE_BYTES = 12
SALT_BYTES = 16

PERSONAL_PREFIX = b"order-ledger/personal/v2"
PERSON_PREFIX = b"order-ledger/key/person/v2"
SECRET_PREFIX = b"order-ledger/key/secret/v2"
"""What the associated data begin with: a ciphertext of one kind cannot be taken for another."""

_CACHED = 100_000


class MissingMasterKey(Misconfigured):
    """There is no master key at {path}, but {keys} holds keys that need it. Restore the file from
    where you keep its copy; without it no personal value can be read."""

    code = "missing_master_key"
    rule = "R-KEY-01"


class MasterKeyRequired(Misconfigured):
    """LEDGER_MASTER_KEY_FILE must name a file with 32 random bytes when the log is in PostgreSQL.
    Make one with `head -c 32 /dev/urandom > FILE; chmod 600 FILE`."""

    code = "master_key_required"
    rule = "R-KEY-02"


class WrongMasterKey(Misconfigured):
    """The master key at {path} does not open the keys in {keys}. Use the master key that was kept
    with these keys."""

    code = "wrong_master_key"
    rule = "R-KEY-03"


class WrongKeys(Misconfigured):
    """The keys in {keys} do not belong to the log of ledger {ledger!r}. Check LEDGER_KEYS_URL, or
    restore the keys' backup. If they are lost for good, `ledger give-up-keys` goes on without."""

    code = "wrong_keys"
    rule = "R-KEY-05"


class PersonLost(LedgerError):
    """There is no key of {person}, and the log holds no erasure of it: its personal data is lost,
    and nothing can be added to it. If there is a backup of the keys, restore it (`ledger restore
    --keys FILE`)."""

    code = "person_lost"
    rule = "R-KEY-06"


def _b64(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_person() -> Person:
    """Somebody whom the keys do not hold yet: see `LedgerKeys.make`."""
    return Person("person:" + _b64(os.urandom(15)), secrets.token_bytes(KEY_BYTES))


def _of_secret(ledger: bytes) -> bytes:
    return SECRET_PREFIX + frame_bytes(ledger)


def _of_person(ledger: bytes, person: str, lookup: bytes) -> bytes:
    return b"".join((PERSON_PREFIX, frame_bytes(ledger), frame_text(person), frame_bytes(lookup)))


def _make_tables(engine: Engine) -> None:
    """Make missing tables. Several processes may start at once: one at a time looks and makes."""
    if not inspect(engine).has_table(ledger_secrets.name):
        with engine.connect() as connection, migrations.exclusively(connection):
            metadata.create_all(connection)


class Keys:
    """The keys database, opened with a master key."""

    def __init__(self, engine: Engine, master_key: bytes, *, named: str, key_file: str) -> None:
        self.engine = engine
        self.named = named
        self.key_file = key_file
        self._master = AESGCM(master_key)
        self._lock = threading.Lock()
        _make_tables(engine)

    @staticmethod
    def holds_any(engine: Engine) -> bool:
        """Whether there are keys that only an existing master key can open."""
        _make_tables(engine)
        with engine.connect() as connection:
            return connection.execute(select(ledger_secrets.c.ledger).limit(1)).first() is not None

    def _wrap(self, key: bytes, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, place)

    def _unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        try:
            return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):  # or it is too short for any key
            raise WrongMasterKey(path=self.key_file, keys=self.named) from None

    def of(self, ledger: Known, *, keys_id: bytes | None) -> "LedgerKeys":
        """The keys of one ledger; its secret is made if it has none and its log names none.

        Errors: WrongMasterKey (R-KEY-03), WrongKeys (R-KEY-05).
        """
        query = select(ledger_secrets.c.wrapped).where(ledger_secrets.c.ledger == ledger.id)
        with self._lock, self.engine.connect() as connection:
            wrapped = connection.execute(query).scalar()
            if wrapped is None:
                if keys_id is not None:
                    raise WrongKeys(keys=self.named, ledger=ledger.name)
                fresh = self._wrap(secrets.token_bytes(KEY_BYTES), _of_secret(ledger.id))
                self._insert(connection, ledger_secrets.name, [(ledger.id, fresh)])
                wrapped = connection.execute(query).scalar()
        assert wrapped is not None
        found = LedgerKeys(self, ledger, self._unwrap(wrapped, _of_secret(ledger.id)))
        found.must_fit(keys_id)
        return found

    def _insert(self, connection: object, table: str, rows: list[tuple[object, ...]],
                *, whole: bool = False, then: Sequence[str] = ()) -> None:
        """Add the rows whose key is free, durably; with `whole`, none unless all are.

        Errors: LogConflict (R-LOG-03).
        """
        mark = "?" if self.engine.dialect.name == "sqlite" else "%s"
        marks = ", ".join([mark] * len(rows[0]))
        sql = f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING"
        connection.exec_driver_sql("BEGIN")  # type: ignore[attr-defined]
        added = connection.exec_driver_sql(sql, rows).rowcount  # type: ignore[attr-defined]
        if whole and added < len(rows):
            connection.exec_driver_sql("ROLLBACK")  # type: ignore[attr-defined]
            raise LogConflict(what="person")
        for statement in then:
            connection.exec_driver_sql(statement)  # type: ignore[attr-defined]
        connection.exec_driver_sql("COMMIT")  # type: ignore[attr-defined]

    def adopt(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Take the wrapped keys of a backup, if all of them open; known ones stay as they are.
        Of several keys under one lookup the newest counts. Errors: WrongMasterKey (R-KEY-03).
        """
        of_persons = table is persons
        for row in rows:
            self._unwrap(row["wrapped"], _of_person(row["ledger"], row["person"], row["lookup"])
                         if of_persons else _of_secret(row["ledger"]))
        if rows:
            taken = [{**row, "current": 0} for row in rows] if of_persons else rows
            values = [tuple(row[column.name] for column in table.columns) for row in taken]
            with self._lock, self.engine.connect() as connection:
                self._insert(connection, table.name, values, then=SETTLE if of_persons else ())

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


class LedgerKeys:
    """The secret and the persons of one ledger. Seals and reveals personal values."""

    def __init__(self, keys: Keys, known: Known, secret: bytes) -> None:
        self._keys = keys
        self._keyed = hmac.new(secret, digestmod="sha256")
        self.ledger = known.id
        self.named = known.name
        self._framed = frame_bytes(known.id)
        self.id = sha256(b"order-ledger/keys/v1" + secret).digest()
        self._by_lookup: OrderedDict[str, Person] = OrderedDict()
        self._by_id: OrderedDict[str, AESGCM] = OrderedDict()
        self._lock = threading.RLock()

    def forget(self) -> None:
        """Remove the secret of a ledger that never began."""
        gone = delete(ledger_secrets).where(ledger_secrets.c.ledger == self.ledger)
        with self._keys.engine.connect() as connection:
            connection.execute(gone)

    def must_fit(self, keys_id: bytes | None) -> None:
        """Check that the log names these keys, or none yet. Errors: WrongKeys (R-KEY-05)."""
        if keys_id is not None and keys_id != self.id:
            raise WrongKeys(keys=self._keys.named, ledger=self.named)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA-256 of data under the ledger's secret; each purpose has MACs of its own."""
        keyed = self._keyed.copy()
        keyed.update(frame_text(purpose) + data)
        return keyed.digest()

    # -- persons ----------------------------------------------------------------------------------

    def find(self, lookups: Sequence[str]) -> dict[str, Person]:
        """The persons with these lookups, as far as they are known.

        Errors: StorageFailed (R-LOG-04).
        """
        with self._lock:
            missing = [name for name in dict.fromkeys(lookups) if name not in self._by_lookup]
            if missing:
                macs = {self.mac("person", name.encode()): name for name in missing}
                try:
                    with self._keys.engine.connect() as connection:
                        self._by_lookup.update(self._select(connection, macs))
                except DBAPIError as error:
                    raise StorageFailed(why=str(error.orig)) from error
            found = {name: known for name in lookups
                     if (known := self._by_lookup.get(name)) is not None}
            self._keep({})
            return found

    def _keep(self, persons: Mapping[str, Person]) -> None:
        self._by_lookup.update(persons)
        while len(self._by_lookup) > _CACHED:
            self._by_lookup.popitem(last=False)

    def make(self, drafts: Mapping[str, Person], now: int) -> None:
        """Make the keys of new persons durable, by lookup: all of them or none.

        Errors: StorageFailed (R-LOG-04); LogConflict (R-LOG-03) if one of them is known by now.
        """
        macs = {self.mac("person", name.encode()): name for name in drafts}
        rows: list[tuple[object, ...]] = [
            (self.ledger, person.id, mac,
             self._keys._wrap(person.key, _of_person(self.ledger, person.id, mac)), now, 1)
            for mac in sorted(macs)  # in one order: no deadlock
            if (person := drafts[macs[mac]])]
        try:
            with self._lock, self._keys.engine.connect() as connection:
                self._keys._insert(connection, persons.name, rows, whole=True)
        except DBAPIError as error:
            raise StorageFailed(why=str(error.orig)) from error
        with self._lock:
            self._keep(drafts)

    def _select(self, connection: object, macs: dict[bytes, str]) -> dict[str, Person]:
        found = {}
        wanted = list(macs)
        for start in range(0, len(wanted), 500):
            query = select(persons.c.lookup, persons.c.person, persons.c.wrapped).where(
                persons.c.ledger == self.ledger,
                persons.c.current == 1, persons.c.lookup.in_(wanted[start : start + 500]))
            for mac, person, wrapped in connection.execute(query):  # type: ignore[attr-defined]
                key = self._unwrap(person, mac, wrapped)
                found[macs[bytes(mac)]] = Person(person, key)
        return found

    def by_id(self, person: str) -> Person:
        """A known person. Errors: PersonLost (R-KEY-06), StorageFailed (R-LOG-04)."""
        query = select(persons.c.lookup, persons.c.wrapped).where(
            persons.c.ledger == self.ledger, persons.c.person == person)
        try:
            with self._keys.engine.connect() as connection:
                found = connection.execute(query).first()
        except DBAPIError as error:
            raise StorageFailed(why=str(error.orig)) from error
        if found is None:
            raise PersonLost(person=person)
        return Person(person, self._unwrap(person, *found))

    def _unwrap(self, person: str, lookup: bytes, wrapped: bytes) -> bytes:
        return self._keys._unwrap(wrapped, _of_person(self.ledger, person, lookup))

    def load(self, people: Collection[str]) -> None:
        """Read the keys of some persons with one query, so that each value is opened without one.
        What does not open is left to who needs it. Errors: StorageFailed (R-LOG-04)."""
        wanted = [person for person in people if person not in self._by_id]
        for start in range(0, len(wanted), 500):
            query = select(persons.c.person, persons.c.lookup, persons.c.wrapped).where(
                persons.c.ledger == self.ledger,
                persons.c.person.in_(wanted[start : start + 500]))
            try:
                with self._keys.engine.connect() as connection:
                    rows = connection.execute(query).fetchall()
            except DBAPIError as error:
                raise StorageFailed(why=str(error.orig)) from error
            for row in rows:
                with suppress(WrongMasterKey):
                    self._cipher(row.person, self._unwrap(*row))

    def _cipher(self, person: str, key: bytes | None = None) -> AESGCM | None:
        with self._lock:
            known = self._by_id.get(person)
        if known is not None:
            return known
        try:
            known = AESGCM(self.by_id(person).key if key is None else key)
        except PersonLost:
            return None
        with self._lock:
            self._by_id[person] = known
            if len(self._by_id) > _CACHED:
                self._by_id.popitem(last=False)
        return known

    # -- erasure ----------------------------------------------------------------------------------

    def destroy(self, gone: Mapping[str, int]) -> None:
        """Delete the keys of erased persons, and keep at which position each was erased."""
        with self._lock, self._keys.engine.connect() as connection:
            connection.execute(delete(persons).where(
                persons.c.ledger == self.ledger, persons.c.person.in_(list(gone))))
            rows: list[tuple[object, ...]] = [(self.ledger, *one) for one in gone.items()]
            self._keys._insert(connection, erased.name, rows)
            self._by_lookup = OrderedDict(
                (name, one) for name, one in self._by_lookup.items() if one.id not in gone)
            for person in gone:
                self._by_id.pop(person, None)

    def is_erased(self, person: str) -> bool:
        """Whether a person was erased."""
        query = select(erased).where(erased.c.ledger == self.ledger, erased.c.person == person)
        with self._keys.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def sharing(self, person: str) -> set[str]:
        """All persons with the lookup of one, itself included."""
        lookup = select(persons.c.lookup).where(persons.c.person == person).scalar_subquery()
        query = select(persons.c.person).where(
            persons.c.ledger == self.ledger, persons.c.lookup == lookup)
        with self._keys.engine.connect() as connection:
            return {person, *connection.execute(query).scalars()}

    # -- values -----------------------------------------------------------------------------------

    def _place(self, stream: str, version: int, field: str, person: str) -> bytes:
        return b"".join((PERSONAL_PREFIX, self._framed, frame_text(stream),
                         frame_bytes(version.to_bytes(8, "big")), frame_text(field),
                         frame_text(person)))

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        """A value encrypted for its person and place, with the hash that commits to it."""
        person = plain.person.id
        cipher = self._cipher(person, plain.person.key)
        assert cipher is not None
        drawn = os.urandom(NONCE_BYTES + SALT_BYTES)
        nonce, opened = drawn[:NONCE_BYTES], drawn[NONCE_BYTES:] + plain.value.encode()
        sealed = cipher.encrypt(nonce, opened, self._place(stream, version, field, person))
        return Personal(person, _b64(nonce), _b64(sealed), _b64(sha256(opened).digest()))

    def open(self, sealed: Personal, stream: str, version: int, field: str
             ) -> tuple[bytes, str] | None:
        """The salt and the value, or None where the key is gone.

        Errors: ValueError if the ciphertext does not belong to this place or to its hash.
        """
        cipher = self._cipher(sealed.p)
        if cipher is None:
            return None
        try:
            opened = cipher.decrypt(_unb64(sealed.n), _unb64(sealed.c),
                                    self._place(stream, version, field, sealed.p))
        except InvalidTag:
            raise ValueError(f"{stream} v{version} {field}: not sealed for this place") from None
        if _b64(sha256(opened).digest()) != sealed.h:
            raise ValueError(f"{stream} v{version} {field}: value and hash disagree")
        return opened[:SALT_BYTES], opened[SALT_BYTES:].decode()

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        """The value again, or None where the person's key is gone."""
        found = self.open(sealed, stream, version, field)
        return None if found is None else found[1]
