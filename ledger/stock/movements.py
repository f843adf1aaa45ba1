"""Movements: what no other document tells of stock, such as a receipt, a write-off, a move between
bins. Decisions are refused where too few pieces lie; facts are always recorded. What changes the
books by a person's word alone posts nothing before a second person has approved it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec

from ledger.common.between import Said, among, fork, given
from ledger.common.bounds import (
    At,
    Document,
    Id,
    IdOrNone,
    Items,
    NameOrNone,
    Quantity,
    Reason,
    Stream,
    Words,
)
from ledger.common.errors import Conflict
from ledger.common.signed import StoodIn
from ledger.common.values import Checks, rfc3339, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, OnStream, Wanted
from ledger.core.postings import Correction, Posting
from ledger.stock.account import StockAccount
from ledger.stock.errors import DecidedBeforeRequest, NotWaiting, WaitsAlready
from ledger.stock.pieces import Late, sku_of
from ledger.stock.places import CAUSES, COUNTED, REASONED, SHELF, Place, stock_of
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

MAX_MOVES = 5_000

SECOND_PERSON = ("write_off", "adjustment", "found")
"""The causes that change the books by a person's word alone."""

WAITS, APPROVED, REFUSED = "waiting", "approved", "refused"


class MovementRecorded(Conflict):
    """{movement} is in the ledger already. Give this one a number of its own."""

    code = "movement_recorded"
    rule = "R-STK-19"


class StockMove(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
                forbid_unknown_fields=True):
    """So many pieces of a SKU from one place to another. Units: whole units of the SKU.

    `bin` is where on the shelf they lay, `to_bin` where they lie now: empty where it is not known.
    """

    sku: Id
    quantity: Quantity
    source: Place = msgspec.field(name="from")
    target: Place = msgspec.field(name="to")
    cause: Annotated[str, Words(*CAUSES)]
    bin: NameOrNone = ""
    to_bin: NameOrNone = ""
    line: IdOrNone = ""

    def check(self, checks: Checks, at: str) -> None:
        """Note a cause that does not move between its places."""
        cause = CAUSES.get(self.cause)
        if cause is None:
            return
        if self.source not in cause.sources or self.target not in cause.targets:
            checks.fault(at, "wrong_places", f"{self.cause} does not move from {self.source} "
                                             f"to {self.target}")
        elif self.source == self.target and self.bin == self.to_bin:
            checks.fault(at, "same_place", "moves to where it already lies")
        if self.bin and self.source not in COUNTED[SHELF]:
            checks.fault(f"{at}/bin", "no_bin",
                         f"is the bin that pieces leave, and {self.source} has none; where they "
                         "come to lie is to_bin")

    def posting(self, account: str, at: datetime | None = None) -> Posting:
        """It, posted to an account; `at` is when it happened, if not when the event did."""
        return Posting(account=account, quantity=self.quantity, source=self.source,
                       target=self.target, cause=self.cause, line=self.line, bin=self.bin,
                       to_bin=self.to_bin, at=at)


APPROVED_BY = "stock.approve_movement"
"""The command of the second person."""


class Asked(NamedTuple):
    """What waits for a second person: moves, or the correction of an event with the moves that were
    right. `by` asked for it; `at` is when it happened, or was found to be wrong."""

    by: str
    at: datetime
    moves: tuple[StockMove, ...] = ()
    reason: str | None = None
    document: str | None = None
    not_counted: bool = False
    corrects: Correction | None = None

    def causes(self) -> list[str]:
        """The causes among its moves that need a second person, in the order of these."""
        return [cause for cause in SECOND_PERSON if any(one.cause == cause for one in self.moves)]


