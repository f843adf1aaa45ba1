"""How values are shown, by the kinds of their columns."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from markupsafe import Markup, escape

from api.console import pages, words
from api.console.asking import may
from api.messages import tr
from ledger.access.keys import ROLES
from ledger.people.signatures import SYSTEM
from projections.asking.columns import Column, Kind

NOTHING = Markup("–")
LONGEST_LIST = 4
"""So many values of a list are shown."""

FIGURES = frozenset((Kind.WHOLE, Kind.DECIMAL, Kind.MONEY))
NAMES = frozenset(("number", "version", "policy_version", "restatement"))
"""Whole numbers that name something, and count nothing."""

WORDS = frozenset(("what", "unit"))
"""Columns of texts that the ledger itself writes."""

ACTORS = frozenset(("actor", "by", "recorded_by", "requested_by"))
"""Columns of who did something: it may have been the ledger itself."""

CODES = frozenset(("item", "profile"))
"""Columns of names that somebody chose for programs."""

Row = Mapping[str, Any]


def is_position(name: str) -> bool:
    """Whether a column holds positions of events."""
    return name == "position" or name.endswith("_position") or name in (
        "rests_on", "evidence", "because", "corrected_by", "corrects", "signed_position")


def is_figure(column: Column) -> bool:
    """Whether a column holds figures: they stand to the right, and have reasons."""
    return column.kind in FIGURES and not column.many and column.name not in NAMES \
        and not is_position(column.name)


def event(position: Any) -> Markup:
    """The number of an event, and the way to it for who may see events."""
    if position is None:
        return NOTHING
    if not may("trial.event"):
        return Markup("#{}").format(position)
    return Markup('<a href="{}">#{}</a>').format(pages.link(f"/e/{position}"), position)


def subject(value: str | None, named: str | None = None) -> Markup:
    """What something is called, and the way to its page."""
    if not value:
        return NOTHING
    address, named = words.address_of(value), named or words.called(value)
    if address is None:
        return escape(named)
    return Markup('<a href="{}">{}</a>').format(pages.link(address), named)


def amount(minor: int | str | None, currency: str | None) -> Markup:
    """An amount of money, with what is recorded exactly."""
    if minor is None:
        return NOTHING
    return Markup('<span title="{}">{}</span>').format(
        minor, words.money(int(minor), currency or "CNY"))


def time(value: str) -> Markup:
    """A moment in the shop's zone, with what is recorded exactly."""
    return Markup('<time title="{}">{}</time>').format(value, pages.when(value))


def pairs(value: Mapping[str, Any]) -> str:
    """What an object holds, in a line: names and values, without what is none."""
    return tr(", ").join(f"{words.label(name)} {_short(part)}"
                         for name, part in value.items() if part not in (None, 0, "", [], {}))


def plain(value: Any, name: str = "") -> Markup:
    """A value of any kind, as what an event changed holds it; `name` is that of its fact."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return escape(tr("yes") if value else tr("no"))
    if isinstance(value, dict | list):
        return Markup("<code>{}</code>").format(orjson.dumps(value).decode())
    if isinstance(value, int) and name.endswith("_minor"):
        return escape(words.money(value, "CNY"))
    if not isinstance(value, str):
        return escape(value)
    if _is_time(value):
        return time(value)
    return subject(value) if _is_stream(value) else escape(words.word(value, name))


_is_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z").fullmatch
_is_stream = re.compile(r"[a-z]+:[^ ]+").fullmatch


def actor(value: str, role: str) -> Markup:
    """Who did something, and as what."""
    if role == SYSTEM:
        return subject(value)
    return subject(value) + Markup(" · ") + escape(acting(role))


def acting(role: str) -> str:
    """As what somebody acts: a role, or a post."""
    return words.word(role, "role" if role in ROLES else "post")


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    return str(len(value)) if isinstance(value, list | dict) else str(value)


def _object(value: Any) -> Markup:
    return escape(pairs(value) or "–") if isinstance(value, dict) else escape(value)


_BY_KIND: Mapping[Kind, Callable[[Any], Markup]] = {
    Kind.TRUTH: lambda value: escape(tr("yes") if value else tr("no")),
    Kind.TIME: time,
    Kind.SUBJECT: subject,
    Kind.HASH: lambda value: Markup('<code title="{}">{}…</code>').format(value, value[:12]),
    Kind.OBJECT: _object, Kind.MAP: _object, Kind.ANY: _object,
}


def one(value: Any, column: Column, row: Row) -> Markup:
    """A value of a column."""
    if value is None or value == "":
        return NOTHING
    if is_position(column.name):
        return event(value)
    if column.kind is Kind.MONEY:
        return amount(value, row.get("currency"))
    if column.name == "subject":  # a list of one kind: its heading says which
        return subject(value, named=words.name_of(value))
    if column.kind is Kind.CODE:
        return escape(words.word(value, column.name))
    if (known := _BY_KIND.get(column.kind)) is not None:
        return known(value)
    return _text(column.name, value)


def _text(name: str, value: Any) -> Markup:
    if name in ("sku", "skus"):
        return subject(f"sku:{quote(str(value), safe='')}", named=str(value))
    if name == "post" or name == "posts":
        return escape(words.word(str(value).removeprefix("post:"), "post"))
    if name in CODES:
        return Markup("<code>{}</code>").format(value)
    if isinstance(value, str) and _is_stream(value):
        return subject(value)
    if name in WORDS:
        return escape(words.word(value, name))
    if name in ACTORS:
        return subject(value)
    if name == "second_grader":
        return escape(acting(value))
    return _object(value)


def cell(row: Row, column: Column) -> Markup:
    """A row's value in a column."""
    value = row.get(column.name)
    if not column.many or not isinstance(value, list):
        return one(value, column, row)
    if not value:
        return NOTHING
    if column.kind is Kind.OBJECT:
        return escape(len(value))
    shown = Markup(", ").join(one(part, column, row) for part in value[:LONGEST_LIST])
    return shown + Markup(" …") if len(value) > LONGEST_LIST else shown


def figure(row: Row, column: Column, report: str | None) -> Markup:
    """The same with the way to its reason, where a report explains it."""
    shown = cell(row, column)
    if report is None or not is_figure(column) or row.get(column.name) is None:
        return shown
    return Markup('<a class="why" href="{}">{}</a>').format(
        pages.explanation(report, row, column.name), shown)
