"""`ledger find` finds what the search over HTTP does."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.finding import find_command
from ledger.settings import Settings, open_ledger
from tests.support.builders import opened, place, received, stream
from tests.support.projecting import put


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger with a few orders, which the settings name."""
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("LEDGER_DATABASE_URL", url)
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with closing(open_ledger(Settings.from_environment({"LEDGER_DATABASE_URL": url}))) as made:
        put(made.ledger, opened(), received("钢笔-黑", 5), place("1001"), place("2001"),
            place("10012"))


def run(*typed: str) -> Result:
    """The command, as somebody types it."""
    return CliRunner().invoke(find_command, list(typed))


def test_find__shows_the_very_name_first_then_the_newest() -> None:
    found = json.loads(run("1001", "--json").output)
    assert [row["subject"] for row in found["items"]] == [stream("1001"), stream("10012")]
    assert (found["as_of"]["more"], found["next"]) == (False, None)
    found = json.loads(run("001", "--json", "--limit", "1").output)
    assert [row["subject"] for row in found["items"]] == [stream("2001")]
    assert found["as_of"]["more"] is True
    assert "there are more" in run("001", "--limit", "1").output


def test_find__is_headed_in_chinese_where_that_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run("001").output.splitlines()[1].split() == ["类型", "对象", "匹配项", "名称", "位置"]


def test_find__is_narrowed_by_a_kind() -> None:
    assert "(nothing)" in run("1001", "--kind", "waybill").output
    assert stream("2001") in run("2001", "--kind", "order").output
    assert run("2001", "--kind", "orders").exit_code == 2


@pytest.mark.parametrize("text", ["", "1", " 1 "])
def test_find__rejected_when_it_is_too_short(text: str) -> None:
    result = run(text)
    assert result.exit_code == 2
    assert "too short" in result.output
