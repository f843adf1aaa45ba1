"""The command line as a person and a program meet it: messages, JSON, codes, both languages."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api import create_app
from api.cli.commands import COMMANDS
from ledger.settings import Settings
from tests.support import tamper
from tests.support.source import ROOT

SAMPLES = ROOT / "samples"
AUGUST = SAMPLES / "taobao" / "ExportOrderList202608312359.csv"
SEPTEMBER = SAMPLES / "taobao" / "ExportOrderList202609302359.csv"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ledger NAME …` on a ledger in a new folder, in English."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    commands = {command.name: command for command in COMMANDS}

    def invoke(name: str, *arguments: object) -> Result:
        return CliRunner().invoke(commands[name], [str(a) for a in arguments])

    return invoke


def counts(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: Any = json.loads(result.stdout)
    listed: list[dict[str, Any]] = found["items"] if isinstance(found, dict) else found
    return listed


def import_sample(run: Run, *files: Path) -> dict[str, Any]:
    return counts(run("import", *(files or (AUGUST, SEPTEMBER)), "--profile", "taobao-orders",
                      "--json"))


def test_import__accepted(run: Run) -> None:
    found = import_sample(run)
    assert {name: found[name] for name in ("rows", "accepted", "rejected", "duplicates")} == {
        "rows": 591, "accepted": 579, "rejected": 0, "duplicates": 12}
    assert found["events"] + 1 == found["position"]


def test_import__ignored_when_repeated(run: Run) -> None:
    import_sample(run)
    found = import_sample(run)
    assert (found["accepted"], found["duplicates"], found["events"]) == (0, 591, 0)


def test_import_dry_run__changes_no_byte(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix == ".db"}
    result = run("import", SEPTEMBER, "--profile", "taobao-orders", "--dry-run", "--json")
    found = counts(result)
    assert result.exit_code == 0
    assert (found["accepted"], found["duplicates"], found["events"]) == (332, 12, 0)
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix == ".db"}
    assert before == after
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "shop.db", "shop.imports.db", "shop.keys.db", "shop.master.key"]


@pytest.mark.parametrize("name", sorted(p.name for p in (SAMPLES / "broken").iterdir()))
def test_import__rejected_when_the_file_is_broken(run: Run, name: str) -> None:
    result = run("import", SAMPLES / "broken" / name, "--profile", "taobao-orders", "--json")
    found = counts(result)
    assert result.exit_code == 1
    assert (found["accepted"], found["events"], found["position"]) == (0, 0, 0)
    assert found["rows"] == found["accepted"] + found["rejected"] + found["duplicates"]
    faults = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert faults
    for fault in faults:
        assert set(fault) == {"file", "row", "column", "value", "code", "rule", "reason"}
    told = run("import", SAMPLES / "broken" / name, "--profile", "taobao-orders")
    assert told.exit_code == 1
    assert name in told.stderr
    assert "No row was recorded" in told.stdout


def test_import__accepted_in_part_when_failed_rows_are_rejected(run: Run) -> None:
    result = run("import", SAMPLES / "broken" / "bad-money.csv", "--profile", "taobao-orders",
                 "--policy", "reject_failed_rows", "--json")
    found = counts(result)
    assert result.exit_code == 1
    assert found["accepted"] > 0
    assert found["rejected"] > 0
    assert found["rows"] == found["accepted"] + found["rejected"]


@pytest.mark.parametrize("arguments, code", [
    (("import", "missing.csv", "--profile", "taobao-orders"), 1),
    (("import", AUGUST, "--profile", "no-such-profile"), 1),
    (("import", "--profile", "taobao-orders"), 2),
    (("report", "nothing"), 2),
    (("report", "timeline"), 1),
    (("report", "timeline", "order:x:y:1"), 1),
    (("report", "orders", "--position", "7"), 1),
    (("report", "orders", "--recorded-as-of", "yesterday"), 1),
    (("report", "orders", "--position", "0", "--recorded-as-of", "2026-09-01"), 1),
    (("report", "staff", "--day", "2026-02-30"), 1),
    (("rebuild", "nothing"), 1),
    (("verify", "--expect", "7"), 1),
    (("restore", "missing.gz"), 2),
    (("restore", AUGUST), 1),
    (("restore", AUGUST, "--reason", "x"), 1),
    (("give-up-keys", "--reason", "x"), 2),
    (("give-up-keys", "--actor", "member:7f3a"), 2),
    (("accept-clock",), 2),
    (("accept-clock", "--reason", "ok", "--actor", "张三"), 1),
])
def test_command__rejected_with_a_message(run: Run, arguments: tuple[Any, ...], code: int) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stderr.strip() or result.stdout.strip()
    assert "Traceback" not in result.output


def test_report_leave__tells_the_number_that_a_decision_needs(
    run: Run, tmp_path: Path
) -> None:
    def tell(name: str, **fields: Any) -> None:
        (tmp_path / "told.json").write_text(json.dumps(fields))
        assert run("do", name, tmp_path / "told.json", "--actor", "member:wang").exit_code == 0

    tell("member.join", member="member:wang", joined_on="2026-01-01")
    tell("member.request_leave", member="member:wang", number="L-17", days=["2099-01-05"])
    assert "L-17" in run("report", "leave").stdout
    assert rows(run("report", "staff", "--day", "2099-01-05", "--json"))[0]["on_leave"] is False


def test_report_reconciliation__accepted(run: Run) -> None:
    import_sample(run)
    (row,) = rows(run("report", "reconciliation", "--format", "json"))
    assert list(row) == [
        "currency", "orders", "unpaid_orders", "paid_orders", "refunded_orders",
        "fully_refunded_orders", "goods_minor", "postage_minor", "discount_minor", "total_minor",
        "paid_minor", "refunded_minor", "net_minor", "lines", "pieces_sold", "pieces_cancelled",
        "pieces_written_off", "pieces_found", "value"]
    told = {name: row[name] for name in ("orders", "goods_minor", "total_minor", "paid_minor",
                                         "refunded_minor", "net_minor", "lines", "value")}
    assert told == {"orders": 500, "goods_minor": 4888290, "total_minor": 4812370,
                    "paid_minor": 4489470, "refunded_minor": 205580, "net_minor": 4283890,
                    "lines": None, "value": None}
    assert row["total_minor"] == row["goods_minor"] + row["postage_minor"] - row["discount_minor"]
    assert rows(run("report", "reconciliation", "--channel", "nowhere", "--json")) == []


def test_report_orders__accepted(run: Run) -> None:
    import_sample(run)
    found = rows(run("report", "orders", "--format", "json"))
    assert len(found) == 500
    assert list(found[0]) == [
        "subject", "channel", "shop", "number", "review_status", "payment_status",
        "delivery_status", "owner", "exception_kinds", "flags", "currency", "total_minor",
        "paid_minor",
        "refunded_minor", "placed_at", "paid_at", "dispatched_at", "completed_at", "recorded_at",
        "position"]
    subject = found[0]["subject"]
    (one,) = rows(run("report", "orders", subject, "--json"))
    assert one == found[0]
    story = rows(run("report", "timeline", subject, "--json"))
    assert [event["version"] for event in story] == list(range(1, len(story) + 1))
    assert story[-1]["position"] == one["position"]


def test_report__accepted_as_of_a_position(run: Run) -> None:
    import_sample(run, AUGUST)
    noted = counts(run("verify", "--json"))
    then = rows(run("report", "orders", "--json"))
    import_sample(run, SEPTEMBER)
    past = rows(run("report", "orders", "--json", "--position", noted["position"]))
    assert past == then
    expect = f"{noted['position']}:{noted['root']}"
    assert run("verify", "--expect", expect).exit_code == 0


def test_verify_and_backup__append_the_line_that_expect_reads(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    kept, late = tmp_path / "kept", tmp_path / "none" / "kept"
    assert run("verify", "--append-to", kept).exit_code == 0
    import_sample(run, SEPTEMBER)
    (line, _) = rows(run("backup", tmp_path / "log.gz", "--append-to", kept, "--json"))
    assert kept.read_text().splitlines()[1:] == [line["expect"]]
    assert run("verify", "--expect", f"@{kept}", "--append-to", kept).exit_code == 0
    refused = run("backup", tmp_path / "other.gz", "--append-to", late)
    assert (refused.exit_code, "R-VFY-03" in refused.stderr) == (1, True)
    assert not (tmp_path / "other.gz").exists()
    assert run("backup", tmp_path / "keys.gz", "--keys", "--append-to", kept).exit_code == 2
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        tamper.unguard(connection)
        tamper.cut(connection, 1)
        connection.commit()
    assert run("verify", "--expect", f"@{kept}", "--append-to", kept).exit_code == 1
    assert kept.read_text().splitlines()[1:] == [line["expect"]] * 2


def test_verify__rejected_after_tampering(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    assert counts(run("verify", "--json"))["ok"]
    subprocess.run([sys.executable, "-m", "tests.support.tamper", str(tmp_path / "shop.db"), "7"],
                   check=True, cwd=ROOT)
    result = run("verify", "--json")
    assert result.exit_code == 1
    found = counts(result)
    assert not found["ok"]
    assert found["problems"][0]["position"] == 7
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert {row["check"]: row["ok"] for row in json.loads(result.stdout)}["guards"] is False


def test_verify__looks_at_the_ledger_of_keys_and_readings_too(run: Run, tmp_path: Path) -> None:
    key = run("keys", "issue", "--owner", "member:7f3a", "--role", "member", "--json")
    assert run("close-log").exit_code == 0
    found = counts(run("verify", "--json"))
    assert found["ok"]
    assert found["access"]["events"] == 2
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        tamper.unguard(connection)
        connection.execute("UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), "
                           "'member', 'admin') AS BLOB) WHERE type = 'key.issued.v1'")
    result = run("verify")
    assert key.exit_code == 0
    assert result.exit_code == 1
    assert "The log is what was recorded." in result.stdout
    assert "2: the payload is not the one that was recorded" in result.stdout
    assert "The ledger of keys and readings is not sound." in result.stdout


def test_verify__rejected_when_the_access_ledger_is_not_what_was_anchored(
    run: Run, tmp_path: Path
) -> None:
    """Whoever cuts it off and mends its head leaves what the log says of it."""
    run("keys", "issue", "--owner", "member:7f3a", "--role", "member")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        head = connection.execute(
            "SELECT position, recorded_at, frontier FROM heads JOIN ledgers ON id = ledger "
            "WHERE name = 'main.access'").fetchone()
    run("keys", "issue", "--owner", "member:b08e", "--role", "admin")
    assert run("close-log").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        tamper.unguard(connection)
        own = "(SELECT id FROM ledgers WHERE name = 'main.access')"
        connection.execute(f"DELETE FROM events WHERE ledger = {own} AND position > ?", head[:1])
        connection.execute(f"UPDATE heads SET position = ?, recorded_at = ?, frontier = ? "
                           f"WHERE ledger = {own}", head)
    found = counts(run("verify", "--json"))
    assert not found["ok"]
    assert found["problems"] == []
    assert "events were cut off" in found["access"]["problems"][0]["what"]


@pytest.mark.parametrize("change", ["name = 'x'", "\"of\" = NULL", "\"of\" = id"])
def test_verify__rejected_when_the_access_ledger_is_not_the_one_that_the_log_names(
    run: Run, tmp_path: Path, change: str
) -> None:
    run("keys", "issue", "--owner", "member:7f3a", "--role", "member")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        tamper.unguard(connection)
        connection.execute(f"UPDATE ledgers SET {change} WHERE name = 'main.access'")
    for more in ([], [tmp_path / "shop.db"]):
        found = counts(run("verify", "--json", *more))
        assert not found["ok"]
        assert "the ledger of keys and readings that it names" in found["problems"][0]["what"]


def test_verify__accepted_of_a_copy_by_itself(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_sample(run, AUGUST)
    noted = counts(run("verify", "--json"))
    folder = tmp_path / "copied"
    folder.mkdir()
    copy = folder / "old.db"
    shutil.copy(tmp_path / "shop.db", copy)
    copy.chmod(0o400)
    folder.chmod(0o500)
    monkeypatch.setenv("LEDGER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    try:
        found = counts(run("verify", copy, "--json",
                           "--expect", f"{noted['position']}:{noted['root']}"))
        assert found == {**noted, "expected": 1, "fitting": 1}
        assert [one.name for one in folder.iterdir()] == ["old.db"]
        assert run("verify", copy, "--expect", f"7:{'00' * 32}").exit_code == 1
        assert "R-SET-09" in run("verify", copy, "--ledger", "other").stderr
    finally:
        folder.chmod(0o700)
        copy.chmod(0o600)


def test_verify__rejected_of_a_copy_that_is_not_whole(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    (tmp_path / "shop.db-wal").write_bytes(b"something")
    assert "shop.db-wal" in (refused := run("verify", tmp_path / "shop.db")).stderr
    assert refused.exit_code == 1
    for content in (b"", b"no database" * 1000):
        (tmp_path / "other.db").write_bytes(content)
        refused = run("verify", tmp_path / "other.db")
        assert (refused.exit_code, isinstance(refused.exception, SystemExit)) == (1, True)
        assert "other.db" in refused.stderr


def test_verify__reports_a_changed_cell_of_a_copy(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    copy = tmp_path / "copy.db"
    shutil.copy(tmp_path / "shop.db", copy)
    tamper.intrude(Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{copy}"}),
                   "UPDATE events SET actor = CAST(x'ff' AS TEXT) WHERE position = 7")
    found = counts(run("verify", copy, "--json"))
    assert (found["ok"], found["problems"][0]["position"]) == (False, 7)


CHANGED = {
    "bit": "UPDATE events SET stream = 'X' || substr(stream, 2) WHERE position = 7",
    "type": "UPDATE events SET recorded_at = 'soon' WHERE position = 7",
    "long": "UPDATE events SET payload = zeroblob(2000000) WHERE position = 7",
    "null": "UPDATE events SET salt = NULL WHERE position = 7",
    "zero": "UPDATE events SET version = -1 WHERE position = 7",
    "removed": "DELETE FROM events WHERE position = 7",
    "swapped": "UPDATE events SET position = CASE position WHEN 7 THEN 8 ELSE 7 END"
               " WHERE position IN (7, 8)",
    "doubled": "INSERT INTO events SELECT * FROM events WHERE position = 7",
    "head": "UPDATE heads SET frontier = 'tree'",
    "no head": "DELETE FROM heads",
    "two heads": "INSERT INTO heads SELECT * FROM heads",
    "ledger": "UPDATE ledgers SET id = 'main'",
    "ledger's name": "UPDATE ledgers SET name = 7 WHERE name = 'main.access'",
    "no ledger": "DELETE FROM ledgers",
    "schema": "UPDATE alembic_version SET version_num = NULL",
    "no schema": "DELETE FROM alembic_version",
}


@pytest.mark.parametrize("kind", CHANGED)
def test_verify__says_in_a_sentence_what_was_changed(
    run: Run, tmp_path: Path, kind: str
) -> None:
    """Of each kind of change one, over the command line: of the live database and of a copy."""
    for number in range(9):
        run("keys", "issue", "--owner", f"member:{number}", "--role", "member")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        tamper.unguard(connection)
        for table in ("events", "heads", "ledgers"):
            tamper.unindex(connection, table)
        connection.execute(CHANGED[kind])
    for more in ([], [tmp_path / "shop.db"]):
        result = run("verify", *more)
        assert (result.exit_code, type(result.exception)) == (1, SystemExit)
        said = result.stdout + result.stderr
        assert "R-" in said or "is not sound." in said, said


def test_verify__rejected_when_two_expectations_contradict(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    noted = counts(run("verify", "--json"))
    lines = [f"{noted['position']}:{root}" for root in (noted["root"], "00" * 32)]
    (tmp_path / "kept").write_text("\n".join(lines))
    kept = f"@{tmp_path / 'kept'}"
    for more in (lines, lines[::-1], [kept], [lines[0], kept]):
        found = counts(run("verify", "--json", *(part for one in more
                                                 for part in ("--expect", one))))
        assert [problem["position"] for problem in found["problems"]] == [noted["position"]]


def test_doctor__accepted_when_nothing_is_wrong(run: Run) -> None:
    import_sample(run, AUGUST)
    run("report", "orders")
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    assert {row["ok"] for row in json.loads(result.stdout)} == {True, None}


def test_verify__rejected_when_a_read_model_was_changed(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    run("report", "orders", "--json")
    (read,) = tmp_path.glob("shop.read.*.db")
    connection = tamper.sqlite.driver().connect(str(read), isolation_level=None)
    connection.execute("UPDATE orders SET paid_minor = paid_minor + 1 WHERE paid_minor > 0")
    connection.close()
    result = run("verify", "--json")
    assert result.exit_code == 1
    assert "read model orders" in counts(result)["problems"][0]["what"]
    assert run("rebuild", "orders").exit_code == 0
    assert run("verify").exit_code == 0


def test_backup_and_restore__accepted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_sample(run, AUGUST)
    before = rows(run("report", "orders", "--json"))
    expect = rows(run("backup", tmp_path / "log.gz", "--json"))[0]["expect"]
    assert run("backup", "--keys", tmp_path / "keys.gz").exit_code == 0
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/other/shop.db")
    monkeypatch.setenv("LEDGER_MASTER_KEY_FILE", str(tmp_path / "shop.master.key"))
    assert run("restore", "--keys", tmp_path / "keys.gz").exit_code == 0
    assert run("restore", tmp_path / "log.gz", "--reason", "the disk broke").exit_code == 0
    assert run("verify", "--expect", expect).exit_code == 0
    assert rows(run("report", "orders", "--json")) == before
    assert import_sample(run, AUGUST)["events"] == 0
    assert run("restore", tmp_path / "log.gz", "--reason", "again").exit_code == 1


def test_accept_clock__accepted(run: Run) -> None:
    import_sample(run, AUGUST)
    assert run("accept-clock", "--reason", "the battery was changed").exit_code == 0
    (event,) = rows(run("report", "timeline", "log:clock", "--json"))
    assert event["role"] == "admin"
    assert event["actor"].startswith("cli:")


def test_demo__rejected_when_the_database_is_not_empty(run: Run) -> None:
    import_sample(run, AUGUST)
    result = run("demo")
    assert result.exit_code == 1
    assert "R-DEM-01" in result.stderr


def test_demo__tells_the_same_story_twice(run: Run, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    stories = []
    for name in ("one", "two"):
        monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/{name}/demo.db")
        result = run("demo")
        assert result.exit_code == 0, result.output
        told = result.stdout.replace(f"{tmp_path}/{name}", "")
        assert len(re.findall("^  [0-9]+:[0-9a-f]{64}$", told, re.M)) == 1
        stories.append(re.sub("[0-9a-f]{64}", "", told))
    assert stories[0] == stories[1]


def test_report__accepted_as_a_file(run: Run, tmp_path: Path) -> None:
    import_sample(run, AUGUST)
    told = rows(run("report", "orders", "--json"))
    for form in ("json", "csv", "xlsx"):
        path = tmp_path / f"orders.{form}"
        result = run("report", "orders", "--format", form, "--output", path)
        assert (result.exit_code, result.stdout) == (0, ""), result.output
        assert ("open: " in result.stderr) == (form == "csv")
        assert path.stat().st_size > 1000
    assert json.loads((tmp_path / "orders.json").read_text())["items"] == told
    assert run("report", "orders", "--format", "csv").stdout.count("\n") == len(told) + 1


def test_report__rejected_as_excel_on_the_terminal(run: Run) -> None:
    result = run("report", "orders", "--format", "xlsx")
    assert result.exit_code == 1
    assert "[R-PRJ-15, output_needed]" in result.stderr


@pytest.mark.parametrize("name, url", [
    ("LEDGER_DATABASE_URL", "mysql://a:secret@b/c"),
    ("LEDGER_DATABASE_URL", "postgresql://a:secret@127.0.0.1:1/c"),
    ("LEDGER_DATABASE_URL", "sqlite:////proc/nowhere/x.db"),
    ("LEDGER_DATABASE_URL", f"sqlite:///{ROOT}/README.md"),
    ("LEDGER_KEYS_URL", f"sqlite:///{ROOT}/README.md"),
    ("LEDGER_KEYS_URL", "mysql://a:secret@b/c"),
])
def test_settings__rejected_with_a_message(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    """Neither a traceback nor a password, whatever the setting names."""
    import_sample(run, AUGUST)
    monkeypatch.setenv(name, url)
    monkeypatch.setenv("LEDGER_MASTER_KEY_FILE", str(ROOT / "README.md"))
    for arguments in (("doctor",), ("import", AUGUST, "--profile", "taobao-orders"),
                      ("backup", "x.gz", "--keys")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert name in result.output
        assert "secret" not in result.output


def test_messages__accepted_in_chinese(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "R-SET-03" in (missing := run("report", "timeline", "order:x:y:1")).stderr
    assert "账本" in missing.stderr
    import_sample(run, AUGUST)
    result = run("report", "timeline", "order:x:y:1")
    assert any("一" <= character <= "鿿" for character in result.stderr)
    assert "R-PRJ-07" in result.stderr


@pytest.mark.parametrize(("option", "text"), [
    ("--from", "20260902"), ("--to", "2026-09-02T00:00:00+08:00"), ("--paid-from", "9月2日")])
def test_report__of_a_period_names_the_option_that_is_no_day(
    run: Run, option: str, text: str
) -> None:
    """R-PRJ-28."""
    import_sample(run, AUGUST)
    said = run("report", "orders", option, text).stderr
    assert f"{option} is {text!r}. A period has whole days: name one such as 2026-09-30." in said


def test_import__of_a_period_that_is_older_news_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-IMP-24."""
    header = "order,line,sku,quantity,unit_price,placed_at,dispatched_at"
    row = "7,1,SH-001,2,49.90,2026-03-01 10:00,"
    for name, sent in (("newer.csv", "2026-03-02 09:00"), ("older.csv", "")):
        (tmp_path / name).write_text(f"{header}\n{row}{sent}\n", "utf-8")
        found = run("import", str(tmp_path / name), "--profile", "generic", "--stock", "none")
    assert "1 of those without news count as older than what is known" in found.stdout
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    again = ("import", tmp_path / "older.csv", "--profile", "generic", "--stock", "none")
    assert "没有新内容的行中，1 行视为早于账本已知的情况" in run(*again).stdout
    assert counts(run(*again, "--json"))["older"] == 1


def test_help__accepted_in_chinese(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "一" <= run("verify", "--help").stdout.splitlines()[2].strip()[0] <= "鿿"


def test_flask__finds_the_commands() -> None:
    """Through wsgi.py, as a person calls it."""
    names = set(create_app().cli.commands)
    assert {"demo", "import", "report", "rebuild", "verify", "doctor", "upgrade", "backup",
            "restore", "accept-clock"} <= names
    done = subprocess.run([sys.executable, "-m", "flask", "report", "--help"], check=True, cwd=ROOT,
                          capture_output=True, text=True, env={**os.environ, "LANG": "C.UTF-8"})
    assert "--recorded-as-of" in done.stdout


@pytest.mark.parametrize("arguments", [
    ("report", "orders", "--format", "csv", "--output", "nowhere/x.csv"), ("backup", "nowhere/x"),
    ("report", "orders", "\udcff")])
def test_commands__rejected_in_one_line_when_a_file_or_a_text_cannot_be_used(
    run: Run, arguments: tuple[str, ...]
) -> None:
    import_sample(run, AUGUST)
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
