"""The review of an order: approved, held, submitted to a warehouse; its exceptions."""

from datetime import datetime
from typing import Annotated

from ledger.common.bounds import Words
from ledger.common.personal import Personal, Plain
from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import ExceptionUnknown, OrderNotReady
from ledger.orders.standing import OrderStanding
from ledger.orders.values import Line
from ledger.stock.pieces import LineParts, parts_by_line, sku_of

EXCEPTIONS = (
    "out_of_stock", "address_invalid", "sku_unmapped", "refund_requested", "price_below_floor",
    "waybill_failed", "part_paid", "buyer_remark", "platform_already_shipped",
    "duplicate_suspected", "check_failed", "unsendable", "courier_delayed", "courier_lost",
    "courier_damaged", "parcel_refused", "completed_unsent", "lines_differ",
    "overpaid", "refund_due", "amounts_differ", "finance_review")
"""The kinds of exceptions."""

PARCEL_REFUSED = "parcel_refused"
"""That a parcel is on its way back to the sender; it closes once nothing is."""

COURIER_LOST = "courier_lost"
"""That the courier lost what was sent; it closes once that is found."""

LINES_DIFFER = "lines_differ"
"""That a file gives other lines than are recorded; it opens and closes by files alone."""


SIGNED_BY = {"price_below_floor": "order.sell_below_floor",
             "finance_review": "order.review_finance"}
"""The commands by which somebody settles exceptions that are closed by nothing else."""


