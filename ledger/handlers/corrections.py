"""What was recorded wrongly of stock, and is taken back by a further event of its document."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Correction, Observation, Posting
from ledger.fulfilment.counting import (
    CountedSku,
    CountedSkus,
    count_accounts,
    counted_by_sku,
    settle,
)
from ledger.stock.account import StockAccount
from ledger.stock.corrections import (
    DID_NOT_OCCUR,
    DOCUMENTS,
    CorrectStock,
    EventUnknown,
    NotCorrectable,
    StandsOn,
)
from ledger.stock.counts import StockCount
from ledger.stock.movements import Movement
from ledger.stock.moving import moves_by_sku, post_moves
from ledger.stock.places import ALREADY_COUNTED, CORRECTION, stock_of
from ledger.stock.posting import load_all, post, reversed_of, withdraw
from ledger.stock.slips import Slip
from ledger.stock.transfers import Transfer

Story = Mapping[int, Any]
"""The facts of a document, by position."""


def correct_stock(command: CorrectStock, work: Work) -> list[Aggregate]:
    """Take an event back, at the times that it was posted at; post what is right in the same event.

    Errors: EventUnknown (R-COR-01), StandsOn (R-COR-02), NotCorrectable (R-COR-03), R-STK-03,
    R-STK-08, R-STK-15, R-STK-18.
    """
    document: Any = work.load(DOCUMENTS[command.document.split(":")[0]], command.document)
    story = dict(work.story(document.id))
    wrong = fact_at(story, document.id, command.position)
    _must_be_correctable(command, wrong)
    corrects = Correction(command.position, command.kind)  # type: ignore[arg-type]  # by its bounds
    at = command.occurred_at
    if isinstance(document, Transfer):
        underway = _without(document, story, command.position)
        fact = document.correct(corrects, command.reason, underway, occurred_at=at)
    else:
        fact = document.correct(corrects, command.reason, occurred_at=at)
    first, chain = _chain(story, command.position)
    if isinstance(document, StockCount):
        return _correct_count(work, command, document, fact, first, chain)
    unseen = first if getattr(chain[0], "not_counted", False) else 0
    # A wrong correction leaves what it corrected taken back: so all that came of it is taken back.
    accounts = {account.id: account
                for one in (chain if command.moves else chain[-1:])
                for account in take_back(work, fact, one, unseen)}
    if command.moves and isinstance(document, Movement):
        accounts |= post_moves(work, fact, moves_by_sku(work, document.warehouse, command.moves),
                               declared=True, at=chain[0].occurred_at, unseen=unseen)
    return [document, *settle(work, accounts.values(), document.id, at)]


def fact_at(story: Story, document: str, position: int) -> Any:
    """The fact of a document at a position. Errors: EventUnknown (R-COR-01)."""
    if position not in story:
        raise EventUnknown(document=document, position=position)
    return story[position]


def _must_be_correctable(command: CorrectStock, wrong: Any) -> None:
    instead = ""
    if not (wrong.postings or wrong.observations):
        instead = "it moved no stock"
    elif command.kind != DID_NOT_OCCUR:
        if isinstance(wrong, Movement.Moved | Movement.Corrected) and not command.moves:
            instead = "give its moves"
        elif isinstance(wrong, StockCount.Counted | StockCount.Corrected) and not command.counts:
            instead = "give what was counted"
        elif isinstance(wrong, Slip.Recorded | Slip.Corrected | Transfer.Sent | Transfer.Received
                        | Transfer.Corrected):
            instead = f"say {DID_NOT_OCCUR}, and record what did, under another number"
    if instead:
        raise NotCorrectable(type=wrong.TOPIC, position=command.position,
                             document=command.document, instead=instead)


def _chain(story: Story, position: int) -> tuple[int, list[Any]]:
    """An event after those that it corrects, and the position of the first of them, which corrects
    nothing."""
    found = [story[position]]
    while (corrects := found[0].corrects) is not None:
        position = corrects.position
        found.insert(0, story[position])
    return position, found


def take_back(work: Work, fact: Any, wrong: Any, unseen: int = 0) -> list[StockAccount]:
    """Let a correction post the reverse of what an event posted. What the event posted back because
    it had been counted is not reversed: the count sees the correction as it has seen the event."""
    return post(work, fact, [
        reversed_of(one, wrong.occurred_at, CORRECTION) for one in reversed(wrong.postings)
        if one.cause != ALREADY_COUNTED], decided=False, unseen=unseen)


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
    work: Work, command: CorrectStock, counting: StockCount, fact: Any, first: int,
    chain: list[Any],
) -> list[Aggregate]:
    """A count is taken back with its observations, and so is what later events posted back because
    it had seen it. What was counted in truth, or before a wrong correction, is counted again,
    against the book of its own time."""
    at, counted_at = command.occurred_at, chain[0].occurred_at
    standing = [one for one in chain[-1].observations if not one.withdrawn]
    withdraw(work, fact, standing)
    accounts = {account.id: account for account in load_all(work, fact.accounts())}
    for wrong in chain:
        accounts |= {account.id: account for account in take_back(work, fact, wrong)}
    besides = _posted_back_at(work, counting.id, standing, first)
    accounts |= {account.id: account
                 for account in post(work, fact, besides, decided=False)}
    counted = counted_by_sku(work, counting.warehouse, command.counts) if command.counts else (
        _counted_before(chain))
    if not counted:
        return [counting, *settle(work, accounts.values(), counting.id, at)]
    touch = Touch(work.position + 1, counting.id, at, work.now, fact.postings)
    return count_accounts(work, counting, counted, counted_at, lambda: fact, beside=touch)


def _counted_before(chain: list[Any]) -> CountedSkus:
    """What was counted by the event that a correction corrected; nothing if it is no correction."""
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


HANDLERS: dict[type[Command], Handler] = {CorrectStock: correct_stock}
