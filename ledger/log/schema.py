"""The tables of the log, one layout on SQLite and PostgreSQL, and the triggers that guard it.

The database itself keeps the events append-only: triggers refuse UPDATE, DELETE, TRUNCATE, and
every INSERT that is not the next position, the stream's next version and a new command and `once`.
The last two look redundant next to the unique indexes, but SQLite's INSERT OR REPLACE removes the
row that a unique index finds, and fires no DELETE trigger for it. What follows from the events and
is kept beside them, tiles and accounts, stays as it is, too; an account's row needs an event that
names it.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from ledger.log.bounds import MAX_SUBJECTS, MOST, NAME_BYTES, WIDTHS
from ledger.log.envelope import Entry
from ledger.log.merkle import HASH_BYTES, TILE_LEAVES
from ledger.log.milestones import ID_BYTES

metadata = MetaData()

_Text = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte: an index in a locale's order breaks when the locale's rules change."""

WholeNumber = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; a STRICT table of SQLite knows the word INTEGER only."""


def _checks(table: str, *conditions: tuple[str, str]) -> list[CheckConstraint]:
    return [CheckConstraint(condition, name=f"{table}_{name}_length")
            for name, condition in conditions]


ledgers = Table(
    "ledgers",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("name", _Text, nullable=False),
    Column("of", LargeBinary),
    UniqueConstraint("name", name="ledgers_name"),
    *_checks("ledgers", ("id", f"octet_length(id) = {ID_BYTES}"),
             ("name", f"octet_length(name) BETWEEN 1 AND {NAME_BYTES}"),
             ("of", f'octet_length("of") = {ID_BYTES}')),
    sqlite_strict=True,
)
"""The only place where a ledger has a name: everywhere else it is known by its id."""

events = Table(
    "events",
    metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("position", WholeNumber, nullable=False),
    Column("stream", _Text, nullable=False),
    Column("version", WholeNumber, nullable=False),
    Column("type", _Text, nullable=False),
    Column("recorded_at", WholeNumber, nullable=False),
    Column("occurred_at", WholeNumber, nullable=False),
    Column("command_id", LargeBinary, nullable=False),
    Column("command_seq", WholeNumber, nullable=False),
    Column("request_hash", LargeBinary),
    Column("once", _Text),
    Column("actor", _Text, nullable=False),
    Column("role", _Text, nullable=False),
    Column("client", _Text, nullable=False),
    Column("correlation", LargeBinary, nullable=False),
    Column("causation", WholeNumber),
    Column("subjects", _Text, nullable=False),
    Column("source", _Text),
    Column("payload", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("ledger", "position", name="events_pk"),
    UniqueConstraint("ledger", "stream", "version", name="events_stream"),
    UniqueConstraint("ledger", "command_id", "command_seq", name="events_command"),
    *_checks("events",
             *((name, f"octet_length({name}) = {width}") for name, width in WIDTHS.items()),
             *((name, f"octet_length({name}) <= {most}") for name, most in MOST.items())),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
Index("events_once", events.c.ledger, events.c.once, unique=True,
      sqlite_where=events.c.once.isnot(None), postgresql_where=events.c.once.isnot(None))

heads = Table(
    "heads",
    metadata,
    Column("ledger", LargeBinary, primary_key=True),
    Column("position", WholeNumber, nullable=False),
    Column("recorded_at", WholeNumber, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("keys_id", LargeBinary),
    *_checks("heads", ("ledger", f"octet_length(ledger) = {ID_BYTES}"),
             ("keys_id", f"octet_length(keys_id) = {HASH_BYTES}"),
             ("frontier", f"octet_length(frontier) / {HASH_BYTES} * {HASH_BYTES}"
                          " = octet_length(frontier)")),
    sqlite_strict=True,
)

tiles = Table(
    "tiles",
    metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("level", WholeNumber, nullable=False),
    Column("number", WholeNumber, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("ledger", "level", "number", name="tiles_pk"),
    *_checks("tiles", ("ledger", f"octet_length(ledger) = {ID_BYTES}"),
             ("hashes", f"octet_length(hashes) = {TILE_LEAVES * HASH_BYTES}")),
    sqlite_strict=True,
)

accounts = Table(
    "accounts",
    metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("subject", _Text, nullable=False),
    Column("position", WholeNumber, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", "position", name="accounts_pk"),
    *_checks("accounts", ("ledger", f"octet_length(ledger) = {ID_BYTES}"),
             ("subject", f"octet_length(subject) <= {NAME_BYTES}")),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
"""Which events name an account, as their subjects say. All columns are of the key, so no row can
take the place of another."""

balances = Table(
    "balances",
    metadata,
    Column("ledger", LargeBinary, nullable=False),
    Column("subject", _Text, nullable=False),
    Column("position", WholeNumber, nullable=False),
    Column("format", WholeNumber, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="balances_pk"),
    *_checks("balances", ("ledger", f"octet_length(ledger) = {ID_BYTES}"),
             ("subject", f"octet_length(subject) <= {NAME_BYTES}"),
             ("mac", f"octet_length(mac) = {HASH_BYTES}")),
    sqlite_strict=True,
)
"""What the events made of accounts up to a position. It is no part of the log, and nothing guards
it: whoever changes a row only makes the next reader fold what it stood for."""

_KEPT = ("events", "tiles", "accounts")
"""The tables of which no row is changed or removed."""

COLUMNS = ", ".join(Entry._fields)

SUBJECTS_REFUSED = "events: too many subjects, or one that is too long"

_SQLITE_GUARD = f"""
CREATE TRIGGER events_insert BEFORE INSERT ON events BEGIN
  SELECT RAISE(ABORT, 'events: not the next position') WHERE NEW.position IS NOT
    (SELECT coalesce(max(position), 0) + 1 FROM events WHERE ledger = NEW.ledger);
  SELECT RAISE(ABORT, 'events: not the next version of the stream') WHERE NEW.version IS NOT
    (SELECT coalesce(max(version) + 1, min(max(NEW.version, 0), 1)) FROM events
      WHERE ledger = NEW.ledger AND stream = NEW.stream);
  SELECT RAISE(ABORT, 'events: the command is recorded already') WHERE EXISTS
    (SELECT 1 FROM events WHERE ledger = NEW.ledger AND command_id = NEW.command_id
      AND command_seq = NEW.command_seq);
  SELECT RAISE(ABORT, 'events: this may happen only once') WHERE NEW.once IS NOT NULL AND EXISTS
    (SELECT 1 FROM events WHERE ledger = NEW.ledger AND once = NEW.once);
  SELECT RAISE(ABORT, '{SUBJECTS_REFUSED}') WHERE octet_length(NEW.subjects) > {NAME_BYTES} AND (
    json_array_length(NEW.subjects) > {MAX_SUBJECTS} OR EXISTS
      (SELECT 1 FROM json_each(NEW.subjects) WHERE octet_length(value) > {NAME_BYTES}));
