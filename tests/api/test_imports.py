"""What is uploaded or imported lies nowhere in clear, however the program ends."""

import http.client
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

import api.imports
from api.imports import AT_ONCE
from ledger.imports import guessing
from ledger.imports.faults import HIDDEN
from ledger.log.store import SUFFIX
from ledger.settings import Settings
from tests.conftest import durable, on_sqlite
from tests.support import source
from tests.support.postgres_server import Server
from tests.support.serving import Served
from tests.support.waiting import eventually
from tests.support.web import Web, problem

NAME, PHONE, STREET = "某敏感收件人", "13911112222", "密语路七号"
NEEDLES = [text.encode(code) for text in (NAME, PHONE, STREET) for code in ("utf-8", "gbk")]
SAMPLE = source.ROOT / "samples/taobao/ExportOrderList202608312359.csv"
ORDERS = 3000
BOUNDARY = "b0undary"


def export() -> bytes:
    """An export of many orders, too large for memory alone, with values that are looked for."""
    header, line, *_ = SAMPLE.read_bytes().decode("gbk").splitlines()
    line = line.replace("陆星溪", NAME).replace("15400000349", PHONE).replace("砚台路75号", STREET)
    rows = (line.replace("1002013921475789347", f"10020139214{number:08}")
            for number in range(ORDERS))
    return "\r\n".join((header, *rows, "")).encode("gbk")


