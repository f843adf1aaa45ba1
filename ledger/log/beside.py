"""What stands beside the events of a ledger and must fit them: its row in the table of ledgers, its
head, its stored tiles, the index of accounts, and that nothing stands twice or where nothing can
be.

Each check notes what is wrong, and at which position it shows; whatever a cell holds ends nothing.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from ledger.log import merkle
from ledger.log.damage import attempt, unfit
from ledger.log.milestones import Opened
from ledger.log.store import SUFFIX, Head, Known, LedgerUnknown, Store, Tile, Which, shown

MAX_PROBLEMS = 1_000

TILES = 100
"""How many tiles are read at a time."""

ACCOUNTS = 4_000
"""About how many rows of the index of accounts are read at a time."""

Note = Callable[[int, str], None]
"""Takes what is wrong, and the position at which it shows."""


def known_of(store: Store, ledger: Which, note: Note) -> Known | None:
    """The ledger's row in the table of ledgers; None if it is not fit. Errors: LedgerUnknown."""
    found = attempt(store, lambda: (store.known(ledger),))
    if found is None:
        note(0, "the database cannot read the ledger's row in `ledgers`")
        return None
    (known,) = found
    if known is None:
        raise LedgerUnknown(ledger=shown(ledger))
    if (column := unfit(known)) is not None:
        note(0, f"the ledger's {column} in `ledgers` holds what nobody can have recorded")
        return None
    return known


def check_standing(store: Store, known: Known, opened: Opened | None, note: Note) -> None:
    """The ledger's row in the table of ledgers, that it and the head stand once, and that no event
    stands at a position at which none can be."""
    if opened is not None and known.name.endswith(SUFFIX) != (opened.of is not None):
        note(1, f"it is called {known.name}, " + (
            "but it holds no other ledger's keys and readings" if opened.of is None else
            "but it holds the keys and readings of another ledger"))
    if opened is not None and (known.of and known.of.hex()) != opened.of:
        note(1, "`ledgers` says otherwise than the ledger itself whose keys and readings it holds")
    rows = attempt(store, partial(store.standing, known))
    if rows is None:
        note(0, "the database cannot count the ledger's rows in `ledgers` and `heads`")
    for table, count in (rows or {}).items():
        if count != 1:
            note(0, f"`{table}` holds {count} rows of this ledger, and 1 is right")
    odd = attempt(store, partial(store.odd_positions, known.id, MAX_PROBLEMS))
    if odd is None:
        note(0, "the database cannot look for events at positions that no log has")
    for position in odd or ():
        note(0, f"an event stands at position {position!r}, which no log has")


def head_of(store: Store, ledger: Which, note: Note) -> Head | None:
    """The head; None if it is not fit."""
    head = attempt(store, lambda: store.head(ledger))
    if head is None:
        note(0, "the database cannot read the head")
    elif (column := unfit(head)) is not None:
        note(0, f"the head's {column} holds what nobody can have recorded")
        return None
    return head


def check_pages(store: Store, note: Note) -> None:
    """What the database finds wrong with its own pages: those of its indexes and free ones, too,
    which no event is read from. Errors: StorageFailed (R-LOG-04) if it cannot be reached."""
    found = attempt(store, lambda: (store.damage(),))
    if found is None:
        note(0, f"the database {store.url} cannot check its own pages")
        return
    (lines,) = found
    if lines:
        note(0, f"the database {store.url} is damaged, by its own check, whatever the events say. "
             "Keep a copy of it as it is. Then `ledger backup` it and `ledger restore` that into a "
             "new place, or restore an older backup")
    for line in lines or ():
        note(0, f"its own check says: {line}")


def check_repeats(store: Store, ledger: Which, until: int, note: Note) -> None:
    """What the database's indexes find; whoever took one of them off may have recorded it twice."""
    found = attempt(store, partial(store.repeated, ledger, until=until, limit=MAX_PROBLEMS))
    if found is None:
        note(0, "the database cannot look for commands that stand twice")
    for column, position in found or ():
        note(position if type(position) is int else 0,
             f"its {column} stands at an earlier position already")


def check_beyond(store: Store, ledger: Which, position: int, note: Note) -> None:
    """Rows beyond the head that was read are of no concern if the head has moved on to them."""
    beyond = attempt(store, partial(store.read, ledger, after=position, limit=1))
    if beyond == []:
        return
    first = beyond[0].position if beyond else position + 1
    if (head := head_of(store, ledger, note)) is not None and head.position < first:
        note(first, f"it lies beyond {head.position}, where the head says that the log ends")


