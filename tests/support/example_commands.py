"""An example of each command: what it is sent with, made ready in a shop."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from api.demo.people import DISPATCHER, EARLY, HEAD, LATE, MANAGER, REVIEWER
from tests.support.example_shop import (
    CHANNEL,
    FINANCE,
    GENERAL,
    GOODS,
    HOUSE,
    KEEPER,
    OTHER,
    PRICE,
    SHOP,
    TWO,
    Shop,
)


class Sent(NamedTuple):
    """What is sent: parameters of the path and the query, a body, and by whom."""

    given: Mapping[str, Any] = {}
    body: Any = None
    who: str = MANAGER
    seen: str | None = None


Make = Callable[[Shop, str], Sent]
"""Makes an example ready; the text is a number of its own."""


def on(stage: str, body: Any, *, seen: bool = False) -> Make:
    """A command on an order at a stage."""
    def make(shop: Shop, number: str) -> Sent:
        order = shop.order(number, stage)
        return Sent({"order": order}, body, seen=shop.seen("order", order) if seen else None)
    return make


def of_case(stage: str, body: Any, *, who: str = MANAGER) -> Make:
    """A command on a case at a stage."""
    return lambda shop, number: Sent({"case": shop.case(number, stage)}, body, who)


def plain(body: Any, **more: Any) -> Make:
    """A command that needs nothing else."""
    return lambda shop, number: Sent(more, body)


def place(shop: Shop, number: str) -> Sent:
    """A new order."""
    return Sent({}, shop.body(number, recipient="陈静", phone="000-0000-0003",
                              address="杭州市 梧桐路 3 号", province="浙江省"))


def sell(shop: Shop, number: str) -> Sent:
    """A sale."""
    return Sent({}, shop.body(number, warehouse=HOUSE))


def supplement(shop: Shop, number: str) -> Sent:
    """A buyer wants a third book, and pays for it."""
    sent = change(shop, number)
    shop.done("change_lines", dict(sent.given), sent.body, seen=sent.seen)
    return Sent(sent.given, {"amount_minor": PRICE, "reference": f"pay-{number}"})


def change(shop: Shop, number: str) -> Sent:
    """A buyer wants a third book."""
    order = shop.order(number, "paid")
    line = {"line": "1", "sku": "QM-001", "quantity": 3, "unit_price": PRICE,
            "amount_minor": 3 * PRICE}
    return Sent({"order": order}, {"lines": [line], "consent": "买家旺旺：要三本"},
                seen=shop.seen("order", order))


def placed(shop: Shop, number: str, line: Any) -> str:
    """An order of one line, for which nothing is reserved."""
    shop.done("place_order", {}, shop.body(
        number, lines=[line], amounts={"total_minor": line["amount_minor"]}))
    return f"order:{CHANNEL}:{SHOP}:{number}"


def review(shop: Shop, number: str) -> Sent:
    """An order that costs more than the policy's bound."""
    order = placed(shop, number, {**GOODS, "quantity": 200, "amount_minor": 200 * PRICE})
    return Sent({"order": order}, {"outcome": "approved"}, seen=shop.seen("order", order))


def below(shop: Shop, number: str) -> Sent:
    """A book that is sold below its floor."""
    shop.done("price_sku", {"sku": number}, {
        "amount_minor": 5000, "floor_minor": 4500, "currency": "CNY"}, who=GENERAL)
    order = placed(shop, number, {**GOODS, "sku": number})
    return Sent({"order": order}, {"reason": "老顾客"}, FINANCE, shop.seen("order", order))


def held(shop: Shop, number: str) -> Sent:
    """An order that nobody works on."""
    order = shop.order(number)
    shop.done("hold_order", {"order": order}, {"reason": "等买家确认"})
    return Sent({"order": order}, {"note": "买家已确认"})


EXCEPTION = {"exception": "E1", "kind": "address_invalid", "note": "缺门牌号"}


def kept(body: Any) -> Make:
    """A command on an exception."""
    def make(shop: Shop, number: str) -> Sent:
        order = shop.order(number)
        shop.done("open_exception", {"order": order}, EXCEPTION)
        return Sent({"order": order}, {"exception": "E1", **body})
    return make