class Movement(Aggregate):
    """A movement of goods in one warehouse; its stream is `movement:<warehouse>:<number>`. A large
    one is recorded in several events."""

    KIND = "movement"

    def begin(self) -> None:
        """Nothing moved."""
        self.warehouse = ""
        self.asked: Asked | None = None
        self.decided = "unknown"

    class Moved(Aggregate.Event):
        """Pieces moved, as it posts. `document` is the paper that says so, `not_counted` that a
        count after it has not seen it. `approved_by` is the second person, where it needed one, and
        `requested_by` the first; `stood_in` says for whom the second signed."""

        TOPIC = "stock.moved.v1"
        warehouse: str
        document: str | None = None
        reason: str | None = None
        not_counted: bool = False
        requested_by: str | None = None
        approved_by: str | None = None
        stood_in: StoodIn | None = None

        def about(self) -> list[str]:
            """The document."""
            return [] if self.document is None else [self.document]

    class Corrected(Aggregate.Event):
        """An earlier event of this movement is taken back; what is right, if anything, is posted
        with it. `requested_by`, `approved_by` and `stood_in`: see `Moved`."""

        TOPIC = "movement.corrected.v1"
        warehouse: str
        reason: str
        not_counted: bool = False
        requested_by: str | None = None
        approved_by: str | None = None
        stood_in: StoodIn | None = None

    class Requested(Aggregate.Event):
        """Somebody says that pieces are to leave the books or to come into them. Nothing is posted
        before another person has approved it. A large one is asked for in several events."""

        TOPIC = "movement.requested.v1"
        warehouse: str
        moves: list[StockMove]
        requested_by: str
        document: str | None = None
        reason: str | None = None
        not_counted: bool = False

        def about(self) -> list[str]:
            """The document."""
            return [] if self.document is None else [self.document]

        def waits_for(self) -> str:
            """What has to be done before it is posted."""
            return APPROVED_BY

    class CorrectionRequested(Aggregate.Event):
        """Somebody says that an event of this movement is wrong. Nothing is posted before another
        person has approved it. `moves` are those that were right, if any."""

        TOPIC = "movement.correction_requested.v1"
        warehouse: str
        wrong: Correction
        reason: str
        requested_by: str
        moves: list[StockMove] = []

        def waits_for(self) -> str:
            """What has to be done before it is posted."""
            return APPROVED_BY

    class RequestRefused(Aggregate.Event):
        """What was asked for is not done: somebody else refuses it, or who asked takes it back."""

        TOPIC = "movement.request_refused.v1"
        reason: str
        refused_by: str

    @event(Moved)
    def _moved(self, warehouse):
        self.warehouse = warehouse
        self.asked, self.decided = None, APPROVED

    @event(Corrected)
    def _corrected(self):
        self.asked, self.decided = None, APPROVED

    @event(Requested)
    def _requested(
        self, warehouse, moves, requested_by, document, reason, not_counted, occurred_at
    ):
        self.warehouse, self.decided = warehouse, WAITS
        before = () if self.asked is None else self.asked.moves
        self.asked = Asked(requested_by, occurred_at, (*before, *moves), reason, document,
                           not_counted)

    @event(CorrectionRequested)
    def _correction_requested(self, warehouse, wrong, moves, requested_by, reason, occurred_at):
        self.warehouse, self.decided = warehouse, WAITS
        self.asked = Asked(requested_by, occurred_at, tuple(moves), reason, corrects=wrong)

    @event(RequestRefused)
    def _request_refused(self):
        self.asked, self.decided = None, REFUSED

    def must_be_new(self) -> None:
        """Errors: MovementRecorded (R-STK-19)."""
        if self.version:
            raise MovementRecorded(movement=self.id)

    def move(self, command: "MoveStock", **signed: Any) -> Any:
        """An event of the movement, which posts nothing yet; `signed` are its signatures."""
        self._moved(warehouse=command.warehouse, document=command.document, reason=command.reason,
                    not_counted=command.late == "not_counted", occurred_at=command.occurred_at,
                    **signed)
        return self.newest

    def correct(
        self, corrects: Correction, reason: str, *, not_counted: bool, occurred_at: datetime,
        **signed: Any,
    ) -> Any:
        """An event that takes another one back, and posts nothing yet."""
        self._corrected(corrects=corrects, warehouse=self.warehouse, reason=reason,
                        not_counted=not_counted, occurred_at=occurred_at, **signed)
        return self.newest

    # -- the second person ------------------------------------------------------------------------

    def request(self, command: "MoveStock", moves: Sequence[StockMove], by: str) -> None:
        """Moves that wait for a second person."""
        self._requested(
            warehouse=command.warehouse, moves=list(moves), requested_by=by,
            document=command.document, reason=command.reason,
            not_counted=command.late == "not_counted", occurred_at=command.occurred_at)

    def request_correction(
        self, wrong: Correction, moves: Sequence[StockMove], reason: str, by: str, *,
        occurred_at: datetime,
    ) -> None:
        """A correction that waits for a second person. Errors: WaitsAlready (R-SIG-06)."""
        if self.asked is not None:
            raise WaitsAlready(movement=self.id)
        self._correction_requested(warehouse=self.warehouse, wrong=wrong, moves=list(moves),
                                   reason=reason, requested_by=by, occurred_at=occurred_at)

    def waiting(self, at: datetime) -> Asked:
        """What waits, to be decided at a time. Errors: NotWaiting (R-SIG-03), DecidedBeforeRequest
        (R-SIG-04)."""
        if self.asked is None:
            raise NotWaiting(movement=self.id, state=self.decided)
        if at < self.asked.at:
            raise DecidedBeforeRequest(movement=self.id, asked_at=rfc3339(self.asked.at),
                                     at=rfc3339(at))
        return self.asked

    def refuse(self, reason: str, by: str, *, occurred_at: datetime) -> None:
        """What was asked for is not done. Errors: R-SIG-03, R-SIG-04."""
        self.waiting(occurred_at)
        self._request_refused(reason=reason, refused_by=by, occurred_at=occurred_at)


