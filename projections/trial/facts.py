"""The facts that are known of a subject after each of its events.

Facts are what the reports say of it, each under a name: `paid_minor`, `lines/1/delivered`. So they
are called what they are called everywhere. A kind that has no report says what its rules keep.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger.common.days import Days
from ledger.common.errors import Invalid, Unanswerable
from ledger.common.phrases import Phrase
from ledger.common.values import rfc3339
from ledger.core import event_types
from ledger.core.postings import ACCOUNT_KINDS
from ledger.deductions.deduction import Deduction
from ledger.log.envelope import Entry, Outline, listed_subjects
from ledger.log.zones import days_of
from ledger.orders.order import Order
from ledger.people.posts import post_of
from ledger.policies.book import BOOK
from ledger.returns.case import Case
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS
from ledger.stock.account import StockAccount
from ledger.stock.skus import Sku
from ledger.stock.transfers import Transfer
from projections.asking.answering import Reading, made_of
from projections.asking.clocks import AsOf, Cut, header
from projections.asking.giving_way import process
from projections.asking.past import NoSubject, cost, nothing_about
from projections.asking.questions import Question, asked_about
from projections.asking.sorting import sort_of
from projections.asking.typed import type_of
from projections.asking.written import Hidden, Written
from projections.audit.known import AGGREGATES, BOOKKEEPING, known_to
from projections.orders.due import Dues
from projections.policies import book_of
from projections.reports import REPORTS
from projections.store.databases import in_memory
from projections.store.folding import Folder, tables_of
from projections.store.models import ReadModels

MOST_EVENTS = 2_000
"""The most events of one subject that are folded for one answer."""

FEW = 50
"""Events up to which folding them is short work."""

STEP_COSTS = 50
"""How many events could be folded while the reports are asked once."""

Facts = dict[str, Any]
"""What is known of a subject, by name. What is not known is not there."""


class TooManyEvents(Invalid):
    """{subject} has more than {most} events, too many to be folded for one answer. Its history and
    its report come in pages."""

    code = "too_many_events"
    rule = "R-PRJ-37"


class DependsOnIt(Unanswerable):
    """Position {position} rests on what is left out: without position {left_out}, {why}. Leave out
    both."""

    code = "depends_on_it"
    rule = "R-SUP-07"


NAMED = 10
"""So many positions are named in a message."""


class Matter(NamedTuple):
    """What is on trial: a subject of a ledger, as of a cut; `without` are the events that are left
    out of it."""

    models: ReadModels
    ledger: str
    subject: str
    cut: Cut
    without: Collection[int] = ()

    @property
    def days(self) -> Days:
        """The days of the ledger."""
        return days_of(self.models.store, self.ledger)

    @property
    def kind(self) -> str:
        """The kind of the subject."""
        return self.subject.partition(":")[0]


class Said(NamedTuple):
    """A report that says what is known of a subject. Where it has several rows of it, its facts are
    `under` a name, and `named_by` are the columns that name each row. Columns of `but` are left
    out: they name the subject."""

    report: str
    named_by: tuple[str, ...] = ()
    under: str = ""
    but: tuple[str, ...] = ()


SAID: Mapping[str, tuple[Said, ...]] = {
    Order.KIND: (Said("orders"), Said("fulfilment")),
    Case.KIND: (Said("returns"),),
    Deduction.KIND: (Said("deductions"), Said("appeals", ("member",), "appeals")),
    Transfer.KIND: (Said("open-transfers"),),
    StockAccount.KIND: (Said("inventory", but=("sku", "warehouse")),
                        Said("bins", ("place", "bin"), "bins", ("sku", "warehouse"))),
    Account.KIND: (Said("scores", ("post",)),),
}
"""By kind of subject, the reports that say what is known of it."""

BESIDE: Mapping[str, tuple[str, ...]] = {Account.KIND: (BOOK,)}
"""Streams that must be known before those of a kind: a score is computed by a policy. That a month
is sealed is left out: it would hold the figures still."""

OF_THE_ROW = frozenset({"subject", "channel", "shop", "number", "position", "recorded_at", "unit",
                        "deduction", "transfer", "member", "month"})
"""Columns that name a row or say where the log stood: no facts that an event changes."""

NAMES = ("line", "parcel", "exception", "member", "sku")
"""The columns by one of which the parts of a list are named; else they are numbered."""


def events_about(matter: Matter) -> list[Entry]:
    """The events of a subject's own stream, or those that post to it, up to a cut, in order.
    Errors: TooManyEvents (R-PRJ-37), NothingRecorded (R-PRJ-07)."""
    models, ledger, subject, cut, _ = matter
    store, most = models.store, MOST_EVENTS + 1
    if subject.startswith(ACCOUNT_KINDS):
        found = store.accounts(ledger, [subject], until=cut.position, limit=most)
    else:
        found = store.streams(ledger, [subject], upto=most)
    if len(found) > MOST_EVENTS:
        raise TooManyEvents(subject=subject, most=MOST_EVENTS)
    taken = list(filter(cut.takes, found))
    if not taken:
        if subject.startswith(f"{Sku.KIND}:"):
            raise NoSubject(ledger=ledger, subject=subject)
        raise nothing_about(subject, header(store, ledger, cut))
    return taken


def history_about(matter: Matter) -> list[Entry]:
    """The events about a subject, and those of others since its first that may decide what is known
    of it, in order: who held which posts in a member's month, whether that is sealed, and by which
    policy it is scored. Errors: as `events_about`."""
    own = events_about(matter)
    if matter.kind != Account.KIND:
        return own
    store, asked = matter.models.store, Question(**asked_about(matter.subject))
    month = asked.must_be_of_month()
    assert month is not None
    posts = book_of(store, matter.ledger, matter.cut).posts_in(month)
    about = {BOOK: "", CLOSINGS: f"month:{month}",
             **dict.fromkeys(map(post_of, posts), asked.subject)}
    return sorted([*own, *(
        one for one in store.streams(matter.ledger, sorted(about))
        if one.position > own[0].position and matter.cut.takes(one)
        and about[one.stream] in ["", *listed_subjects(one.subjects)])],
        key=lambda one: one.position)


def is_own(matter: Matter, entry: Entry) -> bool:
    """Whether an event of a history is about the subject, and not about what decides on it."""
    return matter.kind != Account.KIND or entry.stream == matter.subject


def facts_after_each(
    matter: Matter, entries: Sequence[Entry], *, beyond: int = 0
) -> Iterator[Facts]:
    """What is known of a subject after each of some of its events; of those up to a position only
    after the last. Every step asks the reports again, so it costs what a question about so many
    events of the past does, and long work gives way to short. Errors: whatever refuses the cost;
    DependsOnIt (R-SUP-07)."""
    first = [one for one in entries if one.position <= beyond]
    rest = entries[len(first):]
    cost(STEP_COSTS * (len(rest) + bool(first)) + len(first))
    if len(entries) > FEW:
        process.begin_long()
    said = SAID.get(matter.kind)
    if said is None:
        kept = list(_kept(matter.subject, entries))
        yield from kept[max(len(first) - 1, 0):]
        return
    folded = [_Folded(matter, one) for one in said]
    dues = Dues(matter.models.store, matter.ledger, matter.cut) if matter.kind == Order.KIND \
        else None
    try:
        for taken in [*([first] if first else []), *([one] for one in rest)]:
            process.wait()
            facts = _facts(matter, folded, taken)
            yield facts if dues is None else facts | _due(dues, facts)
    finally:
        for one in folded:
            one.close()


def _facts(matter: Matter, folded: Iterable["_Folded"], entries: Sequence[Entry]) -> Facts:
    """What reports say once they took some more events."""
    facts: Facts = {}
    own = [entry for entry in entries if is_own(matter, entry)]
    try:
        for one in folded:
            if own:
                one.take(own)
            facts |= one.facts(entries[-1].position)
    except KeyError as error:
        if not matter.without:
            raise
        raise depends(entries[-1], matter.without, Phrase(
            "there is no {what}", what=error)) from error
    return facts


def depends(entry: Entry, without: Collection[int], why: Phrase) -> DependsOnIt:
    """That an event rests on what is left out."""
    return DependsOnIt(position=entry.position, left_out=listed(
        one for one in without if one < entry.position), why=why)


def listed(positions: Iterable[int]) -> str:
    """Positions in a message."""
    found = sorted(positions)
    return ", ".join([*map(str, found[:NAMED]), *(["…"] if len(found) > NAMED else [])])


def _due(dues: Dues, facts: Facts) -> Facts:
    """Until when an order is to be dispatched, by the policies of the moment that is asked about,
    as its queue has it."""
    paid_at = facts.get("paid_at")
    limit, _ = dues.of(None if paid_at is None else datetime.fromisoformat(paid_at), 0)
    return {} if limit is None else {"due_at": rfc3339(limit)}


class _Folded:
    """A report over events that are folded one by one."""

    def __init__(self, matter: Matter, said: Said) -> None:
        self._matter, self._said = matter, said
        store, ledger = matter.models.store, matter.ledger
        self._made, self._row = made_of(REPORTS[said.report]), type_of(REPORTS[said.report]).row
        self._projection = self._made.projection()
        self._generation = in_memory(tables=tables_of(self._projection))
        self._folder = Folder(self._generation, store.id_of(ledger), matter.days)
        beside = store.streams(ledger, BESIDE.get(matter.kind, ()))
        if taken := list(filter(matter.cut.takes, beside)):
            self.take(taken)

    def close(self) -> None:
        self._generation.close()

    def take(self, entries: Sequence[Entry]) -> None:
        self._folder.fold(self._folder.progress([self._projection]), list(map(Outline.of, entries)))

    def facts(self, position: int) -> Facts:
        models, ledger, subject, cut, _ = self._matter
        asked = Question(as_of=AsOf(position, None, cut.asked.occurred), **asked_about(subject))
        with self._generation.reading() as connection:
            rows = list(self._made.rows(Reading(
                models, ledger, self._projection.name, asked, connection,
                cut._replace(position=position), position, {"notes": []},
                sort=sort_of(self._said.report, self._row, asked))))
        but = {*OF_THE_ROW, *self._said.named_by, *self._said.but}
        facts: Facts = {}
        for row in rows:
            path = filter(None, (self._said.under, *(row[one] for one in self._said.named_by)))
            facts |= _named("".join(f"{part}/" for part in path), {
                column: value for column, value in row.items() if column not in but})
        return facts


def _kept(subject: str, entries: Iterable[Entry]) -> Iterator[Facts]:
    """What the rules keep of a subject for which there is no report."""
    kind = AGGREGATES.get(subject.partition(":")[0])
    known = None if kind is None else kind.blank(subject)
    for entry in entries:
        event = event_types.decode(entry)
        if known is not None:
            known.fold(event, entry.version)
        yield {} if known is None else _named("", known_to(known))


def parts_of(value: Mapping[str, Any]) -> Facts:
    """The parts of what the rules keep, each under its path."""
    return _named("", dict(value))


def _named(before: str, value: Any) -> Facts:
    """The parts of a value, each under its path. What is not known is left out, and what has a
    quantity only is that."""
    if value is None or value in ([], {}, ""):
        return {}
    if isinstance(value, dict):
        if before and value.keys() == {"quantity"}:
            return {before.removesuffix("/"): value["quantity"]}
        return _merged(_named(f"{before}{name}/", part) for name, part in value.items()
                       if name not in BOOKKEEPING)
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        return _merged(_part(before, part, at) for at, part in enumerate(value, 1))
    return {before.removesuffix("/"):
            Hidden.of(value.sealed.value) if isinstance(value, Written) else value}


def _merged(parts: Iterable[Facts]) -> Facts:
    found: Facts = {}
    for part in parts:
        found |= part
    return found


def _part(before: str, part: Any, at: int) -> Facts:
    """A part of a list: its path ends with what names it, else with its number."""
    by = next((name for name in NAMES if isinstance(part, dict) and part.get(name) is not None), "")
    if not by:
        return _named(f"{before}{at}/", part)
    return _named(f"{before}{part[by]}/", {
        name: value for name, value in part.items() if name != by})
