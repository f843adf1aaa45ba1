"""Who holds everything that there is of a ledger, and tries to find out about somebody.

They read every file, unpacked, open whatever a key in their hands opens, and hash guesses in every
way that the program does, and in some that it does not, with every secret that they have.
"""

import base64
import gzip
import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import select

from ledger.log import sealing, sqlite
from ledger.log.envelope import Entry, frame_bytes, frame_text
from ledger.log.key_tables import ledger_secrets, persons
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.log.wrapping import Master, of_person, of_secret
from ledger.settings import Settings

PURPOSES = ["person", "file", "request", "import", "import.command", "cursor", "actor"]
"""What MACs under a ledger's secret are made for, or once were."""


class Hand(NamedTuple):
    """What somebody holds: the bytes of all files, all that tables and backups hold, the events,
    the rows of keys, also those in backups, and all master keys."""

    files: bytes
    stored: bytes
    events: list[Entry]
    rows: list[Mapping[str, Any]]
    masters: list[bytes]

    def secrets(self) -> list[tuple[bytes, bytes]]:
        """The secrets of ledgers that open, each with its ledger."""
        return [(row["ledger"], found) for row in self.rows if "person" not in row
                for master in self.masters
                if (found := Master(master).unwrap(row["wrapped"], of_secret(row["ledger"])))]

    def keys(self) -> dict[str, bytes]:
        """The keys of persons that open."""
        return {row["person"]: found[:32] for row in self.rows if "person" in row
                for master in self.masters
                if (found := Master(master).unwrap(row["wrapped"], of_person(
                    row["ledger"], row["person"], row["lookup"])))}


