"""What insiders can do to a ledger that is served, and what shows it: docs/threats.md."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.http import key_ring
from ledger.access import passwords
from ledger.access.readings import Reading
from ledger.application import Ledger
from ledger.core import event_types
from ledger.erasure.finding import status_of
from ledger.log import merkle
from ledger.log.backup import backup_log
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.key_tables import persons
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.persons import LedgerKeys
from ledger.log.rotating import rotate
from ledger.log.store import Head, Known, Store
from ledger.log.verify import Expectation, Report, verify, verify_with_access
from ledger.log.verify_keys import verify_keys
from ledger.log.wrapping import KeyDamaged, WrongMasterKey
from ledger.settings import Settings
from ledger.writing.genesis import keys_of
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support import erased, tamper
from tests.support.bodies import order
from tests.support.builders import CONTEXT, place, stream
from tests.support.envelopes import head_after
from tests.support.erasing import buyer, erase
from tests.support.signing_in import PASSWORD, send, signed_in
from tests.support.waiting import eventually
from tests.support.web import Web, problem

ACCESS = "main.access"
OWN = "(SELECT id FROM ledgers WHERE name = 'main.access')"


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known keys are never stale."""
    monkeypatch.setattr(key_ring, "SEEN_S", 0)


def opens(web: Web, token: str, path: str = "/v1/orders") -> int:
    """The status of a read with a token."""
    return web.client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def both(store: Store, *kept: Expectation) -> tuple[Report, Report]:
    """What verify says of the ledger and of that of its keys and readings."""
    report, access = verify_with_access(store, "main", expected=list(kept))
    assert access is not None
    return report, access


def issued(store: Store, number: int = -1) -> Entry:
    """The event by which a key was issued."""
    return [row for row in store.read(ACCESS) if row.type == "key.issued.v1"][number]


def again(entry: Entry, **change: Any) -> Entry:
    """An event with other fields, and the hashes that belong to them."""
    entry = entry._replace(**change)
    entry = entry._replace(payload_hash=payload_hash(entry.salt, entry.payload))
    return entry._replace(leaf_hash=leaf_hash(entry))


def lay(settings: Settings, entry: Entry) -> None:
    """Put an event in the place of the one at its position, as the database's owner."""
    marks = ", ".join(f"{name} = ?" for name in Entry._fields)
    tamper.intrude(settings, f"UPDATE events SET {marks} WHERE ledger = ? AND position = ?",
                   *entry, entry.ledger, entry.position)


def add(settings: Settings, entry: Entry) -> None:
    """Insert an event, as the database's owner."""
    marks = ", ".join("?" * len(entry))
    tamper.intrude(settings, f"INSERT INTO events ({', '.join(Entry._fields)}) VALUES ({marks})",
                   *entry)


def move_head(settings: Settings, ledger: bytes, head: Head) -> None:
    """Let a head say that the log ends elsewhere, as the database's owner."""
    tamper.intrude(settings, "UPDATE heads SET position = ?, recorded_at = ?, frontier = ?"
                   " WHERE ledger = ?", *head[:3], ledger)


def raised(payload: bytes) -> bytes:
    return payload.replace(b'"member"', b'"manager"')


@durable
@pytest.mark.parametrize("hashed", [False, True], ids=["plain", "hashed again"])
def test_threat__a_role_raised_by_sql_is_named(
    web: Web, settings: Settings, *, hashed: bool
) -> None:
    """A running program keeps the role that it has read, and one that starts later opens nothing by
    a key whose event was changed. Hashed again the event is believed, until verify names it."""
    token = web.token("member")
    assert opens(web, token, "/v1/inventory") == 403
    entry = issued(web.edge.store)
    payload = raised(entry.payload)
    assert payload != entry.payload
    lay(settings, again(entry, payload=payload) if hashed else entry._replace(payload=payload))
    assert opens(web, token, "/v1/inventory") == (200 if hashed else 403)
    later = Web(settings)
    assert opens(later, token, "/v1/inventory") == (200 if hashed else 401)
    report, access = both(web.edge.store)
    assert report.ok
    assert entry.position in {problem.position for problem in access.problems} or hashed
    assert access.problems
    later.close()


