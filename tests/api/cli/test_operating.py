"""What an operator does to a log, for programs: every command has its JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.program import program


@pytest.mark.parametrize("given", [
    ["upgrade"], ["accept-clock", "--reason", "it is right"], ["close-log"],
    ["policies", "publish", "deadlines", "--from", "2026-01-01"],
    ["keys", "revoke", "KEY", "--reason", "lost"]])
def test_commands__answer_in_json(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    issued = CliRunner().invoke(program, [
        "keys", "issue", "--owner", "member:7f3a", "--role", "admin", "--json"])
    key = json.loads(issued.stdout)["key"]
    result = CliRunner().invoke(program, [key if one == "KEY" else one for one in given]
                                + ["--json"])
    assert result.exit_code == 0, result.output
    assert isinstance(json.loads(result.stdout), dict)
