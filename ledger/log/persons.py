"""Keys: one per person and ledger, and one secret per ledger, in a database apart from the log.

Each is wrapped by a master key, which is kept in a file. Whoever loses the keys database or the
master key loses every personal value; whoever has only a backup of the log can read none.
"""

import hmac
import math
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, select

from ledger.common.errors import LedgerError, Misconfigured
from ledger.common.personal import Person, Personal, Plain
from ledger.log import sealing
from ledger.log.envelope import frame_bytes, frame_text
from ledger.log.key_rows import AT_ONCE, Opened, Upto
from ledger.log.key_tables import erased, followed, ledger_secrets, persons, restored
from ledger.log.keys_database import KeysDatabase
from ledger.log.master_key import KEY_BYTES
from ledger.log.sealing import b64
from ledger.log.store import Known
from ledger.log.wrapping import KeyDamaged, Master, of_secret

_CACHED = 100_000

HELD_S = 60
"""How long a process holds an opened key of which it cannot know that nobody was erased since."""


class WrongKeys(Misconfigured):
    """The keys in {keys} do not belong to the log of ledger {ledger!r}. Check LEDGER_KEYS_URL, or
    restore the keys' backup (`ledger restore --keys FILE`). If they are lost for good, `ledger
    give-up-keys` goes on with new ones."""

    code = "wrong_keys"
    rule = "R-KEY-05"


class PersonLost(LedgerError):
    """There is no key of {person}, and the log holds no erasure of it: its personal data is lost,
    and nothing can be added to it. If there is a backup of the keys, restore it (`ledger restore
    --keys FILE`)."""

    code = "person_lost"
    rule = "R-KEY-06"


class PersonErased(PersonLost):
    """{person} was erased: nothing that was sealed for them can be read, and nothing is added."""

    code = "person_erased"
    rule = "R-KEY-09"


_Opened = TypeVar("_Opened")
_Held = OrderedDict[str, tuple[_Opened, float]]
"""Opened keys, each with the time since when it is held, the oldest first."""


def _hold(held: _Held[_Opened], opened: Mapping[str, _Opened], now: float) -> None:
    for name, key in opened.items():
        held.pop(name, None)
        held[name] = key, now


def new_person() -> Person:
    """Somebody whom the keys do not hold yet: see `LedgerKeys.make`."""
    return Person("person:" + b64(os.urandom(15)), secrets.token_bytes(KEY_BYTES))


class Keys(KeysDatabase):
    """The keys database, which gives the keys of each ledger."""

    def of(self, ledger: Known, *, keys_id: bytes | None) -> "LedgerKeys":
        """The keys of one ledger; its secret is made if it has none and its log names none.

        Errors: WrongMasterKey (R-KEY-03), WrongKeys (R-KEY-05).
        """
        secret = self.secret_of(ledger.id)
        if secret is None:
            if keys_id is not None:
                raise WrongKeys(keys=self.named, ledger=ledger.name)
            fresh, place = secrets.token_bytes(KEY_BYTES), of_secret(ledger.id)
            self.insert(ledger_secrets.name, lambda used: [(ledger.id, used.wrap(fresh, place))])
            secret = self.secret_of(ledger.id)
        assert secret is not None
        found = LedgerKeys(self, ledger, secret)
        found.must_fit(keys_id)
        return found