@durable
def test_threat__a_password_changed_by_sql_opens_nothing(web: Web, settings: Settings) -> None:
    """Neither the new one nor the old."""
    signed_in(web)
    entry = next(one for one in web.edge.store.read(ACCESS) if one.type == "login.password_set.v1")
    kept = passwords.hashed("another password", web.edge.ledger(ACCESS).mac)
    lay(settings, entry._replace(payload=json.dumps({"hash": kept}).encode()))
    later = Web(settings)
    for password in ("another password", PASSWORD):
        answer = send(later.app.test_client(), "/login", "/login", who="person:first",
                      password=password)
        assert (answer.status_code, "Nobody signs in with" in answer.text) == (403, True)
    later.close()


@durable
def test_threat__a_forged_key_beside_the_tree_opens_nothing(web: Web, settings: Settings) -> None:
    """All its hashes are right, but no head knows it."""
    web.token("member")
    entry, head = issued(web.edge.store), web.edge.store.head(ACCESS)
    token = f"ol_{web.edge.store.id_of('main').hex()}_0-forged"
    payload = json.loads(entry.payload) | {
        "role": "admin", "digest": hashlib.sha256(token.encode()).hexdigest()}
    add(settings, again(
        entry, position=head.position + 1, stream="key:forged", command_id=bytes(16),
        recorded_at=head.recorded_at + 1, payload=json.dumps(payload).encode()))
    later = Web(settings)
    assert [opens(one, token, "/metrics") for one in (web, later)] == [401, 401]
    _, access = both(web.edge.store)
    (found,) = access.problems
    assert (found.position, "beyond" in found.what) == (head.position + 1, True)
    later.close()


@durable
def test_threat__a_role_raised_with_the_whole_tree_is_shown_by_the_next_closing(
    web: Web, settings: Settings
) -> None:
    """Hashes, tree and head made again: only what the log itself says of the keys shows it."""
    web.token("member")
    web.done("/v1/orders", order(1))
    web.edge.ledger("main").close_log(CONTEXT)
    store = web.edge.store
    # That the manager's key was used is noted beside the request.
    eventually(lambda: store.read(ACCESS)[-1].type == "key.used.v1")
    rows, entry = store.read(ACCESS), issued(store, 0)
    forged = again(entry, payload=raised(entry.payload))
    lay(settings, forged)
    leaves = [forged.leaf_hash if row.position == entry.position else row.leaf_hash
              for row in rows]
    move_head(settings, entry.ledger, Head(
        rows[-1].position, rows[-1].recorded_at, merkle.grown(b"", 0, leaves)))
    assert verify(store, ACCESS).ok
    report, access = both(store)
    assert report.ok
    assert ["expected one" in problem.what for problem in access.problems] == [True]


@durable
def test_threat__events_added_by_the_owner_are_sound(web: Web, settings: Settings) -> None:
    """Whoever may write to the database may say anything in anybody's name from now on; what was
    recorded before stays, also against a kept line."""
    web.done("/v1/orders", order(1))
    store = web.edge.store
    head = store.head("main")
    kept, (last,) = Expectation(head.position, head.root), store.read("main")[-1:]
    forged = again(last, position=head.position + 1, stream="order:made:up:1", version=1,
                   command_id=bytes(16), recorded_at=head.recorded_at + 1,
                   actor="member:somebody-else")
    add(settings, forged)
    move_head(settings, forged.ledger, head_after(head, [forged]))
    assert [one.ok for one in both(store, kept)] == [True, True]


@durable
def test_threat__a_log_made_anew_is_shown_by_a_kept_line_alone(
    web: Web, settings: Settings
) -> None:
    web.done("/v1/orders", order(1))
    store = web.edge.store
    head, rows = store.head("main"), store.read("main")
    kept = Expectation(head.position, head.root)
    forged = again(rows[-1], actor="member:somebody-else")
    lay(settings, forged)
    move_head(settings, forged.ledger, Head(head.position, head.recorded_at, merkle.grown(
        b"", 0, [row.leaf_hash for row in [*rows[:-1], forged]])))
    assert both(store)[0].ok
    (found,) = both(store, kept)[0].problems
    assert "expected one" in found.what


