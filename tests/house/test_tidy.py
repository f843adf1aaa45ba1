"""The house style, as far as a machine can see it: sizes, directions, names, docstrings, habits."""

import ast
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest

from ledger.common import errors as bases
from ledger.common.checking import split
from ledger.common.errors import LedgerError
from ledger.common.personal import Personal
from ledger.core.aggregate import Aggregate
from tests.support import source
from tests.support.source import FUNCTIONS, check, functions, imports

MODULE_LINES, FUNCTION_LINES, PARAMETERS, NESTING, COLUMNS = 400, 60, 4, 3, 100

MAY_IMPORT = {
    "ledger": {"ledger"},
    "projections": {"projections", "ledger"},
    "api": {"api", "projections", "ledger"},
    "wsgi": {"api"},
}
"""Which of our folders each may import."""

EDGE = {"flask", "flask_smorest", "werkzeug", "click", "rich", "babel"}
DATABASE = {"sqlalchemy", "alembic", "psycopg"}

SHARED_RULES = {"R-GEN-01": {bases.LedgerError, bases.Invalid, bases.Unanswerable, bases.Refused,
                             bases.Conflict, bases.Unavailable, bases.Misconfigured}}
"""Rules that several errors share: the base classes speak for no rule of their own."""

OPEN_FIELDS = {("order.corrected.v1", "old"), ("order.corrected.v1", "new")}
"""Fields whose shape depends on another field of the event."""

PARTICIPLE = re.compile(
    r"([a-z0-9]+_)*([a-z]+ed|done|paid|sent|told|made|given|taken|begun|left|kept|found|lost|held|"
    r"upheld|put|set|met|split|written|withdrawn|chosen|bought|sold|cut|shown|"
    r"handed_over|taken_back)")

BLOCKS = (ast.If, ast.For, ast.While, ast.Try, ast.Match)
"""What a reader has to keep in mind: branches, loops and handlers; `with` adds no way through."""

IMPURE = re.compile(
    r"(datetime|date)\.(now|utcnow|today)|time\.\w+|uuid\d?|uuid\.\w+|random\.\w+|secrets\.\w+|"
    r"os\.\w+|open|print|input|.*\.(read|write|execute|commit|read_text|write_text|urlopen)")


def is_mutator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is decorated with `@event(…)`."""
    return any(isinstance(d, ast.Call) and isinstance(d.func, ast.Name) and d.func.id == "event"
               for d in node.decorator_list)


# -- sizes -------------------------------------------------------------------------------------


def test_modules__are_short() -> None:
    check(f"{source.name(path)}: {lines} lines, {MODULE_LINES} are allowed"
          for path in source.code()
          if (lines := len(source.text(path).splitlines())) > MODULE_LINES)


def test_functions__are_short() -> None:
    check(f"{source.name(path)}:{node.lineno}: {node.name} has {lines} lines"
          for path in source.code() for node in functions(path)
          if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES)


def test_functions__take_few_parameters_by_position() -> None:
    check(f"{source.name(path)}:{node.lineno}: {node.name} takes {', '.join(names)}"
          for path in source.code() for node in functions(path)
          if len(names := _positional(node)) > PARAMETERS and not is_mutator(node))


def _positional(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def test_functions__are_nested_at_most_three_deep() -> None:
    check(f"{source.name(path)}:{node.lineno}: {node.name} is nested {deep} deep"
          for path in source.code() for node in functions(path)
          if (deep := _depth(node, 0)) > NESTING)


def _depth(node: ast.AST, level: int) -> int:
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        elif_ = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse \
            and child.col_offset == node.col_offset
        inner = level + (isinstance(child, BLOCKS) and not elif_)
        deepest = max(deepest, inner, _depth(child, inner))
    return deepest


def test_lines__are_at_most_100_characters() -> None:
    paths = [*source.code(), *source.python_files("tests"), source.ROOT / "samples/generate.py"]
    check(f"{source.name(path)}:{number}: {len(line)} characters"
          for path in paths
          for number, line in enumerate(source.text(path).splitlines(), 1)
          if len(line) > COLUMNS)


# -- who imports whom --------------------------------------------------------------------------


def test_imports__go_from_api_to_projections_to_ledger_only() -> None:
    ours = {*source.FOLDERS, "wsgi", "tests", "samples"}
    check(f"{source.name(path)}:{line}: imports {target}"
          for path in source.code() for line, target in imports(path)
          if (top := target.split(".")[0]) in ours
          and top not in MAY_IMPORT[path.relative_to(source.ROOT).parts[0].removesuffix(".py")])


def test_imports__of_the_database_stay_behind_the_log() -> None:
    check(f"{source.name(path)}:{line}: imports {target}"
          for path in source.code() for line, target in imports(path)
          if target.split(".")[0] in DATABASE and not _may_know_the_database(source.name(path)))


def _may_know_the_database(path: str) -> bool:
    return path.startswith(("ledger/log/", "projections/")) or path == "ledger/settings.py"


def test_imports__of_the_edge_stay_in_api() -> None:
    check(f"{source.name(path)}:{line}: imports {target}"
          for path in source.python_files("ledger", "projections") for line, target in imports(path)
          if target.split(".")[0] in EDGE)


# -- events ------------------------------------------------------------------------------------


def test_events__have_a_topic_of_noun_participle_and_version() -> None:
    check(f"{cls.__qualname__}: {topic}" for topic, cls in source.events().items()
          if not _well_named(topic, cls))


NOUNS = {"person.erased.v1": "person", "stock.moved.v1": "stock", "stock.counted.v1": "stock"}
"""Events that are named after what they are about: those of a person stand in the month's stream,
which is short, so that keys follow it, and those of stock in the documents that post to it."""


def _well_named(topic: str, cls: Any) -> bool:
    match = re.fullmatch(r"([a-z][a-z_]*)\.([a-z][a-z0-9_]*)\.v([1-9]\d*)", topic)
    if match is None or topic != cls.TOPIC:
        return False
    noun, fact, version = match.groups()
    own = source.snake(re.sub(r"V\d+$", "", cls.__name__))
    numbered = version == "1" or cls.__name__.endswith(f"V{version}")
    return noun == NOUNS.get(topic, cls.AGGREGATE.KIND) and fact == own and numbered \
        and PARTICIPLE.fullmatch(fact) is not None


def test_events__have_fields_that_json_keeps_exactly() -> None:
    check(f"{topic}: {field.name} is {field.type}"
          for topic, cls in source.events().items()
          for field in msgspec.structs.fields(cls)
          if (topic, field.name) not in OPEN_FIELDS and not _exact(field.type))


def _exact(kind: Any) -> bool:
    """Text, whole numbers, times, sealed values, and lists, maps and frozen structs of those."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _exact(inner[0])
    if kind in (str, int, bool, NoneType, datetime, Personal):
        return True
    if origin is Literal:
        return all(type(member) is str for member in inner)
    if origin in (list, tuple, Union, UnionType):
        return all(_exact(one) for one in inner if one is not Ellipsis)
    if origin is dict:
        return split(inner[0])[0] is str and _exact(inner[1])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind.__struct_config__.frozen and all(
            _exact(field.type) for field in msgspec.structs.fields(kind))
    return False