def in_clear(*folders: Path) -> list[Path]:
    """Files below folders that hold a value of the export."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and any(needle in path.read_bytes() for needle in NEEDLES):
                found.append(path)
    return found


def body(content: bytes) -> bytes:
    """A form with a file."""
    parts = [f'Content-Disposition: form-data; name="profile"\r\n\r\n{profile}'.encode()
             for profile in ("taobao-orders",)]
    parts.append(b'Content-Disposition: form-data; name="file"; filename="orders.csv"\r\n\r\n'
                 + content)
    return b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts) + (
        f"--{BOUNDARY}--\r\n".encode())


def headers(key: str, size: int) -> dict[str, str]:
    """Those of an upload."""
    return {"Authorization": f"Bearer {key}", "Idempotency-Key": "upload", "Content-Length":
            str(size), "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def served(tmp_path: Path, settings: Settings) -> Iterator[Served]:
    """A server on the settings, whose temporary folder is its own."""
    (tmp_path / "temporary").mkdir()
    found = Served(tmp_path)
    found.environment |= {
        "LEDGER_DATABASE_URL": settings.database_url, "LEDGER_KEYS_URL": settings.keys_url,
        "LEDGER_MASTER_KEY_FILE": str(settings.master_key_file),
        "LEDGER_ADMIN_DATABASE_URL": settings.admin_url or "",
        "TMPDIR": str(tmp_path / "temporary")}
    found.start()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop()


def send_half(served: Served, key: str) -> None:
    """Half of an upload, which the server has read, and no more."""
    content = body(export())
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers(key, len(content)).items())
        connection.sendall(f"POST /v1/imports HTTP/1.1\r\nHost: here\r\n{head}\r\n".encode())
        connection.sendall(content[: len(content) // 2])
        time.sleep(0.5)
        served.stop(signal.SIGKILL)


def send(served: Served, key: str) -> str:
    """An upload; the address of its import."""
    content = body(export())
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("POST", "/v1/imports", content, headers(key, len(content)))
    answer = connection.getresponse()
    assert answer.status == 202, answer.read()
    address = answer.headers["Location"]
    connection.close()
    assert address is not None
    return address


def reached(served: Served, key: str, address: str, stage: str) -> None:
    """Wait for a stage of an import, or its end."""
    while True:
        _, found = served.request("GET", address, key=key)
        if stage == found["stage"] or found["state"] != "running":
            return
        time.sleep(0.005)


@durable
@pytest.mark.parametrize("moment", ["half", "answered", "check", "record", "ended"])
def test_upload__leaves_nothing_in_clear_when_the_server_is_killed(
    served: Served, tmp_path: Path, request: pytest.FixtureRequest, backend: str, moment: str
) -> None:
    key = served.issue("integration")
    if moment == "half":
        send_half(served, key)
    else:
        address = send(served, key)
        if moment != "answered":
            reached(served, key, address, moment)
        served.stop(signal.SIGKILL)
    folders = [tmp_path]
    if backend == "postgres":
        server: Server = request.getfixturevalue("postgres")
        folders.append(server.folder)
    assert in_clear(*folders) == []
    assert not list(tmp_path.rglob("upload-*"))


@on_sqlite
def test_upload__is_let_go_of_when_it_was_read(web: Web, tmp_path: Path) -> None:
    sent = web.headers("integration", "main", {"Idempotency-Key": "upload"})

    def upload() -> TestResponse:
        return web.client.post("/v1/imports", headers=sent, data={
            "profile": "taobao-orders", "file": (io.BytesIO(export()), "orders.csv")})

    answer = upload()
    assert upload().status_code == 202  # the same again, which is not read
    eventually(lambda: shown(web, answer)["state"] != "running", 60)
    assert (shown(web, answer)["state"], shown(web, answer)["counts"]["accepted"]) == (
        "done", ORDERS)
    held = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [name for name in held if name.startswith(str(tmp_path)) and "(deleted)" in name
                and ".staging" not in name]


@on_sqlite
def test_upload__rejected_with_a_field_that_there_is_not(web: Web) -> None:
    """A client who believes in a dry run would have recorded the file."""
    answer = web.client.post(
        "/v1/imports", headers=web.headers("integration", "main", {"Idempotency-Key": "upload"}),
        data={"profile": "taobao-orders", "dry_run": "true", "trust/number": "true",
              "file": (io.BytesIO(export()), "orders.csv"), "more": (io.BytesIO(b"x"), "x.csv")})
    found = problem(answer, 422, "invalid_values")
    assert [(one["pointer"], one["detail"]) for one in found["errors"]] == [
        (f"/{name}", "is no field here") for name in ("dry_run", "more", "trust~1number")]


def upload(web: Web, query: str = "", key: str = "upload", **fields: Any) -> TestResponse:
    """An upload of the sample."""
    return web.client.post(
        f"/v1/imports{query}", headers=web.headers("integration", "main", {"Idempotency-Key": key}),
        data={"profile": "taobao-orders", "file": (io.BytesIO(SAMPLE.read_bytes()), SAMPLE.name),
              **fields})


@on_sqlite
def test_upload__rejected_with_what_is_given_twice(web: Web) -> None:
    """R-PRJ-31. Which of the two is meant, nobody knows."""
    answer = upload(web, policy=["reject_everything", "reject_failed_rows"])
    found = problem(answer, 422, "invalid_values")
    assert [(one["pointer"], one["code"]) for one in found["errors"]] == [("/policy", "twice")]
    same = [(io.BytesIO(SAMPLE.read_bytes()), name) for name in ("a.csv", "b.csv")]
    found = problem(upload(web, file=same), 422, "invalid_values")
    assert [(one["pointer"], one["code"]) for one in found["errors"]] == [("/file", "twice")]
    for query in ("?dry_run=true", "?preview=yes", "?preview=true&preview=true"):
        problem(upload(web, query), 400, "not_understood")
    assert web.ledger().head().position == 1


@on_sqlite
def test_preview__of_an_upload_counts_and_records_nothing(web: Web) -> None:
    """Under the same key it may then be imported, and comes to what the preview said."""
    asked = upload(web, "?preview=true")
    assert asked.status_code == 202
    eventually(lambda: shown(web, asked)["state"] != "running")
    told = shown(web, asked)
    assert (told["preview"], told["state"], told["counts"]["events"]) == (True, "done", 0)
    assert web.ledger().head().position == 1
    made = upload(web)
    assert made.headers["Location"] != asked.headers["Location"]
    eventually(lambda: shown(web, made)["state"] != "running")
    found = shown(web, made)
    assert (found["preview"], found["state"]) == (False, "done")
    assert found["counts"]["accepted"] == told["counts"]["accepted"] > 0
    assert web.ledger().head().position == found["counts"]["position"] > 1


def sent(web: Web, path: Path, key: str = "guess", query: str = "") -> TestResponse:
    """An upload of a file without a profile."""
    return web.client.post(
        f"/v1/imports{query}", data={"file": (io.BytesIO(path.read_bytes()), path.name)},
        headers=web.headers("integration", "main", {"Idempotency-Key": key}))


@on_sqlite
def test_upload__without_a_profile_is_read_by_the_one_that_has_its_columns(
    again: Callable[[], Web]
) -> None:
    """Which one is in the answer, and still after a restart."""
    web = again()
    asked, previewed = sent(web, SAMPLE), sent(web, SAMPLE, query="?preview=true")
    for answer in (asked, previewed, sent(web, SAMPLE)):
        assert answer.status_code == 202, answer.text
        assert (answer.json or {})["profile"] == "taobao-orders"
        eventually(partial(is_done, web, answer), 60)
    assert shown(web, asked)["recorded"]["profile"] == "taobao-orders"
    problem(upload(web, key="guess"), 422, "command_reused")  # it names one
    web = again()
    assert shown(web, asked)["profile"] == "taobao-orders"


@on_sqlite
def test_upload__rejected_where_no_profile_or_several_fit(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-IMP-35, R-IMP-38: the candidates are named, and the key can be used again."""
    other = tmp_path / "other.csv"
    other.write_bytes(SAMPLE.read_bytes().replace("订单编号".encode("gbk"), b"No", 1))
    found = problem(sent(web, other), 422, "no_profile_fits")
    assert "the nearest first: taobao-orders, " in found["detail"]
    known = guessing.shipped()
    monkeypatch.setattr(guessing, "shipped", lambda: [
        *known, *(replace(one, name="mine") for one in known if one.name == "taobao-orders")])
    assert "taobao-orders, mine" in problem(sent(web, SAMPLE), 422, "profiles_fit")["detail"]
    monkeypatch.undo()
    assert sent(web, SAMPLE).status_code == 202


