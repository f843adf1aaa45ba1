"""What was recorded wrongly of stock or of an order's goods, and is taken back by a further event
of its document."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.aggregate import Aggregate, decided_now
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Correction, Observation, Posting
from ledger.fulfilment.commands import CorrectStep
from ledger.fulfilment.counting import (
    CountedSku,
    CountedSkus,
    count_accounts,
    counted_by_sku,
    settle,
)
from ledger.fulfilment.postings import claimed_since
from ledger.fulfilment.waybills import claim_at, used_at
from ledger.orders.order import Order
from ledger.orders.placing import written_of
from ledger.people.signatures import SYSTEM, must_sign
from ledger.policies.signing import ASK_CORRECTION
from ledger.stock.account import StockAccount
from ledger.stock.corrections import (
    DID_NOT_OCCUR,
    DOCUMENTS,
    AlreadyCorrected,
    CorrectStock,
    EventUnknown,
    NotCorrectable,
    StandsOn,
)
from ledger.stock.counts import StockCount
from ledger.stock.movements import SECOND_PERSON, Movement
from ledger.stock.moving import moves_by_sku, post_moves
from ledger.stock.places import ALREADY_COUNTED, CORRECTION, RESERVED, stock_of
from ledger.stock.posting import load_all, post, reversed_of, withdraw
from ledger.stock.transfers import Transfer

NOT_SIGNED: Mapping[str, Any] = {}


class Chain(NamedTuple):
    """An event and what it corrects, the first of which corrects nothing and is at a position."""

    first: int
    facts: list[Any]


Story = Mapping[int, Any]
"""The facts of a document, by position."""


def correct_stock(command: CorrectStock, work: Work) -> list[Aggregate]:
    """Take an event back, at the times that it was posted at; post what is right in the same event.

    Errors: EventUnknown (R-COR-01), StandsOn (R-COR-02), NotCorrectable (R-COR-03),
    AlreadyCorrected (R-COR-04), R-STK-03, R-STK-08, R-STK-15, R-STK-18.
    """
    document, _, wrong = _wrong_event(command, work)
    if isinstance(document, Movement) and work.actor != SYSTEM and _needs_second(command, wrong):
        must_sign(work, ASK_CORRECTION, command.occurred_at)
        document.request_correction(
            _correction(command), command.moves, command.reason, work.actor,
            occurred_at=command.occurred_at)
        return [document]
    return corrected(command, work, document)


def _wrong_event(command: CorrectStock, work: Work) -> tuple[Any, Story, Any]:
    """A document, its story, and the event of it that is wrong. Errors: R-COR-01, R-COR-03,
    R-COR-04."""
    document: Any = work.load(DOCUMENTS[command.document.split(":")[0]], command.document)
    story = dict(work.story(document.id))
    wrong = fact_at(story, document.id, command.position)
    _must_be_correctable(command, wrong)
    return document, story, wrong


def _needs_second(command: CorrectStock, wrong: Any) -> bool:
    """Whether a movement changed the books by a person's word alone, or would."""
    causes = [one.cause for one in wrong.postings] + [one.cause for one in command.moves]
    return wrong.approved_by is not None or any(cause in SECOND_PERSON for cause in causes)


def _correction(command: CorrectStock) -> Correction:
    return Correction(command.position, command.kind)  # type: ignore[arg-type]  # by its bounds


def corrected(
    command: CorrectStock, work: Work, document: Any, signed: Mapping[str, Any] = NOT_SIGNED,
) -> list[Aggregate]:
    """The same, once a second person has approved it where one is needed; `signed` are the
    signatures of a movement's correction. Errors: those of `correct_stock`."""
    _, story, wrong = _wrong_event(command, work)
    corrects, at = _correction(command), command.occurred_at
    chain = _chain(story, command.position)
    not_counted = getattr(chain.facts[0], "not_counted", False)
    if not_counted:
        _must_be_unseen(work, command, chain)
    if isinstance(document, Transfer):
        fact = document.correct(corrects, command.reason, _without(
            document, story, command.position), not_counted=not_counted, occurred_at=at)
    elif isinstance(document, Movement):
        fact = document.correct(corrects, command.reason, not_counted=not_counted, occurred_at=at,
                                **signed)
    else:
        fact = document.correct(corrects, command.reason, occurred_at=at)
    if isinstance(document, StockCount):
        return _correct_count(work, command, document, chain)
    unseen = (min(story) if getattr(chain.facts[0], "requested_by", None) else chain.first
              ) if not_counted else 0
    # A wrong correction leaves what it corrected taken back: so all that came of it is taken back.
    accounts = {account.id: account for account in take_back(
        work, fact, chain.facts if command.moves else [wrong], unseen)}
    if command.moves and isinstance(document, Movement):
        accounts |= post_moves(work, fact, moves_by_sku(work, document.warehouse, command.moves),
                               declared=True, at=_happened_at(chain.facts[0]), unseen=unseen)
    return [document, *settle(work, accounts.values(), document.id, at)]