def test_mutators__are_named_after_their_event_and_only_assign() -> None:
    check(f"{source.name(path)}:{node.lineno}: {what}"
          for path in source.code()
          for cls in ast.walk(source.tree(path)) if isinstance(cls, ast.ClassDef)
          for node, what in _mutator_faults(cls))


def _mutator_faults(cls: ast.ClassDef) -> Iterator[tuple[ast.AST, str]]:
    methods = {node.name: node for node in cls.body if isinstance(node, FUNCTIONS)}
    waiting = [name for name, node in methods.items() if is_mutator(node)]
    for name in waiting:
        decorator = next(d for d in methods[name].decorator_list if isinstance(d, ast.Call))
        wanted = "_" + source.snake(ast.unparse(decorator.args[0]).split(".")[-1])
        if name != wanted:
            yield methods[name], f"{name} should be named {wanted}"
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in ast.walk(methods[name]):
            if isinstance(node, ast.Raise | ast.Assert):
                yield node, f"{name} can refuse"
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if IMPURE.fullmatch(called):
                    yield node, f"{name} calls {called}"
                if called.startswith("self.") and called[5:] in methods:
                    waiting.append(called[5:])


def test_aggregates__are_entered_by_public_doors() -> None:
    """Nobody but its own module uses a private name of an aggregate that is not its own."""
    private: dict[str, set[str]] = defaultdict(set)
    for name in vars(Aggregate.blank("log:a")):
        private[name].add(Aggregate.__module__)
    for cls in {base for one in source.events().values() for base in one.AGGREGATE.__mro__}:
        for name in vars(cls):
            private[name].add(cls.__module__)
    check(f"{source.name(path)}:{node.lineno}: {ast.unparse(node)}"
          for path, module in source.modules().items() for node in ast.walk(source.tree(path))
          if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr)
          and ast.unparse(node.value) not in ("self", "cls", "super()")
          and module.__name__ not in private.get(node.attr, {module.__name__}))


# -- errors ------------------------------------------------------------------------------------


def test_errors__have_a_code_named_after_their_class() -> None:
    check(f"{cls.__qualname__}: {cls.code}" for cls in source.errors()
          if "code" not in vars(cls) or cls.code != source.snake(cls.__name__))


def test_errors__have_codes_of_their_own() -> None:
    counts = Counter(cls.code for cls in source.errors())
    check(f"{code} is the code of {count} errors" for code, count in counts.items() if count > 1)


def test_errors__have_a_rule_of_their_own() -> None:
    by_rule = defaultdict(set)
    for cls in source.errors():
        by_rule[cls.rule].add(cls)
    check(f"{rule}: {', '.join(sorted(cls.__name__ for cls in classes))}"
          for rule, classes in by_rule.items()
          if not source.RULE.fullmatch(rule)
          or (len(classes) > 1 and not classes <= SHARED_RULES.get(rule, set())))