@on_sqlite
def test_upload__rejected_where_too_many_of_its_key_run(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than may run at once; the same upload again is the one that runs, another key has
    its own, and one that has ended makes room."""
    held = threading.Event()
    going = api.imports.run_import

    def slow(*given: Any, **more: Any) -> Any:
        held.wait(60)
        return going(*given, **more)

    monkeypatch.setattr(api.imports, "run_import", slow)
    try:
        running = [upload(web, "?preview=true", key=f"run {number}") for number in range(AT_ONCE)]
        assert {answer.status_code for answer in running} == {202}
        refused = upload(web, "?preview=true", key="more")
        assert str(AT_ONCE) in problem(refused, 429, "imports_running")["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert upload(web, "?preview=true", key="run 0").status_code == 202
        assert web.client.post("/v1/imports?preview=true", data={
            "profile": "taobao-orders", "file": (io.BytesIO(SAMPLE.read_bytes()), "x.csv")},
            headers=web.headers("operations", "main", {"Idempotency-Key": "x"})).status_code == 202
    finally:
        held.set()
    for answer in running:
        eventually(partial(is_done, web, answer), 60)
    assert upload(web, "?preview=true", key="more").status_code == 202


@on_sqlite
def test_upload__rejected_with_a_time_that_is_none(web: Web) -> None:
    """R-PRJ-03. Before anything of it is read."""
    answer = web.client.post(
        "/v1/imports", headers=web.headers("integration", "main", {"Idempotency-Key": "upload"}),
        data={"profile": "taobao-orders", "as_of": "lately",
              "file": (io.BytesIO(export()), "orders.csv")})
    assert "as_of" in problem(answer, 400, "bad_time")["detail"]


def shown(web: Web, answer: TestResponse) -> dict[str, Any]:
    """An import that was sent."""
    return dict(web.get(answer.headers["Location"]).json or {})


CHILD = [sys.executable, "-m", "api.cli", "import", "--profile", "taobao-orders"]


@pytest.mark.parametrize("moment", ["begun", "recording", "ended"])
def test_import__leaves_nothing_in_clear_but_the_file_when_it_is_killed(
    tmp_path: Path, moment: str
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours, ours / "temporary"):
        folder.mkdir()
    file = theirs / "orders.csv"
    file.write_bytes(export())
    wal = ours / "ledger.db-wal"
    child = subprocess.Popen(
        [*CHILD, file], cwd=source.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "LEDGER_DATABASE_URL": f"sqlite:///{ours}/ledger.db",
             "LEDGER_KEYS_URL": "", "LEDGER_MASTER_KEY_FILE": "",
             "TMPDIR": str(ours / "temporary")})
    least = {"begun": 1, "recording": 2_000_000, "ended": 10**12}[moment]
    while child.poll() is None and not (wal.exists() and wal.stat().st_size > least):
        time.sleep(0.005)
    child.kill()
    child.wait()
    assert in_clear(ours) == []
    assert in_clear(theirs) == [file]
    assert list(theirs.iterdir()) == [file]
    assert file.read_bytes() == export()


@on_sqlite
def test_start__removes_what_an_earlier_version_or_a_crash_left(
    settings: Settings, tmp_path: Path
) -> None:
    left = {"upload-ab12cd34/000-orders.csv": True, "import-7-0123456789ab.staging": True,
            "upload-of-others/orders.csv": False, "upload-both/000-a.csv": False,
            "upload-both/notes.txt": False, "orders.csv": False}
    for name in left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(NAME, "utf-8")
    web = Web(settings)
    web.edge.open()
    web.close()
    assert {name: not (tmp_path / name).exists() for name in left} == left
    assert not (tmp_path / "upload-ab12cd34").exists()


def test_needles__are_in_the_export() -> None:
    content: Any = export()
    assert sum(needle in content for needle in NEEDLES) >= 3
    assert len(content) > 500 * 1024


BROKEN = source.ROOT / "samples/broken/bad-dates.csv"


def refused(web: Web) -> TestResponse:
    """An upload that is refused, when it has ended."""
    answer = upload(web, file=(io.BytesIO(BROKEN.read_bytes()), BROKEN.name))
    assert answer.status_code == 202, answer.text
    eventually(lambda: shown(web, answer)["state"] != "running")
    return answer


@pytest.fixture
def beside(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a side file that outlives a server."""
    return replace(settings, imports_file=tmp_path / "x.imports.db")


@pytest.fixture
def again(beside: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Web]]:
    """What starts the API, as in a process of its own."""
    started = list[Web]()

    def start() -> Web:
        for web in started:
            web.close()
        monkeypatch.setattr("api.imports._jobs", OrderedDict())
        started.append(Web(beside))
        return started[-1]

    yield start
    started[-1].close()


