"""What a case may get back at most: its pieces at what the buyer paid for them, after their share
of the discount, and the postage where the whole order comes back. Rule: R-RET-19."""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.orders.order import Order
from ledger.orders.values import LineRefund
from ledger.returns.case import Case

POSTAGE = ""
"""What stands for the postage where lines are named."""


class Room(NamedTuple):
    """What a case can still get back, in minor units: in all, and of each line and the postage;
    without lines, of the order as a whole."""

    in_all_minor: int
    of_lines: dict[str, int]

    def shared(self, amount_minor: int) -> list[LineRefund]:
        """A refund by line: the first lines first, the postage last."""
        found = []
        for line, most in self.of_lines.items():
            if taken := min(amount_minor, most):
                found.append(LineRefund(line, taken))
                amount_minor -= taken
        return found


def room_for(case: Case, order: Order) -> Room:
    """What a case can still get back of its order. Of a case without lines, and of an order whose
    lines nobody knows, it is what was paid and not refunded."""
    left = order.balance.left_minor
    if order.lines is None or not case.lines:
        return Room(left, {})
    of_lines = dict(_of_lines(case, order))
    return Room(min(left, sum(of_lines.values())), of_lines)


def _of_lines(case: Case, order: Order) -> Iterator[tuple[str, int]]:
    pieces: dict[str, int] = {}
    for line, known in case.lines.items():
        name = case.order_line(line)
        pieces[name] = pieces.get(name, 0) + known.quantity
    wanted, net = order.wanted(), order.net_of_lines()
    for name, wants in pieces.items():
        if name in net and wanted[name]:  # of a part of a bundle it is the bundle at most
            most = -(-net[name] * min(wants, wanted[name]) // wanted[name])
            yield name, _left(order, case, name, (most, net[name]))
    if all(max(pieces.get(name, 0), order.goods[name].get("returned", 0)) >= wants
           for name, wants in wanted.items()):
        postage = order.postage_minor()
        yield POSTAGE, _left(order, case, POSTAGE, (postage, postage))


def _left(order: Order, case: Case, name: str, most: tuple[int, int]) -> int:
    """What is left of what a case may get, and of what all cases may get together."""
    refunded = order.refunded_of.get(name, {})
    of_case, of_all = most
    own = refunded.get(case.id, 0)
    return max(0, min(of_case - own, of_all - sum(refunded.values())))
