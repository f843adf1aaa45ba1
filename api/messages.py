"""Chinese and English: every message is written in English and found in `locale/zh.po`.

Codes, rule ids, field names and JSON are never translated.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from api.value_words import VALUES, WORDED
from ledger.common.errors import LedgerError
from ledger.common.phrases import Phrase

CATALOG = Path(__file__).parent / "locale" / "zh.po"


Preference = Callable[[], str | None]
"""Tells the language that is preferred at this moment, or None where nothing prefers one."""

_preference: Preference | None = None


def prefer(preference: Preference) -> None:
    """Ask this before the environment. The HTTP edge sets it: it knows what a request prefers, and
    a command that asked it by name would have to load all of HTTP."""
    global _preference
    _preference = preference


def language(environment: Mapping[str, str] = os.environ) -> str:
    """`zh` where a request prefers it, else where LC_ALL, LC_MESSAGES or LANG (the first that is
    set) is Chinese; `en` otherwise."""
    if _preference is not None and (preferred := _preference()):
        return preferred
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def _catalog(path: Path) -> dict[str, str]:
    from babel.messages.pofile import read_po  # needed only where Chinese is spoken

    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file)
                if message.id and message.string}


def tr(text: str, /, **details: Any) -> str:
    """A message in the user's language, its `{names}` filled in."""
    if language() == "zh":
        text = _catalog(CATALOG).get(text, text)
        details = {name: said(name, value) for name, value in details.items()}
    return text.format(**details) if details else text


def said(name: str, value: Any) -> Any:
    """A value that is filled into a message, in Chinese: phrases, and the words of `WORDED`."""
    if isinstance(value, Phrase):
        return tr(value.template, **value.details)
    if name not in WORDED or not isinstance(value, str):
        return value
    words = value.split(" or ")
    return " 或 ".join(tr(word) for word in words) if VALUES.issuperset(words) else value


def spoken(text: str) -> str:
    """A text in the user's language, where it is a phrase."""
    return tr(text.template, **text.details) if isinstance(text, Phrase) else text


def counted(events: int) -> str:
    """So many events."""
    return tr("1 event") if events == 1 else tr("{events} events", events=events)


def translated(template: str, message: str) -> str:
    """A message that was written in English, in the user's language.

    Faults of an import are kept as words; their details are read back out of them.
    """
    names = list(Formatter().parse(template))
    pattern = "".join(re.escape(text) + (f"(?P<{name}>.*)" if name else "")
                      for text, name, _, _ in names)
    found = re.fullmatch(pattern, message, re.S)
    return message if found is None else tr(template, **found.groupdict())


def explain(error: LedgerError) -> str:
    """An error for a person: the message in the user's language, with its rule and code."""
    return f"{tr(error.template, **error.details)} [{error.rule}, {error.code}]"


def as_of_line(head: dict[str, Any]) -> str:
    """As of when an answer holds, and whether it may still change, in a line."""
    parts = [tr("as of position {position} of {head}", **head)]
    if head["recorded_as_of"]:
        parts.append(tr("recorded up to {recorded_as_of}", **head))
    if head["occurred_as_of"]:
        parts.append(tr("occurred up to {occurred_as_of}", **head))
    parts.append(tr("open: what is recorded later may change it") if head["open"]
                 else tr("closed: it does not change any more"))
    if head.get("clock") == "ahead":
        parts.append(tr("the log's times are ahead of the clock"))
    return tr(", ").join(parts)
