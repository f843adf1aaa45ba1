"""The papers of an order's money: under which reference each payment and refund came, when, and for
whom, so that one is known again, and taken back where it was recorded wrongly."""

from datetime import datetime
from typing import NamedTuple

from ledger.common.values import rfc3339
from ledger.orders.errors import PaymentAlike, RefundAlike
from ledger.orders.standing import OrderStanding
from ledger.orders.values import LineRefund

PAID_BY = {"paid": "payment", "refunded": "refund"}
"""What a fact that can be corrected is the sum of."""


class Recorded(NamedTuple):
    """When a payment or refund with a reference occurred, and which event of the order records it;
    the case that it is for, if any, and how much of it is for which line."""

    at: datetime
    version: int
    case: str | None = None
    lines: tuple[LineRefund, ...] = ()


class OrderPapers(OrderStanding):
    """The part of an order that knows its payments and refunds one by one. `references` are the
    amounts by kind and reference of those, `recorded` what else is known of each, and
    `freed_references` the claims to such that were not its own; `refunded_of` is what each case got
    back of each line, and under "" of the postage; `alike` is by `kind:amount` when such a payment
    or refund was, and whether all had a reference. `sums_before` are the sums by fact that somebody
    has corrected."""

    def begin(self) -> None:
        """Nothing came in."""
        super().begin()
        self.references: dict[str, int] = {}
        self.recorded: dict[str, Recorded] = {}
        self.freed_references: tuple[str, ...] = ()
        self.refunded_of: dict[str, dict[str, int]] = {}
        self.alike: dict[str, tuple[datetime, bool]] = {}
        self.sums_before: dict[str, tuple[int, ...]] = {}

    def case_of(self, reference: str) -> str | None:
        """The case that the refund under a reference is for, if any."""
        known = self.recorded.get(f"refund:{reference}")
        return None if known is None else known.case

    def without(self, fact: str, known_minor: int, amount_minor: int) -> int:
        """What is left of a sum without one that has a reference. Where a correction without the
        reference has taken it out before, that is all of the sum. Units: minor units."""
        kind = f"{PAID_BY[fact]}:"
        referred = sum(of for name, of in self.references.items() if name.startswith(kind))
        left = known_minor - amount_minor
        return known_minor if left < 0 or referred - known_minor >= amount_minor else left

    def _refer(
        self, kind: str, reference: str | None, amount_minor: int, recorded: Recorded
    ) -> None:
        if reference is not None:
            name = f"{kind}:{reference}"
            self.references = {**self.references, name: amount_minor}
            self.recorded = {**self.recorded, name: recorded}

    def _free(self, fact: str, reference: str | None, freed: str) -> None:
        """Forget a payment or refund that was not this order's, by its reference."""
        gone = f"{PAID_BY[fact]}:{reference}"
        self.freed_references = (*self.freed_references, freed)
        if gone in self.recorded:
            self._refund_lines(self.recorded[gone], -1)
        self.references = {name: amount for name, amount in self.references.items() if name != gone}
        self.recorded = {name: known for name, known in self.recorded.items() if name != gone}

    def _refund_lines(self, refund: Recorded, sign: int) -> None:
        """Of its lines a case got back so much more, or less where its refund is taken back."""
        refunded = {line: {**cases} for line, cases in self.refunded_of.items()}
        for one in refund.lines:
            of_line = refunded.setdefault(one.line, {})
            case = refund.case or ""
            of_line[case] = max(0, of_line.get(case, 0) + sign * one.amount_minor)
        self.refunded_of = refunded

    def _note_alike(
        self, kind: str, amount_minor: int, occurred_at: datetime, document: str | None
    ) -> None:
        name = f"{kind}:{amount_minor}"
        _, documented = self.alike.get(name, (None, True))
        self.alike = {**self.alike, name: (occurred_at, documented and document is not None)}

    def _forget_alike(self, fact: str, amount_minor: int | None) -> None:
        """One that was not this order's; None: nobody knows which of all of them were there."""
        gone = f"{PAID_BY[fact]}:{'' if amount_minor is None else amount_minor}"
        self.alike = {name: when for name, when in self.alike.items()
                      if not (name.startswith(gone) if amount_minor is None else name == gone)}

    def _must_be_another(
        self, error: type[PaymentAlike | RefundAlike], kind: str, amount_minor: int,
        reference: str | None,
    ) -> None:
        """None of the same amount is on record, or all have a reference, and it has one."""
        if (name := f"{kind}:{amount_minor}") in self.alike:
            known_at, documented = self.alike[name]
            if reference is None or not documented:
                raise error(order=self.id, amount_minor=amount_minor, known_at=rfc3339(known_at),
                            currency=self.currency)
