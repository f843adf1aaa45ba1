"""What the Chinese catalogue must hold; `python -m tests.support.messages` lists what is missing.

Keys are English texts with their white space folded to one line: the docstring of every error, the
words of every fault in an imported file, every literal in a `tr("…")` of `api/`, every `Phrase`,
the help of every command and option, the label of every column (`column:name`), and the words of
the data (`word:name`, or `word:column.name`).
Missing ones are printed ready to be filled in and put into `api/locale/zh.po`.
"""

import ast
import re
import string
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.pofile import read_po

from api.cli.program import program
from api.console.command_words import COMMANDS
from api.console.fields import Field, every_field, fields_of
from api.console.forms import FILES
from api.console.home import CHECKS
from api.console.lists import GROUPS, PAGES, TITLES, filters_of
from api.console.pages import MENU
from api.console.readings import READINGS
from api.console.words import keys_of
from api.fault_words import WORDS
from api.http.edge_errors import EDGE
from api.http.operations import Check
from api.log import COLUMNS
from api.messages import CATALOG
from api.value_words import VALUES
from projections.asking.columns import columns_of
from tests.support import docs, source, worded

TRANSLATED_ELSEWHERE = {
    "error.template", "template", "value.template", "word", "words", "EDGE[error.code].words",
    "CHECKS[kind]", "COMMANDS[name]", "TITLES[self.report]", "entry.label", "column.key",
    "general", "key", "_rules()[known.rule]", "text.template", "title"}
"""What `tr` is given besides literals; the texts behind it are keys by another way."""


def folded(text: str) -> str:
    """A text with its white space folded to one line."""
    return " ".join(text.split())


def keys() -> dict[str, str]:
    """Every text that wants a translation, with the place that it comes from."""
    found: dict[str, str] = {}
    for place, text in (*_of_errors(), *_of_calls(), *_of_phrases(), *_of_commands(),
                        *_of_columns(), *_of_pages(), *_of_words()):
        found.setdefault(text, place)
    return found


def _of_errors() -> Iterator[tuple[str, str]]:
    for cls in source.errors():
        yield cls.__name__, source.template(cls)
    yield from ((f"edge {code}", said.words) for code, said in EDGE.items())
    yield from ((rule, says) for rule, says in docs.rules().items() if rule in {
        cls.rule for cls in source.errors()})
    yield from (("fault of a value", words) for words in WORDS)
    yield from (("value", word) for word in sorted(VALUES))
    for code, (_, words) in source.fault_rules().items():
        yield f"fault {code}", words


def _of_calls() -> Iterator[tuple[str, str]]:
    for path, line, argument in translated():
        if isinstance(argument, ast.Constant):
            yield f"{source.name(path)}:{line}", argument.value


def _of_phrases() -> Iterator[tuple[str, str]]:
    """The template of every `Phrase(…)`: each is written out where it is used."""
    for path in source.code():
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Phrase":
                assert isinstance(node.args[0], ast.Constant), f"{source.name(path)}:{node.lineno}"
                yield f"{source.name(path)}:{node.lineno}", node.args[0].value


def translated() -> Iterator[tuple[Path, int, ast.expr]]:
    """The first argument of every `tr(…)` in `api/`."""
    for path in source.python_files("api"):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "tr":
                yield path, node.lineno, node.args[0]


def _of_columns() -> Iterator[tuple[str, str]]:
    """The labels of the columns of all rows, and of the trail."""
    yield from (("the trail", column.key) for column in COLUMNS)
    yield from ((row.__name__, column.key)
                for row in worded.rows() for column in columns_of(row))


_SAID = re.compile(r"""\b_\(\s*(?:"([^"]*)"|'([^']*)')""")
"""What a template says in the language of whoever reads it."""


def _of_pages() -> Iterator[tuple[str, str]]:
    """The texts of templates, and what pages, menus and commands are called there."""
    for path in sorted((source.ROOT / "api").glob("*/templates/**/*.html")):
        for found in _SAID.finditer(path.read_text("utf-8")):
            yield f"{path.name}", found[1] or found[2]
    yield from (("command", text) for text in COMMANDS.values())
    yield from (("page", text) for text in (*TITLES.values(), *GROUPS))
    yield from (("check", text) for text in CHECKS.values())
    yield from (("check", column.key) for column in columns_of(Check))
    yield from (("menu", entry.label) for entry in MENU)
    yield from (("filter", f"column:{one.field}") for report in PAGES for one in filters_of(report))
    yield "audit.html", "column:event_type"
    for command in COMMANDS.keys() - FILES:
        yield from ((command, f"column:{name}") for name in _names(fields_of(command)))


def _names(fields: Iterable[Field]) -> Iterator[str]:
    """What the fields of a form are called."""
    return (field.last for field in every_field(fields)
            if field.last not in ("key", "value", "*"))


def _choices() -> Iterator[tuple[str, str]]:
    """The words of which forms let somebody choose, each with the name of its field."""
    for command in COMMANDS.keys() - FILES:
        yield from ((field.last, word) for field in every_field(fields_of(command))
                    for word in field.words)


def _of_words() -> Iterator[tuple[str, str]]:
    """The words of the data that are no words of messages, and those that have a reading."""
    for of, word in sorted({*worded.every_word(), *_choices()}):
        keys = keys_of(of, word)
        if keys[0] not in READINGS and keys[-1] not in VALUES:
            yield f"{of} {word}", f"word:{keys[-1]}"
    yield from (("a reading", f"word:{key}") for key in READINGS if key not in VALUES)


def _of_commands() -> Iterator[tuple[str, str]]:
    for command in (program, *source.commands()):
        place = "ledger" if command is program else f"ledger {command.name}"
        texts = [command.help, *(getattr(option, "help", None) for option in command.params)]
        yield from ((place, folded(text)) for text in texts if text)


def catalogue() -> dict[str, str]:
    """The Chinese catalogue: English → Chinese."""
    with CATALOG.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def placeholders(template: str) -> list[tuple[str, str, str | None]]:
    """What a template wants filled in: names with their formats and conversions, sorted."""
    return sorted((name, form or "", conversion)
                  for _, name, form, conversion in string.Formatter().parse(template)
                  if name is not None)


def missing() -> dict[str, str]:
    """The keys that have no translation, with their places."""
    known = catalogue()
    return {key: place for key, place in keys().items() if not known.get(key)}


def stale() -> list[str]:
    """Entries that nothing uses any more."""
    return sorted(catalogue().keys() - keys().keys())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main() -> int:
    """Print what is missing and what is stale; 1 if there is any."""
    for key, place in missing().items():
        print(f'#. {place}\nmsgid {_quoted(key)}\nmsgstr ""\n')
    for key in stale():
        print(f"# stale: {_quoted(key)}")
    return 1 if missing() or stale() else 0


if __name__ == "__main__":
    sys.exit(main())