def fact_at(story: Story, document: str, position: int) -> Any:
    """The fact of a document at a position, which nothing has corrected. Errors: EventUnknown
    (R-COR-01), AlreadyCorrected (R-COR-04)."""
    if position not in story:
        raise EventUnknown(document=document, position=position)
    for at, fact in story.items():
        if fact.corrects is not None and fact.corrects.position == position:
            raise AlreadyCorrected(document=document, position=position, by=at)
    return story[position]


def _must_be_correctable(command: CorrectStock, wrong: Any) -> None:
    instead = ""
    if not (wrong.postings or wrong.observations or wrong.corrects):
        instead = "it moved no stock"
    elif command.kind != DID_NOT_OCCUR:
        if isinstance(wrong, Movement.Moved | Movement.Corrected) and not command.moves:
            instead = "give its moves"
        elif isinstance(wrong, StockCount.Counted | StockCount.Corrected) and not command.counts:
            instead = "give what was counted"
    if instead:
        raise NotCorrectable(type=wrong.TOPIC, position=command.position,
                             document=command.document, instead=instead)


def _happened_at(moved: Any) -> datetime:
    """When the pieces of a movement moved: before it was approved, where it had to be."""
    recorded: datetime = moved.occurred_at
    return next((one.at for one in moved.postings
                 if one.at is not None and one.cause != ALREADY_COUNTED), recorded)


def _must_be_unseen(work: Work, command: CorrectStock, chain: Chain) -> None:
    """What no count had seen is not corrected once an older count was recorded behind it: that one
    saw it, and which of the two the levels stand on can no longer be said of it alone."""
    moved = chain.facts[0]
    accounts = {one.account for one in moved.postings}
    counts = [(seen.at, touch.position) for touch in work.touches(
                  sorted(accounts), to_us(_happened_at(moved)))
              for seen in touch.observations if seen.account in accounts]
    unseen = [at for at, position in counts if position < chain.first]
    if unseen and any(position > chain.first and at < max(unseen) for at, position in counts):
        raise NotCorrectable(
            type=chain.facts[-1].TOPIC, position=command.position, document=command.document,
            instead="no count had seen it, and one before the last was recorded since; count again")


def _chain(story: Story, position: int) -> Chain:
    """An event after those that it corrects."""
    found = [story[position]]
    while (corrects := found[0].corrects) is not None:
        position = corrects.position
        found.insert(0, story[position])
    return Chain(position, found)


def take_back(work: Work, fact: Any, wrong: Iterable[Any], unseen: int = 0) -> list[StockAccount]:
    """Let a correction post the reverse of what some events posted in all. What they posted back
    because it had been counted is not reversed: the count sees the correction as it has seen them.
    """
    return post(work, fact, _reversed(wrong), decided=False, unseen=unseen, exactly=True)


def _reversed(facts: Iterable[Any]) -> list[Posting]:
    """What takes back what events posted: of those that take one another back already, nothing."""
    left: dict[Posting, int] = {}
    posted = [(fact.occurred_at, one) for fact in facts for one in fact.postings
              if one.cause != ALREADY_COUNTED]
    for at, one in posted:
        back = reversed_of(one, at, CORRECTION)
        there = reversed_of(back, at, CORRECTION)
        found, change = (there, -1) if left.get(there) else (back, 1)
        left[found] = left.get(found, 0) + change
    return [one for one, times in reversed(left.items()) for _ in range(times)]


def _without(transfer: Transfer, story: Story, position: int) -> dict[str, int]:
    """What is under way of a transfer without the event at a position. Errors: StandsOn
    (R-COR-02)."""
    replayed = Transfer.blank(transfer.id)
    for at, fact in story.items():
        before = replayed.clone()
        fact.mutate(replayed)
        if at == position:
            break
    underway = transfer.undone(before, replayed)
    if any(pieces < 0 for pieces in underway.values()):
        raise StandsOn(document=transfer.id, position=position, stands_on=max(story))
    return underway


def _correct_count(
    work: Work, command: CorrectStock, counting: StockCount, chain: Chain
) -> list[Aggregate]:
    """A count is taken back with its observations, and so is what later events posted back because
    it had seen it. What was counted in truth, or before a wrong correction, is counted again,
    against the book of its own time."""
    fact, at, counted_at = counting.newest, command.occurred_at, chain.facts[0].occurred_at
    standing = [one for one in chain.facts[-1].observations if not one.withdrawn]
    withdraw(work, fact, standing)
    accounts = {account.id: account for account in load_all(work, fact.accounts())}
    accounts |= {account.id: account for account in take_back(work, fact, chain.facts)}
    besides = _posted_back_at(work, counting.id, standing, chain.first)
    accounts |= {account.id: account
                 for account in post(work, fact, besides, decided=False, exactly=True)}
    counted = counted_by_sku(work, counting.warehouse, command.counts) if command.counts else (
        _counted_before(chain.facts))
    if not counted:
        return [counting, *settle(work, accounts.values(), counting.id, at)]
    touch = Touch(work.position + 1, counting.id, at, work.now, fact.postings)
    # The orders whose reservations it takes back come before it.
    return count_accounts(work, counting, counted, counted_at, record=lambda: decided_now(fact),
                          beside=touch, first=chain.first)


