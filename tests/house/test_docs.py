"""The docs say what the code does; each test compares one of them with the code."""

import ast
import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.log import envelope, migrations
from ledger.log.envelope import Entry
from ledger.settings import DEFAULT_DATABASE, Settings
from tests.support import docs, messages, readme, source
from tests.support.source import check

README = source.ROOT / "README.md"
AGAIN = "write it anew with `python -m tests.support.docs`"


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    return [path for path in source.tracked() if path.suffix == ".md"]


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


BYTES = ("command_id", "request_hash", "correlation", "salt", "payload_hash")


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
    if isinstance(value, list):
        return struct.pack(">I", len(value)) + b"".join(map(framed, value))
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">I", len(raw)) + raw


@pytest.mark.parametrize(("columns", "entry", "leaf"), examples())
def test_log_format__examples_can_be_computed_from_the_page(
    columns: dict[str, Any], entry: str, leaf: str
) -> None:
    found = opened(columns)
    assert sha256(found["salt"] + found["payload"]).digest() == found["payload_hash"]
    names = list(found)[: list(found).index("source") + 1]
    found["subjects"] = json.loads(found["subjects"])
    made = b"order-ledger/leaf/v1" + b"".join(framed(found[name]) for name in names)
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


# -- the README runs ------------------------------------------------------------------------------


@pytest.mark.skipif(not README.exists(), reason="there is no README yet")
def test_readme__does_what_it_says(tmp_path: Path) -> None:
    readme.fresh_copy(tmp_path)
    for block in readme.blocks(README.read_text("utf-8")):
        code, printed = readme.run(block, tmp_path)
        assert code == block.code, f"README.md:{block.line} returns {code}:\n{printed}"
        if block.expected is not None and not readme.agrees(block.expected, printed):
            assert readme.masked(printed) == readme.masked(block.expected), \
                f"README.md:{block.line}"


SAMPLE = """\
<!-- runs -->
```sh
echo first; echo 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
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
echo "took 12 ms" >&2; false
```
```text
took … ms
```
"""


def test_readme__blocks_are_found_run_and_compared(tmp_path: Path) -> None:
    first, second = readme.blocks(SAMPLE)
    for block in (first, second):
        code, printed = readme.run(block, tmp_path)
        assert code == block.code
        assert block.expected is not None
        assert readme.agrees(block.expected, printed)
    assert not readme.agrees("second", "first")
