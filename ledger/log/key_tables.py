"""The tables of the keys: one row a person and ledger, one a ledger, and one an import of which
rows are kept, all keys wrapped; beside them who was erased, and what the keys know of the log and
of their master key."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from ledger.log.merkle import HASH_BYTES
from ledger.log.milestones import ID_BYTES
from ledger.log.schema import WholeNumber

SECRET_BYTES = 60
"""A nonce of 12 bytes, a secret of 32, a tag of 16."""

PERSON_BYTES = 92
"""A nonce of 12 bytes, a key and the MAC of a lookup of 32 each, a tag of 16."""

LOOKUP_BYTES = 32
MOST_PERSON_BYTES = 100

metadata = MetaData()
persons = Table(
    "persons", metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("person", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", WholeNumber, nullable=False),
    Column("current", WholeNumber, nullable=False),
    PrimaryKeyConstraint("ledger", "person", name="persons_pk"),
    CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name="persons_ledger_length"),
    CheckConstraint(f"octet_length(person) BETWEEN 1 AND {MOST_PERSON_BYTES}",
                    name="persons_person_length"),
    CheckConstraint(f"octet_length(lookup) = {LOOKUP_BYTES}", name="persons_lookup_length"),
    CheckConstraint(f"octet_length(wrapped) = {PERSON_BYTES}", name="persons_wrapped_length"),
    CheckConstraint("current IN (0, 1)", name="persons_current"),
    sqlite_strict=True,
)
"""Several rows may have one lookup: who restores an older backup of keys has two keys of somebody,
and each opens what was sealed with it. The newest is `current`: new values are sealed with that."""

Index("persons_lookup", persons.c.ledger, persons.c.lookup, unique=True,
      sqlite_where=persons.c.current == 1, postgresql_where=persons.c.current == 1)
Index("persons_lookups", persons.c.ledger, persons.c.lookup)

ledger_secrets = Table(
    "ledger_secrets", metadata,
    Column("ledger", LargeBinary, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name="ledger_secrets_ledger_length"),
    CheckConstraint(f"octet_length(wrapped) = {SECRET_BYTES}",
                    name="ledger_secrets_wrapped_length"),
    sqlite_strict=True,
)

import_keys = Table(
    "import_keys", metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("import_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    PrimaryKeyConstraint("ledger", "import_id", name="import_keys_pk"),
    CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name="import_keys_ledger_length"),
    CheckConstraint(f"octet_length(wrapped) = {SECRET_BYTES}", name="import_keys_wrapped_length"),
    sqlite_strict=True,
)
"""What the faulty rows of an import are sealed under. No backup holds these keys, which are
destroyed soon."""

erased = Table(
    "erased", metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("person", Text, nullable=False),
    Column("position", WholeNumber, nullable=False),
    Column("master", WholeNumber, nullable=False),
    PrimaryKeyConstraint("ledger", "person", name="erased_pk"),
    CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name="erased_ledger_length"),
    CheckConstraint(f"octet_length(person) BETWEEN 1 AND {MOST_PERSON_BYTES}",
                    name="erased_person_length"),
    CheckConstraint("position > 0", name="erased_position"),
    CheckConstraint("master > 0", name="erased_master"),
    sqlite_strict=True,
)
"""Who was erased, and by the event at which position: no key, and no lookup, by which the shop
could try account names for ever. `master` is the number of the master key under which a key of
theirs was destroyed last: as long as that one is in use, an old copy of the keys opens it."""


def _upto(name: str) -> Table:
    """Up to where in each log something was done: the position and its leaf hash."""
    return Table(
        name, metadata,
        Column("ledger", LargeBinary, primary_key=True),
        Column("position", WholeNumber, nullable=False),
        Column("leaf", LargeBinary, nullable=False),
        CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name=f"{name}_ledger_length"),
        CheckConstraint("position > 0", name=f"{name}_position"),
        CheckConstraint(f"octet_length(leaf) = {HASH_BYTES}", name=f"{name}_leaf_length"),
        sqlite_strict=True)


followed = _upto("followed")
"""Up to where in each log the keys have followed its erasures."""

restored = _upto("restored")
"""Up to where in each log the newest backup of keys that was restored here was whole."""

master = Table(
    "master", metadata,
    Column("one", WholeNumber, primary_key=True, autoincrement=False),
    Column("number", WholeNumber, nullable=False),
    Column("id", LargeBinary, nullable=False),
    Column("former", LargeBinary),
    Column("next", LargeBinary),
    CheckConstraint("one = 1", name="master_one"),
    CheckConstraint("number > 0", name="master_number"),
    *(CheckConstraint(f"octet_length({name}) = {HASH_BYTES}", name=f"master_{name}_length")
      for name in ("id", "former", "next")),
    sqlite_strict=True,
)
"""One row: which master key wraps all of these keys, the number of it here, counted from 1, and
which one came before it, or is to come."""

_NEWEST = ("NOT EXISTS (SELECT 1 FROM persons p WHERE p.ledger = persons.ledger AND p.lookup ="
           " persons.lookup AND (p.created_at, p.person) > (persons.created_at, persons.person))")

SETTLE = ("UPDATE persons SET current = 0 WHERE current = 1 AND NOT " + _NEWEST,
          "UPDATE persons SET current = 1 WHERE current = 0 AND " + _NEWEST)
"""Lets the newest of each lookup count, in this order: an index takes one at a time only."""
