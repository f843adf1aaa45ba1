"""Transfers: pieces that leave one warehouse, are under way, and arrive in another.

Sending is a decision and arriving a fact, but no more arrives than was sent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from ledger.common.between import Said, among, fork, given
from ledger.common.bounds import At, Id, Items, NameOrNone, Quantity, Reason, Words
from ledger.common.errors import Conflict, Refused
from ledger.common.values import EPOCH, Checks, subject
from ledger.core.aggregate import Aggregate, OutOfOrder, event
from ledger.core.commands import OnStream, Wanted, Work
from ledger.core.postings import Correction
from ledger.stock.account import StockAccount
from ledger.stock.pieces import Late, sku_of
from ledger.stock.places import (
    AVAILABLE,
    DAMAGED,
    QUARANTINE,
    RECEIVING,
    WRITTEN_OFF,
    stock_of,
)
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of

MAX_LINES = 1_000
"""Lines of a transfer, at most: each posts twice where it arrives."""

ARRIVALS = (AVAILABLE, RECEIVING, QUARANTINE, DAMAGED, WRITTEN_OFF)
"""Where sent pieces end up; those that never arrive are written off."""


class TransferAlreadySent(Conflict):
    """{transfer} is in the ledger already. Give this one a number of its own."""

    code = "transfer_already_sent"
    rule = "R-TRF-01"


class TransferUnknown(Refused):
    """{transfer} was never sent."""

    code = "transfer_unknown"
    rule = "R-TRF-02"


class MoreReceivedThanSent(Refused):
    """{transfer}: {received} pieces of {sku} are reported, but only {underway} are still under way.
    Record what came beyond them as found."""

    code = "more_received_than_sent"
    rule = "R-TRF-03"


class Sending(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
              forbid_unknown_fields=True):
    """So many pieces of a SKU, out of a bin (empty: not known). Units: pieces, above 0."""

    sku: Id
    quantity: Quantity
    bin: NameOrNone = ""


class Arrival(Sending, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """So many pieces of a SKU that ended up in a place of `ARRIVALS`, in a bin."""

    place: Annotated[str, Words(*ARRIVALS)] = AVAILABLE


class Transfer(Aggregate):
    """Pieces on their way between two warehouses; its stream is `transfer:<number>`."""

    KIND = "transfer"

    def begin(self) -> None:
        """Nothing was sent."""
        self.source = self.target = ""
        self.sent_at = EPOCH
        self.pieces: dict[str, int] = {}
        self.underway: dict[str, int] = {}

    class Sent(Aggregate.Event):
        """Pieces left the warehouse `source` for the warehouse `target`."""

        TOPIC = "transfer.sent.v1"
        source: str
        target: str
        lines: list[Sending]
        not_counted: bool = False

        def about(self) -> list[str]:
            """The SKUs."""
            return _skus(self.lines)

    class Received(Aggregate.Event):
        """Pieces arrived, or it is known that they never will."""

        TOPIC = "transfer.received.v1"
        lines: list[Arrival]
        reason: str | None = None
        not_counted: bool = False

        def about(self) -> list[str]:
            """The SKUs."""
            return _skus(self.lines)

    class Corrected(Aggregate.Event):
        """An earlier event is taken back: `underway` are the pieces by SKU that are under way then.
        """

        TOPIC = "transfer.corrected.v1"
        reason: str
        underway: dict[str, int]
        not_counted: bool = False

    @event(Corrected)
    def _corrected(self, underway):
        self.underway = underway

    @event(Sent)
    def _sent(self, source, target, lines, occurred_at):
        self.source, self.target, self.sent_at = source, target, occurred_at
        self.underway = self.pieces = _pieces(lines)

    @event(Received)
    def _received(self, lines):
        came = _pieces(lines)
        self.underway = {sku: left for sku, sent in self.underway.items()
                         if (left := sent - came.get(sku, 0))}

    def send(
        self, source: str, target: str, lines: list[Sending], *, not_counted: bool = False,
        occurred_at: datetime,
    ) -> None:
        """Errors: TransferAlreadySent (R-TRF-01)."""
        if self.version:
            raise TransferAlreadySent(transfer=self.id)
        self._sent(source=source, target=target, lines=lines, not_counted=not_counted,
                   occurred_at=occurred_at)

    def was_sent(self, source: str, target: str, lines: list[Sending]) -> bool:
        """Whether it was sent; if so, it has to be the same. Errors: R-TRF-01."""
        if self.version and (self.source, self.target, sum(self.pieces.values())) != (
                source, target, sum(_pieces(lines).values())):
            raise TransferAlreadySent(transfer=self.id)
        return bool(self.version)

    def receive(
        self, lines: list[Arrival], reason: str | None, *, not_counted: bool = False,
        occurred_at: datetime,
    ) -> None:
        """Errors: OutOfOrder (R-GEN-03), MoreReceivedThanSent (R-TRF-03)."""
        if occurred_at < self.sent_at:
            raise OutOfOrder(stream=self.id, occurred_at=occurred_at.isoformat(),
                             before=self.sent_at.isoformat())
        for sku, received in _pieces(lines).items():
            if received > (underway := self.underway.get(sku, 0)):
                raise MoreReceivedThanSent(transfer=self.id, sku=sku, received=received,
                                           underway=underway)
        self._received(lines=lines, reason=reason, not_counted=not_counted, occurred_at=occurred_at)


    def undone(self, before: "Transfer", after: "Transfer") -> dict[str, int]:
        """What would be under way had an event not happened that led from one state to another;
        below zero where it cannot be taken back."""
        skus = {*self.underway, *before.underway, *after.underway}
        found = {sku: self.underway.get(sku, 0) + before.underway.get(sku, 0)
                 - after.underway.get(sku, 0) for sku in sorted(skus)}
        return {sku: pieces for sku, pieces in found.items() if pieces}

    def correct(
        self, corrects: Correction, reason: str, underway: dict[str, int], *,
        not_counted: bool, occurred_at: datetime,
    ) -> Any:
        """An event that takes another one back, and posts nothing yet."""
        self._corrected(corrects=corrects, reason=reason, underway=underway,
                        not_counted=not_counted, occurred_at=occurred_at)
        return self.newest


def _pieces(lines: Iterable[Sending]) -> dict[str, int]:
    """Pieces by SKU."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.sku] = found.get(line.sku, 0) + line.quantity
    return found