class OrderReview(OrderStanding):
    """The part of an order that knows whether it may be worked on, and what is wrong with it.
    `approvers` are those who ever approved it."""

    def begin(self) -> None:
        """Nobody has looked at it."""
        super().begin()
        self.approved = False
        self.approvers: tuple[str, ...] = ()
        self.exceptions: dict[str, str] = {}
        self.last_declared: tuple[Line, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Approved(Aggregate.Event):
        """Customer service confirmed the order with the buyer; `approved_by` signed it."""

        TOPIC = "order.approved.v1"
        note: Personal | None = None
        approved_by: str | None = None

    class LinesDeclared(Aggregate.Event):
        """A file gave the lines of an order that was recorded without them. `parts`, where they are
        sent already: see `LineParts`."""

        TOPIC = "order.lines_declared.v1"
        lines: list[Line]
        parts: list[LineParts] = []
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs of its lines."""
            return [sku_of(line.sku) for line in self.lines if line.sku]

    class Held(Aggregate.Event):
        """Nobody may work on the order for now."""

        TOPIC = "order.held.v1"
        reason: Personal | None = None

    class HoldLifted(Aggregate.Event):
        """The order may be worked on again."""

        TOPIC = "order.hold_lifted.v1"
        note: Personal | None = None

    class Submitted(Aggregate.Event):
        """The order went to a warehouse."""

        TOPIC = "order.submitted.v1"
        warehouse: str

    class ExceptionOpened(Aggregate.Event):
        """Something keeps the order from being sent, or went wrong on its way.

        It has a note where somebody wrote one, and none where it follows from another event.
        `declared` are the lines of a file, where they are what differs.
        """

        TOPIC = "order.exception_opened.v1"
        exception: str
        kind: Annotated[str, Words(*EXCEPTIONS)]
        note: Personal | None = None
        owner: str | None = None
        declared: list[Line] = []

        def waits_for(self) -> str:
            """Its kind, and the command that settles it where none other does."""
            return ": ".join(filter(None, (self.kind, SIGNED_BY.get(self.kind))))

    class ExceptionNoted(Aggregate.Event):
        """What was done about an exception; it may have a new owner."""

        TOPIC = "order.exception_noted.v1"
        exception: str
        note: Personal | None = None
        owner: str | None = None

    class ExceptionClosed(Aggregate.Event):
        """An exception is settled."""

        TOPIC = "order.exception_closed.v1"
        exception: str
        note: Personal | None = None

    class BuyerErased(Aggregate.Event):
        """The buyer of whom nothing stands in the order was erased, so nothing is taken any more.
        """

        TOPIC = "order.buyer_erased.v1"
        person: str

        def about(self) -> list[str]:
            """The person that the buyer was."""
            return [self.person]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Approved)
    def _approved(self, approved_by):
        self.approved, self.changed = True, False
        if approved_by is not None and approved_by not in self.approvers:
            self.approvers = (*self.approvers, approved_by)

    @event(LinesDeclared)
    def _lines_declared(self, lines, parts):
        self._know_lines(lines)
        self.parts = {**self.parts, **parts_by_line(parts)}

    @event(Held)
    def _held(self, reason):
        self.held_for = reason, self._version + 1

    @event(HoldLifted)
    def _hold_lifted(self):
        self.held_for = None

    @event(Submitted)
    def _submitted(self, warehouse):
        self.submitted = True
        self.warehouse = warehouse

    @event(ExceptionOpened)
    def _exception_opened(self, exception, kind, declared):
        self.exceptions = {**self.exceptions, exception: kind}
        self.last_declared = tuple(declared) or self.last_declared

    @event(ExceptionNoted)
    def _exception_noted(self):
        pass

    @event(ExceptionClosed)
    def _exception_closed(self, exception, note):
        if note is None and self.exceptions.get(exception) == LINES_DIFFER:
            self.last_declared = ()  # by a file that agrees again, and not by somebody
        self.exceptions = {name: kind for name, kind in self.exceptions.items()
                           if name != exception}

    @event(BuyerErased)
    def _buyer_erased(self, person):
        self.sealed_for = self.sealed_for or person

    # -- rules ------------------------------------------------------------------------------------

    def approve(self, note: Plain | None, by: str, *, occurred_at: datetime) -> None:
        """Once, and again after something was changed. Errors: R-ORD-03, R-ORD-06, R-ORD-20."""
        self.must_be_open()
        if not self.approved or self.changed:
            self._approved(note=note, approved_by=by, occurred_at=occurred_at)

    def erase_buyer(self, person: str, *, occurred_at: datetime) -> None:
        """The buyer is erased, so nobody new is made for the order. Errors: R-ORD-03."""
        self.must_be_known()
        self._buyer_erased(person=person, occurred_at=occurred_at)

    def hold(self, reason: Plain, *, occurred_at: datetime) -> None:
        """Held once: for the same reason again changes nothing. Errors: R-ORD-03, R-ORD-06,
        R-ORD-20."""
        if not self._is_held_for(reason.value):
            self.must_be_open()
            self._held(reason=reason, occurred_at=occurred_at)

    def _is_held_for(self, reason: str) -> bool:
        sealed, version = self.held_for or (None, 0)
        if sealed is None or self._sealer is None:
            return False
        return self._sealer.reveal(sealed, self.id, version, "/reason") == reason

    def lift_hold(self, note: Plain | None, *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03."""
        self.must_be_known()
        if self.held_for is not None:
            self._hold_lifted(note=note, occurred_at=occurred_at)

    def submit(self, warehouse: str, *, occurred_at: datetime) -> None:
        """Errors: R-ORD-03, R-ORD-06, R-ORD-20, R-ORD-21, R-ORD-32, R-ORD-45.
        """
        self.must_be_open()
        if not self.approved:
            raise OrderNotReady(order=self.id, step=Phrase("reviewed and approved"),
                                command="order.approve")
        self.must_not_be_elsewhere(warehouse)
        if not (self.submitted and self.warehouse == warehouse):
            self._submitted(warehouse=warehouse, occurred_at=occurred_at)

    def open_exception(
        self, exception: str, kind: str, note: Plain | None = None, owner: str | None = None, *,
        occurred_at: datetime,
    ) -> None:
        """Errors: R-ORD-03. A name that is open already changes nothing."""
        self.must_be_known()
        if exception not in self.exceptions:
            self._exception_opened(exception=exception, kind=kind, note=note, owner=owner,
                                   occurred_at=occurred_at)

    def note_exception(
        self, exception: str, note: Plain, owner: str | None, *, occurred_at: datetime
    ) -> None:
        """Errors: ExceptionUnknown (R-ORD-24)."""
        if exception not in self.exceptions:
            raise ExceptionUnknown(order=self.id, exception=exception)
        self._exception_noted(exception=exception, note=note, owner=owner,
                              occurred_at=occurred_at)

    def close_exception(
        self, exception: str, note: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Errors: ExceptionUnknown (R-ORD-24)."""
        if exception not in self.exceptions:
            raise ExceptionUnknown(order=self.id, exception=exception)
        self._exception_closed(exception=exception, note=note, occurred_at=occurred_at)