def test_errors__say_in_their_docstring_what_is_wrong() -> None:
    check(f"{cls.__qualname__}: {cls.__doc__!r}" for cls in source.errors()
          if not (vars(cls).get("__doc__") or "").strip())


def test_errors__are_raised_with_exactly_what_their_message_names() -> None:
    check(complaint for path in source.code() for complaint in _wrongly_raised(path))


def _wrongly_raised(path: Path) -> Iterator[str]:
    wanted = {cls.__name__: source.placeholders(source.template(cls)) for cls in source.errors()
              if "__init__" not in vars(cls) or cls is LedgerError}
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            called, given = node.exc.id, set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called, given = node.func.id, {keyword.arg for keyword in node.keywords}
        else:
            continue
        if called in wanted and None not in given and given != wanted[called]:
            yield (f"{source.name(path)}:{node.lineno}: {called} wants "
                   f"{sorted(wanted[called])}, is given {sorted(map(str, given))}")


def test_errors__that_count_for_themselves_fill_in_their_message() -> None:
    for cls in source.errors():
        if "__init__" in vars(cls) and cls is not LedgerError:
            body = ast.parse(inspect.getsource(cls))
            filled = next(node for node in ast.walk(body) if isinstance(node, ast.Call)
                          and ast.unparse(node.func) == "super().__init__")
            given = {keyword.arg for keyword in filled.keywords}
            assert given == source.placeholders(source.template(cls)), cls.__qualname__


# -- docstrings and habits ---------------------------------------------------------------------


def test_modules__have_docstrings() -> None:
    check(f"{source.name(path)}: no docstring" for path in source.code()
          if not ast.get_docstring(source.tree(path)))


def test_public_names__have_docstrings() -> None:
    promised = set(_promised())
    check(f"{source.name(path)}: {qualname} has no docstring"
          for path, module in source.modules().items()
          for qualname, node in _public(source.tree(path), "")
          if not ast.get_docstring(node)
          and not (isinstance(node, FUNCTIONS)
                   and (node.name in promised or _inherits_docstring(module, qualname))))


def _public(node: ast.AST, prefix: str) -> Iterator[tuple[str, Any]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{prefix}{child.name}.")


def _promised() -> Iterator[str]:
    """Methods that a protocol documents: who keeps to it need not say the same again."""
    for path in source.code():
        for cls in ast.walk(source.tree(path)):
            if isinstance(cls, ast.ClassDef) and "Protocol" in map(ast.unparse, cls.bases):
                yield from (node.name for node in cls.body
                            if isinstance(node, FUNCTIONS) and ast.get_docstring(node))


def _inherits_docstring(module: Any, qualname: str) -> bool:
    found = module
    for part in qualname.split("."):
        found = getattr(found, part)
    return bool(inspect.getdoc(found))


def test_comments__hold_no_code() -> None:
    paths = [*source.code(), *source.python_files("tests")]
    check(f"{source.name(path)}:{line}: {comment}"
          for path in paths for line, comment in source.comments(path) if _is_code(comment))


def _is_code(comment: str) -> bool:
    if re.match(r"(type|noqa|pragma|fmt|mypy)\b", comment):
        return False
    for attempt in (comment, f"{comment} pass"):
        try:
            (statement,) = ast.parse(attempt).body
        except (SyntaxError, ValueError):
            continue
        if isinstance(statement, ast.Expr):
            return isinstance(statement.value, ast.Call)
        return not (isinstance(statement, ast.AnnAssign) and statement.value is None)
    return False


@pytest.mark.parametrize(("comment", "expected"), [
    ("total = goods + postage", True), ("return self", True), ("print(order)", True),
    ("if ready:", True), ("from ledger import log", True), ("why: nobody else may", False),
    ("needed only where Chinese is spoken", False), ("-- rules ------", False), ("orders", False),
    ("type: ignore", False),
])
def test_comments__are_told_from_code(comment: str, expected: bool) -> None:
    assert _is_code(comment) is expected


def test_todos__name_an_issue() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
    check(f"{source.name(path)}:{line}: {comment}"
          for path in source.code() for line, comment in source.comments(path)
          if marks.search(comment))


def test_notes__of_an_answer_can_be_translated() -> None:
    """A note that is a plain text reaches people in English, whatever they speak."""
    plain = re.compile(r"\.note\(\s*f?\"")
    check(f"{source.name(path)}: {found.group()}"
          for path in source.code() for found in plain.finditer(source.text(path)))


def test_words__do_not_apologise() -> None:
    apology = re.compile(
        r"\b(prototype|stubs?|stubbed|dummy|toy|proof of concept|not implemented|for demonstration|"
        r"in a real (system|application|shop)|in production,? you would)\b", re.I)
    check(f"{source.name(path)}:{number}: {found.group()}"
          for path in source.code()
          for number, line in enumerate(source.text(path).splitlines(), 1)
          if (found := apology.search(line)))
