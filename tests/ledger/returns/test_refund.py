"""Signing of money: who approves a refund does not pay it, and who allows a price sends it."""

from datetime import timedelta

import pytest

from ledger.core.commands import Command
from ledger.orders.commands import ChangePrice
from ledger.orders.values import Amounts
from ledger.people.signatures import NotThePost, SameSigner
from ledger.policies.values import Signing
from ledger.returns.commands import ApproveRefund, AuthoriseCase, PayRefund, RequestCase
from tests.support.builders import CHANNEL, NOON, SHOP, pay, place, stream
from tests.support.stories import Story, given
from tests.support.team import CHEN, JOINED, LI, WANG, ZHOU, published, team

CASE = stream("C1").replace("order:", "case:")
LATER = NOON + timedelta(hours=1)
APPROVE = ApproveRefund(case=CASE, amount_minor=3_000, occurred_at=LATER)
PAY = PayRefund(case=CASE, amount_minor=1_000, occurred_at=LATER)


def asked(*rows: Signing) -> Story:
    """A paid order whose buyer wants money back, and the shop agreed."""
    policy: list[Command] = [published(signing=list(rows), since=JOINED)] if rows else []
    return given(
        *team(), *policy, place(), pay(), RequestCase(
            channel=CHANNEL, shop=SHOP, number="C1", kind="refund_only", order=stream(1),
            currency="CNY", lines=[], refund_minor=4_990, occurred_at=NOON),
        AuthoriseCase(case=CASE, occurred_at=NOON))


def test_signing__refund_rejected_of_who_approved_it_and_paid_by_another() -> None:
    story = asked()
    fact, *_ = story.by(LI).when(APPROVE).facts
    assert fact.approved_by == LI
    story.by(LI).when(PAY).refused(SameSigner)
    fact, *_ = story.by(CHEN).when(PAY).facts
    assert (story.error, fact.paid_by) == (None, CHEN)
    story.by(CHEN).when(ApproveRefund(case=CASE, amount_minor=500, occurred_at=LATER))
    assert story.error is None
    story.by(CHEN).when(PAY).refused(SameSigner)
    story.by(WANG).when(PAY)
    assert story.error is None


def test_signing__refund_is_apart_only_as_far_as_the_policy_says() -> None:
    story = asked(Signing(act="case.pay_refund", apart_from=[]))
    story.by(LI).when(APPROVE)
    story.by(LI).when(PAY)
    assert story.error is None
    story = asked(Signing(act="case.pay_refund", above_minor=1_000))
    story.by(LI).when(APPROVE)
    story.by(LI).when(PAY)
    assert story.error is None
    story.by(LI).when(PayRefund(case=CASE, amount_minor=1_001, occurred_at=LATER)).refused(
        SameSigner)


def test_signing__refund_is_approved_by_the_posts_of_the_policy() -> None:
    story = asked(Signing(act="case.approve_refund", posts=["customer_service_head"]))
    story.by(ZHOU).when(APPROVE).refused(NotThePost)
    story.by(LI).when(APPROVE)
    assert story.error is None


@pytest.mark.parametrize(("actor", "error"), [(WANG, NotThePost), (LI, None)])
def test_signing__price_change_is_allowed_by_who_sends_it(
    actor: str, error: type[NotThePost] | None,
) -> None:
    rows = [Signing(act="order.allow_price_change", posts=["customer_service_head"],
                    above_minor=100)]
    story = given(*team(), published(signing=rows, since=JOINED), place())
    lower = Amounts(goods_minor=4_990, discount_minor=101, total_minor=4_889)
    story.by(actor).when(ChangePrice(order=stream(1), amounts=lower, occurred_at=LATER))
    assert error is type(story.error) if error else story.error is None
    assert [fact.allowed_by for fact in story.facts] == ([] if error else [actor])
    mild = Amounts(goods_minor=4_990, discount_minor=100, total_minor=4_890)
    story.by(WANG).when(ChangePrice(order=stream(1), amounts=mild, occurred_at=LATER))
    assert story.error is None
