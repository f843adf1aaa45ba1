"""The first link: whoever starts a server on their own machine gets in, and nobody else does."""

import os
import re
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from api.cli import first_link, inviting
from api.console import signing
from api.http.key_ring import SESSION
from api.http.runtime import Edge
from ledger.log.store import SUFFIX
from ledger.people.commands import AssignPost, JoinMember
from ledger.settings import Settings, open_ledger
from tests.support import source
from tests.support.builders import CONTEXT
from tests.support.serving import Served
from tests.support.signing_in import OPERATOR
from tests.support.team import JOINED, printed
from tests.support.team import at as day_at

HERE = {"LEDGER_BIND": "127.0.0.1:8000", "LEDGER_DATABASE_URL": "sqlite:///x.db"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with a ledger in which nothing has happened."""
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LEDGER_BIND", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    found = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/shop.db"})
    open_ledger(found).close()
    return found


def place(settings: Settings, posts: dict[str, str]) -> None:
    """Let members join, and give them posts."""
    with closing(open_ledger(settings)) as found:
        for command in printed("rules", "scorecards"):
            found.ledger.handle(command, CONTEXT)
        for who, post in posts.items():
            found.ledger.handle(
                JoinMember(member=who, joined_on=JOINED, occurred_at=day_at(JOINED)), CONTEXT)
            found.ledger.handle(AssignPost(post=post, member=who, since=JOINED,
                                           occurred_at=day_at(JOINED)), CONTEXT)


def opens(settings: Settings, link: str) -> str:
    """The role of the session that a link opens."""
    edge = Edge(settings).open()
    try:
        token = signing.use_link(edge, link.partition("token=")[2], ("", ""), "127.0.0.1")
        who = edge.caller(token, SESSION)
        assert who is not None
        return who.role
    finally:
        edge.close()


@pytest.mark.parametrize(("posts", "owner", "role"), [
    ({}, "person:first", "manager"),
    ({"member:b": "shop_manager", "member:a": "customer_service"}, "member:b", "manager"),
    ({"member:a": "customer_service"}, "person:first", "auditor")])
def test_link__is_for_who_can_do_most(
    settings: Settings, posts: dict[str, str], owner: str, role: str
) -> None:
    place(settings, posts)
    for _ in range(2):  # nobody followed the first one
        made = first_link.link(settings, HERE)
        assert made is not None
        assert (made["owner"], made["roles"]) == (owner, role)
    assert opens(settings, made["link"]) == role
    assert first_link.link(settings, HERE) is None


@pytest.mark.parametrize("environment", [
    {"LEDGER_BIND": "0.0.0.0:8000"}, {"LEDGER_BIND": "192.0.2.1:8000"},
    {"LEDGER_BIND": "ledger.example.com:80"}, {"NOTIFY_SOCKET": "/run/x"}])
def test_link__is_not_printed_where_others_may_see_it(
    settings: Settings, environment: dict[str, str]
) -> None:
    assert first_link.link(settings, {**HERE, **environment}) is None
    assert first_link.link(settings, {**HERE, "LEDGER_BIND": "[::1]:8000"}) is not None
    assert first_link.link(settings, {**HERE, "LEDGER_BIND": "localhost:8000"}) is not None


@pytest.mark.parametrize("owner", ["person:first", "member:2c91"])
def test_link__is_not_printed_where_an_operator_invited_somebody(
    settings: Settings, owner: str
) -> None:
    with closing(open_ledger(settings, name="main" + SUFFIX)) as found:
        inviting.invite(found, "main", OPERATOR, owner=owner, roles=["auditor"])
    assert first_link.link(settings, HERE) is None


def test_link__begins_a_ledger_in_the_default_place_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its zone is for ever: who names a place may want another one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_KEYS_URL", "")
    elsewhere = {"LEDGER_DATABASE_URL": "sqlite:///shop.db"}
    assert first_link.link(Settings.from_environment(elsewhere), elsewhere) is None
    made = first_link.link(Settings.from_environment({}), {})
    assert made is not None
    assert opens(Settings.from_environment({}), made["link"]) == "manager"


def test_link__rejected_quietly_where_nothing_can_be_recorded(settings: Settings) -> None:
    assert settings.master_key_file is not None
    settings.master_key_file.write_bytes(b"x" * 32)
    assert first_link.link(settings, HERE) is None


def test_link__that_a_server_prints_opens_its_pages(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with closing(open_ledger(Settings.from_environment(served.environment))):
        pass
    served.start()
    try:
        said = (tmp_path / "server.log").read_text("utf-8")
        link = re.search(r"its pages +http://127\.0\.0\.1:\d+(/welcome\?token=\S+)\n +\(once, as "
                         r"person:first, in the role manager, until ", said)
        assert link is not None, said
        connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request("GET", link[1])
        answer = connection.getresponse()
        assert (answer.status, "person first" in answer.read().decode()) == (200, True)
        connection.close()
    finally:
        served.stop()


# -- make run -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("demo", "env", "named", "expected"), [
    (True, None, None, "sqlite:///var/demo.db"), (False, None, None, ""),
    (True, "LEDGER_DATABASE_URL=sqlite:///own.db\n", None, ""),
    (True, "# LEDGER_DATABASE_URL=sqlite:///own.db\n", None, "sqlite:///var/demo.db"),
    (True, None, "sqlite:///own.db", "sqlite:///own.db")])
def test_make_run__serves_the_demo_where_no_other_ledger_is_named(
    tmp_path: Path, *, demo: bool, env: str | None, named: str | None, expected: str
) -> None:
    (tmp_path / "Makefile").write_bytes((source.ROOT / "Makefile").read_bytes())
    (tmp_path / "var").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    program = tmp_path / ".venv/bin/ledger"
    program.write_text('#!/bin/sh\necho "$1 [$LEDGER_DATABASE_URL]"\n')
    program.chmod(0o755)
    if demo:
        (tmp_path / "var/demo.db").touch()
    if env is not None:
        (tmp_path / ".env").write_text(env)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    done = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/bin/ledger", "run"], cwd=tmp_path, text=True,
        capture_output=True, check=True,
        env=kept if named is None else {**kept, "LEDGER_DATABASE_URL": named})
    assert done.stdout == f"serve [{expected}]\n"