class Leaves(NamedTuple):
    """The last position that was read, and the digest of each complete tile up to there."""

    last: int
    tiles: list[bytes]


def check_tiles(store: Store, ledger: Which, leaves: Leaves, note: Note) -> None:
    """The stored tiles up to the head that was read, by their digests, and that none lies beyond
    the present one."""
    last, known = leaves
    complete = len(known)
    for number in range(0, complete, TILES):
        count = min(TILES, complete - number)
        stored = attempt(store, partial(store.tiles, ledger, 0, number, count + 1))
        if stored is None:  # one by one: only those that cannot be read are wrong
            stored = [tile for one in range(number, number + count) for tile in
                      attempt(store, partial(store.tiles, ledger, 0, one, 1)) or []
                      if tile.number == one]
        _compare_tiles(number, stored, known[number : number + count], note)
    odd = attempt(store, partial(store.odd_tiles, ledger, MAX_PROBLEMS))
    if odd is None:
        note(last, "the database cannot read which tiles of the tree are stored")
    for level, tile in odd or ():
        note(last, f"the stored tile {tile!r} of level {level!r} is of no tree")
    beyond = attempt(store, partial(store.tiles, ledger, 0, complete, 1))
    if odd != [] or beyond == []:
        return
    number = beyond[0].number if beyond else complete
    head = head_of(store, ledger, note)
    if type(number) is not int:
        note(last, f"the tile {number!r} of the tree is stored under what is no whole number")
    elif head is not None and head.position < (number + 1) * merkle.TILE_LEAVES:
        note(last, f"the stored tile {number} of the tree has no events yet")


def _compare_tiles(number: int, stored: list[Tile], known: list[bytes], note: Note) -> None:
    numbers = [tile.number for tile in stored]
    by_number = {tile.number: tile.hashes for tile in stored}
    for tile, digest in enumerate(known, number):
        hashes = by_number.get(tile)
        first = tile * merkle.TILE_LEAVES + 1
        if any(type(one) is not int for found in stored if found.number == tile
               for one in (found.level, found.number)):
            note(first, f"the tile {tile} of the tree is stored under what is no whole number")
        elif hashes is None:
            note(first, "a complete tile of the tree is missing or cannot be read")
        elif numbers.count(tile) > 1:
            note(first, f"the tile {tile} of the tree is stored {numbers.count(tile)} times")
        elif not isinstance(hashes, bytes) or sha256(hashes).digest() != digest:
            note(first, f"the stored tile {tile} of the tree is not that of its "
                 f"{merkle.TILE_LEAVES} events")


class Accounts:
    """The index of accounts beside the events that are read in order."""

    def __init__(self, store: Store, ledger: Which, note: Note) -> None:
        self.store, self.ledger, self.note = store, ledger, note
        self.expected: list[tuple[str, int]] = []
        self.compared = 0

    def add(self, accounts: list[str], position: int) -> None:
        """What the next event names, at the position at which it counts."""
        self.expected += [(account, position) for account in accounts]
        if len(self.expected) >= ACCOUNTS:
            self.compare()

    def compare(self) -> None:
        """Compare what was expected since the last time: that each row is there, once."""
        if self.expected:
            self._compare()
            self.compared += len(self.expected)
            self.expected.clear()

    def finish(self, sound: int) -> None:
        """Compare the other way: that no row is there which no event calls for. Up to `sound`, all
        events and their rows are as they should be: if there are no more rows there than these,
        which is soon counted, none of them has to be looked for among the events."""
        count = attempt(self.store, partial(self.store.count_indexed, self.ledger, sound))
        odd = attempt(self.store, partial(
            self.store.odd_accounts, self.ledger, MAX_PROBLEMS,
            beyond=sound if count == self.compared else 0))
        if odd is None:
            self.note(0, "the database cannot compare the index of accounts with the events")
        for account, position in odd or ():
            self.note(position if type(position) is int else 0,
                      f"the index of accounts holds {account!r}, and no event here names it")

    def _compare(self) -> None:
        accounts, positions = zip(*self.expected, strict=True)
        rows = attempt(self.store, partial(self.store.indexed, self.ledger, accounts,
                                           min(positions), max(positions)))
        if rows is None:
            self.note(min(positions), "the database cannot read the index of accounts from here on")
        else:
            held = Counter([row for row in rows if type(row[1]) is int])
            for account, position in self.expected:
                if (count := held[account, position]) != 1:
                    self.note(position, f"the index of accounts holds {account!r} {count} times, "
                              "and 1 is right")
