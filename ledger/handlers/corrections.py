"""What was recorded wrongly of stock, and is taken back by a further event of its document."""

from collections.abc import Sequence
from typing import Any

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Correction
from ledger.fulfilment.counting import count_accounts, counted_by_sku, settle
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
from ledger.stock.places import ALREADY_COUNTED, CORRECTION
from ledger.stock.posting import post, reversed_of, withdraw
from ledger.stock.slips import Slip
from ledger.stock.transfers import Transfer

Story = Sequence[tuple[int, Any]]
"""The facts of a document, each with its position."""


def correct_stock(command: CorrectStock, work: Work) -> list[Aggregate]:
    """Take an event back, at the times that it was posted at; post what is right in the same event.

    Errors: EventUnknown (R-COR-01), StandsOn (R-COR-02), NotCorrectable (R-COR-03), R-STK-03,
    R-STK-08, R-STK-15, R-STK-18.
    """
    document: Any = work.load(DOCUMENTS[command.document.split(":")[0]], command.document)
    story = work.story(document.id)
    wrong = fact_at(story, document.id, command.position)
    _must_be_correctable(command, wrong)
    corrects = Correction(command.position, command.kind)  # type: ignore[arg-type]  # by its bounds
    at = command.occurred_at
    if isinstance(document, Transfer):
        underway = _without(document, story, command.position)
        fact = document.correct(corrects, command.reason, underway, occurred_at=at)
    else:
        fact = document.correct(corrects, command.reason, occurred_at=at)
    if isinstance(document, StockCount):
        return _correct_count(work, command, document, fact, story)
    accounts = {account.id: account for account in take_back(work, fact, wrong, command.position)}
    if command.moves and isinstance(document, Movement):
        accounts |= post_moves(work, fact, moves_by_sku(work, document.warehouse, command.moves),
                               declared=True, at=_root(story, wrong).occurred_at)
    return [document, *settle(work, accounts.values(), document.id, at)]


def fact_at(story: Story, document: str, position: int) -> Any:
    """The fact of a document at a position. Errors: EventUnknown (R-COR-01)."""
    for at, fact in story:
        if at == position:
            return fact
    raise EventUnknown(document=document, position=position)


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


def take_back(work: Work, fact: Any, wrong: Any, position: int) -> list[StockAccount]:
    """Let a correction post the reverse of what the event at a position posted. Counts that were
    recorded before that event have their say in it already."""
    return post(work, fact, [reversed_of(one, wrong.occurred_at, CORRECTION)
                             for one in reversed(wrong.postings)],
                decided=False, known_since=position)


def _root(story: Story, fact: Any) -> Any:
    """What was corrected first, if a correction was corrected."""
    facts = dict(story)
    while fact.corrects is not None:
        fact = facts[fact.corrects.position]
    return fact


def _without(transfer: Transfer, story: Story, position: int) -> dict[str, int]:
    """What is under way of a transfer without the event at a position. Errors: StandsOn
    (R-COR-02)."""
    replayed = Transfer.blank(transfer.id)
    for at, fact in story:
        before = replayed.clone()
        fact.mutate(replayed)
        if at == position:
            break
    underway = transfer.undone(before, replayed)
    if any(pieces < 0 for pieces in underway.values()):
        raise StandsOn(document=transfer.id, position=position, stands_on=story[-1][0])
    return underway


def _correct_count(
    work: Work, command: CorrectStock, counting: StockCount, fact: Any, story: Story
) -> list[Aggregate]:
    """A count is taken back with its observations. If there was one after all, it is posted against
    the book of its own time; a count that was taken back wrongly is observed again."""
    position, at = command.position, command.occurred_at
    wrong = dict(story)[position]
    if command.kind == DID_NOT_OCCUR:
        _must_not_be_relied_on(work, counting.id, wrong, position)
    accounts = take_back(work, fact, wrong, position)
    withdraw(work, fact, wrong.observations)
    if command.counts:
        touch = Touch(work.position + 1, counting.id, at, work.now, fact.postings)
        counted = counted_by_sku(work, counting.warehouse, command.counts)
        return count_accounts(work, counting, counted, _root(story, wrong).occurred_at,
                              lambda: fact, beside=touch)
    return [counting, *settle(work, accounts, counting.id, at)]


def _must_not_be_relied_on(work: Work, document: str, wrong: Any, position: int) -> None:
    """Nothing is posted back at the time of a count since, because it had seen it. Errors: StandsOn
    (R-COR-02)."""
    times = {(one.account, one.at) for one in wrong.observations if not one.withdrawn}
    if not times:
        return
    accounts = {account for account, _ in times}
    for touch in work.touches(accounts, to_us(min(at for _, at in times))):
        if touch.position <= position:
            return
        if any(one.cause == ALREADY_COUNTED and (one.account, one.at) in times
               for one in touch.postings):
            raise StandsOn(document=document, position=position, stands_on=touch.position)


HANDLERS: dict[type[Command], Handler] = {CorrectStock: correct_stock}
