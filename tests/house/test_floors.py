"""Who may know whom: each folder is a list of packages, and imports only go up that list."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support import source
from tests.support.source import check, imports

FLOORS = {
    "ledger": (
        "common", "log", "core", "writing", "access", "policies", "stock", "orders", "fulfilment",
        "returns", "people", "erasure", "scores", "deductions", "reconciliation", "imports",
        "handlers", "application", "settings"),
    "projections": (
        "store", "asking", "orders", "stock", "slips", "imports", "returns", "people", "resting",
        "deductions", "scores", "policies", "rights", "audit", "names", "reports",
        "explaining", "trial", "preview", "catalogue"),
    "api": (
        "value_words", "messages", "fault_words", "labels", "entry", "sheets", "http", "slips",
        "log", "orders", "returns", "stock", "people", "persons", "policies", "deductions",
        "scores", "faulty_rows", "import_jobs", "imports", "search", "explaining", "trial",
        "console", "reference", "demo", "cli", "__init__"),
}
"""The packages and modules of each folder. One may import only those that stand before it."""


def test_imports__go_up_the_list_only() -> None:
    check(complaint for path in source.python_files(*FLOORS) for complaint in _wrong(path))


def _wrong(path: Path) -> Iterator[str]:
    folder, own, *_ = path.relative_to(source.ROOT).with_suffix("").parts
    floors = FLOORS[folder]
    if own not in floors:
        if own != "__init__":
            yield f"{source.name(path)} stands on no floor: name {own} in FLOORS"
        return
    for line, target in imports(path):
        top, _, rest = target.partition(".")
        other = rest.partition(".")[0]
        if other == "__version__":  # what the whole folder is
            continue
        if top == folder and other not in floors[:floors.index(own) + 1]:
            yield f"{source.name(path)}:{line}: {own} imports {target}"


def test_floors__name_only_what_is_there() -> None:
    check(f"{folder}/{name} is in FLOORS but not in the folder"
          for folder, floors in FLOORS.items() for name in floors
          if not (source.ROOT / folder / name / "__init__.py").exists()
          and not (source.ROOT / folder / f"{name}.py").exists())


def test_architecture__shows_the_floors_as_they_are() -> None:
    page = (source.ROOT / "docs/architecture.md").read_text("utf-8")
    shown = {folder: tuple(re.findall(r"^\| `(\w+)` \|", part, re.M))
             for folder, part in re.findall(r"^## (\w+)/\n(.*?)(?=^## |\Z)", page, re.M | re.S)}
    assert shown == FLOORS


def test_architecture__names_only_files_that_are_there() -> None:
    page = (source.ROOT / "docs/architecture.md").read_text("utf-8")
    check(f"docs/architecture.md names {name}, which is not there"
          for name in re.findall(r"`((?:ledger|projections|api|tests)/[\w/.]+)`", page)
          if not (source.ROOT / name).exists())
