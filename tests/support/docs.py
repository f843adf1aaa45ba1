"""Writes the docs that are made from the code: `python -m tests.support.docs`.

`docs/errors.md`, `docs/events.md` and `docs/commands.md` are made whole. In `docs/rules.md` only
the last two columns are: the codes under which a rule speaks, and a test that shows it. What its
second column says is `api/http/rules.json`, too, so that an installed server has it.
"""

import ast
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
import msgspec

from api.cli.program import program
from api.http.edge_errors import EDGE, in_words
from api.http.problems import status_of
from ledger.common.currencies import EXPONENTS
from ledger.common.errors import (
    Conflict,
    Invalid,
    LedgerError,
    Misconfigured,
    NotFound,
    Refused,
    Unavailable,
)
from ledger.common.personal import Personal
from ledger.core.aggregate import Aggregate
from tests.support import messages, profile_schema, report_pages, rights, source

DOCS = source.ROOT / "docs"
NONE = "—"
MADE = "<!-- Made from the code by `python -m tests.support.docs`; do not edit. -->"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def written(lines: list[str]) -> str:
    """Lines as the text of a file."""
    return "\n".join(lines) + "\n"


# -- errors ---------------------------------------------------------------------------------------

KINDS: list[tuple[type[LedgerError], str]] = [
    (Invalid, "The input is not well formed"),
    (NotFound, "It is not there"),
    (Refused, "A rule of the shop refuses it"),
    (Conflict, "It was decided on a state that has changed since"),
    (Unavailable, "Nothing can be recorded at the moment"),
    (Misconfigured, "The ledger is not set up for it"),
    (LedgerError, "Others"),
]


def errors_md() -> str:
    """docs/errors.md: every error and fault with code, rule and message in both languages."""
    chinese = messages.catalogue()
    lines = ["# Errors", "", MADE, "",
             "Codes and rule ids are never translated and never change. What is filled in stands",
             "in capitals. Each code has a page at `/v1/problems/CODE`, which is the",
             "`type` of an answer. The rules themselves are in [rules.md](rules.md). HTTP is the",
             "status of the answer; 500 says only that the code is at fault, and the server's own",
             "log says the rest. Errors of how the ledger stands or is set up are logged, too; the",
             "answer hides where things lie there.",
             "The IETF draft on `Idempotency-Key` asks for 422 where a key comes again with",
             "another request."]
    left = source.errors()
    for kind, title in KINDS:
        rows = [[*(row := _row(cls.code, cls.rule, source.template(cls), chinese))[:2],
                 str(status_of(cls)), *row[2:]] for cls in left if issubclass(cls, kind)]
        left = [cls for cls in left if not issubclass(cls, kind)]
        lines += ["", f"## {title}", "", *table(
            ["code", "rule", "HTTP", "message", "中文"], rows)]
    rows = [_row(code, rule, words, chinese)
            for code, (rule, words) in source.fault_rules().items()]
    lines += ["", "## Faults in an imported file", "",
              "Each is reported with its file, row, column and value.", "",
              *table(["code", "rule", "message", "中文"], rows)]
    lines += ["", "## Of the server itself", "",
              "Errors of the request as such; they have no rule.", "", *table(
                  ["code", "HTTP", "message", "中文"],
                  [[f"`{code}`", str(said.status), in_words(said.words),
                    in_words(chinese.get(said.words) or NONE)] for code, said in EDGE.items()])]
    codes = ", ".join(f"`{code}`" for code in sorted(set(_fault_codes())))
    lines += ["", "## Faults of single values", "",
              "`invalid_values` and `invalid_profile` list them, each with a JSON pointer:", codes]
    return written(lines)


def _row(code: str, rule: str, template: str, chinese: dict[str, str]) -> list[str]:
    return [f"`{code}`", rule, in_words(template), in_words(chinese.get(template) or NONE)]


def _fault_codes() -> Iterator[str]:
    for path in source.code():
        for node in ast.walk(source.tree(path)):
            if not isinstance(node, ast.Call) or len(node.args) < 3:
                continue
            called = ast.unparse(node.func).split(".")[-1]
            code = node.args[1]
            if called in ("fault", "Fault") and isinstance(code, ast.Constant):
                yield code.value


# -- events ---------------------------------------------------------------------------------------

WORDS = {str: "text", int: "whole number", bool: "true or false", datetime: "time, RFC 3339",
         Personal: "text, sealed", Any: "anything", NoneType: "nothing"}

UNITS = {
    "_minor": "minor units of the order's currency",
    "_us": "µs since 1970-01-01 UTC",
    "_scale": "decimal places of the price",
    "_s": "seconds",
    "_g": "grams",
}

