"""What moves by hand: the moves of a command by SKU, and how an event posts them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from ledger.core.commands import Work
from ledger.stock.account import StockAccount
from ledger.stock.movements import StockMove
from ledger.stock.places import CAUSES, stock_of
from ledger.stock.posting import MOST_POSTINGS, load_all, post
from ledger.stock.skus import real_sku

COMING_IN = ("opening", "receipt", "found", "adjustment")
"""Causes by which a SKU may become known."""

Moves = Mapping[str, Sequence[StockMove]]
"""Moves by the account that they are posted to."""

Thing = TypeVar("Thing")


def moves_by_sku(work: Work, warehouse: str, moves: Iterable[StockMove]) -> Moves:
    """Moves by the account of the SKU that they name. Errors: SkuUnknown (R-STK-03),
    BundleHasNoStock (R-STK-08)."""
    moves = list(moves)
    coming = {move.sku for move in moves if move.cause in COMING_IN}
    found: dict[str, list[StockMove]] = {}
    for move in moves:
        sku = real_sku(work, warehouse, move.sku, new=move.sku in coming)
        found.setdefault(stock_of(warehouse, sku), []).append(move)
    return found


def post_moves(
    work: Work, fact: Any, moves: Moves, *, declared: bool = False, unseen: int = 0,
    at: datetime | None = None,
) -> dict[str, StockAccount]:
    """Let an event post moves: for each account first the facts, then the decisions, which may
    stand on them; `declared`: all are facts. `at` is when they happened, by default when the event
    did. Returns the accounts by name.

    Errors: those of `post`.
    """
    load_all(work, moves)
    found: dict[str, StockAccount] = {}
    for decided in (False, True):
        postings = [move.posting(account, at)
                    for account, listed in moves.items() for move in listed
                    if (CAUSES[move.cause].decision and not declared) == decided]
        found |= {account.id: account for account in post(
            work, fact, postings, decided=decided, unseen=unseen)}
    return found


def in_chunks(
    things: Iterable[Thing], postings: Callable[[Thing], int], most: int = MOST_POSTINGS
) -> Iterator[list[Thing]]:
    """Things in as few events as can hold what they post, in order, none of them divided."""
    chunk: list[Thing] = []
    held = 0
    for thing in things:
        size = postings(thing)
        if chunk and held + size > most:
            yield chunk
            chunk, held = [], 0
        chunk.append(thing)
        held += size
    if chunk:
        yield chunk