@durable
def test_import__is_the_same_after_a_restart(again: Callable[[], Web]) -> None:
    """By its own id, and by that of its upload: the list, the import, its faults and rows."""
    web = again()
    asked = refused(web)
    before = shown(web, asked)
    assert before["state"] == "rejected"
    own = before["recorded"]["import"]
    faults = web.get(f"{asked.headers['Location']}/faults").json
    listed = web.get("/v1/imports").json
    assert listed is not None
    assert [one["import"] for one in listed["items"]] == [own]
    web = again()
    after = shown(web, asked)
    assert {**after, "stage": before["stage"], "done": before["done"], "total": before["total"],
            "counts": {**after["counts"], "older": 0, "events": 1}} == before
    for name in (asked.headers["Location"], f"/v1/imports/{own}"):
        assert web.get(f"{name}/faults").json == faults
        masked = web.get(f"{name}/faults?format=csv").text
        assert "994109261320502953" in masked
        assert "贺晚禾" not in masked
        assert web.get(f"{name}/faults?format=xlsx").data.startswith(b"PK")
        assert web.get(f"{name}/warnings").json == {"items": []}
    again_listed = web.get("/v1/imports").json
    assert again_listed is not None
    assert again_listed["items"] == listed["items"]


WARNED = "１００２"
"""The beginning of an order's number in full-width digits, which is warned of."""


def warned(web: Web, key: str, *, fault: bool) -> TestResponse:
    """An upload that is warned of, when it has ended: taken, or refused for another row."""
    header, line, other, *_ = SAMPLE.read_bytes().decode("gbk").splitlines()
    lines = [header, line.replace("1002013921475789347", f"{WARNED}013921475789{key}")]
    lines += [other.replace("2026-", "someday ")] if fault else []
    answer = upload(web, key=key, file=(io.BytesIO("\r\n".join(lines).encode("gbk")), "w.csv"))
    assert answer.status_code == 202, answer.text
    eventually(lambda: shown(web, answer)["state"] != "running")
    return answer


