"""What happened to an after-sales case, in sentences."""

from collections.abc import Mapping

from api.console.sentences.telling import Event, Sentence, aside, goods, joined, listed
from api.console.words import word
from api.messages import tr


def _inspected(e: Event) -> str:
    found = listed(aside(
        f"{goods(line.get('quantity', 0), [line['sku']] if line.get('sku') else [])} "
        f"{word(line.get('disposition'), 'disposition')}",
        line.get("bin") and tr("bin {bin}", bin=line["bin"])) for line in e.each("lines"))
    return joined(
        tr("Inspected: {found}", found=found),
        e.pieces("apart") and tr("taken apart: {goods}", goods=e.goods("apart")),
        e.has("not_counted") and tr("a count since has not seen it"))


def _requested(e: Event) -> str:
    return joined(
        tr("Asked for: {kind}", kind=e.word("kind")) if e.has("kind") else tr("Asked for"),
        e.goods(), e.money("refund_minor") and tr("{amount} to be paid back",
                                                  amount=e.money("refund_minor")),
        e.has("order") and tr("of {order}", order=e.stream_of("order")))


def _closed(e: Event) -> str:
    return joined(
        tr("Closed"),
        e.pieces("given_up") and tr("never came: {goods}", goods=e.goods("given_up")),
        e.money("unpayable_minor") and tr("{amount} had been refunded otherwise",
                                          amount=e.money("unpayable_minor")),
        e.money("declined_minor") and tr("{amount} is not refunded",
                                         amount=e.money("declined_minor")))


SENTENCES: Mapping[str, Sentence] = {
    "case.requested": _requested,
    "case.declared": lambda e: tr("A file says that this came back: {goods}", goods=e.goods()),
    "case.parcel_received": lambda e: joined(
        tr("A parcel of an unknown order came back: {goods}", goods=e.goods()),
        e.has("warehouse") and tr("in {warehouse}", warehouse=e.text("warehouse"))),
    "case.matched": lambda e: joined(
        tr("Found to be of {order}", order=e.stream_of("order")),
        e.has("refused") and tr("the buyer had refused it")),
    "case.authorised": lambda e: tr("The shop agrees"),
    "case.rejected": lambda e: tr("The shop does not agree"),
    "case.withdrawn": lambda e: tr("The buyer takes it back"),
    "case.goods_received": lambda e: joined(
        tr("Arrived: {goods}", goods=e.goods()),
        e.has("warehouse") and tr("in {warehouse}", warehouse=e.text("warehouse"))),
    "case.inspected": _inspected,
    "case.refund_approved": lambda e: joined(
        tr("Refund approved: {amount}", amount=e.money("amount_minor")),
        e.who("approved_by") and tr("signed by {member}", member=e.who("approved_by"))),
    "case.refunded": lambda e: joined(
        tr("Paid back {amount}", amount=e.money("amount_minor")),
        e.who("paid_by") and tr("paid by {member}", member=e.who("paid_by"))),
    "case.closed": _closed,
}
"""By the type of an event, what makes a sentence of it."""