def movement_of(warehouse: str, number: str) -> str:
    """The stream of a movement."""
    return subject("movement", warehouse, number)


# -- commands -------------------------------------------------------------------------------------


Moves = Annotated[list[StockMove], Items(least=1, most=MAX_MOVES)]


def check_moves(moves: list[StockMove], reason: str | None, checks: Checks) -> None:
    """Note what is wrong with moves, and a reason that they need and do not have."""
    for index, move in enumerate(moves):
        move.check(checks, f"/moves/{index}")
    reasoned = sorted({move.cause for move in moves if move.cause in REASONED})
    if reasoned and reason is None:
        checks.fault("/reason", "missing", f"is needed for {', '.join(reasoned)}")


class MoveStock(Command, frozen=True, kw_only=True):
    """Move stock of a warehouse: all of it or nothing. Without a number it gets one.

    What happened before a count that is recorded already was seen by it, and changes no present
    level; `late` says otherwise: `not_counted`.
    """

    NAME: ClassVar[str] = "stock.move"
    BETWEEN: ClassVar[Said] = fork(
        {"properties": {"moves": {"contains": among("cause", *REASONED)}}},
        given("reason", type="string"))
    warehouse: Id
    moves: Moves
    occurred_at: At
    number: IdOrNone = ""
    document: Document | None = None
    reason: Reason | None = None
    late: Late = ""

    def check(self, checks: Checks) -> None:
        check_moves(self.moves, self.reason, checks)

    @property
    def subject(self) -> str:
        """The movement's stream; the warehouse's, where it has no number yet."""
        return movement_of(self.warehouse, self.number) if self.number else warehouse_of(
            self.warehouse)

    def streams(self) -> Wanted:
        known: Wanted = [(Movement, self.subject)] if self.number else []
        return [*known, *streams_of(self.warehouse, (move.sku for move in self.moves))]


def streams_of(warehouse: str, skus: Iterable[str]) -> Wanted:
    """A warehouse, SKUs, and the accounts of these there."""
    wanted: Wanted = [(Warehouse, warehouse_of(warehouse))]
    for sku in dict.fromkeys(skus):
        wanted += [(Sku, sku_of(sku)), (StockAccount, stock_of(warehouse, sku))]
    return wanted


class _OnMovement(OnStream, frozen=True, kw_only=True):
    """A command on a movement that waits for a second person."""

    AGGREGATE = Movement
    movement: Stream

    @property
    def subject(self) -> str:
        """The movement's stream."""
        return self.movement


class ApproveMovement(_OnMovement, frozen=True, kw_only=True):
    """Approve, as another person, what somebody asked for: a write-off, an adjustment, what was
    found, or the correction of such a movement. It is posted at the time that was
    given of it."""

    NAME: ClassVar[str] = "stock.approve_movement"


class RefuseMovement(_OnMovement, frozen=True, kw_only=True):
    """Let what somebody asked for not be done. Who asked for it may take it back so."""

    NAME: ClassVar[str] = "stock.refuse_movement"
    reason: Reason
