"""The tables of the keys: one row a person and ledger, and one a ledger, all keys wrapped."""

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

from ledger.log.milestones import ID_BYTES
from ledger.log.schema import WholeNumber

WRAPPED_BYTES = 60
"""A nonce of 12 bytes, a key of 32, a tag of 16."""

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
    CheckConstraint(f"octet_length(wrapped) = {WRAPPED_BYTES}", name="persons_wrapped_length"),
    CheckConstraint("current IN (0, 1)", name="persons_current"),
    sqlite_strict=True,
)
"""Several rows may have one lookup: who restores an older backup of keys has two keys of somebody,
and each opens what was sealed with it. The newest is `current`: new values are sealed with that."""

Index("persons_lookup", persons.c.ledger, persons.c.lookup, unique=True,
      sqlite_where=persons.c.current == 1, postgresql_where=persons.c.current == 1)
Index("persons_lookups", persons.c.ledger, persons.c.lookup)

erased = Table(
    "erased", metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("person", Text, nullable=False),
    Column("position", WholeNumber, nullable=False),
    PrimaryKeyConstraint("ledger", "person", name="erased_pk"),
    sqlite_strict=True,
)
"""Who was erased, and at which position of the log."""

ledger_secrets = Table(
    "ledger_secrets", metadata,
    Column("ledger", LargeBinary, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    CheckConstraint(f"octet_length(ledger) = {ID_BYTES}", name="ledger_secrets_ledger_length"),
    CheckConstraint(f"octet_length(wrapped) = {WRAPPED_BYTES}",
                    name="ledger_secrets_wrapped_length"),
    sqlite_strict=True,
)

_NEWEST = ("NOT EXISTS (SELECT 1 FROM persons p WHERE p.ledger = persons.ledger AND p.lookup ="
           " persons.lookup AND (p.created_at, p.person) > (persons.created_at, persons.person))")

SETTLE = ("UPDATE persons SET current = 0 WHERE current = 1 AND NOT " + _NEWEST,
          "UPDATE persons SET current = 1 WHERE current = 0 AND " + _NEWEST)
"""Lets the newest of each lookup count, in this order: an index takes one at a time only."""