@on_postgres
def test_threat__the_applications_role_adds_and_changes_no_event(
    web: Web, settings: Settings
) -> None:
    """It may move the head, by which nothing is gained: verify and the writer see it."""
    import psycopg

    web.done("/v1/orders", order(1))
    with psycopg.connect(settings.database_url, autocommit=True) as role:
        for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM events",
                          "UPDATE ledgers SET name = 'x'", "DELETE FROM heads",
                          "TRUNCATE tiles"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)
        role.execute("UPDATE heads SET position = position - 1")
    assert [one.ok for one in both(web.edge.store)] == [False, False]
    later = Web(settings)
    later.tokens = web.tokens
    assert later.post("/v1/orders", order(2)).status_code in (401, 500, 503)
    later.close()


@durable
def test_threat__a_member_with_a_key_reads_and_writes_only_their_own(web: Web) -> None:
    for path in ("/v1/orders", "/v1/audit", "/v1/refusals", "/v1/inventory", "/metrics"):
        assert web.get(path, role="member").status_code in (403, 404), path
    problem(web.post("/v1/orders", order(1), role="member"), 403, "forbidden")


@durable
@pytest.mark.parametrize("path", ["/v1/audit", "/v1/refusals", "/metrics"])
def test_threat__a_program_with_an_integration_key_sees_no_evidence(web: Web, path: str) -> None:
    problem(web.get(path, role="integration"), 403, "forbidden")


@durable
def test_threat__an_admin_reads_no_business_fact_and_who_does_leaves_a_note(web: Web) -> None:
    """The key of an admin trades nothing and reads nothing; what others read is on record."""
    web.done("/v1/orders", order(1))
    problem(web.post("/v1/orders", order(2), role="admin"), 403, "forbidden")
    problem(web.get("/v1/orders", role="admin"), 403, "forbidden")
    problem(web.get("/v1/audit", role="admin"), 403, "forbidden")
    assert web.get("/v1/audit", role="auditor").status_code == 200
    assert [row.actor for row in web.edge.store.read(ACCESS)
            if row.type == Reading.Noted.TOPIC] == ["member:auditor"]


@durable
def test_threat__tokens_are_in_nothing_that_is_stored(
    web: Web, settings: Settings, tmp_path: Path
) -> None:
    """Who holds database, keys and backups can be nobody over HTTP: they hold digests only."""
    token = web.token("manager")
    web.done("/v1/orders", order(1))
    backup_log(web.edge.store, "main", tmp_path / "log.gz")
    held = b"".join(row.payload for row in web.edge.store.read(ACCESS))
    held += b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    secret = token.split("_", 2)[2].encode()
    assert hashlib.sha256(token.encode()).hexdigest().encode() in held
    assert token.encode() not in held
    assert secret not in held


# -- erasure by two -------------------------------------------------------------------------------

PHONE = "13800000001"


def phone_in(ledger: Ledger, keys: LedgerKeys) -> str | None:
    """What the order that was placed says of the phone, as these keys open it."""
    (placed,) = [event_types.decode(entry) for entry in ledger.store.read(ledger.id)
                 if entry.stream == stream() and entry.version == 1]
    return keys.reveal(placed.phone, stream(), 1, "/phone")


def a_buyer(ledger: Ledger) -> str:
    """The person of an order with a phone."""
    ledger.handle(place(account="a", phone=PHONE), CONTEXT)
    return buyer(ledger)


