"""Signing as data: the acts that are signed, and what a policy says of each of them."""

from collections.abc import Container, Sequence
from typing import NamedTuple

from ledger.common.values import Checks, quoted
from ledger.policies.values import Signing, Version


class Act(NamedTuple):
    """Something that is signed. `apart_from` are the acts whose signers do not sign it as long as
    no policy says otherwise; `money`: it has an amount, so it may begin at one."""

    apart_from: tuple[str, ...] = ()
    money: bool = False


ASK_MOVEMENT, ASK_CORRECTION = "stock.ask_movement", "stock.ask_correction"
APPROVE_REFUND, PAY_REFUND = "case.approve_refund", "case.pay_refund"
ALLOW_PRICE = "order.allow_price_change"
APPROVE_ORDER = "order.approve"
REVIEW_FINANCE = "order.review_finance"
ASK_BELOW_FLOOR, SELL_BELOW_FLOOR = "order.ask_below_floor", "order.sell_below_floor"

ACTS = {
    ASK_MOVEMENT: Act(),
    ASK_CORRECTION: Act(),
    "stock.approve_write_off": Act((ASK_MOVEMENT,)),
    "stock.approve_adjustment": Act((ASK_MOVEMENT,)),
    "stock.approve_found": Act((ASK_MOVEMENT,)),
    "stock.approve_correction": Act((ASK_CORRECTION,)),
    APPROVE_REFUND: Act(money=True),
    PAY_REFUND: Act((APPROVE_REFUND,), money=True),
    ALLOW_PRICE: Act(money=True),
    APPROVE_ORDER: Act(),
    REVIEW_FINANCE: Act((APPROVE_ORDER,), money=True),
    ASK_BELOW_FLOOR: Act(money=True),
    SELL_BELOW_FLOOR: Act((ASK_BELOW_FLOOR,), money=True),
}
"""Every act, by its name."""


def signing_of(version: Version, act: str) -> Signing:
    """Who may sign an act under a version. What it does not name may be signed by anybody whom the
    command lets, but for those who signed what it is to be apart from."""
    return next((one for one in version.sections.signing or () if one.act == act),
                Signing(act=act))


def apart_from(row: Signing) -> Sequence[str]:
    """The acts whose signers do not sign an act."""
    if row.apart_from is None:
        return ACTS[row.act].apart_from if row.act in ACTS else ()
    return row.apart_from


def check_signing(checks: Checks, at: str, one: Signing, *, rows: Sequence[Signing],
                  posts: Container[str]) -> None:
    """Note an act or a post that there is not, an act that is to be apart from itself by way of
    others, an amount of what has none, and a row that asks for nothing."""
    _check_acts(checks, at, one)
    for name in ("posts", "otherwise"):
        for post in getattr(one, name):
            if post not in posts:
                checks.fault(f"{at}/{name}", "unknown_post", f"{quoted(post)} is not a post")
    if one.otherwise and not one.posts:
        checks.fault(f"{at}/otherwise", "missing", "stands in for no post; name posts")
    if both := sorted(set(one.otherwise) & set(one.posts)):
        checks.fault(f"{at}/otherwise", "twice", f"{', '.join(both)} signs it anyway")
    if one.above_minor is not None:
        checks.integer(f"{at}/above_minor", one.above_minor, least=0)
        if one.act in ACTS and not ACTS[one.act].money:
            checks.fault(f"{at}/above_minor", "no_money", f"{one.act} has no amount")
    if _leads_to(one, rows):
        checks.fault(f"{at}/apart_from", "circle", f"leads back to {one.act}: one of them has to "
                                                   "be signed first")


def _check_acts(checks: Checks, at: str, one: Signing) -> None:
    for name, acts in (("act", [one.act]), ("apart_from", one.apart_from or [])):
        for act in acts:
            if act not in ACTS:
                checks.fault(
                    f"{at}/{name}", "unknown", f"is {quoted(act)}, not one of {', '.join(ACTS)}")


def _leads_to(one: Signing, rows: Sequence[Signing]) -> bool:
    """Whether an act is to be apart from itself, directly or by way of others."""
    named = {row.act: row for row in rows}
    seen: set[str] = set()
    waiting = list(apart_from(one))
    while waiting:
        other = waiting.pop()
        if other not in seen:
            seen.add(other)
            waiting += apart_from(named.get(other, Signing(act=other)))
    return one.act in seen
