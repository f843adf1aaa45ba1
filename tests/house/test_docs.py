"""The docs say what the code does; each test compares one of them with the code."""

import ast
import base64
import hmac
import json
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask

from api import create_app
from ledger.common.personal import Personal
from ledger.log import bounds, envelope, migrations, sqlite
from ledger.log.envelope import Entry
from ledger.log.key_tables import persons
from ledger.log.persons import Keys
from ledger.log.store import Known
from ledger.settings import DEFAULT_DATABASE, Settings
from tests.support import docs, messages, readme, source
from tests.support.routes import of_api
from tests.support.source import check

README = source.ROOT / "README.md"
CHINESE = source.ROOT / "README.zh.md"
AGAIN = "rewrite it with `python -m tests.support.docs`"


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    return [path for path in source.tracked() if path.suffix == ".md"]


# -- routes ---------------------------------------------------------------------------------------

ADDRESS = re.compile(r"(?:\b(GET|POST|PUT|DELETE)(?:`? | ))?[^\s`\"'()]*?(/v1/[^\s`\"'()?;,|]*)")


def routed(text: str, app: Flask) -> Iterator[str]:
    """The addresses of a text that are no route, or none of the method that they are named with."""
    rules: dict[str, set[str]] = {}
    for rule in of_api(app):
        rules.setdefault(re.sub("<[^>]*>", "*", rule.rule), set()).update(rule.methods or ())
    for method, address in ADDRESS.findall(text):
        asked = address.rstrip(".:/*").split("/")
        fits = [methods for rule, methods in rules.items() if _fits(asked, rule.split("/"))]
        if not fits or (method and not any(method in methods for methods in fits)):
            yield f"{method} {address}".strip()


def _fits(asked: list[str], rule: list[str]) -> bool:
    return len(asked) == len(rule) and all(
        part in (name, "…") or name == "*" for part, name in zip(asked, rule, strict=True))


def test_routes__that_pages_name_are_there() -> None:
    app = create_app(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    check(f"{source.name(path)}: {found} is no route" for path in pages()
          for found in routed(source.text(path), app))
    assert list(routed("`GET /v1/orders/<order>/explanation`, `POST /v1/audit`, GET /v1/audit.",
                       app)) == ["GET /v1/orders/<order>/explanation", "POST /v1/audit"]


# -- made from the code ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", docs.GENERATED)
def test_docs__are_what_the_code_says(name: str) -> None:
    assert (docs.DOCS / name).read_text("utf-8") == docs.GENERATED[name](), AGAIN


def test_rules__are_all_listed_once_and_no_other() -> None:
    listed = Counter(row[0] for row in docs.rule_rows())
    known = set(source.shown_rules())
    check(f"{rule} stands {listed[rule]} times in docs/rules.md, {int(rule in known)} is right"
          for rule in sorted({*listed, *known}) if listed[rule] != (rule in known))


def test_rules__say_something_and_where_it_comes_from() -> None:
    check(f"{row}" for row in docs.rule_rows()
          if len(row) != 5 or not row[1].endswith(".") or row[2] in ("", docs.NONE))


def test_rules__are_each_shown_by_a_test() -> None:
    check(f"{row[0]}: no test names it, its error or its code"
          for row in docs.rule_rows() if row[4] == docs.NONE)


# -- settings -------------------------------------------------------------------------------------


def test_settings__are_all_listed_and_no_other() -> None:
    text = (docs.DOCS / "settings.md").read_text("utf-8")
    listed = re.findall(r"^\| `([A-Z_]+)` \|", text, flags=re.M)
    read = set(_settings())
    check(f"{name} stands {listed.count(name)} times in docs/settings.md, {int(name in read)} is "
          f"right" for name in sorted({*listed, *read}) if listed.count(name) != (name in read))


def _settings() -> Iterator[str]:
    """The environment variables that the program and its tests read."""
    for path in (*source.code(), *source.python_files("tests")):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) \
                    and re.fullmatch(r"LEDGER_[A-Z_]*[A-Z]|LC_ALL|LC_MESSAGES|LANG", node.value):
                yield node.value


