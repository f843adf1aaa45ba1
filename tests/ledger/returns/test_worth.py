"""The money of cases, in whatever order they are asked, approved, paid and closed while somebody
refunds by hand, changes the lines or cancels pieces."""

from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ledger.common.errors import LedgerError
from ledger.orders.commands import CancelPieces, ChangeLines, PayOrder
from ledger.orders.order import Order
from ledger.orders.values import Amounts
from ledger.returns.commands import ApproveRefund, AuthoriseCase, CloseCase, PayRefund
from ledger.returns.errors import RefundUndecided
from ledger.returns.values import CaseLine
from ledger.returns.worth import room_for
from ledger.stock.pieces import Count
from tests.support.builders import line, place, stream
from tests.support.cases import BACK, ask, case, on
from tests.support.payments import refund
from tests.support.stories import Story, given
from tests.support.thorough import tried

REFERENCES = st.integers(1, 9).map("R{}".format)


def order_of(story: Story) -> Order:
    """The order of a story."""
    found: Order = story.load(Order, stream())
    return found


class MoneyOfCases(RuleBasedStateMachine):
    """Whatever cases of the same lines get, and whoever refunds by hand, changes lines or cancels
    pieces meanwhile: no case gets more than its pieces cost, and no line more than it costs."""

    def __init__(self) -> None:
        super().__init__()
        several = [line("S1", unit_price=1000, quantity=3, name="1"),
                   line("S2", unit_price=333, name="2")]
        self.story = given(place(lines=several, amounts=Amounts(
            goods_minor=3333, postage_minor=100, discount_minor=200, total_minor=3233)),
            PayOrder(order=stream(), amount_minor=3233, occurred_at=BACK))
        self.asked: dict[str, dict[str, int]] = {}

    def attempt(self, command: Any) -> bool:
        """Decide it, if the rules let it pass."""
        with suppress(LedgerError):
            self.story.decide(command)
            return True
        return False

    @rule(number=st.integers(1, 4), pieces=st.dictionaries(
        st.sampled_from(["1", "2"]), st.integers(1, 3), min_size=1))
    def ask(self, number: int, pieces: dict[str, int]) -> None:
        wanted = [CaseLine(line=name, quantity=many) for name, many in pieces.items()]
        if self.attempt(ask(number, *wanted, kind="refund_only",
                            refund_minor=max(1, order_of(self.story).balance.left_minor))):
            self.asked.setdefault(case(number), pieces)
        self.attempt(on(AuthoriseCase, number))

    @rule(number=st.integers(1, 4), amount=st.integers(1, 2000))
    def approve(self, number: int, amount: int) -> None:
        self.attempt(on(ApproveRefund, number, amount_minor=amount))

    @rule(number=st.integers(1, 4))
    def approve_all_that_its_pieces_cost(self, number: int) -> None:
        if worth := case(number) in self.asked and self.worth_of(case(number)):
            self.approve(number, worth)

    @rule(number=st.integers(1, 4), amount=st.integers(1, 2000), reference=st.none() | REFERENCES)
    def pay_refund(self, number: int, amount: int, reference: str | None) -> None:
        before = self.refunds()
        if self.attempt(on(PayRefund, number, amount_minor=amount, reference=reference)):
            self.holds_its_bounds(case(number), before)

    @rule(number=st.integers(1, 4))
    def pay_what_is_approved(self, number: int) -> None:
        if (known := self.story.known.get(case(number))) and known.unpaid_minor:
            self.pay_refund(number, known.unpaid_minor, None)

    @rule(number=st.integers(1, 4), name=st.sampled_from(["1", "2"]), pieces=st.integers(1, 3))
    def ask_and_get_all(self, number: int, name: str, pieces: int) -> None:
        """As much as one case can get: several of a line meet its bound."""
        self.ask(number, {name: pieces})
        self.approve_all_that_its_pieces_cost(number)
        self.pay_what_is_approved(number)

    @rule(amount=st.integers(1, 2000), reference=REFERENCES)
    def refund_by_hand(self, amount: int, reference: str) -> None:
        self.attempt(refund(amount, reference=reference, occurred_at=BACK))

    @rule(prices=st.lists(st.integers(1, 2000), min_size=1, max_size=2))
    def change_lines(self, prices: list[int]) -> None:
        self.attempt(ChangeLines(
            order=stream(), occurred_at=BACK, consent="旺旺上说好",
            lines=[line(f"S{number}", unit_price=price, name=str(number))
                   for number, price in enumerate(prices, 1)]))

    @rule(name=st.sampled_from(["1", "2"]))
    def cancel_pieces(self, name: str) -> None:
        self.attempt(CancelPieces(order=stream(), occurred_at=BACK, reason="不要了",
                                  lines=[Count(name, 1)]))

    @rule(number=st.integers(1, 4))
    def end(self, number: int) -> None:
        self.attempt(on(CloseCase, number))

    def refunds(self) -> dict[str, dict[str, int]]:
        """What each case got back of each line."""
        return {name: {**cases} for name, cases in order_of(self.story).refunded_of.items()}

    def worth_of(self, name: str) -> int:
        """What the pieces of a case cost now, with the postage where it is the whole order."""
        return sum(self.worth_by_line(name).values())

    def worth_by_line(self, name: str) -> dict[str, int]:
        """The same by line; of the postage under ""."""
        order = order_of(self.story)
        wanted, net, asked = order.wanted(), order.net_of_lines(), self.asked[name]
        worth = {at: -(-net[at] * min(many, wanted[at]) // wanted[at])
                 for at, many in asked.items() if wanted.get(at)}
        whole = all(asked.get(at, 0) >= many for at, many in wanted.items())
        return {**worth, "": 100} if whole else worth

    def holds_its_bounds(self, name: str, before: dict[str, dict[str, int]]) -> None:
        """After a refund of a case: what it was for is within what it costs at the time."""
        order, now = order_of(self.story), self.refunds()
        got = {at: cases[name] - before.get(at, {}).get(name, 0)
               for at, cases in now.items() if name in cases}
        got = {at: amount for at, amount in got.items() if amount}
        costs = {**order.net_of_lines(), "": 100}
        assert set(got) <= {*self.asked[name], ""}
        worth = self.worth_by_line(name)
        for at in got:
            assert now[at][name] <= worth[at]
            assert sum(now[at].values()) <= costs[at]

    @invariant()
    def pays_no_more_than_was_paid(self) -> None:
        order = order_of(self.story)
        of_cases = sum(sum(cases.values()) for cases in order.refunded_of.values())
        assert of_cases <= order.refunded_minor <= order.paid_minor
        for known in map(self.story.known.get, self.asked):
            assert 0 <= known.sums.paid_minor <= known.sums.approved_minor

    def teardown(self) -> None:
        """Whatever was approved, no case is stuck: it is paid, or closed with what nobody can pay.
        """
        for number in range(1, 5):
            known = self.story.known.get(case(number))
            if known is None or known.state != "authorised":
                continue
            room = room_for(known, order_of(self.story)).in_all_minor
            if due := min(known.unpaid_minor, room):
                self.story.decide(on(PayRefund, number, amount_minor=due))
            if isinstance(error := self.story.when(on(CloseCase, number)).error, RefundUndecided):
                self.story.when(on(CloseCase, number, declined_minor=error.details["asked_minor"]))
            assert self.story.error is None


def test_money__of_cases_stays_within_their_pieces_whatever_happens() -> None:
    """R-RET-19."""
    run_state_machine_as_test(MoneyOfCases, settings=settings(
        max_examples=tried(60), stateful_step_count=25, deadline=None))