def hand(settings: Settings, store: Store, keys: Keys, folders: Iterable[Path]) -> Hand:
    """All of it: of an installation and of folders, with the backups there."""
    files = {path: path.read_bytes() for folder in folders for path in sorted(folder.rglob("*"))
             if path.is_file()}
    unpacked = {path: gzip.decompress(raw) for path, raw in files.items() if path.suffix == ".gz"}
    events = [entry for name in store.ledgers() for entry in store.read(name, limit=10**6)]
    with keys.engine.connect() as connection:
        rows = [dict(row._mapping) for table in (ledger_secrets, persons)
                for row in connection.execute(select(table))]
    rows += [row for raw in unpacked.values() for row in _rows_of(raw)]
    stored = [value for path in files if path.suffix == ".db" for value in _sqlite(path)]
    if settings.admin_url is not None:
        stored += _postgres(settings.admin_url)
    assert settings.master_key_file is not None
    return Hand(b"".join((*files.values(), *unpacked.values())),
                b"\0".join((*map(_raw, stored), *unpacked.values())), events, rows,
                [settings.master_key_file.read_bytes()])


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _sqlite(path: Path) -> list[object]:
    """All that the tables of a file hold."""
    with closing(sqlite.driver().connect(str(path))) as one:
        names = [name for (name,) in one.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [value for name in names for row in one.execute(f'SELECT * FROM "{name}"')
                for value in row]


def _postgres(url: str) -> list[object]:
    """All that the tables of a database hold."""
    with psycopg.connect(url, autocommit=True) as one:
        names = one.execute("SELECT table_schema, table_name FROM information_schema.tables WHERE"
                            " table_schema NOT IN ('pg_catalog', 'information_schema')").fetchall()
        return [value for name in names
                for row in one.execute(Composed([SQL("SELECT * FROM "), Identifier(*name)]))
                for value in row]


def _rows_of(raw: bytes) -> Iterator[Mapping[str, Any]]:
    """The rows of keys in a backup."""
    for line in raw.splitlines():
        row = json.loads(line)
        if "wrapped" in row:
            yield {name: base64.b64decode(value) if name in ("ledger", "lookup", "wrapped")
                   else value for name, value in row.items()}


# -- the values themselves ------------------------------------------------------------------------


def spellings(value: str) -> dict[str, bytes]:
    """How a value may stand in a file."""
    raw = value.encode()
    found = {code: value.encode(code) for code in ("utf-8", "gbk", "utf-16-le", "utf-16-be")}
    found["JSON"] = json.dumps(value)[1:-1].encode()
    found["hex"] = raw.hex().encode()
    for shift in range(3):  # the letters of base64 that the value alone decides
        coded = base64.b64encode(bytes(shift) + raw)
        found[f"base64 {shift}"] = coded[(0, 2, 3)[shift]:len(coded) // 4 * 4 - 4]
    return found


def in_clear(held: Hand, values: Iterable[str]) -> list[tuple[str, str]]:
    """The values that stand somewhere, each with how it is spelled there."""
    return [(value, how) for value in values for how, spelled in spellings(value).items()
            if spelled in held.files]


def opened(held: Hand, person: str) -> list[bytes]:
    """What any key in the hand opens of what is sealed for a person, salt and value."""
    found = []
    ciphers = [AESGCM(key) for key in (*held.keys().values(), *held.masters,
                                       *(secret for _, secret in held.secrets()))]
    for entry in held.events:
        for name, value in json.loads(entry.payload).items():
            if isinstance(value, dict) and value.get("p") == person:
                where = sealing.place(frame_bytes(entry.ledger), entry.stream, entry.version,
                                      f"/{name}", person=person)
                for cipher in ciphers:
                    try:
                        found.append(cipher.decrypt(
                            sealing._unb64(value["n"]), sealing._unb64(value["c"]), where))
                    except InvalidTag:
                        continue
    return found


# -- guesses --------------------------------------------------------------------------------------


def confirmations(held: Hand, guess: Iterable[bytes]) -> set[str]:
    """How a digest is made of some guess that stands somewhere, as bytes, in hexadecimal or in
    base64. Whoever wants to know whether a guess is right compares it with a wrong one."""
    secrets, stands = held.secrets(), _parts(held.stored)
    return {f"{number}: {how}" for number, text in enumerate(guess)
            for how, digest in _digests(held, text, secrets)
            if not stands.isdisjoint((digest[:10], digest[:10].hex().encode(),
                                      base64.urlsafe_b64encode(digest)[:13]))}


def _parts(stored: bytes) -> set[bytes]:
    """Every 10 bytes that stand anywhere, and what may be 10 in hexadecimal or base64: an id keeps
    no more of a digest."""
    words = stored.translate(bytes.maketrans(b"+/", b"-_"))
    return {stored[at:at + 10] for at in range(len(stored))}.union(
        word[at:at + size] for size in (13, 20) for word in re.findall(rb"[\w-]{13,}", words)
        for at in range(len(word)))


def _digests(held: Hand, text: bytes, secrets: list[tuple[bytes, bytes]]
             ) -> Iterator[tuple[str, bytes]]:
    """The digests that can be made of a text with what is in the hand."""
    plain = hashlib.sha256(text).digest()
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        yield name, hashlib.new(name, text).digest()
    yield "blake2b of 16", hashlib.blake2b(text, digest_size=16).digest()
    yield "row", hashlib.blake2b(text, digest_size=16, key=b"order-ledger/row/v2").digest()
    for entry in held.events:
        yield "salted", hashlib.sha256(entry.salt + text).digest()
        yield "payload", hashlib.sha256(b"order-ledger/payload/v2" + frame_bytes(entry.salt)
                                        + frame_bytes(text)).digest()
    every = [*held.masters, *held.keys().values(), *(secret for _, secret in secrets)]
    for key, message in itertools.product(every, (text, frame_bytes(text), plain)):
        yield "HMAC", hmac.digest(key, message, "sha256")
    for ledger, secret in secrets:
        yield "ledger", hashlib.sha256(frame_bytes(ledger) + frame_bytes(text)).digest()
        for purpose, message in itertools.product(PURPOSES, (text, frame_bytes(text), plain)):
            mac = hmac.digest(secret, frame_text(purpose) + message, "sha256")
            yield f"MAC {purpose}", mac
            for master in held.masters:
                yield f"lookup {purpose}", Master(master).lookup(mac)
