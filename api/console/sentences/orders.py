"""What happened to an order, in sentences: placing, money, review, goods on their way."""

from collections.abc import Mapping
from typing import Any

from api.console.sentences.telling import Event, Sentence, goods, joined, listed, pieces, subject
from api.console.words import word
from api.messages import tr


def _placed(e: Event) -> str:
    total = e.amount(e.inner("amounts").get("total_minor"))
    count = e.has("pieces") or e.pieces()
    return joined(
        tr("Placed on {channel}", channel=e.word("channel")) if e.has("channel") else tr("Placed"),
        count and goods(count, [
            line.get("title") or line.get("sku") for line in e.each("lines")]),
        total and tr("{amount} in all", amount=total),
        e.has("terms") and e.word("terms"),
        e.has("reserved") and tr("reserved in {warehouse}",
                                 warehouse=e.inner("reserved").get("warehouse", "")),
        e.has("province") and tr("to {province}", province=e.text("province")),
        e.has("gifts") and tr("with gifts: {gifts}", gifts=listed(map(str, e.each("gifts")))))


def _paid(e: Event) -> str:
    methods = listed(word(one.get("method"), "method") for one in e.each("payments"))
    return joined(
        tr("Paid the supplement {amount}", amount=e.money("amount_minor"))
        if e.has("supplement") else tr("Paid {amount}", amount=e.money("amount_minor")),
        methods and tr("by {method}", method=methods),
        e.has("reference") and tr("reference {reference}", reference=e.text("reference")))


def _price_changed(e: Event) -> str:
    old, new = (e.amount(e.inner(name).get("total_minor")) for name in ("old", "new"))
    return joined(
        tr("Price changed from {old} to {new}", old=old, new=new) if old and new
        else tr("Price changed"),
        e.who("allowed_by") and tr("signed by {member}", member=e.who("allowed_by")))


def _refunded(e: Event) -> str:
    return joined(
        tr("Refunded {amount}", amount=e.money("amount_minor")),
        e.has("case") and tr("for {thing}", thing=e.stream_of("case")),
        e.has("reference") and tr("reference {reference}", reference=e.text("reference")))


def _corrected(e: Event) -> str:
    fact = word(e.has("fact"), "fact") if e.has("fact") else ""
    old, new = (_fact(e, e.inner(name)) for name in ("old", "new"))
    return joined(
        tr("Corrected: {fact}", fact=fact) if fact else tr("Corrected"),
        old and new and tr("from {old} to {new}", old=old, new=new),
        e.has("kind") and e.word("kind"),
        e.has("reference") and tr("reference {reference}", reference=e.text("reference")))


def _fact(e: Event, value: Mapping[str, Any]) -> str:
    """What a correction says of a fact: an amount, or how many pieces the lines have."""
    for name in ("total_minor", "amount_minor", "paid_minor", "refunded_minor"):
        if value.get(name) is not None:
            return e.amount(value[name])
    lines = value.get("lines")
    return pieces(sum(one.get("quantity", 0) for one in lines)) if isinstance(lines, list) else ""


def _finance(e: Event) -> str:
    bound = e.money("bound_minor")
    return joined(
        tr("Finance let it pass") if e.has("outcome") == "approved" else tr("Finance refused it")
        if e.has("outcome") == "refused" else tr("Finance looked at it"),
        e.money("amount_minor") and tr("it costs {amount}", amount=e.money("amount_minor")),
        bound and tr("the bound is {amount}", amount=bound),
        e.who("reviewed_by") and tr("signed by {member}", member=e.who("reviewed_by")))


def _below_floor(e: Event) -> str:
    return listed(str(line.get("sku", "")) for line in e.each("lines"))


def _opened(e: Event) -> str:
    owner = e.who("owner")
    return joined(tr("Exception: {kind}", kind=e.word("kind")),
                  owner and tr("for {thing}", thing=owner))


def _exception(e: Event) -> str:
    """An exception is named by its kind, which a number follows where there are several."""
    name, _, number = e.text("exception").partition("-")
    return " ".join(filter(None, (word(name, "kind"), number)))