def _counted_before(chain: list[Any]) -> CountedSkus:
    """What was counted by the event that a correction corrected; nothing by what corrects none."""
    found: dict[str, CountedSku] = {}
    for one in chain[-2].lines if len(chain) > 1 else ():
        account = stock_of(chain[0].warehouse, one.sku)
        found.setdefault(account, CountedSku(one.sku, {})).lying[one.place, one.bin] = one.counted
    return found


def _posted_back_at(
    work: Work, document: str, observations: Sequence[Observation], position: int
) -> list[Posting]:
    """What takes back what other documents posted back at the time of a count since a position."""
    times = {(one.account, one.at) for one in observations}
    found: list[Posting] = []
    if times:
        since = to_us(min(at for _, at in times))
        for touch in work.touches({account for account, _ in times}, since):
            if touch.position <= position:
                break
            if touch.document != document:
                found += [reversed_of(one, touch.at, CORRECTION) for one in touch.postings
                          if one.cause == ALREADY_COUNTED and (one.account, one.at) in times]
    return found


def correct_step(command: CorrectStep, work: Work) -> list[Aggregate]:
    """A step of an order's goods did not occur: what it posted is taken back. Errors: R-ORD-03,
    R-ORD-06, EventUnknown (R-COR-01), StandsOn (R-COR-02), NotCorrectable (R-COR-03),
    AlreadyCorrected (R-COR-04)."""
    order: Order = command.load(work)
    story = dict(work.story(order.id))
    wrong = fact_at(story, order.id, command.position)
    if not isinstance(wrong, Order.CORRECTABLE) or (
            isinstance(wrong, Order.Dispatched | Order.Delivered) and wrong.parcel is None
            and not getattr(wrong, "loose", False)):
        raise NotCorrectable(
            type=wrong.TOPIC, position=command.position, document=order.id,
            instead="only what was done with its pieces and parcels in the warehouse and on the "
                    "way can be taken back")
    if not isinstance(wrong, Order.ON_THE_WAY):
        order.must_not_have_ended()
    before, after = _around(order, story, command.position)
    if not order.stands(before, after):
        raise StandsOn(document=order.id, position=command.position,
                       stands_on=_last_step(order, story))
    corrects, was = Correction(command.position, "did_not_occur"), order.clone()
    order.correct_step(corrects, wrong, before, after, occurred_at=command.occurred_at,
                       claim=_claim_of(work, order, story, command.position),
                       reason=written_of(order, work, command.reason))
    fact = order.newest
    accounts = post(work, fact, [_with_claim(one, story) for one in _reversed([wrong])],
                    decided=False, exactly=True)
    order.reopen_exceptions(was, occurred_at=command.occurred_at)
    order.settle_exceptions(occurred_at=command.occurred_at)
    return [order, *settle(work, accounts, order.id, command.occurred_at)]


def _claim_of(work: Work, order: Order, story: Story, position: int) -> str | None:
    """The claim to a waybill that is freed with the event at a position, if any; where a correction
    has freed one, nobody may have it now. Errors: StandsOn (R-COR-02)."""
    wrong = story[position]
    if isinstance(wrong, Order.Dispatched):
        return None if wrong.merged_with is not None else claim_at(
            work, wrong.courier, wrong.waybill, position)
    if isinstance(wrong, Order.StepCorrected) and wrong.freed is not None:
        sent = next(fact for fact in _chain(story, position).facts
                    if isinstance(fact, Order.Dispatched))
        if (used := used_at(work, sent.courier, sent.waybill)) is not None:
            raise StandsOn(document=order.id, position=position, stands_on=used)
    return None


def _with_claim(posting: Posting, story: Story) -> Posting:
    """A posting to what is reserved, with the position from which the order claimed it before."""
    if posting.target != RESERVED:
        return posting
    return msgspec.structs.replace(posting, since=claimed_since(story, posting.account))


def _around(order: Order, story: Story, position: int) -> tuple[Order, Order]:
    """An order before and after the event at a position."""
    after = Order.blank(order.id)
    for at, fact in story.items():
        before = after.clone()
        fact.mutate(after)
        if at == position:
            break
    return before, after


def _last_step(order: Order, story: Story) -> int:
    """The position of the last event that moved pieces or parcels of an order."""
    now, last = Order.blank(order.id), 0
    for at, fact in story.items():
        goods, parcels = now.goods, now.parcels
        fact.mutate(now)
        if now.goods != goods or now.parcels != parcels:
            last = at
    return last


HANDLERS: dict[type[Command], Handler] = {CorrectStock: correct_stock, CorrectStep: correct_step}
