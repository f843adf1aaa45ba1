"""Which fields of events hold free text: what a command takes as a text of any words."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from ledger.common.bounds import Text, Words
from ledger.common.personal import Personal
from ledger.handlers.table import HANDLERS
from ledger.policies.commands import PublishPolicy
from tests.support import source

ELSEWHERE = ("corrects", "postings", "observations", "sections")
"""Fields of any event, which hold ids, and the sections of a policy, which is a public document."""


def free_text() -> dict[str, bool]:
    """The free text of every event, as `type field`, and whether it is sealed."""
    names = {path.rpartition(".")[2] for command in HANDLERS if command is not PublishPolicy
             for path, bound in _texts(command) if bound is Text}
    found: dict[str, bool] = {}
    for topic, cls in source.events().items():
        for path, bound in _texts(cls):
            if path.rpartition(".")[2] in names and path.partition(".")[0] not in ELSEWHERE:
                found[f"{topic} {path}"] = bound is Personal
    return found


def _texts(cls: Any, before: str = "", inside: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The fields with text, and what bounds each: a class of bounds, Personal, or None."""
    hints = get_type_hints(cls, include_extras=True)
    named = getattr(cls, "__struct_fields__", None) or getattr(cls, "_fields", hints)
    for name in named:
        if name in hints:
            yield from _inside(hints[name], before + name, (*inside, cls))


def _inside(hint: Any, path: str, inside: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    if hint in (str, Personal):
        yield path, Personal if hint is Personal else None
    elif hasattr(hint, "__metadata__"):
        kinds = [type(mark) for mark in hint.__metadata__]
        if get_args(hint)[0] is not str:
            yield from _inside(get_args(hint)[0], path, inside)
        elif Words not in kinds:
            yield path, kinds[0]
    elif hasattr(hint, "__struct_fields__") or hasattr(hint, "_fields"):
        if hint not in inside:
            yield from _texts(hint, f"{path}.", inside)
    else:
        for part in get_args(hint):
            yield from _inside(part, path, inside)