END
"""

_SQLITE_TILE_GUARD = """
CREATE TRIGGER tiles_insert BEFORE INSERT ON tiles BEGIN
  SELECT RAISE(ABORT, 'tiles: not the next tile') WHERE NEW.number IS NOT
    (SELECT coalesce(max(number) + 1, 0) FROM tiles
      WHERE ledger = NEW.ledger AND level = NEW.level);
END
"""

_SQLITE_ACCOUNT_GUARD = """
CREATE TRIGGER accounts_insert BEFORE INSERT ON accounts BEGIN
  SELECT RAISE(ABORT, 'accounts: no event here names it') WHERE NOT EXISTS
    (SELECT 1 FROM events WHERE ledger = NEW.ledger AND position = NEW.position
      AND instr(subjects, json_quote(NEW.subject)) > 0);
END
"""
"""In its quotes a subject is part of no other one, and JSON spells it as subjects are spelled."""

SQLITE_TRIGGERS = [
    _SQLITE_GUARD,
    _SQLITE_TILE_GUARD,
    _SQLITE_ACCOUNT_GUARD,
    *(
        f"CREATE TRIGGER {table}_{action.lower()} BEFORE {action} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table}: append-only, {action} is refused'); END"
        for table in _KEPT
        for action in ("UPDATE", "DELETE")
    ),
]

SQLITE_STATISTICS = [
    "ANALYZE",
    "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES"
    " ('events', 'events', '1000000 1000000 1'),"
    " ('events', 'sqlite_autoindex_events_2', '1000000 1000000 4 1'),"
    " ('events', 'sqlite_autoindex_events_3', '1000000 1000000 2 1'),"
    " ('events', 'events_once', '1000000 1000000 1'),"
    " ('accounts', 'accounts', '1000000 1000000 100 1')",
    "ANALYZE sqlite_schema",
]
"""Written in, not measured, since a new table is empty: without them SQLite takes `ledger = ?` for
selective and reads a whole ledger to load one stream."""

_POSTGRES_FUNCTION = "RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$"
"""With a path of its own: whoever inserts may set theirs to a schema in which `max` or `<>` means
something else, and the guard would find nothing."""

_POSTGRES_GUARD = f"""
CREATE FUNCTION events_guard() {_POSTGRES_FUNCTION}
BEGIN
  RAISE EXCEPTION '%: append-only, % is refused', TG_TABLE_NAME, TG_OP;
