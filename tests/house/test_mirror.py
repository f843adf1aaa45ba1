"""Tests lie where the code lies: a folder for each package, and shared things in tests/support."""

from pathlib import Path

from tests.support import source
from tests.support.source import check, imports

FOLDERS = ("ledger", "projections", "api")

ACROSS = {"machine", "properties", "concurrency", "oversell", "replay", "rules", "failures",
          "kill", "processes", "keys", "requests", "closed", "pairs", "outcome",
          "bounds", "jepsen", "format", "cells",
          "threats", "in_hand", "strangers", "bodies", "fuzz", "examples", "platforms", "odd",
          "seeing", "tenants", "owasp", "idempotency", "read_back", "same", "browser"}
"""Tests of a whole package, named after what they try; others are named after a module."""

WITHOUT = {"ledger/log/migrations"}
"""Run by every test that opens a database."""


def files_of(folder: str) -> list[Path]:
    """The test files of a folder and of all below it, from the project's root."""
    return sorted(path.relative_to(source.ROOT)
                  for path in (source.ROOT / "tests" / folder).rglob("test_*.py"))


def test_packages__have_tests_of_their_own() -> None:
    packages = (path.parent.relative_to(source.ROOT)
                for folder in FOLDERS for path in (source.ROOT / folder).rglob("__init__.py"))
    check(f"{package}: no tests in tests/{package}" for package in packages
          if package.as_posix() not in WITHOUT
          and not any((source.ROOT / "tests" / package).glob("test_*.py")))


def test_tests__are_named_after_what_they_test() -> None:
    check(f"{path}: {path.relative_to('tests').parent} has no {path.stem.removeprefix('test_')}"
          for folder in FOLDERS for path in files_of(folder)
          if not _tested(path.relative_to("tests").parent, path.stem.removeprefix("test_")))


def _tested(package: Path, name: str) -> bool:
    folder = source.ROOT / package
    return name in ACROSS or (folder / f"{name}.py").exists() or (folder / name).is_dir()


def test_tests__import_no_other_test() -> None:
    check(f"{source.name(path)}:{line}: {target} belongs in tests/support"
          for path in source.python_files("tests") for line, target in imports(path)
          if target.startswith("tests.") and ".test_" in target)
