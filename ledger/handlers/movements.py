"""Movements of stock, and the second person of those that change the books by a person's word."""

from collections.abc import Mapping
from typing import Any

from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.counting import settle
from ledger.handlers.corrections import corrected
from ledger.handlers.stock import numbered
from ledger.people.signatures import SYSTEM, must_sign
from ledger.policies.signing import ASK_CORRECTION, ASK_MOVEMENT
from ledger.stock.account import StockAccount
from ledger.stock.corrections import CorrectStock
from ledger.stock.errors import PiecesGone
from ledger.stock.lying import lying_changes
from ledger.stock.movements import (
    SECOND_PERSON,
    ApproveMovement,
    Asked,
    Movement,
    MoveStock,
    RefuseMovement,
    movement_of,
)
from ledger.stock.moving import in_chunks, moves_by_sku, post_moves
from ledger.stock.places import COUNTED
from ledger.stock.posting import unseen_by
from ledger.stock.warehouses import must_be_open


def move_stock(command: MoveStock, work: Work) -> list[Aggregate]:
    """Decisions are refused where too few pieces lie, facts are always recorded. What changes the
    books by a person's word alone waits for a second person, and what comes with it.

    Errors: R-STK-01 to R-STK-04, R-STK-08, R-STK-15 to R-STK-18, MovementRecorded (R-STK-19),
    R-SIG-01, R-PPL-13.
    """
    must_be_open(work, command.warehouse)
    movement: Movement = work.load(Movement, numbered(work, command, Movement, movement_of))
    movement.must_be_new()
    moves = moves_by_sku(work, command.warehouse, command.moves)
    if work.actor != SYSTEM and any(move.cause in SECOND_PERSON for move in command.moves):
        must_sign(work, ASK_MOVEMENT, command.occurred_at)
        for part in in_chunks(command.moves, lambda _: 1):
            movement.request(command, part, work.actor)
        return [movement]
    accounts: dict[str, StockAccount] = {}
    for chunk in in_chunks(moves.items(), lambda item: len(item[1])):
        fact = movement.move(command)
        accounts |= post_moves(work, fact, dict(chunk), unseen=unseen_by(work, command.late))
    return [movement, *settle(work, accounts.values(), movement.id, command.occurred_at)]


def approve_movement(command: ApproveMovement, work: Work) -> list[Aggregate]:
    """It is posted at the time that was given of it, so that what was counted since has seen it.

    Errors: R-SIG-01 to R-SIG-05, R-PPL-13, R-STK-01 to R-STK-04, R-STK-08, R-STK-15 to R-STK-18,
    R-COR-01 to R-COR-04.
    """
    movement: Movement = work.load(Movement, command.subject)
    asked = movement.waiting(command.occurred_at)
    signed = _signed(work, command, asked)
    if asked.corrects is None:
        changed = _moved(work, command, movement, signed)
    else:
        changed = corrected(CorrectStock(
            document=movement.id, position=asked.corrects.position, kind=asked.corrects.kind,
            reason=asked.reason or "", moves=list(asked.moves), occurred_at=command.occurred_at),
            work, movement, signed)
    _must_have_been_there(work, movement)
    return changed


def _signed(
    work: Work, command: ApproveMovement | RefuseMovement, asked: Asked,
) -> Mapping[str, Any]:
    """Both signatures, as the event holds them. Errors: R-SIG-01, R-SIG-02, R-PPL-13."""
    before = ASK_MOVEMENT if asked.corrects is None else ASK_CORRECTION
    acts = ["stock.approve_correction"] if asked.corrects is not None else [
        f"stock.approve_{cause}" for cause in asked.causes()]
    stood_in: StoodIn | None = None
    for act in acts:
        found = must_sign(work, act, command.occurred_at, signed={before: [asked.by]})
        stood_in = stood_in or found.stood_in
    return {"requested_by": asked.by, "approved_by": work.actor, "stood_in": stood_in}


def _moved(
    work: Work, command: ApproveMovement, movement: Movement, signed: Mapping[str, Any],
) -> list[Aggregate]:
    asked = movement.waiting(command.occurred_at)
    must_be_open(work, movement.warehouse)
    first = work.story(movement.id)[0][0]
    moves = moves_by_sku(work, movement.warehouse, asked.moves)
    accounts: dict[str, StockAccount] = {}
    wanted = MoveStock(
        warehouse=movement.warehouse, moves=list(asked.moves), occurred_at=command.occurred_at,
        document=asked.document, reason=asked.reason,
        late="not_counted" if asked.not_counted else "")
    for chunk in in_chunks(moves.items(), lambda item: len(item[1])):
        fact = movement.move(wanted, **signed)
        accounts |= post_moves(work, fact, dict(chunk), at=asked.at,
                               unseen=first if asked.not_counted else 0)
    return [movement, *settle(work, accounts.values(), movement.id, command.occurred_at)]


def _must_have_been_there(work: Work, movement: Movement) -> None:
    """What is approved takes no place and no bin below zero, once reservations were taken back.
    Errors: PiecesGone (R-SIG-05)."""
    facts: list[Any] = list(movement.pending_events)
    postings = [one for fact in facts for one in fact.postings]
    for name in sorted({one.account for one in postings}):
        account: StockAccount = work.load(StockAccount, name)
        own = [one for one in postings if one.account == name]
        left = {area: sum(map(account.level, places)) for area, places in COUNTED.items()}
        left |= {f"bin {bin_}": pieces for bin_, pieces in account.bins.items() if bin_}
        changes: dict[str, int] = {}
        for (area, bin_), change in lying_changes(own).items():
            for place in (area, f"bin {bin_}"):
                changes[place] = changes.get(place, 0) + change
        for place, change in changes.items():
            if change < 0 and left.get(place, 0) < 0:
                raise PiecesGone(movement=movement.id, stock=name, place=place, level=left[place])


def refuse_movement(command: RefuseMovement, work: Work) -> list[Aggregate]:
    """By whoever could approve it, or by who asked for it. Errors: R-SIG-01, R-SIG-03, R-SIG-04,
    R-PPL-13."""
    movement: Movement = work.load(Movement, command.subject)
    asked = movement.waiting(command.occurred_at)
    if work.actor != asked.by:
        _signed(work, command, asked)
    movement.refuse(command.reason, work.actor, occurred_at=command.occurred_at)
    return [movement]


HANDLERS: dict[type[Command], Handler] = {
    MoveStock: move_stock,
    ApproveMovement: approve_movement,
    RefuseMovement: refuse_movement,
}