def reserve(shop: Shop, number: str) -> Sent:
    """An order that nothing is reserved for."""
    return Sent({"order": placed(shop, number, GOODS)}, {"warehouse": HOUSE})


def step(shop: Shop, number: str) -> Sent:
    """A parcel that was packed by mistake."""
    order = shop.order(number, "packed")
    position = shop.done("read_order_history", {"order": order})["items"][-1]["position"]
    return Sent({"order": order}, {"position": position, "reason": "扫错了单"})


ORDERS: Mapping[str, Make] = {
    "place_order": place,
    "sell_order": sell,
    "pay_order": on("sold", {"amount_minor": 2 * PRICE, "reference": "2026110122001"}),
    "supplement_order": supplement,
    "refund_order": on("paid", {"amount_minor": 1000, "reason": "晚发补偿"}),
    "change_price": on("sold", {
        "amounts": {"discount_minor": 960, "total_minor": 7000}, "reason": "老顾客"}),
    "correct_order": on("paid", {"fact": "paid", "amount_minor": 7000, "reason": "对账"},
                        seen=True),
    "remark_order": on("sold", {"remark": "请用礼品袋"}),
    "assign_order": on("sold", {"owner": EARLY}),
    "end_order": on("delivered", {"ended_as": "completed"}),
    "approve_order": on("paid", {"note": "电话确认地址"}, seen=True),
    "review_finance": review,
    "sell_below_floor": below,
    "change_lines": change,
    "correct_details": on("sold", {"phone": "000-0000-0004", "consent": "买家旺旺"}, seen=True),
    "cancel_pieces": on("paid", {"lines": [{"line": "1", "quantity": 1}],
                                 "reason": "买家旺旺：只要一本"}),
    "hold_order": on("sold", {"reason": "等买家确认"}),
    "lift_hold": held,
    "submit_order": on("approved", {"warehouse": HOUSE}),
    "open_exception": on("sold", EXCEPTION),
    "note_exception": kept({"note": "已联系买家"}),
    "close_exception": kept({"note": "地址已补全"}),
    "reserve_order": reserve,
    "move_reservation": on("sold", {"warehouse": OTHER}),
    "release_reservation": on("sold", {"reason": "买家不要了"}),
    "pick_order": on("submitted", {"lines": TWO}),
    "unpick_order": on("picked", {"lines": TWO, "reason": "拿错了"}),
    "check_order": on("picked", {"passed": True}),
    "pack_order": on("checked", {"parcel": "P1", "lines": TWO}),
    "void_parcel": on("packed", {"parcel": "P1", "reason": "箱子破了"}),
    "dispatch_parcel": on("packed", {"parcel": "P1", "courier": "顺丰", "waybill": "SF000009"}),
    "report_transit": on("dispatched", {"parcel": "P1", "note": "到达杭州转运中心"}),
    "deliver_parcel": on("dispatched", {"parcel": "P1"}),
    "refuse_parcel": on("dispatched", {"parcel": "P1", "reason": "买家拒收"}),
    "correct_step": step,
    "lose_parcel": on("dispatched", {"parcel": "P1", "reason": "快递丢失"}),
    "read_slip": lambda shop, number: Sent(
        {"order": shop.order(number, "submitted")}, {"purpose": "service"}, EARLY),
}


def request_case(shop: Shop, number: str) -> Sent:
    """A book is to come back."""
    return Sent({}, shop.wish(number, shop.order(f"{number}-O", "delivered")))


PARCEL = {"channel": CHANNEL, "shop": SHOP, "currency": "CNY", "warehouse": HOUSE,
          "lines": [{"line": "1", "sku": "QM-001", "quantity": 1}], "note": "没有面单"}


def match(shop: Shop, number: str) -> Sent:
    """A parcel of which somebody knows now of which order it is."""
    order = shop.order(f"{number}-O", "delivered")
    shop.done("receive_parcel", {}, {**PARCEL, "number": number})
    return Sent({"case": f"case:{CHANNEL}:{SHOP}:{number}"}, {
        "order": order, "lines": [{"line": "1", "order_line": "1"}]})


