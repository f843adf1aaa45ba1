"""What sentences are made of: an event's values in the words of people, and parts put together.

A value that is masked, that is missing or that the reader may not see leaves its part out; so a
sentence is always one, however little of the event is shown.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from api.console.words import CALLED, called, moment, money, word
from api.messages import tr
from ledger.common.days import Days
from projections.asking.written import PERSONAL

_stream = re.compile(f"\\b({'|'.join(CALLED)}):[0-9A-Za-z一-鿿._%~@:-]*[0-9A-Za-z一-鿿]")

UTC = Days("UTC")

MOST = 3
"""How many things of a kind a sentence names, at the most."""


class Event:
    """An event whose values are asked for by name, in words.

    `currency` is that of its order, case or slip, where it says none itself; `names` are what the
    shop calls posts, rules and items; `days` are the shop's, without which times are in UTC.
    """

    def __init__(
        self, row: Mapping[str, Any], currency: str | None = None,
        names: Mapping[str, str] | None = None, days: Days | None = None,
    ) -> None:
        self.payload: Mapping[str, Any] = row.get("payload") or {}
        self.actor: str = row.get("actor") or ""
        self.stream: str = row.get("stream") or ""
        self.currency: str | None = (
            self.payload.get("currency") or row.get("currency") or currency)
        self.names = names or {}
        self.days = days or UTC

    def has(self, name: str) -> Any:
        """A value as it stands; None where it is missing or masked."""
        found = self.payload.get(name)
        return None if found == PERSONAL else found

    def each(self, name: str) -> list[Any]:
        """The items of a list, none where it is missing."""
        found = self.has(name)
        return list(found) if isinstance(found, list) else []

    def inner(self, name: str) -> Mapping[str, Any]:
        """An object within the event, empty where it is missing."""
        found = self.has(name)
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """A text that somebody wrote, a number or a name: as it stands."""
        found = self.has(name)
        return "" if found is None else str(found)

    def prose(self, name: str) -> str:
        """A text that somebody wrote, with the streams in it as they are called."""
        return _stream.sub(lambda found: called(found[0]), self.text(name))

    def time(self, name: str) -> str:
        """A time by the shop's clock."""
        return moment(self.text(name), self.days)

    def word(self, name: str, of: str | None = None) -> str:
        """A word of the data, as people say it."""
        return word(self.has(name), of or name)

    def money(self, name: str) -> str:
        """An amount, where its currency is known."""
        return self.amount(self.has(name))

    def amount(self, minor: int | str | None, currency: str | None = None) -> str:
        """An amount of the event that was found already. Units: minor units."""
        known = currency or self.currency
        return money(minor, known) if known else ""

    def who(self, name: str) -> str:
        """The members that a field names, unless that is whoever recorded the event."""
        found = self.has(name)
        several = found if isinstance(found, list) else [found]
        return listed(subject(one) for one in several if one and one != self.actor)

    def post(self, code: Any) -> str:
        """What the shop calls a post, a rule or an item."""
        return "" if code is None else self.names.get(str(code)) or word(str(code), "post")

    def stream_of(self, name: str) -> str:
        """What a stream that a field names is called."""
        return subject(self.has(name) or "")

    def pieces(self, name: str = "lines", of: str = "quantity") -> int:
        """How many pieces the lines of a field have together."""
        return sum(_whole(one.get(of)) for one in self.each(name) if isinstance(one, dict))

    def goods(self, name: str = "lines", of: str = "quantity") -> str:
        """What and how much the lines of a field hold, such as `3 pieces of QM-001`; the SKUs are
        those of the lines, else those that the event moves."""
        count = self.pieces(name, of)
        skus = _skus(self.each(name)) or self.moved()
        return goods(count, skus) if count else ""

    def moved(self) -> list[str]:
        """The SKUs of which the event moves pieces."""
        return list(dict.fromkeys(
            str(one.get("account", "")).rpartition(":")[2] for one in self.each("postings")))


Sentence = Callable[[Event], str]
"""What makes a sentence of an event of one type."""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _skus(lines: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(
        str(one.get("sku") or one.get("title")) for one in lines
        if isinstance(one, dict) and (one.get("sku") or one.get("title"))))


def subject(stream: str) -> str:
    """What a stream is called; who acts as the program itself is the ledger."""
    return called(stream) if ":" in stream else word(stream)


def pieces(count: int) -> str:
    """So many pieces."""
    return tr("1 piece") if count == 1 else tr("{count} pieces", count=count)


def goods(count: int, skus: Iterable[str]) -> str:
    """So many pieces of some SKUs."""
    named = listed(skus)
    if not named:
        return pieces(count)
    return (tr("1 piece of {goods}", goods=named) if count == 1
            else tr("{count} pieces of {goods}", count=count, goods=named))


def listed(texts: Iterable[str]) -> str:
    """Texts in a row, of very many the first ones."""
    found = [text for text in texts if text]
    said = tr(", ").join(found[:MOST])
    if len(found) <= MOST:
        return said
    return tr("{first} and {count} more", first=said, count=len(found) - MOST)


def aside(what: str, *parts: Any) -> str:
    """Something with what there is to say of it in brackets."""
    said = joined(*parts)
    return tr("{what} ({aside})", what=what, aside=said) if said else what


def joined(*parts: Any) -> str:
    """A sentence of its parts, without those that say nothing."""
    return tr(", ").join(" ".join(str(part).split()) for part in parts if part)
