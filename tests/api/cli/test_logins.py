"""`ledger people`: links are shown once, logins are listed, locked, unlocked and ended."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.keys import list_command, revoke_command, rotate_command
from api.cli.logins import (
    end_command,
    invite_command,
    lock_command,
    logins_command,
    unlock_command,
)
from api.console import signing
from api.http.runtime import Edge
from ledger.settings import Settings


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`ledger people …` on a new ledger."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LEDGER_BIND", "LC_ALL",
                 "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")

    def invoke(command: Any, *arguments: str) -> Result:
        return CliRunner().invoke(command, list(arguments))

    return invoke


def logins(run: Any) -> dict[str, dict[str, Any]]:
    return {one["owner"]: one for one in json.loads(run(logins_command, "--json").stdout)}


def opened(link: str) -> str:
    """The token of the session that a link opens."""
    edge = Edge(Settings.from_environment()).open()
    try:
        return signing.use_link(edge, link.partition("token=")[2], ("", ""), "192.0.2.1")
    finally:
        edge.close()


def test_people__are_invited_listed_locked_and_ended(run: Any) -> None:
    made = json.loads(run(invite_command, "member:2c91", "--role", "manager", "--role", "auditor",
                          "--json").stdout)
    assert made["link"].startswith("http://127.0.0.1:8000/welcome?token=oi_")
    assert (made["owner"], made["roles"]) == ("member:2c91", "manager, auditor")
    assert logins(run)["member:2c91"] == {
        "owner": "member:2c91", "roles": "manager, auditor", "state": "invited",
        "password": False, "opened_at": None, "sessions": 0}
    opened(made["link"])
    found = logins(run)["member:2c91"]
    assert (found["state"], found["sessions"], found["opened_at"] is None) == ("good", 1, False)
    assert run(lock_command, "member:2c91", "--reason", "lost a phone").exit_code == 0
    found = logins(run)["member:2c91"]
    assert (found["state"], found["sessions"]) == ("locked", 0)
    answer = run(unlock_command, "member:2c91", "--reason", "found it", "--json")
    assert json.loads(answer.stdout) == {"owner": "member:2c91", "state": "good"}
    assert run(end_command, "member:2c91", "--reason", "left").exit_code == 0
    assert logins(run)["member:2c91"]["state"] == "ended"
    assert "R-LGN-01" in run(lock_command, "member:2c91", "--reason", "x").stderr


def test_link__is_not_kept_anywhere(run: Any, tmp_path: Path) -> None:
    link = json.loads(run(invite_command, "person:first", "--role", "auditor", "--json").stdout)
    secret = link["link"].split("_", 2)[2].encode()
    assert len(secret) > 40
    for path in tmp_path.iterdir():
        assert secret not in path.read_bytes()
    assert secret.decode() not in run(logins_command).output


@pytest.mark.parametrize(("bind", "address", "expected"), [
    ("127.0.0.1:8001", None, "http://127.0.0.1:8001"), ("0.0.0.0:80", None, "http://127.0.0.1:80"),
    ("[::]:8000", None, "http://[::1]:8000"),
    ("127.0.0.1:8001", "https://ledger.example.com", "https://ledger.example.com"),
    ("127.0.0.1:8001", "https://ledger.example.com:8443/", "https://ledger.example.com:8443")])
def test_link__leads_to_where_browsers_find_the_console(
    run: Any, monkeypatch: pytest.MonkeyPatch, bind: str, address: str | None, expected: str
) -> None:
    monkeypatch.setenv("LEDGER_BIND", bind)
    more = [] if address is None else ["--address", address]
    made = json.loads(run(invite_command, "person:x", "--role", "admin", "--json", *more).stdout)
    assert made["link"].partition("/welcome?")[0] == expected


@pytest.mark.parametrize("address", [
    "ledger.example.com", "ftp://x", "https://", "https://x/console", "https://x?a=1",
    "https://x#a", "https://me@x", "https://x:99999", "", "https://x:0"])
def test_link__rejected_to_where_no_browser_finds_anything(run: Any, address: str) -> None:
    result = run(invite_command, "person:x", "--role", "admin", "--address", address)
    assert "R-LGN-14" in result.stderr


def test_invite__rejected_for_roles_that_somebody_may_not_have(run: Any) -> None:
    assert "R-ACC-09" in run(invite_command, "system", "--role", "manager").stderr
    assert run(invite_command, "person:x", "--role", "king").exit_code == 2
    assert run(invite_command, "person:x").exit_code == 2
    assert run(invite_command, "person:x", "--role", "admin", "--hours", "0").exit_code == 2


def test_sessions__are_listed_with_keys_and_not_rotated(run: Any) -> None:
    made = json.loads(run(invite_command, "person:x", "--role", "admin", "--json").stdout)
    opened(made["link"])
    (key,) = json.loads(run(list_command, "--json").stdout)
    assert (key["owner"], key["session"], key["state"]) == ("person:x", True, "good")
    assert "R-LGN-10" in run(rotate_command, key["key"]).stderr
    run(revoke_command, key["key"], "--reason", "lost")
    assert json.loads(run(list_command, "--json").stdout) == []
