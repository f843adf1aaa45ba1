"""A file's declaration compared with the order as known: what differs is recorded."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from ledger.common.moments import Moment
from ledger.common.personal import Person, Plain
from ledger.common.phrases import Phrase
from ledger.core.commands import Work
from ledger.orders.changing import LOOSE
from ledger.orders.comparing import are_the_same, says_again, with_attributes
from ledger.orders.declared import BuyerLost, NumberReused, RecordOrder
from ledger.orders.errors import ReferenceUsed
from ledger.orders.order import DECLARED, Order
from ledger.orders.placing import buyer_of, must_be_in
from ledger.orders.references import Paper, claim_to
from ledger.orders.review import COURIER_LOST, LINES_DIFFER, PARCEL_REFUSED
from ledger.orders.values import AMOUNT_FIELDS, OPEN, Amounts, Line
from ledger.stock.pieces import Count, LineParts, Part, quantities, sku_of
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import must_be_open


class Declaration:
    """What a file declares about an order, compared with what is known of it.

    `at` is when the file was made: the time of changes that have no time of their own."""

    def __init__(self, order: Order, command: RecordOrder, at: Moment, work: Work) -> None:
        self.order = order
        self.work = work
        self.command = command
        self.at = at

    @property
    def undated(self) -> Moment:
        """When the file was made, said to be inferred."""
        return msgspec.structs.replace(self.at, inferred=True)

    def must_be_the_same(self) -> None:
        """The number has not come again for another order. Errors: NumberReused (R-ORD-02),
        BuyerLost (R-KEY-08), OtherCurrency (R-ORD-35)."""
        order, placed_at = self.order, self.order.placed_at
        assert placed_at is not None
        if abs(self.command.placed.at - placed_at) > timedelta(days=self.command.reuse_gap_days):
            raise NumberReused(order=order.id, why=Phrase(
                "placed at {placed_at}", placed_at=placed_at.isoformat()))
        if self.command.account is not None:
            self._must_be_of(self.command.account)
        must_be_in(order, self.command.currency)

    def _must_be_of(self, account: str) -> None:
        """The account is the one known. Where its key was given up, or the buyer erased, that
        cannot be asked any more; where it is lost, the order waits for it."""
        order = self.order
        if (sealed := order.buyer.get("account")) is None:
            return
        known, person = order.revealed("account"), sealed[0].p
        if known is None and not self.work.is_erased(person) and not self.work.is_given_up(
                order, person):
            raise BuyerLost(order=order.id)
        if known not in (None, account):
            raise NumberReused(order=order.id, why=Phrase("of another buyer"))

    def is_older(self) -> bool:
        """Whether a file without a time of its own shows an earlier state than the one known. Such
        a file changes nothing; it can only add what is still missing."""
        return self.command.stated is None and self.command.is_older_than(self.order)

    def _is_old_news(self, fact: str) -> bool:
        """Whether a file that was made no earlier has said something of a fact. Rule: R-IMP-24."""
        stated, known = self.command.stated, self.order.stated.get(fact)
        return stated is not None and known is not None and stated.at <= known

    def said(self) -> None:
        """Note what the file speaks of, as of when it was made, where no newer one did."""
        stated = self.command.stated
        if stated is None:
            return
        facts = [fact for fact in self.command.speaks_of() if not self._is_old_news(fact)]
        if facts:
            self.order.declare(Order.Stated, self._by_now(), stated_at=stated.at, facts=facts)

    def record_missing(self) -> None:
        """Record what has happened and was not known."""
        self.cancelled()
        self.paid()
        self.dispatched()
        self.sent()
        self.delivered()
        self.never_arrived()
        self.refunded()
        self.ended()

    def cancelled(self) -> None:
        """Pieces that are given up, as far as that is news and they are not in hand yet. Of what is
        in hand, or under way, only whoever has it can say so."""
        order = self.order
        if order.ended or not self.command.cancelled:
            return
        gone = []
        for count in self.command.cancelled:
            states = order.goods.get(count.line, {})
            pieces = min(count.quantity - states.get("cancelled", 0),
                         sum(states.get(state, 0) for state in LOOSE))
            if pieces > 0:
                gone.append(Count(count.line, pieces))
        if gone:
            order.declare(Order.PiecesCancelled, self._by_now(), lines=gone)

    def _buyer(self) -> Person:
        """Whom what the file says is sealed for: the one that the order belongs to. An account that
        is named for the first time, or again after keys were given up, says who that is."""
        order, command = self.order, self.command
        if command.account is None or order.revealed("account") is not None \
                or self.work.is_erased(order.whose()):
            return buyer_of(order, self.work)
        return self.work.person(command.buyer, order)

    def details(self) -> None:
        """Details that differ from those known: the province, which is in the open, and personal
        ones, unless the buyer was erased. What somebody has corrected stays where the file says
        what was said before. Rule: R-ORD-52."""
        order, command = self.order, self.command
        new: dict[str, Any] = {
            name: value for name, value in command.personal().items()
            if value not in (order.revealed(name), order.revealed_before(name))
            and not (self._is_old_news(name) and name in order.buyer)}
        if new:
            buyer = self._buyer()
            new = {} if buyer.is_erased else {
                name: Plain(buyer, value) for name, value in new.items()}
        if command.province not in (None, order.province, order.province_before) and not (
                self._is_old_news("province") and order.province is not None):
            new["province"] = command.province
        if new:
            order.declare(Order.DetailsChanged, self.at, **new, reason=DECLARED)

    def lines(self) -> None:
        """Other lines than those known: corrected while no goods have moved, else an exception of
        the order. It is for a person to say which are right, and no fact beside them waits for
        that. Rules: R-ORD-50, R-ORD-51, R-ORD-52."""
        order, new = self.order, self.command.lines
        old = list((order.lines or {}).values())
        if new is None or self._is_old_news("lines"):
            return
        if are_the_same(old, new):
            self._agree()
            if order.goods.has(*OPEN) and not order.ended:
                self._correct_lines(old, with_attributes(old, new))
        elif any(known and are_the_same(known, new)
                 for known in (order.lines_before, self._wanted(old))):
            self._agree()
        elif order.has_moved():
            self._differ(new)
        else:
            self._correct_lines(old, new)
            self._agree()

    def _wanted(self, known: list[Line]) -> list[Line]:
        """The known lines without the pieces that were cancelled: a file may leave these out."""
        order = self.order
        if order.ended:
            return known
        left = [(line, line.quantity - order.goods.get(line.line, {}).get("cancelled", 0))
                for line in known]
        return [msgspec.structs.replace(line, quantity=pieces) for line, pieces in left if pieces]

    def _correct_lines(self, old: list[Line], new: list[Line]) -> None:
        if new != old:
            self._correct("lines", {"lines": msgspec.to_builtins(old)},
                          {"lines": msgspec.to_builtins(new)})

    def _differ(self, new: list[Line]) -> None:
        """Open the exception, once for the same lines of a file."""
        order = self.order
        if order.last_declared and are_the_same(order.last_declared, new):
            return
        self._agree()  # with what it said before: this is another difference
        order.declare(Order.ExceptionOpened, self._by_now(), exception=LINES_DIFFER,
                      kind=LINES_DIFFER, declared=new)

    def _agree(self) -> None:
        """Close the exception, if the ledger opened it."""
        order = self.order
        if order.exceptions.get(LINES_DIFFER) == LINES_DIFFER and order.last_declared:
            order.declare(Order.ExceptionClosed, self._by_now(), exception=LINES_DIFFER)

    def _by_now(self) -> Moment:
        """When both the file and what it is compared with were there."""
        return Moment(max(self.at.at, self.order.latest_at), inferred=True)

    def _correct(self, fact: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        order = self.order
        order.declare(Order.Corrected, self.undated, kind="incorrect_data", fact=fact, old=old,
                      new=new, corrected_version=order.last_version[fact])

    def amounts(self) -> None:
        """Other amounts: a price change before payment, else a correction. What changed lines cost
        stays where the file says what they cost before. Rule: R-ORD-52."""
        order, new = self.order, self.command.amounts
        merged = Amounts(**{
            name: known if (value := getattr(new, name)) is None or (
                known is not None and self._is_old_news(name)) else value
            for name in AMOUNT_FIELDS for known in [getattr(order.amounts, name)]})
        if merged == order.amounts or says_again(order.amounts_before, new):
            return
        if order.paid_at is None and not order.ended:
            order.declare(Order.PriceChanged, self.undated, old=order.amounts, new=merged)
        else:
            self._correct("amounts", msgspec.to_builtins(order.amounts),
                          msgspec.to_builtins(merged))

    def paid(self) -> None:
        """The sum paid in all, as far as it is more than the one known, and not one that somebody
        has corrected since."""
        order, moment, total = self.order, self.command.paid, self.command.paid_minor
        if moment is None or total is None or total in order.sums_before.get("paid", ()):
            return
        if order.paid_at is None or total > order.paid_minor:
            paper = Paper("payment", self.command.paid_reference, total - order.paid_minor)
            order.declare(Order.Paid, moment, amount_minor=paper.amount_minor,
                          payments=self.command.payments, **self._referred(paper))

    def refunded(self) -> None:
        """The sum refunded in all, in the same way."""
        order, total = self.order, self.command.refunded_minor or 0
        moment = self.command.refunded or self.at
        if total > order.refunded_minor and total not in order.sums_before.get("refunded", ()):
            paper = Paper("refund", self.command.refund_reference, total - order.refunded_minor)
            order.declare(Order.RefundRecorded, moment, amount_minor=paper.amount_minor,
                          **self._referred(paper))

    def _referred(self, paper: Paper) -> dict[str, str]:
        """The reference of what a file says came in or went out, and the claim to it. One that is
        on record already stays where it is, such as that of a payment for several orders at once:
        what the file says happened all the same. Rule: R-ORD-82."""
        if paper.reference is None or not paper.amount_minor:
            return {}
        with suppress(ReferenceUsed):
            if (claim := claim_to(self.work, self.order, paper)) is not None:
                return {"reference": paper.reference, "once": claim}
        return {}

    def _plain(self, text: str | None) -> Plain | None:
        """What a file says in words, for its buyer."""
        return None if text is None else Plain(self._buyer(), text)

    def remark(self) -> None:
        """The shop's remark, unless it is the last one known, or its buyer was erased."""
        new = self.command.remark
        if new is not None and self.order.revealed("remark") != new \
                and not self._is_old_news("remark") and not (buyer := self._buyer()).is_erased:
            self.order.declare(Order.Remarked, self.at, remark=Plain(buyer, new))

    def dispatched(self) -> None:
        """That the order went out, once; from which warehouse, and what its pieces are made of,
        where that was not known. Errors: WarehouseUnknown (R-STK-04)."""
        order, command = self.order, self.command
        if command.dispatched is None or order.dispatched_at is not None:
            return
        # What an end gave up was sent all the same, if the order was.
        given_up = [Count(line, pieces) for line, pieces in order.given_up.items()]
        order.declare(Order.Dispatched, command.dispatched, courier=command.courier, lines=given_up,
                      waybill=command.waybill, **self._from((order.lines or {}).values()))

    def sent(self) -> None:
        """What went out line by line, as far as it is not known to be on its way or beyond. Errors:
        WarehouseUnknown (R-STK-04)."""
        order = self.order
        for one in sorted(self.command.sent, key=lambda one: one.at.at):
            new = [Count(line, pieces) for line, wanted in quantities(one.lines).items()
                   if (pieces := min(wanted, self._unsent(line))) > 0]
            if new:
                lines = [(order.lines or {})[count.line] for count in new]
                order.declare(Order.Dispatched, one.at, part=True, lines=new, courier=one.courier,
                              waybill=one.waybill, **self._from(lines))

    def _unsent(self, line: str) -> int:
        """How many pieces of a line are still to be sent, or were given up by the order's end, of
        those that the file says were sent in all."""
        order, states = self.order, self.order.goods.get(line, {})
        still = sum(states.get(state, 0) for state in OPEN) + order.given_up.get(line, 0)
        said = sum(count.quantity for one in self.command.sent for count in one.lines
                   if count.line == line)
        on_their_way = sum(states.values()) - sum(states.get(state, 0) for state in (
            *OPEN, "cancelled"))
        return min(still, said - on_their_way)

    def _from(self, lines: Iterable[Line]) -> dict[str, Any]:
        """From where goods went out, where that was not known, and what their pieces are made of.
        Errors: WarehouseUnknown (R-STK-04)."""
        order = self.order
        warehouse = order.warehouse or self.command.warehouse
        if warehouse is not None and not order.warehouse:
            must_be_open(self.work, warehouse)
        parts = self._parts(lines) if warehouse is not None else []
        return {"parts": parts, "warehouse": warehouse if parts or not order.warehouse else None}

    def _parts(self, lines: Iterable[Line]) -> list[LineParts]:
        """What pieces are made of now that they are sent, where nobody reserved any of their line:
        what is sent says what it is made of."""
        order, left = self.order, {"unreserved", "cancelled"}
        goods = [line for line in lines if line.sku is not None and not line.fee
                 and order.goods.get(line.line, {}).keys() <= (
                     {"unreserved"} if line.line in order.parts else left)]
        self.work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
        return [LineParts(line.line, part.sku, part.each)
                for line in goods if line.sku
                if (parts := parts_of(self.work, line.sku)) != (Part(line.sku, 1),)
                or line.line in order.parts
                for part in parts]

    def first_lines(self, lines: list[Line]) -> None:
        """The lines of an order that was known without; if it is sent already, their pieces are."""
        sent = self.order.warehouse and self.order.dispatched_at is not None
        self.order.declare(Order.LinesDeclared, self.undated, lines=lines,
                           parts=self._parts(lines) if sent else [])

    def delivered(self) -> None:
        """That the order arrived, once; and so did what is in no parcel, which nobody else tells.
        """
        moment = self.command.delivered
        if moment is not None and (self.order.delivered_at is None or self.order.loose()):
            self.order.declare(Order.Delivered, moment)

    def never_arrived(self) -> None:
        """That what was sent was refused, or lost: what is in no parcel, of which nobody else says
        so. Somebody has to see to it."""
        order, command = self.order, self.command
        for moment, fact, kind in ((command.refused, Order.ParcelRefused, PARCEL_REFUSED),
                                   (command.lost, Order.ParcelLost, COURIER_LOST)):
            if moment is not None and order.loose():
                order.declare(fact, moment)
                order.open_exception(kind, kind, occurred_at=moment.at)

    def ended(self) -> None:
        """How the order ended; another end than the one known replaces it."""
        order, moment, state = self.order, self.command.ended, self.command.ended_as
        if moment is None or state == order.ended or self.is_older() or (
                order.ended and self._is_old_news("ended")):
            return
        if state == "completed":
            unsent = order.unsent() if order.warehouse else []
            order.declare(Order.Completed, moment, unsent=unsent)
            if unsent:
                order.open_exception("completed_unsent", "completed_unsent", occurred_at=moment.at)
        else:
            order.declare(Order.Closed if state == "closed" else Order.Cancelled, moment,
                          reason=self._plain(self.command.reason))
