"""The operations of the description as its pages show them."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from api.reference.kinds import Kinds, Schema

Spec = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")

_code = re.compile("`([^`]+)`")
_for = re.compile(r"\s*For: ([^.\n]*)\.\s*$")


class Field(NamedTuple):
    """A parameter, or a field of an object: what it may be and what it means."""

    name: str
    kind: Markup
    needed: bool
    about: Markup
    where: str = ""
    example: str = ""


class Answer(NamedTuple):
    """An answer: its status, what that means, the type and the object of its body, an example."""

    status: str
    about: Markup
    types: tuple[str, ...]
    kind: Markup
    example: str
    headers: tuple[str, ...]


class Operation(NamedTuple):
    """Something that can be asked or done."""

    name: str
    method: str
    path: str
    group: str
    summary: str
    about: Markup
    roles: str
    parameters: list[Field]
    body_types: tuple[str, ...]
    body: list[Field]
    body_kind: Markup
    body_example: str
    answers: list[Answer]
    errors: list[Answer]
    open: bool

    @property
    def words(self) -> str:
        """What it is found by."""
        return " ".join((self.name, self.method, self.path, self.summary)).lower()

    @property
    def curl(self) -> str:
        """It as a command of a shell, with the example of the description."""
        at = re.sub(r"\{([^}]*)\}", lambda found: next(
            (one.example for one in self.parameters if one.name == found[1] and one.example),
            found[0]), self.path)
        query = "&".join(f"{one.name}={one.example}" for one in self.parameters
                         if one.where == "query" and one.needed and one.example)
        lines = [f'curl "$SERVER{at}{"?" if query else ""}{query}"']
        if not self.open:
            lines.append("-H 'Authorization: Bearer ol_…'")
        lines += [f"-H '{one.name}: {one.example or '…'}'" for one in self.parameters
                  if one.where == "header" and one.needed]
        if self.body_example:
            lines += ["-H 'Content-Type: application/json'", "-d @body.json"]
        elif "multipart/form-data" in self.body_types:
            lines.append("-F file=@…")
        return " \\\n  ".join(lines)


class Reading:
    """Reads a description."""

    def __init__(self, spec: Spec, kinds: Kinds, errors: str) -> None:
        self._spec, self.kinds, self._errors = spec, kinds, errors

    @cached_property
    def operations(self) -> list[Operation]:
        """All of them, in the order of their addresses."""
        return [self._operation(path, method, one)
                for path, methods in self._spec["paths"].items()
                for method, one in methods.items() if method in METHODS]

    def fields(self, schema: Schema) -> list[Field]:
        """The fields of an object."""
        if "$ref" in schema:
            schema = self._resolved(schema)
        needed = schema.get("required", ())
        return [Field(name, self.kinds.said(one), name in needed,
                      self.prose(one.get("description", "")))
                for name, one in schema.get("properties", {}).items()]

    def prose(self, text: str) -> Markup:
        """A text of the description: code between backticks, and paragraphs."""
        coded = _code.sub(lambda found: str(self._coded(found[1])), str(escape(text)))
        return Markup("<br>".join(part for part in coded.split("\n\n") if part))

    def _coded(self, text: str) -> Markup:
        """Code, or the code of an error with a link to what it means."""
        if text in self._problems:
            return Markup('<a href="{}"><code>{}</code></a>').format(
                self._errors.format(text), text)
        return Markup("<code>") + Markup(text) + Markup("</code>")

    @cached_property
    def _problems(self) -> frozenset[str]:
        return frozenset(code for one in self._spec["components"]["responses"].values()
                         for code in _code.findall(one.get("description", "")))

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            _, _, kind, name = value["$ref"].split("/")
            value = self._spec["components"][kind][name]
        return value

    def _operation(self, path: str, method: str, one: Mapping[str, Any]) -> Operation:
        body = one.get("requestBody", {}).get("content", {})
        first: Mapping[str, Any] = next(iter(body.values()), {})
        schema = first.get("schema", {})
        text = one.get("description", "")
        roles = _for.search(text)
        about = _for.sub("", text).removeprefix(one.get("summary", "")).lstrip(" .;")
        answers = [self._answer(status, said) for status, said in one["responses"].items()]
        return Operation(
            one["operationId"], method.upper(), path, one["tags"][0],
            one.get("summary", "").rstrip("."), self.prose(about), roles[1] if roles else "",
            list(self._parameters(one)), tuple(body), self.fields(schema),
            self.kinds.said(schema) if schema else Markup(""), _pretty(first.get("example")),
            [found for found in answers if found.status < "4"],
            [found for found in answers if found.status >= "4"], not one.get("security"))

    def _parameters(self, one: Mapping[str, Any]) -> Iterator[Field]:
        for said in map(self._resolved, one.get("parameters", ())):
            yield Field(said["name"], self.kinds.said(said.get("schema", {})),
                        bool(said.get("required")), self.prose(said.get("description", "")),
                        said["in"], str(said.get("example", "")))

    def _answer(self, status: str, said: Mapping[str, Any]) -> Answer:
        said = self._resolved(said)
        content = said.get("content", {})
        first: Mapping[str, Any] = next(iter(content.values()), {})
        schema = first.get("schema", {})
        return Answer(status, self.prose(said.get("description", "")), tuple(content),
                      self.kinds.said(schema) if schema and status < "4" else Markup(""),
                      _pretty(first.get("example")), tuple(said.get("headers", {})))


def _pretty(example: Any) -> str:
    return "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)