def paid_back(shop: Shop, number: str) -> Sent:
    """A case of which the money was paid back."""
    case = shop.case(number, "approved")
    shop.done("pay_refund", {"case": case}, {"amount_minor": PRICE}, who=FINANCE)
    return Sent({"case": case}, {})


RETURNS: Mapping[str, Make] = {
    "request_case": request_case,
    "receive_parcel": lambda shop, number: Sent({}, {**PARCEL, "number": number}),
    "match_case": match,
    "authorise_case": of_case("asked", {}),
    "reject_case": of_case("asked", {"reason": "超过七天"}),
    "receive_goods": of_case("authorised", {
        "warehouse": HOUSE, "lines": [{"line": "1", "quantity": 1}]}),
    "inspect_goods": of_case("received", {"lines": [
        {"line": "1", "quantity": 1, "disposition": "restocked"}]}),
    "approve_refund": of_case("inspected", {"amount_minor": PRICE}),
    "pay_refund": of_case("approved", {"amount_minor": PRICE}, who=FINANCE),
    "withdraw_case": of_case("asked", {"reason": "买家不退了"}),
    "close_case": paid_back,
}


def move(number: str, *, cause: str = "receipt", start: str = "supplier", to: str = "available",
         **more: Any) -> dict[str, Any]:
    """A movement of a book."""
    return {"warehouse": HOUSE, "number": number, **more, "moves": [
        {"sku": "QM-001", "quantity": 1, "from": start, "to": to, "cause": cause}]}


def waiting(body: Any) -> Make:
    """A command on a movement that waits for a second person."""
    def make(shop: Shop, number: str) -> Sent:
        shop.done("move_stock", {}, move(
            number, cause="write_off", to="written_off", start="available", reason="水渍"),
            who=KEEPER)
        return Sent({"movement": f"movement:{HOUSE}:{number}"}, body)
    return make


def correct(shop: Shop, number: str) -> Sent:
    """A receipt that never was."""
    done = shop.done("move_stock", {}, move(number))
    return Sent({}, {"document": done["subject"], "position": done["positions"][0],
                     "kind": "did_not_occur", "reason": "录重了"})


def transfer(number: str) -> dict[str, Any]:
    """A book goes to the other warehouse."""
    return {"number": number, "from": HOUSE, "to": OTHER,
            "lines": [{"sku": "QM-001", "quantity": 1}]}


def receive(shop: Shop, number: str) -> Sent:
    """A transfer that is under way."""
    shop.done("send_transfer", {}, transfer(number))
    return Sent({"number": number}, {"lines": [{"sku": "QM-001", "quantity": 1}]})


def named(body: Any) -> Make:
    """A command on a SKU of its own."""
    def make(shop: Shop, number: str) -> Sent:
        shop.done("register_sku", {}, {"sku": number, "title": "书签"})
        return Sent({"sku": number}, body)
    return make


STOCK: Mapping[str, Make] = {
    "open_warehouse": plain({"name": "suzhou", "title": "苏州仓"}),
    "register_sku": lambda shop, number: Sent({}, {"sku": number, "title": "书签"}),
    "alias_sku": lambda shop, number: Sent({"sku": number}, {"target": "QM-002"}),
    "bundle_sku": named({"parts": [{"sku": "QM-001", "each": 2}]}),
    "set_threshold": named({"threshold": 5}),
    "price_sku": named({"amount_minor": 1500, "floor_minor": 1200, "currency": "CNY"}),
    "move_stock": lambda shop, number: Sent({}, move(number)),
    "approve_movement": waiting({}),
    "refuse_movement": waiting({"reason": "还能卖"}),
    "count_stock": lambda shop, number: Sent({}, {
        "warehouse": HOUSE, "number": number, "counts": [{"sku": "QM-002", "quantity": 2}]}),
    "correct_stock": correct,
    "release_back_orders": plain({"warehouse": HOUSE, "sku": "QM-001"}),
    "send_transfer": lambda shop, number: Sent({}, transfer(number)),
    "receive_transfer": receive,
}


