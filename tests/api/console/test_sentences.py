"""What events say, in sentences of two languages: every type, and every event of the demo."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.console.sentences import SENTENCES, sentence
from ledger.common.days import Days
from ledger.log.store import SUFFIX
from projections.audit.timeline import shown
from tests.support import source
from tests.support.demo import demo_in
from tests.support.sample_events import samples

RAW = re.compile(r"[a-z]+_[a-z]+|\b[a-z]+:[0-9a-z]|‹|\{|\}")
"""A code, a stream, what is masked, and what was left to be filled in."""

ENGLISH = re.compile("[A-Za-z]*[a-z]{2,}[A-Za-z]*")
OWN = {"Asia", "Shanghai"}
TYPES = source.events()


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are in Chinese."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


def row(topic: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row of a timeline, as far as sentences read it."""
    return {"type": topic, "stream": f"{topic.partition('.')[0]}:HZ:1", "actor": "member:1",
            "payload": payload, **more}


def every() -> Iterator[tuple[str, str]]:
    """A sentence of each type for each of its samples, also of one that shows nothing."""
    for topic, event in TYPES.items():
        for payload in ({}, *samples(event)):
            yield topic, sentence(row(topic, payload), currency="CNY")


# -- every type -----------------------------------------------------------------------------------

def test_sentences__are_there_for_every_type_of_event() -> None:
    types = {topic.rpartition(".v")[0] for topic in TYPES}
    assert types == SENTENCES.keys()


def test_sentences__have_no_code_in_them() -> None:
    source.check(f"{topic}: {said!r}" for topic, said in every()
                 if not said or RAW.search(said) or re.search("[一-鿿]|  |, ,", said))


def test_sentences__are_whole_in_chinese(chinese: None) -> None:
    source.check(f"{topic}: {said!r}" for topic, said in every()
                 if not re.search("[一-鿿]", said) or RAW.search(said) or ", " in said
                 or {*ENGLISH.findall(said)} - OWN)


def test_sentences__begin_with_a_capital() -> None:
    source.check(f"{topic}: {said!r}" for topic, said in every()
                 if not said[:1].isupper() and not re.match("[0-9]|member ", said))


# -- the demo -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All events of the demo, those of its keys and readings too."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings:
        store = settings.open_store()
        try:
            return [shown(entry) for name in ("main", f"main{SUFFIX}")
                    for entry in store.read(name, after=0, until=store.head(name).position,
                                            limit=100_000)]
        finally:
            store.close()


SHOPS_OWN = re.compile(r"ExportOrderList\d+\.csv|QM-\d+|demo-\w+|hangzhou|taobao|(member|员工) \w+")
"""Names that the shop gave."""


def test_demo__is_told_without_a_code(demo: list[dict[str, Any]]) -> None:
    assert len(demo) > 2_000
    source.check(f"{event['position']} {event['type']}: {said}" for event in demo
                 for said in [sentence(event, currency="CNY")] if not said or RAW.search(said))


WRITTEN = ("reason", "title", "task", "note")
"""What people wrote: it stands in a sentence as they wrote it."""


def test_demo__is_told_in_chinese(demo: list[dict[str, Any]], chinese: None) -> None:
    def english(event: dict[str, Any]) -> set[str]:
        payload = {name: value for name, value in event["payload"].items() if name not in WRITTEN}
        said = SHOPS_OWN.sub("", sentence({**event, "payload": payload}, currency="CNY"))
        return {*ENGLISH.findall(said)} - OWN

    source.check(f"{event['position']} {event['type']}: {english(event)}" for event in demo
                 if english(event))


# -- what a reader sees ---------------------------------------------------------------------------

