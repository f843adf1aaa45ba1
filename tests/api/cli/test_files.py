"""No command writes to the ledger's own files, whatever they are called on the command line."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.commands import backup_command, report_command, verify_command
from ledger.settings import Settings, open_ledger
from tests.conftest import on_sqlite
from tests.support.builders import CONTEXT, place

OWN = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.keys.db", "ledger.keys.db-wal",
       "ledger.master.key", "ledger.read", "ledger.read.1.db", "ledger.read.2.db-wal",
       "ledger.read.lock", "hard", "soft", "folder/../ledger.db-journal")


@on_sqlite
def test_output__rejected_on_files_of_the_ledger_itself(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-SET-08: by their names, whether they are there or not, and through links."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LEDGER_KEYS_URL", settings.keys_url)
    monkeypatch.setenv("LEDGER_MASTER_KEY_FILE", str(settings.master_key_file))
    opened = open_ledger(settings)
    opened.ledger.handle(place(1), CONTEXT)
    opened.close()
    runner = CliRunner()
    assert runner.invoke(report_command, ["orders", "--output", str(tmp_path / "a")]).exit_code == 0
    (tmp_path / "folder").mkdir()
    os.link(tmp_path / "ledger.db", tmp_path / "hard")
    (tmp_path / "soft").symlink_to(tmp_path / "ledger.keys.db")

    def held() -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()}

    before = held()
    for name in OWN:
        path = str(tmp_path / name)
        for command, options in ((verify_command, ["--append-to", path]), (backup_command, [path]),
                                 (backup_command, [str(tmp_path / "b"), "--append-to", path]),
                                 (backup_command, ["--keys", path]),
                                 (report_command, ["orders", "--output", path]),
                                 (report_command, ["orders", "--output", path, "--format", "xlsx"]),
                                 (verify_command, [str(tmp_path / "ledger.db"), "--append-to",
                                                   path])):
            found = runner.invoke(command, options)
            assert (found.exit_code, "own files" in found.output) == (1, True), (name, options,
                                                                                found.output)
    assert held() == before
    for name in ("ledger.readme", "roots", "ledger.db.roots"):
        found = runner.invoke(verify_command, ["--append-to", str(tmp_path / name)])
        assert found.exit_code == 0, found.output