def member(body: Any, name: str = "member") -> Make:
    """A command on a member of its own."""
    def make(shop: Shop, number: str) -> Sent:
        someone = f"member:{number.lower()}"
        shop.done("join_member", {}, {"member": someone, "joined_on": "2026-10-01"})
        return Sent({name: someone}, body)
    return make


def posted(shop: Shop, number: str) -> Sent:
    """A member who holds a post."""
    someone = dict(member({})(shop, number).given)["member"]
    shop.done("assign_post", {}, {"member": someone, "post": "designer", "since": "2026-10-02"})
    return Sent({}, {"member": someone, "post": "designer", "until": "2026-10-31"})


LEAVE = {"days": ["2030-05-06"], "reason": "家里有事"}


def leave(body: Any) -> Make:
    """A command on leave that a member asked for."""
    def make(shop: Shop, number: str) -> Sent:
        shop.done("request_leave", {"member": HEAD}, {
            **LEAVE, "number": number, "days": [f"2030-06-{shop.another_day():02}"]},
            who=HEAD)
        return Sent({"member": HEAD, "number": number}, body)
    return make


ABSENCE = {"day": "2026-10-15", "kind": "late", "shift": "late", "minutes": 7}


def attended(shop: Shop, number: str) -> Sent:
    """A fact that was recorded wrongly."""
    shop.done("record_attendance", {"member": EARLY}, {
        "day": "2026-10-16", "kind": "late", "shift": "early", "minutes": 5})
    return Sent({"member": EARLY}, {"month": "2026-10", "number": 1, "reason": "记错了人"})


DAY_SHIFT = {"name": "day", "start": "09:00", "end": "18:00", "members": [DISPATCHER]}

PEOPLE: Mapping[str, Make] = {
    "join_member": lambda shop, number: Sent({}, {
        "member": f"member:{number.lower()}", "joined_on": "2026-11-02", "name": "夏至"}),
    "change_details": member({"contact": "15400000012"}),
    "set_supervisor": member({"supervisor": HEAD, "since": "2026-10-01"}),
    "leave_shop": member({"last_day": "2026-10-31", "reason": "搬家"}),
    "assign_post": lambda shop, number: Sent({}, {
        "member": member({})(shop, number).given["member"], "post": "designer",
        "since": "2026-10-02"}),
    "end_post": posted,
    "set_roster": lambda shop, number: Sent({}, {
        "roster": number.lower(), "since": "2030-01-01",
        "shifts": [{**DAY_SHIFT, "days": [1, 2, 3, 4, 5]}]}),
    "set_roster_day": plain({"roster": "customer_service", "day": "2030-02-01",
                             "shifts": [{**DAY_SHIFT, "members": [EARLY]}], "reason": "年货节"}),
    "arrange_cover": plain({"roster": "customer_service", "day": "2030-03-01", "shift": "early",
                            "absent": EARLY, "cover": HEAD}),
    "record_attendance": plain(ABSENCE, member=LATE),
    "correct_attendance": attended,
    "hand_over_shift": lambda shop, number: Sent({"member": HEAD}, {
        "day": "2026-10-15", "shift": "early", "note": "三单待回访"}),
    "request_leave": lambda shop, number: Sent({"member": HEAD}, {**LEAVE, "number": number}),
    "approve_leave": leave({}),
    "refuse_leave": leave({"reason": "那天盘点"}),
    "withdraw_leave": leave({"reason": "不用了"}),
}


def person(shop: Shop, number: str) -> str:
    """A buyer."""
    shop.done("place_order", {}, shop.body(number, recipient="陈静", account=f"reader-{number}"))
    order = f"order:{CHANNEL}:{SHOP}:{number}"
    return str(shop.done("find_persons", {}, {"about": order})["persons"][0])


def whose(body: Any, *before: tuple[str, Any], who: str = MANAGER) -> Make:
    """A command on a buyer, after others on them."""
    def make(shop: Shop, number: str) -> Sent:
        given = {"person": person(shop, number)}
        for operation, sent in before:
            shop.done(operation, given, sent)
        return Sent(given, body, who)
    return make


