"""Reading creates nothing: a command on a ledger that is missing says so, and makes no file."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS
from ledger.settings import Settings, open_ledger
from tests.conftest import on_postgres, without_tables
from tests.support.builders import CONTEXT, place
from tests.support.source import ROOT

MAKES = {"import", "do", "demo", "keys issue", "people invite", "policies publish", "restore",
         "upgrade", "serve"}
"""What may begin a ledger. All other commands may not."""

NEEDS_NONE = {"policies calendar", "policies check", "profiles check", "profiles new"}
"""What reads no ledger at all, but a file, or the days that were announced."""

ARGUMENTS = {
    "report": ["orders"], "accept-clock": ["--reason", "it is right"], "backup": ["copy.gz"],
    "give-up-keys": ["--actor", "member:7f3a", "--reason", "lost"],
    "keys rotate": ["0123"], "keys revoke": ["0123", "--reason", "lost"],
    **{f"people {name}": ["member:7f3a", "--reason", "lost"]
       for name in ("lock", "unlock", "end")},
    "policies diff": ["1", "2"], "policies pay": ["scheme_1", "customer_service"],
    "policies due": ["dispatch", "--start", "2026-09-30T16:00:00+08:00"],
    "person find": ["order:taobao:x:1"],
    "person request-erasure": ["person:7f3a", "--ground", "requested"],
    "person withdraw-erasure": ["person:7f3a"], "person confirm-erasure": ["person:7f3a"],
    "person hold": ["person:7f3a", "--reason", "a dispute"], "person lift-hold": ["person:7f3a"],
    "person status": ["person:7f3a"], "person export": ["person:7f3a"],
    "imports show": ["0123"], "imports faults": ["0123"],
    "find": ["1001"], "log": ["order:a:b:1"], "show": ["1"], "blame": ["order:a:b:1"],
    "explain": ["orders"], "diff": ["order:a:b:1"], "replay": ["order:a:b:1"],
    "bisect": ["order:a:b:1", "paid_minor"],
    "slip": ["order:a:b:1", "--purpose", "pick"],
}
"""What a command needs to get as far as its ledger."""


def enumerated() -> Iterator[tuple[str, click.Command]]:
    """Every command of the program, those of groups by both names."""
    for command in COMMANDS:
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield f"{command.name} {name}", inner
        else:
            yield str(command.name), command


EVERY = dict(enumerated())
TAOBAO = ROOT / "samples" / "taobao" / "ExportOrderList202608312359.csv"
READING = sorted(set(EVERY) - MAKES - NEEDS_NONE)


@pytest.fixture(autouse=True)
def place_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the settings name a ledger."""
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LEDGER_ADMIN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop/typo.db")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def must_refuse(name: str, *more: str) -> str:
    result = CliRunner().invoke(EVERY[name], [*ARGUMENTS.get(name, []), *more])
    assert result.exit_code == 1, (name, result.output)
    assert isinstance(result.exception, SystemExit), (name, result.exception)
    assert "[R-SET-03, missing_ledger]" in result.output or "[R-SET-05, misnamed" in result.output
    return str(result.output)


def files(folder: Path) -> list[str]:
    return sorted(str(found.relative_to(folder)) for found in folder.rglob("*"))


def test_names__are_those_of_commands() -> None:
    assert MAKES | NEEDS_NONE | set(ARGUMENTS) <= set(EVERY)
    assert len(READING) > 10


@pytest.mark.parametrize("name", READING)
def test_command__rejected_when_the_folder_is_empty(name: str, tmp_path: Path) -> None:
    said = must_refuse(name)
    assert "typo.db. " in said  # and nothing of what lies near it
    assert files(tmp_path) == ["shop"]


@pytest.mark.parametrize("name", READING)
def test_command__rejected_when_the_folder_is_missing(name: str, tmp_path: Path) -> None:
    (tmp_path / "shop").rmdir()
    must_refuse(name)
    assert files(tmp_path) == []


