"""`ledger person` on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS, do_command
from api.cli.persons import person_group
from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.log.store import SUFFIX
from ledger.policies.commands import ConfirmRetention, PublishPolicy
from ledger.policies.values import Policy, Retention, Sections
from ledger.settings import open_ledger
from tests.support.builders import CONTEXT, NOON, end, pay, place, stream
from tests.support.erasing import ASKS, CONFIRMS

PHONE = "13800000001"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger in a file, with an order that is over."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    opened = open_ledger()
    opened.ledger.handle_many([(place(account="a", phone=PHONE, lines=None), CONTEXT), (pay(), CONTEXT),
                               (end(), CONTEXT)])
    opened.close()


def run(*words: str, code: int = 0) -> Result:
    found = CliRunner().invoke(person_group, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def person() -> str:
    (found,) = json.loads(run("find", stream(), "--json").stdout)
    return str(found["person"])


def recorded(of: str) -> list[Entry]:
    opened = open_ledger()
    found = list(opened.store.streams(opened.ledger.id, [of]))
    opened.close()
    return found


def test_person__who_is_called_by_a_stream_is_said_how_to_find() -> None:
    for words in (["request-erasure", "--ground", "requested"], ["status"], ["export"]):
        assert "ledger person find member:5555" in run(*words, "member:5555", code=1).stderr
    said = run("status", "order:`rm x`", code=1).stderr
    assert "person:Zk3f…" in said
    assert "find" not in said


def test_person__is_found_and_erased_by_two() -> None:
    one = person()
    assert json.loads(run("find", "--account", "taobao:a", "--json").stdout) == [{"person": one}]
    assert "R-ERA-13" in run("find", "order:none", code=1).stderr
    for words in ([], ["--account", "a"], [stream(), "--account", "taobao:a"]):
        run("find", *words, code=2)
    assert "R-ERA-03" in run("confirm-erasure", one, code=1).stderr
    run("request-erasure", one, "--ground", "requested", "--actor", "member:1")
    assert "Nothing new" in run("request-erasure", one, "--ground", "requested", "--actor",
                                "member:1").stdout
    run("withdraw-erasure", one)
    run("request-erasure", one, "--ground", "unlawful", "--actor", "member:1")
    run("hold", one, "--reason", "纠纷")
    assert "R-ERA-05" in run("confirm-erasure", one, code=1).stderr
    assert json.loads(run("status", one, "--json").stdout)["held"]
    run("lift-hold", one)
    assert "R-ERA-04" in run("confirm-erasure", one, "--actor", "member:1", code=1).stderr
    run("confirm-erasure", one, "--json")
    assert {entry.client for entry in recorded(one)} == {"cli"}
    assert json.loads(run("status", one, "--json").stdout)["erased"]
    assert PHONE not in run("export", one).stdout
    told = json.dumps({"order": stream(), "remark": "改地址"})
    for form in ([], ["--json"]):
        found = CliRunner().invoke(do_command, ["order.remark", *form], input=told).stdout
        assert ("left out", "left_out")[bool(form)] in found


def test_export__shows_all_and_is_noted() -> None:
    one = person()
    found = json.loads(run("export", one, "--actor", "member:1").stdout)
    assert found["events"][0]["event"]["phone"] == PHONE
    opened = open_ledger(name="main" + SUFFIX)
    notes = [event_types.decode(entry) for entry in opened.store.read("main" + SUFFIX)
             if entry.type == "reading.noted.v1"]
    opened.close()
    assert [(note.route, note.subjects, note.persons) for note in notes] == [
        ("ledger person export", [one], [one])]
    assert "R-ERA-01" in run("export", "person:nobody", code=1).stderr


def test_retain__lists_then_erases() -> None:
    assert "R-ERA-11" in run("retain", code=1).stderr
    opened = open_ledger()
    opened.ledger.handle(PublishPolicy(
        policy=Policy(title="保存", sections=Sections(retention=Retention(buyers=1))),
        effective_from="2020-01-01", occurred_at=NOON), ASKS)
    opened.ledger.handle(ConfirmRetention(version=1, occurred_at=NOON), CONFIRMS)
    opened.close()
    one = person()
    assert one in run("retain", "--dry-run").stdout
    assert json.loads(run("retain", "--dry-run", "--json").stdout) == {
        "persons": [one], "erased": False, "positions": []}
    assert run("retain").stdout == "1 person(s) were erased.\n"
    assert json.loads(run("retain", "--json").stdout)["persons"] == []


def test_person__is_a_command_of_the_program() -> None:
    assert person_group in COMMANDS
