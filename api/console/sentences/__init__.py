"""What an event says, in a sentence of English or Chinese, never in codes.

Each type of event has one template, and parts that follow where the event has them. `SENTENCES`
holds them by type; the modules have a noun each.
"""

from collections.abc import Mapping
from typing import Any

from api.console.sentences import cases, keeping, orders, people, scores, shipping, stock
from api.console.sentences.telling import Event, Sentence, joined, listed, subject
from api.console.words import word
from api.messages import tr
from ledger.common.days import Days

SENTENCES: Mapping[str, Sentence] = {
    **orders.SENTENCES, **shipping.SENTENCES, **cases.SENTENCES, **stock.SENTENCES,
    **people.SENTENCES, **scores.SENTENCES, **keeping.SENTENCES}
"""What makes a sentence of an event, by its type without the version."""

WRITTEN = ("reason", "note", "cause", "consent")
"""What somebody wrote to an event: it ends the sentence where it may be read."""


def sentence(
    row: Mapping[str, Any], *, currency: str | None = None, names: Mapping[str, str] | None = None,
    days: Days | None = None,
) -> str:
    """What an event says: a row of a timeline or of the trail (`EventRow`), in a sentence.

    `currency` is that of the order, case or slip, where the row does not say it, as one of a
    timeline: without it, amounts are left out. `names` are what the policies call posts and rules,
    and `days` are the shop's, without which times are in UTC.
    """
    event = Event(row, currency, names, days)
    said = SENTENCES.get(row["type"].rpartition(".v")[0])
    if said is None:
        return " ".join(word(part) for part in row["type"].split(".")[:2])
    return joined(said(event), _stood_in(event), _corrects(event), _inferred(event),
                  *(event.prose(name) for name in WRITTEN))


def _stood_in(event: Event) -> str:
    stood = event.inner("stood_in")
    return "" if not stood else joined(
        tr("standing in for {whom}", whom=listed(map(subject, stood.get("for", ())))),
        word(stood.get("why"), "why"))


def _corrects(event: Event) -> str:
    wrong = event.inner("corrects") or event.inner("wrong")
    return "" if not wrong else joined(
        tr("corrects event {position}", position=wrong.get("position", "")),
        word(wrong.get("kind"), "kind"))


def _inferred(event: Event) -> str:
    return tr("the time is inferred") if "occurred_at" in event.each("inferred") else ""
