"""What an intruder with the database file could do: `python -m tests.support.tamper FILE N`.

It takes the triggers off an SQLite log and flips one bit of the payload at a position. With `--cut
N` it removes the last N events instead and makes the head fit; `ledger verify` cannot see that by
itself, but `--expect` can.
"""

import argparse
from pathlib import Path

from ledger.log import merkle, sqlite
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.schema import COLUMNS
from ledger.settings import Settings, sqlite_path

MAIN = "(SELECT id FROM ledgers WHERE name = 'main')"
"""The id of the ledger `main`, in SQL."""


def intrude(settings: Settings, statement: str, *values: object) -> None:
    """Run SQL, written with `?` marks, as the owner of the database would, without its guards."""
    if path := sqlite_path(settings.database_url):
        connection = sqlite.driver().connect(str(path), isolation_level=None)
        unguard(connection)
        connection.execute(statement, values)
        connection.close()
        return
    import psycopg

    assert settings.admin_url is not None
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(statement.replace("?", "%s").encode(), values)


def unguard(connection: object) -> None:
    """Take off an SQLite log all triggers, and what it says of the types and lengths of values."""
    execute = connection.execute  # type: ignore[attr-defined]
    for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        execute(f"DROP TRIGGER {name}")
    execute("PRAGMA ignore_check_constraints = ON")
    execute("PRAGMA writable_schema = ON")
    execute("UPDATE sqlite_master SET sql = replace(replace(replace(sql, ' NOT NULL', ''),"
            " ',' || char(10) || ' STRICT', ''), ' STRICT', '') WHERE type = 'table'")
    execute("PRAGMA writable_schema = RESET")


def lay_again(connection: object, position: int, **change: object) -> None:
    """Change columns of an event and whatever can be computed from them: hashes, tiles, head."""
    execute = connection.execute  # type: ignore[attr-defined]
    own = f"ledger = {MAIN}"
    rows = execute(f"SELECT {COLUMNS} FROM events WHERE {own} ORDER BY position").fetchall()
    entry = Entry(*rows[position - 1])._replace(**change)
    entry = entry._replace(payload_hash=payload_hash(entry.salt, entry.payload))
    entry = entry._replace(leaf_hash=leaf_hash(entry))
    marks = ", ".join(f"{name} = ?" for name in Entry._fields)
    execute(f"UPDATE events SET {marks} WHERE {own} AND position = ?", (*entry, position))
    leaves = [Entry(*row).leaf_hash for row in rows]
    leaves[position - 1] = entry.leaf_hash
    execute(f"UPDATE heads SET frontier = ? WHERE {own}", (merkle.grown(b"", 0, leaves),))
    for number in range(len(leaves) // merkle.TILE_LEAVES):
        first = number * merkle.TILE_LEAVES
        execute(f"UPDATE tiles SET hashes = ? WHERE {own} AND number = ?",
                (b"".join(leaves[first : first + merkle.TILE_LEAVES]), number))


def page(path: Path, name: str) -> bytes:
    """The first page of a table or an index of an SQLite file that nobody has open."""
    at, size = _first_page(path, name)
    return path.read_bytes()[at : at + size]


def put(path: Path, name: str, content: bytes) -> None:
    """Write over the beginning of a table or an index of an SQLite file that nobody has open."""
    with path.open("r+b") as file:
        file.seek(_first_page(path, name)[0])
        file.write(content)


def spoil(path: Path, name: str) -> None:
    """Fill 4 KiB with 0xFF where a table or an index begins."""
    put(path, name, b"\xff" * 4096)


def _first_page(path: Path, name: str) -> tuple[int, int]:
    connection = sqlite.driver().connect(str(path))
    (number,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?",
                                   (name,)).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    return (number - 1) * size, size


def unindex(connection: object, table: str = "events") -> None:
    """Take all indexes off a table of an SQLite log, those of its promises that nothing stands
    twice, too."""
    execute = connection.execute  # type: ignore[attr-defined]
    for statement in (f"CREATE TABLE copied AS SELECT * FROM {table}", f"DROP TABLE {table}",
                      f"ALTER TABLE copied RENAME TO {table}"):
        execute(statement)


def main() -> None:
    """Parse the command line and tamper."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("position", type=int, nargs="?")
    parser.add_argument("--cut", type=int, metavar="N")
    options = parser.parse_args()
    connection = sqlite.driver().connect(str(options.file), isolation_level=None)
    unguard(connection)
    if options.cut:
        cut(connection, options.cut)
    else:
        flip(connection, options.position)
    connection.close()


def flip(connection: object, position: int) -> None:
    """Change one byte in the middle of a payload."""
    execute = connection.execute  # type: ignore[attr-defined]
    ((payload,),) = execute("SELECT payload FROM events WHERE position = ?"
                            f" AND ledger = {MAIN}", (position,)).fetchall()
    middle = len(payload) // 2
    changed = payload[:middle] + bytes([payload[middle] ^ 1]) + payload[middle + 1 :]
    execute(f"UPDATE events SET payload = ? WHERE position = ? AND ledger = {MAIN}",
            (changed, position))


def cut(connection: object, number: int) -> None:
    """Remove the last events and write a head that fits what is left."""
    execute = connection.execute  # type: ignore[attr-defined]
    own = f"ledger = {MAIN}"
    ((last,),) = execute(f"SELECT max(position) FROM events WHERE {own}").fetchall()
    keep = last - number
    execute(f"DELETE FROM events WHERE position > ? AND {own}", (keep,))
    execute(f"DELETE FROM tiles WHERE (number + 1) * ? > ? AND {own}", (merkle.TILE_LEAVES, keep))
    execute(f"DELETE FROM accounts WHERE position > ? AND {own}", (keep,))
    frontier: list[bytes] = []
    rows = execute(f"SELECT leaf_hash, recorded_at FROM events WHERE {own} ORDER BY position"
                   ).fetchall()
    for size, (leaf, _) in enumerate(rows):
        merkle.push(frontier, size, leaf)
    execute(f"UPDATE heads SET position = ?, recorded_at = ?, frontier = ? WHERE {own}",
            (keep, rows[-1][1], merkle.pack(frontier)))


if __name__ == "__main__":
    main()