def _skus(lines: Iterable[Sending]) -> list[str]:
    return [sku_of(sku) for sku in dict.fromkeys(line.sku for line in lines)]


# -- commands -------------------------------------------------------------------------------------


class _OnTransfer(OnStream, frozen=True, kw_only=True):
    """A command on a transfer. `late` says `not_counted` of pieces that a count has not seen which
    came after they moved and is recorded before."""

    AGGREGATE = Transfer
    number: Id
    lines: Sequence[Sending]
    late: Late = ""

    @property
    def subject(self) -> str:
        """The transfer's stream."""
        return subject("transfer", self.number)

    def streams(self) -> Wanted:
        return [*super().streams(), *((Sku, sku_of(line.sku)) for line in self.lines)]


class SendTransfer(_OnTransfer, frozen=True, kw_only=True):
    """Send available pieces from one warehouse to another."""

    NAME: ClassVar[str] = "transfer.send"
    lines: Annotated[list[Sending], Items(least=1, most=MAX_LINES)]
    source: Id = msgspec.field(name="from")
    target: Id = msgspec.field(name="to")

    def check(self, checks: Checks) -> None:
        if warehouse_of(self.source) == warehouse_of(self.target):
            checks.fault("/to", "same_place", "is where the pieces lie")

    def streams(self) -> Wanted:
        return [*super().streams(), (Warehouse, warehouse_of(self.source)),
                (Warehouse, warehouse_of(self.target)),
                *((StockAccount, stock_of(self.source, line.sku)) for line in self.lines)]


class DeclareTransfer(SendTransfer, frozen=True, kw_only=True):
    """Declare what a file says of a transfer: that it was sent, and when all of it had arrived."""

    NAME: ClassVar[str] = "transfer.declare"
    REFUSALS_KEPT: ClassVar[bool] = False
    arrived: At | None = None


class ReceiveTransfer(_OnTransfer, frozen=True, kw_only=True):
    """Record what arrived of a transfer, or is known not to arrive (`written_off`)."""

    NAME: ClassVar[str] = "transfer.receive"
    BETWEEN: ClassVar[Said] = fork(
        {"properties": {"lines": {"contains": among("place", WRITTEN_OFF)}}},
        given("reason", type="string"))
    lines: Annotated[list[Arrival], Items(least=1, most=MAX_LINES)]
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        if self.reason is None and any(line.place == WRITTEN_OFF for line in self.lines):
            checks.fault("/reason", "missing", f"is needed for {WRITTEN_OFF}")

    def must_be_current(self, work: Work) -> None:
        self.load(work)
        super().must_be_current(work)

    def load(self, work: Work) -> Transfer:
        """The transfer. Errors: TransferUnknown (R-TRF-02)."""
        found: Transfer = work.load(Transfer, self.subject)
        if not found.version:
            raise TransferUnknown(transfer=found.id)
        return found