def _noted(e: Event) -> str:
    return joined(tr("Something was done about: {kind}", kind=_exception(e)),
                  e.has("owner") and tr("now for {member}", member=subject(e.text("owner"))))


def _lines_changed(e: Event) -> str:
    old, new = (e.amount(e.inner(name).get("total_minor")) for name in (
        "old_amounts", "new_amounts"))
    return joined(
        tr("Lines changed: {old} before, {new} now", old=e.goods("old"), new=e.goods("new"))
        if e.has("old") and e.has("new") else tr("Lines changed"),
        old and new and old != new and tr("{new} in all instead of {old}", new=new, old=old))


def _cancelled_pieces(e: Event) -> str:
    new = e.amount(e.inner("new_amounts").get("total_minor"))
    return joined(tr("No longer wanted: {goods}", goods=e.goods()) if e.has("lines")
                  else tr("Pieces cancelled"),
                  new and tr("{amount} in all from now on", amount=new))


def _details(e: Event) -> str:
    names = [said for name, said in (
        ("account", tr("the buyer's account")), ("recipient", tr("the recipient")),
        ("phone", tr("the phone")), ("address", tr("the address")),
        ("province", tr("the province")), ("buyer_remark", tr("the buyer's remark")))
        if name in e.payload]
    return joined(tr("Changed: {what}", what=tr(", ").join(names)) if names
                  else tr("Details changed"))


def _stated(e: Event) -> str:
    return (tr("A file of {time} spoke of it", time=e.time("stated_at")) if e.has("stated_at")
            else tr("A file spoke of it"))


def _signed_below(e: Event) -> str:
    return joined(tr("Sold below the floor price, signed for: {goods}", goods=_below_floor(e)),
                  e.who("signed_by") and tr("signed by {member}", member=e.who("signed_by")))


SENTENCES: Mapping[str, Sentence] = {
    "order.placed": _placed,
    "order.paid": _paid,
    "order.price_changed": _price_changed,
    "order.refund_recorded": _refunded,
    "order.corrected": _corrected,
    "order.finance_reviewed": _finance,
    "order.below_floor_priced": lambda e: joined(
        tr("Below the floor price: {goods}", goods=_below_floor(e)),
        e.who("set_by") and tr("price set by {member}", member=e.who("set_by"))),
    "order.below_floor_signed": _signed_below,
    "order.approved": lambda e: joined(
        tr("Approved"),
        e.who("approved_by") and tr("signed by {member}", member=e.who("approved_by"))),
    "order.held": lambda e: tr("Put on hold"),
    "order.hold_lifted": lambda e: tr("Hold lifted"),
    "order.submitted": lambda e: tr("Handed to the warehouse {warehouse}",
                                    warehouse=e.text("warehouse")),
    "order.exception_opened": _opened,
    "order.exception_noted": _noted,
    "order.exception_closed": lambda e: tr("Settled: {kind}", kind=_exception(e)),
    "order.lines_changed": _lines_changed,
    "order.lines_declared": lambda e: tr("A file gave its lines: {goods}", goods=e.goods()),
    "order.pieces_cancelled": _cancelled_pieces,
    "order.details_changed": _details,
    "order.remarked": lambda e: tr("Remark: {remark}", remark=e.text("remark"))
    if e.has("remark") else tr("Remark written"),
    "order.owner_assigned": lambda e: tr("Belongs to {member} from now on",
                                         member=e.stream_of("owner")),
    "order.buyer_erased": lambda e: tr("The buyer's data were erased"),
    "order.stated": _stated,
    "order.cancelled": lambda e: tr("Cancelled"),
    "order.closed": lambda e: tr("Closed: never paid, or refunded in full"),
    "order.completed": lambda e: joined(tr("Completed"), e.pieces("unsent") and tr(
        "never sent: {goods}", goods=e.goods("unsent"))),
}
"""By the type of an event, what makes a sentence of it."""