def begun(folder: Path) -> str:
    """A ledger with an event, in the file right.db of a folder; its URL."""
    url = f"sqlite:///{folder}/right.db"
    opened = open_ledger(Settings.from_environment({"LEDGER_DATABASE_URL": url}))
    opened.ledger.handle(place(1), CONTEXT)
    opened.close()
    return url


@pytest.mark.parametrize("name", READING)
def test_command__says_which_ledgers_lie_near(
    name: str, place_to_look: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-SET-05"""
    url = begun(place_to_look)
    (place_to_look / "typo.db").touch()
    before = files(place_to_look)
    said = must_refuse(name)
    assert "right.db" in said
    assert "right.keys.db" not in said
    monkeypatch.setenv("LEDGER_DATABASE_URL", url)
    if "--ledger" in {option for one in EVERY[name].params for option in one.opts}:
        assert "there is: main." in must_refuse(name, "--ledger", "mian")
    assert files(place_to_look) == before
    assert not (place_to_look / "typo.db").stat().st_size


@on_postgres
@without_tables
@pytest.mark.parametrize("name", READING)
def test_command__rejected_when_the_database_is_empty(
    name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LEDGER_KEYS_URL", settings.keys_url)
    monkeypatch.setenv("LEDGER_MASTER_KEY_FILE", str(settings.master_key_file))
    must_refuse(name)
    store = settings.open_store(prepare=False)
    assert store.schema()[0] is None
    store.close()


@pytest.mark.parametrize("name", ["doctor", "accept-clock", "keys list", "backup"])
def test_command__makes_no_keys_for_a_log_that_names_others(
    name: str, place_to_look: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begun(place_to_look)
    for found in ("right.keys.db", "right.master.key"):
        (place_to_look / found).unlink()
    monkeypatch.setenv("LEDGER_DATABASE_URL", url)
    CliRunner().invoke(EVERY[name], ARGUMENTS.get(name, []))
    assert files(place_to_look) == ["right.db"]


@pytest.mark.parametrize("name", ["doctor", "accept-clock", "keys list", "import"])
def test_command__says_that_there_are_no_keys_and_where_it_looked(
    name: str, place_to_look: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-13, also where a command would make a ledger that is not here."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", begun(place_to_look))
    (place_to_look / "right.keys.db").unlink()
    before = files(place_to_look)
    arguments = {**ARGUMENTS, "import": ["--profile", "generic", __file__]}.get(name, [])
    said = CliRunner().invoke(EVERY[name], arguments).output
    assert "no keys database" in said
    assert str(place_to_look / "right.keys.db") in said
    assert files(place_to_look) == before


@pytest.mark.parametrize(("name", "arguments", "option"), [
    ("give-up-keys", ["--actor", "Anna Schmidt", "--reason", "gone"], "--actor"),
    ("give-up-keys", ["--actor", "member:7f3a", "--reason", " "], "--reason"),
    ("restore", ["copy.gz", "--actor", "Anna Schmidt", "--reason", "gone"], "--actor"),
    ("keys issue", ["--owner", "Anna Schmidt", "--role", "admin"], "--owner"),
    ("keys revoke", ["abc", "--reason", " "], "--reason"),
    ("people invite", ["Anna Schmidt", "--role", "admin"], "OWNER"),
    ("people lock", ["member:7f3a", "--reason", " "], "--reason"),
    ("accept-clock", ["--reason", " "], "--reason")])
def test_command__calls_what_is_wrong_by_the_option_that_was_typed(
    name: str, arguments: list[str], option: str, place_to_look: Path,
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-VAL-01: nobody typed a field such as /by."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", begun(place_to_look))
    assert CliRunner().invoke(EVERY["backup"], ["copy.gz"]).exit_code == 0
    result = CliRunner().invoke(EVERY[name], arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [option]


@pytest.mark.parametrize(("name", "arguments", "option"), [
    ("keys issue", ["--owner", "member:7f3a", "--role", "admin", "--expires", "soon"],
     "--expires"),
    ("report", ["orders", "--recorded-as-of", "soon"], "--recorded-as-of"),
    ("report", ["stock-ledger", "--from", "soon"], "--from")])
def test_time__that_is_none_is_called_by_its_option(
    name: str, arguments: list[str], option: str, place_to_look: Path,
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is said of an address."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", begun(place_to_look))
    said = CliRunner().invoke(EVERY[name], arguments).stderr
    wants = "A period has whole days" if option == "--from" else "It must be a time with its zone"
    assert said.startswith(f"{option} is 'soon'. {wants}"), said
    assert "address" not in said


WRITING = {
    "do": ["warehouse.open"], "import": ["--profile", "taobao-orders", str(TAOBAO)],
    "policies publish": ["deadlines", "--from", "2026-01-01"],
    "keys issue": ["--owner", "member:7f3a", "--role", "admin"],
    "keys rotate": ["123"], "keys revoke": ["123", "--reason", "lost"],
    "people invite": ["member:7f3a", "--role", "admin"],
    **{f"people {name}": ["member:7f3a", "--reason", "lost"]
       for name in ("lock", "unlock", "end")},
    "accept-clock": ["--reason", "right"], "close-log": [],
    "give-up-keys": ["--actor", "member:7f3a", "--reason", "lost"],
    "person request-erasure": ["person:7f3a", "--ground", "requested"],
    "person withdraw-erasure": ["person:7f3a"], "person confirm-erasure": ["person:7f3a"],
    "person hold": ["person:7f3a", "--reason", "a dispute"], "person lift-hold": ["person:7f3a"],
    "person export": ["person:7f3a"], "person retain": [],
    "imports faults": ["0123"], "slip": ["order:a:b:1", "--purpose", "pick"]}
"""The commands that record something in the ledger that --ledger names, and what else they take."""

ONLY_READING = {"report", "find", "log", "show", "blame", "diff", "bisect", "replay", "explain",
                "rebuild", "verify", "doctor", "backup", "keys list", "people logins",
                "policies list",
                "policies diff", "policies due", "policies pay", "person find", "person status",
                "imports list", "imports show", "imports forget", "profiles check"}


def test_command__with_a_ledger_either_records_in_it_or_reads() -> None:
    named = {name for name, command in EVERY.items()
             if any(param.name == "ledger_name" for param in command.params)}
    assert named == {*WRITING, *ONLY_READING}


MAY_BEGIN = {"do", "import", "policies publish", "keys issue", "people invite"}
BEGINNING = pytest.mark.parametrize(("name", "arguments"), [
    (name, WRITING[name]) for name in sorted(MAY_BEGIN)])


def test_beginning__is_what_may_ask_for_a_new_ledger() -> None:
    assert {name for name, one in EVERY.items() if any(
        "--new-ledger" in option.opts for option in one.params)} == MAY_BEGIN


@BEGINNING
def test_command__rejected_where_the_database_holds_other_ledgers(
    name: str, arguments: list[str], place_to_look: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is mistyped begins nothing, whatever became of the command."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", url := begun(place_to_look))

    def invoke(*more: str) -> Result:
        return CliRunner().invoke(EVERY[name], [*arguments, *more], input='{"name": "main"}')

    for more in [[], ["--dry-run"]] if name == "import" else [[]]:
        refused = invoke("--ledger", "mian", *more)
        assert (refused.exit_code, "holds: main." in refused.stderr) == (1, True), refused.output
        assert "[R-SET-10, other_ledgers]" in refused.stderr
    with closing(Settings.from_environment({"LEDGER_DATABASE_URL": url}).open_store()) as store:
        assert store.ledgers() == ["main", "main.access"]
        assert "Began" not in invoke().stderr
        if name == "import":  # a dry run of another one begins none
            dry = invoke("--ledger", "second", "--new-ledger", "--dry-run")
            assert (dry.exit_code, "Began" in dry.stderr) == (0, False), dry.output
            assert store.ledgers() == ["main", "main.access"]
        said = "Began ledger 'second' in sqlite:///"
        assert said in invoke("--ledger", "second", "--new-ledger").stderr
        assert said not in invoke("--ledger", "second").stderr
        assert "second" in store.ledgers()


@BEGINNING
def test_command__says_that_it_began_the_first_ledger(name: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(EVERY[name], arguments, input='{"name": "main"}')
    assert "Began ledger 'main' in sqlite:///" in result.stderr
    assert "Began" not in result.stdout


@BEGINNING
def test_command__begins_a_ledger_in_a_zone_for_good(
    name: str, arguments: list[str], place_to_look: Path
) -> None:
    """R-LDG-11 and R-LDG-12: an unknown zone leaves nothing behind, and another is refused."""
    def invoke(*more: str) -> Result:
        return CliRunner().invoke(EVERY[name], [*arguments, *more], input='{"name": "main"}')

    refused = invoke("--zone", "Mars/Olympus")
    assert (refused.exit_code, files(place_to_look)) == (1, []), refused.output
    assert "R-LDG-11, unknown_zone" in refused.stderr
    assert "Its days are those of Europe/Berlin, for ever." in invoke(
        "--zone", "Europe/Berlin").stderr
    other = invoke("--zone", "Asia/Tokyo")
    assert (other.exit_code, "R-LDG-12, zone_fixed" in other.stderr) == (1, True), other.output
    assert "R-LDG" not in invoke("--zone", "Europe/Berlin").stderr


@pytest.mark.parametrize(("name", "arguments"), WRITING.items())
def test_command__rejected_where_only_keys_and_readings_are_recorded(
    name: str, arguments: list[str], place_to_look: Path
) -> None:
    """R-LDG-09"""
    for ledger in ("main.access", ".access"):
        result = CliRunner().invoke(
            EVERY[name], [*arguments, "--ledger", ledger], input='{"name": "main"}')
        assert (result.exit_code, "R-LDG-09" in result.stderr) == (1, True), result.output
    assert files(place_to_look) == []


def taobao(folder: Path, *changes: tuple[str, str]) -> Path:
    """An export of Taobao, changed."""
    path = folder / "export.csv"
    text = TAOBAO.read_bytes().decode("gb18030")
    for old, new in changes:
        text = text.replace(old, new)
    path.write_bytes(text.encode("gb18030"))
    return path


@pytest.mark.parametrize("there", [True, False])
def test_import__makes_no_ledger_where_it_records_nothing(
    place_to_look: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory,
    there: bool
) -> None:
    """R-SET-03: neither a dry run nor a file that is refused whole; no folder and no keys either.
    What is recorded at last is what a dry run said."""
    folder = place_to_look if there else place_to_look / "deeper"
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{folder}/new.db")
    elsewhere = tmp_path_factory.mktemp("files")
    good = taobao(elsewhere)
    arguments = ["--profile", "taobao-orders", "--json"]
    bad = ROOT / "samples" / "broken" / "bad-money.csv"
    for told in ([str(good), "--dry-run"], [str(bad)], [str(bad), "--dry-run"],
                 [str(bad), "--policy", "reject_failed_rows", "--dry-run"]):
        result = CliRunner().invoke(EVERY["import"], [*told, *arguments])
        assert '"position": 0}' in result.stdout, result.output
        assert list(place_to_look.iterdir()) == []
    dry = CliRunner().invoke(EVERY["import"], [str(good), *arguments, "--dry-run"]).stdout
    done = CliRunner().invoke(EVERY["import"], [str(good), *arguments])
    counts = ("rows", "accepted", "rejected", "duplicates")
    told, held = (json.loads(out.splitlines()[-1]) for out in (dry, done.stdout))
    assert [told[name] for name in counts] == [held[name] for name in counts]
    again = CliRunner().invoke(EVERY["import"], [str(good), *arguments])
    assert json.loads(again.stdout.splitlines()[-1])["duplicates"] == held["rows"]