@pytest.mark.parametrize(("topic", "payload", "english", "chinese_"), [
    ("order.paid.v1",
     {"amount_minor": 17500, "payments": [{"method": "alipay", "amount_minor": 17500}]},
     "Paid ¥175.00, by Alipay", "付款 ¥175.00，支付宝"),
    ("order.dispatched.v1", {"courier": "韵达快递", "waybill": "YD0000680025275"},
     "Sent by 韵达快递 YD0000680025275", "发货 韵达快递 YD0000680025275"),
    ("stock.counted.v1", {"warehouse": "HZ", "lines": [
        {"sku": "QM-001", "counted": 9, "book": 11, "variance": -2, "bin": "A-01"}]},
     "Counted 9 pieces of QM-001 (bin A-01, 2 missing)",
     "盘点 9 件 QM-001（库位 A-01，少 2 件）"),
    ("stock.moved.v1", {"warehouse": "HZ", "postings": [
        {"account": "stock:HZ:QM-001", "quantity": 1, "from": "available", "to": "damaged",
         "cause": "damage"}]},
     "Moved: 1 piece of QM-001 from available to damaged (found damaged)",
     "库存变动：1 件 QM-001由可用转至残次（残次）"),
    ("month.charged.v1", {"member": "member:2c91", "charge": {
        "rule": "CS-LATE", "points": "1", "breached_on": "2026-09-15"}},
     "Charged 1 point, rule CS-LATE, of 2026-09-15", "扣 1 分，规则 CS-LATE，2026-09-15")])
def test_sentence__says_what_happened(
    topic: str, payload: dict[str, Any], english: str, chinese_: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sentence(row(topic, payload), currency="CNY") == english
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert sentence(row(topic, payload), currency="CNY") == chinese_


def test_sentence__without_a_currency_says_no_amount() -> None:
    paid = row("order.paid.v1", {"amount_minor": 17500})
    assert sentence(paid) == "Paid"
    assert sentence({**paid, "currency": "JPY"}, currency="CNY") == "Paid JPY 17,500"


def test_sentence__says_times_by_the_shops_clock() -> None:
    issued = row("key.expiry_set.v1", {"expires_at": "2026-09-10T17:30:00Z"})
    assert sentence(issued, days=Days("Asia/Shanghai")) == "Key expires on 2026-09-11 01:30"
    assert sentence(issued) == "Key expires on 2026-09-10 17:30"


def test_sentence__names_rules_and_posts_as_the_policies_do() -> None:
    charged = row("month.charged.v1", {"charge": {"rule": "CS-LATE", "points": "2"}})
    assert sentence(charged, names={"CS-LATE": "late reply"}) == (
        "Charged 2 points, rule late reply (CS-LATE)")
    graded = row("month.graded.v1", {"grades": {"1": "2"}, "post": "night_shift"})
    assert sentence(graded, names={"night_shift": "night shift agent"}) == (
        "Graded 1 item, night shift agent")


def test_sentence__says_that_it_corrects_and_what_may_be_read() -> None:
    said = sentence(row("count.corrected.v1", {
        "corrects": {"position": 12, "kind": "did_not_occur"}, "reason": "of order:taobao:P:7"}))
    assert said == "Count taken back, corrects event 12, it did not happen, of order 7"
    assert sentence(row("order.held.v1", {"reason": "‹personal›"})) == "Put on hold"


def test_sentence__leaves_out_who_recorded_it() -> None:
    payload = {"approved_by": "member:1"}
    assert sentence(row("order.approved.v1", payload)) == "Approved"
    assert sentence(row("order.approved.v1", payload, actor="member:2")) == (
        "Approved, signed by member 1")


def test_sentence__of_a_type_that_is_not_known_is_its_name() -> None:
    assert sentence(row("parcel.weighed_twice.v1", {})) == "parcel weighed twice"


def test_sentence__of_many_things_names_the_first() -> None:
    parts = [{"sku": f"A{number}", "each": 1} for number in range(5)]
    assert sentence(row("sku.bundled.v1", {"parts": parts})) == (
        "A bundle of A0 × 1, A1 × 1, A2 × 1 and 2 more")


def test_sentence__keeps_what_people_wrote_as_it_is() -> None:
    said = sentence(row("order.remarked.v1", {"remark": "<script>{x}</script>"}))
    assert said == "Remark: <script>{x}</script>"