ASKED = ("request_erasure", {"ground": "requested"})
PERSONS: Mapping[str, Make] = {
    "request_erasure": whose({"ground": "requested"}),
    "withdraw_erasure": whose({}, ASKED),
    "confirm_erasure": whose({}, ASKED, who=GENERAL),
    "hold_person": whose({"reason": "争议未结"}),
    "lift_person_hold": whose({}, ("hold_person", {"reason": "争议未结"})),
    "find_persons": plain({"about": f"order:{CHANNEL}:{SHOP}:demo-3"}),
}


def policy(shop: Shop, number: str) -> dict[str, Any]:
    """How long persons are kept."""
    return {"effective_from": "2031-01-01", "policy": {
        "title": f"保留期限 {number}", "sections": {"retention": {"buyers": 1095}}}}


def proposal(shop: Shop, number: str, **more: Any) -> dict[str, Any]:
    """A breach of a rule."""
    return {"number": number, "rule": "CS-FEEDBACK", "offender": LATE,
            "about": f"order:{CHANNEL}:{SHOP}:demo-1", "evidence": [1973],
            "breached_at": f"2026-10-{shop.another_day():02}T18:00:00+08:00", **more}


def charged(body: Any, *before: tuple[str, str, Any], who: str = MANAGER, **more: Any) -> Make:
    """A command on a proposed deduction, after others on it."""
    def make(shop: Shop, number: str) -> Sent:
        shop.done("propose_deduction", {}, proposal(shop, number, **more), who=GENERAL)
        given = {"deduction": f"deduction:{number}"}
        for operation, actor, sent in before:
            shop.done(operation, given, sent, who=actor,
                      seen=shop.seen("deduction", given["deduction"]))
        return Sent(given, body, who, shop.seen("deduction", given["deduction"]))
    return make


CONFIRMED = ("confirm_deduction", REVIEWER, {})
APPEALED = ("appeal_deduction", LATE, {"reason": "当天系统故障"})
DEDUCTIONS: Mapping[str, Make] = {
    "propose_deduction": lambda shop, number: Sent({}, proposal(shop, number)),
    "name_offender": charged({"offender": EARLY}),
    "confirm_deduction": charged({}),
    "waive_deduction": charged({"cause": "the underground stood still"}, rule="CS-MEETING",
                               evidence=[2051]),
    "dismiss_deduction": charged({"reason": "事实不成立"}),
    "acknowledge_deduction": charged({}, CONFIRMED, who=LATE),
    "appeal_deduction": charged({"reason": "当天系统故障"}, CONFIRMED, who=LATE),
    "uphold_deduction": charged({"reason": "记录清楚", "member": LATE}, CONFIRMED, APPEALED),
    "reduce_deduction": charged({"reason": "部分成立", "member": LATE, "points": "1"}, CONFIRMED,
                                APPEALED),
    "overturn_deduction": charged({"reason": "记录有误", "member": LATE}, CONFIRMED, APPEALED),
}



def signed(shop: Shop, number: str) -> Sent:
    """A month of a shop, as it was seen."""
    asked = {"month": "2026-08", "channel": CHANNEL, "shop": SHOP}
    digest = shop.done("list_reconciliation", asked)["items"][0].get("digest", "0" * 64)
    return Sent({}, {**asked, "digest": digest, "differences": [
        {"currency": "CNY", "amount_minor": 320980, "cause": "under_investigation"}]})


SCORES: Mapping[str, Make] = {
    "sign_reconciliation": signed,
    "publish_policy": lambda shop, number: Sent({}, policy(shop, number)),
    "grade_member": lambda shop, number: Sent({}, {
        "member": LATE, "month": "2026-10", "post": "customer_service", "sheet": "committee",
        "grades": {"pre_sale/1": "90", "after_sale/1": "92"}}, REVIEWER),
    "set_bonus": plain({"member": EARLY, "month": "2026-10", "post": "customer_service",
                        "task": "秋季活动话术", "points": "2"}),
    "reopen_month": plain({"reason": "漏记一次加分"}, month="2026-09"),
}

COMMANDS: Mapping[str, Make] = {
    **ORDERS, **RETURNS, **STOCK, **PEOPLE, **PERSONS, **DEDUCTIONS, **SCORES}
"""By the name of an operation."""