@durable
@pytest.mark.parametrize("fault", [False, True])
def test_warnings__are_the_same_after_a_restart(
    again: Callable[[], Web], tmp_path: Path, *, fault: bool
) -> None:
    """Of an import that was taken, of one that was refused, and not of one that left no trace."""
    web = again()
    asked = warned(web, "347", fault=fault)
    before = shown(web, asked)
    assert (before["state"], before["warnings"]) == ("rejected" if fault else "done", 1)
    own, address = before["recorded"]["import"], asked.headers["Location"]
    found = web.get(f"{address}/warnings").json
    assert found is not None
    assert [(one["row"], one["code"]) for one in found["items"]] == [(2, "full_width")]
    faults = web.get(f"{address}/faults").json
    web = again()
    for name in (address, f"/v1/imports/{own}"):
        assert web.get(f"{name}/warnings").json == found
        assert web.get(f"{name}/warnings?after=1").json == {"items": []}
        assert web.get(f"{name}/faults").json == faults
        known = web.get(name).json
        assert known is not None
        assert known["warnings"] == 1
        assert known["recorded"]["warnings"] == [
            {"file": "w.csv", "code": "full_width", "count": 1, "rows": ["2"]}]
        assert WARNED not in (web.get(f"{name}/faults?format=csv").text if fault else "")
    web.close()
    assert not [path for path in tmp_path.rglob("x.imports.db*")
                if WARNED.encode() in path.read_bytes()]
    with sqlite3.connect(tmp_path / "x.imports.db") as side:
        side.execute("UPDATE faulty_imports SET kept_at = kept_at - 31 * 86400000000")
    web = again()
    problem(web.get(f"/v1/imports/{own}/warnings"), 410, "faulty_rows_gone")


@on_sqlite
def test_rows__are_opened_for_importers_and_noted(again: Callable[[], Web]) -> None:
    web = again()
    own = shown(web, refused(web))["recorded"]["import"]
    found = web.get(f"/v1/imports/{own}/rows", "operations")
    assert "贺晚禾" in found.text
    assert found.headers["Content-Disposition"].endswith('.csv"')
    note = [json.loads(one.payload) for one in web.edge.store.read("main" + SUFFIX)
            if one.type == "reading.noted.v1"][-1]
    assert (note["route"], note["subjects"], note["purpose"]) == (
        "/v1/imports/<job>/rows", [own], "import")
    for role in ("service", "auditor", "warehouse"):
        problem(web.get(f"/v1/imports/{own}/rows", role), 403, "forbidden")
    problem(web.get(f"/v1/imports/{own}/rows?format=json"), 400, "not_understood")


@on_sqlite
def test_rows__of_another_tenant_are_unknown(again: Callable[[], Web]) -> None:
    web = again()
    asked = refused(web)
    own = shown(web, asked)["recorded"]["import"]
    web.ledger("other")
    for restarted in (False, True):
        for name in (own, asked.headers["Location"].rpartition("/")[2], "x"):
            for end in ("", "/faults", "/faults?format=csv", "/rows", "/warnings"):
                problem(web.get(f"/v1/imports/{name}{end}", ledger="other"), 404,
                        "import_unknown")
        if not restarted:
            web = again()
            web.ledger("main")


@on_sqlite
def test_rows__that_are_old_are_gone(again: Callable[[], Web], tmp_path: Path) -> None:
    """R-IMP-32: 410, and the import itself says where its faults were."""
    web = again()
    own = shown(web, refused(web))["recorded"]["import"]
    with sqlite3.connect(tmp_path / "x.imports.db") as found:
        found.execute("UPDATE faulty_imports SET kept_at = kept_at - 31 * 86400000000")
    web = again()
    for end in ("faults", "faults?format=xlsx", "rows"):
        assert "30 days" in problem(
            web.get(f"/v1/imports/{own}/{end}"), 410, "faulty_rows_gone")["detail"]
    known = web.get(f"/v1/imports/{own}").json
    assert known is not None
    assert known["recorded"]["faults"] == [
        {"file": BROKEN.name, "code": "not_time", "count": 4, "rows": ["2-5"]}]
    eventually(lambda: sqlite3.connect(tmp_path / "x.imports.db").execute(
        "SELECT COUNT(*) FROM faulty_rows").fetchone() == (0,))  # the server destroys them