UNITS_OF = {
    "quantity": "pieces", "pieces": "pieces", "points": "points of the platform",
    "unit_price": "10^−unit_price_scale of the order's currency", "rows": "data lines",
    "accepted": "data lines", "rejected": "data lines", "duplicates": "data lines",
    "bytes": "bytes", "currency": "ISO 4217", "counted": "pieces",
    "corrected_version": "version in the stream",
}


EVOLUTION = """\
- A field's meaning, unit and default never change. What has to change becomes a new type, or a
  field of another name.
- A type may get a field that has a default. A reader ignores a field that it does not know.
- A type is never taken away. A reader stops at one that it does not know (R-LOG-01).
- An enumeration, such as a place, a cause or a kind, may grow; no member is renamed, and none
  is taken away. A reader stops at a member that it does not know (R-LOG-40), and reads nothing
  into it.
- An amount is a whole number of minor units, and it always stands with its currency: in the
  event, or in the first event of its order, case or slip. An order has one currency. No report
  adds currencies: sums are listed by currency.
- The number of decimals of a currency's minor unit is a part of the format
  (`ledger/common/currencies.py`): two, but 0 or 3 for the currencies below. It never changes.
""".splitlines() + [
    f"  - {exponent}: {', '.join(sorted(code for code, of in EXPONENTS.items() if of == exponent))}"
    for exponent in (0, 3)]
"""What may become of types and fields, and what never."""


def events_md() -> str:
    """docs/events.md: every event type with its fields."""
    lines = ["# Events", "", MADE, "",
             "Every event is in an envelope, which says when, who, why and from where: "
             "[log-format.md](log-format.md).", "Below are the payloads. Types and fields are "
             "drafts until 1.0.", "", "## How they may change", "", *EVOLUTION]
    parts: dict[str, type] = {}
    lines += ["", "## Any event", "", "What any event may have besides its own fields.", "",
              *_fields(Aggregate.Event, parts)]
    kinds: dict[str, list[Any]] = {}
    for cls in source.events().values():
        kinds.setdefault(cls.AGGREGATE.KIND, []).append(cls)
    for kind, classes in kinds.items():
        lines += ["", f"## {kind}", "", *_prose(classes[0].AGGREGATE)]
        for cls in classes:
            lines += ["", f"### {cls.TOPIC}", "", f"`{cls.__qualname__}`. {_first(cls)}",
                      *_rest(cls), *_about(cls), "", *_fields(cls, parts)]
    lines += ["", "## Parts", "", "What some of the fields above are made of."]
    for name in sorted(parts):
        lines += ["", f"### {name}", "", *_prose(parts[name]), "", *_fields(parts[name], parts)]
    return written(lines)


def _prose(cls: type) -> list[str]:
    return source.document(cls).splitlines()


def _first(cls: type) -> str:
    return source.document(cls).partition("\n\n")[0].replace("\n", " ")


def _rest(cls: type) -> list[str]:
    rest = source.document(cls).partition("\n\n")[2]
    return ["", *rest.splitlines()] if rest else []


def _about(cls: Any) -> list[str]:
    words = messages.folded(getattr(cls, "about", cls).__doc__ or "")
    return ["", f"Subjects besides its own stream: {words[0].lower()}{words[1:]}"] \
        if "about" in {name for base in cls.__mro__[:2] for name in vars(base)} else []


def _fields(cls: type, parts: dict[str, type]) -> list[str]:
    fields = source.own_fields(cls)
    if not fields:
        return ["It has no fields: all that matters is that it happened, and when."]
    heads = ["field", "type", "unit", "needed", "personal"]
    return table(heads, [
        [f"`{field.name}`", _type(field.type, parts), _unit(field.name),
         "yes" if field.required else "no", "yes" if _personal(field.type) else ""]
        for field in fields])


def _type(kind: Any, parts: dict[str, type]) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(inner[0], parts)
    if kind in WORDS:
        return WORDS[kind]
    if origin in (Union, UnionType):
        return " or ".join(_type(one, parts) for one in inner if one is not NoneType)
    if origin is Literal:
        return " or ".join(f"`{member}`" for member in inner)
    if origin in (list, tuple):
        return f"list of {_type(inner[0], parts)}"
    if origin is dict:
        return "object"
    parts[kind.__name__] = kind
    for field in msgspec.structs.fields(kind):
        _type(field.type, parts)
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _unit(name: str) -> str:
    if name in UNITS_OF:
        return UNITS_OF[name]
    return next((words for suffix, words in UNITS.items() if name.endswith(suffix)), "")


def _personal(kind: Any) -> bool:
    return kind is Personal or any(map(_personal, get_args(kind)))


# -- commands -------------------------------------------------------------------------------------


@contextmanager
def in_english() -> Iterator[None]:
    """English for a while, whatever the user speaks."""
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


