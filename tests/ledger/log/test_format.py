"""The page docs/log-format.md is enough to check a log: a checker written from it agrees with ours.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.commands import demo_command
from ledger.application import Ledger
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import accounts_in, misnamed
from ledger.log.envelope import Entry
from ledger.log.milestones import fault_in_current_opening
from ledger.log.store import Store
from ledger.log.verify import Expectation, verify
from ledger.settings import Settings, sqlite_path
from ledger.writing.genesis import keys_of
from tests.conftest import durable
from tests.support import checker, envelopes, source
from tests.support.builders import CONTEXT, opened, pay, place, received, record, sell
from tests.support.checker import Finding, check
from tests.support.checker_bytes import (
    COLUMNS,
    Tree,
    entry,
    leaf_hash,
    payload_hash,
    personal_place,
    personal_value,
)
from tests.support.envelopes import posting_to
from tests.support.source import imports
from tests.support.tamper import MAIN, intrude

BOTH = ("main", "main.access")
RECORDS = 130
"""Orders of four events each: two tiles are complete."""

# -- the page's examples --------------------------------------------------------------------------


def examples() -> list[tuple[dict[str, Any], bytes]]:
    """The rows of the page's worked examples, each with its leaf hash, and with its entry."""
    page = (source.ROOT / "docs/log-format.md").read_text("utf-8")
    found = []
    for part in page.split("\n### Example ")[1:]:
        written, covered, leaf = re.findall(r"```\w+\n(.*?)```", part, re.DOTALL)
        row = json.loads(written)
        for column in COLUMNS:
            if column.kind is bytes and column.name != "payload" and row.get(column.name):
                row[column.name] = bytes.fromhex(row[column.name])
        row |= {"payload": row["payload"].encode(), "leaf_hash": bytes.fromhex(leaf)}
        found.append((row, bytes.fromhex(covered)))
    return found


def test_page__has_examples_that_are_right() -> None:
    assert len(examples()) == 3
    for row, covered in examples():
        assert [column.name for column in COLUMNS] == list(row)
        assert payload_hash(row["salt"], row["payload"]) == row["payload_hash"]
        assert entry(row) == covered
        assert leaf_hash(row) == row["leaf_hash"]


def test_page__has_a_personal_value_that_is_right() -> None:
    page = (source.ROOT / "docs/log-format.md").read_text("utf-8")
    part = page.partition("\n## Personal fields")[2].partition("\n## ")[0]
    digits, written = re.findall(r"```\w+\n(.*?)```", part, re.DOTALL)
    row, value = examples()[1][0], json.loads(written)
    place = personal_place(row["ledger"], row["stream"], 1, "/recipient", value["p"])
    assert place == bytes.fromhex(digits)
    assert personal_value(value, bytes(range(32)), place) == (b"\x33" * 16, "某人")


def test_checker__shares_nothing_with_the_program() -> None:
    for name in ("checker", "checker_bytes"):
        found = {target for _, target in imports(source.ROOT / f"tests/support/{name}.py")}
        assert not [target for target in found
                    if target.split(".")[0] in ("ledger", "projections", "api")]


# -- every duty of the checker --------------------------------------------------------------------