END $$
"""

_POSTGRES_INSERT_GUARD = f"""
CREATE FUNCTION events_insert_guard() {_POSTGRES_FUNCTION}
BEGIN
  IF EXISTS (SELECT 1 FROM added GROUP BY ledger
      HAVING max(position) - min(position) + 1 <> count(*) OR min(position) <> 1 + coalesce(
        (SELECT max(e.position) FROM {{schema}}.events e
          WHERE e.ledger = added.ledger AND e.position < min(added.position)), 0)) THEN
    RAISE EXCEPTION 'events: not the next position';
  END IF;
  IF EXISTS (SELECT 1 FROM (SELECT ledger, stream, version, version - row_number() OVER
        (PARTITION BY ledger, stream ORDER BY position) AS shift FROM added) a
      GROUP BY ledger, stream HAVING min(shift) <> max(shift)
        OR max(version) <> (SELECT max(e.version) FROM {{schema}}.events e
          WHERE e.ledger = a.ledger AND e.stream = a.stream)
        OR min(version) <> coalesce((SELECT max(e.version) + 1 FROM {{schema}}.events e
          WHERE e.ledger = a.ledger AND e.stream = a.stream AND e.version < min(a.version)),
          least(greatest(min(version), 0), 1))) THEN
    RAISE EXCEPTION 'events: not the next version of the stream';
  END IF;
  IF EXISTS (SELECT 1 FROM added WHERE octet_length(subjects) > {NAME_BYTES} AND (
      json_array_length(subjects::json) > {MAX_SUBJECTS} OR EXISTS
        (SELECT 1 FROM json_array_elements_text(subjects::json) AS s (name)
          WHERE octet_length(s.name) > {NAME_BYTES}))) THEN
    RAISE EXCEPTION '{SUBJECTS_REFUSED}' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""
"""Once for all rows of a statement: row by row it would double the time of a COPY."""

_POSTGRES_ACCOUNT_GUARD = f"""
CREATE FUNCTION accounts_insert_guard() {_POSTGRES_FUNCTION}
BEGIN
  IF EXISTS (SELECT 1 FROM added a WHERE
      (SELECT e.position = a.position AND strpos(e.subjects, to_json(a.subject)::text) > 0
        FROM {{schema}}.events e WHERE e.ledger = a.ledger AND e.position >= a.position
        ORDER BY e.position LIMIT 1) IS NOT TRUE) THEN
    RAISE EXCEPTION 'accounts: no event here names it';
  END IF;
  RETURN NULL;
END $$
"""
"""Asked so, each row takes one step down the primary key. As long as PostgreSQL has no statistics,
it may prefer to join the tables or to take another index, and read a whole ledger for each row."""

POSTGRES_TRIGGERS = [
    _POSTGRES_GUARD,
    _POSTGRES_INSERT_GUARD,
    _POSTGRES_ACCOUNT_GUARD,
    *(
        f"CREATE TRIGGER {table}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_insert_guard()"
        for table in ("events", "accounts")
    ),
    *(
        f"CREATE TRIGGER {table}_{scope} BEFORE {actions} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION events_guard()"
        for table in _KEPT
        for scope, actions, each in (("row", "UPDATE OR DELETE", "ROW"),
                                     ("truncate", "TRUNCATE", "STATEMENT"))
    ),
]

SQLITE_GUARDS = {text.split()[2]: " ".join(text.split()) for text in SQLITE_TRIGGERS}
"""The triggers by name, as `sqlite_schema` says them but for blanks, for the doctor."""


class PostgresGuard(NamedTuple):
    """A trigger as the catalogue of PostgreSQL says it: when it fires, as the bits of `tgtype`, and
    what its function does, in which `{schema}` stands for that of the table."""

    table: str
    kind: int
    function: str
    body: str


def _body(function: str) -> str:
    return function.split("$$")[1]


POSTGRES_GUARDS = {f"{table}_insert": PostgresGuard(
    table, 4, f"{table}_insert_guard", _body(guard))
    for table, guard in (("events", _POSTGRES_INSERT_GUARD), ("accounts", _POSTGRES_ACCOUNT_GUARD))
} | {
    f"{table}_{scope}": PostgresGuard(table, kind, "events_guard", _body(_POSTGRES_GUARD))
    for table in _KEPT for scope, kind in (("row", 1 | 2 | 8 | 16), ("truncate", 2 | 32))}
"""The triggers by name. Of the bits, 1 is for each row, 2 before, 4 INSERT, 8 DELETE, 16 UPDATE,
and 32 TRUNCATE."""

POSTGRES_FOUND = """
SELECT t.tgname, c.relname, t.tgtype::int, p.proname, p.prosrc, quote_ident(n.nspname)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = c.relnamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE t.tgrelid IN (to_regclass('events'), to_regclass('tiles'), to_regclass('accounts'))
AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr = ''
AND coalesce(t.tgnewtable, 'added') = 'added'
AND p.proconfig = ARRAY['search_path=pg_catalog, pg_temp']
"""
"""The triggers that fire on the log's own tables, always and with nothing of the caller's."""