def commands_md() -> str:
    """docs/commands.md: the help of every command."""
    lines = ["# Commands", "", MADE, "",
             "The program is called `ledger`. An accounting tool has that name too, so it is also",
             "installed as `order-ledger`. In the project's folder it is `.venv/bin/ledger`, and",
             "`flask` knows the same commands. Settings come from the environment and from a",
             "`.env` file: [settings.md](settings.md). Exit codes: 0 done, 1 refused or failed",
             "with a message, 2 wrong usage. Results go to stdout, everything else to stderr.", "",
             "```text", *_helped(program, "ledger"), "```"]
    for command in source.commands():
        name = f"ledger {command.name}"
        lines += ["", f"## {name}", "", "```text", *_helped(command, name), "```"]
    return written(lines)


def _helped(command: click.Command, name: str) -> list[str]:
    """The lines of a command's help, in English."""
    context = click.Context(command, info_name=name, terminal_width=90, max_content_width=90)
    with in_english():
        return [line.rstrip() for line in command.get_help(context).splitlines()]


# -- rules ----------------------------------------------------------------------------------------


def rules_md() -> str:
    """docs/rules.md with its last two columns filled in; a test that still shows a rule stays."""
    before = (DOCS / "rules.md").read_text("utf-8")
    return re.sub(r"^\| (R-\S+) \|.*\|$", _rule_row, before, flags=re.M)


def rule_rows() -> list[list[str]]:
    """The rows of docs/rules.md: rule, what it says, where it comes from, codes, test."""
    text = (DOCS / "rules.md").read_text("utf-8")
    return [_cells(line) for line in text.splitlines() if line.startswith("| R-")]


def rules() -> dict[str, str]:
    """What each rule says, in plain words."""
    return {rule: re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", says).replace("\\|", "|").replace("`", "")
            for rule, says, *_ in rule_rows()}


def rules_json() -> str:
    """The same, for the pages of errors."""
    return json.dumps(rules(), ensure_ascii=False, indent=0) + "\n"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _rule_row(match: re.Match[str]) -> str:
    rule, says, origin, *rest = _cells(match.group())
    codes = ", ".join(f"`{code}`" for code in sorted(source.shown_rules().get(rule, ())))
    shown = _shown_by(rule, rest[-1] if len(rest) == 2 else NONE)
    return table([rule, says, origin, codes or NONE, shown], [])[0]


def _shown_by(rule: str, before: str) -> str:
    tests = [f"`{name}`" for name in sorted(test_functions(), key=_aptness)
             if _shows(test_functions()[name], rule, name)]
    if before in tests:
        return before
    return tests[0] if tests else NONE


def _aptness(test: str) -> tuple[bool, str]:
    return not re.search("reject|refus|conflict", test), test


@cache
def _words_of(rule: str) -> frozenset[str]:
    """The classes and codes of the errors of a rule."""
    return frozenset(word for cls in source.errors() if cls.rule == rule
                     for word in (cls.__name__, cls.code))


def _shows(mentioned: set[str], rule: str, test: str) -> bool:
    if rule in mentioned:
        return True
    named = _words_of(rule)
    if "import" in test:
        named |= {code for code, (of, _) in source.fault_rules().items() if of == rule}
    return not named.isdisjoint(mentioned)


@cache
def test_functions() -> dict[str, set[str]]:
    """Every test with the names, the texts and the rules that stand in it."""
    return {f"{path.relative_to(source.ROOT / 'tests').as_posix()}::{node.name}":
            _mentioned(path, node)
            for path in source.python_files("tests")
            if path.name.startswith("test_") and path.name != "test_docs.py"
            for node in ast.walk(source.tree(path))
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def _mentioned(path: Path, function: ast.FunctionDef) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value, *source.RULE.findall(node.value)}
    lines = source.text(path).splitlines()[function.lineno - 1 : function.end_lineno]
    return found | set(source.RULE.findall("\n".join(lines)))


# -- all ------------------------------------------------------------------------------------------

GENERATED: dict[str, Callable[[], str]] = {
    "errors.md": errors_md,
    "events.md": events_md,
    "commands.md": commands_md,
    "rules.md": rules_md,
    "../api/http/rules.json": rules_json,
    "rights.md": rights.rights_md,
    "profile.schema.json": profile_schema.text,
    "reports.md": lambda: written(report_pages.lines(MADE)),
}


def main() -> None:
    """Write all of them, and say which changed."""
    for name, make in GENERATED.items():
        path = DOCS / name
        before = path.read_text("utf-8") if path.exists() else ""
        if before != (after := make()):
            path.write_text(after, "utf-8")
            print(f"docs/{name} was rewritten")


if __name__ == "__main__":
    main()