def hashed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the hashes that belong to it, as who writes a whole other log makes them."""
    row = row | {"payload_hash": payload_hash(row["salt"], row["payload"])}
    return row | {"leaf_hash": leaf_hash(row)}


def found_in(
    rows: list[dict[str, Any]], noted: tuple[str, ...] = (),
    accounts: Iterable[dict[str, Any]] = (), **head: object,
) -> list[Finding]:
    """What the checker finds in rows that lie in a database with a head that fits them."""
    tree = Tree()
    for row in rows:
        tree.add(row["leaf_hash"] if isinstance(row.get("leaf_hash"), bytes) else b"")
    ledger = examples()[0][0]["ledger"]
    last = rows[-1] if rows else {"position": 0, "recorded_at": None}
    fits = {"ledger": ledger, "position": last.get("position"),
            "recorded_at": last.get("recorded_at"), "frontier": b"".join(tree.frontier)}
    names = [{"id": ledger, "name": "main", "of": None}]
    return check("main", fits | head, rows, tiles=[], accounts=accounts, ledgers=names, noted=noted)


FAULTS: list[tuple[int, dict[str, Any], str]] = [
    (1, {"type": "order.placed.v1"}, "does not open"),
    (1, {"stream": "log:other"}, "does not open"),
    (1, {"version": 0}, "does not open"),
    (1, {"payload": b'{"id":"00"}'}, "does not open"),
    (3, {"position": 4}, "where 3 should be"),
    (2, {"ledger": bytes(16)}, "another"),
    (2, {"salt": bytes(15)}, "15 bytes"),
    (2, {"stream": "s" * 1001}, "1001 bytes"),
    (2, {"payload": b"x" * 1_048_577}, "1048577 bytes"),
    (2, {"subjects": '["a", "b"]'}, "spelling"),
    (2, {"subjects": '["\\u00e9"]'}, "spelling"),
    (2, {"subjects": '["b","a"]'}, "sorted"),
    (2, {"subjects": json.dumps([f"{n:04}" for n in range(4101)], separators=(",", ":"))}, "many"),
    (2, {"recorded_at": 0}, "before the one before"),
    (3, {"version": 3}, "version 3 after 1"),
    (2, {"version": -1}, "version -1"),
    (3, {"command_id": bytes(range(16)), "command_seq": 1}, "there before"),
]


@pytest.mark.parametrize("at, change, what", FAULTS, ids=range(len(FAULTS)))
def test_checker__finds_what_a_whole_other_log_shows(
    at: int, change: dict[str, Any], what: str
) -> None:
    """Also where head and hashes were all computed again."""
    rows = [row for row, _ in examples()]
    assert found_in(rows) == []
    rows[at - 1] = hashed(rows[at - 1] | change)
    assert any(what in finding.what for finding in found_in(rows))
    assert found_in(rows)[0].position in (at, change.get("position"))


def test_checker__finds_what_a_log_cannot_say_of_how_it_goes_on() -> None:
    """In its stream, or by its type; what it may say is no fault."""
    first, second, _ = (row for row, _ in examples())
    keys, other = json.loads(first["payload"])["keys_id"], "ab" * 32
    plain = {"program": "2", "format": 2, "keys_id": keys, "host": "memory"}
    deed = {"by": "member:7f3a", "reason": "why"}
    back = {"restored": {"position": 1, "root": first["leaf_hash"].hex(), **deed}}
    lost = {"keys_lost": deed}

    def found(payload: object, **change: object) -> list[int]:
        own = {"stream": "log:ledger", "version": 2, "type": "log.continued.v1",
               "payload": json.dumps(payload).encode(), **change}
        return [one.position for one in found_in([first, hashed(second | own)])]

    for sound in (plain, plain | back, plain | lost | {"keys_id": other}, plain | {"more": [7]},
                  plain | {"restored": back["restored"] | {"more": 7}, "keys_lost": None}):
        assert found(sound) == []
        assert found(sound, stream="log:other", version=1) == [2]
        assert found(sound, type="log.opened.v1") == found(sound, type="x") == [2]
    for odd in (plain | lost, plain | {"keys_id": other}, plain | {"format": 3},
                plain | {"format": 2.0},
                plain | {"keys_id": "x"}, plain | {"host": 7}, {}, [], 7,
                plain | {"restored": back["restored"] | {"position": 2}},
                plain | {"restored": back["restored"] | {"root": other}},
                plain | {"restored": back["restored"] | {"position": True}},
                plain | {"restored": back["restored"] | {"position": 1.0}},
                plain | {"restored": {"position": 1, "root": first["leaf_hash"].hex()}}):
        assert found(odd) == [2], odd


def test_checker__agrees_with_the_program_on_what_an_opening_may_say() -> None:
    """Other fields are no fault, and those that are named are of the form that the page says."""
    (first, *_) = (row for row, _ in examples())
    said = json.loads(first["payload"])
    end = {"id": "ab" * 16, "position": 1, "root": "cd" * 32}

    def sound(**change: object) -> bool:
        row = hashed(first | {"payload": json.dumps(said | change).encode()})
        found = not found_in([row])
        assert found == (fault_in_current_opening(Entry(**row)) is None), change
        return found

    assert all(sound(**change) for change in (
        {}, {"more": [7]}, {"access": None}, {"continues": []}, {"continues": [end]},
        {"continues": [end | {"more": 7}]}))
    assert not any(sound(**change) for change in (
        {"access": 7}, {"of": 7}, {"zone": None}, {"continues": None}, {"continues": [7]},
        {"continues": [end | {"position": "1"}]}, {"continues": [end | {"id": 7}]},
        {"continues": [{"id": "ab" * 16}]}, {"keys_id": "x"}, {"format": 3}, {"format": 2.0}))


def test_checker__finds_what_happens_only_once_twice() -> None:
    rows = [row for row, _ in examples()]
    rows[1] = hashed(rows[1] | {"once": rows[2]["once"]})
    assert found_in(rows) == [Finding(3, "once that was there before")]


def test_checker__compares_all_noted_roots() -> None:
    rows = [row for row, _ in examples()]
    nothing = Tree().root().hex()
    assert found_in(rows, (f"0:{nothing}", f"1:{rows[0]['leaf_hash'].hex().upper()}")) == []
    for line, position in {f"0:{nothing[::-1]}": 0, f"2:{nothing}": 2, f"9:{nothing}": 4,
                           "2:00": 0}.items():
        assert [finding.position for finding in found_in(rows, (line,))] == [position]


def test_checker__compares_the_accounts_with_the_subjects() -> None:
    rows = [row for row, _ in examples()]
    subjects = '["order:1","stock:a","stock:b"]'
    rows[1] = hashed(rows[1] | {"subjects": subjects, "payload": posting_to(subjects)})
    a, b = ({"subject": name, "position": 2} for name in ("stock:a", "stock:b"))
    assert found_in(rows, accounts=[b, a]) == []
    for odd, at in (([a], 2), ([a, b, b], 2), ([a, b, a | {"position": 3}], 3),
                    ([a, b, a | {"position": 9}], 9), ([a, b, a | {"position": 2.0}], 0),
                    ([a, b, {"subject": "order:1", "position": 2}], 2)):
        assert [one.position for one in found_in(rows, accounts=odd)] == [at], odd


@pytest.mark.parametrize(("subjects", "payload", "found"), [
    ('["order:1","stock:a"]', b'{"postings":[{"account":"stock:a"}]}', []),
    ('["order:1","stock:a"]', b'{"observations":[{"account":"stock:a"}],"more":1}', []),
    ('["order:1","stock:a"]', b"{}", [2]), ('["order:1","stock:a"]', b"[", [2]),
    ('["order:1","stock:a"]', b'{"postings":{},"observations":[{"account":"stock:a"}]}', [2]),
    ('["order:1"]', b'{"postings":[{"account":"stock:a"},{"account":"stock:b"}]}', [2, 2]),
    ('["cost:a","order:1"]', b'{"postings":[{"account":"cost:a"}]}', [2]),
    ('["order:1"]', b'{"lines":[{"postings":[{"account":"stock:a"}]}]}', []),
])
def test_checker__and_verify_find_an_event_that_names_other_accounts_than_it_posts_to(
    subjects: str, payload: bytes, found: list[int]
) -> None:
    rows = [row for row, _ in examples()]
    rows[1] = hashed(rows[1] | {"subjects": subjects, "payload": payload})
    named = [{"subject": name, "position": 2} for name in json.loads(subjects)
             if name.startswith("stock:")]
    assert [one.position for one in found_in(rows, accounts=named)] == found
    odd = envelopes.entry(2, subjects=subjects, payload=payload)
    accounts = accounts_in(odd.subjects, ACCOUNT_KINDS)
    assert len(misnamed(accounts, odd.payload)) == len(found)


ANYTHING = [None, b"", b"\xff\xfe", b"{", b"[" * 9000, "", "\udcff", "\ud800", "[" * 9000,
            '["\\ud800"]', "[7]", 0, -1, 2**63, True, 1e300, float("nan"), [], {}, object()]


@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_checker__reports_any_value_and_raises_never(name: str) -> None:
    for value in ANYTHING:
        rows = [row for row, _ in examples()]
        unchanged = value is None and rows[1][name] is None
        assert bool(found_in([rows[0], rows[1] | {name: value}, rows[2]])) != unchanged
        for column in ("ledger", "position", "recorded_at", "frontier"):
            assert found_in(rows, **{column: value})
        tile = {"level": value, "number": value, "hashes": value}
        names = [{"id": value, "name": "main"}]
        account = {"subject": value, "position": value}
        assert check("main", None, [{name: value}], tiles=[tile], accounts=[account],
                     ledgers=names)
        assert found_in(rows, accounts=[account])


# -- beside our own -------------------------------------------------------------------------------


def checked(settings: Settings, name: str, noted: tuple[str, ...] = ()) -> list[Finding]:
    """What the checker finds in a database."""
    if path := sqlite_path(settings.database_url):
        return checker.check_sqlite(path, name, noted)
    return checker.check_postgres(settings.database_url, name, noted)


def both(settings: Settings, store: Store, *noted: str) -> set[int]:
    """At which positions both find something. They must be the same, but for the tiles, at which
    verify looks only where all else is right."""
    expected = [Expectation.parse(line) for line in noted]
    ours = verify(store, "main", expected=expected).problems
    theirs = [one for one in checked(settings, "main", noted)
              if not one.what.startswith("tile ") or all("tile" in other.what for other in ours)]
    assert {one.position for one in theirs} == {one.position for one in ours}, (theirs, ours)
    return {one.position for one in theirs}


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """A ledger whose third tile has begun, by a few commands of each kind."""
    commands = [opened(), received(), *(place(n) for n in range(1, 9)),
                *(pay(n) for n in range(1, 9)), *(sell(n) for n in range(11, 16)),
                *(record(n) for n in range(100, 100 + RECORDS))]
    ledger.handle_many([(command, CONTEXT) for command in commands])
    return ledger


CELLS = {
    "stream": "'x'", "version": "version + 7", "type": "type || ' '", "occurred_at": "-1",
    "recorded_at": "recorded_at - 1000000000", "command_id": "substr(command_id, 1, 15)",
    "command_seq": "99", "request_hash": "salt", "once": "''", "actor": "'member:other'",
    "role": "''", "client": "'x'", "correlation": "salt", "causation": "1",
    "subjects": "replace(subjects, '[', '[ ')", "source": "'{}'", "payload": "salt",
    "payload_hash": "leaf_hash", "leaf_hash": "payload_hash",
}
"""What a column of `events` becomes, in SQL."""


@durable
def test_checker__finds_changed_cells_where_verify_does(
    filled: Ledger, store: Store, settings: Settings
) -> None:
    assert set(CELLS) == {column.name for column in COLUMNS} - {"ledger", "position", "salt"}
    if sqlite_path(settings.database_url) is None:
        for name in ("command_id", "request_hash", "salt"):
            intrude(settings, f"ALTER TABLE events DROP CONSTRAINT events_{name}_length")
    at = dict(zip(range(100, 480, 20), CELLS.items(), strict=True))
    for position, (column, value) in at.items():
        intrude(settings, f"UPDATE events SET {column} = {value}"
                          f" WHERE ledger = {MAIN} AND position = ?", position)
    (row,) = store.read("main", after=479, until=480)
    intrude(settings, f"UPDATE events SET salt = ?, payload = ? WHERE ledger = {MAIN}"
                      " AND position = 480", row.salt + row.payload, b"")
    assert both(settings, store) >= {*at, 480}
    intrude(settings, f"DELETE FROM events WHERE position = 90 AND ledger = {MAIN}")
    assert both(settings, store) >= {91, *at, 480}


def of_head(what: str) -> str:
    """A change of the head, in SQL."""
    return f"UPDATE heads SET {what} WHERE ledger = {MAIN}"


@durable
def test_checker__finds_what_verify_finds_in_heads_and_tiles(
    filled: Ledger, store: Store, settings: Settings
) -> None:
    for name in BOTH:
        report = verify(store, name)
        noted = f"{report.position}:{report.root.hex()}"
        assert (report.problems, checked(settings, name, (noted,))) == ([], [])
    head, tiles = store.head("main"), store.tiles("main", 0, 0, 2)
    last = head.position
    assert both(settings, store, f"300:{'00' * 32}", f"{last + 7}:{'00' * 32}") == {300, last + 1}
    for what, undo, where in (("recorded_at = recorded_at + 1", head.recorded_at, {last}),
                              ("position = position + 1", last, {last + 1}),
                              ("frontier = substr(frontier, 1, 32)", head.frontier, {last})):
        intrude(settings, of_head(what))
        assert both(settings, store) == where
        intrude(settings, of_head(what.partition(" ")[0] + " = ?"), undo)
    swap = f"UPDATE tiles SET hashes = ? WHERE number = ? AND ledger = {MAIN}"
    for tile in tiles:
        intrude(settings, swap, tile.hashes, 1 - tile.number)
    assert both(settings, store) == {1, 257}
    intrude(settings, swap, tiles[0].hashes, 0)
    assert both(settings, store) == {257}
    intrude(settings, f"DELETE FROM tiles WHERE number = 1 AND ledger = {MAIN}")
    assert both(settings, store) == {257}
    intrude(settings, of_head("position = position - 1"))
    assert last in {finding.position for finding in checked(settings, "main")}
    assert last in {problem.position for problem in verify(store, "main").problems}


@durable
def test_checker__finds_what_verify_finds_in_accounts(
    filled: Ledger, store: Store, settings: Settings
) -> None:
    named = [row.position for row in store.read("main") if '"stock:' in row.subjects]
    first, last = named[0], named[-1]
    own, other = f"ledger = {MAIN}", f"ledger = {MAIN} AND position = ?"
    assert both(settings, store) == set()
    for more in (first, 0, -1, 100_000):  # all that the events call for is there, too
        intrude(settings, "INSERT INTO accounts SELECT ledger, 'stock:more', CAST(? AS BIGINT)"
                          f" FROM heads WHERE {own}", more)
        assert both(settings, store) == {more}
        intrude(settings, f"DELETE FROM accounts WHERE {own} AND subject = 'stock:more'")
    intrude(settings, f"DELETE FROM accounts WHERE {other}", first)
    assert both(settings, store) == {first}
    intrude(settings, f"UPDATE accounts SET subject = 'stock:' WHERE {other}", last)
    assert both(settings, store) == {first, last}
    intrude(settings, f"UPDATE accounts SET position = 100000 WHERE {other}", last)
    assert both(settings, store) == {first, last, 100_000}
    intrude(settings, f"DELETE FROM accounts WHERE {own}")
    assert both(settings, store) == set(named)
    intrude(settings, "INSERT INTO accounts SELECT ledger, 'shelf:A', position FROM events"
                      f" WHERE {other}", 1)
    assert both(settings, store) == {1, *named}


# -- the demo -------------------------------------------------------------------------------------


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database that `ledger demo` leaves."""
    path = tmp_path / "demo.db"
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{path}")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(demo_command, ())
    assert result.exit_code == 0, result.output
    return path


def test_checker__finds_nothing_in_the_demo_and_opens_its_personal_values(demo: Path) -> None:
    for name in BOTH:
        assert checker.check_sqlite(demo, name) == []
    settings = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{demo}"})
    store, keys = settings.open_store(), settings.open_keys()
    people = keys_of(store, keys, "main")
    found = set()
    for row in store.read("main", limit=10_000):
        for pointer, value in personal_values(json.loads(row.payload)):
            place = personal_place(row.ledger, row.stream, row.version, pointer, value["p"])
            assert personal_value(value, people.by_id(value["p"]).key, place)[1]
            found.add(pointer)
    store.close()
    keys.close()
    assert "/recipient" in found


def personal_values(value: object, pointer: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """The personal values in a payload, each with its pointer."""
    if isinstance(value, dict) and value.keys() == set("pnch"):
        yield pointer, value
        return
    items = value.items() if isinstance(value, dict) else ()
    for name, inner in enumerate(value) if isinstance(value, list) else items:
        yield from personal_values(inner, f"{pointer}/{name}")