class LedgerKeys:
    """The secret and the persons of one ledger. Seals and reveals personal values."""

    def __init__(self, keys: Keys, known: Known, secret: bytes) -> None:
        self._keys = keys
        self._keyed = hmac.new(secret, digestmod="sha256")
        self.ledger = known.id
        self.named = known.name
        self._framed = frame_bytes(known.id)
        self.id = sha256(b"order-ledger/keys/v1" + secret).digest()
        self.monotonic = time.monotonic
        self._current_at = -math.inf
        self._by_lookup: _Held[Person] = OrderedDict()
        self._by_id: _Held[AESGCM] = OrderedDict()
        self._forgotten = 0
        """How often opened keys were let go of: one that was read before is not held after it."""
        self._lock = threading.RLock()

    def forget(self) -> None:
        """Remove the secret of a ledger that never began."""
        gone = delete(ledger_secrets).where(ledger_secrets.c.ledger == self.ledger)
        with self._keys.changing() as connection:
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

        Errors: StorageFailed (R-LOG-04), KeyDamaged (R-KEY-12).
        """
        with self._lock:
            self._forget_old()
            missing = [name for name in dict.fromkeys(lookups) if name not in self._by_lookup]
            if missing:
                macs = {self.mac("person", name.encode()): name for name in missing}
                _hold(self._by_lookup, self._select(macs), self.monotonic())
            found = {name: known[0] for name in lookups
                     if (known := self._by_lookup.get(name)) is not None}
            self._trim()
            return found

    def names(self, lookups: Sequence[str]) -> dict[str, str]:
        """The ids of the persons with these lookups, also of those whose keys are damaged.

        Errors: StorageFailed (R-LOG-04).
        """
        macs = {self.mac("person", name.encode()): name for name in dict.fromkeys(lookups)}
        return {macs[one.mac]: one.person for one in self._looked_up(macs) if one.mac is not None}

    def knows(self, person: str) -> bool:
        """Whether there is a key of a person, open or damaged. Errors: StorageFailed (R-LOG-04)."""
        return bool(self._keys.opened(self.ledger, [person]))

    def _trim(self) -> None:
        for held in (self._by_lookup, self._by_id):
            while len(held) > _CACHED:
                held.popitem(last=False)

    def make(self, drafts: Mapping[str, Person], now: int) -> None:
        """Make the keys of new persons durable, by lookup: all of them or none.

        Errors: StorageFailed (R-LOG-04); LogConflict (R-LOG-03) if one of them is known by now.
        """
        macs = {self.mac("person", name.encode()): name for name in drafts}

        def rows(used: Master) -> list[tuple[object, ...]]:
            made = [(person.id, *used.wrap_person(self.ledger, person.id, person.key, mac))
                    for mac, name in macs.items() if (person := drafts[name])]
            made.sort(key=itemgetter(1))  # in one order of lookups: no deadlock
            return [(self.ledger, *one, now, 1) for one in made]

        self._keys.insert(persons.name, rows, whole=True)
        with self._lock:
            _hold(self._by_lookup, drafts, self.monotonic())
            self._trim()

    def _select(self, macs: dict[bytes, str]) -> dict[str, Person]:
        return {macs[one.mac]: Person(one.person, self._key(one)) for one in self._looked_up(macs)
                if one.mac is not None}

    def _looked_up(self, macs: Collection[bytes]) -> Iterator[Opened]:
        wanted = list(macs)
        for start in range(0, len(wanted), AT_ONCE):
            yield from self._keys.looked_up(self.ledger, wanted[start : start + AT_ONCE])

    def _key(self, found: Opened) -> bytes:
        """Errors: KeyDamaged (R-KEY-12)."""
        if found.key is None:
            raise KeyDamaged(whose=found.person, keys=self._keys.named)
        return found.key

    def by_id(self, person: str) -> Person:
        """A known person. Errors: PersonLost (R-KEY-06), PersonErased (R-KEY-09), KeyDamaged
        (R-KEY-12), StorageFailed (R-LOG-04)."""
        found = self._keys.opened(self.ledger, [person])
        if not found:
            self.let_go([person])
            raise (PersonErased if self.is_erased(person) else PersonLost)(person=person)
        return Person(person, self._key(found[0]))

    # -- erasure ----------------------------------------------------------------------------------

    def destroy(self, gone: Mapping[str, int], upto: Upto | None = None) -> None:
        """Destroy the keys of persons, each erased by the event at a position, and forget them.
        `upto` is how far the log was looked at. Errors: StorageFailed (R-LOG-04)."""
        self._keys.destroy(self.ledger, gone, upto)
        self.let_go(gone)

    def let_go(self, gone: Collection[str]) -> None:
        """Let go of the opened keys of persons, in the memory of this process."""
        with self._lock:
            self._forgotten += 1
            for person in gone:
                self._by_id.pop(person, None)
            for lookup in [name for name, (found, _) in self._by_lookup.items()
                           if found.id in gone]:
                del self._by_lookup[lookup]

    def followed(self) -> Upto | None:
        """How far in the log its erasures were followed; None if none was met yet.

        Errors: StorageFailed (R-LOG-04).
        """
        return self._keys.upto(followed, self.ledger)

    def restored(self) -> Upto | None:
        """How far in the log the newest backup of keys that was restored was whole, if any was.

        Errors: StorageFailed (R-LOG-04).
        """
        return self._keys.upto(restored, self.ledger)

    def buried(self) -> dict[str, int]:
        """All who were erased, as far as the log was followed, each with the event's position.

        Errors: StorageFailed (R-LOG-04).
        """
        query = select(erased.c.person, erased.c.position).where(erased.c.ledger == self.ledger)
        with self._keys.asking() as connection:
            rows = connection.execute(query).fetchall()
        return {person: position for person, position in rows if type(position) is int}

    def keys_of(self, people: Collection[str]) -> dict[str, bytes | None]:
        """The keys of persons, as far as there are any; None for one that is damaged.

        Errors: StorageFailed (R-LOG-04).
        """
        found, wanted = dict[str, bytes | None](), list(people)
        for start in range(0, len(wanted), AT_ONCE):
            for one in self._keys.opened(self.ledger, wanted[start : start + AT_ONCE]):
                found[one.person] = one.key
        return found

    def is_current(self) -> None:
        """What is held is what it is as of now: its holder knows of every erasure."""
        self._current_at = self.monotonic()

    def forget_opened(self) -> None:
        """Let go of all opened keys."""
        with self._lock:
            self._forgotten += 1
            self._by_lookup.clear()
            self._by_id.clear()

    def _forget_old(self) -> None:
        """Let go of the keys that are held for too long."""
        since = self.monotonic() - HELD_S
        if self._current_at >= since:
            return
        for held in (self._by_lookup, self._by_id):
            while held and next(iter(held.values()))[1] < since:
                held.popitem(last=False)

    def is_erased(self, person: str) -> bool:
        """Whether a person was erased, as far as the log was followed. Nothing is asked of the
        database while the key is known. Errors: StorageFailed (R-LOG-04)."""
        with self._lock:
            self._forget_old()
            if person in self._by_id:
                return False
        return self._keys.erasure_of(self.ledger, person) is not None

    def pending(self, position: int | None = None) -> list[str]:
        """What the erasure at a position, or any that was followed, still waits for.

        Shapes: of the words `keys` (these have not followed it yet), `master` (the master key was
        not changed since: `ledger keys rotate-master`) and `old_master` (its file is still there).
        Errors: StorageFailed (R-LOG-04).
        """
        query = select(func.max(erased.c.master)).where(erased.c.ledger == self.ledger)
        if position is not None:
            query = query.where(erased.c.position == position)
        row, upto = self._keys.master_row(), self.followed()
        with self._keys.asking() as connection:
            under = connection.execute(query).scalar()
        waits = {
            "keys": position is not None and under is None
                    and (upto is None or upto.position < position),
            "master": under is not None and row is not None and under >= row.number,
            "old_master": self._keys.keeps_old_master}
        return [word for word, so in waits.items() if so]

    def sharing(self, person: str) -> set[str]:
        """All whose keys have the same lookup as a person's, and that person: they are the same
        human being. Errors: StorageFailed (R-LOG-04)."""
        own = select(persons.c.lookup).where(
            persons.c.ledger == self.ledger, persons.c.person == person)
        query = select(persons.c.person).where(
            persons.c.ledger == self.ledger, persons.c.lookup.in_(own))
        with self._keys.asking() as connection:
            return {person, *connection.execute(query).scalars()}

    def load(self, people: Collection[str]) -> None:
        """Read the keys of some persons with one query, so that each value is opened without one.
        What does not open is left to who needs it. Errors: StorageFailed (R-LOG-04)."""
        with self._lock:
            self._forget_old()
            since = self._forgotten
            wanted = [person for person in people if person not in self._by_id]
        for person, key in self.keys_of(wanted).items():
            if key is not None:
                self._keep(person, AESGCM(key), since)

    def _cipher(self, person: str, key: bytes | None = None) -> AESGCM | None:
        with self._lock:
            self._forget_old()
            held, since = self._by_id.get(person), self._forgotten
        if held is not None:
            return held[0]
        try:
            known = AESGCM(self.by_id(person).key if key is None else key)
        except PersonLost:
            return None
        self._keep(person, known, since)
        return known

    def _keep(self, person: str, opened: AESGCM, since: int) -> None:
        """Hold an opened key, unless keys were let go of since it was asked for."""
        with self._lock:
            if since == self._forgotten:
                _hold(self._by_id, {person: opened}, self.monotonic())
                self._trim()

    # -- values -----------------------------------------------------------------------------------

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        """A value encrypted for its person and place, with the hash that commits to it."""
        person = plain.person.id
        cipher = self._cipher(person, plain.person.key)
        assert cipher is not None
        return sealing.sealed(plain.value, person, cipher,
                              sealing.place(self._framed, stream, version, field, person=person))

    def open(self, sealed: Personal, stream: str, version: int, field: str
             ) -> tuple[bytes, str] | None:
        """The salt and the value, or None where the key is gone.

        Errors: ValueError if the ciphertext does not belong to this place or to its hash.
        """
        cipher = self._cipher(sealed.p)
        if cipher is None:
            return None
        try:
            return sealing.opened(
                sealed, cipher, sealing.place(
                    self._framed, stream, version, field, person=sealed.p))
        except ValueError as error:
            raise ValueError(f"{stream} v{version} {field}: {error}") from None

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        """The value again, or None where the person's key is gone."""
        found = self.open(sealed, stream, version, field)
        return None if found is None else found[1]
