"""A shop in which every route has something to show, and what differs between two such shops.

Two shops of the same events, of which only what is confidential differs: an answer that is the same
in both says nothing of it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from werkzeug.test import TestResponse

from ledger.common.values import to_us
from ledger.orders.commands import AssignOrder, HoldOrder, OpenException, RefundOrder
from ledger.people.commands import HandOverShift, RecordAttendance, RequestLeave
from ledger.people.rosters import SetRoster, Shift
from ledger.returns.commands import RequestCase
from ledger.scores.commands import SetBonus
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.prices import PriceSku
from ledger.stock.skus import RegisterSku
from ledger.stock.transfers import Sending, SendTransfer
from ledger.stock.warehouses import OpenWarehouse
from tests.support.builders import (
    CHANNEL,
    HOUSE,
    NOON,
    SHOP,
    costing,
    line,
    opened,
    pay,
    received,
    sell,
    stream,
)
from tests.support.examples import kept
from tests.support.projecting import put
from tests.support.routes import of_api
from tests.support.signing import sign
from tests.support.team import (
    CHEN,
    LI,
    OPENING,
    WANG,
    ZHAO,
    ZHOU,
    appeal,
    at,
    confirm,
    graders,
    propose,
    record,
    reopen,
    seal,
)
from tests.support.web import Web

ABOUT = stream("1")
NUMBERS = ("1", "2", "3")


class Told(NamedTuple):
    """What is confidential: of staff, of what people wrote, of money."""

    offender: str = WANG
    points: str = "2"
    day: str = "2026-09-28"
    minutes: int = 7
    mark: str = "80"
    bonus: str = "1"
    leave: str = "2099-01-05"
    words: str = "去看病"
    phone: str = "13800000001"
    paid_minor: int = 4990
    refund_minor: int = 1010
    postage_minor: int = 0
    undecided: bool = True


STAFF = Told(offender=ZHAO, points="4", day="2026-09-21", minutes=91, mark="70", bonus="2",
             leave="2099-03-09", undecided=False)
"""Other facts of staff."""

WORDS = Told(words="孩子发烧了", phone="13900000002")
"""Other words of people."""

MONEY = Told(paid_minor=5211, refund_minor=1234, postage_minor=221)
"""Other sums."""


def _case(told: Told) -> RequestCase:
    return RequestCase(channel=CHANNEL, shop=SHOP, number="1", currency="CNY", order=ABOUT,
                       kind="refund_only", refund_minor=told.refund_minor, reason="不想要了",
                       occurred_at=NOON + timedelta(days=1))


def _sold(number: str, told: Told) -> list[Any]:
    total = 4990 + told.postage_minor
    return [sell(number, recipient="陈静", phone=told.phone, address="梧桐路 3 号",
                 amounts=costing([line()], total), terms="prepaid"),
            pay(number, amount_minor=told.paid_minor)]


USUAL = Told()


def fill(web: Web, name: str = "main", told: Told = USUAL) -> None:
    """Record the shop in a ledger. What is left of limits does not grow while it is asked for:
    how much would depend on when."""
    ledger = web.ledger(name)
    web.edge.limits.clock = lambda: to_us(NOON)
    put(ledger, opened(), received(quantity=1000, number="M1"), CountStock(
        warehouse=HOUSE, number="C1", occurred_at=NOON,
        counts=[CountLine(sku="SH-001", quantity=1000)]))
    for number in NUMBERS:
        put(ledger, *_sold(number, told))
    put(ledger, _case(told), OpenWarehouse(name="two", occurred_at=NOON),
        RegisterSku(sku="SH-001", occurred_at=NOON),
        PriceSku(sku="SH-001", amount_minor=4990, floor_minor=10, currency="CNY",
                 occurred_at=NOON),
        SendTransfer(number="T1", source=HOUSE, target="two", occurred_at=NOON,
                     lines=[Sending(sku="SH-001", quantity=1)]),
        RefundOrder(order=stream("2"), occurred_at=NOON + timedelta(days=2), reference="R",
                    amount_minor=told.refund_minor, reason="补偿"),
        HoldOrder(order=stream("3"), reason=told.words, occurred_at=NOON + timedelta(hours=1)),
        OpenException(order=ABOUT, exception="E", kind="buyer_remark", note=told.words,
                      occurred_at=NOON + timedelta(hours=1)))
    record(ledger, OPENING)
    put(ledger, AssignOrder(order=ABOUT, owner=LI, occurred_at=NOON + timedelta(hours=2)))
    web.edge.models.catch_up(name)
    sign(ledger, web.edge.models, CHEN, name=name)
    record(ledger, [
        (CHEN, SetRoster(roster="desk", since="2026-01-01", occurred_at=NOON, shifts=[
            Shift(name="early", start="09:00", end="16:30", members=[told.offender])])),
        (told.offender, RequestLeave(member=told.offender, number="L", days=[told.leave],
                                     reason=told.words, occurred_at=NOON)),
        (LI, RecordAttendance(member=told.offender, day=told.day, kind="late",
                              minutes=told.minutes, occurred_at=at("2026-09-29"))),
        (told.offender, HandOverShift(member=told.offender, day="2026-09-28", shift="early",
                                      note=told.words, occurred_at=at("2026-09-29"))),
        (CHEN, propose("1", "RANGE", about=ABOUT, offender=told.offender, note=told.words,
                       day=told.day)),
        (ZHOU, confirm("1", "2026-09-30", points={"offender": told.points})),
        (told.offender, appeal("1", "2026-09-30", reason=told.words)),
        (CHEN, SetBonus(member=told.offender, month="2026-09", post="customer_service",
                        task="extra", points=told.bonus, occurred_at=at("2026-09-30"))),
        *graders(marks={told.offender: told.mark}), (CHEN, seal()),
        (CHEN, reopen(occurred_at=at("2026-10-05"))),
        (LI, propose("2", offender=WANG, occurred_at=at("2026-10-06")) if told.undecided else
         RecordAttendance(member=WANG, day="2026-10-05", kind="left_early", minutes=1,
                          occurred_at=at("2026-10-06")))])
    web.edge.models.catch_up(name)


MOVING = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "ROOT"),
    (re.compile(r"\b([0-9]+):[0-9a-f]{16}\b"), r"\1:MARK"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "HEX"),
    (re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile("person:[A-Za-z0-9_-]+"), "PERSON"),
    (re.compile("key:[0-9a-f]{12}"), "KEY"),
    (re.compile(r"cursor=[A-Za-z0-9_%-]+"), "cursor=CURSOR"),
    (re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{6}Z"), "TIME"),
    (re.compile(r'"(age_minutes|occurred_ms)":[0-9.]+'), r'"\1":0'),
)
"""What differs whenever a shop is made, and what stands for it."""

UNSAID = {"Date", "X-Request-Id"}


def steadied(text: str) -> str:
    """A text in which everything random is a sample."""
    for pattern, sample in MOVING:
        text = pattern.sub(sample, text)
    return text


def said(answer: TestResponse) -> tuple[int, dict[str, str], str]:
    """All that an answer says: status, headers, body."""
    body = answer.text if "sheet" not in answer.content_type else ""
    return (answer.status_code, {name: steadied(value) for name, value in answer.headers.items()
                                 if name not in UNSAID | {"Content-Length"}}, steadied(body))


# -- what is sent ---------------------------------------------------------------------------------

HERE = {
    "栖墨图书旗舰店": SHOP, "QM-001": "SH-001", "QM-002": "SH-001", "hangzhou": HOUSE,
    "ningbo": "two", "member:7f3a": WANG, "member:2c91": ZHAO, "member:b08e": LI,
    "member:5d14": ZHOU, "CS-FEEDBACK": "R1", "CS-MEETING": "FREE"}
"""What the things of the demo are called here."""

IN_PATH = {"order": ABOUT, "case": ABOUT.replace("order:", "case:"), "deduction": "deduction:1",
           "sku": "SH-001", "movement": f"movement:{HOUSE}:1", "month": "2026-09"}


class Sent(NamedTuple):
    """A command as it is sent: the endpoint, the address, the body, the version that was seen, and
    whether it only reads."""

    endpoint: str
    address: str
    body: Any
    seen: dict[str, str]
    reads: bool


def commands(
    web: Web, given: Mapping[str, str] = IN_PATH, ledger: str = "main"
) -> Iterator[Sent]:
    """Every operation that something is sent to, with the body of its example, about what is here
    or what is `given`."""
    described = web.app.extensions["description"].spec["paths"]
    endpoints = {(re.sub("<([^>]*)>", r"{\1}", rule.rule)): rule.endpoint
                 for rule in of_api(web.app) if "POST" in (rule.methods or ())}
    examples = kept()
    store = web.edge.store
    for path, told in described.items():
        example = examples.get(told.get("post", {}).get("operationId"))
        if example is None:
            continue
        named = {**example.get("parameters", {}), **given}
        text = json.dumps(example.get("body", {}), ensure_ascii=False)
        for there, here in HERE.items():
            text = text.replace(there, here)
            named = {name: value.replace(there, here) for name, value in named.items()}
        address = re.sub("{([^}]*)}", lambda found: quote(named[found[1]]), path)  # noqa: B023
        about = next((named[one] for one in re.findall("{([^}]*)}", path)), "")
        version = len(list(store.streams(ledger, [about]))) if ":" in about else 0
        yield Sent(endpoints[path], address, json.loads(text),
                   {"If_Match": f'"{version}"'} if "If-Match" in named else {},
                   example["status"] == 200 and not example["answer"].get("command_id"))