@on_sqlite
def test_rows__of_a_damaged_side_file_are_told_and_imports_go_on(
    again: Callable[[], Web], tmp_path: Path
) -> None:
    """R-IMP-33"""
    web = again()
    own = shown(web, refused(web))["recorded"]["import"]
    web.close()
    for file in tmp_path.glob("x.imports.db*"):  # what is in its log mends it
        file.unlink()
    (tmp_path / "x.imports.db").write_bytes(b"?" * 5000)
    web = again()
    found = problem(web.get(f"/v1/imports/{own}/faults"), 503, "side_file_unusable")
    assert str(tmp_path) not in found["detail"]
    made = upload(web, key="other")
    eventually(lambda: shown(web, made)["state"] != "running")
    assert shown(web, made)["state"] == "done"


def is_done(web: Web, answer: TestResponse) -> bool:
    """Whether all of an upload was recorded."""
    return str(shown(web, answer)["state"]) == "done"


@on_sqlite
def test_imports__are_listed_newest_first_and_narrowed(web: Web) -> None:
    """By how they stand, by profile, and by the days on which they began."""
    header, line, *_ = SAMPLE.read_bytes().decode("gbk").splitlines()
    for number in range(3):
        orders = f"{header}\r\n{line.replace('1002013921475789347', f'100201392147578{number:04}')}"
        answer = web.client.post(
            "/v1/imports", headers=web.headers("integration", "main", {
                "Idempotency-Key": f"more {number}"}), data={
                "profile": "taobao-orders",
                "file": (io.BytesIO(f"{orders}\r\n".encode("gbk")), f"{number}.csv")})
        eventually(partial(is_done, web, answer), 60)

    def listed(query: str = "") -> list[str]:
        answer = web.get(f"/v1/imports{query}")
        assert answer.status_code == 200, answer.text
        return [row["import"] for row in (answer.json or {})["items"]]

    every = listed()
    rows = (web.get("/v1/imports").json or {})["items"]
    assert len(every) == 3
    assert [row["started_at"] for row in rows] == sorted(
        (row["started_at"] for row in rows), reverse=True)
    assert listed("?sort=started_at") == every[::-1]
    assert listed("?state=done&profile=taobao-orders&from=2026-01-01") == every
    for nothing in ("state=part", "state=unfinished", "profile=jd-orders", "to=2020-01-01",
                    "from=2999-01-01"):
        assert listed(f"?{nothing}") == [], nothing
    following: str | None = "/v1/imports?limit=1&state=done"
    seen = []
    while following:
        page = web.get(following).json or {}
        seen += [row["import"] for row in page["items"]]
        following = page["next"]
    assert seen == every
    for query, status in (("state=running", 400), ("sort=rows", 400), ("from=2026-13-01", 400),
                          ("from=2026-02-01&to=2026-01-01", 422)):
        assert web.get(f"/v1/imports?{query}").status_code == status, query


@on_sqlite
def test_preview__names_columns_and_hides_what_is_personal_only(web: Web) -> None:
    asked = upload(web, "?preview=true", file=(io.BytesIO(
        BROKEN.read_bytes().replace("贺晚禾".encode("gbk"), b"#REF!")), BROKEN.name))
    eventually(lambda: shown(web, asked)["state"] != "running")
    assert (shown(web, asked)["state"], shown(web, asked)["recorded"]) == ("rejected", None)
    found = web.get(f"{asked.headers['Location']}/faults").json
    assert found is not None
    assert ("收货人姓名", HIDDEN) in [(one["column"], one["value"]) for one in found["items"]]
    assert ("订单创建时间", "昨天下午") in [
        (one["column"], one["value"]) for one in found["items"]]
    problem(web.get(f"{asked.headers['Location']}/faults?format=csv"), 404, "import_unknown")
    assert web.get("/v1/imports").json == {**(web.get("/v1/imports").json or {}), "items": []}