def test_settings__have_the_defaults_that_are_listed() -> None:
    text = (docs.DOCS / "settings.md").read_text("utf-8")
    found = Settings.from_environment({})
    for name, default in (("LEDGER_DATABASE_URL", DEFAULT_DATABASE),
                          ("LEDGER_KEYS_URL", found.keys_url),
                          ("LEDGER_MASTER_KEY_FILE", str(found.master_key_file))):
        assert re.search(rf"^\| `{name}` \|.*`{re.escape(default)}`", text, flags=re.M), name


# -- the log's format -----------------------------------------------------------------------------


def examples() -> list[tuple[dict[str, Any], str, str]]:
    """The worked examples of log-format.md: columns, entry and leaf hash in hexadecimal."""
    text = (docs.DOCS / "log-format.md").read_text("utf-8")
    bodies = [fence.body for fence in readme.fences(text.partition("## Worked examples")[2])]
    assert len(bodies) == 9
    return [(json.loads(columns), "".join(entry.split()), leaf.strip())
            for columns, entry, leaf in zip(bodies[::3], bodies[1::3], bodies[2::3], strict=True)]


BYTES = ("ledger", "command_id", "request_hash", "correlation", "salt", "payload_hash")


def opened(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns with hexadecimal digits made bytes."""
    found = {name: bytes.fromhex(value) if name in BYTES and value is not None else value
             for name, value in columns.items()}
    found["payload"] = columns["payload"].encode()
    return found


def framed(value: Any) -> bytes:
    """A value framed as log-format.md says, without the ledger's own code."""
    if value is None:
        return b"\xff\xff\xff\xff"
    if isinstance(value, int):
        return struct.pack(">Iq", 8, value)
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">I", len(raw)) + raw


@pytest.mark.parametrize(("columns", "entry", "leaf"), examples())
def test_log_format__examples_can_be_computed_from_the_page(
    columns: dict[str, Any], entry: str, leaf: str
) -> None:
    found = opened(columns)
    payload = b"order-ledger/payload/v2" + framed(found["salt"]) + framed(found["payload"])
    assert sha256(payload).digest() == found["payload_hash"]
    names = list(found)[: list(found).index("source") + 1]
    made = b"order-ledger/leaf/v2" + b"".join(framed(found[name]) for name in names)
    made += found["payload_hash"]
    assert made.hex() == entry
    assert sha256(b"\x00" + made).hexdigest() == leaf


@pytest.mark.parametrize(("columns", "entry", "leaf"), examples())
def test_log_format__examples_are_what_the_ledger_computes(
    columns: dict[str, Any], entry: str, leaf: str
) -> None:
    found = Entry(**opened(columns), leaf_hash=b"")
    assert tuple(columns) == Entry._fields[:-1]
    assert envelope.payload_hash(found.salt, found.payload) == found.payload_hash
    assert envelope.entry_bytes(found).hex() == entry
    assert envelope.leaf_hash(found).hex() == leaf


