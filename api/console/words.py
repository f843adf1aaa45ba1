"""What people read instead of codes: labels, words, amounts, times, and what streams are called.

English is read off the names of the data, with `READINGS` for what cannot be read so; Chinese
stands in `locale/zh.po` under `column:` and `word:`. What nobody has a word for stays as it is, so
that a number or a name of the shop's own never changes on a page.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from api.console.readings import READINGS
from api.labels import LABELS as LABELS
from api.labels import label as label
from api.messages import language, tr
from api.value_words import VALUES
from ledger.common.currencies import EXPONENTS
from ledger.common.days import Days
from ledger.core.postings import held_in
from ledger.people.signatures import SYSTEM

SAME = {"causes": "cause", "exception_kinds": "kind", "found_by": "kind", "left_out": "reason",
        "requested": "ground", "from": "place", "to": "place"}
"""Columns whose words are those of another."""

OWN = ("channel", "method", "post", "shift")
"""Where words are names that shops give: what another column means by them says nothing here."""

SIGNS = {"CNY": "¥"}
"""The currencies whose sign stands before an amount, without the code."""

_code = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*").fullmatch
_SAFE = ":!$'()*,;=~@"


# -- labels and words -----------------------------------------------------------------------------

def word(value: Any, of: str | None = None) -> str:
    """What a word of the data means, such as `in transit`; of a list, each of them.

    `of` is the column in which it stands, or `report`, `model`, `channel`, `method`, `post` or
    `shift`: the same word may mean something else there. What is no word of the data stays as it
    is.
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return tr(", ").join(word(one, of) for one in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    keys = keys_of(of, text)
    found = _in_chinese(keys) if language() == "zh" else next(
        (READINGS[key] for key in keys if key in READINGS), None)
    return found or (_plain(text) if _code(text) else text)


def keys_of(of: str | None, text: str) -> list[str]:
    """Under which keys of `READINGS` a word may stand, the nearest first."""
    if of is None:
        return [text]
    nearest = f"{SAME.get(of, of)}.{text}"
    return [nearest] if of in OWN else [nearest, text]


def _in_chinese(keys: list[str]) -> str | None:
    for key in (f"word:{text}" for text in keys):
        if (said := tr(key)) != key:
            return said
    general = keys[-1]
    return tr(general) if general in VALUES else None


def _plain(name: str) -> str:
    return name.replace("_", " ")


# -- amounts and times ----------------------------------------------------------------------------

def money(minor: int | str | None, currency: str) -> str:
    """An amount as people write it, such as `¥1,175.00` or `USD 12.00`; nothing of None.
    Units: minor units of the currency."""
    if minor is None:
        return ""
    digits = EXPONENTS[currency]
    amount = Decimal(minor).scaleb(-digits)
    sign, before = "-" if amount < 0 else "", SIGNS.get(currency) or f"{currency} "
    return f"{sign}{before}{abs(amount):,.{digits}f}"


def moment(text: str | None, days: Days) -> str:
    """A time of the data by the shop's clock, such as `2026-09-27 10:31`; nothing of None."""
    if not text:
        return ""
    return days.local(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")


# -- streams --------------------------------------------------------------------------------------

def called(subject: str) -> str:
    """What a stream is called, such as `order 1000756800252750556`, `SKU QM-001` or `member 2c91`.
    A number that was used again is called as it was."""
    if subject == SYSTEM:
        return tr("the ledger itself")
    kind, _, rest = subject.partition(":")
    parts = [unquote(part.partition("~")[0]) for part in rest.split(":")]
    named = CALLED.get(kind)
    if named is None or not rest or (kind in _OF_TWO and len(parts) < 2):
        return subject
    return named(parts)


CALLED: Mapping[str, Callable[[list[str]], str]] = {
    "attendance": lambda of: tr("attendance of {member} in {month}", member=of[0], month=of[1]),
    "case": lambda of: tr("case {name}", name=of[-1]),
    "closings": lambda of: tr("the closed months"),
    "command": lambda of: tr("a command"),
    "count": lambda of: tr("count {name} in {warehouse}", name=of[1], warehouse=of[0]),
    "day": lambda of: of[0],
    "deduction": lambda of: tr("deduction {name}", name=of[-1]),
    "erasures": lambda of: tr("erasures of {month}", month=of[-1]),
    "import": lambda of: tr("import {name}", name=of[-1]),
    "key": lambda of: tr("key {name}", name=of[-1]),
    "log": lambda of: tr("the log"),
    "login": lambda of: tr("login {name}", name=":".join(of)),
    "member": lambda of: tr("member {name}", name=of[-1]),
    "month": lambda of: tr("{member} in {month}", member=of[0], month=of[1]),
    "movement": lambda of: tr("movement {name} in {warehouse}", name=of[1], warehouse=of[0]),
    "order": lambda of: tr("order {name}", name=of[-1]),
    "person": lambda of: tr("person {name}", name=of[-1]),
    "policy": lambda of: tr("the policies"),
    "post": lambda of: tr("post {name}", name=word(of[-1], "post")),
    "prices": lambda of: tr("the prices"),
    "program": lambda of: tr("program {name}", name=of[-1]),
    "reading": lambda of: tr("a reading"),
    "reconciliation": lambda of: tr("reconciliation of {month}", month=of[0]),
    "roster": lambda of: tr("roster {name}", name=word(of[-1], "post")),
    "sku": lambda of: tr("SKU {name}", name=of[-1]),
    "slip": lambda of: tr("slip {name}", name=of[-1]),
    "stock": lambda of: tr("{sku} in {warehouse}", sku=of[1], warehouse=of[0]),
    "transfer": lambda of: tr("transfer {name}", name=of[-1]),
    "warehouse": lambda of: tr("warehouse {name}", name=of[-1]),
}
"""How streams are called, by their kind, of the parts of their names."""

_OF_TWO = {"attendance", "count", "month", "movement", "stock"}
"""The kinds of streams whose names have two parts."""


def name_of(subject: str) -> str:
    """The last part of what a stream is called: a number, a code, a pseudonym."""
    return unquote(subject.rpartition(":")[2].partition("~")[0])


def address_of(subject: str) -> str | None:
    """Where the console shows a stream; None where no page does."""
    kind, _, rest = subject.partition(":")
    if kind in _OF_TWO and ":" not in rest:
        return None
    if kind == "stock":
        subject, kind = held_in(subject), "sku"
    if kind in ("month", "attendance"):
        member, _, month = rest.rpartition(":")
        return f"/months/{quote(month)}/{quote(f'member:{member}', safe=_SAFE)}"
    if kind == "policy":
        return "/policies"
    page = _PAGES.get(kind)
    return None if page is None or not rest else f"/{page}/{quote(subject, safe=_SAFE)}"


_PAGES = {"order": "orders", "sku": "stock", "case": "returns", "deduction": "deductions",
          "member": "people", "import": "imports"}
"""By the kind of a stream, under what the console shows it."""
