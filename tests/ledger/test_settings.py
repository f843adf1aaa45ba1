"""Settings, the SQLite gate, and who may stand in an event: refused before anything else."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from api.cli import reports
from ledger.application import default_actor
from ledger.common.context import BadActor, BadContext, Context
from ledger.common.errors import NotFound
from ledger.core import event_types
from ledger.imports import profiles
from ledger.log import sqlite
from ledger.log.clock import DAY_US, Clock
from ledger.log.master_key import MasterKeyRequired
from ledger.log.store import AffectedSqlite
from ledger.log.verify import verify_with_access
from ledger.settings import (
    BadDatabaseUrl,
    BadDays,
    CannotOpen,
    KeysInTheLog,
    NotInCopy,
    Settings,
    StrayAt,
    _plain,
    clock_of,
    open_copy,
    open_ledger,
)
from tests.support import tamper
from tests.support.builders import CONTEXT, place
from tests.support.clocks import START


def sqlite_settings(folder: Path) -> Settings:
    return Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{folder}/shop.db"})


def test_plain__ends_no_sentence_in_a_sentence() -> None:
    assert _plain("connection refused\n\tAre connections accepted?\n") == (
        "connection refused Are connections accepted")


def test_settings__keys_lie_next_to_an_sqlite_log(tmp_path: Path) -> None:
    found = sqlite_settings(tmp_path)
    assert found.keys_url == f"sqlite:///{tmp_path}/shop.keys.db"
    assert found.master_key_file == tmp_path / "shop.master.key"


@pytest.mark.parametrize("url", ["mysql://a:b@c/d", "shop.db", "sqlite://"])
def test_settings__rejected_when_the_url_is_no_log(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as caught:
        Settings.from_environment({"LEDGER_DATABASE_URL": url})
    assert ":b@" not in str(caught.value)


def test_settings__rejected_when_the_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("no database at all, but long enough to look at" * 40)
    with pytest.raises(CannotOpen, match="LEDGER_DATABASE_URL"):
        open_ledger(sqlite_settings(tmp_path))


def test_settings__rejected_when_postgres_has_no_master_key() -> None:
    found = Settings.from_environment({"LEDGER_DATABASE_URL": "postgresql://app@127.0.0.1/x"})
    with pytest.raises(MasterKeyRequired):
        found.open_keys()


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "a month", "36501", "1" * 5000, "३०"])
def test_settings__rejected_when_the_days_are_no_number(text: str) -> None:
    with pytest.raises(BadDays, match="LEDGER_CLOCK_AHEAD_DAYS"):
        Settings.from_environment({"LEDGER_CLOCK_AHEAD_DAYS": text})


def test_settings__say_how_far_ahead_a_clock_may_begin(tmp_path: Path) -> None:
    """The ledger of keys and readings has rested no longer than the one that it belongs to."""
    url = {"LEDGER_DATABASE_URL": sqlite_settings(tmp_path).database_url}
    assert Settings.from_environment(url).clock_ahead_days == 30
    found = Settings.from_environment({**url, "LEDGER_CLOCK_AHEAD_DAYS": "36500"})
    for name, wall in (("main.access", START), ("main", START + 40 * DAY_US)):
        shop = open_ledger(found, name=name, clock=Clock(lambda wall=wall: wall))
        shop.ledger.accept_clock("a test", CONTEXT)
        assert clock_of(found, shop.store, name).ahead_days == 36_500
        shop.close()
    shop = open_ledger(found, name="main.access")
    assert shop.ledger.clock.since == START + 40 * DAY_US
    shop.close()


# -- which SQLite ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version, safe", [
    ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False),
    ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False),
    ((3, 51, 3), True), ((3, 53, 0), True), ((4, 0, 0), True),
])
def test_sqlite__accepted_when_free_of_the_wal_fault(version: tuple[int, ...],
                                                     safe: bool) -> None:
    assert sqlite.safe(version) is safe


def affected(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(sqlite_version="3.40.1", sqlite_version_info=(3, 40, 1))
    return module


def test_sqlite__rejected_when_every_driver_is_affected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setitem(sys.modules, "pysqlite3", affected("pysqlite3"))
    with pytest.raises(AffectedSqlite, match=r"3\.40\.1"):
        sqlite.driver()


def test_sqlite__rejected_when_the_wheel_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    with pytest.raises(AffectedSqlite):
        sqlite.driver()


# -- who -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["system", "member:7f3a", "cli:9f2c41d07be3a865", "key:01.a_b-c"])
def test_context__accepted(actor: str) -> None:
    assert Context(actor=actor, role="service", client="key:01").actor == actor


@pytest.mark.parametrize("actor", ["", "张三", "Zhang San", "member:", "member:张三", "13800001111",
                                   "system ", "member:a b", "member:" + "x" * 200, "a\0b"])
def test_context__rejected_when_the_actor_may_be_a_name(actor: str) -> None:
    with pytest.raises(BadActor):
        Context(actor=actor, role="service", client="cli")


@pytest.mark.parametrize("fields", [
    {"role": ""}, {"role": "Service"}, {"role": "店长"}, {"client": ""}, {"client": "a b"},
    {"client": "x" * 101},
])
def test_context__rejected_when_a_word_is_not_plain(fields: dict[str, str]) -> None:
    with pytest.raises(BadContext):
        Context(**{"actor": "system", "role": "system", "client": "test", **fields})


def test_default_actor__is_a_pseudonym_of_the_login(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        opened = open_ledger(sqlite_settings(tmp_path / name))
        assert default_actor(opened.ledger, "zhangsan") == default_actor(opened.ledger, "zhangsan")
        found.append(default_actor(opened.ledger, "zhangsan"))
        opened.close()
    assert "zhangsan" not in "".join(found)
    assert found[0] != found[1], "two ledgers cannot be joined by who worked in them"


# -- what is named must be there -------------------------------------------------------------------


def test_profile__rejected_when_there_is_none_of_that_name() -> None:
    with pytest.raises(NotFound):
        profiles.find("no-such-platform")


def test_report__rejected_when_its_read_model_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that this version does not know stops the read model, and the report says where."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    opened = open_ledger(sqlite_settings(tmp_path))
    opened.ledger.handle(place(1), CONTEXT)
    opened.ledger.handle(place(2), CONTEXT)
    opened.close()
    decoders = {name: decoder for name, decoder in event_types._decoders.items()
                if name != "order.placed.v1"}
    with monkeypatch.context() as patch:
        patch.setattr(event_types, "_decoders", decoders)
        with (pytest.raises(reports.ProjectionStopped, match="before position 2"),
              reports.ask("orders", "main", reports.question("orders", None))):
            pass
    with reports.ask("orders", "main", reports.question("orders", None)) as answer:
        assert len(answer.rows) == 2


@pytest.mark.parametrize("name", [
    "LEDGER_DATABASE_URL", "LEDGER_KEYS_URL", "LEDGER_ADMIN_DATABASE_URL"])
def test_url__rejected_with_an_at_in_its_password_of_which_nothing_is_shown(name: str) -> None:
    """R-SET-06"""
    with pytest.raises(StrayAt) as found:
        Settings.from_environment({name: "postgresql://ledger:pa@ss@db.example/shop"})
    assert "pa" not in str(found.value).replace("part", "").replace("password", "")
    Settings.from_environment({name: "postgresql://ledger:pa%40ss@db.example/shop"})


@pytest.mark.parametrize(("url", "keys"), [
    ("sqlite:///var/a.db", "sqlite:///var/a.db"), ("sqlite:///var/a.db", "sqlite:///var//a.db"),
    ("postgresql://u@h/db", "postgresql://u@h/db")])
def test_keys__rejected_in_the_database_of_the_log(url: str, keys: str) -> None:
    """R-SET-07"""
    with pytest.raises(KeysInTheLog):
        Settings.from_environment({"LEDGER_DATABASE_URL": url, "LEDGER_KEYS_URL": keys})


def test_copy__rejected_without_the_ledger_or_that_is_no_file(tmp_path: Path) -> None:
    """R-SET-09: it speaks of the file, for no setting matters; a pipe is not waited for."""
    sqlite_settings(tmp_path).open_store().close()
    with pytest.raises(NotInCopy, match=r"shop\.db\. The ledgers in it: none\."):
        open_copy(tmp_path / "shop.db", "main")
    open_ledger(sqlite_settings(tmp_path)).close()
    with pytest.raises(NotInCopy, match="The ledgers in it: main, main.access"):
        open_copy(tmp_path / "shop.db", "other")
    os.mkfifo(tmp_path / "pipe.db")
    with pytest.raises(CannotOpen, match="not a regular file"):
        open_copy(tmp_path / "pipe.db", "main")


def test_copy__is_verified_where_the_name_of_another_ledger_is_no_text(tmp_path: Path) -> None:
    """Not even in UTF-8: it names nothing, and the log itself is checked all the same."""
    settings = sqlite_settings(tmp_path)
    open_ledger(settings).close()
    tamper.intrude(settings, "UPDATE ledgers SET name = CAST(x'ff' AS TEXT)"
                   " WHERE name = 'main.access'")
    with closing(open_copy(tmp_path / "shop.db", "main")) as store:
        assert store.ledgers() == ["main"]
        found, access = verify_with_access(store, "main")
    (problem,) = found.problems
    assert (found.position, access) == (1, None)
    assert "is not here as main.access" in problem.what


def test_find_store__says_what_reads_a_file_beside_which_nothing_can_be_made(
    tmp_path: Path
) -> None:
    """R-SET-02, as on read-only media, where SQLite finds no files of its own and makes none."""
    settings = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/a.db"})
    open_ledger(settings).close()
    for end in ("-wal", "-shm"):
        (tmp_path / f"a.db{end}").unlink(missing_ok=True)
        (tmp_path / f"a.db{end}").mkdir()
    with pytest.raises(CannotOpen, match="`ledger verify FILE`"):
        settings.find_store("main").close()
