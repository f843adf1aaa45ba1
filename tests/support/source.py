"""What the project consists of, for the tests that read it: files, modules, errors, events."""

import ast
import importlib
import inspect
import io
import os
import re
import string
import tokenize
from collections.abc import Iterator
from copy import copy
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import msgspec

from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.aggregate import Aggregate

ROOT = Path(__file__).parents[2]
FOLDERS = ("ledger", "projections", "api")
RULE = re.compile(r"\bR-[A-Z]{3}-\d\d\b")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_NOT_OURS = {".git", ".venv", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis",
             "__pycache__", "var"}
_RUN_BY_ALEMBIC = "ledger/log/migrations/"


def tracked() -> Iterator[Path]:
    """Every file of the project but for what tools leave behind."""
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in _NOT_OURS]
        yield from (Path(folder) / name for name in sorted(files))


def python_files(*folders: str) -> list[Path]:
    """The Python files of folders, in order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def code() -> list[Path]:
    """The Python files that are the program."""
    return [*python_files(*FOLDERS), ROOT / "wsgi.py"]


def name(path: Path) -> str:
    """A file's path from the project's root, as a message shows it."""
    return path.relative_to(ROOT).as_posix()


@cache
def text(path: Path) -> str:
    """The text of a file."""
    return path.read_text("utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text(path))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """The comments of a Python file with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(text(path)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#").strip()


@cache
def modules() -> dict[Path, ModuleType]:
    """Every module of the program, imported; what only Alembic can run is left out."""
    found = {}
    for path in python_files(*FOLDERS):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if name(path).startswith(_RUN_BY_ALEMBIC) and path.name != "__init__.py":
            continue
        dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[path] = importlib.import_module(dotted)
    return found


def check(complaints: Iterator[str]) -> None:
    """Fail with everything that is wrong."""
    found = list(complaints)
    assert not found, "\n" + "\n".join(found)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, nested ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, FUNCTIONS))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """What a file imports, as dotted names down to modules and names, with the lines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _ours(cls: type) -> bool:
    return cls.__module__.split(".")[0] in FOLDERS


@cache
def errors() -> list[type[LedgerError]]:
    """Every error class, by rule and code."""
    modules()
    found: list[type[LedgerError]] = []
    waiting = [LedgerError]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        if _ours(cls):
            found.append(cls)
    return sorted(found, key=lambda cls: (cls.rule, cls.code))


def template(cls: type[LedgerError]) -> str:
    """The message of an error class before its details are filled in."""
    return cls.__new__(cls).template


def snake(words: str) -> str:
    """`RefundRecorded` as `refund_recorded`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()


def placeholders(template: str) -> set[str]:
    """The names that a message template wants filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@cache
def events() -> dict[str, type]:
    """Every event type of the program with its class."""
    modules()
    return {topic: cls for topic, cls in event_types.known_types().items() if _ours(cls)}


def own_fields(cls: type) -> list[msgspec.structs.FieldInfo]:
    """The fields of a struct; of an event without those that any event may have."""
    of_any = () if cls is Aggregate.Event or not issubclass(cls, Aggregate.Event) \
        else Aggregate.Event.__struct_fields__
    return [field for field in msgspec.structs.fields(cls) if field.name not in of_any]


@cache
def rules() -> set[str]:
    """Every rule that the program names anywhere."""
    return {rule for path in code() for rule in RULE.findall(text(path))}


def fault_rules() -> dict[str, tuple[str, str]]:
    """What can be wrong in an imported file: code → (rule, words)."""
    from ledger.imports.faults import REASONS

    return REASONS


def commands() -> list[click.Command]:
    """The commands of `ledger`, by name; those of a group bear its name, too."""
    from api.cli import commands as cli

    found: list[click.Command] = []
    for command in cli.COMMANDS:
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        found.append(command)
        for one in inner:
            named = copy(one)
            named.name = f"{command.name} {one.name}"
            found.append(named)
    return sorted(found, key=lambda command: str(command.name))


def document(cls: type) -> str:
    """The docstring of an event class; the library rebuilds such classes and drops it."""
    for base in cls.__mro__:
        if base.__doc__ and base.__name__ == cls.__name__:
            return inspect.cleandoc(base.__doc__)
    return ""


@cache
def shown_rules() -> dict[str, set[str]]:
    """Every rule that speaks in an error or a fault, with the codes under which it does."""
    found: dict[str, set[str]] = {rule: set() for rule in rules()}
    for cls in errors():
        found.setdefault(cls.rule, set()).add(cls.code)
    for code_, (rule, _) in fault_rules().items():
        found.setdefault(rule, set()).add(code_)
    return found