def test_log_format__opens_a_personal_field_by_the_page_alone() -> None:
    """The worked field of the section on keys: without the ledger's code, then with it."""
    text = (docs.DOCS / "log-format.md").read_text("utf-8").partition("\n## Keys\n")[2]
    found = json.loads(next(readme.fences(text)).body)
    raw = {name: bytes.fromhex(found[name]) for name in (
        "master_key", "ledger", "mac", "lookup", "wrapped", "key", "salt", "wrapping_data",
        "sealing_data")}
    wrapping = b"order-ledger/key/person/v2" + b"".join(
        map(framed, (raw["ledger"], found["person"], raw["lookup"])))
    assert wrapping == raw["wrapping_data"]
    assert AESGCM(raw["master_key"]).decrypt(
        raw["wrapped"][:12], raw["wrapped"][12:], wrapping) == raw["key"] + raw["mac"]
    looked_up = sha256(b"order-ledger/lookup/v2" + raw["master_key"]).digest()
    assert hmac.digest(looked_up, raw["mac"], "sha256") == raw["lookup"]
    p, n, c, h = (base64.urlsafe_b64decode(found["sealed"][name] + "==") if name != "p"
                  else found["sealed"][name] for name in "pnch")
    place = b"order-ledger/personal/v2" + b"".join(map(framed, (
        raw["ledger"], found["stream"], found["version"].to_bytes(8, "big"), found["field"], p)))
    assert place == raw["sealing_data"]
    opened_ = AESGCM(raw["key"]).decrypt(n, c, place)
    salted = raw["salt"] + found["value"].encode()
    assert opened_ == (salted + b"\x80").ljust(-(-(len(salted) + 1) // 16) * 16, b"\0")
    assert sha256(salted).digest() == h

    keys = Keys(sqlite.memory_engine(), raw["master_key"], named="", key_file=None)
    own = keys.of(Known(raw["ledger"], "main"), keys_id=None)
    with keys.engine.connect() as connection:
        connection.execute(persons.insert().values(
            ledger=raw["ledger"], person=p, lookup=raw["lookup"], wrapped=raw["wrapped"],
            created_at=0, current=1))
    assert own.open(Personal(**found["sealed"]), found["stream"], found["version"],
                    found["field"]) == (raw["salt"], found["value"])


def test_log_format__gives_the_lengths_that_the_databases_hold() -> None:
    text = (docs.DOCS / "log-format.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [\w ]+ \| ([\w, ]*)\| ", text, re.M)
    assert [name for name, _ in rows] == list(Entry._fields)
    found = {name: length.strip() for name, length in rows if length.strip()}
    assert found == {name: str(width) for name, width in bounds.WIDTHS.items()} | {
        name: f"at most {most:,}" for name, most in bounds.MOST.items()}
    assert f"at most {bounds.MAX_SUBJECTS:,} of them, each of at most {bounds.NAME_BYTES:,} bytes" \
        in text


@pytest.mark.parametrize(("columns", "entry", "leaf"), examples())
def test_log_format__examples_are_within_what_the_page_promises(
    columns: dict[str, Any], entry: str, leaf: str
) -> None:
    found = Entry(**opened(columns), leaf_hash=bytes.fromhex(leaf))
    bounds.must_be_storable(found)
    assert envelope.canonical_subjects(found.subjects) is not None
    assert f"{len(found.payload_hash)} bytes of `payload_hash`" in (
        docs.DOCS / "log-format.md").read_text("utf-8")


def test_migrations__are_all_known() -> None:
    files = sorted((source.ROOT / "ledger/log/migrations/versions").glob("[0-9]*.py"))
    revisions = tuple(_revision(path) for path in files)
    assert revisions == migrations.KNOWN
    assert revisions[-1] == migrations.HEAD


def _revision(path: Path) -> str:
    names = {}
    for node in source.tree(path).body:
        if isinstance(node, ast.Assign):
            names[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
    assert path.name.startswith(names["revision"])
    return str(names["revision"])


# -- the Chinese catalogue ------------------------------------------------------------------------


def test_catalogue__is_complete() -> None:
    check(f"{place}: {key}" for key, place in messages.missing().items())


def test_catalogue__holds_nothing_stale() -> None:
    check(iter(messages.stale()))


def test_catalogue__fills_in_the_same_as_the_english() -> None:
    check(f"{key} → {chinese}" for key, chinese in messages.catalogue().items()
          if messages.placeholders(key) != messages.placeholders(chinese))


def test_catalogue__can_be_complete_since_tr_is_given_literals() -> None:
    check(f"{source.name(path)}:{line}: tr({ast.unparse(argument)})"
          for path, line, argument in messages.translated()
          if not isinstance(argument, ast.Constant)
          and ast.unparse(argument) not in messages.TRANSLATED_ELSEWHERE)


# -- pages ----------------------------------------------------------------------------------------


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", source.text(path), flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", prose(path), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_links__lead_somewhere() -> None:
    check(f"{source.name(path)}: {link}" for path in pages()
          for link in re.findall(r"\]\(([^()\s]+)\)", prose(path)) if not _leads(path, link))


def linked(path: Path) -> Iterator[Path]:
    """The files that a page links to."""
    for link in re.findall(r"\]\(([^()\s]+)\)", prose(path)):
        file = link.partition("#")[0]
        if file and not re.match(r"[a-z]+:", link):
            target = (path.parent / file).resolve()
            yield from target.glob("*.md") if target.is_dir() else [target]


@pytest.mark.parametrize("start", [README, CHINESE], ids=lambda path: path.name)
def test_pages__are_all_reached_from_the_readme(start: Path) -> None:
    reached, waiting = {start}, [start]
    while waiting:
        for path in linked(waiting.pop()):
            if path.suffix == ".md" and path not in reached:
                reached.add(path)
                waiting.append(path)
    check(f"{source.name(path)}: no page leads to it" for path in pages()
          if path not in reached)


def tables(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The tables of a page: the line that each begins on, and its lines."""
    text = source.text(path)
    text = re.sub(r"^```.*?^```$", lambda match: "\n" * match.group().count("\n"), text,
                  flags=re.M | re.S)
    for match in re.finditer(r"(?:^[ ]*\|.*(?:\n|\Z))+", text, flags=re.M):
        yield text.count("\n", 0, match.start()) + 1, match.group().splitlines()


def cells(row: str) -> list[str]:
    """The cells of a table's row. `\\|` does not part two."""
    return re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))


def faults_of(table: list[str]) -> Iterator[tuple[int, str]]:
    """What keeps lines from being shown as a table, each with its number from 0."""
    if len(table) < 2 or not all(re.fullmatch(r" *:?-+:? *", cell) for cell in cells(table[1])):
        yield 0, "no line of dashes under the head"
        return
    for number, row in enumerate(table):
        if not row.rstrip().endswith("|"):
            yield number, "a row that does not end with |"
        if len(cells(row)) != len(cells(table[0])):
            yield number, f"{len(cells(row))} cells under a head of {len(cells(table[0]))}"


def test_tables__have_a_head_and_rows_as_wide_as_it() -> None:
    check(f"{source.name(path)}:{line + number}: {fault}"
          for path in pages() for line, table in tables(path) for number, fault in faults_of(table))


@pytest.mark.parametrize("table, fault", [
    ("| a | b |\n|---|---|\n| 1 | 2 |", ""),
    ("| a | b |\n|---|---|\n| 1 \\| 2 | `|` |", "3 cells under a head of 2"),
    ("| a | b |\n|---|---|\n| 1 |", "1 cells under a head of 2"),
    ("| a | b |\n|---|\n| 1 | 2 |", "1 cells under a head of 2"),
    ("| a row of its own | 1 |", "no line of dashes under the head"),
])
def test_tables__faults_are_found(table: str, fault: str) -> None:
    assert next((what for _, what in faults_of(table.splitlines())), "") == fault


def test_pages__name_files_that_are_there() -> None:
    named = re.compile(r"`((?:ledger|projections|api|tests|samples|docs)/[\w./*-]*)`")
    check(f"{source.name(path)}: {name}" for path in pages() if path.name != "CHANGELOG.md"
          for name in named.findall(prose(path)) if not any(source.ROOT.glob(name.rstrip("/"))))


def test_pages__that_the_code_names_are_there() -> None:
    check(f"{source.name(path)}: {page}"
          for path in (*source.code(), *source.python_files("tests"))
          for page in re.findall(r"\bdocs/[\w/.-]+\.md\b", source.text(path))
          if not (source.ROOT / page).exists())


def _leads(path: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    file, _, anchor = link.partition("#")
    target = path.parent / file if file else path
    return target.exists() and (not anchor or anchor in anchors(target))


TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".po", ".txt", ".in", ".ini", ".cfg", ".sh", ""}
PLACES = r"(?<![\w.])/wor[k](?![\w-])|/tm[p]/|/hom[e]/|/roo[t]/"
HOSTS = r"py[p]i\.org|pythonhoste[d]|/py[p]i\b|/simpl[e]/|artifactor[y]|nexu[s]\."
MAKERS = r"\bA[I]\b|\bLL[M]s?\b|Chat ?GP[T]|Claud[e]|Copilo[t]|agen[t] session|language mode[l]"


def test_files__name_no_machine_and_no_maker() -> None:
    banned = re.compile(f"{PLACES}|{HOSTS}|{MAKERS}")
    check(f"{source.name(path)}:{number}: {found.group()}"
          for path in source.tracked() if path.suffix in TEXTS
          for number, line in enumerate(source.text(path).splitlines(), 1)
          if (found := banned.search(line)))


def test_threats__are_tried_by_tests_that_are_there() -> None:
    named = re.findall(r"`(test_\w+)`", (docs.DOCS / "threats.md").read_text("utf-8"))
    held = {node.name for path in source.python_files("tests")
            for node in ast.walk(source.tree(path)) if isinstance(node, ast.FunctionDef)}
    assert len(named) > 15
    check(f"docs/threats.md: there is no test {name}" for name in named if name not in held)
    check(f"{source.name(source.ROOT / 'docs/threats.md')}: it does not name {name}"
          for name in held if name.startswith("test_threat__") and name not in named)


# -- the pages run --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", readme.pages(), ids=source.name)
def test_page__does_what_it_says(
    page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # by all of one run
    demo = readme.make_demo(shared) if readme.DEMO in page.read_text("utf-8") else None
    for outcome in readme.run_page(page, tmp_path, demo):
        assert not outcome.wrong(), f"{source.name(page)}, {outcome.wrong()}"


@pytest.mark.parametrize("page", [README, CHINESE], ids=source.name)
def test_readme__is_a_page_of_150_lines_at_the_most(page: Path) -> None:
    assert len(page.read_text("utf-8").splitlines()) <= 150


def test_readme__runs_the_same_in_both_languages() -> None:
    english, chinese = ([re.sub(r" +# .*", "", block.script)
                         for block in readme.blocks(page.read_text("utf-8"))]
                        for page in (README, CHINESE))
    assert english == chinese


SAMPLE = """\
<!-- runs -->
```sh
export WHO=first; echo "$WHO"
echo 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
```
It prints:
```text
first
0000000000000000000000000000000000000000000000000000000000000000
```
```sh
echo not run
```
<!-- runs, exit 1 -->
```sh
echo "$WHO took 12 ms" >&2; false
```
```text
first took … ms
```
"""


def test_blocks__are_found_run_and_compared(tmp_path: Path) -> None:
    first, second = readme.blocks(SAMPLE)
    assert (first.line, second.line, second.code) == (2, 15, 1)
    for block in (first, second):
        assert not readme.run(block, tmp_path).wrong()
    other = readme.run(second._replace(expected="second took … ms"), tmp_path).wrong()
    assert "-second took … ms\n+first took 12 ms" in other
    assert "returns 1" in readme.run(second._replace(code=0), tmp_path).wrong()


ROOT_OF_NOW = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize("expected, printed, rewritten", [
    ("took … ms", "took 12 ms", "took … ms"),
    ("took … ms", "it took 12 ms in all", "it took … ms in all"),
    ("Recorded at position ….", "Written at position 7.", "Written at position …."),
    ('{"events": …, "position": …}', '{"facts": 3, "at": 4}', '{"facts": …, "at": …}'),
    ("The log is sound. 7:ROOT", f"All is well. 7:{ROOT_OF_NOW}", "All is well. 7:ROOT"),
    ("head\n…\nmiddle 1\n…\nlast", "head\na\nb\nmiddle 2\nc\nlast",
     "head\n…\nmiddle 2\n…\nlast"),
    ("one\ntwo\nthree", "one\n2\nthree\nfour", "one\n2\nthree\nfour"),
    ("为位置 …。", "记录于位置 12。", "记录于位置 …。"),
    ("", "new", "new"),
])
def test_answers__are_rewritten_with_their_placeholders(
    expected: str, printed: str, rewritten: str
) -> None:
    assert readme.rewritten(expected, printed) == rewritten


def test_answers__are_rewritten_in_their_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(SAMPLE, "utf-8")
    first, second = readme.blocks(SAMPLE)
    notes = list(readme.rewrite(page, [readme.Outcome(first, 0, "one\ntwo\nthree\n"),
                                       readme.Outcome(second, 1, "first needed 15 ms\n")]))
    written = page.read_text("utf-8")
    assert written == SAMPLE.replace("first\n" + 64 * "0", "one\ntwo\nthree").replace(
        "took … ms", "needed … ms")
    assert notes == []


def test_pages__name_only_python_files_that_are_there() -> None:
    """A file may be named without its folder where a sentence speaks of one package."""
    known = {path.name for path in source.tracked()}
    check(f"{source.name(page)}: there is no {name}"
          for page in pages() for name in re.findall(r"`([a-z_]+\.py)`", page.read_text("utf-8"))
          if name not in known)