@on_sqlite
def test_threat__who_holds_two_owners_keys_erases_alone(web: Web) -> None:
    """Two keys of one owner are one person. Who asked, who confirmed and both keys are on record.
    """
    one = a_buyer(web.ledger())
    tokens = [web.token("manager", owner=owner) for owner in ("member:a", "member:a", "member:b")]

    def send(number: int, what: str, body: dict[str, str]) -> Any:
        return web.client.post(f"/v1/persons/{one}/{what}", json=body, headers={
            "Authorization": f"Bearer {tokens[number]}", "Idempotency-Key": f"{number}{what}"})

    assert send(0, "erasure-requests", {"ground": "requested"}).status_code == 201
    problem(send(1, "erasure-confirmations", {}), 422, "asker_confirms")
    assert send(2, "erasure-confirmations", {}).status_code == 201
    keys = [f"key:{token.split('_')[2].partition('-')[0]}" for token in tokens]
    assert [(row.type, row.actor, row.client) for row in web.edge.store.read("main")
            if row.stream == one] == [
        ("person.erasure_requested.v1", "member:a", keys[0]),
        ("person.erasure_confirmed.v1", "member:b", keys[2])]
    assert {row.stream for row in web.edge.store.read(ACCESS)
            if row.type == "key.issued.v1"} >= set(keys)


@on_sqlite
def test_threat__a_forged_erasure_is_followed(web: Web) -> None:
    """Whoever may write to the database erases alone: keys follow the log. That nobody asked and
    nobody confirmed is all that shows it."""
    ledger = web.ledger()
    one = a_buyer(ledger)
    erased.erase(web.edge.store, one)
    ledger.handle(place(2), CONTEXT)
    assert phone_in(ledger, ledger.keys) is None
    assert [found.ok for found in both(web.edge.store)] == [True, True]
    assert verify_keys(web.edge.store, ledger.keys).ok
    found = status_of(web.edge.store, ledger.keys, one)
    assert (found["erased"], found["requested"], found["requested_by"]) == (True, None, None)


@on_sqlite
def test_threat__a_key_that_is_put_back_is_named(web: Web) -> None:
    """It opens what was erased, unless the master key was changed; verify names it either way."""
    ledger, keys = web.ledger(), web.edge.open().keys
    one = a_buyer(ledger)
    with keys.engine.connect() as connection:
        row = connection.execute(select(persons).where(persons.c.person == one)).mappings().one()
    erase(ledger, one)
    assert phone_in(ledger, ledger.keys) is None

    def put_back() -> bool:
        with keys.engine.connect() as connection:
            connection.execute(persons.delete().where(persons.c.person == one))
            connection.execute(persons.insert().values(**row))
        ledger.keys.forget_opened()
        return any(f"{one}, who was erased here, is still there" in problem.what
                   for problem in verify_keys(web.edge.store, ledger.keys).problems)

    assert put_back()
    assert phone_in(ledger, ledger.keys) == PHONE
    rotate(keys)
    assert put_back()
    with pytest.raises(KeyDamaged):
        phone_in(ledger, ledger.keys)


@on_sqlite
def test_threat__an_old_master_key_with_an_old_backup_of_keys_opens_what_was_erased(
    web: Web, settings: Settings, tmp_path: Path
) -> None:
    """Nothing shows it. The program itself follows the log, also with these keys, and takes none of
    them once the master key was changed."""
    ledger, here = web.ledger(), web.edge.open()
    one = a_buyer(ledger)
    backup_keys(here.keys, tmp_path / "old.keys.gz")
    assert settings.master_key_file is not None
    (tmp_path / "old.key").write_bytes(settings.master_key_file.read_bytes())
    erase(ledger, one)
    rotate(here.keys)
    with pytest.raises(WrongMasterKey):
        restore_keys(here.keys, tmp_path / "old.keys.gz")
    old = replace(settings, keys_url=f"sqlite:///{tmp_path}/old.keys.db",
                  master_key_file=tmp_path / "old.key").open_keys()
    restore_keys(old, tmp_path / "old.keys.gz")
    assert phone_in(ledger, old.of(Known(ledger.id, "main"), keys_id=ledger.keys.id)) == PHONE
    assert phone_in(ledger, keys_of(here.store, old, "main")) is None
    old.close()
